from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from orbitloom.processing.apps import Context
from orbitloom.processing.assess import RuleModel
from orbitloom.processing.flood import FloodApp
from orbitloom.processing.l2 import CLOUD, NO_DATA, SHADOW, SNOW, WATER
from orbitloom.testing.app import AppContract, sample_tile
from orbitloom.testing.model import ModelContract, sample_evidence
from orbitloom.wire.briefing import Baseline, Briefing, Terrain


class TestFloodAppKeepsTheContract(AppContract):
    @pytest.fixture
    def app(self):
        return FloodApp()


class TestRuleModelKeepsTheContract(ModelContract):
    @pytest.fixture
    def model(self):
        return RuleModel()


def test_a_lake_is_measured():
    """80 x 80 cells of 100 m2; 316 edge cells: sqrt(316/12 + (0.18 * 316)^2) cells of sigma."""
    finding = FloodApp().analyse(sample_tile("water"), Context(target="Deggendorf"))
    assert finding.evidence.area_km2 == pytest.approx(0.64)
    expected = np.sqrt(316 / 12 + (0.18 * 316) ** 2) * 1e-4
    assert finding.evidence.area_sigma_km2 == pytest.approx(expected)
    assert finding.evidence.contrast == pytest.approx((900 - 300) / 1200, abs=1e-6)
    assert finding.evidence.parts == 1
    assert finding.severity == "Minor"
    assert finding.headline == "Flood at Deggendorf: 0.6 km² of water"
    assert finding.clear_share == 1.0


def test_an_edge_at_cloud_is_less_certain_than_a_shore():
    """Cloud along one of the lake's four sides: 80 of its 316 edge cells."""
    tile = sample_tile("water")
    mask = tile.mask.copy()
    mask[59, 60:140] = CLOUD
    evidence = FloodApp().analyse(replace(tile, mask=mask), Context(target="Deggendorf")).evidence
    expected = np.sqrt(316 / 12 + (0.18 * 236) ** 2 + (1.1 * 80) ** 2) * 1e-4
    assert evidence.area_km2 == pytest.approx(0.64)
    assert evidence.area_sigma_km2 == pytest.approx(expected)
    assert evidence.cloud_edge_share == pytest.approx(80 / 316)


@pytest.mark.parametrize(("slope", "flooded"), [(0.0, True), (0.05, True), (0.3, False)])
def test_water_does_not_lie_on_a_slope(slope, flooded):
    """Snow in a mountain's shade is dark in the infrared as well; heights err by 4 m."""
    tile = sample_tile("water")
    west, north = tile.grid.transform[2], tile.grid.transform[5]
    error = np.random.default_rng(0).normal(0.0, 4.0, (80, 80))
    terrain = Terrain(
        epsg=tile.grid.epsg,
        transform=(30.0, 0.0, west - 200.0, 0.0, -30.0, north + 200.0),
        height_m=(slope * 30.0 * np.arange(80) + error).astype(np.float32),
    )
    context = Context(target="Deggendorf", briefing=Briefing(terrain=terrain))
    finding = FloodApp().analyse(tile, context)
    assert (finding.evidence is not None) is flooded
    if flooded:
        assert finding.evidence.area_km2 == pytest.approx(0.64)


def usually(water, *, cells_of_m=20.0):
    """A baseline on a coarser grid: land, and water in half per cent of the looks."""
    rows, columns = water.shape
    median = np.empty((4, rows, columns), np.uint16)
    median[:] = np.array((700, 800, 900, 2600))[:, None, None]
    median[:, water >= 100] = np.array((800, 900, 800, 300))[:, None]
    return Baseline(
        epsg=32633,
        transform=(cells_of_m, 0.0, 5e5, 0.0, -cells_of_m, 5e6),
        band_names=("blue", "green", "red", "nir"),
        median=median,
        spread=np.full_like(median, 100),
        water=water.astype(np.uint8),
        looks=np.full((rows, columns), 9, np.uint8),
        newest_ns=0,
    )


