"""Which booked routes use a contact: what has to be searched anew when one breaks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from orbitloom.network.route import Route
from orbitloom.wire import Bundle

__all__ = ["Booked", "BookedRoutes"]

_KEPT_NS = 3_600_000_000_000
_FEWEST = 4096


@dataclass(slots=True, kw_only=True)
class Booked:
    """A booked route, its number, and up to which hop (not included) it is still booked."""

    number: int
    bundle: Bundle
    route: Route
    until_hop: int


class BookedRoutes:
    """The booked routes by contact.

    A route that should have arrived an hour ago is forgotten, so that a long flight needs no more
    memory than a short one; a bundle of higher priority can have moved it back, but not by that.
    """

    def __init__(self) -> None:
        self._by_route: dict[int, Booked] = {}
        self._by_contact: defaultdict[int, dict[int, Booked]] = defaultdict(dict)
        self._limit = _FEWEST
        self._count = 0

    def add(self, bundle: Bundle, route: Route, now_ns: int) -> None:
        """Remember a route."""
        if len(self._by_route) >= self._limit:
            self._forget(now_ns - _KEPT_NS)
            self._limit = max(_FEWEST, 2 * len(self._by_route))
        key = id(route)  # the entry keeps the route, so nothing else gets this number
        entry = Booked(number=self._count, bundle=bundle, route=route, until_hop=len(route.hops))
        self._count += 1
        self._by_route[key] = entry
        for hop in route.hops:
            self._by_contact[hop.contact][key] = entry

    def get(self, route: Route) -> Booked | None:
        """Return the entry of a route."""
        return self._by_route.get(id(route))

    def cut(self, entry: Booked, from_hop: int) -> None:
        """Forget the hops from one on."""
        key = id(entry.route)
        for hop in entry.route.hops[from_hop : entry.until_hop]:
            self._by_contact[hop.contact].pop(key, None)
        entry.until_hop = from_hop
        if not from_hop:
            self._by_route.pop(key, None)

    def on(self, contact: int, after_ns: int) -> Iterator[tuple[Booked, int]]:
        """Give the routes, and which hop, that send over a contact after a time."""
        for entry in list(self._by_contact.get(contact, {}).values()):
            for number, hop in enumerate(entry.route.hops[: entry.until_hop]):
                if hop.contact == contact and hop.end_ns > after_ns:
                    yield entry, number
                    break

    def _forget(self, before_ns: int) -> None:
        for entry in list(self._by_route.values()):
            if entry.route.arrival_ns < before_ns:
                self.cut(entry, 0)
        for contact in [contact for contact, users in self._by_contact.items() if not users]:
            del self._by_contact[contact]
