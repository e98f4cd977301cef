"""How sharply an imager sees and where each of its bands looks: one small kernel a direction.

The modulation transfer is that of three taps, ``a, 1 - 2a, a`` with ``a = (1 - m) / 4``::

    MTF(f) = 1 - 2a + 2a cos(2 pi f)        f in cycles a pixel; MTF(1/2) = m

A shift by a part of a pixel is cubic convolution with four taps (Keys, IEEE TASSP 29, 1981).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["apply", "taps"]


def taps(mtf_nyquist: float, shift_px: float) -> tuple[int, NDArray[np.float32]]:
    """Return the place of the first tap, in pixels from the one asked for, and the taps.

    Examples
    --------
    >>> taps(1.0, 3.0)
    (3, array([1.], dtype=float32))
    >>> taps(0.2, 0.0)
    (-1, array([0.2, 0.6, 0.2], dtype=float32))
    """
    whole = math.floor(shift_px)
    part = shift_px - whole
    first, kernel = whole, np.ones(1)
    if part > 0.0:
        t = np.array([1.0 + part, part, 1.0 - part, 2.0 - part])
        near = (1.5 * t - 2.5) * t * t + 1.0
        far = ((-0.5 * t + 2.5) * t - 4.0) * t + 2.0
        first, kernel = whole - 1, np.where(t < 1.0, near, far)
    if mtf_nyquist < 1.0:
        side = (1.0 - mtf_nyquist) / 4.0
        first, kernel = first - 1, np.convolve(kernel, [side, 1.0 - 2.0 * side, side])
    return first, kernel.astype(np.float32)


@njit(cache=True, nogil=True)
def apply(
    image: NDArray[np.float32],
    along: NDArray[np.float32],
    across: NDArray[np.float32],
    corner: tuple[int, int],
    out: NDArray[np.float32],
) -> None:
    """Write to `out` what the kernels see of an image whose (line, column) `corner` the first does.

    ``out[l, c] = sum_j along[j] sum_i across[i] image[corner[0] + l + j, corner[1] + c + i]``
    """
    lines, columns = out.shape
    row = np.empty(image.shape[1], np.float32)
    for line in range(lines):
        above = corner[0] + line
        row[:] = along[0] * image[above]
        for j in range(1, along.size):
            weight = along[j]
            for c in range(row.size):
                row[c] += weight * image[above + j, c]
        for c in range(columns):
            total = np.float32(0.0)
            for i in range(across.size):
                total += across[i] * row[corner[1] + c + i]
            out[line, c] = total
