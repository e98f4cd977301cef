"""The loops of L1 to L3 that see every sample, compiled.

Each takes its arrays whole and goes through them once, row by row, so that a row stays in the
cache and no intermediate image is made. All of them are C-contiguous. No fast-math: NaN stays NaN.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = [
    "box_mean",
    "column_steps",
    "count_below",
    "cubic_weights",
    "fused_indices",
    "leave_out_error",
    "ratio_above",
    "resample_bands",
    "shift_band",
    "to_radiance",
]

_PATCH = 128  # columns of a grid at once: with as many rows, what a core's cache holds


@njit(cache=True, nogil=True, error_model="numpy")
def to_radiance(
    dn: NDArray[np.uint16],
    dark_dn: NDArray[np.float32],
    gain: NDArray[np.float32],
    saturation_dn: int,
    saturated: int,
    radiance: NDArray[np.float32],
    quality: NDArray[np.uint8],
) -> None:
    """Write one band's radiance ``(dn - dark) * gain`` and the flag of its saturated samples.

    `dn`, `radiance` and `quality` are (lines, columns), `dark_dn` and `gain` (columns,).
    """
    lines, columns = dn.shape
    top = np.uint16(min(saturation_dn, 65_535))
    flag = np.uint8(saturated)
    for line in range(lines):
        for column in range(columns):
            number = dn[line, column]
            radiance[line, column] = (np.float32(number) - dark_dn[column]) * gain[column]
            quality[line, column] = flag if number >= top else np.uint8(0)


def fused_indices(
    dn: NDArray[np.uint16],
    dark_dn: NDArray[np.float32],
    gain: NDArray[np.float32],
    pairs: NDArray[np.int64],
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Return normalised differences straight from numbers.

    ``(a - b) / (a + b)`` with ``a = (dn[i] - dark[i]) * gain[i]``, and b alike, for each pair
    (i, j) of bands. With the gain to radiance times the band's factor to reflectance this is L1,
    L2 and the index in one pass; with a tile's numbers, dark 0 and its scale, the index alone.

    Parameters
    ----------
    dn
        (bands, lines, columns).
    dark_dn, gain
        (bands, columns).
    pairs
        (n, 2).
    out
        Where to write; made if not given.

    Returns
    -------
    NDArray[np.float32]
        (n, lines, columns); NaN where the sum is not positive.
    """
    made = np.empty((len(pairs), *dn.shape[1:]), np.float32) if out is None else out
    _fused_indices(dn, dark_dn, gain, pairs, made)
    return made


@njit(cache=True, nogil=True, error_model="numpy")
def _fused_indices(
    dn: NDArray[np.uint16],
    dark_dn: NDArray[np.float32],
    gain: NDArray[np.float32],
    pairs: NDArray[np.int64],
    made: NDArray[np.float32],
) -> None:
    lines, columns = dn.shape[1], dn.shape[2]
    count = pairs.shape[0]
    nothing = np.float32(np.nan)
    zero = np.float32(0.0)
    for line in range(lines):
        for pair in range(count):
            one, other = pairs[pair, 0], pairs[pair, 1]
            dn_one, dn_other, out = dn[one, line], dn[other, line], made[pair, line]
            dark_one, dark_other = dark_dn[one], dark_dn[other]
            gain_one, gain_other = gain[one], gain[other]
            for column in range(columns):
                a = (np.float32(dn_one[column]) - dark_one[column]) * gain_one[column]
                b = (np.float32(dn_other[column]) - dark_other[column]) * gain_other[column]
                total = a + b
                ratio = (a - b) / total
                out[column] = ratio if total > zero else nothing


