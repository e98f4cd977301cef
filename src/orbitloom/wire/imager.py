"""What a pushbroom imager's packets carry: science lines and ancillary records.

Two APIDs. A *science* packet holds one line of one band, or one line of all bands, as the imager's
`PacketLayout` says: compressed with CCSDS 121.0-B (lossless, Rice), packed, or as it is. An
*ancillary* packet is the platform's and the same for all imagers: the capture's shape, time,
position, velocity, attitude and detector temperature. Science packets go out line by line and, in
a line, band by band; ancillary packets at an even cadence, from one before the first line to the
end of the last. So whoever counts knows which are missing, the first and last included. Position,
velocity and attitude are the navigation solution in the Earth-fixed frame (ITRF), as a GNSS
receiver and a star tracker with on-board Earth rotation deliver it.

Body frame: x forward (line direction), y to the right of it when looking ahead with z down,
z along the boresight (nadir at rest). Column c of N looks along (0, tan(a), 1) with
a = (c - (N-1)/2) * ifov.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orbitloom.errors import PacketError
from orbitloom.scenario.hardware import PacketLayout
from orbitloom.wire.rice import BLOCK, INTERVAL, SPARE_BYTES, read_coded
from orbitloom.wire.rice_encode import encode_coded

__all__ = [
    "AEC",
    "ANCILLARY_APID",
    "CCSDS121",
    "PLAIN",
    "SCIENCE_APID",
    "Ancillary",
    "ScienceLine",
    "decode_ancillary",
    "decode_science",
    "encode_ancillary",
    "encode_science",
    "header_bytes",
]

_USUAL = PacketLayout()
SCIENCE_APID = _USUAL.science_apid
ANCILLARY_APID = _USUAL.ancillary_apid

PLAIN, CCSDS121 = 0, 1
"""What a header's coding field says of samples that may be compressed."""
AEC = {"blocksize": BLOCK, "rsi": INTERVAL}
"""CCSDS 121.0-B: samples in a block, and blocks in a reference sample interval."""

_ANCILLARY = struct.Struct(">IHHBBqqI3d3d4df")
_SHAPE_AND_TIMES = (
    "capture",
    "lines",
    "columns",
    "bands",
    "bits",
    "t_ns",
    "first_line_ns",
    "line_period_ns",
)


@dataclass(frozen=True, slots=True, eq=False)
class ScienceLine:
    """One line of one band: digital numbers as the detector read them.

    `dn` is (columns,), or (bands, columns) where a packet holds a line of all bands; then `band` is
    0.
    """

    capture: int
    line: int
    band: int
    dn: NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Ancillary:
    """The capture's shape and where the instrument was at the packet's time.

    `attitude` is a unit quaternion (w, x, y, z) that turns body vectors into the Earth-fixed frame.
    `first_line_ns` is the exposure time of line 0; line i is exposed at
    ``first_line_ns + i * line_period_ns``.
    """

    capture: int
    lines: int
    columns: int
    bands: int
    bits: int
    t_ns: int
    first_line_ns: int
    line_period_ns: int
    position_ecef_m: tuple[float, float, float]
    velocity_ecef_m_s: tuple[float, float, float]
    attitude: tuple[float, float, float, float]
    detector_c: float


def encode_science(line: ScienceLine, layout: PacketLayout = _USUAL) -> bytes:
    """Return the body of a science packet.

    A number that is larger than its header field goes out modulo the field's size, as a counter
    in hardware does.
    """
    coding, payload = _code(line.dn, layout)
    values = {
        "capture": line.capture,
        "line": line.line,
        "band": line.band,
        "coding": coding,
        "columns": line.dn.shape[-1],
        "spare": 0,
    }
    head = 0
    for name, bits in layout.fields:
        head = head << bits | values[name] & ((1 << bits) - 1)
    return head.to_bytes(header_bytes(layout), "big") + payload


def _code(dn: NDArray[np.uint16], layout: PacketLayout) -> tuple[int, bytes]:
    """Return the coding and the samples so coded."""
    if layout.coding == "raw16":
        return PLAIN, dn.astype(">u2").tobytes()
    if layout.coding == "packed":
        return PLAIN, _pack(dn.ravel(), layout.sample_bits)
    packed = encode_coded(dn.ravel(), layout.sample_bits)
    can_choose = any(name == "coding" for name, _ in layout.fields)
    if can_choose and len(packed) >= 2 * dn.size:
        return PLAIN, dn.astype("<u2").tobytes()
    return CCSDS121, packed


