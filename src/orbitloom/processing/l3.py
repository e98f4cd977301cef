"""L3: a tile on a fixed UTM grid, and its cloud-optimised GeoTIFF.

The grid's edges are multiples of its pixel, so that tiles of one place laid over each other match
pixel by pixel. Each grid cell looks up where on the sensor it was seen (inverse mapping) through a
polynomial fitted to the geolocation; reflectance is bilinear, masks are nearest neighbour.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import rasterio.shutil
from numpy.typing import NDArray
from rasterio.io import MemoryFile
from rasterio.transform import Affine
from rasterio.warp import transform as warp_points

from orbitloom.errors import PacketError
from orbitloom.processing.l1 import Geolocation
from orbitloom.processing.l2 import NO_DATA, Reflectance
from orbitloom.wire.utm import utm_epsg

__all__ = ["SCALE", "Grid", "Tile", "grid_for", "resample", "to_cog"]

SCALE = 1e-4
"""Reflectance of one step of a tile's numbers; 0 is no data."""

_LARGEST_RESIDUAL_PX = 0.05
_BLOCK = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A north-up UTM grid; `transform` is a, b, c, d, e, f of the affine pixel-to-metre map."""

    epsg: int
    transform: tuple[float, float, float, float, float, float]
    shape: tuple[int, int]

    @property
    def gsd_m(self) -> float:
        """Side of a cell, metres."""
        return self.transform[0]

    @property
    def cell_km2(self) -> float:
        """Area of a cell."""
        return self.gsd_m**2 * 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tile:
    """One capture on its grid: all that an application sees.

    Attributes
    ----------
    numbers
        (bands, rows, columns) uint16: reflectance / `SCALE`, 0 where there is none.
    mask
        (rows, columns) uint8, flags of `l2`; `l2.NO_DATA` outside the footprint.
    imaged_share
        Share of the footprint with data; the rest is gaps.
    sun_azimuth_deg
        From north over east, as the elevation at the capture's middle.
    sensed_ns
        Middle of the capture.
    solar_radiance
        (bands,) W/m2/sr/um that a surface of reflectance 1 sends to the sensor; empty if not known.
    at_surface
        Whether the atmosphere has been taken out of the reflectance.
    """

    grid: Grid
    band_names: tuple[str, ...]
    numbers: NDArray[np.uint16]
    mask: NDArray[np.uint8]
    imaged_share: float
    sun_elevation_deg: float
    off_nadir_deg: float
    snr: float
    sun_azimuth_deg: float = 0.0
    sensed_ns: int = 0
    solar_radiance: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    at_surface: bool = False

    def band(self, name: str) -> NDArray[np.float32]:
        """Return a band's reflectance, (rows, columns) float32."""
        return np.asarray(self.numbers[self.band_names.index(name)] * np.float32(SCALE))


