"""Ask the archive: a question in plain English becomes a query, and products answer it.

The parser is deterministic. It takes a question only if it understands every word that carries
meaning: what an archive of alerts does not hold (casualties, causes, tomorrow) is refused, not
guessed at. An answer says nothing but what the products' records hold, and names each of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orbitloom.errors import InputFileError
from orbitloom.processing.language.dossier import Dossier, dossier_of, rules
from orbitloom.scenario.time import DAY_NS, HOUR_NS, from_iso, to_iso

__all__ = ["Answered", "Product", "Query", "Refused", "answer", "parse", "read_archive"]

_WANTS = {
    "count": ("how many", "number of", "count"),
    "largest": ("largest", "biggest", "greatest", "widest"),
    "area": (
        "total area",
        "how large",
        "how big",
        "how much area",
        "how much",
        "what area",
        "area",
    ),
    "latest": ("latest", "newest", "most recent", "last"),
    "list": (),
}
_SEVERITIES = ("minor", "moderate", "severe", "extreme")
_MATURITIES = {
    "confirmed": "confirmed", "verified": "confirmed", "retracted": "retracted",
    "withdrawn": "retracted", "early": "early", "unconfirmed": "early",
}  # fmt: skip
_LINKING = """
a an the of in at on to by for from with and or is are was were be been there any some
all new now me us you we i please can could would do does did have has had show list
tell give find report reports reported what which where when who whats seen found
detected observed alert alerts event events product products answer answers know about
this that it its so far or archive satellite satellites between since until before after
near around over out happened happen ongoing currently current
"""
_PLACE = re.compile(r"\b(?:near|around|at|in|over|from|for)\s+(?!the\b|last\b|all\b|any\b)(\w.*)")
_HOURS = {"hour": HOUR_NS, "day": DAY_NS, "week": 7 * DAY_NS}
_DATE = r"(\d{4}-\d{2}-\d{2}(?:[t ]\d{2}:\d{2}(?::\d{2})?z?)?)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """An alert of the archive, as it stands after all later looks.

    Attributes
    ----------
    identifier
        Its item in the catalogue.
    looks
        Items of later looks at it.
    """

    identifier: str
    dossier: Dossier
    place: str
    sensed_ns: int
    area_km2: float
    severity: str
    maturity: str
    looks: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """What the record says, in a line, with the items that hold it."""
        facts = {fact.name: fact.words for fact in self.dossier.facts}
        main = next((n for n in self.dossier.required if n not in ("place", "event")), "area")
        size = f", {main.replace('_', ' ')} {facts[main]}" if main in facts else ""
        items = ", ".join((self.identifier, *self.looks))
        return (
            f"{self.dossier.noun} at {facts['place']}, {facts['sensed']}{size}, "
            f"{self.severity.lower()}, {self.maturity} [{items}]"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What a question asks for; None or empty for any.

    Attributes
    ----------
    want
        ``list``, ``count``, ``largest``, ``area`` or ``latest``.
    since, until
        ISO 8601, of when it was seen.
    severity
        At least this one.
    """

    want: str
    events: tuple[str, ...] = ()
    place: str = ""
    since: str = ""
    until: str = ""
    maturity: str = ""
    severity: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Why a question has no query."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer: what is said, and the products that hold it."""

    text: str
    products: tuple[str, ...]


