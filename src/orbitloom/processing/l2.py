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

from orbitloom.processing.l1 import FILLED, MISSING, SATURATED, Geolocation, Radiance
from orbitloom.processing.sun import sun_cosine, sun_direction
from orbitloom.wire.tasking import Calibration

__all__ = [
    "CLOUD",
    "NO_DATA",
    "SHADOW",
    "SNOW",
    "SPOILT",
    "WATER",
    "Reflectance",
    "grown",
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
SNOW = 32
"""Mask flag: snow or ice."""

# Cloud: bright in the blue (0.2: the best single threshold on the project's labelled cloud scene),
# white, and above the haze line; the last two are eq. 2 and 3 of Fmask.
_CLOUD_BLUE = 0.20
_WHITENESS = 0.7
_HAZE_OFFSET = 0.08
_CLOUD_MARGIN_PX = 1  # as Fmask grows its clouds
# Shadow: Fmask looks for it from 200 m to 12 km of cloud height. Dark is below this share of the
# upper quartile of open ground, which holds lit ground even where half of it lies in shadow.
_CLOUD_HEIGHTS_M = (200.0, 12_000.0)
_SHADOW_SHARE = 0.65
_LEAST_FIT = 0.3  # Fmask's threshold for a cloud and its shadow to belong together
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
    shadow = _shadow(cloud, water, green, nir, good, _shadow_step_px(place, direction_ecef))
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
    blue, green, red = blue[bright], green[bright], red[bright]
    mean = (blue + green + red) / 3
    spread = np.abs(blue - mean) + np.abs(green - mean) + np.abs(red - mean)
    cloud = bright.copy()
    cloud[bright] = (spread < _WHITENESS * mean) & (blue - 0.5 * red > _HAZE_OFFSET)
    cloud = _opened(cloud)
    return grown(cloud, _CLOUD_MARGIN_PX)


def _opened(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the mask without what is thinner than three pixels."""
    return grown(~grown(~mask, 1), 1)


def grown(mask: NDArray[np.bool_], pixels: int) -> NDArray[np.bool_]:
    """Return the mask grown by a square of that half-width, pixel by pixel along each axis."""
    wide = mask.copy()
    for axis in (wide, wide.T):
        for _ in range(pixels):
            before = axis.copy(order="K")
            axis[1:] |= before[:-1]
            axis[:-1] |= before[1:]
    return wide


def _shadow(
    cloud: NDArray[np.bool_],
    water: NDArray[np.bool_],
    green: NDArray[np.float32],
    nir: NDArray[np.float32],
    good: NDArray[np.bool_],
    step_px: tuple[float, float],
) -> NDArray[np.bool_]:
    """Return the clouds' shadows: the cloud mask, projected from the height that fits best.

    As Fmask matches clouds with dark ground, but all clouds of a scene as one deck. Land counts as
    dark in the near infrared, where it is bright; water in the green, where it is.
    """
    if not cloud.any():
        return np.zeros_like(cloud)
    open_ground = good & ~cloud
    few = (slice(None, None, _COARSE), slice(None, None, _COARSE))
    dark = np.zeros_like(cloud)
    for kind, band in ((~water, nir), (water, green)):
        sample = band[few][(open_ground & kind)[few]]
        if sample.size:
            dark |= kind & (band < np.float32(_SHADOW_SHARE * np.percentile(sample, 75)))
    low_m, high_m = _CLOUD_HEIGHTS_M
    per_m = max(abs(part) for part in step_px)
    heights_m = np.linspace(low_m, high_m, int((high_m - low_m) * per_m / _COARSE) + 2)
    coarse = (cloud[few], open_ground[few], dark[few])
    fits = [_fit(*coarse, _shift(step_px, height_m, _COARSE)) for height_m in heights_m]
    best_m = float(heights_m[int(np.argmax(fits))])
    if max(fits) < _LEAST_FIT:
        return np.zeros_like(cloud)
    near_m = best_m + np.arange(-_COARSE, _COARSE + 1) / per_m
    fits = [_fit(cloud, open_ground, dark, _shift(step_px, height_m, 1)) for height_m in near_m]
    shift = _shift(step_px, float(near_m[int(np.argmax(fits))]), 1)
    return _moved(cloud, shift) & open_ground


def _fit(
    cloud: NDArray[np.bool_],
    open_ground: NDArray[np.bool_],
    dark: NDArray[np.bool_],
    shift: tuple[int, int],
) -> float:
    """Return which share of the ground below the moved clouds is dark; 0 if there is hardly any."""
    to, of = _overlap(cloud.shape, shift)
    below = cloud[of] & open_ground[to]
    cells = np.count_nonzero(below)
    if cells < 0.1 * np.count_nonzero(cloud):
        return 0.0
    return float(np.count_nonzero(below & dark[to])) / cells


def _shift(step_px: tuple[float, float], height_m: float, coarse: int) -> tuple[int, int]:
    return round(step_px[0] * height_m / coarse), round(step_px[1] * height_m / coarse)


def _moved(mask: NDArray[np.bool_], shift: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the mask moved by whole pixels; nothing comes in from outside."""
    to, of = _overlap(mask.shape, shift)
    moved = np.zeros_like(mask)
    moved[to] = mask[of]
    return moved


def _overlap(
    shape: tuple[int, ...], shift: tuple[int, int]
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Return where a moved array lands, and which part of it."""
    to = tuple(slice(max(d, 0), max(n + min(d, 0), 0)) for n, d in zip(shape, shift, strict=True))
    of = tuple(slice(max(-d, 0), max(n - max(d, 0), 0)) for n, d in zip(shape, shift, strict=True))
    return to, of


def _shadow_step_px(place: Geolocation, sun_ecef: NDArray[np.float64]) -> tuple[float, float]:
    """Return how far a shadow moves, in lines and columns, for each metre of cloud height.

    A cloud is seen at the pixel behind it, so a rolled view shifts it as well, by height times the
    tangent of the roll across the track; that is left out, as the built-in scenes do.
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
