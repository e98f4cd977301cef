"""Makes a plan of faults happen: which contacts break, when the network notices, what crafts lose.

*Knowledge.* A fault is true at once, and known to the whole network after `faults.detection_s`;
that it is over is known at once, for then the link carries again. While a fault is known nobody
plans with what it has broken, however long it will last, because nobody can know that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable
from typing import Any, Protocol

import numpy as np
import simpy
from numpy.typing import NDArray

from orbitloom.scenario import Scenario
from orbitloom.scenario.time import seconds_to_ns
from orbitloom.twin.clock import Clock
from orbitloom.twin.custody import Outage
from orbitloom.twin.traffic import Traffic
from orbitloom.wire import LASER, ContactPlan, WaitCause
from orbitloom.world.faults import FOREVER_NS, Fault

__all__ = ["Crew", "Outages", "terminals"]

_CAUSES: dict[str, WaitCause] = {
    "satellite_lost": "satellite lost",
    "terminal_lost": "terminal lost",
    "station_out": "station out",
    "not_acquired": "not acquired",
    "clock_step": "clock off",
    "computer_reset": "computer reset",
    "weather": "weather",
}


class Crew(Protocol):
    """What faults do to satellites, apart from their links."""

    def lost(self, satellite: int) -> None:
        """Tell that a satellite is no more."""
        ...

    def reset(self, satellite: int, until_ns: int) -> None:
        """Tell that a satellite's computer starts anew, and is back at a time."""
        ...

    def aged(self, satellite: int, share: float) -> None:
        """Tell what share of its capacity a satellite's battery has left."""
        ...


class Outages:
    """Follows a plan of faults.

    Parameters
    ----------
    clock
        The time.
    scenario
        Detection and acquisition times, the size of the store.
    plan
        The contacts of this arm.
    faults
        What breaks, by time. Nothing is started if there is none.
    traffic
        Told what happens to contacts.
    crew
        Told what happens to satellites.

    Attributes
    ----------
    happened
        How often each kind has happened; not to a satellite that was lost before.
    harmless
        Those that hit nothing: a bit in empty memory, a clock step within tolerance, a link that
        nobody was to acquire, a terminal that no link uses.
    """

    def __init__(
        self,
        clock: Clock,
        scenario: Scenario,
        plan: ContactPlan,
        faults: Iterable[Fault],
        traffic: Traffic,
        crew: Crew,
    ) -> None:
        self._clock, self._plan, self._traffic, self._crew = clock, plan, traffic, crew
        self._detection_ns = seconds_to_ns(scenario.faults.detection_s)
        self._acquisition_ns = seconds_to_ns(scenario.laser.acquisition_s)
        self._capacity_bytes = scenario.store.capacity_tb * 1e12
        self._gone: set[int] = set()
        self._terminals: tuple[NDArray[np.int8], NDArray[np.int8]] | None = None
        self.happened: Counter[str] = Counter()
        self.harmless = 0
        listed = tuple(faults)
        if listed:
            clock.process(self._follow(listed))

    def _follow(self, faults: tuple[Fault, ...]) -> Generator[simpy.Event, Any, None]:
        for fault in faults:
            if fault.t_ns > self._clock.now_ns:
                yield self._clock.until(fault.t_ns)
            if not self._gone.isdisjoint((fault.node, fault.peer)):
                continue
            self.happened[fault.kind] += 1
            self._strike(fault)

    def _strike(self, fault: Fault) -> None:
        node, plan = fault.node, self._plan
        mine = (plan.sender == node) | (plan.receiver == node)
        if fault.kind == "bit_flip":
            hit = self._traffic.damage(node, fault.share * self._capacity_bytes)
            self.harmless += not hit
        elif fault.kind == "battery_ageing":
            self._crew.aged(node, fault.share)
        elif fault.end_ns == fault.t_ns:
            self.harmless += 1
        elif fault.kind == "satellite_lost":
            self._gone.add(node)
            self._break(fault, mine, fault.end_ns)
            self._traffic.lose(node, "satellite lost")
            self._crew.lost(node)
        elif fault.kind == "terminal_lost":
            if self._terminals is None:
                self._terminals = terminals(plan)
            at_sender, at_receiver = self._terminals
            its = (plan.sender == node) & (at_sender == fault.terminal)
            its |= (plan.receiver == node) & (at_receiver == fault.terminal)
            self.harmless += not its.any()
            self._break(fault, its, fault.end_ns)
        elif fault.kind == "not_acquired":
            link = mine & ((plan.sender == fault.peer) | (plan.receiver == fault.peer))
            self._break(fault, link & (plan.medium == LASER), fault.end_ns, node=-1)
        elif fault.kind == "clock_step":
            # Pointing is off until the time is known; lasers are acquired anew after that.
            self._break(fault, mine & (plan.medium != LASER), fault.end_ns)
            acquired_ns = fault.end_ns + self._acquisition_ns
            self._break(fault, mine & (plan.medium == LASER), acquired_ns)
        else:
            self._break(fault, mine, fault.end_ns)
            if fault.kind == "computer_reset":
                self._crew.reset(node, fault.end_ns)

    def _break(
        self, fault: Fault, which: NDArray[np.bool_], end_ns: int, node: int | None = None
    ) -> None:
        """Break contacts from now to a time, as far as they reach into it."""
        plan, now = self._plan, self._clock.now_ns
        contacts = np.flatnonzero(which & (plan.start_ns < end_ns) & (plan.end_ns > now))
        if contacts.size == 0:
            return
        outage = Outage(
            cause=_CAUSES[fault.kind],
            node=fault.node if node is None else node,
            contacts=tuple(contacts.tolist()),
            t_ns=now,
        )
        self._traffic.cut(outage)
        self._clock.process(self._last(outage, end_ns))

    def _last(self, outage: Outage, end_ns: int) -> Generator[simpy.Event, Any, None]:
        """Let an outage be noticed, and end."""
        clock = self._clock
        noticed_ns = clock.now_ns + self._detection_ns
        if noticed_ns < end_ns:
            yield clock.until(noticed_ns)
            self._traffic.notice(outage)
        if end_ns != FOREVER_NS:
            yield clock.until(end_ns)
            self._traffic.restore(outage)


