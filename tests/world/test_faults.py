"""The plan of faults: what a scenario names, what its rates make, and who is not there."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from orbitloom.errors import ScenarioError
from orbitloom.scenario import load
from orbitloom.scenario.faults import FAULT_KINDS, Faults
from orbitloom.wire import LASER, RF, ContactPlan
from orbitloom.world.faults import FOREVER_NS, Fault, acquisitions, fault_plan

S = 10**9
HOURS = 24.0


def contacts(start_ns: int) -> ContactPlan:
    """Return four satellites in a line, whose links come and go each hour, and a station."""
    rows = []
    for hour in range(24):
        for a in range(3):
            begin = start_ns + hour * 3600 * S
            rows += [(a, a + 1, begin, begin + 1800 * S), (a + 1, a, begin, begin + 1800 * S)]
        rows.append((0, 4, start_ns + hour * 3600 * S, start_ns + hour * 3600 * S + 600 * S))
    sender, receiver, start, end = (np.array(column) for column in zip(*rows, strict=True))
    return ContactPlan(
        nodes=("A", "B", "C", "D", "Svalbard"),
        satellites=4,
        sender=sender.astype(np.int32),
        receiver=receiver.astype(np.int32),
        start_ns=start.astype(np.int64),
        end_ns=end.astype(np.int64),
        rate_bps=np.full(len(rows), 1e9),
        light_time_ns=np.full(len(rows), 10**7, np.int64),
        medium=np.where(receiver == 4, RF, LASER).astype(np.int8),
    )


BASE = load("ring12", hours=HOURS)
PLAN = contacts(BASE.start_ns)


def made(seed: int = 0, **faults: Any) -> tuple[Fault, ...]:
    scenario = BASE.model_copy(update={"seed": seed, "faults": Faults.model_validate(faults)})
    return fault_plan(scenario, PLAN)


def one(**event: Any) -> Fault:
    (fault,) = made(events=[event])
    return fault


def start_ns() -> int:
    return BASE.start_ns


RATES = {
    "satellites_lost_per_satellite_year": 200.0,
    "terminals_lost_per_satellite_year": 400.0,
    "station_outages_per_station_day": 5.0,
    "not_acquired_probability": 0.4,
    "clock_steps_per_satellite_year": 1000.0,
    "bit_flips_per_gb_day": 0.01,
    "resets_per_satellite_year": 1000.0,
    "battery_ageings_per_satellite_year": 400.0,
}


def test_nothing_breaks_unless_asked_for() -> None:
    assert made() == ()
    assert not BASE.faults.any


def test_the_same_seed_makes_the_same_faults_and_another_others() -> None:
    assert made(3, **RATES) == made(3, **RATES)
    assert made(3, **RATES) != made(4, **RATES)


def test_each_kind_has_a_stream_of_its_own() -> None:
    alone = made(clock_steps_per_satellite_year=1000.0)
    among = [fault for fault in made(**RATES) if fault.kind == "clock_step"]
    assert list(alone) == among


def test_all_kinds_come_and_are_sorted() -> None:
    faults = made(**RATES)
    assert {fault.kind for fault in faults} == set(FAULT_KINDS)
    assert list(faults) == sorted(faults, key=lambda fault: fault.t_ns)
    lost = Counter(fault.node for fault in faults if fault.kind == "satellite_lost")
    assert max(lost.values()) == 1


def test_rates_are_means() -> None:
    """4 satellites a day at 730.5 a year: 8 resets a day, over 40 seeds within four sigma."""
    count = sum(len(made(seed, resets_per_satellite_year=730.5)) for seed in range(40))
    assert count == pytest.approx(320, abs=4 * 320**0.5)


def test_attempts_fail_independently() -> None:
    """69 links a day are acquired; with half of the attempts failing 69 more are needed."""
    acquisition_ns = round(BASE.laser.acquisition_s * S)
    failed = sum(
        (fault.end_ns - fault.t_ns) // acquisition_ns
        for seed in range(40)
        for fault in made(seed, not_acquired_probability=0.5)
    )
    mean = 40 * 69
    assert failed == pytest.approx(mean, abs=4 * (2 * mean) ** 0.5)


def test_links_held_at_the_start_are_not_acquired() -> None:
    plan = contacts(start_ns())
    found = acquisitions(plan, start_ns())
    assert len(found) == 3 * 23
    assert min(t for t, _, _ in found) == start_ns() + 3600 * S


def test_a_link_that_goes_on_at_another_rate_is_not_acquired() -> None:
    plan = contacts(start_ns())
    end_ns = plan.end_ns.copy()
    end_ns[plan.medium == LASER] = plan.start_ns[plan.medium == LASER] + 3600 * S
    columns = {name: getattr(plan, name) for name in plan.columns()} | {"end_ns": end_ns}
    joined = ContactPlan(nodes=plan.nodes, satellites=plan.satellites, **columns)
    assert acquisitions(joined, start_ns()) == ()


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"kind": "satellite_lost", "satellite": "B"}, (1, None)),
        ({"kind": "terminal_lost", "satellite": "C", "size": 2}, (2, None)),
        ({"kind": "station_out", "station": "Svalbard"}, (4, None)),
        ({"kind": "station_out", "station": "Svalbard", "duration_min": 30}, (4, 1800)),
        ({"kind": "clock_step", "satellite": "A"}, (0, 900)),
        ({"kind": "clock_step", "satellite": "A", "duration_min": 2}, (0, 120)),
        ({"kind": "clock_step", "satellite": "A", "size": 0.001}, (0, 0)),
        ({"kind": "computer_reset", "satellite": "D"}, (3, 90)),
        ({"kind": "bit_flip", "satellite": "D"}, (3, 0)),
        ({"kind": "battery_ageing", "satellite": "D", "size": 0.5}, (3, 0)),
    ],
)
def test_a_named_fault_is_where_and_when_it_says(
    event: dict[str, Any], expected: tuple[int, float | None]
) -> None:
    node, lasts_s = expected
    fault = one(at_min=10, **event)
    assert fault.node == node
    assert fault.t_ns == start_ns() + 600 * S
    assert fault.end_ns == (FOREVER_NS if lasts_s is None else fault.t_ns + lasts_s * S)


def test_a_named_link_is_the_next_that_the_satellite_acquires() -> None:
    fault = one(kind="not_acquired", satellite="C", at_min=61, size=3)
    assert (fault.node, fault.peer) == (1, 2)
    assert fault.t_ns == start_ns() + 7200 * S
    assert fault.end_ns - fault.t_ns == 3 * round(BASE.laser.acquisition_s * S)


def test_a_link_that_nobody_acquires_any_more_does_no_harm() -> None:
    fault = one(kind="not_acquired", satellite="C", at_min=23.5 * 60)
    assert (fault.t_ns, fault.peer) == (fault.end_ns, -1)


def test_what_is_named_after_the_end_does_not_happen() -> None:
    assert made(events=[{"kind": "satellite_lost", "satellite": "A", "at_min": 24 * 60}]) == ()


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"kind": "satellite_lost", "satellite": "SAT-99"}, "there is no satellite 'SAT-99'"),
        ({"kind": "station_out", "station": "Nowhere"}, "there is no station 'Nowhere'"),
        ({"kind": "terminal_lost", "satellite": "A", "size": 9}, "A has no terminal 9"),
    ],
)
def test_unknown_names_are_told_with_their_key(event: dict[str, Any], message: str) -> None:
    with pytest.raises(ScenarioError) as error:
        made(events=[{"at_min": 1, "kind": "bit_flip", "satellite": "A"}, {"at_min": 1, **event}])
    assert message in str(error.value)
    assert "key faults.events.1." in str(error.value)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"kind": "satellite_lost"}, "needs the key 'satellite'"),
        ({"kind": "station_out", "satellite": "A"}, "needs the key 'station'"),
        ({"kind": "bit_flip", "satellite": "A", "station": "B"}, "takes 'satellite', not"),
        ({"kind": "bit_flip", "satellite": "A", "duration_min": 3}, "takes no duration_min"),
        ({"kind": "bit_flip", "satellite": "A", "size": 3}, "takes no size"),
        ({"kind": "not_acquired", "satellite": "A", "size": 1.5}, "attempts fail"),
        ({"kind": "battery_ageing", "satellite": "A", "size": 1.5}, "below 1"),
        ({"kind": "meteor", "satellite": "A"}, "'meteor' is unknown"),
    ],
)
def test_an_event_that_makes_no_sense_is_refused(event: dict[str, Any], message: str) -> None:
    with pytest.raises(ScenarioError) as error:
        load("ring12", faults={"events": [{"at_min": 1, **event}]})
    assert message in str(error.value)
    assert "key faults.events.0" in str(error.value)