@njit(cache=True, nogil=True, error_model="numpy")
def column_steps(
    dn: NDArray[np.uint16],
    usable: NDArray[np.bool_],
    dark_dn: NDArray[np.float32],
    gain: NDArray[np.float32],
    limits: tuple[float, float],
    noise: tuple[float, float],
    blocks: int,
    every: int,
) -> tuple[NDArray[np.float64], NDArray[np.int64], float]:
    """Return the relative step from each column to the next, in blocks of lines.

    Only level ground counts: neighbours that differ by less than three times the noise of their
    difference, from which the mean step is taken. A window so placed pulls the mean towards zero,
    the more the scene's own texture fills it to its edges: a step r comes out as ``r (1 - 2 w
    p(w) / P)``, with the window's half-width w, the density p(w) at its edges and the whole mass P.

    Parameters
    ----------
    dn
        (lines, columns) of one band.
    usable
        (lines,).
    dark_dn, gain
        (columns,); only the gain's variation matters.
    limits
        Lowest and highest DN above dark that count.
    noise
        Variance in DN2 for each DN above dark, and at dark.
    blocks, every
        Blocks of lines, and every which line of them.

    Returns
    -------
    sums, counts
        (blocks, columns - 1): sum of ``2 (next - this) / (next + this)``, and of how many.
    kept
        That factor, from how many lie in the outer fifth of the window.
    """
    lines, columns = dn.shape
    total = np.zeros((blocks, columns - 1), np.float64)
    count = np.zeros((blocks, columns - 1), np.int64)
    low, high = np.float32(limits[0]), np.float32(limits[1])
    slope, floor = np.float32(18.0 * noise[0]), np.float32(18.0 * noise[1])
    level = np.empty(columns, np.float32)
    half, outer = np.float32(0.5), np.float32(0.64)
    near_edge, everywhere = 0, 0
    for line in range(0, lines, every):
        if not usable[line]:
            continue
        block = line * blocks // lines
        row = dn[line]
        for column in range(columns):
            level[column] = (np.float32(row[column]) - dark_dn[column]) * gain[column]
        sums, counts = total[block], count[block]
        for column in range(columns - 1):
            step = level[column + 1] - level[column]
            mean = half * (level[column + 1] + level[column])
            widest = slope * mean + floor
            if low < mean < high and step * step < widest:
                sums[column] += step / mean
                counts[column] += 1
                everywhere += 1
                if step * step > outer * widest:
                    near_edge += 1
    return total, count, 1.0 - 5.0 * near_edge / max(everywhere, 1)


@njit(cache=True, nogil=True)
def cubic_weights(share: float) -> tuple[float, float, float, float]:
    """Return the weights of four samples around a point `share` past the second of them.

    Cubic convolution with a = -1/2 (Keys, 1981, IEEE Transactions on Acoustics, Speech and Signal
    Processing 29): exact for parabolas.
    """
    t = share
    return (
        0.5 * t * (-1.0 + t * (2.0 - t)),
        1.0 + 0.5 * t * t * (3.0 * t - 5.0),
        0.5 * t * (1.0 + t * (4.0 - 3.0 * t)),
        0.5 * t * t * (t - 1.0),
    )


@njit(cache=True, nogil=True)
def _taps(position: float, good: NDArray[np.bool_]) -> tuple[int, float, float, float, float]:
    """Return the first of four samples and their weights; fewer where a sample is missing.

    Without an outer sample: linear. Without one of the inner two, unless the other alone is meant:
    nothing (all weights zero).
    """
    left = int(np.floor(position))
    share = position - left
    if share < 1e-6:
        ok = 0 <= left < good.size and good[left]
        return left - 1, 0.0, 1.0 if ok else 0.0, 0.0, 0.0
    if not (left >= 0 and left + 1 < good.size and good[left] and good[left + 1]):
        return left - 1, 0.0, 0.0, 0.0, 0.0
    if left >= 1 and left + 2 < good.size and good[left - 1] and good[left + 2]:
        a, b, c, d = cubic_weights(share)
        return left - 1, a, b, c, d
    return left - 1, 0.0, 1.0 - share, share, 0.0


