from __future__ import annotations

import json

import numpy as np
import pystac
import pytest
import xarray as xr

from orbitloom.errors import InputFileError
from orbitloom.ground.cube import SeriesPoint, read_points, revise, write_cube
from orbitloom.scenario import time

FIRST = time.from_iso("2026-06-01T10:00:00Z")


def point(day, value, sigma=0.1, **said):
    return SeriesPoint(
        region=said.pop("region", "Iseo/lake"),
        quantity="lake_area",
        unit="km2",
        longitude_deg=10.0,
        latitude_deg=45.7,
        sensed_ns=FIRST + day * time.DAY_NS,
        value=value,
        sigma=sigma,
        **said,
    )


@pytest.fixture
def answers(make_answer):
    made = []
    for day in (1, 2, 4, 7):
        series = [
            {"name": "lake_area:lake", "value": 8.0 + 0.01 * day, "sigma": 0.1, "unit": "km2"},
            {"name": "greenness:wood", "value": 0.7, "sigma": 0.02, "unit": "1"},
        ]
        if day != 2:
            series.append({"name": "snow_cover:top", "value": 0.3, "sigma": 0.02, "unit": "1"})
        made.append(
            make_answer(
                "nothing_found",
                capture=day,
                app="climate",
                series=series,
                sensed=f"2026-06-0{day}T10:00:00.000Z",
            )
        )
    counts = [{"name": "fields_stressed", "value": 1.0, "sigma": 0.0, "unit": "1"}]
    return [*made, make_answer(capture=9, app="agriculture", series=counts)]


def test_points_come_by_region_and_time_and_counts_are_none(answers):
    points = read_points(answers[::-1])
    assert len(points) == 11
    assert [p.region for p in points[:4]] == ["Sava/lake"] * 4
    assert [p.value for p in points[:4]] == [8.01, 8.02, 8.04, 8.07]
    assert all(p.status == "early" and p.replaces is None for p in points)


def test_a_point_is_final_with_two_later_looks_and_keeps_what_it_replaces():
    points = [point(day, 8.0) for day in (0, 5, 10, 15)]
    made = revise(points)
    assert [p.status for p in made] == ["final", "final", "early", "early"]
    assert [p.revision for p in made] == [1, 1, 0, 0]
    assert made[1].replaces == points[1]
    assert made[1].value == pytest.approx(8.0)
    assert made[1].sigma < points[1].sigma
    assert revise(made) == made


def test_the_order_of_points_and_of_revisions_does_not_matter():
    points = [point(day, 8.0 + 0.1 * (day % 3)) for day in (0, 4, 8, 13, 17)]
    at_once = revise(points[::-1])
    step_by_step = revise((*revise(points[:3]), *points[3:]))
    assert at_once == revise(points)
    assert at_once[2:] == step_by_step[2:]
    assert step_by_step[0].value != at_once[0].value  # it was final before the last looks came


def test_a_look_that_others_contradict_is_drawn_to_them_and_less_certain():
    points = [point(day, 8.0) for day in (0, 5, 15, 20)] + [point(10, 6.0)]
    odd = next(p for p in revise(points) if p.replaces is not None and p.replaces.value == 6.0)
    assert 6.5 < odd.value < 8.0
    assert odd.sigma > odd.replaces.sigma


def test_regions_do_not_mix():
    points = [point(day, 8.0) for day in (0, 1)] + [point(d, 1.0, region="x") for d in (2, 3)]
    assert {p.status for p in revise(points)} == {"early"}


def test_the_cube_opens_with_its_names_and_uncertainty(answers, tmp_path):
    path = write_cube(tmp_path / "cube", answers)
    with xr.open_dataset(path) as cube:
        assert cube.attrs["Conventions"] == "CF-1.11"
        assert cube.attrs["featureType"] == "timeSeries"
        names = [name.decode() if isinstance(name, bytes) else name for name in cube.region.values]
        assert names == ["Sava/lake", "Sava/top", "Sava/wood"]
        lake = cube.lake_area.isel(station=0)
        assert lake.attrs["units"] == "km2"
        assert lake.attrs["ancillary_variables"] == "lake_area_sigma lake_area_status"
        np.testing.assert_allclose(lake.values[-1], 8.07)
        assert np.isnan(cube.lake_area.isel(station=1).values).all()
        assert list(cube.lake_area_status.isel(station=0).values) == [1, 1, 0, 0]
        assert cube.time.values[0, 0] == np.datetime64("2026-06-01T10:00:00")
        assert np.isnat(cube.time.values[1, 3])
        assert cube.greenness.attrs["standard_name"] == "normalized_difference_vegetation_index"


def test_the_same_answers_give_the_same_bytes(answers, tmp_path):
    one = write_cube(tmp_path / "one", answers)
    two = write_cube(tmp_path / "two", answers[::-1])
    assert one.read_bytes() == two.read_bytes()
    assert (tmp_path / "one/series.json").read_bytes() == (
        tmp_path / "two/series.json"
    ).read_bytes()


def test_the_item_is_stac(answers, tmp_path):
    write_cube(tmp_path, answers)
    told = json.loads((tmp_path / "series.json").read_text())
    item = pystac.Item.from_dict(told)
    assert item.properties["cube:dimensions"]["station"]["values"][0] == "Sava/lake"
    assert item.properties["cube:variables"]["lake_area"]["unit"] == "km2"
    assert item.assets["series"].href == "./series.nc"
    assert (tmp_path / "series.nc").exists()


def test_no_series_no_cube(make_answer, tmp_path):
    with pytest.raises(InputFileError, match="no answer holds a point"):
        write_cube(tmp_path, [make_answer()])
    assert not list(tmp_path.iterdir())


def test_zarr_needs_its_package(answers, tmp_path):
    try:
        import zarr  # noqa: F401
    except ImportError:
        with pytest.raises(InputFileError, match="Zarr"):
            write_cube(tmp_path, answers, zarr=True)
    else:
        write_cube(tmp_path, answers, zarr=True)
        assert xr.open_zarr(tmp_path / "series.zarr").lake_area.size == 12


@pytest.mark.filterwarnings("ignore")  # the checker's own and its libraries'
def test_the_cube_passes_the_cf_checker(answers, tmp_path):
    runner = pytest.importorskip("compliance_checker.runner", reason="compliance-checker missing")
    path = write_cube(tmp_path, answers)
    runner.CheckSuite.load_all_available_checkers()
    report = tmp_path / "report.json"
    runner.ComplianceChecker.run_checker(
        str(path), ["cf:1.11"], 0, "strict", output_filename=str(report), output_format="json"
    )
    told = json.loads(report.read_text())["cf:1.11"]
    problems = [
        message
        for kind in ("high_priorities", "medium_priorities")
        for entry in told[kind]
        if entry["value"][0] < entry["value"][1]
        for message in entry["msgs"]
    ]
    assert problems == []
