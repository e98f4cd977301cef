"""One scene without a flight: from packets and from files to answers, held to outside judges."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pystac
import pytest
import rasterio
from pystac.errors import STACValidationError
from rasterio.transform import Affine
from rio_cogeo.cogeo import cog_validate

from orbitloom import __version__
from orbitloom.errors import InputFileError, OutputError, ScenarioError
from orbitloom.processing import cloudnet
from orbitloom.scenario.time import from_iso
from orbitloom.testing.scene import write_geotiff
from orbitloom.wire.capture_file import read_capture, write_capture
from orbitloom.workbench import Known, process_packets, process_scene, score, simulate

_SENSOR_PAGE = Path(__file__).resolve().parents[1] / "docs/how-to/own-instrument.md"
_SMALL = 'base = "imager5m"\nlines = 300\ncolumns = 300\n'
_WATER = """
import orbitloom

@orbitloom.app(bands=("green", "nir"), event="open_water")
def detect(bands, mask, info):
    return bands["green"] > bands["nir"]
"""
_PLACE = (44.3, 11.9)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A small imager, its capture of a flood, an application of a stranger's, and the answer."""
    root = tmp_path_factory.mktemp("bench")
    (root / "small.toml").write_text(_SMALL)
    (root / "water.py").write_text(_WATER)
    capture = simulate(str(root / "small.toml"), root / "capture", place=_PLACE, seed=100)
    out = root / "answer"
    done = process_packets(capture, out)
    return SimpleNamespace(
        root=root, capture=capture, out=out, done=done, water=str(root / "water.py")
    )


def _item(file):
    """Return a STAC item that a validator which can say no has said yes to."""
    item = pystac.Item.from_file(str(file))
    assert item.validate()
    told = item.to_dict()
    del told["properties"]["datetime"]
    with pytest.raises(STACValidationError):
        pystac.validation.validate_dict(told)
    return item


def _said(folder):
    return json.loads((folder / "answer.geojson").read_bytes())["properties"]


def test_the_tile_is_a_valid_cog_with_what_its_item_says(bench):
    valid, errors, notes = cog_validate(bench.out / "L3.tif", strict=True, quiet=True)
    assert valid, (errors, notes)
    item = _item(bench.out / "L3.json")
    said = item.properties
    with rasterio.open(bench.out / "L3.tif") as raster:
        assert said["proj:code"] == f"EPSG:{raster.crs.to_epsg()}"
        assert said["proj:shape"] == [raster.height, raster.width]
        assert said["proj:transform"] == list(raster.transform)[:6]
        names = list(raster.descriptions)
    asset = item.assets["tile"]
    assert [band["name"] for band in asset.extra_fields["bands"]] == names
    assert "eo:common_name" not in asset.extra_fields["bands"][-1]  # the mask
    digest = hashlib.sha256((bench.out / "L3.tif").read_bytes()).hexdigest()
    assert asset.extra_fields["file:checksum"] == f"1220{digest}"
    assert said["processing:level"] == "L3"
    assert said["gbt38026:grade"] == 4
    assert said["gsd"] == 5.0
    assert item.datetime is not None
    assert item.datetime.year == 2026


def test_the_answer_tells_where_it_comes_from(bench):
    """Code, calibration, input and what was known: each is what it claims to be."""
    said, capture = _said(bench.out), read_capture(bench.capture)
    assert said["processing:software"] == {"orbitloom": __version__}
    assert said["calibration_id"] == capture.calibration.calibration_id
    packets = (bench.capture / "packets.bin").read_bytes()
    assert said["packets_sha256"] == hashlib.sha256(packets).hexdigest()
    assert said["briefing_sha256"] == capture.briefing.digest()
    assert said["cloud_model_sha256"] == cloudnet.model_hash()
    assert said["app_version"]
    assert (said["processing:level"], said["gbt38026:grade"]) == ("L4", 6)
    kept = _item(bench.out / "L3.json").properties
    for name in ("packets_sha256", "calibration_id", "briefing_sha256", "cloud_model_sha256"):
        assert kept[f"orbitloom:{name}"] == said[name]


