"""The command line: what it prints, where, and with which exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from orbitloom import __version__, api, cli
from orbitloom.scenario import load

_HEAVY = ("numpy", "pandas", "matplotlib", "rasterio", "pydantic", "scipy", "pyarrow", "shapely")


class _Flown:
    """Stands in for a report: the flight itself has its own tests."""

    summary = {"scenario": "flood12", "quality": {"recall": 1.0}}  # noqa: RUF012 - a stand-in

    def __rich__(self) -> str:
        return "the table"


@pytest.fixture
def run(monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["orbitloom", *arguments])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return run


@pytest.fixture
def flown(monkeypatch) -> dict[str, Any]:
    """Replace the flight, and hold what it was asked for."""
    asked: dict[str, Any] = {}

    def fly(scenario: str, **options: Any) -> _Flown:
        asked.update(options, scenario=scenario)
        return _Flown()

    monkeypatch.setattr(api, "fly", fly)
    return asked


def test_a_number_of_satellites_that_cannot_be_had_names_the_option(run, tmp_path):
    code, _, err = run("fly", "scs01", "--satellites", "24", "--out", str(tmp_path / "out"))
    assert code == 2
    assert "option --satellites" in err
    assert "one by one" in err


def test_importing_the_command_line_imports_nothing_heavy():
    code = f"import sys, orbitloom.cli; print([m for m in {_HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_needs_nothing_heavy_either():
    code = (
        "import sys, orbitloom.cli as cli\n"
        "sys.argv = ['orbitloom', '--help']\n"
        "try:\n    cli.main()\n"
        f"finally:\n    print([m for m in {_HEAVY} if m in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert "fly" in done.stdout


def test_version_and_help(run):
    assert run("--version") == (0, f"orbitloom {__version__}\n", "")
    code, out, err = run()
    assert (code, err) == (0, "")
    for command in ("fly", "scenarios", "show", "check"):
        assert command in out
        assert run(command, "--help")[0] == 0
    out = run("fly", "--help")[1]
    for option in ("--hours", "--seed", "--stations", "--arms", "--scene", "--out", "--executor",
                   "--json", "Examples"):  # fmt: skip
        assert option in out


def test_fly_hands_on_what_it_was_told_and_defaults_to_the_scenarios_own(run, flown, tmp_path):
    code, out, err = run("fly")
    assert (code, out, err) == (0, "the table\n", "")
    assert flown["scenario"] == "ring12"
    assert [flown[name] for name in ("hours", "seed", "stations", "arms", "scene", "model")] == [
        None
    ] * 6
    assert (str(flown["out"]), flown["executor"]) == ("orbitloom-out", "threads")
    assert flown["progress"] is None  # no bar where nobody watches
    run(
        "fly", "scs01", "--hours", "1.5", "--seed", "7", "--stations", "china4",
        "--arms", "orbit, bentpipe", "--scene", "a.tif", "--out", str(tmp_path),
        "--executor", "processes", "--model", "template",
    )  # fmt: skip
    assert (flown["scenario"], flown["model"]) == ("scs01", "template")
    assert (flown["hours"], flown["seed"], flown["stations"]) == (1.5, 7, "china4")
    assert flown["arms"] == ("orbit", "bentpipe")
    assert (str(flown["scene"]), flown["out"]) == ("a.tif", tmp_path)
    assert flown["executor"] == "processes"


def test_json_is_the_summary_alone(run, flown):
    code, out, err = run("fly", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == _Flown.summary


def test_a_terminal_gets_a_bar_on_standard_error(monkeypatch, run, flown):
    told: list[bool] = []

    def fly(scenario: str, **options: Any) -> _Flown:
        options["progress"]("orbit: 1 of 3 answers", 0.4)
        told.append(True)
        return _Flown()

    monkeypatch.setattr(api, "fly", fly)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    code, out, _ = run("fly", "--json")
    assert (code, told) == (0, [True])
    assert json.loads(out) == _Flown.summary


def test_an_interrupted_flight_ends_with_130(monkeypatch, run):
    def fly(scenario: str, **options: Any) -> _Flown:
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "fly", fly)
    code, out, err = run("fly")
    assert (code, out) == (130, "")
    assert "Traceback" not in err


def test_an_error_of_our_own_making_is_not_hidden(monkeypatch, run):
    def fly(scenario: str, **options: Any) -> _Flown:
        raise ZeroDivisionError

    monkeypatch.setattr(api, "fly", fly)
    monkeypatch.setattr(sys, "argv", ["orbitloom", "fly"])
    with pytest.raises(ZeroDivisionError):
        cli.main()


def test_scenarios_are_listed(run):
    code, out, _ = run("scenarios")
    assert code == 0
    for name in ("flood12", "ring12", "scs01", "starlink-like", "walker2800", "walker2x6"):
        assert name in out


def test_show_prints_values_with_unit_and_basis_or_toml(run, tmp_path):
    code, out, _ = run("show", "flood12")
    assert code == 0
    for words in ("estimate", "published", "Svalbard"):
        assert words in out
    code, out, _ = run("show", "flood12", "--toml")
    assert code == 0
    (tmp_path / "mine.toml").write_text(out, encoding="utf-8")
    code, out, err = run("check", str(tmp_path / "mine.toml"))
    assert (code, err) == (0, "")
    targets = len(load("flood12").targets)
    assert f"12 satellites, 2 stations, {targets} targets, 6 h: ready to fly" in out
