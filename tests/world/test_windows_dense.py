"""Passes and eclipses against a dense scan: every second of 12 h, positions made another way.

The scan knows nothing of nodes: real satellites are propagated by the sgp4 package at each second,
even fleets by their closed form, and edges are bisected on those positions.
"""

import numpy as np
import pytest
from sgp4.api import SatrecArray

from orbitloom.scenario import WalkerFleet, load, time
from orbitloom.world.earth import (
    EQUATORIAL_RADIUS_M,
    ecef_from_geodetic,
    geodetic_up,
    julian_date,
)
from orbitloom.world.eclipse import fleet_sunlight, sunlight
from orbitloom.world.elements import satrec_from_elements
from orbitloom.world.orbits import build_ephemeris
from orbitloom.world.sun import SUN_RADIUS_M, sun_position_eci_m
from orbitloom.world.walker import turn_to, walker_positions
from orbitloom.world.windows import site_passes

START_NS = time.from_iso("2026-06-14T00:00:00Z")
SECOND_NS = time.SECOND_NS
END_NS = START_NS + 12 * time.HOUR_NS
SITES_DEG = np.array(
    [(78.2, 15.4), (-72.0, 2.5), (0.1, 102.0), (30.3, 120.2), (-33.4, -70.6), (52.0, 5.0)]
)
MASKS_DEG = np.array([5.0, 10.0, 5.0, 30.0, 0.0, 60.0])
FLEETS = {
    "walker 53": WalkerFleet(planes=3, per_plane=3, phasing=1, inclination_deg=53, altitude_km=550),
    "walker 97": WalkerFleet(planes=2, per_plane=4, phasing=1, altitude_km=480),
    "real elements": load("scs01").fleet,
}


def exact_positions(fleet, satellite, t_ns, frame):
    """Return positions of one satellite (n, 3), m, without the ephemeris."""
    if isinstance(fleet, WalkerFleet):
        return walker_positions(fleet, START_NS, t_ns, frame=frame)[satellite]
    record = satrec_from_elements(fleet.elements[satellite])
    error, teme_km, _ = SatrecArray([record]).sgp4(*julian_date(t_ns))
    assert not np.any(error)
    return 1e3 * np.einsum("nij,nj->ni", turn_to(frame, t_ns), teme_km[0])


def scanned(condition, t_ns):
    """Return where a condition (n,) -> (n,) of times changes sign, by a scan and bisection, ns."""
    above = condition(t_ns) > 0
    i = np.flatnonzero(above[1:] != above[:-1])
    low, high = t_ns[i], t_ns[i + 1]
    while i.size and np.max(high - low) > 10_000:
        middle = (low + high) // 2
        before = (condition(middle) > 0) == above[i]
        low, high = np.where(before, middle, low), np.where(before, high, middle)
    return high


def over_site(fleet, satellite, place_deg, mask_deg):
    site_m, up = ecef_from_geodetic(*place_deg), geodetic_up(*place_deg)
    low = np.sin(np.radians(mask_deg))

    def condition(t_ns):
        sight = exact_positions(fleet, satellite, t_ns, "ecef") - site_m
        return sight @ up / np.linalg.norm(sight, axis=-1) - low

    return condition


@pytest.fixture(scope="module", params=FLEETS)
def fleet(request):
    return FLEETS[request.param]


@pytest.fixture(scope="module")
def ephemeris(fleet):
    return build_ephemeris(fleet, START_NS, END_NS)


def passes_over(ephemeris, places_deg, masks_deg):
    latitude_deg, longitude_deg = np.asarray(places_deg).T
    return site_passes(
        ephemeris,
        ecef_from_geodetic(latitude_deg, longitude_deg),
        geodetic_up(latitude_deg, longitude_deg),
        masks_deg,
    )


def test_no_pass_is_missed_and_times_are_within_2_ms(fleet, ephemeris):
    found = passes_over(ephemeris, SITES_DEG, MASKS_DEG)
    t_ns = np.arange(START_NS, END_NS + 1, SECOND_NS)
    compared, worst_ns = 0, 0
    for satellite in range(0, len(ephemeris.names), 2):
        for site, (place_deg, mask_deg) in enumerate(zip(SITES_DEG, MASKS_DEG, strict=True)):
            edges_ns = scanned(over_site(fleet, satellite, place_deg, mask_deg), t_ns)
            mine = (found.first == satellite) & (found.second == site)
            ours_ns = np.sort(np.concatenate([found.start_ns[mine], found.end_ns[mine]]))
            ours_ns = ours_ns[(ours_ns > START_NS) & (ours_ns < END_NS)]
            assert ours_ns.size == edges_ns.size
            worst_ns = max(worst_ns, np.max(np.abs(ours_ns - edges_ns), initial=0))
            compared += edges_ns.size
    print(f"{compared} edges, worst {worst_ns / 1e6:.4f} ms")
    assert compared > 50
    assert worst_ns < 2_000_000


