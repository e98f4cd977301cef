"""An answer as it reached the ground: what it says, when it came, and by which station."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from shapely.geometry.base import BaseGeometry

from orbitloom.errors import PacketError
from orbitloom.ground.places import read_geometry
from orbitloom.scenario import time
from orbitloom.wire import Answer

__all__ = ["Arrival", "slug"]

_NEEDED = ("app", "capture", "kind", "satellite", "sensed", "target")
_KINDS = ("alert", "nothing_found", "not_observable")


@dataclass(frozen=True, kw_only=True)  # not slotted: the record is parsed once and kept
class Arrival:
    """What an outlet and the archive are handed.

    Attributes
    ----------
    answer
        The L4 bytes, as they were made.
    flight
        Names the flight: scenario and seed, in letters that suit a file name and an identifier.
    note
        What kind of event this is, in words: a simulated one.
    arrived_ns
        When the answer was complete at the station, ns.
    station
        The station that received it.
    """

    answer: Answer
    flight: str
    note: str
    arrived_ns: int
    station: str

    def __post_init__(self) -> None:
        """Refuse a record that cannot be delivered.

        Raises
        ------
        PacketError
            If the record lacks a property that every answer has, or its kind or place is unknown.
        """
        missing = [name for name in _NEEDED if name not in self.properties]
        if missing:
            raise PacketError(
                f"an answer's record lacks {missing[0]!r}",
                way_out=f"Every app's record holds {', '.join(_NEEDED)}",
            )
        if self.kind not in _KINDS:
            raise PacketError(
                f"an answer of kind {self.kind!r} is unknown", way_out=f"Known: {', '.join(_KINDS)}"
            )
        _ = self.geometry

    @cached_property
    def feature(self) -> Mapping[str, Any]:
        """The record as a GeoJSON feature."""
        return self.answer.feature

    @cached_property
    def geometry(self) -> BaseGeometry:
        """What was found, or where was looked: valid, longitude and latitude in degrees."""
        return read_geometry(self.feature.get("geometry"))

    @property
    def properties(self) -> Mapping[str, Any]:
        """The record's properties."""
        properties: Mapping[str, Any] = self.feature.get("properties") or {}
        return properties

    @property
    def kind(self) -> str:
        """What was found: an alert, nothing, or nothing that could be seen."""
        return str(self.properties["kind"])

    @property
    def capture(self) -> int:
        """The capture's number."""
        return int(self.properties["capture"])

    @property
    def app(self) -> str:
        """The application, as the name of its collection in the archive."""
        return slug(str(self.properties["app"]))

    @property
    def identifier(self) -> str:
        """Unique over flights: scenario, seed, capture."""
        return f"{self.flight}-{self.capture:04d}"

    @property
    def sensed_ns(self) -> int:
        """When the capture was taken, ns."""
        return time.from_iso(str(self.properties["sensed"]))

    @property
    def latency_s(self) -> float:
        """From the capture to the station, s; to 10 ms, for the record's time is cut to 1 ms."""
        return round((self.arrived_ns - self.sensed_ns) / time.SECOND_NS, 2)

    @property
    def stem(self) -> str:
        """Begin of a file's name: the capture's number and the kind."""
        return f"{self.capture:04d}-{self.kind}"

    @property
    def item_folder(self) -> str:
        """Where the archive keeps the answer, relative to the catalogue."""
        return f"{self.app}/{self.identifier}"


def slug(text: str) -> str:
    """Return the text in letters that suit a file name, an XML identifier and a URL.

    Examples
    --------
    >>> slug("my <fleet>, 2")
    'my-fleet-2'
    """
    return re.sub(r"[^A-Za-z0-9_.]+", "-", text).strip("-.") or "unnamed"
