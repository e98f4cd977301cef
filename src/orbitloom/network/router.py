"""Earliest-arrival routing over a contact plan, with booked volume.

Label setting after Dijkstra on the nodes; the graph of contacts is never built. From each settled
node and to each of its neighbours the search takes the contact that gets there first, found by
binary search. The sink is any station, or the node that a bundle is for. Of routes that arrive
together the one with fewer hops wins, then the one that lasts longer, then the one whose first hop
goes to the node of smaller number: the order of CCSDS 734.3-B-1 (Schedule-Aware Bundle Routing).
See docs/design/network.md.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Container
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import accumulate
from typing import Protocol

from orbitloom.network.booking import Timeline
from orbitloom.wire import Bundle, ContactPlan, Priority

__all__ = ["Hop", "Route", "Router", "RouterProtocol"]

_FOREVER_NS = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One transmission: which contact, from when to when, and when the last bit is there."""

    contact: int
    start_ns: int
    end_ns: int
    arrival_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A way to a station.

    `size_bytes` is how much it carries: the whole bundle, or the leading part of a divisible one.
    """

    hops: tuple[Hop, ...]
    arrival_ns: int
    size_bytes: int


class RouterProtocol(Protocol):
    """What the twin needs of a router; its promises are `orbitloom.testing.router`."""

    def route(
        self, bundle: Bundle, node: int, t_ns: int, *, exclude: Container[int] = ()
    ) -> Route | None:
        """Return the way for a bundle that is at a node at a time, or None if there is none."""
        ...

    def book(self, route: Route, bundle: Bundle) -> None:
        """Reserve the contacts' time that a route uses."""
        ...

    def release(self, route: Route, bundle: Bundle, from_hop: int) -> None:
        """Give back what was booked from that hop on."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Link:
    """All contacts of one ordered pair of nodes, by start; `latest_end` is a running maximum."""

    receiver: int
    contacts: tuple[int, ...]
    latest_end: list[int]


@dataclass(slots=True)  # not frozen: made in the innermost loop, and freezing triples its cost
class _Label:
    """A way to a node: its last transmission and the label it came from."""

    node: int
    arrival_ns: int
    contact: int = -1
    start_ns: int = 0
    parent: _Label | None = None


class Router:
    """Earliest arrival at any station, over the free time of the contacts.

    Each contact keeps one timeline of busy time a priority, which holds what is booked at that or
    a higher priority. So a higher priority does not see lower bookings, and booking it moves them
    back.

    Parameters
    ----------
    plan
        The contacts.
    least_part_bytes
        A divisible bundle is not cut into parts smaller than this (its last one may be): half a
        second of an X-band downlink.
    """

    def __init__(self, plan: ContactPlan, *, least_part_bytes: int = 10_000_000) -> None:
        self._least_part_bytes = least_part_bytes
        self._satellites = plan.satellites
        self._receiver: list[int] = plan.receiver.tolist()
        self._start_ns: list[int] = plan.start_ns.tolist()
        self._end_ns: list[int] = plan.end_ns.tolist()
        self._light_ns: list[int] = plan.light_time_ns.tolist()
        self._rate_bps: list[float] = plan.rate_bps.tolist()
        self._busy: dict[int, tuple[Timeline, ...]] = {}
        pairs: dict[tuple[int, int], list[int]] = {}
        for contact, pair in enumerate(zip(plan.sender.tolist(), self._receiver, strict=True)):
            pairs.setdefault(pair, []).append(contact)
        self._links: list[list[_Link]] = [[] for _ in plan.nodes]
        for (sender, receiver), contacts in sorted(pairs.items()):
            latest = list(accumulate((self._end_ns[c] for c in contacts), max))
            link = _Link(receiver=receiver, contacts=tuple(contacts), latest_end=latest)
            self._links[sender].append(link)

    def route(
        self, bundle: Bundle, node: int, t_ns: int, *, exclude: Container[int] = ()
    ) -> Route | None:
        """Return the route of earliest arrival: at any station, or at the bundle's destination.

        A whole bundle needs, on each hop, one free stretch that holds all of it. A divisible one
        gets the way on which its first part arrives first, and as large a leading part as fits
        there; book that and route the rest again.

        Parameters
        ----------
        bundle
            What to send.
        node
            Number of the node that holds it.
        t_ns
            From when on it can be sent.
        exclude
            Numbers of contacts that must not be used.

        Returns
        -------
        Route or None
            None if the plan holds no way. At a station the route has no hops.
        """
        size = bundle.size_bytes
        if bundle.divisible:
            size = min(size, self._least_part_bytes)
        label = self._search(size, bundle, node, t_ns, exclude)
        if label is None:
            return None
        path: list[_Label] = []
        while label.parent is not None:
            path.append(label)
            label = label.parent
        path.reverse()
        if bundle.divisible and path:
            size = self._largest_part(bundle, path, t_ns, size)
        return self._timed(path, bundle.priority, size, t_ns)

    def book(self, route: Route, bundle: Bundle) -> None:
        """Reserve the time of a route just found; bookings of lower priority move back."""
        for hop in route.hops:
            lines = self._busy.get(hop.contact)
            if lines is None:
                lines = self._busy[hop.contact] = tuple(Timeline() for _ in Priority)
            for line in lines[bundle.priority :]:
                line.insert(hop.start_ns, hop.end_ns - hop.start_ns)

    def release(self, route: Route, bundle: Bundle, from_hop: int) -> None:
        """Give back what was booked for a route from that hop on (0 is the first)."""
        for hop in route.hops[from_hop:]:
            for line in self._busy[hop.contact][bundle.priority :]:
                line.remove(hop.start_ns, hop.end_ns - hop.start_ns)

    def _search(
        self, size_bytes: int, bundle: Bundle, node: int, t_ns: int, exclude: Container[int]
    ) -> _Label | None:
        """Return the best label at the sink, or None.

        A node may keep several labels: one that arrives later but has fewer hops can still win a
        tie further on, where both wait for the same pass. A label is dropped when another one at
        its node is no worse in all four keys.
        """
        bits_ns = size_bytes * 8e9
        bound = _FOREVER_NS
        settled: list[list[tuple[int, int, int]]] = [[] for _ in self._links]
        serial = 0
        heap = [(t_ns, 0, -_FOREVER_NS, -1, serial, _Label(node, t_ns))]
        while heap:
            arrival, hops, minus_end, entry, _, label = heappop(heap)
            here = label.node
            if _dominated(settled[here], hops, minus_end, entry):
                continue
            if self._is_sink(here, bundle):
                return label
            settled[here].append((hops, minus_end, entry))
            hops += 1
            for link in self._links[here]:
                there = link.receiver
                found = self._first(link, arrival, bits_ns, bundle.priority, exclude, bound)
                if found is None:
                    continue
                then, minus_last, contact, start = found
                first = there if entry < 0 else entry
                last = max(minus_end, minus_last)
                if _dominated(settled[there], hops, last, first):
                    continue
                if self._is_sink(there, bundle):
                    bound = min(bound, then)
                serial += 1
                step = _Label(there, then, contact, start, label)
                heappush(heap, (then, hops, last, first, serial, step))
        return None

    def _is_sink(self, node: int, bundle: Bundle) -> bool:
        if bundle.destination is None:
            return node >= self._satellites
        return node == bundle.destination

    def _first(
        self,
        link: _Link,
        t_ns: int,
        bits_ns: float,
        priority: Priority,
        exclude: Container[int],
        bound_ns: int,
    ) -> tuple[int, int, int, int] | None:
        """Return arrival, minus its end, number and start of the contact that is there first."""
        best: tuple[int, int, int, int] | None = None
        for i in range(bisect_right(link.latest_end, t_ns), len(link.contacts)):
            contact = link.contacts[i]
            start = self._start_ns[contact]
            if start > bound_ns:
                break
            if contact in exclude:
                continue
            length = math.ceil(bits_ns / self._rate_bps[contact])
            begin = self._fit(contact, priority, max(start, t_ns), length)
            if begin is None:
                continue
            arrival = begin + length + self._light_ns[contact]
            if arrival > bound_ns:
                continue
            if best is not None and (arrival, -self._end_ns[contact]) >= best[:2]:
                continue
            best, bound_ns = (arrival, -self._end_ns[contact], contact, begin), arrival
        return best

    def _fit(self, contact: int, priority: Priority, t_ns: int, length_ns: int) -> int | None:
        end = self._end_ns[contact]
        lines = self._busy.get(contact)
        if lines is not None:
            return lines[priority].fit(t_ns, length_ns, end)
        return t_ns if t_ns + length_ns <= end else None

    def _largest_part(self, bundle: Bundle, path: list[_Label], t_ns: int, least: int) -> int:
        """Return how many bytes fit the free stretches that a path's first part was put in.

        With stretches g_i..h_i, light times l_i and rates r_i, x bits leave hop i at
        max over j <= i of g_j + l_j + ... + l_(i-1) + x (1/r_j + ... + 1/r_i), which must not be
        after h_i. One nanosecond a hop is kept for rounding up.
        """
        bits = bundle.size_bytes * 8.0
        ready: list[tuple[int, float]] = []
        available = t_ns
        for label in path:
            contact = label.contact
            since, until = self._start_ns[contact], self._end_ns[contact]
            lines = self._busy.get(contact)
            if lines is not None:
                line = lines[bundle.priority]
                since = line.free_since(label.start_ns, since)
                until = line.free_until(label.start_ns, until)
            slowness = 1e9 / self._rate_bps[contact]
            ready.append((max(since, available), 0.0))
            ready = [(begin, total + slowness) for begin, total in ready]
            bits = min(bits, *((until - begin - len(ready)) / total for begin, total in ready))
            light = self._light_ns[contact]
            ready = [(begin + light, total) for begin, total in ready]
            available = -_FOREVER_NS
        return max(least, math.floor(bits / 8.0))

    def _timed(self, path: list[_Label], priority: Priority, size: int, t_ns: int) -> Route:
        hops = []
        for label in path:
            contact = label.contact
            length = math.ceil(size * 8e9 / self._rate_bps[contact])
            start = self._fit(contact, priority, max(t_ns, self._start_ns[contact]), length)
            if start is None:  # pragma: no cover - the search found this very slot
                raise AssertionError(f"contact {contact} no longer holds {size} bytes")
            t_ns = start + length + self._light_ns[contact]
            hop = Hop(contact=contact, start_ns=start, end_ns=start + length, arrival_ns=t_ns)
            hops.append(hop)
        return Route(hops=tuple(hops), arrival_ns=t_ns, size_bytes=size)


def _dominated(settled: list[tuple[int, int, int]], hops: int, minus_end: int, entry: int) -> bool:
    """Tell whether an earlier label of the node is no worse in the keys after arrival."""
    return any(h <= hops and m <= minus_end and e <= entry for h, m, e in settled)
