"""An alert asks for a second look: from the decision to the second answer, on a real flight."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from orbitloom.report.ledger import breaks
from orbitloom.scenario import load
from orbitloom.twin.flight import fly

_SMALL = {"lines": 400, "columns": 400}


def flown(power_w=30.0, **changes):
    scenario = load(
        "flood12",
        hours=1.5,
        arms=("orbit",),
        instrument={**_SMALL, "power_w": power_w},
        cue={"within_min": 60.0},
        **changes,
    )
    with ThreadPoolExecutor(2) as executor:
        return fly(scenario, executor=executor)


@pytest.fixture(scope="module")
def flight():
    return flown()


def test_an_alert_points_the_next_satellite(flight):
    pointed = [cue for cue in flight.arms["orbit"].cues if cue.outcome == "pointed"]
    assert pointed
    planned = {task.capture: task for task in flight.tasks}
    for cue in pointed:
        first = planned[cue.first]
        assert flight.answers[cue.first].kind == "alert"
        assert cue.look.target == first.target
        assert cue.look.satellite != first.satellite
        assert first.end_ns < cue.asked_ns < cue.received_ns < cue.look.start_ns
        # Ring of twelve: one hop is 3,563 km, 11.88 ms of light.
        hops, rest = divmod((cue.received_ns - cue.asked_ns) / 1e9, 0.01188)
        assert 1 <= hops <= 6
        assert rest < 1e-3


def test_look_decide_point_stand_in_the_ledger_without_a_gap(flight):
    assert breaks(flight) == []
    for cue in flight.arms["orbit"].cues:
        steps = [row.step for row in flight.ledger if row.capture == cue.look.capture]
        assert steps[0] == "decide"
        if cue.outcome == "pointed":
            assert steps.index("decide") < steps.index("laser") < steps.index("point")
            assert steps.index("point") < steps.index("wait") < steps.index("sense")


def test_the_planned_captures_answers_do_not_change(flight):
    scenario = load("flood12", hours=1.5, arms=("orbit",), instrument=_SMALL)
    with ThreadPoolExecutor(2) as executor:
        alone = fly(scenario, executor=executor)
    assert alone.arms["orbit"].cues == ()
    assert {n: a.digest() for n, a in alone.answers.items()} == {
        n: a.digest() for n, a in flight.answers.items()
    }


def test_a_look_that_would_drain_the_battery_is_refused():
    # One look takes 333 Wh, more than the 240 above the soft limit ever are.
    poor = flown(power_w=4e6, power={"solar_w": 8000.0})
    cues = poor.arms["orbit"].cues
    assert cues
    assert {cue.outcome for cue in cues} == {"power"}
    assert breaks(poor) == []
    refused = [row.step for row in poor.ledger if row.capture == cues[0].look.capture]
    assert refused[-1] == "refuse"
