"""What breaks and when: a scenario's events and seeded ones, in one sorted plan.

Each kind of each satellite, station or link has a random stream of its own, so that a rate changed
in one place changes no other fault. Faults at a rate are a Poisson process: the number within a
flight is drawn, then that many times, evenly. Attempts to acquire a laser link fail independently,
so their number before the first success is geometric.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from orbitloom.errors import ScenarioError
from orbitloom.scenario import Scenario, stream, time
from orbitloom.scenario.faults import FAULT_KINDS, FaultEvent, FaultKind
from orbitloom.wire import LASER, ContactPlan
from orbitloom.world.flown import closed_spells

__all__ = ["FOREVER_NS", "Fault", "acquisitions", "check_events", "fault_plan"]

FOREVER_NS = 2**63 - 1
"""End of what is not mended."""

_YEAR_NS = 365.25 * time.DAY_NS
_GB = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault.

    Attributes
    ----------
    kind
        What breaks; ``weather`` is a sky that closes over a station, which the plan counted on.
    t_ns, end_ns
        From when to when; `end_ns` is `FOREVER_NS` for what is not mended, `t_ns` for what has no
        duration (a bit flip) or no effect (an attempt that nobody makes).
    node
        Number of the satellite or station in the contact plan.
    peer
        The other satellite of a link that is not acquired; -1 otherwise.
    terminal
        Which one is lost, from 1; 0 otherwise.
    share
        Of a bit flip: where in the store, 0 to 1. Of an aged battery: what is left of it.
    """

    kind: FaultKind | Literal["weather"]
    t_ns: int
    end_ns: int
    node: int
    peer: int = -1
    terminal: int = 0
    share: float = 0.0


def fault_plan(scenario: Scenario, plan: ContactPlan) -> tuple[Fault, ...]:
    """Return what breaks in a flight, by time.

    Parameters
    ----------
    scenario
        Its section `faults`, its seed, its start and end.
    plan
        Names the nodes; its laser contacts say when links are acquired.

    Raises
    ------
    ScenarioError
        If an event names a satellite or a station that is not there.
    """
    maker = _Maker(scenario, plan)
    found = [*maker.named(), *maker.random(), *maker.weather()]
    found += [again for fault in found for again in maker.reacquired(fault)]
    order = {kind: number for number, kind in enumerate((*FAULT_KINDS, "weather"))}
    return tuple(sorted(found, key=lambda one: (one.t_ns, order[one.kind], one.node, one.peer)))


def acquisitions(plan: ContactPlan, start_ns: int) -> tuple[tuple[int, int, int], ...]:
    """Return (time, satellite, satellite) of each laser link that is acquired, by time.

    A link that is held when the flight starts is not acquired, nor is one that goes on without a
    gap at another rate. The time is when data could flow: the end of the first attempt.
    """
    one_way = (plan.medium == LASER) & (plan.sender < plan.receiver)
    columns = (plan.start_ns, plan.end_ns, plan.sender, plan.receiver)
    found, ends = [], set()
    rows = list(zip(*(column[one_way].tolist() for column in columns), strict=True))
    ends = {(end, first, second) for _, end, first, second in rows}
    for begin, _, first, second in rows:
        if begin > start_ns and (begin, first, second) not in ends:
            found.append((begin, first, second))
    return tuple(found)


def check_events(scenario: Scenario, satellites: tuple[str, ...]) -> None:
    """Check that the faults that a scenario names can happen.

    Parameters
    ----------
    scenario
        Its faults, its stations, its lasers.
    satellites
        Their names.

    Raises
    ------
    ScenarioError
        If an event names a satellite, a station or a terminal that is not there.
    """
    stations = tuple(station.name for station in scenario.stations)
    for number, event in enumerate(scenario.faults.events):
        where = f"scenario {scenario.name}, key faults.events.{number}"
        name, key, known = (
            (event.station, "station", stations)
            if event.kind == "station_out"
            else (event.satellite, "satellite", satellites)
        )
        if name not in known:
            more = f" and {len(known) - 20} more" if len(known) > 20 else ""
            raise ScenarioError(
                f"there is no {key} {name!r}",
                where=f"{where}.{key}",
                way_out=f"There are: {', '.join(known[:20])}{more}",
            )
        if event.kind == "terminal_lost" and event.extent > scenario.laser.terminals:
            raise ScenarioError(
                f"{name} has no terminal {event.extent:g}",
                where=f"{where}.size",
                way_out=f"It has {scenario.laser.terminals} (key laser.terminals)",
            )


