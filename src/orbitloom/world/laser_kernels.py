"""How far a pair of satellites is from each limit of a laser link: compiled.

A clearance is positive while its limit is kept. With r = b - a the line of length R, v = db/dt -
da/dt, and n the rate at which a satellite's body turns with its orbit (h / r^2):

==========  =====================================================================  ======
clearance   value                                                                  unit
==========  =====================================================================  ======
`REACH`     min(longest range - R, lowest height of the line - grazing height)     m
`SLEW`      R - sqrt(abs(r x (v - n x r)) / limit), the lesser of both ends        m
`DOPPLER`   (limit - abs(dR/dt)) * 60 s                                            m
`SUN_A`     max(angle of line and Sun - exclusion, depth in the umbra), at a       rad
`SUN_B`     the same at b
==========  =====================================================================  ======

The line of sight turns by abs(r x (v - n x r)) / R^2 against a body that keeps one face to the
Earth. Solved for R it bends like a range: in a close passage the rate itself is a spike that no
node need see, R is a hyperbola.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from orbitloom.world.hermite import hermite_position, hermite_velocity

__all__ = [
    "DOPPLER",
    "REACH",
    "SLEW",
    "SUN_A",
    "SUN_B",
    "clearance_ranges",
    "clearances_at",
    "clearances_at_nodes",
    "link_ranges",
]

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

REACH, SLEW, DOPPLER, SUN_A, SUN_B = range(5)
_CONDITIONS = 5


@njit(cache=True, nogil=True, error_model="numpy")
def _turned(x: Floats, y: Floats, h: Floats, r: Floats, v: Floats) -> float:
    """Return abs(r x (v - n x r)) at a satellite at x, which moves at y, m2/s."""
    r2 = x[0] * x[0] + x[1] * x[1] + x[2] * x[2]
    h[0] = (x[1] * y[2] - x[2] * y[1]) / r2
    h[1] = (x[2] * y[0] - x[0] * y[2]) / r2
    h[2] = (x[0] * y[1] - x[1] * y[0]) / r2
    w0 = v[0] - (h[1] * r[2] - h[2] * r[1])
    w1 = v[1] - (h[2] * r[0] - h[0] * r[2])
    w2 = v[2] - (h[0] * r[1] - h[1] * r[0])
    c0 = r[1] * w2 - r[2] * w1
    c1 = r[2] * w0 - r[0] * w2
    c2 = r[0] * w1 - r[1] * w0
    return float(np.sqrt(c0 * c0 + c1 * c1 + c2 * c2))


@njit(cache=True, nogil=True, error_model="numpy")
def _clearance(which: int, s: Floats, sun: Floats, limits: Floats) -> float:
    """Return one clearance.

    `s` (7, 3) holds positions and velocities of a and b, and room for r, v and a product; `sun`
    (4,) its direction and angular radius; `limits` as `LinkLimits.packed`.
    """
    length2 = 0.0
    for c in range(3):
        s[4, c] = s[2, c] - s[0, c]
        s[5, c] = s[3, c] - s[1, c]
        length2 += s[4, c] * s[4, c]
    length = np.sqrt(length2)
    if which == REACH:
        along = -(s[0, 0] * s[4, 0] + s[0, 1] * s[4, 1] + s[0, 2] * s[4, 2]) / max(length2, 1.0)
        along = min(max(along, 0.0), 1.0)
        foot2 = 0.0
        for c in range(3):
            foot2 += (s[0, c] + along * s[4, c]) ** 2
        return float(min(limits[0] - length, np.sqrt(foot2) - limits[1]))
    if which == SLEW:
        one = _turned(s[0], s[1], s[6], s[4], s[5])
        other = _turned(s[2], s[3], s[6], s[4], s[5])
        return float(length - np.sqrt(max(one, other) / limits[2]))
    if which == DOPPLER:
        closing = s[4, 0] * s[5, 0] + s[4, 1] * s[5, 1] + s[4, 2] * s[5, 2]
        return float(60.0 * (limits[3] - abs(closing) / max(length, 1.0)))
    end, sign = (0, 1.0) if which == SUN_A else (2, -1.0)
    toward, below, height2 = 0.0, 0.0, 0.0
    for c in range(3):
        toward += sign * s[4, c] * sun[c]
        below -= s[end, c] * sun[c]
        height2 += s[end, c] * s[end, c]
    height = np.sqrt(height2)
    apart = np.arccos(min(max(toward / max(length, 1.0), -1.0), 1.0)) - limits[4]
    earth = np.arcsin(min(limits[5] / height, 1.0))
    return float(max(apart, earth - sun[3] - np.arccos(min(max(below / height, -1.0), 1.0))))


@njit(cache=True, nogil=True, error_model="numpy")
def clearance_ranges(
    p: Floats, v: Floats, first: Numbers, second: Numbers, sun: Floats, limits: Floats, out: Floats
) -> None:
    """Write least and greatest value at nodes and largest step of each clearance (m, 5, 3)."""
    s = np.empty((7, 3))
    for j in range(first.size):
        before = np.zeros(_CONDITIONS)
        for i in range(p.shape[1]):
            for c in range(3):
                s[0, c], s[1, c] = p[first[j], i, c], v[first[j], i, c]
                s[2, c], s[3, c] = p[second[j], i, c], v[second[j], i, c]
            for which in range(_CONDITIONS):
                value = _clearance(which, s, sun[i], limits)
                if i == 0:
                    out[j, which, 0] = out[j, which, 1] = value
                    out[j, which, 2] = 0.0
                else:
                    out[j, which, 0] = min(out[j, which, 0], value)
                    out[j, which, 1] = max(out[j, which, 1], value)
                    out[j, which, 2] = max(out[j, which, 2], abs(value - before[which]))
                before[which] = value


@njit(cache=True, nogil=True, error_model="numpy")
def clearances_at_nodes(
    which: int,
    p: Floats,
    v: Floats,
    first: Numbers,
    second: Numbers,
    sun: Floats,
    limits: Floats,
    out: Floats,
) -> None:
    """Write one clearance of pairs (m,) at all nodes into `out` (m, n)."""
    s = np.empty((7, 3))
    for j in range(first.size):
        for i in range(p.shape[1]):
            for c in range(3):
                s[0, c], s[1, c] = p[first[j], i, c], v[first[j], i, c]
                s[2, c], s[3, c] = p[second[j], i, c], v[second[j], i, c]
            out[j, i] = _clearance(which, s, sun[i], limits)


@njit(cache=True, nogil=True, error_model="numpy")
def clearances_at(
    which: int,
    p: Floats,
    v: Floats,
    first: Numbers,
    second: Numbers,
    cell: Numbers,
    u: Floats,
    step_s: float,
    sun: Floats,
    limits: Floats,
    out: Floats,
) -> None:
    """Write one clearance of pairs (m,) in cells (m,) at shares (m,) of the step into `out`."""
    s = np.empty((7, 3))
    light = np.empty(4)
    moves = which in (SLEW, DOPPLER)
    for j in range(first.size):
        i = cell[j]
        for c in range(3):
            s[0, c] = hermite_position(p, v, first[j], i, u[j], c, step_s)
            s[2, c] = hermite_position(p, v, second[j], i, u[j], c, step_s)
            if moves:
                s[1, c] = hermite_velocity(p, v, first[j], i, u[j], c, step_s)
                s[3, c] = hermite_velocity(p, v, second[j], i, u[j], c, step_s)
            else:
                s[1, c] = s[3, c] = 0.0
        for c in range(4):
            light[c] = (1.0 - u[j]) * sun[i, c] + u[j] * sun[i + 1, c]
        out[j] = _clearance(which, s, light, limits)


@njit(cache=True, nogil=True, error_model="numpy")
def link_ranges(
    position_m: Floats,
    velocity_m_s: Floats,
    first: Numbers,
    second: Numbers,
    sun: Floats,
    limits: Floats,
    out: Floats,
) -> None:
    """Write how long the lines of pairs (m,) are, or 0 where one of the limits is not kept.

    Positions and velocities (n, 3) are those of one moment.
    """
    s = np.empty((7, 3))
    for j in range(first.size):
        length2 = 0.0
        for c in range(3):
            s[0, c], s[1, c] = position_m[first[j], c], velocity_m_s[first[j], c]
            s[2, c], s[3, c] = position_m[second[j], c], velocity_m_s[second[j], c]
            length2 += (s[2, c] - s[0, c]) ** 2
        out[j] = np.sqrt(length2)
        for which in range(_CONDITIONS):
            if _clearance(which, s, sun, limits) <= 0.0:
                out[j] = 0.0
                break
