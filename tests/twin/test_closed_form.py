"""One satellite, one scene, one pass: the ledger against arithmetic on paper."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from orbitloom.processing.cost import chain_cost
from orbitloom.scenario import Scenario
from orbitloom.twin.flight import fly
from orbitloom.world.geometry import World

Small = Callable[..., Scenario]


def test_bentpipe_latency_is_wait_plus_bits_plus_light_plus_work(small: Small) -> None:
    """Latency = half the capture + wait for the pass + bits / rate + distance / c + computing."""
    scenario = small(
        fleet={"kind": "walker", "planes": 1, "per_plane": 1},
        stations=[{"name": "Polar", "latitude_deg": -72.0, "longitude_deg": 2.5}],
        targets=[{"name": "There", "latitude_deg": 8.6, "longitude_deg": 123.6}],
        survey={"duty_s_per_orbit": 0.0},
        arms=("bentpipe",),
        hours=4.0,
    )
    world = World(scenario)
    (task,) = world.tasks
    with ThreadPoolExecutor(1) as executor:
        result = fly(scenario, executor=executor)
    (fate,) = result.arms["bentpipe"].fates

    starts = [int(t) for t in world.contacts.start_ns if t > task.end_ns]
    sense_s = (task.end_ns - task.middle_ns) / 1e9
    wait_s = (min(starts) - task.end_ns) / 1e9
    size = next(row.bytes_out for row in result.ledger if row.step == "sense")
    airtime_s = size * 8 / (scenario.downlink.rate_mbps * 1e6)
    light_s = 2_078e3 / 299_792_458.0  # slant range at 5 degrees, 505 km
    work_s = sum(cost.seconds for cost in chain_cost(scenario.instrument, scenario.ground, size))
    expected_s = sense_s + wait_s + airtime_s + light_s + work_s
    assert fate.latency_ns is not None
    assert fate.latency_ns / 1e9 == pytest.approx(expected_s, rel=0.01)
    without_wait_s = fate.latency_ns / 1e9 - wait_s
    assert without_wait_s == pytest.approx(expected_s - wait_s, rel=0.01)


def test_a_capture_waits_for_the_survey_that_was_before_it(small: Small) -> None:
    """First in first out: the survey taken before a capture and not yet sent goes down first."""
    common = {
        "fleet": {"kind": "walker", "planes": 1, "per_plane": 1},
        "stations": [{"name": "Polar", "latitude_deg": -72.0, "longitude_deg": 2.5}],
        "targets": [{"name": "There", "latitude_deg": 8.6, "longitude_deg": 123.6}],
        "arms": ("bentpipe",),
        "hours": 4.0,
    }
    latencies = []
    for rate_mbps in (0.0, 1.0):
        scenario = small(survey={"rate_mbps": rate_mbps}, **common)
        with ThreadPoolExecutor(1) as executor:
            result = fly(scenario, executor=executor)
        (fate,) = result.arms["bentpipe"].fates
        assert fate.latency_ns is not None
        latencies.append(fate.latency_ns)
    task, world = result.tasks[0], World(scenario)
    survey = scenario.survey
    before_s = sum(
        (min(end, task.end_ns) - start) / 1e9
        for start, end in world.survey_strips(0)
        if start < task.end_ns
    )
    # Each strip before that of the capture went down in the pass that followed it.
    passes = [int(t) for t in world.contacts.end_ns if t < task.start_ns]
    sent_before_s = sum(
        (end - start) / 1e9 for start, end in world.survey_strips(0) if end < max(passes)
    )
    queued_bits = (before_s - sent_before_s) * survey.rate_mbps * 1e6 / survey.compression
    extra_s = queued_bits / (scenario.downlink.rate_mbps * 1e6)
    assert (latencies[1] - latencies[0]) / 1e9 == pytest.approx(extra_s, rel=0.01, abs=0.02)
    assert extra_s > 0
