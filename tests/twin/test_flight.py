"""What a flight must be, whatever it found: closed, contiguous, repeatable."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from astropy.coordinates import EarthLocation

from orbitloom.report.ledger import breaks
from orbitloom.report.summary import summary, summary_bytes
from orbitloom.scenario import Scenario, load
from orbitloom.twin.flight import fly
from orbitloom.twin.result import FlightResult
from orbitloom.wire import LedgerRow
from orbitloom.world.geometry import World

Small = Callable[..., Scenario]
SPEED_OF_LIGHT_M_S = 299_792_458.0


def trails(result: FlightResult) -> dict[tuple[str, int], list[LedgerRow]]:
    rows: dict[tuple[str, int], list[LedgerRow]] = defaultdict(list)
    for row in result.ledger:
        if row.product == "answer":
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
    """Distances by the ephemeris (held against sgp4 and astropy elsewhere) and astropy's places."""
    ephemeris = World(flown.scenario).ephemeris
    places = {
        station.name: EarthLocation.from_geodetic(
            station.longitude_deg, station.latitude_deg, station.altitude_m
        )
        for station in flown.scenario.stations
    }

    def position_m(node: str, t_ns: int) -> np.ndarray:
        if node in places:
            return np.array([axis.to_value("m") for axis in places[node].geocentric])
        return ephemeris.position_ecef_m(t_ns, ephemeris.names.index(node))

    checked = 0
    for rows in trails(flown).values():
        for sent, light in itertools.pairwise(rows):
            if light.step != "light":
                continue
            t_ns = light.start_ns
            metres = np.linalg.norm(position_m(sent.node, t_ns) - position_m(light.node, t_ns))
            light_ns = metres / SPEED_OF_LIGHT_M_S * 1e9
            assert light.end_ns - light.start_ns == pytest.approx(light_ns, abs=1.0)
            checked += 1
    assert checked >= 5


def test_every_wait_has_a_cause_and_nothing_else_has(flown: FlightResult) -> None:
    for row in flown.ledger:
        assert (row.step == "wait") == bool(row.wait_cause)


def test_battery_in_is_battery_out_and_stored(flown: FlightResult) -> None:
    world = World(flown.scenario)
    scenario = flown.scenario
    for arm in flown.arms.values():
        for index, satellite in enumerate(arm.satellites):
            out = satellite.consumed_wh + satellite.stored_change_wh
            assert out == pytest.approx(satellite.solar_wh, rel=1e-3)
            assert satellite.unmet_wh == 0.0
            # What the array offers, from the Sun alone; what the battery holds, from its samples.
            t_ns, fraction = world.sunlight(index)
            edges = np.clip(np.append(t_ns, scenario.end_ns), scenario.start_ns, scenario.end_ns)
            sunlit_h = float(np.sum(fraction * np.diff(edges))) / 3.6e12
            offered_wh = satellite.solar_wh + satellite.spilled_wh
            assert offered_wh == pytest.approx(scenario.power.solar_w * sunlit_h, rel=1e-9)
            held_wh = satellite.battery_wh[-1] - scenario.power.battery_wh
            assert satellite.stored_change_wh == pytest.approx(held_wh, abs=1e-6)


def test_what_work_and_sending_draw_is_what_the_ledger_says(small: Small) -> None:
    """With no survey, consumption above the base load is imaging, computing and sending."""
    scenario = small(survey={"duty_s_per_orbit": 0.0}, arms=("orbit", "bentpipe"))
    with ThreadPoolExecutor(2) as executor:
        result = fly(scenario, executor=executor)
    for name, terminals in (("orbit", 2), ("bentpipe", 0)):
        arm = result.arms[name]
        base_w = scenario.power.bus_w + scenario.compute.idle_w + terminals * scenario.laser.power_w
        base_wh = base_w * scenario.hours * len(arm.satellites)
        aboard = {"sense", "downlink", "L0", "L1", "L2", "L3", "L4", "words"}
        rows = [row for row in result.ledger if row.arm == name and row.step in aboard]
        stations = {station.name for station in scenario.stations}
        ledger_wh = sum(row.joules for row in rows if row.node not in stations) / 3600
        consumed_wh = sum(satellite.consumed_wh for satellite in arm.satellites)
        assert consumed_wh - base_wh == pytest.approx(ledger_wh, rel=1e-6)
        assert ledger_wh > 0


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


