"""A task: a place to look at, and the scenario in which a constellation flies it.

A scenario's target is all that a satellite's task needs of the user; its time is the flight's. A
fleet takes each target once a day, in daylight, with the smallest roll that it can.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict, ValidationError

from orbitloom.ground.ask import TOOL, Kinds, Moment, Name, Place, Refused
from orbitloom.scenario import Target
from orbitloom.scenario.time import DAY_NS, HOUR_NS, from_iso, to_iso

__all__ = ["Order", "Task", "order", "position_in"]

_APPS = {
    "flood": "flood", "fire": "fire", "burn_scar": "fire", "crop_stress": "agriculture",
    "dark_vessel": "maritime", "lake_change": "climate", "snow_change": "climate",
    "greenness_change": "climate",
}  # fmt: skip
_DEGREES = re.compile(
    r" (\d{1,3}(?:\.\d+)?) ?([ns]) (\d{1,3}(?:\.\d+)?) ?([ew]) | (-?\d{1,3}\.\d+) (-?\d{1,3}\.\d+) "
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Have a place looked at: what a question asks the satellites to do.

    Attributes
    ----------
    place
        As the question calls it, or its latitude and longitude as the question gives them.
    events
        Kinds of event that shall be looked for.
    since, until
        ISO 8601, UTC, between which it shall be looked at. Empty: from now on, for a day.
    """

    __pydantic_config__: ClassVar[ConfigDict] = TOOL

    place: Name
    events: Kinds = ()
    since: Moment = ""
    until: Moment = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A task that can be flown.

    Attributes
    ----------
    target
        As a scenario has it.
    since, until
        ISO 8601, UTC: when the flight begins and ends.
    """

    target: Target
    since: str
    until: str

    @property
    def hours(self) -> float:
        """How long the flight is."""
        return (from_iso(self.until) - from_iso(self.since)) / HOUR_NS

    def told(self) -> dict[str, str | float]:
        """Return what is ordered, by name."""
        chosen = self.target.model_dump(exclude_unset=True)
        return {**chosen, "since": self.since, "until": self.until}

    def toml(self) -> str:
        """Return its ``[[targets]]``, to be added to a scenario."""
        keys = self.target.model_dump(exclude_unset=True).items()
        lines = (f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in keys)
        return "\n".join(("[[targets]]", *lines)) + "\n"

    def scenario(self, base: str) -> str:
        """Return a scenario as TOML that flies the task alone, laid over a built-in one."""
        head = {"base": base, "start": self.since, "hours": round(self.hours, 6)}
        lines = (f"{key} = {json.dumps(value)}" for key, value in head.items())
        return "\n".join((*lines, "", self.toml()))


def order(task: Task, places: Sequence[Place], now_ns: int) -> Order | Refused:
    """Return a task as it can be flown.

    Parameters
    ----------
    places
        That it may name.
    now_ns
        Before then nothing is flown.
    """
    apps = {_APPS.get(event, "") for event in task.events}
    if len(apps) > 1 or "" in apps:
        return Refused(
            reason=f"no application looks for {' and '.join(task.events).replace('_', ' ')}",
            way_out=f"Ask for one of: {', '.join(_APPS).replace('_', ' ')}",
        )
    known = next((one for one in places if one.name == task.place), None)
    known = known or _position(task.place)
    if known is None:
        return Refused(
            reason=f"{task.place!r} is no place that is known",
            way_out="Name a place of the archive, or give degrees such as 39.47N 0.38W",
        )
    since_ns = from_iso(task.since) if task.since else now_ns
    until_ns = from_iso(task.until) if task.until else since_ns + DAY_NS
    app = next(iter(apps), known.app)
    try:
        target = Target(
            name=known.name,
            latitude_deg=known.latitude_deg,
            longitude_deg=known.longitude_deg,
            **({"app": app} if app else {}),
        )
    except ValidationError:
        return Refused(
            reason=f"{known.name} is out of reach",
            way_out="Give latitude -80 to 84, longitude -180 to 180 degrees",
        )
    return Order(target=target, since=to_iso(max(since_ns, now_ns)), until=to_iso(until_ns))


def position_in(left: str) -> tuple[str, str]:
    """Return the first position in degrees of a plain question, and the question without it.

    Examples
    --------
    >>> position_in(" look at 39.47n 0.38w tonight ")
    ('39.47N 0.38W', ' look at tonight ')
    """
    found = _DEGREES.search(left)
    if not found:
        return "", left
    north, south_or_north, east, east_or_west, latitude, longitude = found.groups()
    rest = left.replace(found.group(), " ", 1)
    if latitude is not None:
        north, south_or_north = latitude.lstrip("-"), "s" if latitude.startswith("-") else "n"
        east, east_or_west = longitude.lstrip("-"), "w" if longitude.startswith("-") else "e"
    return f"{north}{south_or_north} {east}{east_or_west}".upper(), rest


def _position(text: str) -> Place | None:
    found = re.fullmatch(r"([\d.]+)([NS]) ([\d.]+)([EW])", text)
    if not found:
        return None
    north, south_or_north, east, east_or_west = found.groups()
    return Place(
        name=text,
        latitude_deg=float(north) * (1 if south_or_north == "N" else -1),
        longitude_deg=float(east) * (1 if east_or_west == "E" else -1),
    )