class _Maker:
    """Makes the faults of one flight."""

    def __init__(self, scenario: Scenario, plan: ContactPlan) -> None:
        self._scenario, self._plan = scenario, plan
        self._faults = scenario.faults
        self._start_ns, self._end_ns = scenario.start_ns, scenario.end_ns
        self._acquisition_ns = time.seconds_to_ns(scenario.laser.acquisition_s)
        needs_links = self._faults.not_acquired_probability > 0 or any(
            event.kind == "not_acquired" for event in self._faults.events
        )
        self._acquired = acquisitions(plan, self._start_ns) if needs_links else ()

    def named(self) -> Iterator[Fault]:
        """Yield the faults that the scenario names; those after its end do not happen."""
        plan = self._plan
        check_events(self._scenario, plan.nodes[: plan.satellites])
        nodes = {name: number for number, name in enumerate(plan.nodes)}
        for event in self._faults.events:
            name = event.station if event.kind == "station_out" else event.satellite
            fault = self._of(event, nodes[str(name)])
            if fault.t_ns < self._end_ns:
                yield fault

    def _of(self, event: FaultEvent, node: int) -> Fault:
        faults, t_ns = self._faults, self._start_ns + time.seconds_to_ns(60.0 * event.at_min)
        lasts_ns = None
        if event.duration_min is not None:
            lasts_ns = time.seconds_to_ns(60.0 * event.duration_min)
        match event.kind:
            case "satellite_lost" | "terminal_lost":
                end_ns = FOREVER_NS
            case "station_out":
                end_ns = FOREVER_NS if lasts_ns is None else t_ns + lasts_ns
            case "clock_step":
                fix_ns = time.seconds_to_ns(60.0 * faults.clock_fix_min)
                end_ns = t_ns + (fix_ns if lasts_ns is None else lasts_ns)
                if event.extent <= faults.clock_tolerance_s:
                    end_ns = t_ns
            case "computer_reset":
                reboot_ns = time.seconds_to_ns(faults.reboot_s)
                end_ns = t_ns + (reboot_ns if lasts_ns is None else lasts_ns)
            case "not_acquired":
                return self._not_acquired(node, t_ns, int(event.extent))
            case _:
                end_ns = t_ns
        return Fault(
            kind=event.kind,
            t_ns=t_ns,
            end_ns=end_ns,
            node=node,
            terminal=int(event.extent) if event.kind == "terminal_lost" else 0,
            share=event.extent if event.kind == "battery_ageing" else 0.0,
        )

    def _not_acquired(self, node: int, t_ns: int, attempts: int) -> Fault:
        """Return that the next link a satellite acquires takes more attempts."""
        for begin_ns, first, second in self._acquired:
            if begin_ns >= t_ns and node in (first, second):
                return Fault(
                    kind="not_acquired",
                    t_ns=begin_ns,
                    end_ns=begin_ns + attempts * self._acquisition_ns,
                    node=first,
                    peer=second,
                )
        return Fault(kind="not_acquired", t_ns=t_ns, end_ns=t_ns, node=node)

    def random(self) -> Iterator[Fault]:
        """Yield the faults that the rates make."""
        faults, plan = self._faults, self._plan
        fix_ns = time.seconds_to_ns(60.0 * faults.clock_fix_min)
        if faults.clock_step_s <= faults.clock_tolerance_s:
            fix_ns = 0
        reboot_ns = time.seconds_to_ns(faults.reboot_s)
        capacity_gb = self._scenario.store.capacity_tb * 1e12 / _GB
        lost_a_year = faults.terminals_lost_per_satellite_year
        if not self._scenario.laser.terminals:
            lost_a_year = 0.0
        per_year: tuple[tuple[FaultKind, float, int | None], ...] = (
            ("satellite_lost", faults.satellites_lost_per_satellite_year, None),
            ("terminal_lost", lost_a_year, None),
            ("clock_step", faults.clock_steps_per_satellite_year, fix_ns),
            ("computer_reset", faults.resets_per_satellite_year, reboot_ns),
            ("battery_ageing", faults.battery_ageings_per_satellite_year, 0),
            ("bit_flip", faults.bit_flips_per_gb_day * capacity_gb * 365.25, 0),
        )
        for kind, rate, lasts_ns in per_year:
            for node in range(plan.satellites) if rate else ():
                draw, times_ns = self._times(kind, node, rate / _YEAR_NS)
                for t_ns in times_ns[:1] if kind == "satellite_lost" else times_ns:
                    yield Fault(
                        kind=kind,
                        t_ns=t_ns,
                        end_ns=FOREVER_NS if lasts_ns is None else t_ns + lasts_ns,
                        node=node,
                        terminal=self._terminal(kind, draw),
                        share=self._share(kind, draw),
                    )
        rate = faults.station_outages_per_station_day / time.DAY_NS
        for node in plan.stations if rate else ():
            draw, times_ns = self._times("station_out", node, rate)
            for t_ns in times_ns:
                lasts_s = draw.exponential(60.0 * faults.station_outage_min)
                end_ns = t_ns + max(1, time.seconds_to_ns(lasts_s))
                yield Fault(kind="station_out", t_ns=t_ns, end_ns=end_ns, node=node)
        if faults.not_acquired_probability:
            draws: dict[tuple[int, int], np.random.Generator] = {}
            for t_ns, first, second in self._acquired:
                if (first, second) not in draws:
                    names = plan.nodes[first], plan.nodes[second]
                    seed = self._scenario.seed
                    draws[first, second] = stream(seed, "faults", "not_acquired", *names)
                yield from self._attempts(draws[first, second], t_ns, first, second)

    def weather(self) -> Iterator[Fault]:
        """Yield the spells in which the sky over a station is closed."""
        for station, start_ns, end_ns in closed_spells(self._scenario):
            node = self._plan.satellites + station
            yield Fault(kind="weather", t_ns=start_ns, end_ns=end_ns, node=node)

    def reacquired(self, fault: Fault) -> Iterator[Fault]:
        """Yield the attempts that fail when the links of a satellite are acquired anew."""
        if fault.kind != "clock_step" or not self._faults.not_acquired_probability:
            return
        plan, t_ns = self._plan, fault.end_ns + self._acquisition_ns
        mine = (plan.medium == LASER) & (plan.sender == fault.node)
        mine &= (plan.start_ns <= t_ns) & (t_ns < plan.end_ns) & (fault.end_ns > fault.t_ns)
        for peer in plan.receiver[mine].tolist():
            first, second = sorted((fault.node, peer))
            names = plan.nodes[first], plan.nodes[second]
            draw = stream(self._scenario.seed, "faults", "acquired anew", *names, fault.t_ns)
            yield from self._attempts(draw, t_ns, first, second)

    def _attempts(
        self, draw: np.random.Generator, t_ns: int, first: int, second: int
    ) -> Iterator[Fault]:
        failed = int(draw.geometric(1.0 - self._faults.not_acquired_probability)) - 1
        if failed:
            end_ns = t_ns + failed * self._acquisition_ns
            yield Fault(kind="not_acquired", t_ns=t_ns, end_ns=end_ns, node=first, peer=second)

    def _times(
        self, kind: FaultKind, node: int, rate_per_ns: float
    ) -> tuple[np.random.Generator, list[int]]:
        """Return the stream of a kind at a node, and when that happens there, by time."""
        draw = stream(self._scenario.seed, "faults", kind, self._plan.nodes[node])
        span_ns = self._end_ns - self._start_ns
        count = int(draw.poisson(rate_per_ns * span_ns))
        times = np.sort(draw.integers(self._start_ns, self._end_ns, count))
        return draw, times.tolist()

    def _terminal(self, kind: FaultKind, draw: np.random.Generator) -> int:
        if kind != "terminal_lost":
            return 0
        return 1 + int(draw.integers(self._scenario.laser.terminals))

    def _share(self, kind: FaultKind, draw: np.random.Generator) -> float:
        if kind == "battery_ageing":
            return self._faults.battery_capacity_share
        return float(draw.random()) if kind == "bit_flip" else 0.0
