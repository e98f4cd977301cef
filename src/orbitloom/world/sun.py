"""Where the Sun is, seen from the Earth.

The Sun's apparent place follows the Earth ephemeris of ERFA (``epv00``, VSOP2000, 4 km) with the
aberration of the Earth's motion (20.5 arcsec: shadows lag by 0.08 s without it).
"""

from __future__ import annotations

import erfa
import numpy as np
from numpy.typing import ArrayLike, NDArray

from orbitloom.scenario import time
from orbitloom.world.earth import (
    builtin_orientation,
    ecef_from_geodetic,
    geodetic_up,
    on_grid,
    terrestrial_time,
)
from orbitloom.world.hermite import positions_at
from orbitloom.world.nodes import EXTRA_NODES, rates
from orbitloom.world.windows import sine_elevation

__all__ = [
    "SUN_RADIUS_M",
    "sun_between_nodes_ecef_m",
    "sun_distance_au",
    "sun_elevation_deg",
    "sun_position_ecef_m",
    "sun_position_eci_m",
]

Times = NDArray[np.int64]
Floats = NDArray[np.float64]

SUN_RADIUS_M = 6.957e8
"""Nominal solar radius, IAU 2015 resolution B3, m."""

_GRID_NS = 3 * time.HOUR_NS


def sun_position_eci_m(t_ns: Times) -> Floats:
    """Return the Sun's apparent geocentric position in GCRS at times (n,), (n, 3) m."""
    return on_grid(_apparent_sun_m, np.asarray(t_ns, dtype=np.int64), _GRID_NS)


def sun_position_ecef_m(t_ns: Times) -> Floats:
    """Return the Sun's apparent geocentric position in ITRS at times (n,), (n, 3) m."""
    matrix = builtin_orientation().gcrs_to_itrs_matrix(t_ns)
    return np.asarray(np.einsum("...ij,...j->...i", matrix, sun_position_eci_m(t_ns)))


def sun_between_nodes_ecef_m(nodes_ns: Times, t_ns: Times) -> Floats:
    """Return `sun_position_ecef_m` at many times (k,) within even nodes (n,), (k, 3) m.

    Asked for once a node and joined by the polynomials that join satellites (1 um).
    """
    step_ns = int(nodes_ns[1] - nodes_ns[0])
    step_s = step_ns / time.SECOND_NS
    outer = np.arange(-EXTRA_NODES, nodes_ns.size + EXTRA_NODES, dtype=np.int64)
    track_m = sun_position_ecef_m(nodes_ns[0] + step_ns * outer)[None]
    position_m = np.ascontiguousarray(track_m[:, EXTRA_NODES:-EXTRA_NODES])
    cell = np.minimum((t_ns - nodes_ns[0]) // step_ns, nodes_ns.size - 2)
    share = (t_ns - nodes_ns[cell]) / step_ns
    out = np.empty((t_ns.size, 3))
    positions_at(position_m, rates(track_m, step_s), np.zeros_like(cell), cell, share, step_s, out)
    return out


def sun_elevation_deg(latitude_deg: ArrayLike, longitude_deg: ArrayLike, t_ns: Times) -> Floats:
    """Return the Sun's geometric elevation at places (n,) on WGS84 and times (n,), deg."""
    site_m = ecef_from_geodetic(latitude_deg, longitude_deg)
    up = geodetic_up(latitude_deg, longitude_deg)
    return np.degrees(np.arcsin(sine_elevation(sun_position_ecef_m(t_ns), site_m, up)))


def sun_distance_au(t_ns: Times) -> Floats:
    """Return the distance of Earth and Sun at times (n,), au."""
    return np.asarray(np.linalg.norm(sun_position_eci_m(t_ns), axis=-1) / erfa.DAU)


def _apparent_sun_m(t_ns: Times) -> Floats:
    # TT for TDB: 2 ms at most, 60 m of the Earth's way.
    heliocentric, barycentric = erfa.epv00(*terrestrial_time(t_ns))
    sun_au = -heliocentric["p"]
    distance_au = np.linalg.norm(sun_au, axis=-1, keepdims=True)
    # The Sun hardly moves in the 499 s its light takes: only the observer's motion shows.
    apparent = sun_au / distance_au + barycentric["v"] / (erfa.CMPS * erfa.DAYSEC / erfa.DAU)
    apparent /= np.linalg.norm(apparent, axis=-1, keepdims=True)
    return np.asarray(erfa.DAU * distance_au * apparent)