def _pack(samples: NDArray[np.uint16], bits: int) -> bytes:
    """Return the lowest bits of each sample, most significant first, filled up to an octet."""
    each = samples.astype(">u2").view(np.uint8).reshape(-1, 2)
    return np.packbits(np.unpackbits(each, axis=1)[:, 16 - bits :]).tobytes()


def _unpack(payload: bytes, count: int, bits: int) -> NDArray[np.uint16]:
    each = np.unpackbits(np.frombuffer(payload, np.uint8), count=count * bits)
    full = np.zeros((count, 16), np.uint8)
    full[:, 16 - bits :] = each.reshape(count, bits)
    return np.packbits(full, axis=1).view(">u2")[:, 0].astype(np.uint16)


def header_bytes(layout: PacketLayout) -> int:
    """Return how many octets come before the samples."""
    return sum(bits for _, bits in layout.fields) // 8


def decode_science(
    body: bytes, layout: PacketLayout = _USUAL, *, columns: int = 0, bands: int = 1
) -> ScienceLine:
    """Return the line that a science body holds.

    Parameters
    ----------
    body, layout
        The octets, and how they are laid out.
    columns
        Of the imager, for a layout whose header does not say it.
    bands
        Of the imager, for a layout with all bands in a packet.

    Raises
    ------
    PacketError
        If the body is cut, its coding is unknown, or it does not decode to the announced columns.
    """
    size = header_bytes(layout)
    if len(body) < size:
        raise PacketError(f"{len(body)} octets are too few for a science line ({size})")
    head = int.from_bytes(body[:size], "big")
    told = {
        "capture": 0,
        "band": 0,
        "coding": CCSDS121 if layout.coding == "ccsds121" else PLAIN,
        "columns": columns,
    }
    for name, bits in reversed(layout.fields):
        told[name] = head & ((1 << bits) - 1)
        head >>= bits
    shape = (bands, told["columns"]) if layout.interleave == "line" else (told["columns"],)
    samples = _decode(body[size:], told["coding"], int(np.prod(shape)), layout)
    return ScienceLine(told["capture"], told["line"], told["band"], samples.reshape(shape))


def _decode(payload: bytes, coding: int, count: int, layout: PacketLayout) -> NDArray[np.uint16]:
    """Return that many samples."""
    if coding == CCSDS121 and layout.coding == "ccsds121":
        octets = np.frombuffer(payload + bytes(SPARE_BYTES), np.uint8)
        samples = np.empty(-(-count // BLOCK) * BLOCK, np.uint16)  # the coder fills its last block
        if not read_coded(octets, len(payload), layout.sample_bits, samples):
            raise PacketError(f"the CCSDS 121 data do not decode to {count} samples")
        return samples[:count]
    if coding != PLAIN:
        raise PacketError(f"unknown coding {coding}")
    expected = -(-count * layout.sample_bits // 8) if layout.coding == "packed" else 2 * count
    if len(payload) != expected:
        raise PacketError(f"{len(payload)} octets decoded, {expected} announced")
    if layout.coding == "packed":
        return _unpack(payload, count, layout.sample_bits)
    order = ">u2" if layout.coding == "raw16" else "<u2"
    return np.frombuffer(payload, dtype=order).astype(np.uint16)


def encode_ancillary(record: Ancillary) -> bytes:
    """Return the body of an ancillary packet."""
    return _ANCILLARY.pack(
        record.capture,
        record.lines,
        record.columns,
        record.bands,
        record.bits,
        record.t_ns,
        record.first_line_ns,
        record.line_period_ns,
        *record.position_ecef_m,
        *record.velocity_ecef_m_s,
        *record.attitude,
        record.detector_c,
    )


def decode_ancillary(body: bytes) -> Ancillary:
    """Return the record that an ancillary body holds.

    Raises
    ------
    PacketError
        If the body has another size, or a number in it is not finite.
    """
    if len(body) != _ANCILLARY.size:
        raise PacketError(f"{len(body)} octets are not an ancillary record ({_ANCILLARY.size})")
    values: tuple[Any, ...] = _ANCILLARY.unpack(body)
    if not all(map(math.isfinite, values[8:])):
        raise PacketError("an ancillary record holds a number that is not finite")
    shape = dict(zip(_SHAPE_AND_TIMES, values[:8], strict=True))
    return Ancillary(
        **shape,
        position_ecef_m=values[8:11],
        velocity_ecef_m_s=values[11:14],
        attitude=values[14:18],
        detector_c=values[18],
    )
