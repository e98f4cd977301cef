"""Vessels on the sea: found by constant false alarm rate, measured by fitting a hull and its wake.

Detection is an ordered-statistic CFAR (Rohling, 1983, IEEE Transactions on Aerospace and Electronic
Systems 19): a cell's brightness over the median of the sea around it, in units of that sea's own
spread. Measurement is a least-squares fit of what an imager makes of a hull: a rectangle, blurred,
with foam behind it. See docs/design/maritime.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from rasterio.warp import transform as warp_points
from scipy import ndimage
from scipy.optimize import least_squares, nnls
from scipy.special import ndtr

from orbitloom.processing.l3 import SCALE, Grid, Tile

__all__ = ["BANDS", "Vessel", "anomaly", "find_vessels", "hulls"]

BANDS = ("nir", "swir16")
"""Where the sea is darkest, and a hull stands out most; a tile without the second does."""

_BLOCK_M = 320.0  # sea of one spread: shorter than gradients of turbidity, longer than ships
_LEAST_SEA_CELLS = 64  # of a block, sampled: fewer give no spread
_LEAST_SIGMA = 8.0  # numbers: below the noise of any imager here
_SEED, _SUPPORT = 8.0, 4.0  # spreads of the sea
_LEAST_CONTRAST = 0.015
_LENGTHS_M = (12.0, 450.0)
_WIDEST_M = 75.0
_LEAST_ELONGATION = 1.7
_LEAST_EXPLAINED = 0.75
_WAKE_DECAY_M = 120.0
_FOAM_SHARE = 0.5
_LEAST_WAKE_SIGMAS = 6.0
_WAKE_CELLS = (3.0, 28.0)  # beyond a hull's end: clear of its blur, and as far as foam is seen
_WAVE_CORRELATION = 2.0  # cells of sea that vary together, as the root of their number
# Blur of a 5 m imager (MTF at Nyquist 0.25: 0.53 cells) and of the bilinear look-up (0.41 cells).
_BLUR_CELLS = 0.67
_MODEL_SIGMA_CELLS = 0.35  # how far a hull's ends are from a rectangle's, one standard deviation
# A bow that tapers over a tenth to a quarter of the length is half missing from the rectangle that
# fits best: so much of the length the rectangle has, and how that varies between ships.
_RECTANGLE_SHARE, _RECTANGLE_SIGMA = 0.92, 0.03
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
    labels, count = ndimage.label(score > _SUPPORT, structure=np.ones((3, 3), np.int8))
    if not count:
        return ()
    peaks = ndimage.maximum(score, labels, np.arange(1, count + 1))
    boxes = ndimage.find_objects(labels)
    order = [int(one) for one in np.argsort(-peaks, kind="stable") if peaks[one] > _SEED]
    found: list[tuple[Vessel, _Hull]] = []
    for number in order:
        rows, columns = boxes[number]
        longest = 3.0 * _LENGTHS_M[1] / tile.grid.gsd_m
        if rows.stop - rows.start > longest or columns.stop - columns.start > longest:
            continue
        hull = _fit(score, labels, number + 1, boxes[number], tile.grid.gsd_m)
        if hull is None or any(_behind(hull, other) for _, other in found):
            continue
        if static is not None and static[round(hull.row), round(hull.column)]:
            continue
        vessel = _vessel(hull, tile)
        if vessel is not None:
            found.append((vessel, hull))
    return tuple(sorted((vessel for vessel, _ in found), key=lambda one: (one.row, one.column)))


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

    Median and spread (1.4826 median absolute deviations) are those of blocks of `_BLOCK_M`; the
    median is bilinear between blocks. Scores of several bands are added and brought back to unit
    spread, for waves are bright in all bands at once. None where there is too little sea.
    """
    names = [name for name in BANDS if name in tile.band_names]
    block = max(8, round(_BLOCK_M / tile.grid.gsd_m))
    total = np.zeros(tile.grid.shape, np.float32)
    for name in names:
        numbers = tile.numbers[tile.band_names.index(name)]
        median, spread = _block_statistics(numbers, sea, block, 2)
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
        _add_scores(total, numbers, sea, median, spread, block)
    sample = total[::3, ::3][sea[::3, ::3]]
    scale = float(1.4826 * np.median(np.abs(sample))) if sample.size else 1.0
    return total / np.float32(max(scale, 1.0))


