"""A scenario: everything a flight needs to know, in one immutable value."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from orbitloom.scenario import time
from orbitloom.scenario.faults import Faults
from orbitloom.scenario.fleet import Fleet, WalkerFleet
from orbitloom.scenario.hardware import (
    Compute,
    DataBus,
    Ground,
    Heat,
    Instrument,
    Model,
    Perception,
    Power,
    Store,
    Survey,
)
from orbitloom.scenario.links import Downlink, Laser, OpticalDownlink
from orbitloom.scenario.quantity import Section, quantity

__all__ = [
    "ARMS",
    "Arm",
    "Cue",
    "EventKind",
    "Scenario",
    "SceneFile",
    "Setting",
    "Station",
    "Subscription",
    "Target",
]

Arm = Literal["orbit", "raw", "bentpipe"]
ARMS: tuple[Arm, ...] = ("orbit", "raw", "bentpipe")

EventKind = Literal[
    "flood", "fire", "burn", "crop_stress", "vessels", "lake", "snow", "quiet", "cloud", "random"
]
Setting = Literal["any", "river", "forest", "farmland", "coast", "lake", "mountain"]


_FIRST_YEAR, _END_YEAR = 1973, 2200  # Earth rotation is tabulated from 1973; 64-bit ns end in 2262
_MOST_SATELLITE_HOURS = 500_000


class Station(Section):
    """A ground station."""

    name: str = Field(min_length=1)
    latitude_deg: float = Field(ge=-90, le=90)
    longitude_deg: float = Field(ge=-180, le=180)
    altitude_m: float = Field(0.0, ge=-500, le=9000)
    mask_deg: float = quantity(5.0, "deg", "published", "lowest elevation served", ge=0, lt=90)
    antennas: int = quantity(
        2, "", "estimate", "a small station; satellites at once", ge=1, le=1000
    )
    kind: Literal["rf", "optical"] = quantity("rf", "", "choice", "radio, or a telescope")
    g_over_t_db: float = quantity(
        22.0, "dB/K", "estimate", "a dish of some 3.5 m in X band; 11 m have 31", ge=-30, le=60
    )
    rain_mm_per_h: float = quantity(
        30.0, "mm/h", "estimate", "exceeded in 0.01 % of a year; temperate climate", ge=0, le=300
    )
    rain_spell_min: float = quantity(
        20.0, "min", "estimate", "mean length of a fade that is too deep", gt=0
    )
    clear_sky: float = quantity(
        0.5, "", "estimate", "share of time a telescope sees the sky; 0.3 to 0.8", gt=0, le=1
    )
    cloud_spell_h: float = quantity(
        12.0, "h", "estimate", "mean length of a spell of cloud: a front passes", gt=0
    )


class Target(Section):
    """A place to look at. `event` is the truth laid on it; the satellites are never told."""

    name: str = Field(min_length=1)
    latitude_deg: float = Field(ge=-80, le=84, description="within UTM")
    longitude_deg: float = Field(ge=-180, le=180)
    event: EventKind = "random"
    setting: Setting = Field("any", description="what the synthetic world must have there")
    app: str | None = Field(None, description="what is ordered there, as the key app")


class SceneFile(Section):
    """A reflectance image of the user's own (GeoTIFF), laid at every target."""

    file: Path
    scale: float | None = Field(
        None, gt=0, description="reflectance = value * scale + offset; else the file must say it"
    )
    offset: float = 0.0
    at_top: bool = Field(
        False, description="whether the values are as seen from above the atmosphere (level 1)"
    )


class Cue(Section):
    """Tip and cue: whether an alert asks a following satellite for a second look."""

    within_min: float = quantity(
        0.0, "min", "choice", "how late a second look may be; 0 asks for none", ge=0, le=1440
    )
    margin_s: float = quantity(
        30.0, "s", "choice", "between decision and slew, for the tip's way", ge=0
    )


class Subscription(Section):
    """Who wants to hear of what, and where."""

    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9_.-]+$")
    kinds: tuple[Literal["alert", "nothing_found", "not_observable"], ...] = ("alert",)
    bbox: tuple[float, float, float, float] = Field(
        (-180.0, -90.0, 180.0, 90.0),
        description="west, south, east, north in degrees; west > east crosses the antimeridian",
    )

    @field_validator("bbox")
    @classmethod
    def _bbox_is_on_earth(
        cls, value: tuple[float, float, float, float]
    ) -> tuple[float, float, float, float]:
        west, south, east, north = value
        if max(abs(west), abs(east)) > 180.0 or not -90.0 <= south <= north <= 90.0:
            message = f"{list(value)} is not west, south, east, north in degrees"
            raise ValueError(message)
        return value


