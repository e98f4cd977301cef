"""Rates of what is known at even nodes, and positions turned from one frame into another.

The rate at a node is the central difference of eighth order over four nodes on either side,

    f'(0) = [4/5 (f1 - f-1) - 1/5 (f2 - f-2) + 4/105 (f3 - f-3) - 1/280 (f4 - f-4)] / h,

off by h^8/630 of the ninth derivative (Fornberg 1988, Mathematics of Computation 51, table 1):
5 nm/s for a circular low orbit at steps of 60 s. So the states are asked for once a node, whatever
made them, and velocities are the rates of positions in each frame by construction.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["EXTRA_NODES", "rates", "turn_states"]

Floats = NDArray[np.float64]

EXTRA_NODES = 4
"""Nodes that the difference needs past either end."""

_C1, _C2, _C3, _C4 = 4.0 / 5.0, -1.0 / 5.0, 4.0 / 105.0, -1.0 / 280.0


def rates(values: Floats, step_s: float) -> Floats:
    """Return the rates (..., n, k) of values (..., n + 8, k) at even nodes, 1/s."""
    n = values.shape[-2] - 2 * EXTRA_NODES
    total = np.zeros((*values.shape[:-2], n, values.shape[-1]))
    for far, share in enumerate((_C1, _C2, _C3, _C4), start=1):
        ahead = values[..., EXTRA_NODES + far : EXTRA_NODES + far + n, :]
        behind = values[..., EXTRA_NODES - far : EXTRA_NODES - far + n, :]
        total += share * (ahead - behind)
    return total / step_s


@njit(cache=True, nogil=True, error_model="numpy")
def turn_states(
    raw: Floats, matrix: Floats, scale: float, step_s: float, p: Floats, v: Floats
) -> None:
    """Write positions turned into a frame, and their rates, into `p` and `v` (m, n, 3).

    `raw` (m, n + 8, 3) are positions, `matrix` (n + 8, 3, 3) the rotations of the nodes.
    """
    n = p.shape[1]
    line = np.empty((raw.shape[1], 3))
    for k in range(raw.shape[0]):
        for j in range(raw.shape[1]):
            x, y, z = scale * raw[k, j, 0], scale * raw[k, j, 1], scale * raw[k, j, 2]
            for c in range(3):
                line[j, c] = matrix[j, c, 0] * x + matrix[j, c, 1] * y + matrix[j, c, 2] * z
        for j in range(n):
            for c in range(3):
                p[k, j, c] = line[j + 4, c]
                v[k, j, c] = (
                    _C1 * (line[j + 5, c] - line[j + 3, c])
                    + _C2 * (line[j + 6, c] - line[j + 2, c])
                    + _C3 * (line[j + 7, c] - line[j + 1, c])
                    + _C4 * (line[j + 8, c] - line[j, c])
                ) / step_s
