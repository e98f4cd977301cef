"""Words that follow an alert through a flight: never before it, never instead of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pystac
import pytest

from orbitloom.errors import ModelError
from orbitloom.processing.language.attacks import ATTACKS
from orbitloom.processing.language.chat import Capabilities, Identity, Reply, Request
from orbitloom.processing.language.writer import write
from orbitloom.report.ledger import breaks
from orbitloom.report.summary import summary
from orbitloom.scenario import Scenario
from orbitloom.twin.flight import fly
from orbitloom.twin.result import FlightResult, WordsFate
from orbitloom.world.geometry import World

Small = Callable[..., Scenario]
ABLE = Capabilities(schema=True, grammar=True)


class Server:
    """A model that writes two plain sentences, and counts for itself what it has been asked."""

    def __init__(self, silent_after: int = 10**9, says: Sequence[str] = ()) -> None:
        self.requests = self.read = self.written = 0
        self._silent_after, self._says = silent_after, says

    identity = Identity(model="mock", runtime="none", weights_sha256="ab" * 32)

    def complete(self, request: Request) -> Reply:
        if self.requests >= self._silent_after:
            raise ModelError("its process has ended", where="mock")
        self.requests += 1
        asked = request.messages[-1]["content"]
        needed = re.search(r"must use: (.*)", asked).group(1).split()
        text = f"{{event}} was seen at {{place}}. {' '.join(f'It shows {n}.' for n in needed[2:])}"
        told = json.dumps({"headline": "{event} at {place}", "text": text.strip()})
        if self._says:
            told = self._says[self.requests % len(self._says)]
        self.read += len(asked)
        self.written += len(told)
        return Reply(
            text=told,
            prompt_tokens=len(asked),
            completion_tokens=len(told),
            seconds=0.0,
            finish="stop",
        )


def flown(scenario: Scenario, server: Server | None, folder: Path | None = None) -> FlightResult:
    writer = write if server is None else partial(write, endpoint=server, able=ABLE)
    with ThreadPoolExecutor(2) as executor:
        return fly(scenario, executor=executor, folder=folder, writer=writer)


@pytest.fixture(scope="module")
def scenario(small: Small) -> Scenario:
    return small(arms=("orbit", "raw"), hours=1.5, survey={"duty_s_per_orbit": 0.0})


@pytest.fixture(scope="module")
def by_model(scenario: Scenario, tmp_path_factory) -> tuple[FlightResult, Server, Path]:
    server, folder = Server(), tmp_path_factory.mktemp("model")
    return flown(scenario, server, folder), server, folder


@pytest.fixture(scope="module")
def by_template(scenario: Scenario, tmp_path_factory) -> tuple[FlightResult, Path]:
    folder = tmp_path_factory.mktemp("template")
    return flown(scenario, None, folder), folder


def writers(folder: Path) -> list[str]:
    catalog = pystac.Catalog.from_file(str(folder / "catalog" / "catalog.json"))
    items = catalog.get_items(recursive=True)
    return sorted(
        item.properties["orbitloom:writer"]
        for item in items
        if item.properties["orbitloom:kind"] == "alert"
    )


def test_words_follow_every_alert_and_the_server_s_tokens_are_the_report_s(by_model):
    result, server, folder = by_model
    figures = summary(result)
    told = figures["words"]
    alerts = sum(answer.kind == "alert" for answer in result.answers.values())
    assert told["alerts"] == told["model"] == alerts >= 3
    assert (told["prompt_tokens"], told["completion_tokens"]) == (server.read, server.written)
    assert server.requests == alerts, "both arms share one text an answer"
    assert figures["arms"]["orbit"]["words"]["delivered"] == alerts
    assert writers(folder) == ["model"] * alerts
    assert len(list((folder / "inbox").glob("*-words.xml"))) == alerts
    assert breaks(result) == []


def test_no_alert_waits_for_its_words(by_model, by_template):
    """Satellites see one place each here, so what the model does delays no other answer."""
    result, _, _ = by_model
    for arm in ("orbit", "raw"):
        for fate, other in zip(result.arms[arm].fates, by_template[0].arms[arm].fates, strict=True):
            assert fate.inbox_ns == other.inbox_ns
            assert fate.digest == other.digest
    sent = {fate.capture: fate.inbox_ns for fate in result.arms["orbit"].fates}
    for words in result.arms["orbit"].words:
        assert words.inbox_ns > sent[words.capture]
    begun = {
        row.capture: row.start_ns
        for row in reversed(result.ledger)
        if row.arm == "orbit" and row.product == "words"
    }
    left = {
        row.capture: row.start_ns
        for row in result.ledger
        if row.arm == "orbit" and row.product == "answer" and row.step == "L4"
    }
    assert begun.keys() == sent.keys() & begun.keys()
    assert all(begun[capture] > left[capture] for capture in begun)


def test_each_satellite_pays_the_model_claimed_for_the_tokens_counted(by_model):
    from orbitloom.processing.inference import writing_cost

    result, _, _ = by_model
    for capture, written in result.words.items():
        (attempt,) = written.attempts
        model = result.scenario.model.model_copy(
            update={
                "prompt_tokens": attempt.prompt_tokens,
                "answer_tokens": attempt.completion_tokens,
            }
        )
        cost = writing_cost(model, result.scenario.compute)
        (row,) = [
            row
            for row in result.ledger
            if (row.arm, row.capture, row.step) == ("orbit", capture, "words")
        ]
        assert row.joules == pytest.approx(cost.joules, rel=1e-9)
        assert (row.end_ns - row.start_ns) / 1e9 == pytest.approx(cost.seconds, abs=2e-9)


def test_a_model_killed_in_mid_flight_gives_way_to_the_template(scenario, by_model, tmp_path):
    whole = by_model[0]
    server = Server(silent_after=2)
    result = flown(scenario, server, tmp_path)
    told = summary(result)["words"]
    assert breaks(result) == []
    assert (told["model"], told["template"]) == (2, told["alerts"] - 2)
    assert told["silent"] == told["template"] > 0
    assert (told["prompt_tokens"], told["completion_tokens"]) == (server.read, server.written)
    assert writers(tmp_path) == ["model"] * 2 + ["template"] * told["template"]
    assert summary(result)["digest"] == summary(whole)["digest"]
    orbit = summary(result)["arms"]["orbit"]
    assert (orbit["delivered"], orbit["lost"]) == (len(result.tasks), 0)


def test_an_adversary_changes_neither_severity_nor_action_nor_rank(scenario, by_template):
    """A model that answers with one attack after the other, at a flood that is early."""
    only = scenario.model_copy(update={"arms": ("orbit",)})
    said = [one.answer for one in ATTACKS if (one.event, one.maturity) == ("flood", "early")]
    result, calm = flown(only, Server(says=said)), by_template[0]
    told = summary(result)["words"]
    assert (told["model"], told["template"]) == (0, told["alerts"])
    assert sum(told["refused"].values()) >= 2 * told["alerts"]
    answers = [{c: a.to_bytes() for c, a in one.answers.items()} for one in (result, calm)]
    assert answers[0] == answers[1], "severity, confidence and rank stand in the record"
    order = [[fate.inbox_ns for fate in one.arms["orbit"].fates] for one in (result, calm)]
    assert order[0] == order[1]
    for capture, written in result.words.items():
        assert written.words == calm.words[capture].words, "the action is in the template's text"


def test_a_satellite_in_eclipse_hands_its_writing_on(small):
    """Images need daylight, so answers are made in it; here they take half an orbit to make."""
    scenario = small(
        arms=("orbit",),
        hours=2.0,
        survey={"duty_s_per_orbit": 0.0},
        compute={"kernel_efficiency": 1e-9, "peak_tops": 60.0},
    )
    kept = scenario.model_copy(
        update={"model": scenario.model.model_copy(update={"hand_on_below": 0.0})}
    )
    given, stayed = flown(scenario, Server()), flown(kept, Server())
    assert breaks(given) == breaks(stayed) == []
    world, places = World(scenario), [work_places(one) for one in (given, stayed)]
    at_night = [
        words
        for words in given.arms["orbit"].words
        if words.handed_on_to
        and sunlight(world, given.tasks[words.capture].satellite, begun_ns(given, words)) == 0.0
    ]
    assert at_night
    for words in at_night:
        task = given.tasks[words.capture]
        assert places[0][words.capture] == words.handed_on_to
        assert places[1][words.capture] == task.satellite
        assert sunlight(world, words.handed_on_to, begun_ns(given, words)) > 0.0
        assert words.laser_bytes >= len(given.answers[words.capture].to_bytes())
    # What the one saves the other spends.
    used_wh = [
        {one.name: one.consumed_wh for one in flight.arms["orbit"].satellites}
        for flight in (given, stayed)
    ]
    saved_wh = {name: used_wh[1][name] - used_wh[0][name] for name in used_wh[0]}
    relieved = {given.tasks[words.capture].satellite for words in at_night}
    assert all(saved_wh[name] > 0.1 for name in relieved - {w.handed_on_to for w in at_night})
    assert sum(saved_wh.values()) == pytest.approx(0.0, abs=1e-3)


def work_places(flight: FlightResult) -> dict[int, str]:
    return {row.capture: row.node for row in flight.ledger if row.step == "words"}


def begun_ns(flight: FlightResult, words: WordsFate) -> int:
    rows = (r for r in flight.ledger if r.capture == words.capture and r.product == "words")
    return next(rows).start_ns


def sunlight(world: World, satellite: str, t_ns: int) -> float:
    times, shares = world.sunlight(world.ephemeris.names.index(satellite))
    return float(shares[np.searchsorted(times, t_ns, side="right") - 1])
