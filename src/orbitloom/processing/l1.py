"""L1: radiance with quality and noise, and where each pixel lies, from the packets alone.

Geolocation is the direct one of any pushbroom imager: interpolate position and attitude to the
line's time, turn the column's view vector into the Earth-fixed frame, and meet the WGS84 ellipsoid
(NIMA TR8350.2). Terrain, velocity aberration (13 m at 505 km if uncorrected) and refraction are
left out: the navigation solution is taken as corrected for aberration, and the ground as smooth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicHermiteSpline

from orbitloom.errors import PacketError
from orbitloom.processing.l0 import Frames
from orbitloom.wire.imager import Ancillary
from orbitloom.wire.tasking import Calibration

__all__ = [
    "FILLED",
    "MISSING",
    "SATURATED",
    "Geolocation",
    "Radiance",
    "calibrate",
    "geolocate",
    "noise",
]

MISSING = 1
"""Quality flag: no measurement, and none close enough to fill in from."""
SATURATED = 2
"""Quality flag: at the highest code or above."""
FILLED = 4
"""Quality flag: not measured; the mean of the lines around it."""

_WGS84_A_M = 6_378_137.0
_WGS84_F = 1.0 / 298.257223563
_WGS84_B_M = _WGS84_A_M * (1.0 - _WGS84_F)
_WGS84_E2 = _WGS84_F * (2.0 - _WGS84_F)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Radiance:
    """Spectral radiance at the sensor.

    Attributes
    ----------
    radiance
        (bands, lines, columns) float32, W/m2/sr/um; zero where missing.
    quality
        (bands, lines, columns) uint8, flags `MISSING`, `SATURATED`, `FILLED`.
    """

    radiance: NDArray[np.float32]
    quality: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Geolocation:
    """Where pixel centres lie, on a coarse grid of lines and columns.

    Attributes
    ----------
    lines, columns
        (n,) and (m,) float64, nodes; first and last are the corners' pixel centres.
    longitude_deg, latitude_deg
        (n, m) float64, WGS84.
    off_nadir_deg
        Angle at the satellite between boresight and the ellipsoid's nadir, mid-capture.
    slant_range_m
        Distance along the boresight, mid-capture.
    """

    lines: NDArray[np.float64]
    columns: NDArray[np.float64]
    longitude_deg: NDArray[np.float64]
    latitude_deg: NDArray[np.float64]
    off_nadir_deg: float
    slant_range_m: float


def calibrate(frames: Frames, calibration: Calibration, longest_fill: int = 2) -> Radiance:
    """Return the radiance of the frames.

    ``L = (DN - dark) * radiance_per_dn / response``, band by band. Up to `longest_fill` lines in
    a row that never arrived are filled by linear interpolation between their neighbours and
    flagged; longer gaps stay missing.
    """
    bands, lines, columns = frames.dn.shape
    radiance = np.empty((bands, lines, columns), dtype=np.float32)
    quality = np.empty((bands, lines, columns), dtype=np.uint8)
    for band in range(bands):
        gain = (calibration.radiance_per_dn[band] / calibration.response[band]).astype(np.float32)
        dn = frames.dn[band]
        np.subtract(dn, calibration.dark_dn[band], out=radiance[band], dtype=np.float32)
        radiance[band] *= gain
        np.multiply(dn >= calibration.saturation_dn, SATURATED, out=quality[band], dtype=np.uint8)
        _fill(radiance[band], quality[band], frames.valid[band], longest_fill)
    return Radiance(radiance=radiance, quality=quality)


def _fill(
    radiance: NDArray[np.float32],
    quality: NDArray[np.uint8],
    valid: NDArray[np.bool_],
    longest: int,
) -> None:
    """Fill short gaps of one band in place; blank the long ones."""
    edges = np.flatnonzero(np.diff(np.concatenate(([True], valid, [True])).astype(np.int8)))
    for start, end in edges.reshape(-1, 2).tolist():
        if start == 0 or end == valid.size or end - start > longest:
            radiance[start:end] = 0.0
            quality[start:end] = MISSING
            continue
        for line in range(start, end):
            share = np.float32((line - start + 1) / (end - start + 1))
            radiance[line] = (1 - share) * radiance[start - 1] + share * radiance[end]
            quality[line] = quality[start - 1] | quality[end] | FILLED


def noise(
    radiance: NDArray[np.float32] | NDArray[np.float64], band: int, calibration: Calibration
) -> NDArray[np.float64]:
    """Return the standard deviation of a measured radiance, W/m2/sr/um.

    Shot noise, read noise and quantisation in digital numbers, times the gain::

        sigma^2 = (DN - dark) / electrons_per_dn + read_noise^2 + 1/12

    The mean response of the band is used; what the flat field leaves is not in it.
    """
    gain = calibration.radiance_per_dn[band] / float(np.mean(calibration.response[band]))
    above_dark = np.maximum(np.asarray(radiance, dtype=np.float64) / gain, 0.0)
    variance = above_dark / calibration.electrons_per_dn + calibration.read_noise_dn**2 + 1 / 12
    return np.asarray(gain * np.sqrt(variance))


def geolocate(ancillary: Sequence[Ancillary], ifov_rad: float, *, nodes: int = 33) -> Geolocation:
    """Return where a capture's pixels lie.

    Parameters
    ----------
    ancillary
        At least two records of one capture, in time order.
    ifov_rad
        Angle between neighbouring columns.
    nodes
        Nodes along each direction of the coarse grid.

    Raises
    ------
    PacketError
        If there are fewer than two records, or a view misses the Earth.
    """
    if len(ancillary) < 2:
        raise PacketError(f"{len(ancillary)} ancillary records are too few to geolocate; need 2")
    first = ancillary[0]
    lines = np.linspace(0, first.lines - 1, min(nodes, max(first.lines, 2)))
    columns = np.linspace(0, first.columns - 1, min(nodes, max(first.columns, 2)))
    middle = (first.lines - 1) / 2
    seconds = (np.append(lines, middle) * first.line_period_ns) * 1e-9
    position_ecef_m, attitude = _states(ancillary, seconds)

    angle = (columns - (first.columns - 1) / 2) * ifov_rad
    view_body = np.stack([np.zeros_like(angle), np.tan(angle), np.ones_like(angle)], axis=-1)
    view_body /= np.linalg.norm(view_body, axis=-1, keepdims=True)
    view_ecef = np.einsum("nij,mj->nmi", attitude[:-1], view_body)
    ground_ecef_m = _meet_ellipsoid(position_ecef_m[:-1, None, :], view_ecef)
    longitude_deg, latitude_deg = _geodetic_deg(ground_ecef_m)

    boresight = attitude[-1] @ np.array([0.0, 0.0, 1.0])
    under = _meet_ellipsoid(position_ecef_m[-1], boresight)
    return Geolocation(
        lines=lines,
        columns=columns,
        longitude_deg=longitude_deg,
        latitude_deg=latitude_deg,
        off_nadir_deg=_off_nadir_deg(position_ecef_m[-1], boresight),
        slant_range_m=float(np.linalg.norm(under - position_ecef_m[-1])),
    )


def _states(
    ancillary: Sequence[Ancillary], seconds: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return positions (n, 3) and rotation matrices (n, 3, 3) at seconds after the first line.

    Position by cubic Hermite through position and velocity; attitude by the linear quaternion of
    neighbouring records, normalised, which over a second of orbital rotation (1.1 mrad) is the
    great-circle one to 1e-10 rad. Both go on past the ends.
    """
    t = np.array([(record.t_ns - record.first_line_ns) * 1e-9 for record in ancillary])
    position = np.array([record.position_ecef_m for record in ancillary])
    velocity = np.array([record.velocity_ecef_m_s for record in ancillary])
    quaternion = np.array([record.attitude for record in ancillary])
    flip = np.cumprod(np.sign(np.sum(quaternion[1:] * quaternion[:-1], axis=1)))
    quaternion[1:] *= flip[:, None]
    left = np.clip(np.searchsorted(t, seconds, side="right") - 1, 0, t.size - 2)
    share = ((seconds - t[left]) / (t[left + 1] - t[left]))[:, None]
    blended = (1.0 - share) * quaternion[left] + share * quaternion[left + 1]
    blended /= np.linalg.norm(blended, axis=1, keepdims=True)
    return CubicHermiteSpline(t, position, velocity)(seconds), _rotation(blended)


