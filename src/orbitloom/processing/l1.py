"""L1: radiance with quality and noise, and where each pixel lies, from the packets alone.

Geolocation is the direct one of any pushbroom imager: interpolate position and attitude to the
line's time, turn the column's view vector into the Earth-fixed frame, and meet the ground: WGS84
(NIMA TR8350.2), or the terrain above it that the ray comes to first. Velocity aberration (13 m at
505 km if uncorrected) and refraction are left out: the navigation solution is taken as corrected
for aberration.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicHermiteSpline

from orbitloom.errors import PacketError
from orbitloom.processing.kernels import (
    cubic_weights,
    leave_out_error,
    shift_band,
    to_radiance,
)
from orbitloom.processing.l0 import Frames
from orbitloom.processing.registration import misregistration
from orbitloom.processing.stripes import stripes
from orbitloom.processing.terrain import check_terrain, heights_at, project, steepest
from orbitloom.wire.briefing import Terrain
from orbitloom.wire.imager import Ancillary
from orbitloom.wire.tasking import Calibration

__all__ = [
    "BAD",
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
"""Quality flag: not measured; interpolated from the lines around it."""
BAD = 8
"""Quality flag: a pixel known not to measure; interpolated from the columns around it."""

_NEAR_ROWS = 3  # up and down, over which the error of an interpolation is averaged
_LEAST_SHIFT_PX = 1e-3
_LEAST_RELIEF_M = 10.0  # between the lowest and the highest level
_MET_M = 0.02  # how near to the ground a ray has met it

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
        (bands, lines, columns) uint8, flags `MISSING`, `SATURATED`, `FILLED`, `BAD`.
    gain
        (bands, columns) float32, W/m2/sr/um for one digital number above dark, as it was used:
        the calibration's, with what is left of its stripes taken out.
    gain_sigma
        (bands,) standard uncertainty of the gain, relative.
    noise_share
        (bands,) how much of a sample's noise variance the co-registration left.
    misregistration_px
        (bands, 2) how far each band still lies from the reference band, lines and columns, by
        phase correlation; NaN where the scene does not tell. It is reported, not corrected.
    calibration
        What it was made with.
    """

    radiance: NDArray[np.float32]
    quality: NDArray[np.uint8]
    gain: NDArray[np.float32]
    gain_sigma: NDArray[np.float64]
    noise_share: NDArray[np.float64]
    misregistration_px: NDArray[np.float64]
    calibration: Calibration

    def sigma(self, band: int) -> NDArray[np.float32]:
        """Return the standard uncertainty of a band's radiance, (lines, columns), W/m2/sr/um.

        In digital numbers above dark, s, with gain g::

            sigma^2 = g^2 (share (s / electrons_per_dn + read_noise^2 + 1/12) + dark_sigma^2)
                      + (gain_sigma L)^2

        and where a sample was interpolated, the mean square error of interpolating the measured
        ones around it in the same way. Infinite where nothing is known: missing and saturated.
        """
        known, flags, level = self.calibration, self.quality[band], self.radiance[band]
        share = float(self.noise_share[band])
        gain = self.gain[band]
        variance = np.maximum(level, 0) * (gain * np.float32(share / known.electrons_per_dn))
        floor = share * (known.read_noise_dn**2 + 1 / 12) + known.dark_sigma_dn**2
        variance += gain**2 * np.float32(floor)
        variance += np.square(level) * np.float32(self.gain_sigma[band] ** 2)
        for flag, turned in ((BAD, False), (FILLED, True)):
            made = (flags & flag) != 0
            if made.any():
                image = np.ascontiguousarray(level.T) if turned else level
                marks = np.ascontiguousarray(flags.T) if turned else flags
                error = leave_out_error(image, marks, flag, _NEAR_ROWS)
                # The error there is against samples with noise of their own; the truth has none.
                left = (error.T if turned else error)[made] - variance[made]
                variance[made] = np.maximum(left, 0.5 * variance[made])
        variance[(flags & (MISSING | SATURATED)) != 0] = np.inf
        return np.asarray(np.sqrt(variance, out=variance))


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
    view_azimuth_deg
        Direction from the ground to the satellite, from north over east, mid-capture.
    levels_m
        (k,) heights above the ellipsoid; one without terrain, else three.
    levels_longitude_deg, levels_latitude_deg
        (k, n, m) where the nodes' rays pass those heights.
    terrain
        The ground that `longitude_deg` and `latitude_deg` lie on; None for the ellipsoid.
    """

    lines: NDArray[np.float64]
    columns: NDArray[np.float64]
    longitude_deg: NDArray[np.float64]
    latitude_deg: NDArray[np.float64]
    off_nadir_deg: float
    slant_range_m: float
    levels_m: NDArray[np.float64]
    levels_longitude_deg: NDArray[np.float64]
    levels_latitude_deg: NDArray[np.float64]
    view_azimuth_deg: float = 0.0
    terrain: Terrain | None = None


def calibrate(frames: Frames, calibration: Calibration, longest_fill: int = 2) -> Radiance:
    """Return the radiance of the frames.

    ``L = (DN - dark) * radiance_per_dn / response``, band by band, with the response corrected by
    what the scene itself shows of stripes. Up to `longest_fill` lines in a row
    that never arrived, or pixels in a row known to be bad, are filled by linear interpolation
    between their neighbours and flagged; longer gaps stay missing. Then each band is moved to
    where the others see (`Calibration.offset_px`), by cubic convolution.
    """
    bands, lines, columns = frames.dn.shape
    radiance = np.empty((bands, lines, columns), dtype=np.float32)
    quality = np.empty((bands, lines, columns), dtype=np.uint8)
    gain = np.empty((bands, columns), dtype=np.float32)
    gain_sigma, noise_share = np.empty(bands), np.ones(bands)
    spare: tuple[NDArray[np.float32], NDArray[np.uint8]] | None = None
    for band in range(bands):
        bad = np.zeros(columns, np.bool_) if calibration.bad is None else calibration.bad[band]
        error, gain_sigma[band] = stripes(frames, calibration, band, bad)
        known = calibration.radiance_per_dn[band] / calibration.response[band]
        gain[band] = known / (1.0 + error)
        ahead = (0.0, 0.0) if calibration.offset_px is None else calibration.offset_px[band]
        whole = int(np.clip(round(ahead[0]), -lines, lines))  # rows that are a slice away
        rest = float(ahead[0] - whole), float(ahead[1])
        source = slice(max(-whole, 0), lines - max(whole, 0))
        target = slice(max(whole, 0), lines - max(-whole, 0))
        image, flags = radiance[band, target], quality[band, target]
        for edge in (slice(0, target.start), slice(target.stop, lines)):
            radiance[band, edge], quality[band, edge] = 0.0, MISSING
        aside = max(map(abs, rest)) > _LEAST_SHIFT_PX
        if aside:
            spare = spare or (np.empty_like(radiance[0]), np.empty_like(quality[0]))
            image, flags = spare[0][: len(image)], spare[1][: len(flags)]
        to_radiance(
            frames.dn[band, source],
            calibration.dark_dn[band],
            gain[band],
            calibration.saturation_dn,
            SATURATED,
            image,
            flags,
        )
        valid = frames.valid[band, source]
        _fill(image, flags, valid, longest_fill, FILLED)
        _fill(image.T, flags.T, ~bad, longest_fill, BAD)
        if aside:
            present = _present(valid, longest_fill), _present(~bad, longest_fill)
            made = radiance[band, target], quality[band, target]
            shift_band(image, flags, *present, rest, MISSING, *made)
            noise_share[band] = math.prod(
                sum(weight**2 for weight in cubic_weights((-part) % 1.0)) for part in rest
            )
    return Radiance(
        radiance=radiance,
        quality=quality,
        gain=gain,
        gain_sigma=gain_sigma,
        noise_share=noise_share,
        misregistration_px=misregistration(radiance, quality, MISSING, calibration.band_names),
        calibration=calibration,
    )


def _gaps(valid: NDArray[np.bool_]) -> list[list[int]]:
    """Return start and end of each run that is not valid."""
    edges = np.flatnonzero(np.diff(np.concatenate(([True], valid, [True])).astype(np.int8)))
    return edges.reshape(-1, 2).tolist()


def _present(valid: NDArray[np.bool_], longest: int) -> NDArray[np.bool_]:
    """Return what is valid or filled."""
    present = valid.copy()
    for start, end in _gaps(valid):
        present[start:end] = start > 0 and end < valid.size and end - start <= longest
    return present


def _fill(
    radiance: NDArray[np.float32],
    quality: NDArray[np.uint8],
    valid: NDArray[np.bool_],
    longest: int,
    flag: int,
) -> None:
    """Fill short gaps of one band in place along the first axis; blank the long ones."""
    for start, end in _gaps(valid):
        if start == 0 or end == valid.size or end - start > longest:
            radiance[start:end] = 0.0
            quality[start:end] = MISSING
            continue
        for line in range(start, end):
            share = np.float32((line - start + 1) / (end - start + 1))
            radiance[line] = (1 - share) * radiance[start - 1] + share * radiance[end]
            quality[line] = quality[start - 1] | quality[end] | flag
            lost = (quality[line] & MISSING) != 0  # where a lost line crosses a bad column
            quality[line, lost] = MISSING
            radiance[line, lost] = 0.0


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


def geolocate(
    ancillary: Sequence[Ancillary],
    ifov_rad: float,
    *,
    terrain: Terrain | None = None,
    nodes: int = 33,
) -> Geolocation:
    """Return where a capture's pixels lie.

    Parameters
    ----------
    ancillary
        At least two records of one capture, in time order.
    ifov_rad
        Angle between neighbouring columns.
    terrain
        Heights of the ground; None for the bare ellipsoid.
    nodes
        Nodes along each direction of the coarse grid.

    Raises
    ------
    PacketError
        If there are fewer than two records, or a view misses the Earth.
    InputFileError
        If the terrain cannot be used.
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
    levels_m = _levels(terrain)
    rays = position_ecef_m[:-1, None, :], view_ecef
    places_deg = [_geodetic_deg(_meet(*rays, level), level) for level in levels_m.tolist()]
    longitude_deg = np.stack([longitude for longitude, _ in places_deg])
    latitude_deg = np.stack([latitude for _, latitude in places_deg])

    boresight = attitude[-1] @ np.array([0.0, 0.0, 1.0])
    under = _meet(position_ecef_m[-1], boresight, 0.0)
    on_ground = (longitude_deg[0], latitude_deg[0])
    if terrain is not None:
        on_ground = _first_ground(terrain, levels_m, longitude_deg, latitude_deg)
    return Geolocation(
        lines=lines,
        columns=columns,
        longitude_deg=on_ground[0],
        latitude_deg=on_ground[1],
        off_nadir_deg=_off_nadir_deg(position_ecef_m[-1], boresight),
        slant_range_m=float(np.linalg.norm(under - position_ecef_m[-1])),
        view_azimuth_deg=_azimuth_deg(under, position_ecef_m[-1] - under),
        levels_m=levels_m,
        levels_longitude_deg=longitude_deg,
        levels_latitude_deg=latitude_deg,
        terrain=terrain,
    )


