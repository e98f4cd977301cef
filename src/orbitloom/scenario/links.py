"""How a satellite speaks: laser terminals and radio. Every number here can be overridden."""

from __future__ import annotations

from orbitloom.scenario.quantity import Section, quantity

__all__ = ["Downlink", "Laser"]


class Laser(Section):
    """A laser terminal between satellites."""

    terminals: int = quantity(2, "", "published", "2 to 4 a satellite", ge=0, le=8)
    rate_gbps: float = quantity(10.0, "Gbit/s", "published", "2.5, 10 or 100", gt=0)
    max_range_km: float = quantity(
        5000.0, "km", "estimate", "grazing range at 550 km, 5,017 km", gt=0
    )
    grazing_height_km: float = quantity(100.0, "km", "published", "80 to 100", ge=0)
    acquisition_s: float = quantity(
        60.0,
        "s",
        "estimate",
        "between 15 s (claimed) and 100 s (SDA OCT maximum)",
        ge=0,
    )
    power_w: float = quantity(60.0, "W", "estimate", "a small terminal holding a link", ge=0)


class Downlink(Section):
    """The X-band transmitter."""

    rate_mbps: float = quantity(160.0, "Mbit/s", "published", "mean; peak 220", gt=0)
    power_w: float = quantity(60.0, "W", "estimate", "a small X-band transmitter, sending", ge=0)
