"""The synthetic world: what is drawn is there, and the picture and the truth agree."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from rasterio.warp import transform as transform_points

from orbitloom.scenario import Target
from orbitloom.scenario.hardware import Band
from orbitloom.scenario.time import from_iso, seconds_to_ns
from orbitloom.testing.scene import SceneContract
from orbitloom.world import synthetic_land as ground
from orbitloom.world.scene import SceneSource
from orbitloom.world.synthetic import CLASSES, SyntheticWorld

WAVES = {
    "blue": 0.490,
    "green": 0.560,
    "red": 0.665,
    "nir": 0.842,
    "swir16": 1.610,
    "swir22": 2.190,
}
BANDS = tuple(
    Band(name=name, wavelength_um=wave, esun_w_m2_um=1000.0, full_scale_radiance=500.0)
    for name, wave in WAVES.items()
)
JULY = from_iso("2026-07-05T10:00:00Z")
SEEDS = (100, 101, 102, 103)

Points = tuple[NDArray[np.float64], NDArray[np.float64]]


@lru_cache(maxsize=24)
def world(
    event: str, seed: int = 100, setting: Any = "any", name: str = "", latitude: float = 46.0,
    longitude: float = 11.0, t_ns: int = JULY, elevation: float = 55.0,
) -> SyntheticWorld:  # fmt: skip
    return SyntheticWorld(
        Target(
            name=name or f"{event} {setting}",
            latitude_deg=latitude,
            longitude_deg=longitude,
            setting=setting,
        ),
        seed,
        bands=BANDS,
        t_ns=t_ns,
        sun_elevation_deg=elevation,
        sun_azimuth_deg=150.0,
        event=event,
    )


def grid(scene: SyntheticWorld, half_m: float, step_m: float) -> Points:
    axis = np.arange(-half_m + step_m / 2.0, half_m, step_m)
    east, north = np.meshgrid(scene.east_m + axis, scene.north_m - axis)
    return east, north


def rho(scene: SyntheticWorld, points: Points) -> dict[str, NDArray[np.float32]]:
    return dict(zip(scene.bands, scene.surface(*points).reflectance, strict=True))


def ratio(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    return (a - b) / (a + b)


class TestContract(SceneContract):
    @pytest.fixture
    def make_scene(self) -> Callable[[Target], SceneSource]:
        def make(target: Target) -> SceneSource:
            return SyntheticWorld(
                target,
                100,
                bands=BANDS[:4],
                t_ns=JULY,
                sun_elevation_deg=50.0,
                sun_azimuth_deg=140.0,
                event="quiet",
            )

        return make


# One function of position.


@pytest.mark.parametrize("event", ["vessels", "fire", "cloud"])
def test_a_tile_is_the_union_of_its_quarters_bit_for_bit(event: str) -> None:
    scene, fresh = world(event), world.__wrapped__(event)
    east, north = grid(scene, 1500.0, 12.5)
    whole = scene.surface(east, north)
    truth = scene.truth(east, north)
    half = len(east) // 2
    for rows in (slice(None, half), slice(half, None)):
        for columns in (slice(half, None), slice(None, half)):
            part = fresh.surface(east[rows, columns], north[rows, columns])
            for layer in ("reflectance", "cloud", "cloud_reflectance", "emitted"):
                expected, given = getattr(whole, layer), getattr(part, layer)
                assert (expected is None) == (given is None)
                if expected is not None:
                    np.testing.assert_array_equal(expected[..., rows, columns], given)
            known = fresh.truth(east[rows, columns], north[rows, columns])
            np.testing.assert_array_equal(truth.classes[rows, columns], known.classes)


def test_points_may_come_in_any_order_from_any_thread() -> None:
    scene = world("flood")
    east, north = (layer.ravel() for layer in grid(scene, 2000.0, 40.0))
    expected = scene.surface(east, north).reflectance
    order = np.random.default_rng(0).permutation(east.size)
    np.testing.assert_array_equal(
        scene.surface(east[order], north[order]).reflectance, expected[:, order]
    )
    fresh = world.__wrapped__("flood")
    with ThreadPoolExecutor(4) as pool:
        for given in pool.map(lambda _: fresh.surface(east, north).reflectance, range(4)):
            np.testing.assert_array_equal(given, expected)


def test_far_from_targets_the_land_is_that_of_the_zone() -> None:
    here = world("quiet", setting="river")
    there = world("quiet", setting="river", name="elsewhere", latitude=46.2, longitude=11.25)
    east, north = grid(here, 400.0, 20.0)
    east, north = east + 25_000.0, north - 16_000.0
    np.testing.assert_array_equal(here.height_m(east, north), there.height_m(east, north))


@pytest.mark.parametrize(
    ("latitude", "longitude"), [(0.0, 0.01), (-79.0, 179.99), (83.0, -179.9), (-33.0, 151.0)]
)
def test_there_is_a_world_at_any_latitude_and_longitude(latitude: float, longitude: float) -> None:
    scene = world("quiet", latitude=latitude, longitude=longitude)
    surface = scene.surface(*grid(scene, 500.0, 25.0))
    assert np.isfinite(surface.reflectance).all()
    assert surface.reflectance.min() >= 0.0
    assert surface.reflectance.max() < 1.3


# Spectra.


def test_classes_have_the_indices_of_their_kind() -> None:
    seen: dict[str, list[tuple[float, float, float]]] = {name: [] for name in CLASSES}
    for event in ("flood", "burn", "snow", "crop_stress"):
        scene = world(event)
        points = grid(scene, 3000.0, 15.0)
        truth, band = scene.truth(*points), rho(scene, points)
        clear = (truth.cloud_opacity < 0.01) & ~truth.shadow & (truth.smoke_opacity < 0.01)
        ndvi, ndwi = ratio(band["nir"], band["red"]), ratio(band["green"], band["nir"])
        nbr, ndsi = ratio(band["nir"], band["swir22"]), ratio(band["green"], band["swir16"])
        for number, name in enumerate(CLASSES):
            here = clear & (truth.classes == number)
            if here.sum() > 300:
                layers = (ndvi, ndwi, nbr, ndsi)
                seen[name].append(tuple(np.median(layer[here]) for layer in layers))
    ndvi, ndwi, nbr, ndsi = range(4)
    limits = {
        "water": [(ndwi, 0.2, 1.0), (ndvi, -1.0, 0.0)],
        "soil": [(ndvi, 0.05, 0.35)],
        "crop": [(ndvi, 0.2, 0.9)],
        "forest": [(ndvi, 0.7, 0.95), (nbr, 0.4, 0.8)],
        "snow": [(ndsi, 0.5, 1.0), (ndvi, -0.2, 0.1)],
        "burnt": [(nbr, -0.5, -0.05)],
    }
    for name, tests in limits.items():
        assert seen[name], name
        for place, low, high in tests:
            for medians in seen[name]:
                assert low < medians[place] < high, (name, place, medians)


def test_edges_are_mixed_over_the_square_that_a_point_stands_for() -> None:
    scene = world("lake", seed=102)
    east, north = grid(scene, 3000.0, 5.0)
    nir = rho(scene, (east, north))["nir"]
    truth = scene.truth(east, north)
    assert nir[truth.water].mean() < 0.05
    edge = np.zeros_like(truth.water)
    edge[:, 1:] = truth.water[:, 1:] != truth.water[:, :-1]
    assert 0.03 < np.median(nir[edge]) < 0.22


# Settings.


@pytest.mark.parametrize("seed", SEEDS)
def test_a_setting_has_its_land(seed: int) -> None:
    scene = world("quiet", seed, "coast")
    east, north = grid(scene, 5000.0, 100.0)
    near = np.hypot(east - scene.east_m, north - scene.north_m) < 5000.0
    assert 0.3 <= 1.0 - scene.truth(east, north).land[near].mean() <= 0.7
    scene = world("quiet", seed, "farmland")
    assert (scene.truth(*grid(scene, 3500.0, 50.0)).field_id > 0).mean() >= 0.6
    scene = world("quiet", seed, "forest")
    classes = scene.truth(*grid(scene, 3500.0, 50.0)).classes
    assert (classes == CLASSES.index("forest")).mean() >= 0.5
    scene = world("quiet", seed, "river")
    assert scene.truth(*grid(scene, 3500.0, 20.0)).water.sum() * 400.0 > 4e5
    scene = world("quiet", seed, "mountain")
    points = grid(scene, 5000.0, 100.0)
    assert np.ptp(scene.height_m(*points)) > 800.0
    assert 0.05 < scene.truth(*points).snow.mean() < 0.9


@pytest.mark.parametrize("seed", SEEDS)
def test_a_lake_has_3_to_15_km2(seed: int) -> None:
    scene = world("quiet", seed, "lake")
    water = scene.truth(*grid(scene, 7000.0, 40.0)).water
    assert 2.7 < water.sum() * 40.0**2 / 1e6 < 17.0


# Events.


@pytest.mark.parametrize("seed", SEEDS)
def test_a_flood_has_the_area_that_was_drawn_and_is_gone_in_other_years(seed: int) -> None:
    scene = world("flood", seed)
    points = grid(scene, 6000.0, 20.0)
    truth = scene.truth(*points)
    area = truth.flood.sum() * 400.0 / 1e6
    drawn = scene.place.rng("flood").uniform(2e6, 12e6) / 1e6
    assert area == pytest.approx(drawn, rel=0.06)
    assert not (truth.flood & truth.water_permanent).any()
    np.testing.assert_array_equal(truth.water, truth.flood | truth.water_permanent)
    before = scene.usual.truth(*points)
    assert not before.flood.any()
    np.testing.assert_array_equal(before.water, truth.water_permanent)
    away = np.hypot(points[0] - scene.east_m, points[1] - scene.north_m)
    assert np.quantile(away[truth.flood], 0.98) < 4500.0


@pytest.mark.parametrize("seed", SEEDS)
def test_a_burn_has_its_area_and_a_high_dnbr(seed: int) -> None:
    scene = world("burn", seed)
    points = grid(scene, 5500.0, 25.0)
    truth = scene.truth(*points)
    assert 0.9 < truth.burnt.sum() * 625.0 / 1e6 < 8.4
    now, before = rho(scene, points), rho(scene.usual, points)
    dnbr = ratio(before["nir"], before["swir22"]) - ratio(now["nir"], now["swir22"])
    clear = (truth.cloud_opacity < 0.01) & ~truth.shadow
    forest = scene.usual.truth(*points).classes == CLASSES.index("forest")
    assert np.median(dnbr[truth.burnt & forest & clear]) > 0.44  # USGS: moderate-high severity
    assert abs(np.median(dnbr[~truth.burnt & forest & clear])) < 0.05


@pytest.mark.parametrize("seed", SEEDS)
def test_fires_radiate_by_planck_and_stefan_boltzmann(seed: int) -> None:
    from astropy import units
    from astropy.modeling.models import BlackBody

    scene = world("fire", seed)
    fires = scene.fires()
    assert len(fires) >= 8
    for fire in fires:
        assert 50.0 <= fire.area_m2 <= 2000.0
        assert 600.0 <= fire.temperature_k <= 1200.0
    # The strongest one that stands alone: what its neighbourhood sends up is area x Planck.
    places = np.array([(fire.easting_m, fire.northing_m) for fire in fires])
    apart = [np.sort(np.hypot(*(places - place).T))[1] for place in places]
    fire = fires[int(np.argmax(apart))]
    axis = np.arange(-75.0, 75.1, 5.0)
    east, north = np.meshgrid(fire.easting_m + axis, fire.northing_m + axis)
    surface = scene.surface(east, north)
    truth = scene.truth(east, north)
    assert surface.emitted is not None
    for band in ("swir16", "swir22"):
        body = BlackBody(fire.temperature_k * units.K)(WAVES[band] * units.um)
        expected = body.to(
            units.W / units.m**2 / units.sr / units.um,
            equivalencies=units.spectral_density(WAVES[band] * units.um),
        ).value
        total = surface.emitted[scene.bands.index(band)].sum() * 25.0
        assert total == pytest.approx(fire.area_m2 * expected, rel=0.03)
    assert truth.fire_share.sum() * 25.0 == pytest.approx(fire.area_m2, rel=0.01)
    assert truth.fire_power_w_m2.sum() * 25.0 / 1e6 == pytest.approx(fire.power_mw, rel=0.01)
    assert scene.usual.surface(east, north).emitted is None


def test_smoke_hides_blue_and_not_swir() -> None:
    scene = world("fire", 101)
    points = grid(scene, 5000.0, 40.0)
    truth = scene.truth(*points)
    now, before = rho(scene, points), rho(scene.usual, points)
    thick = (truth.smoke_opacity > 0.5) & ~truth.burnt & (truth.cloud_opacity < 0.01)
    assert thick.sum() > 50
    assert np.median(now["blue"][thick] / before["blue"][thick]) > 2.0
    assert abs(np.median(now["swir22"][thick] / before["swir22"][thick]) - 1.0) < 0.15


@pytest.mark.parametrize("seed", SEEDS)
def test_stressed_fields_lose_15_to_60_per_cent_of_their_ndvi_excess(seed: int) -> None:
    scene = world("crop_stress", seed)
    points = grid(scene, 3500.0, 10.0)
    truth = scene.truth(*points)
    now, before = rho(scene, points), rho(scene.usual, points)
    new, old = ratio(now["nir"], now["red"]), ratio(before["nir"], before["red"])
    clear = (truth.cloud_opacity < 0.01) & (scene.layer(*points, ground.SHADOW) < 0.01)
    stressed = np.unique(truth.field_id[truth.crop_stress])
    assert len(stressed) >= 10
    losses, others = [], []
    for number in np.unique(truth.field_id)[1:]:
        here = truth.field_id == number
        if here.sum() < 100 or not clear[here].all() or np.median(old[here]) < 0.5:
            continue
        loss = np.median((old[here] - new[here]) / (old[here] - 0.15))
        assert truth.crop_stress[here].all() == (number in stressed)
        (losses if number in stressed else others).append(loss)
    assert 0.10 < np.min(losses) < np.max(losses) < 0.68
    assert np.abs(others).max() < 0.12  # two years are not the same


def test_field_polygons_are_those_of_the_picture_and_carry_a_season() -> None:
    scene = world("crop_stress", 100)
    features = scene.fields()["features"]
    assert len(features) > 100
    crops = set()
    for feature in features[::25]:
        shape = shapely.geometry.shape(feature["geometry"])
        ring = shapely.transform(shape, lambda xy: np.column_stack(_utm(scene, xy)))
        assert 1e4 < ring.area < 3e5
        west, south, east, north = ring.bounds
        points = np.meshgrid(np.arange(west, east, 5.0), np.arange(south, north, 5.0))
        inside = shapely.contains_xy(ring, *points)
        numbers = scene.truth(points[0][inside], points[1][inside]).field_id
        assert np.mean(numbers == int(feature["id"].removeprefix("field-"))) > 0.9
        crops.add(feature["properties"]["crop"])
        for day, ndvi, sigma in feature["properties"]["season"]:
            assert 1 <= day <= 365
            assert 0.0 < ndvi < 1.0
            assert sigma == 0.02
    assert len(crops) >= 4


def test_a_well_field_goes_on_as_its_season_says() -> None:
    scene = world("crop_stress", 103)
    last = []
    for feature in scene.fields()["features"]:
        if feature["properties"]["crop"] != "sugar beet" or not feature["properties"]["season"]:
            continue  # beet stands still in July
        day, ndvi, _ = feature["properties"]["season"][-1]
        if day < scene.place.day_of_year - 20:
            continue
        centre = shapely.geometry.shape(feature["geometry"]).representative_point()
        east, north = _utm(scene, np.array([[centre.x, centre.y]]))
        if not scene.truth(east, north).crop_stress[0]:
            band = rho(scene.usual, (east, north))
            last.append(float(ratio(band["nir"], band["red"])[0]) - ndvi)
    assert len(last) > 10
    assert abs(np.median(last)) < 0.05


def _utm(scene: SyntheticWorld, xy: NDArray[np.float64]) -> Points:
    east, north = transform_points("EPSG:4326", f"EPSG:{scene.epsg}", xy[:, 0], xy[:, 1])[:2]
    return np.asarray(east), np.asarray(north)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_lake_changes_by_15_to_40_per_cent(seed: int) -> None:
    scene = world("lake", seed)
    points = grid(scene, 7000.0, 40.0)
    now, before = scene.truth(*points), scene.usual.truth(*points)
    np.testing.assert_array_equal(now.water_permanent, before.water)
    region = next(f for f in scene.regions()["features"] if f["properties"]["kind"] == "lake")
    ring = shapely.transform(
        shapely.geometry.shape(region["geometry"]), lambda xy: np.column_stack(_utm(scene, xy))
    )
    inside = shapely.contains_xy(ring, *points)
    new, old = (truth.water[inside].sum() * 1.6e-3 for truth in (now, before))
    assert 0.12 < abs(new / old - 1.0) < 0.42
    history = np.array(region["properties"]["history"])
    assert np.mean(history[:, 1]) == pytest.approx(old, rel=0.03)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_snow_line_moves_by_150_to_400_m(seed: int) -> None:
    scene = world("snow", seed)
    points = grid(scene, 4000.0, 40.0)
    height = scene.height_m(*points)

    lines = []
    for place in (scene, scene.usual):
        truth = place.truth(*points)
        line = place.plan.snow_line_bent
        bare = ~truth.water & (truth.classes != CLASSES.index("forest"))
        above, below = bare & (height > line + 130.0), bare & (height < line - 130.0)
        assert above.sum() > 50
        assert truth.snow[above].mean() > 0.95
        assert truth.snow[below].mean() < 0.02
        lines.append(line)
    assert 150.0 <= abs(lines[0] - lines[1]) <= 400.0
    region = next(f for f in scene.regions()["features"] if f["properties"]["kind"] == "snow")
    history = np.array(region["properties"]["history"])
    assert np.mean(history[:, 1]) == pytest.approx(lines[1], abs=25.0)


# Clouds.


@pytest.mark.parametrize("seed", SEEDS)
def test_overcast_covers_what_was_drawn(seed: int) -> None:
    scene = world("cloud", seed)
    cover = scene.truth(*grid(scene, 7000.0, 70.0)).cloud.mean()
    assert 0.8 < cover <= 1.0
    surface = scene.surface(*grid(scene, 7000.0, 70.0))
    assert surface.cloud is not None
    assert surface.cloud_reflectance is not None
    middle = surface.cloud > 0.99
    assert 0.3 < np.median(surface.cloud_reflectance[0][middle]) < 0.95
    assert scene.usual.surface(*grid(scene, 500.0, 50.0)).cloud is None


def test_a_shadow_lies_away_from_the_sun_by_height_over_tan_elevation() -> None:
    scene = next(
        w
        for w in (world("flood", seed, elevation=40.0) for seed in range(100, 112))
        if w.plan.cloud
    )
    east, north = grid(scene, 4000.0, 20.0)
    truth = scene.truth(east, north)
    height = float(np.median(scene.height_m(east, north)))
    reach = (scene.plan.cloud_base - height) / np.tan(np.radians(40.0))
    # The Sun stands at 150 degrees; the shadow lies towards 330.
    de, dn = reach * np.sin(np.radians(330.0)), reach * np.cos(np.radians(330.0))
    cast = scene.truth(east - de, north - dn).cloud_opacity >= 0.5
    assert truth.shadow.any()
    assert np.mean(cast == truth.shadow) > 0.98
    other = scene.truth(east + de, north + dn).cloud_opacity >= 0.5
    assert np.mean(other == truth.shadow) < 0.9


# Ships.


@pytest.mark.parametrize("seed", SEEDS)
def test_ships_lie_on_the_sea_and_have_their_hulls_area(seed: int) -> None:
    scene = world("vessels", seed)
    ships = scene.vessels()
    assert len(ships) >= 5
    for ship in ships:
        assert 15.0 <= ship.length_m <= 200.0
        axis = np.arange(-150.0, 150.1, 5.0)
        east, north = np.meshgrid(ship.easting_m + axis, ship.northing_m + axis)
        truth = scene.truth(east, north)
        assert truth.water_permanent.mean() > 0.9
        others = [s for s in ships if np.hypot(s.easting_m - ship.easting_m,
                                               s.northing_m - ship.northing_m) < 320.0]  # fmt: skip
        if len(others) > 1:
            continue
        # A bow that tapers over a quarter: about seven eighths of the rectangle.
        area = truth.vessel.sum() * 25.0
        assert area == pytest.approx(0.89 * ship.length_m * ship.width_m, rel=0.12)
        heavy = truth.vessel > 0.3
        if ship.length_m > 80.0:
            de, dn = east[heavy] - ship.easting_m, north[heavy] - ship.northing_m
            axes = np.linalg.eigh(np.cov(np.stack([de, dn])))[1][:, 1]
            course = np.degrees(np.arctan2(axes[0], axes[1])) + scene.place.convergence_deg
            off = (course - ship.heading_deg + 90.0) % 180.0 - 90.0
            assert abs(off) < 4.0


def test_ships_move_between_looks_as_fast_as_they_say() -> None:
    first = world("vessels", 101)
    later = world("vessels", 101, t_ns=JULY + seconds_to_ns(240.0))
    moved = 0
    for a, b in zip(first.vessels(), later.vessels(), strict=True):
        if a.length_m != b.length_m:
            continue  # one left its lane and the next came in
        step = np.hypot(b.easting_m - a.easting_m, b.northing_m - a.northing_m)
        assert step == pytest.approx(a.speed_kn * 1852.0 / 3600.0 * 240.0, abs=0.1)
        moved += step > 0.0
    assert moved >= 3


def test_ais_says_where_ships_are_to_about_10_m_but_for_the_dark_ones() -> None:
    scene = world("vessels", 101)
    ships = {ship.mmsi: ship for ship in scene.vessels() if ship.mmsi}
    heard = scene.ais(JULY - seconds_to_ns(300.0), JULY + seconds_to_ns(60.0))
    assert [r.t_ns for r in heard] == sorted(r.t_ns for r in heard)
    errors = []
    for report in heard:
        ship = ships.get(report.mmsi)
        if ship is None:
            continue  # it left its lane before the look
        age_s = (JULY - report.t_ns) / 1e9
        lon, lat = np.array([[report.longitude_deg, report.latitude_deg]]).T
        (east,), (north,) = _utm(scene, np.column_stack([lon, lat]))
        heading = np.radians(ship.heading_deg - scene.place.convergence_deg)
        run = ship.speed_kn * 1852.0 / 3600.0 * age_s
        errors.append(
            np.hypot(
                east + run * np.sin(heading) - ship.easting_m,
                north + run * np.cos(heading) - ship.northing_m,
            )
        )
    assert len(errors) > 100
    assert np.median(errors) < 15.0
    assert 0.0 < np.mean(np.array(errors) > 60.0) < 0.15  # late ones
    assert any(ship.mmsi is None for ship in scene.vessels())


def test_the_coast_that_people_know_is_that_of_the_picture() -> None:
    scene = world("vessels", 102)
    coast = shapely.transform(
        shapely.geometry.shape(scene.land()), lambda xy: np.column_stack(_utm(scene, xy))
    )
    points = grid(scene, 6000.0, 60.0)
    known = shapely.contains_xy(coast, *points)
    assert np.mean(known == scene.truth(*points).land) > 0.99


def test_oil_darkens_the_sea_without_changing_its_truth() -> None:
    for seed in range(100, 112):
        scene = world("vessels", seed)
        points = grid(scene, 5000.0, 50.0)
        film = scene.layer(*points, ground.OIL) > 0.9
        truth = scene.truth(*points)
        film &= truth.water & (scene.layer(*points, ground.STILL) > 500.0) & ~truth.shadow
        if film.sum() < 100:
            continue
        usual = scene.usual.surface(*points).reflectance[scene.bands.index("swir16")]
        now = scene.surface(*points).reflectance[scene.bands.index("swir16")]
        assert np.median(now[film]) < 0.5 * np.median(usual[film])
        return
    pytest.fail("no film on open water in twelve seeds")
