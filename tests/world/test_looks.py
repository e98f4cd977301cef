"""Looks against a dense scan: every target, every second, no node skipped."""

import numpy as np
import pytest

from orbitloom.scenario import ElementsFleet, Target, WalkerFleet, load, time
from orbitloom.world.captures import body_axes
from orbitloom.world.earth import ecef_from_geodetic
from orbitloom.world.looks import target_looks
from orbitloom.world.orbits import build_ephemeris
from orbitloom.world.sun import sun_elevation_deg

START_NS = time.from_iso("2026-06-14T00:00:00Z")
END_NS = START_NS + 12 * time.HOUR_NS
TARGETS = tuple(
    Target(name=f"T{n}", latitude_deg=latitude, longitude_deg=longitude)
    for n, (latitude, longitude) in enumerate(
        [(0.0, 10.0), (45.0, -100.0), (-30.0, 150.0), (80.0, 0.0), (83.9, 30.0), (10.0, 77.0)]
    )
)


def long_orbit():
    """Return a real satellite, and one that comes down to 300 km and goes out to 13,000."""
    orbit = {
        "name": "LONG",
        "eccentricity": 0.49,
        "mean_motion_rev_per_day": 5.95,
        "inclination_deg": 50.0,
        "bstar_per_re": 0.0,
    }
    first = load("scs01").fleet.elements[0]
    return ElementsFleet(kind="elements", elements=(first, first.model_copy(update=orbit)))


FLEETS = {
    "walker": WalkerFleet(planes=3, per_plane=2, inclination_deg=60, altitude_km=400),
    "high": WalkerFleet(planes=2, per_plane=2, altitude_km=1500),
    "eccentric": long_orbit(),
}


@pytest.mark.parametrize("max_roll_deg", [5.0, 30.0, 60.0])
@pytest.mark.parametrize("name", FLEETS)
def test_looks_are_those_of_a_dense_scan(name, max_roll_deg):
    ephemeris = build_ephemeris(FLEETS[name], START_NS, END_NS)
    looks = target_looks(ephemeris, TARGETS, max_roll_deg)
    t_ns = np.arange(START_NS, END_NS + 1, time.SECOND_NS)
    places_m = ecef_from_geodetic(
        [t.latitude_deg for t in TARGETS], [t.longitude_deg for t in TARGETS]
    )
    total = 0
    for satellite in range(len(ephemeris.names)):
        position_m = ephemeris.position_ecef_m(t_ns, satellite)
        axes = body_axes(position_m, ephemeris.velocity_ecef_m_s(t_ns, satellite))
        for target, place_m in enumerate(places_m):
            forward, right, down = np.moveaxis((place_m - position_m)[:, None] * axes, 1, 0).sum(-1)
            roll_deg = np.degrees(np.arctan2(right, down))
            risen = position_m @ place_m > place_m @ place_m
            passed = np.flatnonzero((forward[:-1] > 0) & (forward[1:] <= 0) & risen[:-1])
            # A roll at the very limit may be on either side of it.
            sure = passed[np.abs(roll_deg[passed]) < max_roll_deg - 0.5]
            perhaps = passed[np.abs(roll_deg[passed]) < max_roll_deg + 0.5]
            mine = (looks.satellite == satellite) & (looks.target == target)
            second = (looks.t_ns[mine] - START_NS - 1) // time.SECOND_NS
            assert np.isin(sure, second).all()
            assert np.isin(second, perhaps).all()
            np.testing.assert_allclose(looks.roll_deg[mine], roll_deg[second], atol=1.5)
            total += np.count_nonzero(mine)
    if max_roll_deg == 60.0:
        assert total > 10
    assert np.all(np.diff(looks.satellite) >= 0)


def test_the_sun_s_elevation_at_looks_is_that_of_the_moment():
    ephemeris = build_ephemeris(FLEETS["walker"], START_NS, END_NS)
    looks = target_looks(ephemeris, TARGETS, 60.0)
    places = [TARGETS[target] for target in looks.target]
    expected = sun_elevation_deg(
        [place.latitude_deg for place in places],
        [place.longitude_deg for place in places],
        looks.t_ns,
    )
    np.testing.assert_allclose(looks.sun_elevation_deg, expected, rtol=0, atol=1e-7)