@njit(cache=True, nogil=True)
def shift_band(
    band: NDArray[np.float32],
    quality: NDArray[np.uint8],
    good_line: NDArray[np.bool_],
    good_column: NDArray[np.bool_],
    offset: tuple[float, float],
    missing: int,
    shifted: NDArray[np.float32],
    flags: NDArray[np.uint8],
) -> None:
    """Write what a band would have seen if its line and column were not ahead by `offset`.

    Cubic convolution, line by line and then column by column; linear beside what is missing.

    Parameters
    ----------
    band, quality
        (lines, columns), as measured.
    good_line, good_column
        (lines,) and (columns,) that hold measurements at all.
    offset
        Lines and columns.
    missing
        Flag of what cannot be made.
    shifted, flags
        (lines, columns), written. A flag holds where one of the four samples around has it.
    """
    lines, columns = band.shape
    first = np.empty(columns, np.int64)
    weight = np.empty((columns, 4), np.float32)
    whole = np.zeros(columns, np.bool_)  # all four samples are there
    for column in range(columns):
        first[column], a, b, c, d = _taps(column - offset[1], good_column)
        weight[column, 0], weight[column, 1], weight[column, 2], weight[column, 3] = a, b, c, d
        whole[column] = a != 0.0
    row = np.empty(columns, np.float32)
    seen = np.empty(columns, np.uint8)
    none = np.uint8(missing)
    share = -offset[1] - np.floor(-offset[1])
    wide = cubic_weights(share)
    va, vb = np.float32(wide[0]), np.float32(wide[1])
    vc, vd = np.float32(wide[2]), np.float32(wide[3])
    start = int(np.floor(-offset[1])) - 1
    inner, end = max(-start, 0), min(columns, columns - 3 - start)
    for line in range(lines):
        top, a, b, c, d = _taps(line - offset[0], good_line)
        if b == 0.0 and c == 0.0:
            for column in range(columns):
                shifted[line, column] = np.float32(0.0)
                flags[line, column] = none
            continue
        rows = lines - 1
        one, two = min(max(top, 0), rows), min(max(top + 1, 0), rows)
        three, four = min(max(top + 2, 0), rows), min(max(top + 3, 0), rows)
        wa, wb, wc, wd = np.float32(a), np.float32(b), np.float32(c), np.float32(d)
        lower = three if c != 0.0 else two
        for column in range(columns):
            row[column] = (wa * band[one, column] + wb * band[two, column]) + (
                wc * band[three, column] + wd * band[four, column]
            )
            seen[column] = quality[two, column] | quality[lower, column]
        # As if all were there, in a loop without a branch; then what is not, anew.
        for column in range(inner, end):
            at = column + start
            shifted[line, column] = (va * row[at] + vb * row[at + 1]) + (
                vc * row[at + 2] + vd * row[at + 3]
            )
            flags[line, column] = seen[at + 1] | seen[at + 2]
        for column in range(columns):
            if whole[column]:
                continue
            left = first[column]
            wb, wc = weight[column, 1], weight[column, 2]
            if wb == 0.0 and wc == 0.0:
                shifted[line, column] = np.float32(0.0)
                flags[line, column] = none
                continue
            value, flag = wb * row[left + 1], seen[left + 1]
            if wc != 0.0:
                value += wc * row[left + 2]
                flag |= seen[left + 2]
            shifted[line, column] = value
            flags[line, column] = flag


