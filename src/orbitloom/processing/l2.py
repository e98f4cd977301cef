"""L2: top-of-atmosphere reflectance, and what each pixel shows, at the sensor's own geometry.

Reflectance is ``rho = pi L d^2 / (Esun cos(theta_s))`` (Chander, Markham & Helder, 2009, Remote
Sensing of Environment 113, eq. 2). With four bands (no short-wave or thermal infrared) the masks
are the visible-band parts of Fmask (Zhu & Woodcock, 2012, Remote Sensing of Environment 118) and
McFeeters' water index (1996, International Journal of Remote Sensing 17).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from orbitloom.processing.l1 import FILLED, MISSING, SATURATED, Geolocation, Radiance
from orbitloom.processing.sun import sun_cosine, sun_direction
from orbitloom.wire.tasking import Calibration

__all__ = [
    "CLOUD",
    "NO_DATA",
    "SHADOW",
    "SPOILT",
    "WATER",
    "Reflectance",
    "ndwi",
    "to_reflectance",
]

NO_DATA = 1
"""Mask flag: at least one band was not measured here, nor filled from its neighbours."""
SPOILT = 2
"""Mask flag: at least one band is saturated or filled from neighbouring lines."""
CLOUD = 4
"""Mask flag: cloud, with a margin."""
SHADOW = 8
"""Mask flag: dark, and where a cloud's shadow can fall."""
WATER = 16
"""Mask flag: open water."""

# Cloud: bright in the blue (0.2: the best single threshold on the project's labelled cloud scene),
# white, and above the haze line; the last two are eq. 2 and 3 of Fmask.
_CLOUD_BLUE = 0.20
_WHITENESS = 0.7
_HAZE_OFFSET = 0.08
_CLOUD_MARGIN_PX = 3  # as Fmask grows its clouds
# Shadow: Fmask looks for it from 200 m to 12 km of cloud height; here it must also be darker than
# this share of the scene's clear land in the near infrared, where land is bright.
_CLOUD_HEIGHTS_M = (200.0, 12_000.0)
_SHADOW_SHARE = 0.65
_COARSE = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reflectance:
    """Top-of-atmosphere reflectance of one capture.

    Attributes
    ----------
    reflectance
        (bands, lines, columns) float32; zero where missing.
    mask
        (lines, columns) uint8, flags `NO_DATA`, `SPOILT`, `CLOUD`, `SHADOW`, `WATER`.
    sun_elevation_deg
        At the capture's middle.
    """

    reflectance: NDArray[np.float32]
    mask: NDArray[np.uint8]
    sun_elevation_deg: float


