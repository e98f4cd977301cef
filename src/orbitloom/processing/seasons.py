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

__all__ = ["Expected", "History", "expected", "read_history"]

_RATES_DAYS = np.array([6.0, 9.0, 14.0, 21.0, 32.0, 50.0, 75.0, 115.0, 170.0, 400.0])
_STEEPEST_DAYS = 20.0  # in which a value may go through all its earlier range
_YEAR_DAYS = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A prediction with its standard uncertainty."""

    value: float
    sigma: float


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


def expected(history: History, day: float = 0.0) -> Expected | None:
    """Return what is to be expected on a day, counted from today; None with less than two values.

    A Kalman filter over value and slope for each of ten rates, their predictions averaged by
    likelihood.
    """
    if history.days.size < 2:
        return None
    noise = float(np.median(history.sigmas))
    spread = float(np.ptp(history.values)) + noise
    likelihood, mean, variance = (
        np.array(column)
        for column in zip(
            *(_filtered(history, noise**2 / rate**3, spread, day) for rate in _RATES_DAYS),
            strict=True,
        )
    )
    weight = np.exp(likelihood - likelihood.max())
    weight /= weight.sum()
    value = float(weight @ mean)
    return Expected(value=value, sigma=float(np.sqrt(weight @ (variance + (mean - value) ** 2))))


def _filtered(
    history: History, rate: float, spread: float, day: float
) -> tuple[float, float, float]:
    """Return log-likelihood, and the value's mean and variance on a day after all of them."""
    state = np.array([history.values[0], 0.0])
    covariance = np.diag([(3.0 * spread) ** 2, (spread / _STEEPEST_DAYS) ** 2])
    likelihood, then = 0.0, float(history.days[0])
    for now, value, sigma in _rows(history, day):
        step = now - then
        move = np.array([[1.0, step], [0.0, 1.0]])
        drift = rate * np.array([[step**3 / 3.0, step**2 / 2.0], [step**2 / 2.0, step]])
        state, covariance, then = move @ state, move @ covariance @ move.T + drift, now
        if np.isnan(value):
            break
        total = covariance[0, 0] + sigma**2
        off, gain = value - state[0], covariance[:, 0] / total
        likelihood -= 0.5 * float(off**2 / total + np.log(total))
        state, covariance = state + gain * off, covariance - np.outer(gain, covariance[0])
    return likelihood, float(state[0]), float(covariance[0, 0])


def _rows(history: History, day: float) -> Sequence[tuple[float, float, float]]:
    """Return the history's rows that lie before a day, and one without a value on it."""
    rows = zip(history.days.tolist(), history.values.tolist(), history.sigmas.tolist(), strict=True)
    return [*(row for row in rows if row[0] <= day), (day, float("nan"), 1.0)]
