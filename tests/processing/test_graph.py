from __future__ import annotations

import copy
import json
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from orbitloom.errors import InputFileError
from orbitloom.processing import graph as module
from orbitloom.processing.graph import BASELINE, RESULT, read_graph
from orbitloom.processing.graph_processes import PROCESSES
from orbitloom.processing.indices import GRAPHS, graph_of
from orbitloom.processing.l3 import Grid, Tile
from orbitloom.processing.resampling import baseline_on
from orbitloom.scenario import stream
from orbitloom.scenario.time import from_iso
from orbitloom.wire.briefing import Baseline

ALL = ("coastal", "blue", "green", "red", "rededge", "nir", "swir16", "swir22")
NAN = float("nan")


def look(rows=40, columns=30, bands=ALL, seed=100):
    """A look of random numbers, a tenth of them no data."""
    rng = stream(seed, "graph")
    numbers = rng.integers(1, 12_000, (len(bands), rows, columns)).astype(np.uint16)
    numbers[:, rng.random((rows, columns)) < 0.1] = 0
    return Tile(
        grid=Grid(epsg=32633, transform=(5.0, 0.0, 5e5, 0.0, -5.0, 5e6), shape=(rows, columns)),
        band_names=bands,
        numbers=numbers,
        mask=np.zeros((rows, columns), np.uint8),
        imaged_share=0.9,
        sun_elevation_deg=40.0,
        off_nadir_deg=3.0,
        snr=80.0,
        sensed_ns=from_iso("2026-06-01T10:00:00Z"),
    )


def usual(bands=ALL, seed=101):
    rng = stream(seed, "usual")
    median = rng.integers(1, 9_000, (len(bands), 20, 20)).astype(np.uint16)
    looks = (rng.random((20, 20)) > 0.1).astype(np.uint8) * 5
    median[:, looks == 0] = 0
    return Baseline(
        epsg=32633,
        transform=(20.0, 0.0, 499_900.0, 0.0, -20.0, 5_000_100.0),
        band_names=bands,
        median=median,
        spread=np.full_like(median, 50),
        water=np.where(looks > 0, 100, 255).astype(np.uint8),
        looks=looks,
        newest_ns=0,
    )


def bands_of(tile):
    """Each band's reflectance by numpy, NaN where there is none."""
    return {
        name: np.where(band == 0, np.float32(np.nan), band * np.float32(1e-4))
        for name, band in zip(tile.band_names, tile.numbers, strict=True)
    }


def shipped(name):
    """Return the JSON of one of the package's graphs."""
    return json.loads((Path(module.__file__).parent / "graphs" / f"{name}.json").read_text())


def node(process, /, **given):
    return {"process_id": process, "arguments": given}


def take(name):
    return {"from_node": name}


def last(one):
    return one | {"result": True}


def small(reducer):
    """A graph that reduces the bands of a look by these nodes."""
    return {
        "load": node("load_collection", id="LOOK", bands=None),
        "reduce": last(
            node(
                "reduce_dimension",
                data=take("load"),
                dimension="bands",
                reducer={"process_graph": reducer},
            )
        ),
    }


DATA = {"from_parameter": "data"}
NDVI = {
    "load": node("load_collection", id="LOOK"),
    "ndvi": last(node("ndvi", data=take("load"))),
}

# The public client -----------------------------------------------------------------------------


def client_graphs():
    from openeo.rest.datacube import DataCube

    for bands, (nir, red) in ((["red", "nir"], ("nir", "red")), (["B04", "B08"], ("B08", "B04"))):
        cube = DataCube.load_collection(
            "SENTINEL2_L2A",
            connection=None,
            bands=bands,
            temporal_extent=["2026-05-01", "2026-07-01"],
            fetch_metadata=False,
        )
        first, second = cube.band(nir), cube.band(red)
        yield cube.ndvi(nir=nir, red=red)
        yield (first - second) / (first + second)
        yield cube.ndvi(nir=nir, red=red).max_time().save_result("GTiff")
        yield cube.reduce_dimension("bands", lambda d: (d[1] - d[0]) / (d[1] + d[0]))


