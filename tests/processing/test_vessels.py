"""A sea of the test's own, drawn by area coverage: it shares nothing with the code under test."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from scipy.stats import norm

from orbitloom.processing import vessels
from orbitloom.processing.l2 import NO_DATA, WATER
from orbitloom.processing.l3 import Grid, Tile
from orbitloom.processing.vessels import anomaly, find_vessels, hulls
from orbitloom.scenario import stream

GSD_M = 5.0
BANDS = ("blue", "green", "red", "nir", "swir16")
SEA = np.array([0.06, 0.045, 0.025, 0.012, 0.006])
HULL = np.array([0.25, 0.25, 0.26, 0.27, 0.25])
FOAM = np.array([0.43, 0.42, 0.41, 0.36, 0.10])


def axes(shape, ship, over=1):
    """Return metres ahead of and to starboard of a ship's middle, at points of a finer grid."""
    down = (np.arange(shape[0] * over) + 0.5) / over - 0.5 - ship["row"]
    right = (np.arange(shape[1] * over) + 0.5) / over - 0.5 - ship["column"]
    north, east = np.meshgrid(-down * GSD_M, right * GSD_M, indexing="ij")
    heading = np.radians(ship["heading"])
    ahead = east * np.sin(heading) + north * np.cos(heading)
    return ahead, east * np.cos(heading) - north * np.sin(heading)


def covered(shape, ship, over=5):
    """Return the share of each cell that a hull with a pointed bow covers."""
    ahead, aside = axes(shape, ship, over)
    length, width = ship["length"], ship["width"]
    half = width / 2.0 * np.clip((length / 2.0 - ahead) / (0.2 * length), 0.0, 1.0)
    inside = (np.abs(aside) <= half) & (ahead >= -length / 2.0)
    return inside.reshape(shape[0], over, shape[1], over).mean(axis=(1, 3))


def wake(shape, ship):
    ahead, aside = axes(shape, ship)
    astern = -ahead - ship["length"] / 2.0
    wide = 0.6 * ship["width"] + 0.03 * np.maximum(astern, 0.0)
    foam = 0.3 * np.exp(-np.maximum(astern, 0.0) / 200.0) * np.exp(-0.5 * (aside / wide) ** 2)
    return np.where(astern > 0.0, foam, 0.0)


def sea_tile(*ships, shape=(200, 200), seed=100, paint=(), bands=BANDS, epsg=32633):
    """Return a tile of a sea with waves, ships, and whatever `paint` adds, as (share, spectrum)."""
    rng = stream(seed, "test vessels")
    waves = ndimage.gaussian_filter(rng.standard_normal(shape), 1.5)
    image = SEA[:, None, None] * (1.0 + 0.1 * waves / waves.std())
    layers = list(paint)
    for ship in ships:
        if ship.get("moving"):
            layers.append((wake(shape, ship), FOAM))
        layers.append((covered(shape, ship), HULL))
    for share, spectrum in layers:
        image += share * (spectrum[:, None, None] - image)
    image = ndimage.gaussian_filter(image, (0.0, 0.55, 0.55))
    image += 0.0015 * rng.standard_normal(image.shape)
    keep = [BANDS.index(name) for name in bands]
    return Tile(
        grid=Grid(epsg=epsg, transform=(GSD_M, 0.0, 4e5, 0.0, -GSD_M, 5e6), shape=shape),
        band_names=bands,
        numbers=np.clip(np.rint(image * 1e4), 1, 65_535).astype(np.uint16)[keep],
        mask=np.full(shape, WATER, np.uint8),
        imaged_share=1.0,
        sun_elevation_deg=45.0,
        off_nadir_deg=2.0,
        snr=80.0,
    )


def ship(length=90.0, width=16.0, heading=40.0, row=100.3, column=98.7, moving=False):
    return {
        "length": length,
        "width": width,
        "heading": heading,
        "row": row,
        "column": column,
        "moving": moving,
    }


def everywhere(tile):
    return np.ones(tile.grid.shape, bool)


def turned(a, b, whole):
    return abs((a - b + whole / 2.0) % whole - whole / 2.0)


@pytest.mark.parametrize("length", [22.0, 40.0, 90.0, 220.0])
@pytest.mark.parametrize("heading", [0.0, 67.0, 135.0, 290.0])
def test_a_ship_is_measured(length, heading):
    there = ship(length=length, width=max(length / 6.0, 4.5), heading=heading, moving=True)
    tile = sea_tile(there)
    (found,) = find_vessels(tile, everywhere(tile))
    off_m = np.hypot(found.row - there["row"], found.column - there["column"]) * GSD_M
    assert off_m < 3.0 * found.position_sigma_m
    assert abs(found.length_m - length) < 3.0 * found.length_sigma_m
    assert found.length_sigma_m < 0.15 * length
    convergence_deg = -0.9  # of a point 1.3 degrees west of the zone's middle at 45 degrees north
    assert found.heading_known
    assert turned(found.heading_deg, heading + convergence_deg, 360.0) < 3.0


def test_without_a_wake_the_heading_may_be_either():
    tile = sea_tile(ship(heading=120.0))
    (found,) = find_vessels(tile, everywhere(tile))
    assert not found.heading_known
    assert turned(found.heading_deg, 119.1, 180.0) < 2.0


