"""A computer's queue: jobs one after the other, and survey work that flows in between them.

Jobs are served first in first out. Survey work has no scenes here: it is a fluid of
compute-seconds. A job waits for all the work that was there before it, fluid included; while a job
is served the fluid that flows in collects behind the last job. With no job about, the fluid drains
at the computer's speed. The row of the bus keeps what the clock needs of this (see
`orbitloom.flight.march`); the jobs and what befalls them are here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from orbitloom.flight.bus import Bus
from orbitloom.scenario.time import SECOND_NS, seconds_to_ns
from orbitloom.wire import WaitCause

__all__ = ["REBOOT", "Computer", "Segment"]

REBOOT = "reboot"
"""The step that a computer does after a reset, before all else."""

_CAUSES: tuple[WaitCause, ...] = ("", "computer hot", "battery low")


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
    """A job; of the first one the row says what is left, and what fluid goes before it."""

    job: int
    stages: deque[tuple[str, int]]
    fluid_ns: float  # survey work that goes before it
    since_ns: int
    opened_ns: float  # left of the first stage when the open segment began
    kind: Literal["run", "wait"] = "wait"
    cause: WaitCause = ""
    whole: tuple[tuple[str, int], ...] = ()  # its stages as they were submitted


class Computer:
    """A first-in-first-out server of jobs and of a fluid, at a speed that may change.

    Times go forward only. Segments that a call closes come out of the next `advance`, and
    `next_event_ns` says when that is due. Without a `bus` it is one that has no battery and no
    heat, as a ground station's: at the speed that is set, full at first.

    Parameters
    ----------
    start_ns
        The time of the start: empty.
    bus, index
        The row that it is the computer of.
    """

    def __init__(self, start_ns: int, bus: Bus | None = None, index: int = 0) -> None:
        self.bus = bus or Bus(None, None, None, start_ns)
        self._index = index
        self._row = self.bus.rows[index]
        self._set_cause: WaitCause = ""
        self._jobs: deque[_Job] = deque()
        self._closed: list[Segment] = []

    @property
    def t_ns(self) -> int:
        """The time that it has come to, ns."""
        return int(self._row["t_ns"])

    @property
    def speed(self) -> float:
        """Share of full speed."""
        return float(self._row["speed"])

    @property
    def cause(self) -> WaitCause:
        """Why work waits where the speed is 0."""
        return self._set_cause or _CAUSES[self._row["cause"]]

    @property
    def rate(self) -> float:
        """Share of full speed in use now: what the power draw follows."""
        if self._jobs or self._row["behind_ns"] > 0.0:
            return self.speed
        return min(self.speed, float(self._row["inflow"]))

    @property
    def busy_s(self) -> float:
        """Time spent serving, where half use for two seconds counts one."""
        return float(self._row["busy_s"])

    @property
    def held_s(self) -> float:
        """Time with work there and speed zero."""
        return float(self._row["held_s"])

    @property
    def throttled_s(self) -> float:
        """The part of `busy_s` at less than full speed."""
        return float(self._row["throttled_s"])

    @property
    def survey_done_s(self) -> float:
        """Survey work done, in seconds at full speed."""
        return float(self._row["survey_done_s"])

    @property
    def survey_waiting_s(self) -> float:
        """Survey work that waits, in seconds at full speed."""
        later = sum(job.fluid_ns for job in list(self._jobs)[1:])
        return float(self._row["behind_ns"] + self._row["ahead_ns"] + later) / SECOND_NS

    @property
    def backlog_s(self) -> float:
        """All work that waits: what a job that came now would have ahead of it, at full speed."""
        stages = float(sum(ns for job in self._jobs for _, ns in job.stages))
        if self._jobs:
            stages += float(self._row["left_ns"]) - self._jobs[0].stages[0][1]
        return self.survey_waiting_s + stages / SECOND_NS

    def submit(self, job: int, stages: Iterable[tuple[str, float]], t_ns: int) -> None:
        """Add a job at a time.

        Parameters
        ----------
        job
            Number that its segments carry.
        stages
            Steps and their seconds at full speed, served back to back.
        """
        self.move(t_ns)
        steps = deque((step, seconds_to_ns(seconds)) for step, seconds in stages)
        if not steps or min(ns for _, ns in steps) < 0:
            raise ValueError(f"job {job} needs stages of no negative length")
        row = self._row
        added = _Job(
            job=job,
            stages=steps,
            fluid_ns=float(row["behind_ns"]),
            since_ns=t_ns,
            opened_ns=float(steps[0][1]),
            whole=tuple(steps),
        )
        row["behind_ns"] = 0.0
        self._jobs.append(added)
        if len(self._jobs) == 1:
            self._begin()
        self._label(added)
        self._settle()
        self.move(t_ns)

    def reset(self, job: int, seconds: float, t_ns: int) -> None:
        """Start anew: the reboot is served first, then all jobs, from their stored inputs.

        Parameters
        ----------
        job
            Number that the reboot's segments carry; its only step is called `REBOOT`.
        seconds
            How long it takes, at full speed.
        """
        self.move(t_ns)
        if self._jobs:
            head = self._jobs[0]
            self._close(head, last=False)
            head.fluid_ns = float(self._row["ahead_ns"])
            head.stages = deque(head.whole)
            head.opened_ns = float(head.stages[0][1])
        length_ns = seconds_to_ns(seconds)
        boot = _Job(
            job=job,
            stages=deque([(REBOOT, length_ns)]),
            fluid_ns=0.0,
            since_ns=t_ns,
            opened_ns=float(length_ns),
            whole=((REBOOT, length_ns),),
        )
        self._jobs.appendleft(boot)
        self._begin()
        self._look()
        self.move(t_ns)

    def set_inflow(self, rate: float, t_ns: int) -> None:
        """Set how many seconds of survey work flow in a second, from `t_ns` on."""
        if rate < 0.0:
            raise ValueError(f"inflow of {rate}")
        self.move(t_ns)
        self._row["inflow"] = rate
        self.move(t_ns)

    def set_speed(self, speed: float, cause: WaitCause, t_ns: int) -> None:
        """Set the speed, 1 for full, and why work waits where it is 0; of one without a bus."""
        self.move(t_ns)
        self._row["speed"], self._set_cause = speed, cause
        self._look()

    def advance(self, t_ns: int) -> list[Segment]:
        """Move to a time and return the segments closed since the last call, in order."""
        self.move(t_ns)
        closed, self._closed = self._closed, []
        return closed

    def next_event_ns(self) -> int:
        """Return when `advance` is next due: something ends, is met or comes, or a segment waits.

        It is as things are now, and changes with every call that sets something.
        """
        return self.t_ns if self._closed else self.bus.next_change_ns(self._index)

    def open_segments(self) -> list[Segment]:
        """Return the unfinished segment of each job in the queue, up to now."""
        return [self._segment(job, last=False) for job in self._jobs]

    def move(self, t_ns: int) -> None:
        """Move to a time; what closes on the way comes out of the next `advance`."""
        if t_ns < self._row["t_ns"]:
            raise ValueError(f"time goes back by {self.t_ns - t_ns} ns")
        while self.bus.march(self._index, t_ns):
            self._look()

    def _look(self) -> None:
        """Take note of what has befallen the first job, and of the computer's speed."""
        for job in self._jobs:
            self._label(job)
        self._settle()

    def _begin(self) -> None:
        """Tell the row of a new first job."""
        row = self._row
        row["has_job"] = bool(self._jobs)
        row["ahead_ns"] = self._jobs[0].fluid_ns if self._jobs else 0.0
        row["left_ns"] = self._jobs[0].stages[0][1] if self._jobs else 0.0

    def _settle(self) -> None:
        """Close what the first job has finished, and let the next go on."""
        row = self._row
        while self._jobs and (head := self._jobs[0]).kind == "run" and row["left_ns"] == 0.0:
            last = len(head.stages) == 1
            self._close(head, last=last)
            if not last:
                head.stages.popleft()
                row["left_ns"] = head.opened_ns = float(head.stages[0][1])
                continue
            self._jobs.popleft()
            self._begin()
            for job in self._jobs if head.stages[0][0] == REBOOT else list(self._jobs)[:1]:
                self._label(job)

    def _label(self, job: _Job) -> None:
        """Say what a job does from now on; a segment ends where that changes."""
        kind: Literal["run", "wait"] = "wait"
        cause: WaitCause = "computer busy"
        if self._jobs[0].stages[0][0] == REBOOT:
            cause = "computer reset"
        if self._row["speed"] == 0.0:
            cause = self.cause
        elif job is self._jobs[0] and self._row["ahead_ns"] == 0.0:
            kind, cause = "run", ""
        if (kind, cause) != (job.kind, job.cause):
            self._close(job, last=False)
            job.kind, job.cause = kind, cause

    def _close(self, job: _Job, *, last: bool) -> None:
        now_ns = self.t_ns
        if last or now_ns > job.since_ns:
            self._closed.append(self._segment(job, last=last))
        job.since_ns, job.opened_ns = now_ns, self._left_ns(job)

    def _left_ns(self, job: _Job) -> float:
        """Return what is left of a job's stage."""
        if job is self._jobs[0]:
            return float(self._row["left_ns"])
        return float(job.stages[0][1])

    def _segment(self, job: _Job, *, last: bool) -> Segment:
        return Segment(
            job=job.job,
            kind=job.kind,
            step=job.stages[0][0],
            start_ns=job.since_ns,
            end_ns=self.t_ns,
            cause=job.cause,
            work_s=(job.opened_ns - self._left_ns(job)) / SECOND_NS,
            last=last,
        )
