"""A computer in simulated time: a satellite's, with its battery and heat, or a station's."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any, Protocol

import simpy

from orbitloom.flight.clock import NEVER_NS
from orbitloom.flight.computer import Segment
from orbitloom.twin.clock import Clock

__all__ = ["Machine", "Worker"]


class Machine(Protocol):
    """What `flight.platform.Platform` and `flight.computer.Computer` have in common."""

    def submit(self, job: int, stages: Iterable[tuple[str, float]], t_ns: int) -> None:
        """Add a job."""
        ...

    def reset(self, job: int, seconds: float, t_ns: int) -> None:
        """Serve a reboot first, then all jobs from their beginning."""
        ...

    def advance(self, t_ns: int) -> list[Segment]:
        """Move to a time and return the segments closed since the last call."""
        ...

    def next_event_ns(self) -> int:
        """Return when `advance` is next due."""
        ...

    def open_segments(self) -> list[Segment]:
        """Return the unfinished segments, up to now."""
        ...


class Worker:
    """Wakes a machine when something befalls its jobs, and tells each what became of it.

    Without a job nobody wakes: the machine comes to now when somebody asks.

    Parameters
    ----------
    clock
        The time.
    machine
        The queue that serves.
    """

    def __init__(self, clock: Clock, machine: Machine) -> None:
        self._clock = clock
        self._machine = machine
        self._wake = clock.event()
        self._jobs: dict[int, tuple[Callable[[Segment], None], simpy.Event]] = {}
        self._next_job = 0
        self._driven = False
        self._halted = False

    def run(
        self, stages: Iterable[tuple[str, float]], on_segment: Callable[[Segment], None]
    ) -> Generator[simpy.Event, Any, None]:
        """Submit a job now and wait until it is done; each of its segments is told as it closes.

        Parameters
        ----------
        stages
            Steps and their seconds at full speed.
        on_segment
            Called with each stretch of running or waiting, contiguous from now to completion.
        """
        if self._halted:
            yield self._clock.event()  # nobody works here any more
        job, done = self._enter(on_segment)
        self._machine.submit(job, stages, self._clock.now_ns)
        self._drive_on()
        yield done

    def reset(self, seconds: float) -> None:
        """Start the machine anew, now: a reboot first, then all jobs from their beginning."""
        self.collect()
        job, _ = self._enter(lambda segment: None)
        self._machine.reset(job, seconds, self._clock.now_ns)
        self._drive_on()

    def halt(self) -> None:
        """Stop for good, now: each job is told what it was at, and none is ever done."""
        self.close()
        self._jobs.clear()
        self._halted = True
        self.changed()

    def _enter(self, on_segment: Callable[[Segment], None]) -> tuple[int, simpy.Event]:
        job, self._next_job = self._next_job, self._next_job + 1
        done = self._clock.event()
        self._jobs[job] = on_segment, done
        return job, done

    def _drive_on(self) -> None:
        if self._driven:
            self.changed()
        else:
            self._driven = True
            self._clock.process(self._drive())

    def changed(self) -> None:
        """Say that something was set in the machine, so that what is due next may have moved."""
        if self._driven and not self._wake.triggered:
            self._wake.succeed()

    def close(self) -> None:
        """Tell the unfinished jobs what they were at when the flight ended."""
        if self._halted:
            return
        self.collect()
        for segment in self._machine.open_segments():
            self._jobs[segment.job][0](segment)

    def _drive(self) -> Generator[simpy.Event, Any, None]:
        while self._jobs:
            due_ns = self._machine.next_event_ns()
            self._wake = self._clock.event()
            if due_ns == NEVER_NS:
                yield self._wake
            else:
                yield self._wake | self._clock.until(due_ns)
            self.collect()
        self._driven = False

    def collect(self) -> None:
        """Bring the machine to now, and tell the jobs what became of them until then."""
        if self._halted:
            return
        for segment in self._machine.advance(self._clock.now_ns):
            on_segment, done = self._jobs[segment.job]
            on_segment(segment)
            if segment.last:
                del self._jobs[segment.job]
                done.succeed()
