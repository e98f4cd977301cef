"""What a pushbroom imager's packets carry: science lines and ancillary records.

Two APIDs. A *science* packet holds one line of one band, compressed with CCSDS 121.0-B (lossless,
Rice) or as it is where that is smaller; an *ancillary* packet holds the capture's shape, time,
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

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from orbitloom.errors import PacketError

__all__ = [
    "ANCILLARY_APID",
    "SCIENCE_APID",
    "Ancillary",
    "ScienceLine",
    "decode_ancillary",
    "decode_science",
    "encode_ancillary",
    "encode_science",
]

SCIENCE_APID = 0x64
ANCILLARY_APID = 0x65

_SCIENCE = struct.Struct(">IHBBH")  # capture, line, band, coding, columns
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
_RAW, _CCSDS121 = 0, 1
_AEC = {"bitspersample": 16, "blocksize": 32, "rsi": 128}
_AEC_FLAGS = imagecodecs.AEC.FLAG.DATA_PREPROCESS


@dataclass(frozen=True, slots=True, eq=False)
class ScienceLine:
    """One line of one band: digital numbers as the detector read them."""

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


def encode_science(line: ScienceLine) -> bytes:
    """Return the body of a science packet."""
    samples = np.ascontiguousarray(line.dn, dtype="<u2").tobytes()
    packed = imagecodecs.aec_encode(samples, flags=_AEC_FLAGS, **_AEC)
    coding, payload = (_CCSDS121, packed) if len(packed) < len(samples) else (_RAW, samples)
    return _SCIENCE.pack(line.capture, line.line, line.band, coding, line.dn.size) + payload


def decode_science(body: bytes) -> ScienceLine:
    """Return the line that a science body holds.

    Raises
    ------
    PacketError
        If the body is cut, its coding is unknown, or it does not decode to the announced columns.
    """
    if len(body) < _SCIENCE.size:
        raise PacketError(f"{len(body)} octets are too few for a science line ({_SCIENCE.size})")
    capture, line, band, coding, columns = _SCIENCE.unpack_from(body)
    payload = body[_SCIENCE.size :]
    if coding == _CCSDS121:
        try:
            padded = 2 * -(-columns // _AEC["blocksize"]) * _AEC["blocksize"]
            payload = imagecodecs.aec_decode(payload, out=padded, flags=_AEC_FLAGS, **_AEC)
        except (imagecodecs.AecError, ValueError) as error:
            raise PacketError(f"the CCSDS 121 data do not decode: {error}") from None
        if len(payload) == padded:  # the coder fills its last block
            payload = payload[: 2 * columns]
    elif coding != _RAW:
        raise PacketError(f"unknown coding {coding}")
    if len(payload) != 2 * columns:
        raise PacketError(f"{len(payload)} octets decoded, {2 * columns} announced")
    return ScienceLine(capture, line, band, np.frombuffer(payload, dtype="<u2").astype(np.uint16))


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
