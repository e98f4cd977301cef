"""Battery, heat and computer together: what one does to the other, and that energy closes."""

import math
from itertools import pairwise

import numpy as np
import pytest

from orbitloom.flight.clock import NEVER_NS
from orbitloom.flight.platform import Platform
from orbitloom.scenario import stream
from orbitloom.scenario.hardware import Compute, Heat, Power

S = 1_000_000_000
COMPUTE = Compute(load_w=160.0, idle_w=10.0)


def platform(power: Power | None = None, heat: Heat | None = None) -> Platform:
    return Platform(power or Power(bus_w=0.0), heat or Heat(), COMPUTE, 0)


def test_work_draws_full_load_and_survey_its_share() -> None:
    craft = platform()
    assert craft.battery.load_w == 10.0
    craft.set_inflow(0.4, 0)
    assert craft.battery.load_w == pytest.approx(10.0 + 0.4 * 150.0)
    craft.submit(1, [("L0", 5.0)], 10 * S)
    assert craft.battery.load_w == 160.0
    craft.advance(15 * S)
    assert craft.battery.load_w == 160.0  # the survey work that waited meanwhile
    craft.advance(19 * S)
    assert craft.battery.load_w == pytest.approx(70.0)
    assert craft.next_event_ns() > 19 * S


def test_a_job_is_held_in_eclipse_until_charge_is_back() -> None:
    """All in closed form: 160 W down to the line, 10 W idle, then 90 W up to the resume level."""
    power = Power(solar_w=100.0, battery_wh=10.0, bus_w=0.0)  # 36 kJ: limit 25.2, resume 25.56
    craft = platform(power)
    craft.submit(1, [("L0", 100.0)], 0)
    low_ns = round(10_800 / 160 * S)
    assert craft.next_event_ns() == low_ns
    craft.set_sunlight(1.0, 200 * S)
    segments = craft.advance(500 * S)[:3]  # and so on, up and down between the two levels
    drained_j = 10.0 * (200.0 - low_ns / S)
    resume_ns = 200 * S + round((360.0 + drained_j) / 90.0 * S)
    assert [(s.kind, s.cause) for s in segments] == [
        ("run", ""),
        ("wait", "battery low"),
        ("run", ""),
    ]
    assert segments[1].start_ns == pytest.approx(low_ns, abs=2)
    assert segments[1].end_ns == pytest.approx(resume_ns, abs=2)
    # In the Sun the job draws 60 W more than there is: 360 J above the line last 6 s.
    assert segments[2].end_ns - segments[2].start_ns == pytest.approx(6 * S, abs=100)
    assert craft.computer.held_s > 130.0


def test_a_hot_computer_is_slower_then_stops() -> None:
    heat = Heat(sink_c=0.0, resistance_k_per_w=1.0, capacity_j_per_k=1000.0, throttle_speed=0.9)
    craft = platform(Power(solar_w=800.0), heat)
    craft.set_sunlight(1.0, 0)
    craft.submit(1, [("L1", 5000.0)], 0)
    throttle_s = 1000.0 * math.log((160 - 10) / (160 - 80))
    hot_w = 10.0 + 0.9 * 150.0
    stop_s = throttle_s + 1000.0 * math.log((hot_w - 80) / (hot_w - 90))
    cool_s = stop_s + 1000.0 * math.log((90 - 10) / (88 - 10))
    segments = craft.advance(round((cool_s + 1.0) * S))
    assert [(s.kind, s.cause) for s in segments] == [("run", ""), ("wait", "computer hot")]
    assert segments[0].end_ns == pytest.approx(stop_s * S, abs=10)
    assert segments[0].work_s == pytest.approx(throttle_s + 0.9 * (stop_s - throttle_s))
    assert segments[1].end_ns == pytest.approx(cool_s * S, abs=10)
    assert craft.computer.throttled_s == pytest.approx(stop_s - throttle_s + 1.0)
    assert craft.thermal.hottest_c == pytest.approx(90.0, abs=1e-6)
    assert craft.history()[2].max() < 90.0  # the samples miss it, the extreme does not


def test_the_default_computer_settles_below_its_limits() -> None:
    """160 W over 0.35 K/W above a radiator of 15 C: 71 C."""
    craft = Platform(Power(), Heat(), Compute(), 0)
    craft.set_sunlight(1.0, 0)
    craft.submit(1, [("L1", 40_000.0)], 0)
    craft.advance(39_000 * S)
    assert craft.thermal.temperature_c == pytest.approx(71.0, abs=0.01)
    assert craft.computer.throttled_s == craft.computer.held_s == 0.0


