"""Radio: the check values of FACTS, and rain by its parts and limits."""

import numpy as np
import pytest

from orbitloom.scenario import Station
from orbitloom.scenario.links import Downlink
from orbitloom.world.radio import (
    CODINGS,
    RadioBudget,
    carrier_to_noise_dbhz,
    free_space_loss_db,
    slant_range_m,
)
from orbitloom.world.rain import ZONES, rain_height_km, rain_loss_db, specific_attenuation


@pytest.mark.parametrize(
    ("ghz", "elevation_deg", "range_km", "loss_db"),
    [(8.2, 5.0, 2_077.96, 177.08), (26.25, 10.0, 1_695.0, 185.41)],
)
def test_slant_range_and_free_space_loss(ghz, elevation_deg, range_km, loss_db):
    range_m = slant_range_m(500e3, np.radians(elevation_deg))
    assert range_m / 1e3 == pytest.approx(range_km, abs=0.5)
    assert free_space_loss_db(range_m, 1e9 * ghz) == pytest.approx(loss_db, abs=0.005)


def test_the_x_band_line_of_facts():
    """EIRP 20 dBW, G/T 31 dB/K, 1 dB: 101.52 dBHz; 450 Mbit/s less 2 dB: Eb/N0 12.99 dB."""
    range_m = slant_range_m(500e3, np.radians(5.0))
    to_noise = carrier_to_noise_dbhz(range_m, 8.2e9, 20.0, 1.0, 31.0)
    assert to_noise == pytest.approx(101.52, abs=0.01)
    assert to_noise - 10 * np.log10(450e6) - 2.0 == pytest.approx(12.99, abs=0.01)


def station(**keys):
    return Station(name="S", latitude_deg=48.0, longitude_deg=11.0, **keys)


def rates(downlink, where, elevation_deg):
    elevation = np.radians(np.asarray(elevation_deg, float))
    budget = RadioBudget(downlink=downlink, station=where)
    return budget.rate_bps(slant_range_m(505e3, elevation), elevation)


def test_the_rate_rises_with_elevation_by_the_ladder():
    rate = rates(Downlink(), station(), np.arange(5.0, 90.0))
    assert np.all(np.diff(rate) >= 0)
    steps = {bits * 50e6 for bits, _ in CODINGS}
    assert set(rate.tolist()) <= steps
    assert len(set(rate.tolist())) >= 3
    assert rate[-1] == pytest.approx(222.65e6)  # the peak of 220
    assert np.all(rates(Downlink(eirp_dbw=-20), station(), [5, 45, 90]) == 0)


def test_each_step_needs_what_the_standard_says():
    """At the threshold of a step, to a thousandth of a dB to both sides."""
    elevation = np.radians(30.0)
    range_m = slant_range_m(505e3, elevation)
    dry = station(rain_mm_per_h=0.0)
    base = Downlink()
    noise_db = carrier_to_noise_dbhz(range_m, 8.2e9, 20.0, 1.0, dry.g_over_t_db)
    for bits, needed_db in CODINGS:
        short_db = needed_db + 5.0 + 10 * np.log10(50e6) - noise_db
        for more_db, reached in ((1e-3, True), (-1e-3, False)):
            down = base.model_copy(update={"eirp_dbw": 20.0 + float(short_db) + more_db})
            assert (rates(down, dry, [30.0])[0] >= bits * 50e6) == reached


def test_rain_costs_ka_more_than_x_and_low_satellites_more_than_high():
    x = rain_loss_db(8.2e9, np.radians([5, 20, 60]), 48.0, 0.0, ZONES["H"], 0.1)
    ka = rain_loss_db(26.25e9, np.radians([5, 20, 60]), 48.0, 0.0, ZONES["H"], 0.1)
    assert np.all(np.diff(x) < 0)
    assert np.all(np.diff(ka) < 0)
    assert np.all(ka > 5 * x)
    assert 2.0 < ka[2] < 8.0  # some dB in Ka at 0.1 % in a temperate climate
    wet = rain_loss_db(26.25e9, np.radians(20), 1.35, 0.0, ZONES["P"], 0.1)
    assert wet > 2 * ka[1]


def test_rarer_fades_are_deeper_and_mountains_and_poles_are_dry():
    shares = [0.001, 0.01, 0.1, 1.0, 5.0]
    losses = [float(rain_loss_db(20e9, 0.5, 40.0, 0.0, 42.0, p)) for p in shares]
    assert losses == sorted(losses, reverse=True)
    assert losses[1] == pytest.approx(
        float(rain_loss_db(20e9, 0.5, 40.0, 0.0, 42.0, 0.01)), rel=1e-12
    )
    assert rain_loss_db(20e9, 0.5, 40.0, 4_000.0, 42.0, 0.01) == 0
    assert rain_loss_db(20e9, 0.5, 78.2, 0.0, 0.0, 0.01) == 0
    assert [rain_height_km(x) for x in (0, 23, 63, -21, -71)] == pytest.approx([5, 5, 2, 5, 0])


def test_specific_attenuation_is_the_table_s():
    """P.838-3 at 20 GHz: k 0.0916 and 0.0961, alpha 1.0568 and 0.9847."""
    assert specific_attenuation(20e9, 1.0) == pytest.approx((0.09164 + 0.09611) / 2, rel=1e-6)
    ratio = specific_attenuation(20e9, 10.0) / specific_attenuation(20e9, 1.0)
    alpha = (0.09164 * 1.0568 + 0.09611 * 0.9847) / (0.09164 + 0.09611)
    assert np.log10(ratio) == pytest.approx(alpha, rel=1e-6)
    between = specific_attenuation(26e9, 1.0)
    assert specific_attenuation(25e9, 1.0) < between < specific_attenuation(30e9, 1.0)
    assert between == pytest.approx((0.1724 + 0.1669) / 2, rel=0.01)  # P.838-3 at 26 GHz
