"""A study of faults: nothing lost but with a satellite, nothing twice, no wait without a cause."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orbitloom.cli import app
from orbitloom.report.fault_sizing import fault_sizing
from orbitloom.report.fault_study import ALL, CALM, HARSH, FaultStudy, study_faults
from orbitloom.scenario import load
from orbitloom.twin.network_flight import Load

RUNS = 12


@pytest.fixture(scope="module")
def study() -> FaultStudy:
    """Twelve seeds of eight hours of ring12, under rates that really hit."""
    kinds = ("satellite_lost", "station_out", ALL)
    scenario = load("ring12", hours=8.0)
    harsh = HARSH.model_copy(
        update={
            "satellites_lost_per_satellite_year": 180.0,
            "resets_per_satellite_year": 2000.0,
            "station_outages_per_station_day": 18.0,
        }
    )
    scenario = scenario.model_copy(update={"faults": harsh})
    return study_faults(scenario, RUNS, load=Load(scenes_per_satellite_day=96.0), kinds=kinds)


def test_only_what_a_lost_satellite_held_is_lost_and_nothing_comes_twice(study: FaultStudy) -> None:
    for line in study.lines:
        assert line.lost_otherwise == 0
        assert line.doubled == 0
        assert line.made == line.delivered + line.lost + line.waiting.total()
    assert study.line(ALL).faults > 10 * RUNS


def test_every_delay_has_a_cause(study: FaultStudy) -> None:
    assert [line.uncaused for line in study.lines] == [0] * len(study.lines)
    held = study.line(ALL).held_s
    assert {"satellite lost", "station out", "clock off", "computer reset"} <= set(held)


def test_the_rates_really_hit(study: FaultStudy) -> None:
    line = study.line(ALL)
    assert line.lost > 0
    assert line.never_made > 0
    assert line.custody.cut > 0
    assert line.custody.rerouted > 0
    assert line.custody.mended > 0


def test_without_faults_all_comes_and_nothing_is_held_up(study: FaultStudy) -> None:
    calm, worst = study.line(CALM), study.line(ALL)
    assert (calm.faults, calm.lost, calm.held_up, calm.never_made) == (0, 0, 0, 0)
    assert (calm.percentile_s(90) or 0) < (worst.percentile_s(90) or 1e9)


def test_a_station_that_is_out_loses_nothing(study: FaultStudy) -> None:
    line = study.line("station_out")
    assert (line.lost, line.never_made) == (0, 0)
    assert set(line.held_s) == {"station out"}
    assert line.held_up > 0


def test_the_table_has_a_line_a_kind_and_the_plot_is_drawn(
    study: FaultStudy, tmp_path: Path
) -> None:
    sizing = fault_sizing(study)
    assert [line[0] for line in sizing.lines] == [
        "nothing",
        "satellites lost",
        "station outages",
        "all kinds",
    ]
    page, png, record = sizing.save(tmp_path)
    assert "delivered twice 0" in page.read_text()
    assert png.read_bytes().startswith(b"\x89PNG")
    told = json.loads(record.read_text())
    assert told["checks"] == {
        "lost otherwise": 0,
        "delivered twice": 0,
        "held up without a cause": 0,
    }
    assert len(told["lines"]) == 4


def test_the_command_flies_and_writes(tmp_path: Path) -> None:
    arguments = ["study", "faults", "--runs", "1", "--hours", "1", "--kinds", "computer_reset"]
    result = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "computer resets" in result.output
    assert {file.name for file in tmp_path.iterdir()} == {
        "faults.html",
        "faults.json",
        "faults.png",
    }


def test_a_kind_that_is_none_is_told_with_those_there_are() -> None:
    result = CliRunner().invoke(app, ["study", "faults", "--kinds", "meteor"])
    assert result.exit_code != 0
    assert "meteor" in str(result.exception) + result.output
