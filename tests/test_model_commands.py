"""The commands about language models, as a user gives them."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from orbitloom.cli import app
from orbitloom.errors import InputFileError, ModelError

RUN = CliRunner()
ALERT = {
    "id": "SAT-06-7",
    "type": "Feature",
    "geometry": None,
    "properties": {
        "kind": "alert",
        "target": "Wuhan",
        "event": "flood",
        "severity": "Moderate",
        "confidence": 0.97,
        "sensed": "2026-06-14T03:09:32.211Z",
        "satellite": "SAT-06",
        "area_km2": 3.388,
        "area_sigma_km2": 0.031,
    },
}


@pytest.fixture
def alert(tmp_path):
    file = tmp_path / "answer.geojson"
    file.write_text(json.dumps(ALERT))
    return file


def test_an_alert_is_put_into_words(alert):
    told = RUN.invoke(app, ["model", "word", str(alert), "--model", "template"])
    assert told.exit_code == 0
    assert "Flood at Wuhan, 3.39 ± 0.03 km²" in told.output
    assert "[template]" in told.output


def test_all_that_is_known_of_the_words_is_a_line_of_json(alert):
    told = RUN.invoke(app, ["model", "word", str(alert), "--model", "template", "--json"])
    record = json.loads(told.output)
    assert (record["product"], record["writer"]) == ("SAT-06-7", "template")
    assert len(record["digest"]) == len(record["provenance"]["prompt_sha256"]) == 64


def test_without_the_weights_the_template_speaks_and_says_so(alert, monkeypatch):
    def missing(name):
        raise ModelError("the weights are not installed", way_out="Get them: ...")

    monkeypatch.setattr("orbitloom.processing.language.runtime.open_model", missing)
    told = RUN.invoke(app, ["model", "word", str(alert)])
    assert told.exit_code == 0
    assert "not installed. Get them" in told.stderr
    assert "[template]" in told.stdout


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("no JSON", "is no answer"),
        ("[]", "is no answer"),
        (json.dumps(ALERT | {"properties": {"kind": "nothing_found"}}), "is no alert"),
    ],
)
def test_what_is_no_alert_is_refused(alert, content, why):
    alert.write_text(content)
    told = RUN.invoke(app, ["model", "word", str(alert)])
    assert isinstance(told.exception, InputFileError)
    assert why in str(told.exception)


@pytest.mark.parametrize("arguments", [["check", "gpt"], ["check", "template"]])
def test_what_is_no_model_is_refused(arguments):
    told = RUN.invoke(app, ["model", *arguments])
    assert isinstance(told.exception, ModelError)


def test_the_list_says_what_can_be_had():
    told = RUN.invoke(app, ["model", "list"])
    assert told.exit_code == 0
    for name in ("embedded", "FILE.gguf", "http://host:port/v1#name", "template"):
        assert name in told.output
