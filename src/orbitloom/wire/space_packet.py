"""CCSDS space packets: CCSDS 133.0-B-2, with the time code and checksum that Orbitloom's carry.

A packet here is::

    primary header   6 octets   CCSDS 133.0-B-2, 4.1.3; secondary-header flag set
    time            10 octets   CCSDS 301.0-B-4, 3.3: CDS, 16-bit day, 32-bit ms, 32-bit ps
                or   7 octets   CCSDS 301.0-B-4, 3.2: CUC, 32-bit s, 24-bit fraction
    body             n octets   what the APID says
    error control    2 octets   CRC-16/CCITT (CCSDS 232.0-B, 4.1.4.2: preset to ones)

CDS days count from 1958-01-01, the CCSDS epoch; CUC seconds from 1970-01-01, an epoch of the
agency's own (3.2.2), without leap seconds. A time in CUC is right to 2^-25 s, 30 ns. Neither has a
preamble: which it is stands in the packet layout.
"""

from __future__ import annotations

import struct
from binascii import crc_hqx
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from orbitloom.errors import PacketError
from orbitloom.scenario.time import DAY_NS, SECOND_NS

__all__ = [
    "ENVELOPE_BYTES",
    "IDLE_APID",
    "MAX_BODY_BYTES",
    "SEQUENCE_MODULUS",
    "Damage",
    "Packet",
    "TimeCode",
    "decode_packet",
    "encode_packet",
    "split_packets",
    "time_code_bytes",
]

TimeCode = Literal["cds", "cuc"]
"""How a packet says its time."""

SEQUENCE_MODULUS = 1 << 14
IDLE_APID = 0x7FF
_PRIMARY = struct.Struct(">HHH")
_CDS = struct.Struct(">HII")
_CUC_BYTES, _CUC_FRACTION = 7, 1 << 24
_CRC = struct.Struct(">H")
_TYPE_TM_WITH_SECONDARY = 0x0800
_UNSEGMENTED = 0xC000
_CDS_EPOCH_NS = -4383 * DAY_NS  # 1958-01-01 against 1970-01-01
_MS_NS = 1_000_000
ENVELOPE_BYTES = _PRIMARY.size + _CDS.size + _CRC.size
MAX_BODY_BYTES = 65_536 - _CDS.size - _CRC.size


@dataclass(frozen=True, slots=True)
class Packet:
    """One space packet: what its headers say, and its body."""

    apid: int
    sequence_count: int
    t_ns: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Damage:
    """A stretch of a packet stream that is not a packet: where it begins and what is wrong."""

    offset: int
    reason: str


def time_code_bytes(code: TimeCode) -> int:
    """Return how many octets a packet's time takes."""
    return _CDS.size if code == "cds" else _CUC_BYTES


def encode_packet(packet: Packet, time_code: TimeCode = "cds") -> bytes:
    """Return the packet's octets.

    Raises
    ------
    PacketError
        If the APID, the sequence count, the time or the body does not fit its field.
    """
    if not 0 <= packet.apid < IDLE_APID:
        raise PacketError(f"APID {packet.apid} does not fit 0 to {IDLE_APID - 1}")
    if not 0 <= packet.sequence_count < SEQUENCE_MODULUS:
        raise PacketError(f"sequence count {packet.sequence_count} does not fit 14 bits")
    if len(packet.body) > MAX_BODY_BYTES:
        raise PacketError(f"a body of {len(packet.body)} octets exceeds {MAX_BODY_BYTES}")
    time = _encode_time(packet.t_ns, time_code)
    length = len(time) + len(packet.body) + _CRC.size - 1
    head = _PRIMARY.pack(
        _TYPE_TM_WITH_SECONDARY | packet.apid, _UNSEGMENTED | packet.sequence_count, length
    )
    content = b"".join((head, time, packet.body))
    return content + _CRC.pack(crc_hqx(content, 0xFFFF))


