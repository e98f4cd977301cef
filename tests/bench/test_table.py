"""The table of figures: what a row says, and what the command does with one that misses."""

from __future__ import annotations

import json
import sys
from types import ModuleType

import pytest

from orbitloom import cli
from orbitloom.bench import table
from orbitloom.bench.row import Row, cpu_s

COST = Row(what="a day", value=2.0, unit="CPU-s", limit=3.0, plain=8.0, plain_by="numpy")
RATE = Row(what="bundles", value=9000.0, unit="bundles/CPU-s", limit=5000.0, at_least=True)


def test_a_cost_is_held_below_and_a_rate_above_its_limit():
    assert (COST.held, COST.ratio) == (True, 4.0)
    assert (RATE.held, RATE.ratio) == (True, None)
    slow = Row(what="a day", value=3.1, unit="CPU-s", limit=3.0)
    few = Row(what="b", value=10.0, unit="/s", limit=11.0, at_least=True, plain=5.0)
    assert (slow.held, few.held, few.ratio) == (False, False, 2.0)
    assert Row(what="size", value=1.0, unit="MB").held


def test_a_line_says_what_was_missed():
    assert table.line(COST) == ("a day", "2 CPU-s", "≤ 3", "4: numpy")
    assert table.line(RATE)[1:3] == ("9,000 bundles/CPU-s", "≥ 5,000")
    assert "MISSED" in table.line(Row(what="a", value=4.0, unit="CPU-s", limit=3.0))[1]


def test_the_first_run_is_not_counted():
    runs = []
    assert cpu_s(lambda: runs.append(1), runs=2) >= 0.0
    assert len(runs) == 3


@pytest.fixture
def parts(monkeypatch):
    """Stand in for the measurements: they take minutes."""

    def put(rows: list[Row]) -> None:
        for name in table.PARTS:
            module = ModuleType(name)
            module.rows = lambda rows=rows: iter(rows)  # type: ignore[attr-defined]
            monkeypatch.setitem(sys.modules, f"orbitloom.bench.{name}", module)

    return put


def _run(monkeypatch, capsys, *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["orbitloom", "bench", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


def test_all_parts_in_one_table_and_a_file(monkeypatch, capsys, parts, tmp_path):
    parts([COST, RATE])
    code, out, _ = _run(monkeypatch, capsys, "--out", str(tmp_path / "figures.json"))
    assert code == 0
    assert out.count("a day") == len(table.PARTS)
    written = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert [row["part"] for row in written[::2]] == list(table.PARTS)
    assert written[0]["ratio"] == 4.0


def test_a_missed_limit_ends_with_one(monkeypatch, capsys, parts):
    parts([Row(what="a day", value=4.0, unit="CPU-s", limit=3.0)])
    code, _, err = _run(monkeypatch, capsys, "--part", "links")
    assert code == 1
    assert "1 of 1 figures miss their limit" in err


def test_an_unknown_part_is_refused(monkeypatch, capsys):
    code, _, err = _run(monkeypatch, capsys, "--part", "wings")
    assert code == 2
    assert "wings" in err
    assert "orbits, links, routing, fleet" in err
