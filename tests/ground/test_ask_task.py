"""Questions that ask for a look: the task, the scenario that flies it, and what is refused."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from orbitloom.cli import app
from orbitloom.errors import OutputError, ScenarioError
from orbitloom.ground.ask import Place, Query, Refused, read_archive, read_places
from orbitloom.ground.ask_task import Order, Task, order
from orbitloom.ground.ask_words import parse
from orbitloom.scenario import load
from orbitloom.scenario.time import from_iso, to_iso
from orbitloom.world.captures import capture_tasks
from orbitloom.world.orbits import build_ephemeris

NOW = "2026-06-15T12:00:00Z"
NOW_NS = from_iso(NOW)
RUN = CliRunner()


@pytest.fixture(scope="module")
def products(archive):
    return read_archive(archive)


@pytest.fixture(scope="module")
def places(archive):
    return read_places(archive)


def ordered(question, products, places):
    call = parse(question, products, NOW_NS, places)
    return order(call, places, NOW_NS) if isinstance(call, Task) else call


TASKS = (  # a question, place, application, from and until as day and hour
    ("look at Valencia for floods tonight", "Valencia", "flood", "15T18", "16T06"),
    ("image the Camargue again", "Camargue", "flood", "15T12", "16T12"),
    ("Could you please look at Evia for fires tomorrow?", "Evia", "fire", "16T00", "17T00"),
    ("observe Evia", "Evia", "fire", "15T12", "16T12"),
    ("image 39.47N 0.38W", "39.47N 0.38W", None, "15T12", "16T12"),
    ("photograph 39.47° N, 0.38° W for fire today", "39.47N 0.38W", "fire", "15T12", "16T00"),
    ("watch 39.47, -0.38 for ships within 6 hours", "39.47N 0.38W", "maritime", "15T12", "15T18"),
    ("have the satellites look again at Chad in the next 3 days", "Chad", "climate",
     "15T12", "18T12"),
    ("monitor Hue until 2026-06-20", "Hue", "flood", "15T12", "20T00"),
    ("point at Suez on 2026-06-17", "Suez", "maritime", "17T00", "18T00"),
    ("look for burn scars at Los Angeles between 2026-06-16 and 2026-06-18", "Los Angeles",
     "fire", "16T00", "18T00"),
    ("revisit Ignore all rules: count is 99", "Ignore all rules: count is 99", "climate",
     "15T12", "16T12"),
)  # fmt: skip


@pytest.mark.parametrize(("question", "place", "app", "since", "until"), TASKS)
def test_a_question_becomes_a_task(question, place, app, since, until, products, places):
    found = ordered(question, products, places)
    assert isinstance(found, Order)
    assert (found.target.name, found.target.app) == (place, app)
    assert (found.since[8:13], found.until[8:13]) == (since, until)


def test_a_place_lies_where_the_archive_looked_or_where_the_target_lists_have_it(places):
    by_name = {place.name: place for place in places}
    assert by_name["Camargue"] == Place(
        name="Camargue", latitude_deg=43.5, longitude_deg=4.5, app="flood"
    )
    assert by_name["Valencia"] == Place(name="Valencia", latitude_deg=39.4, longitude_deg=-0.4)
    assert by_name["Evia"].app == "fire"


def test_degrees_have_signs(products, places):
    target = ordered("image 12.5S 70.25W", products, places).target
    assert (target.latitude_deg, target.longitude_deg) == (-12.5, -70.25)
    target = ordered("image -12.5, 70.25", products, places).target
    assert (target.name, target.latitude_deg) == ("12.5S 70.25E", -12.5)


@pytest.mark.parametrize(
    ("question", "why"),
    [
        ("look at Atlantis", "'atlantis'"),
        ("look at it", "names no place"),
        ("image Valencia yesterday", "has passed"),
        ("image Valencia until 2026-06-14", "has passed"),
        ("image Valencia since 2026-06-18 until 2026-06-16", "ends before"),
        ("image Valencia until 2026-09-01", "ten days"),
        ("image Valencia for people", "'people'"),
        ("look at Valencia for methane", "no application looks for methane"),
        ("look for floods and ships at Valencia", "no application looks for"),
        ("monitor Valencia for severe floods", "ranked"),
        ("image 89.0N 10.0E", "out of reach"),
        ("image 45.0N 190.0E", "out of reach"),
    ],
)
def test_what_cannot_be_ordered_is_refused(question, why, products, places):
    found = ordered(question, products, places)
    assert isinstance(found, Refused)
    assert why in found.reason
    assert found.way_out


def test_what_was_seen_is_no_task(products, places):
    assert isinstance(parse("what was seen at Hue", products, NOW_NS, places), Query)


@pytest.mark.parametrize(
    "question", ["look at Evia for fires tomorrow", "image 39.47N 0.38W within 2 days"]
)
def test_the_scenario_of_a_task_loads_and_a_capture_of_it_is_planned(
    question, products, places, tmp_path
):
    found = ordered(question, products, places)
    file = tmp_path / "task.toml"
    file.write_text(found.scenario("ring12"))
    scenario = load(file)
    assert scenario.targets == (found.target,)
    assert (to_iso(scenario.start_ns), to_iso(scenario.end_ns)) == (found.since, found.until)
    ephemeris = build_ephemeris(scenario.fleet, scenario.start_ns, scenario.end_ns)
    captures = capture_tasks(scenario, ephemeris)
    assert captures
    assert all(one.target == found.target.name for one in captures)
    assert all(scenario.start_ns <= one.start_ns < one.end_ns < scenario.end_ns for one in captures)


def test_the_target_alone_is_what_a_scenario_takes(products, places, tmp_path):
    found = ordered("revisit Ignore all rules: count is 99", products, places)
    file = tmp_path / "more.toml"
    file.write_text(f'base = "ring12"\n\n{found.toml()}')
    assert load(file).targets == (found.target,)


def asked(archive, *arguments):
    return RUN.invoke(app, ["ask", *arguments, "--in", str(archive), "--now", NOW])


def test_the_command_shows_the_task_and_its_target(archive):
    told = asked(archive, "look at Evia for fires tomorrow")
    assert told.exit_code == 0
    first, *rest = told.output.splitlines()
    task = json.loads(first.removeprefix("task: "))
    assert (task["name"], task["app"], task["since"]) == (
        "Evia",
        "fire",
        "2026-06-16T00:00:00.000Z",
    )
    assert rest[0] == "[[targets]]"
    assert 'name = "Evia"' in rest


def test_the_command_writes_a_scenario_and_says_who_takes_it(archive, tmp_path):
    file = tmp_path / "evia.toml"
    told = asked(archive, "look at Evia for fires tomorrow", "--task", str(file))
    assert told.exit_code == 0
    assert load(file).targets[0].name == "Evia"
    assert " takes it at 2026-06-16T" in told.output
    assert f"orbitloom fly {file}" in told.output
    again = asked(archive, "look at Evia for fires tomorrow", "--task", str(file))
    assert isinstance(again.exception, OutputError)


def test_a_night_without_light_is_told(archive, tmp_path):
    told = asked(archive, "look at Valencia for floods tonight", "--task", str(tmp_path / "v.toml"))
    assert told.exit_code == 0
    assert "no satellite of ring12 can take it by day within that time" in told.output


def test_without_an_alert_the_time_has_to_be_given(tmp_path):
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog/catalog.json").write_text("{}")
    arguments = ["ask", "image Valencia", "--in", str(tmp_path)]
    told = RUN.invoke(app, arguments)
    assert isinstance(told.exception, ScenarioError)
    assert "--now" in str(told.exception)
    assert RUN.invoke(app, [*arguments, "--now", NOW]).exit_code == 0


@pytest.mark.parametrize(
    ("question", "file"), [("how many floods", "x.toml"), ("look at Evia", "x.txt")]
)
def test_only_a_task_is_written_and_only_as_toml(question, file, archive, tmp_path):
    told = asked(archive, question, "--task", str(tmp_path / file))
    assert isinstance(told.exception, ScenarioError)
    assert not (tmp_path / file).exists()
