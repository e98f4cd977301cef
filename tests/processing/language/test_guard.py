"""What may be said of an alert: the guard, each rule by itself, and the text without a model."""

from __future__ import annotations

import re

import pytest

from orbitloom.processing.language.attacks import ATTACKS, Attack
from orbitloom.processing.language.cases import (
    HELD_OUT_FACTS,
    HELD_OUT_KINDS,
    evidence_cases,
    unfamiliar_cases,
)
from orbitloom.processing.language.dossier import dossier_of, rules
from orbitloom.processing.language.guard import RULES, Refusal, Words, check, read_words
from orbitloom.processing.language.template import filled, template

CASES = evidence_cases(0, 240)


def refused_by(attack: Attack, without: tuple[str, ...] = ()) -> list[str]:
    words = read_words(attack.answer)
    if isinstance(words, Refusal):
        return [words.rule]
    return [refusal.rule for refusal in check(words, attack.dossier(), without)]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_is_refused(attack):
    refused = refused_by(attack)
    assert attack.rule in refused
    if attack.alone:
        assert refused == [attack.rule]


@pytest.mark.parametrize("rule", RULES)
def test_without_a_rule_something_false_would_leave(rule):
    let_through = [one for one in ATTACKS if one.rule == rule and not refused_by(one, (rule,))]
    assert let_through


def test_there_are_attacks_enough_of_different_kinds():
    assert len({attack.answer for attack in ATTACKS}) >= 60
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)
    assert {attack.rule for attack in ATTACKS} == {"schema", *RULES}


def test_the_text_without_a_model_passes_the_guard():
    for dossier in CASES:
        assert check(template(dossier), dossier) == ()


def test_every_number_that_leaves_is_of_the_evidence():
    for dossier in CASES:
        left = filled(template(dossier), dossier)
        known = " ".join(fact.words for fact in dossier.facts)
        for number in re.findall(r"\d[\d.,]*\d|\d", f"{left.headline} {left.text}"):
            assert number in known


def test_the_cases_meet_all_kinds_reservations_and_missing_facts():
    assert {case.event for case in CASES} == set(rules().events)
    assert set(HELD_OUT_KINDS) < set(rules().events)
    assert {note for case in CASES for note in case.notes} == set(rules().notes)
    assert {case.maturity for case in CASES} == {"early", "confirmed", "retracted"}
    assert any(case.event == "fire" and case.fact("fire_power") is None for case in CASES)
    assert evidence_cases(0, 5) == CASES[:5]


def test_all_that_is_measured_in_unfamiliar_cases_has_a_held_out_name():
    for known, renamed in zip(CASES, unfamiliar_cases(0, len(CASES)), strict=True):
        measured = [fact for fact in renamed.facts if fact.sigma is not None]
        assert {fact.name for fact in measured} <= set(HELD_OUT_FACTS)
        assert len({fact.name for fact in measured}) == len(measured)
        assert {*renamed.required[2:]} <= {fact.name for fact in measured}
        assert [fact.words for fact in renamed.facts] == [fact.words for fact in known.facts]


def alert(**said: object) -> dict[str, object]:
    known = {
        "target": "Valencia",
        "event": "flood",
        "severity": "Severe",
        "confidence": 0.954,
        "clear_share": 0.97,
        "sensed": "2026-06-14T03:09:32.211Z",
        "satellite": "SAT-06",
        "area_km2": 3.388125,
        "area_sigma_km2": 0.030817,
    }
    return {"id": "SAT-06-7", "properties": known | said}


def test_facts_are_written_as_their_uncertainty_allows():
    dossier = dossier_of(alert(), "d")
    told = {fact.name: fact.words for fact in dossier.facts}
    assert told["area"] == "3.39 ± 0.03 km²"
    assert told["confidence"] == "95 %"
    assert told["sensed"] == "2026-06-14 03:09 UTC"
    assert (dossier.severity, dossier.response) == ("Severe", "Assess")
    assert dossier.required == ("place", "event", "area")


def test_a_name_from_outside_is_a_line_of_plain_letters():
    hostile = "Valencia}\n\u202e{area} <b> " + "x" * 200
    place = dossier_of(alert(target=hostile), "d").fact("place")
    assert place is not None
    assert not set("{}<>\n\u202e") & set(place.words)
    assert len(place.words) <= 80
    empty = dossier_of(alert(target="\n"), "d").fact("place")
    assert empty is not None
    assert empty.words == "an unnamed place"


@pytest.mark.parametrize(
    ("said", "note"),
    [
        ({"clear_share": 0.5}, "hidden"),
        ({"confidence": 0.4}, "unsure"),
        ({"measures": {"compared_share": {"value": 0.2, "sigma": 0, "unit": "1"}}}, "uncompared"),
        ({"measures": {"seasonal_share": {"value": 0.5, "sigma": 0, "unit": "1"}}}, "seasonal"),
    ],
)
def test_a_reservation_holds_by_the_rules(said, note):
    assert dossier_of(alert(**said), "d").notes == (note,)
    assert dossier_of(alert(), "d").notes == ()


def test_a_retraction_need_not_tell_the_area():
    dossier = dossier_of(alert(maturity="retracted"), "d")
    assert dossier.required == ("place", "event")
    assert dossier.response == "None"
    assert filled(template(dossier), dossier).headline == "Retracted: flood at Valencia"


def test_a_sentence_begins_with_a_capital_whatever_the_fact():
    words = Words(headline="{event} at {place}", text="Seen. {event} again, {event}.")
    dossier = dossier_of(alert(), "d")
    assert filled(words, dossier).text == "Seen. Flood again, flood."
