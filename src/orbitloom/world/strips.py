"""Background imaging: one strip an orbit, where the Sun is highest over the satellite."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from orbitloom.scenario import time
from orbitloom.scenario.hardware import Survey
from orbitloom.world.crossings import crossings
from orbitloom.world.hermite import hermite_rate
from orbitloom.world.orbits import NODE_STEP_NS, Ephemeris
from orbitloom.world.sun import sun_position_eci_m
from orbitloom.world.walker import MU_M3_S2

__all__ = ["Strips", "fleet_strips", "survey_strips"]

Times = NDArray[np.int64]
Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

_CHUNK = 4_000_000  # values of a condition at a time: 32 MB


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Strips:
    """The background imaging of a fleet, one strip after the other.

    Attributes
    ----------
    offsets
        (n_sat + 1,) where each satellite's strips begin.
    start_ns, end_ns
        (k,), sorted within a satellite, not overlapping.
    """

    offsets: NDArray[np.int64]
    start_ns: Times
    end_ns: Times

    def of(self, satellite: int) -> tuple[tuple[int, int], ...]:
        """Return start and end of each strip of one satellite."""
        part = slice(int(self.offsets[satellite]), int(self.offsets[satellite + 1]))
        return tuple(zip(self.start_ns[part].tolist(), self.end_ns[part].tolist(), strict=True))


def survey_strips(
    ephemeris: Ephemeris, satellite: int, survey: Survey
) -> tuple[tuple[int, int], ...]:
    """Return start and end (ns) of one satellite's strips, see `fleet_strips`."""
    return fleet_strips(ephemeris, survey, range(satellite, satellite + 1)).of(0)


def fleet_strips(ephemeris: Ephemeris, survey: Survey, satellites: range | None = None) -> Strips:
    """Return the background imaging of all satellites, or some in a row: by day, once an orbit.

    Each strip lasts `duty_s_per_orbit`, centred where the Sun is highest over the sub-satellite
    point, and is cut to the flight.
    """
    chosen = range(len(ephemeris.names)) if satellites is None else satellites
    nodes_ns = ephemeris.nodes_ns
    first_ns = int(nodes_ns[0])
    sun_m = sun_position_eci_m(nodes_ns)
    states = ephemeris.eci_m, ephemeris.eci_m_s
    chunk = max(1, _CHUNK // nodes_ns.size)
    rows, noons_ns = [np.empty(0, np.intp)], [np.empty(0, np.int64)]
    for begin in range(chosen.start, chosen.stop, chunk):
        part = slice(begin, min(begin + chunk, chosen.stop))
        climb = np.einsum("kjc,jc->kj", ephemeris.eci_m_s[part], sun_m)
        row, i = np.nonzero((climb[:, :-1] > 0) & (climb[:, 1:] <= 0))

        def climbing(row: Rows, t_ns: Times, begin: int = begin) -> Floats:
            out = np.empty(row.size)
            _climb(*states, first_ns, NODE_STEP_NS, begin, sun_m, row, t_ns, out)
            return out

        found_ns = crossings(
            climbing, row, nodes_ns[i], nodes_ns[i + 1], climb[row, i], climb[row, i + 1]
        )
        rows.append(row + begin - chosen.start)
        noons_ns.append(found_ns)
    return _around(
        ephemeris, survey, np.asarray(chosen), np.concatenate(rows), np.concatenate(noons_ns)
    )


def _around(
    ephemeris: Ephemeris, survey: Survey, chosen: Rows, row: Rows, noon_ns: Times
) -> Strips:
    """Return the strips around noons (k,), sorted by satellite (rows of `chosen`) and time."""
    first = np.flatnonzero(np.diff(row, prepend=-1))
    last = np.flatnonzero(np.diff(row, append=chosen.size))
    # The neighbouring orbits' noons lie outside the nodes, but their strips may reach in.
    period_ns = _periods_ns(ephemeris, chosen[row[first]])
    at = np.concatenate([row, row[first], row[last]])
    noon_ns = np.concatenate([noon_ns, noon_ns[first] - period_ns, noon_ns[last] + period_ns])
    order = np.lexsort((noon_ns, at))
    at, noon_ns = at[order], noon_ns[order]
    half_ns = time.seconds_to_ns(survey.duty_s_per_orbit / 2)
    end_ns = np.minimum(noon_ns + half_ns, ephemeris.end_ns)
    # A strip begins where the one before it ends, if that is later.
    before_ns = np.where(np.diff(at, prepend=-1) == 0, np.roll(end_ns, 1), ephemeris.start_ns)
    start_ns = np.maximum(np.maximum(noon_ns - half_ns, before_ns), ephemeris.start_ns)
    keep = start_ns < end_ns
    return Strips(
        offsets=np.searchsorted(at[keep], np.arange(chosen.size + 1)).astype(np.int64),
        start_ns=start_ns[keep],
        end_ns=end_ns[keep],
    )


def _periods_ns(ephemeris: Ephemeris, satellites: Rows) -> Times:
    """Return orbital periods by the vis-viva equation, ns."""
    radius_m = np.linalg.norm(ephemeris.eci_m[satellites, 0], axis=-1)
    speed_m_s = np.linalg.norm(ephemeris.eci_m_s[satellites, 0], axis=-1)
    axis_m = 1.0 / (2.0 / radius_m - speed_m_s**2 / MU_M3_S2)
    period_s = 2.0 * np.pi * (axis_m**3 / MU_M3_S2) ** 0.5
    return np.asarray(np.rint(period_s * time.SECOND_NS), dtype=np.int64)


@njit(cache=True, nogil=True, error_model="numpy")
def _climb(
    p: Floats,
    v: Floats,
    first_ns: int,
    step_ns: int,
    begin: int,
    sun_m: Floats,
    row: Rows,
    t_ns: Times,
    out: Floats,
) -> None:
    """Write velocities times the Sun's positions for satellites (k,) at times (k,)."""
    for j in range(row.size):
        i = min((t_ns[j] - first_ns) // step_ns, sun_m.shape[0] - 2)
        u = (t_ns[j] - first_ns - i * step_ns) / step_ns
        vx, vy, vz = hermite_rate(p, v, begin + row[j], t_ns[j], first_ns, step_ns)
        out[j] = (
            vx * ((1.0 - u) * sun_m[i, 0] + u * sun_m[i + 1, 0])
            + vy * ((1.0 - u) * sun_m[i, 1] + u * sun_m[i + 1, 1])
            + vz * ((1.0 - u) * sun_m[i, 2] + u * sun_m[i + 1, 2])
        )
