"""Earliest-arrival routing over a contact plan, with booked volume.

Label setting on the nodes, best first; compiled, see `orbitloom.network.search`. The sink is any
station, or the node that a bundle is for. Of routes that arrive together the one with fewer hops
wins, then the one that lasts longer, then the one whose first hop goes to the node of smaller
number: the order of CCSDS 734.3-B-1 (Schedule-Aware Bundle Routing). See docs/design/network.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from orbitloom.network.booked import Booked, BookedRoutes
from orbitloom.network.booking import NEVER, Bookings, fit, free_until
from orbitloom.network.cached import SinkTrees
from orbitloom.network.carry import (
    DONE,
    LINES_FULL,
    SCRATCH_FULL,
    Asked,
    Found,
    book_hops,
    carry,
    release_hops,
)
from orbitloom.network.graph import END, Graph, build_graph
from orbitloom.network.route import Hop, Route, Routes
from orbitloom.network.search import ANY_STATION, Task, make_bounds, make_scratch
from orbitloom.network.tree import fill_sink_tree, fill_tree, follow
from orbitloom.wire import Bundle, ContactPlan, Priority

__all__ = ["Hop", "Route", "Router", "RouterProtocol", "Routes"]

_NEVER_NS = 2**61


class RouterProtocol(Protocol):
    """What the twin needs of a router; its promises are `orbitloom.testing.router`."""

    def route(
        self, bundle: Bundle, node: int, t_ns: int, *, exclude: Collection[int] = ()
    ) -> Route | None:
        """Return the way for a bundle that is at a node at a time, or None if there is none."""
        ...

    def book(self, route: Route, bundle: Bundle) -> None:
        """Reserve the contacts' time that a route uses."""
        ...

    def release(self, route: Route, bundle: Bundle, from_hop: int) -> None:
        """Give back what was booked from that hop on."""
        ...