def _levels(terrain: Terrain | None) -> NDArray[np.float64]:
    """Return the heights at which rays are met: three over terrain, between them parabolas."""
    if terrain is None:
        return np.zeros(1)
    check_terrain(terrain)
    low_m, high_m = float(terrain.height_m.min()), float(terrain.height_m.max())
    room_m = max(0.5 * (_LEAST_RELIEF_M - (high_m - low_m)), 0.0)
    return np.linspace(low_m - room_m, high_m + room_m, 3)


def _first_ground(
    terrain: Terrain,
    levels_m: NDArray[np.float64],
    longitude_deg: NDArray[np.float64],
    latitude_deg: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return longitude and latitude where rays, known at three heights, first meet the terrain.

    From the highest level down, by steps so short that the steepest slope cannot rise above the
    ray within them; so no ridge is passed.
    """
    east_m, north_m = project(longitude_deg, latitude_deg, 4326, terrain.epsg)
    low_m, high_m = levels_m[0], levels_m[-1]
    lean = np.hypot(east_m[-1] - east_m[0], north_m[-1] - north_m[0]) / (high_m - low_m)
    safe = 1.0 / (1.0 + steepest(terrain) * lean)
    height_m = np.full(lean.shape, high_m)
    while True:
        share = _parabola((height_m - low_m) / (high_m - low_m))
        place = (share * east_m).sum(axis=0), (share * north_m).sum(axis=0)
        clear_m = height_m - heights_at(terrain, *place)
        if clear_m.max() < _MET_M:
            break
        height_m -= safe * np.maximum(clear_m, 0.0)
    return project(*place, terrain.epsg, 4326)


def _parabola(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights (3, ...) of values at 0, 1/2 and 1 for the parabola through them."""
    return np.stack(
        [(1 - share) * (1 - 2 * share), 4 * share * (1 - share), share * (2 * share - 1)]
    )


def _azimuth_deg(ground_ecef_m: NDArray[np.float64], to_ecef: NDArray[np.float64]) -> float:
    """Return the azimuth of a direction at a place, from north over east, 0 to 360 degrees."""
    longitude_deg, latitude_deg = _geodetic_deg(ground_ecef_m)
    lon, lat = np.radians(longitude_deg), np.radians(latitude_deg)
    east = np.array([-np.sin(lon), np.cos(lon), 0.0])
    north = np.array([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)])
    return float(np.degrees(np.arctan2(to_ecef @ east, to_ecef @ north)) % 360.0)


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


