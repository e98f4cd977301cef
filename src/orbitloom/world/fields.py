"""Smooth functions of position: a periodic lattice of samples, read between its nodes.

Scenes and events are both such functions, so that what is on the ground can be asked at any point,
by the instrument along its rays and by a judge on any grid, with one answer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Lattice", "gaussian_field"]


class Lattice:
    """Fields known at the nodes of a north-up lattice, bilinear between them, endless.

    Parameters
    ----------
    values
        (fields, rows, columns); row 0 is the northernmost.
    spacing_m
        Distance of neighbouring rows and of neighbouring columns.
    east_m, north_m
        Where node [0, 0] lies.
    mirrored
        Whether the lattice goes on as its mirror image (without a seam, whatever the values) or
        from its start again (for values that are periodic by themselves).
    """

    __slots__ = ("_east_m", "_flat", "_mirrored", "_north_m", "_shape", "_spacing_m")

    def __init__(
        self,
        values: NDArray[Any],
        *,
        spacing_m: tuple[float, float],
        east_m: float,
        north_m: float,
        mirrored: bool = False,
    ) -> None:
        self._shape = values.shape[1:]
        self._flat = np.ascontiguousarray(values, np.float32).reshape(len(values), -1)
        self._spacing_m = spacing_m
        self._east_m = east_m
        self._north_m = north_m
        self._mirrored = mirrored

    def __call__(
        self, easting_m: NDArray[np.float64], northing_m: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Return the fields, (fields, ...), at points of any shape (...)."""
        row_f = (self._north_m - np.asarray(northing_m)) / self._spacing_m[0]
        column_f = (np.asarray(easting_m) - self._east_m) / self._spacing_m[1]
        row, column = np.floor(row_f), np.floor(column_f)
        down = (row_f - row).astype(np.float32)
        right = (column_f - column).astype(np.float32)
        row, column = row.astype(np.int32), column.astype(np.int32)
        upper, lower = self._fold(row, 0), self._fold(row + 1, 0)
        upper, lower = upper * self._shape[1], lower * self._shape[1]
        west, east = self._fold(column, 1), self._fold(column + 1, 1)
        corners = (
            (upper + west, (1 - down) * (1 - right)),
            (upper + east, (1 - down) * right),
            (lower + west, down * (1 - right)),
            (lower + east, down * right),
        )
        out = np.zeros((len(self._flat), *row.shape), np.float32)
        for node, weight in corners:
            for number, samples in enumerate(self._flat):
                out[number, ...] += samples.take(node) * weight
        return out

    def _fold(self, index: NDArray[np.int32], axis: int) -> NDArray[np.int32]:
        """Return the node on the lattice that stands for one anywhere on its endless extension."""
        size = self._shape[axis]
        if not self._mirrored:
            return np.asarray(index % size, np.int32)
        index = index % (2 * size)
        return np.asarray(np.minimum(index, 2 * size - 1 - index))


def gaussian_field(
    rng: np.random.Generator,
    size: int,
    *,
    longest: float,
    shortest: float = 2.0,
    slope: float = 3.0,
) -> NDArray[np.float32]:
    """Return a periodic Gaussian random field with a power-law spectrum.

    Parameters
    ----------
    rng
        Where the draw comes from.
    size
        Nodes a side.
    longest, shortest
        Wavelengths between which the field varies, in nodes.
    slope
        Power falls with wave number to this power; the higher, the smoother.

    Returns
    -------
    numpy.ndarray
        (size, size), mean 0, standard deviation 1.
    """
    white = rng.standard_normal((size, size), dtype=np.float32)
    wave = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :])
    low, high = 1.0 / longest, 1.0 / shortest
    amplitude = np.where(wave <= high, np.maximum(wave, low) ** (-slope / 2.0), 0.0)
    amplitude[wave < low / 2.0] = 0.0
    field = np.fft.irfft2(np.fft.rfft2(white) * amplitude, s=(size, size))
    field -= field.mean()
    return np.asarray(field / field.std(), np.float32)
