"""What a quantity is to be today, by its own earlier values of this season.

The values follow a smooth curve: an integrated Wiener process, whose slope wanders (the stochastic
form of the cubic smoothing spline; Wahba, 1978, Journal of the Royal Statistical Society B 40). How
fast it wanders is not known; so the prediction is averaged over rates, weighted by how well each
explains the history. What it says of a day far ahead is as uncertain as it should be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orbitloom.errors import InputFileError
from orbitloom.scenario.time import to_datetime

__all__ = ["Courses", "History", "courses", "read_history"]

_RATES_DAYS = np.array([6.0, 9.0, 14.0, 21.0, 32.0, 50.0, 75.0, 115.0, 170.0, 400.0])
_STEEPEST_DAYS = 20.0  # in which a value may go through all its earlier range
_YEAR_DAYS = 365


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Courses:
    """Predictions, one a history, NaN where it tells too little.

    Attributes
    ----------
    values, sigmas
        (n,) in the histories' unit, with standard uncertainty.
    slopes
        (n,) a day.
    """

    values: NDArray[np.float64]
    slopes: NDArray[np.float64]
    sigmas: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class History:
    """Earlier values, oldest first: (n,) days from today (negative), values, sigmas."""

    days: NDArray[np.float64]
    values: NDArray[np.float64]
    sigmas: NDArray[np.float64]


def read_history(rows: Any, sensed_ns: int, where: str) -> History:
    """Return a briefing's ``[day_of_year, value, sigma]`` rows, within the year before today.

    Raises
    ------
    InputFileError
        If they are not such rows of numbers.
    """
    try:
        table = np.asarray(rows, np.float64).reshape(-1, 3) if rows else np.empty((0, 3))
    except (TypeError, ValueError):
        table = np.full((1, 3), np.nan)
    days, sigmas = table[:, 0], table[:, 2]
    if not (np.isfinite(table).all() and (sigmas > 0).all() and (days >= 1).all()
            and (days <= _YEAR_DAYS + 1).all()):  # fmt: skip
        raise InputFileError(
            "the earlier values are not rows of [day of year, value, sigma > 0]",
            where=where,
            way_out="Give for instance [[120, 0.45, 0.02], [128, 0.51, 0.02]]",
        )
    today = to_datetime(sensed_ns).timetuple().tm_yday
    # A row of today's day is a year old: this look is not its own past.
    ago = (today - days - 1) % _YEAR_DAYS + 1
    order = np.argsort(-ago, kind="stable")
    return History(days=-ago[order], values=table[order, 1], sigmas=sigmas[order])


def courses(histories: Sequence[History], day: float) -> Courses:
    """Return what is to be expected of many quantities on a day, counted from today.

    A Kalman filter over value and slope for each history and each of ten rates, all at once; their
    predictions are averaged by likelihood. Values later than the day are left out; with less than
    two before it a history tells nothing: NaN.

    Parameters
    ----------
    histories
        Earlier values.
    day
        Days from today, 0 or negative.
    """
    used = [int(np.searchsorted(history.days, day, side="right")) for history in histories]
    count, most = len(histories), max(used, default=0)
    days, values, sigmas = np.full((3, count, max(most, 1)), np.nan)
    for row, (history, n) in enumerate(zip(histories, used, strict=True)):
        days[row, :n], values[row, :n] = history.days[:n], history.values[:n]
        sigmas[row, :n] = history.sigmas[:n]
    known = np.array(used) >= 2
    with np.errstate(invalid="ignore"):
        noise = np.nanmedian(np.where(known[:, None], sigmas, 1.0), axis=1)
        spread = np.nanmax(np.where(known[:, None], values, 1.0), axis=1) + noise
        spread -= np.nanmin(np.where(known[:, None], values, 1.0), axis=1)
    rate = noise[:, None] ** 2 / _RATES_DAYS**3
    shape = (count, _RATES_DAYS.size)
    x, v = np.broadcast_to(values[:, :1], shape).copy(), np.zeros(shape)
    xx = np.broadcast_to((3.0 * spread[:, None]) ** 2, shape).copy()
    vv = np.broadcast_to((spread[:, None] / _STEEPEST_DAYS) ** 2, shape).copy()
    xv, likelihood, then = np.zeros(shape), np.zeros(shape), days[:, :1].copy()
    for number in range(most + 1):
        last = number == most
        now = np.full((count, 1), day) if last else days[:, number : number + 1]
        step = np.where(np.isnan(now), 0.0, now - then)
        x = x + step * v
        xx = xx + 2.0 * step * xv + step**2 * vv + rate * step**3 / 3.0
        xv = xv + step * vv + rate * step**2 / 2.0
        vv = vv + rate * step
        then = then + step
        if last:
            break
        value, sigma = values[:, number : number + 1], sigmas[:, number : number + 1]
        seen = ~np.isnan(value)
        total = np.where(seen, xx + sigma**2, np.inf)
        off = np.where(seen, value - x, 0.0)
        likelihood -= np.where(seen, 0.5 * (off**2 / total + np.log(total)), 0.0)
        gain_x, gain_v = xx / total, xv / total
        x, v = x + gain_x * off, v + gain_v * off
        vv, xv, xx = vv - gain_v * xv, xv - gain_x * xv, xx - gain_x * xx
    weight = np.exp(likelihood - likelihood.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    value = (weight * x).sum(axis=1)
    variance = (weight * (xx + (x - value[:, None]) ** 2)).sum(axis=1)
    nothing = np.where(known, 0.0, np.nan)
    return Courses(
        values=value + nothing,
        slopes=(weight * v).sum(axis=1) + nothing,
        sigmas=np.sqrt(variance) + nothing,
    )