def _rotation(quaternion: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rotation matrices (n, 3, 3) of unit quaternions (n, 4), w first."""
    w, x, y, z = quaternion.T
    return np.stack(
        [
            np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], -1),
            np.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], -1),
            np.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], -1),
        ],
        axis=-2,
    )


def _meet_ellipsoid(
    origin_ecef_m: NDArray[np.float64], direction: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return where rays first meet the WGS84 ellipsoid, by scaling it to the unit sphere."""
    scale = np.array([_WGS84_A_M, _WGS84_A_M, _WGS84_B_M])
    p, d = origin_ecef_m / scale, direction / scale
    a, b, c = (d * d).sum(-1), (p * d).sum(-1), (p * p).sum(-1) - 1.0
    under_root = b * b - a * c
    if not (np.all(under_root >= 0.0) and np.all(b <= 0.0)):  # so put, NaN misses it too
        raise PacketError("a view vector misses the Earth")
    distance = (-b - np.sqrt(under_root)) / a
    return np.asarray(origin_ecef_m + distance[..., None] * direction)


def _geodetic_deg(
    surface_ecef_m: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return longitude and latitude of points on the ellipsoid (height zero: closed form)."""
    x, y, z = np.moveaxis(surface_ecef_m, -1, 0)
    latitude = np.arctan2(z, (1.0 - _WGS84_E2) * np.hypot(x, y))
    return np.degrees(np.arctan2(y, x)), np.degrees(latitude)


def _off_nadir_deg(position_ecef_m: NDArray[np.float64], boresight: NDArray[np.float64]) -> float:
    """Return the angle between the boresight and the way down along the ellipsoid's normal."""
    normal = position_ecef_m / np.array([_WGS84_A_M**2, _WGS84_A_M**2, _WGS84_B_M**2])
    cosine = -normal @ boresight / np.linalg.norm(normal)
    return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
