"""The compiled search: earliest arrival with all four keys, steered by what is left of the way.

Label setting on the nodes, best first (A*; Hart, Nilsson and Raphael, 1968). A label's key is what
a route through it can at best become: for each *last hop* into the sink that is still open, the
label's time plus the least time of the hops that lie between, then that hop's own free slot, its
transmission and light time; the same for hops, termination and entry. The least over all last hops
is a bound that never falls along a way, so the first answer that no key undercuts is the best one.
Last hops are listed lazily, by start, only as far as they can matter; if none has room, there is
nothing to search. See docs/design/network.md.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from orbitloom.network.booking import NEVER, Lines, fit, longest_gap
from orbitloom.network.graph import BLOCK, END, LIGHT, NO_WAY, RATE, START, Graph, hop_row
from orbitloom.network.kernel import njit_bare
from orbitloom.wire import Priority

__all__ = [
    "ANY_STATION",
    "ARRIVAL",
    "ENTRY",
    "FULL",
    "HOPS",
    "MINUS_END",
    "NODE",
    "NOTHING",
    "PARENT",
    "PLACE",
    "SENT",
    "Bounds",
    "Scratch",
    "Task",
    "better",
    "clear",
    "first_contact",
    "is_dominated",
    "is_outdone",
    "make_bounds",
    "make_scratch",
    "new_label",
    "open_label",
    "pop",
    "push",
    "search",
]

Numbers = NDArray[np.int64]
Floats = NDArray[np.float64]

ANY_STATION = -1
"""A task's sink: anycast."""

NOTHING, FULL = -1, -2
_WAITS = -3
_MOST_LABELS = 20_000
"""What `search` returns instead of a label: there is no way; the scratch arrays are too small."""

_FOREVER = 2**62

# Columns of a label.
NODE, ARRIVAL, HOPS, MINUS_END, ENTRY, PLACE, SENT, PARENT = range(8)
_NEXT, _KEY_HOPS, _KEY_END, _DEAD = range(8, 12)
# Columns of a last hop that has room.
_AT_BEST, _SENDER, _SLOT, _LENGTH, _LIGHT, _END = range(6)
# Entries of `Scratch.state`.
_LABELS, _HEAP, _LISTED, _LOW, _ROW, _STOP, _FRONTIER, _EPOCH = range(8)


class Scratch(NamedTuple):
    """Memory of one search, used again by the next.

    Attributes
    ----------
    label
        (k, 12) int64.
    key, heap
        (k,) the heap: arrivals and labels.
    head, stamp
        (n,) the newest label of a node, and in which search it was made.
    listed
        (k, 6) last hops with room, by the arrival that they allow at best.
    queue, path, places
        (n,), (n, 2), (n,) for counting hops, and for the way found.
    state
        Counters.
    roomiest
        (1,) float64.
    """

    label: Numbers
    key: Numbers
    heap: Numbers
    head: Numbers
    stamp: Numbers
    listed: Numbers
    queue: Numbers
    path: Numbers
    places: Numbers
    state: Numbers
    roomiest: Floats


class Bounds(NamedTuple):
    """What makes the search goal-directed.

    Attributes
    ----------
    room
        (k, priorities) at least the longest free stretch of each last hop, ns times bit/s: lowered
        where a slot was looked for in vain, reset where bookings are given back.
    block_room
        (k / BLOCK, priorities) at least the largest of a block.
    fastest
        (4,) highest rate and least light time of any hop, and of a last hop to a station.
    """

    room: Floats
    block_room: Floats
    fastest: Floats


class Task(NamedTuple):
    """One question: from which node and when, how much, to where, how late at most.

    If `coarse`, routes are told apart by arrival and hops only where that saves labels.
    """

    node: int
    t_ns: int
    bits_ns: float
    priority: int
    sink: int
    latest_ns: int
    satellites: int
    coarse: bool