def test_it_works_without_short_wave_infrared():
    tile = sea_tile(ship(), bands=("green", "red", "nir"))
    assert len(find_vessels(tile, everywhere(tile))) == 1


def test_an_empty_sea_has_no_vessels():
    tile = sea_tile(shape=(300, 300))
    assert find_vessels(tile, everywhere(tile)) == ()


def test_nothing_is_looked_for_off_the_sea():
    tile = sea_tile(ship())
    assert find_vessels(tile, np.zeros(tile.grid.shape, bool)) == ()


def test_oil_is_darker_than_the_sea_and_no_vessel():
    ahead, aside = axes((200, 200), ship())
    film = (np.hypot(ahead, 3.0 * aside) < 300.0).astype(float)
    tile = sea_tile(paint=[(film, 0.4 * SEA)])
    assert find_vessels(tile, everywhere(tile)) == ()


def test_foam_alone_is_no_vessel():
    tile = sea_tile(paint=[(2.0 * wake((200, 200), ship(length=30.0)), FOAM)])
    assert find_vessels(tile, everywhere(tile)) == ()


@pytest.mark.parametrize("radius_m", [15.0, 60.0, 300.0])
def test_what_is_round_is_no_vessel(radius_m):
    ahead, aside = axes((200, 200), ship())
    disc = np.clip((radius_m - np.hypot(ahead, aside)) / 5.0 + 0.5, 0.0, 1.0)
    tile = sea_tile(paint=[(disc, HULL)])
    assert find_vessels(tile, everywhere(tile)) == ()


def test_a_soft_cloud_is_no_vessel():
    ahead, aside = axes((200, 200), ship())
    puff = 0.6 * np.exp(-0.5 * ((ahead / 150.0) ** 2 + (aside / 70.0) ** 2))
    tile = sea_tile(paint=[(puff, np.full(5, 0.6))])
    assert find_vessels(tile, everywhere(tile)) == ()


def test_what_stands_there_always_is_no_vessel():
    tile = sea_tile(ship())
    static = np.zeros(tile.grid.shape, bool)
    static[95:106, 95:106] = True
    assert find_vessels(tile, everywhere(tile), static) == ()


def test_a_ship_in_another_ones_wake_is_found_and_the_foam_is_not():
    leader = ship(length=150.0, width=25.0, heading=0.0, row=50.0, column=100.0, moving=True)
    follower = ship(length=40.0, width=8.0, heading=0.0, row=150.0, column=100.0)
    tile = sea_tile(leader, follower)
    found = find_vessels(tile, everywhere(tile))
    assert [round(one.row, -1) for one in found] == [50.0, 150.0]


@pytest.mark.parametrize("cut", ["tile", "data"])
def test_a_ship_that_is_cut_off_is_not_told_of(cut):
    tile = sea_tile(
        ship(length=150.0, width=24.0, heading=90.0, column=0.0 if cut == "tile" else 100.0)
    )
    if cut == "data":
        tile.mask[:, :100] = NO_DATA
    sea = tile.mask != NO_DATA
    assert find_vessels(tile, sea) == ()


def test_hulls_lie_where_the_vessels_are():
    there = ship(length=90.0, width=16.0, heading=0.0)
    tile = sea_tile(there)
    area = hulls(find_vessels(tile, everywhere(tile)), tile.grid)
    true = covered(tile.grid.shape, there) > 0.5
    assert np.count_nonzero(area & true) / np.count_nonzero(area | true) > 0.7


def test_the_same_tile_gives_the_same_vessels():
    tile = sea_tile(ship(moving=True), ship(row=40.0, column=40.0))
    assert find_vessels(tile, everywhere(tile)) == find_vessels(tile, everywhere(tile))


def test_the_anomaly_is_that_of_plain_numpy():
    """The kernels against quantiles by numpy, where the sea is one block."""
    tile = sea_tile(ship(), shape=(64, 64), bands=("green", "nir"))
    sea = everywhere(tile)
    numbers = tile.numbers[1] * 1e-4
    sample = np.sort(numbers[::2, ::2].ravel())
    low, quarter = sample[sample.size // 20], sample[sample.size // 4]
    spread = (quarter - low) / (norm.ppf(0.25) - norm.ppf(0.05))
    median = quarter - norm.ppf(0.25) * spread
    spread = max(spread, 8e-4)
    expected = (numbers - median) / spread
    assert anomaly(tile, sea) == pytest.approx(expected, rel=1e-3, abs=1e-2)


def test_the_model_is_that_of_plain_numpy():
    down, right = (axis.ravel().astype(float) for axis in np.mgrid[:12, :15])
    parameters = np.array([5.2, 7.1, 6.0, 2.5, 0.7])
    along = (right - 7.1) * np.sin(0.7) - (down - 5.2) * np.cos(0.7)
    across = (right - 7.1) * np.cos(0.7) + (down - 5.2) * np.sin(0.7)

    def step(offset):
        return norm.cdf(offset / vessels._BLUR_CELLS)

    beam = step(across + 1.25) - step(across - 1.25)
    edges = [step(along + 3.0 - third * 2.0) for third in range(4)]
    thirds = np.stack([(edges[k] - edges[k + 1]) * beam for k in range(3)], axis=1)
    assert vessels._model(parameters, down, right)[:, :3] == pytest.approx(thirds, abs=2e-6)
