"""Vessels on the sea: found by constant false alarm rate, measured by fitting a hull and its wake.

Detection is an ordered-statistic CFAR (Rohling, 1983, IEEE Transactions on Aerospace and Electronic
Systems 19): a cell's brightness over the median of the sea around it, in units of that sea's own
spread. Measurement is a least-squares fit of what an imager makes of a hull: a rectangle, blurred,
with foam behind it. See docs/design/maritime.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from rasterio.warp import transform as warp_points
from scipy import ndimage
from scipy.optimize import least_squares, nnls

from orbitloom.processing.indices import layers
from orbitloom.processing.l2 import NO_DATA
from orbitloom.processing.l3 import SCALE, Grid, Tile

__all__ = ["Vessel", "anomaly", "find_vessels", "hulls"]

_BLOCK_M = 320.0  # sea of one spread: shorter than gradients of turbidity, longer than ships
_AT_LOW, _AT_QUARTER = 1.645, 0.674  # standard deviations below the median: quantiles 0.05, 0.25
_LEAST_SEA_CELLS = 64  # of a block, sampled: fewer give no spread
_LEAST_SIGMA = 8e-4  # reflectance: below the noise of any imager here
# Spreads of the sea. Noise alone would do with 6; waves, foam and haze reach 15, a hull that fills
# a cell to a fifth 100.
_SEED = 25.0
# Of a hull's brightest cell, a superstructure: what is brighter is hull, or foam close by. The
# second where the first takes in a neighbour as well.
_HULL_SHARES = (0.35, 0.5)
_LEAST_CONTRAST = 0.05
_LENGTHS_M = (12.0, 450.0)
_WIDEST_M = 75.0
_LEAST_ELONGATION = 1.7
_SMALL_CELLS, _LEAST_SOLIDITY = 40, 0.6
_LEAST_EXPLAINED = 0.92
# Foam at 1.6 um has a third or less of what it has in the green (Frouin, Schwindling & Deschamps,
# 1996, Journal of Geophysical Research 101); paint, rust and concrete have most of it or more.
_FOAM_COLOUR = 0.4
_FOAM_SIGMA = 0.2  # of the length: how much foam may pass for hull where both are bright
_FOAM_FADES, _FOAM_WIDENS = 3.0, 0.3  # lengths of the ship; widths for each of them
_TRAIL_SHARE, _WEDGE_SHARE = 0.45, 0.2  # of the hull's brightest cell: the most that foam has
_LEAST_WAKE_SIGMAS, _CLEAR_WAKE_SIGMAS = 6.0, 15.0  # to know the heading; to look for its foam
_WAKE_CELLS = (3.0, 28.0)  # beyond a hull's end: clear of its blur, and as far as foam is seen
_GRADIENT = 0.5  # spreads by which the sea itself may differ between a ship's ends
_WAVE_CORRELATION = 2.0  # cells of sea that vary together, as the root of their number
# Blur of a 5 m imager (MTF at Nyquist 0.25: 0.53 cells); the bilinear look-up adds up to 0.41.
_BLUR_CELLS = 0.6
_WILD = 1e4
_BEYOND_CELLS = 6.0
_MODEL_SIGMA_CELLS = 0.35  # how far a hull's ends are from a rectangle's, one standard deviation
# A bow that tapers over a tenth to a quarter of the length is half missing from the rectangle that
# fits best: so much of the length the rectangle has, and how that varies between ships.
_RECTANGLE_SHARE, _RECTANGLE_SIGMA = 0.88, 0.04
_PLACE_SIGMA_CELLS = 0.5  # of the geolocation


@dataclass(frozen=True, slots=True, kw_only=True)
class Vessel:
    """A vessel as one look shows it.

    Attributes
    ----------
    row, column
        Of its middle on the tile's grid, in cells; a cell's centre has integers.
    position_sigma_m
        Standard uncertainty in each direction.
    heading_deg
        From north over east; without a wake either this or its opposite.
    heading_known
        Whether a wake says which.
    contrast
        Reflectance of the hull over the sea's in the near infrared.
    snr
        Brightest cell over the sea, in spreads of the sea.
    """

    row: float
    column: float
    longitude_deg: float
    latitude_deg: float
    position_sigma_m: float
    length_m: float
    length_sigma_m: float
    width_m: float
    heading_deg: float
    heading_sigma_deg: float
    heading_known: bool
    contrast: float
    snr: float


def find_vessels(
    tile: Tile, sea: NDArray[np.bool_], static: NDArray[np.bool_] | None = None
) -> tuple[Vessel, ...]:
    """Return the vessels on the sea, in reading order.

    Parameters
    ----------
    sea
        (rows, columns): where to look.
    static
        (rows, columns): where something is known to stand (a platform, a rock).
    """
    score = anomaly(tile, sea)
    if score is None:
        return ()
    found: list[_Hull] = []
    vessels = []
    for row, column in _peaks(score):
        peak = float(score[row, column])
        if any(_belongs(row, column, peak, other) for other in found):
            continue
        hull = _best_fit(score, row, column, tile.grid.gsd_m)
        if hull is None or any(_same(hull, other) for other in found):
            continue
        if static is not None and static[_cell(hull.row, hull.column, tile.grid.shape)]:
            continue
        if not _whole(hull, tile):
            found.append(hull)  # cut off by the edge; its foam may reach in
            continue
        vessel = _vessel(hull, tile)
        if vessel is not None:
            found.append(hull)
            vessels.append(vessel)
    return tuple(sorted(vessels, key=lambda one: (one.row, one.column)))


def _cell(row: float, column: float, shape: tuple[int, int]) -> tuple[int, int]:
    """Return the cell that holds a place, or the nearest one of the grid."""
    return min(max(round(row), 0), shape[0] - 1), min(max(round(column), 0), shape[1] - 1)


def _peaks(score: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Return the brightest cells of their surroundings, the brightest first."""
    rows, columns = np.nonzero(score > _SEED)
    if not rows.size:
        return []
    values = score[rows, columns]
    top = np.array([_tops(score, int(r), int(c)) for r, c in zip(rows, columns, strict=True)])
    order = np.lexsort((columns[top], rows[top], -values[top]))
    return [(int(rows[top][k]), int(columns[top][k])) for k in order]


