"""Hot cells and burnt ground on tiles made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from orbitloom.processing.apps import Context
from orbitloom.processing.assess import RuleModel
from orbitloom.processing.fire import FireApp
from orbitloom.processing.fire_power import fire_power, planck
from orbitloom.processing.l2 import CLOUD, NO_DATA, SPOILT
from orbitloom.testing.app import AppContract, sample_tile
from orbitloom.wire.briefing import Baseline, Briefing

BANDS = ("blue", "green", "red", "nir", "swir16", "swir22")
CENTRES_UM = {"nir": 0.842, "swir16": 1.61, "swir22": 2.19}
SOLAR = np.array([400.0, 370.0, 310.0, 210.0, 50.0, 17.0])  # W/m2/sr/um of reflectance 1
PLACE = Context(target="Serra da Lousã")


class TestFireAppKeepsTheContract(AppContract):
    @pytest.fixture
    def app(self):
        return FireApp()


def land(seed=1):
    """Land with some texture and noise."""
    tile = sample_tile(bands=BANDS)
    rng = np.random.default_rng(seed)
    numbers = tile.numbers * rng.normal(1.0, 0.05, tile.numbers.shape[1:])
    numbers += rng.normal(0.0, 20.0, numbers.shape)
    return replace(
        tile,
        grid=replace(tile.grid, transform=(5.0, 0.0, 5e5, 0.0, -5.0, 4.4e6)),
        numbers=numbers.astype(np.uint16),
        solar_radiance=SOLAR,
    )


def burning(tile, row, column, area_m2, kelvin, *, full_scale=1.6):
    """A square fire around a cell, blurred by the optics, clipped where the detector is full."""
    numbers, mask = tile.numbers.astype(float), tile.mask.copy()
    cover = np.zeros(tile.grid.shape)
    side = int(np.ceil(np.sqrt(area_m2 / 25.0)))
    cover[row : row + side, column : column + side] = area_m2 / 25.0 / side**2
    cover = ndimage.gaussian_filter(cover, 0.6, mode="constant")
    for name, centre_um in CENTRES_UM.items():
        band = BANDS.index(name)
        numbers[band] += 1e4 * cover * planck(centre_um, np.array([kelvin])) / SOLAR[band]
    mask |= np.where((numbers > 1e4 * full_scale).any(axis=0), SPOILT, 0).astype(np.uint8)
    return replace(tile, numbers=np.clip(numbers, 1, 1e4 * full_scale).astype(np.uint16), mask=mask)


@pytest.mark.parametrize("kelvin", [600.0, 800.0, 1000.0, 1200.0])
@pytest.mark.parametrize("area_m2", [50.0, 400.0])
def test_a_fire_is_found_where_it_is(kelvin, area_m2):
    tile = burning(land(), 120, 70, area_m2, kelvin)
    finding = FireApp().analyse(tile, PLACE)
    assert finding.evidence.event == "fire"
    assert finding.area[120, 70]
    assert not finding.area[:116].any()  # nothing but the fire and what the optics spread it to
    assert not finding.area[128:].any()
    assert finding.evidence.parts == len(finding.details) == 1
    assert finding.evidence.contrast > 0.3
    assert finding.evidence.area_km2 > 3.0 * finding.evidence.area_sigma_km2
    spot = finding.details[0]
    assert spot["latitude_deg"] == pytest.approx(39.7447, abs=1e-3)
    true_mw = 5.670374e-8 * area_m2 * kelvin**4 * 1e-6
    assert abs(spot["power_mw"] - true_mw) < 3.0 * spot["power_sigma_mw"]


def test_land_alone_does_not_burn():
    finding = FireApp().analyse(land(), PLACE)
    assert finding.evidence is None
    assert finding.reason is None


def painted(tile, rows, columns, rho, *, mask=0):
    """The tile with some cells of another reflectance."""
    numbers, flags = tile.numbers.copy(), tile.mask.copy()
    for band, name in enumerate(BANDS):
        if name in rho:
            numbers[band, rows, columns] = round(rho[name] * 1e4)
    flags[rows, columns] |= mask
    return replace(tile, numbers=numbers, mask=flags)


def usual(tile, *, known=True):
    """What the tile's cells were before, on cells of 20 m."""
    median = tile.numbers[:, ::4, ::4].copy() if known else np.zeros((6, 50, 50), np.uint16)
    size = median.shape[1:]
    baseline = Baseline(
        epsg=tile.grid.epsg,
        transform=(20.0, 0.0, 5e5, 0.0, -20.0, 4.4e6),
        band_names=BANDS,
        median=median,
        spread=np.full_like(median, 50),
        water=np.full(size, 0 if known else 255, np.uint8),
        looks=np.full(size, 5 if known else 0, np.uint8),
        newest_ns=0,
    )
    return replace(PLACE, briefing=Briefing(baseline=baseline))


def spectrum(*per_mille):
    return dict(zip(BANDS, np.array(per_mille) / 1e3, strict=True))


CHAR = spectrum(37, 45, 59, 100, 175, 190)
FLAT = ("glint", dict.fromkeys(BANDS, 1.6)), ("white roof", dict.fromkeys(BANDS, 0.8))


@pytest.mark.parametrize(
    ("what", "rho"),
    [
        *FLAT,
        (
            "metal roof",
            spectrum(520, 570, 600, 605, 620, 585),
        ),
        (
            "bright soil",
            spectrum(160, 210, 290, 350, 440, 410),
        ),
        ("char", CHAR),
        (
            "cloud",
            spectrum(700, 700, 700, 670, 500, 400),
        ),
        (
            "water",
            spectrum(50, 50, 30, 20, 10, 20),
        ),
    ],
)
@pytest.mark.parametrize("mask", [0, SPOILT])
def test_what_is_bright_or_dark_does_not_burn(what, rho, mask):
    """Glint fills the detector in all bands: the ratio of what is clipped tells nothing."""
    tile = painted(land(), slice(100, 108), slice(100, 108), rho, mask=mask)
    assert FireApp().analyse(tile, PLACE).evidence is None, what