def ndwi(green: NDArray[np.float32], nir: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return McFeeters' normalised difference water index, (G - N) / (G + N); open water is > 0."""
    total = green + nir
    np.maximum(total, np.float32(1e-6), out=total)
    return np.asarray((green - nir) / total)


def to_reflectance(
    radiance: Radiance, calibration: Calibration, place: Geolocation, t_ns: int
) -> Reflectance:
    """Return the reflectance of a capture; the radiance's own array is turned into it.

    The cosine of the Sun's zenith angle varies over the scene; it is taken as linear in line and
    column, which over 20 km holds to 1e-5.

    Parameters
    ----------
    radiance
        Consumed: its array becomes the reflectance.
    t_ns
        Middle of the capture.
    """
    direction_ecef, distance_au = sun_direction(t_ns)
    cosine = sun_cosine(direction_ecef, place.longitude_deg, place.latitude_deg)
    middle = float(np.mean(cosine))
    elevation_deg = float(np.degrees(np.arcsin(np.clip(middle, -1.0, 1.0))))
    bands, lines, columns = radiance.radiance.shape
    rho = radiance.radiance
    flags = np.bitwise_or.reduce(radiance.quality, axis=0)
    mask = np.where(flags & MISSING, NO_DATA, 0).astype(np.uint8)
    mask |= np.where(flags & (SATURATED | FILLED), SPOILT, 0).astype(np.uint8)
    if middle <= 0.0:  # night: nothing to divide by, and nothing to see
        rho[:] = 0.0
        return Reflectance(reflectance=rho, mask=mask, sun_elevation_deg=elevation_deg)
    along = np.polynomial.Polynomial.fit(place.lines, cosine.mean(axis=1), 1)(np.arange(lines))
    across = np.polynomial.Polynomial.fit(place.columns, cosine.mean(axis=0), 1)(np.arange(columns))
    factor = (1.0 / (along[:, None] + (across - middle)[None, :])).astype(np.float32)
    for band in range(bands):
        scale = np.float32(np.pi * distance_au**2 / calibration.esun_w_m2_um[band])
        rho[band] *= scale
        rho[band] *= factor
    names = calibration.band_names
    blue, green, red, nir = (rho[names.index(name)] for name in ("blue", "green", "red", "nir"))
    good = (mask & NO_DATA) == 0
    cloud = _cloud(blue, green, red, good)
    water = (ndwi(green, nir) > 0.0) & good & ~cloud
    shadow = _shadow(cloud, water, nir, good, place, direction_ecef)
    mask |= np.where(cloud, CLOUD, 0).astype(np.uint8)
    mask |= np.where(shadow, SHADOW, 0).astype(np.uint8)
    mask |= np.where(water, WATER, 0).astype(np.uint8)
    return Reflectance(reflectance=rho, mask=mask, sun_elevation_deg=elevation_deg)


def _cloud(
    blue: NDArray[np.float32],
    green: NDArray[np.float32],
    red: NDArray[np.float32],
    good: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Return where there is cloud: bright, white, above the haze line; cleaned and grown."""
    bright = (blue > _CLOUD_BLUE) & good
    if not bright.any():
        return bright
    mean = (blue + green + red) / 3
    spread = np.abs(blue - mean) + np.abs(green - mean) + np.abs(red - mean)
    cloud = bright & (spread < _WHITENESS * mean) & (blue - 0.5 * red > _HAZE_OFFSET)
    cloud = _opened(cloud)
    return grown(cloud, _CLOUD_MARGIN_PX)


def _opened(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the mask without what is thinner than three pixels."""
    return np.asarray(grown(~grown(~mask, 1), 1))


def grown(mask: NDArray[np.bool_], pixels: int) -> NDArray[np.bool_]:
    """Return the mask grown by a square of that half-width (a running maximum, so cost is flat)."""
    bytes_ = mask.view(np.uint8)
    return np.asarray(ndimage.maximum_filter(bytes_, 2 * pixels + 1, mode="nearest").view(np.bool_))


def _shadow(
    cloud: NDArray[np.bool_],
    water: NDArray[np.bool_],
    nir: NDArray[np.float32],
    good: NDArray[np.bool_],
    place: Geolocation,
    sun_ecef: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Return where it is dark and a cloud of any plausible height can cast its shadow."""
    clear_land = good & ~cloud & ~water
    if not cloud.any() or not clear_land.any():
        return np.zeros_like(cloud)
    step = _shadow_step_px(place, sun_ecef)
    coarse = cloud[::_COARSE, ::_COARSE]
    reach = np.zeros_like(coarse)
    pixels_per_m = float(np.hypot(*step)) / _COARSE
    count = max(2, int((_CLOUD_HEIGHTS_M[1] - _CLOUD_HEIGHTS_M[0]) * pixels_per_m))
    for height_m in np.linspace(*_CLOUD_HEIGHTS_M, min(count, 400)):
        down, right = (round(float(part) * height_m / _COARSE) for part in step)
        _or_shifted(reach, coarse, down, right)
    reach = grown(reach, 2)
    can_fall = np.repeat(np.repeat(reach, _COARSE, axis=0), _COARSE, axis=1)
    can_fall = can_fall[: cloud.shape[0], : cloud.shape[1]]
    dark = nir < _SHADOW_SHARE * np.median(
        nir[::_COARSE, ::_COARSE][clear_land[::_COARSE, ::_COARSE]]
    )
    return np.asarray(can_fall & dark & good & ~cloud & ~water)


def _or_shifted(
    target: NDArray[np.bool_], source: NDArray[np.bool_], down: int, right: int
) -> None:
    """Lay the source, moved by whole pixels, over the target."""
    rows, columns = target.shape
    if abs(down) >= rows or abs(right) >= columns:
        return
    to = (
        slice(max(down, 0), rows + min(down, 0)),
        slice(max(right, 0), columns + min(right, 0)),
    )
    of = (
        slice(max(-down, 0), rows + min(-down, 0)),
        slice(max(-right, 0), columns + min(-right, 0)),
    )
    target[to] |= source[of]


def _shadow_step_px(place: Geolocation, sun_ecef: NDArray[np.float64]) -> tuple[float, float]:
    """Return how far a shadow moves, in lines and columns, for each metre of cloud height.

    A cloud is seen at the pixel behind it, so the view's own parallax (tan of off-nadir) adds to
    the Sun's; the search grows its reach by a margin instead of modelling it.
    """
    longitude, latitude = place.longitude_deg, place.latitude_deg
    row, column = (n // 2 for n in longitude.shape)
    lon, lat = np.radians(longitude[row, column]), np.radians(latitude[row, column])
    east = np.array([-np.sin(lon), np.cos(lon), 0.0])
    north = np.array([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)])
    up = np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    shadow_en = -np.array([sun_ecef @ east, sun_ecef @ north]) / (sun_ecef @ up)
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
    lines, columns = np.linalg.solve(metres, shadow_en)
    return float(lines), float(columns)
