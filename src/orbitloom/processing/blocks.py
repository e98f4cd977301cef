"""Square blocks of cells: from a fine picture to a coarser one, and back."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["above", "block_means", "block_sums"]


def block_sums(values: NDArray[np.float32], size: int) -> NDArray[np.float64]:
    """Return the sums over blocks of `size` x `size` cells; the last ones may hold fewer.

    Parameters
    ----------
    values
        (rows, columns).
    size
        Cells along a block's side, 1 or more.

    Returns
    -------
    NDArray
        (rows / size, columns / size), rounded up.

    Examples
    --------
    >>> block_sums(np.ones((3, 4), np.float32), 2)
    array([[4., 4.],
           [2., 2.]])
    """
    rows = np.arange(0, values.shape[0], size)
    columns = np.arange(0, values.shape[1], size)
    down = np.add.reduceat(values, rows, axis=0, dtype=np.float64)
    return np.asarray(np.add.reduceat(down, columns, axis=1))


@njit(cache=True, nogil=True, error_model="numpy")
def block_means(
    values: NDArray[np.float32], good: NDArray[np.bool_], size: int
) -> NDArray[np.float32]:
    """Return the means over blocks of `size` x `size` cells that are good; 0 where none is.

    Parameters and shapes are those of `block_sums`; `good` is (rows, columns).
    """
    rows, columns = values.shape
    high, wide = (rows + size - 1) // size, (columns + size - 1) // size
    out = np.zeros((high, wide), np.float32)
    count = np.empty(wide, np.int64)
    for block in range(high):
        count[:] = 0
        line = out[block]
        for row in range(block * size, min((block + 1) * size, rows)):
            for place in range(wide):
                for column in range(place * size, min((place + 1) * size, columns)):
                    if good[row, column]:
                        line[place] += values[row, column]
                        count[place] += 1
        for place in range(wide):
            if count[place]:
                line[place] /= np.float32(count[place])
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def above(
    cells: NDArray[np.float32], size: int, limit: float, good: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return where values given on blocks exceed a limit, on the fine grid.

    Between the blocks' centres they go on bilinearly, beyond the outermost ones as they are.

    Parameters
    ----------
    cells
        (rows / size, columns / size), rounded up.
    size
        Cells of the fine grid along a block's side.
    limit
        To be exceeded.
    good
        (rows, columns): false stays false.
    """
    rows, columns = good.shape
    high, wide = cells.shape
    out = np.zeros((rows, columns), np.bool_)
    left = np.empty(columns, np.int64)
    share = np.empty(columns, np.float32)
    for column in range(columns):
        place = min(max((column + 0.5) / size - 0.5, 0.0), wide - 1.0)
        left[column] = min(int(place), max(wide - 2, 0))
        share[column] = place - left[column]
    between = np.empty(wide, np.float32)
    for row in range(rows):
        place = min(max((row + 0.5) / size - 0.5, 0.0), high - 1.0)
        top = min(int(place), max(high - 2, 0))
        below = min(top + 1, high - 1)
        down = np.float32(place - top)
        for column in range(wide):
            between[column] = cells[top, column] + down * (
                cells[below, column] - cells[top, column]
            )
        for column in range(columns):
            low = between[left[column]]
            high_side = between[min(left[column] + 1, wide - 1)]
            out[row, column] = good[row, column] and low + share[column] * (high_side - low) > limit
    return out
