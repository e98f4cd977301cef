"""The application seam: what looks at a tile and says what it found.

An application is a Python entry point in ``orbitloom.apps``; `orbitloom.testing.AppContract` says
what every one must do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from orbitloom.processing.l3 import Tile
from orbitloom.wire.ais import AisReport
from orbitloom.wire.briefing import Briefing

__all__ = ["App", "Context", "Evidence", "Finding", "Measure", "Reason", "Severity"]

Severity = Literal["Extreme", "Severe", "Moderate", "Minor"]
"""As the Common Alerting Protocol 1.2 has it."""

Reason = Literal["cloud", "night", "gap", "app"]
"""Why something could not be observed; ``app``: the application was stopped, `Finding.cause`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A measured quantity with its standard uncertainty, in `unit` (as UCUM writes it)."""

    name: str
    value: float
    sigma: float
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Context:
    """What an application knows besides the tile.

    Attributes
    ----------
    target
        Name of the place, for people.
    sensed_ns
        Middle of the capture.
    briefing
        What was known before: baseline, fields, regions, coast, an earlier finding.
    ais
        What the AIS receiver heard around the capture, in time order.
    """

    target: str
    sensed_ns: int = 0
    briefing: Briefing = field(default_factory=Briefing)
    ais: tuple[AisReport, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A finding in numbers: what a model assesses, and what the answer tells.

    Attributes
    ----------
    event
        What it is said to be, one word: ``flood``.
    area_km2, area_sigma_km2
        Area and its standard uncertainty.
    parts
        Separate areas.
    contrast
        How clearly the index separates the finding from its surroundings: the median index inside
        less the threshold.
    cloud_edge_share
        Share of the finding's edge that touches cloud or shadow: there it was cut, or mistaken.
    spoilt_share
        Share of the finding that was saturated or filled from neighbouring lines.
    clear_share
        Share of the footprint that was seen clearly.
    measures
        What else was measured: fire power, vessels' lengths, ...
    """

    event: str
    area_km2: float
    area_sigma_km2: float
    parts: int
    contrast: float
    cloud_edge_share: float
    spoilt_share: float
    clear_share: float
    measures: tuple[Measure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Finding:
    """What an application says of one tile.

    Exactly one holds: there is `evidence` with the `area` it lies on (an alert), or a `reason` why
    nothing could be seen, or neither (nothing was found).

    Attributes
    ----------
    details
        One small mapping an object (a vessel, a field, a hot spot), ready for JSON; `longitude_deg`
        and `latitude_deg` place it.
    series
        What was measured whether or not it is an alert: a point of a series.
    cause
        With the reason ``app``: which limit it broke, see `sandbox.Cause`.
    """

    clear_share: float
    reason: Reason | None = None
    evidence: Evidence | None = None
    area: NDArray[np.bool_] | None = None
    confidence: float = 0.0
    severity: Severity = "Minor"
    headline: str = ""
    details: tuple[Mapping[str, Any], ...] = ()
    series: tuple[Measure, ...] = ()
    cause: str = ""


class App(Protocol):
    """Looks at a tile. Pure: the same tile gives the same finding, and the tile stays as it is."""

    @property
    def name(self) -> str:
        """Its entry point's name."""
        ...

    @property
    def version(self) -> str:
        """Changes whenever a finding could."""
        ...

    @property
    def requires(self) -> tuple[str, ...]:
        """Bands that it cannot do without."""
        ...

    def analyse(self, tile: Tile, context: Context) -> Finding:
        """Return what is to be seen."""
        ...
