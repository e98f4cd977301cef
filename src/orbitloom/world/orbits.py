"""Where the satellites are: SGP4 for real elements, circular orbits with secular J2 for the rest.

Everything is computed once at nodes 60 s apart, in ITRS (the Earth-fixed frame, "ecef") and GCRS
("eci"), and read between them through quintic Hermite polynomials, see `orbitloom.world.hermite`.
Cubic polynomials would be 0.4 m off in low orbit (h^4/384 times the fourth derivative); these are
below a millimetre off. SGP4's own velocities are not quite the rates of its positions (up to 3
cm/s, 0.3 m between nodes), so all velocities are differences of positions at the nodes, see
`orbitloom.world.nodes`. Even fleets are those of `orbitloom.world.walker`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sgp4.api import SGP4_ERRORS

from orbitloom.errors import OrbitError
from orbitloom.scenario import ElementsFleet, Fleet, TleFleet, WalkerFleet, time
from orbitloom.world.earth import EQUATORIAL_RADIUS_M, builtin_orientation
from orbitloom.world.elements import read_tle_file, satrec_from_elements
from orbitloom.world.hermite import positions_at, velocities_at
from orbitloom.world.nodes import EXTRA_NODES, turn_states
from orbitloom.world.propagators import Propagator, Sgp4Propagator
from orbitloom.world.walker import walker_names, walker_states

if TYPE_CHECKING:
    from sgp4.api import Satrec

__all__ = ["NODE_STEP_NS", "Ephemeris", "build_ephemeris"]

Times = NDArray[np.int64]
Floats = NDArray[np.float64]
Index = int | NDArray[np.integer] | None

NODE_STEP_NS = 60 * time.SECOND_NS
_STEP_S = NODE_STEP_NS / time.SECOND_NS

_MARGIN_NODES = 10
_LOWEST_M = 100e3  # below the Karman line nothing completes an orbit
_CHUNK = 512  # satellites: SGP4's answers of a day for so many take 36 MB


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


def build_ephemeris(
    fleet: Fleet, start_ns: int, end_ns: int, *, propagator: Propagator | None = None
) -> Ephemeris:
    """Return the states of a fleet from start to end.

    Real elements are propagated by `propagator`, the `sgp4` package if none is given.

    Raises
    ------
    OrbitError
        If a satellite is decayed or its elements cannot be propagated, by name; or if the Earth's
        rotation is not known at the start.
    InputFileError
        If a file of two-line elements is corrupt; names file and line.
    """
    count = -(-(end_ns - start_ns) // NODE_STEP_NS) + 1 + 2 * _MARGIN_NODES
    outer = np.arange(count + 2 * EXTRA_NODES, dtype=np.int64) - _MARGIN_NODES - EXTRA_NODES
    outer_ns = start_ns + NODE_STEP_NS * outer
    orientation = builtin_orientation()
    to_itrs = orientation.teme_to_itrs_matrix(outer_ns)
    to_gcrs = np.swapaxes(orientation.gcrs_to_itrs_matrix(outer_ns), -1, -2) @ to_itrs
    if isinstance(fleet, WalkerFleet):
        names = walker_names(fleet)
        ecef = walker_states(fleet, start_ns, outer_ns, _STEP_S, to_itrs)
        eci = walker_states(fleet, start_ns, outer_ns, _STEP_S, to_gcrs)
    else:
        names, records = _records(fleet)
        who = propagator or Sgp4Propagator()
        ecef, eci = _sgp4_states(names, records, outer_ns, (to_itrs, to_gcrs), who)
    return Ephemeris(
        names=names,
        start_ns=start_ns,
        end_ns=end_ns,
        nodes_ns=outer_ns[EXTRA_NODES:-EXTRA_NODES].copy(),
        ecef_m=ecef[0],
        ecef_m_s=ecef[1],
        eci_m=eci[0],
        eci_m_s=eci[1],
    )


def _records(fleet: ElementsFleet | TleFleet) -> tuple[tuple[str, ...], list[Satrec]]:
    """Return the names of real satellites and their records for SGP4."""
    if isinstance(fleet, TleFleet):
        satellites = read_tle_file(fleet.file)
        return tuple(name for name, _ in satellites), [record for _, record in satellites]
    names = tuple(elements.name for elements in fleet.elements)
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise OrbitError(
            f"two satellites are called {name!r}", way_out="Give each a name of its own"
        )
    return names, [satrec_from_elements(elements) for elements in fleet.elements]


def _sgp4_states(
    names: tuple[str, ...],
    records: list[Satrec],
    outer_ns: Times,
    matrices: tuple[Floats, Floats],
    propagator: Propagator,
) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Return positions and velocities (n_sat, n, 3) in ITRS and in GCRS, m and m/s.

    `outer_ns` has `EXTRA_NODES` more at either end than are answered.
    """
    shape = (len(records), outer_ns.size - 2 * EXTRA_NODES, 3)
    ecef, eci = ((np.empty(shape), np.empty(shape)) for _ in range(2))
    for begin in range(0, len(records), _CHUNK):
        part = slice(begin, begin + _CHUNK)
        errors, teme_km = propagator.positions_km(records[part], outer_ns)
        _check_flown(names[part], outer_ns, errors, teme_km)
        for matrix, (position, velocity) in zip(matrices, (ecef, eci), strict=True):
            turn_states(teme_km, matrix, 1e3, _STEP_S, position[part], velocity[part])
    return ecef, eci


def _check_flown(
    names: tuple[str, ...], t_ns: Times, errors: NDArray[np.uint8], teme_km: Floats
) -> None:
    """Raise `OrbitError` for a satellite that SGP4 refuses or that has decayed."""
    if np.any(errors):
        satellite, node = np.argwhere(errors)[0]
        reason = SGP4_ERRORS[int(errors[satellite, node])]
        raise OrbitError(
            f"{names[satellite]} cannot be propagated to {time.to_iso(int(t_ns[node]))}: {reason}",
            way_out="Use newer elements, or start nearer to their epoch",
        )
    height_m = 1e3 * np.sqrt(np.einsum("kjc,kjc->kj", teme_km, teme_km)) - EQUATORIAL_RADIUS_M
    if np.min(height_m) < _LOWEST_M:
        satellite, node = np.unravel_index(np.argmin(height_m), height_m.shape)
        raise OrbitError(
            f"{names[satellite]} is {height_m[satellite, node] / 1e3:.0f} km high at "
            f"{time.to_iso(int(t_ns[node]))}: it has decayed",
            way_out="Use newer elements, or leave it out",
        )