def test_glint_clipped_lower_in_some_bands_does_not_burn():
    rho = spectrum(900, 900, 900, 900, 900, 1300)
    tile = painted(land(), slice(100, 108), slice(100, 108), rho, mask=SPOILT)
    assert FireApp().analyse(tile, PLACE).evidence is None


def test_a_fire_below_smoke_that_is_flagged_as_cloud_is_sent():
    """Smoke is white in the visible; the whole scene is flagged, and the model keeps the alert."""
    smoky = painted(land(), slice(None), slice(None), {"blue": 0.4, "green": 0.38, "red": 0.35})
    tile = burning(replace(smoky, mask=np.full_like(smoky.mask, CLOUD)), 120, 70, 200.0, 900.0)
    finding = FireApp().analyse(tile, PLACE)
    assert finding.area[120, 70]
    assert RuleModel().assess(finding.evidence).verdict == "keep"


def test_a_fire_beside_missing_lines_is_found():
    tile = burning(land(), 120, 70, 200.0, 900.0)
    mask, numbers = tile.mask.copy(), tile.numbers.copy()
    mask[123:160], numbers[:, 123:160] = NO_DATA, 0
    finding = FireApp().analyse(replace(tile, mask=mask, numbers=numbers), PLACE)
    assert finding.area[120, 70]
    assert not finding.area[123:160].any()


def test_without_the_light_there_is_a_fire_but_no_power():
    tile = replace(burning(land(), 120, 70, 200.0, 900.0), solar_radiance=np.empty(0))
    finding = FireApp().analyse(tile, PLACE)
    assert finding.evidence.measures == ()
    assert "power_mw" not in finding.details[0]
    assert finding.headline == "Fire at Serra da Lousã: 1 fire burning"


def test_burnt_ground_is_what_fell_since_usual():
    before = land()
    tile = painted(before, slice(40, 120), slice(60, 140), CHAR)
    finding = FireApp().analyse(tile, usual(before))
    assert finding.evidence.event == "burn_scar"
    assert finding.evidence.area_km2 == pytest.approx(6400 * 25e-6, rel=0.02)
    assert finding.area[44:116, 64:136].all()
    assert finding.evidence.measures[0].value == 1.0
    assert finding.confidence > 0.9


def test_without_a_baseline_burnt_ground_is_said_with_less_confidence():
    before = land()
    tile = painted(before, slice(40, 120), slice(60, 140), CHAR)
    compared = FireApp().analyse(tile, usual(before))
    for context in (PLACE, usual(before, known=False)):
        alone = FireApp().analyse(tile, context)
        assert alone.evidence.event == "burn_scar"
        assert alone.confidence < 0.5 * compared.confidence
        assert alone.evidence.measures[0].value == 0.0


def test_old_scars_ploughed_fields_and_water_are_not_burnt_anew():
    before = painted(land(), slice(40, 80), slice(60, 100), CHAR)
    plough = spectrum(62, 86, 127, 184, 295, 280)
    tile = painted(before, slice(100, 140), slice(60, 100), plough)
    water = spectrum(50, 50, 30, 20, 10, 20)
    tile = painted(tile, slice(150, 190), slice(60, 100), water)
    finding = FireApp().analyse(tile, usual(before))
    assert finding.evidence is None


def test_a_fire_tells_how_much_has_burnt():
    before = land()
    tile = burning(painted(before, slice(40, 120), slice(60, 140), CHAR), 121, 90, 200.0, 900.0)
    finding = FireApp().analyse(tile, usual(before))
    assert finding.evidence.event == "fire"
    burnt = next(one for one in finding.evidence.measures if one.name == "burnt_area")
    assert burnt.value == pytest.approx(0.16, rel=0.05)
    assert burnt.unit == "km2"


@pytest.mark.parametrize("kelvin", [650.0, 900.0, 1150.0])
def test_power_of_a_fire_that_fills_nothing(kelvin):
    """80 m2, measured to 2 %: Planck's law in, Stefan and Boltzmann's out."""
    waves = np.array([0.842, 1.61, 2.19])
    sums = 80.0 * np.array([float(planck(wave, np.array([kelvin]))[0]) for wave in waves])
    sigma = 0.02 * sums + 20.0
    none = np.zeros(3)
    said = fire_power(
        sums, sigma, none, none + 1.0, full=none + np.inf, wavelength_um=waves, core_m2=0.0
    )
    assert abs(said.temperature_k - kelvin) < 2.0 * said.temperature_sigma_k
    assert said.temperature_sigma_k < 60.0
    true_mw = 5.670374e-8 * 80.0 * kelvin**4 * 1e-6
    assert abs(said.power_mw - true_mw) < 2.0 * said.power_sigma_mw
    assert said.power_sigma_mw < 0.4 * said.power_mw


def test_planck_against_its_textbook_form():
    h, c, k = 6.62607015e-34, 2.99792458e8, 1.380649e-23
    wave_m, kelvin = 2.2e-6, np.array([500.0, 800.0, 1300.0])
    exact = 2 * h * c**2 / wave_m**5 / (np.exp(h * c / (wave_m * k * kelvin)) - 1) * 1e-6
    assert planck(2.2, kelvin) == pytest.approx(exact, rel=1e-8)
