"""Where the Sun is and who stands in its light.

The Sun's apparent place follows the Earth ephemeris of ERFA (``epv00``, VSOP2000, 4 km) with the
aberration of the Earth's motion (20.5 arcsec: shadows lag by 0.08 s without it).

Eclipses are conical (Montenbruck and Gill, Satellite Orbits, section 3.4): from the satellite the
discs of Sun and Earth, of angular radii a and b, stand c apart; penumbra while c < a + b, umbra
while c < b - a. The Earth is a sphere of the equatorial radius, without air.
"""

from __future__ import annotations

import erfa
import numpy as np
from numpy.typing import ArrayLike, NDArray

from orbitloom.scenario import time
from orbitloom.world.earth import (
    EQUATORIAL_RADIUS_M,
    builtin_orientation,
    ecef_from_geodetic,
    geodetic_up,
    on_grid,
    terrestrial_time,
)
from orbitloom.world.orbits import Ephemeris
from orbitloom.world.windows import positive_spans, sine_elevation

__all__ = [
    "SUN_RADIUS_M",
    "sun_distance_au",
    "sun_elevation_deg",
    "sun_position_ecef_m",
    "sun_position_eci_m",
    "sunlight",
]

Times = NDArray[np.int64]
Floats = NDArray[np.float64]

SUN_RADIUS_M = 6.957e8
"""Nominal solar radius, IAU 2015 resolution B3, m."""

_GRID_NS = 3 * time.HOUR_NS
_REACH_RAD = 0.1  # faster than any orbit turns in a step


def sun_position_eci_m(t_ns: Times) -> Floats:
    """Return the Sun's apparent geocentric position in GCRS at times (n,), (n, 3) m."""
    return on_grid(_apparent_sun_m, np.asarray(t_ns, dtype=np.int64), _GRID_NS)


def sun_position_ecef_m(t_ns: Times) -> Floats:
    """Return the Sun's apparent geocentric position in ITRS at times (n,), (n, 3) m."""
    matrix = builtin_orientation().gcrs_to_itrs_matrix(t_ns)
    return np.asarray(np.einsum("...ij,...j->...i", matrix, sun_position_eci_m(t_ns)))


def sun_elevation_deg(latitude_deg: ArrayLike, longitude_deg: ArrayLike, t_ns: Times) -> Floats:
    """Return the Sun's geometric elevation at places (n,) on WGS84 and times (n,), deg."""
    site_m = ecef_from_geodetic(latitude_deg, longitude_deg)
    up = geodetic_up(latitude_deg, longitude_deg)
    return np.degrees(np.arcsin(sine_elevation(sun_position_ecef_m(t_ns), site_m, up)))


def sun_distance_au(t_ns: Times) -> Floats:
    """Return the distance of Earth and Sun at times (n,), au."""
    return np.asarray(np.linalg.norm(sun_position_eci_m(t_ns), axis=-1) / erfa.DAU)


def sunlight(ephemeris: Ephemeris, satellite: int) -> tuple[Times, Floats]:
    """Return a satellite's sunlight over the flight as a step function.

    Returns
    -------
    t_ns, fraction
        (k,) each; the fraction (0 in umbra, 0.5 in penumbra, 1 in full light) holds from its time
        on. The first time is the flight's start.
    """

    def dark(row: NDArray[np.intp], t_ns: Times) -> Floats:
        clearances = _clearances_rad(ephemeris.position_eci_m(t_ns, satellite), t_ns)
        return -np.choose(row, clearances)

    values = -np.stack(_clearances_rad(ephemeris.eci_m[satellite], ephemeris.nodes_ns))
    _, start_ns, end_ns = positive_spans(ephemeris.nodes_ns, values, dark, _REACH_RAD)
    t_ns = np.concatenate([start_ns, end_ns])
    step = np.repeat([-0.5, 0.5], start_ns.size)
    order = np.argsort(t_ns, kind="stable")
    t_ns, fraction = t_ns[order], 1.0 + np.cumsum(step[order])
    within = (t_ns > ephemeris.start_ns) & (t_ns < ephemeris.end_ns)
    at_start = fraction[t_ns <= ephemeris.start_ns]
    first = at_start[-1] if at_start.size else 1.0
    return (
        np.concatenate([[ephemeris.start_ns], t_ns[within]]).astype(np.int64),
        np.concatenate([[first], fraction[within]]),
    )


def _clearances_rad(position_eci_m: Floats, t_ns: Times) -> tuple[Floats, Floats]:
    """Return how far satellites are outside penumbra and umbra, (n,) each, rad."""
    sun_m = sun_position_eci_m(t_ns) - position_eci_m
    sun_range, radius = np.linalg.norm(sun_m, axis=-1), np.linalg.norm(position_eci_m, axis=-1)
    cosine = -np.sum(sun_m * position_eci_m, axis=-1) / (sun_range * radius)
    apart = np.arccos(np.clip(cosine, -1.0, 1.0))
    sun, earth = np.arcsin(SUN_RADIUS_M / sun_range), np.arcsin(EQUATORIAL_RADIUS_M / radius)
    return apart - (earth + sun), apart - (earth - sun)


def _apparent_sun_m(t_ns: Times) -> Floats:
    # TT for TDB: 2 ms at most, 60 m of the Earth's way.
    heliocentric, barycentric = erfa.epv00(*terrestrial_time(t_ns))
    sun_au = -heliocentric["p"]
    distance_au = np.linalg.norm(sun_au, axis=-1, keepdims=True)
    # The Sun hardly moves in the 499 s its light takes: only the observer's motion shows.
    apparent = sun_au / distance_au + barycentric["v"] / (erfa.CMPS * erfa.DAYSEC / erfa.DAU)
    apparent /= np.linalg.norm(apparent, axis=-1, keepdims=True)
    return np.asarray(erfa.DAU * distance_au * apparent)
