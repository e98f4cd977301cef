"""Bundles on their way: what the router plans, sent over real contacts in simulated time.

Each contact is one transmitter that serves its queue by priority, first in first out, and keeps
the link busy for exactly the bundle's bits over the rate. What a contact can no longer carry is
routed again from where it is; of a flow the part that fits goes ahead.

Custody: a sender keeps a bundle until the receiver has all of it. A contact that breaks in the
middle leaves it with the sender. Who is told what when something breaks is in `Traffic.cut`,
`notice`, `restore` and `lose`; without faults nobody calls them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Generator, Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

import simpy

from orbitloom.network.queue import OutQueue
from orbitloom.network.router import Route, Router
from orbitloom.twin.clock import Clock
from orbitloom.twin.custody import Custody, Outage
from orbitloom.twin.sparing import SparingRouter
from orbitloom.twin.trail import Trail
from orbitloom.twin.waits import Mark, Waits
from orbitloom.wire import LASER, Bundle, ContactPlan, WaitCause

__all__ = ["Links", "Traffic"]


def _nobody(bundle: Bundle, node: int, cause: WaitCause) -> None:
    """Tell nobody."""


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
        destination. Once for each bundle, or part of a flow.
    keyed
        Called with a satellite and True or False when its downlink transmitter starts or stops.
    moved
        Called with a bundle, its sender and its receiver when it has changed place.
    lost
        Called with a bundle, a node and a cause when nothing is left of it.
    mend
        Makes a damaged bundle at a node whole: takes its time, and returns whether that went well.
    watched
        Whether anything can break: receipts are kept only then.
    receipt_ns
        From a bundle's last bit until the receiver sends its receipt.
    """

    plan: ContactPlan
    light_time_ns: Callable[[int, int, int], int]
    laser_w: float
    downlink_w: float
    arrived: Callable[[Bundle, int], None]
    keyed: Callable[[int, bool], None]
    moved: Callable[[Bundle, int, int], None]
    lost: Callable[[Bundle, int, WaitCause], None] = _nobody
    mend: Callable[[Bundle, int], Generator[simpy.Event, Any, bool]] | None = None
    watched: bool = False
    receipt_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parcel:
    """A bundle, or a part of a flow, on its booked way; `hop` is the transmission it waits for.

    A `copy` is sent because no receipt came: the ledger follows the one that went before.
    """

    bundle: Bundle
    route: Route
    hop: int = 0
    copy: bool = False

    @property
    def contact(self) -> int:
        """The contact it waits for."""
        return self.route.hops[self.hop].contact


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """A bundle that a node keeps outside any queue: no way leads on, or it is being mended."""

    bundle: Bundle
    node: int
    copy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Whereabouts:
    """Where a capture's bundle is: stored at a node, being sent from it, or light on its way.

    `start_ns` is when that began; `step` the ledger's word for it. A lost one stays where it was.
    """

    bundle: Bundle
    node: int
    start_ns: int
    step: Literal["stored", "laser", "downlink", "light", "lost"] = "stored"


