"""Evidence as a language model may have it: facts with a name, and rules that say what they mean.

A fact's value, unit and uncertainty come from the answer's record; a text names the fact, in
braces, and code writes the value there. A model is never shown a value or a name from outside, so
it can neither alter one nor obey one.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

__all__ = ["Dossier", "Fact", "Rules", "dossier_of", "plain_name", "rules"]

_LONGEST_NAME = 80
_UNITS = {"km2": "km²", "m2": "m²", "1": "", "deg": "°"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A value that a text may name.

    Attributes
    ----------
    name
        As it stands in braces: ``area``.
    value
        As measured; a string for a name or a time.
    unit
        Of `value`, as the record has it; empty for a string, "1" for a number of things.
    sigma
        Standard uncertainty; None if there is none.
    """

    name: str
    value: float | str
    unit: str = ""
    sigma: float | None = None

    @property
    def words(self) -> str:
        """The value as a reader has it: ``3.39 ± 0.03 km²``."""
        if isinstance(self.value, str):
            return self.value
        if self.unit == "%":
            return f"{self.value:.0f} %"
        unit = _UNITS.get(self.unit, self.unit)
        decimals = _decimals(self.value, self.sigma)
        text = f"{self.value:,.{decimals}f}"
        if self.sigma:
            text += f" ± {self.sigma:,.{decimals}f}"
        return f"{text} {unit}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """All that may be said of an answer.

    Attributes
    ----------
    product, digest
        The answer's id and the SHA-256 of its record and picture.
    event, noun
        Kind of event, and how it is called.
    maturity
        ``early``, ``confirmed`` or ``retracted``.
    severity, response
        By the rules; CAP's words.
    facts
        What a text may name.
    required
        Names that it must.
    notes
        Reservations that hold: names in the rules.
    """

    product: str
    digest: str
    event: str
    noun: str
    maturity: str
    severity: str
    response: str
    facts: tuple[Fact, ...]
    required: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def known(self) -> bool:
        """Whether the rules hold the kind of event."""
        return self.event in rules().events

    def fact(self, name: str) -> Fact | None:
        """Return the fact of a name, if there is one."""
        return next((fact for fact in self.facts if fact.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rule table, ``rules.toml``."""

    version: str
    actions: Mapping[str, Mapping[str, str]]
    notes: Mapping[str, Mapping[str, Any]]
    events: Mapping[str, Mapping[str, Any]]


@lru_cache(maxsize=1)
def rules() -> Rules:
    """Return the rule table, read once a process."""
    text = (files("orbitloom.processing.language") / "rules.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)
    return Rules(
        version=table["version"],
        actions=MappingProxyType(table["actions"]),
        notes=MappingProxyType(table["notes"]),
        events=MappingProxyType(table["events"]),
    )


def dossier_of(record: Mapping[str, Any], digest: str) -> Dossier:
    """Return the dossier of an alert.

    Parameters
    ----------
    record
        The answer's GeoJSON feature.
    digest
        SHA-256 of the answer.
    """
    said = record["properties"]
    table, event = rules(), str(said["event"])
    kind = table.events.get(event, {})
    noun = str(kind.get("noun", event.replace("_", " ")))
    maturity = str(said.get("maturity", "early"))
    severity = str(said.get("severity", "Minor"))
    action = table.actions["retracted" if maturity == "retracted" else severity]
    facts = [
        Fact(name="place", value=plain_name(str(said["target"]))),
        Fact(name="event", value=noun),
        Fact(name="sensed", value=_moment(str(said["sensed"]))),
        Fact(name="satellite", value=plain_name(str(said["satellite"]))),
        Fact(name="severity", value=severity.lower()),
        Fact(name="action", value=action["words"]),
    ]
    if said.get("confidence") is not None:
        facts.append(Fact(name="confidence", value=100.0 * float(said["confidence"]), unit="%"))
    if float(said.get("area_km2", 0.0)) > 0.0:
        sigma = said.get("area_sigma_km2")
        area = float(said["area_km2"])
        facts.append(Fact(name="area", value=area, unit="km2", sigma=sigma))
    measures = said.get("measures", {})
    for name, measure in measures.items():
        unit, sigma = str(measure["unit"]), float(measure["sigma"]) or None
        if name not in _conditions():  # those decide on reservations; nobody asked for their values
            facts.append(Fact(name=name, value=float(measure["value"]), unit=unit, sigma=sigma))
    names = {fact.name for fact in facts}
    main = str(kind.get("main", "area"))
    required = ["place", "event"] + [main] * (main in names and maturity != "retracted")
    return Dossier(
        product=str(record.get("id", "")),
        digest=digest,
        event=event,
        noun=noun,
        maturity=maturity,
        severity=severity,
        response=action["response"],
        facts=tuple(facts),
        required=tuple(required),
        notes=tuple(name for name, note in table.notes.items() if _holds(note, said, measures)),
    )


def _conditions() -> set[str]:
    return {note["property"] for note in rules().notes.values()}


def _holds(note: Mapping[str, Any], said: Mapping[str, Any], measures: Mapping[str, Any]) -> bool:
    name = note["property"]
    value = said.get(name, measures.get(name, {}).get("value"))
    if value is None:
        return False
    return bool(value < note["below"] if "below" in note else value > note["above"])


def plain_name(name: str) -> str:
    """Return a name from outside as one line of plain letters that no reader can take for more.

    Braces would look like facts; what is not printable can hide or turn text around.
    """
    kept = "".join(
        " " if unicodedata.category(one)[0] in "CZ" or one in "{}<>[]`|\\" else one for one in name
    )
    return " ".join(kept.split())[:_LONGEST_NAME] or "an unnamed place"


def _moment(text: str) -> str:
    """Return an ISO 8601 time to the minute: ``2026-06-14 03:09 UTC``."""
    return f"{text[:10]} {text[11:16]} UTC"


def _decimals(value: float, sigma: float | None) -> int:
    """Return as many decimals as a value's uncertainty, or else its size, lets mean something."""
    size = abs(sigma) if sigma else abs(value) / 100.0
    if value == int(value) and not sigma:
        return 0
    return next((n for n in range(5) if size >= 0.5 * 10.0**-n), 5)
