from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely

from orbitloom.errors import InputFileError
from orbitloom.processing.agriculture import AgricultureApp
from orbitloom.processing.apps import Context
from orbitloom.processing.assess import RuleModel
from orbitloom.processing.l2 import CLOUD
from orbitloom.processing.terrain import project
from orbitloom.scenario import time
from orbitloom.testing.app import AppContract, sample_tile
from orbitloom.wire.briefing import Briefing

TODAY = time.from_iso("2026-06-14T10:00:00Z")
SIDE, GAP = 12, 15  # cells of a field, and from one to the next


class TestAgricultureAppKeepsTheContract(AppContract):
    @pytest.fixture
    def app(self):
        return AgricultureApp()


def corner(n):
    return 3 + GAP * (n // 12), 3 + GAP * (n % 12)


def polygon(n):
    row, column = corner(n)
    box = shapely.box(
        5e5 + 10 * column, 5e6 - 10 * (row + SIDE), 5e5 + 10 * (column + SIDE), 5e6 - 10 * row
    )
    lonlat = shapely.transform(
        box, lambda xy: np.column_stack(project(xy[:, 0].copy(), xy[:, 1].copy(), 32633, 4326))
    )
    return shapely.geometry.mapping(lonlat)


def farm(ndvi, *, crop="maize", season_ndvi=0.7):
    """A tile with fields of these NDVI, and the context that tells of them."""
    rng = np.random.default_rng(5)
    tile = sample_tile()
    numbers = tile.numbers.copy()
    features = []
    for n, value in enumerate(ndvi):
        row, column = corner(n)
        part = slice(row, row + SIDE), slice(column, column + SIDE)
        numbers[2][part] = round(3000 * (1.0 - value) / (1.0 + value))
        numbers[3][part] = 3000
        season = [
            [day, round(float(season_ndvi + 0.012 * rng.standard_normal()), 4), 0.02]
            for day in range(60, 156, 8)
        ]
        features.append(
            {
                "type": "Feature",
                "id": f"f{n}",
                "geometry": polygon(n),
                "properties": {"crop": crop, "season": season},
            }
        )
    fields = {"type": "FeatureCollection", "features": features}
    context = Context(target="Marchfeld", sensed_ns=TODAY, briefing=Briefing(fields=fields))
    return replace(tile, numbers=numbers), context


def of_status(tile, context):
    return {field["id"]: field.get("reason", field["status"])
            for field in AgricultureApp().fields(tile, context)}  # fmt: skip


@pytest.fixture
def healthy():
    return list(0.7 + 0.01 * np.random.default_rng(2).standard_normal(30))


def test_healthy_fields_are_normal(healthy):
    tile, context = farm(healthy)
    assert set(of_status(tile, context).values()) == {"normal"}
    finding = AgricultureApp().analyse(tile, context)
    assert finding.evidence is None
    assert finding.reason is None
    assert {m.name: m.value for m in finding.series} == {
        "fields_stressed": 0.0, "fields_normal": 30.0, "fields_no_answer": 0.0}  # fmt: skip


def test_stressed_fields_are_found_and_measured(healthy):
    healthy[4] = healthy[17] = 0.50  # two fifths of the vigour
    tile, context = farm(healthy)
    finding = AgricultureApp().analyse(tile, context)
    assert finding.evidence.event == "crop_stress"
    assert finding.evidence.area_km2 == pytest.approx(2 * SIDE**2 * 1e-4)
    assert finding.evidence.parts == 2
    assert finding.evidence.contrast == pytest.approx(0.4, abs=0.05)
    assert {detail["id"] for detail in finding.details} == {"f4", "f17"}
    row, column = corner(4)
    assert finding.area[row : row + SIDE, column : column + SIDE].all()
    assert RuleModel().assess(finding.evidence).verdict == "keep"
    told = finding.details[0]
    assert told["expected"] == pytest.approx(0.7, abs=0.02)
    assert told["z_season"] < -3.0
    assert told["z_neighbours"] < -8.0
    assert told["probability"] > 0.9
    assert finding.headline.startswith("Crop stress at Marchfeld: 2 fields, 0.03 km²")


def test_the_worst_comes_first_and_silent_fields_after(healthy):
    healthy[4], healthy[17] = 0.55, 0.45
    tile, context = farm(healthy)
    row, column = corner(9)
    tile.mask[row : row + SIDE, column : column + SIDE] = CLOUD
    finding = AgricultureApp(cloud_margin_m=10.0).analyse(tile, context)
    assert [d["id"] for d in finding.details] == ["f17", "f4", "f9"]
    assert finding.details[2] == {"id": "f9", "status": "no_answer", "reason": "cloud"}


def test_a_season_that_all_share_is_no_stress(healthy):
    """Harvest or drought that took all fields alike from 0.7 to 0.5 is not one field's stress."""
    tile, context = farm([value - 0.2 for value in healthy])
    assert set(of_status(tile, context).values()) <= {"normal"}


def test_without_neighbours_the_own_season_has_to_tell():
    tile, context = farm([0.7, 0.7, 0.4])
    said = AgricultureApp().fields(tile, context)
    assert said[2]["status"] == "stressed"
    assert said[2]["z_season"] < -5.0


def test_neighbours_that_differ_leave_no_answer():
    spread = list(np.linspace(0.45, 0.85, 30))
    tile, context = farm(spread)
    assert "turning" in set(of_status(tile, context).values())
    assert "stressed" not in set(of_status(tile, context).values())


@pytest.mark.parametrize(("value", "reason"), [(0.05, "cleared"), (0.25, "cleared")])
def test_a_field_without_plants_is_not_called_stressed(healthy, value, reason):
    healthy[3] = value
    tile, context = farm(healthy)
    assert of_status(tile, context)["f3"] == reason


def test_bare_by_the_calendar_is_no_answer():
    tile, context = farm([0.25] * 20, season_ndvi=0.25)
    assert set(of_status(tile, context).values()) == {"bare"}


def test_a_field_of_two_halves_is_no_answer(healthy):
    tile, context = farm(healthy)
    row, column = corner(6)
    tile.numbers[2][row : row + SIDE, column : column + SIDE // 2] = 1200
    assert of_status(tile, context)["f6"] == "uneven"


def test_few_cells_and_no_season_are_no_answer(healthy):
    tile, context = farm(healthy)
    features = context.briefing.fields["features"]
    features[0]["properties"]["season"] = []
    row, column = corner(1)
    small = shapely.transform(
        shapely.box(5e5 + 10 * column, 5e6 - 10 * (row + 4), 5e5 + 10 * (column + 4),
                    5e6 - 10 * row),
        lambda xy: np.column_stack(project(xy[:, 0].copy(), xy[:, 1].copy(), 32633, 4326)),
    )  # fmt: skip
    features[1]["geometry"] = shapely.geometry.mapping(small)
    said = of_status(tile, context)
    assert (said["f0"], said["f1"]) == ("season", "few_cells")


def test_clouded_fields_are_not_silence(healthy):
    tile, context = farm(healthy)
    tile.mask[: GAP * 3 + 5] = CLOUD
    assert AgricultureApp().analyse(tile, context).reason == "cloud"


def test_a_season_that_is_none_is_refused(healthy):
    tile, context = farm(healthy)
    context.briefing.fields["features"][2]["properties"]["season"] = [[1, 2]]
    with pytest.raises(InputFileError, match="f2"):
        AgricultureApp().analyse(tile, context)
