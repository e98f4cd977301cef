"""Earth rotation and geodetic places, judged by astropy with the same IERS table."""

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import GCRS, ITRS, CartesianRepresentation

from orbitloom.errors import OrbitError
from orbitloom.scenario import time
from orbitloom.world.earth import (
    EarthOrientation,
    builtin_orientation,
    ecef_from_geodetic,
    geodetic_from_ecef,
    geodetic_up,
)

START_NS = time.from_iso("2026-06-14T00:00:00Z")


@pytest.mark.usefixtures("same_iers_table")
def test_gcrs_to_itrs_is_within_a_millimetre_of_astropy(utc_time):
    rng = np.random.default_rng(1)
    t_ns = START_NS + rng.integers(-2000 * time.DAY_NS, 100 * time.DAY_NS, 1000)
    position_eci_m = 7e6 * rng.normal(size=(1000, 3)) / np.sqrt(3)
    moments = utc_time(t_ns)
    there = GCRS(CartesianRepresentation(position_eci_m.T * u.m), obstime=moments)
    expected = there.transform_to(ITRS(obstime=moments)).cartesian.xyz.to_value(u.m).T
    matrix = builtin_orientation().gcrs_to_itrs_matrix(t_ns)
    ours = np.einsum("nij,nj->ni", matrix, position_eci_m)
    assert np.max(np.linalg.norm(ours - expected, axis=-1)) < 1e-3


def test_ut1_follows_the_table_over_a_leap_second():
    table = builtin_orientation()
    before, after = (time.from_iso(f"{day}T00:00:00Z") for day in ("2016-12-31", "2017-01-01"))
    ut1_utc_s = table.ut1_minus_utc_s(np.array([before, after - 1, after, after + time.DAY_NS]))
    assert ut1_utc_s[2] - ut1_utc_s[1] == pytest.approx(1.0, abs=1e-5)
    assert abs(ut1_utc_s[1] - ut1_utc_s[0]) < 0.003
    assert np.all(np.abs(ut1_utc_s) < 0.9)


def test_a_time_before_the_table_is_refused():
    with pytest.raises(OrbitError, match="not tabulated at 1960-01-01"):
        builtin_orientation().gcrs_to_itrs_matrix(np.array([time.from_iso("1960-01-01")]))


def test_past_the_table_its_last_values_hold():
    table = builtin_orientation()
    last_ns = int(table.t_ns[-1])
    later = np.array([last_ns + 400 * time.DAY_NS])
    assert not table.is_extrapolated(last_ns)
    assert not table.is_extrapolated(START_NS)
    assert table.is_extrapolated(last_ns + 1)
    np.testing.assert_array_equal(
        table.ut1_minus_utc_s(later), table.ut1_minus_utc_s(np.array([last_ns]))
    )
    matrix = table.gcrs_to_itrs_matrix(later)[0]
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-14)


def test_a_bulletin_b_value_wins_over_bulletin_a(tmp_path):
    def row(mjd, a, b=None):
        line = list(" " * 185)
        line[7:15] = f"{mjd:8.2f}"
        line[18:27], line[37:46], line[58:68] = f"{a:9.6f}", f"{a:9.6f}", f"{a:10.7f}"
        if b is not None:
            line[134:144], line[144:154], line[154:165] = f"{b:10.6f}", f"{b:10.6f}", f"{b:11.7f}"
        return "".join(line)

    file = tmp_path / "finals"
    empty = " " * 7 + "60002.00" + " " * 170
    file.write_text("\n".join([row(60000, 0.1, 0.2), row(60001, 0.3), empty]))
    table = EarthOrientation.read(file)
    arcsec = np.pi / 648_000
    np.testing.assert_allclose(table.x_rad / arcsec, [0.2, 0.3])
    np.testing.assert_allclose(table.ut1_minus_tai_s, [0.2 - 37, 0.3 - 37])


def test_values_do_not_depend_on_what_else_is_asked():
    t_ns = START_NS + np.arange(0, 50 * time.HOUR_NS, 7 * time.HOUR_NS)
    table = builtin_orientation()
    together = table.gcrs_to_itrs_matrix(t_ns)
    alone = np.concatenate([table.gcrs_to_itrs_matrix(t_ns[i : i + 1]) for i in range(t_ns.size)])
    np.testing.assert_array_equal(together, alone)


def test_geodetic_places_there_and_back():
    rng = np.random.default_rng(2)
    latitude_deg, longitude_deg = rng.uniform(-90, 90, 100), rng.uniform(-180, 180, 100)
    height_m = rng.uniform(-400, 900e3, 100)
    position_m = ecef_from_geodetic(latitude_deg, longitude_deg, height_m)
    back = geodetic_from_ecef(position_m)
    for ours, expected in zip(back, (latitude_deg, longitude_deg, height_m), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-7)
    lifted = position_m + 1000.0 * geodetic_up(latitude_deg, longitude_deg)
    np.testing.assert_allclose(geodetic_from_ecef(lifted)[2], height_m + 1000.0, atol=1e-6)
    np.testing.assert_allclose(ecef_from_geodetic(90.0, 0.0)[2], 6_356_752.3142, atol=1e-3)
