"""What a flight must be, whatever it found: closed, contiguous, repeatable."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import pytest

from orbitloom.report.summary import summary, summary_bytes
from orbitloom.scenario import Scenario
from orbitloom.twin.flight import fly
from orbitloom.twin.result import FlightResult
from orbitloom.wire import LedgerRow
from orbitloom.world.geometry import World

Small = Callable[..., Scenario]
SPEED_OF_LIGHT_M_S = 299_792_458.0


def trails(result: FlightResult) -> dict[tuple[str, int], list[LedgerRow]]:
    rows: dict[tuple[str, int], list[LedgerRow]] = defaultdict(list)
    for row in result.ledger:
        rows[row.arm, row.capture].append(row)
    return rows


def test_every_step_starts_where_the_last_one_ended(flown: FlightResult) -> None:
    for rows in trails(flown).values():
        for before, after in itertools.pairwise(rows):
            assert before.end_ns == after.start_ns
            assert before.end_ns >= before.start_ns


def test_durations_and_waits_sum_to_the_latency_exactly(flown: FlightResult) -> None:
    rows = trails(flown)
    delivered = 0
    for arm, result in flown.arms.items():
        for fate in result.fates:
            steps = rows[arm, fate.capture]
            if fate.latency_ns is None:
                continue
            delivered += 1
            assert steps[0].start_ns == flown.tasks[fate.capture].middle_ns
            assert steps[-1].step == "inbox"
            assert sum(row.end_ns - row.start_ns for row in steps) == fate.latency_ns
    assert delivered >= len(flown.tasks)


def test_light_time_is_distance_over_c(flown: FlightResult) -> None:
    world = World(flown.scenario)
    nodes = world.contacts.nodes
    checked = 0
    for rows in trails(flown).values():
        for sent, light in itertools.pairwise(rows):
            if light.step != "light":
                continue
            t_ns = light.start_ns
            first = world.ephemeris.position_ecef_m(t_ns, nodes.index(sent.node))
            if light.node in world.ephemeris.names:
                last = world.ephemeris.position_ecef_m(t_ns, nodes.index(light.node))
            else:
                last = world._station_m[nodes.index(light.node) - world.contacts.satellites]
            metres = float(((first - last) ** 2).sum() ** 0.5)
            assert light.end_ns - light.start_ns == round(metres / SPEED_OF_LIGHT_M_S * 1e9)
            checked += 1
    assert checked >= 5


def test_every_wait_has_a_cause_and_nothing_else_has(flown: FlightResult) -> None:
    for row in flown.ledger:
        assert (row.step == "wait") == bool(row.wait_cause)


def test_battery_in_is_battery_out_and_stored(flown: FlightResult) -> None:
    for arm in flown.arms.values():
        for satellite in arm.satellites:
            out = satellite.consumed_wh + satellite.stored_change_wh
            assert out == pytest.approx(satellite.solar_wh, rel=1e-3)
            assert satellite.consumed_wh > 0


def test_the_load_of_an_idle_hour_is_what_the_scenario_says(small: Small) -> None:
    """No captures, no survey, no lasers in use but held: the bus, the computer, two terminals."""
    scenario = small(
        targets=[{"name": "nowhere", "latitude_deg": -79.0, "longitude_deg": 0.0}],
        survey={"duty_s_per_orbit": 0.0},
        arms=("orbit", "bentpipe"),
    )
    with ThreadPoolExecutor(1) as executor:
        result = fly(scenario, executor=executor)
    assert result.tasks == ()
    base_w = scenario.power.bus_w + scenario.compute.idle_w
    for satellite in result.arms["bentpipe"].satellites:
        assert satellite.consumed_wh == pytest.approx(base_w * scenario.hours, rel=1e-9)
    for satellite in result.arms["orbit"].satellites:
        lasers_w = 2 * scenario.laser.power_w
        assert satellite.consumed_wh == pytest.approx((base_w + lasers_w) * scenario.hours)


def test_nothing_is_lost_and_the_rest_has_a_place(flown: FlightResult) -> None:
    rows = trails(flown)
    undelivered = 0
    for arm, result in flown.arms.items():
        for fate in result.fates:
            if fate.inbox_ns is None:
                undelivered += 1
                assert fate.place
                assert rows[arm, fate.capture][-1].end_ns >= flown.scenario.end_ns
            else:
                assert fate.inbox_ns <= flown.scenario.end_ns
        assert summary(flown)["arms"][arm]["lost"] == 0
    assert undelivered > 0, "the test should see an answer that did not arrive"


def test_l4_is_the_same_in_all_arms(flown: FlightResult) -> None:
    for fates in zip(*(arm.fates for arm in flown.arms.values()), strict=True):
        assert len({fate.digest for fate in fates}) == 1
    figures = summary(flown)["arms"]
    assert len({figures[arm]["l4_digest"] for arm in figures}) == 1


def test_answers_beat_bytes(flown: FlightResult) -> None:
    figures = summary(flown)["arms"]
    assert figures["orbit"]["delivered"] > figures["bentpipe"]["delivered"]
    assert figures["orbit"]["latency_s"]["p50"] < 60


def test_bytes_on_the_way_are_the_bytes_of_the_product(flown: FlightResult) -> None:
    for fate, answer in zip(flown.arms["orbit"].fates, flown.answers, strict=True):
        if fate.inbox_ns is not None:
            assert fate.downlinked_bytes == len(answer.to_bytes())


def test_survey_flow_is_conserved(flown: FlightResult) -> None:
    for arm, result in flown.arms.items():
        survey = result.survey
        assert survey.produced_bytes > 0
        if arm != "orbit":
            assert survey.processed_bytes <= survey.downlinked_bytes <= survey.produced_bytes


@pytest.mark.slow
def test_same_seed_same_bytes_on_any_executor(flown: FlightResult, small: Small) -> None:
    expected = summary_bytes(summary(flown))
    with ThreadPoolExecutor(1) as executor:
        assert summary_bytes(summary(fly(small(), executor=executor))) == expected
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        again = fly(small(), executor=executor)
    assert summary_bytes(summary(again)) == expected
    assert again.ledger == flown.ledger


def test_another_seed_differs(flown: FlightResult, small: Small) -> None:
    with ThreadPoolExecutor(2) as executor:
        other = fly(small(seed=1, arms=("orbit",), hours=0.6), executor=executor)
    assert {answer.digest() for answer in other.answers}.isdisjoint(
        answer.digest() for answer in flown.answers
    )