def test_l4_is_the_same_in_all_arms(small: Small) -> None:
    """Each arm flies alone, so that nothing that one has computed can serve another."""
    quiet = {"survey": {"duty_s_per_orbit": 0.0}, "hours": 2.0}
    alone = {}
    for arm in ("orbit", "raw", "bentpipe"):
        with ThreadPoolExecutor(2) as executor:
            alone[arm] = fly(small(arms=(arm,), **quiet), executor=executor)
    digests = {
        arm: {fate.capture: fate.digest for fate in result.arms[arm].fates if fate.digest}
        for arm, result in alone.items()
    }
    common = set.intersection(*(set(one) for one in digests.values()))
    assert len(common) >= 3
    for capture in common:
        assert len({one[capture] for one in digests.values()}) == 1
    assert len(set(digests["orbit"].values())) == len(digests["orbit"]), "answers differ"


def test_the_summary_compares_what_all_arms_delivered(flown: FlightResult) -> None:
    figures = summary(flown)["arms"]
    assert len({figures[arm]["l4_digest"] for arm in figures}) == 1
    for result in flown.arms.values():
        assert all((fate.inbox_ns is None) == (fate.digest == "") for fate in result.fates)


def test_a_full_store_loses_the_capture_and_says_so(small: Small) -> None:
    scenario = small(store={"capacity_tb": 1e-7}, arms=("orbit", "raw"))
    with ThreadPoolExecutor(2) as executor:
        result = fly(scenario, executor=executor)
    assert breaks(result) == []
    for name, arm in summary(result)["arms"].items():
        assert (arm["lost"], arm["undelivered"]) == (len(result.tasks), 0)
        assert arm["l4_digest"] is None
        assert all("store full" in fate.place for fate in result.arms[name].fates)
    assert result.answers == {}


def test_a_battery_held_to_the_end_computes_nothing(small: Small) -> None:
    scenario = small(power={"solar_w": 0.0, "start_charge": 0.5}, arms=("orbit",))
    with ThreadPoolExecutor(2) as executor:
        result = fly(scenario, executor=executor)
    assert breaks(result) == []
    assert result.answers == {}
    figures = summary(result)
    assert figures["products"]["L1"] == 0
    assert figures["arms"]["orbit"]["undelivered"] == len(result.tasks)
    for fate in result.arms["orbit"].fates:
        assert "battery low" in fate.place
    causes = {row.wait_cause for row in result.ledger if row.step == "wait"}
    assert causes == {"battery low"}


@pytest.mark.parametrize("scenario", ["scs01", "walker2x6"])
def test_other_fleets_fly_and_add_up(small: Small, scenario: str) -> None:
    loaded = load(scenario, hours=1.5, instrument=small().instrument.model_dump())
    with ThreadPoolExecutor(2) as executor:
        result = fly(loaded, executor=executor)
    assert breaks(result) == []
    assert len(result.tasks) > 0
    assert summary(result)["arms"]["orbit"]["delivered"] > 0


def test_bytes_on_the_way_are_the_bytes_of_the_product(flown: FlightResult) -> None:
    for fate in flown.arms["orbit"].fates:
        if fate.inbox_ns is not None:
            assert fate.downlinked_bytes == len(flown.answers[fate.capture].to_bytes())


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
    assert {answer.digest() for answer in other.answers.values()}.isdisjoint(
        answer.digest() for answer in flown.answers.values()
    )
