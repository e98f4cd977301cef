from __future__ import annotations

import numpy as np
import pytest
from rasterio.features import rasterize
from rasterio.transform import Affine
from rasterio.warp import transform_geom
from scipy import ndimage
from shapely.geometry import LinearRing, shape

from orbitloom.processing.l3 import Grid
from orbitloom.processing.outline import footprint, outline
from orbitloom.wire import canonical_json

GRID = Grid(epsg=32633, transform=(10.0, 0.0, 5e5, 0.0, -10.0, 5e6), shape=(600, 600))


def ragged(seed, *, amount=0.3):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=GRID.shape), 6)
    return noise > np.quantile(noise, 1 - amount)


def back(geometry, grid=GRID):
    moved = transform_geom("EPSG:4326", f"EPSG:{grid.epsg}", geometry)
    return rasterize([moved], out_shape=grid.shape, transform=Affine(*grid.transform)).astype(bool)


def iou(a, b):
    return (a & b).sum() / (a | b).sum()


def rings(geometry):
    polygons = geometry["coordinates"]
    for polygon in polygons if geometry["type"] == "MultiPolygon" else [polygons]:
        for number, ring in enumerate(polygon):
            yield number == 0, ring


def test_a_square_comes_back_exactly():
    area = np.zeros(GRID.shape, dtype=bool)
    area[100:300, 200:260] = True
    geometry = outline(area, GRID, 4000)
    assert geometry["type"] == "Polygon"
    assert len(geometry["coordinates"][0]) == 5
    assert np.array_equal(back(geometry), area)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("budget", [2_000, 6_000, 200_000])
def test_the_budget_holds_and_what_is_sent_is_valid(seed, budget):
    area = ragged(seed)
    geometry = outline(area, GRID, budget)
    assert len(canonical_json(geometry)) <= budget
    assert shape(geometry).is_valid
    for is_outer, ring in rings(geometry):
        assert LinearRing(ring).is_ccw == is_outer  # RFC 7946, 3.1.6
        assert ring[0] == ring[-1]
        assert all(value == round(value, 6) for point in ring for value in point)
    if budget == 200_000:
        assert iou(back(geometry), area) > 0.95


def test_more_room_is_a_better_outline():
    area = ragged(2, amount=0.1)
    quality = [iou(back(outline(area, GRID, budget)), area) for budget in (1_500, 6_000, 50_000)]
    assert quality == sorted(quality)
    assert quality[2] > 0.9


def test_an_outline_over_the_antimeridian_is_cut():
    """RFC 7946, 3.1.9: two parts, one on each side, none spanning the globe."""
    grid = Grid(epsg=32601, transform=(10.0, 0.0, 165_000.0, 0.0, -10.0, 0.0), shape=(400, 400))
    area = np.ones(grid.shape, dtype=bool)
    geometry = outline(area, grid, 4000)
    assert geometry["type"] == "MultiPolygon"
    longitudes = [point[0] for _, ring in rings(geometry) for point in ring]
    assert max(longitudes) == 180.0
    assert min(longitudes) == -180.0
    assert all(abs(longitude) > 179.9 for longitude in longitudes)


def test_a_footprint_is_a_ring_of_its_outermost_points():
    lat, lon = np.meshgrid(np.linspace(47.2, 47.0, 33), np.linspace(15.0, 15.3, 33), indexing="ij")
    geometry = footprint(lon, lat)
    assert shape(geometry).bounds == (15.0, 47.0, 15.3, 47.2)
    assert shape(geometry).area == pytest.approx(0.06, rel=1e-4)
    assert LinearRing(geometry["coordinates"][0]).is_ccw
    assert len(geometry["coordinates"][0]) == 17
