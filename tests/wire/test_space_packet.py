"""Space packets, judged by the standard's own numbers and by ccsdspy."""

import io
from datetime import date

import ccsdspy
import numpy as np
import pytest

from orbitloom.errors import PacketError
from orbitloom.scenario import time
from orbitloom.wire.space_packet import (
    ENVELOPE_BYTES,
    IDLE_APID,
    MAX_BODY_BYTES,
    SEQUENCE_MODULUS,
    Damage,
    Packet,
    decode_packet,
    encode_packet,
    split_packets,
)

T_NS = time.from_iso("2026-06-14T01:02:03Z") + 456_789_123


def crc16(octets):
    """CRC-16 of CCSDS 232.0-B, 4.1.4.2, bit by bit: a referee slow enough to be trusted."""
    register = 0xFFFF
    for octet in octets:
        for bit in range(7, -1, -1):
            out = register >> 15 ^ octet >> bit & 1
            register = register << 1 & 0xFFFF
            if out:
                register ^= 0x1021
    return register


def some_packets(count, rng):
    return [
        Packet(
            int(rng.integers(0, IDLE_APID)),
            int(rng.integers(0, SEQUENCE_MODULUS)),
            T_NS + int(rng.integers(0, 10 * time.DAY_NS)),
            rng.bytes(int(rng.integers(0, 300))),
        )
        for _ in range(count)
    ]


def test_the_referee_crc_knows_the_published_check_value():
    assert crc16(b"123456789") == 0x29B1


def test_primary_header_is_that_of_ccsds_133():
    octets = encode_packet(Packet(0x64, 0x1234, T_NS, b"\x01\x02\x03"))
    # 4.1.3: version 000, type 0 (telemetry), secondary header 1, APID 00001100100
    assert octets[0:2].hex() == "0864"
    # sequence flags 11 (unsegmented), count 01001000110100
    assert octets[2:4].hex() == "d234"
    # data length: octets after the primary header, less one: 10 time + 3 body + 2 checksum - 1
    assert octets[4:6].hex() == "000e"
    assert len(octets) == 6 + 14 + 1
    assert int.from_bytes(octets[-2:], "big") == crc16(octets[:-2])


def test_time_code_is_that_of_ccsds_301():
    octets = encode_packet(Packet(0x64, 0, T_NS, b""))
    day = (date(2026, 6, 14) - date(1958, 1, 1)).days
    ms = (1 * 3600 + 2 * 60 + 3) * 1000 + 456
    ps = 789_123_000
    assert octets[6:8] == day.to_bytes(2, "big")
    assert octets[8:12] == ms.to_bytes(4, "big")
    assert octets[12:16] == ps.to_bytes(4, "big")


def test_round_trip():
    for packet in some_packets(300, np.random.default_rng(1)):
        assert decode_packet(encode_packet(packet)) == packet


def test_the_longest_body_and_no_longer():
    longest = Packet(1, 2, T_NS, bytes(MAX_BODY_BYTES))
    octets = encode_packet(longest)
    assert octets[4:6] == b"\xff\xff"
    assert decode_packet(octets) == longest
    with pytest.raises(PacketError, match="exceeds"):
        encode_packet(Packet(1, 2, T_NS, bytes(MAX_BODY_BYTES + 1)))


@pytest.mark.parametrize(
    ("apid", "count"), [(-1, 0), (IDLE_APID, 0), (5, -1), (5, SEQUENCE_MODULUS)]
)
def test_fields_that_do_not_fit_are_refused(apid, count):
    with pytest.raises(PacketError, match="fit"):
        encode_packet(Packet(apid, count, T_NS, b""))


