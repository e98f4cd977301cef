"""The imager: where it looks, what it measures, and what it says about itself."""

from dataclasses import replace

import numpy as np
import pytest
from astropy.coordinates import EarthLocation
from rasterio.warp import transform as transform_points

from orbitloom.errors import ScenarioError
from orbitloom.scenario import hardware, load_instrument
from orbitloom.scenario.plugins import load as load_extension
from orbitloom.testing.instrument import EvenGround, InstrumentContract, sample_capture
from orbitloom.wire.imager import ANCILLARY_APID, SCIENCE_APID, decode_ancillary, decode_science
from orbitloom.world.imager import Pushbroom
from orbitloom.world.scene import utm_origin
from orbitloom.world.viewing import GroundGrid, attitude_matrix, look_at_ground

DESIGN = hardware.Instrument(columns=64, lines=100)


class TestPushbroomKeepsTheContract(InstrumentContract):
    @pytest.fixture
    def make_instrument(self):
        return load_extension("instruments", "imager10m")


class TestEightBandsKeepTheContract(InstrumentContract):
    """With offsets, a blurred picture, bad pixels and stripes."""

    @pytest.fixture
    def make_instrument(self):
        return load_extension("instruments", "imager10m")

    @pytest.fixture
    def design(self):
        small = {"columns": 64, "lines": 100, "bad_pixels": 0.02}
        return load_instrument("imager5m").model_copy(update=small)


def grid_of(design, roll_deg, epsg=32631, track=None):
    task, sample = sample_capture(design, roll_deg=roll_deg)
    return GroundGrid(
        track or sample,
        roll_deg=roll_deg,
        first_line_ns=task.start_ns,
        line_period_ns=(task.end_ns - task.start_ns) // design.lines,
        lines=design.lines,
        columns=design.columns,
        ifov_rad=10.0 / 505e3,
        epsg=epsg,
    )


def test_rays_meet_the_ellipsoid_in_front_of_them():
    rng = np.random.default_rng(0)
    place = EarthLocation.from_geodetic(
        rng.uniform(-180, 180, 200), rng.uniform(-89, 89, 200), np.zeros(200)
    )
    ground = np.stack([axis.value for axis in (place.x, place.y, place.z)], axis=-1)
    up = ground / np.linalg.norm(ground, axis=-1, keepdims=True)
    aside = np.cross(up, rng.normal(size=(200, 3)))
    start = ground + 5e5 * up + 2e5 * aside / np.linalg.norm(aside, axis=-1, keepdims=True)
    np.testing.assert_allclose(look_at_ground(start, ground - start), ground, atol=1e-6)
    assert np.isnan(look_at_ground(start, start)).all()  # up and away


def test_axes_are_a_rotation_with_z_down_and_x_ahead():
    _, track = sample_capture(DESIGN)
    axes = attitude_matrix(track.position_ecef_m, track.velocity_ecef_m_s, 0.0)
    np.testing.assert_allclose(
        axes @ np.swapaxes(axes, -1, -2), np.broadcast_to(np.eye(3), axes.shape), atol=1e-12
    )
    np.testing.assert_allclose(np.linalg.det(axes), 1.0)
    down = -track.position_ecef_m / np.linalg.norm(track.position_ecef_m, axis=1, keepdims=True)
    np.testing.assert_allclose(axes[:, :, 2], down, atol=1e-12)
    assert (np.sum(axes[:, :, 0] * track.velocity_ecef_m_s, axis=1) > 6999.9).all()


def test_a_swath_past_the_limb_is_refused():
    with pytest.raises(ScenarioError, match="misses the Earth"):
        grid_of(DESIGN, 68.0)


@pytest.mark.parametrize(("roll_deg", "side"), [(20.0, 1), (-20.0, -1)])
def test_a_positive_roll_and_later_columns_look_right(roll_deg, side):
    """Flying north over the equator, right is east."""
    east, _, _ = grid_of(DESIGN, roll_deg).lines(0, DESIGN.lines)
    _, east_0, _ = utm_origin(0.0, 0.0)
    assert ((east - east_0) * side > 0.9 * 505e3 * np.tan(np.radians(20.0))).all()
    assert (np.diff(east, axis=1) > 0).all()


