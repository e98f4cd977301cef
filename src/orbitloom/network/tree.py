"""Compiled: trees, from a node to all others and from all nodes to the stations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from orbitloom.network.booking import NEVER, Lines, fit
from orbitloom.network.graph import END, LIGHT, RATE, START, Graph
from orbitloom.network.kernel import njit_bare
from orbitloom.network.search import (
    ENTRY,
    FULL,
    HOPS,
    MINUS_END,
    NODE,
    PLACE,
    Scratch,
    Task,
    clear,
    first_contact,
    is_dominated,
    is_outdone,
    new_label,
    open_label,
    pop,
)

__all__ = ["fill_sink_tree", "fill_tree", "follow"]

Numbers = NDArray[np.int64]

_FOREVER = 2**62


@njit_bare
def fill_tree(
    graph: Graph, lines: Lines, scratch: Scratch, task: Task, arrival_ns: Numbers, contact: Numbers
) -> int:
    """Write when a task's bits can be at each node (n,), and the contact of the last hop (n,).

    -1 where they cannot. Returns 0, or `FULL` if the scratch arrays must grow first. `task.sink`
    is not looked at.
    """
    arrival_ns[:] = -1
    contact[:] = -1
    clear(scratch, task.node)
    label = scratch.label
    new = new_label(scratch, task.node, task.t_ns, 0, -_FOREVER, -1, -1, 0, -1)
    open_label(scratch, new, task.t_ns, 0, -_FOREVER)
    while scratch.state[1]:
        t_ns, here = pop(scratch)
        node = label[here, NODE]
        if is_outdone(scratch, here):
            continue
        arrival_ns[node] = t_ns
        hops = label[here, HOPS] + 1
        for pair in range(graph.pairs_of[node], graph.pairs_of[node + 1]):
            there = graph.receiver[pair]
            arrival, place, sent = first_contact(graph, lines, task, pair, t_ns, task.latest_ns)
            if arrival == NEVER:
                continue
            minus_end = max(label[here, MINUS_END], -graph.table[place, END])
            entry = there if label[here, ENTRY] < 0 else label[here, ENTRY]
            if is_dominated(scratch, there, arrival, hops, minus_end, entry, 1):
                continue
            new = new_label(scratch, there, arrival, hops, minus_end, entry, place, sent, here)
            if new == FULL:
                return FULL
            contact[there] = graph.contact[place]
            open_label(scratch, new, arrival, hops, minus_end)
    return 0


@njit_bare
def fill_sink_tree(graph: Graph, scratch: Scratch, task: Task, next_place: Numbers) -> int:
    """Write the first hop (n,) of the best way from each node to any station, -1 if there is none.

    Over the contacts that are open at `task.t_ns`, as if nothing were booked and none ended: all
    ways have the time of their transmissions and their light, so a search backward from the
    stations finds all four keys. Returns 0, or `FULL` if the scratch arrays must grow first.
    """
    next_place[:] = -1
    nodes = graph.part.size
    clear(scratch, task.satellites)
    label = scratch.label
    for station in range(task.satellites, nodes):
        is_dominated(scratch, station, 0, 0, -_FOREVER, -1, 1)
        new = new_label(scratch, station, 0, 0, -_FOREVER, -1, -1, 0, -1)
        if new == FULL:
            return FULL
        open_label(scratch, new, 0, 0, -_FOREVER)
    while scratch.state[1]:
        left_ns, here = pop(scratch)
        node = label[here, NODE]
        if is_outdone(scratch, here):
            continue
        next_place[node] = label[here, PLACE]
        hops = label[here, HOPS] + 1
        segment = graph.lasts_of.size - 1 - nodes + node
        low, high = graph.lasts_of[segment], graph.lasts_of[segment + 1]
        last = high
        while low < high:
            middle = (low + high) >> 1
            if graph.last_end[middle] <= task.t_ns:
                low = middle + 1
            else:
                high = middle
        for row in range(low, last):
            place = graph.last[row]
            if graph.table[place, START] > task.t_ns:
                break
            there, end = graph.sender[place], graph.table[place, END]
            if end <= task.t_ns or there >= task.satellites:
                continue
            length = int(np.ceil(task.bits_ns / graph.real[place, RATE]))
            then = left_ns + length + graph.table[place, LIGHT]
            minus_end = max(label[here, MINUS_END], -end)
            if is_dominated(scratch, there, then, hops, minus_end, node, 1):
                continue
            new = new_label(scratch, there, then, hops, minus_end, node, place, 0, here)
            if new == FULL:
                return FULL
            open_label(scratch, new, then, hops, minus_end)
    return 0


@njit_bare
def follow(
    graph: Graph, lines: Lines, task: Task, next_place: Numbers, hop: Numbers, before_ns: int
) -> int:
    """Write the hops from a node to a station along `fill_sink_tree`; return how many.

    -1 if a transmission has to wait, does not fit, or the last one is not there before a time.
    """
    node, t_ns, hops = task.node, task.t_ns, 0
    while node < task.satellites:
        place = next_place[node]
        if place < 0 or hops >= hop.shape[0]:
            return -1
        length = int(np.ceil(task.bits_ns / graph.real[place, RATE]))
        if fit(lines, place, task.priority, t_ns, length, graph.table[place, END]) != t_ns:
            return -1
        row = hop[hops]
        row[0], row[1], row[2] = graph.contact[place], t_ns, t_ns + length
        t_ns += length + graph.table[place, LIGHT]
        row[3] = t_ns
        if t_ns >= before_ns or t_ns > task.latest_ns:
            return -1
        node = graph.into[place]
        hops += 1
    return hops