@njit(cache=True, nogil=True)
def _block_statistics(
    numbers: NDArray[np.uint16], sea: NDArray[np.bool_], block: int, stride: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each block's median and spread over the sea; NaN where there is too little of it."""
    rows, columns = numbers.shape
    down, right = (rows + block - 1) // block, (columns + block - 1) // block
    median = np.full((down, right), np.nan)
    spread = np.full((down, right), np.nan)
    buffer = np.empty(block * block)
    for i in range(down):
        for j in range(right):
            n = 0
            for row in range(i * block, min((i + 1) * block, rows), stride):
                for column in range(j * block, min((j + 1) * block, columns), stride):
                    if sea[row, column]:
                        buffer[n] = numbers[row, column]
                        n += 1
            if n >= _LEAST_SEA_CELLS:
                middle = np.median(buffer[:n])
                median[i, j] = middle
                spread[i, j] = 1.4826 * np.median(np.abs(buffer[:n] - middle))
    return median, spread


@njit(cache=True, nogil=True)
def _add_scores(
    total: NDArray[np.float32],
    numbers: NDArray[np.uint16],
    sea: NDArray[np.bool_],
    median: NDArray[np.float64],
    spread: NDArray[np.float64],
    block: int,
) -> None:
    """Add a band's scores on the sea; the medians hold at the blocks' centres."""
    rows, columns = numbers.shape
    down, right = median.shape
    for row in range(rows):
        y = min(max((row + 0.5) / block - 0.5, 0.0), down - 1.0)
        i = min(int(y), max(down - 2, 0))
        below = min(i + 1, down - 1)
        y -= i
        for column in range(columns):
            if not sea[row, column]:
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
            total[row, column] += (numbers[row, column] - level) / sigma


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


def _bar(offset: NDArray[np.float64], length: float) -> NDArray[np.float64]:
    """Return a bar of unit height, blurred."""
    return np.asarray(
        ndtr((offset + length / 2.0) / _BLUR_CELLS) - ndtr((offset - length / 2.0) / _BLUR_CELLS)
    )


def _model(
    parameters: NDArray[np.float64],
    down: NDArray[np.float64],
    right: NDArray[np.float64],
    decay: float,
) -> NDArray[np.float64]:
    """Return a hull, foam astern and foam ahead, each of unit height: (cells, 3)."""
    row, column, length, width, heading = parameters
    along, across = _axes(down - row, right - column, heading)
    length, width = abs(length), abs(width)
    beam = _bar(across, width)
    foam = _bar(across, width + 1.0)
    columns = [_bar(along, length) * beam]
    for sense in (-1.0, 1.0):
        behind = sense * along - length / 2.0
        columns.append(ndtr(behind / _BLUR_CELLS) * np.exp(-np.maximum(behind, 0.0) / decay) * foam)
    return np.stack(columns, axis=1)


def _fit(
    score: NDArray[np.float32],
    labels: NDArray[np.int32],
    label: int,
    box: tuple[slice, slice],
    gsd_m: float,
) -> _Hull | None:
    """Return the hull and wake that explain a bright spot best, or None where nothing fits."""
    margin = 4
    rows = slice(max(box[0].start - margin, 0), min(box[0].stop + margin, score.shape[0]))
    columns = slice(max(box[1].start - margin, 0), min(box[1].stop + margin, score.shape[1]))
    stamp = score[rows, columns].astype(np.float64)
    owner = labels[rows, columns]
    mine = owner == label
    use = ndimage.binary_dilation(mine, np.ones((3, 3), np.bool_), iterations=3)
    use &= (owner == 0) | mine
    inside = np.where(owner == label, stamp, 0.0)
    bright = inside > 0.4 * inside.max()
    down, right = np.nonzero(bright)
    weight = np.minimum(stamp[bright], 0.8 * inside.max())
    middle = np.array([np.average(down, weights=weight), np.average(right, weights=weight)])
    if bright.sum() < 2:
        spread, heading = np.array([0.1, 0.2]), 0.0
    else:
        spread, vectors = np.linalg.eigh(np.cov(np.stack([down, right]), aweights=weight, ddof=0))
        heading = float(np.arctan2(vectors[1, 1], -vectors[0, 1]))
    start = np.array(
        [
            *middle,
            max(np.sqrt(12.0 * max(spread[1], 0.0)), 2.0),
            max(np.sqrt(12.0 * max(spread[0], 0.0)) - 0.5, 1.0),
            heading,
        ]
    )
    down_all, right_all = (axis.astype(np.float64) for axis in np.nonzero(use))
    values = stamp[use]
    decay = _WAKE_DECAY_M / gsd_m

    def residual(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        matrix = _model(parameters, down_all, right_all, decay)
        heights, _ = nnls(matrix, values)
        return np.asarray(matrix @ heights - values)

    solution = least_squares(residual, start, method="lm", max_nfev=120, x_scale=[1, 1, 2, 1, 0.1])
    matrix = _model(solution.x, down_all, right_all, decay)
    heights, _ = nnls(matrix, values)
    if heights[0] <= 0.0:
        return None
    left = values - matrix @ heights
    noise = max(float(np.sqrt(np.mean(left**2))), 1.0)
    sigmas = _sigmas(solution.jac, noise)
    row, column, length, width, heading = solution.x
    length, width = abs(length), abs(width)
    if width > length:
        length, width, heading = width, length, heading + np.pi / 2.0
    row, column = float(row) + rows.start, float(column) + columns.start
    wake = _wake(score, row, column, length, width, heading)
    if wake < 0.0:
        heading += np.pi
    return _Hull(
        row=row,
        column=column,
        length=float(length),
        width=float(width),
        heading=float(heading % (2.0 * np.pi)),
        length_sigma=sigmas[2],
        heading_sigma=sigmas[4],
        place_sigma=max(sigmas[0], sigmas[1]),
        wake=abs(wake),
        explained=1.0 - float(np.sum(left**2) / np.sum(values**2)),
        peak=float(inside.max()),
    )


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
    spread = 1.25 * _WAVE_CORRELATION / np.sqrt(steps.size * across.size)
    return float((levels[0] - levels[1]) / spread)


def _sigmas(jacobian: NDArray[np.float64], noise: float) -> list[float]:
    """Return the parameters' standard uncertainties from a fit's curvature."""
    information = jacobian.T @ jacobian
    covariance = np.linalg.pinv(information) * noise**2
    return [float(np.sqrt(max(value, 0.0))) for value in np.diag(covariance)]


def _behind(hull: _Hull, other: _Hull) -> bool:
    """Return whether a fainter spot lies on a hull that was found, or in its wake."""
    along, across = _axes(
        np.array(hull.row - other.row), np.array(hull.column - other.column), other.heading
    )
    beside = abs(float(across)) < other.width / 2.0 + 3.0
    if not beside:
        return False
    if abs(float(along)) < other.length / 2.0 + 3.0:
        return True
    # Foam is fainter than the hull that makes it; another ship in the wake need not be.
    foam = hull.peak < _FOAM_SHARE * other.peak and other.wake > _LEAST_WAKE_SIGMAS
    return foam and -4.0 * other.length - 40.0 < float(along) < 0.0


def _vessel(hull: _Hull, tile: Tile) -> Vessel | None:
    """Return what was measured, or None where it is not shaped like a vessel."""
    gsd_m = tile.grid.gsd_m
    length_m, width_m = hull.length * gsd_m, hull.width * gsd_m
    rows, columns = tile.grid.shape
    if not (-0.5 < hull.row < rows - 0.5 and -0.5 < hull.column < columns - 0.5):
        return None
    # A beam below the blur is not resolved: then the length alone must tell.
    elongation = hull.length / max(hull.width, 0.8)
    if not _LENGTHS_M[0] <= length_m <= _LENGTHS_M[1] or width_m > _WIDEST_M:
        return None
    if elongation < _LEAST_ELONGATION or hull.explained < _LEAST_EXPLAINED:
        return None
    contrast = _contrast(hull, tile)
    if contrast < _LEAST_CONTRAST:
        return None
    length_m = hull.length / _RECTANGLE_SHARE * gsd_m
    known = bool(hull.wake > _LEAST_WAKE_SIGMAS)
    ahead = (length_m / gsd_m - hull.length) / 2.0 if known else 0.0
    row = hull.row - ahead * np.cos(hull.heading)
    column = hull.column + ahead * np.sin(hull.heading)
    taper_m = 0.0 if known else (length_m - hull.length * gsd_m) / 2.0
    longitude_deg, latitude_deg, convergence_deg = _place(tile.grid, row, column)
    ends = float(np.hypot(hull.length_sigma, _MODEL_SIGMA_CELLS)) * gsd_m
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
    a, _, west, _, e, north = grid.transform
    east_m, north_m = west + a * (column + 0.5), north + e * (row + 0.5)
    longitudes, latitudes = warp_points(
        f"EPSG:{grid.epsg}", "EPSG:4326", [east_m, east_m], [north_m, north_m + 1000.0]
    )[:2]
    turn = (longitudes[1] - longitudes[0] + 180.0) % 360.0 - 180.0
    shrink = np.cos(np.radians(latitudes[0]))
    convergence = np.arctan2(turn * shrink, latitudes[1] - latitudes[0])
    return float(longitudes[0]), float(latitudes[0]), float(np.degrees(convergence))


def _contrast(hull: _Hull, tile: Tile) -> float:
    """Return how much brighter than the sea beside it the hull is in the near infrared."""
    nir = tile.numbers[tile.band_names.index("nir")]
    reach = int(hull.length) + 8
    top, left = max(round(hull.row) - reach, 0), max(round(hull.column) - reach, 0)
    around = nir[top : round(hull.row) + reach + 1, left : round(hull.column) + reach + 1]
    spot = nir[
        max(round(hull.row) - 1, 0) : round(hull.row) + 2,
        max(round(hull.column) - 1, 0) : round(hull.column) + 2,
    ]
    return float((float(spot.max()) - float(np.median(around[around > 0]))) * SCALE)
