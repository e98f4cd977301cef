"""A capture from the truth to the packets, and the truth that answers are judged by."""

import pickle
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy import ndimage

from orbitloom.scenario import SceneFile, Target, load
from orbitloom.testing.scene import write_geotiff
from orbitloom.wire.imager import (
    ANCILLARY_APID,
    SCIENCE_APID,
    decode_ancillary,
    decode_science,
)
from orbitloom.wire.space_packet import Packet, split_packets
from orbitloom.world.air import sky_over
from orbitloom.world.events import Events, resolve_kind
from orbitloom.world.geometry import World
from orbitloom.world.observe import (
    calibration,
    ground_of,
    instrument_of,
    observation_job,
    observe,
    truth,
)
from orbitloom.world.scene import Surface, utm_origin

PLACE = Target(name="Faenza", latitude_deg=44.3, longitude_deg=11.9)


@pytest.fixture(scope="module")
def small():
    """The geometry of the default flight with a narrow imager: pictures in no time."""
    return World(load("flood12", hours=1.5, instrument={"columns": 120, "lines": 200}))


@pytest.fixture(scope="module")
def job(small):
    return observation_job(small.scenario, small.ephemeris, small.tasks[0])


@pytest.fixture(scope="module")
def seen(job):
    """The packets of a bus without faults: digital numbers and ancillary records."""
    bus = job.databus.model_copy(update={"loss": 0.0, "duplication": 0.0, "disorder": 0.0})
    packets = list(split_packets(observe(replace(job, databus=bus)).packets))
    dn = np.zeros((4, 200, 120), np.uint16)
    for packet in packets:
        if packet.apid == SCIENCE_APID:
            line = decode_science(packet.body)
            dn[line.band, line.line] = line.dn
    return dn, [decode_ancillary(p.body) for p in packets if p.apid == ANCILLARY_APID]


@pytest.fixture(scope="module")
def clouded():
    """A seed whose flood has scattered clouds above it."""
    east, north = middle(PLACE, 6000.0, 50.0)
    return next(s for s in range(30) if events("flood", s).cloud_opacity(east, north).any())


def events(kind, seed=0, target=PLACE, elevation_deg=50.0, azimuth_deg=140.0):
    return Events(kind, target, seed, sun_elevation_deg=elevation_deg, sun_azimuth_deg=azimuth_deg)


def middle(target, half_m=10_000.0, step_m=20.0):
    _, east_m, north_m = utm_origin(target.latitude_deg, target.longitude_deg)
    axis = np.arange(-half_m + step_m / 2, half_m, step_m)
    return np.meshgrid(east_m + axis, north_m - axis)


def grid(job, half_m=1500.0, step_m=10.0):
    epsg, east_m, north_m = utm_origin(job.target.latitude_deg, job.target.longitude_deg)
    size = round(2 * half_m / step_m)
    return epsg, (step_m, 0.0, east_m - half_m, 0.0, -step_m, north_m + half_m), (size, size)


def test_every_capture_looks_at_its_target(small):
    """The middle of each picture lies within a pixel of the place that was asked for."""
    assert len(small.tasks) >= 4
    for task in small.tasks:
        one = observation_job(small.scenario, small.ephemeris, task)
        epsg, east_m, north_m = utm_origin(task.latitude_deg, task.longitude_deg)
        east, north, _ = instrument_of(one).ground_grid(task, one.track, epsg).lines(99, 101)
        miss_m = np.hypot(east[:, 59:61].mean() - east_m, north[:, 59:61].mean() - north_m)
        assert miss_m < 10.0


def test_the_sun_is_as_high_as_the_targets_choice_says(small, job):
    epsg, _, _ = utm_origin(job.task.latitude_deg, job.task.longitude_deg)
    grid = instrument_of(job).ground_grid(job.task, job.track, epsg)
    assert (grid.lines(0, 200)[2] > np.sin(np.radians(20.0))).all()


def test_same_job_same_bytes_other_seed_other_bytes(small, job):
    once = observe(job)
    assert observe(pickle.loads(pickle.dumps(job))) == once
    assert observe(replace(job, seed=job.seed + 1)).packets != once.packets
    other = observation_job(small.scenario, small.ephemeris, small.tasks[1])
    assert observe(other).packets != once.packets