def test_lines_follow_the_flight_a_gsd_apart():
    east, north, _ = grid_of(DESIGN, 0.0, epsg=32631).lines(0, DESIGN.lines)
    scale = 1.0 / 1.00098  # UTM at the edge of its zone
    np.testing.assert_allclose(np.diff(north, axis=0).mean() * scale, 10.0, rtol=0.01)
    np.testing.assert_allclose(np.diff(east, axis=1).mean() * scale, 10.0, rtol=0.002)


@pytest.mark.parametrize("roll_deg", [0.0, 30.0])
def test_places_between_exact_rays_are_right_to_a_twentieth_of_a_pixel(roll_deg):
    design = hardware.Instrument()
    task, track = sample_capture(design, roll_deg=roll_deg)
    grid = grid_of(design, roll_deg)
    line = np.array([0, 1, 24, 25, 26, 777, 1000, 1974, 1999])
    column = np.array([0, 1, 25, 613, 999, 1000, 1524, 1998, 1999])
    period_ns = (task.end_ns - task.start_ns) // design.lines
    position, velocity = track.state(task.start_ns + line * period_ns)
    angle = (column - 999.5) * 10.0 / 505e3
    body = np.stack([np.zeros(9), np.tan(angle), np.ones(9)])
    rays = np.swapaxes(attitude_matrix(position, velocity, roll_deg) @ body, -1, -2)
    ground = look_at_ground(position[:, None, :], rays).reshape(-1, 3)
    place = EarthLocation.from_geocentric(*ground.T, unit="m").geodetic
    np.testing.assert_allclose(place.height.value, 0.0, atol=1e-3)
    east, north = transform_points("EPSG:4326", "EPSG:32631", place.lon.value, place.lat.value)[:2]
    told = np.stack(
        [np.stack(grid.lines(one, one + 1)[:2])[:, 0, column] for one in line], axis=1
    ).reshape(2, -1)
    assert np.abs(told - [east, north]).max() < 0.5


def test_chunks_of_lines_are_the_same_lines():
    grid = grid_of(hardware.Instrument(columns=130, lines=230), 11.0)
    whole = grid.lines(0, 230)
    for first, last in ((0, 1), (49, 51), (100, 230), (229, 230)):
        for part, all_of_it in zip(grid.lines(first, last), whole, strict=True):
            np.testing.assert_array_equal(part, all_of_it[first:last])


def test_the_sun_is_as_high_as_it_was_put():
    """60 degrees in the east at the target: each metre east brings it nearer to the zenith."""
    design = hardware.Instrument()
    east, _, cos_zenith = grid_of(design, 0.0).lines(980, 1020)
    _, east_0, _ = utm_origin(0.0, 0.0)
    elevation = 60.0 + np.degrees((east - east_0) / 1.00098 / 6_378_137.0)
    np.testing.assert_allclose(cos_zenith, np.sin(np.radians(elevation)), atol=2e-6)


def test_a_nearer_sun_is_brighter_by_the_square():
    task, track = sample_capture(DESIGN)
    imager = Pushbroom(DESIGN, seed=0, satellite="A")
    ground = EvenGround(utm_origin(0.0, 0.0)[0], 0.3)
    near = replace(track, sun_ecef_m=0.983 * track.sun_ecef_m)
    (_, far_light), (_, near_light) = (
        next(imager.radiance(task, one, ground)) for one in (track, near)
    )
    np.testing.assert_allclose(near_light / far_light, 0.983**-2, rtol=1e-5)


def image(design, seed=0, satellite="A", rho=0.3, track=None):
    task, sample = sample_capture(design)
    ground = EvenGround(utm_origin(0.0, 0.0)[0], rho)
    imager = Pushbroom(design, seed=seed, satellite=satellite)
    packets = list(imager.image(task, track or sample, ground))
    dn = np.zeros((len(design.bands), design.lines, design.columns))
    for packet in packets:
        if packet.apid == SCIENCE_APID:
            line = decode_science(packet.body)
            dn[line.band, line.line] = line.dn
    return dn, [decode_ancillary(p.body) for p in packets if p.apid == ANCILLARY_APID]


def test_noise_is_shot_and_read_noise():
    design = hardware.Instrument(columns=16, lines=3000, bits=16)
    for rho in (0.0, 0.02, 0.5):
        dn, _ = image(design, rho=rho)
        electrons_per_dn = design.full_well_e / (2**16 - 1 - design.dark_dn)
        signal_e = (dn.mean(axis=1) - design.dark_dn).clip(0) * electrons_per_dn
        sigma_e = dn.std(axis=1) * electrons_per_dn
        expected_e = np.sqrt(signal_e + design.read_noise_e**2 + electrons_per_dn**2 / 12)
        dark_share = 5 * design.dark_nonuniformity_dn * electrons_per_dn / expected_e**2
        np.testing.assert_allclose(sigma_e, expected_e, rtol=0.06 + dark_share.max())


