"""What a place usually looks like, laid on the grid of a look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.transform import Affine
from rasterio.warp import reproject

from orbitloom.errors import InputFileError
from orbitloom.processing.l3 import SCALE, Grid
from orbitloom.wire.briefing import Baseline

__all__ = ["SPREAD", "Rows", "baseline_on", "baseline_rows"]

SPREAD = "_spread"
"""What the name of a band's spread ends in."""

_WATER_STEPS = 200.0  # of a baseline's water share; 255 is unknown


Rows = Callable[[slice], dict[str, NDArray[np.float32]]]
"""Gives the layers in some of a grid's rows."""


def baseline_on(
    baseline: Baseline, grid: Grid, names: Sequence[str] | None = None
) -> dict[str, NDArray[np.float32]]:
    """Return a baseline's layers on a look's grid, each (rows, columns) float32.

    Medians and spreads are bilinear between the baseline's cells, of those around that are known;
    counts and shares are the nearest cell's. NaN where the nearest cell is not known.

    Parameters
    ----------
    names
        Which layers: a band's name for its median reflectance, the same with `SPREAD` for its
        spread, ``water`` for the share (0 to 1) of looks that showed water, ``looks`` for their
        number. All of them if not given.

    Raises
    ------
    InputFileError
        If the baseline has no such layer.
    """
    return baseline_rows(baseline, grid, names)(slice(0, grid.shape[0]))


def baseline_rows(baseline: Baseline, grid: Grid, names: Sequence[str] | None = None) -> Rows:
    """Return what gives the layers of `baseline_on` for some rows at a time.

    It saves the room of whole layers where they are used up row by row.
    """
    sources: dict[str, tuple[NDArray[np.integer[Any]], float, int, bool]] = {}
    for place, band in enumerate(baseline.band_names):
        sources[band] = (baseline.median[place], SCALE, 0, True)
        sources[band + SPREAD] = (baseline.spread[place], SCALE, 0, True)
    sources["water"] = (baseline.water, 1.0 / _WATER_STEPS, 255, False)
    sources["looks"] = (baseline.looks, 1.0, -1, False)
    layers: dict[str, tuple[NDArray[np.float32], bool]] = {}
    for name in sources if names is None else names:
        if name not in sources:
            raise InputFileError(
                f"has no layer {name!r}", where="baseline", way_out=f"It has: {', '.join(sources)}"
            )
        layer, factor, unknown, smooth = sources[name]
        seen = baseline.looks > 0 if name.endswith(SPREAD) else layer != unknown
        values = np.where(seen, layer * np.float32(factor), np.float32(np.nan))
        layers[name] = (values, smooth)
    if baseline.epsg != grid.epsg:
        whole = {name: _warped(*layer, baseline, grid) for name, layer in layers.items()}
        return lambda part: {name: values[part] for name, values in whole.items()}
    rows = _places(grid.shape[0], grid.transform[4:], baseline.transform[4:])
    columns = _places(grid.shape[1], grid.transform[0:3:2], baseline.transform[0:3:2])

    def some(part: slice) -> dict[str, NDArray[np.float32]]:
        made = {}
        for name, (values, smooth) in layers.items():
            made[name] = np.empty((rows[part].size, columns.size), np.float32)
            _resample(values, rows[part], columns, smooth, made[name])
        return made

    return some


def _warped(
    values: NDArray[np.float32], smooth: bool, baseline: Baseline, grid: Grid
) -> NDArray[np.float32]:
    """Return a layer on a grid of another zone."""
    out = np.full(grid.shape, np.nan, np.float32)
    reproject(
        values,
        out,
        src_transform=Affine(*baseline.transform),
        src_crs=f"EPSG:{baseline.epsg}",
        src_nodata=np.nan,
        dst_transform=Affine(*grid.transform),
        dst_crs=f"EPSG:{grid.epsg}",
        dst_nodata=np.nan,
        resampling=Resampling.bilinear if smooth else Resampling.nearest,
    )
    return out


def _places(count: int, of: tuple[float, ...], on: tuple[float, ...]) -> NDArray[np.float64]:
    """Return where an axis's cell centres lie on another axis, counted from cell centres there.

    `of` and `on` are the axes' steps and starts.
    """
    centres = of[1] + of[0] * (np.arange(count, dtype=np.float64) + 0.5)
    return np.asarray((centres - on[1]) / on[0] - 0.5, np.float64)


@njit(cache=True, nogil=True, error_model="numpy")
def _resample(
    values: NDArray[np.float32],
    rows: NDArray[np.float64],
    columns: NDArray[np.float64],
    smooth: bool,
    out: NDArray[np.float32],
) -> None:
    """Write the values at fractional rows and columns, counted from cell centres.

    Bilinear weights are the product of a row's and a column's: two rows are blended first, then
    columns of that. What is not known weighs nothing.
    """
    height, width = values.shape
    out[:] = np.nan
    nearest = np.floor(columns + 0.5).astype(np.int64)
    inside = np.flatnonzero((nearest >= 0) & (nearest < width))
    if inside.size == 0:
        return
    first, last = inside[0], inside[-1] + 1
    left = np.minimum(np.maximum(np.floor(columns), 0), max(width - 2, 0)).astype(np.int64)
    right = np.minimum(left + 1, width - 1)
    share = np.minimum(np.maximum(columns - left, 0.0), 1.0).astype(np.float32)
    total, weight = np.empty(width, np.float32), np.empty(width, np.float32)
    one, zero = np.float32(1.0), np.float32(0.0)
    for row in range(rows.size):
        near = np.int64(np.floor(rows[row] + 0.5))
        if near < 0 or near >= height:
            continue
        here, made = values[near], out[row]
        if not smooth:
            for column in range(first, last):
                made[column] = here[nearest[column]]
            continue
        top = min(max(np.int64(np.floor(rows[row])), 0), max(height - 2, 0))
        down = np.float32(min(max(rows[row] - top, 0.0), 1.0))
        above, below = values[top], values[min(top + 1, height - 1)]
        for place in range(width):
            upper, lower = above[place], below[place]
            no_upper, no_lower = np.isnan(upper), np.isnan(lower)
            total[place] = (zero if no_upper else upper * (one - down)) + (
                zero if no_lower else lower * down
            )
            weight[place] = (zero if no_upper else one - down) + (zero if no_lower else down)
        for column in range(first, last):
            before, after, part = left[column], right[column], share[column]
            known = weight[before] * (one - part) + weight[after] * part
            value = (total[before] * (one - part) + total[after] * part) / known
            centre = here[nearest[column]]
            made[column] = centre if np.isnan(centre) else value
