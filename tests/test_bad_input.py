"""Bad input: one clear message with the file or option, the key and the way out; never a trace."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from orbitloom import cli
from orbitloom.errors import OrbitloomError, OutputError, ScenarioError
from orbitloom.report.folder import prepare
from orbitloom.scenario.load import load_instrument
from orbitloom.testing.scene import write_geotiff
from orbitloom.wire import CaptureTask
from orbitloom.wire.briefing import Briefing
from orbitloom.wire.capture_file import Capture, nominal_calibration, write_capture

# A well-formed element set; its checksums hold.
_TLE_1 = "1 25544U 98067A   08264.51782528 -.00002182  00000-0 -11606-4 0  2927"
_TLE_2 = "2 25544  51.6416 247.4627 0006703 130.5360 325.0288 15.72125391563537"


def _scenario(folder: Path, text: str) -> list[str]:
    file = folder / "mine.toml"
    file.write_text(f'base = "flood12"\nhours = 0.1\n{text}\n', encoding="utf-8")
    return ["fly", str(file)]


def _toml(text: str) -> Callable[[Path], list[str]]:
    return lambda folder: _scenario(folder, text)


def _options(*arguments: str) -> Callable[[Path], list[str]]:
    return lambda folder: ["fly", *arguments]


def _tle(text: str) -> Callable[[Path], list[str]]:
    def write(folder: Path) -> list[str]:
        (folder / "fleet.tle").write_text(text)
        return _scenario(folder, '[fleet]\nkind = "tle"\nfile = "fleet.tle"')

    return write


def _scene(
    *, crs: str | None = "EPSG:32633", count: int = 4, scale: float = 1.0, top: float = 0.4
) -> Callable[[Path], list[str]]:
    def write(folder: Path) -> list[str]:
        values = np.random.default_rng(0).uniform(0.02, top, (count, 64, 64))
        file = write_geotiff(
            folder / "scene.tif", values.astype(np.float32), crs=crs, scales=[scale] * count
        )
        return ["fly", "--hours", "0.1", "--scene", str(file)]

    return write


def _file(name: str, content: bytes, *arguments: str) -> Callable[[Path], list[str]]:
    """Write a file and name it in the place of FILE."""

    def write(folder: Path) -> list[str]:
        (folder / name).write_bytes(content)
        return [str(folder / name) if argument == "FILE" else argument for argument in arguments]

    return write


_BROKEN_APP = b"import orbitloom\n@orbitloom.app(bands=('red',), event=)\ndef f(b, m, i): pass\n"
_BANDLESS_APP = (
    b"import orbitloom\n@orbitloom.app(bands=('swir22',), event='heat')\ndef f(b, m, i): return b\n"
)


def _own_app(content: bytes) -> Callable[[Path], list[str]]:
    def write(folder: Path) -> list[str]:
        (folder / "own.py").write_bytes(content)
        return _scenario(folder, 'app = "own.py"')

    return write


def _out_is_foreign(folder: Path) -> list[str]:
    (folder / "papers").mkdir()
    (folder / "papers" / "thesis.txt").write_text("years of work")
    return ["fly", "--hours", "0.1", "--out", str(folder / "papers")]


def _folder_as_scenario(folder: Path) -> list[str]:
    return ["fly", str(folder)]


def _raster(
    *options: str, crs: str | None = "EPSG:32633", names: tuple[str, ...] = (), count: int = 4
) -> Callable[[Path], list[str]]:
    """Write a small scene, and process it."""

    def write(folder: Path) -> list[str]:
        values = np.full((count, 40, 40), 1500, np.uint16)
        file = write_geotiff(folder / "s.tif", values, crs=crs, names=names)
        return ["process", "--scene", str(file), *options]

    return write


_NOON = ("--sensed", "2026-06-14T10:30:00Z")


def _band_folder(folder: Path) -> list[str]:
    (folder / "T33").mkdir()
    for name in ("B02", "B03", "B04", "B08"):
        _raster(count=1)(folder)
        (folder / "s.tif").rename(folder / "T33" / f"{name}.tif")
    return ["process", "--scene", str(folder / "T33"), *_NOON]


def _process(name: str, content: bytes, *options: str) -> Callable[[Path], list[str]]:
    return _file(name, content, "process", *options)


def _capture(change: Callable[[Path], None]) -> Callable[[Path], list[str]]:
    """Write a capture's folder, spoil it, and process it."""

    def write(folder: Path) -> list[str]:
        design = load_instrument("imager10m").model_copy(update={"lines": 8, "columns": 32})
        capture = Capture(
            packets=bytes(1000),
            task=CaptureTask(
                capture=1, satellite="S", target="T", latitude_deg=0.0, longitude_deg=0.0,
                start_ns=0, end_ns=1, roll_deg=0.0, app="flood",
            ),
            calibration=nominal_calibration(design),
            briefing=Briefing(),
            about={},
        )  # fmt: skip
        write_capture(capture, folder / "capture")
        change(folder / "capture")
        return ["process", "--packets", str(folder / "capture")]

    return write


