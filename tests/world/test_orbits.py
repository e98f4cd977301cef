"""Orbits, judged by the sgp4 package, astropy, and closed forms."""

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import GCRS, ITRS, TEME, CartesianRepresentation
from sgp4.api import Satrec

from orbitloom.errors import OrbitError
from orbitloom.scenario import ElementsFleet, TleFleet, WalkerFleet, load, time
from orbitloom.world.earth import geodetic_from_ecef
from orbitloom.world.orbits import build_ephemeris

START_NS = time.from_iso("2026-06-14T00:00:00Z")
HOUR_NS = time.HOUR_NS


def build(fleet, hours=3.0, start_ns=START_NS):
    return build_ephemeris(fleet, start_ns, start_ns + time.seconds_to_ns(hours * 3600))


def random_states(ephemeris, catalogue_file, utc_time):
    """Return 1,000 times, satellites, and TEME positions (km) by the sgp4 package and the TLE."""
    lines = catalogue_file.read_text().splitlines()
    records = {
        lines[i].strip(): Satrec.twoline2rv(lines[i + 1], lines[i + 2])
        for i in range(0, len(lines), 3)
    }
    rng = np.random.default_rng(3)
    t_ns = rng.integers(ephemeris.start_ns, ephemeris.end_ns, 1000)
    satellite = rng.integers(0, len(ephemeris.names), 1000)
    moments = utc_time(t_ns)
    teme_km = np.empty((1000, 3))
    for i, (k, jd, fraction) in enumerate(zip(satellite, moments.jd1, moments.jd2, strict=True)):
        error, teme_km[i], _ = records[ephemeris.names[k]].sgp4(jd, fraction)
        assert error == 0
    return t_ns, satellite, moments, teme_km


@pytest.mark.usefixtures("same_iers_table")
def test_real_satellites_are_where_sgp4_and_astropy_say(scs01_ephemeris, catalogue_file, utc_time):
    t_ns, satellite, moments, teme_km = random_states(scs01_ephemeris, catalogue_file, utc_time)
    teme = TEME(CartesianRepresentation(teme_km.T * u.km), obstime=moments)
    for frame, ours in (
        (ITRS(obstime=moments), scs01_ephemeris.position_ecef_m(t_ns, satellite)),
        (GCRS(obstime=moments), scs01_ephemeris.position_eci_m(t_ns, satellite)),
    ):
        theirs = teme.transform_to(frame).cartesian.xyz.to_value(u.m).T
        assert np.max(np.linalg.norm(ours - theirs, axis=-1)) < 1e-3  # asked for: 0.1 m


def test_positions_do_not_depend_on_where_the_nodes_are():
    fleet = load("scs01").fleet
    shift = 30 * time.SECOND_NS
    first, second = build(fleet, 2.0), build(fleet, 2.0, START_NS + shift)
    t_ns = START_NS + np.arange(shift, 2 * HOUR_NS, 7 * time.SECOND_NS)
    apart = first.position_ecef_m(t_ns) - second.position_ecef_m(t_ns)
    assert np.max(np.linalg.norm(apart, axis=-1)) < 2e-3


def test_the_ring_between_nodes_is_a_circle_to_a_millimetre():
    ephemeris = build(load("flood12").fleet, 2.0)
    t_ns = START_NS + np.arange(0, 2 * HOUR_NS, 7 * time.SECOND_NS)
    radius_m = np.linalg.norm(ephemeris.position_eci_m(t_ns), axis=-1)
    assert np.max(np.abs(radius_m - 6_883_137.0)) < 1e-3


@pytest.mark.parametrize("name", ["flood12", "scs01"])
@pytest.mark.parametrize("frame", ["ecef", "eci"])
def test_velocities_are_the_rates_of_positions(name, frame):
    ephemeris = build(load(name).fleet, 1.0)
    position = getattr(ephemeris, f"position_{frame}_m")
    velocity = getattr(ephemeris, f"velocity_{frame}_m_s")
    t_ns = START_NS + np.arange(1, 1000) * 3_333_333_333
    h_ns = 50_000_000
    rate = (position(t_ns + h_ns) - position(t_ns - h_ns)) / (2 * h_ns / time.SECOND_NS)
    assert np.max(np.abs(rate - velocity(t_ns))) < 1e-4


def test_one_time_one_satellite_and_all_of_them_agree(scs01_ephemeris):
    t_ns = START_NS + np.array([0, 12_345_678_901, 3 * HOUR_NS])
    everything = scs01_ephemeris.position_ecef_m(t_ns)
    assert everything.shape == (12, 3, 3)
    np.testing.assert_array_equal(scs01_ephemeris.position_ecef_m(t_ns, 4), everything[4])
    np.testing.assert_array_equal(scs01_ephemeris.position_ecef_m(int(t_ns[1])), everything[:, 1])
    np.testing.assert_array_equal(
        scs01_ephemeris.position_ecef_m(int(t_ns[1]), 4), everything[4, 1]
    )
    some = np.array([3, 4, 5])
    np.testing.assert_array_equal(
        scs01_ephemeris.position_ecef_m(t_ns, some), everything[some, [0, 1, 2]]
    )


def test_a_time_outside_the_flight_is_refused(scs01_ephemeris):
    with pytest.raises(OrbitError, match="It spans 2026-06-13T23:50:00"):
        scs01_ephemeris.position_ecef_m(START_NS - HOUR_NS, 0)
    with pytest.raises(OrbitError, match="outside the flight"):
        scs01_ephemeris.position_ecef_m(START_NS + 25 * HOUR_NS)


