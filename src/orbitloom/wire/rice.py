"""Lossless coding of CCSDS 121.0-B-3 and packed samples, read as fast as they come: numba kernels.

libaec (by imagecodecs) is the referee in the tests; it reads some 70 MB/s of packets on a core, and
an imager sends more. What is read here: adaptive entropy coding with blocks of 32, unit-delay
preprocessing, reference samples, and all of the options of section 3: split samples, second
extension, zero blocks, no compression. `rice_encode` writes it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic
from numba.np import arrayobj
from numpy.typing import NDArray

__all__ = ["BLOCK", "INTERVAL", "SPARE_BYTES", "read_coded", "read_packed"]

SPARE_BYTES = 80
"""Behind coded samples, that are read and not used: a block that is not compressed, and a word."""

BLOCK, INTERVAL = 32, 128
"""Samples in a block, and blocks in a reference sample interval."""

_REST_OF_SEGMENT, _SEGMENT = 5, 64  # of zero blocks: table 3-1
_WHOLE = np.uint64((1 << 57) - 1)  # of a word that begins inside an octet
_PAIRS = 13  # sums of two that the second extension can say


def _second_extension() -> NDArray[np.int64]:
    """Return the first and second of each pair (section 3.4.3), sums ascending."""
    pairs = [(total - second, second) for total in range(_PAIRS) for second in range(total + 1)]
    return np.array(pairs, np.int64)


_PAIR = _second_extension()


def _first_one_code(_context: Any, value: Any) -> Any:
    """Return the place of the lowest bit that is one."""

    def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), generate


def _turned_code(_context: Any, value: Any) -> Any:
    """Return the bits in opposite order."""

    def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitreverse(arguments[0])

    return types.uint64(types.uint64), generate


def _load_code(_context: Any, octets: Any, at: Any) -> Any:
    """Return eight octets from there on as a big-endian number, without a look at the end."""

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        make_array: Any = arrayobj.make_array
        array = make_array(signature.args[0])(target, builder, arguments[0])
        pointer = builder.gep(array.data, [arguments[1]])
        pointer = builder.bitcast(pointer, ir.IntType(64).as_pointer())
        return builder.bswap(builder.load(pointer, align=1))

    return types.uint64(octets, types.int64), generate


_first_one: Any = intrinsic(_first_one_code)
_turned: Any = intrinsic(_turned_code)
_load: Any = intrinsic(_load_code)


@njit(cache=True, nogil=True)
def _read_fixed(octets: NDArray[np.uint8], bit: int, width: int, out: NDArray[np.int64]) -> int:
    """Add numbers of that many bits to those in `out`, shifted up before; return where next."""
    a_word = np.uint64(57 // width)
    down, up = np.uint64(64 - width), np.uint64(width)
    place, end = np.uint64(0), np.uint64(out.size)
    while place < end:
        word = _load(octets, bit >> 3) << np.uint64(bit & 7)
        until = min(place + a_word, end)
        bit += width * int(until - place)
        while place < until:
            out[place] = np.int64(np.uint64(out[place]) << up | word >> down)
            word <<= up
            place += np.uint64(1)
    return bit


@njit(cache=True, nogil=True)
def _read_runs(
    octets: NDArray[np.uint8], bit: int, end: int, out: NDArray[np.int64], first: int, last: int
) -> int:
    """Read fundamental sequences, zeros ended by a one, to ``out[first:last]``; -1 past the end."""
    place, stop = np.uint64(first), np.uint64(last)
    start = bit  # of the run that is being read
    while place < stop:
        if bit >= end:
            return -1
        word = _turned(_load(octets, bit >> 3) << np.uint64(bit & 7)) & _WHOLE
        while word != 0 and place < stop:
            one = bit + int(_first_one(word))
            out[place] = one - start
            start = one + 1
            place += np.uint64(1)
            word &= word - np.uint64(1)
        bit += 57
    return start


@njit(cache=True, nogil=True)
def _read_pairs(
    octets: NDArray[np.uint8], bit: int, end: int, out: NDArray[np.int64], reference: int
) -> int:
    """Read a block of the second extension; return where next, or -1."""
    place = reference
    while place < BLOCK:
        bit = _read_runs(octets, bit, end, out, place, place + 1)
        if bit < 0 or out[place] >= _PAIR.shape[0]:
            return -1
        pair = out[place]
        if place & 1 == 0:
            out[place] = _PAIR[pair, 0]
            place += 1
        out[place] = _PAIR[pair, 1]  # of a first pair, the reference stands for one
        place += 1
    return bit


@njit(cache=True, nogil=True)
def _undo_prediction(
    mapped: NDArray[np.int64], out: NDArray[np.uint16], first: int, before: int, highest: int
) -> int:
    """Turn mapped prediction errors into samples (section 4) at ``out[first:]``.

    First as if no error could reach over the range's edges, which is a sum and nothing more; the
    few blocks where one may are done again with care. Returns the last sample, or -1.
    """
    furthest = 0
    for place in range(mapped.size):
        furthest = max(furthest, (mapped[place] + 1) >> 1)
    lowest, most, sample = before, before, before
    if furthest <= highest:
        for place in range(mapped.size):
            sample += (mapped[place] >> 1) ^ -(mapped[place] & 1)
            lowest, most = min(lowest, sample), max(most, sample)
            out[first + place] = np.uint16(sample)
        if lowest >= furthest and most + furthest <= highest:
            return sample
    sample = before
    for place in range(mapped.size):
        error = mapped[place]
        if error > highest:
            return -1
        half = (error + 1) >> 1
        if half <= min(sample, highest - sample):
            sample += (error >> 1) ^ -(error & 1)
        elif sample <= highest >> 1:
            sample = error
        else:
            sample = highest - error
        out[first + place] = np.uint16(sample)
    return sample


@njit(cache=True, nogil=True)
def read_coded(octets: NDArray[np.uint8], size: int, bits: int, out: NDArray[np.uint16]) -> bool:
    """Decode a coded line and return whether it is one, neither shorter nor longer.

    Parameters
    ----------
    octets, size
        The line is the first `size` octets; behind it there are `SPARE_BYTES` of any value.
    bits
        Of a sample, 8 to 16.
    out
        (n,) the samples; n is a multiple of 32. What it holds after a failure is of no use.
    """
    id_bits = 3 if bits <= 8 else 4
    plain = (1 << id_bits) - 1
    highest = (1 << bits) - 1
    bit, end, count = 0, 8 * size, out.size
    block = np.empty(BLOCK, np.int64)
    place, sample = 0, 0
    while place < count:
        if bit >= end:
            return False
        in_interval = (place // BLOCK) % INTERVAL
        reference = 1 if in_interval == 0 else 0
        word = _load(octets, bit >> 3) << np.uint64(bit & 7)
        option = int(word >> np.uint64(64 - id_bits))
        bit += id_bits
        word <<= np.uint64(id_bits)
        extended = False
        if option == 0:
            extended = word >> np.uint64(63) == 1
            bit += 1
            word <<= np.uint64(1)
        block[:] = 0
        if reference and option != plain:
            sample = int(word >> np.uint64(64 - bits))
            bit += bits
        blocks = 1
        if option == plain:
            bit = _read_fixed(octets, bit, bits, block)
            if reference:
                sample = int(block[0])
        elif extended:
            bit = _read_pairs(octets, bit, end, block, reference)
        elif option == 0:
            bit = _read_runs(octets, bit, end, block, 0, 1)
            blocks = int(block[0]) + 1
            block[0] = 0
            if blocks == _REST_OF_SEGMENT:
                blocks = min(INTERVAL - in_interval, _SEGMENT - in_interval % _SEGMENT)
            elif blocks > _REST_OF_SEGMENT:
                blocks -= 1
            if in_interval + blocks > INTERVAL:
                return False
        else:
            bit = _read_runs(octets, bit, end, block, reference, BLOCK)
            if option > 1 and bit >= 0:
                if reference:
                    bit = _read_fixed(octets, bit, option - 1, block[1:])
                else:
                    bit = _read_fixed(octets, bit, option - 1, block)
        if bit < 0 or bit > end:
            return False
        if reference:
            block[0] = 0  # the sample itself
        if option == 0 and not extended:
            out[place : place + blocks * BLOCK] = sample
        else:
            sample = _undo_prediction(block, out, place, sample, highest)
            if sample < 0:
                return False
        place += blocks * BLOCK
    return end - bit < 8


@njit(cache=True, nogil=True)
def read_packed(octets: NDArray[np.uint8], size: int, bits: int, out: NDArray[np.uint16]) -> bool:
    """Read packed samples, highest bit first, and return whether they have the size for `out`.

    `octets` and `size` as `read_coded` has them.
    """
    if size != (out.size * bits + 7) // 8:
        return False
    down = np.uint64(64 - bits)
    for place in range(out.size):
        bit = place * bits
        out[place] = np.uint16(_load(octets, bit >> 3) << np.uint64(bit & 7) >> down)
    return True
