"""A seeded synthetic world: a scene of surface reflectance at any place on Earth, with its truth.

The picture and the truth come from the same functions of position; no raster lies in between. See
docs/design/synthetic-world.md.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.warp import transform as transform_points

from orbitloom.scenario import Target, hardware, stream, time
from orbitloom.wire.ais import AisReport
from orbitloom.world import synthetic_land as ground
from orbitloom.world.scene import Surface, utm_origin
from orbitloom.world.spectra import Material, band_mean, band_spectra, planck_radiance, reflectance
from orbitloom.world.synthetic_paint import (
    CLASSES,
    NUMBERS,
    PARISH_M,
    Bins,
    Look,
    Thing,
    paint,
    survey,
)
from orbitloom.world.synthetic_regions import draw_fields, draw_land, draw_regions
from orbitloom.world.synthetic_sea import Lane, Vessel, draw_lanes, reports, vessels_at
from orbitloom.world.synthetic_season import calendar, leaf_share, local_day, snow_line_m

__all__ = ["CLASSES", "Fire", "SyntheticWorld", "TruthLayers", "Vessel"]

_IMPLIED = {
    "flood": "river",
    "fire": "forest",
    "burn": "forest",
    "crop_stress": "farmland",
    "vessels": "coast",
    "lake": "lake",
    "snow": "mountain",
}
_SETTINGS = ("river", "forest", "farmland", "coast", "lake", "mountain")
_LOWEST_SUN_DEG = 5.0  # below it shadows would reach out of every scene
_BIN_M, _BINS = 320.0, 100
_KEPT_BLOCKS = 600  # 180 MB
_STRESS_REACH_M = 3_500.0
_STEFAN_BOLTZMANN = 5.670374419e-8
_WAVES_UM = np.linspace(0.4, 2.4, 1001)

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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TruthLayers:
    """What is at points (...): masks of where it covers half a point's square or more, and shares.

    Attributes
    ----------
    water, water_permanent, flood
        Open water now; as usual (without event); now but not usually.
    burnt, snow, land
        `land` is all that is not sea.
    crop_stress, field_id
        Fields that have lost vigour; the field's number, 0 outside fields.
    fire_share, fire_power_w_m2
        Share of the ground that burns, and the power it radiates; a point's square times these
        is its burning area and its fire radiative power.
    cloud_opacity, cloud, shadow, smoke_opacity
        Cloud and shadow where at least half opaque.
    vessel
        Share of hull.
    classes
        Index into `CLASSES` of what has the largest share.
    """

    water: NDArray[np.bool_]
    water_permanent: NDArray[np.bool_]
    flood: NDArray[np.bool_]
    burnt: NDArray[np.bool_]
    snow: NDArray[np.bool_]
    land: NDArray[np.bool_]
    crop_stress: NDArray[np.bool_]
    field_id: NDArray[np.int32]
    fire_share: NDArray[np.float32]
    fire_power_w_m2: NDArray[np.float32]
    cloud_opacity: NDArray[np.float32]
    cloud: NDArray[np.bool_]
    shadow: NDArray[np.bool_]
    smoke_opacity: NDArray[np.float32]
    vessel: NDArray[np.float32]
    classes: NDArray[np.uint8]


class SyntheticWorld:
    """The ground around a target, and above it, at a time.

    Parameters
    ----------
    target
        Where; its `setting` says what must be there, its name seeds what happens.
    seed
        The scenario's. Away from targets (15 km) the land depends on it and the UTM zone alone.
    bands
        Bands to give, by their wavelength and response; 0.4 to 2.4 um.
    t_ns
        When: it sets the season, and where ships are.
    sun_elevation_deg, sun_azimuth_deg
        Where the Sun stands, azimuth from north over east: slopes and shadows.
    event
        What happens: quiet, cloud, flood, fire, burn, crop_stress, vessels, lake or snow.
    history
        The same place as it usually is at this date: without event, cloud, ships and fire.
    gsd_m
        Side of the square that a point stands for: edges are mixed over it.
    """

    at_top = False

    def __init__(
        self,
        target: Target,
        seed: int,
        *,
        bands: tuple[hardware.Band, ...],
        t_ns: int,
        sun_elevation_deg: float,
        sun_azimuth_deg: float,
        event: str,
        history: bool = False,
        gsd_m: float = 5.0,
    ) -> None:
        self.target, self.seed, self.event, self.history = target, seed, event, history
        self.t_ns = t_ns
        self.bands = tuple(band.name for band in bands)
        self._band_data = bands
        self._sun = (sun_elevation_deg, sun_azimuth_deg)
        self._gsd_m = gsd_m
        self.epsg, self.east_m, self.north_m = utm_origin(target.latitude_deg, target.longitude_deg)
        self.day_of_year = time.to_datetime(t_ns).timetuple().tm_yday
        self.setting = target.setting if target.setting != "any" else _IMPLIED.get(event, "any")
        if self.setting == "any":
            pick = stream(seed, "setting", target.name).integers(len(_SETTINGS))
            self.setting = _SETTINGS[int(pick)]
        self.plan = self._plan()
        self._spectra, cloud_colour = band_spectra(bands)
        wave = np.array([band.wavelength_um for band in bands])
        self._cloud_colour = cloud_colour
        # Light left in a full shadow: the sky's, which is blue, and what clouds scatter.
        self._shade = (0.08 + 0.33 * (0.44 / wave) ** 1.3).astype(np.float32)
        # Smoke: fine particles, whose optical depth falls with wavelength to the power of 2.
        self._smoke = np.stack(
            [np.full(len(bands), 0.30), np.minimum((0.5 / wave) ** 2.0, 1.0)]
        ).astype(np.float32)
        self.look, self._crops = self._looks(), calendar(self.local_day)
        self._fires = self._draw_fires()
        self._bins, self._radiance = self._things()
        self._blocks: dict[tuple[int, int], NDArray[np.float32]] = {}

    # What is seen.

    def surface(self, easting_m: Floats, northing_m: Floats) -> Surface:
        """Return what is sent up at points (...)."""
        shape = np.shape(easting_m)
        east, north, lattice, i0, j0 = self._ready(easting_m, northing_m)
        count, size = len(self.bands), east.size
        clouded, burning = self.plan.cloud > 0.0, len(self._fires) > 0
        rho = np.empty((count, size), np.float32)
        cloud = np.empty(size if clouded else 0, np.float32)
        cloud_rho = np.empty((count, size if clouded else 0), np.float32)
        emitted = np.empty((count, size if burning else 0), np.float32)
        paint(
            east, north, lattice, i0, j0, self.look, self._crops, self._bins, self._spectra, self._shade,
            self._smoke, self._cloud_colour, self._radiance, rho, cloud, cloud_rho, emitted,
        )  # fmt: skip
        layers = (count, *shape)
        return Surface(
            reflectance=rho.reshape(layers),
            cloud=cloud.reshape(shape) if clouded else None,
            cloud_reflectance=cloud_rho.reshape(layers) if clouded else None,
            emitted=emitted.reshape(layers) if burning else None,
        )

    def height_m(self, easting_m: Floats, northing_m: Floats) -> NDArray[np.float32]:
        """Return the ground's height above the ellipsoid at points (...)."""
        return self.layer(easting_m, northing_m, ground.HEIGHT)

    def layer(self, easting_m: Floats, northing_m: Floats, number: int) -> NDArray[np.float32]:
        """Return one of the layers of `synthetic_land` at points (...)."""
        east, north, lattice, i0, j0 = self._ready(easting_m, northing_m)
        values = ground.read_layer(east, north, lattice, i0, j0, number)
        return values.reshape(np.shape(easting_m))

    # What is true.

    def truth(self, easting_m: Floats, northing_m: Floats) -> TruthLayers:
        """Return what is at points (...)."""
        shape = np.shape(easting_m)
        numbers, fields, classes = self._survey(easting_m, northing_m)
        of = {name: layer.reshape(shape) for name, layer in zip(NUMBERS, numbers, strict=True)}
        water, usual = of["water"] >= 0.5, of["usual_water"] >= 0.5
        if self.event == "lake" and not self.history:
            known, _, _ = self.usual._survey(easting_m, northing_m)
            usual = known[NUMBERS.index("usual_water")].reshape(shape) >= 0.5
        fire = of["burning"]
        return TruthLayers(
            water=water,
            water_permanent=usual,
            flood=(of["flood"] >= 0.5) & ~usual,
            burnt=of["burnt"] >= 0.5,
            snow=of["snow"] >= 0.5,
            land=of["land"] >= 0.5,
            crop_stress=of["stressed"] >= 0.5,
            field_id=fields.reshape(shape),
            fire_share=fire,
            fire_power_w_m2=(_STEFAN_BOLTZMANN * fire * of["temperature_k"] ** 4).astype(
                np.float32
            ),
            cloud_opacity=of["cloud"],
            cloud=of["cloud"] >= 0.5,
            shadow=of["shadow"] >= 0.5,
            smoke_opacity=of["smoke"],
            vessel=of["vessel"],
            classes=classes.reshape(shape),
        )

    @cached_property
    def usual(self) -> SyntheticWorld:
        """The same place as it usually is at this date."""
        return SyntheticWorld(
            self.target,
            self.seed,
            bands=self._band_data,
            t_ns=self.t_ns,
            sun_elevation_deg=self._sun[0],
            sun_azimuth_deg=self._sun[1],
            event=self.event,
            history=True,
            gsd_m=self._gsd_m,
        )

    def on_day(self, day: float, leaf: float) -> SyntheticWorld:
        """Return this place with the plants of another day of the northern year."""
        other = copy.copy(self)
        other.look, other._crops = self.look._replace(leaf=leaf), calendar(day)
        return other

    def fires(self) -> tuple[Fire, ...]:
        """Return what burns."""
        return self._fires

    def vessels(self) -> tuple[Vessel, ...]:
        """Return the ships."""
        return self._ships[0]

    def ais(self, t0_ns: int, t1_ns: int) -> tuple[AisReport, ...]:
        """Return what an AIS receiver in orbit hears of the ships from t0 to t1."""
        return reports(
            self._lanes, self.seed, self.target.name, t0_ns, t1_ns, self.lonlat, self._convergence
        )

    def fields(self) -> Mapping[str, Any]:
        """Return the field polygons that an owner would have given; see `Briefing.fields`."""
        return draw_fields(self)

    def regions(self) -> Mapping[str, Any]:
        """Return the regions to keep a series of; see `Briefing.regions`."""
        return draw_regions(self)

    def land(self) -> Mapping[str, Any]:
        """Return the land within 16 km as a GeoJSON MultiPolygon."""
        return draw_land(self)

    def lonlat(self, easting_m: Floats, northing_m: Floats) -> tuple[Floats, Floats]:
        """Return longitudes and latitudes of points (n,)."""
        longitude, latitude = transform_points(
            f"EPSG:{self.epsg}", "EPSG:4326", np.ravel(easting_m), np.ravel(northing_m)
        )[:2]
        return np.asarray(longitude), np.asarray(latitude)

    # How it is made.

    def _rng(self, *names: str) -> np.random.Generator:
        return stream(self.seed, "synthetic", self.target.name, *names)

    def _around(self, reach_m: float, step_m: float) -> tuple[Floats, Floats, Floats]:
        """Return points of a square grid within a distance of the target, and that distance."""
        axis = np.arange(-reach_m, reach_m + step_m / 2.0, step_m)
        de, dn = (grid.ravel() for grid in np.meshgrid(axis, axis))
        away = np.hypot(de, dn)
        near = away <= reach_m
        return self.east_m + de[near], self.north_m + dn[near], away[near]

    def _plan(self) -> ground.Plan:
        """Draw the place, then set each threshold so that areas come out as drawn."""
        event = "quiet" if self.history else self.event
        needs = {self.setting, _IMPLIED.get(self.event, self.setting)}
        elevation = math.radians(max(self._sun[0], _LOWEST_SUN_DEG))
        azimuth = math.radians(self._sun[1])
        zone = int(stream(self.seed, "zone", self.epsg).integers(1 << 40))
        rng = self._rng("place")
        turns = rng.uniform(0.0, 2.0 * math.pi, 4)
        latitude = abs(self.target.latitude_deg)
        dryness = 0.4 * math.exp(-(((latitude - 24.0) / 8.0) ** 2)) * rng.uniform(0.5, 1.2)
        lake_away, lake_size = rng.uniform(0.0, 1500.0), rng.uniform(3e6, 15e6)
        sea_share = rng.uniform(0.35, 0.65)
        plan = ground.Plan(
            seed=zone,
            east_m=self.east_m,
            north_m=self.north_m,
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
            snow_line=snow_line_m(latitude, self.local_day),
        )
        if plan.coast:
            plan = self._cut_coast(plan, sea_share)
        if plan.lake:
            plan = self._cut_lake(plan, lake_size)
        if plan.mountain:
            plan = self._bend_snow_line(plan)
        if event == "flood":
            plan = self._cut_flood(plan)
        if event in ("fire", "burn"):
            plan = self._cut_burn(plan)
        if event == "fire":
            plan = plan._replace(smoke=1.0)
        if self.event == "vessels" and not self.history:
            film = self._rng("oil").uniform(-4000.0, 4000.0, 2)
            plan = plan._replace(oil=1.0, oil_east=film[0], oil_north=film[1])
        return self._cover_with_cloud(plan, event)

    @property
    def local_day(self) -> float:
        """Day of the northern year whose season it is here."""
        return local_day(self.day_of_year, self.target.latitude_deg, self._calendar_shift)

    @cached_property
    def _calendar_shift(self) -> float:
        """Days by which the local calendar is ahead, so that crops that lose vigour have some."""
        if self.event != "crop_stress":
            return 0.0
        day = local_day(self.day_of_year, self.target.latitude_deg, 0.0)
        return float(np.clip(day, 155.0, 205.0) - day)

    def _cut_coast(self, plan: ground.Plan, sea_share: float) -> ground.Plan:
        east, north, _ = self._around(5_000.0, 125.0)
        for _ in range(2):  # still water is a maximum of sea and lakes: not quite linear
            inside = ground.sample(east, north, plan)[:, ground.STILL]
            shift = float(np.quantile(inside, 1.0 - sea_share))
            plan = plan._replace(coast_cut=plan.coast_cut + shift)
        return plan

    def _cut_lake(self, plan: ground.Plan, area_m2: float) -> ground.Plan:
        east, north, _ = self._around(8_000.0, 100.0)
        own = ground.lake_levels(east, north, plan)
        usual, change = area_m2, self._rng("lake").uniform(0.16, 0.39)
        if self.event == "lake" and not self.history:
            grown = self._rng("lake grows").random() < 0.4
            area_m2 = usual * (1.0 + change if grown else 1.0 - change)
        return plan._replace(lake_cut=_level_of_area(own, area_m2, 100.0))

    def _bend_snow_line(self, plan: ground.Plan) -> ground.Plan:
        east, north, _ = self._around(5_000.0, 150.0)
        height = ground.sample(east, north, plan)[:, ground.HEIGHT]
        rng = self._rng("snow")
        low, high = np.quantile(height, [0.15, 0.9])
        line = float(np.quantile(height, rng.uniform(0.4, 0.65)))
        step = rng.uniform(150.0, 400.0) * (1.0 if rng.random() < 0.5 else -1.0)
        if self.event == "snow" and not self.history:
            if not low < line + step < high:
                step = -step
            line += step
        return plan._replace(snow_bend=1.0, snow_line_bent=line)

    def _cut_flood(self, plan: ground.Plan) -> ground.Plan:
        area_m2 = self._rng("flood").uniform(2e6, 12e6)
        plan = plan._replace(flood=1.0)
        east, north, _ = self._around(4_500.0, 75.0)
        layers = ground.sample(east, north, plan)
        wet = (layers[:, ground.STILL] > 0.0) | (
            np.abs(layers[:, ground.RIVER]) < layers[:, ground.WIDTH] / 2.0
        )
        level = np.where(wet, -np.inf, layers[:, ground.FLOOD])
        return plan._replace(flood_cut=_level_of_area(level, area_m2, 75.0))

    def _cut_burn(self, plan: ground.Plan) -> ground.Plan:
        rng = self._rng("burn")
        area_m2 = rng.uniform(1e6, 8e6) * (0.4 if self.event == "fire" else 1.0)
        angle, away = rng.uniform(0.0, 2.0 * math.pi), rng.uniform(0.0, 1500.0)
        plan = plan._replace(
            burn=1.0,
            burn_east=away * math.cos(angle),
            burn_north=away * math.sin(angle),
            burn_radius=1.3 * math.sqrt(area_m2 / math.pi),
        )
        east, north, _ = self._around(5_000.0, 75.0)
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

    def _cover_with_cloud(self, plan: ground.Plan, event: str) -> ground.Plan:
        rng = self._rng("cloud")
        scattered = rng.random() < 1.0 / 3.0
        overcast = event == "cloud"
        cover = rng.uniform(0.88, 0.98) if overcast else rng.uniform(0.10, 0.25)
        base = rng.uniform(900.0, 2200.0) + 1500.0 * plan.mountain
        if self.history or not (overcast or scattered):
            return plan
        plan = plan._replace(
            cloud=1.0, cloud_wave=7_000.0 if overcast else 2_600.0, cloud_base=base,
            # Clouds drift: each capture sees others.
            cloud_seed=int(stream(self.seed, "clouds", self.target.name, self.t_ns).integers(1 << 40)),
        )  # fmt: skip
        east, north, _ = self._around(10_000.0, 160.0)
        noise = ground.cloud_noise(east, north, plan)
        return plan._replace(cloud_cut=float(np.quantile(noise, 1.0 - cover)))

    def _looks(self) -> Look:
        u = stream(self.seed, "parishes", self.epsg).uniform(0.0, math.pi)
        cos, sin = math.cos(u), math.sin(u)
        year = self._rng("year", "usual" if self.history else "this").normal(0.0, 0.012)
        red_nir = np.empty((3, 2))
        members = (Material.SOIL_DARK, Material.SOIL_BRIGHT, Material.CROP_GREEN)
        for column, (name, wave) in enumerate((("red", 0.665), ("nir", 0.842))):
            band = next((b for b in self._band_data if b.name == name), None)
            for row, material in enumerate(members):
                red_nir[row, column] = (
                    band_mean(band, _WAVES_UM, reflectance(material, _WAVES_UM))
                    if band is not None
                    else reflectance(material, wave)
                )
        stress = 0.0
        if self.event == "crop_stress" and not self.history:
            stress = self._rng("stress").uniform(0.10, 0.22)
        return Look(
            seed=self.plan.seed,
            gsd_m=self._gsd_m,
            east_m=self.east_m,
            north_m=self.north_m,
            turn_cos=cos,
            turn_sin=sin,
            parish_east=math.floor((self.east_m * cos + self.north_m * sin) / PARISH_M[0]),
            parish_north=math.floor((self.north_m * cos - self.east_m * sin) / PARISH_M[1]),
            stress=stress,
            stress_reach_m=_STRESS_REACH_M,
            dryness=self.plan.dryness,
            leaf=leaf_share(self.local_day, self.target.latitude_deg),
            green=float(year),
            red_nir=tuple(red_nir.ravel().tolist()),
        )

    def _draw_fires(self) -> tuple[Fire, ...]:
        """Return the burning spots: most along the front that the wind drives, a few ahead."""
        if self.event != "fire" or self.history:
            return ()
        plan, rng = self.plan, self._rng("fires")
        east, north, _ = self._around(5_000.0, 60.0)
        layers = ground.sample(east, north, plan)
        level = layers[:, ground.BURN]
        side = (east - self.east_m - plan.burn_east) * plan.wind_cos
        side += (north - self.north_m - plan.burn_north) * plan.wind_sin
        dry = layers[:, ground.STILL] < 0.0
        front = np.flatnonzero((np.abs(level) < 0.06) & (side > 0.0) & dry)
        ahead = np.flatnonzero((level < -0.2) & (level > -0.8) & (side > 0.0) & dry)
        count = int(rng.integers(10, 36))
        places = np.concatenate(
            [
                rng.choice(front, min(count, front.size), replace=False),
                rng.choice(ahead, min(4, ahead.size), replace=False),
            ]
        )
        fires = []
        for place in places.tolist():
            e, n = east[place] + rng.uniform(-25, 25), north[place] + rng.uniform(-25, 25)
            area = float(50.0 * 40.0 ** rng.random())
            kelvin = float(rng.uniform(600.0, 1200.0))
            (longitude,), (latitude,) = self.lonlat(np.array([e]), np.array([n]))
            fires.append(
                Fire(
                    longitude_deg=float(longitude),
                    latitude_deg=float(latitude),
                    easting_m=float(e),
                    northing_m=float(n),
                    area_m2=area,
                    temperature_k=kelvin,
                    power_mw=_STEFAN_BOLTZMANN * area * kelvin**4 / 1e6,
                )
            )
        return tuple(fires)

    @cached_property
    def _convergence(self) -> float:
        """How far the grid's north lies east of true north at the target, deg."""
        zone = self.epsg % 100
        west = math.radians(self.target.longitude_deg - (6.0 * zone - 183.0))
        lat = math.radians(self.target.latitude_deg)
        return math.degrees(math.atan(math.tan(west) * math.sin(lat)))

    @cached_property
    def _lanes(self) -> tuple[Lane, ...]:
        if self.event != "vessels":
            return ()

        def in_water(east: Floats, north: Floats) -> NDArray[np.bool_]:
            layers = ground.sample(east, north, self.plan)
            return np.asarray((layers[:, ground.STILL] > 0.045) & (layers[:, ground.SEA] > 0.5))

        return draw_lanes(self._rng("lanes"), self.east_m, self.north_m, in_water)

    @cached_property
    def _ships(self) -> tuple[tuple[Vessel, ...], tuple[float, ...]]:
        if self.history:
            return (), ()
        return vessels_at(
            self._lanes, self.seed, self.target.name, self.t_ns, self.lonlat, self._convergence
        )

    def _things(self) -> tuple[Bins, NDArray[np.float32]]:
        """Collect the single objects and file them by the squares they reach into."""
        rows: list[tuple[float, ...]] = []
        ships, tones = self._ships
        for ship, tone in zip(ships, tones, strict=True):
            angle = math.radians(90.0 - ship.heading_deg + self._convergence)
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
        if self.event == "vessels":
            rows += self._fixed_at_sea()
        if self.event == "fire" and not self.history:
            rng = self._rng("mirrors")
            for _ in range(int(rng.integers(3, 9))):
                e, n = rng.uniform(-5e3, 5e3, 2)
                size, strength = rng.uniform(8.0, 30.0), rng.uniform(1.2, 1.8)
                rows.append(
                    (Thing.MIRROR, self.east_m + e, self.north_m + n, 1.0, 0.0, size, size, strength)
                )  # fmt: skip
        for fire in self._fires:
            sigma = max(1.2 * self._gsd_m, 1.1 * math.sqrt(fire.area_m2 / (2.0 * math.pi)))
            rows.append(
                (Thing.FIRE, fire.easting_m, fire.northing_m, 1.0, 0.0, fire.area_m2, sigma,
                 fire.temperature_k)
            )  # fmt: skip
        things = np.array(rows, np.float64).reshape(-1, 8)
        radiance = np.zeros((max(len(things), 1), len(self.bands)), np.float32)
        for number, thing in enumerate(things):
            if thing[0] == Thing.FIRE:
                body = planck_radiance(_WAVES_UM, thing[7])
                radiance[number] = [band_mean(b, _WAVES_UM, body) for b in self._band_data]
        return _file(things, self.east_m, self.north_m), radiance

    def _fixed_at_sea(self) -> list[tuple[float, ...]]:
        """Return platforms and rocks, which are there in any year."""
        rng = self._rng("fixed at sea")
        e, n = self.east_m + rng.uniform(-7e3, 7e3, 60), self.north_m + rng.uniform(-7e3, 7e3, 60)
        layers = ground.sample(e, n, self.plan)
        wet = np.flatnonzero((layers[:, ground.STILL] > 0.04) & (layers[:, ground.SEA] > 0.5))
        rows: list[tuple[float, ...]] = []
        for number, k in enumerate(wet[: int(rng.integers(4, 9))].tolist()):
            size = rng.uniform(20.0, 60.0)
            kind = Thing.PLATFORM if number % 2 else Thing.ROCK
            rows.append((kind, e[k], n[k], 1.0, 0.0, size, 0.9 * size, 0.0))
        return rows

    def _ready(
        self, easting_m: Floats, northing_m: Floats
    ) -> tuple[Floats, Floats, NDArray[np.float32], int, int]:
        """Return the points, and the layers at the nodes around them from node (i0, j0) on."""
        east = np.ascontiguousarray(easting_m, np.float64).ravel()
        north = np.ascontiguousarray(northing_m, np.float64).ravel()
        if east.size == 0:
            return east, north, np.empty((0, 0, ground.LAYERS), np.float32), 0, 0
        span = ground.NODE_M * ground.BLOCK
        a, b = math.floor(east.min() / span), math.floor(east.max() / span)
        c, d = math.floor(north.min() / span), math.floor(north.max() / span)
        size = ground.BLOCK
        lattice = np.empty(
            ((d - c + 1) * size + 1, (b - a + 1) * size + 1, ground.LAYERS), np.float32
        )
        for j in range(c, d + 1):
            for i in range(a, b + 1):
                y, x = (j - c) * size, (i - a) * size
                lattice[y : y + size + 1, x : x + size + 1] = self._block(i, j)
        return east, north, lattice, a * size, c * size

    def _block(self, i: int, j: int) -> NDArray[np.float32]:
        known = self._blocks.get((i, j))
        if known is None:
            size = ground.BLOCK
            known = ground.block(i * size, j * size, size + 1, size + 1, self.plan)
            if len(self._blocks) >= _KEPT_BLOCKS:
                self._blocks.clear()
            self._blocks[i, j] = known
        return known

    def _survey(
        self, easting_m: Floats, northing_m: Floats
    ) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.uint8]]:
        east, north, lattice, i0, j0 = self._ready(easting_m, northing_m)
        numbers = np.empty((len(NUMBERS), east.size), np.float32)
        fields, classes = np.empty(east.size, np.int32), np.empty(east.size, np.uint8)
        survey(
            east,
            north,
            lattice,
            i0,
            j0,
            self.look,
            self._crops,
            self._bins,
            numbers,
            fields,
            classes,
        )
        return numbers, fields, classes


def _level_of_area(level: Floats, area_m2: float, step_m: float) -> float:
    """Return the value above which samples of a grid cover an area."""
    count = min(max(int(area_m2 / step_m**2), 1), level.size - 1)
    return float(np.partition(level, -count)[-count])


def _file(things: Floats, east_m: float, north_m: float) -> Bins:
    """File objects by the squares they reach into."""
    west, south = east_m - _BIN_M * _BINS / 2.0, north_m - _BIN_M * _BINS / 2.0
    members: list[list[int]] = [[] for _ in range(_BINS * _BINS)]
    for number, thing in enumerate(things):
        kind, e, n, c, s, length, width = thing[:7]
        if kind == Thing.WAKE:
            spread = 0.34 * length + 50.0
            ends_e, ends_n = (e, e - length * c), (n, n - length * s)
        elif kind == Thing.FIRE:
            spread, ends_e, ends_n = 4.0 * width + 20.0, (e,), (n,)
        else:
            spread, ends_e, ends_n = 0.6 * max(length, width) + 20.0, (e,), (n,)
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
