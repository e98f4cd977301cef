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

from orbitloom.scenario import Target, hardware, stream, time
from orbitloom.wire.ais import AisReport
from orbitloom.world import synthetic_land as ground
from orbitloom.world.scene import Surface, utm_origin
from orbitloom.world.spectra import Material, band_mean, band_spectra, planck_radiance, reflectance
from orbitloom.world.synthetic_paint import CLASSES, NUMBERS, PARISH_M, Look, paint, survey
from orbitloom.world.synthetic_plan import IMPLIED, SETTINGS, Place, draw_plan
from orbitloom.world.synthetic_regions import draw_fields, draw_land, draw_regions
from orbitloom.world.synthetic_sea import Vessel, draw_lanes, reports, vessels_at
from orbitloom.world.synthetic_season import calendar, leaf_share
from orbitloom.world.synthetic_things import STEFAN_BOLTZMANN, Fire, draw_fires, things_at

__all__ = ["CLASSES", "CLOUDED", "Fire", "SyntheticWorld", "TruthLayers", "Vessel"]

CLOUDED = 0.2
"""Opacity from which on a pixel counts as cloud; where analysts draw the edge."""

_KEPT_BLOCKS = 600  # 180 MB
_STRESS_REACH_M = 3_500.0
_WAVES_UM = np.linspace(0.4, 2.4, 1001)

Floats = NDArray[np.float64]


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
        Cloud where `CLOUDED` or more of the light comes from it; shadow where it takes half.
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
        self.target, self.seed = target, seed
        self.bands = tuple(band.name for band in bands)
        self._band_data, self._gsd_m = bands, gsd_m
        self.epsg, self.east_m, self.north_m = utm_origin(target.latitude_deg, target.longitude_deg)
        setting = target.setting if target.setting != "any" else IMPLIED.get(event)
        if setting is None:
            pick = stream(seed, "setting", target.name).integers(len(SETTINGS))
            setting = SETTINGS[int(pick)]
        self.place = Place(
            name=target.name,
            seed=seed,
            latitude_deg=target.latitude_deg,
            longitude_deg=target.longitude_deg,
            epsg=self.epsg,
            east_m=self.east_m,
            north_m=self.north_m,
            day_of_year=time.to_datetime(t_ns).timetuple().tm_yday,
            t_ns=t_ns,
            sun_elevation_deg=sun_elevation_deg,
            sun_azimuth_deg=sun_azimuth_deg,
            setting=setting,
            event=event,
            history=history,
        )
        self.plan = draw_plan(self.place)
        self._spectra, self._cloud_colour = band_spectra(bands)
        wave = np.array([band.wavelength_um for band in bands])
        # Light left in a full shadow: the sky's, which is blue, and what clouds scatter.
        self._shade = (0.08 + 0.33 * (0.44 / wave) ** 1.3).astype(np.float32)
        # Smoke: fine particles, whose optical depth falls with wavelength to the power of 2.
        self._smoke = np.stack(
            [np.full(len(bands), 0.30), np.minimum((0.5 / wave) ** 2.0, 1.0)]
        ).astype(np.float32)
        self.look, self._crops = self._draw_look(), calendar(self.place.local_day)
        self._lanes = draw_lanes(self.place, self.plan)
        ships = vessels_at(self._lanes, self.place, t_ns) if not history else ()
        self._vessels = tuple(vessel for vessel, _ in ships)
        self._fires = draw_fires(self.place, self.plan)
        self._bins = things_at(self.place, self.plan, ships, self._fires, gsd_m)
        self._radiance = np.zeros((len(self._bins.things), len(bands)), np.float32)
        for row, fire in enumerate(self._fires):  # the first things there are
            body = planck_radiance(_WAVES_UM, fire.temperature_k)
            self._radiance[row] = [band_mean(band, _WAVES_UM, body) for band in bands]
        self._blocks: dict[tuple[int, int], NDArray[np.float32]] = {}

    # What is seen.

    def surface(self, easting_m: Floats, northing_m: Floats) -> Surface:
        """Return what is sent up at points (...)."""
        shape = np.shape(easting_m)
        east, north, lattice, i0, j0 = self._ready(easting_m, northing_m)
        count, size = len(self.bands), east.size
        clouded, burning = self.plan.cloud > 0.0, len(self._fires) > 0
        rho = np.empty((count, size), np.float32)
        # Zeros cost nothing where nothing is written.
        cloud = np.zeros(size if clouded else 0, np.float32)
        cloud_rho = np.zeros((count, size if clouded else 0), np.float32)
        emitted = np.zeros((count, size if burning else 0), np.float32)
        paint(
            east, north, lattice, i0, j0, self.look, self._crops, self._bins, self._spectra,
            self._shade, self._smoke, self._cloud_colour, self._radiance,
            rho, cloud, cloud_rho, emitted,
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
        if self.place.event == "lake" and not self.place.history:
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
            fire_power_w_m2=(STEFAN_BOLTZMANN * fire * of["temperature_k"] ** 4).astype(np.float32),
            cloud_opacity=of["cloud"],
            cloud=of["cloud"] >= CLOUDED,
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
            t_ns=self.place.t_ns,
            sun_elevation_deg=self.place.sun_elevation_deg,
            sun_azimuth_deg=self.place.sun_azimuth_deg,
            event=self.place.event,
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
        return self._vessels

    def ais(self, t0_ns: int, t1_ns: int) -> tuple[AisReport, ...]:
        """Return what an AIS receiver in orbit hears of the ships from t0 to t1."""
        return reports(self._lanes, self.place, t0_ns, t1_ns)

    def fields(self) -> Mapping[str, Any]:
        """Return the field polygons that an owner would have given; see `Briefing.fields`."""
        return draw_fields(self)

    def regions(self) -> Mapping[str, Any]:
        """Return the regions to keep a series of; see `Briefing.regions`."""
        return draw_regions(self)

    def land(self) -> Mapping[str, Any]:
        """Return the land within 16 km as a GeoJSON MultiPolygon."""
        return draw_land(self)

    # How it is made.

    def _draw_look(self) -> Look:
        u = stream(self.seed, "parishes", self.epsg).uniform(0.0, math.pi)
        cos, sin = math.cos(u), math.sin(u)
        year = self.place.rng("year", "usual" if self.place.history else "this").normal(0.0, 0.012)
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
        if self.place.event == "crop_stress" and not self.place.history:
            stress = self.place.rng("stress").uniform(0.10, 0.22)
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
            leaf=leaf_share(self.place.local_day, self.target.latitude_deg),
            green=float(year),
            red_nir=(*map(float, red_nir.ravel()),),  # type: ignore[arg-type]  # six
        )

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