def read_archive(folder: Path) -> tuple[Product, ...]:
    """Return the alerts of a catalogue, by time; later looks are laid on what they looked at.

    Parameters
    ----------
    folder
        What a command wrote, with ``catalog/`` in it.

    Raises
    ------
    InputFileError
        If there is no catalogue, or a record in it cannot be read.
    """
    catalog = folder / "catalog"
    if not (catalog / "catalog.json").is_file():
        raise InputFileError(
            "has no catalogue", where=str(folder), way_out="Give the folder of a flight: --in DIR"
        )
    first: dict[str, Product] = {}
    later: list[tuple[str, Product]] = []
    for file in sorted(catalog.glob("*/*/record.geojson")):
        try:
            record = json.loads(file.read_bytes())
            said = record["properties"]
            if said["kind"] != "alert":
                continue
            product = _product(file.parent.name, record)
        except OSError as error:
            raise InputFileError.from_os(error, file) from error
        except (KeyError, TypeError, ValueError) as error:
            raise InputFileError("is no record of an answer", where=str(file)) from error
        if said.get("earlier"):
            later.append((str(said["earlier"]), product))
        else:
            first[str(record["id"])] = product
    for identifier, look in sorted(later, key=lambda one: one[1].sensed_ns):
        if identifier in first:
            first[identifier] = _laid(first[identifier], look)
    return tuple(sorted(first.values(), key=lambda one: (one.sensed_ns, one.identifier)))


def parse(question: str, products: Sequence[Product], now_ns: int) -> Query | Refused:
    """Return what a question asks for.

    Parameters
    ----------
    products
        Their places are those that can be asked about.
    now_ns
        What "today" and "the last hours" count from.
    """
    left = _plain(question)
    place, left = _place(left, products)
    since, until, left = _period(left, now_ns)
    want, left = _want(left)
    events, maturity, severity = set(), "", ""
    unknown = []
    known, linking = _event_words(), set(_LINKING.split())
    for word in left.split():
        if word in known:
            events |= known[word]
        elif word in _MATURITIES:
            maturity = _MATURITIES[word]
        elif word in _SEVERITIES:
            severity = word.capitalize()
        elif word not in linking:
            unknown.append(word)
    if unknown:
        unmatched = _PLACE.search(left)
        if unmatched and not place and unknown[0] in unmatched.group(1):
            places = ", ".join(sorted({product.place for product in products})) or "none"
            return Refused(reason=f"no product is of {unknown[0]!r}; there are: {places}")
        return Refused(reason=f"the archive holds nothing of {unknown[0]!r}")
    if not (events or place or since or until or maturity or severity or want != "list"):
        return Refused(reason="that asks for nothing that an alert tells")
    return Query(
        want=want,
        events=tuple(sorted(events)),
        place=place,
        since=since,
        until=until,
        maturity=maturity,
        severity=severity,
    )


def answer(query: Query, products: Sequence[Product]) -> Answered:
    """Return what the products say to a query."""
    found = [product for product in products if _fits(product, query)]
    if not found:
        return Answered(text="No product of the archive is of that.", products=())
    if query.want == "latest":
        found = found[-1:]
    if query.want == "largest":
        found = [max(found, key=lambda product: product.area_km2)]
    lines = [product.words for product in found]
    if query.want == "count":
        lines.insert(0, f"{len(found)}")
    if query.want == "area":
        total = sum(product.area_km2 for product in found)
        lines.insert(0, f"{total:.2f} km² in {len(found)}")
    return Answered(text="\n".join(lines), products=tuple(p.identifier for p in found))


def _product(identifier: str, record: Mapping[str, Any]) -> Product:
    said = record["properties"]
    dossier = dossier_of(record, "")
    place = dossier.fact("place")
    return Product(
        identifier=identifier,
        dossier=dossier,
        place="" if place is None else place.words,
        sensed_ns=from_iso(str(said["sensed"])),
        area_km2=float(said.get("area_km2", 0.0)),
        severity=dossier.severity,
        maturity=dossier.maturity,
    )


def _laid(first: Product, look: Product) -> Product:
    return Product(
        identifier=first.identifier,
        dossier=first.dossier,
        place=first.place,
        sensed_ns=first.sensed_ns,
        area_km2=first.area_km2,
        severity=first.severity,
        maturity=look.maturity,
        looks=(*first.looks, look.identifier),
    )


def _plain(text: str) -> str:
    """Return a text in small letters, its words set apart by single spaces, one at each end."""
    words = re.sub(r"[^\w:.-]+", " ", text.casefold()).split()
    return f" {' '.join(word.strip('.:') for word in words)} "


