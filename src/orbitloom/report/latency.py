"""How long an answer takes from capture to station: fleets, nets, terminals, downlink rates.

Random captures, each by any satellite at any time, are routed over the real contact plan: passes
with their antennas, lasers with their terminals, limits and acquisition. Only the network counts;
computing comes on top (`orbitloom fly`). Each answer has the network to itself, unless they share
it: then they go in order of time and book what they use.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orbitloom.network.router import Router
from orbitloom.report.fabric import sky
from orbitloom.report.fleets import FleetOf, net_of
from orbitloom.report.waits import PERCENTILES
from orbitloom.scenario import Scenario, stream, time
from orbitloom.wire import LASER, ContactPlan, Priority

__all__ = ["Latencies", "Latency", "capture_latencies_s", "study_latency"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """One line: a fleet, a net, a number of laser terminals and a downlink rate.

    Attributes
    ----------
    fleet, satellites, net, stations
        What flies, what listens.
    terminals
        For lasers, of a satellite.
    rate_mbps
        Of every contact with the ground; None for the plan's own rates.
    delivered
        Share of the captures whose answer is down by the end.
    seconds
        From capture to station, at `PERCENTILES`; None if not by the end.
    """

    fleet: str
    satellites: int
    net: str
    stations: int
    terminals: int
    rate_mbps: float | None
    delivered: float
    seconds: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """All lines of a study, and what they were made with."""

    scenario: str
    start: str
    hours: float
    captures_hours: float
    captures: int
    size_bytes: int
    antennas: int | None
    shared: bool
    lines: tuple[Latency, ...]

    def record(self) -> dict[str, Any]:
        """Return all of it, ready for JSON."""
        return {
            "study": "latency",
            "scenario": self.scenario,
            "start": self.start,
            "hours": self.hours,
            "captures_hours": self.captures_hours,
            "captures": self.captures,
            "size_bytes": self.size_bytes,
            "antennas": self.antennas,
            "shared": self.shared,
            "percentiles": list(PERCENTILES),
            "lines": [
                {
                    "fleet": line.fleet,
                    "satellites": line.satellites,
                    "net": line.net,
                    "stations": line.stations,
                    "terminals": line.terminals,
                    "rate_mbps": line.rate_mbps,
                    "delivered": round(line.delivered, 6),
                    "latency_s": [None if s is None else round(s, 6) for s in line.seconds],
                }
                for line in self.lines
            ],
        }


def capture_latencies_s(
    plan: ContactPlan,
    node: NDArray[np.integer],
    t_ns: NDArray[np.int64],
    size_bytes: int,
    *,
    shared: bool = False,
) -> NDArray[np.float64]:
    """Return how long answers take from their captures to any station, s.

    Parameters
    ----------
    plan
        The contacts.
    node, t_ns
        (n,) by whom and when, in order of time.
    size_bytes
        Of each answer.
    shared
        Whether each books what it uses, so that later ones find it taken.

    Returns
    -------
    NDArray
        (n,); infinite for an answer that does not come down.
    """
    routes = Router(plan).route_many(node, t_ns, size_bytes, Priority.ALERT, book=shared)
    found = np.full(t_ns.size, np.inf)
    taken_ns = routes.arrival_ns - t_ns[routes.bundle]
    found[routes.bundle] = taken_ns / time.SECOND_NS
    return found


def study_latency(
    scenario: Scenario,
    fleets: Sequence[FleetOf],
    nets: Sequence[str],
    *,
    terminals: Sequence[int | None] = (None,),
    rates_mbps: Sequence[float | None] = (None,),
    size_bytes: int = 10_000,
    captures: int = 2000,
    captures_share: float = 2 / 3,
    antennas: int | None = None,
    shared: bool = False,
    progress: Callable[[str, float], None] | None = None,
) -> Latencies:
    """Return how long answers take, for each fleet, net and rate.

    Parameters
    ----------
    scenario
        Start, hours, lasers, radio, antennas and seed.
    fleets, nets, terminals, rates_mbps
        What to compare. A rate replaces that of every contact with the ground; None keeps it, and
        None keeps the scenario's terminals.
    size_bytes
        Of an answer.
    captures, captures_share
        How many random captures, taken from the first part of the hours: the rest is for the last
        ones to come down in.
    antennas
        Of every station; its own if None.
    shared
        See `capture_latencies_s`.
    """
    weights = np.array([one.satellites for one in fleets], dtype=float)
    done = np.concatenate([[0.0], np.cumsum(weights) / weights.sum()])
    span_ns = round((scenario.end_ns - scenario.start_ns) * captures_share)
    lines: list[Latency] = []
    for turn, fleet in enumerate(fleets):
        random = stream(scenario.seed, "study latency", fleet.name)
        t_ns = np.sort(scenario.start_ns + random.integers(0, span_ns, captures))
        node = random.integers(0, fleet.satellites, captures)
        for place, net in enumerate(nets):
            if progress is not None:
                share = done[turn] + place / len(nets) * (done[turn + 1] - done[turn])
                progress(f"{fleet.name}, {net}", float(share))
            stations = tuple(net_of(net, scenario))
            if antennas is not None:
                stations = tuple(
                    station.model_copy(update={"antennas": antennas}) for station in stations
                )
            flown = scenario.model_copy(update={"fleet": fleet.fleet, "stations": stations})
            for held in terminals:
                laser = scenario.laser
                if held is not None:
                    laser = laser.model_copy(update={"terminals": held})
                flown = flown.model_copy(update={"laser": laser})
                own = sky(flown).contacts
                for rate in rates_mbps:
                    plan = own if rate is None else _at_rate(own, rate)
                    taken_s = capture_latencies_s(plan, node, t_ns, size_bytes, shared=shared)
                    lines.append(
                        Latency(
                            fleet=fleet.name,
                            satellites=fleet.satellites,
                            net=net,
                            stations=len(stations),
                            terminals=flown.laser.terminals,
                            rate_mbps=rate,
                            delivered=float(np.isfinite(taken_s).mean()),
                            seconds=_percentiles(taken_s),
                        )
                    )
    return Latencies(
        scenario=scenario.name,
        start=scenario.start,
        hours=scenario.hours,
        captures_hours=span_ns / time.HOUR_NS,
        captures=captures,
        size_bytes=size_bytes,
        antennas=antennas,
        shared=shared,
        lines=tuple(lines),
    )


def _percentiles(taken_s: NDArray[np.float64]) -> tuple[float | None, ...]:
    with np.errstate(invalid="ignore"):  # between a number and infinity lies no number
        found = np.percentile(taken_s, PERCENTILES).tolist()
    return tuple(seconds if np.isfinite(seconds) else None for seconds in found)


def _at_rate(plan: ContactPlan, rate_mbps: float) -> ContactPlan:
    """Return the plan with every contact to the ground at one rate."""
    kept: dict[str, Any] = {name: getattr(plan, name) for name in plan.columns()}
    kept["rate_bps"] = np.where(plan.medium == LASER, plan.rate_bps, 1e6 * rate_mbps)
    return ContactPlan(nodes=plan.nodes, satellites=plan.satellites, **kept)
