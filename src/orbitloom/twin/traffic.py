"""Bundles on their way: what the router plans, sent over real contacts in simulated time.

Each contact is one transmitter that serves its queue by priority, first in first out, and keeps
the link busy for exactly the bundle's bits over the rate. What a contact can no longer carry is
routed again from where it is; of a flow the part that fits goes ahead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Any, Literal

import simpy

from orbitloom.network.queue import OutQueue
from orbitloom.network.router import Route, Router
from orbitloom.twin.clock import Clock
from orbitloom.twin.sparing import SparingRouter
from orbitloom.twin.trail import Trail
from orbitloom.wire import RF, Bundle, ContactPlan, WaitCause

__all__ = ["Links", "Traffic"]

_NEVER_NS = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """What traffic needs to know of the links, and whom it tells what happens on them.

    Attributes
    ----------
    plan
        The contacts of this arm.
    light_time_ns
        Gives the one-way light time from a node to another at an emission time.
    laser_w, downlink_w
        What a transmitter draws, for the ledger.
    arrived
        Called with a bundle and a node when the bundle's last bit is there: a station, or its
        destination.
    keyed
        Called with a satellite and True or False when its downlink transmitter starts or stops.
    moved
        Called with a bundle, its sender and its receiver when it has changed place.
    """

    plan: ContactPlan
    light_time_ns: Callable[[int, int, int], int]
    laser_w: float
    downlink_w: float
    arrived: Callable[[Bundle, int], None]
    keyed: Callable[[int, bool], None]
    moved: Callable[[Bundle, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parcel:
    """A bundle, or a part of a flow, on its booked way; `hop` is the transmission it waits for."""

    bundle: Bundle
    route: Route
    hop: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Whereabouts:
    """Where a capture's bundle is: stored at a node, being sent from it, or light on its way.

    `start_ns` is when that began; `step` the ledger's word for it.
    """

    bundle: Bundle
    node: int
    start_ns: int
    step: Literal["stored", "laser", "downlink", "light"] = "stored"


class Traffic:
    """All queues and transmitters of one arm.

    Parameters
    ----------
    clock
        The time.
    links
        What it runs on.
    """

    def __init__(self, clock: Clock, links: Links) -> None:
        self._clock = clock
        self._links = links
        self._plan = links.plan
        self._router = SparingRouter(Router(links.plan))
        # Never booked: tells when a bundle could have gone down had it been alone in the network.
        self._alone = Router(links.plan)
        self._queues: dict[int, OutQueue[_Parcel]] = {}
        self._wake: dict[int, simpy.Event] = {}
        self._trails: dict[int, Trail] = {}
        self._whereabouts: dict[int, _Whereabouts] = {}  # of captures' bundles, not yet down

    def send(self, bundle: Bundle, trail: Trail | None = None) -> None:
        """Take a bundle at its source, now; `trail` is the ledger of its capture."""
        if trail is not None:
            self._trails[bundle.bundle] = trail
        self._dispatch(bundle, bundle.source)

    def close(self) -> None:
        """Write down where each capture is that has not arrived, up to now."""
        names, now = self._plan.nodes, self._clock.now_ns
        for at in sorted(self._whereabouts.values(), key=lambda at: at.bundle.bundle):
            trail, name = self._trails[at.bundle.bundle], names[at.node]
            if at.step == "stored":
                cause = self._write_wait(trail, at, now)
                trail.place = f"stored on {name}: {cause}"
            elif at.step == "light":
                trail.step("light", name, now, bytes_in=at.bundle.size_bytes)
                trail.place = f"on its way to {name}"
            else:
                self._write_sending(trail, at, bytes_out=0)
                trail.place = f"being sent from {name}"

    def _dispatch(self, bundle: Bundle, node: int, exclude: tuple[int, ...] = ()) -> None:
        """Route a bundle from where it is; a flow may leave in several parts."""
        self._stay(bundle, node)
        while True:
            route = self._router.route(bundle, node, self._clock.now_ns, exclude=exclude)
            if route is None:
                return  # the plan holds no way: it stays where it is
            self._router.book(route, bundle)
            part = replace(bundle, size_bytes=min(route.size_bytes, bundle.size_bytes))
            self._enqueue(_Parcel(bundle=part, route=route))
            if part.size_bytes == bundle.size_bytes:
                return
            bundle = replace(bundle, size_bytes=bundle.size_bytes - part.size_bytes)

    def _stay(self, bundle: Bundle, node: int) -> None:
        """Note since when a capture's bundle is stored at a node; a new route changes nothing."""
        known = self._whereabouts.get(bundle.bundle)
        if bundle.bundle in self._trails and (known is None or known.step != "stored"):
            self._note(bundle, node, "stored")

    def _note(
        self, bundle: Bundle, node: int, step: Literal["stored", "laser", "downlink", "light"]
    ) -> None:
        self._whereabouts[bundle.bundle] = _Whereabouts(
            bundle=bundle, node=node, start_ns=self._clock.now_ns, step=step
        )

    def _enqueue(self, parcel: _Parcel) -> None:
        contact = parcel.route.hops[parcel.hop].contact
        if self._clock.now_ns >= int(self._plan.end_ns[contact]):  # late from the hop before
            self._reroute(parcel)
            return
        if contact not in self._queues:
            self._queues[contact] = OutQueue()
            self._clock.process(self._transmitter(contact))
        self._queues[contact].push(parcel, parcel.bundle.priority)
        if contact in self._wake:
            self._wake.pop(contact).succeed()

    def _reroute(self, parcel: _Parcel) -> None:
        """Find another way for what a contact cannot carry before its end."""
        self._router.release(parcel.route, parcel.bundle, parcel.hop)
        contact = parcel.route.hops[parcel.hop].contact
        self._dispatch(parcel.bundle, int(self._plan.sender[contact]), exclude=(contact,))

    def _transmitter(self, contact: int) -> Generator[simpy.Event, Any, None]:
        clock, plan, queue = self._clock, self._plan, self._queues[contact]
        start_ns, end_ns = int(plan.start_ns[contact]), int(plan.end_ns[contact])
        rate_bps = float(plan.rate_bps[contact])
        if clock.now_ns < start_ns:
            yield clock.until(start_ns)
        while clock.now_ns < end_ns:
            if not queue:
                wake = self._wake[contact] = clock.event()
                yield wake | clock.until(end_ns)
                self._wake.pop(contact, None)
                continue
            parcel = queue.pop()
            fits_bytes = math.floor((end_ns - clock.now_ns) * rate_bps / 8e9)
            if parcel.bundle.size_bytes > fits_bytes:
                if not parcel.bundle.divisible or fits_bytes == 0:
                    self._reroute(parcel)
                    continue
                parcel, rest = _split(parcel, fits_bytes)
                self._reroute(rest)
            yield from self._transmit(parcel, contact, rate_bps)
        while queue:
            self._reroute(queue.pop())

    def _transmit(
        self, parcel: _Parcel, contact: int, rate_bps: float
    ) -> Generator[simpy.Event, Any, None]:
        clock, plan, bundle = self._clock, self._plan, parcel.bundle
        sender, receiver = int(plan.sender[contact]), int(plan.receiver[contact])
        downlink = int(plan.medium[contact]) == RF
        trail = self._trails.get(bundle.bundle)
        if trail is not None:
            self._write_wait(trail, self._whereabouts[bundle.bundle], clock.now_ns)
            self._note(bundle, sender, "downlink" if downlink else "laser")
        if downlink:
            self._links.keyed(sender, True)
        yield clock.timeout(math.ceil(bundle.size_bytes * 8e9 / rate_bps))
        if downlink:
            self._links.keyed(sender, False)
        if trail is not None:
            sending = self._whereabouts[bundle.bundle]
            self._write_sending(trail, sending, bytes_out=bundle.size_bytes)
            self._note(bundle, receiver, "light")
        clock.process(self._fly(parcel, sender, receiver))

    def _fly(
        self, parcel: _Parcel, sender: int, receiver: int
    ) -> Generator[simpy.Event, Any, None]:
        clock, bundle = self._clock, parcel.bundle
        yield clock.timeout(self._links.light_time_ns(sender, receiver, clock.now_ns))
        trail = self._trails.get(bundle.bundle)
        if trail is not None:
            size = bundle.size_bytes
            trail.step(
                "light", self._plan.nodes[receiver], clock.now_ns, bytes_in=size, bytes_out=size
            )
        self._links.moved(bundle, sender, receiver)
        if receiver == bundle.destination or (
            bundle.destination is None and receiver in self._plan.stations
        ):
            self._whereabouts.pop(bundle.bundle, None)
            self._links.arrived(bundle, receiver)
            return
        self._stay(bundle, receiver)
        self._enqueue(replace(parcel, hop=parcel.hop + 1))

    def _write_wait(self, trail: Trail, at: _Whereabouts, now_ns: int) -> WaitCause:
        """Write what a capture waited for at a node; return what it waits for now.

        Until the bundle could have gone down had it been alone in the network it lacks a contact
        with a station, from then on its turn.
        """
        name = self._plan.nodes[at.node]
        route = self._alone.route(at.bundle, at.node, at.start_ns)
        alone_ns = route.hops[-1].start_ns if route is not None else _NEVER_NS
        trail.wait(name, min(now_ns, alone_ns), "no contact")
        trail.wait(name, now_ns, "link busy")
        return "link busy" if alone_ns < now_ns else "no contact"

    def _write_sending(self, trail: Trail, at: _Whereabouts, *, bytes_out: int) -> None:
        """Write a transmission up to now; it has moved no bytes before its end."""
        now = self._clock.now_ns
        downlink = at.step == "downlink"
        watts = self._links.downlink_w if downlink else self._links.laser_w
        trail.step(
            at.step,
            self._plan.nodes[at.node],
            now,
            bytes_in=at.bundle.size_bytes,
            bytes_out=bytes_out,
            joules=watts * (now - at.start_ns) / 1e9,
        )
        if downlink:
            trail.downlinked_bytes += bytes_out
        else:
            trail.laser_bytes += bytes_out


def _split(parcel: _Parcel, size_bytes: int) -> tuple[_Parcel, _Parcel]:
    """Cut a flow in two: the part that goes now, and the rest."""
    bundle = parcel.bundle
    rest = replace(bundle, size_bytes=bundle.size_bytes - size_bytes)
    return replace(parcel, bundle=replace(bundle, size_bytes=size_bytes)), replace(
        parcel, bundle=rest
    )
