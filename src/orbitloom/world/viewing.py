"""Where a pushbroom imager looks: true motion, attitude, and the pixels' places on the ellipsoid.

The axes at rest and the sense of roll are those of `orbitloom.world.captures`: z to the Earth's
centre, x along the level part of the Earth-fixed velocity, so that the lines stay square to the
moving ground (yaw steering); a positive roll looks to the right. The ground is the scene's terrain
above the WGS84 ellipsoid, and a pixel sees what its ray meets first; light time and aberration are
left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from rasterio.warp import transform as transform_points
from scipy.interpolate import CubicHermiteSpline

from orbitloom.errors import ScenarioError
from orbitloom.scenario.time import SECOND_NS
from orbitloom.world.captures import body_axes
from orbitloom.world.earth import geodetic_from_ecef, geodetic_up

__all__ = ["GroundGrid", "Track", "attitude_matrix", "look_at_ground"]

_SEMI_MAJOR_M, _SEMI_MINOR_M = 6_378_137.0, 6_356_752.314_245  # WGS84
_STEP = 50  # lines and columns between exact rays; bilinear between them is right to 0.02 pixel
_AU_M = 149_597_870_700.0
_HIGHEST_M = 9_000.0
_COARSE = 64  # samples a side, to learn the range of heights
_CLOSE_M = 0.01  # how near to the ground a ray has met it

Heights = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Track:
    """How a satellite truly moves through a capture, where the Sun is, and how wrong it is told.

    Attributes
    ----------
    t_ns
        (k,) node times, reaching past both ends of the capture.
    position_ecef_m, velocity_ecef_m_s
        (k, 3); cubic Hermite between the nodes.
    sun_ecef_m
        (k, 3), from the Earth's centre; linear between the nodes.
    attitude_error_rad
        Small rotation about body x, y, z by which the reported attitude differs from the true one.
    """

    t_ns: NDArray[np.int64]
    position_ecef_m: NDArray[np.float64]
    velocity_ecef_m_s: NDArray[np.float64]
    sun_ecef_m: NDArray[np.float64]
    attitude_error_rad: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def state(self, t_ns: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return positions in m and velocities in m/s, (n, 3) each, at times (n,)."""
        path = CubicHermiteSpline(
            (self.t_ns - self.t_ns[0]) / SECOND_NS, self.position_ecef_m, self.velocity_ecef_m_s
        )
        since_s = (t_ns - self.t_ns[0]) / SECOND_NS
        return np.asarray(path(since_s)), np.asarray(path(since_s, 1))

    def sun(self, t_ns: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return unit vectors to the Sun, (n, 3), and its distances in au, (n,), at times (n,)."""
        nodes_s, since_s = ((t - self.t_ns[0]) / SECOND_NS for t in (self.t_ns, t_ns))
        sun_m = np.stack([np.interp(since_s, nodes_s, axis) for axis in self.sun_ecef_m.T], axis=-1)
        distance_m = np.linalg.norm(sun_m, axis=-1)
        return sun_m / distance_m[:, None], distance_m / _AU_M


def attitude_matrix(
    position_ecef_m: NDArray[np.float64], velocity_ecef_m_s: NDArray[np.float64], roll_deg: float
) -> NDArray[np.float64]:
    """Return the rotations (..., 3, 3) from body to Earth-fixed, for states (..., 3)."""
    nominal = np.swapaxes(body_axes(position_ecef_m, velocity_ecef_m_s), -1, -2)
    sine, cosine = np.sin(np.radians(roll_deg)), np.cos(np.radians(roll_deg))
    roll = np.array([[1.0, 0.0, 0.0], [0.0, cosine, sine], [0.0, -sine, cosine]])
    return np.asarray(nominal @ roll)


def look_at_ground(
    position_ecef_m: NDArray[np.float64], direction_ecef: NDArray[np.float64], height_m: float = 0.0
) -> NDArray[np.float64]:
    """Return where rays (..., 3) first come down to a height above the WGS84 ellipsoid, m.

    The surface of equal height is taken as the ellipsoid with axes longer by that height; below
    9 km it is 0.05 m from it. NaN where a ray misses it.
    """
    axes = np.array([_SEMI_MAJOR_M, _SEMI_MAJOR_M, _SEMI_MINOR_M]) + height_m
    start, ray = position_ecef_m / axes, direction_ecef / axes
    a = np.sum(ray * ray, axis=-1)
    b = np.sum(start * ray, axis=-1)
    c = np.sum(start * start, axis=-1) - 1.0
    with np.errstate(invalid="ignore"):
        distance = (-b - np.sqrt(b * b - a * c)) / a
        distance = np.where(distance > 0.0, distance, np.nan)
    return np.asarray(position_ecef_m + distance[..., None] * direction_ecef)


class GroundGrid:
    """Where a capture's pixels lie, and how high the Sun stands there.

    Rays are exact on every 50th line and column and at the outer edges of the pixels, bilinear
    between. Over terrain every pixel's own ray is followed down to the first ground it meets; the
    ground is sampled at every second pixel's spacing, bilinear between.

    Parameters
    ----------
    track, roll_deg
        How the satellite moves and leans.
    first_line_ns, line_period_ns, lines
        When the lines are exposed.
    columns, ifov_rad
        The detector: column c looks along (0, tan a, 1), a = (c - (columns - 1) / 2) * ifov.
    epsg
        The projection asked for.
    height_m
        The ground's height above the ellipsoid at easting and northing; None for none.

    Raises
    ------
    ScenarioError
        If a part of the swath misses the Earth.
    """

    def __init__(
        self,
        track: Track,
        *,
        roll_deg: float,
        first_line_ns: int,
        line_period_ns: int,
        lines: int,
        columns: int,
        ifov_rad: float,
        epsg: int,
        height_m: Heights | None = None,
    ) -> None:
        self._line = _nodes(lines)
        self._column = _nodes(columns)
        t_ns = first_line_ns + np.round(self._line * line_period_ns).astype(np.int64)
        position, velocity = track.state(t_ns)
        angle = (self._column - (columns - 1) / 2.0) * ifov_rad
        body = np.stack([np.zeros_like(angle), np.tan(angle), np.ones_like(angle)])
        rays = np.swapaxes(attitude_matrix(position, velocity, roll_deg) @ body, -1, -2)
        ground = look_at_ground(position[:, None, :], rays)
        if np.isnan(ground).any():
            raise ScenarioError(
                f"at a roll of {roll_deg:.1f} deg a part of the swath misses the Earth",
                where="key instrument.max_roll_deg",
                way_out="Allow less roll, or fly lower",
            )
        latitude_deg, longitude_deg, _ = geodetic_from_ecef(ground)
        to_sun, sun_distance_au = track.sun(t_ns)
        up = geodetic_up(latitude_deg, longitude_deg)
        cos_zenith = np.sum(up * to_sun[:, None, :], axis=-1)
        self._fields = np.concatenate([_projected(ground, epsg), cos_zenith[None]])
        self.sun_distance_au = float(sun_distance_au.mean())
        self._between_columns = _between(self._column, columns)
        self._between_lines = _between(self._line, lines)
        self._terrain: _Terrain | None = None
        if height_m is None:
            return
        high = _projected(look_at_ground(position[:, None, :], rays, _HIGHEST_M), epsg)
        per_m = (high - self._fields[:2]) / _HIGHEST_M
        pixel_m = float(np.hypot(*(self._fields[:2, 0, -1] - self._fields[:2, 0, 0]))) / columns
        self._terrain = _Terrain.sampled(height_m, self._fields[:2], per_m, 2.0 * pixel_m)
        if self._terrain is None:
            return
        # Eastings and northings at the lowest and the highest ground; a ray is straight between.
        levels = [
            _projected(look_at_ground(position[:, None, :], rays, level), epsg)
            for level in (self._terrain.low_m, self._terrain.high_m)
        ]
        self._fields = np.concatenate([self._fields, *levels])
        self._terrain.meet(self._fields)

    def lines(
        self, first: int, last: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return easting, northing (m) and cosine of the Sun's zenith angle of lines [first, last).

        Each is (last - first, columns). The cosine is that of level ground.
        """
        node, share = (values[first:last] for values in self._between_lines)
        rows = self._fields[:, node] * (1.0 - share)[:, None]
        rows += self._fields[:, node + 1] * share[:, None]
        node, share = self._between_columns
        fields = rows.take(node, axis=2) * (1.0 - share)
        fields += rows.take(node + 1, axis=2) * share
        if self._terrain is not None:
            self._terrain.meet(fields)
        return fields[0], fields[1], fields[2]

    def outline(self) -> NDArray[np.float64]:
        """Return the footprint's edge as a closed ring of easting and northing, (k, 2), m."""
        places = np.moveaxis(self._fields[:2], 0, -1)
        return np.concatenate(
            [places[0, :-1], places[:-1, -1], places[-1, :0:-1], places[:0:-1, 0], places[:1, 0]]
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Terrain:
    """The ground below a capture as heights on a raster; row 0, column 0 is its south-west."""

    height_m: NDArray[np.float32]
    west_m: float
    south_m: float
    spacing_m: float
    steepest: float
    low_m: float
    high_m: float

    @classmethod
    def sampled(
        cls,
        height_m: Heights,
        places_m: NDArray[np.float64],
        per_m: NDArray[np.float64],
        spacing_m: float,
    ) -> _Terrain | None:
        """Return what lies under places (2, ...) seen along rays that lean `per_m`; None if flat.

        A first coarse look with room for any mountain tells how high the ground is; the second
        has just the room that such ground needs.
        """

        def box(low_m: float, high_m: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            ends = np.stack([places_m + per_m * low_m, places_m + per_m * high_m])
            return ends.min(axis=(0, 2, 3)), ends.max(axis=(0, 2, 3))

        least, most = box(-500.0, _HIGHEST_M)
        east, north = (
            np.linspace(low, high, _COARSE) for low, high in zip(least, most, strict=True)
        )
        coarse = height_m(*np.meshgrid(east, north))
        room_m = 0.25 * float(np.ptp(coarse)) + 10.0
        least, most = box(float(coarse.min()) - room_m, float(coarse.max()) + room_m)
        east, north = (
            np.arange(low - 2 * spacing_m, high + 3 * spacing_m, spacing_m)
            for low, high in zip(least, most, strict=True)
        )
        height = np.ascontiguousarray(height_m(*np.meshgrid(east, north)), dtype=np.float32)
        if not height.any():
            return None
        along_east = float(np.abs(np.diff(height, axis=1)).max())
        along_north = float(np.abs(np.diff(height, axis=0)).max())
        return cls(
            height_m=height,
            west_m=float(east[0]),
            south_m=float(north[0]),
            spacing_m=spacing_m,
            steepest=float(np.hypot(along_east, along_north)) / spacing_m,
            low_m=float(height.min()) - 1.0,
            high_m=float(height.max()) + 1.0,
        )

    def meet(self, fields: NDArray[np.float64]) -> None:
        """Put each pixel where its ray first meets the ground.

        `fields` is (7, lines, columns): easting and northing, written; a third, left; and easting
        and northing where the ray is at the lowest and at the highest height.
        """
        _first_ground(
            fields,
            self.height_m,
            (self.west_m, self.south_m),
            self.spacing_m,
            self.steepest,
            (self.low_m, self.high_m),
        )


@njit(cache=True, nogil=True)
def _first_ground(
    fields: NDArray[np.float64],
    height_m: NDArray[np.float32],
    corner_m: tuple[float, float],
    spacing_m: float,
    steepest: float,
    levels_m: tuple[float, float],
) -> None:
    """Follow each ray down by steps that the steepest ground cannot catch up with."""
    rows, columns = height_m.shape
    low_m, high_m = levels_m
    for line in range(fields.shape[1]):
        for column in range(fields.shape[2]):
            east, north = fields[5, line, column], fields[6, line, column]
            per_m_east = (east - fields[3, line, column]) / (high_m - low_m)
            per_m_north = (north - fields[4, line, column]) / (high_m - low_m)
            safe = 1.0 / (1.0 + steepest * np.hypot(per_m_east, per_m_north))
            h_m = high_m
            while True:
                x = (east - corner_m[0]) / spacing_m
                y = (north - corner_m[1]) / spacing_m
                i = min(max(int(x), 0), columns - 2)
                j = min(max(int(y), 0), rows - 2)
                u, v = min(max(x - i, 0.0), 1.0), min(max(y - j, 0.0), 1.0)
                near = height_m[j, i] + u * (height_m[j, i + 1] - height_m[j, i])
                far = height_m[j + 1, i] + u * (height_m[j + 1, i + 1] - height_m[j + 1, i])
                clear_m = h_m - (near + v * (far - near))
                if clear_m < _CLOSE_M:
                    break
                h_m -= safe * clear_m
                east = fields[5, line, column] - per_m_east * (high_m - h_m)
                north = fields[6, line, column] - per_m_north * (high_m - h_m)
            fields[0, line, column] = east
            fields[1, line, column] = north


def _projected(ground_ecef_m: NDArray[np.float64], epsg: int) -> NDArray[np.float64]:
    """Return easting and northing, (2, n, m), of Earth-fixed points (n, m, 3)."""
    latitude_deg, longitude_deg, _ = geodetic_from_ecef(ground_ecef_m)
    places = transform_points(
        "EPSG:4326", f"EPSG:{epsg}", longitude_deg.ravel(), latitude_deg.ravel()
    )[:2]
    return np.reshape(places, (2, *ground_ecef_m.shape[:2]))


def _nodes(count: int) -> NDArray[np.float64]:
    """Return node coordinates from one outer pixel edge to the other, at most a step apart."""
    return np.linspace(-0.5, count - 0.5, -(-count // _STEP) + 1)


def _between(
    nodes: NDArray[np.float64], count: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return for each pixel the node before it, and its share of the way to the next."""
    pixels = np.arange(count)
    node = np.clip(np.searchsorted(nodes, pixels, side="right") - 1, 0, len(nodes) - 2)
    return node, (pixels - nodes[node]) / (nodes[1] - nodes[0])