def hulls(vessels: tuple[Vessel, ...], grid: Grid) -> NDArray[np.bool_]:
    """Return the cells whose centres lie on a hull, at least one a vessel; (rows, columns)."""
    area = np.zeros(grid.shape, np.bool_)
    for one in vessels:
        reach = int(np.ceil(one.length_m / grid.gsd_m / 2.0)) + 1
        top, left = max(round(one.row) - reach, 0), max(round(one.column) - reach, 0)
        rows, columns = np.mgrid[
            top : min(round(one.row) + reach + 1, grid.shape[0]),
            left : min(round(one.column) + reach + 1, grid.shape[1]),
        ]
        along, across = _axes(rows - one.row, columns - one.column, np.radians(one.heading_deg))
        inside = (np.abs(along) * grid.gsd_m <= one.length_m / 2.0) & (
            np.abs(across) * grid.gsd_m <= one.width_m / 2.0
        )
        area[rows, columns] |= inside
        area[round(one.row), round(one.column)] = True
    return area


def anomaly(tile: Tile, sea: NDArray[np.bool_]) -> NDArray[np.float32] | None:
    """Return how far each cell is above the sea around it, in the sea's spreads; 0 off the sea.

    Median and spread are those of blocks of `_BLOCK_M`, by their darker cells; both are bilinear
    between blocks. None where there is too little sea.
    """
    brightness = layers(tile, "maritime")["brightness"]
    block = max(8, round(_BLOCK_M / tile.grid.gsd_m))
    median, spread = _block_statistics(brightness, sea, block, 2)
    known = np.isfinite(median)
    if not known.any():
        return None
    if not known.all():
        nearest = ndimage.distance_transform_edt(
            ~known, return_distances=False, return_indices=True
        )
        median, spread = median[tuple(nearest)], spread[tuple(nearest)]
    median = ndimage.median_filter(median, size=3, mode="nearest")
    spread = ndimage.median_filter(spread, size=3, mode="nearest")
    np.maximum(spread, _LEAST_SIGMA, out=spread)
    return _scores(brightness, sea, median, spread, block)


