from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from orbitloom.errors import InputFileError
from orbitloom.processing.l2 import CLOUD, NO_DATA, SHADOW, SPOILT, WATER
from orbitloom.processing.l3 import Grid, Tile
from orbitloom.processing.tiles import SQUARE_M, Square, composite, cut, lattice, tiles_of
from orbitloom.scenario import stream

# Latitude, longitude, name to 10 km, zone, hemisphere, corner: by GEOTRANS, through the package
# mgrs 1.6.
PLACES = [
    (41.9, 12.45, "33TTG84", 33, "N", 280000, 4640000),
    (48.14, 11.57, "32UPU93", 32, "N", 690000, 5330000),
    (-33.87, 151.2, "56HLH35", 56, "S", 330000, 6250000),
    (21.31, -157.86, "04QFJ15", 4, "N", 610000, 2350000),
    (0.05, 6.0, "32NJF60", 32, "N", 160000, 0),
    (-0.05, 37.2, "37MBV99", 37, "S", 290000, 9990000),
    (71.9, 25.5, "35WMV47", 35, "N", 440000, 7970000),
    (-54.8, -68.3, "19FEV42", 19, "S", 540000, 3920000),
    (35.68, 139.7, "54SUE84", 54, "N", 380000, 3940000),
    (51.48, -0.1, "30UYC00", 30, "N", 700000, 5700000),
    (-1.3, 179.9, "60MZD25", 60, "S", 820000, 9850000),
    (64.1, -21.9, "27WVM50", 27, "N", 450000, 7100000),
    (83.5, -40.0, "24XVT87", 24, "N", 480000, 9270000),
    (-79.5, 10.1, "32CNS27", 32, "S", 520000, 1170000),
    (30.1, 31.2, "36RUU23", 36, "N", 320000, 3330000),
    (-22.9, -43.2, "23KPQ86", 23, "S", 680000, 7460000),
]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place[2])
def test_names_are_those_of_mgrs_and_read_back(place):
    _, _, name, zone, side, west_m, south_m = place
    square = Square((32600 if side == "N" else 32700) + zone, west_m, south_m)
    assert square.name == name
    assert Square.parse(name) == square


def test_every_name_reads_back():
    """Squares all over the zones, at random."""
    rng = stream(100, "squares")
    for _ in range(500):
        zone, north = int(rng.integers(1, 61)), rng.random() < 0.5
        west_m = int(rng.integers(20, 80)) * SQUARE_M
        low, high = (0, 930) if north else (115, 1000)
        square = Square(
            (32600 if north else 32700) + zone, west_m, int(rng.integers(low, high)) * SQUARE_M
        )
        assert Square.parse(square.name) == square


NO_NAMES = "33TTG9 33TTG945 61TTG94 33ITG94 33TJG94 33ZTG94 33ttg94 00TTG94 33HTG94 ../etc"


@pytest.mark.parametrize("name", ["", *NO_NAMES.split()])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(InputFileError, match="names no square"):
        Square.parse(name)


@pytest.mark.parametrize("gsd_m", [0.5, 2.5, 3.0, 4.75, 5.0, 10.0, 20.0, 30.0])
def test_squares_of_any_cell_size_share_out_the_cells(gsd_m):
    """Neighbours meet: no cell twice and none left out; cells begin at multiples of their size."""
    square = Square(32633, 290_000, 4_640_000)
    east, north = Square(32633, 300_000, 4_640_000), Square(32633, 290_000, 4_650_000)
    column, row = lattice(square.grid(gsd_m))
    rows, columns = square.grid(gsd_m).shape
    assert lattice(east.grid(gsd_m))[0] == column + columns
    assert lattice(north.grid(gsd_m))[1] - north.grid(gsd_m).shape[0] == row
    assert abs(rows * gsd_m - SQUARE_M) < gsd_m
    for first, at in ((column, square.west_m), (row - rows, square.south_m)):
        assert at <= (first + 0.5) * gsd_m < at + gsd_m


def look(west=0, north=0, shape=(40, 60), *, flags=0, value=1_000, **given):
    """A look whose corner is that many cells of 10 m east and south of 500 km, 5,000 km."""
    numbers = np.full((2, *shape), value, np.uint16)
    numbers[1] += 1
    about = {"sun_elevation_deg": 40.0, "off_nadir_deg": 3.0, "sensed_ns": 0} | given
    return Tile(
        grid=Grid(
            epsg=32633,
            transform=(10.0, 0.0, 5e5 + 10 * west, 0.0, -10.0, 5e6 - 10 * north),
            shape=shape,
        ),
        band_names=("red", "nir"),
        numbers=numbers,
        mask=np.full(shape, flags, np.uint8),
        imaged_share=1.0,
        snr=80.0,
        **about,
    )


def test_the_squares_that_a_look_touches():
    assert tiles_of(look(10, 10).grid) == (Square(32633, 500_000, 4_990_000),)
    wide = look(-5, -5, (40, 60)).grid
    names = {(one.west_m, one.south_m) for one in tiles_of(wide)}
    assert names == {
        (west, south) for west in (490_000, 500_000) for south in (4_990_000, 5_000_000)
    }
    assert list(tiles_of(wide)) == sorted(tiles_of(wide), key=lambda one: (one.south_m, one.west_m))
    far = replace(wide, transform=(10.0, 0.0, 99_000.0, 0.0, -10.0, 5e6))
    with pytest.raises(InputFileError, match="UTM zone that it lies in"):
        tiles_of(far)

    with pytest.raises(InputFileError, match="EPSG:3857: is no UTM zone"):
        tiles_of(replace(wide, epsg=3857))