def test_usual_water_is_no_flood():
    water = np.zeros((100, 100))
    water[29:71, 29:71] = 200
    context = Context(target="X", briefing=Briefing(baseline=usually(water)))
    finding = FloodApp().analyse(sample_tile("water"), context)
    assert finding.evidence is None
    assert finding.reason is None


def test_a_flood_is_what_is_wet_beyond_usual_water():
    water = np.zeros((100, 100))
    water[30:70, 30:50] = 200  # the lake's western half
    context = Context(target="X", briefing=Briefing(baseline=usually(water)))
    finding = FloodApp().analyse(sample_tile("water"), context)
    assert finding.evidence.area_km2 == pytest.approx(0.32, rel=0.02)
    assert not finding.area[60:140, 60:99].any()
    assert finding.area[60:140, 101:140].all()
    assert finding.headline == "Flood at X: 0.3 km² of new water"
    alone = FloodApp().analyse(sample_tile("water"), Context(target="X"))
    assert alone.confidence < 0.75 * finding.confidence / 0.9


def test_ponds_are_no_flood():
    tile = sample_tile()
    for row, column in ((10, 10), (60, 100), (150, 30)):
        tile.mask[row : row + 30, column : column + 30] = WATER  # 0.09 km2 each
        tile.numbers[:, row : row + 30, column : column + 30] = 300
    assert FloodApp().analyse(tile, Context(target="X")).evidence is None


def test_a_flood_in_pieces_below_cloud_is_one():
    tile = sample_tile("water")
    tile.mask[60:140, 96:104] = CLOUD  # cuts the lake in two
    finding = FloodApp(least_part_km2=0.5).analyse(tile, Context(target="X"))
    assert finding.evidence.parts == 2
    assert finding.evidence.area_km2 == pytest.approx(0.64 - 0.064)
    assert 0.1 < finding.evidence.cloud_edge_share < 0.5


def test_the_outline_runs_through_the_middle_of_mixed_cells():
    """A rim of cells that are 60 % water and one of 40 %: the first belongs to the flood."""
    tile = sample_tile("water")
    land, water = 2600, 300
    tile.mask[60:140, 60:140] = 0
    tile.mask[62:138, 62:138] = WATER
    nir = tile.numbers[3]
    nir[60:140, 60:140] = land + (water - land) * 0.4
    nir[61:139, 61:139] = land + (water - land) * 0.6
    nir[62:138, 62:138] = water
    finding = FloodApp().analyse(tile, Context(target="X"))
    assert finding.area[61:139, 61:139].all()
    assert finding.area.sum() == 78 * 78


@pytest.mark.parametrize(
    ("flag", "share", "reason"), [(CLOUD, 0.9, "cloud"), (SHADOW, 0.9, "cloud"), (CLOUD, 0.5, None)]
)
def test_silence_below_cloud(flag, share, reason):
    tile = sample_tile()
    tile.mask[: int(200 * share)] = flag
    finding = FloodApp().analyse(tile, Context(target="X"))
    assert finding.evidence is None
    assert finding.reason == reason
    assert finding.clear_share == pytest.approx(1 - share)


def test_a_flood_in_what_little_is_clear_is_an_alert():
    tile = sample_tile("water")
    tile.mask[(tile.mask & WATER) == 0] = CLOUD
    finding = FloodApp().analyse(tile, Context(target="X"))
    assert finding.clear_share == pytest.approx(0.16)
    assert finding.evidence.area_km2 == pytest.approx(0.64)


def test_gaps_and_night_are_reasons():
    tile = sample_tile()
    tile.mask[:180] = NO_DATA
    tile.numbers[:, :180] = 0
    finding = FloodApp().analyse(replace(tile, imaged_share=0.1), Context(target="X"))
    assert finding.reason == "gap"
    assert finding.clear_share == pytest.approx(0.1)
    assert (
        FloodApp().analyse(sample_tile(sun_elevation_deg=4.9), Context(target="X")).reason
        == "night"
    )


