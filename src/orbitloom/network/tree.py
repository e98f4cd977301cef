"""Compiled: the earliest arrival at every node from one, with nothing to steer the search."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from orbitloom.network.booking import NEVER, Lines
from orbitloom.network.graph import Graph
from orbitloom.network.kernel import njit_bare
from orbitloom.network.search import (
    ENTRY,
    FULL,
    HOPS,
    MINUS_END,
    NODE,
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

__all__ = ["fill_tree"]

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
            minus_end = max(label[here, MINUS_END], -graph.table[place, 1])
            entry = there if label[here, ENTRY] < 0 else label[here, ENTRY]
            if is_dominated(scratch, there, arrival, hops, minus_end, entry, 1):
                continue
            new = new_label(scratch, there, arrival, hops, minus_end, entry, place, sent, here)
            if new == FULL:
                return FULL
            contact[there] = graph.contact[place]
            open_label(scratch, new, arrival, hops, minus_end)
    return 0
