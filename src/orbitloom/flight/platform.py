"""One satellite's battery, temperature and computer under one clock."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from orbitloom.flight.computer import Computer, Segment
from orbitloom.flight.heat import ThermalNode
from orbitloom.flight.power import Battery
from orbitloom.scenario.hardware import Compute, Heat, Power
from orbitloom.scenario.time import SECOND_NS
from orbitloom.wire import WaitCause

__all__ = ["Platform"]

_SAMPLE_NS = 60 * SECOND_NS


class Platform:
    """Computer, battery and thermal node, coupled.

    The share of its full speed that the computer uses sets its power, from idle to full load; that
    loads the battery and heats the node. In return work stops while the battery is below its soft
    limit or the node is shut down, and goes on slower while the node is throttled. So a job's
    energy above idle is the same at any speed.

    Every call takes its time, which goes forward only; what happens in between is stepped through
    exactly.

    Parameters
    ----------
    power, heat, compute
        Sizes and limits of one satellite.
    start_ns
        The time of the start: in the dark, the computer idle and in thermal equilibrium.
    """

    def __init__(self, power: Power, heat: Heat, compute: Compute, start_ns: int) -> None:
        self._idle_w, self._load_w = compute.idle_w, compute.load_w
        self._throttle_speed = heat.throttle_speed
        self.computer = Computer(start_ns)
        self.battery = Battery(power, start_ns)
        self.thermal = ThermalNode(heat, start_ns, compute.idle_w)
        self.t_ns = start_ns
        self._next_sample_ns = start_ns
        self._samples: list[tuple[int, float, float]] = []
        self._closed: list[Segment] = []
        self.battery.set_load("bus", power.bus_w, start_ns)
        self._couple()

    def submit(self, job: int, stages: Iterable[tuple[str, float]], t_ns: int) -> None:
        """Add a job to the computer's queue; see `Computer.submit`."""
        self._run(t_ns)
        self.computer.submit(job, stages, t_ns)
        self._couple()

    def set_inflow(self, rate: float, t_ns: int) -> None:
        """Set how many seconds of survey work flow in a second; see `Computer.set_inflow`."""
        self._run(t_ns)
        self.computer.set_inflow(rate, t_ns)
        self._couple()

    def set_load(self, name: str, watts: float, t_ns: int) -> None:
        """Set what another consumer (lasers, transmitter, imager) draws from `t_ns` on."""
        self._run(t_ns)
        self.battery.set_load(name, watts, t_ns)

    def set_sunlight(self, fraction: float, t_ns: int) -> None:
        """Set the visible share of the Sun from `t_ns` on."""
        self._run(t_ns)
        self.battery.set_sunlight(fraction, t_ns)

    def advance(self, t_ns: int) -> list[Segment]:
        """Move to a time and return the segments closed since the last call, in order."""
        self._run(t_ns)
        closed, self._closed = self._closed, []
        return closed

    def next_event_ns(self) -> int:
        """Return when `advance` is next due, as things are now; `NEVER_NS` if nothing will happen.

        It is the earliest of: a stage or the survey backlog ends, the battery or the temperature
        meets a level. It changes with every call that sets something.
        """
        return self.t_ns if self._closed else self._next_change_ns()

    def open_segments(self) -> list[Segment]:
        """Return the unfinished segment of each job in the computer's queue, up to now."""
        return self.computer.open_segments()

    def history(self) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Return times (k,) in ns, charge (k,) in Wh and computer temperature (k,) in C.

        One sample a minute, one at each change of a limit, and one now.
        """
        samples = [*self._samples, self._sample()]
        return (
            np.array([t for t, _, _ in samples], dtype=np.int64),
            np.array([wh for _, wh, _ in samples]),
            np.array([celsius for _, _, celsius in samples]),
        )

    def _next_change_ns(self) -> int:
        return min(
            self.computer.next_event_ns(),
            self.battery.next_crossing_ns(),
            self.thermal.next_crossing_ns(),
        )

    def _run(self, t_ns: int) -> None:
        if t_ns < self.t_ns:
            raise ValueError(f"time goes back by {self.t_ns - t_ns} ns")
        while self.t_ns < t_ns:
            self.t_ns = min(t_ns, self._next_change_ns(), self._next_sample_ns)
            self._closed += self.computer.advance(self.t_ns)
            self.battery.advance(self.t_ns)
            self.thermal.advance(self.t_ns)
            self._couple()

    def _couple(self) -> None:
        """Let limits act on the computer, and its use on battery and temperature."""
        speed, cause = self._allowed()
        if (speed, cause) != (self.computer.speed, self.computer.cause):
            self.computer.set_speed(speed, cause, self.t_ns)
            self._samples.append(self._sample())
        self._closed += self.computer.advance(self.t_ns)
        watts = self._idle_w + self.computer.rate * (self._load_w - self._idle_w)
        self.battery.set_load("computer", watts, self.t_ns)
        self.thermal.set_power(watts, self.t_ns)
        if self.t_ns >= self._next_sample_ns:
            self._samples.append(self._sample())
            self._next_sample_ns += _SAMPLE_NS

    def _allowed(self) -> tuple[float, WaitCause]:
        if self.thermal.shut_down:
            return 0.0, "computer hot"
        if self.battery.below_soft_limit:
            return 0.0, "battery low"
        return (self._throttle_speed if self.thermal.throttled else 1.0), ""

    def _sample(self) -> tuple[int, float, float]:
        return self.t_ns, self.battery.charge_j / 3600.0, self.thermal.temperature_c
