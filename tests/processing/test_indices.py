from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from orbitloom.errors import InputFileError, ScenarioError
from orbitloom.processing.indices import GRAPHS, graph_of, layers, recipe_for
from orbitloom.processing.l3 import Grid, Tile
from orbitloom.processing.resampling import baseline_on
from orbitloom.scenario import stream
from orbitloom.wire.briefing import Baseline

FOUR = ("blue", "green", "red", "nir")
EIGHT = ("coastal", "blue", "green", "red", "rededge", "nir", "swir16", "swir22")
CASES = [
    (name, bands) for name in GRAPHS for bands in (FOUR, EIGHT, EIGHT[::-1])
    if not (name == "fire" and bands == FOUR)
]  # fmt: skip
SHAPE = (64, 48)


def tile_of(numbers, bands=EIGHT):
    return Tile(
        grid=Grid(epsg=32633, transform=(5.0, 0.0, 5e5, 0.0, -5.0, 5e6), shape=numbers.shape[1:]),
        band_names=bands,
        numbers=numbers,
        mask=np.zeros(numbers.shape[1:], np.uint8),
        imaged_share=1.0,
        sun_elevation_deg=40.0,
        off_nadir_deg=3.0,
        snr=80.0,
    )


def numbers(kind, bands):
    """Numbers of a tile: the hard cases as well as the usual ones."""
    rng = stream(100, "indices", kind)
    shape = (len(bands), *SHAPE)
    return {
        "random": rng.integers(1, 12_000, shape),
        "holes": np.where(rng.random(shape) < 0.3, 0, rng.integers(1, 12_000, shape)),
        "zeros": np.zeros(shape),
        "huge": rng.integers(60_000, 65_536, shape),
        "dark": rng.integers(0, 3, shape),
        "extremes": rng.choice([0, 1, 65_535], shape),
    }[kind].astype(np.uint16)


def usual(bands):
    rng = stream(101, "indices")
    median = rng.integers(0, 9_000, (len(bands), 20, 20)).astype(np.uint16)
    median[:, :3] = 0
    return Baseline(
        epsg=32633,
        transform=(20.0, 0.0, 499_980.0, 0.0, -20.0, 5_000_020.0),
        band_names=bands,
        median=median,
        spread=np.full_like(median, 50),
        water=np.zeros((20, 20), np.uint8),
        looks=np.full((20, 20), 3, np.uint8),
        newest_ns=0,
    )


@pytest.mark.parametrize("kind", ["random", "holes", "zeros", "huge", "dark", "extremes"])
@pytest.mark.parametrize(("name", "bands"), CASES)
def test_the_fused_path_gives_what_the_graph_gives(name, bands, kind):
    tile = tile_of(numbers(kind, bands), bands)
    for baseline in (None, usual(EIGHT), usual(FOUR)):
        fused = layers(tile, name, baseline)
        graph = layers(tile, name, baseline, path="graph")
        assert list(fused) == list(graph)
        for layer, values in fused.items():
            assert values.dtype == graph[layer].dtype == np.float32
            np.testing.assert_array_equal(np.isnan(values), np.isnan(graph[layer]))
            np.testing.assert_allclose(values, graph[layer], rtol=0, atol=1e-6)


def test_the_layers_are_the_fields_formulas_in_double_precision():
    tile, baseline = tile_of(numbers("random", EIGHT)), usual(EIGHT)
    rho = {name: tile.numbers[place] * 1e-4 for place, name in enumerate(EIGHT)}
    known = baseline_on(baseline, tile.grid, ("nir", "swir22"))
    before = {name: values.astype(float) for name, values in known.items()}

    def normalised(of, one, other):
        return (of[one] - of[other]) / (of[one] + of[other])

    expected = {
        "flood": {"ndwi": ("green", "nir"), "mndwi": ("green", "swir16")},
        "agriculture": {"ndvi": ("nir", "red"), "ndre": ("nir", "rededge")},
        "climate": {"ndwi": ("green", "nir"), "ndsi": ("green", "swir16"), "ndvi": ("nir", "red")},
    }
    for name, formulas in expected.items():
        made = layers(tile, name)
        assert list(made) == list(formulas)
        for layer, (one, other) in formulas.items():
            np.testing.assert_allclose(made[layer], normalised(rho, one, other), atol=1e-6)
    fire = layers(tile, "fire", baseline)
    nbr = normalised(rho, "nir", "swir22")
    np.testing.assert_allclose(fire["nbr"], nbr, atol=1e-6)
    np.testing.assert_allclose(fire["dnbr"], normalised(before, "nir", "swir22") - nbr, atol=1e-6)
    assert np.isfinite(fire["dnbr"]).any()
    heat = rho["swir22"] / np.maximum(rho["nir"], rho["swir16"])
    np.testing.assert_allclose(fire["swir_ratio"], heat, rtol=1e-6)
    bright = layers(tile, "maritime")["brightness"]
    np.testing.assert_allclose(bright, rho["swir16"], atol=1e-6)