class Router:
    """Earliest arrival at any station, over the free time of the contacts.

    Each contact keeps one line of busy time a priority, which holds what is booked at that or a
    higher priority. So a higher priority does not see lower bookings, and booking it moves them
    back. The same class serves the twin, which books everything, and one satellite, which knows
    the uploaded plan and books its own queues.

    Parameters
    ----------
    plan
        The contacts.
    least_part_bytes
        A divisible bundle is not cut into parts smaller than this (its last one may be): half a
        second of an X-band downlink.
    """

    def __init__(self, plan: ContactPlan, *, least_part_bytes: int = 10_000_000) -> None:
        graph = build_graph(plan)
        self._start(graph, SinkTrees.of(graph), plan.satellites, least_part_bytes)

    def _start(
        self, graph: Graph, trees: SinkTrees, satellites: int, least_part_bytes: int
    ) -> None:
        self._least_part_bytes = least_part_bytes
        self._satellites = satellites
        self._graph = graph
        self._bookings = Bookings(graph.contact.size)
        self._bounds = make_bounds(graph)
        self._scratch = make_scratch(graph.part.size)
        self._booked = BookedRoutes()
        self._trees = trees
        self._now_ns = 0
        self._asked = Asked(bundle=np.empty((1, 6), np.int64), divisible=np.empty(1, np.uint8))
        self._found = _space(1, 64)

    def unbooked(self) -> Router:
        """Return a router over the same plan with nothing booked; what is broken stays broken."""
        other = object.__new__(Router)
        graph = self._graph
        table = graph.table.copy()
        other._start(
            graph._replace(
                table=table, real=table.view(np.float64), blocked=np.zeros_like(graph.blocked)
            ),
            self._trees.copy(),
            self._satellites,
            self._least_part_bytes,
        )
        return other

    def route(
        self, bundle: Bundle, node: int, t_ns: int, *, exclude: Collection[int] = ()
    ) -> Route | None:
        """Return the route of earliest arrival: at any station, or at the bundle's destination.

        A whole bundle needs, on each hop, one free stretch that holds all of it. A divisible one
        gets the way on which its first part arrives first, and as large a leading part as fits
        there; book that and route the rest again.

        Parameters
        ----------
        bundle
            What to send. It does not arrive after its `expires_ns`.
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
        self._now_ns = max(self._now_ns, t_ns)
        if bundle.destination is None and not (bundle.divisible or exclude):
            known = self._along_tree(bundle, node, t_ns)
            if known is not None:
                return known
        self._asked.bundle[0] = self._row(bundle, node, t_ns)
        self._asked.divisible[0] = bundle.divisible
        self._found.progress[:] = (0, -1, 0, 0)
        if exclude:
            places = self._graph.place[np.fromiter(exclude, np.int64)]
            self._graph.blocked[places] = 1
            try:
                self._carry(self._asked, booked=False)
            finally:
                self._graph.blocked[places] = 0
        else:
            self._carry(self._asked, booked=False)
        if not self._found.progress[2]:
            return None
        _, size, arrival, _ = self._found.route[0].tolist()
        return self._as_route(int(self._found.progress[3]), arrival, size)

    def _as_route(self, hops: int, arrival_ns: int, size_bytes: int) -> Route:
        return Route(
            hops=tuple(
                Hop(contact=contact, start_ns=start, end_ns=end, arrival_ns=there)
                for contact, start, end, there in self._found.hop[:hops].tolist()
            ),
            arrival_ns=arrival_ns,
            size_bytes=size_bytes,
        )

    def _along_tree(self, bundle: Bundle, node: int, t_ns: int) -> Route | None:
        """Return the best route if a tree towards the stations is known to hold it."""
        if node >= self._satellites:
            return None
        size, until_ns = bundle.size_bytes, self._trees.until_ns(t_ns)
        if not self._trees.is_wanted(size):
            return None
        latest = _NEVER_NS if bundle.expires_ns is None else bundle.expires_ns
        priority = int(bundle.priority)
        task = Task(node, t_ns, size * 8e9, priority, ANY_STATION, latest, self._satellites, False)
        tree = self._trees.trees.get(size)
        if tree is None:
            tree = np.empty(self._graph.part.size, np.int64)
            while fill_sink_tree(self._graph, self._scratch, task, tree):
                self._grow_scratch()
            self._trees.trees[size] = tree
        hops = follow(self._graph, self._bookings.lines, task, tree, self._found.hop, until_ns)
        if hops < 0:
            return None
        return self._as_route(hops, int(self._found.hop[hops - 1, 3]), size)

    def routes_disjoint(
        self, bundle: Bundle, node: int, t_ns: int
    ) -> tuple[Route, Route] | tuple[Route] | tuple[()]:
        """Return two routes for a critical bundle that share no contact; fewer if there are none.

        The first is the best one. The second shares no node in between with it, if there is such a
        way, else only no contact. If the best one stands in the way of any second, other first
        routes are tried, each without one contact of the best. (The earliest pair at large is not
        searched for.)
        """
        best = self.route(bundle, node, t_ns)
        if best is None:
            return ()
        for skipped in (None, *(hop.contact for hop in reversed(best.hops))):
            avoid = () if skipped is None else (skipped,)
            first = best if skipped is None else self.route(bundle, node, t_ns, exclude=avoid)
            if first is None:
                continue
            used = {hop.contact for hop in first.hops}
            for around in (self._into(first), set[int]()):
                second = self.route(bundle, node, t_ns, exclude=used | around)
                if second is not None:
                    a, b = sorted((first, second), key=lambda route: route.arrival_ns)
                    return (a, b)
        return (best,)

    def route_many(
        self,
        nodes: ArrayLike,
        times_ns: ArrayLike,
        sizes_bytes: ArrayLike,
        priorities: ArrayLike = Priority.NORMAL,
        *,
        destinations: ArrayLike = ANY_STATION,
        expires_ns: ArrayLike = _NEVER_NS,
        divisible: ArrayLike = False,
        book: bool = True,
    ) -> Routes:
        """Route many bundles one after another, each booked before the next.

        The same answers as from `route` and `book`, without Python between them. Of a flow all
        parts are routed for which there is a way. `break_contact` does not know these bookings.

        Parameters
        ----------
        nodes, times_ns, sizes_bytes, priorities, destinations, expires_ns, divisible
            (k,) each, or one value for all; destination -1 for any station.
        book
            False to ask only, each as if it were alone.
        """
        columns = np.broadcast_arrays(
            nodes, times_ns, sizes_bytes, priorities, destinations, expires_ns, divisible
        )
        asked = Asked(
            bundle=np.ascontiguousarray(np.stack(columns[:6], axis=-1).reshape(-1, 6), np.int64),
            divisible=columns[6].astype(np.uint8).reshape(-1),
        )
        count = asked.divisible.size
        if count:
            self._now_ns = max(self._now_ns, int(asked.bundle[:, 1].max()))
        kept, self._found = self._found, _space(count + 1, 16 * count + 64)
        try:
            self._carry(asked, booked=book)
            found = self._found
        finally:
            self._found = kept
        _, _, routes, hops = found.progress.tolist()
        rows, hop = found.route[:routes], found.hop[:hops]
        return Routes(
            bundle=rows[:, 0],
            size_bytes=rows[:, 1],
            arrival_ns=rows[:, 2],
            hops_of=np.append(rows[:, 3], hops),
            contact=hop[:, 0],
            start_ns=hop[:, 1],
            end_ns=hop[:, 2],
            there_ns=hop[:, 3],
        )

    def tree(
        self, node: int, t_ns: int, size_bytes: int = 0, priority: Priority = Priority.NORMAL
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the earliest arrival at every node from one, and the contact of the last hop.

        Returns
        -------
        arrival_ns, contact
            (n,) each; -1 where there is no way, and for the contact at `node` itself.
        """
        nodes = self._graph.part.size
        arrival_ns, contact = np.empty(nodes, np.int64), np.empty(nodes, np.int64)
        task = Task(
            node, t_ns, size_bytes * 8e9, int(priority), ANY_STATION, _NEVER_NS, nodes, False
        )
        lines = self._bookings.lines
        while fill_tree(self._graph, lines, self._scratch, task, arrival_ns, contact):
            self._grow_scratch()
        return arrival_ns, contact

    def free_stretch(
        self, contact: int, priority: Priority, t_ns: int, length_ns: int, end_ns: int
    ) -> tuple[int, int] | None:
        """Return from and until when a contact is free, for the first such length of time.

        It is looked for between `t_ns` and `end_ns`, the end of the contact; None if there is none.
        """
        lines, place = self._bookings.lines, int(self._graph.place[contact])
        begin_ns = fit(lines, place, int(priority), t_ns, length_ns, end_ns)
        if begin_ns == NEVER:
            return None
        return begin_ns, int(free_until(lines, place, int(priority), begin_ns, end_ns))

    def book(self, route: Route, bundle: Bundle) -> None:
        """Reserve the time of a route just found; bookings of lower priority move back."""
        if not route.hops:
            return
        rows, priority = _rows(route.hops), int(bundle.priority)
        places = self._graph.place[rows[:, 0]]
        while not book_hops(self._bookings.lines, places, rows, priority):
            self._bookings.grow()
        self._booked.add(bundle, route, self._now_ns)

    def release(self, route: Route, bundle: Bundle, from_hop: int) -> None:
        """Give back what was booked for a route from that hop on (0 is the first).

        What was given back already stays so: releasing a hop twice frees its time once.
        """
        hops = route.hops[from_hop:]
        entry = self._booked.get(route)
        if entry is not None:
            hops = route.hops[from_hop : entry.until_hop]
            self._booked.cut(entry, min(from_hop, entry.until_hop))
        if not hops:
            return
        rows, priority = _rows(hops), int(bundle.priority)
        places = self._graph.place[rows[:, 0]]
        while not release_hops(
            self._graph, self._bookings.lines, self._bounds, places, rows, priority
        ):
            self._bookings.grow()

    def break_contact(self, contact: int, t_ns: int) -> list[tuple[Bundle, Route]]:
        """Take a contact out of use from a time on; return what has to be routed anew.

        Returns
        -------
        list of (Bundle, Route)
            Each booked route of which a transmission over the contact ends after `t_ns`, in order
            of booking. Its bookings from that hop on have been given back.
        """
        return self._break([contact], t_ns)

    def break_node(self, node: int, t_ns: int) -> list[tuple[Bundle, Route]]:
        """Take all contacts from and to a node out of use; as `break_contact`."""
        graph = self._graph
        sent = slice(*graph.places_of[graph.pairs_of[node : node + 2]])
        places = np.concatenate([np.arange(sent.start, sent.stop), self._places_to(node)])
        return self._break(graph.contact[places].tolist(), t_ns)

    def usable_until_ns(self, contact: int) -> int:
        """Return when a contact ends: as planned, or when it broke."""
        return int(self._graph.table[self._graph.place[contact], END])

    def _break(self, contacts: Sequence[int], t_ns: int) -> list[tuple[Bundle, Route]]:
        places = self._graph.place[contacts]
        self._graph.table[places, END] = np.minimum(self._graph.table[places, END], t_ns)
        self._trees.change(t_ns)
        broken: dict[int, tuple[Booked, int]] = {}
        for contact in contacts:
            for entry, hop in self._booked.on(contact, t_ns):
                known = broken.get(id(entry))
                if known is None or hop < known[1]:
                    broken[id(entry)] = (entry, hop)
        affected = []
        for entry, hop in sorted(broken.values(), key=lambda known: known[0].number):
            self.release(entry.route, entry.bundle, hop)
            size = min(entry.bundle.size_bytes, entry.route.size_bytes)
            affected.append((replace(entry.bundle, size_bytes=size), entry.route))
        return affected

    def _places_to(self, node: int) -> NDArray[np.int64]:
        graph = self._graph
        segment = graph.lasts_of.size - 1 - graph.part.size + node
        return graph.last[graph.lasts_of[segment] : graph.lasts_of[segment + 1]]

    def _into(self, route: Route) -> set[int]:
        """Return the contacts that lead to the nodes between a route's ends."""
        graph = self._graph
        nodes = graph.sender[graph.place[[hop.contact for hop in route.hops[1:]]]]
        return {
            contact for node in nodes for contact in graph.contact[self._places_to(node)].tolist()
        }

    def _row(self, bundle: Bundle, node: int, t_ns: int) -> tuple[int, int, int, int, int, int]:
        sink = ANY_STATION if bundle.destination is None else bundle.destination
        latest = _NEVER_NS if bundle.expires_ns is None else bundle.expires_ns
        return node, t_ns, bundle.size_bytes, int(bundle.priority), sink, latest

    def _carry(self, asked: Asked, *, booked: bool) -> None:
        """Run the compiled search, with more memory whenever it asks for some."""
        while True:
            end = carry(
                self._graph,
                self._bookings.lines,
                self._bounds,
                self._scratch,
                asked,
                self._found,
                self._satellites,
                self._least_part_bytes,
                booked,
            )
            if end == DONE:
                return
            if end == SCRATCH_FULL:
                self._grow_scratch()
            elif end == LINES_FULL:
                self._bookings.grow()
            else:
                self._found = _enlarged(self._found)

    def _grow_scratch(self) -> None:
        size = 2 * self._scratch.label.shape[0]
        self._scratch = make_scratch(self._graph.part.size, size)


def _space(routes: int, hops: int) -> Found:
    return Found(
        route=np.empty((routes, 4), np.int64),
        hop=np.empty((hops, 4), np.int64),
        progress=np.array([0, -1, 0, 0], np.int64),
    )


def _enlarged(found: Found) -> Found:
    more = _space(2 * found.route.shape[0], 2 * found.hop.shape[0])
    more.route[: found.route.shape[0]] = found.route
    more.hop[: found.hop.shape[0]] = found.hop
    more.progress[:] = found.progress
    return more


def _rows(hops: Iterable[Hop]) -> NDArray[np.int64]:
    rows = [(hop.contact, hop.start_ns, hop.end_ns, hop.arrival_ns) for hop in hops]
    return np.array(rows, dtype=np.int64)
