"""L0: from a packet stream to frames in time order, every gap flagged.

The stream may have lost, repeated and reordered packets. Nothing is guessed here: a line that did
not arrive stays zero and is marked invalid, and bytes that fail a check are counted, never used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from orbitloom.errors import PacketError
from orbitloom.scenario.hardware import PacketLayout
from orbitloom.wire.ais import AIS_APID
from orbitloom.wire.imager import (
    AEC,
    CCSDS121,
    PLAIN,
    Ancillary,
    decode_ancillary,
    header_bytes,
)
from orbitloom.wire.nmea import decode_ais_body
from orbitloom.wire.packet_walk import walk
from orbitloom.wire.rice import SPARE_BYTES, read_coded, read_packed
from orbitloom.wire.space_packet import SEQUENCE_MODULUS, time_code_bytes

__all__ = ["Frames", "reconstruct"]


_USUAL = PacketLayout()
_LITTLE, _BIG, _PACKED, _CODED, _UNKNOWN = range(5)  # how a packet's samples are held
_LONGEST_BODY = 65_536
_PRIMARY_BYTES, _CRC_BYTES = 6, 2
_BLOCK = AEC["blocksize"]


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
    sentences
        What an AIS receiver heard: when (ns), and the sentence; in the order heard.
    """

    dn: NDArray[np.uint16]
    valid: NDArray[np.bool_]
    ancillary: tuple[Ancillary, ...]
    packets: int
    duplicates: int
    refused: int
    damaged: int
    gaps: tuple[tuple[int, int], ...]
    sentences: tuple[tuple[int, bytes], ...] = ()


def reconstruct(
    stream: bytes, capture: int, bands: int, columns: int, layout: PacketLayout = _USUAL
) -> Frames:
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
    layout
        How the instrument's packets are laid out.

    Returns
    -------
    Frames
        Without any ancillary record the number of lines is unknown and there are none.
    """
    octets = np.frombuffer(stream, np.uint8)
    begin, end, damaged = walk(octets, layout.time_code)
    time_bytes = time_code_bytes(layout.time_code)
    apid, count, first_time = _headers(octets, begin, time_bytes)
    arrived = begin.size
    begin, end = (offsets[first_time] for offsets in (begin, end))
    apid, count = apid[first_time], count[first_time]
    body, body_end = begin + _PRIMARY_BYTES + time_bytes, end - _CRC_BYTES

    def bodies(of: int) -> Iterable[tuple[int, bytes]]:
        for index in np.flatnonzero(apid == of).tolist():
            yield int(count[index]), stream[body[index] : body_end[index]]

    known = (apid == layout.science_apid) | (apid == layout.ancillary_apid) | (apid == AIS_APID)
    refused = int(np.count_nonzero(~known))
    records: list[tuple[int, Ancillary]] = []
    for number, content in bodies(layout.ancillary_apid):
        record = _ancillary(content, capture, bands, columns)
        if record is None:
            refused += 1
        else:
            records.append((number, record))
    heard: list[tuple[int, int, bytes]] = []
    for number, content in bodies(AIS_APID):
        try:
            t_ns, sentence = decode_ais_body(content)
            heard.append((t_ns, number, sentence))
        except PacketError:
            refused += 1
    shapes = Counter(_timing(record) for _, record in records)
    shape = min(shapes, key=lambda each: (-shapes[each], each), default=(0, 0, 0))
    agreeing = [(count, record) for count, record in records if _timing(record) == shape]
    refused += len(records) - len(agreeing)
    agreeing.sort(key=lambda each: each[1].t_ns)

    lines = shape[0]
    dn = np.zeros((bands, lines, columns), dtype=np.uint16)
    valid = np.zeros((bands, lines), dtype=np.bool_)
    science = np.flatnonzero(apid == layout.science_apid)
    told = _science_headers(octets, body[science], body_end[science], layout)
    told.setdefault("columns", np.full(science.size, columns))
    together = layout.interleave == "line"
    fits = (told["line"] < lines) & (told["columns"] == columns) & (told["size"] >= 0)
    band = np.zeros_like(told["line"]) if together else told["band"]
    fits &= band < bands
    if "capture" in told:
        fits &= told["capture"] == capture & ((1 << dict(layout.fields)["capture"]) - 1)
    used = np.zeros(science.size, np.bool_)
    _fill_lines(
        octets,
        body[science] + header_bytes(layout),
        told["size"],
        _held(told, layout),
        fits,
        told["line"],
        band,
        bands if together else 1,
        layout.sample_bits,
        dn,
        valid,
        used,
    )
    refused += int(np.count_nonzero(~used))
    in_line = 1 if together else bands
    place = told["line"] * in_line + band
    first_counts = Counter(((count[science] - place)[used] % SEQUENCE_MODULUS).tolist())
    gaps = (
        *_science_gaps(valid[:in_line], first_counts, layout.science_apid),
        *_ancillary_gaps(agreeing, shape, layout.ancillary_apid),
    )
    return Frames(
        dn=dn,
        valid=valid,
        ancillary=tuple(record for _, record in agreeing),
        packets=arrived,
        duplicates=arrived - begin.size,
        refused=refused,
        damaged=damaged,
        gaps=gaps,
        sentences=tuple((t_ns, sentence) for t_ns, _, sentence in sorted(heard)),
    )


def _headers(
    octets: NDArray[np.uint8], begin: NDArray[np.int64], time_bytes: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return APIDs and sequence counts, and which packets came for the first time, in order."""
    places = np.r_[0:4, _PRIMARY_BYTES : _PRIMARY_BYTES + time_bytes]
    heads = octets[begin[:, None] + places]
    apid = (heads[:, 0].astype(np.int64) & 0x07) << 8 | heads[:, 1]
    count = (heads[:, 2].astype(np.int64) & 0x3F) << 8 | heads[:, 3]
    keys = heads.view(f"V{places.size}")[:, 0]
    return apid, count, np.sort(np.unique(keys, return_index=True)[1])