def test_the_ring_is_even_circular_and_sun_synchronous():
    fleet = load("flood12").fleet
    ephemeris = build(fleet, 24.0)
    t_ns = START_NS + np.arange(0, 24 * HOUR_NS, 600 * time.SECOND_NS)
    position = ephemeris.position_eci_m(t_ns)
    np.testing.assert_allclose(np.linalg.norm(position, axis=-1), 6_883_137.0, atol=0.01)
    hop_m = np.linalg.norm(position - np.roll(position, 1, axis=0), axis=-1)
    np.testing.assert_allclose(hop_m, 3_563e3, atol=0.5e3)
    normal = np.cross(position, ephemeris.velocity_eci_m_s(t_ns))[0]
    node = np.unwrap(np.arctan2(normal[:, 0], -normal[:, 1]))
    # A fit over the day: the osculating node swings by 0.01 deg within each orbit.
    drift_deg_per_day = np.degrees(np.polyfit((t_ns - START_NS) / time.DAY_NS, node, 1)[0])
    motion_deg_per_day = 360.0 * 86_400.0 / 5683.27
    regression = -1.5 * 1.08262668e-3 * (6378.137 / 6883.137) ** 2 * np.cos(np.radians(97.4))
    assert drift_deg_per_day == pytest.approx(motion_deg_per_day * regression, rel=2e-3)
    assert drift_deg_per_day == pytest.approx(0.9856, abs=0.01)  # the mean Sun's


def test_the_ring_descends_at_the_local_time_asked_for():
    ephemeris = build(load("flood12").fleet, 24.0)
    t_ns = START_NS + np.arange(0, 24 * HOUR_NS, 10 * time.SECOND_NS)
    latitude_deg, longitude_deg, _ = geodetic_from_ecef(ephemeris.position_ecef_m(t_ns, 0))
    down = np.flatnonzero((latitude_deg[:-1] > 0) & (latitude_deg[1:] <= 0))
    assert down.size >= 15
    local_h = (t_ns[down] % time.DAY_NS) / HOUR_NS + longitude_deg[down] / 15.0
    np.testing.assert_allclose(local_h % 24.0, 10.5, atol=0.02)  # 10 s of steps: 0.01 h


def test_the_period_of_the_ring():
    ephemeris = build(load("flood12").fleet, 6.0)
    t_ns = START_NS + np.arange(0, 6 * HOUR_NS, time.SECOND_NS)
    z = ephemeris.position_ecef_m(t_ns, 0)[:, 2]
    up = t_ns[np.flatnonzero((z[:-1] < 0) & (z[1:] >= 0))]
    period_min = np.diff(up) / (60 * time.SECOND_NS)
    np.testing.assert_allclose(period_min, 94.84, atol=0.03)  # nodal; 94.72 without J2


@pytest.mark.parametrize(("planes", "per_plane", "first"), [(1, 12, "SAT-01"), (2, 6, "P1-S01")])
def test_twelve_satellites_in_one_plane_or_two(planes, per_plane, first):
    ephemeris = build(WalkerFleet(planes=planes, per_plane=per_plane))
    assert len(set(ephemeris.names)) == 12
    assert ephemeris.names[0] == first


def test_walker_planes_and_phasing():
    fleet = WalkerFleet(planes=3, per_plane=4, phasing=1, raan_spread_deg=360, inclination_deg=60)
    ephemeris = build(fleet, 0.1)
    normal = np.cross(ephemeris.position_eci_m(START_NS), ephemeris.velocity_eci_m_s(START_NS))
    node = np.stack([-normal[:, 1], normal[:, 0]], axis=-1)
    raan_deg = np.degrees(np.arctan2(node[:, 1], node[:, 0]))
    np.testing.assert_allclose(np.diff(raan_deg[::4]) % 360, 120.0, atol=0.2)
    # F = 1: a satellite of the next plane is 30 degrees further round than its neighbour.
    z = ephemeris.position_eci_m(START_NS)[:, 2] / 6_883_137.0 / np.sin(np.radians(60))
    np.testing.assert_allclose(z[[0, 4, 8]], np.sin(np.radians([0, 30, 60])), atol=3e-3)


def test_a_decayed_satellite_is_named():
    good = load("scs01").fleet.elements[0]
    orbit = {"name": "LOW", "mean_motion_rev_per_day": 16.8, "bstar_per_re": 0.0}
    low = good.model_copy(update=orbit)
    with pytest.raises(OrbitError, match=r"LOW .*decayed"):
        build(ElementsFleet(kind="elements", elements=(good, low)))
    eccentric = good.model_copy(update={"name": "BENT", "eccentricity": 0.9})
    with pytest.raises(OrbitError, match=r"BENT cannot be propagated to 2026-06-14T00:49"):
        build(ElementsFleet(kind="elements", elements=(good, eccentric)))


def test_two_satellites_with_one_name_are_refused():
    one = load("scs01").fleet.elements[0]
    with pytest.raises(OrbitError, match="two satellites are called 'SCS-01 A'"):
        build(ElementsFleet(kind="elements", elements=(one, one)))


def test_a_file_of_elements_flies_like_the_elements_themselves(catalogue_file):
    by_file = build(TleFleet(kind="tle", file=catalogue_file))
    by_elements = build(load("scs01").fleet)
    assert by_file.names == by_elements.names
    apart = np.linalg.norm(by_file.ecef_m - by_elements.ecef_m, axis=-1)
    assert np.max(apart) < 0.1  # the file's first derivative of the motion is not used by SGP4
