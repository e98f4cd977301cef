"""Who flies: an even Walker fleet by numbers, mean elements, or a file of two-line elements."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from orbitloom.scenario.quantity import Section, quantity

__all__ = [
    "FLEET_SHAPE",
    "ElementSet",
    "ElementsFleet",
    "Fleet",
    "TleFleet",
    "WalkerFleet",
    "walker_shape",
]

FLEET_SHAPE = ("satellites", "planes", "per_plane", "phasing", "raan_spread_deg")
"""The keys that say how many satellites an even fleet has, and how they are spread."""

_MOST_SATELLITES = 100_000
_NEAR_POLAR_DEG = 15.0  # of inclination, either side of 90
_INCLINATION_DEG = 97.4
_CLOSED_RING = 10  # satellites that a plane at 505 km needs for lasers all around it


def walker_shape(satellites: int) -> tuple[int, int, int]:
    """Return planes, satellites in each, and phasing of an even fleet of that many.

    As many planes as leave at least 10 satellites in each (a closed laser ring at 505 km) and at
    least twice as many as there are planes: then the planes of a near-polar fleet are as far apart
    as the satellites in them. Phasing is half a place, which keeps crossing planes apart.

    Examples
    --------
    >>> [walker_shape(n)[:2] for n in (12, 36, 72, 288, 1000, 2800, 10_000)]
    [(1, 12), (3, 12), (6, 12), (12, 24), (20, 50), (35, 80), (50, 200)]
    """
    divisors = (p for p in range(1, satellites + 1) if satellites % p == 0)
    planes = max(p for p in divisors if p == 1 or satellites // p >= max(_CLOSED_RING, 2 * p))
    return planes, satellites // planes, planes // 2


class WalkerFleet(Section):
    """An even fleet: `planes` circular planes of `per_plane` satellites.

    Walker's notation i:T/P/F (J. G. Walker, 1984) with T = planes * per_plane and F = `phasing`:
    a satellite of the next plane is F * 360/T degrees ahead. `satellites` alone is enough: the
    other three then follow from it, and near-polar planes are spread over 180 degrees, a Walker
    star, for over 360 each would meet another one flying the other way.
    """

    kind: Literal["walker"] = quantity("walker", "", "choice", "an even fleet")
    satellites: int | None = quantity(
        None,
        "",
        "choice",
        "all of them; spreads them over planes if those are not given",
        ge=1,
        le=_MOST_SATELLITES,
    )
    planes: int = quantity(1, "", "choice", "orbital planes", ge=1, le=1000)
    per_plane: int = quantity(12, "", "choice", "satellites in each plane", ge=1, le=1000)
    phasing: int = quantity(0, "", "choice", "Walker's F", ge=0)
    altitude_km: float = quantity(
        505.0,
        "km",
        "derived",
        "the six of SCS-01 that hold their height, June 2026",
        ge=200,
        le=2000,
    )
    inclination_deg: float = quantity(
        _INCLINATION_DEG, "deg", "derived", "catalogue elements of SCS-01", ge=0, le=180
    )
    ltdn_h: float = quantity(
        10.5, "h", "derived", "local time of the descending node, SCS-01", ge=0, lt=24
    )
    raan_spread_deg: float = quantity(
        360.0, "deg", "choice", "360 for Walker delta, 180 for Walker star", gt=0, le=360
    )

    @model_validator(mode="before")
    @classmethod
    def _spread(cls, keys: Any) -> Any:
        """Let planes, places and phasing follow from the number of satellites."""
        if not isinstance(keys, dict) or not isinstance(keys.get("satellites"), int):
            return keys
        satellites = keys["satellites"]
        planes, per_plane = keys.get("planes"), keys.get("per_plane")
        if not 1 <= satellites <= _MOST_SATELLITES or not all(
            n is None or isinstance(n, int) for n in (planes, per_plane)
        ):
            return keys  # what is wrong with it is said below
        spread = {}
        if planes is None and per_plane is None:
            planes, per_plane, spread["phasing"] = walker_shape(satellites)
        elif planes is None:
            planes = max(1, satellites // max(1, int(per_plane or 1)))
        elif per_plane is None:
            per_plane = max(1, satellites // max(1, planes))
        inclination_deg = keys.get("inclination_deg", _INCLINATION_DEG)
        if planes > 1 and isinstance(inclination_deg, int | float):
            polar = abs(inclination_deg - 90.0) <= _NEAR_POLAR_DEG
            spread["raan_spread_deg"] = 180 if polar else 360
        return {**spread, **keys, "planes": planes, "per_plane": per_plane}

    @model_validator(mode="after")
    def _planes_hold_all(self) -> WalkerFleet:
        if self.satellites is not None and self.satellites != self.planes * self.per_plane:
            raise ValueError(
                f"{self.satellites} satellites are not {self.planes} planes of {self.per_plane}"
            )
        return self

    @model_validator(mode="after")
    def _phasing_is_below_planes(self) -> WalkerFleet:
        if self.phasing >= self.planes:
            raise ValueError(f"phasing {self.phasing} is not below the {self.planes} planes")
        return self


class ElementSet(Section):
    """Mean elements of one satellite, as SGP4 takes them (Spacetrack Report 3, TEME)."""

    name: str = Field(min_length=1)
    norad_id: int = Field(0, ge=0)
    epoch_yyddd: str = Field(pattern=r"^\d{5}\.\d{1,8}$", description="TLE form, e.g. 26164.5")
    inclination_deg: float = Field(ge=0, le=180)
    raan_deg: float = Field(ge=0, lt=360)
    eccentricity: float = Field(ge=0, lt=1)
    argument_of_perigee_deg: float = Field(ge=0, lt=360)
    mean_anomaly_deg: float = Field(ge=0, lt=360)
    mean_motion_rev_per_day: float = Field(gt=0, lt=18)
    bstar_per_re: float = 0.0


class ElementsFleet(Section):
    """Real satellites, by mean elements in the scenario itself."""

    kind: Literal["elements"]
    elements: tuple[ElementSet, ...] = Field(min_length=1)


class TleFleet(Section):
    """Real satellites, by a file of two-line elements (with or without name lines)."""

    kind: Literal["tle"]
    file: Path


Fleet = Annotated[WalkerFleet | ElementsFleet | TleFleet, Field(discriminator="kind")]