def test_the_public_clients_own_ndvi_runs_unchanged():
    tile = look()
    rho = bands_of(tile)
    expected = (rho["nir"] - rho["red"]) / (rho["nir"] + rho["red"])
    for cube in client_graphs():
        for source in (cube.to_json(), cube.flat_graph()):
            graph = read_graph(source)
            assert set(graph.bands) == {"red", "nir"}
            np.testing.assert_allclose(graph.run(tile)[RESULT], expected, rtol=0, atol=1e-6)


def test_the_public_clients_comparison_and_mask_run_unchanged():
    from openeo.rest.datacube import DataCube

    tile = look()
    rho = bands_of(tile)
    ratio = (rho["nir"] - rho["red"]) / (rho["nir"] + rho["red"])
    cube = DataCube.load_collection(
        "TILE", connection=None, bands=["red", "nir"], fetch_metadata=False
    )
    index = (cube.band("nir") - cube.band("red")) / (cube.band("nir") + cube.band("red"))
    wanted = (index > 0.1) & (index < 0.6)
    found = read_graph(wanted.to_json()).run(tile)[RESULT]
    np.testing.assert_array_equal(
        found, np.where(np.isnan(ratio), np.nan, (ratio > 0.1) & (ratio < 0.6))
    )
    masked = read_graph(cube.mask(wanted).to_json()).run(tile)
    hidden = np.isnan(ratio) | (found == 1)
    for name in ("red", "nir"):
        np.testing.assert_array_equal(masked[name], np.where(hidden, np.nan, rho[name]))


# A referee: the field's own parser, with processes of xarray -------------------------------------


def registry(tile, baseline):
    """Return processes for the parser, written anew on xarray."""
    import xarray as xr
    from openeo_pg_parser_networkx import ProcessRegistry
    from openeo_pg_parser_networkx.process_registry import Process

    def value(given, names, positional):
        """Return an argument with what the parser left to be looked up."""
        if type(given).__name__ == "ParameterReference":
            name = given.from_parameter
            return positional[name] if name in positional else names[name]
        return given

    def wrap(function):
        def process(*args, named_parameters=None, **given):
            rest = {key: value(one, named_parameters or {}, given) for key, one in given.items()}
            accepted = function.__code__.co_varnames[: function.__code__.co_argcount]
            return function(**{key: one for key, one in rest.items() if key in accepted})

        return process

    def load_collection(id, bands):
        names = list(bands.root if hasattr(bands, "root") else bands)
        if id == BASELINE:
            layers = baseline_on(baseline, tile.grid, names)
            values = np.stack([layers[name] for name in names])
            return xr.DataArray(values, dims=("bands", "y", "x"), coords={"bands": names})
        rho = bands_of(tile)
        values = np.stack([rho[name] for name in names])[None]
        return xr.DataArray(values, dims=("t", "bands", "y", "x"), coords={"bands": names})

    def reduce_dimension(data, reducer, dimension):
        return reducer(data=(data, dimension), named_parameters={"data": (data, dimension)})

    def apply_dimension(data, process, dimension):
        made = process(data=(data, dimension), named_parameters={"data": (data, dimension)})
        return made.assign_coords({dimension: range(made.sizes[dimension])})

    def element(data, label):
        return data[0].sel({data[1]: label}, drop=True)

    def stacked(data):
        return xr.concat([one.astype(np.float64) for one in data], dim="bands")

    def rename_labels(data, dimension, target):
        return data.assign_coords({dimension: list(target)})

    functions = {
        "load_collection": load_collection,
        "reduce_dimension": reduce_dimension,
        "apply_dimension": apply_dimension,
        "array_element": element,
        "array_create": stacked,
        "rename_labels": rename_labels,
        "first": lambda data: data[0].isel({data[1]: 0}, drop=True),
        "merge_cubes": lambda cube1, cube2: xr.concat([cube1, cube2], dim="bands"),
        "subtract": lambda x, y: x - y,
        "divide": lambda x, y: x / y,
        "normalized_difference": lambda x, y: (x - y) / (x + y),
        "max": lambda data: stacked(data).max("bands", skipna=False),
        "mean": lambda data: stacked(data).mean("bands", skipna=False),
    }
    made = ProcessRegistry(wrap_funcs=[wrap])
    for name, function in functions.items():
        made[name] = Process(spec={"id": name}, implementation=function)
    return made


