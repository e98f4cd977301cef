"""Scenes of real sensors as tiles: what the chain does from L3 on, without packets.

Landsat 8 and 9 Level-1, Sentinel-2, or a GeoTIFF (COG) of the user's own; what they must say is in
`products` and docs/how-to/own-scene.md. What is seen from above the atmosphere in known light is
brought to the surface as in L2.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.warp import transform as warp_points
from rasterio.windows import Window

from orbitloom.errors import InputFileError
from orbitloom.processing.l3 import SCALE, Grid, Tile
from orbitloom.processing.masks import NO_DATA, SPOILT, cloud_masks
from orbitloom.processing.products import (
    SENTINEL2,
    RawBand,
    RawScene,
    landsat_scene,
    sentinel2_scene,
)
from orbitloom.processing.sun import sun_cosine, sun_direction
from orbitloom.processing.surface import View, from_above, take_out
from orbitloom.wire.atmosphere import solar_irradiance
from orbitloom.wire.geotiff import check_plausible, named_bands, pixel_size_m, scale_and_offset

__all__ = ["Sensor", "open_scene"]

Sensor = Literal["auto", "geotiff", "landsat", "sentinel2"]
"""Whose scene it is; "auto" goes by the files' names."""

_MOST_SAMPLES = 160_000_000  # 640 MB as float32: 4000 x 5000 pixels of eight bands
_SQUARE = 0.01  # how much longer than wide a pixel may be
_TRUE_AREA = 0.01  # how wrong its area may be on the map; UTM is within 0.2 %
_LEAST_SUN_DEG = 10.0
_USUAL_UM = {name: (um, fwhm_um) for name, (_, um, fwhm_um) in SENTINEL2.items()}
_WGS84_A_M, _WGS84_E2 = 6_378_137.0, 6.69437999014e-3

_Window = tuple[int, int, int, int]


def open_scene(
    path: str | Path,
    *,
    sensor: Sensor = "auto",
    scale: float | None = None,
    offset: float | None = None,
    bands: Sequence[str] | None = None,
    window: tuple[int, int, int, int] | None = None,
    sensed_ns: int | None = None,
    at_surface: bool = False,
) -> Tile:
    """Return a scene as a tile on its own grid, with its mask.

    Parameters
    ----------
    path
        A GeoTIFF; a Landsat MTL file or its folder; a Sentinel-2 SAFE folder or a folder of bands.
    sensor
        Whose it is.
    scale, offset
        Reflectance = number * scale + offset, where the files do not say it. A statement against
        what they say is refused.
    bands
        GeoTIFF: the common names of its bands in order, "" to leave one out. Else: the names of the
        bands wanted.
    window
        First column, first row, columns and rows to read, in pixels of the finest band.
    sensed_ns
        When it was taken, where the files do not say it; the Sun follows from it.
    at_surface
        GeoTIFF and folder of bands: whether the values are surface reflectance already.

    Returns
    -------
    Tile
        Its signal-to-noise ratio is 0: not known. Where nothing tells the time, `sensed_ns` is 0,
        the Sun's angles are NaN, no cloud shadow is looked for, and the atmosphere stays in.

    Raises
    ------
    InputFileError
        If the scene cannot be read, or does not say what its numbers mean.
    ScenarioError
        If no band is visible light, so that cloud cannot be told.
    """
    path = Path(path)
    if not path.exists():
        raise InputFileError("no such file or folder", where=str(path), way_out="Check the path")
    kind = _kind(path) if sensor == "auto" else sensor
    if kind == "landsat":
        if scale is not None or offset is not None:
            raise InputFileError(
                "states the scale of its numbers itself",
                where=str(path),
                way_out="Leave scale and offset away",
            )
        scene = landsat_scene(path, bands)
    elif kind == "sentinel2":
        scene = sentinel2_scene(path, bands, scale, offset, at_surface)
    else:
        scene = _geotiff(path, bands, scale, offset, at_surface)
    if sensed_ns is not None and not scene.sensed_ns:
        scene = replace(scene, sensed_ns=sensed_ns)
    try:
        return _tile(scene, window)
    except RasterioError as error:
        raise InputFileError(
            f"cannot be read as an image ({error})",
            where=str(path),
            way_out="Fetch or write it anew",
        ) from None


