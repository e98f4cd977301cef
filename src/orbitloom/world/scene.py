"""What the ground reflects: scenes as functions of position in a UTM zone.

Two sources: the real Sentinel-2 scene that spyndex ships, and a GeoTIFF of the user's own. Both are
smaller or larger than a footprint by chance, so both go on as mirror images of themselves beyond
their edges, without a seam. See docs/design/scenes-and-instrument.md.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioIOError
from rasterio.warp import transform as transform_points
from rasterio.windows import Window

from orbitloom.errors import InputFileError
from orbitloom.scenario import SceneFile, Target, stream
from orbitloom.wire.geotiff import (
    check_plausible,
    named_bands,
    pixel_size_m,
    scale_and_offset,
)
from orbitloom.wire.utm import utm_epsg
from orbitloom.world.fields import Lattice, gaussian_field

__all__ = [
    "SCENE_BANDS",
    "GeoTiffScene",
    "SceneSource",
    "SpyndexScene",
    "Surface",
    "check_scene",
    "utm_origin",
]

SCENE_BANDS = ("blue", "green", "red", "nir")

_LARGEST_SIDE_M = 25_000.0  # a footprint of 20 km with room to miss; 100 MB at 10 m
_VARIATION_NODES, _VARIATION_SPACING_M = 256, 120.0
_SPYNDEX_PIXEL_M = 10.0
_PATCHES, _FADE = 4, 0.12  # quilt pieces, and the lead of a piece's field that silences the others
_BEND_M, _BRIGHT_SIGMA, _VIGOUR_SIGMA = 130.0, 0.10, 0.06


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surface:
    """What a scene sends up at some points (...).

    Attributes
    ----------
    reflectance
        (bands, ...) float32.
    cloud
        (...) float32, 0 to 1: how much of the light comes from cloud instead; None without cloud.
    cloud_reflectance
        (bands, ...) float32, as seen from above the atmosphere.
    emitted
        (bands, ...) float32, W/m2/sr/um that the ground itself sends up (fire); None without any.
    """

    reflectance: NDArray[np.float32]
    cloud: NDArray[np.float32] | None = None
    cloud_reflectance: NDArray[np.float32] | None = None
    emitted: NDArray[np.float32] | None = None


class SceneSource(Protocol):
    """What lies on the ground around a target, and above it."""

    @property
    def epsg(self) -> int:
        """EPSG code of the UTM zone the positions are in."""
        ...

    @property
    def bands(self) -> tuple[str, ...]:
        """Names of its bands, in the order of its arrays."""
        ...

    @property
    def at_top(self) -> bool:
        """Whether reflectance is as seen from above the atmosphere, or else at the surface."""
        ...

    def surface(self, easting_m: NDArray[np.float64], northing_m: NDArray[np.float64]) -> Surface:
        """Return what is sent up at points (...)."""
        ...

    def height_m(
        self, easting_m: NDArray[np.float64], northing_m: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Return the ground's height above the WGS84 ellipsoid at points (...)."""
        ...


def utm_origin(latitude_deg: float, longitude_deg: float) -> tuple[int, float, float]:
    """Return EPSG code, easting and northing in metres of a place."""
    epsg = utm_epsg(latitude_deg, longitude_deg)
    (easting_m,), (northing_m,) = transform_points(
        "EPSG:4326", f"EPSG:{epsg}", [longitude_deg], [latitude_deg]
    )[:2]
    return epsg, float(easting_m), float(northing_m)


