"""L0: from a packet stream to frames in time order, every gap flagged.

The stream may have lost, repeated and reordered packets. Nothing is guessed here: a line that did
not arrive stays zero and is marked invalid, and bytes that fail a check are counted, never used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orbitloom.errors import PacketError
from orbitloom.wire.imager import (
    ANCILLARY_APID,
    SCIENCE_APID,
    Ancillary,
    decode_ancillary,
    decode_science,
)
from orbitloom.wire.space_packet import SEQUENCE_MODULUS, Packet, split_packets

__all__ = ["Frames", "reconstruct"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frames:
    """One capture as the instrument read it.

    Attributes
    ----------
    dn
        (bands, lines, columns) uint16; zero where nothing arrived.
    valid
        (bands, lines) bool; false where nothing arrived.
    ancillary
        In time order.
    packets
        Packets that passed their checksum.
    duplicates
        Of these, repetitions.
    refused
        Of these, packets of another capture, of an unknown APID, or that contradict the capture's
        shape.
    damaged
        Stretches of the stream that are no packet.
    gaps
        (APID, sequence count) of every packet that is missing, in order.
    """

    dn: NDArray[np.uint16]
    valid: NDArray[np.bool_]
    ancillary: tuple[Ancillary, ...]
    packets: int
    duplicates: int
    refused: int
    damaged: int
    gaps: tuple[tuple[int, int], ...]


def reconstruct(stream: bytes, capture: int, bands: int, columns: int) -> Frames:
    """Return the frames of a capture from its packets.

    Parameters
    ----------
    stream
        Packets one after another, as they came over the bus.
    capture
        The capture that was asked for; packets of any other are refused.
    bands, columns
        Shape of the instrument; packets that announce another are refused. The number of lines is
        what most of the ancillary records say.

    Returns
    -------
    Frames
        Without any ancillary record the number of lines is unknown and there are none.
    """
    packets: list[Packet] = []
    seen: set[tuple[int, int, int]] = set()
    damaged = duplicates = refused = 0
    for item in split_packets(stream):
        if not isinstance(item, Packet):
            damaged += 1
            continue
        key = (item.apid, item.sequence_count, item.t_ns)
        if key in seen:
            duplicates += 1
            continue
        seen.add(key)
        packets.append(item)

    records: list[tuple[int, Ancillary]] = []
    for packet in packets:
        if packet.apid == ANCILLARY_APID:
            record = _ancillary(packet, capture, bands, columns)
            if record is None:
                refused += 1
            else:
                records.append((packet.sequence_count, record))
        elif packet.apid != SCIENCE_APID:
            refused += 1
    shapes = Counter(_timing(record) for _, record in records)
    shape = min(shapes, key=lambda each: (-shapes[each], each), default=(0, 0, 0))
    agreeing = [(count, record) for count, record in records if _timing(record) == shape]
    refused += len(records) - len(agreeing)
    agreeing.sort(key=lambda each: each[1].t_ns)

    lines = shape[0]
    dn = np.zeros((bands, lines, columns), dtype=np.uint16)
    valid = np.zeros((bands, lines), dtype=np.bool_)
    first_counts: Counter[int] = Counter()
    for packet in packets:
        if packet.apid != SCIENCE_APID:
            continue
        try:
            science = decode_science(packet.body)
        except PacketError:
            refused += 1
            continue
        fits = (
            science.capture == capture
            and science.band < bands
            and science.line < lines
            and science.dn.size == columns
        )
        if not fits or valid[science.band, science.line]:
            refused += 1
            continue
        dn[science.band, science.line] = science.dn
        valid[science.band, science.line] = True
        place = science.line * bands + science.band
        first_counts[(packet.sequence_count - place) % SEQUENCE_MODULUS] += 1
    gaps = (
        *_science_gaps(valid, first_counts),
        *_ancillary_gaps(agreeing, shape),
    )
    return Frames(
        dn=dn,
        valid=valid,
        ancillary=tuple(record for _, record in agreeing),
        packets=len(packets) + duplicates,
        duplicates=duplicates,
        refused=refused,
        damaged=damaged,
        gaps=gaps,
    )


def _ancillary(packet: Packet, capture: int, bands: int, columns: int) -> Ancillary | None:
    try:
        record = decode_ancillary(packet.body)
    except PacketError:
        return None
    fits = record.capture == capture and record.bands == bands and record.columns == columns
    return record if fits and record.lines > 0 and record.line_period_ns > 0 else None


def _timing(record: Ancillary) -> tuple[int, int, int]:
    return record.lines, record.first_line_ns, record.line_period_ns


def _science_gaps(
    valid: NDArray[np.bool_], first_counts: Counter[int]
) -> Iterable[tuple[int, int]]:
    """Name the missing science packets: the imager sends line by line, in it band by band."""
    if not first_counts:
        return ()
    first = first_counts.most_common(1)[0][0]
    missing = np.flatnonzero(~valid.T)
    return ((SCIENCE_APID, (first + int(place)) % SEQUENCE_MODULUS) for place in missing)


def _ancillary_gaps(
    records: list[tuple[int, Ancillary]], shape: tuple[int, int, int]
) -> Iterable[tuple[int, int]]:
    """Name the missing ancillary packets.

    They come at an even cadence, from one before the first line to the end of the last.
    """
    if len(records) < 2:
        return ()
    lines, first_line_ns, line_period_ns = shape
    times_ns = np.array([record.t_ns for _, record in records])
    counts = np.array([count for count, _ in records])
    steps = np.diff(counts) % SEQUENCE_MODULUS
    cadence_ns = int(np.median(np.diff(times_ns) // np.maximum(steps, 1)))
    places = (times_ns - first_line_ns) // max(cadence_ns, 1)
    last = -(-lines * line_period_ns // max(cadence_ns, 1))
    arrived = set(places.tolist())
    first_count = int(counts[0] - places[0])
    return (
        (ANCILLARY_APID, (first_count + place) % SEQUENCE_MODULUS)
        for place in range(-1, last + 1)
        if place not in arrived
    )
