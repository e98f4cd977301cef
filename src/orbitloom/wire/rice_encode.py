"""Lossless coding of CCSDS 121.0-B-3, written: numba kernels, beside `rice`, which reads it.

Each block takes the option that needs the fewest bits. Where two need as many, and for the search
of the split, the choice is that of libaec, so that the octets are the same, which the tests hold.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic
from numba.np import arrayobj
from numpy.typing import NDArray

from orbitloom.wire.rice import BLOCK, INTERVAL

__all__ = ["encode_coded"]

_SEGMENT = 64  # of zero blocks: table 3-1
_REST_OF_SEGMENT = 4  # what is said of more than four zero blocks to a segment's end, likewise
_NEVER = 1 << 40  # bits: what an option that cannot be taken would need


def _merge_code(_context: Any, octets: Any, at: Any, value: Any) -> Any:
    """Set the bits of a big-endian number in eight octets from there on: no look at the end."""

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        make_array: Any = arrayobj.make_array
        array = make_array(signature.args[0])(target, builder, arguments[0])
        pointer = builder.gep(array.data, [arguments[1]])
        pointer = builder.bitcast(pointer, ir.IntType(64).as_pointer())
        there = builder.load(pointer, align=1)
        builder.store(builder.or_(there, builder.bswap(arguments[2])), pointer, align=1)
        return target.get_dummy_value()

    return types.void(octets, types.int64, types.uint64), generate


_merge: Any = intrinsic(_merge_code)


@njit(cache=True, nogil=True, error_model="numpy")
def _write_number(octets: NDArray[np.uint8], bit: int, value: int, width: int) -> int:
    """Write one number of that many bits; return where next."""
    _merge(octets, bit >> 3, np.uint64(value) << np.uint64(64 - width) >> np.uint64(bit & 7))
    return bit + width


@njit(cache=True, nogil=True, error_model="numpy")
def _write_fixed(
    octets: NDArray[np.uint8], bit: int, numbers: NDArray[np.int64], width: int
) -> int:
    """Write the lowest bits of each number; return where next."""
    a_word = 57 // width
    mask, up = np.uint64((1 << width) - 1), np.uint64(width)
    place, end = 0, numbers.size
    while place < end:
        until = min(place + a_word, end)
        count = until - place
        word: Any = np.uint64(0)
        while place < until:
            word = word << up | np.uint64(numbers[place]) & mask
            place += 1
        bit = _write_number(octets, bit, word, count * width)
    return bit


@njit(cache=True, nogil=True, error_model="numpy")
def _write_runs(octets: NDArray[np.uint8], bit: int, numbers: NDArray[np.int64], split: int) -> int:
    """Write what is above the split as fundamental sequences; return where next."""
    for place in range(numbers.size):
        bit += int(numbers[place] >> split)
        octets[bit >> 3] |= np.uint8(128 >> (bit & 7))
        bit += 1
    return bit


@njit(cache=True, nogil=True, error_model="numpy")
def _predict(samples: NDArray[np.uint16], before: int, highest: int, out: NDArray[np.int64]) -> int:
    """Map the errors of unit-delay prediction (section 4); return their sum."""
    total = 0
    for place in range(out.size):
        sample = int(np.int64(samples[place]))
        error = sample - before
        size = abs(error)
        if size > min(before, highest - before):  # only one sign is possible
            mapped = sample if error >= 0 else highest - sample
        else:
            mapped = 2 * size - (1 if error < 0 else 0)
        out[place] = mapped
        total += mapped
        before = sample
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _bits_above(block: NDArray[np.int64], split: int) -> int:
    total = 0
    for place in range(block.size):
        total += int(block[place] >> split)
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _best_split(block: NDArray[np.int64], count: int, start: int, last: int) -> tuple[int, int]:
    """Return the bits and the split of the first least length, upwards from `start`, then down."""
    split, best = start, _NEVER
    above, length = 0, 0
    for tried in range(start, last + 1):
        above = _bits_above(block, tried)
        length = above + count * (tried + 1)
        if length >= best:
            break
        split, best = tried, length
        if above < count:
            break
    if split == start:
        for tried in range(start - 1, -1, -1):
            above = _bits_above(block, tried)
            length = above + count * (tried + 1)
            if length >= best:
                break
            split, best = tried, length
            if above >= count:
                break
    return best, split


@njit(cache=True, nogil=True, error_model="numpy")
def _pairs(block: NDArray[np.int64], most: int, out: NDArray[np.int64]) -> int:
    """Put the numbers of the second extension (section 3.4.3) in `out`; return their bits."""
    length = 1
    for pair in range(out.size):
        second = int(block[2 * pair + 1])
        total = int(block[2 * pair]) + second
        if total > most:
            return _NEVER
        out[pair] = total * (total + 1) // 2 + second
        length += int(out[pair]) + 1
    return length


@njit(cache=True, nogil=True, error_model="numpy")
def _write_line(samples: NDArray[np.uint16], bits: int, octets: NDArray[np.uint8]) -> int:
    """Code whole blocks into octets that are zero; return how many octets."""
    id_bits = 3 if bits <= 8 else 4
    highest = (1 << bits) - 1
    block, pairs = np.empty(BLOCK, np.int64), np.empty(BLOCK // 2, np.int64)
    blocks = samples.size // BLOCK
    bit, split = 0, 0
    zeros, zeros_reference, zeros_sample = 0, False, 0  # that are not written yet
    before = 0
    for number in range(blocks):
        in_interval = number % INTERVAL
        reference = 1 if in_interval == 0 else 0
        first = number * BLOCK
        sample = int(np.int64(samples[first]))
        if reference:
            before = sample
        total = _predict(samples[first : first + BLOCK], before, highest, block)
        before = int(np.int64(samples[first + BLOCK - 1]))
        if total == 0:
            if zeros == 0:
                zeros_reference, zeros_sample = reference == 1, sample
            zeros += 1
        ends = (
            number + 1 == blocks or in_interval + 1 == INTERVAL or (in_interval + 1) % _SEGMENT == 0
        )
        if zeros and (total or ends):
            bit += id_bits + 1
            if zeros_reference:
                bit = _write_number(octets, bit, zeros_sample, bits)
            if total == 0 and zeros > _REST_OF_SEGMENT:
                zeros = _REST_OF_SEGMENT
            elif zeros <= _REST_OF_SEGMENT:
                zeros -= 1
            bit = _write_number(octets, bit + zeros, 1, 1)
            zeros = 0
        if total == 0:
            continue
        count = BLOCK - reference
        plain = count * bits
        split_bits, split = _best_split(block, count, split, (1 << id_bits) - 3)
        pair_bits = _pairs(block, plain, pairs)
        if min(split_bits, pair_bits) >= plain:
            bit = _write_number(octets, bit, (1 << id_bits) - 1, id_bits)
            if reference:
                block[0] = sample
            bit = _write_fixed(octets, bit, block, bits)
            continue
        if pair_bits <= split_bits:
            bit = _write_number(octets, bit, 1, id_bits + 1)
        else:
            bit = _write_number(octets, bit, split + 1, id_bits)
        if reference:
            bit = _write_number(octets, bit, sample, bits)
        if pair_bits <= split_bits:
            bit = _write_runs(octets, bit, pairs, 0)
        else:
            bit = _write_runs(octets, bit, block[reference:], split)
            if split:
                bit = _write_fixed(octets, bit, block[reference:], split)
    return (bit + 7) >> 3


def encode_coded(samples: NDArray[np.uint16], bits: int) -> bytes:
    """Return a coded line: unit-delay prediction, blocks of 32, intervals of 128.

    Parameters
    ----------
    samples
        (n,) of which the lowest bits are coded; the last is repeated to fill its block.
    bits
        Of a sample, 1 to 16.
    """
    blocks = -(-samples.size // BLOCK)
    filled = np.empty(blocks * BLOCK, np.uint16)
    filled[: samples.size] = samples
    filled[samples.size :] = samples[-1:]
    filled &= np.uint16((1 << bits) - 1)
    # No block is longer than one that is not compressed; a word is written at a time.
    octets = np.zeros(blocks * (BLOCK // 8 * bits + 1) + 16, np.uint8)
    return octets[: _write_line(filled, bits, octets)].tobytes()
