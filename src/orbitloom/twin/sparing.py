"""A router for fleets whose stations are booked out: it is not asked in vain, nor for the obvious.

Thousands of satellites image forty times what the stations can take. Two things spare searches
through the whole network then:

* A flow that found no way from a node will find none from there later either: it could have waited
  there itself, and free time on contacts only becomes less, until somebody gives some back.
* Where the next room on a downlink is minutes ahead, what the lasers take does not decide when a
  bundle arrives. Then the downlink is chosen first, the soonest with room, and the router only
  asked for a way to the satellite that has it. See docs/design/survey-flow.md.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace

import numpy as np

from orbitloom.network.router import Hop, Route, Router
from orbitloom.scenario.time import SECOND_NS
from orbitloom.twin.downlinks import Downlinks, Room
from orbitloom.wire import LASER, Bundle, ContactPlan

__all__ = ["SparingRouter"]

_LARGE = 48
"""Up to so many satellites every way is searched for."""
_CONGESTED_NS = 60 * SECOND_NS
_LEAST_PART_BYTES = 100_000_000
"""Five seconds of an X-band downlink: what a flow takes at least, where a downlink is chosen."""
_TRIES = 6


class SparingRouter:
    """Routes as the router behind it, but for what is said above.

    Parameters
    ----------
    router
        Who searches.
    plan
        Its contacts.
    large
        Of how many satellites on a downlink may be chosen first.
    """

    def __init__(self, router: Router, plan: ContactPlan, *, large: int = _LARGE) -> None:
        self._router = router
        self._plan = plan
        self._released = 0
        self._refused: dict[tuple[int, int, int | None], tuple[int, int, int]] = {}
        chooses = plan.satellites > large and bool(np.any(plan.medium == LASER))
        self._downlinks = Downlinks(plan, router) if chooses else None

    def route(
        self, bundle: Bundle, node: int, t_ns: int, *, exclude: Collection[int] = ()
    ) -> Route | None:
        """Return the way for a bundle that is at a node at a time, or None if there is none."""
        spare = bundle.divisible and not exclude
        key = node, int(bundle.priority), bundle.destination
        if spare:
            released, since_ns, size_bytes = self._refused.get(key, (-1, 0, 0))
            if released == self._released and since_ns <= t_ns and size_bytes <= bundle.size_bytes:
                return None
        route = self._search(bundle, node, t_ns, exclude)
        if route is None and spare:
            self._refused[key] = self._released, t_ns, bundle.size_bytes
        return route

    def book(self, route: Route, bundle: Bundle) -> None:
        """Reserve the contacts' time that a route uses."""
        self._router.book(route, bundle)

    def release(self, route: Route, bundle: Bundle, from_hop: int) -> None:
        """Give back what was booked from that hop on."""
        self._released += 1
        self._router.release(route, bundle, from_hop)
        if self._downlinks is not None:
            for hop in route.hops[from_hop:]:
                self._downlinks.given_back(hop.contact)

    def _search(
        self, bundle: Bundle, node: int, t_ns: int, exclude: Collection[int]
    ) -> Route | None:
        if self._downlinks is None or bundle.destination is not None:
            return self._router.route(bundle, node, t_ns, exclude=exclude)
        least = min(bundle.size_bytes, _LEAST_PART_BYTES)
        rooms = self._downlinks.soonest(
            least if bundle.divisible else bundle.size_bytes,
            least,
            bundle.priority,
            t_ns,
            exclude=exclude,
            most=_TRIES,
        )
        if not rooms:
            return None
        if rooms[0].begin_ns - t_ns < _CONGESTED_NS:
            return self._router.route(bundle, node, t_ns, exclude=exclude)
        ways = (self._by(room, bundle, node, t_ns, exclude) for room in rooms)
        return next((way for way in ways if way is not None), None)

    def _by(
        self, room: Room, bundle: Bundle, node: int, t_ns: int, exclude: Collection[int]
    ) -> Route | None:
        """Return the way by the room on a downlink, or None if the bundle comes too late for it."""
        plan, contact = self._plan, room.contact
        rate_bps, end_ns = float(plan.rate_bps[contact]), int(plan.end_ns[contact])
        sender = int(plan.sender[contact])
        size = bundle.size_bytes
        if bundle.divisible:
            size = min(size, math.floor((room.until_ns - room.begin_ns) * rate_bps / 8e9))
        here_ns = t_ns
        hops: tuple[Hop, ...] = ()
        if sender != node:
            # In one piece: lasers are fast, and between bookings a first part would be small.
            to_sender = replace(bundle, size_bytes=size, destination=sender, divisible=False)
            leg = self._router.route(to_sender, node, t_ns, exclude=exclude)
            if leg is None:
                return None
            here_ns, hops, size = leg.arrival_ns, leg.hops, leg.size_bytes
        least = min(size, _LEAST_PART_BYTES) if bundle.divisible else size
        free = self._router.free_stretch(
            contact,
            bundle.priority,
            max(here_ns, room.begin_ns),
            math.ceil(least * 8e9 / rate_bps),
            end_ns,
        )
        if free is None:
            return None
        begin_ns, until_ns = free
        size = min(size, math.floor((until_ns - begin_ns) * rate_bps / 8e9))
        done_ns = begin_ns + math.ceil(size * 8e9 / rate_bps)
        last = Hop(
            contact=contact,
            start_ns=begin_ns,
            end_ns=done_ns,
            arrival_ns=done_ns + int(plan.light_time_ns[contact]),
        )
        return Route(hops=(*hops, last), arrival_ns=last.arrival_ns, size_bytes=size)