@pytest.mark.parametrize(("epsg", "north_m"), [(32633, 100.0), (32733, 10_000_100.0)])
def test_across_the_equator_are_the_other_hemispheres_squares(epsg, north_m):
    grid = replace(look().grid, epsg=epsg, transform=(10.0, 0.0, 501_000.0, 0.0, -10.0, north_m))
    tile = replace(look(), grid=grid)
    south, north = tiles_of(grid)
    assert south == Square(32733, 500_000, 9_990_000)
    assert north == Square(32633, 500_000, 0)
    assert (south.name, north.name) == ("33MWV09", "33NWA00")
    parts = [cut(tile, square) for square in (south, north)]
    assert [np.count_nonzero(part.mask == 0) for part in parts] == [30 * 60, 10 * 60]
    np.testing.assert_array_equal(composite(parts, grid).numbers, tile.numbers)


def test_a_look_cut_along_its_squares_and_laid_together_is_the_look():
    rng = stream(100, "cut")
    shape = (70, 90)
    numbers = rng.integers(1, 9_000, (2, *shape)).astype(np.uint16)
    mask = rng.choice([0, SPOILT, CLOUD, SHADOW, WATER, CLOUD | WATER], shape).astype(np.uint8)
    tile = replace(look(-30, -30, shape), numbers=numbers, mask=mask)
    parts = [cut(tile, square) for square in tiles_of(tile.grid)]
    assert len(parts) == 4
    assert {part.grid.shape for part in parts} == {(1000, 1000)}
    for order in permutations(parts, 4):
        again = composite(order, tile.grid)
        np.testing.assert_array_equal(again.numbers, numbers)
        np.testing.assert_array_equal(again.mask, mask)
        assert again.grid == tile.grid
        assert again.imaged_share == 1.0


def test_a_square_beside_the_look_shows_nothing():
    part = cut(look(10, 10), Square(32633, 490_000, 4_990_000))
    assert (part.mask == NO_DATA).all()
    assert not part.numbers.any()
    assert part.imaged_share == 0.0


def test_a_mosaic_covers_what_its_looks_cover():
    made = composite([look(0, 0, (10, 10), value=1), look(20, 5, (10, 10), value=2)])
    assert made.grid.shape == (15, 30)
    assert made.grid.transform == look().grid.transform
    assert (made.numbers[0, :10, :10] == 1).all()
    assert (made.numbers[0, 5:, 20:] == 2).all()
    assert np.count_nonzero(made.mask == NO_DATA) == 450 - 200
    assert made.imaged_share == pytest.approx(200 / 450)


def test_the_best_cell_wins_in_any_order():
    """Clear before spoilt before shadow before cloud before no data; then the better geometry."""
    ranks = [0, SPOILT, SHADOW, CLOUD, CLOUD | SHADOW, NO_DATA]
    shape = (6, 6)
    one = look(0, 0, shape, value=1, off_nadir_deg=1.0)
    two = look(0, 0, shape, value=2, off_nadir_deg=9.0)
    one = replace(one, mask=np.repeat(np.array(ranks, np.uint8)[:, None], 6, axis=1))
    two = replace(two, mask=np.repeat(np.array(ranks, np.uint8)[None], 6, axis=0))
    worth = [0, 1, 2, 3, 3, 4]
    expected = np.array([[1 if a <= b else 2 for b in worth] for a in worth])
    expected[5, 5] = 0
    for order in ([one, two], [two, one]):
        np.testing.assert_array_equal(composite(order).numbers[0], expected)


def test_of_looks_as_clear_the_better_geometry_wins():
    base = {"off_nadir_deg": 5.0, "sun_elevation_deg": 30.0, "sensed_ns": 10}
    looks = [
        look(value=4, **base),
        look(value=3, **(base | {"sensed_ns": 20})),
        look(value=2, **(base | {"sun_elevation_deg": 31.0})),
        look(value=1, **(base | {"off_nadir_deg": 4.0})),
    ]
    for best in (1, 2, 3, 4):
        for order in permutations([one for one in looks if one.numbers[0, 0, 0] >= best]):
            made = composite(order)
            assert (made.numbers[0] == best).all()
            assert made.sensed_ns == looks[4 - best].sensed_ns
    same = [look(value=7, **base), look(value=8, **base)]
    assert (composite(same).numbers[0] == 7).all()


def test_the_composite_says_what_most_of_it_is_from():
    wide, narrow = look(0, 0, (40, 60), off_nadir_deg=9.0), look(0, 0, (40, 10), off_nadir_deg=1.0)
    assert composite([narrow, wide]).off_nadir_deg == 9.0


def test_looks_that_do_not_fit_are_refused():
    with pytest.raises(InputFileError, match="no looks"):
        composite([])
    for other in (
        replace(look(), band_names=("red", "green")),
        replace(look(), at_surface=True),
        replace(look(), grid=replace(look().grid, epsg=32632)),
        replace(look(), grid=replace(look().grid, transform=(20.0, 0.0, 5e5, 0.0, -20.0, 5e6))),
    ):
        with pytest.raises(InputFileError, match="looks of one kind"):
            composite([look(), other])
    askew = replace(
        look(), grid=replace(look().grid, transform=(10.0, 0.0, 5e5 + 3, 0.0, -10.0, 5e6))
    )
    with pytest.raises(InputFileError, match="no multiple of"):
        composite([look(), askew])


def test_looks_are_left_as_they_are():
    one, two = look(value=1, flags=CLOUD), look(value=2)
    before = one.numbers.copy(), one.mask.copy()
    composite([one, two])
    np.testing.assert_array_equal(one.numbers, before[0])
    np.testing.assert_array_equal(one.mask, before[1])
