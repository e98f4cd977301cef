"""How a satellite speaks: laser terminals and radio. Every number here can be overridden."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from orbitloom.scenario.quantity import Section, quantity

__all__ = ["Downlink", "Laser", "OpticalDownlink", "Topology"]

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
    """The radio to the ground. See docs/design/radio-and-weather.md."""

    rate: Literal["fixed", "budget"] = quantity(
        "fixed",
        "",
        "choice",
        "fixed: rate_mbps whenever a station sees the satellite; budget: modulation and coding "
        "follow the signal, with rain taken off",
    )
    rate_mbps: float = quantity(160.0, "Mbit/s", "published", "mean; peak 220", gt=0)
    frequency_ghz: float = quantity(8.2, "GHz", "published", "X band; Ka is 26.25", ge=1, le=40)
    eirp_dbw: float = quantity(20.0, "dBW", "estimate", "a few watts and a small steered antenna")
    symbol_rate_msps: float = quantity(
        50.0, "Msymbol/s", "derived", "220 Mbit/s at the highest coding", gt=0
    )
    losses_db: float = quantity(1.0, "dB", "estimate", "pointing, polarisation, gases", ge=0)
    implementation_db: float = quantity(2.0, "dB", "estimate", "a real demodulator's loss", ge=0)
    margin_db: float = quantity(3.0, "dB", "choice", "kept above what a coding needs", ge=0)
    rain_exceeded_percent: float = quantity(
        1.0,
        "%",
        "choice",
        "share of time in which rain may cost more than is taken off: the contact then fails",
        ge=0.001,
        le=5,
    )
    conflicts: Literal["first", "longest"] = quantity(
        "first",
        "",
        "choice",
        "who gets a free antenna: the pass that rose first, or the one with most time left",
    )
    power_w: float = quantity(60.0, "W", "estimate", "a small X-band transmitter, sending", ge=0)


class OpticalDownlink(Section):
    """The laser to the ground, if a station is optical."""

    rate_gbps: float = quantity(10.0, "Gbit/s", "estimate", "up to 120 are announced", gt=0)
    acquisition_s: float = quantity(30.0, "s", "estimate", "of a beacon from the ground", ge=0)
    cloud_correlation_km: float = quantity(
        450.0, "km", "estimate", "distance at which cloud is correlated by 1/e", gt=0
    )