def test_the_catalogue_is_valid_and_names_the_imager(bench):
    catalog = pystac.Catalog.from_file(str(bench.out / "catalog" / "catalog.json"))
    assert catalog.validate_all() == 1  # it counts items
    (item,) = catalog.get_items(recursive=True)
    said = _said(bench.out)
    assert item.properties["instruments"] == ["small"]
    for name in (
        "eo:cloud_cover", "gbt38026:grade", "processing:level", "processing:software", "proj:code",
        "proj:shape", "proj:transform", "view:off_nadir", "view:sun_azimuth", "view:sun_elevation",
    ):  # fmt: skip
        assert item.properties[name] == said[name]
    assert 20.0 < said["view:sun_elevation"] < 80.0
    assert said["view:off_nadir"] < 2.0


def test_a_flood_is_found_where_it_is(bench):
    told = score(bench.out)
    assert (told["event"], told["kind"], told["claimed"]) == ("flood", "alert", "flood")
    assert told["hit"] is True
    assert told["iou"] > 0.5
    assert told["found_km2"] == pytest.approx(_said(bench.out)["area_km2"], rel=0.05)
    assert len(bench.done.answer.to_bytes()) <= 10_000


def test_again_gives_the_same_bytes_and_clears_what_was_there(bench, tmp_path):
    out = tmp_path / "again"
    first = process_packets(bench.capture, out, app=bench.water)
    assert {file.name for file in (out / "catalog").iterdir()} == {"catalog.json", "water"}
    second = process_packets(bench.capture, out)
    assert {file.name for file in (out / "catalog").iterdir()} == {"catalog.json", "flood"}
    assert second.answer.to_bytes() == bench.done.answer.to_bytes() != first.answer.to_bytes()
    for name in ("L3.tif", "L3.json", "answer.geojson"):
        assert (out / name).read_bytes() == (bench.out / name).read_bytes()
    assert set(out.iterdir()) == {out / file.relative_to(out).parts[0] for file in second.files}


def test_a_scene_of_the_same_ground_gives_the_same_answer(bench, tmp_path):
    """The tile, taken for a user's GeoTIFF, holds what the packets gave."""
    by_packets = process_packets(bench.capture, tmp_path / "a", app=bench.water).said
    scene = bench.out / "L3.tif"
    when = {"sensed_ns": from_iso(by_packets["sensed"]), "at_surface": True}
    done = process_scene(scene, tmp_path / "b", app=bench.water, **when)
    said = done.said
    assert (said["kind"], said["event"]) == ("alert", "open_water")
    assert said["area_km2"] == pytest.approx(by_packets["area_km2"], rel=0.1)
    assert said["view:sun_elevation"] == pytest.approx(by_packets["view:sun_elevation"], abs=0.5)
    assert said["scene_sha256"] == hashlib.sha256(scene.read_bytes()).hexdigest()
    assert "packets_sha256" not in said
    item = _item(tmp_path / "b" / "L3.json")
    assert item.properties["orbitloom:scene_sha256"] == said["scene_sha256"]
    valid, errors, notes = cog_validate(tmp_path / "b" / "L3.tif", strict=True, quiet=True)
    assert valid, (errors, notes)


def test_a_scene_that_does_not_say_its_time_is_refused(bench, tmp_path):
    with pytest.raises(InputFileError, match="when it was taken"):
        process_scene(bench.out / "L3.tif", tmp_path / "out", app=bench.water, at_surface=True)
    assert not (tmp_path / "out").exists()


def test_a_memory_learns_and_is_asked(bench, tmp_path):
    known = Known(memory=tmp_path / "usual.npz")
    first = process_packets(bench.capture, tmp_path / "out", known=known).said
    assert first["briefing_sha256"] == _said(bench.out)["briefing_sha256"]  # it knew nothing yet
    held = known.memory.read_bytes()
    second = process_packets(bench.capture, tmp_path / "out", known=known).said
    assert second["briefing_sha256"] != first["briefing_sha256"]
    assert (second["kind"], first["kind"]) == ("nothing_found", "alert")  # flooded then as well
    assert known.memory.read_bytes() != held


