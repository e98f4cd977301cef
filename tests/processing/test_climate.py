from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely

from orbitloom.errors import InputFileError
from orbitloom.processing.apps import Context
from orbitloom.processing.assess import RuleModel
from orbitloom.processing.climate import ClimateApp
from orbitloom.processing.l2 import CLOUD
from orbitloom.processing.terrain import project
from orbitloom.scenario import time
from orbitloom.testing.app import AppContract, sample_tile
from orbitloom.wire.briefing import Briefing, Terrain

TODAY = time.from_iso("2026-06-14T10:00:00Z")
DAYS = range(60, 160, 8)
BANDS = ("blue", "green", "red", "nir", "swir16")


class TestClimateAppKeepsTheContract(AppContract):
    @pytest.fixture
    def app(self):
        return ClimateApp()


def region(kind, value, sigma, box=(100, 100, 1900, 1900), **said):
    """A region in metres east and south of the tile's corner, and its history."""
    west, top, east, bottom = box
    shape = shapely.transform(
        shapely.box(5e5 + west, 5e6 - bottom, 5e5 + east, 5e6 - top),
        lambda xy: np.column_stack(project(xy[:, 0].copy(), xy[:, 1].copy(), 32633, 4326)),
    )
    return {
        "type": "Feature",
        "id": said.pop("name", kind),
        "geometry": shapely.geometry.mapping(shape),
        "properties": {"kind": kind, "history": [[day, value, sigma] for day in DAYS]} | said,
    }


def context_of(*regions, terrain=None):
    collection = {"type": "FeatureCollection", "features": list(regions)}
    briefing = Briefing(regions=collection, terrain=terrain)
    return Context(target="Iseo", sensed_ns=TODAY, briefing=briefing)


def points(finding):
    return {measure.name: measure for measure in finding.series}


def test_a_lake_as_usual_is_a_point_and_no_alert():
    finding = ClimateApp().analyse(sample_tile("water"), context_of(region("lake", 0.64, 0.01)))
    lake = points(finding)["lake_area:lake"]
    assert lake.value == pytest.approx(0.64, rel=0.01)
    assert 0.0 < lake.sigma < 0.02
    assert lake.unit == "km2"
    assert finding.evidence is None
    assert finding.reason is None


def test_a_lake_that_has_shrunk_is_an_alert_on_what_is_left():
    finding = ClimateApp().analyse(sample_tile("water"), context_of(region("lake", 1.0, 0.02)))
    assert finding.evidence.event == "lake_change"
    assert finding.evidence.area_km2 == pytest.approx(0.64, rel=0.01)
    measured = {measure.name: measure for measure in finding.evidence.measures}
    assert measured["change"].value == pytest.approx(-0.36, abs=0.02)
    assert finding.area[60:140, 60:140].all()
    assert np.count_nonzero(finding.area) == 6400
    assert RuleModel().assess(finding.evidence).verdict == "keep"
    assert finding.headline == "Lake area at Iseo: 0.6 km², 0.4 km² less than expected"
    assert finding.severity == "Severe"


def test_the_shore_is_measured_to_parts_of_a_cell():
    tile = sample_tile("water")
    nir, red, green = tile.numbers[3], tile.numbers[2], tile.numbers[1]
    rim = np.zeros((200, 200), bool)
    rim[59:141, 59:141] = True
    rim[60:140, 60:140] = False
    for band, land, water in ((nir, 2600, 300), (red, 900, 800), (green, 800, 900)):
        band[rim] = round(0.5 * (land + water))
    finding = ClimateApp().analyse(tile, context_of(region("lake", 0.64, 0.01)))
    expected = (6400 + 0.5 * np.count_nonzero(rim)) * 1e-4
    assert points(finding)["lake_area:lake"].value == pytest.approx(expected, abs=2e-3)


def test_cloud_widens_what_is_said_and_the_truth_stays_within():
    clear = points(
        ClimateApp().analyse(sample_tile("water"), context_of(region("lake", 0.64, 0.01)))
    )
    tile = sample_tile("water")
    tile.mask[90:125, 110:170] = CLOUD  # over the eastern shore
    tile.numbers[:, 90:125, 110:170] = 6000
    some = points(ClimateApp().analyse(tile, context_of(region("lake", 0.64, 0.01))))
    lake = some["lake_area:lake"]
    assert lake.sigma > 3.0 * clear["lake_area:lake"].sigma
    assert abs(lake.value - 0.64) < 2.0 * lake.sigma