@pytest.mark.parametrize("rate", [1e-3, 5e-2])
def test_the_bus_tells_its_losses_exactly(job, rate):
    bus = job.databus.model_copy(update={"loss": rate, "duplication": rate, "disorder": rate})
    clean = bus.model_copy(update={"loss": 0.0, "duplication": 0.0, "disorder": 0.0})
    sent, got = (observe(replace(job, databus=one)) for one in (clean, bus))
    all_packets, arrived = (
        [p for p in split_packets(one.packets) if isinstance(p, Packet)] for one in (sent, got)
    )
    assert sent.sent == got.sent == len(all_packets) == 200 * 4 + 6
    assert sent.dropped == ()
    names = Counter((p.apid, p.sequence_count) for p in all_packets)
    found = {(p.apid, p.sequence_count) for p in arrived}
    assert set(names) - found == set(got.dropped)
    assert set(arrived) <= set(all_packets)
    assert all(a.t_ns <= b.t_ns for a, b in pairwise(all_packets))


def test_nothing_about_the_truth_is_in_the_ancillary_records(seen, job):
    _, records = seen
    known = {"capture", "lines", "columns", "bands", "bits", "t_ns", "first_line_ns"}
    known |= {"line_period_ns", "position_ecef_m", "velocity_ecef_m_s", "attitude", "detector_c"}
    assert set(records[0].__slots__) == known
    quiet = replace(job, event="quiet" if job.event != "quiet" else "flood")
    other = [
        decode_ancillary(p.body)
        for p in split_packets(observe(quiet).packets)
        if isinstance(p, Packet) and p.apid == ANCILLARY_APID
    ]
    assert set(other) <= set(records)


def test_the_numbers_invert_to_the_reflectance_of_the_ground(small, job, seen):
    """DN back to reflectance by the flown calibration: within the noise that it announces."""
    dn, _ = seen
    known = calibration(small.scenario, job.task.satellite)
    epsg, _, _ = utm_origin(job.task.latitude_deg, job.task.longitude_deg)
    places = instrument_of(job).ground_grid(job.task, job.track, epsg)
    east, north, cos_zenith = places.lines(0, 200)
    signal = (dn - known.dark_dn[:, None, :]) / known.response[:, None, :]
    scale = known.radiance_per_dn * np.pi * places.sun_distance_au**2 / known.esun_w_m2_um
    rho = signal * scale[:, None, None] / cos_zenith
    ground = ground_of(job)
    true = ground.surface(east, north).reflectance
    sky = sky_over(ground, job.seed, job.instrument.bands, job.task, job.track)
    true = np.stack([air.toa(layer) for air, layer in zip(sky, true, strict=True)])
    sigma_dn = np.sqrt(np.maximum(signal, 0) / known.electrons_per_dn + known.read_noise_dn**2)
    sigma = np.hypot(sigma_dn, 0.31) * scale[:, None, None] / cos_zenith
    sigma = np.hypot(sigma, 0.001 * true)
    normed = (rho - true) / sigma
    assert abs(np.median(normed)) < 0.05
    assert normed.std() == pytest.approx(1.0, abs=0.1)
    assert np.abs(normed).max() < 6.5


def test_radiance_errors_are_within_the_issues_limits(small, job, seen):
    dn, _ = seen
    known = calibration(small.scenario, job.task.satellite)
    chunks = instrument_of(job).radiance(job.task, job.track, ground_of(job))
    true = np.concatenate([light for _, light in chunks], axis=1)
    signal = (dn - known.dark_dn[:, None, :]) / known.response[:, None, :]
    told = signal * known.radiance_per_dn[:, None, None]
    full = np.array([band.full_scale_radiance for band in small.scenario.instrument.bands])
    judged = true > 0.05 * full[:, None, None]
    error = (told / true - 1.0)[judged]
    assert judged.mean() > 0.2
    assert np.median(np.abs(error)) < 0.01
    assert np.quantile(np.abs(error), 0.99) < 0.03
    assert abs(error.mean()) < 0.002


def test_attitude_knowledge_is_as_good_as_stated(small):
    errors = [
        observation_job(
            small.scenario, small.ephemeris, replace(small.tasks[0], capture=capture)
        ).track.attitude_error_rad
        for capture in range(200)
    ]
    arcsec = np.degrees(errors) * 3600.0
    assert np.std(arcsec, axis=0) == pytest.approx(np.ones(3), rel=0.2)
    assert np.mean(arcsec, axis=0) == pytest.approx(np.zeros(3), abs=0.3)


