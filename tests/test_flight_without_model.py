"""A flight where the embedded model is not installed: it flies, and says in a line what to do."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from orbitloom import api
from orbitloom.errors import ModelError
from orbitloom.scenario import Scenario, load


@pytest.fixture
def short() -> Scenario:
    return load("flood12", hours=0.2, arms=("orbit",), instrument={"columns": 300, "lines": 300})


def test_it_flies_and_says_how_to_get_the_model(monkeypatch, short):
    def missing(name: str) -> None:
        raise ModelError("the weights are not installed", way_out="pip install them")

    monkeypatch.setattr(api, "open_model", missing)
    report = api.fly(short)
    words = report.summary["words"]
    assert words["template"] == words["alerts"] > 0
    assert report.note == (
        "the weights are not installed. pip install them. The template words the alerts."
    )
    console = Console(width=200, file=io.StringIO())
    console.print(report)
    assert report.note in console.file.getvalue()


def test_another_model_that_cannot_be_had_ends_it_before_the_flight(tmp_path, short):
    with pytest.raises(ModelError, match="does not answer"):
        api.fly(short, model="http://127.0.0.1:9/v1#x", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_scenario_names_the_model_and_an_option_wins(short):
    named = short.model_copy(update={"model": short.model.model_copy(update={"writer": "gpt"})})
    with pytest.raises(ModelError, match="gpt"):
        api.fly(named)
    assert api.fly(named, model="template").summary["words"]["by"] is None