class Scenario(Section):
    """Everything a flight needs to know.

    Read one with `orbitloom.scenario.load`; a field that a file leaves out keeps its default,
    and `orbitloom show` prints each with its unit, basis and source.
    """

    name: str = Field(min_length=1)
    description: str = quantity("", "", "choice", "one line for people")
    start: str = quantity("2026-06-14T00:00:00Z", "", "choice", "first midnight after the elements")
    hours: float = quantity(6.0, "h", "choice", "how long to fly", gt=0, le=240)
    seed: int = quantity(0, "", "choice", "of events, losses and noise", ge=0, lt=2**63)
    arms: Annotated[tuple[Arm, ...], Field(min_length=1)] = quantity(
        ARMS, "", "choice", "the ways to fly that are compared"
    )
    fleet: Fleet = WalkerFleet()
    stations: tuple[Station, ...] = Field(min_length=1)
    targets: tuple[Target, ...] = Field(min_length=1)
    scenery: Literal["sentinel2", "synthetic"] = quantity(
        "sentinel2",
        "",
        "choice",
        "the ground: a quilt of a real Sentinel-2 scene (four bands), or the synthetic world",
    )
    scene: SceneFile | None = None
    app: str = quantity(
        "flood", "", "choice", "entry point in orbitloom.apps, or a .py, .onnx, .toml, .json file"
    )
    subscriptions: tuple[Subscription, ...] = quantity(
        (Subscription(name="everyone"),), "", "choice", "who gets which answers"
    )
    instrument: Instrument = Instrument()
    databus: DataBus = DataBus()
    compute: Compute = Compute()
    model: Model = Model()
    perception: Perception = Perception()
    power: Power = Power()
    heat: Heat = Heat()
    store: Store = Store()
    laser: Laser = Laser()
    downlink: Downlink = Downlink()
    optical: OpticalDownlink = OpticalDownlink()
    survey: Survey = Survey()
    cue: Cue = Cue()
    ground: Ground = Ground()
    faults: Faults = Faults()

    @field_validator("start")
    @classmethod
    def _start_is_a_time(cls, value: str) -> str:
        try:
            year = time.to_datetime(time.from_iso(value)).year
        except (ValueError, OverflowError):
            message = f"{value!r} is not an ISO 8601 time such as 2026-06-14T00:00:00Z"
            raise ValueError(message) from None
        if not _FIRST_YEAR <= year < _END_YEAR:
            raise ValueError(f"{value!r} is not within {_FIRST_YEAR} to {_END_YEAR - 1}")
        return value

    @field_validator("stations", "targets", "subscriptions")
    @classmethod
    def _names_differ(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        names = [item.name for item in value]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"the name {twice[0]!r} is used twice")
        return value

    @field_validator("arms")
    @classmethod
    def _arms_differ(cls, value: tuple[Arm, ...]) -> tuple[Arm, ...]:
        twice = [arm for arm in ARMS if value.count(arm) > 1]
        if twice:
            raise ValueError(f"the arm {twice[0]!r} is named twice")
        return value

    @model_validator(mode="after")
    def _planes_are_known(self) -> Scenario:
        topology = self.laser.topology
        if topology in {"ring", "grid", "adjacent"} and not isinstance(self.fleet, WalkerFleet):
            raise ValueError(
                f"laser.topology = {topology!r} needs an even fleet, whose planes are known; "
                "use 'nearest' or 'demand'"
            )
        return self

    @model_validator(mode="after")
    def _fleet_fits_in_memory(self) -> Scenario:
        if isinstance(self.fleet, WalkerFleet):
            satellites = self.fleet.planes * self.fleet.per_plane
            if satellites * self.hours > _MOST_SATELLITE_HOURS:
                raise ValueError(
                    f"{satellites:,} satellites for {self.hours:g} h do not fit in memory; at most "
                    f"{_MOST_SATELLITE_HOURS:,} satellite-hours"
                )
        return self

    @property
    def start_ns(self) -> int:
        """Start of the flight, ns."""
        return time.from_iso(self.start)

    @property
    def end_ns(self) -> int:
        """End of the flight, ns."""
        return self.start_ns + time.seconds_to_ns(self.hours * 3600.0)