def _place(left: str, products: Sequence[Product]) -> tuple[str, str]:
    """Return the longest known place in a question, and the question without it."""
    for name in sorted({product.place for product in products}, key=lambda one: (-len(one), one)):
        plain = _plain(name).strip()
        if plain and f" {plain} " in left:
            return name, left.replace(f" {plain} ", " ", 1)
    return "", left


def _period(left: str, now_ns: int) -> tuple[str, str, str]:
    """Return since and until, and the question without them."""
    today_ns = now_ns - now_ns % DAY_NS
    spans = {"today": (today_ns, 0), "yesterday": (today_ns - DAY_NS, today_ns)}
    found = re.search(
        r" (?:in|within|over|during)? ?(?:the )?(?:last|past) (\d+ )?(hour|day|week)s? ", left
    )
    if found:
        length_ns = int(found.group(1) or 1) * _HOURS[found.group(2)]
        return to_iso(now_ns - length_ns), "", left.replace(found.group(), " ", 1)
    left = re.sub(rf" between {_DATE} and {_DATE} ", r" since \1 until \2 ", left)
    since = until = ""
    for words, is_start in (("since|after|from", True), ("until|before|to", False)):
        found = re.search(rf" (?:{words}) (yesterday|today|{_DATE}) ", left)
        moment = found and _moment(found.group(1), spans)
        if found and moment:
            since, until = (moment, until) if is_start else (since, moment)
            left = left.replace(found.group(), " ", 1)
    found = re.search(rf" (?:on )?(yesterday|today|{_DATE}) ", left)
    if found and not (since or until):
        text = found.group(1)
        if text in spans:
            start_ns, end_ns = spans[text]
        else:
            moment = _moment(text, spans)
            if not moment:
                return "", "", left
            start_ns = from_iso(moment)
            end_ns = start_ns + DAY_NS
        until = to_iso(end_ns) if end_ns else ""
        return to_iso(start_ns), until, left.replace(found.group(), " ", 1)
    return since, until, left


def _moment(text: str, spans: Mapping[str, tuple[int, int]]) -> str:
    """Return a day or a time of a question as ISO 8601; empty if there is no such time."""
    if text in spans:
        return to_iso(spans[text][0])
    day, _, hour = text.upper().replace(" ", "T").partition("T")
    hour = hour.removesuffix("Z") or "00:00"
    try:
        return to_iso(from_iso(f"{day}T{hour}{':00' * (hour.count(':') < 2)}Z"))
    except ValueError:
        return ""


def _want(left: str) -> tuple[str, str]:
    for want, phrases in _WANTS.items():
        for phrase in phrases:
            if f" {phrase} " in left:
                return want, left.replace(f" {phrase} ", " ", 1)
    return "list", left


def _event_words() -> dict[str, set[str]]:
    """Return the kinds of event that a word may mean."""
    known: dict[str, set[str]] = {}
    for event, kind in rules().events.items():
        own = {*kind["words"], event, event.replace("_", " "), *kind["noun"].casefold().split()}
        for word in (
            {part for one in own for part in one.split()}
            - set(_LINKING.split())
            - {"without", "line"}
        ):
            known.setdefault(word, set()).add(event)
    # "change" alone is any of them; beside "lake" it adds nothing.
    for word in ("change", "changes", "changed", "line", "ais", "without", "dark"):
        known[word] = set()
    return known


def _fits(product: Product, query: Query) -> bool:
    if query.events and product.dossier.event not in query.events:
        return False
    if query.place and product.place != query.place:
        return False
    if query.since and product.sensed_ns < from_iso(query.since):
        return False
    if query.until and product.sensed_ns >= from_iso(query.until):
        return False
    if query.severity:
        order = [one.capitalize() for one in _SEVERITIES]
        if order.index(product.severity) < order.index(query.severity):
            return False
    if query.maturity:
        return product.maturity == query.maturity
    return product.maturity != "retracted"  # it is said no more, unless it is asked for
