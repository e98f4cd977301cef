"""A whole flight: one world, one workshop, the arms one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from pathlib import Path

import numpy as np

from orbitloom.ground.delivery import Ground
from orbitloom.processing.language.writer import write
from orbitloom.scenario import Arm, Scenario, time
from orbitloom.twin.arm import ArmFlight
from orbitloom.twin.craft import sample_step_ns
from orbitloom.twin.result import ArmResult, FlightResult
from orbitloom.twin.workshop import Workshop, Writer
from orbitloom.wire import Answer, CaptureTask, LedgerRow
from orbitloom.world.cache import Cache
from orbitloom.world.earth import geodetic_from_ecef
from orbitloom.world.geometry import World

__all__ = ["Progress", "fly"]

Progress = Callable[[str, float], None]
"""Told what is happening and which share of the work is done, 0 to 1."""

_LEVELS = ("L0", "L1", "L2", "L3", "L4")
_FIRST_ARM_SHARE = 0.9  # the first arm makes the bytes, the others only move them


def fly(
    scenario: Scenario,
    *,
    executor: Executor,
    folder: Path | None = None,
    progress: Progress | None = None,
    writer: Writer = write,
    cache: Cache | None = None,
) -> FlightResult:
    """Fly a scenario and return what is left behind.

    Parameters
    ----------
    scenario
        What to fly.
    executor
        Where packets and answers are made.
    folder
        Gets ``inbox/`` and ``catalog/`` of the first arm; None to keep nothing.
    progress
        Told what is happening.
    writer
        Words the alerts; the template if nobody else is given.
    cache
        Where the geometry of large fleets is kept between runs; nowhere if not given.
    """
    report = progress or (lambda what, share: None)
    report("computing orbits, passes and links", 0.0)
    world = World(scenario, cache=cache)
    workshop = Workshop(world, executor, writer)
    arms: dict[Arm, ArmResult] = {}
    rows: list[LedgerRow] = []
    answers: dict[int, Answer] = {}
    for index, arm in enumerate(scenario.arms):
        ground = Ground(folder if index == 0 else None, scenario)
        flight = ArmFlight(
            world, workshop, arm, ground, _teller(report, index, arm, scenario.arms, world.tasks)
        )
        arms[arm] = flight.fly()
        rows += flight.ledger
        ground.close()
        if index == 0:
            answers = flight.answers
    first = arms[scenario.arms[0]]
    looks = {cue.look.capture: cue.look for cue in first.cues}
    everything = {task.capture: task for task in world.tasks} | looks
    made = [task for task in world.tasks if task.capture in answers]
    results = [workshop.result(task) for task in made]
    step_ns = sample_step_ns(len(world.ephemeris.names))
    track_t_ns = np.arange(scenario.start_ns, scenario.end_ns + 1, step_ns, dtype=np.int64)
    latitude_deg, longitude_deg, _ = geodetic_from_ecef(world.ephemeris.position_ecef_m(track_t_ns))
    report("done", 1.0)
    return FlightResult(
        scenario=scenario,
        satellites=world.ephemeris.names,
        tasks=world.tasks,
        answers={task.capture: answers[task.capture] for task in made},
        scores={task.capture: workshop.score(task).result() for task in made},
        arms=arms,
        level_counts={
            level: sum(level in result.level_bytes for result in results) for level in _LEVELS
        },
        level_bytes={
            level: sum(result.level_bytes.get(level, 0) for result in results) for level in _LEVELS
        },
        ledger=tuple(rows),
        words={fate.capture: workshop.words(everything[fate.capture]) for fate in first.words},
        track_t_ns=track_t_ns,
        track_deg=np.stack([latitude_deg, longitude_deg], axis=-1),
    )


def _teller(
    report: Progress, index: int, arm: Arm, arms: Iterable[Arm], tasks: tuple[CaptureTask, ...]
) -> Callable[[CaptureTask], None]:
    """Return what tells the share done after each capture of an arm."""
    others = max(1, len(tuple(arms)) - 1)
    base = 0.0 if index == 0 else _FIRST_ARM_SHARE + (index - 1) * (1 - _FIRST_ARM_SHARE) / others
    span = _FIRST_ARM_SHARE if index == 0 else (1 - _FIRST_ARM_SHARE) / others

    def tell(task: CaptureTask) -> None:
        done = (task.capture + 1) / len(tasks)
        when = time.to_iso(task.end_ns)[11:16]
        report(f"{arm}: {when} {task.satellite} looks at {task.target}", base + span * done)

    return tell
