"""The plain way to fly a satellite's bus: a battery, a thermal node and a queue as Python objects.

What `orbitloom.flight.march` does in one compiled loop, written a second time as four objects that
ask each other what comes next. `orbitloom bench` measures against it, and tests hold the compiled
bus against it on random flights.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from orbitloom.flight.clock import NEVER_NS
from orbitloom.flight.computer import Segment
from orbitloom.scenario.hardware import Compute, Heat, Power
from orbitloom.scenario.time import SECOND_NS, seconds_to_ns
from orbitloom.wire import WaitCause

__all__ = ["Battery", "Computer", "Platform", "ThermalNode"]

_WH_J = 3600.0
_NEAR_J = 1e-6  # a predicted crossing is met within rounding; far below the resume margin
_NEAR_K = 1e-9  # likewise; far below the hysteresis
_NEAR_NS = 1e-6  # work below a femtosecond is rounding
_SAMPLE_NS = 60 * SECOND_NS


class Battery:
    """Charge under piecewise constant loads and sunlight.

    Between events the charge is linear in time, clamped at full (what the array could still have
    given is counted as spilled) and at empty (what the loads could not get is counted as unmet,
    and not as consumed). So ``solar_j - consumed_j`` is the change of the charge, always.

    Below the soft limit of depth of discharge `below_soft_limit` holds until the charge is back
    above the limit by the resume margin.

    Parameters
    ----------
    power
        Sizes and limits.
    start_ns
        The time of the start charge. No load, no Sun.

    Attributes
    ----------
    charge_j
        Energy in store at `t_ns`.
    sunlight
        Visible share of the Sun, 0 to 1.
    soft_limit_j
        Charge below which work stops.
    solar_j, spilled_j, consumed_j, unmet_j
        Totals since the start.
    """

    def __init__(self, power: Power, start_ns: int) -> None:
        self.t_ns = start_ns
        self.capacity_j = power.battery_wh * _WH_J
        self.charge_j = self.capacity_j * power.start_charge
        self.solar_j = self.spilled_j = self.consumed_j = self.unmet_j = 0.0
        self._array_w = power.solar_w
        self.sunlight = 0.0
        self._loads: dict[str, float] = {}
        soft = 1.0 - power.soft_depth_of_discharge
        self.soft_limit_j = self.capacity_j * soft
        self._resume_j = self.capacity_j * min(1.0, soft + power.resume_margin)
        self.below_soft_limit = self.charge_j <= self.soft_limit_j
        self._start_j = self.charge_j

    @property
    def stored_change_j(self) -> float:
        """Charge now less charge at the start."""
        return self.charge_j - self._start_j

    @property
    def load_w(self) -> float:
        """Sum of the present loads."""
        return sum(self._loads.values())

    def set_load(self, name: str, watts: float, t_ns: int) -> None:
        """Set what one consumer draws from `t_ns` on."""
        if watts < 0.0:
            raise ValueError(f"load {name!r} of {watts} W")
        self.advance(t_ns)
        self._loads[name] = watts

    def set_sunlight(self, fraction: float, t_ns: int) -> None:
        """Set the visible share of the Sun, 0 to 1, from `t_ns` on."""
        if not 0.0 <= fraction <= 1.0:
            raise ValueError(f"sunlight of {fraction}")
        self.advance(t_ns)
        self.sunlight = fraction

    def advance(self, t_ns: int) -> None:
        """Move to a time with the present loads and Sun."""
        seconds = _span_s(self.t_ns, t_ns)
        self.t_ns = t_ns
        offered = self._array_w * self.sunlight * seconds
        asked = self.load_w * seconds
        surplus = offered - asked
        spilled = max(0.0, surplus - (self.capacity_j - self.charge_j))
        unmet = max(0.0, -surplus - self.charge_j)
        self.charge_j = min(self.capacity_j, max(0.0, self.charge_j + surplus))
        self.solar_j += offered - spilled
        self.spilled_j += spilled
        self.consumed_j += asked - unmet
        self.unmet_j += unmet
        if self.charge_j <= self.soft_limit_j + _NEAR_J:
            self.below_soft_limit = True
        elif self.charge_j >= self._resume_j - _NEAR_J:
            self.below_soft_limit = False

    def next_crossing_ns(self) -> int:
        """Return when the charge next meets a level, with the present loads and Sun.

        The levels are the soft limit (falling), the resume level (rising, while held), full and
        empty. `NEVER_NS` if it meets none.
        """
        net_w = self._array_w * self.sunlight - self.load_w
        if net_w < 0.0:
            level_j = 0.0 if self.below_soft_limit else self.soft_limit_j
        else:
            level_j = self._resume_j if self.below_soft_limit else self.capacity_j
        if net_w == 0.0 or self.charge_j == level_j:
            return NEVER_NS
        return _after_ns(self.t_ns, max(0.0, (level_j - self.charge_j) / net_w))


class ThermalNode:
    """Temperature under piecewise constant power, and the two limits that it imposes.

    At `throttle_c` the node is `throttled`, at `shutdown_c` it is `shut_down`; each ends when the
    temperature is `hysteresis_k` below its limit.

    Parameters
    ----------
    heat
        Sizes and limits.
    start_ns
        The time of the start.
    power_w
        What the node dissipates at the start; it starts in equilibrium with that.
    """

    def __init__(self, heat: Heat, start_ns: int, power_w: float = 0.0) -> None:
        self._heat = heat
        self._tau_s = heat.resistance_k_per_w * heat.capacity_j_per_k
        self.t_ns = start_ns
        self._end_c = heat.sink_c + power_w * heat.resistance_k_per_w
        self.temperature_c = self._end_c
        self.throttled = False
        self.shut_down = False
        self.advance(start_ns)

    def set_power(self, watts: float, t_ns: int) -> None:
        """Set what the node dissipates from `t_ns` on."""
        self.advance(t_ns)
        self._end_c = self._heat.sink_c + watts * self._heat.resistance_k_per_w

    def advance(self, t_ns: int) -> None:
        """Move to a time with the present power."""
        seconds = _span_s(self.t_ns, t_ns)
        self.t_ns = t_ns
        decay = math.exp(-seconds / self._tau_s)
        self.temperature_c = self._end_c + (self.temperature_c - self._end_c) * decay
        self.throttled = self._limited(self._heat.throttle_c, self.throttled)
        self.shut_down = self._limited(self._heat.shutdown_c, self.shut_down)

    def next_crossing_ns(self) -> int:
        """Return when a limit is next imposed or lifted with the present power, or `NEVER_NS`."""
        levels = (
            (self._heat.throttle_c, self.throttled),
            (self._heat.shutdown_c, self.shut_down),
        )
        return min(self._crossing_ns(limit_c, imposed) for limit_c, imposed in levels)

    def _limited(self, limit_c: float, imposed: bool) -> bool:
        if imposed:
            return self.temperature_c > limit_c - self._heat.hysteresis_k + _NEAR_K
        return self.temperature_c >= limit_c - _NEAR_K

    def _crossing_ns(self, limit_c: float, imposed: bool) -> int:
        level_c = limit_c - self._heat.hysteresis_k if imposed else limit_c
        now, end = self.temperature_c - level_c, self._end_c - level_c
        if (now <= 0.0 < end) or (end < 0.0 <= now):
            return _after_ns(self.t_ns, self._tau_s * math.log((end - now) / end))
        return NEVER_NS


@dataclass(slots=True)
class _Job:
    job: int
    stages: deque[tuple[str, int]]
    fluid_ns: float  # survey work that goes before it
    since_ns: int
    kind: Literal["run", "wait"] = "wait"
    cause: WaitCause = ""
    left_ns: float = field(init=False)  # of the first stage
    opened_ns: float = field(init=False)  # left when the open segment began

    def __post_init__(self) -> None:
        self.left_ns = self.opened_ns = float(self.stages[0][1])


class Computer:
    """A first-in-first-out server of jobs and of a fluid, at a speed that may change.

    Times go forward only. Segments that a call closes come out of the next `advance`, and
    `next_event_ns` says when that is due. A ground station's computer is one that stays at speed 1.

    Parameters
    ----------
    start_ns
        The time of the start: empty, full speed.

    Attributes
    ----------
    speed, cause
        Share of full speed, and why work waits where that is 0.
    busy_s
        Time spent serving, where half use for two seconds counts one.
    held_s
        Time with work there and speed zero.
    throttled_s
        The part of `busy_s` at less than full speed.
    survey_done_s
        Survey work done, in seconds at full speed.
    """

    def __init__(self, start_ns: int) -> None:
        self.t_ns = start_ns
        self.speed = 1.0
        self.busy_s = self.held_s = self.throttled_s = self.survey_done_s = 0.0
        self.cause: WaitCause = ""
        self._inflow = 0.0
        self._fluid_ns = 0.0  # behind the last job
        self._jobs: deque[_Job] = deque()
        self._closed: list[Segment] = []

    @property
    def rate(self) -> float:
        """Share of full speed in use now: what the power draw follows."""
        if self._jobs or self._fluid_ns > 0.0:
            return self.speed
        return min(self.speed, self._inflow)

    @property
    def survey_waiting_s(self) -> float:
        """Survey work that waits, in seconds at full speed."""
        return (self._fluid_ns + sum(job.fluid_ns for job in self._jobs)) / SECOND_NS

    @property
    def backlog_s(self) -> float:
        """All work that waits: what a job that came now would have ahead of it, at full speed."""
        stages = (job.left_ns + sum(ns for _, ns in list(job.stages)[1:]) for job in self._jobs)
        return self.survey_waiting_s + sum(stages) / SECOND_NS

    def submit(self, job: int, stages: Iterable[tuple[str, float]], t_ns: int) -> None:
        """Add a job at a time.

        Parameters
        ----------
        job
            Number that its segments carry.
        stages
            Steps and their seconds at full speed, served back to back.
        """
        self._run(t_ns)
        steps = deque((step, seconds_to_ns(seconds)) for step, seconds in stages)
        if not steps or min(ns for _, ns in steps) < 0:
            raise ValueError(f"job {job} needs stages of no negative length")
        added = _Job(job=job, stages=steps, fluid_ns=self._fluid_ns, since_ns=t_ns)
        self._fluid_ns = 0.0
        self._jobs.append(added)
        self._label(added)
        self._settle()

    def set_inflow(self, rate: float, t_ns: int) -> None:
        """Set how many seconds of survey work flow in a second, from `t_ns` on."""
        if rate < 0.0:
            raise ValueError(f"inflow of {rate}")
        self._run(t_ns)
        self._inflow = rate

    def set_speed(self, speed: float, cause: WaitCause, t_ns: int) -> None:
        """Set the speed, 1 for full, and why work waits where it is 0."""
        self._run(t_ns)
        self.speed, self.cause = speed, cause
        for job in self._jobs:
            self._label(job)
        self._settle()

    def advance(self, t_ns: int) -> list[Segment]:
        """Move to a time and return the segments closed since the last call, in order."""
        self._run(t_ns)
        closed, self._closed = self._closed, []
        return closed

    def next_event_ns(self) -> int:
        """Return when `advance` is next due: a stage or the fluid ends, or a segment is closed."""
        return self.t_ns if self._closed else self._next_change_ns()

    def open_segments(self) -> list[Segment]:
        """Return the unfinished segment of each job in the queue, up to now."""
        return [self._segment(job, last=False) for job in self._jobs]

    def _next_change_ns(self) -> int:
        work, rate = self._fluid_ns, self.speed - self._inflow
        if self._jobs:
            head, rate = self._jobs[0], self.speed
            work = head.fluid_ns or head.left_ns
        if rate <= 0.0 or work <= 0.0 or work / rate >= NEVER_NS - self.t_ns:
            return NEVER_NS
        return self.t_ns + max(1, math.ceil(work / rate))

    def _run(self, t_ns: int) -> None:
        if t_ns < self.t_ns:
            raise ValueError(f"time goes back by {self.t_ns - t_ns} ns")
        while self.t_ns < t_ns:
            self._step(min(t_ns, self._next_change_ns()))

    def _step(self, t_ns: int) -> None:
        """Move over a stretch in which nothing changes but its very end."""
        span, rate = t_ns - self.t_ns, self.rate
        self._count(span, rate)
        self.t_ns = t_ns
        inflow = self._inflow * span
        if not self._jobs:
            left = _positive(self._fluid_ns + inflow - rate * span)
            self.survey_done_s += (self._fluid_ns + inflow - left) / SECOND_NS
            self._fluid_ns = left
            return
        self._fluid_ns += inflow
        head = self._jobs[0]
        if head.fluid_ns > 0.0:
            left = _positive(head.fluid_ns - rate * span)
            self.survey_done_s += (head.fluid_ns - left) / SECOND_NS
            head.fluid_ns = left
            self._label(head)
        else:
            head.left_ns = _positive(head.left_ns - rate * span)
        self._settle()

    def _count(self, span_ns: int, rate: float) -> None:
        seconds = span_ns / SECOND_NS
        if self.speed > 0.0:
            busy = seconds * rate / self.speed
            self.busy_s += busy
            self.throttled_s += busy if self.speed < 1.0 else 0.0
        elif self._jobs or self._fluid_ns > 0.0 or self._inflow > 0.0:
            self.held_s += seconds

    def _settle(self) -> None:
        """Close what the head has finished, and let the next go on."""
        while self._jobs and (head := self._jobs[0]).kind == "run" and head.left_ns == 0.0:
            last = len(head.stages) == 1
            self._close(head, last=last)
            head.stages.popleft()
            if last:
                self._jobs.popleft()
                if self._jobs:
                    self._label(self._jobs[0])
            else:
                head.left_ns = head.opened_ns = float(head.stages[0][1])

    def _label(self, job: _Job) -> None:
        """Say what a job does from now on; a segment ends where that changes."""
        kind: Literal["run", "wait"] = "wait"
        cause: WaitCause = "computer busy"
        if self.speed == 0.0:
            cause = self.cause
        elif job is self._jobs[0] and job.fluid_ns == 0.0:
            kind, cause = "run", ""
        if (kind, cause) != (job.kind, job.cause):
            self._close(job, last=False)
            job.kind, job.cause = kind, cause

    def _close(self, job: _Job, *, last: bool) -> None:
        if last or self.t_ns > job.since_ns:
            self._closed.append(self._segment(job, last=last))
        job.since_ns, job.opened_ns = self.t_ns, job.left_ns

    def _segment(self, job: _Job, *, last: bool) -> Segment:
        return Segment(
            job=job.job,
            kind=job.kind,
            step=job.stages[0][0],
            start_ns=job.since_ns,
            end_ns=self.t_ns,
            cause=job.cause,
            work_s=(job.opened_ns - job.left_ns) / SECOND_NS,
            last=last,
        )


def _positive(work_ns: float) -> float:
    """Return the work, or exactly zero for what is only rounding."""
    return work_ns if work_ns > _NEAR_NS else 0.0


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


def _span_s(start_ns: int, end_ns: int) -> float:
    """Return the seconds between two times; going back raises `ValueError`."""
    if end_ns < start_ns:
        raise ValueError(f"time goes back by {start_ns - end_ns} ns")
    return (end_ns - start_ns) * 1e-9


def _after_ns(t_ns: int, seconds: float) -> int:
    """Return the first whole nanosecond not before that many seconds after `t_ns`.

    It is always later than `t_ns`, so that whoever steps from event to event gets on.
    """
    if seconds >= 9e9:
        return NEVER_NS
    return t_ns + max(1, math.ceil(seconds * 1e9))
