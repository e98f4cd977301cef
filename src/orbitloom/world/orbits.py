"""Where the satellites are: SGP4 for real elements, circular orbits with secular J2 for the rest.

Everything is computed once at nodes 60 s apart, in ITRS (the Earth-fixed frame, "ecef") and GCRS
("eci"), and read between them through quintic Hermite polynomials, see `orbitloom.world.hermite`.
Cubic polynomials would be 0.4 m off in low orbit (h^4/384 times the fourth derivative); these are
below a millimetre off. SGP4's own velocities are not quite the rates of its positions (up to 3
cm/s, 0.3 m between nodes), so theirs are differenced from its positions.

Walker fleets fly circular orbits about the true pole of date, their ascending nodes counted from
the mean equinox (SGP4's TEME, so both kinds share one path to the ground). The altitude is the
semi-major axis less the equatorial radius of 6,378.137 km. With s = sin i and k = 1.5 J2 (Re/a)^2,
secular rates are (Kozai 1959; Vallado, Fundamentals of Astrodynamics, section 9.6)

    d(RAAN)/dt = -k n cos i,    d(u)/dt = n (1 + k (3 - 4 s^2)),    n = sqrt(mu / a^3);

periodic J2 terms (some km) and drag are left out: a fleet that keeps its station.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sgp4.api import SGP4_ERRORS, SatrecArray

from orbitloom.errors import OrbitError
from orbitloom.scenario import ElementsFleet, Fleet, WalkerFleet, time
from orbitloom.world.earth import (
    EARTH_RATE_RAD_S,
    EQUATORIAL_RADIUS_M,
    builtin_orientation,
    julian_date,
)
from orbitloom.world.elements import read_tle_file, satrec_from_elements
from orbitloom.world.hermite import positions_at, velocities_at

if TYPE_CHECKING:
    from sgp4.api import Satrec

__all__ = ["J2", "MU_M3_S2", "NODE_STEP_NS", "Ephemeris", "build_ephemeris", "ltdn_raan_rad"]

Times = NDArray[np.int64]
Floats = NDArray[np.float64]
Index = int | NDArray[np.integer] | None

MU_M3_S2 = 3.986004418e14
"""Gravitational parameter of the Earth (WGS84, EGM2008), m3/s2."""

J2 = 1.08262668e-3
"""Second zonal harmonic (WGS84, EGM96), 1."""

NODE_STEP_NS = 60 * time.SECOND_NS
_STEP_S = NODE_STEP_NS / time.SECOND_NS

_MARGIN_NODES = 10
_LOWEST_M = 100e3  # below the Karman line nothing completes an orbit


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ephemeris:
    """States of a fleet over a flight, at nodes, with quintic Hermite polynomials between them.

    Attributes
    ----------
    names
        The satellites', in the order of every array here.
    start_ns, end_ns
        The flight; nodes reach ten minutes past both.
    nodes_ns
        (n_nodes,) times of the nodes, evenly `NODE_STEP_NS` apart.
    ecef_m, ecef_m_s, eci_m, eci_m_s
        (n_sat, n_nodes, 3) positions and velocities at the nodes.
    """

    names: tuple[str, ...]
    start_ns: int
    end_ns: int
    nodes_ns: Times
    ecef_m: Floats
    ecef_m_s: Floats
    eci_m: Floats
    eci_m_s: Floats

    def position_ecef_m(self, t_ns: int | Times, satellite: Index = None) -> Floats:
        """Return positions in the Earth-fixed frame, m.

        Parameters
        ----------
        t_ns
            One time or an array of them, within the nodes.
        satellite
            A satellite's number, None for all, or an array of numbers that broadcasts with `t_ns`.

        Returns
        -------
        NDArray
            ``(..., 3)`` with the shape of `t_ns` in front, and (n_sat,) before it for all.

        Raises
        ------
        OrbitError
            If a time lies outside the nodes.
        """
        return self._read(positions_at, self.ecef_m, self.ecef_m_s, t_ns, satellite)

    def velocity_ecef_m_s(self, t_ns: int | Times, satellite: Index = None) -> Floats:
        """Return velocities in the rotating Earth-fixed frame, m/s; as `position_ecef_m`."""
        return self._read(velocities_at, self.ecef_m, self.ecef_m_s, t_ns, satellite)

    def position_eci_m(self, t_ns: int | Times, satellite: Index = None) -> Floats:
        """Return positions in GCRS, m; as `position_ecef_m`."""
        return self._read(positions_at, self.eci_m, self.eci_m_s, t_ns, satellite)

    def velocity_eci_m_s(self, t_ns: int | Times, satellite: Index = None) -> Floats:
        """Return velocities in GCRS, m/s; as `position_ecef_m`."""
        return self._read(velocities_at, self.eci_m, self.eci_m_s, t_ns, satellite)

    def _read(
        self,
        kernel: Callable[..., None],
        p: Floats,
        v: Floats,
        t_ns: int | Times,
        satellite: Index,
    ) -> Floats:
        since = np.asarray(t_ns, dtype=np.int64) - self.nodes_ns[0]
        cell = np.minimum(since // NODE_STEP_NS, self.nodes_ns.size - 2)
        u = (since - cell * NODE_STEP_NS) / NODE_STEP_NS
        if u.size and (np.min(cell) < 0 or np.max(u) > 1):
            first, last = (time.to_iso(int(t)) for t in self.nodes_ns[[0, -1]])
            raise OrbitError(
                "a position was asked for outside the flight", way_out=f"It spans {first} to {last}"
            )
        if satellite is None:
            everyone = np.arange(len(self.names))
            numbers = everyone.reshape(everyone.size, *(1,) * np.ndim(cell))
        else:
            numbers = np.asarray(satellite)
        numbers, cell, u = np.broadcast_arrays(numbers, cell, u)
        out = np.empty((numbers.size, 3))
        flat = (np.ascontiguousarray(column).ravel() for column in (numbers, cell))
        kernel(p, v, *flat, np.ascontiguousarray(u).ravel(), _STEP_S, out)
        return out.reshape(*numbers.shape, 3)


def build_ephemeris(fleet: Fleet, start_ns: int, end_ns: int) -> Ephemeris:
    """Return the states of a fleet from start to end.

    Raises
    ------
    OrbitError
        If a satellite is decayed or its elements cannot be propagated, by name; or if the Earth's
        rotation is not known at the start.
    InputFileError
        If a file of two-line elements is corrupt; names file and line.
    """
    count = -(-(end_ns - start_ns) // NODE_STEP_NS) + 1 + 2 * _MARGIN_NODES
    nodes_ns = start_ns + NODE_STEP_NS * (np.arange(count, dtype=np.int64) - _MARGIN_NODES)
    if isinstance(fleet, WalkerFleet):
        names = _walker_names(fleet)
        teme_m, teme_m_s = _walker_states(fleet, start_ns, nodes_ns)
    elif isinstance(fleet, ElementsFleet):
        names = tuple(elements.name for elements in fleet.elements)
        for name in names:
            if names.count(name) > 1:
                raise OrbitError(
                    f"two satellites are called {name!r}", way_out="Give each a name of its own"
                )
        teme_m, teme_m_s = _sgp4_states(
            names, [satrec_from_elements(elements) for elements in fleet.elements], nodes_ns
        )
    else:
        satellites = read_tle_file(fleet.file)
        names = tuple(name for name, _ in satellites)
        teme_m, teme_m_s = _sgp4_states(names, [record for _, record in satellites], nodes_ns)
    orientation = builtin_orientation()
    to_itrs = orientation.teme_to_itrs_matrix(nodes_ns)
    to_gcrs = np.swapaxes(orientation.gcrs_to_itrs_matrix(nodes_ns), -1, -2)
    ecef_m, inertial_m_s = _turn(to_itrs, teme_m), _turn(to_itrs, teme_m_s)
    rotation = EARTH_RATE_RAD_S * orientation.polar_motion_matrix(nodes_ns)[:, :, 2]
    return Ephemeris(
        names=names,
        start_ns=start_ns,
        end_ns=end_ns,
        nodes_ns=nodes_ns,
        ecef_m=ecef_m,
        ecef_m_s=inertial_m_s - np.cross(rotation, ecef_m),
        eci_m=_turn(to_gcrs, ecef_m),
        eci_m_s=_turn(to_gcrs, inertial_m_s),
    )


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


def _walker_names(fleet: WalkerFleet) -> tuple[str, ...]:
    places = range(1, fleet.per_plane + 1)
    if fleet.planes == 1:
        return tuple(f"SAT-{n:02d}" for n in places)
    return tuple(f"P{p}-S{n:02d}" for p in range(1, fleet.planes + 1) for n in places)


def _walker_states(fleet: WalkerFleet, start_ns: int, t_ns: Times) -> tuple[Floats, Floats]:
    """Return positions and velocities (n_sat, n, 3) in TEME, m and m/s."""
    axis_m = EQUATORIAL_RADIUS_M + 1e3 * fleet.altitude_km
    inclination = np.radians(fleet.inclination_deg)
    sin_i, cos_i = np.sin(inclination), np.cos(inclination)
    motion = np.sqrt(MU_M3_S2 / axis_m**3)
    k = 1.5 * J2 * (EQUATORIAL_RADIUS_M / axis_m) ** 2
    node_rate, u_rate = -k * motion * cos_i, motion * (1 + k * (3 - 4 * sin_i**2))
    since_s = (t_ns - start_ns) / time.SECOND_NS
    plane = np.repeat(np.arange(fleet.planes), fleet.per_plane)[:, None]
    place = np.tile(np.arange(fleet.per_plane), fleet.planes)[:, None]
    node = (
        ltdn_raan_rad(fleet.ltdn_h, start_ns)
        + np.radians(fleet.raan_spread_deg) * plane / fleet.planes
        + node_rate * since_s
    )
    u = (
        2
        * np.pi
        * (place / fleet.per_plane + fleet.phasing * plane / (fleet.planes * fleet.per_plane))
        + u_rate * since_s
    )
    to_node = np.stack([np.cos(node), np.sin(node), np.zeros_like(node)], axis=-1)
    ahead = np.stack(
        [-np.sin(node) * cos_i, np.cos(node) * cos_i, np.full_like(node, sin_i)], axis=-1
    )
    position = axis_m * (np.cos(u)[..., None] * to_node + np.sin(u)[..., None] * ahead)
    velocity = axis_m * u_rate * (np.cos(u)[..., None] * ahead - np.sin(u)[..., None] * to_node)
    velocity += node_rate * np.cross([0.0, 0.0, 1.0], position)
    return position, velocity


def _sgp4_states(
    names: tuple[str, ...], records: list[Satrec], t_ns: Times
) -> tuple[Floats, Floats]:
    """Return positions and velocities (n_sat, n, 3) in TEME, m and m/s."""
    array = SatrecArray(records)
    errors, position_km, _ = array.sgp4(*julian_date(t_ns))
    if np.any(errors):
        satellite, node = np.argwhere(errors)[0]
        reason = SGP4_ERRORS[int(errors[satellite, node])]
        raise OrbitError(
            f"{names[satellite]} cannot be propagated to {time.to_iso(int(t_ns[node]))}: {reason}",
            way_out="Use newer elements, or start nearer to their epoch",
        )
    height_m = 1e3 * np.linalg.norm(position_km, axis=-1) - EQUATORIAL_RADIUS_M
    if np.min(height_m) < _LOWEST_M:
        satellite, node = np.unravel_index(np.argmin(height_m), height_m.shape)
        raise OrbitError(
            f"{names[satellite]} is {height_m[satellite, node] / 1e3:.0f} km high at "
            f"{time.to_iso(int(t_ns[node]))}: it has decayed",
            way_out="Use newer elements, or leave it out",
        )
    far_km, near_km = (
        array.sgp4(*julian_date(t_ns, h_s))[1] - array.sgp4(*julian_date(t_ns, -h_s))[1]
        for h_s in (2.0, 1.0)
    )
    return 1e3 * position_km, 1e3 * (8 * near_km - far_km) / 12


def _turn(matrix: Floats, vectors: Floats) -> Floats:
    """Return vectors (n_sat, n, 3) turned by rotations (n, 3, 3)."""
    return np.asarray(np.einsum("nij,snj->sni", matrix, vectors))
