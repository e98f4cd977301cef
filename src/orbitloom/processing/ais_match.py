"""Which vessel sent which AIS report: matching in space and time, with both uncertainties.

A report is carried to the moment of the look, its uncertainty growing with its age; then reports
and vessels are assigned to each other at the least total cost (Hungarian method), the cost being
the negative log-likelihood of the difference in place and length. A pair is ambiguous where another
assignment of all is about as likely. See docs/design/maritime.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from orbitloom.processing.vessels import Vessel
from orbitloom.scenario.time import SECOND_NS
from orbitloom.wire.ais import KNOT_M_S, AisReport

__all__ = [
    "AisState",
    "Identity",
    "Predicted",
    "assign",
    "match",
    "moved",
    "offset_m",
    "place_gain",
    "predict",
]

AisState = Literal["matched", "dark", "ambiguous", "none heard"]
"""What AIS says of a vessel that was seen."""

_METRES_PER_DEGREE = 111_320.0
_FIX_SIGMA_M = 10.0  # M.1371-5: "high accuracy" is better than 10 m
_ANTENNA_SHARE = 0.2  # of the length: the antenna is somewhere along the ship, mostly aft
_SPEED_SIGMA_M_S = 0.3  # of what a ship says: 0.1 knot steps, and a current of the swell
_COURSE_SIGMA_RAD = np.radians(3.0)
_MANOEUVRE_M_S2 = 0.01  # how a ship's speed and course wander, per second
_UNKNOWN_SPEED_M_S = 6.0
_OLDEST_NS = 1800 * SECOND_NS
_TOGETHER_NS, _FEW = 120 * SECOND_NS, 5  # reports of one ship that are as good as the nearest
_GATE = 13.8  # chi-square of 2 degrees of freedom that 99.9 % stay below
_STRANGERS_PER_M2 = 0.2e-6  # vessels that send nothing, in busy waters: one in 5 km2
_CLEARLY = 3.0  # difference in -2 log-likelihood that makes one assignment the better one
_FORCED = 1e6
_LENGTH_SIGMA_SHARE = 0.1  # static reports are typed in by hand


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predicted:
    """Where a ship's reports place it at the moment of a look.

    `covariance_m2` is (2, 2), east and north; `speed_kn` and `course_deg` as last reported.
    """

    mmsi: int
    longitude_deg: float
    latitude_deg: float
    covariance_m2: NDArray[np.float64]
    length_m: float
    speed_kn: float | None
    course_deg: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What AIS says of one vessel; `report` is the best candidate also where it is ambiguous."""

    state: AisState
    report: Predicted | None = None


def offset_m(
    longitude_deg: float, latitude_deg: float, from_longitude_deg: float, from_latitude_deg: float
) -> NDArray[np.float64]:
    """Return metres east and north of a place, seen from another nearby; across 180 degrees too."""
    turn = (longitude_deg - from_longitude_deg + 180.0) % 360.0 - 180.0
    north = latitude_deg - from_latitude_deg
    shrink = np.cos(np.radians((latitude_deg + from_latitude_deg) / 2.0))
    return np.array([turn * shrink, north]) * _METRES_PER_DEGREE


def moved(
    longitude_deg: float, latitude_deg: float, east_m: float, north_m: float
) -> tuple[float, float]:
    """Return longitude and latitude of the place that lies so many metres off."""
    latitude = latitude_deg + north_m / _METRES_PER_DEGREE
    shrink = np.cos(np.radians((latitude + latitude_deg) / 2.0))
    longitude = longitude_deg + east_m / (_METRES_PER_DEGREE * shrink)
    return float((longitude + 180.0) % 360.0 - 180.0), float(latitude)


def predict(reports: Sequence[AisReport], t_ns: int) -> tuple[Predicted, ...]:
    """Return where each ship is at a time, by its reports around that time; in order of MMSI.

    Each report is carried on at constant velocity. The uncertainty is that of the report nearest in
    time: it grows along the course with that of the speed, across with that of the course, and with
    both as the square of the time, for a ship may manoeuvre. The place is the median of the few
    nearest, for a report that was relayed late is where the ship has been. Reports older than half
    an hour say nothing of where a ship is.
    """
    near = [each for each in reports if abs(each.t_ns - t_ns) <= _OLDEST_NS]
    near.sort(key=lambda each: (each.mmsi, abs(each.t_ns - t_ns), each.t_ns))
    ships = (list(group) for _, group in groupby(near, key=lambda each: each.mmsi))
    return tuple(_carried(group, t_ns) for group in ships)


def _carried(group: list[AisReport], t_ns: int) -> Predicted:
    best = group[0]
    nearest_ns = abs(best.t_ns - t_ns)
    few = [one for one in group if abs(one.t_ns - t_ns) <= nearest_ns + _TOGETHER_NS][:_FEW]
    offsets = []
    for one in few:
        off = offset_m(one.longitude_deg, one.latitude_deg, best.longitude_deg, best.latitude_deg)
        offsets.append(off + _run(one, t_ns))
    east_m, north_m = np.median(offsets, axis=0)
    longitude, latitude = moved(
        best.longitude_deg, best.latitude_deg, float(east_m), float(north_m)
    )
    length_m = max(each.length_m for each in group)
    return Predicted(
        mmsi=best.mmsi,
        longitude_deg=longitude,
        latitude_deg=latitude,
        covariance_m2=_covariance(best, (t_ns - best.t_ns) / SECOND_NS, length_m),
        length_m=length_m,
        speed_kn=best.speed_kn,
        course_deg=best.course_deg,
    )


