"""`orbitloom study waits` and `orbitloom study latency`, as they are typed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import pytest

from orbitloom import cli


@pytest.fixture
def run(monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["orbitloom", "study", *arguments])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return run


def test_waits(run, tmp_path):
    code, out, err = run(
        *("waits", "scs01", "--satellites", "own,12", "--nets", "polar2,own", "--hours", "3"),
        *("--step", "60", "--out", str(tmp_path)),
    )
    told = json.loads((tmp_path / "waits.json").read_text(encoding="utf-8"))

    assert (code, err) == (0, "")
    assert "scs01: how long a capture waits for a contact" in out
    assert [line.split()[0] for line in out.splitlines()[3:7]] == ["own", "own", "12", "12"]
    assert told["captures_hours"] == pytest.approx(2.125)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "waits.html",
        "waits.json",
        "waits.png",
    ]


def test_latency(run, tmp_path):
    code, out, err = run(
        *("latency", "--satellites", "12", "--nets", "polar2", "--captures", "20", "--hours", "2"),
        *("--rates", "own,500", "--terminals", "3", "--shared", "--out", str(tmp_path)),
    )
    told = json.loads((tmp_path / "latency.json").read_text(encoding="utf-8"))

    assert (code, err) == (0, "")
    assert "ring12: how long 10 kB take to a station" in out
    assert all(len(line) <= 80 for line in out.splitlines()[:-1])
    assert (told["lines"][0]["terminals"], told["shared"], told["captures"]) == (3, True, 20)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("waits", "--satellites", "few"), "option --satellites: 'few' is no fleet"),
        (("latency", "--nets", "moon"), "option --nets: there is no station net 'moon'"),
        (("latency", "--rates", "fast"), "option --rates: 'fast' is no rate"),
        (("latency", "--terminals", "2,9"), "option --terminals: '9' is no number"),
        (("latency", "--rates", "-5"), "option --rates: '-5' is no rate"),
    ],
)
def test_what_is_wrong_is_named(run, options, message):
    code, _, err = run(*options)
    assert code == 2
    assert message in err
