"""What studies compare: fleets by one number, station nets by name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from orbitloom.errors import ScenarioError
from orbitloom.scenario import ElementsFleet, Fleet, Scenario, Station, WalkerFleet
from orbitloom.scenario.fleet import FLEET_SHAPE
from orbitloom.scenario.load import load, station_nets
from orbitloom.world.elements import read_tle_file

__all__ = ["OWN", "FleetOf", "fleets_of", "net_of", "nets_of"]

OWN = "own"
"""What a scenario's own fleet and own stations are called among those of a study."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetOf:
    """A fleet that is compared: its name in tables, and how many fly."""

    name: str
    satellites: int
    fleet: Fleet


def fleets_of(
    text: str, scenario: Scenario, spread_deg: float | None = None
) -> tuple[FleetOf, ...]:
    """Return the fleets that an option names.

    Parameters
    ----------
    text
        By comma: a number of satellites, spread evenly as `fleet.satellites` does; planes and
        satellites in each, as ``2x12``; or ``own`` for the scenario's.
    scenario
        Height, inclination and all else are its fleet's, if that is an even one; else defaults.
    spread_deg
        Over how many degrees of right ascension the planes are spread. If None: as
        `fleet.satellites` does.

    Raises
    ------
    ScenarioError
        If a part is none of these.
    """
    base = scenario.fleet if isinstance(scenario.fleet, WalkerFleet) else WalkerFleet()
    common = {key: value for key, value in base.model_dump().items() if key not in FLEET_SHAPE}
    if spread_deg is not None:
        common["raan_spread_deg"] = spread_deg
    found = []
    for part in (part.strip() for part in text.split(",")):
        shape = re.fullmatch(r"(\d{1,4})x(\d{1,4})", part)
        if part == OWN:
            found.append(FleetOf(name=OWN, satellites=_count(scenario.fleet), fleet=scenario.fleet))
            continue
        try:
            if shape:
                planes, per_plane = int(shape[1]), int(shape[2])
                fleet = WalkerFleet(
                    **common,
                    satellites=planes * per_plane,
                    planes=planes,
                    per_plane=per_plane,
                    phasing=planes // 2,
                )
            elif part.isdecimal():
                fleet = WalkerFleet(**common, satellites=int(part))
            else:
                raise ValueError(part)
        except (ValidationError, ValueError):
            raise ScenarioError(
                f"{part!r} is no fleet",
                where="option --satellites",
                way_out=f"Give numbers of satellites by comma, planes as 2x12, or {OWN}",
            ) from None
        count = fleet.planes * fleet.per_plane
        name = f"{count:,} ({fleet.planes}x{fleet.per_plane})"
        found.append(FleetOf(name=name, satellites=count, fleet=fleet))
    return tuple(found)


def nets_of(text: str) -> tuple[str, ...]:
    """Return the station nets that an option names by comma: built-in ones, or ``own``.

    Raises
    ------
    ScenarioError
        If one is not known.
    """
    known = (*station_nets(), OWN)
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in known:
            raise ScenarioError(
                f"there is no station net {name!r}",
                where="option --nets",
                way_out=f"Known: {', '.join(known)} (the scenario's)",
            )
    return names


def net_of(name: str, scenario: Scenario) -> Sequence[Station]:
    """Return a net's stations."""
    return scenario.stations if name == OWN else load(scenario, stations=name).stations


def _count(fleet: Fleet) -> int:
    if isinstance(fleet, WalkerFleet):
        return fleet.planes * fleet.per_plane
    if isinstance(fleet, ElementsFleet):
        return len(fleet.elements)
    return len(read_tle_file(fleet.file))
