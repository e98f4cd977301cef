"""How much rain takes off a radio link, for all but some share of the time.

Recommendation ITU-R P.618-13, section 2.2.1.1: the rain rate exceeded in 0.01 % of a year makes
gamma = k R^alpha dB/km (P.838-3, circular polarisation) along the path below the rain height, which
is shortened because rain is patchy; other shares of time follow from that one. The rain height is
that of P.839-2, by latitude alone (P.839-4 is a map). Below 5 degrees of elevation the value of 5
degrees holds.

`ZONES` are the rain rates of ITU-R PN.837-1, table 1, for a key `rain_mm_per_h`; 837-7 is a map,
which is not shipped here. There was no outside implementation at hand to hold this one against:
the tests check its parts and limits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["ZONES", "rain_height_km", "rain_loss_db", "specific_attenuation"]

Floats = NDArray[np.float64]

ZONES = {
    "A": 8, "B": 12, "C": 15, "D": 19, "E": 22, "F": 28, "G": 30, "H": 32, "J": 35, "K": 42,
    "L": 60, "M": 63, "N": 95, "P": 145, "Q": 115,
}  # fmt: skip
"""Rain rate exceeded in 0.01 % of a year in mm/h, by climate zone."""

# GHz, k_H, k_V, alpha_H, alpha_V: values of P.838-3, table 5.
_TABLE = np.array(
    [
        (1.0, 0.0000259, 0.0000308, 0.9691, 0.8592),
        (2.0, 0.0000847, 0.0000998, 1.0664, 0.9490),
        (4.0, 0.0001071, 0.0002461, 1.6009, 1.2476),
        (6.0, 0.0007056, 0.0004878, 1.5900, 1.5728),
        (8.0, 0.004115, 0.003450, 1.3905, 1.3797),
        (10.0, 0.01217, 0.01129, 1.2571, 1.2156),
        (15.0, 0.04481, 0.05008, 1.1233, 1.0440),
        (20.0, 0.09164, 0.09611, 1.0568, 0.9847),
        (25.0, 0.1571, 0.1533, 0.9991, 0.9491),
        (30.0, 0.2403, 0.2291, 0.9485, 0.9129),
        (35.0, 0.3374, 0.3224, 0.9047, 0.8761),
        (40.0, 0.4431, 0.4274, 0.8673, 0.8421),
    ]
)
_LOWEST_RAD = np.radians(5.0)


def specific_attenuation(frequency_hz: float, rain_mm_per_h: ArrayLike) -> Floats:
    """Return what rain takes off circularly polarised radio, dB/km.

    Between tabulated frequencies log k goes linearly with log f, alpha with log f, as P.838 asks.
    """
    ghz = np.log(_TABLE[:, 0])
    at = np.log(1e-9 * frequency_hz)
    k_h, k_v = (np.exp(np.interp(at, ghz, np.log(_TABLE[:, column]))) for column in (1, 2))
    a_h, a_v = (np.interp(at, ghz, _TABLE[:, column]) for column in (3, 4))
    k = (k_h + k_v) / 2.0
    alpha = (k_h * a_h + k_v * a_v) / (2.0 * k)
    return np.asarray(k * np.asarray(rain_mm_per_h, np.float64) ** alpha)


def rain_height_km(latitude_deg: float) -> float:
    """Return the mean height of rain above sea level by latitude, km (P.839-2)."""
    if latitude_deg > 23.0:
        return max(5.0 - 0.075 * (latitude_deg - 23.0), 0.0)
    if latitude_deg >= -21.0:
        return 5.0
    return max(5.0 + 0.1 * (latitude_deg + 21.0), 0.0)


def rain_loss_db(
    frequency_hz: float,
    elevation_rad: ArrayLike,
    latitude_deg: float,
    altitude_m: float,
    rain_mm_per_h: float,
    exceeded_percent: float,
) -> Floats:
    """Return the loss by rain that is exceeded in a share of the time, dB.

    Parameters
    ----------
    frequency_hz
        1 to 40 GHz.
    elevation_rad
        Of the satellite, any shape.
    latitude_deg, altitude_m
        Of the station.
    rain_mm_per_h
        Rain rate exceeded in 0.01 % of a year.
    exceeded_percent
        0.001 to 5 % of the time.
    """
    elevation = np.maximum(np.asarray(elevation_rad, np.float64), _LOWEST_RAD)
    rise_km = rain_height_km(latitude_deg) - 1e-3 * altitude_m
    gamma = float(specific_attenuation(frequency_hz, rain_mm_per_h))
    if rise_km <= 0.0 or gamma == 0.0:
        return np.zeros_like(elevation)
    ghz, sine = 1e-9 * frequency_hz, np.sin(elevation)
    across_km = rise_km / sine * np.cos(elevation)
    across = 1.0 / (
        1.0 + 0.78 * np.sqrt(across_km * gamma / ghz) - 0.38 * (1.0 - np.exp(-2.0 * across_km))
    )
    steep = np.arctan2(rise_km, across_km * across) > elevation
    through_km = np.where(steep, across_km * across / np.cos(elevation), rise_km / sine)
    far_deg = max(36.0 - abs(latitude_deg), 0.0)
    up = 1.0 / (
        1.0
        + np.sqrt(sine)
        * (
            31.0
            * (1.0 - np.exp(-np.degrees(elevation) / (1.0 + far_deg)))
            * np.sqrt(through_km * gamma)
            / ghz**2
            - 0.45
        )
    )
    rare_db = gamma * through_km * up
    p = exceeded_percent
    if p >= 1.0 or far_deg == 0.0:
        beta = np.zeros_like(elevation)
    else:
        beta = 0.005 * far_deg + np.where(np.degrees(elevation) >= 25.0, 0.0, 1.8 - 4.25 * sine)
    power = 0.655 + 0.033 * np.log(p) - 0.045 * np.log(rare_db) - beta * (1.0 - p) * sine
    return np.asarray(rare_db * (p / 0.01) ** -power)
