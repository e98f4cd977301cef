"""Positions and velocities between nodes: quintic Hermite polynomials, compiled.

The accelerations that they need come from the nodes themselves,

    a(i) = 2 (p(i+1) - 2 p(i) + p(i-1)) / h^2 - (v(i+1) - v(i-1)) / 2h,

good to h^4; at the two ends those of a cubic. They are made where they are needed and not kept: a
day of 2,800 satellites would take 200 MB for them.

Arrays of states are (n_sat, n_nodes, 3), C-contiguous; ``k`` is a satellite, ``i`` the node before
the time, ``u`` the share of the step since it, 0 to 1, and ``h`` the step in seconds.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = [
    "hermite_point",
    "hermite_position",
    "hermite_rate",
    "hermite_velocity",
    "positions_at",
    "velocities_at",
]

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
Vector = tuple[float, float, float]


@njit(cache=True, nogil=True, error_model="numpy")
def _acceleration(
    p: Floats,
    v: Floats,
    k: int,
    i: int,
    c: int,
    h: float,
) -> float:
    """Return one component of the acceleration at a node, m/s2."""
    last = p.shape[1] - 1
    if i == 0:
        return float(
            6.0 * (p[k, 1, c] - p[k, 0, c]) / h**2 - (4.0 * v[k, 0, c] + 2.0 * v[k, 1, c]) / h
        )
    if i == last:
        return float(
            -6.0 * (p[k, last, c] - p[k, last - 1, c]) / h**2
            + (4.0 * v[k, last, c] + 2.0 * v[k, last - 1, c]) / h
        )
    return float(
        2.0 * (p[k, i + 1, c] - 2.0 * p[k, i, c] + p[k, i - 1, c]) / h**2
        - (v[k, i + 1, c] - v[k, i - 1, c]) / (2.0 * h)
    )


@njit(cache=True, nogil=True, error_model="numpy")
def hermite_position(p: Floats, v: Floats, k: int, i: int, u: float, c: int, h: float) -> float:
    """Return component `c` of a position between nodes, m."""
    w = 1.0 - u
    a0, a1 = _acceleration(p, v, k, i, c, h), _acceleration(p, v, k, i + 1, c, h)
    return float(
        w**3 * (1.0 + u * (3.0 + 6.0 * u)) * p[k, i, c]
        + u**3 * (1.0 + w * (3.0 + 6.0 * w)) * p[k, i + 1, c]
        + u
        * w
        * h
        * (w**2 * (1.0 + 3.0 * u) * v[k, i, c] - u**2 * (1.0 + 3.0 * w) * v[k, i + 1, c])
        + (u * w * h) ** 2 / 2.0 * (w * a0 + u * a1)
    )


@njit(cache=True, nogil=True, error_model="numpy")
def hermite_velocity(p: Floats, v: Floats, k: int, i: int, u: float, c: int, h: float) -> float:
    """Return component `c` of a velocity between nodes, the rate of `hermite_position`, m/s."""
    w = 1.0 - u
    uw = u * w
    a0, a1 = _acceleration(p, v, k, i, c, h), _acceleration(p, v, k, i + 1, c, h)
    return float(
        30.0 * uw**2 / h * (p[k, i + 1, c] - p[k, i, c])
        + w**2 * (1.0 + u * (2.0 - 15.0 * u)) * v[k, i, c]
        + u**2 * (1.0 + w * (2.0 - 15.0 * w)) * v[k, i + 1, c]
        + uw * h / 2.0 * (w * (2.0 - 5.0 * u) * a0 - u * (2.0 - 5.0 * w) * a1)
    )


@njit(cache=True, nogil=True, error_model="numpy")
def hermite_point(p: Floats, v: Floats, k: int, t_ns: int, first_ns: int, step_ns: int) -> Vector:
    """Return a position at a time within the nodes, m; nodes are `step_ns` apart from `first_ns`."""
    i = min((t_ns - first_ns) // step_ns, p.shape[1] - 2)
    u = (t_ns - first_ns - i * step_ns) / step_ns
    h = step_ns / 1e9
    return (
        hermite_position(p, v, k, i, u, 0, h),
        hermite_position(p, v, k, i, u, 1, h),
        hermite_position(p, v, k, i, u, 2, h),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def hermite_rate(p: Floats, v: Floats, k: int, t_ns: int, first_ns: int, step_ns: int) -> Vector:
    """Return a velocity at a time within the nodes, m/s; as `hermite_point`."""
    i = min((t_ns - first_ns) // step_ns, p.shape[1] - 2)
    u = (t_ns - first_ns - i * step_ns) / step_ns
    h = step_ns / 1e9
    return (
        hermite_velocity(p, v, k, i, u, 0, h),
        hermite_velocity(p, v, k, i, u, 1, h),
        hermite_velocity(p, v, k, i, u, 2, h),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def positions_at(
    p: Floats, v: Floats, satellite: Numbers, cell: Numbers, u: Floats, h: float, out: Floats
) -> None:
    """Write the positions of satellites (m,) in cells (m,) at shares (m,) into `out` (m, 3)."""
    for j in range(satellite.size):
        for c in range(3):
            out[j, c] = hermite_position(p, v, satellite[j], cell[j], u[j], c, h)


@njit(cache=True, nogil=True, error_model="numpy")
def velocities_at(
    p: Floats, v: Floats, satellite: Numbers, cell: Numbers, u: Floats, h: float, out: Floats
) -> None:
    """Write the velocities of satellites (m,) in cells (m,) at shares (m,) into `out` (m, 3)."""
    for j in range(satellite.size):
        for c in range(3):
            out[j, c] = hermite_velocity(p, v, satellite[j], cell[j], u[j], c, h)
