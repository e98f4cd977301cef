"""Sums over square blocks of cells: a coarser picture of a fine one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["block_sums"]


def block_sums(
    values: NDArray[np.float32] | NDArray[np.bool_], size: int, dtype: DTypeLike = np.float64
) -> NDArray[Any]:
    """Return the sums over blocks of `size` x `size` cells; the last ones may hold fewer.

    Parameters
    ----------
    values
        (rows, columns).
    size
        Cells along a block's side, 1 or more.
    dtype
        What the sums are made in and given as.

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
    down = np.add.reduceat(values, rows, axis=0, dtype=dtype)
    return np.asarray(np.add.reduceat(down, columns, axis=1, dtype=dtype))
