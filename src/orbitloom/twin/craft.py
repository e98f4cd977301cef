"""One satellite in simulated time: Sun, lasers, imagers and the computer's queue."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import simpy

from orbitloom.flight.platform import Platform
from orbitloom.flight.store import Store
from orbitloom.scenario.time import SECOND_NS
from orbitloom.twin.clock import Clock
from orbitloom.twin.result import SatelliteHistory
from orbitloom.twin.worker import Worker
from orbitloom.world.geometry import World

__all__ = ["Craft"]

_SURVEY_PART_NS = 60 * SECOND_NS
"""A survey strip goes into the queues in parts of this length; see docs/design/survey-flow.md."""


class Craft:
    """A satellite's platform, driven by the clock.

    Parameters
    ----------
    clock
        The time.
    world
        The truth about Sun, links and strips.
    index
        The satellite's node number.
    has_lasers
        Whether this arm has laser links, which draw power while they hold.
    survey_rate
        Seconds of on-board work that a second of survey imaging makes; 0 if it is not processed
        on board.
    surveyed
        Called with this satellite, start and end (ns) when a part of a survey strip is complete.
    """

    def __init__(
        self,
        clock: Clock,
        world: World,
        index: int,
        *,
        has_lasers: bool,
        survey_rate: float,
        surveyed: Callable[[Craft, int, int], None],
    ) -> None:
        scenario = world.scenario
        self.index = index
        self.name = world.ephemeris.names[index]
        self.store = Store(round(scenario.store.capacity_tb * 1e12))
        self.platform = Platform(scenario.power, scenario.heat, scenario.compute, clock.now_ns)
        self.worker = Worker(clock, self.platform)
        self._clock = clock
        self._scenario = scenario
        self._survey_rate = survey_rate
        self._surveyed = surveyed
        self._imaging = self._sending = 0
        self._cuts: list[int] = [task.end_ns for task in world.tasks if task.satellite == self.name]
        clock.process(self._follow(*world.sunlight(index), self.platform.set_sunlight))
        if has_lasers:
            clock.process(self._follow(*world.laser_links(index), self._set_lasers))
        if scenario.survey.duty_s_per_orbit > 0:
            clock.process(self._survey(world.survey_strips(index)))

    @property
    def may_work(self) -> bool:
        """Whether its computer runs now: neither battery nor heat holds it back."""
        return self.platform.computer.speed > 0.0

    def image(self, on: bool) -> None:
        """Switch an imager on or off: the target imager and the survey's are one load each."""
        self._imaging += 1 if on else -1
        self._set_load("imager", self._imaging * self._scenario.instrument.power_w)

    def key(self, on: bool) -> None:
        """Switch the downlink transmitter on or off; a pass may start as another ends."""
        self._sending += 1 if on else -1
        self._set_load("downlink", self._sending * self._scenario.downlink.power_w)

    def history(self) -> SatelliteHistory:
        """Return battery and temperature over the flight, and what energy came and went."""
        self.platform.advance(self._clock.now_ns)
        t_ns, battery_wh, computer_c = self.platform.history()
        battery, computer = self.platform.battery, self.platform.computer
        return SatelliteHistory(
            name=self.name,
            t_ns=t_ns,
            battery_wh=battery_wh,
            computer_c=computer_c,
            solar_wh=battery.solar_j / 3600.0,
            spilled_wh=battery.spilled_j / 3600.0,
            consumed_wh=battery.consumed_j / 3600.0,
            unmet_wh=battery.unmet_j / 3600.0,
            stored_change_wh=battery.stored_change_j / 3600.0,
            held_s=computer.held_s,
            throttled_s=computer.throttled_s,
        )

    def _set_load(self, name: str, watts: float) -> None:
        self.platform.set_load(name, watts, self._clock.now_ns)
        self.worker.changed()

    def _set_lasers(self, terminals: float, t_ns: int) -> None:
        self.platform.set_load("lasers", terminals * self._scenario.laser.power_w, t_ns)

    def _follow(
        self, times: Any, values: Any, apply: Callable[[float, int], None]
    ) -> Generator[simpy.Event, Any, None]:
        """Apply a step function of time."""
        for t_ns, value in zip(times.tolist(), values.tolist(), strict=True):
            if t_ns > self._clock.now_ns:
                yield self._clock.until(t_ns)
            apply(float(value), self._clock.now_ns)
            self.worker.changed()

    def _survey(self, strips: tuple[tuple[int, int], ...]) -> Generator[simpy.Event, Any, None]:
        for start_ns, end_ns in strips:
            if end_ns <= self._clock.now_ns:
                continue
            yield self._clock.until(start_ns)
            self.image(True)
            self.platform.set_inflow(self._survey_rate, self._clock.now_ns)
            self.worker.changed()
            for part_end_ns in self._parts(start_ns, end_ns):
                part_start_ns = self._clock.now_ns
                yield self._clock.timeout(part_end_ns - part_start_ns)
                self._surveyed(self, part_start_ns, part_end_ns)
            self.platform.set_inflow(0.0, self._clock.now_ns)
            self.image(False)

    def _parts(self, start_ns: int, end_ns: int) -> list[int]:
        """Return where to cut a strip: each minute, and where a capture ends.

        What was surveyed before a capture then stands in the queue before it.
        """
        regular = range(start_ns + _SURVEY_PART_NS, end_ns, _SURVEY_PART_NS)
        captures = [t_ns for t_ns in self._cuts if start_ns < t_ns < end_ns]
        return sorted({*regular, *captures, end_ns})