def test_numbers_stay_within_their_bits():
    dn, _ = image(DESIGN, rho=20.0)
    assert (dn == 4095).all()
    dark = hardware.Instrument(columns=64, lines=50, dark_dn=0.0)
    dn, _ = image(dark, rho=0.0)
    assert dn.min() == 0
    assert dn.max() < 30


def test_each_satellite_has_its_own_detector_and_keeps_it():
    def fixed(satellite, seed=0):
        known = Pushbroom(DESIGN, seed=seed, satellite=satellite).calibration()
        return np.concatenate([known.response.ravel(), known.dark_dn.ravel()])

    np.testing.assert_array_equal(fixed("A"), fixed("A"))
    for other in (fixed("B"), fixed("A", seed=1)):
        assert np.abs(np.corrcoef(fixed("A")[:256], other[:256])[0, 1]) < 0.3


def test_the_calibration_is_not_quite_the_truth():
    """A flat field corrected with it keeps the stated residual, and no more."""
    design = hardware.Instrument(columns=400, lines=1500, calibration_residual=0.004)
    dn, _ = image(design, rho=0.6)
    known = Pushbroom(design, seed=0, satellite="A").calibration()
    raw = dn.mean(axis=1)
    flat = (raw - known.dark_dn) / known.response
    spread = flat.std(axis=1) / flat.mean(axis=1)
    assert (raw.std(axis=1) / raw.mean(axis=1) > 0.015).all()
    np.testing.assert_allclose(spread, 0.004, rtol=0.15)


def test_ancillary_records_hold_the_true_state_and_the_told_attitude():
    design = hardware.Instrument(columns=16, lines=130)
    task, track = sample_capture(design)
    turned = replace(track, attitude_error_rad=(1e-4, -2e-4, 3e-4))
    _, records = image(design, track=turned)
    period_ns = (task.end_ns - task.start_ns) // 130
    assert [(record.t_ns - task.start_ns) // period_ns for record in records] == [
        -50, 0, 50, 100, 150,
    ]  # fmt: skip
    for record in records:
        position, velocity = (axis[0] for axis in track.state(np.array([record.t_ns])))
        np.testing.assert_array_equal(record.position_ecef_m, position)
        np.testing.assert_array_equal(record.velocity_ecef_m_s, velocity)
        true = attitude_matrix(position, velocity, task.roll_deg)
        w, x, y, z = record.attitude
        told = np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
            ]
        )
        error = true.T @ told
        found = [error[2, 1], error[0, 2], error[1, 0]]
        np.testing.assert_allclose(found, [1e-4, -2e-4, 3e-4], atol=1e-7)
        assert (record.lines, record.columns, record.bands, record.bits) == (130, 16, 4, 12)


def test_a_band_that_the_scene_lacks_is_refused():
    swir = hardware.Band(name="swir", wavelength_um=1.6, esun_w_m2_um=245, full_scale_radiance=80)
    design = hardware.Instrument(bands=(swir,))
    task, track = sample_capture(design)
    ground = EvenGround(utm_origin(0.0, 0.0)[0], 0.3)
    with pytest.raises(ScenarioError, match=r"no band 'swir'.*blue, green, red, nir"):
        next(Pushbroom(design, seed=0, satellite="A").radiance(task, track, ground))


def test_bands_are_matched_by_name_not_by_place():
    nir, blue = DESIGN.bands[3], DESIGN.bands[0]
    design = hardware.Instrument(columns=16, lines=50, bands=(nir, blue))
    task, track = sample_capture(design)
    ground = EvenGround(utm_origin(0.0, 0.0)[0], 0.3)

    class OnlyNir:
        epsg, bands, at_top = ground.epsg, ground.bands, ground.at_top
        height_m = staticmethod(ground.height_m)

        def surface(self, easting_m, northing_m):
            surface = ground.surface(easting_m, northing_m)
            surface.reflectance[:3] = 0.0
            return surface

    _, light = next(Pushbroom(design, seed=0, satellite="A").radiance(task, track, OnlyNir()))
    assert (light[0] > 50.0).all()
    assert (light[1] == 0.0).all()