def test_a_file_of_the_users_is_what_is_seen(small, job, tmp_path):
    path = write_geotiff(tmp_path / "flat.tif", np.full((4, 50, 50), 0.25, np.float32))
    own = replace(job, event="quiet", scene=SceneFile(file=path, scale=1.0))
    east, north = middle(own.target, 1000.0)
    np.testing.assert_allclose(ground_of(own).surface(east, north).reflectance, 0.25)


def test_truth_marks_what_was_imaged(job):
    """The footprint, 1.2 by 2 km, in the projection asked for, whichever that is."""
    epsg, transform, shape = grid(job)
    clear = replace(job, event="quiet")
    told = truth(clear, epsg, transform, shape)
    assert told.event == "quiet"
    assert not told.area.any()
    assert told.visible.sum() * 100.0 == pytest.approx(1200 * 2000, rel=0.1)
    centre = ndimage.center_of_mass(told.visible)
    assert centre == pytest.approx((149.5, 149.5), abs=2.0)
    elsewhere = truth(clear, epsg, (10.0, 0.0, transform[2] + 5e4, 0.0, -10.0, transform[5]), shape)
    assert not elsewhere.visible.any()


def test_truth_is_the_same_in_a_neighbouring_zone(job):
    from rasterio.warp import transform as transform_points

    flood = replace(job, event="flood")
    epsg, east_m, north_m = utm_origin(job.target.latitude_deg, job.target.longitude_deg)
    (x,), (y,) = transform_points(f"EPSG:{epsg}", f"EPSG:{epsg + 1}", [east_m], [north_m])[:2]
    areas = []
    for code, e, n in ((epsg, east_m, north_m), (epsg + 1, x, y)):
        told = truth(flood, code, (20.0, 0.0, e - 11e3, 0.0, -20.0, n + 11e3), (1100, 1100))
        areas.append((told.area.sum() * 4e-4, told.visible.sum() * 4e-4))
    assert areas[0][0] > 1.0
    assert areas[1] == pytest.approx(areas[0], rel=0.02)


def test_what_happens_is_drawn_half_flood_quarter_quiet_quarter_cloud():
    kinds = Counter(
        resolve_kind(0, Target(name=f"place {i}", latitude_deg=0.0, longitude_deg=0.0))
        for i in range(2000)
    )
    assert kinds["flood"] == pytest.approx(1000, abs=110)
    assert kinds["quiet"] == pytest.approx(500, abs=100)
    assert kinds["cloud"] == pytest.approx(500, abs=100)
    for kind in ("flood", "quiet", "cloud"):
        fixed = Target(name="x", latitude_deg=0.0, longitude_deg=0.0, event=kind)
        assert resolve_kind(5, fixed) == kind


def test_floods_cover_several_square_kilometres_in_the_picture():
    east, north = middle(PLACE)
    areas_km2, largest_shares, clouded = [], [], 0
    for seed in range(12):
        flood = events("flood", seed)
        water, hidden = flood.truth(east, north)
        areas_km2.append(water.sum() * 4e-4)
        pieces, count = ndimage.label(water)
        sizes = ndimage.sum_labels(water, pieces, range(1, count + 1))
        largest_shares.append(sizes.max() / water.sum())
        if hidden.any():
            clouded += 1
            cover = (flood.cloud_opacity(east, north) >= 0.5).mean()
            assert 0.08 < cover < 0.30
    assert min(areas_km2) > 2.5
    assert max(areas_km2) < 13.0
    assert np.mean(areas_km2) == pytest.approx(8.0, abs=2.0)
    assert np.mean(largest_shares) > 0.4  # water, not sprinkles
    assert 1 <= clouded <= 8


