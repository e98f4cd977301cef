"""Terminals given out: which of the pairs that want a link get one. Compiled."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["granted"]

Pairs = NDArray[np.intp]
Flags = NDArray[np.bool_]


@njit(cache=True, nogil=True, error_model="numpy")
def granted(first: Pairs, second: Pairs, terminals: int, satellites: int, joins: bool) -> Flags:
    """Return which pairs, in order of cost, are linked; with `joins` those first that join groups.

    Groups are kept as trees with shortened paths.
    """
    taken = np.zeros(first.size, np.bool_)
    free = np.full(satellites, terminals)
    group = np.arange(satellites)
    for joining in (True, False):
        if joining and not joins:
            continue
        for i in range(first.size):
            a, b = first[i], second[i]
            if taken[i] or free[a] == 0 or free[b] == 0:
                continue
            if joining:
                x, y = a, b
                while group[x] != x:
                    group[x] = group[group[x]]
                    x = group[x]
                while group[y] != y:
                    group[y] = group[group[y]]
                    y = group[y]
                if x == y:
                    continue
                group[x] = y
            taken[i] = True
            free[a] -= 1
            free[b] -= 1
    return taken
