"""A stream of space packets walked as fast as it comes: headers, lengths and checksums in a kernel.

It finds the packets and the damages that `space_packet.split_packets` finds, which is the plain
telling of the same rules and the referee in the tests.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from orbitloom.wire.space_packet import TimeCode, time_code_bytes

__all__ = ["walk"]

_HEADER_BYTES, _CRC_BYTES = 6, 2


def _tables() -> NDArray[np.int32]:
    """Return CRC-16/CCITT of each octet followed by 0 to 7 zero octets, (8, 256)."""
    tables = np.zeros((8, 256), np.int32)
    for octet in range(256):
        register = octet << 8
        for _ in range(8):
            register = (register << 1) ^ (0x1021 if register & 0x8000 else 0)
        tables[0, octet] = register & 0xFFFF
    for more in range(1, 8):
        before = tables[more - 1]
        tables[more] = (before << 8 & 0xFFFF) ^ tables[0, before >> 8]
    return tables


_TABLES = _tables()


def walk(
    stream: NDArray[np.uint8], time_code: TimeCode = "cds"
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Return where the sound packets of a stream begin and end, and how many damages there are.

    Parameters
    ----------
    stream
        (n,) octets.
    time_code
        Which the packets have.

    Returns
    -------
    begin, end
        (k,) offsets, in the order of the stream; each packet from its first octet to behind its
        checksum.
    damages
        Stretches that are not a packet.
    """
    least = _HEADER_BYTES + time_code_bytes(time_code) + _CRC_BYTES
    return _walk(stream, least)


@njit(cache=True, nogil=True)
def _crc_is_right(stream: NDArray[np.uint8], begin: int, end: int) -> bool:
    """Return whether the checksum over content and checksum leaves nothing (232.0-B, 4.1.4.2)."""
    register = 0xFFFF
    place, whole = begin, begin + (end - begin) // 8 * 8
    while place < whole:
        register = (
            _TABLES[7, stream[place] ^ (register >> 8)]
            ^ _TABLES[6, stream[place + 1] ^ (register & 0xFF)]
            ^ _TABLES[5, stream[place + 2]]
            ^ _TABLES[4, stream[place + 3]]
            ^ _TABLES[3, stream[place + 4]]
            ^ _TABLES[2, stream[place + 5]]
            ^ _TABLES[1, stream[place + 6]]
            ^ _TABLES[0, stream[place + 7]]
        )
        place += 8
    while place < end:
        register = ((register << 8) & 0xFFFF) ^ _TABLES[0, stream[place] ^ (register >> 8)]
        place += 1
    return register == 0


@njit(cache=True, nogil=True)
def _packet_end(stream: NDArray[np.uint8], begin: int, least: int) -> int:
    """Return where a packet that starts there ends, or 0 if none with a valid checksum does."""
    if stream.size - begin < least:
        return 0
    if stream[begin] & 0xF8 != 0x08 or stream[begin + 2] & 0xC0 != 0xC0:
        return 0
    end: int = begin + 7 + (stream[begin + 4] << 8 | stream[begin + 5])
    if end - begin < least or end > stream.size or not _crc_is_right(stream, begin, end):
        return 0
    return end


@njit(cache=True, nogil=True)
def _walk(
    stream: NDArray[np.uint8], least: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    begin = np.empty(stream.size // least + 1, np.int64)
    end = np.empty(stream.size // least + 1, np.int64)
    count, damages, offset = 0, 0, 0
    lost = False
    while offset < stream.size:
        behind = _packet_end(stream, offset, least)
        if behind:
            begin[count], end[count] = offset, behind
            count += 1
            offset = behind
            lost = False
            continue
        damages += not lost
        lost = True
        # Its length may be right all the same: then a packet or the end lies behind it.
        announced = 0
        if stream.size - offset >= least:
            announced = offset + 7 + (stream[offset + 4] << 8 | stream[offset + 5])
        at_end = announced == stream.size
        if announced and (
            at_end or (announced < stream.size and _packet_end(stream, announced, least))
        ):
            offset = announced
            continue
        offset += 1
        while offset < stream.size and not _packet_end(stream, offset, least):
            offset += 1
    return begin[:count].copy(), end[:count].copy(), damages
