"""A flight of bundles alone: no pixels, no computers, only contacts, queues and what breaks.

Each capture of the scenario leaves an answer and its scene; alerts come in between, at random from
a stream of their own. It flies a day of a dozen satellites in about a second, so that many seeds
of faults can be flown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import simpy

from orbitloom.scenario import Scenario, stream, time
from orbitloom.twin.clock import Clock
from orbitloom.twin.custody import Custody
from orbitloom.twin.outages import Outages
from orbitloom.twin.traffic import Links, Traffic
from orbitloom.twin.trail import Trail
from orbitloom.wire import Bundle, ContactPlan, LedgerRow, Priority, WaitCause
from orbitloom.world.faults import Fault
from orbitloom.world.geometry import World

__all__ = ["BundleFate", "Kind", "Load", "NetworkFlight", "NetworkResult", "Shipment", "load_of"]

_ARM = "orbit"

Kind = Literal["answer", "scene", "alert"]
"""What is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """What a satellite has to send: from when on, how much, how urgent."""

    kind: Kind
    satellite: int
    t_ns: int
    size_bytes: int

    @property
    def priority(self) -> Priority:
        """Alerts go first, then answers, then scenes."""
        order = {"alert": Priority.ALERT, "answer": Priority.NORMAL, "scene": Priority.BULK}
        return order[self.kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How much is sent beside the scenario's captures.

    Attributes
    ----------
    alert_bytes, answer_bytes
        Sizes: a finding with a small picture, and one with more of it.
    scene_bytes
        A whole scene of the published imager.
    alerts_per_satellite_day, scenes_per_satellite_day
        How many come in between, Poisson streams.
    """

    alert_bytes: int = 10_000
    answer_bytes: int = 100_000
    scene_bytes: int = 192_000_000
    alerts_per_satellite_day: float = 48.0
    scenes_per_satellite_day: float = 72.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleFate:
    """What became of a bundle.

    Attributes
    ----------
    number
        Of the shipment; ledger rows have it as `capture`.
    inbox_ns
        When it came; None if it had not when the flight ended.
    arrivals
        How often it was handed over: 0 or 1.
    place
        Where it was at the end, and why, if it had not come.
    lost
        The cause if nothing is left of it, or it could not be made; empty otherwise.
    sent
        Whether it was made at all.
    """

    number: int
    shipment: Shipment
    inbox_ns: int | None
    arrivals: int
    place: str = ""
    lost: WaitCause = ""
    sent: bool = True

    @property
    def delay_ns(self) -> int | None:
        """From the making to the inbox; None if it did not come."""
        return None if self.inbox_ns is None else self.inbox_ns - self.shipment.t_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkResult:
    """What a flight of bundles leaves behind.

    Attributes
    ----------
    fates
        By number.
    ledger
        By number and start.
    happened, harmless, custody
        What broke, what of it hit nothing, and what custody did about the rest.
    """

    fates: tuple[BundleFate, ...]
    ledger: tuple[LedgerRow, ...]
    happened: Mapping[str, int]
    harmless: int
    custody: Custody


def load_of(world: World, seed: int, load: Load) -> tuple[Shipment, ...]:
    """Return what is to be sent, by time: of each capture answer and scene, and seeded ones."""
    scenario, names = world.scenario, world.ephemeris.names
    index = {name: number for number, name in enumerate(names)}
    days = (scenario.end_ns - scenario.start_ns) / time.DAY_NS

    def of(kind: Kind, satellite: int, t_ns: int) -> Shipment:
        size = {
            "alert": load.alert_bytes,
            "answer": load.answer_bytes,
            "scene": load.scene_bytes,
        }[kind]
        return Shipment(kind=kind, satellite=satellite, t_ns=t_ns, size_bytes=size)

    found = []
    for task in world.tasks:
        found.append(of("answer", index[task.satellite], task.end_ns))
        found.append(of("scene", index[task.satellite], task.end_ns))
    rates: tuple[tuple[Kind, float], ...] = (
        ("alert", load.alerts_per_satellite_day),
        ("scene", load.scenes_per_satellite_day),
    )
    for kind, rate in rates:
        for satellite, name in enumerate(names):
            draw = stream(seed, "network load", kind, name)
            count = int(draw.poisson(rate * days))
            times = draw.integers(scenario.start_ns, scenario.end_ns, count)
            found += [of(kind, satellite, t_ns) for t_ns in times.tolist()]
    return tuple(sorted(found, key=lambda one: (one.t_ns, one.satellite, one.priority)))


class NetworkFlight:
    """Flies shipments over a contact plan in which things break.

    Parameters
    ----------
    scenario
        Times, detection, powers.
    plan
        The contacts. The light time of a pair is that of its last contact: milliseconds off.
    shipments
        What is sent.
    faults
        What breaks, by time.
    """

    def __init__(
        self,
        scenario: Scenario,
        plan: ContactPlan,
        shipments: Iterable[Shipment],
        faults: Iterable[Fault] = (),
    ) -> None:
        self._scenario, self._plan = scenario, plan
        self._shipments, faults = tuple(shipments), tuple(faults)
        self._clock = clock = Clock(scenario.start_ns)
        pairs = zip(plan.sender.tolist(), plan.receiver.tolist(), strict=True)
        self._light_ns = dict(zip(pairs, plan.light_time_ns.tolist(), strict=True))
        self._trails: dict[int, Trail] = {}
        self._inbox: dict[int, int] = {}
        self._arrivals: Counter[int] = Counter()
        self._lost: dict[int, WaitCause] = {}
        self._gone: set[int] = set()
        self._traffic = Traffic(
            clock,
            Links(
                plan=plan,
                light_time_ns=lambda sender, receiver, t_ns: self._light_ns[sender, receiver],
                laser_w=scenario.laser.power_w,
                downlink_w=scenario.downlink.power_w,
                arrived=self._arrived,
                keyed=lambda satellite, on: None,
                moved=lambda bundle, sender, receiver: None,
                lost=self._lose,
                mend=self._mend,
                watched=bool(faults),
                receipt_ns=time.seconds_to_ns(scenario.faults.receipt_s),
            ),
        )
        clock.process(self._load())
        self._outages = Outages(clock, scenario, plan, faults, self._traffic, self)

    def fly(self) -> NetworkResult:
        """Run to the end of the scenario."""
        self._clock.run(until=self._scenario.end_ns)
        self._traffic.close()
        return NetworkResult(
            fates=tuple(map(self._fate, range(len(self._shipments)))),
            ledger=tuple(
                row for number in sorted(self._trails) for row in self._trails[number].rows
            ),
            happened=dict(self._outages.happened),
            harmless=self._outages.harmless,
            custody=self._traffic.custody,
        )

    def lost(self, satellite: int) -> None:
        """Note that a satellite sends nothing any more."""
        self._gone.add(satellite)

    def reset(self, satellite: int, until_ns: int) -> None:
        """Nothing: there is no computer here."""

    def aged(self, satellite: int, share: float) -> None:
        """Nothing: there is no battery here."""

    def _load(self) -> Generator[simpy.Event, Any, None]:
        for number, one in enumerate(self._shipments):
            yield self._clock.until(one.t_ns)
            if one.satellite in self._gone:
                continue
            trail = self._trails[number] = Trail(_ARM, number, one.t_ns)
            bundle = Bundle(
                bundle=number,
                source=one.satellite,
                size_bytes=one.size_bytes,
                created_ns=one.t_ns,
                priority=one.priority,
                capture=number,
            )
            self._traffic.send(bundle, trail)

    def _arrived(self, bundle: Bundle, station: int) -> None:
        number, now = bundle.bundle, self._clock.now_ns
        self._arrivals[number] += 1
        self._inbox.setdefault(number, now)
        size = bundle.size_bytes
        self._trails[number].step(
            "inbox", self._plan.nodes[station], now, bytes_in=size, bytes_out=size
        )

    def _lose(self, bundle: Bundle, node: int, cause: WaitCause) -> None:
        self._lost[bundle.bundle] = cause

    def _mend(self, bundle: Bundle, node: int) -> Generator[simpy.Event, Any, bool]:
        faults = self._scenario.faults
        yield self._clock.timeout(
            time.seconds_to_ns(bundle.size_bytes / faults.mend_mb_per_s / 1e6)
        )
        return faults.second_copy == "on"

    def _fate(self, number: int) -> BundleFate:
        shipment, trail = self._shipments[number], self._trails.get(number)
        if trail is None:
            name = self._plan.nodes[shipment.satellite]
            return BundleFate(
                number=number,
                shipment=shipment,
                inbox_ns=None,
                arrivals=0,
                place=f"never made: {name} is lost",
                lost="satellite lost",
                sent=False,
            )
        return BundleFate(
            number=number,
            shipment=shipment,
            inbox_ns=self._inbox.get(number),
            arrivals=self._arrivals[number],
            place=trail.place,
            lost=self._lost.get(number, ""),
        )