def test_grazing_passes_of_seconds_are_found(fleet, ephemeris):
    """Masks just below the highest elevation of a pass, so that it lasts 2 to 24 s."""
    rng = np.random.default_rng(7)
    t_ns = np.arange(START_NS, END_NS + 1, SECOND_NS)
    grazing, short = 0, 0
    for satellite in range(0, len(ephemeris.names), 3):
        for place_deg in SITES_DEG[[0, 2, 3]]:
            elevation = over_site(fleet, satellite, place_deg, 0.0)
            sine = elevation(t_ns)
            peak = np.flatnonzero(
                (sine[1:-1] >= sine[:-2]) & (sine[1:-1] > sine[2:]) & (sine[1:-1] > 0.02)
            )
            peak = peak[(peak > 60) & (peak < sine.size - 60)] + 1
            if peak.size == 0:
                continue
            half_s = rng.uniform(1.0, 12.0, peak.size)
            low = np.array([sine[p + round(h)] for p, h in zip(peak, half_s, strict=True)])
            masks_deg = np.degrees(np.arcsin(low))
            found = passes_over(ephemeris, np.tile(place_deg, (peak.size, 1)), masks_deg)
            for row, p in enumerate(peak):
                mine = (found.first == satellite) & (found.second == row)
                around = mine & (found.start_ns <= t_ns[p]) & (t_ns[p] <= found.end_ns)
                assert np.count_nonzero(around) == 1
                near_ns = t_ns[p - 60 : p + 61]
                edges_ns = scanned(over_site(fleet, satellite, place_deg, masks_deg[row]), near_ns)
                ours_ns = (found.start_ns[around][0], found.end_ns[around][0])
                assert np.max(np.abs(edges_ns - ours_ns)) < 2_000_000
                short += ours_ns[1] - ours_ns[0] < 10 * SECOND_NS
                grazing += 1
    print(f"{grazing} grazing passes, {short} of them shorter than 10 s")
    assert grazing >= 15
    assert short >= 3


def test_eclipses_are_those_of_a_dense_scan(fleet, ephemeris):
    """The cones by their apexes: nothing is shared with the angles under test."""
    light = fleet_sunlight(ephemeris)
    t_ns = np.arange(START_NS, END_NS + 1, SECOND_NS)
    for satellite in range(0, len(ephemeris.names), 4):

        def outside(t_ns, sign, satellite=satellite):
            position_m = exact_positions(fleet, satellite, t_ns, "eci")
            sun_m = sun_position_eci_m(t_ns)
            distance = np.linalg.norm(sun_m, axis=-1)
            axis = -sun_m / distance[:, None]
            behind = np.sum(position_m * axis, axis=-1)
            off_axis = np.linalg.norm(position_m - behind[:, None] * axis, axis=-1)
            slope = (SUN_RADIUS_M + sign * EQUATORIAL_RADIUS_M) / distance
            radius = EQUATORIAL_RADIUS_M / np.sqrt(1 - slope**2) + sign * behind * slope / np.sqrt(
                1 - slope**2
            )
            return np.where(behind > 0, off_axis - radius, 1e9)

        steps_ns, fraction = light.of(satellite)
        for sign, levels in ((1.0, {1.0, 0.5}), (-1.0, {0.5, 0.0})):
            edges_ns = scanned(lambda t_ns, sign=sign: outside(t_ns, sign), t_ns)
            ours_ns = [
                int(steps_ns[i])
                for i in range(1, steps_ns.size)
                if {fraction[i - 1], fraction[i]} == levels
            ]
            assert len(ours_ns) == edges_ns.size
            assert np.max(np.abs(edges_ns - ours_ns), initial=0) < 2_000_000


def test_one_satellite_s_sunlight_is_that_of_the_fleet(ephemeris):
    light = fleet_sunlight(ephemeris)
    assert light.offsets[-1] == light.t_ns.size == light.fraction.size
    for satellite in (0, len(ephemeris.names) - 1):
        for one, all_of_them in zip(
            sunlight(ephemeris, satellite), light.of(satellite), strict=True
        ):
            np.testing.assert_array_equal(one, all_of_them)


def test_chunks_change_nothing(monkeypatch, ephemeris):
    whole = passes_over(ephemeris, SITES_DEG, MASKS_DEG)
    light = fleet_sunlight(ephemeris)
    monkeypatch.setattr("orbitloom.world.windows._CHUNK", 1)
    monkeypatch.setattr("orbitloom.world.eclipse._CHUNK", 1)
    again = passes_over(ephemeris, SITES_DEG, MASKS_DEG)
    for name in ("first", "second", "start_ns", "end_ns"):
        np.testing.assert_array_equal(getattr(again, name), getattr(whole, name))
    for name in ("offsets", "t_ns", "fraction"):
        np.testing.assert_array_equal(
            getattr(fleet_sunlight(ephemeris), name), getattr(light, name)
        )
