from __future__ import annotations

import numpy as np
import pytest
import rasterio
from rasterio.warp import transform as warp_points
from rio_cogeo import cog_validate
from scipy.interpolate import RegularGridInterpolator

from orbitloom.processing import l3
from orbitloom.processing.l1 import Geolocation
from orbitloom.processing.l2 import NO_DATA, WATER, Reflectance

LINES = COLUMNS = 400


def tilted_place(*, longitude_deg=15.2, latitude_deg=47.0, turn_deg=12.0, bend=2e-6):
    """A footprint of 4 km, turned and slightly bent, in degrees."""
    lines, columns = np.linspace(0, LINES - 1, 33), np.linspace(0, COLUMNS - 1, 33)
    down, right = np.meshgrid(lines - LINES / 2, columns - COLUMNS / 2, indexing="ij")
    right = right * (1 + bend * right**2)
    turn = np.radians(turn_deg)
    east_m = 10 * (right * np.cos(turn) - down * np.sin(turn))
    north_m = -10 * (right * np.sin(turn) + down * np.cos(turn))
    longitudes_deg = longitude_deg + east_m / (111_320 * np.cos(np.radians(latitude_deg)))
    latitudes_deg = latitude_deg + north_m / 111_320
    return Geolocation(
        lines=lines,
        columns=columns,
        longitude_deg=longitudes_deg,
        latitude_deg=latitudes_deg,
        off_nadir_deg=0.0,
        slant_range_m=505e3,
        levels_m=np.zeros(1),
        levels_longitude_deg=longitudes_deg[None],
        levels_latitude_deg=latitudes_deg[None],
    )


def tile_of(rho, mask, place):
    scene = Reflectance(reflectance=rho, mask=mask, sun_elevation_deg=40.0)
    grid = l3.grid_for(place, 10.0)
    return l3.resample(scene, place, grid, ("blue", "green", "red", "nir"), 80.0)


@pytest.fixture(scope="module")
def tile():
    """Bands that tell the sensor's line and column; a corner of water; ten lines missing."""
    line, column = np.mgrid[0:LINES, 0:COLUMNS].astype(np.float32)
    rho = np.stack([line, column, line + column, np.full_like(line, 500.0)]) * 1e-4 + 0.01
    mask = np.zeros((LINES, COLUMNS), dtype=np.uint8)
    mask[200:, 200:] = WATER
    mask[50:60] = NO_DATA
    return tile_of(rho, mask, tilted_place())


def test_the_grid_is_snapped_and_holds_the_footprint(tile):
    place = tilted_place()
    a, _, west, _, e, north = tile.grid.transform
    assert (a, e) == (10.0, -10.0)
    assert west % 10 == 0
    assert north % 10 == 0
    assert tile.grid.epsg == 32633
    x, y = warp_points(
        "EPSG:4326", "EPSG:32633", place.longitude_deg.ravel(), place.latitude_deg.ravel()
    )[:2]
    rows, columns = tile.grid.shape
    assert west <= min(x) < west + 10
    assert west + 10 * (columns - 1) < max(x) <= west + 10 * columns
    assert north - 10 * rows <= min(y)
    assert max(y) <= north


def test_every_cell_looks_up_its_own_place(tile):
    """What the cell shows, placed by the geolocation, lies in the cell: within a tenth pixel."""
    place = tilted_place()
    rows, columns = np.nonzero((tile.mask & NO_DATA) == 0)
    pick = np.random.default_rng(0).integers(0, rows.size, 2000)
    rows, columns = rows[pick], columns[pick]
    line = tile.numbers[0, rows, columns] - 100.0
    column = tile.numbers[1, rows, columns] - 100.0
    nodes = (place.lines, place.columns)
    at = np.column_stack([line, column]).clip(0, LINES - 1)
    lon = RegularGridInterpolator(nodes, place.longitude_deg)(at)
    lat = RegularGridInterpolator(nodes, place.latitude_deg)(at)
    x, y = warp_points("EPSG:4326", "EPSG:32633", lon, lat)[:2]
    a, _, west, _, e, north = tile.grid.transform
    inside = (line > 1) & (line < LINES - 2) & (column > 1) & (column < COLUMNS - 2)
    off_x = (np.array(x) - (west + a * (columns + 0.5)))[inside] / 10
    off_y = (np.array(y) - (north + e * (rows + 0.5)))[inside] / 10
    # Numbers are rounded to a whole line, so half a pixel; on the mean nothing is left.
    assert np.hypot(off_x, off_y).max() < 0.85
    assert abs(off_x.mean()) < 0.03
    assert abs(off_y.mean()) < 0.03


def test_between_pixels_it_is_bilinear():
    """A product of line and column is what bilinear interpolation gives exactly, edges included."""
    line, column = np.mgrid[0:LINES, 0:COLUMNS].astype(np.float32)
    rho = np.stack([line * 100, column * 100, line * column / 4, line]) * 1e-4 + 0.01
    tile = tile_of(rho, np.zeros((LINES, COLUMNS), dtype=np.uint8), tilted_place())
    seen = tile.mask == 0
    line, column, product, _ = tile.numbers[:, seen].astype(float) - 100.0
    assert line.size > 150_000
    assert line.min() == column.min() == 0.0
    assert line.max() == column.max() == 100.0 * (LINES - 1)
    # Both are known to half a hundredth of a pixel, and the product to half a number.
    assert np.abs(product - line * column / 4e4).max() < 0.5 + 2 * 0.005 * LINES / 4 + 0.1


def test_masks_are_carried_and_the_outside_is_empty(tile):
    outside = tile.numbers[3] == 0
    assert ((tile.mask & NO_DATA) != 0)[outside].all()
    assert tile.imaged_share == pytest.approx(1 - 10 / LINES, abs=2e-3)
    water = np.count_nonzero(tile.mask & WATER)
    footprint = np.count_nonzero(~outside) / tile.imaged_share
    assert water / footprint == pytest.approx(0.25, abs=2e-3)


def test_the_cog_is_valid_deterministic_and_reads_back(tile, tmp_path):
    octets = l3.to_cog(tile)
    assert octets == l3.to_cog(tile)
    path = tmp_path / "tile.tif"
    path.write_bytes(octets)
    valid, errors, warnings = cog_validate(path, strict=True)
    assert (valid, errors, warnings) == (True, [], [])
    with rasterio.open(path) as dataset:
        assert dataset.crs.to_epsg() == 32633
        assert dataset.descriptions == ("blue", "green", "red", "nir", "mask")
        assert np.allclose(dataset.scales, [1e-4] * 4 + [1.0])
        assert np.array_equal(dataset.read([1, 2, 3, 4]), tile.numbers)
        assert np.array_equal(dataset.read(5), tile.mask)


def test_a_geolocation_that_folds_is_refused():
    place = tilted_place(bend=-8e-6)
    rho = np.zeros((4, LINES, COLUMNS), dtype=np.float32)
    with pytest.raises(ValueError, match="not smooth"):
        tile_of(rho, np.zeros((LINES, COLUMNS), dtype=np.uint8), place)


@pytest.mark.parametrize(("latitude_deg", "epsg"), [(-33.0, 32756), (33.0, 32656)])
def test_south_has_its_own_zones(latitude_deg, epsg):
    place = tilted_place(longitude_deg=151.0, latitude_deg=latitude_deg)
    assert l3.grid_for(place, 10.0).epsg == epsg
