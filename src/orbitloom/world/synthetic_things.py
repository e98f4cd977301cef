"""Single objects of a synthetic world: fires, ships with their wakes, platforms, rocks, panes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orbitloom.world import synthetic_land as ground
from orbitloom.world.synthetic_brush import Bins, Thing
from orbitloom.world.synthetic_plan import Place
from orbitloom.world.synthetic_sea import DEEP, Vessel

__all__ = ["STEFAN_BOLTZMANN", "Fire", "draw_fires", "things_at"]

_BIN_M, _BINS = 320.0, 100
STEFAN_BOLTZMANN = 5.670374419e-8  # W/m2/K4

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fire:
    """A burning spot: a black body of some area and temperature; power is what it radiates."""

    longitude_deg: float
    latitude_deg: float
    easting_m: float
    northing_m: float
    area_m2: float
    temperature_k: float
    power_mw: float


def draw_fires(place: Place, plan: ground.Plan) -> tuple[Fire, ...]:
    """Return the burning spots: most along the front that the wind drives, a few ahead."""
    if place.event != "fire" or place.history:
        return ()
    rng = place.rng("fires")
    # So far apart that no point sees two.
    east, north = place.around(5_000.0, 120.0)
    layers = ground.sample(east, north, plan)
    level = layers[:, ground.BURN]
    side = (east - place.east_m - plan.burn_east) * plan.wind_cos
    side += (north - place.north_m - plan.burn_north) * plan.wind_sin
    dry = layers[:, ground.STILL] < 0.0
    front = np.flatnonzero((np.abs(level) < 0.1) & (side > 0.0) & dry)
    ahead = np.flatnonzero((level < -0.2) & (level > -0.8) & (side > 0.0) & dry)
    count = int(rng.integers(10, 36))
    places = np.concatenate(
        [
            rng.choice(front, min(count, front.size), replace=False),
            rng.choice(ahead, min(4, ahead.size), replace=False),
        ]
    )
    fires = []
    for k in places.tolist():
        e, n = east[k] + rng.uniform(-25, 25), north[k] + rng.uniform(-25, 25)
        area = float(50.0 * 40.0 ** rng.random())
        kelvin = float(rng.uniform(600.0, 1200.0))
        (longitude,), (latitude,) = place.lonlat(np.array([e]), np.array([n]))
        fires.append(
            Fire(
                longitude_deg=float(longitude),
                latitude_deg=float(latitude),
                easting_m=float(e),
                northing_m=float(n),
                area_m2=area,
                temperature_k=kelvin,
                power_mw=STEFAN_BOLTZMANN * area * kelvin**4 / 1e6,
            )
        )
    return tuple(fires)


def things_at(
    place: Place,
    plan: ground.Plan,
    ships: tuple[tuple[Vessel, float], ...],
    fires: tuple[Fire, ...],
    gsd_m: float,
) -> Bins:
    """Collect the single objects and file them by the squares they reach into."""
    rows: list[tuple[float, ...]] = []
    for fire in fires:
        sigma = max(1.2 * gsd_m, 1.1 * math.sqrt(fire.area_m2 / (2.0 * math.pi)))
        rows.append(
            (Thing.FIRE, fire.easting_m, fire.northing_m, 1.0, 0.0, fire.area_m2, sigma,
             fire.temperature_k)
        )  # fmt: skip
    for ship, tone in ships:
        angle = math.radians(90.0 - ship.heading_deg + place.convergence_deg)
        c, s = math.cos(angle), math.sin(angle)
        if ship.speed_kn > 0.0:
            # The wake starts at the stern.
            stern_e = ship.easting_m - 0.48 * ship.length_m * c
            stern_n = ship.northing_m - 0.48 * ship.length_m * s
            reach = min(ship.length_m * 9.0 * (ship.speed_kn / 14.0), 1400.0)
            strength = min(0.35 + ship.speed_kn / 25.0, 1.0)
            rows.append((Thing.WAKE, stern_e, stern_n, c, s, reach, ship.width_m, strength))
        rows.append(
            (Thing.HULL, ship.easting_m, ship.northing_m, c, s, ship.length_m, ship.width_m, tone)
        )  # fmt: skip
    if place.event == "vessels":
        rows += _fixed_at_sea(place, plan)
    if place.event == "fire" and not place.history:
        rng = place.rng("mirrors")
        for _ in range(int(rng.integers(3, 9))):
            e, n = rng.uniform(-5e3, 5e3, 2)
            size, strength = rng.uniform(8.0, 30.0), rng.uniform(1.2, 1.8)
            rows.append(
                (Thing.MIRROR, place.east_m + e, place.north_m + n, 1.0, 0.0, size, size, strength)
            )  # fmt: skip
    things = np.array(rows, np.float64).reshape(-1, 8)
    return _file(things, place.east_m, place.north_m)


def _fixed_at_sea(place: Place, plan: ground.Plan) -> list[tuple[float, ...]]:
    """Return platforms and rocks, which are there in any year."""
    rng = place.rng("fixed at sea")
    e, n = place.east_m + rng.uniform(-7e3, 7e3, 60), place.north_m + rng.uniform(-7e3, 7e3, 60)
    layers = ground.sample(e, n, plan)
    wet = np.flatnonzero((layers[:, ground.STILL] > DEEP) & (layers[:, ground.SEA] > 0.5))
    rows: list[tuple[float, ...]] = []
    for number, k in enumerate(wet[: int(rng.integers(4, 9))].tolist()):
        size = rng.uniform(20.0, 60.0)
        kind = Thing.PLATFORM if number % 2 else Thing.ROCK
        rows.append((kind, e[k], n[k], 1.0, 0.0, size, 0.9 * size, 0.0))
    return rows


def _file(things: Floats, east_m: float, north_m: float) -> Bins:
    """File objects by the squares they reach into."""
    west, south = east_m - _BIN_M * _BINS / 2.0, north_m - _BIN_M * _BINS / 2.0
    members: list[list[int]] = [[] for _ in range(_BINS * _BINS)]
    for number, thing in enumerate(things):
        kind, e, n, c, s, length, width = thing[:7]
        if kind == Thing.WAKE:
            spread = 0.34 * length + 50.0
            ends_e, ends_n = [e, e - length * c], [n, n - length * s]
        elif kind == Thing.FIRE:
            spread, ends_e, ends_n = 4.0 * width + 20.0, [e], [n]
        else:
            spread, ends_e, ends_n = 0.6 * max(length, width) + 20.0, [e], [n]
        i0 = max(int((min(ends_e) - spread - west) // _BIN_M), 0)
        i1 = min(int((max(ends_e) + spread - west) // _BIN_M), _BINS - 1)
        j0 = max(int((min(ends_n) - spread - south) // _BIN_M), 0)
        j1 = min(int((max(ends_n) + spread - south) // _BIN_M), _BINS - 1)
        for j in range(j0, j1 + 1):
            for i in range(i0, i1 + 1):
                members[j * _BINS + i].append(number)
    starts = np.zeros(_BINS * _BINS + 1, np.int64)
    np.cumsum([len(square) for square in members], out=starts[1:])
    flat = np.array([number for square in members for number in square], np.int64)
    return Bins(
        things if len(things) else np.zeros((1, 8)), starts, flat, (west, south, _BIN_M, _BINS)
    )
