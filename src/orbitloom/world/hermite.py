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
Weights = tuple[float, float, float, float, float, float]


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
def _position_weights(u: float, h: float) -> Weights:
    """Return what positions, velocities and accelerations at both nodes count for in a position."""
    w = 1.0 - u
    u2, w2 = u * u, w * w
    bend = u2 * w2 * h * h / 2.0
    return (
        w2 * w * (1.0 + u * (3.0 + 6.0 * u)),
        u2 * u * (1.0 + w * (3.0 + 6.0 * w)),
        u * w * h * w2 * (1.0 + 3.0 * u),
        -u * w * h * u2 * (1.0 + 3.0 * w),
        bend * w,
        bend * u,
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _velocity_weights(u: float, h: float) -> Weights:
    """Return the rates of `_position_weights`, 1/s."""
    w = 1.0 - u
    slope = 30.0 * u * u * w * w / h
    return (
        -slope,
        slope,
        w * w * (1.0 + u * (2.0 - 15.0 * u)),
        u * u * (1.0 + w * (2.0 - 15.0 * w)),
        u * w * h / 2.0 * w * (2.0 - 5.0 * u),
        -u * w * h / 2.0 * u * (2.0 - 5.0 * w),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _weighted(p: Floats, v: Floats, k: int, i: int, c: int, h: float, weights: Weights) -> float:
    """Return one component of a state between nodes."""
    p0, p1, v0, v1, a0, a1 = weights
    return float(
        p0 * p[k, i, c]
        + p1 * p[k, i + 1, c]
        + v0 * v[k, i, c]
        + v1 * v[k, i + 1, c]
        + a0 * _acceleration(p, v, k, i, c, h)
        + a1 * _acceleration(p, v, k, i + 1, c, h)
    )


@njit(cache=True, nogil=True, error_model="numpy")
def hermite_point(p: Floats, v: Floats, k: int, t_ns: int, first_ns: int, step_ns: int) -> Vector:
    """Return a position at a time within the nodes, which are `step_ns` apart, m."""
    i = min((t_ns - first_ns) // step_ns, p.shape[1] - 2)
    h = step_ns * 1e-9
    weights = _position_weights((t_ns - first_ns - i * step_ns) / step_ns, h)
    return (
        _weighted(p, v, k, i, 0, h, weights),
        _weighted(p, v, k, i, 1, h, weights),
        _weighted(p, v, k, i, 2, h, weights),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def hermite_rate(p: Floats, v: Floats, k: int, t_ns: int, first_ns: int, step_ns: int) -> Vector:
    """Return a velocity at a time within the nodes, m/s; as `hermite_point`."""
    i = min((t_ns - first_ns) // step_ns, p.shape[1] - 2)
    h = step_ns * 1e-9
    weights = _velocity_weights((t_ns - first_ns - i * step_ns) / step_ns, h)
    return (
        _weighted(p, v, k, i, 0, h, weights),
        _weighted(p, v, k, i, 1, h, weights),
        _weighted(p, v, k, i, 2, h, weights),
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