def grid_for(place: Geolocation, gsd_m: float) -> Grid:
    """Return the grid that holds a capture's footprint, edges snapped to multiples of `gsd_m`."""
    row, column = (n // 2 for n in place.longitude_deg.shape)
    epsg = utm_epsg(float(place.latitude_deg[row, column]), float(place.longitude_deg[row, column]))
    east_m, north_m = _to_utm(place, epsg)
    west = float(np.floor(east_m.min() / gsd_m) * gsd_m)
    north = float(np.ceil(north_m.max() / gsd_m) * gsd_m)
    columns = int(np.ceil((east_m.max() - west) / gsd_m))
    rows = int(np.ceil((north - north_m.min()) / gsd_m))
    return Grid(epsg=epsg, transform=(gsd_m, 0.0, west, 0.0, -gsd_m, north), shape=(rows, columns))


def _to_utm(place: Geolocation, epsg: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    shape = place.longitude_deg.shape
    east, north = warp_points(
        "EPSG:4326",
        f"EPSG:{epsg}",
        place.longitude_deg.ravel().tolist(),
        place.latitude_deg.ravel().tolist(),
    )[:2]
    return np.array(east).reshape(shape), np.array(north).reshape(shape)


@dataclass(frozen=True, slots=True, eq=False)
class _Inverse:
    """Sensor line and column as polynomials of east and north, scaled to [-1, 1]."""

    centre_m: NDArray[np.float64]
    half_m: NDArray[np.float64]
    line: NDArray[np.float64]
    column: NDArray[np.float64]

    def lookup(self, grid: Grid) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return where on the sensor each cell's centre was seen: lines and columns."""
        a, _, west, _, e, north = grid.transform
        x = (west + a * (np.arange(grid.shape[1]) + 0.5) - self.centre_m[0]) / self.half_m[0]
        y = (north + e * (np.arange(grid.shape[0]) + 0.5) - self.centre_m[1]) / self.half_m[1]
        return _grid_values(self.line, x, y), _grid_values(self.column, x, y)


def _grid_values(
    coefficients: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return a polynomial's values on a grid: powers of y by powers of x, as a matrix product."""
    order = coefficients.shape[0]
    powers = np.vander(x, order, increasing=True)
    rows = np.vander(y, order, increasing=True) @ coefficients.T
    return (rows @ powers.T).astype(np.float32)


def _fit(place: Geolocation, epsg: int) -> _Inverse:
    """Fit the inverse mapping with the lowest degree that leaves less than 0.05 pixel."""
    east_m, north_m = _to_utm(place, epsg)
    points = np.stack([east_m.ravel(), north_m.ravel()])
    low, high = points.min(axis=1), points.max(axis=1)
    centre_m, half_m = (low + high) / 2, np.maximum((high - low) / 2, 1.0)
    x, y = (points - centre_m[:, None]) / half_m[:, None]
    line, column = (axis.ravel() for axis in np.meshgrid(place.lines, place.columns, indexing="ij"))
    for degree in (3, 4, 5, 7):
        terms = [(i, j) for i in range(degree + 1) for j in range(degree + 1 - i)]
        matrix = np.stack([x**i * y**j for i, j in terms], axis=1)
        solution, *_ = np.linalg.lstsq(matrix, np.stack([line, column], axis=1), rcond=None)
        residual = np.abs(matrix @ solution - np.stack([line, column], axis=1)).max()
        if residual < _LARGEST_RESIDUAL_PX:
            break
    else:
        raise PacketError(f"the geolocation is not smooth: {residual:.2f} pixels are left")
    fitted = np.zeros((2, degree + 1, degree + 1))
    for (i, j), values in zip(terms, solution, strict=True):
        fitted[:, i, j] = values
    return _Inverse(centre_m, half_m, fitted[0], fitted[1])


def resample(
    scene: Reflectance,
    place: Geolocation,
    grid: Grid,
    band_names: tuple[str, ...],
    snr: float,
) -> Tile:
    """Return the capture on the grid.

    Raises
    ------
    ValueError
        If the geolocation cannot be inverted to 0.05 pixel.
    """
    bands, lines, columns = scene.reflectance.shape
    line, column = _fit(place, grid.epsg).lookup(grid)
    inside = (line >= -0.5) & (line < lines - 0.5) & (column >= -0.5) & (column < columns - 0.5)
    line = np.clip(line[inside], 0, lines - 1)
    column = np.clip(column[inside], 0, columns - 1)
    nearest = np.rint(line).astype(np.int32) * columns + np.rint(column).astype(np.int32)
    seen = scene.mask.ravel().take(nearest)
    del nearest
    has_data = (seen & NO_DATA) == 0
    mask = np.full(grid.shape, NO_DATA, dtype=np.uint8)
    mask[inside] = seen
    numbers = np.zeros((bands, *grid.shape), dtype=np.uint16)
    top = np.minimum(np.floor(line), np.float32(lines - 2))
    left = np.minimum(np.floor(column), np.float32(columns - 2))
    corner = top.astype(np.intp) * columns + left.astype(np.intp)
    down, right = line - top, column - left
    for band in range(bands):
        value = _bilinear(scene.reflectance[band], corner, down, right)
        value *= np.float32(1.0 / SCALE)
        np.rint(value, out=value)
        np.clip(value, 1, 65_535, out=value)
        value *= has_data
        numbers[band][inside] = value
    return Tile(
        grid=grid,
        band_names=band_names,
        numbers=numbers,
        mask=mask,
        imaged_share=float(np.count_nonzero(has_data) / max(has_data.size, 1)),
        sun_elevation_deg=scene.sun_elevation_deg,
        off_nadir_deg=place.off_nadir_deg,
        snr=snr,
    )


def _bilinear(
    values: NDArray[np.float32],
    corner: NDArray[np.intp],
    down: NDArray[np.float32],
    right: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return an image's values between four pixels: the flat index of the first, and the shares."""
    flat, columns = values.ravel(), values.shape[1]
    upper, lower = flat.take(corner), flat[columns:].take(corner)
    upper += right * (flat[1:].take(corner) - upper)
    lower += right * (flat[columns + 1 :].take(corner) - lower)
    lower -= upper
    lower *= down
    return np.asarray(upper + lower)


def to_cog(tile: Tile) -> bytes:
    """Return the tile as a cloud-optimised GeoTIFF: the bands, then the mask as one more band."""
    rows, columns = tile.grid.shape
    profile = {
        "driver": "GTiff",
        "dtype": "uint16",
        "count": len(tile.band_names) + 1,
        "height": rows,
        "width": columns,
        "crs": f"EPSG:{tile.grid.epsg}",
        "transform": Affine(*tile.grid.transform),
    }
    with MemoryFile() as plain, MemoryFile(ext=".tif") as coded:
        with plain.open(**profile) as dataset:
            for number, name in enumerate(tile.band_names, start=1):
                dataset.write(tile.numbers[number - 1], number)
                dataset.set_band_description(number, name)
            dataset.write(tile.mask.astype(np.uint16), profile["count"])
            dataset.set_band_description(profile["count"], "mask")
            dataset.scales = (SCALE,) * len(tile.band_names) + (1.0,)
        with plain.open() as dataset:
            rasterio.shutil.copy(
                dataset,
                coded.name,
                driver="COG",
                compress="ZSTD",
                level=1,
                predictor="STANDARD",
                blocksize=_BLOCK,
                overview_resampling="nearest",
                num_threads=1,
            )
        return bytes(coded.getbuffer())