@njit(cache=True, nogil=True)
def leave_out_error(
    band: NDArray[np.float32], quality: NDArray[np.uint8], made: int, wide: int
) -> NDArray[np.float32]:
    """Return the mean square error of what was interpolated along the second axis.

    Each run of interpolated samples is moved to both sides by its length plus one, where all is
    measured, and interpolated there as well: the error there is known. The mean is over both
    sides and over `wide` rows up and down.

    Parameters
    ----------
    band, quality
        (rows, columns).
    made
        Flag of what was interpolated.
    wide
        Rows.

    Returns
    -------
    NDArray[np.float32]
        (rows, columns), zero where nothing was interpolated. Where no such place is near, infinite.
    """
    rows, columns = band.shape
    error = np.zeros((rows, columns), np.float32)
    for row in range(rows):
        column = 0
        while column < columns:
            if not quality[row, column] & made:
                column += 1
                continue
            start = column
            while column < columns and quality[row, column] & made:
                column += 1
            span = column - start + 1
            for place in range(start, column):
                total, count = 0.0, 0
                for near in range(max(row - wide, 0), min(row + wide + 1, rows)):
                    for side in (-span, span):
                        before, after = start - 1 + side, column + side
                        if before < 0 or after >= columns:
                            continue
                        clean = True
                        for at in range(before, after + 1):
                            clean = clean and quality[near, at] == 0
                        if clean:
                            share = (place + side - before) / (after - before)
                            line = (1.0 - share) * band[near, before] + share * band[near, after]
                            miss = line - band[near, place + side]
                            total += miss * miss
                            count += 1
                error[row, place] = total / count if count else np.inf
    return error


