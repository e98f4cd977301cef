"""The optical budget against the table of FACTS, and the rates that follow from it."""

import numpy as np
import pytest

from orbitloom.scenario.links import Laser
from orbitloom.world.laser_budget import LaserBudget, decibel, point_ahead_rad

BUDGET = LaserBudget.of(Laser())


@pytest.mark.parametrize(
    ("range_km", "free_space_db", "received_dbm"),
    [(1000, -258.178, -17.821), (2000, -264.198, -23.842), (5016, -272.185, -31.828)],
)
def test_light_over_a_range(range_km, free_space_db, received_dbm):
    assert BUDGET.free_space_db(1e3 * range_km) == pytest.approx(free_space_db, abs=1e-3)
    assert BUDGET.received_dbm(1e3 * range_km) == pytest.approx(received_dbm, abs=2e-3)


def test_each_factor_of_the_budget():
    """G_t 108.519 dB, G_r 104.198, L_t -0.309, L_r -0.114, for 1 W."""
    gains_dbm = 30.0 + float(decibel(0.8 * 0.8))
    assert BUDGET.fixed_dbm - gains_dbm == pytest.approx(
        108.519 + 104.198 - 0.309 - 0.114, abs=2e-3
    )
    aligned = LaserBudget.of(Laser(pointing_error_urad=0.0))
    assert aligned.fixed_dbm - gains_dbm == pytest.approx(108.519 + 104.198, abs=1e-3)
    assert aligned.fixed_dbm - BUDGET.fixed_dbm == pytest.approx(0.309 + 0.114, abs=1e-3)
    wide = LaserBudget.of(Laser(aperture_mm=160.0, pointing_error_urad=0.0))
    assert wide.fixed_dbm - aligned.fixed_dbm == pytest.approx(6.0206, abs=1e-4)


def test_the_ring_of_twelve_has_10_gbps_with_7_db_over_the_sensitivity():
    assert BUDGET.rate_bps(3_563e3) == 10e9
    assert BUDGET.received_dbm(3_563e3) - BUDGET.sensitivity_dbm == pytest.approx(6.6, abs=0.1)


def test_the_ladder_is_capped_by_the_terminal_and_falls_with_range():
    assert BUDGET.rates_bps == (10e9, 2.5e9)
    fast = LaserBudget.of(Laser(rate_gbps=100))
    assert fast.rates_bps == (100e9, 10e9, 2.5e9)
    reaches_km = [fast.reach_m(rate) / 1e3 for rate in fast.rates_bps]
    assert reaches_km == pytest.approx([1_714, 5_420, 10_840], abs=2)
    ranges_m = np.array([1_700e3, 1_720e3, 5_400e3, 5_430e3, 10_800e3, 10_900e3])
    np.testing.assert_array_equal(fast.rate_bps(ranges_m), [100e9, 10e9, 10e9, 2.5e9, 2.5e9, 0.0])
    for rate in fast.rates_bps:
        assert fast.received_dbm(fast.reach_m(rate)) == pytest.approx(fast.needed_dbm(rate))
    assert fast.needed_dbm(100e9) == pytest.approx(-22.5)
    assert LaserBudget.of(Laser(rate_gbps=5)).rates_bps == (5e9, 2.5e9)


def test_point_ahead_is_twice_the_velocity_across_over_c():
    velocity_m_s = np.array([[0.0, 7_500.0, 0.0], [7_500.0, 0.0, 0.0]])
    line = np.array([[1e6, 0.0, 0.0], [1e6, 0.0, 0.0]])
    ahead_urad = 1e6 * point_ahead_rad(velocity_m_s, line)
    assert ahead_urad == pytest.approx([50.03, 0.0], abs=0.01)