def test_the_formulas_are_those_of_the_fields_catalogue():
    import spyndex

    tile = tile_of(numbers("random", EIGHT))
    rho = {name: tile.numbers[place] * 1e-4 for place, name in enumerate(EIGHT)}
    symbols = {
        "G": "green",
        "R": "red",
        "N": "nir",
        "RE1": "rededge",
        "S1": "swir16",
        "S2": "swir22",
    }
    given = {symbol: rho[name] for symbol, name in symbols.items()}
    catalogue = {
        "flood": {"ndwi": "NDWI", "mndwi": "MNDWI"},
        "fire": {"nbr": "NBR"},
        "agriculture": {"ndvi": "NDVI", "ndre": "NDREI"},
        "climate": {"ndwi": "NDWI", "ndsi": "NDSI", "ndvi": "NDVI"},
    }
    for name, indices in catalogue.items():
        made = layers(tile, name)
        for layer, index in indices.items():
            np.testing.assert_allclose(made[layer], spyndex.computeIndex(index, given), atol=1e-6)


def test_what_the_bands_do_not_suffice_for_is_left_out():
    four = tile_of(numbers("random", FOUR), FOUR)
    assert list(layers(four, "flood")) == ["ndwi"]
    assert list(layers(four, "agriculture")) == ["ndvi"]
    assert list(layers(four, "climate")) == ["ndwi", "ndvi"]
    eight = tile_of(numbers("random", EIGHT))
    assert list(layers(eight, "fire")) == ["nbr", "swir_ratio"]
    assert list(layers(eight, "fire", usual(FOUR))) == ["nbr", "swir_ratio"]


def test_too_few_bands_and_unknown_names_are_refused():
    four = tile_of(numbers("random", FOUR), FOUR)
    with pytest.raises(InputFileError, match=r"fire cannot be told .* at least: nir, swir16"):
        layers(four, "fire")
    with pytest.raises(ScenarioError, match="no indices 'storm'"):
        layers(four, "storm")


@pytest.mark.parametrize("recipe", [one for each in GRAPHS.values() for one in each])
def test_a_graph_reads_the_bands_and_gives_the_layers_of_its_recipe(recipe):
    graph = graph_of(recipe)
    assert set(graph.bands) == recipe.bands
    assert graph.baseline_bands == recipe.usual_bands
    assert graph.check(EIGHT) == tuple(layer.name for layer in recipe.layers)


@pytest.mark.parametrize("name", GRAPHS)
def test_the_best_recipe_comes_first(name):
    best, *rest = GRAPHS[name]
    assert recipe_for(name, EIGHT, EIGHT) == best
    for other in rest:
        assert len(other.bands) <= len(best.bands)


def test_a_view_of_a_larger_image_is_as_good():
    tile = tile_of(numbers("random", EIGHT))
    part = replace(
        tile, grid=replace(tile.grid, shape=(30, 20)), numbers=tile.numbers[:, 2:62:2, 4:44:2]
    )
    whole = layers(tile, "climate")
    for layer, values in layers(part, "climate").items():
        np.testing.assert_array_equal(values, whole[layer][2:62:2, 4:44:2])


# Laying a baseline on a grid ----------------------------------------------------------------------


def test_a_plane_stays_a_plane():
    """Bilinear between cell centres: a plane comes back to the rounding of its numbers."""
    rows, columns = np.mgrid[0:50, 0:50]
    plane = 1_000 + 20 * rows + 40 * columns
    baseline = replace(
        usual(("nir",)),
        median=plane[None].astype(np.uint16),
        spread=np.full((1, 50, 50), 70, np.uint16),
        water=np.full((50, 50), 50, np.uint8),
        looks=np.full((50, 50), 4, np.uint8),
    )
    grid = Grid(epsg=32633, transform=(5.0, 0.0, 500_100.0, 0.0, -5.0, 4_999_900.0), shape=(80, 60))
    made = baseline_on(baseline, grid)
    east = 500_100 + 5 * (np.arange(60) + 0.5)
    north = 4_999_900 - 5 * (np.arange(80) + 0.5)
    expected = (
        1_000
        + 20 * ((5_000_020 - north)[:, None] / 20 - 0.5)
        + 40 * ((east - 499_980)[None] / 20 - 0.5)
    )
    np.testing.assert_allclose(made["nir"], expected * 1e-4, atol=1e-6)
    np.testing.assert_allclose(made["nir_spread"], 0.007, atol=1e-7)
    np.testing.assert_allclose(made["water"], 0.25)
    np.testing.assert_allclose(made["looks"], 4)


