"""The fast walk finds what the plain one finds, whatever the stream."""

import numpy as np
import pytest

from orbitloom.scenario import time
from orbitloom.wire.packet_walk import walk
from orbitloom.wire.space_packet import Packet, decode_packet, encode_packet, split_packets

T_NS = time.from_iso("2026-06-14T01:02:03Z")


def packets(rng, count):
    return [
        Packet(
            int(rng.integers(0, 0x7FF)),
            int(rng.integers(0, 1 << 14)),
            T_NS + int(rng.integers(0, 10**15)),
            rng.bytes(int(rng.integers(0, 300))),
        )
        for _ in range(count)
    ]


def both(stream, time_code):
    begin, end, damages = walk(np.frombuffer(stream, np.uint8), time_code)
    fast = [
        decode_packet(stream[a:b], time_code)
        for a, b in zip(begin.tolist(), end.tolist(), strict=True)
    ]
    plain = list(split_packets(stream, time_code))
    found = [item for item in plain if isinstance(item, Packet)]
    return (fast, damages), (found, len(plain) - len(found))


@pytest.mark.parametrize("time_code", ["cds", "cuc"])
@pytest.mark.parametrize("seed", range(12))
def test_the_walks_agree(seed, time_code):
    rng = np.random.default_rng([7, seed])
    sent = packets(rng, 60)
    octets = bytearray(b"".join(encode_packet(one, time_code) for one in sent))
    if seed % 3 == 1:
        for place in rng.integers(0, len(octets), 10 * seed):
            octets[place] ^= int(rng.integers(1, 256))
    if seed % 3 == 2:
        octets = rng.bytes(99) + octets[: -int(rng.integers(1, 200))]
    fast, plain = both(bytes(octets), time_code)
    assert fast == plain
    if seed % 3 == 0:
        assert len(fast[0]) == 60
        assert fast[1] == 0


@pytest.mark.parametrize("stream", [b"", b"\x00", b"\x08\x64\xc0\x00\x00\x00" * 40, b"\xff" * 999])
def test_a_stream_without_packets(stream):
    fast, plain = both(stream, "cds")
    assert fast == plain == ([], int(bool(stream)))


def test_cuc_times_are_right_to_half_a_tick():
    rng = np.random.default_rng(8)
    for packet in packets(rng, 100):
        octets = encode_packet(packet, "cuc")
        assert len(octets) == 6 + 7 + len(packet.body) + 2
        assert int.from_bytes(octets[6:10], "big") == packet.t_ns // time.SECOND_NS
        assert abs(decode_packet(octets, "cuc").t_ns - packet.t_ns) <= 30
