"""Sun and eclipses, judged by astropy's Sun and a shadow cone built another way."""

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import (
    GCRS,
    TEME,
    AltAz,
    CartesianRepresentation,
    EarthLocation,
    get_sun,
)

from orbitloom.scenario import load, time
from orbitloom.world.eclipse import sunlight
from orbitloom.world.elements import satrec_from_elements
from orbitloom.world.orbits import build_ephemeris
from orbitloom.world.sun import (
    sun_distance_au,
    sun_elevation_deg,
    sun_position_eci_m,
)

START_NS = time.from_iso("2026-06-14T00:00:00Z")
AU_M = 149_597_870_700.0


@pytest.mark.usefixtures("same_iers_table")
def test_the_sun_is_where_astropy_sees_it(utc_time):
    t_ns = START_NS + np.arange(0, 365, 5) * time.DAY_NS // 2
    theirs = get_sun(utc_time(t_ns)).cartesian.xyz.to_value(u.m).T
    ours = sun_position_eci_m(t_ns)
    apart = np.linalg.norm(ours - theirs, axis=-1) / AU_M
    assert np.degrees(np.max(apart)) * 3600 < 0.1  # arcsec; the Sun moves so far in 2.4 s
    np.testing.assert_allclose(sun_distance_au(t_ns) * AU_M, np.linalg.norm(theirs, axis=-1), 1e-6)


@pytest.mark.usefixtures("same_iers_table")
def test_the_sun_s_elevation_is_astropy_s(utc_time):
    t_ns = START_NS + np.arange(24) * time.HOUR_NS
    place = EarthLocation.from_geodetic(147.2 * u.deg, -9.4 * u.deg, 0 * u.m)
    moments = utc_time(t_ns)
    theirs = get_sun(moments).transform_to(AltAz(obstime=moments, location=place)).alt.deg
    ours = sun_elevation_deg(np.full(24, -9.4), np.full(24, 147.2), t_ns)
    assert np.max(np.abs(ours - theirs)) < 1e-3  # diurnal aberration and parallax are in one


def cone_clearance_m(position_m, sun_m, kind):
    """Return how far a satellite is outside the cone of umbra or penumbra, along its radius.

    The cone touches both spheres; its apex lies on the axis behind the Earth (umbra) or before it
    (penumbra). Nothing here is shared with the code under test, which compares angles.
    """
    earth, sun = 6_378_137.0, 6.957e8
    distance = np.linalg.norm(sun_m, axis=-1)
    axis = -sun_m / distance[:, None]
    behind = np.sum(position_m * axis, axis=-1)
    off_axis = np.linalg.norm(position_m - behind[:, None] * axis, axis=-1)
    if kind == "umbra":
        sine = (sun - earth) / distance
        radius = (earth / sine - behind) * np.tan(np.arcsin(sine))
    else:
        sine = (sun + earth) / distance
        radius = (earth / sine + behind) * np.tan(np.arcsin(sine))
    return np.where(behind > 0, off_axis - radius, np.inf)


@pytest.mark.usefixtures("same_iers_table")
def test_eclipses_begin_and_end_within_half_a_second_of_a_reference(utc_time):
    """The reference: sgp4's positions, astropy's frames and Sun, and a cone built another way.

    Skyfield would need a planetary ephemeris that is not in any package, so it is not asked.
    """
    scenario = load("scs01", hours=12)
    ephemeris = build_ephemeris(scenario.fleet, scenario.start_ns, scenario.end_ns)
    compared = 0
    for satellite in (0, 1, 7):
        record = satrec_from_elements(scenario.fleet.elements[satellite])

        def clearance_m(t_ns, kind, record=record):
            moments = utc_time(t_ns)
            teme_km = np.array(
                [record.sgp4(a, b)[1] for a, b in zip(moments.jd1, moments.jd2, strict=True)]
            )
            teme = TEME(CartesianRepresentation(teme_km.T * u.km), obstime=moments)
            position_m = teme.transform_to(GCRS(obstime=moments)).cartesian.xyz.to_value(u.m).T
            sun_m = get_sun(moments).cartesian.xyz.to_value(u.m).T
            return cone_clearance_m(position_m, sun_m, kind)

        t_ns, fraction = sunlight(ephemeris, satellite)
        for kind, levels in (("penumbra", {1.0, 0.5}), ("umbra", {0.5, 0.0})):
            edges = np.array(
                [i for i in range(1, t_ns.size) if {fraction[i - 1], fraction[i]} == levels]
            )
            entering = fraction[edges] < fraction[edges - 1]
            low, high = t_ns[edges] - 5 * time.SECOND_NS, t_ns[edges] + 5 * time.SECOND_NS
            assert np.all((clearance_m(low, kind) > 0) == entering)
            assert np.all((clearance_m(high, kind) > 0) != entering)
            for _ in range(13):
                middle = (low + high) // 2
                before = (clearance_m(middle, kind) > 0) == entering
                low, high = np.where(before, middle, low), np.where(before, high, middle)
            assert np.max(np.abs(high - t_ns[edges])) < 0.02 * time.SECOND_NS  # asked for: 0.5 s
            compared += edges.size
    assert compared >= 3 * 2 * 14


def test_eclipse_and_beta_of_the_real_orbit(scs01_ephemeris):
    """35.0 of 94.7 min, beta 15 to 19 deg: the published-orbit check values (see FACTS)."""
    train = [i for i, n in enumerate(scs01_ephemeris.names) if n[-1] in "ACEFKL"]
    for satellite in train:
        t_ns, fraction = sunlight(scs01_ephemeris, satellite)
        dark = np.flatnonzero(fraction[1:-1] == 0.0) + 1
        dark_min = (t_ns[dark + 1] - t_ns[dark]) / (60 * time.SECOND_NS)
        np.testing.assert_allclose(dark_min, 35.0, atol=0.4)
        between_min = np.diff(t_ns[dark]) / (60 * time.SECOND_NS)
        np.testing.assert_allclose(between_min, 94.7, atol=0.2)
    normal = np.cross(
        scs01_ephemeris.position_eci_m(START_NS), scs01_ephemeris.velocity_eci_m_s(START_NS)
    )
    sun_m = sun_position_eci_m(np.array([START_NS]))[0]
    cosine = normal @ sun_m / np.linalg.norm(normal, axis=-1) / np.linalg.norm(sun_m)
    beta_deg = 90.0 - np.degrees(np.arccos(cosine))
    assert np.round(np.min(np.abs(beta_deg))) == 15.0
    assert np.round(np.max(np.abs(beta_deg))) == 19.0


def test_sunlight_covers_the_flight_in_steps(scs01_ephemeris):
    t_ns, fraction = sunlight(scs01_ephemeris, 0)
    assert t_ns[0] == scs01_ephemeris.start_ns
    assert np.all(np.diff(t_ns) > 0)
    assert t_ns[-1] < scs01_ephemeris.end_ns
    assert set(np.abs(np.diff(fraction))) == {0.5}
    assert set(fraction) == {0.0, 0.5, 1.0}


def test_an_orbit_over_the_terminator_never_sees_night():
    fleet = load("flood12").fleet.model_copy(update={"ltdn_h": 18.0, "altitude_km": 1500.0})
    ephemeris = build_ephemeris(fleet, START_NS, START_NS + 6 * time.HOUR_NS)
    t_ns, fraction = sunlight(ephemeris, 0)
    assert t_ns.tolist() == [START_NS]
    assert fraction.tolist() == [1.0]