def test_another_zone_gives_the_same_ground():
    """The same place on the neighbouring zone's grid, by GDAL: the plane to a cell's slope."""
    from rasterio.warp import transform

    rows, columns = np.mgrid[0:500, 0:500]
    baseline = replace(
        usual(("nir",)),
        transform=(20.0, 0.0, 7e5, 0.0, -20.0, 5e6),
        median=(1_000 + 4 * rows + 8 * columns)[None].astype(np.uint16),
        spread=np.zeros((1, 500, 500), np.uint16),
        water=np.zeros((500, 500), np.uint8),
        looks=np.ones((500, 500), np.uint8),
    )
    (east,), (north,) = transform("EPSG:32633", "EPSG:32634", [705_000.0], [4_995_000.0])
    grid = Grid(
        epsg=32634,
        transform=(10.0, 0.0, round(east, -1), 0.0, -10.0, round(north, -1)),
        shape=(100, 100),
    )
    made = baseline_on(baseline, grid, ["nir"])["nir"]
    x = grid.transform[2] + 10 * (np.arange(100) + 0.5)
    y = grid.transform[5] - 10 * (np.arange(100) + 0.5)
    there = np.meshgrid(x, y)
    back = transform("EPSG:32634", "EPSG:32633", there[0].ravel(), there[1].ravel())
    at = np.array(back[:2]).reshape(2, 100, 100)
    expected = 1_000 + 4 * ((5e6 - at[1]) / 20 - 0.5) + 8 * ((at[0] - 7e5) / 20 - 0.5)
    np.testing.assert_allclose(made, expected * 1e-4, atol=3e-4)


def test_what_is_not_known_weighs_nothing_and_stays_unknown():
    median = np.full((1, 4, 4), 1_000, np.uint16)
    median[0, 0, 0] = 0
    median[0, 3, 3] = 3_000
    baseline = replace(
        usual(("nir",)),
        transform=(20.0, 0.0, 5e5, 0.0, -20.0, 5e6),
        median=median,
        spread=np.zeros_like(median),
        water=np.where(median[0] > 0, 0, 255).astype(np.uint8),
        looks=(median[0] > 0).astype(np.uint8),
    )
    grid = Grid(
        epsg=32633, transform=(10.0, 0.0, 499_990.0, 0.0, -10.0, 5_000_010.0), shape=(10,) * 2
    )
    made = baseline_on(baseline, grid)
    outside = np.ones((10, 10), bool)
    outside[1:9, 1:9] = False
    for name in ("nir", "water"):
        assert np.isnan(made[name][outside]).all()
        assert np.isnan(made[name][1:3, 1:3]).all()
        assert np.isfinite(made[name]).sum() == 60
    np.testing.assert_allclose(made["nir"][1:6, 3:6], 0.1, rtol=1e-6)
    assert made["nir"][8, 8] == pytest.approx(0.3)
    assert made["nir"][7, 7] == pytest.approx(0.1 + 0.2 * 0.75**2)
    assert made["looks"][2, 2] == 0
    with pytest.raises(InputFileError, match="no layer 'pan'"):
        baseline_on(baseline, grid, ["pan"])


def test_a_baseline_of_one_cell_covers_that_cell():
    one = replace(
        usual(("nir",)),
        transform=(20.0, 0.0, 5e5, 0.0, -20.0, 5e6),
        median=np.full((1, 1, 1), 500, np.uint16),
        spread=np.zeros((1, 1, 1), np.uint16),
        water=np.zeros((1, 1), np.uint8),
        looks=np.ones((1, 1), np.uint8),
    )
    grid = Grid(epsg=32633, transform=(10.0, 0.0, 5e5, 0.0, -10.0, 5e6), shape=(3, 3))
    expected = np.full((3, 3), np.nan)
    expected[:2, :2] = 0.05
    np.testing.assert_allclose(baseline_on(one, grid, ["nir"])["nir"], expected)