def _cut(folder: Path) -> None:
    file = folder / "packets.bin"
    file.write_bytes(file.read_bytes()[:500])


def _change(folder: Path) -> None:
    file = folder / "calibration.npz"
    file.write_bytes(file.read_bytes()[::-1])


def _older(folder: Path) -> None:
    (folder / "capture.json").write_text('{"format": "somebody-else/3"}')


def _scoreless(folder: Path) -> list[str]:
    (folder / "answer").mkdir()
    (folder / "answer" / "process.json").write_text('{"source": ".."}')
    return ["score", str(folder / "answer")]


def _process_into_foreign(folder: Path) -> list[str]:
    return [*_raster(*_NOON, "--scale", "1e-4")(folder), *_out_is_foreign(folder)[-2:]]


def _both(folder: Path) -> list[str]:
    return ["process", "--packets", str(folder), "--scene", str(folder)]


class _Bad(NamedTuple):
    make: Callable[[Path], list[str]]
    says: tuple[str, ...]


_ALTITUDE = '[fleet]\nkind = "walker"\naltitude_km = '

TABLE = {
    "broken TOML": _Bad(_toml("hours = = 3"), ("mine.toml", "not valid TOML", "line 3", "Mend")),
    "unknown key": _Bad(_toml("huors = 3"), ("mine.toml", "huors", "Known here", "hours")),
    "unknown key in a section": _Bad(
        _toml("[power]\nbattery = 3"), ("mine.toml", "power.battery", "battery_wh")
    ),
    "wrong unit": _Bad(_toml(f"{_ALTITUDE}505000"), ("mine.toml", "altitude_km", "505000", "2000")),
    "wrong range": _Bad(
        _toml("[power]\nsoft_depth_of_discharge = 30"),
        ("mine.toml", "power.soft_depth_of_discharge", "30", "below 1"),
    ),
    "text for a number": _Bad(
        _toml('[laser]\nrate_gbps = "fast"'), ("mine.toml", "laser.rate_gbps", "'fast'", "number")
    ),
    "not a number": _Bad(_toml("[laser]\nrate_gbps = nan"), ("mine.toml", "laser.rate_gbps")),
    "no stations": _Bad(_toml("stations = []"), ("mine.toml", "key stations", "empty")),
    "no targets": _Bad(_toml("targets = []"), ("mine.toml", "key targets", "empty")),
    "unknown station net": _Bad(
        _options("--stations", "moon3"), ("--stations", "moon3", "polar2", "world12")
    ),
    "duplicate targets": _Bad(
        _toml("targets = [{name='A', latitude_deg=1, longitude_deg=1},"
              "{name='A', latitude_deg=2, longitude_deg=2}]"),
        ("mine.toml", "targets", "'A' is used twice"),
    ),
    "a target at no latitude": _Bad(
        _toml("targets = [{name='A', latitude_deg=95, longitude_deg=1}]"),
        ("mine.toml", "targets.0.latitude_deg", "95", "84"),
    ),
    "a start that is no time": _Bad(
        _toml('start = "tomorrow"'), ("mine.toml", "key start", "tomorrow", "2026-06-14T")
    ),
    "orbit below the ground": _Bad(_toml(f"{_ALTITUDE}-10"), ("mine.toml", "altitude_km", "-10")),
    "orbit that has decayed": _Bad(
        _toml(
            "[fleet]\nkind = 'elements'\n[[fleet.elements]]\nname = 'STONE'\n"
            "epoch_yyddd = '26164.5'\ninclination_deg = 97.4\nraan_deg = 10\neccentricity = 0.2\n"
            "argument_of_perigee_deg = 0\nmean_anomaly_deg = 0\nmean_motion_rev_per_day = 16.5"
        ),
        ("scenario mine, key fleet", "STONE", "decayed", "newer elements"),
    ),
    "TLE with a wrong checksum": _Bad(
        _tle(f"ISS\n{_TLE_1[:-1]}8\n{_TLE_2}\n"), ("fleet.tle", "line 2", "checksum")
    ),
    "TLE cut short": _Bad(_tle(f"ISS\n{_TLE_1}\n{_TLE_2[:40]}\n"), ("fleet.tle", "line 3")),
    "TLE without satellites": _Bad(_tle("\n"), ("fleet.tle",)),
    "TLE file that is not there": _Bad(
        _toml('[fleet]\nkind = "tle"\nfile = "none.tle"'), ("none.tle", "fleet.file")
    ),
    "missing scenario file": _Bad(_options("none.toml"), ("none.toml", "no such file", "path")),
    "unknown scenario": _Bad(_options("ring13"), ("ring13", "ring12", "scs01", ".toml")),
    "a folder as scenario": _Bad(_folder_as_scenario, ("cannot be read", "directory")),
    "a binary file as scenario": _Bad(
        _file("x.toml", b"\x89PNG\xff\xfe", "fly", "FILE"), ("x.toml", "UTF-8", "TOML")
    ),
    "unknown base": _Bad(
        _file("x.toml", b'base = "ring13"', "check", "FILE"),
        ("x.toml", "base", "ring13", "flood12"),
    ),
    "unknown arm": _Bad(_options("--arms", "orbit,rawer"), ("--arms", "rawer", "bentpipe")),
    "an arm twice": _Bad(_options("--arms", "orbit,orbit"), ("twice", "arms")),
    "negative hours": _Bad(_options("--hours", "-1"), ("--hours", "-1", "above 0")),
    "endless hours": _Bad(_options("--hours", "1e9"), ("--hours", "240")),
    "hours that are no number": _Bad(
        _options("--hours", "abc"), ("--hours", "takes a number", "fly --help")
    ),
    "seed that is no number": _Bad(
        _options("--seed", "lucky"), ("--seed", "whole number", "--help")
    ),
    "negative seed": _Bad(_options("--seed", "-4"), ("--seed", "-4", "0")),
    "unknown executor": _Bad(
        _options("--executor", "magic"), ("--executor", "magic", "threads", "processes")
    ),
    "unknown option": _Bad(_options("--stattions", "x"), ("--stattions", "--stations")),
    "unknown command": _Bad(lambda folder: ["flyy"], ("flyy", "fly")),
    "nothing to check": _Bad(lambda folder: ["check"], ("FILE.toml", "--help")),
    "unknown application": _Bad(_toml('app = "gold"'), ("mine.toml", "gold", "flood")),
    "an application of a user's that is not there": _Bad(
        _toml('app = "own.py"'), ("mine.toml", "key app", "own.py", "no file")
    ),
    "an application of a user's that breaks": _Bad(_own_app(_BROKEN_APP), ("own.py", "line 2")),
    "an application without its band": _Bad(
        _own_app(_BANDLESS_APP), ("scenario mine, key app", "swir22", "blue, green, red, nir")
    ),
    "unknown model": _Bad(_toml('[model]\nkind = "oracle"'), ("mine.toml", "oracle", "rules")),
    "a language model that is none": _Bad(
        _options("--model", "gpt"), ("gpt", "no language model", "template")
    ),
    "a language model's file that is not there": _Bad(
        _options("--model", "no.gguf"), ("no.gguf", "cannot be read")
    )
    if find_spec("xllamacpp")
    else _Bad(_options("--model", "no.gguf"), ("xllamacpp", "not installed")),
    "a language model's server that is not there": _Bad(
        _options("--model", "http://127.0.0.1:9/v1#x"), ("127.0.0.1:9", "does not answer")
    ),
    "scene without CRS": _Bad(
        _scene(crs=None, scale=0.5), ("scene.tif", "coordinate reference system", "gdal")
    ),
    "scene in degrees": _Bad(_scene(crs="EPSG:4326", scale=0.5), ("scene.tif", "metres", "UTM")),
    "scene without scale": _Bad(_scene(), ("scene.tif", "scale", "scene.scale")),
    "scene with a wrong scale": _Bad(_scene(scale=500.0), ("scene.tif", "reflectances", "scale")),
    "scene with three bands": _Bad(_scene(count=3, scale=0.5), ("scene.tif", "3 bands", "nir")),
    "scene that is no raster": _Bad(
        _file("s.tif", b"hello", "fly", "--scene", "FILE"), ("s.tif", "image", "GeoTIFF")
    ),
    "scene that is not there": _Bad(_options("--scene", "no.tif"), ("no.tif", "--scene")),
    "output in a foreign folder": _Bad(
        _out_is_foreign, ("--out", "papers", "not of an earlier flight", "new folder")
    ),
    "output that is a file": _Bad(
        _file("out", b"", "fly", "--out", "FILE"), ("--out", "is a file", "folder")
    ),
    "output with too long a name": _Bad(
        _options("--out", "x" * 300), ("--out", "name too long", "cannot be written")
    ),
    "scenario with too long a name": _Bad(_options("x" * 300), ("xxx",)),
    "neither packets nor scene": _Bad(lambda folder: ["process"], ("--packets", "--scene")),
    "packets and scene": _Bad(_both, ("either --packets or --scene",)),
    "an option for scenes with packets": _Bad(
        _process("p.bin", b"", "--packets", "FILE", "--scale", "2"), ("--scale", "for scenes")
    ),
    "an imager with a scene": _Bad(
        _process("s.tif", b"", "--scene", "FILE", "--instrument", "imager5m"),
        ("--instrument", "packets alone"),
    ),
    "packets that are not there": _Bad(
        lambda folder: ["process", "--packets", "none.bin"], ("none.bin", "no such file")
    ),
    "packets without an imager": _Bad(
        _process("p.bin", b"12", "--packets", "FILE"), ("p.bin", "--instrument")
    ),
    "packets that are none": _Bad(
        _process("p.bin", b"hello" * 99, "--packets", "FILE", "--instrument", "imager5m"),
        ("p.bin", "no ancillary packet", "layout"),
    ),
    "an imager that is not there": _Bad(
        _process("p.bin", b"12", "--packets", "FILE", "--instrument", "imager6m"),
        ("imager6m", "imager5m"),
    ),
    "a capture that was cut": _Bad(_capture(_cut), ("packets.bin", "was cut", "500", "1000")),
    "a capture that was changed": _Bad(_capture(_change), ("calibration.npz", "was changed")),
    "a capture of another format": _Bad(_capture(_older), ("capture.json", "format", "simulate")),
    "a folder that is no capture": _Bad(
        lambda folder: ["process", "--packets", str(folder)], ("capture.json", "simulate")
    ),
    "a capture with an imager besides": _Bad(
        lambda folder: ["process", "--packets", str(folder), "--instrument", "imager5m"],
        ("--instrument", "itself"),
    ),
    "a raster without CRS": _Bad(
        _raster(*_NOON, "--scale", "1e-4", crs=None), ("s.tif", "coordinate reference system")
    ),
    "a raster without scale": _Bad(_raster(*_NOON), ("s.tif", "scale")),
    "a raster with an offset alone": _Bad(_raster(*_NOON, "--offset", "-0.1"), ("s.tif", "scale")),
    "a raster with a wrong offset": _Bad(
        _raster(*_NOON, "--scale", "1e-4", "--offset", "-3"), ("s.tif", "reflectances", "offset")
    ),
    "a raster of no time": _Bad(_raster("--scale", "1e-4"), ("s.tif", "--sensed")),
    "bands in a wrong order": _Bad(
        _raster(
            *_NOON, "--scale", "1e-4", "--bands", "red,green,blue,nir",
            names=("blue", "green", "red", "nir"),
        ),
        ("s.tif", "band 1", "red", "blue"),
    ),
    "bands of no name": _Bad(
        _raster(*_NOON, "--scale", "1e-4", "--bands", "blue,green,infra,nir"), ("infra", "swir16")
    ),
    "three bands without a name": _Bad(
        _raster(*_NOON, "--scale", "1e-4", count=3), ("s.tif", "3 bands")
    ),
    "a band that the application needs": _Bad(
        _raster(*_NOON, "--scale", "1e-4", "--app", "fire"), ("fire", "swir", "blue, green")
    ),
    "Sentinel-2 bands without offset": _Bad(_band_folder, ("T33", "offset", "-0.1", "04.00")),
    "a window of three numbers": _Bad(
        _raster(*_NOON, "--window", "0,0,9"), ("--window", "4 numbers")
    ),
    "a window beyond the scene": _Bad(
        _raster(*_NOON, "--scale", "1e-4", "--window", "30,30,20,20"), ("s.tif", "40 x 40")
    ),
    "a time that is none": _Bad(_raster("--sensed", "noon"), ("--sensed", "noon")),
    "a scene that is no raster": _Bad(
        _process("x.tif", b"hello", "--scene", "FILE", *_NOON), ("x.tif", "image")
    ),
    "polygons that are no JSON": _Bad(
        _process("f.geojson", b"<kml>", "--scene", "FILE", "--fields", "FILE"),
        ("f.geojson", "not JSON", "GeoJSON"),
    ),
    "a memory that is none": _Bad(
        _process("m.npz", b"years", "--scene", "FILE", "--memory", "FILE"), ("m.npz",)
    ),
    "a memory in no folder": _Bad(
        _process("s.tif", b"", "--scene", "FILE", "--memory", "none/m.npz"), ("m.npz", "folder")
    ),
    "an application that is none": _Bad(
        _raster(*_NOON, "--scale", "1e-4", "--app", "gold"), ("gold", "flood")
    ),
    "an application's file that is not there": _Bad(
        _raster(*_NOON, "--scale", "1e-4", "--app", "none.py"), ("none.py", "no such file")
    ),
    "an application's file that breaks": _Bad(
        _process("broken.py", _BROKEN_APP, "--scene", "x.tif", "--app", "FILE"),
        ("broken.py", "line 2"),
    ),
    "an application's file without a band": _Bad(
        _file("heat.py", _BANDLESS_APP, "app", "check", "FILE", "--instrument", "imager10m"),
        ("heat", "swir22", "blue, green, red, nir"),
    ),
    "an answer into a foreign folder": _Bad(_process_into_foreign, ("papers", "--out")),
    "a score without an answer": _Bad(
        lambda folder: ["score", str(folder)], ("process.json", "orbitloom process")
    ),
    "a score without truth": _Bad(_scoreless, ("truth.json", "simulate")),
    "a place that is none": _Bad(
        lambda folder: ["instrument", "simulate", "--at", "Rome"], ("--at", "Rome", "44.3,11.9")
    ),
    "a place beyond the poles": _Bad(
        lambda folder: ["instrument", "simulate", "--at", "95,0"], ("--at", "95")
    ),
    "an event that is none": _Bad(
        lambda folder: ["instrument", "simulate", "--event", "hail"], ("--event", "hail", "flood")
    ),
    "a picture past the Earth": _Bad(
        lambda folder: ["instrument", "simulate", "--roll", "80"], ("roll", "80", "30 deg")
    ),
    "output that cannot be written": _Bad(
        _options("--out", "/proc/orbitloom"), ("--out", "/proc/orbitloom", "cannot be written")
    ),
}  # fmt: skip


