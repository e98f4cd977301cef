"""L2: surface reflectance, and what each pixel shows, at the sensor's own geometry.

Reflectance at the top of the atmosphere is ``rho = pi L d^2 / (Esun cos(theta_s))`` (Chander,
Markham & Helder, 2009, Remote Sensing of Environment 113, eq. 2). The masks are made of it; then
the atmosphere is taken out of it (`surface`). The Sun below 10 degrees leaves no more light than
the table can answer for: then the reflectance stays as it is seen from above.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from orbitloom.processing.l1 import BAD, FILLED, MISSING, SATURATED, Geolocation, Radiance
from orbitloom.processing.masks import (
    CLOUD,
    NO_DATA,
    SHADOW,
    SNOW,
    SPOILT,
    WATER,
    cloud_masks,
)
from orbitloom.processing.sun import sun_cosine, sun_direction
from orbitloom.processing.surface import View, take_out
from orbitloom.wire.tasking import Calibration

__all__ = [
    "CLOUD",
    "NO_DATA",
    "SHADOW",
    "SNOW",
    "SPOILT",
    "WATER",
    "Reflectance",
    "to_reflectance",
]

_ROWS = 64
_LEAST_SUN_DEG = 10.0
_EARTH_M = 6_371_000.0
_ASSUMED_FWHM_UM = 0.03  # scattering hardly depends on it


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reflectance:
    """Reflectance of one capture.

    Attributes
    ----------
    reflectance
        (bands, lines, columns) float32; zero where missing. Of the surface where `at_surface`,
        else at the top of the atmosphere; over dark ground it may be slightly negative.
    mask
        (lines, columns) uint8, flags `NO_DATA`, `SPOILT`, `CLOUD`, `SHADOW`, `WATER`, `SNOW`.
    sun_elevation_deg, sun_azimuth_deg
        At the capture's middle; azimuth from north over east.
    sensed_ns
        Middle of the capture.
    solar_radiance
        (bands,) W/m2/sr/um that leaves a surface of reflectance 1: at the ground where
        `at_surface`, else at the top of the atmosphere.
    at_surface
        Whether the atmosphere has been taken out.
    aot550
        Aerosol that was taken out; NaN if none was.
    """

    reflectance: NDArray[np.float32]
    mask: NDArray[np.uint8]
    sun_elevation_deg: float
    sun_azimuth_deg: float = 0.0
    sensed_ns: int = 0
    solar_radiance: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    at_surface: bool = False
    aot550: float = float("nan")


def to_reflectance(
    radiance: Radiance, calibration: Calibration, place: Geolocation, t_ns: int
) -> Reflectance:
    """Return the reflectance of a capture; the radiance's own array is turned into it.

    The cosine of the Sun's zenith angle varies over the scene; it is taken as linear in line and
    column, which over 20 km holds to 1e-5. The atmosphere is taken as the same all over the scene.

    Parameters
    ----------
    radiance
        Consumed: its array becomes the reflectance.
    t_ns
        Middle of the capture.

    Raises
    ------
    ScenarioError
        If no band is visible light (see `masks.cloud_masks`).
    """
    direction_ecef, distance_au = sun_direction(t_ns)
    cosine = sun_cosine(direction_ecef, place.longitude_deg, place.latitude_deg)
    middle = float(np.mean(cosine))
    elevation_deg = float(np.degrees(np.arcsin(np.clip(middle, -1.0, 1.0))))
    bands, lines, columns = radiance.radiance.shape
    rho = radiance.radiance
    flags = np.bitwise_or.reduce(radiance.quality, axis=0)
    mask = ((flags & MISSING) != 0) * np.uint8(NO_DATA)
    mask |= ((flags & (SATURATED | FILLED | BAD)) != 0) * np.uint8(SPOILT)
    if middle <= 0.0:  # night: nothing to divide by, and nothing to see
        rho[:] = 0.0
        return Reflectance(
            reflectance=rho, mask=mask, sun_elevation_deg=elevation_deg, sensed_ns=t_ns
        )
    along = np.polynomial.Polynomial.fit(place.lines, cosine.mean(axis=1), 1)(np.arange(lines))
    across = np.polynomial.Polynomial.fit(place.columns, cosine.mean(axis=0), 1)(np.arange(columns))
    from_sun = calibration.esun_w_m2_um / (np.pi * distance_au**2)
    for first in range(0, lines, _ROWS):  # a stripe of all bands stays in the cache
        rows = slice(first, first + _ROWS)
        factor = (1.0 / (along[rows, None] + (across - middle)[None, :])).astype(np.float32)
        for band in range(bands):
            rho[band, rows] *= np.float32(1.0 / from_sun[band])
            rho[band, rows] *= factor
    names = calibration.band_names
    good = (mask & NO_DATA) == 0
    east, north, up = _local(place, direction_ecef)
    step_px = _shadow_step_px(place, -east / up, -north / up)
    mask |= cloud_masks(rho, names, good, step_px, calibration.gsd_m)
    reflectance = Reflectance(
        reflectance=rho,
        mask=mask,
        sun_elevation_deg=elevation_deg,
        sun_azimuth_deg=float(np.degrees(np.arctan2(east, north)) % 360.0),
        sensed_ns=t_ns,
        solar_radiance=from_sun * middle,
    )
    if elevation_deg < _LEAST_SUN_DEG:
        return reflectance
    row, column = (n // 2 for n in place.longitude_deg.shape)
    view = View(
        sun_zenith_deg=90.0 - elevation_deg,
        view_zenith_deg=_view_zenith_deg(place),
        relative_azimuth_deg=reflectance.sun_azimuth_deg - place.view_azimuth_deg,
        latitude_deg=float(place.latitude_deg[row, column]),
        longitude_deg=float(place.longitude_deg[row, column]),
        t_ns=t_ns,
    )
    widths_um = calibration.fwhm_um if calibration.fwhm_um.size else [_ASSUMED_FWHM_UM] * bands
    air = take_out(rho, names, mask, calibration.wavelength_um, widths_um, view)
    return replace(
        reflectance,
        solar_radiance=reflectance.solar_radiance * air.sunlight,
        at_surface=True,
        aot550=air.aot550,
    )


def _view_zenith_deg(place: Geolocation) -> float:
    """Return the angle between the vertical at the ground and the satellite."""
    off_nadir = np.radians(place.off_nadir_deg)
    across_m = place.slant_range_m * np.sin(off_nadir)
    to_centre_m = place.slant_range_m * np.cos(off_nadir) + np.sqrt(_EARTH_M**2 - across_m**2)
    return float(np.degrees(np.arcsin(np.clip(to_centre_m * np.sin(off_nadir) / _EARTH_M, 0, 1))))


def _local(place: Geolocation, direction_ecef: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return a direction's parts to the east, the north and up, in the middle of the scene."""
    row, column = (n // 2 for n in place.longitude_deg.shape)
    lon = np.radians(place.longitude_deg[row, column])
    lat = np.radians(place.latitude_deg[row, column])
    east = np.array([-np.sin(lon), np.cos(lon), 0.0])
    north = np.array([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)])
    up = np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    return (float(direction_ecef @ east), float(direction_ecef @ north), float(direction_ecef @ up))


def _shadow_step_px(
    place: Geolocation, east_per_m: float, north_per_m: float
) -> tuple[float, float]:
    """Return how far a shadow moves, in lines and columns, for each metre of cloud height.

    A cloud is seen at the pixel behind it, so a rolled view shifts it as well, by height times the
    tangent of the roll across the track; that is left out, as the built-in scenes do.
    """
    longitude, latitude = place.longitude_deg, place.latitude_deg
    row, column = (n // 2 for n in longitude.shape)
    lat = np.radians(latitude[row, column])
    per_degree = 111_320.0 * np.array([np.cos(lat), 1.0])
    along = np.array(
        [longitude[-1, column] - longitude[0, column], latitude[-1, column] - latitude[0, column]]
    )
    across = np.array(
        [longitude[row, -1] - longitude[row, 0], latitude[row, -1] - latitude[row, 0]]
    )
    wrapped = [
        np.array([(part[0] + 180.0) % 360.0 - 180.0, part[1]]) * per_degree
        for part in (along, across)
    ]
    metres = np.column_stack([wrapped[0] / place.lines[-1], wrapped[1] / place.columns[-1]])
    lines, columns = np.linalg.solve(metres, [east_per_m, north_per_m])
    return float(lines), float(columns)
