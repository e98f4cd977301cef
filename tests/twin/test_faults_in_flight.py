"""Faults in a whole flight: real packets and answers, and every loss and delay with its cause."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest

from orbitloom.ground.delivery import Ground
from orbitloom.report.faults import fault_sentences
from orbitloom.report.gain import gain
from orbitloom.report.html import page
from orbitloom.report.ledger import breaks
from orbitloom.report.summary import summary
from orbitloom.scenario import Arm, Scenario
from orbitloom.twin.arm import ArmFlight
from orbitloom.twin.flight import fly
from orbitloom.twin.result import ArmResult
from orbitloom.twin.workshop import Workshop
from orbitloom.wire import Answer, LedgerRow
from orbitloom.world.geometry import World

HOURS = 1.5

Small = Callable[..., Scenario]
Flown = tuple[ArmResult, tuple[LedgerRow, ...], dict[int, Answer]]
Fly = Callable[..., Flown]


@pytest.fixture(scope="module")
def bytes_once(small: Small) -> Iterator[Workshop]:
    """One workshop for all flights: the bytes of the captures do not depend on faults."""
    with ThreadPoolExecutor(2) as executor:
        yield Workshop(World(small(hours=HOURS)), executor)


@pytest.fixture
def flight(small: Small, bytes_once: Workshop) -> Fly:
    """Give a function that flies one arm with faults."""

    def go(arm: Arm = "orbit", **changes: Any) -> Flown:
        scenario = small(**{"hours": HOURS, **changes})
        ground = Ground(None, scenario)
        flown = ArmFlight(World(scenario), bytes_once, arm, ground, lambda task: None)
        return flown.fly(), flown.ledger, flown.answers

    return go


def steps(ledger: tuple[LedgerRow, ...], capture: int) -> list[LedgerRow]:
    return [row for row in ledger if row.capture == capture and row.product == "answer"]


def event(kind: str, at_ns: int, scenario: Scenario, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "at_min": (at_ns - scenario.start_ns) / 60e9, **more}


def test_a_fault_that_hits_nothing_changes_not_a_byte(flight: Fly) -> None:
    harmless = {"kind": "clock_step", "satellite": "SAT-07", "at_min": 5.0, "size": 0.001}
    plain, ledger, _ = flight()
    watched, same, _ = flight(faults={"events": [harmless]})
    assert same == ledger
    assert watched.fates == plain.fates
    assert (watched.faults.happened, watched.faults.harmless) == ({"clock_step": 1}, 1)


def test_the_same_seed_gives_the_same_ledger(flight: Fly) -> None:
    rates = {
        "clock_steps_per_satellite_year": 20_000.0,
        "resets_per_satellite_year": 20_000.0,
        "station_outages_per_station_day": 20.0,
    }
    first, ledger, _ = flight(faults=rates)
    again, same, _ = flight(faults=rates)
    assert sum(first.faults.happened.values()) > 20
    assert same == ledger
    assert again.faults == first.faults
    other, _, _ = flight(faults=rates, seed=5)
    assert other.faults.happened != first.faults.happened


def test_a_satellite_that_is_lost_sees_nothing_more(flight: Fly, small: Small) -> None:
    world = World(small(hours=HOURS))
    name = world.tasks[1].satellite
    mine = [task.capture for task in world.tasks if task.satellite == name]
    gone = event("satellite_lost", world.tasks[1].start_ns - 10**9, small(), satellite=name)
    arm, ledger, answers = flight(faults={"events": [gone]})
    for fate in arm.fates:
        assert fate.lost == (fate.capture in mine)
        assert fate.place == (f"lost with {name}" if fate.lost else "")
    for capture in mine:
        (row,) = steps(ledger, capture)
        assert (row.node, row.wait_cause) == (name, "satellite lost")
        assert row.end_ns == small(hours=HOURS).end_ns
        assert capture not in answers
    satellite = next(one for one in arm.satellites if one.name == name)
    assert satellite.t_ns[-1] <= world.tasks[1].start_ns
    closed_wh = satellite.solar_wh - satellite.consumed_wh - satellite.stored_change_wh
    assert closed_wh == pytest.approx(0.0, abs=1e-6)


def test_one_that_is_lost_while_it_looks_loses_the_look(flight: Fly, small: Small) -> None:
    world = World(small(hours=HOURS))
    task = world.tasks[0]
    gone = event("satellite_lost", task.middle_ns, small(), satellite=task.satellite)
    arm, ledger, _ = flight(faults={"events": [gone]})
    assert arm.fates[0].lost
    assert [row.wait_cause for row in steps(ledger, 0)] == ["satellite lost"]


def test_a_reset_computer_begins_its_job_again(flight: Fly, small: Small) -> None:
    """A slow computer is in the middle of its job; all of it is done again, to the same bytes."""
    slow = {"compute": {"memory_gb_per_s": 0.004}, "survey": {"duty_s_per_orbit": 0.0}}
    plain, before, _ = flight(**slow)
    work = [row for row in steps(before, 0) if row.step in ("L0", "L1", "L2", "L3", "L4")]
    job_ns = work[-1].end_ns - work[0].start_ns
    assert job_ns > 2 * 10**9
    middle_ns = work[0].start_ns + job_ns // 2
    name = World(small(hours=HOURS)).tasks[0].satellite
    reset = event("computer_reset", middle_ns, small(), satellite=name)
    arm, ledger, _ = flight(faults={"events": [reset]}, **slow)
    rows = steps(ledger, 0)
    (boot,) = [row for row in rows if row.wait_cause == "computer reset"]
    reboot_ns = round(small().faults.reboot_s * 1e9)
    assert boot.end_ns - boot.start_ns == pytest.approx(reboot_ns, rel=0.01)
    lost_ns = boot.start_ns - work[0].start_ns
    later_ns = (arm.fates[0].latency_ns or 0) - (plain.fates[0].latency_ns or 0)
    assert later_ns == pytest.approx(reboot_ns + lost_ns, rel=1e-3)
    assert arm.fates[0].digest == plain.fates[0].digest
    assert sum(row.joules for row in rows) > sum(row.joules for row in steps(before, 0))
    assert all(a.end_ns == b.start_ns for a, b in pairwise(rows))


@pytest.mark.parametrize("second_copy", ["on", "off"])
def test_a_damaged_answer_is_mended_to_the_same_bytes(
    flight: Fly, small: Small, second_copy: str
) -> None:
    """Without lasers an answer waits for a pass of its own; a bit flips meanwhile."""
    changes = {"laser": {"terminals": 0}, "survey": {"duty_s_per_orbit": 0.0}}
    plain, before, _ = flight(**changes)
    capture, wait = next(
        (row.capture, row)
        for row in before
        if row.wait_cause == "no contact" and plain.fates[row.capture].inbox_ns is not None
    )
    flip = event("bit_flip", (wait.start_ns + wait.end_ns) // 2, small(), satellite=wait.node)
    faults = {"events": [flip], "second_copy": second_copy}
    arm, ledger, _ = flight(faults=faults, **changes)
    assert arm.faults.custody.mended == 1
    fate, was = arm.fates[capture], plain.fates[capture]
    assert fate.digest == was.digest
    assert (fate.latency_ns or 0) > (was.latency_ns or 0)
    rows = steps(ledger, capture)
    assert all(a.end_ns == b.start_ns for a, b in pairwise(rows))
    if second_copy == "on":
        assert "product damaged" in {row.wait_cause for row in rows}
    else:  # the chain has run over the packets once more
        assert sum(row.step == "L4" for row in rows) == 2


def test_raw_packets_that_are_damaged_and_have_no_copy_are_lost_on_their_satellite(
    flight: Fly, small: Small
) -> None:
    _, before, _ = flight("bentpipe")
    wait = next(row for row in before if row.wait_cause == "no contact")
    flip = event("bit_flip", (wait.start_ns + wait.end_ns) // 2, small(), satellite=wait.node)
    survey = {"duty_s_per_orbit": 0.0}
    arm, _, _ = flight("bentpipe", survey=survey, faults={"events": [flip], "second_copy": "off"})
    lost = [fate for fate in arm.fates if fate.lost]
    assert [fate.place for fate in lost] == [f"lost on {wait.node}: product damaged"]


def test_an_aged_battery_is_smaller_from_then_on(flight: Fly) -> None:
    aged = {"kind": "battery_ageing", "satellite": "SAT-04", "at_min": 10.0, "size": 0.5}
    plain, _, _ = flight()
    arm, _, _ = flight(faults={"events": [aged]})
    old = next(one for one in arm.satellites if one.name == "SAT-04")
    new = next(one for one in plain.satellites if one.name == "SAT-04")
    assert old.capacity_wh == pytest.approx(0.5 * new.capacity_wh)
    assert old.battery_wh[-1] <= 0.5 * new.capacity_wh


def test_a_whole_flight_of_three_arms_stays_sound(small: Small) -> None:
    """All kinds at once, in all arms: the rows are contiguous, and each end has a reason."""
    faults = {
        "clock_steps_per_satellite_year": 20_000.0,
        "resets_per_satellite_year": 20_000.0,
        "terminals_lost_per_satellite_year": 5_000.0,
        "station_outages_per_station_day": 20.0,
        "bit_flips_per_gb_day": 0.01,
        "not_acquired_probability": 0.3,
        "battery_ageings_per_satellite_year": 5_000.0,
        "events": [{"kind": "satellite_lost", "satellite": "SAT-03", "at_min": 36.0}],
    }
    with ThreadPoolExecutor(2) as executor:
        result = fly(small(faults=faults), executor=executor)
    assert breaks(result) == []
    told = summary(result)["faults"]
    assert told["happened"]["satellite_lost"] == 1
    assert told["arms"]["bentpipe"]["duplicates"] == 0
    assert "1 satellite lost" in fault_sentences(told, len(result.tasks))[0]
    assert "What broke" in page(result, summary(result), gain(result))
    for arm in result.arms.values():
        for fate in arm.fates:
            assert (fate.inbox_ns is not None) != bool(fate.place)
            assert not fate.lost or fate.place == "lost with SAT-03"


def test_cloud_over_telescopes_holds_answers_back_and_loses_none(flight: Fly) -> None:
    def under(clear_sky: float) -> dict[str, Any]:
        places = (("Svalbard", 78.2, 15.4), ("Troll", -72.0, 2.5))
        keys = {"kind": "optical", "clear_sky": clear_sky, "cloud_spell_h": 0.5}
        return {
            "stations": [
                {"name": name, "latitude_deg": latitude, "longitude_deg": longitude, **keys}
                for name, latitude, longitude in places
            ]
        }

    clear, clear_ledger, _ = flight(**under(1.0))
    cloudy, ledger, _ = flight(seed=3, **under(0.3))
    assert clear.faults.happened == {}
    assert cloudy.faults.happened["weather"] > 2
    assert not {row.wait_cause for row in clear_ledger} & {"weather"}
    assert "weather" in {row.wait_cause for row in ledger}
    assert not any(fate.lost for fate in cloudy.fates)