def _kind(path: Path) -> Sensor:
    """Return whose scene it is, by names."""
    if path.is_file():
        if "_MTL." in path.name:
            return "landsat"
        return "sentinel2" if path.name.startswith("MTD_MSIL") else "geotiff"
    if any(path.glob("*_MTL.*")):
        return "landsat"
    return "sentinel2"


def _geotiff(
    path: Path,
    stated: Sequence[str] | None,
    scale: float | None,
    offset: float | None,
    at_surface: bool,
) -> RawScene:
    """Return what a GeoTIFF of the user's says of itself."""
    where = str(path)
    if offset is not None and scale is None:
        raise InputFileError(
            "an offset is stated without a scale", where=where, way_out="State both"
        )
    with _opened(path) as source:
        pixel_size_m(source, where)
        numbers = named_bands(source, where, stated)
        scales, offsets = scale_and_offset(source, list(numbers.values()), where, scale, offset)
    bands = {
        name: RawBand(file=path, number=number, scale=float(a), offset=float(b))
        for (name, number), a, b in zip(numbers.items(), scales, offsets, strict=True)
    }
    return RawScene(bands=bands, at_surface=at_surface)


def _opened(path: Path) -> Any:
    """Return an open dataset.

    Raises
    ------
    InputFileError
        If it is no image.
    """
    try:
        with warnings.catch_warnings():
            # A file without a place is refused in our own words.
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            return rasterio.open(path)
    except RasterioError as error:
        raise InputFileError(
            f"cannot be read as an image ({error})", where=str(path), way_out="Check the path"
        ) from None


