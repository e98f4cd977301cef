"""What a scene itself shows of the error of its columns' response."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from orbitloom.processing.kernels import column_steps
from orbitloom.processing.l0 import Frames
from orbitloom.wire.tasking import Calibration

__all__ = ["stripes"]

_BLOCKS = 16  # of lines, for the spread of a column's step
_MANY_LINES = 2000
_LEAST_COUNT = 8
_LEAST_SIGNAL_DN = 100.0  # below, errors of dark look like errors of gain
_LEAST_STRIPE = 1e-4
_LEAST_KEPT = 0.2


def stripes(
    frames: Frames, calibration: Calibration, band: int, bad: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], float]:
    """Return what the scene shows of the response's error, (columns,) relative, and what is left.

    Neighbouring columns see, on level ground, the same: their mean relative step is the step of
    the response's error, known to the spread of the steps that blocks of lines give. With errors
    that are independent from column to column (a flat field's residual; variance tau^2) the most
    probable ones are the solution of a tridiagonal system::

        (D' W D + I / tau^2) r = D' W d        D: differences, W: 1 / variance of each step d

    It takes out no more than the scene proves, and nothing that is wider than some columns. Where
    the calibration says that its response is exact (`response_sigma` 0), nothing.
    """
    stated = calibration.response_sigma
    columns = bad.size
    nothing = np.zeros(columns)
    if stated == 0.0 or columns < _BLOCKS or frames.dn.shape[1] < 2 * _BLOCKS:
        return nothing, stated
    response = calibration.response[band]
    sums, counts, kept = column_steps(
        frames.dn[band],
        frames.valid[band],
        calibration.dark_dn[band],
        (1.0 / response).astype(np.float32),
        (_LEAST_SIGNAL_DN, 0.95 * calibration.saturation_dn),
        (1.0 / calibration.electrons_per_dn, calibration.read_noise_dn**2 + 1 / 12),
        _BLOCKS,
        1 if frames.dn.shape[1] < _MANY_LINES else 2,
    )
    enough = counts >= _LEAST_COUNT
    used = enough.sum(axis=0)
    mean = np.where(enough, sums / np.maximum(counts, 1), np.nan) / max(kept, _LEAST_KEPT)
    told = (used >= _BLOCKS // 2) & ~bad[1:] & ~bad[:-1]
    if np.count_nonzero(told) < _BLOCKS or kept < _LEAST_KEPT:
        return nothing, stated
    step, variance = np.zeros(columns - 1), np.full(columns - 1, np.inf)
    step[told] = np.nanmedian(mean[:, told], axis=0)
    # The variance of a median of n is pi/2n times that of one.
    spread = np.pi / 2 * np.nanvar(mean[:, told], axis=0, ddof=1) / used[told]
    variance[told] = 0.5 * (spread + np.median(spread))
    seen = np.median(np.abs(step[told])) ** 2 / 0.6745**2 - np.median(variance[told])
    prior = max(seen / 2.0, 0.0)
    if prior <= _LEAST_STRIPE**2:
        return nothing, stated
    weight = 1.0 / variance
    diagonal = np.full(columns, 1.0 / prior)
    diagonal[1:] += weight
    diagonal[:-1] += weight
    right = np.zeros(columns)
    right[1:] += weight * step
    right[:-1] -= weight * step
    banded = np.stack([np.concatenate([[0.0], -weight]), diagonal])
    found = solveh_banded(banded, right)
    # What is left of a column's error, were its neighbours' known as poorly as itself.
    left = np.sqrt(np.median(_inverse_diagonal(diagonal, weight)))
    return found, float(min(left, math.sqrt(prior)))


def _inverse_diagonal(
    diagonal: NDArray[np.float64], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the diagonal of a tridiagonal matrix's inverse (off-diagonal `-weight`)."""
    forward, backward = diagonal.copy(), diagonal.copy()
    for place in range(1, diagonal.size):
        forward[place] -= weight[place - 1] ** 2 / forward[place - 1]
    for place in range(diagonal.size - 2, -1, -1):
        backward[place] -= weight[place] ** 2 / backward[place + 1]
    return np.asarray(1.0 / (forward + backward - diagonal))
