"""Shortest paths between a few places over a sparse graph: compiled.

Dijkstra's algorithm with a binary heap that knows where each node lies in it, so that a node is
never queued twice. It is run from each place in turn and ends when the other places are settled.
Places do not pass anything on: they are ends only.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["between_ends"]

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


@njit(cache=True, nogil=True, error_model="numpy")
def _rise(heap: Numbers, place: Numbers, cost: Floats, i: int) -> None:
    """Move the node at place `i` of the heap up to where it belongs."""
    node = heap[i]
    while i > 0:
        above = (i - 1) >> 1
        if cost[heap[above]] <= cost[node]:
            break
        heap[i] = heap[above]
        place[heap[i]] = i
        i = above
    heap[i] = node
    place[node] = i


@njit(cache=True, nogil=True, error_model="numpy")
def _sink(heap: Numbers, place: Numbers, cost: Floats, size: int) -> None:
    """Move the node at the top of the heap down to where it belongs."""
    node, i = heap[0], 0
    while True:
        below = 2 * i + 1
        if below >= size:
            break
        if below + 1 < size and cost[heap[below + 1]] < cost[heap[below]]:
            below += 1
        if cost[heap[below]] >= cost[node]:
            break
        heap[i] = heap[below]
        place[heap[i]] = i
        i = below
    heap[i] = node
    place[node] = i


@njit(cache=True, nogil=True, error_model="numpy")
def between_ends(
    first: Numbers, second: Numbers, weight: Floats, nodes: int, ends: int, before: Numbers
) -> Floats:
    """Return the lengths (ends, ends) of the shortest paths between the last `ends` nodes.

    Parameters
    ----------
    first, second, weight
        (m,) edges, each both ways.
    nodes, ends
        How many nodes there are, and how many of the last are ends.
    before
        (ends, nodes) room for the node before each on the path from each end; -1 if none.
    """
    start = np.zeros(nodes + 1, np.int64)
    for j in range(first.size):
        start[first[j] + 1] += 1
        start[second[j] + 1] += 1
    for node in range(nodes):
        start[node + 1] += start[node]
    to, length, fill = np.empty(2 * first.size, np.int64), np.empty(2 * first.size), start.copy()
    for j in range(first.size):
        a, b = first[j], second[j]
        to[fill[a]], length[fill[a]] = b, weight[j]
        to[fill[b]], length[fill[b]] = a, weight[j]
        fill[a] += 1
        fill[b] += 1
    inner = nodes - ends
    found = np.full((ends, ends), np.inf)
    heap, place, cost = np.empty(nodes, np.int64), np.empty(nodes, np.int64), np.empty(nodes)
    for end in range(ends):
        place[:] = -1
        cost[:] = np.inf
        before[end, :] = -1
        heap[0], place[inner + end], cost[inner + end] = inner + end, 0, 0.0
        size, open_ends = 1, ends
        while size > 0 and open_ends > 0:
            node = heap[0]
            size -= 1
            if size > 0:
                heap[0] = heap[size]
                _sink(heap, place, cost, size)
            if node >= inner:
                found[end, node - inner] = cost[node]
                open_ends -= 1
                if node != inner + end:
                    continue
            for e in range(start[node], start[node + 1]):
                other = to[e]
                through = cost[node] + length[e]
                if through < cost[other]:
                    cost[other] = through
                    before[end, other] = node
                    if place[other] < 0:
                        heap[size], place[other] = other, size
                        size += 1
                    _rise(heap, place, cost, place[other])
    return found
