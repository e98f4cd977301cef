from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rasterio.warp import transform

from orbitloom.processing.apps import Context
from orbitloom.processing.assess import RuleModel
from orbitloom.processing.l2 import CLOUD, NO_DATA, WATER
from orbitloom.processing.l3 import Grid, Tile
from orbitloom.processing.maritime import MaritimeApp, land_cells, sea_cells, static_cells
from orbitloom.scenario import Target, load_instrument, stream
from orbitloom.scenario.time import SECOND_NS, from_iso
from orbitloom.testing.app import AppContract
from orbitloom.wire import canonical_json
from orbitloom.wire.ais import AisReport
from orbitloom.wire.briefing import Baseline, Briefing
from orbitloom.world.scene import utm_origin
from orbitloom.world.synthetic import SyntheticWorld

T_NS = from_iso("2026-06-14T01:02:03Z")
GSD_M = 5.0
SHIP_CELLS = (slice(100, 104), slice(60, 84))  # 120 m x 20 m, bow east
(LONGITUDE,), (LATITUDE,) = transform(
    "EPSG:32633", "EPSG:4326", [4e5 + 72 * GSD_M], [5e6 - 102 * GSD_M]
)


class TestMaritimeAppKeepsTheContract(AppContract):
    @pytest.fixture
    def app(self):
        return MaritimeApp()


def sea_tile(ship=True, shape=(300, 300)):
    """Return a sea with a ship of 120 m, drawn cell by cell, at 5 m."""
    rng = stream(1, "test maritime")
    numbers = np.empty((4, *shape))
    for band, (sea, hull) in enumerate(((450, 2500), (250, 2600), (120, 2700), (60, 2500))):
        numbers[band] = sea
        if ship:
            numbers[band][SHIP_CELLS] = hull
    numbers += rng.normal(0.0, 12.0, numbers.shape)
    mask = np.full(shape, WATER, np.uint8)
    if ship:
        mask[SHIP_CELLS] = 0
    return Tile(
        grid=Grid(epsg=32633, transform=(GSD_M, 0.0, 4e5, 0.0, -GSD_M, 5e6), shape=shape),
        band_names=("green", "red", "nir", "swir16"),
        numbers=np.clip(np.rint(numbers), 1, 65_535).astype(np.uint16),
        mask=mask,
        imaged_share=1.0,
        sun_elevation_deg=45.0,
        off_nadir_deg=2.0,
        snr=80.0,
    )


def report(mmsi=211234567, longitude=LONGITUDE, latitude=LATITUDE, speed=0.0):
    return AisReport(
        mmsi=mmsi,
        t_ns=T_NS - 20 * SECOND_NS,
        longitude_deg=longitude,
        latitude_deg=latitude,
        speed_kn=speed,
        course_deg=90.0,
        length_m=120.0,
    )


def look(tile, *heard, **briefing):
    context = Context(target="Kvarner", sensed_ns=T_NS, ais=heard, briefing=Briefing(**briefing))
    return MaritimeApp().analyse(tile, context)


ELSEWHERE = report(mmsi=211000001, longitude=13.9)


def test_a_vessel_that_is_silent_among_others_that_are_not_is_an_alert():
    finding = look(sea_tile(), ELSEWHERE)
    assert finding.evidence.event == "dark_vessel"
    assert finding.evidence.parts == 1
    true_km2 = 120.0 * 20.0 * 1e-6
    assert abs(finding.evidence.area_km2 - true_km2) < 3.0 * finding.evidence.area_sigma_km2
    assert finding.evidence.contrast > 0.3
    assert RuleModel().assess(finding.evidence).verdict == "keep"
    assert finding.area[SHIP_CELLS].all()
    assert finding.area.sum() < 400
    assert finding.severity == "Moderate"
    assert finding.headline.startswith("1 vessel without AIS at Kvarner, the longest 1")
    (detail,) = finding.details
    assert detail["ais"] == "dark"
    assert detail["longitude_deg"] == pytest.approx(LONGITUDE, abs=1e-4)
    assert detail["latitude_deg"] == pytest.approx(LATITUDE, abs=1e-4)
    assert "mmsi" not in detail
    assert len(canonical_json(dict(detail))) < 300


def test_a_vessel_that_reports_is_no_alert_but_is_counted():
    finding = look(sea_tile(), report(), ELSEWHERE)
    assert finding.evidence is None
    assert finding.reason is None
    counts = {one.name: one.value for one in finding.series}
    assert counts["vessels"] == counts["vessels_matched"] == 1.0
    assert counts["vessels_dark"] == 0.0
    assert finding.details[0]["mmsi"] == 211234567


def test_where_the_receiver_heard_nothing_nobody_is_called_dark():
    finding = look(sea_tile())
    assert finding.evidence is None
    assert finding.details[0]["ais"] == "none heard"


def test_an_empty_sea_is_nothing_found():
    finding = look(sea_tile(ship=False), ELSEWHERE)
    assert (finding.evidence, finding.reason, finding.details) == (None, None, ())
    assert finding.clear_share == 1.0


def test_a_ship_that_the_cloud_test_takes_for_cloud_is_found():
    tile = sea_tile()
    tile.mask[98:106, 58:86] = CLOUD
    assert look(tile, ELSEWHERE).evidence.parts == 1


def test_below_cloud_there_is_no_answer():
    tile = sea_tile()
    tile.mask[:, 20:] = CLOUD
    finding = look(tile, ELSEWHERE)
    assert (finding.reason, finding.evidence) == ("cloud", None)
    assert finding.clear_share == pytest.approx(20 / 300, abs=0.01)


