from __future__ import annotations

import numpy as np
import pytest
import shapely

from orbitloom.errors import InputFileError
from orbitloom.processing.l3 import Grid
from orbitloom.processing.seasons import History, courses, read_history
from orbitloom.processing.terrain import project
from orbitloom.processing.zones import labels, patch, read_zones
from orbitloom.scenario import time

GRID = Grid(epsg=32633, transform=(10.0, 0.0, 5e5, 0.0, -10.0, 5e6), shape=(200, 200))
TODAY = time.from_iso("2026-06-14T10:00:00Z")


def feature(name, shape, **properties):
    """A shape in metres of UTM 33N as GeoJSON."""
    lonlat = shapely.transform(
        shape, lambda xy: np.column_stack(project(xy[:, 0].copy(), xy[:, 1].copy(), 32633, 4326))
    )
    geometry = shapely.geometry.mapping(lonlat)
    return {"type": "Feature", "id": name, "geometry": geometry, "properties": properties}


def zones_of(*features):
    return read_zones({"type": "FeatureCollection", "features": list(features)}, GRID, "zones")


def test_shares_of_cells_sum_to_the_area():
    circle = shapely.Point(501_003.0, 4_999_007.0).buffer(433.0)
    place = patch(zones_of(feature("a", circle))[0], GRID)
    assert place.share.sum() * 100.0 == pytest.approx(circle.area, rel=2e-3)
    assert place.inside == pytest.approx(1.0, abs=2e-3)
    assert place.share.min() == 0.0
    assert place.share.max() == 1.0
    assert ((place.share > 0.0) & (place.share < 1.0)).any()


def test_a_box_lies_where_it_should():
    place = patch(zones_of(feature("a", shapely.box(500_105, 4_999_800, 500_200, 4_999_900)))[0],
                  GRID)  # fmt: skip
    grid = np.zeros(GRID.shape)
    grid[place.rows, place.columns] = place.share
    assert (grid[10:20, 11:20] == 1.0).all()
    assert grid[10:20, 10] == pytest.approx(0.5, abs=0.25)
    assert grid.sum() == pytest.approx(95.0, abs=2.5)


def test_what_lies_beyond_the_grid_is_said():
    half, away = zones_of(
        feature("a", shapely.box(499_000, 4_999_000, 501_000, 4_999_500)),
        feature("b", shapely.box(480_000, 4_999_000, 481_000, 4_999_500)),
    )
    assert patch(half, GRID).inside == pytest.approx(0.5, abs=0.01)
    assert patch(away, GRID) is None


def test_labels_number_the_shapes():
    boxes = [shapely.box(500_100, 4_999_800, 500_200, 4_999_900), shapely.Polygon(),
             shapely.box(500_300, 4_999_800, 500_400, 4_999_900)]  # fmt: skip
    number = labels(boxes, GRID)
    assert np.bincount(number.ravel()).tolist() == [40_000 - 200, 100, 0, 100]
    assert not labels([], GRID).any()


@pytest.mark.parametrize(
    ("collection", "what"),
    [
        ({"type": "FeatureCollection"}, "FeatureCollection"),
        ({"features": [{"geometry": None}]}, "polygon"),
        ({"features": [{"id": "a", "geometry": {"type": "Point", "coordinates": [15, 45]}}]},
         "polygon"),
        ({"features": [3]}, "polygon"),
    ],
)  # fmt: skip
def test_what_is_no_polygon_is_refused(collection, what):
    with pytest.raises(InputFileError, match=what):
        read_zones(collection, GRID, "zones")


def test_ids_are_needed_and_differ():
    box = shapely.box(500_100, 4_999_800, 500_200, 4_999_900)
    with pytest.raises(InputFileError, match="twice"):
        zones_of(feature("a", box), feature("a", box))
    with pytest.raises(InputFileError, match="no id"):
        zones_of(feature(None, box))


def test_rows_are_sorted_into_the_year_before_today():
    known = read_history([[160, 0.6, 0.02], [150, 0.5, 0.02], [170, 0.1, 0.02]], TODAY, "a")
    assert known.days.tolist() == [-360.0, -15.0, -5.0]  # today is day 165
    assert known.values.tolist() == [0.1, 0.5, 0.6]
    assert read_history(None, TODAY, "a").days.size == 0


@pytest.mark.parametrize("rows", [[[1, 2]], [["a", 1, 1]], [[0, 1, 1]], [[3, 1, 0]],
                                  [[3, float("nan"), 1]], 7])  # fmt: skip
def test_rows_that_are_no_history_are_refused(rows):
    with pytest.raises(InputFileError, match="rows of"):
        read_history(rows, TODAY, "a")


def history(days, values, sigma=0.02):
    days = np.asarray(days, float)
    return History(days=days, values=np.asarray(values, float), sigmas=np.full(days.size, sigma))


def test_a_steady_value_goes_on():
    rng = np.random.default_rng(3)
    days = np.arange(-90.0, -5.0, 8.0)
    said = courses([history(days, 0.7 + 0.02 * rng.standard_normal(days.size))], 0.0)
    assert said.values[0] == pytest.approx(0.7, abs=0.04)
    assert abs(said.slopes[0]) < 0.002
    assert said.sigmas[0] < 0.05


def test_a_rise_goes_on_and_grows_uncertain():
    days = np.arange(-60.0, -9.0, 5.0)
    rising = history(days, 0.8 + 0.01 * days)
    near, far = courses([rising], -8.0), courses([rising], 0.0)
    assert near.values[0] == pytest.approx(0.72, abs=0.02)
    assert far.values[0] == pytest.approx(0.80, abs=0.04)
    assert far.sigmas[0] > near.sigmas[0]
    assert far.slopes[0] == pytest.approx(0.01, abs=0.003)


def test_many_are_as_each_alone_and_too_few_tell_nothing():
    some = [history([-30, -20, -9], [0.3, 0.4, 0.6]), history([-40], [0.3]), history([], []),
            history([-50, -44, -30, -11, -2], [5.0, 5.1, 4.7, 4.6, 4.9], 0.3)]  # fmt: skip
    together = courses(some, -5.0)
    for n, one in enumerate(some):
        alone = courses([one], -5.0)
        np.testing.assert_allclose(together.values[n], alone.values[0])
        np.testing.assert_allclose(together.sigmas[n], alone.sigmas[0])
    assert np.isnan(together.values).tolist() == [False, True, True, False]


def test_predictions_are_as_certain_as_they_say():
    """Of curves drawn from the model itself about 68 % lie within one sigma."""
    rng = np.random.default_rng(8)
    days = np.arange(-80.0, -7.0, 8.0)
    drawn, truth = [], []
    for _ in range(300):
        steps = 0.02 / 30.0**1.5 * np.sqrt(8.0) * rng.standard_normal(days.size + 1)
        slope = 0.003 * rng.standard_normal() + np.cumsum(steps)
        curve = 0.5 + np.cumsum(8.0 * slope)
        drawn.append(history(days, curve[:-1] + 0.02 * rng.standard_normal(days.size)))
        truth.append(curve[-1])
    said = courses(drawn, 0.0)
    within = np.abs(said.values - np.array(truth)) < said.sigmas
    assert 0.58 < within.mean() < 0.85