@njit(cache=True, nogil=True)
def _block_statistics(
    brightness: NDArray[np.float32], sea: NDArray[np.bool_], block: int, stride: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each block's median and spread over the sea; NaN where there is too little of it.

    From its darkest quarter, by the quantiles of a normal distribution: ships, foam and thin cloud
    only ever brighten the sea.
    """
    rows, columns = brightness.shape
    down, right = (rows + block - 1) // block, (columns + block - 1) // block
    median = np.full((down, right), np.nan)
    spread = np.full((down, right), np.nan)
    buffer = np.empty(block * block)
    for i in range(down):
        for j in range(right):
            n = 0
            for row in range(i * block, min((i + 1) * block, rows), stride):
                for column in range(j * block, min((j + 1) * block, columns), stride):
                    if sea[row, column] and not np.isnan(brightness[row, column]):
                        buffer[n] = brightness[row, column]
                        n += 1
            if n >= _LEAST_SEA_CELLS:
                buffer[:n].sort()
                low, quarter = buffer[n // 20], buffer[n // 4]
                spread[i, j] = (quarter - low) / (_AT_LOW - _AT_QUARTER)
                median[i, j] = quarter + _AT_QUARTER * spread[i, j]
    return median, spread


@njit(cache=True, nogil=True)
def _scores(
    brightness: NDArray[np.float32],
    sea: NDArray[np.bool_],
    median: NDArray[np.float64],
    spread: NDArray[np.float64],
    block: int,
) -> NDArray[np.float32]:
    """Return the scores on the sea; medians and spreads hold at the blocks' centres."""
    scores = np.zeros(brightness.shape, np.float32)
    rows, columns = brightness.shape
    down, right = median.shape
    for row in range(rows):
        y = min(max((row + 0.5) / block - 0.5, 0.0), down - 1.0)
        i = min(int(y), max(down - 2, 0))
        below = min(i + 1, down - 1)
        y -= i
        for column in range(columns):
            if not sea[row, column] or np.isnan(brightness[row, column]):
                continue
            x = min(max((column + 0.5) / block - 0.5, 0.0), right - 1.0)
            j = min(int(x), max(right - 2, 0))
            beside = min(j + 1, right - 1)
            x -= j
            a, b, c, d = (1 - y) * (1 - x), (1 - y) * x, y * (1 - x), y * x
            level = (
                a * median[i, j]
                + b * median[i, beside]
                + c * median[below, j]
                + d * median[below, beside]
            )
            sigma = (
                a * spread[i, j]
                + b * spread[i, beside]
                + c * spread[below, j]
                + d * spread[below, beside]
            )
            scores[row, column] = (brightness[row, column] - level) / sigma
    return scores


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hull:
    """A fitted hull: cells, and the heading in radians from north over east."""

    row: float
    column: float
    length: float
    width: float
    heading: float
    length_sigma: float
    heading_sigma: float
    place_sigma: float
    wake: float
    explained: float
    peak: float


def _axes(
    down: NDArray[np.float64], right: NDArray[np.float64], heading: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return cells ahead of and to starboard of a hull's middle."""
    along = right * np.sin(heading) - down * np.cos(heading)
    across = right * np.cos(heading) + down * np.sin(heading)
    return along, across


@njit(cache=True, nogil=True)
def _tops(score: NDArray[np.float32], row: int, column: int) -> bool:
    """Return whether no cell within two is brighter; of equals the first is the one."""
    here = score[row, column]
    for i in range(max(row - 2, 0), min(row + 3, score.shape[0])):
        for j in range(max(column - 2, 0), min(column + 3, score.shape[1])):
            there = score[i, j]
            if there > here or (there == here and (i, j) < (row, column)):
                return False
    return True


@njit(cache=True, nogil=True)
def _step(offset: float) -> float:
    """Return an edge from 0 to 1, blurred."""
    return 0.5 * math.erfc(-offset / (_BLUR_CELLS * math.sqrt(2.0)))


@njit(cache=True, nogil=True)
def _model(
    parameters: NDArray[np.float64], down: NDArray[np.float64], right: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the hull's three thirds, foam astern and foam ahead, of unit height: (cells, 5).

    Thirds, for a superstructure is brighter than a deck. Foam fades over a few lengths, and widens.
    """
    row, column, heading = parameters[0], parameters[1], parameters[4]
    length, width = abs(parameters[2]), abs(parameters[3])
    sine, cosine = math.sin(heading), math.cos(heading)
    columns = np.empty((down.size, 5))
    for k in range(down.size):
        along = (right[k] - column) * sine - (down[k] - row) * cosine
        across = (right[k] - column) * cosine + (down[k] - row) * sine
        beam = _step(across + width / 2.0) - _step(across - width / 2.0)
        edge = _step(along + length / 2.0)
        for third in range(3):
            following = _step(along + length / 2.0 - (third + 1) * length / 3.0)
            columns[k, third] = (edge - following) * beam
            edge = following
        for sense in range(2):
            behind = (1.0 - 2.0 * sense) * -along - length / 2.0
            aft = max(behind, 0.0) / max(length, 1.0)
            half = 0.5 * width * (1.0 + _FOAM_WIDENS * aft)
            foam = _step(across + half) - _step(across - half)
            columns[k, 3 + sense] = _step(behind) * math.exp(-aft / _FOAM_FADES) * foam
        for part in range(5):  # what is next to nothing would want a height next to infinite
            if columns[k, part] < 1e-6:
                columns[k, part] = 0.0
    return columns


def _best_fit(score: NDArray[np.float32], row: int, column: int, gsd_m: float) -> _Hull | None:
    """Return the hull at a bright cell, or None where nothing explains what is there."""
    for share in _HULL_SHARES:
        hull = _fit(score, row, column, gsd_m, share)
        if hull is not None and hull.explained >= _LEAST_EXPLAINED:
            return hull
    return None


def _fit(
    score: NDArray[np.float32], row: int, column: int, gsd_m: float, share: float
) -> _Hull | None:
    """Return the hull and wake that explain a bright spot best, or None where nothing fits."""
    reach = int(1.2 * _LENGTHS_M[1] / gsd_m)
    top, left = max(row - reach, 0), max(column - reach, 0)
    window = score[top : row + reach + 1, left : column + reach + 1]
    peak = float(score[row, column])
    labels, _ = ndimage.label(window > share * peak, structure=np.ones((3, 3), np.int8))
    mine = labels == labels[row - top, column - left]
    if not _could_be(mine, gsd_m):
        return None
    box = ndimage.find_objects(mine.astype(np.int8))[0]
    rows = slice(max(box[0].start - 4, 0), min(box[0].stop + 4, window.shape[0]))
    columns = slice(max(box[1].start - 4, 0), min(box[1].stop + 4, window.shape[1]))
    stamp, bright = window[rows, columns].astype(np.float64), mine[rows, columns]
    wider = ndimage.binary_dilation(bright, np.ones((3, 3), np.bool_), iterations=2)
    if not wider.all():
        stamp -= np.median(stamp[~wider])  # what is left of the sea, or a veil of cloud
    use = ndimage.binary_dilation(bright, np.ones((3, 3), np.bool_), iterations=3)
    others = (labels[rows, columns] > 0) & ~bright
    use &= ~ndimage.binary_dilation(others, np.ones((3, 3), np.bool_))
    use |= bright
    start = _start(stamp, bright)
    down, right = (axis.astype(np.float64) for axis in np.nonzero(use))
    values: NDArray[np.float64] = stamp[use]
    worst: NDArray[np.float64] = 2.0 * values

    def residual(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        if not np.all(np.abs(parameters) < _WILD):
            return worst  # a step too far
        matrix = _model(parameters, down, right)
        if matrix[:, :3].sum() < 1.0:
            return worst  # no hull in sight
        heights, _ = nnls(matrix, values)
        return np.asarray(matrix @ heights - values)

    solution = least_squares(residual, start, method="lm", max_nfev=40, x_scale=[1, 1, 2, 1, 0.1])
    if not np.all(np.abs(solution.x) < _WILD) or not np.all(np.isfinite(solution.jac)):
        return None
    matrix = _model(solution.x, down, right)
    heights, _ = nnls(matrix, values)
    if heights[:3].max() <= 0.0:
        return None
    left_over = values - matrix @ heights
    noise = max(float(np.sqrt(np.mean(left_over**2))), 1.0)
    sigmas = _sigmas(solution.jac, noise)
    middle_row, middle_column, length, width, heading = (float(one) for one in solution.x)
    length, width = abs(length), abs(width)
    middle_row, middle_column = middle_row + rows.start + top, middle_column + columns.start + left
    if width > length:
        length, width, heading = width, length, heading + np.pi / 2.0
    wake = _wake(score, middle_row, middle_column, length, width, heading)
    if wake < 0.0:
        heading += np.pi
    return _Hull(
        row=middle_row,
        column=middle_column,
        length=length,
        width=width,
        heading=float(heading % (2.0 * np.pi)),
        length_sigma=sigmas[2],
        heading_sigma=sigmas[4],
        place_sigma=max(sigmas[0], sigmas[1]),
        wake=abs(wake),
        explained=1.0 - float(np.sum(left_over**2) / np.sum(values**2)),
        peak=peak,
    )


def _could_be(bright: NDArray[np.bool_], gsd_m: float) -> bool:
    """Return whether a bright spot may be a hull: not too large, not round, not ragged.

    By its moments: a rectangle's sides are the root of 12 times its variances. A small spot is as
    round as the blur makes it, and is left to the fit.
    """
    down, right = np.nonzero(bright)
    if down.size < _SMALL_CELLS:
        return True
    if down.size * gsd_m**2 > _LENGTHS_M[1] * _WIDEST_M:
        return False
    wide, long = np.sqrt(12.0 * np.linalg.eigvalsh(np.cov(np.stack([down, right]), ddof=0)))
    return bool(long > 1.3 * wide and down.size > _LEAST_SOLIDITY * long * wide)


def _start(stamp: NDArray[np.float64], bright: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return row, column, length, width and heading by the moments of a bright spot."""
    down, right = np.nonzero(bright)
    weight = stamp[bright]
    middle = np.average(down, weights=weight), np.average(right, weights=weight)
    spread, heading = np.array([0.1, 0.3]), 0.0
    if weight.size > 2:
        spread, vectors = np.linalg.eigh(np.cov(np.stack([down, right]), aweights=weight, ddof=0))
        heading = float(np.arctan2(vectors[1, 1], -vectors[0, 1]))
    long, wide = np.sqrt(12.0 * np.maximum(spread[::-1], 0.0))
    return np.array([*middle, max(long, 2.0), max(wide - 0.5, 1.0), heading])


def _wake(
    score: NDArray[np.float32],
    row: float,
    column: float,
    length: float,
    width: float,
    heading: float,
) -> float:
    """Return how much brighter the sea is astern than ahead, in standard deviations.

    The mean across the hull's track, cell by cell along it, and the median of those: what is short,
    as another ship, does not count.
    """
    steps = np.arange(*_WAKE_CELLS)
    half = width / 2.0 + 0.5
    across = np.arange(-half, half + 0.5)
    levels = []
    for sense in (-1.0, 1.0):
        along = sense * (length / 2.0 + steps)[:, None]
        right = along * np.sin(heading) + across * np.cos(heading)
        down = -along * np.cos(heading) + across * np.sin(heading)
        where = np.stack([row + down, column + right])
        values = ndimage.map_coordinates(score, where, order=0, mode="nearest")
        levels.append(float(np.median(values.mean(axis=1))))
    waves = 1.25 * _WAVE_CORRELATION / np.sqrt(steps.size * across.size)
    spread = np.hypot(waves, _GRADIENT)
    return float((levels[0] - levels[1]) / spread)


def _sigmas(jacobian: NDArray[np.float64], noise: float) -> list[float]:
    """Return the parameters' standard uncertainties from a fit's curvature."""
    information = jacobian.T @ jacobian
    covariance = np.linalg.pinv(information) * noise**2
    return [float(np.sqrt(max(value, 0.0))) for value in np.diag(covariance)]


def _same(hull: _Hull, other: _Hull) -> bool:
    """Return whether a hull overlaps with a brighter one, or is foam of its wake."""
    return _belongs(hull.row, hull.column, hull.peak, other) or _belongs(
        other.row, other.column, np.inf, hull
    )


def _belongs(row: float, column: float, peak: float, other: _Hull) -> bool:
    """Return whether a fainter spot lies on a hull that was found, or is foam of its wake.

    Foam is fainter than the hull that makes it; what is bright in a wake is another ship. The trail
    astern widens; Kelvin's wedge opens by 19.5 degrees to either side and is fainter still.
    """
    ahead, across = _axes(np.array(row - other.row), np.array(column - other.column), other.heading)
    aside = abs(float(across)) - other.width / 2.0 - 3.0
    astern = -float(ahead) - other.length / 2.0
    if aside < 0.0 and abs(float(ahead)) < other.length / 2.0 + 3.0:
        return True
    if other.wake < _CLEAR_WAKE_SIGMAS or not 0.0 < astern < 7.0 * other.length + 40.0:
        return False
    trail = aside < 0.15 * astern and peak < _TRAIL_SHARE * other.peak
    wedge = aside < 0.36 * astern and peak < _WEDGE_SHARE * other.peak
    return trail or wedge


def _vessel(hull: _Hull, tile: Tile) -> Vessel | None:
    """Return what was measured, or None where it is not shaped like a vessel."""
    gsd_m = tile.grid.gsd_m
    length_m, width_m = hull.length * gsd_m, hull.width * gsd_m
    # A beam below the blur is not resolved: then the length alone must tell.
    elongation = hull.length / max(hull.width, 0.8)
    if not _LENGTHS_M[0] <= length_m <= _LENGTHS_M[1] or width_m > _WIDEST_M:
        return None
    if elongation < _LEAST_ELONGATION:
        return None
    contrast = _contrast(hull, tile, "nir")
    if contrast < _LEAST_CONTRAST or _foam_share(hull, tile) < _FOAM_COLOUR:
        return None
    length_m = hull.length / _RECTANGLE_SHARE * gsd_m
    known = bool(hull.wake > _LEAST_WAKE_SIGMAS)
    ahead = (length_m / gsd_m - hull.length) / 2.0 if known else 0.0
    row = hull.row - ahead * np.cos(hull.heading)
    column = hull.column + ahead * np.sin(hull.heading)
    taper_m = 0.0 if known else (length_m - hull.length * gsd_m) / 2.0
    longitude_deg, latitude_deg, convergence_deg = _place(tile.grid, row, column)
    ends = float(np.hypot(hull.length_sigma, _MODEL_SIGMA_CELLS)) * gsd_m
    if known and "swir16" not in tile.band_names:
        ends = float(np.hypot(ends, _FOAM_SIGMA * length_m))
    place = float(np.hypot(hull.place_sigma, _PLACE_SIGMA_CELLS)) * gsd_m
    return Vessel(
        row=float(row),
        column=float(column),
        longitude_deg=longitude_deg,
        latitude_deg=latitude_deg,
        position_sigma_m=float(np.hypot(place, taper_m)),
        length_m=length_m,
        length_sigma_m=float(np.hypot(ends, _RECTANGLE_SIGMA * length_m)),
        width_m=max(width_m, 0.5 * gsd_m),
        heading_deg=(float(np.degrees(hull.heading)) + convergence_deg) % 360.0,
        heading_sigma_deg=float(np.degrees(np.hypot(hull.heading_sigma, 0.3 / hull.length))),
        heading_known=known,
        contrast=contrast,
        snr=hull.peak,
    )


def _place(grid: Grid, row: float, column: float) -> tuple[float, float, float]:
    """Return longitude and latitude, and by how much the grid's north lies east of true north."""
    east_m, north_m = grid.centres(row, column)
    longitudes, latitudes = warp_points(
        f"EPSG:{grid.epsg}", "EPSG:4326", [east_m, east_m], [north_m, north_m + 1000.0]
    )[:2]
    turn = (longitudes[1] - longitudes[0] + 180.0) % 360.0 - 180.0
    shrink = np.cos(np.radians(latitudes[0]))
    convergence = np.arctan2(turn * shrink, latitudes[1] - latitudes[0])
    return float(longitudes[0]), float(latitudes[0]), float(np.degrees(convergence))


def _whole(hull: _Hull, tile: Tile) -> bool:
    """Return whether there is data beyond both of the hull's ends: it is not cut."""
    for sense in (-1.0, 1.0):
        reach = sense * (hull.length / 2.0 + _BEYOND_CELLS)
        row = round(hull.row - reach * np.cos(hull.heading))
        column = round(hull.column + reach * np.sin(hull.heading))
        if _cell(row, column, tile.grid.shape) != (row, column) or tile.mask[row, column] & NO_DATA:
            return False
    return True


def _foam_share(hull: _Hull, tile: Tile) -> float:
    """Return the contrast at 1.6 um over that in the green; 1 without such bands."""
    if "swir16" not in tile.band_names:
        return 1.0
    return _contrast(hull, tile, "swir16") / max(_contrast(hull, tile, "green"), 1e-3)


def _contrast(hull: _Hull, tile: Tile, band: str) -> float:
    """Return how much brighter than the sea beside it the hull is along its middle."""
    numbers = tile.numbers[tile.band_names.index(band)]
    steps = np.arange(-0.4, 0.41, 0.1) * hull.length
    rows = np.rint(hull.row - steps * np.cos(hull.heading)).astype(np.intp)
    columns = np.rint(hull.column + steps * np.sin(hull.heading)).astype(np.intp)
    rows = np.clip(rows, 0, tile.grid.shape[0] - 1)
    columns = np.clip(columns, 0, tile.grid.shape[1] - 1)
    reach = int(hull.length) + 8
    top, left = max(round(hull.row) - reach, 0), max(round(hull.column) - reach, 0)
    around = numbers[top : round(hull.row) + reach + 1, left : round(hull.column) + reach + 1]
    deck = float(np.mean(numbers[rows, columns]))
    return (deck - float(np.median(around[around > 0]))) * SCALE