def test_a_quiet_platform_has_nothing_to_do() -> None:
    craft = platform(Power(solar_w=10.0, bus_w=0.0))
    craft.set_sunlight(1.0, 0)
    assert craft.next_event_ns() == NEVER_NS


def test_the_history_has_a_sample_a_minute() -> None:
    craft = platform()
    craft.advance(3600 * S + 5)
    t_ns, charge_wh, celsius = craft.history()
    assert t_ns.tolist() == [*(k * 60 * S for k in range(61)), 3600 * S + 5]
    assert charge_wh[[0, 60]].tolist() == pytest.approx([800.0, 790.0])
    assert celsius.tolist() == pytest.approx([18.5] * 62)


@pytest.mark.parametrize("seed", range(8))
def test_energy_closes_and_segments_touch_over_a_random_flight(seed: int) -> None:
    random = stream(seed, "platform")
    power = Power(solar_w=300.0, battery_wh=60.0, bus_w=30.0)
    heat = Heat(resistance_k_per_w=0.5, capacity_j_per_k=600.0)
    craft, t_ns, segments, submitted = platform(power, heat), 0, [], {}
    loads, drawn_j, last_ns = dict.fromkeys(("laser", "transmitter"), 0.0), 0.0, 0
    for number in range(800):
        t_ns += int(random.integers(1, 60 * S))
        drawn_j += sum(loads.values()) * (t_ns - last_ns) / S
        last_ns = t_ns
        match int(random.integers(5)):
            case 0:
                submitted[number] = t_ns
                craft.submit(number, [("L0", 3.0), ("L1", float(random.uniform(0, 20)))], t_ns)
            case 1:
                name = str(random.choice(list(loads)))
                loads[name] = float(random.choice([0.0, 60.0]))
                craft.set_load(name, loads[name], t_ns)
            case 2:
                craft.set_sunlight(float(random.choice([0.0, 0.5, 1.0])), t_ns)
            case 3:
                craft.set_inflow(float(random.choice([0.0, 0.7, 1.2])), t_ns)
            case _:
                segments += craft.advance(t_ns)
    battery, computer = craft.battery, craft.computer
    segments += craft.advance(t_ns)
    assert abs(battery.solar_j - battery.consumed_j - battery.stored_change_j) < 1e-6
    # What was drawn: the bus, the others, the idle computer, and 150 J above idle a second's work.
    done_s = sum(s.work_s for s in [*segments, *computer.open_segments()]) + computer.survey_done_s
    asked_j = (30.0 + 10.0) * t_ns / S + drawn_j + 150.0 * done_s
    assert battery.consumed_j + battery.unmet_j == pytest.approx(asked_j, rel=1e-9)
    causes = {s.cause for s in segments}
    assert "battery low" in causes
    by_number: dict[int, list] = {}
    for s in segments:
        by_number.setdefault(s.job, []).append(s)
    for number, parts in by_number.items():
        assert parts[0].start_ns == submitted[number]
        assert all(a.end_ns == b.start_ns for a, b in pairwise(parts))
    samples_ns, charge_wh, _ = craft.history()
    assert np.all(np.diff(samples_ns) >= 0)
    assert charge_wh[-1] == battery.charge_j / 3600.0


def test_stepping_by_events_or_at_once_is_the_same() -> None:
    def fly(by_events: bool) -> list[tuple[int, int, str]]:
        craft = platform(Power(solar_w=300.0, battery_wh=40.0, bus_w=30.0))
        segments = []
        for orbit in range(4):
            start = orbit * 5700 * S
            craft.set_sunlight(0.0, start)
            craft.set_inflow(0.8, start)
            craft.submit(orbit, [("L0", 30.0), ("L1", 700.0)], start + 60 * S)
            if by_events:
                while craft.next_event_ns() < start + 2100 * S:
                    segments += craft.advance(craft.next_event_ns())
            craft.set_sunlight(1.0, start + 2100 * S)
        segments += craft.advance(6 * 5700 * S)
        return [(s.start_ns, s.end_ns, s.cause) for s in segments]

    assert fly(True) == fly(False)
    assert {"battery low", ""} <= {cause for _, _, cause in fly(True)}


def test_time_goes_forward_only() -> None:
    craft = platform()
    craft.advance(10)
    with pytest.raises(ValueError, match="goes back by 3 ns"):
        craft.advance(7)
