"""Masks grown, opened and cleared of small parts: binary morphology on squares, compiled.

A mask goes through the cache once, row by row; scipy's, which take any structure, go through it
once for each of the structure's cells.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["grown", "large", "opened"]


def grown(mask: NDArray[np.bool_], cells: int) -> NDArray[np.bool_]:
    """Return the mask grown by a square of that half-width; (rows, columns).

    Examples
    --------
    >>> grown(np.array([[False, False, True]]), 1)
    array([[False,  True,  True]])
    """
    return np.asarray(_grown(np.ascontiguousarray(mask).view(np.uint8), cells).view(np.bool_))


def opened(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the mask without what is thinner than three cells."""
    return grown(~grown(~mask, 1), 1)


def large(
    mask: NDArray[np.bool_],
    least_cells: float,
    *,
    joined_within: int = 0,
    corners: bool = False,
) -> NDArray[np.bool_]:
    """Return the mask without its parts of fewer cells.

    Parameters
    ----------
    mask
        (rows, columns).
    joined_within
        Parts closer than twice this many cells count as one.
    corners
        Whether cells that meet at a corner belong together.
    """
    near = grown(mask, joined_within) if joined_within else mask
    labels, count = ndimage.label(near, np.ones((3, 3), np.int8) if corners else None)
    return np.asarray(_large(labels, count, mask, least_cells))


@njit(cache=True, nogil=True, error_model="numpy")
def _grown(mask: NDArray[np.uint8], cells: int) -> NDArray[np.uint8]:
    rows, columns = mask.shape
    out = np.empty((rows, columns), np.uint8)
    line = np.zeros(columns + 2 * cells, np.uint8)
    middle = line[cells : cells + columns]
    for row in range(rows):
        middle[:] = mask[row]
        for near in range(max(row - cells, 0), min(row + cells + 1, rows)):
            for column in range(columns):
                middle[column] |= mask[near, column]
        out[row] = middle
        for shift in range(2 * cells + 1):
            for column in range(columns):
                out[row, column] |= line[column + shift]
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _large(
    labels: NDArray[np.int32], count: int, mask: NDArray[np.bool_], least_cells: float
) -> NDArray[np.bool_]:
    """Return the mask's cells in parts, told by their labels, that hold enough of them."""
    rows, columns = mask.shape
    size = np.zeros(count + 1, np.int64)
    for row in range(rows):
        for column in range(columns):
            size[labels[row, column]] += mask[row, column]
    keep = size >= least_cells
    out = np.empty((rows, columns), np.bool_)
    for row in range(rows):
        for column in range(columns):
            out[row, column] = mask[row, column] and keep[labels[row, column]]
    return out