def _science_headers(
    octets: NDArray[np.uint8],
    begin: NDArray[np.int64],
    end: NDArray[np.int64],
    layout: PacketLayout,
) -> dict[str, NDArray[np.int64]]:
    """Return the fields of science headers, and the size of the samples; -1 if a body is cut."""
    length = header_bytes(layout)
    whole = end - begin >= length
    heads = octets[np.where(whole, begin, 0)[:, None] + np.arange(length)].astype(np.int64)
    told = {"size": np.where(whole, end - begin - length, -1)}
    bit = 0
    for name, bits in layout.fields:
        value = np.zeros(begin.size, np.int64)
        last = (bit + bits - 1) // 8
        for place in range(bit // 8, last + 1):
            value = value << 8 | heads[:, place]
        bit += bits
        told[name] = value >> (8 * (last + 1) - bit) & ((1 << bits) - 1)
    return told


def _held(told: dict[str, NDArray[np.int64]], layout: PacketLayout) -> NDArray[np.int64]:
    """Return how each packet holds its samples."""
    if layout.coding == "ccsds121":
        coding = told.get("coding", np.full(told["size"].size, CCSDS121))
        return np.select([coding == PLAIN, coding == CCSDS121], [_LITTLE, _CODED], _UNKNOWN)
    coding = told.get("coding", np.full(told["size"].size, PLAIN))
    return np.where(coding == PLAIN, _PACKED if layout.coding == "packed" else _BIG, _UNKNOWN)


@njit(cache=True, nogil=True)
def _fill_lines(
    octets: NDArray[np.uint8],
    begin: NDArray[np.int64],
    size: NDArray[np.int64],
    held: NDArray[np.int64],
    fits: NDArray[np.bool_],
    line: NDArray[np.int64],
    band: NDArray[np.int64],
    parts: int,
    sample_bits: int,
    dn: NDArray[np.uint16],
    valid: NDArray[np.bool_],
    used: NDArray[np.bool_],
) -> None:
    """Decode packet after packet to its place, the first that comes for it; mark which were used.

    A packet holds `parts` bands of a line, from `band` on.
    """
    columns = dn.shape[2]
    count = parts * columns
    samples = np.empty(-(-count // _BLOCK) * _BLOCK, np.uint16)
    room = np.zeros(_LONGEST_BODY + SPARE_BYTES, np.uint8)
    for index in range(begin.size):
        if not fits[index] or valid[band[index], line[index]]:
            continue
        start, length, way = begin[index], size[index], held[index]
        if way == _CODED:
            room[:length] = octets[start : start + length]
            good = read_coded(room, length, sample_bits, samples)
        elif way == _PACKED:
            room[:length] = octets[start : start + length]
            good = read_packed(room, length, sample_bits, samples[:count])
        else:
            good = way != _UNKNOWN and length == 2 * count
            if good:
                high = 0 if way == _BIG else 1
                for place in range(count):
                    at = start + 2 * place
                    samples[place] = np.uint16(octets[at + high]) << 8 | octets[at + 1 - high]
        if not good:
            continue
        for part in range(parts):
            first = part * columns
            dn[band[index] + part, line[index]] = samples[first : first + columns]
            valid[band[index] + part, line[index]] = True
        used[index] = True


def _ancillary(body: bytes, capture: int, bands: int, columns: int) -> Ancillary | None:
    try:
        record = decode_ancillary(body)
    except PacketError:
        return None
    fits = record.capture == capture and record.bands == bands and record.columns == columns
    return record if fits and record.lines > 0 and record.line_period_ns > 0 else None


def _timing(record: Ancillary) -> tuple[int, int, int]:
    return record.lines, record.first_line_ns, record.line_period_ns


def _science_gaps(
    valid: NDArray[np.bool_], first_counts: Counter[int], apid: int
) -> Iterable[tuple[int, int]]:
    """Name the missing science packets: the imager sends line by line, in it band by band."""
    if not first_counts:
        return ()
    first = first_counts.most_common(1)[0][0]
    missing = np.flatnonzero(~valid.T)
    return ((apid, (first + int(place)) % SEQUENCE_MODULUS) for place in missing)


def _ancillary_gaps(
    records: list[tuple[int, Ancillary]], shape: tuple[int, int, int], apid: int
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
        (apid, (first_count + place) % SEQUENCE_MODULUS)
        for place in range(-1, last + 1)
        if place not in arrived
    )
