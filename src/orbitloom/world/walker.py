"""Even fleets: circular orbits with the secular part of J2, all of a plane from two vectors.

Walker fleets fly circular orbits about the true pole of date, their ascending nodes counted from
the mean equinox (SGP4's TEME, so both kinds share one path to the ground). The altitude is the
semi-major axis less the equatorial radius of 6,378.137 km. With s = sin i and k = 1.5 J2 (Re/a)^2,
secular rates are (Kozai 1959; Vallado, Fundamentals of Astrodynamics, section 9.6)

    d(RAAN)/dt = -k n cos i,    d(u)/dt = n (1 + k (3 - 4 s^2)),    n = sqrt(mu / a^3);

periodic J2 terms (some km) and drag are left out: a fleet that keeps its station.

Everyone in a plane turns alike, so with P(t) the position of the plane's first satellite and Q(t)
that a quarter of an orbit ahead of it, a satellite at phase f is at cos f P(t) + sin f Q(t), in any
frame. Sines of times are needed once a plane, and a state costs six multiplications: what remains
is the time that memory takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

from orbitloom.scenario import WalkerFleet, time
from orbitloom.world.earth import EQUATORIAL_RADIUS_M, builtin_orientation
from orbitloom.world.nodes import EXTRA_NODES, rates

__all__ = [
    "J2",
    "MU_M3_S2",
    "Frame",
    "ltdn_raan_rad",
    "turn_to",
    "walker_chunks",
    "walker_names",
    "walker_positions",
    "walker_states",
]

Times = NDArray[np.int64]
Floats = NDArray[np.float64]
Frame = Literal["teme", "ecef", "eci"]

MU_M3_S2 = 3.986004418e14
"""Gravitational parameter of the Earth (WGS84, EGM2008), m3/s2."""

J2 = 1.08262668e-3
"""Second zonal harmonic (WGS84, EGM96), 1."""

_CHUNK_BYTES = 64_000_000


def ltdn_raan_rad(ltdn_h: float, t_ns: int) -> float:
    """Return the ascending node whose orbit descends at a local mean time.

    Local mean time is UT1 plus east longitude, and the node's longitude its right ascension less
    Greenwich mean sidereal time.
    """
    orientation = builtin_orientation()
    moment = np.array([t_ns], dtype=np.int64)
    ut1_h = (t_ns % time.DAY_NS) / time.HOUR_NS + orientation.ut1_minus_utc_s(moment)[0] / 3600.0
    descending = orientation.gmst_rad(moment)[0] + (ltdn_h - ut1_h) * np.pi / 12.0
    return float((descending + np.pi) % (2.0 * np.pi))


def walker_names(fleet: WalkerFleet) -> tuple[str, ...]:
    """Return the satellites' names, plane by plane."""
    places = range(1, fleet.per_plane + 1)
    if fleet.planes == 1:
        return tuple(f"SAT-{n:02d}" for n in places)
    return tuple(f"P{p}-S{n:02d}" for p in range(1, fleet.planes + 1) for n in places)


def turn_to(frame: Frame, t_ns: Times) -> Floats | None:
    """Return the rotations (n, 3, 3) from TEME to a frame at times (n,); None for TEME."""
    if frame == "teme":
        return None
    orientation = builtin_orientation()
    to_itrs = orientation.teme_to_itrs_matrix(t_ns)
    if frame == "ecef":
        return to_itrs
    to_gcrs = np.swapaxes(orientation.gcrs_to_itrs_matrix(t_ns), -1, -2)
    return np.asarray(to_gcrs @ to_itrs)


def walker_positions(
    fleet: WalkerFleet,
    start_ns: int,
    t_ns: Times,
    *,
    frame: Frame = "eci",
    out: Floats | None = None,
) -> Floats:
    """Return the positions of a fleet at any times.

    Parameters
    ----------
    fleet
        The fleet; its `ltdn_h` holds at `start_ns`.
    start_ns
        The flight's start.
    t_ns
        (n,) times.
    frame
        ``eci`` (GCRS), ``ecef`` (ITRS) or ``teme``.
    out
        (n_sat, n, 3), C-contiguous, to write into; made if not given.

    Returns
    -------
    NDArray
        (n_sat, n, 3), m.
    """
    if out is None:
        out = np.empty((fleet.planes * fleet.per_plane, t_ns.size, 3))
    matrix = turn_to(frame, t_ns)
    cosine, sine = _phases(fleet)
    for plane, first, ahead in _planes(fleet, start_ns, t_ns, matrix):
        rows = out[plane * fleet.per_plane : (plane + 1) * fleet.per_plane]
        _spread(first.ravel(), ahead.ravel(), cosine, sine, rows.reshape(fleet.per_plane, -1))
    return out


