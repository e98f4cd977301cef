"""A contact plan as the search reads it: flat arrays, from node to pairs to contacts.

The contacts of each ordered pair of nodes lie together, by start, with a running maximum of their
ends, so that a binary search finds the first that has not passed. The graph whose vertices are
contacts is never built; it is quadratic in a long plan. A *place* is a contact's row here.

Beside them lie the *last hops*: for each sink (any station, from one connected part of the fleet;
or one node) the contacts that end there, by start.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from orbitloom.network.kernel import njit_bare
from orbitloom.wire import ContactPlan

__all__ = ["BLOCK", "END", "LIGHT", "NO_WAY", "RATE", "START", "Graph", "build_graph", "hop_row"]

Numbers = NDArray[np.int64]

START, END, LIGHT, RATE = 0, 1, 2, 3
"""Columns of `Graph.table`; the rate is read through `Graph.real`, the same memory as floats."""

BLOCK = 64
"""Last hops whose room is bounded together."""

NO_WAY = 255
"""In `Graph.hops`: cannot be reached."""


class Graph(NamedTuple):
    """All of a plan, n nodes, m contacts, p ordered pairs; int64 where nothing is said.

    Attributes
    ----------
    pairs_of
        (n + 1,) where the pairs of a sender begin; first those whose receiver sends as well.
    relays_to
        (n,) where these end.
    receiver
        (p,), ascending in both halves.
    places_of
        (p + 1,) where the contacts of a pair begin.
    table, real
        (m, 4) start, end, light time and rate of each place; the same memory as int64 and float64.
    latest_end
        (m,) running maximum of the ends within a pair.
    contact, place
        (m,) contact of a place, place of a contact.
    sender, into, station
        (m,) of a place: its sender, its receiver, and that again if it is a station, else -1.
    blocked
        (m,) uint8, 1 for places that must not be used.
    hops, hops_known
        (n, n) uint8 the least number of hops from a node to a node over pairs that ever meet, 254
        for more, `NO_WAY` for none; rows are filled when first asked for, `hops_known` (n,) uint8.
    downs_of, down, down_end
        (n + 1,) where the contacts of a sender with any station begin in (d,) their places, by
        start, and (d,) the running maximum of their ends.
    part
        (n,) the connected part that a satellite belongs to.
    lasts_of
        (parts + n + 1,) where the last hops begin: of a part, to any station; then of a node.
    last, last_end
        (k,) place of each last hop, and the running maximum of their ends.
    lasts
        (m, 2) the rows in `last` that a place has (to any station, to its receiver), or -1.
    """

    pairs_of: Numbers
    relays_to: Numbers
    receiver: Numbers
    places_of: Numbers
    table: Numbers
    real: NDArray[np.float64]
    latest_end: Numbers
    contact: Numbers
    place: Numbers
    sender: Numbers
    into: Numbers
    station: Numbers
    blocked: NDArray[np.uint8]
    hops: NDArray[np.uint8]
    hops_known: NDArray[np.uint8]
    downs_of: Numbers
    down: Numbers
    down_end: Numbers
    part: Numbers
    lasts_of: Numbers
    last: Numbers
    last_end: Numbers
    lasts: Numbers


def build_graph(plan: ContactPlan) -> Graph:
    """Return the arrays of a plan."""
    nodes, count = len(plan.nodes), len(plan)
    sender, receiver = plan.sender.astype(np.int64), plan.receiver.astype(np.int64)
    relay = np.isin(np.arange(nodes), sender)
    order = np.lexsort((plan.start_ns, receiver, ~relay[receiver], sender))
    place = np.empty(count, np.int64)
    place[order] = np.arange(count)
    sender, receiver = sender[order], receiver[order]
    table = np.empty((count, 4), np.int64)
    for column, values in enumerate((plan.start_ns, plan.end_ns, plan.light_time_ns)):
        table[:, column] = values[order]
    real = table.view(np.float64)
    real[:, RATE] = plan.rate_bps[order]
    new = np.ones(count, bool)
    new[1:] = (sender[1:] != sender[:-1]) | (receiver[1:] != receiver[:-1])
    pair_places = np.flatnonzero(new)
    pair_sender, pair_receiver = sender[pair_places], receiver[pair_places]
    pairs_of = _offsets(pair_sender, nodes)
    relays = np.bincount(pair_sender[relay[pair_receiver]], minlength=nodes)
    flying = (pair_sender < plan.satellites) & (pair_receiver < plan.satellites)
    links = coo_array(
        (np.ones(flying.sum(), np.int8), (pair_sender[flying], pair_receiver[flying])),
        shape=(nodes, nodes),
    )
    parts, part = connected_components(links, directed=False)
    down = np.flatnonzero(receiver >= plan.satellites)
    by_sender = down[np.lexsort((table[down, START], sender[down]))]
    segment = np.concatenate([part[sender[down]], parts + receiver])
    last = np.concatenate([down, np.arange(count)])
    by_start = np.lexsort((last, table[last, START], segment))
    rows = np.empty(last.size, np.int64)
    rows[by_start] = np.arange(last.size)
    lasts = np.full((count, 2), -1, np.int64)
    lasts[down, 0], lasts[:, 1] = rows[: down.size], rows[down.size :]
    last, segment = last[by_start], segment[by_start]
    return Graph(
        pairs_of=pairs_of,
        relays_to=pairs_of[:-1] + relays,
        receiver=pair_receiver,
        places_of=np.append(pair_places, count),
        table=table,
        real=real,
        latest_end=_running_maximum(table[:, END], np.cumsum(new)),
        contact=order,
        place=place,
        sender=sender,
        into=receiver,
        station=np.where(receiver < plan.satellites, -1, receiver),
        blocked=np.zeros(count, np.uint8),
        hops=np.zeros((nodes, nodes), np.uint8),
        hops_known=np.zeros(nodes, np.uint8),
        downs_of=_offsets(sender[by_sender], nodes),
        down=by_sender,
        down_end=_running_maximum(table[by_sender, END], sender[by_sender]),
        part=part.astype(np.int64),
        lasts_of=_offsets(segment, parts + nodes),
        last=last,
        last_end=_running_maximum(table[last, END], segment),
        lasts=lasts,
    )


def _offsets(group: Numbers, groups: int) -> Numbers:
    """Return where each group begins in a sorted column of group numbers."""
    return np.searchsorted(group, np.arange(groups + 1)).astype(np.int64)


def _running_maximum(values: Numbers, group: Numbers) -> Numbers:
    """Return the running maximum of values within groups; `group` ascends."""
    out = values.copy()
    _accumulate(out, np.ascontiguousarray(group, dtype=np.int64))
    return out


@njit_bare
def _accumulate(values: Numbers, group: Numbers) -> None:
    for i in range(1, values.size):
        if group[i] == group[i - 1] and values[i] < values[i - 1]:
            values[i] = values[i - 1]


@njit_bare
def hop_row(graph: Graph, node: int, queue: Numbers) -> None:
    """Fill the row of `graph.hops` from a node, breadth first; `queue` (n,) is scratch."""
    row = graph.hops[node]
    row[:] = NO_WAY
    row[node] = 0
    queue[0] = node
    head, tail = 0, 1
    while head < tail:
        here = queue[head]
        head += 1
        further = min(int(row[here]) + 1, NO_WAY - 1)
        for pair in range(graph.pairs_of[here], graph.relays_to[here]):
            there = graph.receiver[pair]
            if row[there] == NO_WAY:
                row[there] = further
                queue[tail] = there
                tail += 1
    graph.hops_known[node] = 1