def _encode_time(t_ns: int, code: TimeCode) -> bytes:
    if code == "cuc":
        ticks = (t_ns * _CUC_FRACTION + SECOND_NS // 2) // SECOND_NS
        if not 0 <= ticks < 1 << 8 * _CUC_BYTES:
            raise PacketError(f"a time of {t_ns} ns does not fit the years 1970 to 2106 of CUC")
        return ticks.to_bytes(_CUC_BYTES, "big")
    day, in_day_ns = divmod(t_ns - _CDS_EPOCH_NS, DAY_NS)
    if not 0 <= day < 1 << 16:
        raise PacketError(f"a time of {t_ns} ns does not fit the years 1958 to 2137 of CDS")
    ms, below_ms_ns = divmod(in_day_ns, _MS_NS)
    return _CDS.pack(day, ms, below_ms_ns * 1000)


def _decode_time(octets: bytes | memoryview, code: TimeCode) -> int:
    if code == "cuc":
        ticks = int.from_bytes(octets[_PRIMARY.size : _PRIMARY.size + _CUC_BYTES], "big")
        return (ticks * SECOND_NS + _CUC_FRACTION // 2) // _CUC_FRACTION
    day, ms, ps = _CDS.unpack_from(octets, _PRIMARY.size)
    return int(_CDS_EPOCH_NS + day * DAY_NS + ms * _MS_NS + ps // 1000)


def decode_packet(octets: bytes | memoryview, time_code: TimeCode = "cds") -> Packet:
    """Return the packet that the octets hold, all of them and no more.

    Raises
    ------
    PacketError
        If the length disagrees with the header, the checksum fails, or it is another kind.
    """
    least = _PRIMARY.size + time_code_bytes(time_code) + _CRC.size
    if len(octets) < least:
        raise PacketError(f"{len(octets)} octets are too few for a packet ({least})")
    identification, sequence, length = _PRIMARY.unpack_from(octets)
    if length + 7 != len(octets):
        raise PacketError(f"the header announces {length + 7} octets, there are {len(octets)}")
    if crc_hqx(octets, 0xFFFF) != 0:  # over a whole packet with its checksum the remainder is 0
        raise PacketError("the checksum does not match the content")
    if identification & 0xF800 != _TYPE_TM_WITH_SECONDARY or sequence & 0xC000 != _UNSEGMENTED:
        raise PacketError("not an unsegmented telemetry packet with a time code")
    body = bytes(octets[_PRIMARY.size + time_code_bytes(time_code) : -_CRC.size])
    return Packet(
        identification & IDLE_APID, sequence & ~0xC000, _decode_time(octets, time_code), body
    )


def split_packets(stream: bytes, time_code: TimeCode = "cds") -> Iterator[Packet | Damage]:
    """Walk a stream of packets; yield each packet, and each damage instead of a wrong byte.

    After damage in a packet's content the walk goes on behind it, for its length may be right; if
    no packet starts there it is searched for octet by octet, and only a checksum that matches
    counts as found.
    """
    view = memoryview(stream)
    offset, end = 0, len(stream)
    least = _PRIMARY.size + time_code_bytes(time_code) + _CRC.size
    lost_since: int | None = None
    while offset < end:
        packet: Packet | None = None
        reason = "the stream ends inside a packet"
        size = 0
        if end - offset >= least:
            size = _PRIMARY.unpack_from(view, offset)[2] + 7
            if offset + size <= end:
                try:
                    packet = decode_packet(view[offset : offset + size], time_code)
                except PacketError as error:
                    reason = error.what
        if packet is not None:
            lost_since = None
            yield packet
            offset += size
            continue
        if lost_since is None:
            lost_since = offset
            yield Damage(offset, reason)
        behind = offset + size
        if size and (behind == end or _is_packet(view, behind, least)):
            offset = behind
        else:
            offset = next((o for o in range(offset + 1, end) if _is_packet(view, o, least)), end)


def _is_packet(view: memoryview, offset: int, least: int) -> bool:
    """Return whether a packet with a valid checksum starts there."""
    if len(view) - offset < least:
        return False
    if view[offset] & 0xF8 != 0x08 or view[offset + 2] & 0xC0 != 0xC0:
        return False
    behind = offset + _PRIMARY.unpack_from(view, offset)[2] + 7
    return offset + least <= behind <= len(view) and crc_hqx(view[offset:behind], 0xFFFF) == 0
