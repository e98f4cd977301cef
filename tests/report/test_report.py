from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
import pytest
from rich.console import Console

from orbitloom.errors import OutputError
from orbitloom.report.html import card, page
from orbitloom.report.land import land
from orbitloom.report.report import Report, run_record
from orbitloom.report.summary import summary
from orbitloom.report.words import duration_words
from orbitloom.wire import Answer, canonical_json

_HOSTILE = '<script>alert("x")</script> & $\\frac{1}{2}$ "quoted" \'y\''
_VOID = {"meta", "img", "image", "use", "path", "br"}


class _Page(HTMLParser):
    """Collects what matters of a page, and checks that tags close in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def html(flight) -> str:
    return Report(flight).to_html()


def test_the_page_is_well_formed_and_says_what_it_is(html):
    page = _Page(html)
    tags = dict(page.tags)
    assert tags["html"]["lang"] == "en"
    assert "title" in tags
    assert html.startswith("<!DOCTYPE html>")


def test_the_page_loads_nothing(html):
    for tag, attributes in _Page(html).tags:
        assert tag not in {"script", "link", "iframe", "object", "embed"}
        for name in ("src", "href"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:", "#"))
    assert "@import" not in html
    assert "url(" not in html


def test_every_picture_has_words(html, flight):
    tags = _Page(html).tags
    charts = [attributes for tag, attributes in tags if tag == "img"]
    assert len(charts) == 5
    assert all(len(attributes["alt"] or "") > 20 for attributes in charts)
    drawings = [attributes for tag, attributes in tags if tag == "svg"]
    alerts = sum(answer.kind == "alert" for answer in flight.answers.values())
    assert len(drawings) == 2 * alerts > 0
    assert all(attributes["aria-label"] for attributes in drawings)


def test_the_same_flight_gives_the_same_page(html, make_flight):
    assert Report(make_flight()).to_html() == html
    assert len(html) < 6_000_000


def test_the_page_shows_every_arm_station_satellite_and_alert(html, flight):
    text = " ".join(_Page(html).text)
    for name in (*flight.arms, *flight.satellites):
        assert name in text
    for task, answer in zip(flight.tasks, flight.answers.values(), strict=True):
        assert (task.target in text) or answer.kind != "alert"
    for arm in Report(flight).summary["arms"].values():
        assert duration_words(arm["latency_s"]["p50"]) in text
    for service in ("Copernicus EMS", "ICEYE", "EarthSight"):
        assert service in text
    assert "no pixels are made of it" in text


def test_hostile_names_stay_text(make_flight):
    flight = make_flight(names=dict.fromkeys(range(14), _HOSTILE))
    report = Report(flight)
    tags = _Page(report.to_html())
    assert "script" not in {tag for tag, _ in tags.tags}
    assert any(_HOSTILE in text for text in tags.text)
    assert any(_HOSTILE in (attributes.get("aria-label") or "") for _, attributes in tags.tags)


def test_one_arm_and_no_capture_still_make_a_page(make_flight):
    _Page(Report(make_flight(arms=("bentpipe",))).to_html())
    empty = Report(make_flight(captures=0)).to_html()
    assert "No alert was raised" in " ".join(_Page(empty).text)


def test_a_notebook_gets_a_card(flight):
    report = Report(flight)
    short = report._repr_html_()
    assert short == card(report.summary, report.gain)
    assert "14 of 14" in short
    assert len(short) < 10_000
    assert "flood12: 14 captures" in repr(report)


def test_the_terminal_gets_a_table(flight, tmp_path):
    console = Console(width=120, file=io.StringIO())
    console.print(Report(flight, folder=tmp_path))
    text = console.file.getvalue()
    for words in ("14 of 14", "11 of 14", "not by the end", "recall 1.00", "Copernicus EMS"):
        assert words in text
    assert "report.html" in text
    assert re.search(r"latency p90 +1 min 29 s +4 h 18 min +not by the end", text)


def test_saving_writes_the_files(flight, tmp_path):
    report = Report(flight)
    folder = report.save(tmp_path / "out", run=run_record(wall_s=1.25, executor="threads"))
    assert sorted(file.name for file in folder.iterdir()) == [
        "ledger.parquet", "report.html", "run.json", "summary.json",
    ]  # fmt: skip
    assert json.loads((folder / "summary.json").read_bytes()) == report.summary
    assert len(pd.read_parquet(folder / "ledger.parquet")) == len(flight.ledger)
    run = json.loads((folder / "run.json").read_bytes())
    assert run["wall_s"] == 1.25
    assert run["finished"] is True
    assert run["machine"]["cpus"] >= 1
    assert report.folder == folder
    assert page(flight, report.summary, report.gain) == (folder / "report.html").read_text("utf-8")


def test_a_place_that_cannot_be_written_is_said(flight, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        Report(flight).save(tmp_path / "file")


def test_land_is_where_it_is():
    mask = land()
    assert mask.shape == (360, 720)
    for latitude, longitude, dry in (
        (47.0, 8.0, True), (-25.0, 134.0, True), (-80.0, 0.0, True),
        (0.0, -30.0, False), (0.0, 80.0, False), (85.0, 0.0, False),
    ):  # fmt: skip
        assert mask[int((90 - latitude) * 2), int((longitude + 180) * 2)] == dry
    assert 0.25 < mask.mean() < 0.4


def test_what_is_no_flood_is_not_judged_as_one(flight):
    told = Report(_of_another_app(flight))
    console = Console(width=120, file=io.StringIO())
    console.print(told)
    assert set(told.summary["quality"].values()) == {None}
    assert set(told.summary["quality"]) == set(Report(flight).summary["quality"])
    assert "does not know" in console.file.getvalue()
    text = " ".join(_Page(told.to_html()).text)
    assert "km² of vegetation" in text
    for words in ("false alert", "under water", "IoU", "of the floods"):
        assert words not in text


def _of_another_app(flight):
    """The same answers, but the alerts speak of vegetation."""
    answers = {}
    for capture, answer in flight.answers.items():
        feature = json.loads(answer.record)
        if "event" in feature["properties"]:
            feature["properties"]["event"] = "vegetation"
        answers[capture] = Answer(record=canonical_json(feature), chip=answer.chip)
    scenario = flight.scenario.model_copy(update={"app": "greenness"})
    scores = {
        capture: replace(score, app="greenness", claimed="vegetation" if score.claimed else "")
        for capture, score in flight.scores.items()
    }
    return replace(flight, scenario=scenario, answers=answers, scores=scores)


def test_a_page_of_a_thousand_satellites_is_no_larger_and_names_the_worst(
    make_flight, flight
) -> None:
    large = make_flight(fleet=1000)
    worst = min(large.arms["orbit"].satellites, key=lambda one: one.lowest_wh)
    html = Report(large).to_html()
    assert "How the energy of 1,000 satellites spreads (orbit)" in html
    assert worst.name in html
    rows = [name for name in large.satellites if f"<td>{name}</td>" in html]
    assert len(rows) <= 12
    assert len(html) < len(Report(flight).to_html()) + 1_000_000
    assert summary(large).keys() == summary(flight).keys()
