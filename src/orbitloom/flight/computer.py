"""A computer's queue: jobs one after the other, and survey work that flows in between them.

Jobs are served first in first out. Survey work has no scenes here: it is a fluid of
compute-seconds. A job waits for all the work that was there before it, fluid included; while a job
is served the fluid that flows in collects behind the last job. With no job about, the fluid drains
at the computer's speed. Everything is piecewise linear, so the queue steps from event to event.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from orbitloom.flight.clock import NEVER_NS
from orbitloom.scenario.time import SECOND_NS, seconds_to_ns
from orbitloom.wire import WaitCause

__all__ = ["Computer", "Segment"]

_NEAR_NS = 1e-6  # work below a femtosecond is rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A stretch of a job's life; those of one job are contiguous from submission to completion.

    Attributes
    ----------
    step
        The stage that was run or waited for.
    cause
        Why it waited; empty for a run.
    work_s
        Seconds of work done, at full speed; less than the duration where throttled.
    last
        True for the one that completes the job.
    """

    job: int
    kind: Literal["run", "wait"]
    step: str
    start_ns: int
    end_ns: int
    cause: WaitCause = ""
    work_s: float = 0.0
    last: bool = False


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
