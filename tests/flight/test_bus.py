"""The compiled bus of a fleet against satellites as objects, on random flights."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from orbitloom.bench import objects
from orbitloom.flight.bus import Bus, Inputs
from orbitloom.flight.platform import Platform
from orbitloom.scenario import stream
from orbitloom.scenario.hardware import Compute, Heat, Power

S = 1_000_000_000
POWER = Power(solar_w=330.0, battery_wh=70.0, bus_w=30.0)
HEAT = Heat(resistance_k_per_w=0.6, capacity_j_per_k=500.0)
COMPUTE = Compute(load_w=160.0, idle_w=10.0)
TOTALS = ("charge_j", "solar_j", "spilled_j", "consumed_j", "unmet_j")
COUNTS = ("busy_s", "held_s", "throttled_s", "survey_done_s")

Step = tuple[int, str, np.ndarray, np.ndarray]


def known(seed: int, satellites: int, end_ns: int) -> list[Step]:
    """Sun, lasers and strips of each satellite at random times."""
    steps: list[Step] = []
    choices = {
        "sunlight": (0.0, 0.5, 1.0, 1.0),
        "lasers_w": (0.0, 60.0, 120.0),
        "survey_w": (0.0, 25.0),
        "inflow": (0.0, 0.0, 0.6, 1.4),
    }
    for index in range(satellites):
        random = stream(seed, "bus", str(index))
        for kind, values in choices.items():
            gaps_ns = random.integers(1, 2_000 * S, size=30)
            t_ns = np.unique(np.minimum(np.append(0, np.cumsum(gaps_ns)), end_ns))
            steps.append((index, kind, t_ns, random.choice(values, size=t_ns.size)))
    return steps


def apply(craft: objects.Platform, kind: str, value: float, t_ns: int) -> None:
    if kind == "sunlight":
        craft.set_sunlight(value, t_ns)
    elif kind == "inflow":
        craft.set_inflow(value, t_ns)
    else:
        craft.set_load(kind, value, t_ns)


def same(craft: Platform, plain: objects.Platform) -> None:
    for name in TOTALS:
        expected = getattr(plain.battery, name)
        assert getattr(craft.battery, name) == pytest.approx(expected, rel=1e-9, abs=1e-6)
    for name in COUNTS:
        expected = getattr(plain.computer, name)
        assert getattr(craft.computer, name) == pytest.approx(expected, rel=1e-9, abs=1e-6)
    assert craft.thermal.temperature_c == pytest.approx(plain.thermal.temperature_c, abs=1e-9)
    assert craft.computer.speed == plain.computer.speed


@pytest.mark.parametrize("seed", range(4))
def test_a_fleet_left_alone_ends_where_objects_that_are_woken_end(seed: int) -> None:
    """No jobs: each satellite is asked once, at the end, and has missed nothing."""
    satellites, end_ns = 6, 30_000 * S
    steps = known(seed, satellites, end_ns)
    bus = Bus(POWER, HEAT, COMPUTE, 0, inputs=Inputs.of(satellites, steps))
    held = 0.0
    for index in range(satellites):
        plain = objects.Platform(POWER, HEAT, COMPUTE, 0)
        events = [
            (int(t), kind, float(value))
            for row, kind, times, values in steps
            for t, value in zip(times, values, strict=True)
            if row == index
        ]
        for t_ns, kind, value in sorted(events, key=lambda event: event[0]):
            apply(plain, kind, value, t_ns)
        plain.advance(end_ns)
        craft = Platform.of(bus, index)
        assert craft.advance(end_ns) == []
        same(craft, plain)
        battery = craft.battery
        residual_j = battery.solar_j - battery.consumed_j - battery.stored_change_j
        assert abs(residual_j) < 1e-9 * battery.solar_j
        held += craft.computer.held_s
    assert held > 0.0
    assert bus.rows["throttled_s"].sum() > 0.0


@pytest.mark.parametrize("seed", range(6))
def test_jobs_and_loads_between_known_inputs_are_the_same_to_the_nanosecond(seed: int) -> None:
    random, end_ns = stream(seed, "bus jobs"), 30_000 * S
    steps = known(seed, 1, end_ns)
    craft = Platform.of(Bus(POWER, HEAT, COMPUTE, 0, inputs=Inputs.of(1, steps)), 0)
    plain = objects.Platform(POWER, HEAT, COMPUTE, 0)
    events: list[tuple[int, str, Any]] = [
        (int(t), kind, float(value))
        for _, kind, times, values in steps
        for t, value in zip(times, values, strict=True)
    ]
    for number in range(80):
        stages = [("L0", float(random.uniform(0, 90))), ("L1", float(random.exponential(60)))]
        events.append((int(random.integers(end_ns)), "job", (number, stages)))
        events.append((int(random.integers(end_ns)), "sender", float(random.choice([0.0, 60.0]))))
    events.sort(key=lambda event: event[0])
    ours, theirs = [], []
    for t_ns, kind, value in events:
        if kind == "job":
            craft.submit(value[0], value[1], t_ns)
            plain.submit(value[0], value[1], t_ns)
        elif kind == "sender":
            craft.set_load(kind, value, t_ns)
            plain.set_load(kind, value, t_ns)
        else:
            apply(plain, kind, value, t_ns)
        if random.random() < 0.2:  # whoever looks in between changes nothing
            ours += craft.advance(t_ns)
            assert craft.computer.backlog_s == pytest.approx(plain.computer.backlog_s, abs=1e-6)
    ours += craft.advance(2 * end_ns)
    theirs += plain.advance(2 * end_ns)
    assert len(ours) > 200
    for mine, other in itertools.zip_longest(ours, theirs):
        assert (mine.job, mine.kind, mine.step, mine.cause, mine.last) == (
            *(other.job, other.kind, other.step, other.cause, other.last),
        )
        assert abs(mine.start_ns - other.start_ns) <= 1
        assert abs(mine.end_ns - other.end_ns) <= 1
        assert mine.work_s == pytest.approx(other.work_s, abs=1e-8)
    assert {"battery low", "computer hot", "computer busy"} <= {one.cause for one in ours}
    same(craft, plain)


def test_stepping_from_event_to_event_or_at_once_is_the_same() -> None:
    steps, end_ns = known(9, 2, 20_000 * S), 20_000 * S
    once = Bus(POWER, HEAT, COMPUTE, 0, inputs=Inputs.of(2, steps))
    often = Bus(POWER, HEAT, COMPUTE, 0, inputs=Inputs.of(2, steps))
    for index in range(2):
        Platform.of(once, index).advance(end_ns)
        craft = Platform.of(often, index)
        while (due_ns := craft.next_event_ns()) < end_ns:
            assert due_ns > craft.t_ns
            craft.advance(due_ns)
        craft.advance(end_ns)
    for name in once.rows.dtype.names or ():
        assert once.rows[name].tolist() == pytest.approx(often.rows[name].tolist(), rel=1e-9), name
    np.testing.assert_allclose(once.sample_j[:, :300], often.sample_j[:, :300], rtol=1e-9)


def test_an_old_battery_holds_less() -> None:
    bus = Bus(
        *(Power(bus_w=0.0), Heat(), COMPUTE, 0),
        inputs=Inputs.of(2),
        capacity_factor=np.array([1.0, 0.5]),
    )
    new, old = (Platform.of(bus, index) for index in range(2))
    for craft in (new, old):
        craft.advance(36_000 * S)  # 10 W for 10 h
    assert new.battery.charge_j / 3600 == pytest.approx(700.0)
    assert old.battery.charge_j / 3600 == pytest.approx(300.0)
    assert (new.battery.soft_limit_j, old.battery.soft_limit_j) == pytest.approx(
        (0.7 * 800 * 3600, 0.7 * 400 * 3600)
    )
    # 120 Wh above the limit last 12 h.
    assert old.next_event_ns() == pytest.approx(12 * 3600 * S, abs=2)


def test_samples_are_regular_and_extremes_exact() -> None:
    steps = [(0, "sunlight", np.array([0, 1_000 * S]), np.array([0.0, 1.0]))]
    power = Power(solar_w=500.0, battery_wh=100.0, bus_w=90.0)
    bus = Bus(power, Heat(), COMPUTE, 0, inputs=Inputs.of(1, steps), sample_ns=600 * S)
    craft = Platform.of(bus, 0)
    craft.advance(1_800 * S + 7)
    t_ns, charge_wh, _ = craft.history()
    assert t_ns.tolist() == [0, 600 * S, 1_200 * S, 1_800 * S, 1_800 * S + 7]
    assert craft.battery.lowest_j / 3600 == pytest.approx(100.0 - 100.0 * 1_000 / 3600)
    assert charge_wh.min() > craft.battery.lowest_j / 3600


def test_full_duty_in_eclipse_throttles_where_the_closed_form_says() -> None:
    """C dT/dt = P - (T - T_sink) / R from the idle equilibrium, in the dark, down to the second."""
    heat = Heat(throttle_c=60.0, throttle_speed=0.9)
    power = Power(battery_wh=4_000.0)
    craft = Platform.of(Bus(power, heat, Compute(), 0, inputs=Inputs.of(1)), 0)
    craft.submit(1, [("L1", 9_000.0)], 0)
    tau_s = heat.resistance_k_per_w * heat.capacity_j_per_k
    idle_c, end_c = (heat.sink_c + w * heat.resistance_k_per_w for w in (15.0, 160.0))
    throttle_s = tau_s * np.log((end_c - idle_c) / (end_c - 60.0))
    assert craft.next_event_ns() == pytest.approx(throttle_s * S, abs=2)
    craft.advance(int((throttle_s - 0.001) * S))
    assert craft.computer.speed == 1.0
    craft.advance(int((throttle_s + 0.001) * S))
    assert craft.computer.speed == 0.9
    craft.advance(9_000 * S)  # 145.5 W would settle at 65.9 C: it stays slow
    assert craft.computer.throttled_s == pytest.approx(9_000 - throttle_s, abs=1e-6)
    slow_c = heat.sink_c + (15.0 + 0.9 * 145.0) * heat.resistance_k_per_w
    then_c = slow_c + (60.0 - slow_c) * np.exp(-(9_000 - throttle_s) / tau_s)
    assert craft.thermal.temperature_c == pytest.approx(then_c, abs=1e-9)
