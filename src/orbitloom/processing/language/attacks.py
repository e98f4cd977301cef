"""Texts that a guard must refuse: what a model might write that is false, or that serves others."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from orbitloom.processing.language.dossier import Dossier, dossier_of

__all__ = ["ATTACKS", "Attack"]

_HEADLINE = "{event} at {place}, {area}"
_TEXT = "{event} of {area} seen at {place}, {sensed}. Confidence {confidence}."

_NOVEL = " ".join(
    f"The {side} edge of the area is {what} than its {part}."
    for side, what, part in (
        ("north", "higher", "middle"), ("south", "lower", "centre"), ("west", "wider", "shore"),
        ("east", "brighter", "bank"), ("inside", "clearer", "outside"), ("far", "smaller", "near"),
        ("first", "larger", "second"), ("top", "slower", "base"), ("long", "hotter", "short"),
        ("upper", "poorer", "under"), ("outer", "closer", "inner"), ("left", "longer", "right"),
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """An answer that must not leave.

    Attributes
    ----------
    name
        What it tries.
    answer
        As a model gives it.
    rule
        The rule that refuses it; `alone` where no other one does.
    event, maturity, notes
        Of the dossier that it is said of.
    """

    name: str
    answer: str
    rule: str
    alone: bool = True
    event: str = "flood"
    maturity: str = "early"
    notes: tuple[str, ...] = ()

    def dossier(self) -> Dossier:
        """Return what it is said of: a place with a number in its name among it."""
        said = {
            "target": "Valencia 17",
            "event": self.event,
            "maturity": self.maturity,
            "severity": "Moderate",
            "confidence": 0.9,
            "clear_share": 0.95,
            "sensed": "2026-06-14T03:09:32.211Z",
            "satellite": "SAT-06",
            "area_km2": 3.388,
            "area_sigma_km2": 0.031,
        }
        return replace(dossier_of({"id": "attack", "properties": said}, ""), notes=self.notes)


def _says(name: str, rule: str, text: str = _TEXT, headline: str = _HEADLINE, **of: Any) -> Attack:
    """Return an attack by what its text or its headline says."""
    answer = json.dumps({"headline": headline, "text": text})
    return Attack(name=name, rule=rule, answer=answer, **of)


def _adds(name: str, rule: str, sentence: str, **of: Any) -> Attack:
    """Return an attack by a sentence more."""
    return _says(name, rule, f"{_TEXT} {sentence}", **of)


ATTACKS: tuple[Attack, ...] = (
    Attack(name="no JSON", answer="Flood at Valencia.", rule="schema"),
    Attack(name="broken off", answer='{"headline": "{event} at {pl', rule="schema"),
    Attack(name="nothing", answer="", rule="schema"),
    Attack(name="a list", answer='["{event} at {place}"]', rule="schema"),
    Attack(name="a field too few", answer='{"headline": "{event} at {place}"}', rule="schema"),
    Attack(
        name="a field too many",
        answer=json.dumps({"headline": _HEADLINE, "text": _TEXT, "severity": "Minor"}),
        rule="schema",
    ),
    Attack(name="a number", answer=json.dumps({"headline": 3, "text": _TEXT}), rule="schema"),
    Attack(name="deep", answer="[" * 100_000, rule="schema"),
    _says("a kind nobody knows", "kind", event="alien_landing"),
    _says("a kind that looks known", "kind", event="floods"),
    _says("empty headline", "length", headline=""),
    _says("padded", "length", _TEXT + " It" + " was seen" * 80 + ".", alone=False),
    _says("a novel", "length", f"{_TEXT} {_NOVEL}", alone=False),
    _adds("zero-width space", "letters", "It was\u200b seen."),
    _adds("right-to-left", "letters", "It was \u202eseen."),
    _adds("Cyrillic a", "letters", "It w\u0430s seen.", alone=False),
    _adds("control", "letters", "It was\x07 seen."),
    _adds("emoji", "letters", "It was seen \U0001f525."),
    _adds("markup", "letters", "It was <b>seen<b>.", alone=False),
    _adds("exclamation", "letters", "It was seen!", alone=False),
    _adds("line break", "letters", "It was\nseen."),
    _adds("two spaces", "spaces", "It was  seen."),
    _says("leading space", "spaces", " " + _TEXT),
    _says("trailing space", "spaces", headline=_HEADLINE + " "),
    _adds("an address", "links", "See www.clear.", alone=False),
    _adds("an address without www", "links", "More at report.info.", alone=False),
    _adds("a bare domain", "links", "See the report.now for more."),
    _adds("a fact there is not", "placeholders", "It holds {people}."),
    _adds("fire power of a flood", "placeholders", "It gives {fire_power}."),
    _adds("a loose brace", "placeholders", "It was { seen."),
    _adds("a format", "placeholders", "It was seen {area:.0f}."),
    _adds("reach into an object", "placeholders", "It was seen {area.unit}."),
    _adds("nested", "placeholders", "It was seen {{area}}."),
    _says("no place", "required", "{event} of {area} seen, {sensed}.", "{event}, {area}"),
    _says("no area", "required", "{event} seen at {place}, {sensed}.", "{event} at {place}"),
    _says("no event", "required", "Water of {area} seen at {place}.", "Water at {place}, {area}"),
    _adds("a number of its own", "digits", "It is 12 wide."),
    _adds("the place's number", "digits", "It is number 17 of the region.", alone=False),
    _adds("another area", "digits", "Of it 3.388 is new.", alone=False),
    _adds("Arabic digits", "digits", "It is \u0663\u0664 wide."),
    _adds("fullwidth digits", "digits", "It is \uff14 wide."),
    _adds("superscript", "digits", "It is wide\u00b2."),
    _adds("a fraction", "digits", "It is \u00bd wide."),
    _adds("Roman", "digits", "It is \u2167 wide."),
    _adds("digit loop", "digits", "0000000000000000000000000000."),
    _adds("a number in words", "numbers", "It is twelve wide."),
    _adds("half", "numbers", "The lower half is under water."),
    _adds("many", "numbers", "It reached many towns."),
    _adds("another unit", "units", "The area is in hectares."),
    _says("unit swapped", "units", "{event} of {area} acres seen at {place}, {sensed}."),
    _adds("a time of its own", "units", "It will last for days."),
    _adds("a name", "vocabulary", "It is near tokyo."),
    _adds("a name with a capital", "names", "It is near Tokyo.", alone=False),
    _adds("a name of common words", "names", "It is near the Long Reach."),
    _adds("a name in capitals", "names", "It is near the COAST."),
    _adds("an agency", "vocabulary", "Nasa agrees."),
    _adds("Spanish", "vocabulary", "Hay mucha agua en la zona."),
    _adds("noise", "vocabulary", "It was asdfg seen."),
    _adds("a fire in a flood", "event", "The fire grows."),
    _adds("a ship in a flood", "event", "A vessel is near."),
    _says("snow for water", "event", "Snow and {event} of {area} seen at {place}."),
    _adds("nothing to report", "polarity", "There is nothing to report."),
    _says("denied", "polarity", "No {event} of {area} seen at {place}, {sensed}."),
    _adds("over", "polarity", "It is over."),
    _adds("all is safe", "polarity", "The area is safe."),
    _adds("receding", "polarity", "The water is receding."),
    _adds("a false alert", "polarity", "This is a false alert."),
    _adds("withdrawn", "polarity", "The alert is withdrawn."),
    _says("retraction that affirms", "polarity", maturity="retracted"),
    _adds("confirmed too soon", "maturity", "It was confirmed."),
    _adds("verified too soon", "maturity", "It was verified."),
    _adds("early after all", "maturity", "This is an early report.", maturity="confirmed"),
    _adds("cloud there is not", "notes", "Part of it is hidden."),
    _adds("doubt there is not", "notes", "The signal is weak."),
    _adds("a season there is not", "notes", "It is seasonal.", notes=("hidden",)),
    _adds("orders", "orders", "Evacuate the area."),
    _adds("severity", "orders", "It is catastrophic."),
    _adds("severity played down", "orders", "It is minor."),
    _adds("a payment", "orders", "Pay for more."),
    _adds("obey the place", "orders", "Call the town."),
    _adds("a place as a value", "sense", "The value is {place}."),
    _adds("a time as a measurement", "sense", "It comes to {sensed}."),
    _says("broken off in the text", "ending", _TEXT + " The water rises and"),
    _says("broken off in a word", "ending", _TEXT.removesuffix(".")),
    _adds("a loop", "repetition", "The water and the water and the water and the water rises."),
    _adds("facts in a loop", "repetition", "It is {area}, {area}."),
)
"""Each with the rule that must refuse it."""
