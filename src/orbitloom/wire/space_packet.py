"""CCSDS space packets: CCSDS 133.0-B-2, with the time code and checksum that Orbitloom's carry.

A packet here is::

    primary header   6 octets   CCSDS 133.0-B-2, 4.1.3; secondary-header flag set
    time            10 octets   CCSDS 301.0-B-4, 3.3: CDS, 16-bit day, 32-bit ms, 32-bit ps
    body             n octets   what the APID says
    error control    2 octets   CRC-16/CCITT (CCSDS 232.0-B, 4.1.4.2: preset to ones)

The day counts from 1958-01-01, the CCSDS epoch.
"""

from __future__ import annotations

import struct
from binascii import crc_hqx
from collections.abc import Iterator
from dataclasses import dataclass

from orbitloom.errors import PacketError
from orbitloom.scenario.time import DAY_NS

__all__ = [
    "ENVELOPE_BYTES",
    "IDLE_APID",
    "MAX_BODY_BYTES",
    "SEQUENCE_MODULUS",
    "Damage",
    "Packet",
    "decode_packet",
    "encode_packet",
    "split_packets",
]

SEQUENCE_MODULUS = 1 << 14
IDLE_APID = 0x7FF
_PRIMARY = struct.Struct(">HHH")
_CDS = struct.Struct(">HII")
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


def encode_packet(packet: Packet) -> bytes:
    """Return the packet's octets.

    Raises
    ------
    PacketError
        If the APID, the sequence count or the body does not fit its field.
    """
    if not 0 <= packet.apid < IDLE_APID:
        raise PacketError(f"APID {packet.apid} does not fit 0 to {IDLE_APID - 1}")
    if not 0 <= packet.sequence_count < SEQUENCE_MODULUS:
        raise PacketError(f"sequence count {packet.sequence_count} does not fit 14 bits")
    if len(packet.body) > MAX_BODY_BYTES:
        raise PacketError(f"a body of {len(packet.body)} octets exceeds {MAX_BODY_BYTES}")
    day, in_day_ns = divmod(packet.t_ns - _CDS_EPOCH_NS, DAY_NS)
    ms, below_ms_ns = divmod(in_day_ns, _MS_NS)
    length = _CDS.size + len(packet.body) + _CRC.size - 1
    head = _PRIMARY.pack(
        _TYPE_TM_WITH_SECONDARY | packet.apid, _UNSEGMENTED | packet.sequence_count, length
    )
    content = b"".join((head, _CDS.pack(day, ms, below_ms_ns * 1000), packet.body))
    return content + _CRC.pack(crc_hqx(content, 0xFFFF))


def decode_packet(octets: bytes | memoryview) -> Packet:
    """Return the packet that the octets hold, all of them and no more.

    Raises
    ------
    PacketError
        If the length disagrees with the header, the checksum fails, or it is another kind.
    """
    if len(octets) < ENVELOPE_BYTES:
        raise PacketError(f"{len(octets)} octets are too few for a packet ({ENVELOPE_BYTES})")
    identification, sequence, length = _PRIMARY.unpack_from(octets)
    if length + 7 != len(octets):
        raise PacketError(f"the header announces {length + 7} octets, there are {len(octets)}")
    if crc_hqx(octets, 0xFFFF) != 0:  # over a whole packet with its checksum the remainder is 0
        raise PacketError("the checksum does not match the content")
    if identification & 0xF800 != _TYPE_TM_WITH_SECONDARY or sequence & 0xC000 != _UNSEGMENTED:
        raise PacketError("not an unsegmented telemetry packet with a time code")
    day, ms, ps = _CDS.unpack_from(octets, _PRIMARY.size)
    t_ns = _CDS_EPOCH_NS + day * DAY_NS + ms * _MS_NS + ps // 1000
    body = bytes(octets[_PRIMARY.size + _CDS.size : -_CRC.size])
    return Packet(identification & IDLE_APID, sequence & ~0xC000, t_ns, body)


def split_packets(stream: bytes) -> Iterator[Packet | Damage]:
    """Walk a stream of packets; yield each packet, and each damage instead of a wrong byte.

    After damage in a packet's content the walk goes on behind it, for its length may be right; if
    no packet starts there it is searched for octet by octet, and only a checksum that matches
    counts as found.
    """
    view = memoryview(stream)
    offset, end = 0, len(stream)
    lost_since: int | None = None
    while offset < end:
        packet: Packet | None = None
        reason = "the stream ends inside a packet"
        size = 0
        if end - offset >= ENVELOPE_BYTES:
            size = _PRIMARY.unpack_from(view, offset)[2] + 7
            if offset + size <= end:
                try:
                    packet = decode_packet(view[offset : offset + size])
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
        if size and (behind == end or _is_packet(view, behind)):
            offset = behind
        else:
            offset = next((o for o in range(offset + 1, end) if _is_packet(view, o)), end)


def _is_packet(view: memoryview, offset: int) -> bool:
    """Return whether a packet with a valid checksum starts there."""
    if len(view) - offset < ENVELOPE_BYTES:
        return False
    if view[offset] & 0xF8 != 0x08 or view[offset + 2] & 0xC0 != 0xC0:
        return False
    behind = offset + _PRIMARY.unpack_from(view, offset)[2] + 7
    return behind <= len(view) and crc_hqx(view[offset:behind], 0xFFFF) == 0