def _tile(scene: RawScene, window: _Window | None) -> Tile:
    names = tuple(scene.bands)
    finest, grid = _grid(scene, window)
    where = str(finest.file)
    samples = len(names) * grid.shape[0] * grid.shape[1]
    if samples > _MOST_SAMPLES:
        side = int(math.sqrt(_MOST_SAMPLES / len(names)) // 500) * 500
        raise InputFileError(
            f"{grid.shape[1]} x {grid.shape[0]} pixels of {len(names)} bands are more than "
            f"{_MOST_SAMPLES // 1_000_000} million samples",
            where=where,
            way_out=f"Read it in windows, such as window=(0, 0, {side}, {side})",
        )
    _check_area(grid, where)
    rho = np.empty((len(names), *grid.shape), np.float32)
    mask = np.zeros(grid.shape, np.uint8)
    blank = np.ones(grid.shape, np.bool_)
    for index, band in enumerate(scene.bands.values()):
        rho[index] = _read(band, grid, scene, mask)
        blank &= rho[index] == np.float32(band.offset)
    mask[blank] |= NO_DATA  # zero in all bands is the margin of a file that does not say so
    good = (mask & NO_DATA) == 0
    if not good.any():
        raise InputFileError("holds no data here", where=where, way_out="Choose another window")
    rho[:, ~good] = np.nan
    check_plausible(rho, where)
    rho[:, ~good] = 0.0
    scene = _lit(scene, grid)
    elevation_deg, azimuth_deg = scene.sun_elevation_deg, scene.sun_azimuth_deg
    step = None
    if elevation_deg > 0.0:
        reach_px = 1.0 / math.tan(math.radians(elevation_deg)) / grid.gsd_m
        azimuth = math.radians(azimuth_deg)
        step = (math.cos(azimuth) * reach_px, -math.sin(azimuth) * reach_px)
    solar, at_surface, view = np.empty(0), scene.at_surface, None
    um = [band.um for band in scene.bands.values()]
    widths_um = [band.fwhm_um for band in scene.bands.values()]
    if elevation_deg >= _LEAST_SUN_DEG and scene.sensed_ns:
        longitude_deg, latitude_deg = _middle_deg(grid)
        view = View(
            sun_zenith_deg=90.0 - elevation_deg,
            view_zenith_deg=scene.view_zenith_deg,
            relative_azimuth_deg=azimuth_deg - scene.view_azimuth_deg,
            latitude_deg=latitude_deg,
            longitude_deg=longitude_deg,
            t_ns=scene.sensed_ns,
        )
    above = rho
    if view is not None and at_surface:
        usual = np.array([_USUAL_UM.get(name, (0.55, 0.1)) for name in names])
        above = from_above(rho, usual[:, 0], usual[:, 1], view)
    mask |= cloud_masks(above, names, good, step, grid.gsd_m)
    del above
    if view is not None and min(um) > 0.0:
        distance_au = sun_direction(view.t_ns)[1]
        irradiance = np.array([solar_irradiance(a, b) for a, b in zip(um, widths_um, strict=True)])
        solar = irradiance * math.sin(math.radians(elevation_deg)) / (np.pi * distance_au**2)
        if not at_surface:
            solar = solar * take_out(rho, names, mask, um, widths_um, view).sunlight
            at_surface = True
    numbers = np.zeros(rho.shape, np.uint16)
    for index in range(len(names)):
        rho[index] *= np.float32(1.0 / SCALE)
        np.clip(np.rint(rho[index]), 1, 65_535, out=rho[index])
        numbers[index][good] = rho[index][good]
    return Tile(
        grid=grid,
        band_names=names,
        numbers=numbers,
        mask=mask,
        imaged_share=float(good.mean()),
        sun_elevation_deg=elevation_deg,
        sun_azimuth_deg=azimuth_deg,
        off_nadir_deg=scene.view_zenith_deg,
        snr=0.0,
        sensed_ns=scene.sensed_ns,
        solar_radiance=solar,
        at_surface=at_surface,
    )


def _grid(scene: RawScene, window: _Window | None) -> tuple[RawBand, Grid]:
    """Return the finest band, and the grid of its pixels within the window."""
    sides = {}
    for name, band in scene.bands.items():
        with _opened(band.file) as source:
            sides[name] = pixel_size_m(source, str(band.file))
    finest = scene.bands[min(sides, key=lambda name: sides[name])]
    with _opened(finest.file) as source:
        where = str(finest.file)
        down_m, right_m = pixel_size_m(source, where)
        if abs(down_m / right_m - 1.0) > _SQUARE:
            raise InputFileError(
                f"its pixels are {right_m:g} m wide and {down_m:g} m high",
                where=where,
                way_out=f"Make them square: gdalwarp -tr {right_m:g} {right_m:g} IN OUT",
            )
        epsg = source.crs.to_epsg()
        if epsg is None:
            raise InputFileError(
                "its coordinate reference system has no EPSG code",
                where=where,
                way_out="Bring it to its UTM zone first: gdalwarp -t_srs EPSG:326ZZ IN OUT",
            )
        column, row, columns, rows = window or (0, 0, source.width, source.height)
        inside = min(column, row) >= 0 and min(columns, rows) > 0
        if not inside or column + columns > source.width or row + rows > source.height:
            raise InputFileError(
                f"the window {window} is not within its {source.width} x {source.height} pixels",
                where=where,
                way_out="A window is first column, first row, columns, rows",
            )
        t = source.transform
        place = (t.a, 0.0, t.c + column * t.a, 0.0, t.e, t.f + row * t.e)
    return finest, Grid(epsg=epsg, transform=place, shape=(rows, columns))


def _check_area(grid: Grid, where: str) -> None:
    """Refuse a projection whose areas are wrong here, as Web Mercator's are."""
    a, _, west, _, e, north = grid.transform
    x, y = west + a * grid.shape[1] / 2.0, north + e * grid.shape[0] / 2.0
    longitude, latitude = (
        np.radians(values)
        for values in warp_points(f"EPSG:{grid.epsg}", "EPSG:4326", [x, x + a, x], [y, y, y + e])
    )
    # Radii of curvature of WGS84, east and north.
    bend = 1.0 - _WGS84_E2 * np.sin(latitude[0]) ** 2
    east_m = _WGS84_A_M / np.sqrt(bend) * np.cos(latitude[0]) * (longitude - longitude[0])
    north_m = _WGS84_A_M * (1.0 - _WGS84_E2) / bend**1.5 * (latitude - latitude[0])
    true_m2 = abs(east_m[1] * north_m[2] - east_m[2] * north_m[1])
    if not abs(a * abs(e) / max(true_m2, 1e-9) - 1.0) < _TRUE_AREA:
        raise InputFileError(
            f"areas on its map (EPSG:{grid.epsg}) are wrong by the factor "
            f"{a * abs(e) / max(true_m2, 1e-9):.3g} here",
            where=where,
            way_out="Bring it to its UTM zone first: gdalwarp -t_srs EPSG:326ZZ IN OUT",
        )


def _read(
    band: RawBand, grid: Grid, scene: RawScene, mask: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Return a band's reflectance on the grid, and flag in the mask what is none.

    A coarser band's pixels are repeated, not smoothed; it must lie on the same map.
    """
    a, _, west, _, e, north = grid.transform
    with _opened(band.file) as source:
        if source.crs.to_epsg() != grid.epsg:
            raise InputFileError(
                f"is in EPSG:{source.crs.to_epsg()}, not in EPSG:{grid.epsg} as the finest band",
                where=str(band.file),
                way_out="Bring all bands to one UTM zone: gdalwarp -t_srs",
            )
        t = source.transform
        window = Window(
            (west - t.c) / t.a,
            (north - t.f) / t.e,
            grid.shape[1] * a / t.a,
            grid.shape[0] * e / t.e,
        )
        beyond = max(
            -window.col_off,
            -window.row_off,
            window.col_off + window.width - source.width,
            window.row_off + window.height - source.height,
        )
        if beyond > 0.5:
            raise InputFileError(
                "does not cover the finest band's area",
                where=str(band.file),
                way_out="Cut all bands to one area: gdalwarp -te",
            )
        read = source.read(
            band.number,
            window=window,
            out_shape=grid.shape,
            resampling=Resampling.nearest,
            masked=True,
            boundless=False,
        )
    values = np.ma.getdata(read)
    none = np.ma.getmaskarray(read) | ~np.isfinite(values)
    if scene.fill is not None:
        none |= values == scene.fill
    mask[none] |= NO_DATA
    if scene.saturated is not None:
        mask[values == scene.saturated] |= SPOILT
    rho = values.astype(np.float32)
    rho *= np.float32(band.scale)
    rho += np.float32(band.offset)
    return rho


def _middle_deg(grid: Grid) -> tuple[float, float]:
    """Return longitude and latitude of the grid's middle."""
    a, _, west, _, e, north = grid.transform
    x, y = west + a * grid.shape[1] / 2.0, north + e * grid.shape[0] / 2.0
    (longitude,), (latitude,) = warp_points(f"EPSG:{grid.epsg}", "EPSG:4326", [x], [y])[:2]
    return float(longitude), float(latitude)


def _lit(scene: RawScene, grid: Grid) -> RawScene:
    """Return the scene with the Sun where the clock puts it, unless the metadata say it."""
    if math.isfinite(scene.sun_elevation_deg) or not scene.sensed_ns:
        return scene
    longitude_deg, latitude_deg = _middle_deg(grid)
    to_sun, _ = sun_direction(scene.sensed_ns)
    sine = sun_cosine(to_sun, np.array(longitude_deg), np.array(latitude_deg))
    lon, lat = math.radians(longitude_deg), math.radians(latitude_deg)
    east = np.array([-math.sin(lon), math.cos(lon), 0.0])
    north = np.array(
        [-math.sin(lat) * math.cos(lon), -math.sin(lat) * math.sin(lon), math.cos(lat)]
    )
    return replace(
        scene,
        sun_elevation_deg=math.degrees(math.asin(float(sine))),
        sun_azimuth_deg=math.degrees(math.atan2(to_sun @ east, to_sun @ north)) % 360.0,
    )
