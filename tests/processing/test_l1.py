from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from orbitloom.processing.l0 import reconstruct
from orbitloom.processing.l1 import (
    FILLED,
    MISSING,
    SATURATED,
    calibrate,
    geolocate,
    noise,
)
from orbitloom.wire.space_packet import encode_packet


@pytest.fixture(scope="module")
def frames(lake):
    stream = b"".join(encode_packet(packet) for packet in lake.packets)
    return reconstruct(stream, lake.task.capture, *lake.calibration.dark_dn.shape)


def with_gaps(frames, band, lines):
    valid, dn = frames.valid.copy(), frames.dn.copy()
    valid[band, lines] = False
    dn[band, lines] = 0
    return replace(frames, valid=valid, dn=dn)


def test_radiance_follows_the_calibration(frames, lake):
    known = lake.calibration
    made = calibrate(frames, known).radiance
    dn = frames.dn.astype(np.float64)
    expected = (
        (dn - known.dark_dn[:, None, :])
        * known.radiance_per_dn[:, None, None]
        / known.response[:, None, :]
    )
    assert np.allclose(made, expected, rtol=2e-6, atol=1e-4)


def test_the_highest_code_is_flagged_saturated(frames, lake):
    dn = frames.dn.copy()
    dn[2, 10, 20] = lake.calibration.saturation_dn
    quality = calibrate(replace(frames, dn=dn), lake.calibration).quality
    assert np.argwhere(quality == SATURATED).tolist() == [[2, 10, 20]]


def test_short_gaps_are_filled_between_neighbours_and_flagged(frames, lake):
    made = calibrate(with_gaps(frames, 1, [30, 31]), lake.calibration)
    above, below = made.radiance[1, 29], made.radiance[1, 32]
    assert np.allclose(made.radiance[1, 30], above + (below - above) / 3, rtol=1e-6)
    assert np.allclose(made.radiance[1, 31], above + 2 * (below - above) / 3, rtol=1e-6)
    assert (made.quality[1, 30:32] == FILLED).all()
    assert not np.delete(made.quality, [30, 31], axis=1).any()


@pytest.mark.parametrize("lines", [[0], [239], [100, 101, 102], list(range(240))])
def test_what_cannot_be_filled_stays_missing(frames, lake, lines):
    made = calibrate(with_gaps(frames, 3, lines), lake.calibration)
    assert (made.quality[3, lines] == MISSING).all()
    assert not made.radiance[3, lines].any()
    assert not made.quality[:3].any()


def test_noise_is_what_the_lake_shows(frames, lake):
    """Shot and read noise and quantisation: by hand for 400 DN, gain 0.15, 100 e/DN, 1 DN."""
    mean_response = float(np.mean(lake.calibration.response[0]))
    gain = 0.15 / mean_response
    sigma = noise(np.array([400 * gain]), 0, lake.calibration)
    assert sigma == pytest.approx(gain * np.sqrt(400 / 100 + 1 + 1 / 12), rel=1e-12)


def test_geolocation_above_the_equator_by_hand(frames, lake):
    """Straight down onto (0, 0): 10 m a line south, 10 m a column west."""
    place = geolocate(frames.ancillary, lake.calibration.ifov_rad)
    middle_m = np.radians(place.longitude_deg[16, 16]) * 6_378_137.0
    assert abs(middle_m) < 1e-3
    assert abs(place.latitude_deg[16, 16]) < 1e-9
    # One degree of latitude at the equator on WGS84: a (1 - e2) pi/180 = 110,574.3 m.
    span_m = (place.latitude_deg[0, 16] - place.latitude_deg[-1, 16]) * 110_574.3
    assert span_m == pytest.approx(239 * 10.0, abs=0.1)
    span_m = np.radians(place.longitude_deg[16, 0] - place.longitude_deg[16, -1]) * 6_378_137.0
    assert span_m == pytest.approx(199 * 10.0, abs=0.1)
    assert place.off_nadir_deg < 1e-6
    assert place.slant_range_m == pytest.approx(505_000.0, abs=0.1)


@pytest.mark.parametrize("roll_deg", [-30.0, 10.0, 30.0])
def test_off_nadir_is_the_roll_and_the_range_grows(frames, lake, roll_deg):
    rolled = rotated(frames.ancillary, [roll_deg, 0.0, 0.0])
    place = geolocate(rolled, lake.calibration.ifov_rad)
    assert place.off_nadir_deg == pytest.approx(abs(roll_deg), abs=1e-6)
    # Law of sines on the sphere of the equator.
    r, h = 6_378_137.0, 505_000.0
    a = np.radians(abs(roll_deg))
    expected_m = (r + h) * np.cos(a) - np.sqrt(r**2 - ((r + h) * np.sin(a)) ** 2)
    assert place.slant_range_m == pytest.approx(expected_m, rel=1e-6)


@pytest.mark.parametrize("arcsec", [1.0, 20.0, 400.0])
def test_an_attitude_error_moves_the_ground_by_range_times_angle(frames, lake, arcsec):
    true = geolocate(frames.ancillary, lake.calibration.ifov_rad)
    wrong = geolocate(rotated(frames.ancillary, [0.0, arcsec / 3600, 0.0]), 10 / 505e3)
    moved_m = np.abs(wrong.latitude_deg - true.latitude_deg).mean() * 110_574.3
    assert moved_m == pytest.approx(505_000.0 * np.radians(arcsec / 3600), rel=1e-3)


def test_geolocation_lives_without_the_records_at_the_ends(frames, lake):
    whole = geolocate(frames.ancillary, lake.calibration.ifov_rad)
    cut = geolocate(frames.ancillary[2:4], lake.calibration.ifov_rad)
    assert np.allclose(cut.latitude_deg, whole.latitude_deg, atol=1e-7)


def test_one_record_or_a_view_into_space_is_an_error(frames, lake):
    with pytest.raises(ValueError, match="too few"):
        geolocate(frames.ancillary[:1], 1e-5)
    with pytest.raises(ValueError, match="misses the Earth"):
        geolocate(rotated(frames.ancillary, [80.0, 0.0, 0.0]), 1e-5)


def rotated(ancillary, turn_deg):
    """Turn the attitude in the body frame."""
    turn = Rotation.from_euler("xyz", turn_deg, degrees=True)
    made = []
    for record in ancillary:
        attitude = Rotation.from_quat(record.attitude, scalar_first=True) * turn
        made.append(replace(record, attitude=tuple(attitude.as_quat(scalar_first=True).tolist())))
    return tuple(made)
