"""Seasons of a synthetic world: when crops grow, trees have leaves, and snow lies how low."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["PHASES", "calendar", "crop_ndvi", "leaf_share", "local_day", "snow_line_m"]

PHASES = 17
"""Fields of one crop differ by up to 8 days either way."""

# Of each crop: NDVI when bare and at its best, the days of the northern year when it is halfway up
# and halfway down, and whether straw stays. Typical of 40 to 50 degrees north.
_CROPS = np.array(
    [
        [0.22, 0.86, 80.0, 186.0, 1.0],  # winter wheat
        [0.20, 0.88, 152.0, 262.0, 0.6],  # maize
        [0.20, 0.87, 146.0, 288.0, 0.0],  # sugar beet
        [0.25, 0.84, 66.0, 182.0, 1.0],  # rapeseed
        [0.48, 0.80, 85.0, 300.0, 0.0],  # meadow
        [0.20, 0.27, 110.0, 280.0, 0.0],  # fallow
    ]
)
_MILD_DEG = 25.0  # nearer to the equator the seasons flatten


def local_day(day_of_year: float, latitude_deg: float, ahead_days: float) -> float:
    """Return the day of the northern mid-latitude year whose season it is at a latitude.

    Examples
    --------
    >>> local_day(196, 45.0, 0.0), local_day(14, -45.0, 0.0), local_day(14, 0.0, 0.0)
    (196.0, 196.5, 196.0)
    """
    day = day_of_year if latitude_deg >= 0.0 else (day_of_year + 182.5) % 365.0
    flat = min(abs(latitude_deg) / _MILD_DEG, 1.0)
    return 196.0 + (day - 196.0) * flat + ahead_days


def crop_ndvi(crop: int, day: ArrayLike) -> NDArray[np.float64]:
    """Return a crop's usual NDVI on days of the northern year (double logistic curve)."""
    bare, best, up, down, _ = _CROPS[crop]
    day = np.asarray(day, np.float64)
    rise, fall = 1.0 / (1.0 + np.exp((up - day) / 9.0)), 1.0 / (1.0 + np.exp((down - day) / 8.0))
    return np.asarray(bare + (best - bare) * (rise - fall))


def calendar(day: float) -> NDArray[np.float64]:
    """Return NDVI and share of straw of each crop and phase on a day, (crops, PHASES, 2)."""
    table = np.zeros((len(_CROPS), PHASES, 2))
    days = day + np.arange(PHASES) - PHASES // 2
    for crop, (_, _, _, down, straw) in enumerate(_CROPS):
        table[crop, :, 0] = crop_ndvi(crop, days)
        left = 1.0 / (1.0 + np.exp((down - days) / 8.0))
        ploughed = 1.0 / (1.0 + np.exp((down + 55.0 - days) / 10.0))
        table[crop, :, 1] = 0.8 * straw * (left - ploughed)
    return table


def leaf_share(day: float, latitude_deg: float) -> float:
    """Return how much of their leaves broadleaf trees have."""
    if abs(latitude_deg) < _MILD_DEG:
        return 1.0
    spring, autumn = (
        1.0 / (1.0 + math.exp((112 - day) / 8)),
        1.0 / (1.0 + math.exp((300 - day) / 9)),
    )
    return 0.15 + 0.85 * (spring - autumn)


def snow_line_m(latitude_deg: float, day: float) -> float:
    """Return the height above which snow lies: lower towards the poles, lowest in February."""
    latitude = abs(latitude_deg)
    swing = 1300.0 * min(latitude / 50.0, 1.0)
    return 5200.0 - 62.0 * latitude + swing * math.cos(2.0 * math.pi * (day - 225.0) / 365.0)