def test_flood_water_is_water_by_its_spectrum():
    east, north = middle(PLACE)
    ndwi_over_land = []
    for seed in range(3):
        flood = events("flood", seed)

        class Land:
            epsg = flood.epsg

            def surface(self, easting_m, northing_m):
                land = np.array([0.06, 0.08, 0.10, 0.25], np.float32)
                shape = (4, *easting_m.shape)
                return Surface(reflectance=np.broadcast_to(land[:, None, None], shape).copy())

        rho = flood.over(Land()).surface(east, north).reflectance
        ndwi = (rho[1] - rho[3]) / (rho[1] + rho[3])
        clear = flood.cloud_opacity(east, north) == 0.0
        inside = (flood.flood_fraction(east, north) == 1.0) & clear
        assert ndwi[inside].min() > 0.3
        dry = (flood.flood_fraction(east, north) == 0.0) & clear
        ndwi_over_land.append(ndwi[dry].max())
    assert max(ndwi_over_land) < -0.2


def test_edges_are_mixed_below_the_size_of_a_pixel():
    flood = events("flood")
    east, north = middle(PLACE, step_m=10.0)
    share = flood.flood_fraction(east, north)
    mixed = (share > 0.0) & (share < 1.0)
    water, _ = flood.truth(east, north)
    shore = ndimage.binary_dilation(water) ^ ndimage.binary_erosion(water)
    assert 0.0 < mixed.mean() < 2.0 * shore.mean()
    np.testing.assert_array_equal(water, share >= 0.5)
    assert share.sum() == pytest.approx(water.sum(), rel=0.02)


def test_clouds_cover_a_clouded_target():
    east, north = middle(PLACE)
    for seed in range(4):
        cloud = events("cloud", seed)
        water, hidden = cloud.truth(east, north)
        opacity = cloud.cloud_opacity(east, north)
        assert not water.any()
        assert (opacity > 0.9).mean() > 0.8
        assert hidden.mean() > 0.85


def test_clouds_are_bright_in_every_band():
    east, north = middle(PLACE)
    cloud = events("cloud")

    class Dark:
        epsg = cloud.epsg

        def surface(self, easting_m, northing_m):
            return Surface(reflectance=np.zeros((4, *easting_m.shape), np.float32))

    rho = cloud.over(Dark()).surface(east, north).reflectance
    thick = cloud.cloud_opacity(east, north) == 1.0
    assert rho[:, thick].min() >= 0.33
    assert rho[:, thick].max() <= 0.81
    assert np.abs(rho[3, thick] / rho[0, thick] - 1.0).max() < 0.05


def test_shadows_fall_away_from_the_sun(clouded):
    """Reach = height / tan(elevation), with clouds between 1 and 2.5 km."""
    east, north = middle(PLACE, 6000.0, 50.0)
    reach_m = np.arange(500.0, 3000.0, 50.0)
    reaches = []
    for azimuth_deg, to_east, to_north in ((0, 0, -1), (90, -1, 0), (180, 0, 1), (270, 1, 0)):
        sky = events("flood", clouded, elevation_deg=45.0, azimuth_deg=azimuth_deg)
        opacity = sky.cloud_opacity(east, north).ravel()
        match = [
            np.corrcoef(opacity, sky.shadow(east + to_east * r, north + to_north * r).ravel())[0, 1]
            for r in reach_m
        ]
        assert max(match) > 0.95
        reaches.append(reach_m[int(np.argmax(match))])
    assert 1000.0 <= min(reaches) <= max(reaches) <= 2500.0
    assert max(reaches) - min(reaches) <= 50.0


def test_quiet_places_are_left_as_they_are():
    quiet = events("quiet")
    scene = object()
    assert quiet.over(scene) is scene
    east, north = middle(PLACE)
    water, hidden = quiet.truth(east, north)
    assert not water.any()
    assert not hidden.any()


def test_water_lies_below_its_clouds(clouded):
    """Flood, then shadow, then cloud: a thick cloud shows nothing of what is under it."""
    east, north = middle(PLACE)
    flood = events("flood", clouded)

    class Land:
        epsg = flood.epsg

        def surface(self, easting_m, northing_m):
            return Surface(reflectance=np.full((4, *easting_m.shape), 0.15, np.float32))

    rho = flood.over(Land()).surface(east, north).reflectance
    opaque = flood.cloud_opacity(east, north) == 1.0
    assert rho[:, opaque].min() > 0.33
    shaded = (flood.shadow(east, north) == 1.0) & (flood.cloud_opacity(east, north) == 0.0)
    dry = flood.flood_fraction(east, north) == 0.0
    assert (rho[0, shaded & dry] < 0.1).all()
    assert (rho[3, shaded & dry] < rho[0, shaded & dry]).all()