def make_scratch(nodes: int, size: int = 4096) -> Scratch:
    """Return memory for searches over that many nodes, with `size` labels."""
    return Scratch(
        label=np.empty((size, 12), np.int64),
        key=np.empty(size, np.int64),
        heap=np.empty(size, np.int64),
        head=np.empty(nodes, np.int64),
        stamp=np.zeros(nodes, np.int64),
        listed=np.empty((size, 6), np.int64),
        queue=np.empty(nodes, np.int64),
        path=np.empty((nodes, 2), np.int64),
        places=np.empty(nodes, np.int64),
        state=np.zeros(8, np.int64),
        roomiest=np.zeros(1),
    )


def make_bounds(graph: Graph) -> Bounds:
    """Return the bounds of a plan with nothing booked."""
    blocks = -(-graph.last.size // BLOCK)
    down = graph.lasts[:, 0] >= 0
    fastest = np.array([1.0, 0.0, 1.0, 0.0])
    for at, which in ((0, np.ones_like(down)), (2, down)):
        if which.any():
            fastest[at] = graph.real[which, RATE].max()
            fastest[at + 1] = graph.table[which, LIGHT].min()
    return Bounds(
        room=np.full((graph.last.size, len(Priority)), np.inf),
        block_room=np.full((blocks, len(Priority)), np.inf),
        fastest=fastest,
    )


@njit_bare
def better(
    arrival: int,
    hops: int,
    minus_end: int,
    entry: int,
    other_arrival: int,
    other_hops: int,
    other_minus_end: int,
    other_entry: int,
) -> bool:
    """Tell whether four keys come before four others."""
    if arrival != other_arrival:
        return bool(arrival < other_arrival)
    if hops != other_hops:
        return bool(hops < other_hops)
    if minus_end != other_minus_end:
        return bool(minus_end < other_minus_end)
    return bool(entry < other_entry)


@njit_bare
def _before(scratch: Scratch, key: int, a: int, other: int, b: int) -> bool:
    """Tell whether label `a` leaves the heap before `b`; among equals the newer one."""
    if key != other:
        return bool(key < other)
    label = scratch.label
    for column in (_KEY_HOPS, _KEY_END, ENTRY):
        if label[a, column] != label[b, column]:
            return bool(label[a, column] < label[b, column])
    return bool(a > b)


@njit_bare
def push(scratch: Scratch, key: int, label: int) -> None:
    """Put a label on the heap."""
    i = scratch.state[_HEAP]
    scratch.state[_HEAP] = i + 1
    while i > 0:
        above = (i - 1) >> 1
        if not _before(scratch, key, label, scratch.key[above], scratch.heap[above]):
            break
        scratch.key[i], scratch.heap[i] = scratch.key[above], scratch.heap[above]
        i = above
    scratch.key[i], scratch.heap[i] = key, label


@njit_bare
def pop(scratch: Scratch) -> tuple[int, int]:
    """Take the first label from the heap; return its key and it."""
    top_key, top = scratch.key[0], scratch.heap[0]
    size = scratch.state[_HEAP] - 1
    scratch.state[_HEAP] = size
    key, label = scratch.key[size], scratch.heap[size]
    i = 0
    while True:
        below = 2 * i + 1
        if below >= size:
            break
        if below + 1 < size and _before(
            scratch,
            scratch.key[below + 1],
            scratch.heap[below + 1],
            scratch.key[below],
            scratch.heap[below],
        ):
            below += 1
        if not _before(scratch, scratch.key[below], scratch.heap[below], key, label):
            break
        scratch.key[i], scratch.heap[i] = scratch.key[below], scratch.heap[below]
        i = below
    scratch.key[i], scratch.heap[i] = key, label
    return top_key, top


@njit_bare
def _list_last_hops(
    graph: Graph, lines: Lines, bounds: Bounds, scratch: Scratch, task: Task, limit_ns: int
) -> bool:
    """List the last hops that begin by `limit_ns`, at least one; False if there is no memory.

    Afterwards `state[_FRONTIER]` is a time before which no last hop not yet listed arrives.
    """
    state, listed = scratch.state, scratch.listed
    p, t_ns, bits = task.priority, task.t_ns, task.bits_ns
    hop_ns = int(bits / bounds.fastest[0]) + int(bounds.fastest[1])
    row, stop, known = state[_ROW], state[_STOP], state[_LISTED]
    while row < stop:
        if row % BLOCK == 0:
            scratch.roomiest[0] = 0.0
            if bounds.block_room[row // BLOCK, p] < bits:
                row += BLOCK
                continue
        place = graph.last[row]
        start, end = graph.table[place, START], graph.table[place, END]
        if start > limit_ns and state[_LISTED] > known:
            break
        if state[_LISTED] >= listed.shape[0]:
            state[_ROW] = row
            return False
        if bounds.room[row, p] >= bits and end > t_ns and not graph.blocked[place]:
            sender = graph.sender[place]
            hops = int(graph.hops[task.node, sender])
            if hops != NO_WAY:
                since = max(start, t_ns + hops * hop_ns)
                length = int(np.ceil(bits / graph.real[place, RATE]))
                slot = fit(lines, place, p, since, length, end)
                if slot != NEVER:
                    light = graph.table[place, LIGHT]
                    at_best = slot + length + light
                    i = state[_LISTED]
                    state[_LISTED] = i + 1
                    while i > 0 and listed[i - 1, _AT_BEST] > at_best:
                        for column in range(6):
                            listed[i, column] = listed[i - 1, column]
                        i -= 1
                    listed[i, _AT_BEST], listed[i, _SENDER] = at_best, sender
                    listed[i, _SLOT], listed[i, _LENGTH] = slot, length
                    listed[i, _LIGHT], listed[i, _END] = light, end
                elif since == start:
                    gap = longest_gap(lines, place, p, start, end)
                    bounds.room[row, p] = gap * graph.real[place, RATE] * (1.0 + 1e-12)
        scratch.roomiest[0] = max(scratch.roomiest[0], bounds.room[row, p])
        row += 1
        if row % BLOCK == 0 and row - BLOCK >= state[_LOW]:  # all of a block was looked at
            bounds.block_room[row // BLOCK - 1, p] = scratch.roomiest[0]
    state[_ROW] = min(row, stop)
    state[_FRONTIER] = _FOREVER
    if row < stop:
        state[_FRONTIER] = graph.table[graph.last[row], START]
        if task.sink == ANY_STATION:
            tail = bits / bounds.fastest[2] + bounds.fastest[3]
            state[_FRONTIER] += int(tail)
        else:
            state[_FRONTIER] += hop_ns
    return True


@njit_bare
def _estimate(
    graph: Graph, bounds: Bounds, scratch: Scratch, task: Task, node: int, t_ns: int
) -> tuple[int, int, int]:
    """Return the least arrival, hops and minus end of what can follow from a node at a time.

    An arrival not before `state[_FRONTIER]` is only a bound: more last hops must be listed.
    """
    state, listed = scratch.state, scratch.listed
    if not graph.hops_known[node]:
        hop_row(graph, node, scratch.queue)
    row = graph.hops[node]
    hop_ns = int(task.bits_ns / bounds.fastest[0]) + int(bounds.fastest[1])
    arrival, hops, minus_end = state[_FRONTIER], 0, -_FOREVER
    for i in range(state[_LISTED]):
        if listed[i, _AT_BEST] > arrival:
            break
        between = int(row[listed[i, _SENDER]])
        if between == NO_WAY:
            continue
        then = max(listed[i, _SLOT], t_ns + between * hop_ns) + listed[i, _LENGTH]
        if then > listed[i, _END]:
            continue
        then += listed[i, _LIGHT]
        minus = -listed[i, _END]
        if better(then, between, minus, 0, arrival, hops, minus_end, 0):
            arrival, hops, minus_end = then, between, minus
    return arrival, hops + 1, minus_end


@njit_bare
def first_contact(
    graph: Graph, lines: Lines, task: Task, pair: int, t_ns: int, bound_ns: int
) -> tuple[int, int, int]:
    """Return arrival, place and start of the contact of a pair that is there first.

    Of two at the same time the one that ends later; arrival `NEVER` if none is there by
    `bound_ns`.
    """
    low, high = graph.places_of[pair], graph.places_of[pair + 1]
    last = high
    while low < high:
        middle = (low + high) >> 1
        if graph.latest_end[middle] <= t_ns:
            low = middle + 1
        else:
            high = middle
    best, place, begin = NEVER, -1, 0
    for here in range(low, last):
        start = graph.table[here, START]
        if start > bound_ns:
            break
        if graph.blocked[here]:
            continue
        length = int(np.ceil(task.bits_ns / graph.real[here, RATE]))
        end = graph.table[here, END]
        slot = fit(lines, here, task.priority, max(start, t_ns), length, end)
        if slot == NEVER:
            continue
        arrival = slot + length + graph.table[here, LIGHT]
        if arrival > bound_ns or (
            arrival == best and graph.table[here, END] <= graph.table[place, END]
        ):
            continue
        best, place, begin, bound_ns = arrival, here, slot, arrival
    return best, place, begin


@njit_bare
def _first_down(
    graph: Graph,
    lines: Lines,
    task: Task,
    node: int,
    t_ns: int,
    so_far: int,
    entry: int,
    best: tuple[int, int, int],
) -> tuple[int, int, int]:
    """Return arrival, place and start of the best contact of a node with any station.

    `so_far` and `entry` are keys of the way to the node, `best` those of the best route that has
    as many hops: arrival, minus end, entry. Arrival `NEVER` if there is none before it.
    """
    low, high = graph.downs_of[node], graph.downs_of[node + 1]
    last = high
    while low < high:
        middle = (low + high) >> 1
        if graph.down_end[middle] <= t_ns:
            low = middle + 1
        else:
            high = middle
    arrival, place, begin = NEVER, -1, 0
    bound, bound_end, bound_entry = best
    for i in range(low, last):
        here = graph.down[i]
        start = graph.table[here, START]
        if start > bound:
            break
        end = graph.table[here, END]
        if end <= t_ns or graph.blocked[here]:
            continue
        length = int(np.ceil(task.bits_ns / graph.real[here, RATE]))
        slot = fit(lines, here, task.priority, max(start, t_ns), length, end)
        if slot == NEVER:
            continue
        then, minus_end = slot + length + graph.table[here, LIGHT], max(so_far, -end)
        enters = graph.station[here] if entry < 0 else entry
        if better(then, 0, minus_end, enters, bound, 0, bound_end, bound_entry):
            arrival, place, begin = then, here, slot
            bound, bound_end, bound_entry = then, minus_end, enters
    return arrival, place, begin


@njit_bare
def is_dominated(
    scratch: Scratch, node: int, arrival: int, hops: int, minus_end: int, entry: int, keys: int
) -> bool:
    """Tell whether a label of the node is no worse; mark those that are no better.

    No worse in each of the first `keys` keys (1, 2 or 4), or equal in them and no worse after
    that.
    """
    label, state = scratch.label, scratch.state
    if scratch.stamp[node] != state[_EPOCH]:
        scratch.stamp[node] = state[_EPOCH]
        scratch.head[node] = -1
        return False
    i, before = scratch.head[node], -1
    while i >= 0:
        row = label[i]
        no_later, no_earlier = row[ARRIVAL] <= arrival, row[ARRIVAL] >= arrival
        fewer, more = row[HOPS] <= hops, row[HOPS] >= hops
        if keys == 4:
            no_worse = fewer and row[MINUS_END] <= minus_end and row[ENTRY] <= entry
            no_better = more and row[MINUS_END] >= minus_end and row[ENTRY] >= entry
        else:
            ahead = better(
                row[ARRIVAL],
                row[HOPS],
                row[MINUS_END],
                row[ENTRY],
                arrival,
                hops,
                minus_end,
                entry + 1,
            )
            no_worse = ahead and (keys == 1 or fewer)
            no_better = not ahead and (keys == 1 or more)
        if no_later and no_worse:
            return True
        if no_earlier and no_better:
            row[_DEAD] = 1
            if before < 0:
                scratch.head[node] = row[_NEXT]
            else:
                label[before, _NEXT] = row[_NEXT]
        else:
            before = i
        i = row[_NEXT]
    return False


@njit_bare
def clear(scratch: Scratch, node: int) -> None:
    """Begin a new set of labels, at that node."""
    scratch.state[_LABELS], scratch.state[_HEAP] = 0, 0
    scratch.state[_EPOCH] += 1
    scratch.stamp[node], scratch.head[node] = scratch.state[_EPOCH], -1


@njit_bare
def is_outdone(scratch: Scratch, label: int) -> bool:
    """Tell whether a better label of its node has come since."""
    return bool(scratch.label[label, _DEAD])


@njit_bare
def new_label(
    scratch: Scratch,
    node: int,
    arrival: int,
    hops: int,
    minus_end: int,
    entry: int,
    place: int,
    sent: int,
    parent: int,
) -> int:
    """Write a label; return its number, or `FULL`."""
    new = scratch.state[_LABELS]
    if new >= scratch.label.shape[0]:
        return FULL
    scratch.state[_LABELS] = new + 1
    row = scratch.label[new]
    row[NODE], row[ARRIVAL], row[HOPS], row[MINUS_END] = node, arrival, hops, minus_end
    row[ENTRY], row[PLACE], row[SENT], row[PARENT], row[_DEAD] = entry, place, sent, parent, 0
    return int(new)


@njit_bare
def open_label(scratch: Scratch, new: int, key: int, key_hops: int, key_end: int) -> None:
    """Put a label on the heap and to its node."""
    node = scratch.label[new, NODE]
    scratch.label[new, _KEY_HOPS], scratch.label[new, _KEY_END] = key_hops, key_end
    scratch.label[new, _NEXT] = scratch.head[node]
    scratch.head[node] = new
    push(scratch, key, new)


@njit_bare
def search(graph: Graph, lines: Lines, bounds: Bounds, scratch: Scratch, task: Task) -> int:
    """Return the best label at the sink; its parents lead back to the node asked from (place -1).

    `NOTHING` if there is no way, `FULL` if the scratch arrays must grow first.
    """
    state = scratch.state
    # The last hops of this sink that have not all passed.
    segment = graph.part[task.node]
    if task.sink != ANY_STATION:
        segment = graph.lasts_of.size - 1 - graph.part.size + task.sink
    low, high = graph.lasts_of[segment], graph.lasts_of[segment + 1]
    state[_STOP] = high
    while low < high:
        middle = (low + high) >> 1
        if graph.last_end[middle] <= task.t_ns:
            low = middle + 1
        else:
            high = middle
    state[_LOW], state[_ROW], state[_LISTED] = low, low, 0
    if not graph.hops_known[task.node]:
        hop_row(graph, task.node, scratch.queue)
    if not _list_last_hops(graph, lines, bounds, scratch, task, task.t_ns):
        return FULL
    found = _WAITS
    if state[_LISTED]:
        hop_ns = int(task.bits_ns / bounds.fastest[0]) + int(bounds.fastest[1])
        hops = int(graph.hops[task.node, scratch.listed[0, _SENDER]])
        if scratch.listed[0, _SLOT] <= task.t_ns + hops * hop_ns:  # else it is sure to wait
            found = _label_setting(graph, lines, bounds, scratch, task, 1)
    if found == _WAITS and not task.coarse:
        found = _label_setting(graph, lines, bounds, scratch, task, 4)
    if found == _WAITS:
        found = _label_setting(graph, lines, bounds, scratch, task, 2)
    return int(found)


@njit_bare
def _label_setting(
    graph: Graph, lines: Lines, bounds: Bounds, scratch: Scratch, task: Task, keys: int
) -> int:
    """Search with those labels of a node that are not worse in the first `keys` keys.

    With one key, only the earliest: right if no transmission in reach has to wait, for then who is
    later at a node is later at the sink. If one has to, `_WAITS` is returned. With two, arrival and
    hops are right. With four, all; `_WAITS` if that takes more than `_MOST_LABELS` labels.
    """
    label, state = scratch.label, scratch.state
    clear(scratch, task.node)
    best, best_hops, best_end, best_entry = task.latest_ns, _FOREVER, 0, 0
    found, first_wait = NOTHING, _FOREVER
    new = new_label(scratch, task.node, task.t_ns, 0, -_FOREVER, -1, -1, 0, -1)
    open_label(scratch, new, task.t_ns, 0, -_FOREVER)
    while state[_HEAP]:
        if keys == 4 and state[_LABELS] > _MOST_LABELS:
            return _WAITS
        key, here = pop(scratch)
        if keys == 1:
            if key > best:
                break
            if key >= first_wait:
                return _WAITS
        elif not better(
            key,
            label[here, _KEY_HOPS],
            label[here, _KEY_END],
            label[here, ENTRY],
            best,
            best_hops,
            best_end,
            best_entry,
        ):
            break
        if label[here, _DEAD]:
            continue
        node, t_ns = label[here, NODE], label[here, ARRIVAL]
        so_far, entered = label[here, MINUS_END], label[here, ENTRY]
        if key >= state[_FRONTIER] or here == 0:
            # The key was only a bound: list what it left open, and queue again if it was low.
            if key >= state[_FRONTIER] and not _list_last_hops(
                graph, lines, bounds, scratch, task, key
            ):
                return FULL
            firm, firm_hops, firm_end = _estimate(graph, bounds, scratch, task, node, t_ns)
            firm_hops += label[here, HOPS]
            firm_end = max(firm_end, so_far)
            if better(
                key,
                label[here, _KEY_HOPS],
                label[here, _KEY_END],
                0,
                firm,
                firm_hops,
                firm_end,
                0,
            ):
                if firm <= best:
                    label[here, _KEY_HOPS], label[here, _KEY_END] = firm_hops, firm_end
                    push(scratch, firm, here)
                continue
        hops = label[here, HOPS] + 1
        # The last hop.
        if task.sink == ANY_STATION:
            bound_end, bound_entry = best_end, best_entry
            if best_hops < hops:
                bound_end, bound_entry = -_FOREVER, -1
            elif best_hops > hops:
                bound_end, bound_entry = _FOREVER, _FOREVER
            arrival, place, sent = _first_down(
                graph, lines, task, node, t_ns, so_far, entered, (best, bound_end, bound_entry)
            )
            there = graph.station[place] if place >= 0 else -1
        else:
            arrival, place, sent, there = NEVER, -1, 0, task.sink
            for pair in range(graph.pairs_of[node], graph.pairs_of[node + 1]):
                if graph.receiver[pair] == there:
                    arrival, place, sent = first_contact(graph, lines, task, pair, t_ns, best)
        if arrival != NEVER:
            if sent > t_ns:
                first_wait = min(first_wait, arrival)
            entry = there if entered < 0 else entered
            minus_end = max(so_far, -graph.table[place, END])
            if better(arrival, hops, minus_end, entry, best, best_hops, best_end, best_entry):
                best, best_hops, best_end, best_entry = arrival, hops, minus_end, entry
                found = new_label(
                    scratch, there, arrival, hops, minus_end, entry, place, sent, here
                )
                if found == FULL:
                    return FULL
        # All others.
        for pair in range(graph.pairs_of[node], graph.relays_to[node]):
            there = graph.receiver[pair]
            if there == task.sink or (there >= task.satellites and task.sink == ANY_STATION):
                continue
            arrival, place, sent = first_contact(graph, lines, task, pair, t_ns, best)
            if arrival == NEVER:
                continue
            if sent > t_ns:
                first_wait = min(first_wait, arrival)
            minus_end = max(so_far, -graph.table[place, END])
            entry = there if entered < 0 else entered
            if is_dominated(scratch, there, arrival, hops, minus_end, entry, keys):
                continue
            key, key_hops, key_end = _estimate(graph, bounds, scratch, task, there, arrival)
            key_hops += hops
            key_end = max(key_end, minus_end)
            if key > best or (
                keys > 1
                and not better(key, key_hops, key_end, entry, best, best_hops, best_end, best_entry)
            ):
                continue
            new = new_label(scratch, there, arrival, hops, minus_end, entry, place, sent, here)
            if new == FULL:
                return FULL
            open_label(scratch, new, key, key_hops, key_end)
    if keys == 1 and first_wait <= best:
        return _WAITS
    return int(found)