class Traffic:
    """All queues and transmitters of one arm.

    Parameters
    ----------
    clock
        The time.
    links
        What it runs on.

    Attributes
    ----------
    custody
        What faults have done so far.
    """

    def __init__(self, clock: Clock, links: Links) -> None:
        self._clock = clock
        self._links = links
        self._plan = links.plan
        router = Router(links.plan)
        self._router = SparingRouter(router, links.plan)
        self._waits = Waits(links.plan.nodes, router.unbooked())
        self.custody = Custody()
        self._queues: dict[int, OutQueue[_Parcel]] = {}
        self._queued_at: dict[int, list[int]] = {}  # by node: which of its contacts have a queue
        self._waiting: dict[int, None] = {}  # contacts in whose queue something may be, in order
        self._wake: dict[int, simpy.Event] = {}
        self._trails: dict[int, Trail] = {}
        self._whereabouts: dict[int, _Whereabouts] = {}  # of captures' bundles, not yet down
        self._on_air: dict[int, simpy.Process] = {}  # by contact: who is sending
        self._dead: dict[int, list[Outage]] = {}  # by contact: what is true
        self._known: dict[int, Outage] = {}  # by contact: what the network plans without
        self._gone: dict[int, WaitCause] = {}  # nodes that are no more
        self._held: list[_Held] = []  # what no way leads on from
        self._mending: list[_Held] = []
        self._receipts: dict[int, list[tuple[int, _Parcel]]] = {}  # by contact: when they are due
        self._copies: dict[int, int] = {}
        self._follows_copy: set[int] = set()
        self._down: set[int] = set()
        self._damaged: set[tuple[int, int]] = set()

    def send(self, bundle: Bundle, trail: Trail | None = None) -> None:
        """Take a bundle at its source, now; `trail` is the ledger of its capture."""
        if trail is not None:
            self._trails[bundle.bundle] = trail
        if bundle.source in self._gone:
            self._stay(bundle, bundle.source, copy=False)
            self._lose(bundle, bundle.source, copy=False)
            return
        self._dispatch(bundle, bundle.source)

    def cut(self, outage: Outage) -> None:
        """Break contacts, now. What is on the air stays with its sender; nobody knows yet."""
        now = self._clock.now_ns
        for contact in outage.contacts:
            self._dead.setdefault(contact, []).append(outage)
            if contact in self._on_air:
                self._on_air.pop(contact).interrupt(outage)
            for due_ns, parcel in self._receipts.pop(contact, ()):
                if due_ns > now and outage.node != int(self._plan.sender[contact]):
                    self.custody.copies += 1
                    number = parcel.bundle.bundle
                    self._copies[number] = self._copies.get(number, 0) + 1
                    outage.unconfirmed.add(number)
                    sender = self._at(parcel)
                    self._held.append(_Held(bundle=parcel.bundle, node=sender, copy=True))

    def notice(self, outage: Outage) -> None:
        """Let the network plan without broken contacts; what was to use them looks for a way."""
        if all(outage not in self._dead.get(contact, ()) for contact in outage.contacts):
            return
        outage.known = True
        broken = set(outage.contacts)
        self._known.update(dict.fromkeys(outage.contacts, outage))
        self._displace(lambda parcel: not broken.isdisjoint(_ahead(parcel)), outage)
        self._send_again(outage)

    def restore(self, outage: Outage) -> None:
        """Mend contacts, now; what had to look for another way looks again."""
        now = self._clock.now_ns
        for contact in outage.contacts:
            causes = self._dead[contact]
            causes.remove(outage)
            if not causes:
                del self._dead[contact]
            if self._known.get(contact) is outage:
                del self._known[contact]
                if still := [one for one in causes if one.known]:
                    self._known[contact] = still[-1]
            for parcel in () if outage.known else self._queues.get(contact, ()):
                if parcel.route.hops[parcel.hop].start_ns < now:
                    self._blame(parcel, outage)
            if not causes and contact in self._wake:
                self._wake.pop(contact).succeed()
        if outage.known:
            free, self._held = self._held, []
            displaced = outage.displaced
            for parcel in self._withdraw(lambda parcel: parcel.bundle.bundle in displaced):
                free.append(_Held(bundle=parcel.bundle, node=self._at(parcel), copy=parcel.copy))
            for held in sorted(free, key=_order):
                self._waits.forgive(held.bundle, now)
                self._dispatch(held.bundle, held.node, copy=held.copy)
        else:
            self._send_again(outage)

    def lose(self, node: int, cause: WaitCause) -> None:
        """Lose all that a node alone holds, now; its contacts are cut before."""
        self._gone[node] = cause
        for parcel in self._withdraw(lambda parcel: True, self._queued_at.get(node, ())):
            self._lose(parcel.bundle, node, copy=parcel.copy)
        for kept in (self._held, self._mending):
            for held in [one for one in kept if one.node == node]:
                kept.remove(held)
                self._lose(held.bundle, node, copy=held.copy)

    def damage(self, node: int, address_bytes: float) -> bool:
        """Flip a bit in a node's store, where bundles lie in the order of their numbers.

        Return whether that hit one. It is found out when the bundle is read to be sent.
        """
        kept = (*self._held, *self._mending)
        stored = {held.bundle.bundle: held.bundle for held in kept if held.node == node}
        for contact in self._queued_at.get(node, ()):
            stored.update((parcel.bundle.bundle, parcel.bundle) for parcel in self._queues[contact])
        for number in sorted(stored):
            address_bytes -= stored[number].size_bytes
            if address_bytes < 0:
                self._damaged.add((number, node))
                return True
        return False

    def close(self) -> None:
        """Write down where each capture is that has not arrived, up to now."""
        names, now = self._plan.nodes, self._clock.now_ns
        for at in sorted(self._whereabouts.values(), key=lambda at: at.bundle.bundle):
            trail, name = self._trails[at.bundle.bundle], names[at.node]
            if at.step == "stored":
                cause = self._write_wait(trail, at, now)
                trail.place = f"stored on {name}: {cause}"
            elif at.step == "lost":
                gone = self._gone.get(at.node)
                trail.wait(name, now, gone or "product damaged")
                trail.place = f"lost with {name}" if gone else f"lost on {name}: product damaged"
            elif at.step == "light":
                trail.step("light", name, now, bytes_in=at.bundle.size_bytes)
                trail.place = f"on its way to {name}"
            else:
                self._write_sending(trail, at, bytes_out=0)
                trail.place = f"being sent from {name}"

    def _dispatch(
        self,
        bundle: Bundle,
        node: int,
        *,
        exclude: tuple[int, ...] = (),
        copy: bool = False,
        blamed: bool = False,
    ) -> None:
        """Route a bundle from where it is; a flow may leave in several parts."""
        self._stay(bundle, node, copy)
        if self._known and not blamed:
            self._blame_what_is_known(bundle, node)
        while True:
            without = self._known.keys() | exclude if self._known else exclude
            route = self._router.route(bundle, node, self._clock.now_ns, exclude=without)
            if route is None:  # the plan holds no way: it stays where it is
                if self._links.watched:
                    self._held.append(_Held(bundle=bundle, node=node, copy=copy))
                return
            self._router.book(route, bundle)
            part = replace(bundle, size_bytes=min(route.size_bytes, bundle.size_bytes))
            self._enqueue(_Parcel(bundle=part, route=route, copy=copy))
            if part.size_bytes == bundle.size_bytes:
                return
            bundle = replace(bundle, size_bytes=bundle.size_bytes - part.size_bytes)

    def _stay(self, bundle: Bundle, node: int, copy: bool) -> None:
        """Note since when a capture's bundle is stored at a node; a new route changes nothing."""
        known = self._whereabouts.get(bundle.bundle)
        if self._trail(bundle, copy) is not None and (known is None or known.step != "stored"):
            self._note(bundle, node, "stored")

    def _trail(self, bundle: Bundle, copy: bool) -> Trail | None:
        """Return the ledger that follows this one of a bundle's copies, if one does."""
        number = bundle.bundle
        if number in self._down or copy != (number in self._follows_copy):
            return None
        return self._trails.get(number)

    def _note(
        self,
        bundle: Bundle,
        node: int,
        step: Literal["stored", "laser", "downlink", "light", "lost"],
    ) -> None:
        self._whereabouts[bundle.bundle] = _Whereabouts(
            bundle=bundle, node=node, start_ns=self._clock.now_ns, step=step
        )

    def _at(self, parcel: _Parcel) -> int:
        """Return who holds what waits for a contact."""
        return int(self._plan.sender[parcel.contact])

    def _enqueue(self, parcel: _Parcel) -> None:
        contact = parcel.contact
        if self._clock.now_ns >= int(self._plan.end_ns[contact]):  # late from the hop before
            self._reroute(parcel)
            return
        if self._known and (outage := self._broken(parcel)) is not None:
            self._reroute(parcel, outage)
            return
        if contact not in self._queues:
            self._queues[contact] = OutQueue()
            self._queued_at.setdefault(self._at(parcel), []).append(contact)
            self._clock.process(self._transmitter(contact))
        self._queues[contact].push(parcel, parcel.bundle.priority)
        self._waiting[contact] = None
        if contact in self._wake:
            self._wake.pop(contact).succeed()

    def _reroute(self, parcel: _Parcel, outage: Outage | None = None) -> None:
        """Find another way for what a contact cannot carry before its end, or at all."""
        contact = parcel.contact
        outage = outage or next(iter(self._dead.get(contact, ())), None)
        self._router.release(parcel.route, parcel.bundle, parcel.hop)
        if outage is not None:
            self._blame(parcel, outage)
            self.custody.rerouted += 1
        exclude = (contact,) if outage is None or not outage.known else ()
        self._dispatch(
            parcel.bundle,
            self._at(parcel),
            exclude=exclude,
            copy=parcel.copy,
            blamed=outage is not None,
        )

    def _send_again(self, outage: Outage) -> None:
        """Send what no receipt has come for."""
        again = [one for one in self._held if one.copy and one.bundle.bundle in outage.unconfirmed]
        outage.unconfirmed.clear()
        for held in again:
            self._held.remove(held)
            self._dispatch(held.bundle, held.node, copy=True)

    def _displace(self, touched: Callable[[_Parcel], bool], outage: Outage) -> None:
        """Take what a fault has taken the way from out of the queues, and route it again."""
        parcels = self._withdraw(touched)
        self.custody.rerouted += len(parcels)
        for parcel in parcels:
            self._blame(parcel, outage)
        for parcel in parcels:
            node = self._at(parcel)
            self._dispatch(parcel.bundle, node, copy=parcel.copy, blamed=True)

    def _withdraw(
        self, which: Callable[[_Parcel], bool], contacts: Iterable[int] | None = None
    ) -> list[_Parcel]:
        """Take parcels out of queues and give back their bookings; the most urgent first."""
        taken: list[_Parcel] = []
        for contact in self._waiting if contacts is None else contacts:
            queue = self._queues[contact]
            waiting = list(queue)
            if not any(map(which, waiting)):
                continue
            for _ in waiting:
                queue.pop()
            for parcel in waiting:
                if which(parcel):
                    taken.append(parcel)
                else:
                    queue.push(parcel, parcel.bundle.priority)
        for parcel in taken:
            self._router.release(parcel.route, parcel.bundle, parcel.hop)
        return sorted(taken, key=_order)

    def _blame(self, parcel: _Parcel, outage: Outage) -> None:
        """Note what an outage has taken from a parcel: where it is, and what it had booked."""
        hop = parcel.route.hops[parcel.hop]
        outage.displaced.add(parcel.bundle.bundle)
        if parcel.bundle.bundle in self._trails:
            broken = hop.contact in outage.contacts
            mark = Mark(
                cause=outage.cause,
                node=self._at(parcel),
                here_ns=max(hop.start_ns, outage.t_ns) if broken else hop.start_ns,
                down_ns=parcel.route.hops[-1].start_ns,
            )
            self._waits.blame(parcel.bundle, mark)

    def _blame_what_is_known(self, bundle: Bundle, node: int) -> None:
        """Note that a bundle cannot go the way it would have gone had nothing broken."""
        if bundle.bundle not in self._trails:
            return
        route = self._waits.alone(bundle, node, self._clock.now_ns)
        if route is None:
            return
        parcel = _Parcel(bundle=bundle, route=route)
        if (outage := self._broken(parcel)) is not None:
            self._blame(parcel, outage)

    def _broken(self, parcel: _Parcel) -> Outage | None:
        """Return what is known to break a parcel's way, if anything is."""
        ahead = (self._known.get(hop.contact) for hop in parcel.route.hops[parcel.hop :])
        return next(filter(None, ahead), None)

    def _lose(self, bundle: Bundle, node: int, *, copy: bool) -> None:
        """Note that a node has lost a bundle; if a copy is elsewhere the ledger follows that."""
        number, cause = bundle.bundle, self._gone.get(node, "product damaged")
        if copy:
            self._copies[number] -= 1
        trail = self._trail(bundle, copy)
        if trail is None and number in self._trails:
            return  # the one that counts is elsewhere, or has arrived
        if self._copies.get(number):
            self._write_state(number)
            self._follows_copy.add(number)
            now = self._clock.now_ns
            self._waits.blame(bundle, Mark(cause=cause, node=node, here_ns=now, down_ns=now))
            self._note(bundle, node, "stored")
            return
        if trail is not None:
            self._write_state(number)
            self._note(bundle, node, "lost")
        self.custody.lost += 1
        self.custody.lost_bytes += bundle.size_bytes
        self._links.lost(bundle, node, cause)

    def _transmitter(self, contact: int) -> Generator[simpy.Event, Any, None]:
        clock, plan, queue = self._clock, self._plan, self._queues[contact]
        start_ns, end_ns = int(plan.start_ns[contact]), int(plan.end_ns[contact])
        rate_bps = float(plan.rate_bps[contact])
        if clock.now_ns < start_ns:
            yield clock.until(start_ns)
        while queue and clock.now_ns < end_ns:
            if contact in self._dead:
                wake = self._wake[contact] = clock.event()
                yield wake | clock.until(end_ns)
                self._wake.pop(contact, None)
                continue
            parcel = queue.pop()
            if self._damaged and (parcel.bundle.bundle, self._at(parcel)) in self._damaged:
                self._router.release(parcel.route, parcel.bundle, parcel.hop)
                clock.process(self._mend(parcel))
                continue
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
        del self._queues[contact]
        self._waiting.pop(contact, None)
        self._queued_at[int(plan.sender[contact])].remove(contact)

    def _transmit(
        self, parcel: _Parcel, contact: int, rate_bps: float
    ) -> Generator[simpy.Event, Any, None]:
        clock, plan, bundle = self._clock, self._plan, parcel.bundle
        sender, receiver = int(plan.sender[contact]), int(plan.receiver[contact])
        downlink = int(plan.medium[contact]) != LASER
        trail = self._trail(bundle, parcel.copy)
        if trail is not None:
            if trail.now_ns < clock.now_ns:
                self._write_wait(trail, self._whereabouts[bundle.bundle], clock.now_ns)
            self._note(bundle, sender, "downlink" if downlink else "laser")
        if downlink:
            self._links.keyed(sender, True)
        if self._links.watched and clock.active_process is not None:
            self._on_air[contact] = clock.active_process
        outage: Outage | None = None
        try:
            yield clock.timeout(math.ceil(bundle.size_bytes * 8e9 / rate_bps))
        except simpy.Interrupt as interrupt:
            outage = interrupt.cause
        self._on_air.pop(contact, None)
        if downlink:
            self._links.keyed(sender, False)
        trail = self._trail(bundle, parcel.copy)
        if outage is not None:
            self._cut_short(parcel, outage)
            return
        if trail is not None:
            self._write_state(bundle.bundle, bytes_out=bundle.size_bytes)
            self._note(bundle, receiver, "light")
        light_ns = self._links.light_time_ns(sender, receiver, clock.now_ns)
        # A callback, not a process: thousands of satellites make millions of hops.
        clock.timeout(light_ns).callbacks.append(
            lambda event: self._land(parcel, sender, receiver, light_ns)
        )

    def _cut_short(self, parcel: _Parcel, outage: Outage) -> None:
        """Leave with its sender what was on the air when the contact broke."""
        bundle, sender = parcel.bundle, self._at(parcel)
        self.custody.cut += 1
        if sender in self._gone:
            self._router.release(parcel.route, bundle, parcel.hop)
            self._lose(bundle, sender, copy=parcel.copy)
            return
        if self._trail(bundle, parcel.copy) is not None:
            self._write_state(bundle.bundle)
            self._note(bundle, sender, "stored")
        self._queues[parcel.contact].put_back(parcel, bundle.priority)
        self._waiting[parcel.contact] = None

    def _land(self, parcel: _Parcel, sender: int, receiver: int, light_ns: int) -> None:
        """Take the last bit of a bundle in at a receiver, now."""
        clock, bundle, contact = self._clock, parcel.bundle, parcel.contact
        trail = self._trail(bundle, parcel.copy)
        heard = all(outage.node != receiver for outage in self._dead.get(contact, ()))
        if trail is not None:
            size = bundle.size_bytes
            self._write_state(bundle.bundle, bytes_out=size if heard else 0)
        if not heard:
            self._unheard(parcel, sender)
            return
        if self._links.watched and not bundle.divisible:
            due = [one for one in self._receipts.get(contact, ()) if one[0] > clock.now_ns]
            due_ns = clock.now_ns + self._links.receipt_ns + light_ns
            self._receipts[contact] = [*due, (due_ns, parcel)]
        if not parcel.copy:
            self._links.moved(bundle, sender, receiver)
        if receiver == bundle.destination or (
            bundle.destination is None and receiver in self._plan.stations
        ):
            self._deliver(parcel, receiver)
            return
        self._stay(bundle, receiver, parcel.copy)
        self._enqueue(replace(parcel, hop=parcel.hop + 1))

    def _deliver(self, parcel: _Parcel, receiver: int) -> None:
        """Hand a bundle over, unless it has come before."""
        bundle = parcel.bundle
        if self._links.watched and not bundle.divisible:
            if parcel.copy:
                self._copies[bundle.bundle] -= 1
            if bundle.bundle in self._down:
                self.custody.duplicates += 1
                return
            if bundle.bundle in self._whereabouts and self._trail(bundle, parcel.copy) is None:
                self._write_state(bundle.bundle)  # the one that the ledger follows comes later
            self._down.add(bundle.bundle)
        self._whereabouts.pop(bundle.bundle, None)
        self._links.arrived(bundle, receiver)

    def _unheard(self, parcel: _Parcel, sender: int) -> None:
        """Leave with its sender what came to a receiver that could not take it."""
        bundle = parcel.bundle
        if sender in self._gone:
            self._router.release(parcel.route, bundle, parcel.hop)
            self._lose(bundle, sender, copy=parcel.copy)
            return
        if self._trail(bundle, parcel.copy) is not None:
            self._note(bundle, sender, "stored")
        self._enqueue(parcel)

    def _mend(self, parcel: _Parcel) -> Generator[simpy.Event, Any, None]:
        """Make a damaged product whole before it goes on."""
        bundle, node, now = parcel.bundle, self._at(parcel), self._clock.now_ns
        if self._trail(bundle, parcel.copy) is not None:
            self._write_wait(self._trails[bundle.bundle], self._whereabouts[bundle.bundle], now)
            down_ns = parcel.route.hops[-1].start_ns
            mark = Mark(cause="product damaged", node=node, here_ns=now, down_ns=down_ns)
            self._waits.blame(bundle, mark)
        held = _Held(bundle=bundle, node=node, copy=parcel.copy)
        self._mending.append(held)
        mended = self._links.mend is not None and (yield from self._links.mend(bundle, node))
        if held not in self._mending:
            return  # lost with its satellite meanwhile
        self._mending.remove(held)
        self._damaged.discard((bundle.bundle, node))
        if mended:
            self.custody.mended += 1
            self._dispatch(bundle, node, copy=parcel.copy, blamed=True)
        else:
            self._lose(bundle, node, copy=parcel.copy)

    def _write_wait(self, trail: Trail, at: _Whereabouts, now_ns: int) -> WaitCause:
        """Write what a capture waited for at a node; return what it waits for now."""
        return self._waits.write(trail, at.bundle, at.node, at.start_ns, now_ns)

    def _write_state(self, bundle: int, *, bytes_out: int = 0) -> None:
        """Write what a capture's bundle did until now; `bytes_out` went if that is complete."""
        at, trail, now = self._whereabouts[bundle], self._trails[bundle], self._clock.now_ns
        if at.step == "stored":
            self._write_wait(trail, at, now)
        elif at.step == "light":
            size = at.bundle.size_bytes
            name = self._plan.nodes[at.node]
            trail.step("light", name, now, bytes_in=size, bytes_out=bytes_out)
        elif at.step != "lost":
            self._write_sending(trail, at, bytes_out=bytes_out)

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


def _ahead(parcel: _Parcel) -> Collection[int]:
    """Return the contacts that a parcel has still to use."""
    return [hop.contact for hop in parcel.route.hops[parcel.hop :]]


def _order(item: _Parcel | _Held) -> tuple[int, int]:
    """Return what decides who is routed again first."""
    return item.bundle.priority, item.bundle.bundle


def _split(parcel: _Parcel, size_bytes: int) -> tuple[_Parcel, _Parcel]:
    """Cut a flow in two: the part that goes now, and the rest."""
    bundle = parcel.bundle
    rest = replace(bundle, size_bytes=bundle.size_bytes - size_bytes)
    return replace(parcel, bundle=replace(bundle, size_bytes=size_bytes)), replace(
        parcel, bundle=rest
    )