def walker_chunks(
    fleet: WalkerFleet, start_ns: int, t_ns: Times, *, frame: Frame = "eci"
) -> Iterator[tuple[slice, Floats]]:
    """Yield the positions of `walker_positions` over chunks of time, 64 MB at most each.

    Each is the slice of `t_ns` and positions (n_sat, m, 3), m, whose array the next one overwrites.
    """
    satellites = fleet.planes * fleet.per_plane
    count = max(1, _CHUNK_BYTES // (24 * satellites))
    buffer = np.empty(satellites * min(count, t_ns.size) * 3)
    for begin in range(0, t_ns.size, count):
        part = slice(begin, min(begin + count, t_ns.size))
        size = part.stop - begin
        out = buffer[: satellites * size * 3].reshape(satellites, size, 3)
        yield part, walker_positions(fleet, start_ns, t_ns[part], frame=frame, out=out)


def walker_states(
    fleet: WalkerFleet, start_ns: int, t_ns: Times, step_s: float, matrix: Floats
) -> tuple[Floats, Floats]:
    """Return positions and velocities in a frame at even nodes, with nodes to spare at the ends.

    Parameters
    ----------
    fleet, start_ns
        As of `walker_positions`.
    t_ns, step_s
        (n + 8,) nodes and their distance: `EXTRA_NODES` more at either end than are answered.
    matrix
        (n + 8, 3, 3) rotations from TEME to the frame.

    Returns
    -------
    position_m, velocity_m_s
        (n_sat, n, 3) each; velocities are the rates of the positions in the frame.
    """
    inner = slice(EXTRA_NODES, t_ns.size - EXTRA_NODES)
    shape = (fleet.planes, fleet.per_plane, t_ns.size - 2 * EXTRA_NODES, 3)
    position, velocity = np.empty(shape), np.empty(shape)
    cosine, sine = _phases(fleet)
    for plane, first, ahead in _planes(fleet, start_ns, t_ns, matrix):
        for one, other, out in (
            (first[inner], ahead[inner], position),
            (rates(first, step_s), rates(ahead, step_s), velocity),
        ):
            rows = out[plane].reshape(fleet.per_plane, -1)
            _spread(one.ravel(), other.ravel(), cosine, sine, rows)
    flat = (-1, shape[2], 3)
    return position.reshape(flat), velocity.reshape(flat)


def _phases(fleet: WalkerFleet) -> tuple[Floats, Floats]:
    """Return cosine and sine of the phases (per_plane,) within a plane."""
    phase = 2.0 * np.pi * np.arange(fleet.per_plane) / fleet.per_plane
    return np.cos(phase), np.sin(phase)


def _planes(
    fleet: WalkerFleet, start_ns: int, t_ns: Times, matrix: Floats | None
) -> Iterator[tuple[int, Floats, Floats]]:
    """Yield each plane, and its first satellite and the place 90 degrees ahead of that, (n, 3)."""
    axis_m = EQUATORIAL_RADIUS_M + 1e3 * fleet.altitude_km
    inclination = np.radians(fleet.inclination_deg)
    sin_i, cos_i = np.sin(inclination), np.cos(inclination)
    motion = np.sqrt(MU_M3_S2 / axis_m**3)
    k = 1.5 * J2 * (EQUATORIAL_RADIUS_M / axis_m) ** 2
    since_s = (t_ns - start_ns) / time.SECOND_NS
    node_0 = ltdn_raan_rad(fleet.ltdn_h, start_ns) - k * motion * cos_i * since_s
    u_0 = motion * (1.0 + k * (3.0 - 4.0 * sin_i**2)) * since_s
    total = fleet.planes * fleet.per_plane
    for plane in range(fleet.planes):
        node = node_0 + np.radians(fleet.raan_spread_deg) * plane / fleet.planes
        u = u_0 + 2.0 * np.pi * fleet.phasing * plane / total
        cos_node, sin_node, cos_u, sin_u = np.cos(node), np.sin(node), np.cos(u), np.sin(u)
        to_node = axis_m * np.stack([cos_node, sin_node, np.zeros_like(node)], axis=-1)
        ahead = axis_m * np.stack(
            [-sin_node * cos_i, cos_node * cos_i, np.full_like(node, sin_i)], axis=-1
        )
        first = cos_u[:, None] * to_node + sin_u[:, None] * ahead
        quarter = cos_u[:, None] * ahead - sin_u[:, None] * to_node
        if matrix is not None:
            first = np.einsum("nij,nj->ni", matrix, first)
            quarter = np.einsum("nij,nj->ni", matrix, quarter)
        yield plane, first, quarter


@njit(cache=True, nogil=True, error_model="numpy")
def _spread(first: Floats, ahead: Floats, cosine: Floats, sine: Floats, out: Floats) -> None:
    """Write cos f first + sin f ahead for every phase f into `out` (phases, values)."""
    for k in range(cosine.size):
        c, s = cosine[k], sine[k]
        for m in range(first.size):
            out[k, m] = c * first[m] + s * ahead[m]
