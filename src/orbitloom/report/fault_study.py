"""What faults do to deliveries: the same bundles with and without, and by kind of fault.

Each run has a seed of its own, which makes the alerts and scenes that are sent and what breaks. It
is flown without faults, with each kind alone, and with all kinds, over the same contacts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from orbitloom.report.summary import percentile_ns
from orbitloom.scenario import Scenario
from orbitloom.scenario.faults import FAULT_KINDS, Faults
from orbitloom.scenario.time import SECOND_NS
from orbitloom.twin.custody import Custody
from orbitloom.twin.network_flight import (
    BundleFate,
    Load,
    NetworkFlight,
    NetworkResult,
    load_of,
)
from orbitloom.wire import FAULT_CAUSES
from orbitloom.world.faults import Fault, fault_plan
from orbitloom.world.geometry import World

__all__ = ["ALL", "BUNDLE_KINDS", "CALM", "HARSH", "FaultLine", "FaultStudy", "study_faults"]

CALM, ALL = "nothing", "all kinds"
"""Names of the flights without faults, and with all kinds of them."""

BUNDLE_KINDS: tuple[str, ...] = tuple(kind for kind in FAULT_KINDS if kind != "battery_ageing")
"""Kinds that touch bundles; an aged battery touches work only."""

HARSH = Faults(
    satellites_lost_per_satellite_year=60.0,
    terminals_lost_per_satellite_year=60.0,
    station_outages_per_station_day=6.0,
    station_outage_min=40.0,
    not_acquired_probability=0.3,
    clock_steps_per_satellite_year=700.0,
    bit_flips_per_gb_day=20.0,
    resets_per_satellite_year=700.0,
)
"""Rates far above any real ones: twelve satellites lose two a day. Used if a scenario has none."""

_STORE_TB = 0.01
"""A small store, so that flipped bits hit what is in it."""

_LOAD = Load(scenes_per_satellite_day=96.0)
_TURN_NS = SECOND_NS
"""A longer wait than without faults needs a cause; less is a turn at a laser on another way."""

_QUANTILES = tuple(range(1, 100))


@dataclass(slots=True, kw_only=True)
class FaultLine:
    """What became of the bundles of one kind of flight, over all runs.

    Attributes
    ----------
    kind
        What broke: a kind of fault, `CALM` or `ALL`.
    faults
        How many did.
    made, delivered
        Bundles.
    lost, lost_otherwise
        Made and lost with a satellite, or for another reason.
    never_made
        Those of a satellite that was lost before.
    waiting
        Neither delivered nor lost when the flight ended, by what they waited for.
    doubled
        Handed over more than once.
    held_up
        Those that a fault made wait.
    held_s
        How long all of them together, by cause.
    went_round
        Those that came later than without faults only because they took more hops.
    uncaused
        Those that waited longer than without faults, and of which no row of the ledger blames a
        fault or a busy link; and rows that wait without a cause.
    delay_s
        Percentiles 1 to 99 of all that were made; None is never.
    custody
        Sums over the runs.
    """

    kind: str
    faults: int = 0
    made: int = 0
    delivered: int = 0
    lost: int = 0
    lost_otherwise: int = 0
    never_made: int = 0
    waiting: Counter[str] = field(default_factory=Counter)
    doubled: int = 0
    held_up: int = 0
    held_s: Counter[str] = field(default_factory=Counter)
    went_round: int = 0
    uncaused: int = 0
    delay_s: tuple[float | None, ...] = ()
    custody: Custody = field(default_factory=Custody)
    delays_ns: list[int | None] = field(default_factory=list, repr=False)

    def percentile_s(self, percent: int) -> float | None:
        """Return a percentile of the delay; None if so many never came."""
        return self.delay_s[percent - 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultStudy:
    """A study that is done.

    Attributes
    ----------
    scenario, hours, runs, satellites
        What was flown, and how often.
    rates
        Of the faults.
    lines
        One a kind of flight: without, each kind, all.
    """

    scenario: str
    hours: float
    runs: int
    satellites: int
    rates: Faults
    lines: tuple[FaultLine, ...]

    def line(self, kind: str) -> FaultLine:
        """Return the flights with that kind of fault."""
        return next(line for line in self.lines if line.kind == kind)

    def record(self) -> dict[str, Any]:
        """Return all of it, ready for JSON."""
        names = [one.name for one in fields(FaultLine) if one.name != "delays_ns"]
        lines = [
            {name: getattr(line, name) for name in names} | {"custody": asdict(line.custody)}
            for line in self.lines
        ]
        return {
            "scenario": self.scenario,
            "hours": self.hours,
            "runs": self.runs,
            "rates": self.rates.model_dump(mode="json", exclude={"events"}),
            "lines": lines,
        }


def study_faults(
    scenario: Scenario,
    runs: int,
    *,
    load: Load = _LOAD,
    kinds: Sequence[str] = (*BUNDLE_KINDS, ALL),
    progress: Callable[[str, float], None] | None = None,
) -> FaultStudy:
    """Fly a scenario's bundles with and without faults.

    Parameters
    ----------
    scenario
        Fleet, stations, hours. Its faults are taken if it has any, else `HARSH`.
    runs
        How many seeds, from the scenario's on.
    load
        What is sent beside the captures' answers and scenes.
    kinds
        Which of `BUNDLE_KINDS` are flown, each alone; `ALL` for all of them together.
    progress
        Told what is happening, and the share done.
    """
    rates = scenario.faults if scenario.faults.any else HARSH
    store = scenario.store.model_copy(update={"capacity_tb": _STORE_TB})
    scenario = scenario.model_copy(update={"faults": Faults(), "store": store})
    world = World(scenario)
    lines = {kind: FaultLine(kind=kind) for kind in (CALM, *kinds)}
    for run in range(runs):
        seed = scenario.seed + run
        if progress is not None:
            progress(f"run {run + 1} of {runs}", run / runs)
        flown = scenario.model_copy(update={"seed": seed, "faults": rates})
        shipments = load_of(world, seed, load)
        plan = fault_plan(flown, world.contacts)
        calm: NetworkResult | None = None
        for kind, line in lines.items():
            faults = tuple(_of(plan, kind))
            if kind not in (CALM, ALL) and not faults and calm is not None:
                result = calm
            else:
                result = NetworkFlight(flown, world.contacts, shipments, faults).fly()
            calm = calm or result
            _count(line, result, calm)
    for line in lines.values():
        line.delay_s = tuple(_seconds(line.delays_ns, percent) for percent in _QUANTILES)
    return FaultStudy(
        scenario=scenario.name,
        hours=scenario.hours,
        runs=runs,
        satellites=world.contacts.satellites,
        rates=rates,
        lines=tuple(lines.values()),
    )


def _of(plan: tuple[Fault, ...], kind: str) -> Iterable[Fault]:
    """Return the faults of a flight; attempts that fail after a clock step are no part of that."""
    return (fault for fault in plan if kind in (ALL, fault.kind))


def _count(line: FaultLine, result: NetworkResult, calm: NetworkResult) -> None:
    """Add a flight to its line, held against the one without faults."""
    causes, usual = _waits(result), _waits(calm)
    line.uncaused += sum(waited[""] > 0 for waited in causes.values())
    line.faults += sum(result.happened.values())
    for name, count in asdict(result.custody).items():
        setattr(line.custody, name, getattr(line.custody, name) + count)
    for fate, before in zip(result.fates, calm.fates, strict=True):
        if not fate.sent:
            line.never_made += 1
            continue
        waited, usually = causes[fate.number], usual[fate.number]
        line.made += 1
        line.delays_ns.append(fate.delay_ns)
        line.delivered += fate.arrivals > 0
        line.doubled += fate.arrivals > 1
        line.lost += fate.lost == "satellite lost"
        line.lost_otherwise += fate.lost not in ("", "satellite lost")
        if not fate.arrivals and not fate.lost:
            line.waiting[fate.place.partition(": ")[2] or fate.place] += 1
        if fate.lost:
            continue
        blamed = {cause: waited[cause] for cause in FAULT_CAUSES if waited[cause]}
        line.held_up += bool(blamed)
        for cause, ns in blamed.items():
            line.held_s[cause] += ns // SECOND_NS
        if blamed or waited["link busy"]:
            continue
        line.uncaused += waited.total() > usually.total() + _TURN_NS
        line.went_round += _is_later(fate, before)


def _waits(result: NetworkResult) -> defaultdict[int, Counter[str]]:
    """Return how long each bundle waited, ns, by cause."""
    found: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for row in result.ledger:
        if row.step == "wait":
            found[row.capture][row.wait_cause] += row.end_ns - row.start_ns
    return found


def _is_later(fate: BundleFate, before: BundleFate) -> bool:
    if fate.inbox_ns is None or before.inbox_ns is None:
        return fate.inbox_ns is None and before.inbox_ns is not None
    return fate.inbox_ns > before.inbox_ns


def _seconds(delays_ns: Sequence[int | None], percent: float) -> float | None:
    ns = percentile_ns(delays_ns, percent)
    return None if ns is None else round(ns / SECOND_NS, 6)
