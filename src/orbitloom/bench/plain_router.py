"""The router in plain Python: the same answers, by label setting after Dijkstra without a bound.

The baseline of `orbitloom.bench.routing`, and in the tests a second opinion on plans that are too
large for exhaustive search. Whole bundles only.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from heapq import heappop, heappush
from itertools import accumulate

from orbitloom.network.router import Hop, Route
from orbitloom.wire import Bundle, ContactPlan, Priority

__all__ = ["PlainRouter"]

_FOREVER_NS = 2**62

Steps = tuple[tuple[int, int], ...]


class PlainRouter:
    """Earliest arrival, fewest hops, latest end, smallest entry node; with bookings."""

    def __init__(self, plan: ContactPlan) -> None:
        self._satellites = plan.satellites
        self._start = plan.start_ns.tolist()
        self._end = plan.end_ns.tolist()
        self._light = plan.light_time_ns.tolist()
        self._rate = plan.rate_bps.tolist()
        self._busy: dict[int, tuple[list[tuple[int, int]], ...]] = {}
        pairs: dict[tuple[int, int], list[int]] = {}
        for contact, pair in enumerate(
            zip(plan.sender.tolist(), plan.receiver.tolist(), strict=True)
        ):
            pairs.setdefault(pair, []).append(contact)
        self._links: list[list[tuple[int, list[int], list[int]]]] = [[] for _ in plan.nodes]
        for (sender, receiver), contacts in sorted(pairs.items()):
            latest = list(accumulate((self._end[c] for c in contacts), max))
            self._links[sender].append((receiver, contacts, latest))

    def route(self, bundle: Bundle, node: int, t_ns: int) -> Route | None:
        """Return the best route of a whole bundle."""
        bits_ns, bound = bundle.size_bytes * 8e9, _FOREVER_NS
        settled: list[list[tuple[int, int, int]]] = [[] for _ in self._links]
        heap: list[tuple[int, int, int, int, Steps, int]] = [(t_ns, 0, -_FOREVER_NS, -1, (), node)]
        while heap:
            arrival, hops, minus_end, entry, steps, here = heappop(heap)
            if _dominated(settled[here], hops, minus_end, entry):
                continue
            if self._is_sink(here, bundle):
                return self._route(steps, bits_ns, bundle.size_bytes, arrival)
            settled[here].append((hops, minus_end, entry))
            for there, contacts, latest in self._links[here]:
                found = self._first(contacts, latest, arrival, bits_ns, bundle.priority, bound)
                if found is None:
                    continue
                then, minus_last, contact, start = found
                first, last = there if entry < 0 else entry, max(minus_end, minus_last)
                if _dominated(settled[there], hops + 1, last, first):
                    continue
                if self._is_sink(there, bundle):
                    bound = min(bound, then)
                way = (*steps, (contact, start))
                heappush(heap, (then, hops + 1, last, first, way, there))
        return None

    def tree(self, node: int, t_ns: int) -> list[int | None]:
        """Return the earliest arrival of a bundle without size at every node from one."""
        arrivals: list[int | None] = [None] * len(self._links)
        heap = [(t_ns, node)]
        while heap:
            arrival, here = heappop(heap)
            if arrivals[here] is not None:
                continue
            arrivals[here] = arrival
            for there, contacts, latest in self._links[here]:
                if arrivals[there] is None:
                    found = self._first(
                        contacts, latest, arrival, 0.0, Priority.NORMAL, _FOREVER_NS
                    )
                    if found is not None:
                        heappush(heap, (found[0], there))
        return arrivals

    def book(self, route: Route, bundle: Bundle) -> None:
        """Reserve the time of a route; bookings of lower priority move back."""
        for hop in route.hops:
            lines = self._busy.setdefault(hop.contact, tuple([] for _ in Priority))
            for line in lines[bundle.priority :]:
                begin, finish = hop.start_ns, hop.end_ns
                first = last = bisect_left(line, begin, key=lambda busy: busy[1])
                if first < len(line) and line[first][0] <= begin:
                    begin, finish = line[first][0], line[first][1] + finish - begin
                    last += 1
                while last < len(line) and line[last][0] <= finish:
                    finish += line[last][1] - line[last][0]
                    last += 1
                line[first:last] = [(begin, finish)]

    def _is_sink(self, node: int, bundle: Bundle) -> bool:
        if bundle.destination is None:
            return node >= self._satellites
        return node == bundle.destination

    def _first(
        self,
        contacts: list[int],
        latest: list[int],
        t_ns: int,
        bits_ns: float,
        priority: Priority,
        bound_ns: int,
    ) -> tuple[int, int, int, int] | None:
        """Return arrival, minus its end, number and start of the contact that is there first."""
        best: tuple[int, int, int, int] | None = None
        for contact in contacts[bisect_right(latest, t_ns) :]:
            start = self._start[contact]
            if start > bound_ns:
                break
            length = math.ceil(bits_ns / self._rate[contact])
            begin = self._fit(contact, priority, max(start, t_ns), length)
            if begin is None:
                continue
            arrival = begin + length + self._light[contact]
            if arrival > bound_ns or (best and (arrival, -self._end[contact]) >= best[:2]):
                continue
            best, bound_ns = (arrival, -self._end[contact], contact, begin), arrival
        return best

    def _fit(self, contact: int, priority: Priority, t_ns: int, length_ns: int) -> int | None:
        end = self._end[contact]
        line = self._busy[contact][priority] if contact in self._busy else []
        for start, finish in line[bisect_right(line, t_ns, key=lambda busy: busy[1]) :]:
            if t_ns + length_ns <= min(start, end):
                return t_ns
            t_ns = finish
        return t_ns if t_ns + length_ns <= end else None

    def _route(self, steps: Steps, bits_ns: float, size: int, arrival: int) -> Route:
        hops = []
        for contact, start in steps:
            end = start + math.ceil(bits_ns / self._rate[contact])
            there = end + self._light[contact]
            hops.append(Hop(contact=contact, start_ns=start, end_ns=end, arrival_ns=there))
        return Route(hops=tuple(hops), arrival_ns=arrival, size_bytes=size)


def _dominated(settled: list[tuple[int, int, int]], hops: int, minus_end: int, entry: int) -> bool:
    """Tell whether an earlier label of the node is no worse in the keys after arrival."""
    return any(h <= hops and m <= minus_end and e <= entry for h, m, e in settled)
