"""Compiled: many bundles routed and booked one after another, and the largest part of a flow."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from orbitloom.network.booking import (
    NEVER,
    Lines,
    fit,
    free_since,
    free_until,
    insert,
    is_roomy,
    remove,
)
from orbitloom.network.graph import BLOCK, END, LIGHT, RATE, START, Graph
from orbitloom.network.kernel import njit_bare
from orbitloom.network.search import (
    ANY_STATION,
    FULL,
    NOTHING,
    PARENT,
    PLACE,
    SENT,
    Bounds,
    Scratch,
    Task,
    search,
)

__all__ = [
    "DONE",
    "LINES_FULL",
    "OUTPUT_FULL",
    "SCRATCH_FULL",
    "Asked",
    "Found",
    "book_hops",
    "carry",
    "release_hops",
]

Numbers = NDArray[np.int64]

DONE, SCRATCH_FULL, LINES_FULL, OUTPUT_FULL = range(4)
"""How `carry` ended; but for the first, enlarge that and call again: it goes on where it was."""

_AT, _LEFT, _ROUTES, _HOPS = range(4)


class Asked(NamedTuple):
    """Bundles, one row each, in the order in which they are served.

    Attributes
    ----------
    bundle
        (k, 6) int64: node, time, bytes, priority, sink, latest arrival.
    divisible
        (k,) uint8.
    """

    bundle: Numbers
    divisible: NDArray[np.uint8]


class Found(NamedTuple):
    """Routes, one row each; a flow may have several, a bundle without a way has none.

    Attributes
    ----------
    route
        (r, 4) int64: row in `Asked`, bytes, arrival, where its hops begin in `hop`.
    hop
        (h, 4) int64: contact, start, end, arrival.
    progress
        (4,) next row of `Asked`, bytes left of it (-1: all), routes and hops written.
    """

    route: Numbers
    hop: Numbers
    progress: Numbers


@njit_bare
def _largest_part(
    graph: Graph, lines: Lines, task: Task, path: Numbers, hops: int, least: int, most: int
) -> int:
    """Return how many bytes fit the free stretches that a path's first part was put in.

    `path` (hops, 2): place and start of each transmission. With stretches g_i..h_i, light times
    l_i and rates r_i, x bits leave hop i at max over j <= i of
    g_j + l_j + ... + l_(i-1) + x (1/r_j + ... + 1/r_i), which must not be after h_i. One
    nanosecond a hop is kept for rounding up.
    """
    bits = most * 8.0
    for i in range(hops):
        place, sent = path[i, 0], path[i, 1]
        until = free_until(lines, place, task.priority, sent, graph.table[place, END])
        if i == hops - 1:
            until = min(until, task.latest_ns - graph.table[place, LIGHT])
        slowness, light, j = 0.0, 0, i
        while j >= 0:
            earlier = path[j, 0]
            if j < i:
                light += graph.table[earlier, LIGHT]
            slowness += 1e9 / graph.real[earlier, RATE]
            since = free_since(
                lines, earlier, task.priority, path[j, 1], graph.table[earlier, START]
            )
            if j == 0:
                since = max(since, task.t_ns)
            bits = min(bits, (until - since - light - (i + 1)) / slowness)
            j -= 1
    return max(least, int(np.floor(bits / 8.0)))


@njit_bare
def _write(
    graph: Graph,
    lines: Lines,
    task: Task,
    found: Found,
    path: Numbers,
    hops: int,
    size_bytes: int,
) -> bool:
    """Write the hops of a path for so many bytes; False if they do not fit."""
    t_ns, at = task.t_ns, found.progress[_HOPS]
    bits_ns = size_bytes * 8e9
    for i in range(hops):
        place = path[i, 0]
        length = int(np.ceil(bits_ns / graph.real[place, RATE]))
        since = max(t_ns, graph.table[place, START])
        start = fit(lines, place, task.priority, since, length, graph.table[place, END])
        if start == NEVER:
            return False
        t_ns = start + length + graph.table[place, LIGHT]
        row = found.hop[at + i]
        row[0], row[1], row[2], row[3] = graph.contact[place], start, start + length, t_ns
    return True


@njit_bare
def carry(
    graph: Graph,
    lines: Lines,
    bounds: Bounds,
    scratch: Scratch,
    asked: Asked,
    found: Found,
    satellites: int,
    least_part_bytes: int,
    booked: bool,
) -> int:
    """Route bundles one after another and, if `booked`, book each route before the next.

    Of a flow that is booked all parts are sent for which there is a way, else only the first.
    """
    progress = found.progress
    path, places = scratch.path, scratch.places
    while progress[_AT] < asked.bundle.shape[0]:
        row = progress[_AT]
        node, t_ns, whole, priority, sink, latest = asked.bundle[row]
        left = whole if progress[_LEFT] < 0 else progress[_LEFT]
        if progress[_ROUTES] >= found.route.shape[0]:
            return OUTPUT_FULL
        size = min(left, least_part_bytes) if asked.divisible[row] else left
        coarse = asked.divisible[row] != 0
        task = Task(node, t_ns, size * 8e9, priority, sink, latest, satellites, coarse)
        is_there = node >= satellites if sink == ANY_STATION else node == sink
        hops = 0
        if is_there:
            if t_ns > latest:
                progress[_AT], progress[_LEFT] = row + 1, -1
                continue
            size = left
        else:
            label = search(graph, lines, bounds, scratch, task)
            if label == FULL:
                return SCRATCH_FULL
            if label == NOTHING:
                progress[_AT], progress[_LEFT] = row + 1, -1
                continue
            at = label
            while scratch.label[at, PARENT] >= 0:
                hops += 1
                at = scratch.label[at, PARENT]
            at = label
            for i in range(hops - 1, -1, -1):
                path[i, 0], path[i, 1] = scratch.label[at, PLACE], scratch.label[at, SENT]
                places[i] = path[i, 0]
                at = scratch.label[at, PARENT]
            if progress[_HOPS] + hops > found.hop.shape[0]:
                return OUTPUT_FULL
            if booked and not is_roomy(lines, places, hops):
                return LINES_FULL
            least = size
            if asked.divisible[row]:
                size = _largest_part(graph, lines, task, path, hops, size, left)
            if not _write(graph, lines, task, found, path, hops, size):
                size = least  # rounding of the closed form; what was searched for always fits
                _write(graph, lines, task, found, path, hops, size)
        arrival = t_ns if is_there else found.hop[progress[_HOPS] + hops - 1, 3]
        route = found.route[progress[_ROUTES]]
        route[0], route[1], route[2], route[3] = row, size, arrival, progress[_HOPS]
        if booked:
            hop = found.hop[progress[_HOPS] : progress[_HOPS] + hops]
            book_hops(lines, places[:hops], hop, priority)
        progress[_ROUTES] += 1
        progress[_HOPS] += hops
        if booked and size < left:
            progress[_LEFT] = left - size
        else:
            progress[_AT], progress[_LEFT] = row + 1, -1
    return DONE


@njit_bare
def book_hops(lines: Lines, places: Numbers, hop: Numbers, priority: int) -> bool:
    """Book transmissions at places; False if `lines` must grow first.

    `hop` (k, 4) are rows of `Found.hop`.
    """
    if not is_roomy(lines, places, places.size):
        return False
    for i in range(places.size):
        insert(lines, places[i], priority, hop[i, 1], hop[i, 2] - hop[i, 1])
    return True


@njit_bare
def release_hops(
    graph: Graph, lines: Lines, bounds: Bounds, places: Numbers, hop: Numbers, priority: int
) -> bool:
    """Give transmissions back, see `book_hops`."""
    if not is_roomy(lines, places, places.size):
        return False
    for i in range(places.size):
        remove(lines, places[i], priority, hop[i, 1], hop[i, 2] - hop[i, 1])
        for j in range(2):
            row = graph.lasts[places[i], j]
            if row >= 0:
                for lane in range(priority, bounds.room.shape[1]):
                    bounds.room[row, lane] = np.inf
                    bounds.block_room[row // BLOCK, lane] = np.inf
    return True
