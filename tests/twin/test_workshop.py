"""Computing once is honest only if computing again gives the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from orbitloom.processing.chain import process
from orbitloom.scenario import Scenario
from orbitloom.twin.workshop import Workshop
from orbitloom.world.geometry import World
from orbitloom.world.observe import calibration, observation_job, observe

Small = Callable[..., Scenario]


def test_computed_again_from_the_scene_the_digest_is_the_same(small: Small) -> None:
    scenario = small(hours=0.6)
    world = World(scenario)
    assert len(world.tasks) >= 2
    with ThreadPoolExecutor(2) as executor:
        workshop = Workshop(world, executor)
        for task in world.tasks:
            observation = observe(observation_job(scenario, world.ephemeris, task))
            recording = workshop.record(task)
            assert hashlib.sha256(observation.packets).hexdigest() == recording.digest
            assert len(observation.packets) == recording.size_bytes
            known = calibration(scenario, task.satellite)
            again = process(observation.packets, task, known, scenario.app, scenario.model.kind)
            assert again.answer.digest() == workshop.result(task).answer.digest()
            assert again.level_bytes == workshop.result(task).level_bytes


def test_the_same_bytes_are_computed_once(small: Small) -> None:
    world = World(small(hours=0.6))
    with ThreadPoolExecutor(2) as executor:
        workshop = Workshop(world, executor)
        assert workshop.start(world.tasks[0]) is workshop.start(world.tasks[0])