def test_at_night_and_in_gaps_there_is_no_answer():
    assert look(replace(sea_tile(), sun_elevation_deg=3.0)).reason == "night"
    gap = replace(sea_tile(), imaged_share=0.1)
    gap.mask[:, 30:] = NO_DATA
    assert look(gap, ELSEWHERE).reason == "gap"


def box(west, south, east, north):
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def test_nothing_is_looked_for_on_land_or_near_it():
    # 4e5 m, 5e6 m is at 13.7296 E, 45.1464 N: the tile reaches 0.019 degrees east.
    on_land = look(sea_tile(), ELSEWHERE, land=box(13.72, 45.13, 13.736, 45.15))
    assert on_land.details == ()
    far_land = look(sea_tile(), ELSEWHERE, land=box(13.74, 45.13, 13.78, 45.15))
    assert len(far_land.details) == 1
    assert far_land.clear_share == 1.0


def test_the_shore_is_as_wide_as_said():
    grid = sea_tile().grid
    narrow, wide = (land_cells(grid, box(13.74, 45.1, 13.78, 45.2), m) for m in (0.0, 60.0))
    columns = narrow[150].argmax() - wide[150].argmax()
    assert columns == pytest.approx(60.0 / GSD_M, abs=1)


def test_without_a_polygon_land_is_what_is_dry_and_larger_than_a_ship():
    tile = sea_tile()
    tile.mask[:, 200:] = 0
    sea = sea_cells(tile, None, None, 60.0)
    assert sea[SHIP_CELLS].all()
    assert not sea[:, 190:].any()
    assert sea[:, :185].all()


def baseline(platform=False, water=200):
    size = 75
    median = np.full((1, size, size), 120, np.uint16)
    if platform:
        median[0, 25, 15:21] = 1800
    return Baseline(
        epsg=32633,
        transform=(20.0, 0.0, 4e5, 0.0, -20.0, 5e6),
        band_names=("nir",),
        median=median,
        spread=np.full((1, size, size), 20, np.uint16),
        water=np.full((size, size), water, np.uint8),
        looks=np.full((size, size), 3, np.uint8),
        newest_ns=0,
    )


def test_what_has_always_stood_there_is_no_vessel():
    assert len(look(sea_tile(), ELSEWHERE, baseline=baseline()).details) == 1
    assert look(sea_tile(), ELSEWHERE, baseline=baseline(platform=True)).details == ()
    static = static_cells(sea_tile().grid, baseline(platform=True))
    assert static[SHIP_CELLS].any()
    assert not static[150:].any()


def test_a_baseline_that_knows_no_water_here_has_no_sea():
    assert look(sea_tile(), ELSEWHERE, baseline=baseline(water=0)).details == ()


def test_ships_of_a_synthetic_coast_are_found_and_matched():
    """A coast with ships, at 5 m with noise but without air and packets."""
    imager = load_instrument("imager5m")
    target = Target(name="roads", latitude_deg=41.4, longitude_deg=12.4, setting="coast")
    bands = tuple(band for band in imager.bands if band.name in {"green", "nir", "swir16"})
    sun = {"sun_elevation_deg": 45.0, "sun_azimuth_deg": 140.0}
    world = SyntheticWorld(target, 104, bands=bands, t_ns=T_NS, event="vessels", **sun)
    epsg, east_m, north_m = utm_origin(target.latitude_deg, target.longitude_deg)
    size = 1000
    west, north = np.floor(east_m / 5) * 5 - 2500, np.floor(north_m / 5) * 5 + 2500
    grid = Grid(epsg=epsg, transform=(5.0, 0.0, west, 0.0, -5.0, north), shape=(size, size))
    axis = (np.arange(size) + 0.5) * 5.0
    east, northing = np.meshgrid(west + axis, north - axis)
    surface = world.surface(east, northing)
    rho = surface.reflectance
    if surface.cloud is not None:
        rho = rho + surface.cloud * (surface.cloud_reflectance - rho)
    numbers = rho * 1e4 + stream(1, "test roads").normal(0.0, 12.0, rho.shape)
    truth = world.truth(east, northing)
    tile = Tile(
        grid=grid,
        band_names=world.bands,
        numbers=np.clip(np.rint(numbers), 1, 65_535).astype(np.uint16),
        mask=(WATER * truth.water + CLOUD * truth.cloud).astype(np.uint8),
        imaged_share=1.0,
        sun_elevation_deg=45.0,
        off_nadir_deg=0.0,
        snr=80.0,
    )
    heard = world.ais(T_NS - 300 * SECOND_NS, T_NS + 60 * SECOND_NS)
    finding = look(tile, *heard, land=world.land())
    details = {
        (round(one["longitude_deg"], 3), round(one["latitude_deg"], 3)): one
        for one in finding.details
    }
    seen = right = 0
    whole = []
    for ship in world.vessels():
        row, column = int((north - ship.northing_m) / 5), int((ship.easting_m - west) / 5)
        reach = int(ship.length_m / 5) + 8
        inside = reach <= row < size - reach and reach <= column < size - reach
        if not inside or ship.length_m < 20.0 or truth.cloud_opacity[row, column] > 0.3:
            continue
        whole.append(ship)
        near = [
            one
            for one in details.values()
            if abs(one["latitude_deg"] - ship.latitude_deg) < 3e-4
            and abs(one["longitude_deg"] - ship.longitude_deg) < 4e-4
        ]
        seen += len(near) == 1
        if near:
            right += near[0].get("mmsi") == ship.mmsi
    assert len(whole) >= 3
    assert seen >= 0.8 * len(whole)
    assert right >= 0.9 * seen