@pytest.mark.parametrize("name", [one.graph for each in GRAPHS.values() for one in each])
def test_the_fields_own_parser_gives_the_same_on_every_graph_of_the_package(name):
    recipe = next(one for each in GRAPHS.values() for one in each if one.graph == name)
    limit = sys.getrecursionlimit()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the referee's own, of its dependencies
        from openeo_pg_parser_networkx import OpenEOProcessGraph
    tile, baseline = look(), usual()
    parsed = OpenEOProcessGraph(pg_data=shipped(name))
    expected = parsed.to_callable(registry(tile, baseline))()
    sys.setrecursionlimit(limit)
    found = graph_of(recipe).run(tile, baseline)
    assert list(found) == list(expected["bands"].values) == [one.name for one in recipe.layers]
    for layer, values in found.items():
        there = expected.sel(bands=layer).values
        np.testing.assert_allclose(values, there, rtol=1e-6, atol=1e-6)


# What the processes mean --------------------------------------------------------------------------

A, B, NONE = 0.3, 0.1, None


@pytest.mark.parametrize(
    ("process", "given", "expected"),
    [
        ("add", {"x": A, "y": B}, 0.4),
        ("add", {"x": A, "y": NONE}, NAN),
        ("subtract", {"x": A, "y": B}, 0.2),
        ("multiply", {"x": A, "y": B}, 0.03),
        ("divide", {"x": A, "y": B}, 3.0),
        ("divide", {"x": 1, "y": 0}, np.inf),
        ("divide", {"x": 0, "y": 0}, NAN),
        ("power", {"base": 3, "p": 2}, 9.0),
        ("sqrt", {"x": 9}, 3.0),
        ("absolute", {"x": -2}, 2.0),
        ("exp", {"p": 1}, np.e),
        ("ln", {"x": np.e}, 1.0),
        ("log", {"x": 8, "base": 2}, 3.0),
        ("normalized_difference", {"x": 5, "y": 3}, 0.25),
        ("clip", {"x": 5, "min": 0, "max": 1}, 1.0),
        ("clip", {"x": NONE, "min": 0, "max": 1}, NAN),
        ("linear_scale_range", {"x": 0.3, "inputMin": -1, "inputMax": 1}, 0.65),
        ("linear_scale_range", {"x": 9, "inputMin": 0, "inputMax": 1, "outputMax": 255}, 255.0),
        ("gt", {"x": 1, "y": 0}, 1.0),
        ("gt", {"x": 0, "y": 0}, 0.0),
        ("gt", {"x": NONE, "y": 0}, NAN),
        ("gte", {"x": 0, "y": 0}, 1.0),
        ("lt", {"x": 0, "y": 0}, 0.0),
        ("lte", {"x": 0, "y": 0}, 1.0),
        ("eq", {"x": 1, "y": 1.01}, 0.0),
        ("eq", {"x": 1, "y": 1.01, "delta": 0.1}, 1.0),
        ("eq", {"x": NONE, "y": NONE}, NAN),
        ("neq", {"x": 1, "y": 2}, 1.0),
        ("between", {"x": 1, "min": 0, "max": 1}, 1.0),
        ("between", {"x": 1, "min": 0, "max": 1, "exclude_max": True}, 0.0),
        ("and", {"x": True, "y": False}, 0.0),
        ("and", {"x": False, "y": NONE}, 0.0),
        ("and", {"x": True, "y": NONE}, NAN),
        ("or", {"x": True, "y": NONE}, 1.0),
        ("or", {"x": False, "y": NONE}, NAN),
        ("or", {"x": False, "y": False}, 0.0),
        ("xor", {"x": True, "y": True}, 0.0),
        ("xor", {"x": True, "y": NONE}, NAN),
        ("not", {"x": False}, 1.0),
        ("not", {"x": NONE}, NAN),
        ("if", {"value": True, "accept": 2, "reject": 3}, 2.0),
        ("if", {"value": NONE, "accept": 2, "reject": 3}, 3.0),
        ("if", {"value": False, "accept": 2}, NAN),
        ("is_nodata", {"x": NONE}, 1.0),
        ("is_valid", {"x": NONE}, 0.0),
        ("array_element", {"data": [4, 5], "index": 1}, 5.0),
        ("array_element", {"data": [4, 5], "index": 7, "return_nodata": True}, NAN),
        ("min", {"data": [3, 1, NONE]}, 1.0),
        ("min", {"data": [3, 1, NONE], "ignore_nodata": False}, NAN),
        ("min", {"data": [NONE, NONE]}, NAN),
        ("max", {"data": [3, 1, NONE]}, 3.0),
        ("mean", {"data": [3, 1, NONE]}, 2.0),
        ("mean", {"data": [NONE]}, NAN),
        ("median", {"data": [9, 1, 3, NONE]}, 3.0),
        ("median", {"data": [9, 1, 3, 4]}, 3.5),
        ("median", {"data": [NONE]}, NAN),
        ("sum", {"data": [3, 1, NONE]}, 4.0),
        ("sum", {"data": [3, 1, NONE], "ignore_nodata": False}, NAN),
        ("product", {"data": [3, 2, NONE]}, 6.0),
        ("first", {"data": [NONE, 2, 3]}, 2.0),
        ("first", {"data": [NONE, 2, 3], "ignore_nodata": False}, NAN),
        ("last", {"data": [1, 2, NONE]}, 2.0),
        ("count", {"data": [1, 2, NONE]}, 2.0),
    ],
)
def test_a_process_means_what_openeo_says(process, given, expected):
    graph = read_graph(small({"made": last(node(process, **given))}))
    made = graph.run(look(3, 2))[RESULT]
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, np.full((3, 2), expected), rtol=2e-6)


