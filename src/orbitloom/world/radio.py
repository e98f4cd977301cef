"""How strong a satellite's radio arrives at a station, and how many bits a second that carries.

    C/N0 = EIRP - FSL - L + G/T + 228.6  dBHz,    FSL = 20 log10(4 pi R f / c)

with 228.6 for Boltzmann's constant. Modulation and coding follow the signal: of a ladder, the
fastest whose Es/N0 is reached with a margin. The ladder is DVB-S2's (ETSI EN 302 307-1, table 13,
normal frames, ideal demodulator), thinned to five steps; CCSDS 131.3-B takes it over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from orbitloom.scenario import Station
from orbitloom.scenario.links import Downlink
from orbitloom.world.earth import EQUATORIAL_RADIUS_M
from orbitloom.world.rain import rain_loss_db

__all__ = [
    "CODINGS",
    "RadioBudget",
    "carrier_to_noise_dbhz",
    "free_space_loss_db",
    "slant_range_m",
]

Floats = NDArray[np.float64]

_SPEED_OF_LIGHT_M_S = 299_792_458.0
_BOLTZMANN_DB = 228.6

CODINGS = (
    (4.453, 16.05),  # 32APSK 9/10
    (2.967, 10.21),  # 16APSK 3/4
    (2.228, 7.91),  # 8PSK 3/4
    (1.487, 4.03),  # QPSK 3/4
    (0.989, 1.00),  # QPSK 1/2
)
"""Bits a symbol and the Es/N0 they need in dB, from the fastest down."""


def slant_range_m(height_m: ArrayLike, elevation_rad: ArrayLike) -> Floats:
    """Return the distance of a satellite at a height and elevation, over a sphere, m."""
    radius_m = EQUATORIAL_RADIUS_M
    sine = np.sin(elevation_rad)
    outer_m = radius_m + np.asarray(height_m)
    return np.asarray(np.sqrt(outer_m**2 - radius_m**2 * (1 - sine**2)) - radius_m * sine)


def free_space_loss_db(range_m: ArrayLike, frequency_hz: float) -> Floats:
    """Return the loss of radio in free space, dB."""
    ratio = 4.0 * np.pi * np.asarray(range_m) * frequency_hz / _SPEED_OF_LIGHT_M_S
    return np.asarray(20.0 * np.log10(ratio))


def carrier_to_noise_dbhz(
    range_m: ArrayLike,
    frequency_hz: float,
    eirp_dbw: float,
    losses_db: ArrayLike,
    g_over_t_db: float,
) -> Floats:
    """Return C/N0, dBHz."""
    loss_db = free_space_loss_db(range_m, frequency_hz) + np.asarray(losses_db)
    return np.asarray(eirp_dbw - loss_db + g_over_t_db + _BOLTZMANN_DB)


@dataclass(frozen=True, slots=True, kw_only=True)
class RadioBudget:
    """The downlink of a scenario into one of its stations."""

    downlink: Downlink
    station: Station

    def rate_bps(self, range_m: Floats, elevation_rad: Floats) -> Floats:
        """Return the rate from a range and elevation, rain taken off, bit/s; 0 if none closes."""
        down, station = self.downlink, self.station
        rain_db = rain_loss_db(
            1e9 * down.frequency_ghz,
            elevation_rad,
            station.latitude_deg,
            station.altitude_m,
            station.rain_mm_per_h,
            down.rain_exceeded_percent,
        )
        to_noise = carrier_to_noise_dbhz(
            range_m,
            1e9 * down.frequency_ghz,
            down.eirp_dbw,
            down.losses_db + rain_db,
            station.g_over_t_db,
        )
        symbols = 1e6 * down.symbol_rate_msps
        spare_db = down.implementation_db + down.margin_db
        symbol_db = to_noise - 10.0 * np.log10(symbols) - spare_db
        rate: Floats = np.zeros_like(symbol_db)
        for bits, needed_db in reversed(CODINGS):
            rate = np.where(symbol_db >= needed_db, bits * symbols, rate)
        return rate
