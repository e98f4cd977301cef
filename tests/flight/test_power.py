"""The battery of a bus, and the plain one that it is measured against, on paper and in steps."""

from typing import Any

import pytest

from orbitloom.bench import objects
from orbitloom.flight.clock import NEVER_NS
from orbitloom.flight.platform import Platform
from orbitloom.scenario import stream
from orbitloom.scenario.hardware import Compute, Heat, Power

S = 1_000_000_000


class Aboard:
    """The battery of a whole platform that does nothing else, with the calls of the plain one."""

    def __init__(self, power: Power, start_ns: int) -> None:
        bare = power.model_copy(update={"bus_w": 0.0})
        self._platform = Platform(bare, Heat(), Compute(idle_w=0.0), start_ns)

    def __getattr__(self, name: str) -> Any:
        if name in ("set_load", "set_sunlight", "advance"):
            return getattr(self._platform, name)
        return getattr(self._platform.battery, name)

    def next_crossing_ns(self) -> int:
        return self._platform.next_event_ns()


@pytest.fixture(params=[Aboard, objects.Battery], ids=["bus", "objects"])
def Battery(request: pytest.FixtureRequest) -> Any:
    return request.param


def small(**changes: float) -> Power:
    """A battery of 3,600 J in 1 Wh, under a 10 W array."""
    values = {"solar_w": 10.0, "battery_wh": 1.0, "bus_w": 2.0} | changes
    return Power(**values)


def test_discharge_is_linear(Battery: Any) -> None:
    battery = Battery(small(), 0)
    battery.set_load("bus", 2.0, 0)
    battery.advance(100 * S)
    assert battery.charge_j == pytest.approx(3400.0)
    assert (battery.solar_j, battery.consumed_j) == (0.0, pytest.approx(200.0))


def test_a_full_battery_spills(Battery: Any) -> None:
    battery = Battery(small(start_charge=0.9), 0)
    battery.set_sunlight(0.5, 0)
    battery.advance(100 * S)
    assert battery.charge_j == 3600.0
    assert battery.solar_j == pytest.approx(360.0)
    assert battery.spilled_j == pytest.approx(140.0)


def test_an_empty_battery_gives_nothing(Battery: Any) -> None:
    battery = Battery(small(start_charge=0.01), 0)
    battery.set_load("lamp", 6.0, 0)
    battery.set_sunlight(0.2, 0)
    assert battery.next_crossing_ns() == 9 * S
    battery.advance(100 * S)
    assert battery.charge_j == 0.0
    assert battery.consumed_j == pytest.approx(36.0 + 200.0)
    assert battery.unmet_j == pytest.approx(364.0)
    assert battery.next_crossing_ns() == NEVER_NS


def test_the_soft_limit_holds_until_the_margin_is_back(Battery: Any) -> None:
    battery = Battery(small(soft_depth_of_discharge=0.5, resume_margin=0.1), 0)
    battery.set_load("lamp", 5.0, 0)
    assert battery.next_crossing_ns() == 360 * S
    battery.advance(360 * S)
    assert battery.below_soft_limit
    battery.set_sunlight(1.0, 360 * S)
    assert battery.next_crossing_ns() == 360 * S + 72 * S
    battery.advance(431 * S)
    assert battery.below_soft_limit
    battery.advance(432 * S)
    assert not battery.below_soft_limit
    assert battery.next_crossing_ns() == 432 * S + (3600 - 2160) // 5 * S


def test_a_steady_battery_crosses_nothing(Battery: Any) -> None:
    battery = Battery(small(start_charge=0.8), 0)
    battery.set_load("lamp", 10.0, 0)
    battery.set_sunlight(1.0, 0)
    assert battery.next_crossing_ns() == NEVER_NS


def test_starting_below_the_limit_starts_held(Battery: Any) -> None:
    assert Battery(small(start_charge=0.6), 0).below_soft_limit
    assert not Battery(small(start_charge=0.8), 0).below_soft_limit


@pytest.mark.parametrize("seed", range(10))
def test_energy_closes_over_a_random_history(seed: int, Battery: Any) -> None:
    """Solar in = consumed + stored, to far better than the 0.1 % promised; full and empty occur."""
    random = stream(seed, "battery")
    battery = Battery(small(start_charge=0.5), 0)
    t_ns, seen = 0, set()
    for _ in range(2_000):
        t_ns += int(random.integers(1, 200 * S))
        if random.random() < 0.5:
            battery.set_load(str(random.integers(3)), float(random.uniform(0, 5)), t_ns)
        else:
            battery.set_sunlight(float(random.choice([0.0, 0.5, 1.0])), t_ns)
        seen |= {battery.charge_j == battery.capacity_j, battery.charge_j == 0.0}
        assert 0.0 <= battery.charge_j <= battery.capacity_j
    assert seen == {True, False}
    assert battery.spilled_j > 0.0
    assert battery.unmet_j > 0.0
    residual = battery.solar_j - battery.consumed_j - battery.stored_change_j
    assert abs(residual) < 1e-9 * battery.solar_j


@pytest.mark.parametrize("seed", range(5))
def test_crossings_agree_with_small_steps(seed: int, Battery: Any) -> None:
    """A brute march of 0.1 s sees the same charge, totals and held state; events are not early."""
    random = stream(seed, "battery march")
    power = small(start_charge=0.8, resume_margin=0.05)
    battery = Battery(power, 0)
    charge, held, spilled, unmet = 3600.0 * 0.8, False, 0.0, 0.0
    tick, dt, loads, sun, flips = 0, 0.1, [0.0, 0.0], 0.0, 0
    for _ in range(120):
        i = int(random.integers(2))
        loads[i], sun = float(random.uniform(0, 6)), float(random.choice([0.0, 0.5, 1.0]))
        t_ns = tick * S // 10
        battery.set_load(str(i), loads[i], t_ns)
        battery.set_sunlight(sun, t_ns)
        steps = int(random.integers(10, 3_000))
        end_ns = (tick + steps) * S // 10
        while (crossing := battery.next_crossing_ns()) <= end_ns:
            before = battery.below_soft_limit
            battery.advance(crossing)
            flips += before != battery.below_soft_limit
        battery.advance(end_ns)
        for _ in range(steps):
            charge += (10.0 * sun - sum(loads)) * dt
            spilled += max(0.0, charge - 3600.0)
            unmet += max(0.0, -charge)
            charge = min(3600.0, max(0.0, charge))
            held = charge <= 2520.0 or (held and charge < 2700.0)
        tick += steps
        assert battery.charge_j == pytest.approx(charge, abs=1e-6)
        assert battery.below_soft_limit == held
    assert battery.spilled_j == pytest.approx(spilled, abs=1e-6)
    assert battery.unmet_j == pytest.approx(unmet, abs=1e-6)
    assert flips >= 3


def test_what_cannot_be_is_refused(Battery: Any) -> None:
    battery = Battery(small(), 10)
    with pytest.raises(ValueError, match="goes back by 10 ns"):
        battery.advance(0)
    with pytest.raises(ValueError, match="load 'lamp' of -1"):
        battery.set_load("lamp", -1.0, 10)
    with pytest.raises(ValueError, match=r"sunlight of 1\.5"):
        battery.set_sunlight(1.5, 10)
