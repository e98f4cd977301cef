"""A larger fleet has the form of twelve: keys, ledger, energies; only its parts are coarser."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from orbitloom.bench.fleet import advance
from orbitloom.report.ledger import breaks
from orbitloom.report.summary import summary
from orbitloom.scenario import Scenario, load
from orbitloom.twin.craft import fleet_bus, survey_parts
from orbitloom.twin.flight import fly
from orbitloom.twin.result import FlightResult
from orbitloom.world.geometry import World

Small = Callable[..., Scenario]
S = 1_000_000_000


@pytest.fixture(scope="module")
def large(small: Small) -> FlightResult:
    scenario = small(
        fleet={"kind": "walker", "planes": 6, "per_plane": 16, "phasing": 3}, hours=0.75
    )
    with ThreadPoolExecutor(2) as executor:
        return fly(scenario, executor=executor)


def keys(value: Any) -> Any:
    return {key: keys(inner) for key, inner in value.items()} if isinstance(value, dict) else None


def test_the_summary_has_the_same_keys(large: FlightResult, flown: FlightResult) -> None:
    ours, twelve = summary(large), summary(flown)
    for figures in (ours, twelve):
        figures["quality"]["by_app"] = None
    assert keys(ours) == keys(twelve)
    assert ours["satellites"] == 96


def test_the_ledger_is_whole_and_energy_closes(large: FlightResult) -> None:
    assert len(large.tasks) > 0
    assert breaks(large) == []
    for arm in large.arms.values():
        survey = arm.survey
        assert survey.produced_bytes == survey.processed_bytes + survey.waiting_bytes
        for one in arm.satellites:
            assert one.consumed_wh + one.stored_change_wh == pytest.approx(one.solar_wh, rel=1e-9)
            assert one.unmet_wh == 0.0
            assert one.lowest_wh <= one.battery_wh.min() + 1e-9
            assert one.hottest_c >= one.computer_c.max() - 1e-9


def test_energy_closes_for_each_of_2800_over_a_day_and_none_is_drained() -> None:
    rows = advance(World(load("walker2800", hours=24.0))).rows
    assert rows.size == 2800
    stored_j = rows["charge_j"] - rows["start_j"]
    np.testing.assert_allclose(rows["consumed_j"] + stored_j, rows["solar_j"], rtol=1e-9)
    assert (rows["lowest_j"] > rows["soft_limit_j"]).all()
    assert (rows["unmet_j"] == 0.0).all()
    assert (rows["held_s"] == 0.0).all()


def test_a_scenario_may_force_batteries_below_their_limit() -> None:
    poor = {"solar_w": 300.0}
    world = World(load("walker2800", satellites=24, hours=12.0, power=poor))
    rows = advance(world).rows
    assert (rows["lowest_j"] < rows["soft_limit_j"]).all()
    assert (rows["held_s"] > 0.0).all()


def test_parts_are_longer_in_a_larger_fleet_and_cover_each_strip_once(small: Small) -> None:
    for planes, minutes in ((1, 1), (8, 2)):
        world = World(small(fleet={"kind": "walker", "planes": planes, "per_plane": 12}))
        parts = survey_parts(world)
        assert parts == sorted(parts)
        lengths = [end_ns - start_ns for end_ns, start_ns, _ in parts]
        assert max(lengths) == minutes * 60 * S
        for index in range(world.contacts.satellites):
            mine = sorted((start, end) for end, start, satellite in parts if satellite == index)
            covered = sum(end - start for start, end in mine)
            assert covered == sum(end - start for start, end in world.survey_strips(index))
            assert all(a[1] <= b[0] for a, b in itertools.pairwise(mine))


def test_a_fleets_schedules_are_those_of_the_world(small: Small) -> None:
    world = World(small(fleet={"kind": "walker", "planes": 4, "per_plane": 13}))
    bus = fleet_bus(world, has_lasers=True, survey_rate=0.25)
    end_ns = world.scenario.end_ns
    for index in range(0, 52, 7):
        t_ns, fraction = world.sunlight(index)
        edges_ns = np.clip(np.append(t_ns, end_ns), world.scenario.start_ns, end_ns)
        bus.march(index, end_ns)
        row = bus.rows[index]
        offered_j = world.scenario.power.solar_w * float(np.sum(fraction * np.diff(edges_ns))) / S
        assert row["solar_j"] + row["spilled_j"] == pytest.approx(offered_j, rel=1e-9)
        strips_s = sum(end - start for start, end in world.survey_strips(index)) / S
        assert row["survey_done_s"] == pytest.approx(0.25 * strips_s, rel=1e-9)