@njit(cache=True, nogil=True, error_model="numpy")
def ratio_above(
    one: NDArray[np.float32], other: NDArray[np.float32], limit: float, good: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return where ``(one - other) / (one + other)`` is above a limit; false where not good."""
    rows, columns = good.shape
    out = np.empty((rows, columns), np.bool_)
    least, edge = np.float32(1e-6), np.float32(limit)
    for row in range(rows):
        for column in range(columns):
            a, b = one[row, column], other[row, column]
            ratio = (a - b) / max(a + b, least)
            out[row, column] = good[row, column] & (ratio > edge)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def resample_bands(
    reflectance: NDArray[np.float32],
    mask: NDArray[np.uint8],
    line: NDArray[np.float32],
    column: NDArray[np.float32],
    scale: float,
    no_data: int,
    numbers: NDArray[np.uint16],
    seen: NDArray[np.uint8],
) -> tuple[int, int]:
    """Write some rows of a grid: bands bilinear as scaled numbers, the mask by nearest neighbour.

    Parameters
    ----------
    reflectance, mask
        (bands, lines, columns) and (lines, columns), at the sensor.
    line, column
        (rows, cells): where on the sensor each cell was seen; NaN where it was not.
    scale
        Numbers for reflectance 1.
    no_data
        Flag of the mask where there is nothing.
    numbers, seen
        (bands, rows, cells) and (rows, cells), written.

    Returns
    -------
    inside, with_data
        How many cells the footprint holds, and how many of them have data.
    """
    bands, lines, columns = reflectance.shape
    rows, cells = line.shape
    flat, known = reflectance.reshape(bands, lines * columns), mask.reshape(lines * columns)
    inside, with_data = 0, 0
    half, zero = np.float32(0.5), np.float32(0.0)
    last_line, last_column = np.float32(lines - 1), np.float32(columns - 1)
    low, high, factor = np.float32(1.0), np.float32(65_535.0), np.float32(scale)
    # Unsigned, so that the compiler need not look whether an index counts from the end.
    beside, below = np.uint64(min(1, columns - 1)), np.uint64(columns * min(1, lines - 1))
    # Patch by patch and in it band by band, so that what neighbouring rows share stays near.
    room = rows * _PATCH
    at_row, at_cell = np.empty(room, np.uint32), np.empty(room, np.uint32)
    corner = np.empty(room, np.uint32)
    down, right = np.empty(room, np.float32), np.empty(room, np.float32)
    for start in range(0, cells, _PATCH):
        end, count = min(start + _PATCH, cells), 0
        for row in range(rows):
            for cell in range(start, end):
                y, x = line[row, cell], column[row, cell]
                within = -half <= y < lines - half and -half <= x < columns - half
                if not within:
                    seen[row, cell] = no_data
                    continue
                inside += 1
                y, x = min(max(y, zero), last_line), min(max(x, zero), last_column)
                flags = known[int(np.rint(y)) * columns + int(np.rint(x))]
                seen[row, cell] = flags
                if flags & no_data:
                    continue
                top, left = min(int(y), max(lines - 2, 0)), min(int(x), max(columns - 2, 0))
                at_row[count], at_cell[count] = row, cell
                corner[count] = top * columns + left
                down[count], right[count] = y - np.float32(top), x - np.float32(left)
                count += 1
        with_data += count
        for band in range(bands):
            image, out = flat[band], numbers[band]
            if count < rows * (end - start):
                out[:, start:end] = 0
            for index in range(count):
                at = np.uint64(corner[index])
                upper = image[at] + right[index] * (image[at + beside] - image[at])
                under = at + below
                lower = image[under] + right[index] * (image[under + beside] - image[under])
                value = np.rint((upper + down[index] * (lower - upper)) * factor)
                out[at_row[index], at_cell[index]] = np.uint16(min(max(value, low), high))
    return inside, with_data


@njit(cache=True, nogil=True, error_model="numpy")
def box_mean(values: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Return the mean of what is known in a square around each cell; NaN where it is not known.

    Beyond the edge the values go on as they end. Running sums, row by row, so that nothing but the
    result is of full size.

    Parameters
    ----------
    values
        (rows, columns); NaN is not known.
    side
        Of the square, cells; odd.

    Returns
    -------
    NDArray[np.float32]
        (rows, columns).
    """
    rows, columns = values.shape
    half = side // 2
    made = np.empty((rows, columns), np.float32)
    # Of each column's cells within the square's rows: how many are known, and their sum.
    known, total = np.zeros(columns, np.int32), np.zeros(columns, np.float64)
    for row in range(-half, half + 1):
        _add_row(values[min(max(row, 0), rows - 1)], 1, known, total)
    for row in range(rows):
        if row > 0:
            _add_row(values[max(row - half - 1, 0)], -1, known, total)
            _add_row(values[min(row + half, rows - 1)], 1, known, total)
        count, whole = 0, 0.0
        for column in range(-half, half + 1):
            at = min(max(column, 0), columns - 1)
            count += known[at]
            whole += total[at]
        for column in range(columns):
            if column > 0:
                before, after = max(column - half - 1, 0), min(column + half, columns - 1)
                count += known[after] - known[before]
                whole += total[after] - total[before]
            if np.isnan(values[row, column]):
                made[row, column] = np.nan
            else:
                made[row, column] = whole / count
    return made


@njit(cache=True, nogil=True, error_model="numpy")
def _add_row(
    values: NDArray[np.float32], sign: int, known: NDArray[np.int32], total: NDArray[np.float64]
) -> None:
    """Add a row's known values to the columns' sums, or take them away."""
    for column in range(values.size):
        value = values[column]
        seen = not np.isnan(value)
        known[column] += sign if seen else 0
        total[column] += sign * value if seen else np.float32(0.0)


@njit(cache=True, nogil=True)
def count_below(
    runs: NDArray[np.int64], ground: NDArray[np.uint8], down: int, right: int
) -> tuple[int, int]:
    """Count the ground that lies below a mask's moved cells.

    Parameters
    ----------
    runs
        (runs, 3): row, first and last column + 1 of each run of the mask's cells along a row.
    ground
        (rows, columns): bit 0 is ground that counts, bit 1 ground that counts and is dark.
    down, right
        How far the mask is moved; what leaves the grid counts as nothing.

    Returns
    -------
    cells, dark
        How many count, and how many of them are dark.
    """
    rows = len(ground)
    cells, dark = 0, 0
    for place in range(len(runs)):
        row = runs[place, 0] + down
        if row < 0 or row >= rows:
            continue
        line = ground[row, max(runs[place, 1] + right, 0) : max(runs[place, 2] + right, 0)]
        for value in line:
            cells += value & 1
            dark += value >> 1
    return cells, dark
