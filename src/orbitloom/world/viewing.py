"""Where a pushbroom imager looks: true motion, attitude, and the pixels' places on the ellipsoid.

The axes at rest and the sense of roll are those of `orbitloom.world.captures`: z to the Earth's
centre, x along the level part of the Earth-fixed velocity, so that the lines stay square to the
moving ground (yaw steering); a positive roll looks to the right. The ground is the WGS84 ellipsoid,
without terrain; light time and aberration are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
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
    position_ecef_m: NDArray[np.float64], direction_ecef: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return where rays (..., 3) first meet the WGS84 ellipsoid, m; NaN where they miss it."""
    axes = np.array([_SEMI_MAJOR_M, _SEMI_MAJOR_M, _SEMI_MINOR_M])
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

    Exact on every 50th line and column and at the outer edges of the pixels, bilinear between.

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
        east, north = transform_points(
            "EPSG:4326", f"EPSG:{epsg}", longitude_deg.ravel(), latitude_deg.ravel()
        )[:2]
        self._fields = np.stack(
            [np.reshape(east, ground.shape[:2]), np.reshape(north, ground.shape[:2]), cos_zenith]
        )
        self.sun_distance_au = float(sun_distance_au.mean())
        self._between_columns = _between(self._column, columns)
        self._between_lines = _between(self._line, lines)

    def lines(
        self, first: int, last: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return easting, northing (m) and cosine of the Sun's zenith angle of lines [first, last).

        Each is (last - first, columns).
        """
        node, share = (values[first:last] for values in self._between_lines)
        rows = self._fields[:, node] * (1.0 - share)[:, None]
        rows += self._fields[:, node + 1] * share[:, None]
        node, share = self._between_columns
        fields = rows.take(node, axis=2) * (1.0 - share)
        fields += rows.take(node + 1, axis=2) * share
        return fields[0], fields[1], fields[2]

    def outline(self) -> NDArray[np.float64]:
        """Return the footprint's edge as a closed ring of easting and northing, (k, 2), m."""
        places = np.moveaxis(self._fields[:2], 0, -1)
        return np.concatenate(
            [places[0, :-1], places[:-1, -1], places[-1, :0:-1], places[:0:-1, 0], places[:1, 0]]
        )


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
