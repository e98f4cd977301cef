"""A computer that starts anew, and a battery that ages: against arithmetic on paper."""

from __future__ import annotations

import pytest

from orbitloom.flight.computer import Computer
from orbitloom.flight.platform import Platform
from orbitloom.scenario.hardware import Compute, Heat, Power

S = 10**9


def told(computer: Computer, until_s: float) -> list[tuple[int, str, str, float, float]]:
    """Return job, step, cause, start and end (s) of what closes until a time."""
    return [
        (
            one.job,
            one.step if one.kind == "run" else "wait",
            one.cause,
            one.start_ns / S,
            one.end_ns / S,
        )
        for one in computer.advance(round(until_s * S))
    ]


def test_running_and_queued_jobs_start_again_after_the_reboot() -> None:
    computer = Computer(0)
    computer.submit(1, [("L0", 2.0), ("L1", 3.0)], 0)
    computer.submit(2, [("L0", 1.0)], 0)
    computer.advance(4 * S)
    computer.reset(9, 10.0, 4 * S)
    assert told(computer, 100) == [
        (1, "L1", "", 2.0, 4.0),
        (2, "wait", "computer busy", 0.0, 4.0),
        (9, "reboot", "", 4.0, 14.0),
        (1, "wait", "computer reset", 4.0, 14.0),
        (2, "wait", "computer reset", 4.0, 14.0),
        (1, "L0", "", 14.0, 16.0),
        (1, "L1", "", 16.0, 19.0),
        (2, "wait", "computer busy", 14.0, 19.0),
        (2, "L0", "", 19.0, 20.0),
    ]


def test_what_comes_during_the_reboot_waits_for_it() -> None:
    computer = Computer(0)
    computer.reset(9, 10.0, 5 * S)
    computer.submit(1, [("L0", 1.0)], 8 * S)
    assert told(computer, 100) == [
        (9, "reboot", "", 5.0, 15.0),
        (1, "wait", "computer reset", 8.0, 15.0),
        (1, "L0", "", 15.0, 16.0),
    ]


def test_survey_work_waits_for_the_reboot_and_none_is_lost() -> None:
    computer = Computer(0)
    computer.set_inflow(0.5, 0)
    computer.reset(9, 10.0, 10 * S)
    computer.submit(1, [("L0", 1.0)], 12 * S)
    computer.set_inflow(0.0, 20 * S)
    segments = told(computer, 100)
    assert (9, "reboot", "", 10.0, 20.0) in segments
    # The second before it came waits ahead of the job, four seconds more come behind it.
    assert segments[-1] == (1, "L0", "", 21.0, 22.0)
    assert computer.survey_done_s == pytest.approx(10.0)


def test_a_second_reset_during_the_first_begins_it_again() -> None:
    computer = Computer(0)
    computer.submit(1, [("L0", 1.0)], 0)
    computer.reset(8, 10.0, 0)
    computer.reset(9, 10.0, 5 * S)
    assert told(computer, 100)[-1] == (1, "L0", "", 25.0, 26.0)


def test_an_aged_battery_keeps_its_share_and_the_energy_closes() -> None:
    platform = Platform(Power(battery_wh=100.0, start_charge=1.0, bus_w=10.0), Heat(), Compute(), 0)
    platform.advance(3600 * S)
    before_j = platform.battery.charge_j
    platform.age(0.75, 3600 * S)
    battery = platform.battery
    assert battery.capacity_j == pytest.approx(75.0 * 3600.0)
    assert battery.charge_j == pytest.approx(0.75 * before_j)
    platform.advance(7200 * S)
    assert battery.solar_j - battery.consumed_j == pytest.approx(battery.stored_change_j)
    assert battery.soft_limit_j == pytest.approx(0.75 * 0.7 * 100.0 * 3600.0)


def test_no_battery_ages_to_nothing() -> None:
    platform = Platform(Power(), Heat(), Compute(), 0)
    with pytest.raises(ValueError, match="of a battery"):
        platform.age(0.0, 0)