@pytest.mark.parametrize("bad", TABLE.values(), ids=TABLE.keys())
def test_bad_input_gets_one_clear_message(bad, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["orbitloom", *bad.make(tmp_path)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    out, err = capsys.readouterr()
    assert stop.value.code == 2
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1  # one message, one line
    assert "Traceback" not in err
    for words in bad.says:
        assert words in err
    assert not {"orbitloom-out", "orbitloom-scene", "orbitloom-capture"} & set(os.listdir(tmp_path))


def test_a_foreign_folder_keeps_its_files(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["orbitloom", *_out_is_foreign(tmp_path)])
    with pytest.raises(SystemExit):
        cli.main()
    assert (tmp_path / "papers" / "thesis.txt").read_text() == "years of work"
    assert len(list((tmp_path / "papers").iterdir())) == 1


def test_a_bad_file_does_not_cost_an_earlier_flight(tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    prepare(out)
    (out / "summary.json").write_text("the earlier one")
    arguments = [*TABLE["TLE with a wrong checksum"].make(tmp_path), "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["orbitloom", *arguments])
    with pytest.raises(SystemExit):
        cli.main()
    assert "checksum" in capsys.readouterr().err
    assert (out / "summary.json").read_text() == "the earlier one"


@pytest.mark.parametrize("kind", [ScenarioError, OutputError, OrbitloomError])
def test_an_error_made_anew_says_the_same(kind):
    error = kind("it is wrong", where="there", way_out="Mend it")
    for again in (kind(*error.args), pickle.loads(pickle.dumps(error))):
        assert type(again) is kind
        assert str(again) == str(error) == "there: it is wrong. Mend it"
