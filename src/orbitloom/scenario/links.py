"""How a satellite speaks: laser terminals and radio. Every number here can be overridden."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from orbitloom.scenario.quantity import Section, quantity

__all__ = ["Downlink", "Laser", "Topology"]

Topology = Literal["auto", "ring", "grid", "adjacent", "nearest", "demand"]
"""Who links with whom, see `orbitloom.world.link_rules`."""


class Laser(Section):
    """A laser terminal between satellites. See docs/design/laser-links.md."""

    terminals: int = quantity(2, "", "published", "2 to 4 a satellite", ge=0, le=8)
    topology: Topology = quantity(
        "auto",
        "",
        "choice",
        "who links with whom: ring, grid, adjacent, nearest or demand; auto is grid for even "
        "fleets (a ring in each plane first), nearest for any other",
    )
    rate_gbps: float = quantity(10.0, "Gbit/s", "published", "2.5, 10 or 100", gt=0)
    ladder_gbps: tuple[float, ...] = quantity(
        (2.5, 10.0, 100.0), "Gbit/s", "published", "lower rates to fall back to", min_length=1
    )
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
    reacquisition_s: float = quantity(
        15.0, "s", "estimate", "of a pair that has met lately: the shortest that is claimed", ge=0
    )
    reacquisition_within_s: float = quantity(
        6000.0, "s", "estimate", "since they parted: an orbit, then pointing is stale", ge=0
    )
    slew_deg_per_s: float = quantity(
        0.5, "deg/s", "published", "fastest turn of the line of sight against the body", gt=0
    )
    doppler_ghz: float = quantity(8.0, "GHz", "published", "largest shift that is followed", gt=0)
    sun_exclusion_deg: float = quantity(
        5.0, "deg", "estimate", "half angle; 3 to 10 are published; none in eclipse", ge=0, lt=90
    )
    wavelength_nm: float = quantity(1550.0, "nm", "published", "SDA OCT: 1,536-1,565", gt=0)
    transmit_w: float = quantity(1.0, "W", "estimate", "a small fibre amplifier", gt=0)
    transmit_efficiency: float = quantity(0.8, "1", "estimate", "optics", gt=0, le=1)
    receive_efficiency: float = quantity(0.8, "1", "estimate", "optics", gt=0, le=1)
    aperture_mm: float = quantity(80.0, "mm", "estimate", "receiving telescope", gt=0)
    divergence_urad: float = quantity(15.0, "urad", "estimate", "of the beam sent", gt=0)
    pointing_error_urad: float = quantity(1.0, "urad", "estimate", "at either end", ge=0)
    sensitivity_dbm: float = quantity(
        -35.5, "dBm", "published", "at 10 Gbit/s; other rates in proportion (estimate)"
    )
    margin_db: float = quantity(3.0, "dB", "choice", "kept between received power and it", ge=0)
    power_w: float = quantity(60.0, "W", "estimate", "a small terminal holding a link", ge=0)

    @field_validator("ladder_gbps")
    @classmethod
    def _rates_are_positive(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if min(value) <= 0:
            raise ValueError(f"{list(value)} holds a rate that is not above 0")
        return value


class Downlink(Section):
    """The X-band transmitter."""

    rate_mbps: float = quantity(160.0, "Mbit/s", "published", "mean; peak 220", gt=0)
    power_w: float = quantity(60.0, "W", "estimate", "a small X-band transmitter, sending", ge=0)