class SpyndexScene:
    """The real Sentinel-2 scene of spyndex (bands 2, 3, 4, 8; 3 km at 10 m), as a wide country.

    A quilt of endless mirror images of the scene, each turned and shifted by a draw of its own,
    gently bent and unevenly bright. Along the quilt's organic seams neighbours fade into each
    other. Its values are surface reflectance: in the blue they are darker than clear air. So
    mirror images do not look like wallpaper, and no two targets look alike; a pixel stays a
    measured spectrum, scaled by some ten per cent.
    """

    bands = SCENE_BANDS
    at_top = False

    def __init__(self, target: Target, seed: int) -> None:
        self.epsg, self._east_m, self._north_m = utm_origin(
            target.latitude_deg, target.longitude_deg
        )
        image = _spyndex_image()
        rng = stream(seed, "scene", target.name)
        side_m = _SPYNDEX_PIXEL_M * image.shape[1]
        self._image = Lattice(
            image,
            spacing_m=(_SPYNDEX_PIXEL_M, _SPYNDEX_PIXEL_M),
            east_m=0.0,
            north_m=0.0,
            mirrored=True,
        )
        self._turns = rng.uniform(0.0, 2.0 * np.pi, _PATCHES)
        self._shifts_m = rng.uniform(0.0, 2.0 * side_m, (_PATCHES, 2))
        size = _VARIATION_NODES
        bend = [_BEND_M * gaussian_field(rng, size, longest=60.0, shortest=16.0) for _ in range(2)]
        bright = _BRIGHT_SIGMA * gaussian_field(rng, size, longest=50.0)
        vigour = _VIGOUR_SIGMA * gaussian_field(rng, size, longest=30.0)
        patches = [
            gaussian_field(rng, size, longest=50.0, shortest=6.0, slope=3.6)
            for _ in range(_PATCHES)
        ]
        half_m = size * _VARIATION_SPACING_M / 2.0
        self._variation = Lattice(
            np.stack([*bend, np.exp(bright), np.exp(bright + vigour), *patches]),
            spacing_m=(_VARIATION_SPACING_M, _VARIATION_SPACING_M),
            east_m=self._east_m - half_m,
            north_m=self._north_m + half_m,
        )

    def reflectance(
        self, easting_m: NDArray[np.float64], northing_m: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Return the reflectance of blue, green, red and NIR, (4, ...), at points (...)."""
        shape = np.shape(easting_m)
        east_m, north_m = np.ravel(easting_m), np.ravel(northing_m)
        bend_e, bend_n, visible, nir, *patches = self._variation(east_m, north_m)
        east_m = east_m + bend_e - self._east_m
        north_m = north_m + bend_n - self._north_m
        shares = np.stack(patches)
        shares = np.maximum(shares - shares.max(axis=0) + np.float32(_FADE), 0.0)
        shares /= shares.sum(axis=0)
        rho = np.zeros((len(SCENE_BANDS), east_m.size), np.float32)
        for share, turn, (shift_e, shift_n) in zip(
            shares, self._turns, self._shifts_m, strict=True
        ):
            here = np.flatnonzero(share)
            e, n = east_m[here], north_m[here]
            part = self._image(
                e * np.cos(turn) - n * np.sin(turn) + shift_e,
                e * np.sin(turn) + n * np.cos(turn) + shift_n,
            )
            rho[:, here] += part * share[here]
        rho[:3] *= visible
        rho[3] *= nir
        return rho.reshape(-1, *shape)

    def surface(self, easting_m: NDArray[np.float64], northing_m: NDArray[np.float64]) -> Surface:
        """Return what is sent up at points (...)."""
        return Surface(reflectance=self.reflectance(easting_m, northing_m))

    def height_m(
        self, easting_m: NDArray[np.float64], northing_m: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Return the ground's height: such scenes are flat."""
        return np.zeros(np.shape(easting_m), np.float32)


class GeoTiffScene:
    """A user's GeoTIFF, its middle laid on the target, north up, as it is; mirrored beyond.

    Parameters
    ----------
    scene
        File, and the scale and offset that turn its values into reflectance.
    target
        The place it is laid at, whatever place it is of.
    gsd_m
        How fine it is wanted; finer pixels are averaged to this, as the imager's optics would.

    Raises
    ------
    InputFileError
        See `check_scene`.
    """

    bands = SCENE_BANDS

    def __init__(self, scene: SceneFile, target: Target, gsd_m: float) -> None:
        self.at_top = scene.at_top
        self.epsg, east_m, north_m = utm_origin(target.latitude_deg, target.longitude_deg)
        image, pixel_m = _open_geotiff(scene, gsd_m)
        rows, columns = image.shape[1:]
        self._image = Lattice(
            image,
            spacing_m=pixel_m,
            east_m=east_m - (columns - 1) / 2.0 * pixel_m[1],
            north_m=north_m + (rows - 1) / 2.0 * pixel_m[0],
            mirrored=True,
        )

    def reflectance(
        self, easting_m: NDArray[np.float64], northing_m: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Return the reflectance of blue, green, red and NIR, (4, ...), at points (...)."""
        return self._image(easting_m, northing_m)

    def surface(self, easting_m: NDArray[np.float64], northing_m: NDArray[np.float64]) -> Surface:
        """Return what is sent up at points (...)."""
        return Surface(reflectance=self.reflectance(easting_m, northing_m))

    def height_m(
        self, easting_m: NDArray[np.float64], northing_m: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Return the ground's height: such scenes are flat."""
        return np.zeros(np.shape(easting_m), np.float32)


def check_scene(scene: SceneFile, gsd_m: float = 10.0) -> None:
    """Read a user's scene as an imager of that sampling would, and say at once what is wrong.

    Raises
    ------
    InputFileError
        If the file cannot be read, has no coordinate reference system or one that is not in metres,
        is not north up, does not hold blue, green, red and NIR, states no scale, has pixels
        without data, or its values are no reflectances at that scale.
    """
    _open_geotiff(scene, gsd_m)


@lru_cache(maxsize=1)
def _spyndex_image() -> NDArray[np.float32]:
    """Return the scene, (4, 300, 300), read once a process and never written."""
    import spyndex.datasets  # imports pandas and xarray: heavy, and a user's scene needs neither

    image = np.asarray(spyndex.datasets.open("sentinel").values, np.float32) / np.float32(1e4)
    image.flags.writeable = False
    return image


def _open_geotiff(
    scene: SceneFile, gsd_m: float
) -> tuple[NDArray[np.float32], tuple[float, float]]:
    """Return reflectance (4, rows, columns) and the pixel's height and width in metres."""
    try:
        written_ns = scene.file.stat().st_mtime_ns
    except OSError as error:
        raise InputFileError.from_os(error, scene.file) from None
    return _read_geotiff(scene, gsd_m, written_ns)


@lru_cache(maxsize=1)
def _read_geotiff(
    scene: SceneFile, gsd_m: float, written_ns: int
) -> tuple[NDArray[np.float32], tuple[float, float]]:
    """Read the file; `written_ns` is there so that a file written anew is read anew."""
    where = str(scene.file)
    try:
        with warnings.catch_warnings():
            # A file without a place is refused in our own words.
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(scene.file, driver="GTiff") as source:
                pixel_m = pixel_size_m(source, where)
                bands = _four(source, where)
                scale, offset = scale_and_offset(
                    source, bands, where, scene.scale, scene.offset, "scene.scale in the scenario"
                )
                values, pixel_m = _read_middle(source, bands, pixel_m, gsd_m)
    except RasterioIOError as error:
        raise InputFileError(
            f"cannot be read as an image ({error})",
            where=where,
            way_out="A scene is a GeoTIFF; check the path",
        ) from None
    image = np.ma.getdata(values).astype(np.float32)
    missing = np.ma.getmaskarray(values).any(axis=0) | ~np.isfinite(image).all(axis=0)
    if missing.any():
        raise InputFileError(
            f"{missing.mean():.2%} of the pixels hold no data",
            where=where,
            way_out="Crop the scene to where all four bands have data (gdal_translate -srcwin)",
        )
    image *= scale[:, None, None]
    image += offset[:, None, None]
    check_plausible(image, where)
    image.flags.writeable = False
    return image, pixel_m


def _read_middle(
    source: Any, bands: list[int], pixel_m: tuple[float, float], gsd_m: float
) -> tuple[Any, tuple[float, float]]:
    """Return what a footprint can need at most, no finer than asked, and the size of its pixels."""
    rows = min(source.height, max(1, int(_LARGEST_SIDE_M / pixel_m[0])))
    columns = min(source.width, max(1, int(_LARGEST_SIDE_M / pixel_m[1])))
    window = Window((source.width - columns) // 2, (source.height - rows) // 2, columns, rows)
    out_rows = min(rows, max(1, round(rows * pixel_m[0] / gsd_m)))
    out_columns = min(columns, max(1, round(columns * pixel_m[1] / gsd_m)))
    values = source.read(
        bands,
        window=window,
        out_shape=(len(bands), out_rows, out_columns),
        resampling=Resampling.average,
        masked=True,
    )
    return values, (pixel_m[0] * rows / out_rows, pixel_m[1] * columns / out_columns)


def _four(source: Any, where: str) -> list[int]:
    """Return the numbers of blue, green, red and NIR."""
    numbers = named_bands(source, where)
    missing = [name for name in SCENE_BANDS if name not in numbers]
    if missing:
        raise InputFileError(
            f"has no {missing[0]} band",
            where=where,
            way_out="A scene to fly over holds blue, green, red and NIR; name its bands so",
        )
    return [numbers[name] for name in SCENE_BANDS]