@pytest.mark.parametrize(
    ("changes", "verdict", "word"),
    [
        ({}, "keep", "no rule"),
        ({"area_km2": 0.29, "area_sigma_km2": 0.1}, "hold", "uncertainty"),
        ({"area_km2": 0.31, "area_sigma_km2": 0.1}, "keep", "no rule"),
        ({"contrast": 0.09}, "hold", "surroundings"),
        ({"cloud_edge_share": 0.6, "area_km2": 0.4}, "hold", "cloud"),
        ({"cloud_edge_share": 0.9, "area_km2": 4.0}, "keep", "no rule"),
    ],
)
def test_rules_hold_back_what_they_say(changes, verdict, word):
    assessment = RuleModel().assess(sample_evidence(**changes))
    assert assessment.verdict == verdict
    assert word in assessment.reason


def test_larger_and_clearer_ranks_higher():
    rank = [
        RuleModel().assess(sample_evidence(**changes)).rank
        for changes in ({"area_km2": 1.0}, {"area_km2": 9.0}, {"area_km2": 9.0, "contrast": 0.15})
    ]
    assert rank == [0.5, 0.9, 0.45]


SWIR = ("blue", "green", "red", "nir", "swir16", "swir22")


def painted(per_mille):
    """Land with a square of another spectrum, in the six bands."""
    tile = sample_tile(bands=SWIR)
    tile.numbers[:, 60:140, 60:140] = 10 * np.array(per_mille)[:, None, None]
    return tile


def test_with_short_wave_infrared_it_is_the_modified_index_that_counts():
    """(900 - 100) / 1000, where green and near infrared would give 0.5."""
    finding = FloodApp().analyse(sample_tile("water", bands=SWIR), Context(target="X"))
    assert finding.evidence.contrast == pytest.approx(0.8, abs=1e-6)
    assert finding.evidence.area_km2 == pytest.approx(0.64)


@pytest.mark.parametrize(
    ("what", "per_mille"),
    [
        ("turbid water", (80, 115, 88, 40, 2, 1)),
        ("clear water", (30, 28, 10, 6, 3, 3)),
        ("water in the shade of a hill", (20, 22, 12, 6, 2, 2)),
    ],
)
def test_water_of_any_kind_is_flood(what, per_mille):
    finding = FloodApp().analyse(painted(per_mille), Context(target="X"))
    assert finding.evidence is not None, what
    assert finding.evidence.area_km2 == pytest.approx(0.64)


@pytest.mark.parametrize(
    ("what", "per_mille"),
    [
        ("wet soil", (37, 52, 77, 112, 105, 70)),
        ("burnt ground", (37, 45, 59, 88, 175, 190)),
        ("dark forest", (18, 36, 22, 220, 115, 60)),
        ("forest in shadow", (8, 14, 8, 70, 36, 18)),
        ("thin snow below trees", (79, 82, 79, 119, 38, 23)),
        ("asphalt", (70, 83, 100, 120, 158, 163)),
    ],
)
def test_false_friends_are_no_flood(what, per_mille):
    assert FloodApp().analyse(painted(per_mille), Context(target="X")).evidence is None, what


def test_flagged_snow_is_no_flood():
    tile = painted((800, 790, 780, 690, 100, 60))
    tile.mask[60:140, 60:140] = SNOW
    assert FloodApp().analyse(tile, Context(target="X")).evidence is None


def test_what_was_compared_and_what_comes_and_goes_is_told():
    """Half of the lake's ground is unknown; a quarter was wet in a third of the looks."""
    water = np.zeros((100, 100))
    water[:, :50] = 255
    water[:, 60:] = 66
    context = Context(target="X", briefing=Briefing(baseline=usually(water)))
    finding = FloodApp().analyse(sample_tile("water"), context)
    compared, at_times = finding.evidence.measures
    assert finding.evidence.area_km2 == pytest.approx(0.64)
    assert (compared.name, at_times.name) == ("compared_share", "seasonal_share")
    assert compared.value == pytest.approx(0.5, abs=0.02)
    assert at_times.value == pytest.approx(0.25, abs=0.02)
    known = FloodApp().analyse(
        sample_tile("water"),
        Context(target="X", briefing=Briefing(baseline=usually(np.zeros((100, 100))))),
    )
    share, wet = compared.value, at_times.value
    expected = known.confidence * (0.7 + 0.3 * share) * (1.0 - 0.5 * wet)
    assert finding.confidence == pytest.approx(expected)