def test_every_process_is_tried_here():
    text = Path(__file__).read_text(encoding="utf-8")
    words = (*(f'"{name}"' for name in PROCESSES if name != "save_result"), "save_result(")
    assert [word for word in words if word not in text] == []


def test_merging_bands_and_resolving_an_overlap():
    tile = look(bands=("red", "nir"))
    rho = bands_of(tile)
    load = node("load_collection", id="LOOK")
    red = node("filter_bands", data=take("load"), bands=["red"])
    same = node("rename_labels", data=take("nir"), dimension="bands", target=["red"])
    both = {
        "load": load,
        "red": red,
        "nir": node("filter_bands", data=take("load"), bands=["nir"]),
        "merged": last(node("merge_cubes", cube1=take("nir"), cube2=take("red"))),
    }
    assert list(read_graph(both).run(tile)) == ["nir", "red"]
    resolver = {
        "process_graph": {
            "less": last(node("subtract", x={"from_parameter": "x"}, y={"from_parameter": "y"}))
        }
    }
    merged = node("merge_cubes", cube1=take("same"), cube2=take("red"), overlap_resolver=resolver)
    over = {**both, "same": same, "merged": last(merged)}
    np.testing.assert_array_equal(read_graph(over).run(tile)["red"], rho["nir"] - rho["red"])
    flat = {
        **both,
        "one": node("ndvi", data=take("load")),
        "merged": last(
            node("merge_cubes", cube1=take("load"), cube2=take("one"), overlap_resolver=resolver)
        ),
    }
    index = (rho["nir"] - rho["red"]) / (rho["nir"] + rho["red"])
    np.testing.assert_array_equal(read_graph(flat).run(tile)["nir"], rho["nir"] - index)


