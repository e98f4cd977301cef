"""What people get today, to stand beside every claim: published figures with their sources."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["INCUMBENTS", "Incumbent"]


class Incumbent(NamedTuple):
    """A service that runs today; latencies in seconds from the look to the user, where published.

    `fastest_s` and `slowest_s` are None where the publisher gives words only.
    """

    service: str
    latency: str
    fastest_s: float | None
    slowest_s: float | None


_HOUR = 3600.0

INCUMBENTS = (
    Incumbent("Copernicus EMS, first flood map", "within few hours after acquisition", None, None),
    Incumbent("ICEYE, SAR imagery", "1 to 8 h", 1 * _HOUR, 8 * _HOUR),
    Incumbent("Planet, optical imagery", "6 to 12 h", 6 * _HOUR, 12 * _HOUR),
    Incumbent(
        "NASA FIRMS, fire points", "under 60 s over the USA, up to 3 h elsewhere", 60.0, 3 * _HOUR
    ),
    Incumbent(
        "EarthSight (research, simulated)", "p90 51 min, 21 min with its method", 1260.0, 3060.0
    ),
    Incumbent("Serval (research, simulated)", "p50 2 min, p90 47 min", 120.0, 2820.0),
)
"""Published by the services and papers named; measured by each in its own way."""
