"""The thermal node of a bus, and the plain one that it is measured against."""

import math
from typing import Any

import pytest

from orbitloom.bench import objects
from orbitloom.flight.bus import Bus
from orbitloom.flight.clock import NEVER_NS
from orbitloom.scenario import stream
from orbitloom.scenario.hardware import Compute, Heat, Power

S = 1_000_000_000


class Aboard:
    """The node of a bus without end of charge, whose computer draws the same at any speed."""

    def __init__(self, heat: Heat, start_ns: int, power_w: float = 0.0) -> None:
        endless = Power(battery_wh=1e12)
        self._bus = Bus(endless, heat, Compute(idle_w=power_w, load_w=power_w or 1.0), start_ns)
        self.advance(start_ns)

    def set_power(self, watts: float, t_ns: int) -> None:
        self.advance(t_ns)
        self._bus.rows["idle_w"] = self._bus.rows["full_w"] = watts
        self.advance(t_ns)

    def advance(self, t_ns: int) -> None:
        assert not self._bus.march(0, t_ns)

    def next_crossing_ns(self) -> int:
        return self._bus.next_change_ns(0)

    def __getattr__(self, name: str) -> Any:
        return self._bus.rows[name][0]


@pytest.fixture(params=[Aboard, objects.ThermalNode], ids=["bus", "objects"])
def ThermalNode(request: pytest.FixtureRequest) -> Any:
    return request.param


# Time constant 100 s; 1 W is 1 K in the end.
HEAT = Heat(sink_c=0.0, resistance_k_per_w=1.0, capacity_j_per_k=100.0)


def test_one_time_constant(ThermalNode: Any) -> None:
    node = ThermalNode(HEAT, 0)
    node.set_power(50.0, 0)
    node.advance(100 * S)
    assert node.temperature_c == pytest.approx(50.0 * (1 - math.exp(-1)))


def test_it_starts_in_equilibrium(ThermalNode: Any) -> None:
    node = ThermalNode(HEAT, 0, 15.0)
    node.advance(10**6 * S)
    assert node.temperature_c == pytest.approx(15.0)
    assert node.next_crossing_ns() == NEVER_NS


def test_limits_come_and_go_when_the_closed_form_says(ThermalNode: Any) -> None:
    node = ThermalNode(HEAT, 0)
    node.set_power(160.0, 0)
    assert node.next_crossing_ns() == math.ceil(100 * math.log(160 / 80) * 1e9)
    node.advance(node.next_crossing_ns())
    assert (node.throttled, node.shut_down) == (True, False)
    start = node.t_ns
    assert node.next_crossing_ns() - start == pytest.approx(1e11 * math.log(80 / 70), abs=2)
    node.advance(node.next_crossing_ns())
    assert (node.throttled, node.shut_down) == (True, True)
    node.set_power(0.0, node.t_ns)
    start = node.t_ns
    assert node.next_crossing_ns() - start == pytest.approx(1e11 * math.log(90 / 88), abs=2)
    node.advance(node.next_crossing_ns())
    assert (node.throttled, node.shut_down) == (True, False)
    node.advance(node.next_crossing_ns())
    assert (node.throttled, node.shut_down) == (False, False)
    assert node.t_ns - start == pytest.approx(1e11 * math.log(90 / 78), abs=4)
    assert node.next_crossing_ns() == NEVER_NS


@pytest.mark.parametrize("excess_w", [1e-12, 1e-9, 1e-6, 1e-3])
def test_a_limit_barely_reached_takes_few_steps(excess_w: float, ThermalNode: Any) -> None:
    node = ThermalNode(HEAT, 0)
    node.set_power(80.0 + excess_w, 0)
    steps = 0
    while node.next_crossing_ns() < NEVER_NS and not node.throttled:
        node.advance(node.next_crossing_ns())
        steps += 1
    assert node.throttled
    assert steps < 5


@pytest.mark.parametrize("seed", range(4))
def test_it_agrees_with_numeric_integration(seed: int, ThermalNode: Any) -> None:
    """Against Heun steps of 0.5 s over changing power, with both limits."""
    random = stream(seed, "heat")
    node, t_ns = ThermalNode(HEAT, 0), 0
    celsius, throttled, shut_down, seen = 0.0, False, False, set()
    for _ in range(60):
        watts, steps = float(random.uniform(0, 160)), int(random.integers(10, 400))
        node.set_power(watts, t_ns)
        end_ns = t_ns + steps * S // 2
        while node.next_crossing_ns() <= end_ns:
            node.advance(node.next_crossing_ns())
        node.advance(end_ns)
        t_ns = end_ns
        for _ in range(steps):
            slope = (watts - celsius) / 100.0
            celsius += 0.25 * (slope + (watts - celsius - 0.5 * slope) / 100.0)
            throttled = celsius >= 80.0 or (throttled and celsius > 78.0)
            shut_down = celsius >= 90.0 or (shut_down and celsius > 88.0)
        assert node.temperature_c == pytest.approx(celsius, abs=1e-3)
        assert (node.throttled, node.shut_down) == (throttled, shut_down)
        seen.add((throttled, shut_down))
    assert seen == {(False, False), (True, False), (True, True)}