def test_a_strangers_sensor_and_a_strangers_app(tmp_path):
    """Five bands, 14 bit, packets of its own, by the how-to's file; a detector of nine lines."""
    page = _SENSOR_PAGE.read_text(encoding="utf-8")
    text = re.search(r"<!-- file: larch\.toml -->\n```\w+\n(.*?)```", page, re.DOTALL)[1]
    (tmp_path / "larch.toml").write_text(text)
    (tmp_path / "little.toml").write_text('base = "larch.toml"\nlines = 250\ncolumns = 250\n')
    (tmp_path / "water.py").write_text(_WATER)
    sensor, app = str(tmp_path / "little.toml"), str(tmp_path / "water.py")
    capture = simulate(sensor, tmp_path / "capture", place=_PLACE, seed=101, app=app)
    calibration = read_capture(capture).calibration
    assert (len(calibration.band_names), calibration.saturation_dn) == (5, 2**14 - 1)
    ordered = process_packets(capture, tmp_path / "ordered")
    assert (ordered.said["app"], ordered.said["event"]) == ("water", "open_water")
    told = score(tmp_path / "ordered")
    assert told["claimed"] == "open_water"
    assert told["hit"] is False  # nobody can say what a stranger's event is worth
    bare = tmp_path / "elsewhere.bin"
    bare.write_bytes((capture / "packets.bin").read_bytes())
    alone = process_packets(bare, tmp_path / "alone", instrument=sensor, app=app)
    assert alone.said["event"] == "open_water"
    assert alone.said["area_km2"] == pytest.approx(ordered.said["area_km2"], rel=0.1)
    assert alone.said["calibration_id"] == "little/nominal"


