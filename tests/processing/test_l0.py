from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from orbitloom.processing.l0 import reconstruct
from orbitloom.wire.imager import (
    ANCILLARY_APID,
    SCIENCE_APID,
    ScienceLine,
    decode_ancillary,
    encode_ancillary,
    encode_science,
)
from orbitloom.wire.space_packet import Packet, encode_packet


def stream_of(packets):
    return b"".join(encode_packet(packet) for packet in packets)


def over_the_bus(packets, rate, seed):
    """Lose, repeat and displace packets; return the stream, what was lost, and the repetitions."""
    rng = np.random.default_rng(seed)
    count = len(packets)
    lost = rng.random(count) < rate
    displaced = rng.random(count) < rate
    place = np.arange(count) + np.where(displaced, rng.integers(-30, 30, count), 0)
    stream, repeated = [], 0
    for index in np.argsort(place, kind="stable"):
        if not lost[index]:
            again = rng.random() < rate
            stream += [encode_packet(packets[index])] * (1 + again)
            repeated += again
    gone = [(p.apid, p.sequence_count) for p, away in zip(packets, lost, strict=True) if away]
    return b"".join(stream), Counter(gone), repeated


def frames_of(stream, capture):
    return reconstruct(stream, capture.task.capture, *capture.calibration.dark_dn.shape)


def test_a_clean_stream_comes_back_whole(lake):
    frames = frames_of(stream_of(lake.packets), lake)
    assert np.array_equal(frames.dn, lake.dn)
    assert frames.valid.all()
    assert frames.gaps == ()
    assert (frames.packets, frames.duplicates, frames.refused, frames.damaged) == (
        len(lake.packets),
        0,
        0,
        0,
    )


@pytest.mark.parametrize("rate", [1e-3, 5e-2, 0.3])
@pytest.mark.parametrize("seed", range(4))
def test_gaps_equal_the_dropped_packets_and_no_wrong_byte_passes(lake, rate, seed):
    stream, gone, repeated = over_the_bus(lake.packets, rate, seed)
    frames = frames_of(stream, lake)
    assert Counter(frames.gaps) == gone
    assert frames.duplicates == repeated
    assert np.array_equal(frames.dn[frames.valid], lake.dn[frames.valid])
    assert not frames.dn[~frames.valid].any()
    assert int((~frames.valid).sum()) == sum(
        n for (apid, _), n in gone.items() if apid == SCIENCE_APID
    )
    times = [record.t_ns for record in frames.ancillary]
    assert times == sorted(times)


@pytest.mark.parametrize("missing", [[0], [-1], [0, 1, -1]])
def test_lost_ancillary_packets_are_named_at_the_ends_too(lake, missing):
    places = [i for i, packet in enumerate(lake.packets) if packet.apid == ANCILLARY_APID]
    gone = {places[index] for index in missing}
    kept = [packet for i, packet in enumerate(lake.packets) if i not in gone]
    frames = frames_of(stream_of(kept), lake)
    assert Counter(frames.gaps) == Counter(
        (ANCILLARY_APID, lake.packets[index].sequence_count) for index in gone
    )


def test_damaged_octets_are_counted_and_never_used(lake):
    stream = bytearray(stream_of(lake.packets))
    rng = np.random.default_rng(3)
    for position in rng.integers(0, len(stream), 25):
        stream[position] ^= 0x55
    frames = frames_of(bytes(stream), lake)
    assert frames.damaged > 0
    assert np.array_equal(frames.dn[frames.valid], lake.dn[frames.valid])
    arrived = sum(packet.apid == SCIENCE_APID for packet in lake.packets) - int(
        (~frames.valid).sum()
    )
    assert frames.valid.sum() == arrived


def test_a_stream_cut_inside_a_packet_gives_what_is_there(lake):
    stream = stream_of(lake.packets)
    frames = frames_of(stream[: len(stream) // 2 + 1], lake)
    assert frames.damaged == 1
    assert 0 < frames.valid.sum() < frames.valid.size
    assert np.array_equal(frames.dn[frames.valid], lake.dn[frames.valid])


def _science(capture, line, band, columns, count=9_000):
    body = encode_science(ScienceLine(capture, line, band, np.ones(columns, dtype=np.uint16)))
    return Packet(SCIENCE_APID, count, 10**18, body)


@pytest.mark.parametrize(
    "stranger",
    [
        _science(99, 0, 0, 200),
        _science(7, 240, 0, 200),
        _science(7, 0, 4, 200),
        _science(7, 0, 0, 199),
        _science(7, 0, 0, 200),  # a line that is there already, and differs
        Packet(0x123, 1, 10**18, b"housekeeping"),
        Packet(SCIENCE_APID, 1, 10**18, b"\x00"),
        Packet(ANCILLARY_APID, 1, 10**18, b"short"),
    ],
    ids=["capture", "line", "band", "columns", "twice", "apid", "science body", "ancillary body"],
)
def test_packets_that_contradict_are_refused(lake, stranger):
    packets = [*lake.packets, stranger]
    frames = frames_of(stream_of(packets), lake)
    assert frames.refused == 1
    assert np.array_equal(frames.dn, lake.dn)
    assert frames.gaps == ()


def test_ancillary_records_of_another_shape_are_outvoted(lake):
    first = next(packet for packet in lake.packets if packet.apid == ANCILLARY_APID)
    record = decode_ancillary(first.body)
    strangers = [
        replace(record, lines=50),
        replace(record, columns=60_000),
        replace(record, bands=200),
        replace(record, capture=8),
        replace(record, line_period_ns=0),
    ]
    packets = [
        Packet(ANCILLARY_APID, 9_000 + i, stranger.t_ns + i, encode_ancillary(stranger))
        for i, stranger in enumerate(strangers)
    ]
    frames = frames_of(stream_of(lake.packets + packets), lake)
    assert frames.refused == len(strangers)
    assert np.array_equal(frames.dn, lake.dn)


@pytest.mark.parametrize("stream", [b"", b"\x00" * 1000, b"not a packet at all"])
def test_nothing_of_use_gives_empty_frames(lake, stream):
    frames = frames_of(stream, lake)
    assert frames.dn.shape == (4, 0, 200)
    assert frames.ancillary == ()
    assert frames.gaps == ()
