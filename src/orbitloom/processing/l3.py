"""L3: a tile on a fixed UTM grid, and its cloud-optimised GeoTIFF.

The grid's edges are multiples of its pixel, so that tiles of one place laid over each other match
pixel by pixel. Each grid cell looks up where on the sensor it was seen (inverse mapping) through a
polynomial of east, north and the cell's own height, fitted to where the geolocation's rays pass
three heights; so relief shifts nothing. Reflectance is bilinear, masks are nearest neighbour.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import rasterio
import rasterio.shutil
from numpy.typing import ArrayLike, NDArray
from rasterio.enums import Resampling
from rasterio.io import MemoryFile

from orbitloom.errors import PacketError
from orbitloom.processing.kernels import resample_bands
from orbitloom.processing.l1 import Geolocation
from orbitloom.processing.l2 import NO_DATA, Reflectance
from orbitloom.processing.terrain import heights_on_rows, project
from orbitloom.wire.utm import utm_epsg

__all__ = ["SCALE", "Grid", "Tile", "grid_for", "resample", "to_cog"]

SCALE = 1e-4
"""Reflectance of one step of a tile's numbers; 0 is no data."""

_LARGEST_RESIDUAL_PX = 0.05
_BLOCK = 512
_ROWS = 128  # of the grid at once
_CACHE_MB = 64  # of GDAL's blocks; its own choice would hold the whole file a second time


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
        return self.transform[0] * -self.transform[4] * 1e-6

    def centres(
        self, rows: ArrayLike, columns: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the eastings of columns and the northings of rows, metres, at cells' middles."""
        a, _, west, _, e, north = self.transform
        return west + a * (np.asarray(columns) + 0.5), north + e * (np.asarray(rows) + 0.5)

    def longitudes_latitudes(
        self, rows: ArrayLike, columns: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return where points in cells lie, degrees; a cell's middle has integers."""
        return project(*self.centres(rows, columns), self.epsg, 4326)


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
    sun_elevation_deg, sun_azimuth_deg
        At the capture's middle, azimuth from north over east; NaN if a scene does not tell.
    snr
        Signal-to-noise ratio of the median pixel in the weakest band; 0 if not known.
    sensed_ns
        Middle of the capture; 0 if not known.
    solar_radiance
        (bands,) W/m2/sr/um that leaves a surface of reflectance 1, at the ground where `at_surface`
        and else at the top of the atmosphere: excess reflectance times it is what glows. Empty if
        not known.
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
    east_m, north_m = project(place.longitude_deg, place.latitude_deg, 4326, epsg)
    west = float(np.floor(east_m.min() / gsd_m) * gsd_m)
    north = float(np.ceil(north_m.max() / gsd_m) * gsd_m)
    columns = int(np.ceil((east_m.max() - west) / gsd_m))
    rows = int(np.ceil((north - north_m.min()) / gsd_m))
    return Grid(epsg=epsg, transform=(gsd_m, 0.0, west, 0.0, -gsd_m, north), shape=(rows, columns))


@dataclass(frozen=True, slots=True, eq=False)
class _Inverse:
    """Sensor line and column as polynomials of east, north and height, scaled to [-1, 1].

    As the rational polynomials that come with commercial imagery, without the denominator.

    Attributes
    ----------
    centre, half
        (3,) metres.
    line, column
        (height powers, north powers, east powers).
    """

    centre: NDArray[np.float64]
    half: NDArray[np.float64]
    line: NDArray[np.float64]
    column: NDArray[np.float64]

    def lookup(
        self, grid: Grid, rows: slice, height_m: NDArray[np.float32] | None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return where on the sensor the centres of some rows of cells were seen."""
        east_m, north_m = _centres(grid, rows)
        x = (east_m - self.centre[0]) / self.half[0]
        y = (north_m - self.centre[1]) / self.half[1]
        z = None
        if height_m is not None:
            z = (height_m - np.float32(self.centre[2])) / np.float32(self.half[2])
        return _grid_values(self.line, x, y, z), _grid_values(self.column, x, y, z)


def _centres(grid: Grid, rows: slice) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the eastings of all columns and the northings of some rows, metres."""
    return grid.centres(np.arange(grid.shape[0])[rows], np.arange(grid.shape[1]))


def _grid_values(
    coefficients: NDArray[np.float64],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    z: NDArray[np.float32] | None,
) -> NDArray[np.float32]:
    """Return a polynomial's values on a grid: powers of y by powers of x, as a matrix product."""
    order = coefficients.shape[-1]
    east_powers = np.vander(x, order, increasing=True).T
    north_powers = np.vander(y, order, increasing=True)
    value = ((north_powers @ coefficients[0]) @ east_powers).astype(np.float32)
    if z is not None:
        lift = [
            ((north_powers @ part) @ east_powers).astype(np.float32) for part in coefficients[1:]
        ]
        value += z * (lift[0] + z * lift[1])
    return np.asarray(value)


def _fit(place: Geolocation, epsg: int) -> _Inverse:
    """Fit the inverse mapping with the lowest degree that leaves less than 0.05 pixel."""
    east_m, north_m = project(place.levels_longitude_deg, place.levels_latitude_deg, 4326, epsg)
    levels = np.broadcast_to(place.levels_m[:, None, None], east_m.shape)
    points = np.stack([east_m.ravel(), north_m.ravel(), levels.ravel()])
    low, high = points.min(axis=1), points.max(axis=1)
    centre, half = (low + high) / 2, np.maximum((high - low) / 2, 1.0)
    x, y, z = (points - centre[:, None]) / half[:, None]
    nodes = np.meshgrid(place.lines, place.columns, indexing="ij")
    wanted = np.stack([np.broadcast_to(node, east_m.shape).ravel() for node in nodes], axis=1)
    powers = range(place.levels_m.size)
    for degree in (3, 4, 5, 7):
        terms = [
            (i, j, k)
            for k in powers
            for i in range(degree + 1 - k)
            for j in range(degree + 1 - k - i)
        ]
        matrix = np.stack([x**i * y**j * z**k for i, j, k in terms], axis=1)
        solution, *_ = np.linalg.lstsq(matrix, wanted, rcond=None)
        residual = np.abs(matrix @ solution - wanted).max()
        if residual < _LARGEST_RESIDUAL_PX:
            break
    else:
        raise PacketError(f"the geolocation is not smooth: {residual:.2f} pixels are left")
    fitted = np.zeros((2, len(powers), degree + 1, degree + 1))
    for (i, j, k), values in zip(terms, solution, strict=True):
        fitted[:, k, j, i] = values
    return _Inverse(centre, half, fitted[0], fitted[1])


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
    inverse = _fit(place, grid.epsg)
    rows = grid.shape[0]
    numbers = np.empty((len(scene.reflectance), *grid.shape), dtype=np.uint16)
    mask = np.empty(grid.shape, dtype=np.uint8)
    inside = with_data = 0
    for first in range(0, rows, _ROWS):
        block = slice(first, min(first + _ROWS, rows))
        height_m = None
        if place.terrain is not None:
            height_m = heights_on_rows(place.terrain, grid.epsg, *_centres(grid, block))
        line, column = inverse.lookup(grid, block, height_m)
        counts = resample_bands(
            scene.reflectance,
            scene.mask,
            line,
            column,
            1.0 / SCALE,
            NO_DATA,
            numbers[:, block],
            mask[block],
        )
        inside, with_data = inside + counts[0], with_data + counts[1]
    return Tile(
        grid=grid,
        band_names=band_names,
        numbers=numbers,
        mask=mask,
        imaged_share=with_data / max(inside, 1),
        sun_elevation_deg=scene.sun_elevation_deg,
        off_nadir_deg=place.off_nadir_deg,
        snr=snr,
        sun_azimuth_deg=scene.sun_azimuth_deg,
        sensed_ns=scene.sensed_ns,
        solar_radiance=scene.solar_radiance,
        at_surface=scene.at_surface,
    )


def to_cog(tile: Tile) -> bytes:
    """Return the tile as a cloud-optimised GeoTIFF: the bands, then the mask as one more band.

    GDAL reads the planes where they lie. The overviews are made before the coding: its COG driver
    would code them twice. Each is four times coarser than the one before: a fifth less to code and
    to keep than with steps of two.
    """
    rows, columns = tile.grid.shape
    planes = np.concatenate([tile.numbers, tile.mask[None]], dtype=np.uint16)
    a, b, west, d, e, north = tile.grid.transform
    held = {
        "DATAPOINTER": planes.ctypes.data,
        "PIXELS": columns,
        "LINES": rows,
        "BANDS": len(planes),
        "DATATYPE": "UInt16",
        "GEOTRANSFORM": "/".join(map(repr, (west, a, b, north, d, e))),
    }
    place = "MEM:::" + ",".join(f"{key}={value}" for key, value in held.items())
    factors = [4**power for power in range(1, 8) if max(rows, columns) > _BLOCK * 4 ** (power - 1)]
    with (
        rasterio.Env(GDAL_CACHEMAX=_CACHE_MB, GDAL_MEM_ENABLE_OPEN=True),
        MemoryFile(ext=".tif") as coded,
        rasterio.open(place, "r+") as dataset,
    ):
        dataset.crs = f"EPSG:{tile.grid.epsg}"
        dataset.descriptions = (*tile.band_names, "mask")
        dataset.scales = (SCALE,) * len(tile.numbers) + (1.0,)
        dataset.build_overviews(factors, Resampling.nearest)
        rasterio.shutil.copy(
            dataset,
            coded.name,
            driver="COG",
            compress="ZSTD",
            level=1,
            predictor="STANDARD",
            blocksize=_BLOCK,
            overviews="FORCE_USE_EXISTING",
            num_threads=1,
        )
        return bytes(coded.getbuffer())
