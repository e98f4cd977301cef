"""One satellite in simulated time, and what is known beforehand of all of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from orbitloom.flight.bus import Bus, Inputs
from orbitloom.flight.platform import Platform
from orbitloom.flight.store import Store
from orbitloom.scenario import Scenario
from orbitloom.scenario.time import SECOND_NS
from orbitloom.twin.clock import Clock
from orbitloom.twin.result import SatelliteHistory
from orbitloom.twin.worker import Worker
from orbitloom.world.geometry import World

__all__ = ["Craft", "fleet_bus", "sample_step_ns", "survey_parts"]

_MINUTE_NS = 60 * SECOND_NS
_SMALL_FLEET = 48
"""Up to so many satellites are sampled, and their strips cut, once a minute."""
_MOST_SAMPLE_NS = 10 * _MINUTE_NS


def sample_step_ns(satellites: int) -> int:
    """Return how far apart samples are: a minute in a small fleet, up to ten in a large one."""
    return min(-(-satellites // _SMALL_FLEET) * _MINUTE_NS, _MOST_SAMPLE_NS)


def fleet_bus(
    world: World,
    *,
    has_lasers: bool,
    survey_rate: float,
    capacity_factor: NDArray[np.float64] | None = None,
) -> Bus:
    """Return the buses of a fleet, with all that is known beforehand of their flight.

    Parameters
    ----------
    world
        The truth about Sun, links and strips.
    has_lasers
        Whether this arm has laser links, which draw power while they hold.
    survey_rate
        Seconds of on-board work that a second of survey imaging makes; 0 if it is not processed
        on board.
    capacity_factor
        (satellites,) what age has left of each battery's capacity; None for new ones.
    """
    scenario = world.scenario
    count = world.contacts.satellites

    def steps() -> Iterator[tuple[int, str, NDArray[np.int64], NDArray[np.float64]]]:
        for index in range(count):
            yield index, "sunlight", *world.sunlight(index)
            if has_lasers:
                t_ns, terminals = world.laser_links(index)
                yield index, "lasers_w", t_ns, scenario.laser.power_w * terminals.astype(np.float64)
            if scenario.survey.duty_s_per_orbit > 0:
                edges_ns = np.array(world.survey_strips(index), dtype=np.int64).reshape(-1)
                on = (np.arange(edges_ns.size) % 2 == 0).astype(np.float64)
                yield index, "survey_w", edges_ns, on * scenario.instrument.power_w
                yield index, "inflow", edges_ns, on * survey_rate

    return Bus(
        scenario.power,
        scenario.heat,
        scenario.compute,
        scenario.start_ns,
        inputs=Inputs.of(count, steps()),
        sample_ns=sample_step_ns(count),
        capacity_factor=capacity_factor,
    )


def survey_parts(world: World) -> list[tuple[int, int, int]]:
    """Return end, start (ns) and satellite of each part of the fleet's survey strips, by end.

    A strip goes into the queues in parts: of a minute in a small fleet, in a larger one of as many
    minutes as it has times 48 satellites, so that a fleet of thousands sends each strip as one. It
    is cut where a capture ends, too: what was surveyed before a capture then stands in the queue
    before it. See docs/design/survey-flow.md.
    """
    if world.scenario.survey.duty_s_per_orbit <= 0:
        return []
    count = world.contacts.satellites
    part_ns = -(-count // _SMALL_FLEET) * _MINUTE_NS
    captures: dict[str, list[int]] = {}
    for task in world.tasks:
        captures.setdefault(task.satellite, []).append(task.end_ns)
    parts = []
    for index, name in enumerate(world.ephemeris.names):
        for start_ns, end_ns in world.survey_strips(index):
            regular = range(start_ns + part_ns, end_ns, part_ns)
            cuts = (t_ns for t_ns in captures.get(name, ()) if start_ns < t_ns < end_ns)
            for cut_ns in sorted({*regular, *cuts, end_ns}):
                parts.append((cut_ns, start_ns, index))
                start_ns = cut_ns
    return sorted(parts)


class Craft:
    """A satellite: its row of the fleet's buses, its store, and the jobs that wait for it.

    Parameters
    ----------
    clock
        The time.
    scenario
        What its parts draw, and how much it stores.
    bus, index
        The buses of the fleet, and the satellite's node number.
    name
        Of the satellite.
    """

    def __init__(self, clock: Clock, scenario: Scenario, bus: Bus, index: int, name: str) -> None:
        self.index = index
        self.name = name
        self.store = Store(round(scenario.store.capacity_tb * 1e12))
        self.platform = Platform.of(bus, index)
        self.worker = Worker(clock, self.platform)
        self._clock = clock
        self._imager_w, self._downlink_w = scenario.instrument.power_w, scenario.downlink.power_w
        self._imaging = self._sending = 0
        self.is_lost = False

    def lose(self) -> None:
        """Be no more: its jobs end where they are, and its history with them."""
        self.worker.halt()
        self.is_lost = True

    def age(self, share: float) -> None:
        """Have so much of its battery left, from now on."""
        self.worker.collect()
        self.platform.age(share, self._clock.now_ns)
        self.worker.changed()

    @property
    def may_work(self) -> bool:
        """Whether its computer runs now: neither battery nor heat holds it back."""
        self.worker.collect()
        return not self.is_lost and self.platform.computer.speed > 0.0

    def image(self, on: bool) -> None:
        """Switch the target imager on or off; the survey has one of its own."""
        self._imaging += 1 if on else -1
        self._set_load("imager", self._imaging * self._imager_w)

    def key(self, on: bool) -> None:
        """Switch the downlink transmitter on or off; a pass may start as another ends."""
        self._sending += 1 if on else -1
        self._set_load("downlink", self._sending * self._downlink_w)

    def history(self) -> SatelliteHistory:
        """Return battery and temperature over the flight, and what energy came and went."""
        self.worker.collect()
        t_ns, battery_wh, computer_c = self.platform.history()
        battery, computer = self.platform.battery, self.platform.computer
        return SatelliteHistory(
            name=self.name,
            t_ns=t_ns,
            battery_wh=battery_wh,
            computer_c=computer_c,
            capacity_wh=battery.capacity_j / 3600.0,
            lowest_wh=battery.lowest_j / 3600.0,
            hottest_c=self.platform.thermal.hottest_c,
            solar_wh=battery.solar_j / 3600.0,
            spilled_wh=battery.spilled_j / 3600.0,
            consumed_wh=battery.consumed_j / 3600.0,
            unmet_wh=battery.unmet_j / 3600.0,
            stored_change_wh=battery.stored_change_j / 3600.0,
            held_s=computer.held_s,
            throttled_s=computer.throttled_s,
        )

    def _set_load(self, name: str, watts: float) -> None:
        if self.is_lost:
            return
        self.platform.set_load(name, watts, self._clock.now_ns)
        self.worker.changed()