def test_every_flipped_bit_is_noticed():
    octets = bytearray(encode_packet(Packet(0x64, 7, T_NS, b"twelve octets")))
    for bit in range(8 * len(octets)):
        octets[bit // 8] ^= 1 << bit % 8
        with pytest.raises(PacketError):
            decode_packet(bytes(octets))
        octets[bit // 8] ^= 1 << bit % 8


def test_other_kinds_of_packets_are_refused():
    head = bytes.fromhex("1864c000000e")  # a telecommand
    content = head + bytes(13)
    with pytest.raises(PacketError, match="telemetry"):
        decode_packet(content + crc16(content).to_bytes(2, "big"))


def test_ccsdspy_reads_the_same():
    packets = [
        Packet(
            0x64, count, T_NS + count * 1_407_000, np.random.default_rng(count).bytes(40 + count)
        )
        for count in range(200)
    ]
    stream = b"".join(map(encode_packet, packets))
    layout = ccsdspy.VariableLength(
        [
            ccsdspy.PacketField("DAY", "uint", 16),
            ccsdspy.PacketField("MS", "uint", 32),
            ccsdspy.PacketField("PS", "uint", 32),
            ccsdspy.PacketArray(name="BODY", data_type="uint", bit_length=8, array_shape="expand"),
            ccsdspy.PacketField("CRC", "uint", 16),
        ]
    )
    read = layout.load(io.BytesIO(stream), include_primary_header=True)
    assert len(read["CCSDS_APID"]) == len(packets)
    for i, packet in enumerate(packets):
        octets = encode_packet(packet)
        assert read["CCSDS_VERSION_NUMBER"][i] == 0
        assert read["CCSDS_PACKET_TYPE"][i] == 0
        assert read["CCSDS_SECONDARY_FLAG"][i] == 1
        assert read["CCSDS_APID"][i] == packet.apid
        assert read["CCSDS_SEQUENCE_FLAG"][i] == 3
        assert read["CCSDS_SEQUENCE_COUNT"][i] == packet.sequence_count
        assert read["CCSDS_PACKET_LENGTH"][i] == len(octets) - 7
        assert bytes(read["BODY"][i].astype(np.uint8)) == packet.body
        assert read["CRC"][i] == crc16(octets[:-2])
        days = int(read["DAY"][i]) - (date(1970, 1, 1) - date(1958, 1, 1)).days
        t_ns = days * time.DAY_NS + int(read["MS"][i]) * 1_000_000 + int(read["PS"][i]) // 1000
        assert t_ns == packet.t_ns


def test_a_sound_stream_gives_its_packets_in_order():
    packets = some_packets(100, np.random.default_rng(2))
    assert list(split_packets(b"".join(map(encode_packet, packets)))) == packets
    assert list(split_packets(b"")) == []


def test_a_stream_cut_anywhere_gives_the_whole_packets_before_the_cut():
    packets = some_packets(6, np.random.default_rng(3))
    octets = [encode_packet(packet) for packet in packets]
    ends = np.cumsum([len(one) for one in octets])
    stream = b"".join(octets)
    for cut in range(len(stream) + 1):
        found = list(split_packets(stream[:cut]))
        whole = int(np.searchsorted(ends, cut, side="right"))
        assert [item for item in found if isinstance(item, Packet)] == packets[:whole]
        ragged = cut not in {0, *ends.tolist()}
        assert len(found) == whole + ragged
        if ragged:
            assert found[-1].offset == (ends[whole - 1] if whole else 0)


def test_a_damaged_packet_costs_itself_alone():
    rng = np.random.default_rng(4)
    packets = some_packets(20, rng)
    octets = [encode_packet(packet) for packet in packets]
    for hurt in range(len(packets)):
        for place in (0, 2, 5, 9, len(octets[hurt]) - 1):  # headers, length, time, checksum
            broken = bytearray(octets[hurt])
            broken[place] ^= 0x15
            stream = b"".join([*octets[:hurt], bytes(broken), *octets[hurt + 1 :]])
            found = list(split_packets(stream))
            assert [p for p in found if isinstance(p, Packet)] == [
                packet for i, packet in enumerate(packets) if i != hurt
            ]
            offset = sum(map(len, octets[:hurt]))
            assert [d.offset for d in found if isinstance(d, Damage)] == [offset]


def test_noise_between_packets_is_walked_over():
    rng = np.random.default_rng(5)
    packets = some_packets(30, rng)
    stream = rng.bytes(999)
    for packet in packets:
        stream += encode_packet(packet) + rng.bytes(int(rng.integers(0, 40)))
    found = list(split_packets(stream))
    assert [item for item in found if isinstance(item, Packet)] == packets
    assert found[0] == Damage(0, found[0].reason)


def test_no_wrong_packet_comes_out_of_a_corrupt_stream():
    for seed in range(40):
        rng = np.random.default_rng([6, seed])
        packets = some_packets(40, rng)
        octets = np.frombuffer(b"".join(map(encode_packet, packets)), np.uint8).copy()
        hits = rng.integers(0, len(octets), 15)
        octets[hits] ^= rng.integers(1, 256, 15).astype(np.uint8)
        found = [p for p in split_packets(octets.tobytes()) if isinstance(p, Packet)]
        assert len(found) >= 40 - 2 * 15
        remaining = iter(packets)
        assert all(any(packet == sent for sent in remaining) for packet in found)


def test_the_envelope_is_what_an_empty_packet_weighs():
    assert len(encode_packet(Packet(1, 1, T_NS, b""))) == ENVELOPE_BYTES == 18
