"""Heights of the ground where L1 and L3 ask for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numba import njit
from numpy.typing import NDArray
from rasterio.warp import transform as warp_points
from scipy import ndimage

from orbitloom.errors import InputFileError
from orbitloom.wire.briefing import Terrain

__all__ = ["check_terrain", "heights_at", "heights_on_rows", "project", "slopes_at", "steepest"]

_NODES = 17  # a side, between which another UTM zone is bilinear: 0.04 m over 25 km


def check_terrain(terrain: Terrain) -> None:
    """Refuse terrain that is not finite, or whose grid is not north up.

    Raises
    ------
    InputFileError
        Saying which.
    """
    a, b, _, d, e, _ = terrain.transform
    if not np.isfinite(terrain.height_m).all() or terrain.height_m.ndim != 2:
        raise InputFileError(
            "the terrain has heights that are not numbers",
            where="terrain of the briefing",
            way_out="Fill its voids; the sea has the geoid's height above the ellipsoid",
        )
    if not (a > 0.0 and e < 0.0 and b == d == 0.0):
        raise InputFileError(
            f"the terrain's grid is not north up: transform {terrain.transform}",
            where="terrain of the briefing",
            way_out="Give it rows from north to south and columns from west to east",
        )


def project(
    first: NDArray[np.float64], second: NDArray[np.float64], source: int, target: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return points (...) of one EPSG code in another: x or longitude first."""
    if source == target:
        return first, second
    made = warp_points(f"EPSG:{source}", f"EPSG:{target}", first.ravel(), second.ravel())[:2]
    return np.reshape(made[0], first.shape), np.reshape(made[1], first.shape)


def heights_at(
    terrain: Terrain, easting_m: NDArray[np.float64], northing_m: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return heights above the ellipsoid at points (...) in the terrain's own projection."""
    a, _, west, _, e, north = terrain.transform
    column = np.ascontiguousarray((easting_m - west) / a - 0.5).ravel()
    row = np.ascontiguousarray((northing_m - north) / e - 0.5).ravel()
    height_m = np.ascontiguousarray(terrain.height_m, dtype=np.float32)
    return np.reshape(_bilinear(height_m, row, column), np.shape(easting_m))


def heights_on_rows(
    terrain: Terrain, epsg: int, easting_m: NDArray[np.float64], northing_m: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return heights on a north-up grid, (northings, eastings), of any UTM zone."""
    if epsg == terrain.epsg:
        shape = (northing_m.size, easting_m.size)
        east = np.broadcast_to(easting_m, shape)
        return heights_at(terrain, east, np.broadcast_to(northing_m[:, None], shape))
    few_e = np.linspace(easting_m[0], easting_m[-1], _NODES)
    few_n = np.linspace(northing_m[0], northing_m[-1], _NODES)
    nodes = project(*np.meshgrid(few_e, few_n), epsg, terrain.epsg)
    u = np.interp(easting_m, few_e, np.arange(_NODES))
    v = np.linspace(0.0, _NODES - 1.0, northing_m.size)
    across, down = _shares(u), _shares(v)
    return heights_at(terrain, *(down @ node @ across.T for node in nodes))


def _shares(position: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights (n, nodes) of linear interpolation between nodes."""
    return np.maximum(1.0 - np.abs(position[:, None] - np.arange(_NODES)), 0.0)


def steepest(terrain: Terrain) -> float:
    """Return the terrain's largest slope, as a tangent, or more."""
    a, _, _, _, e, _ = terrain.transform
    height_m = terrain.height_m
    along, across = (
        float(np.abs(np.diff(height_m, axis=axis)).max(initial=0.0)) / abs(size)
        for axis, size in ((0, e), (1, a))
    )
    return float(np.hypot(along, across))


def slopes_at(
    terrain: Terrain,
    epsg: int,
    easting_m: NDArray[np.float64],
    northing_m: NDArray[np.float64],
    over_m: float,
) -> NDArray[np.float32]:
    """Return the terrain's slope at points (...) of any UTM zone, as a tangent.

    It is that of heights averaged over squares of `over_m`: errors from cell to cell are no slope.
    """
    a, e = terrain.transform[0], terrain.transform[4]
    size = tuple(max(1, round(over_m / abs(cell))) for cell in (e, a))
    smooth = ndimage.uniform_filter(terrain.height_m.astype(np.float32), size, mode="nearest")
    if min(smooth.shape) < 2:
        return np.zeros(np.shape(easting_m), np.float32)
    slope = np.hypot(*np.gradient(smooth, abs(e), abs(a)))
    east, north_m = project(easting_m, northing_m, epsg, terrain.epsg)
    return heights_at(replace(terrain, height_m=slope), east, north_m)


@njit(cache=True, nogil=True)
def _bilinear(
    height_m: NDArray[np.float32], row: NDArray[np.float64], column: NDArray[np.float64]
) -> NDArray[np.float32]:
    rows, columns = height_m.shape
    made = np.empty(row.size, np.float32)
    for place in range(row.size):
        y = min(max(row[place], 0.0), rows - 1.0)
        x = min(max(column[place], 0.0), columns - 1.0)
        top, left = int(y), int(x)
        below, beside = min(top + 1, rows - 1), min(left + 1, columns - 1)
        u = x - left
        upper = height_m[top, left] + u * (height_m[top, beside] - height_m[top, left])
        lower = height_m[below, left] + u * (height_m[below, beside] - height_m[below, left])
        made[place] = upper + (y - top) * (lower - upper)
    return made