def test_spoilt_packets_are_gaps_or_no_answer(bench, tmp_path):
    """Compressed blocks with turned bits: each is left out, and the rest says what it saw."""
    good = (bench.capture / "packets.bin").read_bytes()
    sensor = str(bench.root / "small.toml")
    some, all_of_it = bytearray(good), bytearray(good)
    some[len(good) // 3 : len(good) // 3 + 3000 : 50] = bytes(60)
    all_of_it[40::29] = bytes(len(all_of_it[40::29]))
    file = tmp_path / "some.bin"
    file.write_bytes(some)
    said = process_packets(file, tmp_path / "a", instrument=sensor, app=bench.water).said
    assert said["gaps"] > _said(bench.out)["gaps"]
    assert said["kind"] == "alert"
    file.write_bytes(all_of_it)
    with pytest.raises(InputFileError, match="no ancillary packet"):
        process_packets(file, tmp_path / "b", instrument=sensor, app=bench.water)
    assert not (tmp_path / "b").exists()
    capture = replace(read_capture(bench.capture), packets=bytes(all_of_it))
    write_capture(capture, tmp_path / "capture")
    done = process_packets(tmp_path / "capture", tmp_path / "c")
    assert (done.said["kind"], done.said["reason"]) == ("not_observable", "gap")
    assert not (tmp_path / "c" / "L3.tif").exists()
    assert (tmp_path / "c" / "answer.geojson").exists()


_WHEN = from_iso("2026-06-14T10:30:00Z")
_NAMES = ("blue", "green", "red", "nir")


def _lake(side):
    """Return reflectance of a dark square in a field, (4, side, side)."""
    values = np.empty((4, side, side), np.float32)
    values[:] = np.array([0.05, 0.08, 0.06, 0.35])[:, None, None]
    inside = slice(side // 4, side // 2)
    values[:, inside, inside] = np.array([0.05, 0.06, 0.03, 0.01])[:, None, None]
    return values


def test_a_border_of_nan_is_no_data(bench, tmp_path):
    values = _lake(120)
    values[:, :, :20] = np.nan
    file = write_geotiff(tmp_path / "border.tif", values, names=_NAMES)
    given = {"scale": 1.0, "sensed_ns": _WHEN, "at_surface": True}
    said = process_scene(file, tmp_path / "out", app=bench.water, **given).said
    assert said["area_km2"] == pytest.approx(30 * 30 * 1e-4)  # 10 m cells
    with rasterio.open(tmp_path / "out" / "L3.tif") as raster:
        mask = raster.read(raster.count)
    assert (mask[:, :20] == 1).all()
    assert not (mask[:, 20:] & 1).any()


def test_one_pixel_is_a_scene(bench, tmp_path):
    file = write_geotiff(tmp_path / "one.tif", _lake(4)[:, 1:2, 1:2], names=_NAMES)
    given = {"scale": 1.0, "sensed_ns": _WHEN, "at_surface": True}
    said = process_scene(file, tmp_path / "out", app=bench.water, **given).said
    assert said["proj:shape"] == [1, 1]
    assert said["kind"] in ("alert", "nothing_found")
    assert said.get("area_km2", 0.0) <= 1e-4
    _item(tmp_path / "out" / "L3.json")


def test_a_huge_scene_is_refused_whole_and_read_in_part(bench, tmp_path):
    file, side = tmp_path / "huge.tif", 20_000
    profile = {
        "driver": "GTiff", "width": side, "height": side, "count": 4, "dtype": "uint16",
        "crs": "EPSG:32633", "transform": Affine(10, 0, 500_000, 0, -10, 5_000_000),
        "tiled": True, "sparse_ok": True, "nodata": 0,
    }  # fmt: skip
    with rasterio.open(file, "w", **profile) as image:
        image.write(
            (_lake(120) * 1e4).astype(np.uint16),
            window=rasterio.windows.Window(9_000, 8_000, 120, 120),
        )
        image.descriptions = _NAMES
    given = {"scale": 1e-4, "sensed_ns": _WHEN, "at_surface": True}
    with pytest.raises(InputFileError, match=r"20000 x 20000 .*window"):
        process_scene(file, tmp_path / "out", app=bench.water, **given)
    part = (9_000, 8_000, 120, 120)
    said = process_scene(file, tmp_path / "out", app=bench.water, window=part, **given).said
    assert said["area_km2"] == pytest.approx(30 * 30 * 1e-4)
    assert said["proj:transform"][2:6:3] == [590_000.0, 4_920_000.0]


def test_polygons_must_be_polygons_in_degrees(bench, tmp_path):
    file = tmp_path / "land.geojson"
    for shape, words in (
        ({"type": "LineString", "coordinates": [[11, 44], [12, 45]]}, "polygons"),
        ({"type": "Polygon", "coordinates": [[[7e5, 4e6], [8e5, 4e6], [8e5, 5e6]]]}, "polygons|no"),
        ({"type": "Polygon", "coordinates": [[[700, 4], [800, 4], [800, 5], [700, 4]]]}, "degrees"),
    ):
        file.write_text(json.dumps(shape))
        with pytest.raises(InputFileError, match=words):
            process_packets(bench.capture, tmp_path / "out", known=Known(land=file))
    with pytest.raises(InputFileError, match="FeatureCollection"):
        process_packets(bench.capture, tmp_path / "out", known=Known(fields=file))
    assert not (tmp_path / "out").exists()


def test_what_an_event_needs_is_chosen_with_it(bench, tmp_path):
    small = str(bench.root / "small.toml")
    task = read_capture(simulate(small, tmp_path / "sea", place=_PLACE, event="vessels")).task
    assert task.app == "maritime"
    told = json.loads((tmp_path / "sea" / "capture.json").read_text())["about"]["target"]
    assert told["setting"] == "coast"
    with pytest.raises(ScenarioError, match="golf"):
        simulate(small, tmp_path / "none", place=_PLACE, app="golf")
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputError, match="not empty"):
        simulate(small, tmp_path / "papers", place=_PLACE)
