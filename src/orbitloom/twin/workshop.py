"""Real work on an executor: observations become packets, packets become answers, each made once.

The twin's clock says when a satellite or a station starts and ends a piece of work; the bytes are
made meanwhile on any `concurrent.futures.Executor`. What a capture records depends on the scenario
alone, and an answer on the packets alone, so the workshop runs a few captures ahead of the clock to
keep the executor's workers busy; the clock waits for it, and nothing else notices.

The same function over the same bytes gives the same bytes, so what one arm has computed is not
computed again for the next: results are kept by the SHA-256 of the packets.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from concurrent.futures import Executor, Future
from copy import copy
from dataclasses import dataclass
from typing import Literal

from rasterio.errors import NotGeoreferencedWarning

from orbitloom.processing.chain import ChainResult, process
from orbitloom.processing.language.dossier import Dossier, dossier_of
from orbitloom.processing.language.writer import Written, write
from orbitloom.scenario import Scenario
from orbitloom.twin.result import CaptureScore
from orbitloom.twin.score import score
from orbitloom.wire import Calibration, CaptureTask
from orbitloom.wire.briefing import Earlier
from orbitloom.world.briefing import brief
from orbitloom.world.geometry import World
from orbitloom.world.observe import (
    Observation,
    ObservationJob,
    calibration,
    observation_job,
    observe,
)

__all__ = ["Recording", "Workshop", "Writer"]

Writer = Callable[[Dossier], Written]
"""Words an alert."""

_AHEAD = 3
"""How many captures ahead of the clock observations are made, and processed once they are there."""


@dataclass(frozen=True, slots=True)
class Recording:
    """The packets of one capture as the satellite recorded them: how many bytes, and which."""

    size_bytes: int
    digest: str


class Workshop:
    """Makes what a flight needs, at most once each.

    Parameters
    ----------
    world
        Where and when the captures are.
    executor
        Where the work runs: threads, processes or a cluster's executor.
    writer
        Words an alert. It works here, one text at a time: all satellites share one real model.
    """

    def __init__(self, world: World, executor: Executor, writer: Writer = write) -> None:
        # rasterio hushes this around calls of its own, which two threads undo for each other.
        warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)
        self._scenario: Scenario = world.scenario
        self._tasks = world.tasks
        self._executor = executor
        self._world = world
        self._jobs: dict[int, ObservationJob] = {}
        self._earlier: dict[int, Earlier] = {}
        for task in world.tasks:
            self._jobs[task.capture] = observation_job(world.scenario, world.ephemeris, task)
        self._calibrations: dict[str, Calibration] = {}
        self._observing: dict[int, Future[Observation]] = {}
        self._recordings: dict[int, Recording] = {}
        self._gate = world.scenario.perception.gate
        self._results: dict[tuple[str, str], Future[ChainResult]] = {}
        self._scores: dict[int, Future[CaptureScore]] = {}
        self._writer = writer
        self._words: dict[str, Written] = {}

    def variant(self, gate: Literal["on", "off"]) -> Workshop:
        """Return a workshop of the same bytes whose gate is on or off, whatever the scenario's."""
        other = copy(self)
        other._gate, other._scores = gate, {}
        return other

    def add(self, task: CaptureTask, earlier: Earlier) -> None:
        """Take in a look that was not planned: the second one at an alert."""
        world = self._world
        self._jobs[task.capture] = observation_job(world.scenario, world.ephemeris, task)
        self._earlier[task.capture] = earlier

    def record(self, task: CaptureTask) -> Recording:
        """Return what the satellite recorded of a capture; waits until the packets exist."""
        for ahead in (task.capture, *self._next(task.capture, _AHEAD)):
            if ahead not in self._recordings:
                self._observe(ahead)
        # A ground arm asks for packets much later, if at all: it has them observed again.
        for old in [capture for capture in self._observing if self._is_old(capture, task.capture)]:
            del self._observing[old]
        return self._recording(task.capture)

    def start(self, task: CaptureTask) -> Future[ChainResult]:
        """Start the chain over a capture's packets, unless the same bytes had it before."""
        result = self._process(task)
        for ahead in self._next(task.capture, _AHEAD - 1):
            observing = self._observing.get(ahead)
            if observing is not None and observing.done():
                self._process(self._tasks[ahead])
        return result

    def result(self, task: CaptureTask) -> ChainResult:
        """Return the chain's result for a capture, computed now if no arm has needed it."""
        return self.start(task).result()

    def words(self, task: CaptureTask) -> Written:
        """Return the words of a capture's alert, written now if no arm has needed them."""
        answer = self.result(task).answer
        digest = answer.digest()
        if digest not in self._words:
            self._words[digest] = self._writer(dossier_of(answer.feature, digest))
        return self._words[digest]

    def score(self, task: CaptureTask) -> Future[CaptureScore]:
        """Start to hold a capture's answer against the truth."""
        if task.capture not in self._scores:
            result = self.result(task)
            self._scores[task.capture] = self._executor.submit(
                score, self._jobs[task.capture], result.answer, result.grid
            )
        return self._scores[task.capture]

    def _is_old(self, capture: int, now: int) -> bool:
        planned = len(self._tasks)
        return capture < now - _AHEAD and now < planned

    def _next(self, capture: int, count: int) -> range:
        """Return the planned captures that follow; second looks are none of them."""
        if capture >= len(self._tasks):
            return range(0)
        return range(capture + 1, min(capture + 1 + count, len(self._tasks)))

    def _observe(self, capture: int) -> Future[Observation]:
        if capture not in self._observing:
            self._observing[capture] = self._executor.submit(observe, self._jobs[capture])
        return self._observing[capture]

    def _recording(self, capture: int) -> Recording:
        if capture not in self._recordings:
            packets = self._observe(capture).result().packets
            digest = hashlib.sha256(packets).hexdigest()
            self._recordings[capture] = Recording(len(packets), digest)
        return self._recordings[capture]

    def _process(self, task: CaptureTask) -> Future[ChainResult]:
        digest = self._recording(task.capture).digest
        gated = self._results.get((digest, "on"))
        if self._gate == "off" and gated is not None and "L3" in gated.result().level_bytes:
            return gated  # where it did not close, a gate has changed nothing
        key = digest, self._gate
        if key not in self._results:
            # The packets are let go once they are under way; should anyone want them again, the
            # same observation gives the same bytes.
            packets = self._observe(task.capture).result().packets
            del self._observing[task.capture]
            self._results[key] = self._executor.submit(
                _briefed,
                self._jobs[task.capture],
                self._earlier.get(task.capture),
                packets,
                self._calibration(task.satellite),
                self._scenario.model.kind,
                self._gate == "on",
            )
        return self._results[key]

    def _calibration(self, satellite: str) -> Calibration:
        if satellite not in self._calibrations:
            self._calibrations[satellite] = calibration(self._scenario, satellite)
        return self._calibrations[satellite]


def _briefed(
    job: ObservationJob,
    earlier: Earlier | None,
    packets: bytes,
    known: Calibration,
    model: str,
    gate: bool,
) -> ChainResult:
    """Run the chain over a capture with what was known of its place before."""
    return process(packets, job.task, known, job.task.app, model, brief(job, earlier), gate=gate)
