"""Ships of a synthetic sea: where they are at a time, what they report, what else floats there.

Each ship keeps to a straight lane of open water. It enters at one end, leaves at the other, and
after it another ship enters; so the sea around a target is as busy at any time, and two looks some
minutes apart see the same ships moved on. Anchored ships stay.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orbitloom.scenario.time import seconds_to_ns
from orbitloom.wire.ais import AisReport
from orbitloom.world import synthetic_land as ground
from orbitloom.world.synthetic_plan import Place

__all__ = ["DEEP", "Lane", "Vessel", "draw_lanes", "reports", "vessels_at"]

_KNOT_M_S = 1852.0 / 3600.0
_REACH_M = 8_500.0
_STEP_M = 150.0
_SHORTEST_LANE_M = 3_000.0
_POSITION_SIGMA_M = 10.0  # ITU-R M.1371 calls 10 m and better "high accuracy"
_HEARD = 0.35  # share of the reports that reach a receiver in orbit between all the others

Floats = NDArray[np.float64]

DEEP = 0.045
"""Of the still layer: the sea some 300 m off the shore, deep enough for a ship."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vessel:
    """A ship at a time; `mmsi` None means that it sends no AIS. Heading from north over east."""

    mmsi: int | None
    longitude_deg: float
    latitude_deg: float
    easting_m: float
    northing_m: float
    length_m: float
    width_m: float
    heading_deg: float
    speed_kn: float
    t_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A straight way through open water from a point on, or a berth at anchor (speed 0).

    Heading from the grid's north over east; `start` is how far along it ships are at time 0.
    """

    number: int
    east_m: float
    north_m: float
    heading_deg: float
    length_m: float
    speed_kn: float
    start: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ship:
    mmsi: int
    dark: bool
    length_m: float
    width_m: float
    tone: float


def draw_lanes(place: Place, plan: ground.Plan) -> tuple[Lane, ...]:
    """Return 10 to 30 lanes around a place; fewer where there is little water.

    There are none where the event is not about ships.
    """
    if place.event != "vessels":
        return ()
    rng, east_m, north_m = place.rng("lanes"), place.east_m, place.north_m
    wanted = int(rng.integers(10, 31))
    angle, away = rng.uniform(0.0, 2.0 * np.pi, 4000), np.sqrt(rng.uniform(0.0, 1.0, 4000))
    offset = rng.uniform(0.0, 1.0, 4000)
    courses = rng.uniform(0.0, 360.0, 4000)
    east = east_m + 0.75 * _REACH_M * away * np.cos(angle)
    north = north_m + 0.75 * _REACH_M * away * np.sin(angle)
    anchored = rng.random(4000) < 0.3
    knots = rng.uniform(6.0, 20.0, 4000)
    lanes: list[Lane] = []
    for k in np.flatnonzero(_in_water(east, north, plan)).tolist():
        if len(lanes) == wanted:
            break
        if any(np.hypot(east[k] - o.east_m, north[k] - o.north_m) < 350.0 for o in lanes):
            continue
        if anchored[k]:
            lane = Lane(
                number=len(lanes), east_m=float(east[k]), north_m=float(north[k]),
                heading_deg=float(courses[k]), length_m=0.0, speed_kn=0.0, start=0.0,
            )  # fmt: skip
        else:
            found = _longest(float(east[k]), float(north[k]), float(courses[k]), place, plan)
            if found is None:
                continue
            east0, north0, course, length = found
            lane = Lane(
                number=len(lanes), east_m=east0, north_m=north0, heading_deg=course,
                length_m=length, speed_kn=float(knots[k]), start=float(offset[k]),
            )  # fmt: skip
        lanes.append(lane)
    return tuple(lanes)


def vessels_at(
    lanes: tuple[Lane, ...], place: Place, t_ns: int
) -> tuple[tuple[Vessel, float], ...]:
    """Return the ships at a time, each with the tone of its deck, 0 (rust) to 1 (white)."""
    ships = []
    for lane in lanes:
        ship, east_m, north_m = _place(lane, place, t_ns)
        (longitude,), (latitude,) = place.lonlat(np.array([east_m]), np.array([north_m]))
        vessel = Vessel(
            mmsi=None if ship.dark else ship.mmsi,
            longitude_deg=float(longitude),
            latitude_deg=float(latitude),
            easting_m=east_m,
            northing_m=north_m,
            length_m=ship.length_m,
            width_m=ship.width_m,
            heading_deg=(lane.heading_deg + place.convergence_deg) % 360.0,
            speed_kn=lane.speed_kn,
            t_ns=t_ns,
        )
        ships.append((vessel, ship.tone))
    return tuple(ships)


def reports(lanes: tuple[Lane, ...], place: Place, t0_ns: int, t1_ns: int) -> tuple[AisReport, ...]:
    """Return what a receiver in orbit hears from t0 to t1, in the order of reception.

    Ships report every 2 to 10 s under way, by speed, and every 180 s at anchor (ITU-R M.1371-5,
    table 1); about a third is heard; one in twenty comes late, by up to a minute, relayed.
    """
    heard: list[AisReport] = []
    for lane in lanes:
        if lane.speed_kn == 0.0:
            every_ns = seconds_to_ns(180.0)
        else:
            every_ns = seconds_to_ns(10.0 if lane.speed_kn <= 14.0 else 6.0)
        first = -(-t0_ns // every_ns)
        for turn in range(first - seconds_to_ns(60.0) // every_ns - 1, -(-t1_ns // every_ns) + 1):
            rng = place.rng("ais", lane.number, turn)
            chance, late, delay = rng.random(3)
            slot_ns = turn * every_ns + int(rng.integers(0, every_ns // 2))
            sent_ns = slot_ns
            received_ns = sent_ns + (seconds_to_ns(60.0 * delay) if late < 0.05 else 0)
            keep = _HEARD if lane.speed_kn else 0.9
            if chance > keep or not t0_ns <= received_ns < t1_ns:
                continue
            ship, east_m, north_m = _place(lane, place, sent_ns)
            if ship.dark:
                continue
            noise = _POSITION_SIGMA_M * rng.standard_normal(2)
            (longitude,), (latitude,) = place.lonlat(
                np.array([east_m + noise[0]]), np.array([north_m + noise[1]])
            )
            course = lane.heading_deg + place.convergence_deg + 1.5 * rng.standard_normal()
            static = rng.random() < 0.8
            heard.append(
                AisReport(
                    mmsi=ship.mmsi,
                    t_ns=received_ns,
                    longitude_deg=round(float(longitude), 6),
                    latitude_deg=round(float(latitude), 6),
                    speed_kn=round(max(lane.speed_kn + 0.2 * rng.standard_normal(), 0.0), 1),
                    course_deg=round(course, 1) % 360.0,
                    length_m=float(round(ship.length_m)) if static else 0.0,
                    name=f"SHIP {ship.mmsi % 10_000:04d}" if static else "",
                )
            )
    return tuple(sorted(heard, key=lambda report: (report.t_ns, report.mmsi)))


def _in_water(east: Floats, north: Floats, plan: ground.Plan) -> NDArray[np.bool_]:
    layers = ground.sample(east, north, plan)
    return np.asarray((layers[:, ground.STILL] > DEEP) & (layers[:, ground.SEA] > 0.5))


def _longest(
    east: float, north: float, course: float, place: Place, plan: ground.Plan
) -> tuple[float, float, float, float] | None:
    """Return start, course and length of the longest of six lanes through a point."""
    steps = np.arange(-100, 101) * _STEP_M
    best: tuple[float, float, float, float] | None = None
    for turn in range(6):
        heading = (course + 30.0 * turn) % 360.0
        s, c = np.sin(np.radians(heading)), np.cos(np.radians(heading))
        e, n = east + steps * s, north + steps * c
        near = np.hypot(e - place.east_m, n - place.north_m) < _REACH_M
        free = near & _in_water(e, n, plan)
        blocked = np.flatnonzero(~free)
        first = int(blocked[blocked < 100].max(initial=-1)) + 1
        last = int(blocked[blocked > 100].min(initial=201)) - 1
        length = (last - first) * _STEP_M
        if best is None or length > best[3]:
            best = (east + steps[first] * s, north + steps[first] * c, heading, length)
    return best if best is not None and best[3] >= _SHORTEST_LANE_M else None


def _place(lane: Lane, place: Place, t_ns: int) -> tuple[_Ship, float, float]:
    """Return the ship on a lane at a time, and where it is."""
    if lane.speed_kn == 0.0:
        return _ship(place, lane, 0), lane.east_m, lane.north_m
    run = lane.start * lane.length_m + lane.speed_kn * _KNOT_M_S * (t_ns / 1e9)
    lap, along = divmod(run, lane.length_m)
    heading = np.radians(lane.heading_deg)
    return (
        _ship(place, lane, int(lap)),
        float(lane.east_m + along * np.sin(heading)),
        float(lane.north_m + along * np.cos(heading)),
    )


def _ship(place: Place, lane: Lane, lap: int) -> _Ship:
    rng = place.rng("ship", lane.number, lap)
    length = float(15.0 * (200.0 / 15.0) ** rng.random())
    country = int(rng.choice([211, 219, 235, 311, 412, 431, 477, 538, 563, 636]))
    return _Ship(
        mmsi=country * 1_000_000 + int(rng.integers(0, 1_000_000)),
        dark=bool(rng.random() < 0.3),
        length_m=round(length, 1),
        width_m=round(max(length / float(rng.uniform(5.2, 7.0)), 4.5), 1),
        tone=float(rng.random()),
    )
