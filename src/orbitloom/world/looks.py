"""When satellites can look at targets: crossings of the plane across their track, within a roll.

A target is looked at when it crosses the plane through the satellite across its track (the plane of
the body axes y and z at rest, see `orbitloom.world.captures.body_axes`), by rolling the boresight
onto it. The search skips the nodes at which a target is too far round the Earth: its angle there
changes by no more than the satellite moves in a step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from orbitloom.scenario import Target, time
from orbitloom.world.crossings import crossings
from orbitloom.world.earth import ecef_from_geodetic, geodetic_up
from orbitloom.world.hermite import hermite_point, hermite_rate
from orbitloom.world.orbits import NODE_STEP_NS, Ephemeris
from orbitloom.world.sun import sun_between_nodes_ecef_m
from orbitloom.world.windows import sine_elevation

__all__ = ["Looks", "target_looks"]

Times = NDArray[np.int64]
Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

_CHUNK = 64  # satellites
_CLOSE_RAD = 0.02  # more than a straight line between nodes is off, as an Earth angle


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Looks:
    """Chances to look at targets, one row each, sorted by satellite and time.

    Attributes
    ----------
    satellite, target
        (n,) numbers.
    t_ns
        (n,) when the target crosses the across-track plane.
    roll_deg
        (n,) roll that points at it.
    sun_elevation_deg
        (n,) at the target.
    """

    satellite: NDArray[np.intp]
    target: NDArray[np.intp]
    t_ns: Times
    roll_deg: Floats
    sun_elevation_deg: Floats


def target_looks(ephemeris: Ephemeris, targets: tuple[Target, ...], max_roll_deg: float) -> Looks:
    """Return every look at every target within a roll and above the horizon, by day and night."""
    latitude_deg = np.array([target.latitude_deg for target in targets])
    longitude_deg = np.array([target.longitude_deg for target in targets])
    target_m = ecef_from_geodetic(latitude_deg, longitude_deg).reshape(-1, 3)
    states = ephemeris.ecef_m, ephemeris.ecef_m_s
    nodes_ns = ephemeris.nodes_ns
    first_ns = int(nodes_ns[0])
    satellite, target, node, low_value, high_value = _candidates(
        *states, target_m, np.radians(max_roll_deg)
    )

    def ahead(row: Rows, t_ns: Times) -> Floats:
        out = np.empty(row.size)
        _ahead(*states, first_ns, NODE_STEP_NS, target_m, satellite[row], target[row], t_ns, out)
        return out

    rows = np.arange(node.size)
    t_ns = crossings(ahead, rows, nodes_ns[node], nodes_ns[node + 1], low_value, high_value)
    roll_deg, risen = np.empty(node.size), np.empty(node.size, np.bool_)
    _rolls(*states, first_ns, NODE_STEP_NS, target_m, satellite, target, t_ns, roll_deg, risen)
    seen = risen & (np.abs(roll_deg) <= max_roll_deg)
    seen &= (ephemeris.start_ns <= t_ns) & (t_ns <= ephemeris.end_ns)
    keep = np.flatnonzero(seen)
    keep = keep[np.lexsort((t_ns[keep], satellite[keep]))]
    place, t_ns = target[keep], t_ns[keep]
    up = geodetic_up(latitude_deg, longitude_deg).reshape(-1, 3)
    sine = sine_elevation(sun_between_nodes_ecef_m(nodes_ns, t_ns), target_m[place], up[place])
    return Looks(
        satellite=satellite[keep],
        target=place,
        t_ns=t_ns,
        roll_deg=roll_deg[keep],
        sun_elevation_deg=np.degrees(np.arcsin(sine)),
    )


def _candidates(
    p: Floats, v: Floats, target_m: Floats, max_roll: float
) -> tuple[Rows, Rows, Rows, Floats, Floats]:
    """Return satellite, target and node before each crossing, and how far ahead at both nodes."""
    step_s = NODE_STEP_NS / time.SECOND_NS
    # No orbit passes a place more than once in 80 minutes or so; if one does, it is done again.
    capacity = _CHUNK * len(target_m) * (2 + p.shape[1] // 80)
    found = []
    for begin in range(0, p.shape[0], _CHUNK):
        part = slice(begin, begin + _CHUNK)
        while True:
            satellite, target, node = (np.empty(capacity, np.intp) for _ in range(3))
            ends = np.empty((2, capacity))
            count = _abeam(
                p[part], v[part], target_m, max_roll, step_s, satellite, target, node, *ends
            )
            if count <= capacity:
                break
            capacity = count
        columns = (satellite + begin, target, node, *ends)
        found.append(tuple(column[:count].copy() for column in columns))
    satellite, target, node, before, after = (
        np.concatenate(column) for column in zip(*found, strict=True)
    )
    return satellite, target, node, before, after


@njit(cache=True, nogil=True, error_model="numpy")
def _lead(
    x: float, y: float, z: float, vx: float, vy: float, vz: float, a: float, b: float, c: float
) -> float:
    """Return how far a place is ahead of the plane across the track, times radius^2 and speed."""
    # Forward is the level part of the velocity: the position has no share in it.
    radius2 = x * x + y * y + z * z
    along = a * vx + b * vy + c * vz
    return float(along * radius2 - (x * vx + y * vy + z * vz) * (a * x + b * y + c * z))


@njit(cache=True, nogil=True, error_model="numpy")
def _abeam(
    p: Floats,
    v: Floats,
    target_m: Floats,
    max_roll: float,
    step_s: float,
    satellite: Rows,
    target: Rows,
    node: Rows,
    before: Floats,
    after: Floats,
) -> int:
    """Write the crossings as far as there is room, and return how many there are."""
    n = p.shape[1]
    up = np.empty((n, 3))
    count = 0
    for k in range(p.shape[0]):
        highest, turn = 0.0, 0.0
        for i in range(n):
            x, y, z = p[k, i, 0], p[k, i, 1], p[k, i, 2]
            radius = np.sqrt(x * x + y * y + z * z)
            up[i, 0], up[i, 1], up[i, 2] = x / radius, y / radius, z / radius
            speed = np.sqrt(v[k, i, 0] ** 2 + v[k, i, 1] ** 2 + v[k, i, 2] ** 2)
            highest = max(highest, radius)
            turn = max(turn, 1.1 * step_s * speed / radius)
        steps = 1.0 / turn
        for s in range(target_m.shape[0]):
            a, b, c = target_m[s, 0], target_m[s, 1], target_m[s, 2]
            size = np.sqrt(a * a + b * b + c * c)
            # The Earth angle at the largest roll, or at the horizon if that comes first.
            sine = highest / size * np.sin(max_roll)
            angle = np.arcsin(sine) - max_roll if sine < 1.0 else np.arccos(size / highest)
            nearest = np.cos(min(np.pi, angle + turn))
            close = np.cos(min(np.pi, angle + _CLOSE_RAD))
            ta, tb, tc = a / size, b / size, c / size
            i = 0
            while i < n - 1:
                cosine = ta * up[i, 0] + tb * up[i, 1] + tc * up[i, 2]
                if cosine < nearest:
                    i += max(1, int((nearest - cosine) * steps))
                    continue
                x, y, z = p[k, i, 0], p[k, i, 1], p[k, i, 2]
                here = _lead(x, y, z, v[k, i, 0], v[k, i, 1], v[k, i, 2], a, b, c)
                i += 1
                if here > 0.0:
                    x, y, z = p[k, i, 0], p[k, i, 1], p[k, i, 2]
                    there = _lead(x, y, z, v[k, i, 0], v[k, i, 1], v[k, i, 2], a, b, c)
                    # Where the crossing is, by a straight line: is it near enough?
                    w = here / (here - there)
                    x = (1.0 - w) * up[i - 1, 0] + w * up[i, 0]
                    y = (1.0 - w) * up[i - 1, 1] + w * up[i, 1]
                    z = (1.0 - w) * up[i - 1, 2] + w * up[i, 2]
                    cosine = (ta * x + tb * y + tc * z) / np.sqrt(x * x + y * y + z * z)
                    if there <= 0.0 and cosine >= close:
                        if count < node.size:
                            satellite[count], target[count], node[count] = k, s, i - 1
                            before[count], after[count] = here, there
                        count += 1
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def _ahead(
    p: Floats,
    v: Floats,
    first_ns: int,
    step_ns: int,
    target_m: Floats,
    satellite: Rows,
    target: Rows,
    t_ns: Times,
    out: Floats,
) -> None:
    """Write how far targets (k,) are ahead of satellites (k,) at times (k,)."""
    for j in range(t_ns.size):
        x, y, z = hermite_point(p, v, satellite[j], t_ns[j], first_ns, step_ns)
        vx, vy, vz = hermite_rate(p, v, satellite[j], t_ns[j], first_ns, step_ns)
        s = target[j]
        out[j] = _lead(x, y, z, vx, vy, vz, target_m[s, 0], target_m[s, 1], target_m[s, 2])


@njit(cache=True, nogil=True, error_model="numpy")
def _rolls(
    p: Floats,
    v: Floats,
    first_ns: int,
    step_ns: int,
    target_m: Floats,
    satellite: Rows,
    target: Rows,
    t_ns: Times,
    roll_deg: Floats,
    risen: NDArray[np.bool_],
) -> None:
    """Write the rolls that point at targets (k,), and whether the Earth is not in the way."""
    for j in range(t_ns.size):
        x, y, z = hermite_point(p, v, satellite[j], t_ns[j], first_ns, step_ns)
        vx, vy, vz = hermite_rate(p, v, satellite[j], t_ns[j], first_ns, step_ns)
        s = target[j]
        a, b, c = target_m[s, 0], target_m[s, 1], target_m[s, 2]
        radius = np.sqrt(x * x + y * y + z * z)
        # To the right is down x velocity, down being against the position.
        rx, ry, rz = z * vy - y * vz, x * vz - z * vx, y * vx - x * vy
        right = (a * rx + b * ry + c * rz) / np.sqrt(rx * rx + ry * ry + rz * rz)
        inward = (a * x + b * y + c * z) / radius
        roll_deg[j] = np.degrees(np.arctan2(right, radius - inward))
        risen[j] = inward * radius > a * a + b * b + c * c
