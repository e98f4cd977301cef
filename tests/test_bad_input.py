"""Bad input: one clear message with the file or option, the key and the way out; never a trace."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from orbitloom import cli
from orbitloom.errors import OrbitloomError, OutputError, ScenarioError
from orbitloom.report.folder import prepare

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
        file = folder / "scene.tif"
        profile = {
            "driver": "GTiff", "width": 64, "height": 64, "count": count, "dtype": "float32",
            "crs": crs, "transform": Affine(10, 0, 500_000, 0, -10, 5_000_000),
        }  # fmt: skip
        values = np.random.default_rng(0).uniform(0.02, top, (count, 64, 64))
        with rasterio.open(file, "w", **profile) as image:
            image.write(values.astype(np.float32))
            image.scales = [scale] * count
        return ["fly", "--hours", "0.1", "--scene", str(file)]

    return write


def _file(name: str, content: bytes, *arguments: str) -> Callable[[Path], list[str]]:
    """Write a file and name it in the place of FILE."""

    def write(folder: Path) -> list[str]:
        (folder / name).write_bytes(content)
        return [str(folder / name) if argument == "FILE" else argument for argument in arguments]

    return write


def _out_is_foreign(folder: Path) -> list[str]:
    (folder / "papers").mkdir()
    (folder / "papers" / "thesis.txt").write_text("years of work")
    return ["fly", "--hours", "0.1", "--out", str(folder / "papers")]


def _folder_as_scenario(folder: Path) -> list[str]:
    return ["fly", str(folder)]


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
        _file("x.toml", b'base = "ring13"', "check", "FILE"), ("x.toml", "base", "ring13", "flood12")
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
    "unknown model": _Bad(_toml('[model]\nkind = "oracle"'), ("mine.toml", "oracle", "rules")),
    "scene without CRS": _Bad(
        _scene(crs=None, scale=0.5), ("scene.tif", "coordinate reference system", "gdal")
    ),
    "scene in degrees": _Bad(_scene(crs="EPSG:4326", scale=0.5), ("scene.tif", "metres", "UTM")),
    "scene without scale": _Bad(_scene(), ("scene.tif", "scale", "scene.scale")),
    "scene with a wrong scale": _Bad(_scene(scale=500.0), ("scene.tif", "reflectances", "scale")),
    "scene with three bands": _Bad(_scene(count=3, scale=0.5), ("scene.tif", "3 bands", "NIR")),
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