def test_a_hidden_region_has_no_point_and_silence_says_why():
    tile = sample_tile("water")
    tile.mask[:150] = CLOUD
    finding = ClimateApp().analyse(tile, context_of(region("lake", 0.64, 0.01)))
    assert finding.series == ()
    assert finding.reason == "cloud"


def test_greenness_is_the_mean_and_a_fall_is_told():
    index = (2600 - 900) / 3500
    usual = ClimateApp().analyse(sample_tile(), context_of(region("greenness", index, 0.01)))
    green = points(usual)["greenness:greenness"]
    assert green.value == pytest.approx(index, abs=1e-4)
    assert green.sigma == pytest.approx(0.015, abs=0.001)
    assert usual.evidence is None
    fallen = ClimateApp().analyse(sample_tile(), context_of(region("greenness", 0.7, 0.01)))
    assert fallen.evidence.event == "greenness_change"
    assert fallen.details[0]["sigmas"] < -3.0


def mountain(line_m):
    """Ground that rises from 1,000 to 1,995 m to the north, snow above a height."""
    tile = sample_tile(bands=BANDS)
    height_m = np.repeat((1000.0 + 5.0 * np.arange(199, -1, -1))[:, None], 200, axis=1)
    white = height_m > line_m
    for band, value in zip(tile.numbers, (8000, 8200, 8100, 7000, 900), strict=True):
        band[white] = value
    dull = ~white  # bare rock, that woods do not hide
    for band, value in zip(tile.numbers, (1200, 1400, 1700, 2000, 2500), strict=True):
        band[dull] = value
    terrain = Terrain(
        epsg=32633, transform=tile.grid.transform, height_m=height_m.astype(np.float32)
    )
    return tile, terrain, float(white[10:190, 10:190].mean())


def test_the_snow_line_is_found_and_its_cover():
    tile, terrain, cover = mountain(1402.0)

    finding = ClimateApp().analyse(tile, context_of(region("snow", 1400, 25), terrain=terrain))
    said = points(finding)
    assert said["snow_line:snow"].value == pytest.approx(1402.0, abs=10.0)
    assert said["snow_line:snow"].unit == "m"
    assert said["snow_cover:snow"].value == pytest.approx(cover, abs=0.01)
    assert finding.evidence is None


def test_a_line_that_has_risen_is_an_alert():
    tile, terrain, _ = mountain(1702.0)
    finding = ClimateApp().analyse(tile, context_of(region("snow", 1400, 25), terrain=terrain))
    assert finding.evidence.event == "snow_change"
    assert finding.headline == "Snow line at Iseo: 1700 m, 300 m more than expected"
    assert np.count_nonzero(finding.area) > 0


def test_without_terrain_there_is_the_cover_alone():
    tile, _, cover = mountain(1402.0)
    finding = ClimateApp().analyse(tile, context_of(region("snow", 1400, 25)))
    assert list(points(finding)) == ["snow_cover:snow"]
    assert finding.series[0].value == pytest.approx(cover, abs=0.01)
    assert finding.evidence is None  # the history is of heights


def test_water_and_snow_come_before_the_green_that_they_change():
    tile = sample_tile("water")
    finding = ClimateApp().analyse(
        tile, context_of(region("greenness", 0.9, 0.01), region("lake", 1.0, 0.02))
    )
    assert finding.evidence.event == "lake_change"
    assert [detail["kind"] for detail in finding.details] == ["lake", "greenness"]


def test_an_unknown_kind_is_refused():
    with pytest.raises(InputFileError, match="glacier"):
        ClimateApp().analyse(sample_tile(), context_of(region("glacier", 1.0, 0.1)))


def test_a_region_beyond_the_look_has_no_point():
    away = region("greenness", 0.5, 0.01, box=(5000, 5000, 6000, 6000))
    finding = ClimateApp().analyse(sample_tile(), context_of(away))
    assert finding.series == ()
    assert finding.evidence is None


def test_the_night_says_so():
    tile = replace(sample_tile("water"), sun_elevation_deg=-3.0)
    assert ClimateApp().analyse(tile, context_of(region("lake", 1.0, 0.1))).reason == "night"
