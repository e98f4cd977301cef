"""Where a synthetic world lies, and the draws that make it what it is there."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rasterio.warp import transform as transform_points

from orbitloom.scenario import stream
from orbitloom.world import synthetic_land as ground
from orbitloom.world.synthetic_season import local_day, snow_line_m

__all__ = ["IMPLIED", "SETTINGS", "Place", "draw_plan"]

IMPLIED = {
    "flood": "river",
    "fire": "forest",
    "burn": "forest",
    "crop_stress": "farmland",
    "vessels": "coast",
    "lake": "lake",
    "snow": "mountain",
}
"""The setting that an event cannot do without."""

SETTINGS = ("river", "forest", "farmland", "coast", "lake", "mountain")
_LOWEST_SUN_DEG = 5.0  # below it shadows would reach out of every scene
_GROWING_DAYS = (155.0, 205.0)  # of the northern year: crops stand

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A target at a time: all that the draws depend on. `setting` is never "any"."""

    name: str
    seed: int
    latitude_deg: float
    longitude_deg: float
    epsg: int
    east_m: float
    north_m: float
    day_of_year: int
    t_ns: int
    sun_elevation_deg: float
    sun_azimuth_deg: float
    setting: str
    event: str
    history: bool

    def rng(self, *names: str | int) -> np.random.Generator:
        """Return the stream of a draw at this place."""
        return stream(self.seed, "synthetic", self.name, *names)

    def around(self, reach_m: float, step_m: float) -> tuple[Floats, Floats]:
        """Return the points (n,) of a square grid within a distance of the target."""
        axis = np.arange(-reach_m, reach_m + step_m / 2.0, step_m)
        de, dn = (grid.ravel() for grid in np.meshgrid(axis, axis))
        near = np.hypot(de, dn) <= reach_m
        return self.east_m + de[near], self.north_m + dn[near]

    def lonlat(self, easting_m: Floats, northing_m: Floats) -> tuple[Floats, Floats]:
        """Return longitudes and latitudes of points (n,), deg."""
        longitude, latitude = transform_points(
            f"EPSG:{self.epsg}", "EPSG:4326", np.ravel(easting_m), np.ravel(northing_m)
        )[:2]
        return np.asarray(longitude), np.asarray(latitude)

    @property
    def convergence_deg(self) -> float:
        """How far the grid's north lies east of true north."""
        west = math.radians(self.longitude_deg - (6.0 * (self.epsg % 100) - 183.0))
        return math.degrees(math.atan(math.tan(west) * math.sin(math.radians(self.latitude_deg))))

    @property
    def local_day(self) -> float:
        """Day of the northern year whose season it is here.

        Where crops are to lose vigour the local calendar is shifted so that they have some.
        """
        day = local_day(self.day_of_year, self.latitude_deg, 0.0)
        return float(np.clip(day, *_GROWING_DAYS)) if self.event == "crop_stress" else day


def draw_plan(place: Place) -> ground.Plan:
    """Draw the place, then set each threshold so that areas come out as drawn."""
    event = "quiet" if place.history else place.event
    needs = {place.setting, IMPLIED.get(place.event, place.setting)}
    elevation = math.radians(max(place.sun_elevation_deg, _LOWEST_SUN_DEG))
    azimuth = math.radians(place.sun_azimuth_deg)
    zone = int(stream(place.seed, "zone", place.epsg).integers(1 << 40))
    rng = place.rng("place")
    turns = rng.uniform(0.0, 2.0 * math.pi, 4)
    latitude = abs(place.latitude_deg)
    dryness = 0.4 * math.exp(-(((latitude - 24.0) / 8.0) ** 2)) * rng.uniform(0.5, 1.2)
    lake_away, lake_size = rng.uniform(0.0, 1500.0), rng.uniform(3e6, 15e6)
    sea_share = rng.uniform(0.35, 0.65)
    plan = ground.Plan(
        seed=zone,
        east_m=place.east_m,
        north_m=place.north_m,
        sun_east=math.sin(azimuth),
        sun_north=math.cos(azimuth),
        sun_sine=math.sin(elevation),
        sun_cosine=math.cos(elevation),
        coast=float("coast" in needs),
        coast_cos=math.cos(turns[0]),
        coast_sin=math.sin(turns[0]),
        river=float("river" in needs),
        river_cos=math.cos(turns[1]),
        river_sin=math.sin(turns[1]),
        river_width=rng.uniform(80.0, 220.0),
        river_wave=rng.uniform(3500.0, 7000.0),
        river_phase=turns[2],
        lake=float("lake" in needs),
        lake_east=lake_away * math.cos(turns[3]),
        lake_north=lake_away * math.sin(turns[3]),
        lake_radius=1.2 * math.sqrt(lake_size / math.pi),
        mountain=float("mountain" in needs),
        forest=float("forest" in needs),
        farm=float("farmland" in needs),
        dryness=dryness * (0.4 if "farmland" in needs else 1.0),
        snow_line=snow_line_m(latitude, place.local_day),
    )
    if plan.coast:
        plan = _cut_coast(place, plan, sea_share)
    if plan.lake:
        plan = _cut_lake(place, plan, lake_size)
    if plan.mountain:
        plan = _bend_snow_line(place, plan)
    if event == "flood":
        plan = _cut_flood(place, plan)
    if event in ("fire", "burn"):
        plan = _cut_burn(place, plan)
    if event == "fire":
        plan = plan._replace(smoke=1.0)
    if place.event == "vessels" and not place.history:
        film = place.rng("oil").uniform(-4000.0, 4000.0, 2)
        plan = plan._replace(oil=1.0, oil_east=film[0], oil_north=film[1])
    return _cover_with_cloud(place, plan, event)