def terminals(plan: ContactPlan) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Return which laser terminal of its sender and of its receiver each contact uses, from 1.

    A link takes, at either end, the terminal of the smallest number that is free when it begins;
    links that begin together take them in the order of the plan. Contacts by radio have 0.

    Returns
    -------
    at_sender, at_receiver
        (n,) each.
    """
    at_sender = np.zeros(len(plan), np.int8)
    at_receiver = np.zeros(len(plan), np.int8)
    busy: dict[int, list[tuple[int, int]]] = {}  # by satellite, by terminal: until when, with whom
    columns = (plan.sender, plan.receiver, plan.start_ns, plan.end_ns, plan.medium)
    for contact, (sender, receiver, start_ns, end_ns, medium) in enumerate(
        zip(*(column.tolist() for column in columns), strict=True)
    ):
        if medium == LASER:
            at_sender[contact] = _take(busy.setdefault(sender, []), start_ns, end_ns, receiver)
            at_receiver[contact] = _take(busy.setdefault(receiver, []), start_ns, end_ns, sender)
    return at_sender, at_receiver


def _take(mine: list[tuple[int, int]], start_ns: int, end_ns: int, peer: int) -> int:
    """Return the terminal for a link with a peer: the one that points there, or a free one."""
    chosen = next((i for i, (_, with_) in enumerate(mine) if with_ == peer), None)
    if chosen is None:
        chosen = next((i for i, (until, _) in enumerate(mine) if until <= start_ns), len(mine))
    if chosen == len(mine):
        mine.append((0, -1))
    mine[chosen] = max(end_ns, mine[chosen][0]), peer
    return chosen + 1
