"""Ask the archive: a validated query, and products that answer it.

`orbitloom.ground.ask_words` makes a query of a question. An answer says nothing but what the
products' records hold, and names each of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema

from orbitloom.errors import InputFileError, PacketError
from orbitloom.ground.places import bounding_box, read_geometry
from orbitloom.processing.language.dossier import Dossier, dossier_of, plain_name, rules
from orbitloom.scenario import target_lists
from orbitloom.scenario.time import from_iso

__all__ = [
    "MATURITIES",
    "SEVERITIES",
    "TOOL",
    "Answered",
    "Place",
    "Product",
    "Query",
    "Refused",
    "answer",
    "read_archive",
    "read_places",
]

Want = Literal["list", "count", "largest", "area", "latest"]
Severity = Literal["", "Minor", "Moderate", "Severe", "Extreme"]
Maturity = Literal["", "early", "confirmed", "retracted"]

SEVERITIES: tuple[Severity, ...] = ("Minor", "Moderate", "Severe", "Extreme")
"""From the least, as CAP has them."""
MATURITIES: tuple[Maturity, ...] = ("early", "confirmed", "retracted")
"""What later looks make of an alert."""


def _known_kind(name: str) -> str:
    if name not in rules().events:
        raise ValueError(f"{name!r} is no kind of event")
    return name


Kind = Annotated[
    str,
    AfterValidator(_known_kind),
    WithJsonSchema({"type": "string", "enum": sorted(rules().events)}),
]
TOOL = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)
"""Of what a model may call: nothing else, and every property told."""

Kinds = Annotated[tuple[Kind, ...], Field(max_length=len(rules().events))]
Name = Annotated[str, Field(max_length=80)]
Moment = Annotated[str, Field(max_length=40)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Somewhere that can be looked at.

    Attributes
    ----------
    name
        As scenarios and answers call it.
    app
        Application that looked at it last; empty if none is known.
    """

    name: str
    latitude_deg: float
    longitude_deg: float
    app: str = ""


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
    """Look into the archive: what a question asks of alerts that are there. Empty means any.

    Attributes
    ----------
    want
        ``list`` them, ``count`` them, add up their ``area``, or take the ``largest`` or ``latest``.
    events
        Kinds of event.
    place
        As the question calls it.
    since, until
        ISO 8601, UTC, of when it was seen; the end is not included.
    maturity
        What later looks say of it: ``early`` if there is none, ``confirmed`` or ``retracted``.
    severity
        At least this one: ``Minor``, ``Moderate``, ``Severe``, ``Extreme``.
    """

    __pydantic_config__: ClassVar[ConfigDict] = TOOL

    want: Want
    events: Kinds = ()
    place: Name = ""
    since: Moment = ""
    until: Moment = ""
    maturity: Maturity = ""
    severity: Severity = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Why a question has no query, and what would have one."""

    reason: str
    way_out: str = "Ask for kinds, places, times"


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
    first: dict[str, Product] = {}
    later: list[tuple[str, Product]] = []
    for file, record in _records(folder):
        try:
            said = record["properties"]
            if said["kind"] != "alert":
                continue
            product = _product(file.parent.name, record)
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


def read_places(folder: Path) -> tuple[Place, ...]:
    """Return where a flight looked, and the targets that come with Orbitloom; the flight's win.

    A place that was looked at lies in the middle of the widest answer that names it.

    Raises
    ------
    InputFileError
        If there is no catalogue, or a record in it cannot be read.
    """
    builtin = (one for targets in target_lists().values() for one in targets)
    found = {
        one["name"]: Place(
            name=one["name"],
            latitude_deg=float(one["latitude_deg"]),
            longitude_deg=float(one["longitude_deg"]),
        )
        for one in builtin
    }
    looks: dict[str, list[tuple[str, str, float, float, float]]] = {}
    for file, record in _records(folder):
        try:
            said = record["properties"]
            if record.get("geometry") is None:
                continue
            west, south, east, north = bounding_box(read_geometry(record["geometry"]))
            name, sensed = plain_name(str(said["target"])), str(said["sensed"])
            app = str(said.get("app", ""))
        except (AttributeError, KeyError, PacketError, TypeError) as error:
            raise InputFileError("is no record of an answer", where=str(file)) from error
        width_deg = (east - west) % 360.0
        middle_deg = (west + width_deg / 2.0 + 180.0) % 360.0 - 180.0
        looks.setdefault(name, []).append(
            (sensed, app, width_deg, (south + north) / 2.0, middle_deg)
        )
    for name, seen in looks.items():
        _, app, *_ = max(seen)
        *_, latitude_deg, longitude_deg = max(seen, key=lambda look: look[2])
        found[name] = Place(
            name=name,
            latitude_deg=round(latitude_deg, 4),
            longitude_deg=round(longitude_deg, 4),
            app=app,
        )
    return tuple(found[name] for name in sorted(found))


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
        lines.insert(0, _alerts(len(found)))
    if query.want == "area":
        total = sum(product.area_km2 for product in found)
        lines.insert(0, f"{total:.2f} km² in {_alerts(len(found))}")
    return Answered(text="\n".join(lines), products=tuple(p.identifier for p in found))


def _records(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the records of a catalogue's answers, of all kinds."""
    catalog = folder / "catalog"
    if not (catalog / "catalog.json").is_file():
        raise InputFileError(
            "has no catalogue", where=str(folder), way_out="Give the folder of a flight: --in DIR"
        )
    for file in sorted(catalog.glob("*/*/record.geojson")):
        try:
            record = json.loads(file.read_bytes())
        except OSError as error:
            raise InputFileError.from_os(error, file) from error
        except ValueError as error:
            raise InputFileError("is no record of an answer", where=str(file)) from error
        if not isinstance(record, dict):
            raise InputFileError("is no record of an answer", where=str(file))
        yield file, record


def _alerts(count: int) -> str:
    return f"{count} alert{'s' * (count != 1)}"


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


def _fits(product: Product, query: Query) -> bool:
    if query.events and product.dossier.event not in query.events:
        return False
    if query.place and product.place != query.place:
        return False
    if query.since and product.sensed_ns < from_iso(query.since):
        return False
    if query.until and product.sensed_ns >= from_iso(query.until):
        return False
    if query.severity and product.severity not in SEVERITIES[SEVERITIES.index(query.severity) :]:
        return False
    if query.maturity:
        return product.maturity == query.maturity
    return product.maturity != "retracted"  # it is said no more, unless it is asked for