def test_a_band_is_added_renamed_and_scaled():
    tile = look(bands=("red", "nir"))
    rho = bands_of(tile)
    graph = {
        "load": node("load_collection", id="LOOK"),
        "more": node("ndvi", data=take("load"), target_band="ndvi"),
        "renamed": node(
            "rename_labels", data=take("more"), dimension="bands", source=["ndvi"], target=["green"]
        ),
        "scaled": last(
            node(
                "apply",
                data=take("renamed"),
                process={
                    "process_graph": {
                        "twice": last(node("multiply", x={"from_parameter": "x"}, y=2))
                    }
                },
            )
        ),
    }
    made = read_graph(graph).run(tile)
    assert list(made) == ["red", "nir", "green"]
    np.testing.assert_allclose(made["red"], 2 * rho["red"])
    index = (rho["nir"] - rho["red"]) / (rho["nir"] + rho["red"])
    np.testing.assert_allclose(made["green"], 2 * index, atol=1e-6)


def test_a_parameter_has_its_default_or_the_value_given():
    graph = {
        "process_graph": {
            "load": node("load_collection", id="LOOK"),
            "made": last(
                node(
                    "reduce_dimension",
                    data=take("load"),
                    dimension="bands",
                    reducer={
                        "process_graph": {
                            "g": last(node("add", x={"from_parameter": "level"}, y=1))
                        }
                    },
                )
            ),
        },
        "parameters": [{"name": "level", "default": 2}],
    }
    assert read_graph(graph).run(look())[RESULT].max() == 3
    assert read_graph(graph, parameters={"level": 4}).run(look())[RESULT].max() == 5
    del graph["parameters"]
    with pytest.raises(InputFileError, match="no parameter 'level'"):
        read_graph(graph)


def test_blocks_of_rows_give_the_same_as_the_whole(monkeypatch):
    tile, baseline = look(57, 31), usual()
    graph = graph_of(GRAPHS["fire"][0])
    whole = graph.run(tile, baseline)
    monkeypatch.setattr(module, "_BLOCK_CELLS", 100)
    for name, values in graph.run(tile, baseline).items():
        np.testing.assert_array_equal(values, whole[name])


def test_extents_choose_cells_and_times():
    tile = look(40, 30, ("red", "nir"))
    box = {"west": 500_050.0, "east": 500_100.0, "south": 4_999_900.0, "north": 4_999_950.0}
    graph = copy.deepcopy(NDVI)
    graph["load"]["arguments"]["spatial_extent"] = box | {"crs": 32633}
    whole, part = read_graph(NDVI).run(tile)[RESULT], read_graph(graph).run(tile)[RESULT]
    np.testing.assert_array_equal(part[10:20, 10:20], whole[10:20, 10:20])
    part[10:20, 10:20] = np.nan
    assert np.isnan(part).all()
    graph["load"]["arguments"]["spatial_extent"] = {
        "west": 2,
        "east": 3,
        "south": 50,
        "north": 51,
    }
    with pytest.raises(InputFileError, match="outside the spatial_extent"):
        read_graph(graph).run(tile)
    graph["load"]["arguments"] = {"id": "X", "temporal_extent": ["2026-06-01", "2026-06-02"]}
    np.testing.assert_array_equal(read_graph(graph).run(tile)[RESULT], whole)
    graph["load"]["arguments"]["temporal_extent"] = ["2026-06-02", None]
    with pytest.raises(InputFileError, match=r"node 'load': .*outside the temporal_extent"):
        read_graph(graph).run(tile)