def _cut_coast(place: Place, plan: ground.Plan, sea_share: float) -> ground.Plan:
    east, north = place.around(5_000.0, 125.0)
    for _ in range(2):  # still water is a maximum of sea and lakes: not quite linear
        inside = ground.sample(east, north, plan)[:, ground.STILL]
        shift = float(np.quantile(inside, 1.0 - sea_share))
        plan = plan._replace(coast_cut=plan.coast_cut + shift)
    return plan


def _cut_lake(place: Place, plan: ground.Plan, area_m2: float) -> ground.Plan:
    east, north = place.around(8_000.0, 100.0)
    own = ground.lake_levels(east, north, plan)
    usual, change = area_m2, place.rng("lake").uniform(0.16, 0.39)
    if place.event == "lake" and not place.history:
        grown = place.rng("lake grows").random() < 0.4
        area_m2 = usual * (1.0 + change if grown else 1.0 - change)
    return plan._replace(lake_cut=_level_of_area(own, area_m2, 100.0))


def _bend_snow_line(place: Place, plan: ground.Plan) -> ground.Plan:
    east, north = place.around(5_000.0, 150.0)
    height = ground.sample(east, north, plan)[:, ground.HEIGHT]
    rng = place.rng("snow")
    low, high = np.quantile(height, [0.15, 0.9])
    line = float(np.quantile(height, rng.uniform(0.4, 0.65)))
    step = rng.uniform(150.0, 400.0) * (1.0 if rng.random() < 0.5 else -1.0)
    if place.event == "snow" and not place.history:
        if not low < line + step < high:
            step = -step
        line = float(np.clip(line + step, low, high))
    return plan._replace(snow_bend=1.0, snow_line_bent=line)


def _cut_flood(place: Place, plan: ground.Plan) -> ground.Plan:
    area_m2 = place.rng("flood").uniform(2e6, 12e6)
    plan = plan._replace(flood=1.0)
    east, north = place.around(4_500.0, 75.0)
    layers = ground.sample(east, north, plan)
    wet = (layers[:, ground.STILL] > 0.0) | (
        np.abs(layers[:, ground.RIVER]) < layers[:, ground.WIDTH] / 2.0
    )
    level = np.where(wet, -np.inf, layers[:, ground.FLOOD])
    return plan._replace(flood_cut=_level_of_area(level, area_m2, 75.0))


def _cut_burn(place: Place, plan: ground.Plan) -> ground.Plan:
    rng = place.rng("burn")
    area_m2 = rng.uniform(1e6, 8e6) * (0.4 if place.event == "fire" else 1.0)
    angle, away = rng.uniform(0.0, 2.0 * math.pi), rng.uniform(0.0, 1500.0)
    plan = plan._replace(
        burn=1.0,
        burn_east=away * math.cos(angle),
        burn_north=away * math.sin(angle),
        burn_radius=1.3 * math.sqrt(area_m2 / math.pi),
    )
    east, north = place.around(5_000.0, 75.0)
    layers = ground.sample(east, north, plan)
    level = np.where(layers[:, ground.STILL] > 0.0, -np.inf, layers[:, ground.BURN])
    wind = rng.uniform(0.0, 2.0 * math.pi)
    return plan._replace(
        burn_cut=_level_of_area(level, area_m2, 75.0),
        wind_cos=math.cos(wind),
        wind_sin=math.sin(wind),
        smoke_east=plan.burn_east + 0.6 * plan.burn_radius * math.cos(wind),
        smoke_north=plan.burn_north + 0.6 * plan.burn_radius * math.sin(wind),
    )


def _cover_with_cloud(place: Place, plan: ground.Plan, event: str) -> ground.Plan:
    rng = place.rng("cloud")
    scattered = rng.random() < 1.0 / 3.0
    overcast = event == "cloud"
    cover = rng.uniform(0.88, 0.98) if overcast else rng.uniform(0.10, 0.25)
    base = rng.uniform(900.0, 2200.0) + 1500.0 * plan.mountain
    if place.history or not (overcast or scattered):
        return plan
    plan = plan._replace(
        cloud=1.0, cloud_wave=7_000.0 if overcast else 2_600.0, cloud_base=base,
        # Clouds drift: each capture sees others.
        cloud_seed=int(stream(place.seed, "clouds", place.name, place.t_ns).integers(1 << 40)),
    )  # fmt: skip
    east, north = place.around(10_000.0, 160.0)
    noise = ground.cloud_noise(east, north, plan)
    return plan._replace(cloud_cut=float(np.quantile(noise, 1.0 - cover)))


def _level_of_area(level: Floats, area_m2: float, step_m: float) -> float:
    """Return the value above which samples of a grid cover an area."""
    count = min(max(int(area_m2 / step_m**2), 1), level.size - 1)
    return float(np.partition(level, -count)[-count])