def _meet(
    origin_ecef_m: NDArray[np.float64], direction: NDArray[np.float64], height_m: float
) -> NDArray[np.float64]:
    """Return where rays first meet the WGS84 ellipsoid blown up by a height.

    By scaling it to the unit sphere. Blown up it is within 0.02 m of the surface of equal height
    up to 9 km.
    """
    scale = np.array([_WGS84_A_M, _WGS84_A_M, _WGS84_B_M]) + height_m
    p, d = origin_ecef_m / scale, direction / scale
    a, b, c = (d * d).sum(-1), (p * d).sum(-1), (p * p).sum(-1) - 1.0
    under_root = b * b - a * c
    if not (np.all(under_root >= 0.0) and np.all(b <= 0.0)):  # so put, NaN misses it too
        raise PacketError("a view vector misses the Earth")
    distance = (-b - np.sqrt(under_root)) / a
    return np.asarray(origin_ecef_m + distance[..., None] * direction)


def _geodetic_deg(
    surface_ecef_m: NDArray[np.float64], height_m: float = 0.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return longitude and latitude of points on the ellipsoid blown up by a height.

    Closed form: there the normal is the blown-up ellipsoid's own, to 4e-9 rad up to 9 km.
    """
    x, y, z = np.moveaxis(surface_ecef_m, -1, 0)
    axes = ((_WGS84_B_M + height_m) / (_WGS84_A_M + height_m)) ** 2
    latitude = np.arctan2(z, axes * np.hypot(x, y))
    return np.degrees(np.arctan2(y, x)), np.degrees(latitude)


def _off_nadir_deg(position_ecef_m: NDArray[np.float64], boresight: NDArray[np.float64]) -> float:
    """Return the angle between the boresight and the way down along the ellipsoid's normal."""
    normal = position_ecef_m / np.array([_WGS84_A_M**2, _WGS84_A_M**2, _WGS84_B_M**2])
    cosine = -normal @ boresight / np.linalg.norm(normal)
    return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