def test_the_baseline_is_a_collection():
    tile, baseline = look(), usual()
    graph = read_graph(
        {"known": last(node("load_collection", id=BASELINE, bands=["nir", "water"]))}
    )
    assert graph.needs_baseline
    assert graph.baseline_bands == ("nir", "water")
    made = graph.run(tile, baseline)
    known = baseline_on(baseline, tile.grid)
    for name in ("nir", "water"):
        np.testing.assert_array_equal(made[name], known[name])
    with pytest.raises(InputFileError, match="nothing is known"):
        graph.run(tile)
    with pytest.raises(InputFileError, match="no band 'nir'"):
        graph.run(tile, replace(baseline, band_names=("b",), median=baseline.median[:1]))


# What is refused ---------------------------------------------------------------------------------

LOAD = node("load_collection", id="LOOK")


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        ("{", "is no JSON"),
        ("[1, 2]", "is no process graph"),
        ({}, "is no process graph"),
        ({"a": 3}, "node 'a': is no node"),
        ({"a": LOAD}, "0 nodes are marked"),
        ({"a": last(LOAD), "b": last(LOAD)}, "2 nodes are marked"),
        ({"a": last(node("run_udf", data=1))}, "node 'a': there is no process 'run_udf'"),
        ({"a": last(node("ndvi"))}, "node 'a': ndvi lacks the argument 'data'"),
        ({"a": last(node("ndvi", data=1, code="x"))}, "ndvi has no argument 'code'"),
        ({"a": last(node("ndvi", data=take("b")))}, "node 'a': there is no node 'b'"),
        (
            {"a": last(node("apply", data=take("b"), process=1)), "b": node("mask", data=take("a"),
             mask=take("b"))},
            "cycle",
        ),
        ({"a": last({"process_id": "mine", "namespace": "me", "arguments": {}})}, "namespace 'me'"),
        (
            {"a": last(node("load_collection", id="X", properties={"eo:cloud_cover": {}}))},
            "properties",
        ),
        ({"a": last(node("load_collection", id="X", bands="red"))}, "list of labels"),
        ({"a": last(node("load_collection", id="X", bands=["pan"]))}, "node 'a': .*no band 'pan'"),
        ({"a": last(node("load_collection", id="X", temporal_extent="2026"))}, "two times"),
        ({"a": last(node("load_collection", id="X", temporal_extent=["x", "y"]))}, "node 'a'"),
        ({"a": last(node("load_collection", id="X", spatial_extent=[1, 2]))}, "west, south"),
        ({"a": LOAD, "b": last(node("ndvi", data=take("a"), nir="pan"))}, "node 'b': .*'pan'"),
        ({"a": LOAD, "b": last(node("add", x=take("a"), y=1))}, "not a data cube"),
        ({"a": LOAD, "b": last(node("apply", data=take("a"), process=3))}, "callback"),
        ({"a": LOAD, "b": last(node("ndvi", data=3))}, "takes a data cube"),
        ({"a": last(node("add", x=1, y=2))}, "no data cube"),
        ({"a": last(node("add", x="1", y=2))}, "takes a number"),
        (
            {"a": LOAD, "b": last(node("reduce_dimension", data=take("a"), dimension="x",
             reducer={"process_graph": {"m": last(node("max", data=DATA))}}))},
            "cannot go along 'x'",
        ),
        (
            {"a": LOAD, "b": last(node("reduce_dimension", data=take("a"), dimension="z",
             reducer={"process_graph": {"m": last(node("max", data=DATA))}}))},
            "no dimension 'z'",
        ),
        (small({"m": last(node("max", data=[]))}), "node 'reduce/m': .*empty"),
        (small({"m": last(node("array_element", data=DATA, index=9))}), "no element 9"),
        (small({"m": last(node("array_element", data=DATA, index="1"))}), "whole number"),
        (small({"m": last(node("array_element", data=DATA))}), "index or a label"),
        (small({"m": last(node("array_element", data=DATA, label="pan"))}), "'reduce/m'.*'pan'"),
        (small({"m": last(node("array_create", data=[1], repeat=99))}), "at most 64"),
        (small({"m": last(node("array_create", data=[1], repeat=0))}), "whole number of times"),
        (small({"m": last(node("sum", data=[1] * 65))}), "at most 64"),
        ({"a": last(node("load_collection", id="X", bands=["red"] * 65))}, "at most 64"),
        ({"a": last(node("load_collection", id="X", bands=["red"] * 2))}, "different labels"),
        (
            {"a": LOAD, "b": last(node("rename_labels", data=take("a"), dimension="bands",
             target=["x"]))},
            "8 labels, not 1",
        ),
        (
            {"a": LOAD, "b": last(node("merge_cubes", cube1=take("a"), cube2=take("a")))},
            "overlap_resolver",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_refused_with_its_node(graph, message):
    with pytest.raises(InputFileError, match=message):
        read_graph(graph).check(ALL)


def test_a_graph_is_bounded():
    many = {f"n{i}": LOAD for i in range(500)} | {"end": last(node("ndvi", data=take("n0")))}
    with pytest.raises(InputFileError, match="more than 500 nodes"):
        read_graph(many)
    inner = {"m": last(node("max", data=DATA))}
    for _ in range(9):
        inner = {"m": last(node("reduce_dimension", data=DATA, dimension="t",
                                reducer={"process_graph": inner}))}  # fmt: skip
    with pytest.raises(InputFileError, match="nested deeper"):
        read_graph(small(inner))
    with pytest.raises(InputFileError, match="larger than 1 MiB"):
        read_graph(" " * (1 << 20) + "{}")
    with pytest.raises(InputFileError, match="is no JSON"):
        read_graph("[" * 200_000)
    deep = 1
    for _ in range(2000):
        deep = [deep]
    with pytest.raises(InputFileError, match="nested too deeply"):
        read_graph(small({"m": last(node("max", data=deep))}))


def test_a_long_chain_of_nodes_runs():
    chain = {"n0": node("add", x=0, y=1)}
    for i in range(1, 400):
        chain[f"n{i}"] = node("add", x=take(f"n{i - 1}"), y=1)
    chain["n399"] = last(chain["n399"])
    assert read_graph(small(chain)).run(look(2, 2))[RESULT].max() == 400


def _mutated(value, rng):
    """Return JSON with something in it replaced, dropped or moved."""
    if isinstance(value, dict) and value:
        keys = sorted(value)
        key = keys[rng.integers(len(keys))]
        out = dict(value)
        if rng.random() < 0.03:
            del out[key]
        elif rng.random() < 0.03:
            out[key] = _JUNK[rng.integers(len(_JUNK))]
        else:
            out[key] = _mutated(value[key], rng)
        return out
    if isinstance(value, list) and value:
        place = rng.integers(len(value))
        return [_mutated(one, rng) if i == place else one for i, one in enumerate(value)]
    return _JUNK[rng.integers(len(_JUNK))]


_JUNK = (
    None, 0, -1, 3.5, 1e30, True, "", "nir", "x", "bands", "t", "add", "max", "mask", "ndvi",
    "array_create", "merge_cubes", [], {}, [1], ["red"], {"from_node": "look"}, {"from_node": 3},
    {"from_parameter": "data"}, {"from_parameter": []}, {"process_graph": {}}, {"process_graph": 1},
    {"process_graph": {"a": {"process_id": "add", "arguments": {"x": 1, "y": 2}, "result": True}}},
)  # fmt: skip


def test_spoilt_graphs_are_refused_clearly_or_run():
    """Nothing but our own error comes out, whatever is done to a graph."""
    rng = stream(100, "fuzz")
    tile, baseline = look(4, 3), usual()
    sources = [one.graph for each in GRAPHS.values() for one in each]
    outcomes = {"ran": 0, "refused": 0}
    for number in range(1500):
        graph = shipped(sources[number % len(sources)])["process_graph"]
        for _ in range(rng.integers(1, 3)):
            graph = _mutated(graph, rng)
        try:
            for layer in read_graph(graph).run(tile, baseline).values():
                assert layer.shape == (4, 3)
            outcomes["ran"] += 1
        except InputFileError:
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 20
