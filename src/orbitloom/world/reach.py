"""Who reaches the ground at a moment: by itself, or over lasers and any number of hops.

A satellite reaches the ground while it, or any satellite it is joined to, sees a station. Two
satellites are joined while they are within range and the line between them stays higher than the
grazing height above a sphere of the equatorial radius. Neither terminals nor pointing, Sun or
acquisition count: it is the best that lasers could do, and what the wait for a contact is bounded
by. At one moment, so distances are the same in the Earth-fixed frame.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba import njit
from numpy.typing import NDArray

from orbitloom.scenario.links import Laser
from orbitloom.world.earth import EQUATORIAL_RADIUS_M
from orbitloom.world.orbits import Ephemeris

__all__ = ["reaching"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_CHUNK = 2_000_000  # states held at once


def reaching(
    ephemeris: Ephemeris,
    t_ns: NDArray[np.int64],
    site_ecef_m: Floats,
    up: Floats,
    mask_deg: Floats,
    laser: Laser | None,
    *,
    members: NDArray[np.intp] | None = None,
    progress: Callable[[float], None] | None = None,
) -> Flags:
    """Return whether satellites reach the ground.

    Parameters
    ----------
    ephemeris
        Where satellites are.
    t_ns
        (k,) moments.
    site_ecef_m, up, mask_deg
        (m, 3), (m, 3), (m,): stations, unit vectors to their zeniths, lowest elevations.
    laser
        Range and grazing height; None joins nobody.
    members
        (n,) numbers of the satellites that take part; all if None.
    progress
        Told the share done.

    Returns
    -------
    NDArray
        (n, k) bool.
    """
    if members is None:
        members = np.arange(len(ephemeris.names))
    reach = np.zeros((t_ns.size, members.size), dtype=np.bool_)
    sine_mask = np.sin(np.radians(mask_deg))
    range_m = 1e3 * laser.max_range_km if laser is not None else 0.0
    lowest_m = EQUATORIAL_RADIUS_M + (1e3 * laser.grazing_height_km if laser is not None else 0.0)
    step = max(1, _CHUNK // max(members.size, 1))
    for first in range(0, t_ns.size, step):
        chunk = t_ns[first : first + step]
        position_m = ephemeris.position_ecef_m(chunk[:, None], members[None, :])
        _reach(
            np.ascontiguousarray(position_m),
            np.ascontiguousarray(site_ecef_m),
            np.ascontiguousarray(up),
            sine_mask,
            range_m,
            lowest_m,
            reach[first : first + step],
        )
        if progress is not None:
            progress(min(1.0, (first + step) / t_ns.size))
    return reach.T


@njit(cache=True, nogil=True, error_model="numpy")
def _root(group: NDArray[np.int64], one: int) -> int:
    while group[one] != one:
        group[one] = group[group[one]]
        one = group[one]
    return one


@njit(cache=True, nogil=True, error_model="numpy")
def _reach(
    position_m: Floats,
    site_m: Floats,
    up: Floats,
    sine_mask: Floats,
    range_m: float,
    lowest_m: float,
    reach: Flags,
) -> None:
    """Fill `reach` (k, n) for positions (k, n, 3).

    Pairs are tried from neighbours in number outwards, and trying ends when all are in one group:
    neighbours in number are neighbours in a plane, so a dense fleet takes few tries.
    """
    moments, n = reach.shape
    group = np.empty(n, np.int64)
    told = np.empty(n, np.bool_)
    for k in range(moments):
        seeing = 0
        for i in range(n):
            reach[k, i] = False
            for m in range(site_m.shape[0]):
                x = position_m[k, i, 0] - site_m[m, 0]
                y = position_m[k, i, 1] - site_m[m, 1]
                z = position_m[k, i, 2] - site_m[m, 2]
                high = x * up[m, 0] + y * up[m, 1] + z * up[m, 2]
                if high > sine_mask[m] * np.sqrt(x * x + y * y + z * z):
                    reach[k, i] = True
                    seeing += 1
                    break
        if range_m <= 0.0 or seeing == 0 or seeing == n:
            continue
        for i in range(n):
            group[i] = i
        groups = n
        for apart in range(1, n // 2 + 1):
            for i in range(n):
                j = (i + apart) % n
                a, b = _root(group, i), _root(group, j)
                if a == b:
                    continue
                # Length and foot of the Earth's centre on the line from i to j.
                x, y, z = position_m[k, i, 0], position_m[k, i, 1], position_m[k, i, 2]
                u = position_m[k, j, 0] - x
                v = position_m[k, j, 1] - y
                w = position_m[k, j, 2] - z
                length2 = u * u + v * v + w * w
                if length2 >= range_m * range_m:
                    continue
                share = min(max(-(x * u + y * v + z * w) / max(length2, 1.0), 0.0), 1.0)
                x, y, z = x + share * u, y + share * v, z + share * w
                if x * x + y * y + z * z <= lowest_m * lowest_m:
                    continue
                group[b] = a
                groups -= 1
            if groups == 1:
                break
        for i in range(n):
            told[i] = False
        for i in range(n):
            if reach[k, i]:
                told[_root(group, i)] = True
        for i in range(n):
            reach[k, i] = told[_root(group, i)]
