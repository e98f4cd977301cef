"""What breaks: events that a scenario names, and rates for a seeded generator. Nothing by default.

What an event or a rate does is told in docs/design/faults.md; `orbitloom.world.faults` makes the
plan of a flight out of both.
"""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field, model_validator

from orbitloom.scenario.quantity import Section, quantity

__all__ = ["FAULT_KINDS", "FaultEvent", "FaultKind", "Faults"]

FaultKind = Literal[
    "satellite_lost",
    "terminal_lost",
    "station_out",
    "not_acquired",
    "clock_step",
    "bit_flip",
    "computer_reset",
    "battery_ageing",
]
FAULT_KINDS: tuple[FaultKind, ...] = get_args(FaultKind)
"""All kinds, in the order in which reports name them."""

_SIZED: dict[FaultKind, tuple[float, str]] = {
    "terminal_lost": (1.0, "the number of the terminal, from 1"),
    "not_acquired": (1.0, "how many attempts fail, 1 or more"),
    "clock_step": (1.0, "the step in seconds"),
    "battery_ageing": (0.8, "the share of the capacity that is left, below 1"),
}
_LASTING: tuple[FaultKind, ...] = ("station_out", "clock_step", "computer_reset")


class FaultEvent(Section):
    """One fault: what, where and when."""

    kind: FaultKind = Field(description="what breaks")
    at_min: float = Field(ge=0, description="minutes after the start of the flight")
    satellite: str | None = Field(None, description="whose; of all kinds but station_out")
    station: str | None = Field(None, description="whose, of station_out")
    duration_min: float | None = Field(
        None,
        gt=0,
        description="of station_out (until the end if not given), clock_step (until the time fix) "
        "and computer_reset; the last two have keys of their own",
    )
    size: float | None = Field(
        None,
        gt=0,
        description="terminal_lost: which, from 1; not_acquired: attempts that fail; "
        "clock_step: seconds; battery_ageing: share of the capacity left",
    )

    @model_validator(mode="after")
    def _keys_fit_the_kind(self) -> FaultEvent:
        wanted, other = (
            ("station", "satellite") if self.kind == "station_out" else ("satellite", "station")
        )
        if getattr(self, wanted) is None:
            raise ValueError(f"{self.kind} needs the key {wanted!r}: whose it is")
        if getattr(self, other) is not None:
            raise ValueError(f"{self.kind} takes {wanted!r}, not {other!r}")
        if self.duration_min is not None and self.kind not in _LASTING:
            raise ValueError(f"{self.kind} takes no duration_min; {', '.join(_LASTING)} do")
        if self.size is not None and self.kind not in _SIZED:
            raise ValueError(f"{self.kind} takes no size; {', '.join(_SIZED)} do")
        whole = self.kind in ("terminal_lost", "not_acquired")
        if self.size is not None and whole and not self.size.is_integer():
            raise ValueError(f"size of {self.kind} is {_SIZED[self.kind][1]}, not {self.size:g}")
        if self.kind == "battery_ageing" and (self.size or 0.0) >= 1.0:
            raise ValueError(f"size of {self.kind} is {_SIZED[self.kind][1]}, not {self.size:g}")
        return self

    @property
    def extent(self) -> float:
        """`size`, or the kind's own: terminal 1, one attempt, one second, 80 % of a battery."""
        return self.size if self.size is not None else _SIZED.get(self.kind, (0.0, ""))[0]


class Faults(Section):
    """What breaks in a flight: events by name, and seeded ones at these rates."""

    events: tuple[FaultEvent, ...] = quantity((), "", "choice", "faults by name")
    satellites_lost_per_satellite_year: float = quantity(
        0.0, "1/a", "choice", "none unless asked for", ge=0
    )
    terminals_lost_per_satellite_year: float = quantity(
        0.0, "1/a", "choice", "none unless asked for", ge=0
    )
    station_outages_per_station_day: float = quantity(
        0.0, "1/d", "choice", "none unless asked for", ge=0
    )
    station_outage_min: float = quantity(
        60.0, "min", "estimate", "mean, exponential: a technician is called", gt=0
    )
    not_acquired_probability: float = quantity(
        0.0, "1", "choice", "none unless asked for; of each attempt of each link", ge=0, le=0.95
    )
    clock_steps_per_satellite_year: float = quantity(
        0.0, "1/a", "choice", "none unless asked for", ge=0
    )
    clock_step_s: float = quantity(1.0, "s", "estimate", "a leap or a lost second", gt=0)
    clock_tolerance_s: float = quantity(
        0.007,
        "s",
        "derived",
        "15 urad at 3,563 km over 7.6 km/s: the beam has moved by its own width",
        gt=0,
    )
    clock_fix_min: float = quantity(
        15.0, "min", "estimate", "until time is known again by GNSS and believed", gt=0
    )
    bit_flips_per_gb_day: float = quantity(
        0.0, "1/GB/d", "choice", "none unless asked for; those that the memory cannot mend", ge=0
    )
    second_copy: Literal["on", "off"] = quantity(
        "on", "", "choice", "stored products are kept twice; off: packets stay until all is sent"
    )
    mend_mb_per_s: float = quantity(
        500.0, "MB/s", "estimate", "reading a second copy and writing it anew, flash", gt=0
    )
    resets_per_satellite_year: float = quantity(0.0, "1/a", "choice", "none unless asked for", ge=0)
    reboot_s: float = quantity(90.0, "s", "estimate", "Linux and its services on board", gt=0)
    battery_ageings_per_satellite_year: float = quantity(
        0.0, "1/a", "choice", "none unless asked for: a string of cells fails", ge=0
    )
    battery_capacity_share: float = quantity(
        0.875, "1", "estimate", "seven of eight strings are left", gt=0, lt=1
    )
    receipt_s: float = quantity(
        1.0, "s", "estimate", "receipts are gathered before they are sent back", ge=0
    )
    detection_s: float = quantity(
        30.0, "s", "estimate", "three keep-alives of 10 s are missed before a neighbour acts", ge=0
    )

    @property
    def rates(self) -> tuple[float, ...]:
        """The rates, in the order of `FAULT_KINDS`."""
        return (
            self.satellites_lost_per_satellite_year,
            self.terminals_lost_per_satellite_year,
            self.station_outages_per_station_day,
            self.not_acquired_probability,
            self.clock_steps_per_satellite_year,
            self.bit_flips_per_gb_day,
            self.resets_per_satellite_year,
            self.battery_ageings_per_satellite_year,
        )

    @property
    def any(self) -> bool:
        """Whether anything can break."""
        return bool(self.events) or any(self.rates)
