"""Who stands in the Sun's light: eclipses of a whole fleet as step functions.

Eclipses are conical (Montenbruck and Gill, Satellite Orbits, section 3.4): from the satellite the
discs of Sun and Earth, of angular radii a and b, stand c apart; penumbra while c < a + b, umbra
while c < b - a. The Earth is a sphere of the equatorial radius, without air. The Sun is asked for
once a node and joined by straight lines, which are 3 m off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from orbitloom.world.crossings import positive_spans
from orbitloom.world.earth import EQUATORIAL_RADIUS_M
from orbitloom.world.hermite import hermite_point
from orbitloom.world.orbits import NODE_STEP_NS, Ephemeris
from orbitloom.world.sun import SUN_RADIUS_M, sun_position_eci_m

__all__ = ["Sunlight", "fleet_sunlight", "sunlight"]

Times = NDArray[np.int64]
Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

_REACH_RAD = 0.1  # faster than any orbit turns in a step
_CHUNK = 4_000_000  # values of a condition at a time: 32 MB


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sunlight:
    """The light of a fleet as step functions, one after the other.

    Attributes
    ----------
    offsets
        (n_sat + 1,) where each satellite's steps begin.
    t_ns, fraction
        (k,) each; the fraction (0 in umbra, 0.5 in penumbra, 1 in full light) holds from its time
        on. The first time of each satellite is the flight's start.
    """

    offsets: NDArray[np.int64]
    t_ns: Times
    fraction: Floats

    def of(self, satellite: int) -> tuple[Times, Floats]:
        """Return times and fractions of one satellite."""
        part = slice(int(self.offsets[satellite]), int(self.offsets[satellite + 1]))
        return self.t_ns[part], self.fraction[part]


def sunlight(ephemeris: Ephemeris, satellite: int) -> tuple[Times, Floats]:
    """Return one satellite's sunlight over the flight: times and fractions of `Sunlight`."""
    return fleet_sunlight(ephemeris, range(satellite, satellite + 1)).of(0)


def fleet_sunlight(ephemeris: Ephemeris, satellites: range | None = None) -> Sunlight:
    """Return the sunlight of all satellites, or of some in a row, over the flight."""
    chosen = range(len(ephemeris.names)) if satellites is None else satellites
    nodes_ns = ephemeris.nodes_ns
    first_ns = int(nodes_ns[0])
    sun_m = sun_position_eci_m(nodes_ns)
    states = ephemeris.eci_m, ephemeris.eci_m_s
    chunk = max(1, _CHUNK // (2 * nodes_ns.size))
    found = []
    for begin in range(chosen.start, chosen.stop, chunk):
        values = np.empty((2 * min(chunk, chosen.stop - begin), nodes_ns.size))
        _darkness_nodes(ephemeris.eci_m, begin, sun_m, values)

        def dark(row: Rows, t_ns: Times, begin: int = begin) -> Floats:
            out = np.empty(row.size)
            _darkness(*states, first_ns, NODE_STEP_NS, begin, sun_m, row, t_ns, out)
            return out

        row, start_ns, end_ns = positive_spans(nodes_ns, values, dark, _REACH_RAD)
        found.append((row // 2 + begin - chosen.start, start_ns, end_ns))
    if not found:
        found.append((np.empty(0, np.intp), np.empty(0, np.int64), np.empty(0, np.int64)))
    satellite, start_ns, end_ns = (np.concatenate(column) for column in zip(*found, strict=True))
    return _steps(ephemeris, len(chosen), satellite, start_ns, end_ns)


def _steps(
    ephemeris: Ephemeris, count: int, satellite: Rows, start_ns: Times, end_ns: Times
) -> Sunlight:
    """Return the steps of spans of penumbra and umbra, cut to the flight."""
    # At the start of the flight each satellite has a step of nothing, which will carry its light.
    everyone = np.arange(count)
    at = np.concatenate([everyone, satellite, satellite])
    t_ns = np.concatenate([np.full(count, ephemeris.start_ns), start_ns, end_ns])
    step = np.repeat([0.0, -0.5, 0.5], [count, satellite.size, satellite.size])
    t_ns = np.maximum(t_ns, ephemeris.start_ns)
    order = np.lexsort((t_ns, at))
    at, t_ns, step = at[order], t_ns[order], step[order]
    # All spans are closed by the last node, so that each satellite's steps add up to nothing.
    fraction = 1.0 + np.cumsum(step)
    last = np.append((at[1:] != at[:-1]) | (t_ns[1:] != t_ns[:-1]), True)
    keep = last & (t_ns < ephemeris.end_ns)
    at = at[keep]
    return Sunlight(
        offsets=np.searchsorted(at, np.arange(count + 1)).astype(np.int64),
        t_ns=t_ns[keep].astype(np.int64),
        fraction=fraction[keep],
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _inside(
    x: float, y: float, z: float, sun_x: float, sun_y: float, sun_z: float
) -> tuple[float, float]:
    """Return how far a satellite is inside penumbra and umbra, rad."""
    sun_x, sun_y, sun_z = sun_x - x, sun_y - y, sun_z - z
    sun_range = np.sqrt(sun_x * sun_x + sun_y * sun_y + sun_z * sun_z)
    radius = np.sqrt(x * x + y * y + z * z)
    cosine = -(sun_x * x + sun_y * y + sun_z * z) / (sun_range * radius)
    apart = np.arccos(min(1.0, max(-1.0, cosine)))
    sun, earth = np.arcsin(SUN_RADIUS_M / sun_range), np.arcsin(EQUATORIAL_RADIUS_M / radius)
    return earth + sun - apart, earth - sun - apart


@njit(cache=True, nogil=True, error_model="numpy")
def _darkness_nodes(p: Floats, begin: int, sun_m: Floats, out: Floats) -> None:
    """Write at nodes how far satellites are inside penumbra (even rows) and umbra (odd rows)."""
    for k in range(out.shape[0] // 2):
        for j in range(out.shape[1]):
            x, y, z = p[begin + k, j, 0], p[begin + k, j, 1], p[begin + k, j, 2]
            penumbra, umbra = _inside(x, y, z, sun_m[j, 0], sun_m[j, 1], sun_m[j, 2])
            out[2 * k, j] = penumbra
            out[2 * k + 1, j] = umbra


@njit(cache=True, nogil=True, error_model="numpy")
def _darkness(
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
    """Write how far inside for rows (k,) at times (k,)."""
    for j in range(row.size):
        i = min((t_ns[j] - first_ns) // step_ns, sun_m.shape[0] - 2)
        u = (t_ns[j] - first_ns - i * step_ns) / step_ns
        x, y, z = hermite_point(p, v, begin + row[j] // 2, t_ns[j], first_ns, step_ns)
        penumbra, umbra = _inside(
            x,
            y,
            z,
            (1.0 - u) * sun_m[i, 0] + u * sun_m[i + 1, 0],
            (1.0 - u) * sun_m[i, 1] + u * sun_m[i + 1, 1],
            (1.0 - u) * sun_m[i, 2] + u * sun_m[i + 1, 2],
        )
        out[j] = umbra if row[j] % 2 else penumbra
