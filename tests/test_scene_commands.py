"""The scene commands as a user types them: what they print, and that they hold together."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from orbitloom import cli

_LANDSAT = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "landsat8_toa"
_BRIGHT = """
import orbitloom

@orbitloom.app(bands=("nir",), event="bright")
def detect(bands, mask, info):
    return bands["nir"] > 0.3
"""


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["orbitloom", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return int(stop.value.code or 0), out, err

    return run


def test_simulate_process_and_score_belong_together(run, tmp_path):
    (tmp_path / "small.toml").write_text('base = "imager5m"\nlines = 256\ncolumns = 256\n')
    code, out, err = run("instrument", "simulate", "small.toml", "--out", "cap", "--seed", 100)
    assert (code, err) == (0, "")
    assert out.endswith("next: orbitloom process --packets cap\n")
    code, out, err = run("process", "--packets", "cap", "--out", "ans")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("flood: ")
    assert "L0 1." in out
    assert "CPU time" in out
    listed = lines[-1].removeprefix("ans: ").split(", ")
    assert sorted(listed) == sorted(
        f"{path.name}/" if path.is_dir() else path.name for path in Path("ans").iterdir()
    )
    code, out, err = run("score", "ans")
    assert (code, err) == (0, "")
    told = dict(line.split() for line in out.splitlines())
    code, out, err = run("score", "ans", "--json")
    assert {name: str(value) for name, value in json.loads(out).items()} == {
        name: "None" if value == "-" else value for name, value in told.items()
    }
    code, out, err = run("process", "--packets", "cap", "--out", "ans", "--json")
    assert (code, err) == (0, "")
    assert out.encode() == Path("ans/answer.geojson").read_bytes() + b"\n"


def test_a_detector_is_checked_and_a_scene_of_one_band_refused(run, tmp_path):
    """Landsat 8, Level-1 with its MTL, of which there is one band."""
    (tmp_path / "bright.py").write_text(_BRIGHT)
    (tmp_path / "small.toml").write_text('base = "imager5m"\nlines = 64\ncolumns = 64\n')
    code, out, err = run("app", "check", "bright.py", "--instrument", "small.toml")
    assert (code, err) == (0, "")
    assert "bright sha256:" in out
    if not _LANDSAT.is_dir():
        pytest.skip("the Landsat scene is not beside the repository (shared/data/landsat8_toa)")
    code, out, err = run("process", "--scene", _LANDSAT, "--app", "bright.py", "--out", "ans")
    # What nobody sees cannot tell cloud: said in one line, and nothing is left behind.
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "landsat8_toa" in err
    assert "cannot show cloud" in err
    assert not (tmp_path / "ans").exists()


@pytest.mark.parametrize(
    "command", [("process",), ("score",), ("instrument", "simulate"), ("app", "check")]
)
def test_help_tells_and_shows(run, command):
    code, out, _ = run(*command, "--help")
    assert code == 0
    assert " ".join(("orbitloom", *command)) in out
    assert "Examples" in out or command == ("score",)


@pytest.mark.parametrize("group", ["instrument", "app"])
def test_a_group_alone_shows_its_commands(run, group):
    code, out, err = run(group)
    assert code == 0
    assert err == ""
    assert "simulate" in out or "check" in out
