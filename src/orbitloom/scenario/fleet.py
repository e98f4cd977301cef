"""Who flies: an even Walker fleet by numbers, mean elements, or a file of two-line elements."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from orbitloom.scenario.quantity import Section, quantity

__all__ = ["ElementSet", "ElementsFleet", "Fleet", "TleFleet", "WalkerFleet"]


class WalkerFleet(Section):
    """An even fleet: `planes` circular planes of `per_plane` satellites.

    Walker's notation i:T/P/F (J. G. Walker, 1984) with T = planes * per_plane and F = `phasing`:
    a satellite of the next plane is F * 360/T degrees ahead.
    """

    kind: Literal["walker"] = quantity("walker", "", "choice", "an even fleet")
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
        97.4, "deg", "derived", "catalogue elements of SCS-01", ge=0, le=180
    )
    ltdn_h: float = quantity(
        10.5, "h", "derived", "local time of the descending node, SCS-01", ge=0, lt=24
    )
    raan_spread_deg: float = quantity(
        360.0, "deg", "choice", "360 for Walker delta, 180 for Walker star", gt=0, le=360
    )

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