def _run(report: AisReport, t_ns: int) -> NDArray[np.float64]:
    """Return metres east and north that a ship has made since its report."""
    if report.speed_kn is None or report.course_deg is None:
        return np.zeros(2)
    course = np.radians(report.course_deg)
    run_m = report.speed_kn * KNOT_M_S * (t_ns - report.t_ns) / SECOND_NS
    return np.asarray(run_m * np.array([np.sin(course), np.cos(course)]))


def _covariance(report: AisReport, age_s: float, length_m: float) -> NDArray[np.float64]:
    """Return the covariance of a ship's place so long after its report, east and north, m2."""
    spread = _FIX_SIGMA_M**2 + (_ANTENNA_SHARE * length_m) ** 2
    spread += (0.5 * _MANOEUVRE_M_S2 * age_s**2) ** 2
    if report.speed_kn is None or report.course_deg is None:
        return np.eye(2) * (spread + (_UNKNOWN_SPEED_M_S * age_s) ** 2)
    spread += (_SPEED_SIGMA_M_S * age_s) ** 2
    course = np.radians(report.course_deg)
    aside = np.array([np.cos(course), -np.sin(course)])
    drift_m = report.speed_kn * KNOT_M_S * _COURSE_SIGMA_RAD * age_s
    return np.asarray(np.eye(2) * spread + np.outer(aside, aside) * drift_m**2)


def match(vessels: Sequence[Vessel], heard: Sequence[Predicted]) -> tuple[Identity, ...]:
    """Return what AIS says of each vessel.

    A vessel is dark if every report within its gate is clearly another vessel's, and so if there is
    none. Where nothing was heard at all nothing is said, for then it is not the ships that are
    silent but the receiver.
    """
    if not heard:
        return tuple(Identity(state="none heard") for _ in vessels)
    gain = np.array([[_gain(vessel, report) for report in heard] for vessel in vessels])
    gain = gain.reshape(len(vessels), len(heard))
    chosen = assign(gain)
    total = _total(gain, chosen)
    result = []
    for vessel, report in enumerate(chosen):
        near = np.isfinite(gain[vessel])
        if not near.any():
            result.append(Identity(state="dark"))
            continue
        other = gain.copy()
        if report is None:
            # What if one of the reports near it, another vessel's so far, were its own?
            other[vessel] += _FORCED
            clear = total - (_total(other, assign(other)) - _FORCED) > _CLEARLY
            theirs = set(np.flatnonzero(near).tolist()) <= set(chosen)
            state: AisState = "dark" if clear and theirs else "ambiguous"
        else:
            other[vessel, report] = -np.inf
            clear = total - _total(other, assign(other)) > _CLEARLY
            state = "matched" if clear else "ambiguous"
        best = int(np.argmax(gain[vessel])) if report is None else report
        result.append(Identity(state=state, report=None if state == "dark" else heard[best]))
    return tuple(result)


def assign(gain: NDArray[np.float64]) -> list[int | None]:
    """Return each row's column in the assignment of the largest total gain; None gains nothing.

    Parameters
    ----------
    gain
        (rows, columns): how much better a pair explains both than none does; a pair that gains
        nothing is not made.
    """
    rows, columns = gain.shape
    worth = np.zeros((rows, columns + rows))
    worth[:, :columns] = np.where(gain > 0.0, gain, -1.0)
    picked = linear_sum_assignment(worth, maximize=True)[1]
    return [
        int(one) if one < columns and gain[row, one] > 0.0 else None
        for row, one in enumerate(picked)
    ]


def _total(gain: NDArray[np.float64], chosen: list[int | None]) -> float:
    return float(sum(gain[row, one] for row, one in enumerate(chosen) if one is not None))


def place_gain(off_m: NDArray[np.float64], covariance_m2: NDArray[np.float64]) -> float:
    """Return what the places say for one vessel against two strangers; -inf off the gate.

    Twice the log-likelihood ratio of an offset under its covariance S against the strangers'
    density b: ``-d^2 - 2 ln(2 pi b sqrt|S|)`` (Blackman & Popoli, 1999, Design and Analysis of
    Modern Tracking Systems, 6.2).

    Parameters
    ----------
    off_m
        (2,) east and north.
    covariance_m2
        (2, 2) of it.
    """
    distance2 = float(off_m @ np.linalg.solve(covariance_m2, off_m))
    if distance2 > _GATE:
        return -np.inf
    spread_m2 = float(np.sqrt(np.linalg.det(covariance_m2)))
    return -distance2 - 2.0 * float(np.log(2.0 * np.pi * _STRANGERS_PER_M2 * spread_m2))


def _gain(vessel: Vessel, report: Predicted) -> float:
    """Return `place_gain` of a pair, less what the lengths say: they can only speak against it."""
    off = offset_m(
        vessel.longitude_deg, vessel.latitude_deg, report.longitude_deg, report.latitude_deg
    )
    covariance = report.covariance_m2 + np.eye(2) * vessel.position_sigma_m**2
    gain = place_gain(off, covariance)
    if report.length_m:
        sigma = np.hypot(vessel.length_sigma_m, 5.0 + _LENGTH_SIGMA_SHARE * report.length_m)
        gain -= min(((vessel.length_m - report.length_m) / sigma) ** 2, _GATE)
    return gain
