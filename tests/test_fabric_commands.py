"""The commands `contacts` and `routes`: what they print, what they write, what they refuse."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from orbitloom import cli
from orbitloom.report.fabric import sky
from orbitloom.scenario import load
from orbitloom.wire import LASER
from orbitloom.wire.contact_files import read_plan


@pytest.fixture
def run(monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.setenv("COLUMNS", "100")

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["orbitloom", *arguments])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return run


def test_contacts_tells_what_the_plan_holds(run):
    code, out, err = run("contacts", "ring12")
    plan = sky(load("ring12")).contacts

    assert (code, err) == (0, "")
    assert "ring12 from 2026-06-14T00:00 UTC: 12 satellites, 2 stations, 6 h" in out
    lasers, radio = (out.splitlines()[i].split() for i in (2, 3))
    assert lasers[:3] == ["lasers", str(int(np.sum(plan.medium == LASER))), "24"]
    assert radio[:3] == ["radio", "down", str(int(np.sum(plan.medium != LASER)))]
    hours = float(((plan.end_ns - plan.start_ns)[plan.medium == LASER]).sum() / 3.6e12)
    assert lasers[3] == f"{hours:,.1f}"
    assert "they end by" in out


@pytest.mark.parametrize("name", ["plan.arrow", "plan.ionrc", "plan.json"])
def test_contacts_writes_what_the_name_says(run, tmp_path, name):
    file = tmp_path / name
    code, out, _ = run("contacts", "ring12", "--hours", "2", "--out", str(file))
    plan, back = sky(load("ring12", hours=2)).contacts, read_plan(file)

    assert code == 0
    assert name in out.replace("\n", "")
    assert back.nodes == plan.nodes
    assert len(back) == len(plan)
    assert np.all(np.abs(back.start_ns - plan.start_ns) < 10**9)


def test_contacts_writes_czml(run, tmp_path):
    file = tmp_path / "fleet.json"
    code, _, _ = run(
        *("contacts", "ring12", "--hours", "1", "--out", str(file)),
        *("--format", "czml", "--step", "300", "--links-every", "0"),
    )
    told = json.loads(file.read_text(encoding="utf-8"))

    assert code == 0
    assert len(told) == 1 + 12 + 2
    assert len(told[1]["position"]["cartesian"]) == 4 * 13


def test_contacts_refuses_what_it_cannot_write(run, tmp_path):
    code, _, err = run("contacts", "ring12", "--out", "plan.txt")
    assert code == 2
    assert "'plan.txt' does not say what to write" in err
    code, _, err = run("contacts", "ring12", "--format", "ion")
    assert (code, "Add --out FILE" in err) == (2, True)
    code, _, err = run("contacts", "ring12", "--out", str(tmp_path / "no" / "such.ionrc"))
    assert (code, "cannot be written" in err) == (2, True)


def test_routes_shows_the_hops(run):
    code, out, err = run("routes", "ring12", "--from", "sat-05", "--at", "+30")
    lines = out.splitlines()

    assert (code, err) == (0, "")
    assert lines[0].rstrip() == "the way: 10 kB from SAT-05 at 2026-06-14T00:30:00.000Z"
    hops = [line.split() for line in lines[3:]]
    assert hops[0][0] == "SAT-05"
    assert all(before[1] == after[0] for before, after in pairwise(hops))
    assert hops[-1][1] in {"Svalbard", "Troll"}
    assert f"{len(hops)} hops, there at 2026-06-14T00:30:00.0" in lines[1]


def test_routes_to_a_node_at_a_time(run):
    code, out, _ = run(
        *("routes", "ring12", "--from", "SAT-05", "--to", "SAT-03", "--size", "1000000"),
        *("--at", "2026-06-14T03:00:00Z", "--priority", "bulk", "--disjoint"),
    )
    first, second = out.split("a second way: ")

    assert code == 0
    assert [line.split()[1] for line in first.splitlines()[3:]] == ["SAT-04", "SAT-03"]
    hops = [line.split()[:2] for line in second.splitlines()[3:]]
    assert hops[0] == ["SAT-05", "SAT-06"]
    assert hops[-1] == ["SAT-02", "SAT-03"]


def test_routes_through_somebody_elses_plan(run, tmp_path):
    file = tmp_path / "theirs.ionrc"
    file.write_text(
        "@ 2020/01/01-00:00:00\na contact +60 +90 4 7 1000\na range +0 +90 4 7 2\n", "utf-8"
    )
    code, out, _ = run(
        *("routes", "--plan", str(file), "--from", "ipn:4", "--to", "ipn:7", "--size", "1000"),
        *("--at", "2020-01-01T00:01:00Z", "--disjoint"),
    )
    assert code == 0
    assert "1 hop, there at 2020-01-01T00:01:03.000Z, after 3.0 s" in out
    assert "no second way" in out
    code, _, err = run("routes", "--plan", str(file), "--from", "ipn:4", "--at", "+1")
    assert (code, "It spans 2020-01-01T00:01:00.000Z to" in err) == (2, True)


def test_names_are_nobodys_markup(run, tmp_path):
    file = tmp_path / "odd.toml"
    file.write_text(
        'base = "ring12"\n[[stations]]\nname = "[red]Pole"\nlatitude_deg = 80\nlongitude_deg = 0\n',
        "utf-8",
    )
    assert "[red]Pole" in run("routes", str(file), "--from", "SAT-01", "--at", "+5")[1]


def test_routes_refuses_names_and_times_that_there_are_not(run):
    code, _, err = run("routes", "ring12", "--from", "SAT-5")
    assert code == 2
    assert "option --from: there is no node 'SAT-5'. Near it: SAT-05" in err
    assert "Among its 14 nodes: SAT-01" in run("routes", "ring12", "--from", "Moon")[2]
    assert "Missing option '--from'" in run("routes", "ring12")[2]
    assert "'noon' is no time" in run("routes", "--from", "SAT-05", "--at", "noon")[2]
    assert "is outside the plan" in run("routes", "--from", "SAT-05", "--at", "+1e6")[2]
    code, _, err = run("routes", "--from", "SAT-05", "--size", "10000000000000")
    assert (code, "nothing of 10 TB gets from SAT-05 to any" in err) == (2, True)
