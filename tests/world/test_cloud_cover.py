"""Weather as chains: shares and spells of each site, correlation between sites, plans cut by it."""

import numpy as np
import pytest

from orbitloom.scenario import time
from orbitloom.wire import OPTICAL, RF, ContactPlan, EndCause
from orbitloom.world.cloud_cover import Weather, drawn_weather, weathered
from orbitloom.world.earth import ecef_from_geodetic

HOUR_NS = time.HOUR_NS
SPAN = (0, 4000 * 24 * HOUR_NS)


def weather(clear=(0.5, 0.5, 0.5), spell_h=(12.0, 12.0, 12.0), seed=1):
    # Two sites 100 km apart, the third an ocean away.
    site_m = ecef_from_geodetic([48.0, 48.9, 19.0], [11.0, 11.0, -155.0], [0.0, 0.0, 0.0])
    return drawn_weather(
        seed, "test", site_m, np.array(clear), 3600 * np.array(spell_h), 450e3, SPAN
    )


def test_each_site_has_its_share_and_its_spells():
    drawn = weather(clear=(0.7, 0.3, 0.95), spell_h=(6.0, 24.0, 0.5))
    np.testing.assert_allclose(drawn.clear.mean(axis=1), [0.7, 0.3, 0.95], atol=0.03)
    for site, spell_h in enumerate((6.0, 24.0, 0.5)):
        starts, ends = drawn.spells(site)
        cloudy_h = (starts[1:] - ends[:-1]) / HOUR_NS
        assert cloudy_h.mean() == pytest.approx(spell_h, rel=0.1)


def test_the_next_state_depends_on_this_one_alone():
    """A chain: how long it has been cloudy says nothing of the next step."""
    clear = weather().clear[0]
    two_before = clear[:-2][~clear[1:-1]]
    after = clear[2:][~clear[1:-1]]
    assert after[two_before].mean() == pytest.approx(after[~two_before].mean(), abs=0.02)


def test_near_sites_are_cloudy_together_and_far_ones_are_not():
    """At half clear, two normals of correlation r agree in sign as 2 asin(r) / pi says."""
    drawn = weather()
    correlation = np.corrcoef(drawn.clear.astype(float))
    assert correlation[0, 1] == pytest.approx(2 / np.pi * np.arcsin(np.exp(-110 / 450)), abs=0.06)
    assert abs(correlation[0, 2]) < 0.05


def test_the_same_seed_draws_the_same_and_another_something_else():
    np.testing.assert_array_equal(weather().clear, weather().clear)
    assert np.any(weather(seed=2).clear != weather().clear)


def test_always_clear_is_always_clear():
    assert weather(clear=(1.0, 1.0, 1.0)).clear.all()


def test_nearly_always_cloudy_keeps_its_share_even_if_its_spells_cannot_be_so_short():
    drawn = weather(clear=(0.5, 0.02, 0.5), spell_h=(12.0, 0.2, 12.0))
    assert drawn.clear[1].mean() == pytest.approx(0.02, abs=0.005)


def plan_of(rows):
    columns = np.array(rows)
    return ContactPlan(
        nodes=("A", "B", "S", "T"),
        satellites=2,
        sender=columns[:, 0].astype(np.int32),
        receiver=columns[:, 1].astype(np.int32),
        start_ns=columns[:, 2].astype(np.int64),
        end_ns=columns[:, 3].astype(np.int64),
        rate_bps=np.full(len(rows), 1e9),
        light_time_ns=np.zeros(len(rows), np.int64),
        medium=columns[:, 4].astype(np.int8),
        confidence=np.where(columns[:, 4] == OPTICAL, 0.5, 1.0),
    )


def test_a_plan_is_cut_to_clear_spells():
    plan = plan_of(
        [(0, 2, 0, 100, OPTICAL), (0, 3, 10, 90, RF), (1, 2, 35, 55, OPTICAL), (0, 1, 0, 99, 0)]
    )
    sky = Weather(
        start_ns=0, step_ns=10, clear=np.array([[1, 1, 0, 0, 0, 0, 1, 1, 1, 1]], np.bool_)
    )
    flown = weathered(plan, sky, OPTICAL, np.array([0, -1]))
    rows = list(
        zip(
            flown.sender.tolist(),
            flown.receiver.tolist(),
            flown.start_ns.tolist(),
            flown.end_ns.tolist(),
            flown.end_cause.tolist(),
            strict=True,
        )
    )
    whole = int(EndCause.HORIZON)
    assert rows == [
        (0, 1, 0, 99, whole),
        (0, 2, 0, 20, int(EndCause.WEATHER)),
        (0, 3, 10, 90, whole),
        (0, 2, 60, 100, whole),
    ]
    assert flown.confidence.tolist() == [1.0] * 4
