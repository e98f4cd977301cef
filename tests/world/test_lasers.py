"""Laser links: the ring's published facts, and who points at whom."""

import numpy as np
import pytest

from orbitloom.scenario import WalkerFleet, load, time
from orbitloom.scenario.links import Laser
from orbitloom.world.lasers import laser_windows, line_of_sight
from orbitloom.world.link_choice import laser_links
from orbitloom.world.link_rules import NearestRule, RingRule
from orbitloom.world.orbits import Ephemeris, build_ephemeris

START_NS = time.from_iso("2026-06-14T00:00:00Z")
END_NS = START_NS + 3 * time.HOUR_NS


def ring_of(satellites, altitude_km=505.0):
    fleet = WalkerFleet(per_plane=satellites, altitude_km=altitude_km)
    return fleet, build_ephemeris(fleet, START_NS, END_NS)


def ring_pairs(**fleet):
    _, ephemeris = ring_of(1)
    return RingRule(fleet=WalkerFleet(**fleet)).candidates(ephemeris)


def held_throughout(links):
    return np.all(links.start_ns == START_NS) and np.all(links.end_ns == END_NS)


def test_hop_and_lowest_ray_of_the_ring_of_twelve():
    _, ephemeris = ring_of(12)
    position_m = ephemeris.position_eci_m(START_NS)
    length_m, lowest_m = line_of_sight(position_m, np.roll(position_m, -1, axis=0))
    np.testing.assert_allclose(length_m, 3_563e3, atol=0.5e3)
    np.testing.assert_allclose(lowest_m, 270e3, atol=0.7e3)


def test_one_lost_satellite_opens_the_ring():
    _, ephemeris = ring_of(12)
    position_m = ephemeris.position_eci_m(START_NS)
    _, lowest_m = line_of_sight(position_m, np.roll(position_m, -2, axis=0))
    np.testing.assert_allclose(lowest_m, -417e3, atol=0.5e3)


@pytest.mark.parametrize(("satellites", "closed"), [(8, False), (9, False), (10, True), (12, True)])
def test_a_closed_ring_at_505_km_needs_ten(satellites, closed):
    fleet, ephemeris = ring_of(satellites)
    links = laser_links(ephemeris, fleet, Laser())
    assert len(links) == (satellites if closed else 0)
    assert held_throughout(links)


def test_planes_keep_to_themselves():
    pairs = ring_pairs(planes=2, per_plane=6)
    assert len(pairs) == 12
    assert np.all(pairs[:, 0] // 6 == pairs[:, 1] // 6)
    assert ring_pairs(planes=3, per_plane=2).tolist() == [[0, 1], [2, 3], [4, 5]]
    assert ring_pairs(planes=4, per_plane=1).size == 0


def test_with_one_terminal_the_ring_falls_into_pairs():
    fleet, ephemeris = ring_of(12)
    links = laser_links(ephemeris, fleet, Laser(terminals=1))
    assert len(links) == 6
    assert sorted([*links.first.tolist(), *links.second.tolist()]) == list(range(12))
    assert held_throughout(links)


def test_without_terminals_there_are_no_links():
    fleet, ephemeris = ring_of(12)
    assert len(laser_links(ephemeris, fleet, Laser(terminals=0))) == 0


def test_a_shorter_range_or_a_higher_grazing_height_ends_the_ring():
    fleet, ephemeris = ring_of(12)
    assert len(laser_links(ephemeris, fleet, Laser(max_range_km=3560))) == 0
    assert len(laser_links(ephemeris, fleet, Laser(max_range_km=3566))) == 12
    assert len(laser_links(ephemeris, fleet, Laser(grazing_height_km=271))) == 0
    assert len(laser_links(ephemeris, fleet, Laser(grazing_height_km=270))) == 12


def test_lines_of_sight_between_points_at_hand():
    a = np.array([7000e3, 0.0, 0.0])
    length_m, lowest_m = line_of_sight(a, np.array([8000e3, 0.0, 0.0]))
    assert (length_m, lowest_m) == pytest.approx((1000e3, 621_863.0))  # the nearer end is lowest
    length_m, lowest_m = line_of_sight(a, np.array([0.0, 7000e3, 0.0]))
    assert lowest_m == pytest.approx(7000e3 / np.sqrt(2) - 6_378_137.0)


def test_grazing_ranges_of_the_literature():
    """2 sqrt((Re + h)^2 - (Re + g)^2) with g = 80 km, as FACTS lists them."""
    for height_km, range_km in ((500, 4733), (550, 5017), (800, 6267)):
        radius_m = 6_378_137.0 + 1e3 * height_km
        half = np.arcsin(range_km * 500.0 / radius_m)
        ends = radius_m * np.array(
            [[np.cos(half), np.sin(half), 0], [np.cos(half), -np.sin(half), 0]]
        )
        assert line_of_sight(ends[0], ends[1])[1] == pytest.approx(80e3, abs=300)


@pytest.mark.parametrize(
    ("height_km", "inclination_deg", "raan_deg", "phase_deg", "low_km", "high_km"),
    [(550, 53, 5, 0, 364, 604), (780, 86.4, 31.6, 16.4, 2202, 4470), (550, 97.6, 9, 0, 144, 1087)],
)
def test_ranges_between_two_planes(
    height_km, inclination_deg, raan_deg, phase_deg, low_km, high_km
):
    """The geometry table of FACTS, from a two-plane fleet of one satellite each."""
    fleet = WalkerFleet(
        planes=2,
        per_plane=1,
        altitude_km=height_km,
        inclination_deg=inclination_deg,
        raan_spread_deg=2 * raan_deg,
    )
    ephemeris = build_ephemeris(fleet, START_NS, END_NS)
    period_s = 2 * np.pi * np.sqrt((6_378_137.0 + 1e3 * height_km) ** 3 / 3.986004418e14)
    ahead_ns = time.seconds_to_ns(phase_deg / 360 * period_s)
    t_ns = START_NS + np.arange(0, 2 * time.HOUR_NS, 5 * time.SECOND_NS)
    apart_m = ephemeris.position_eci_m(t_ns, 0) - ephemeris.position_eci_m(t_ns + ahead_ns, 1)
    range_km = np.linalg.norm(apart_m, axis=-1) / 1e3
    assert range_km.min() == pytest.approx(low_km, rel=0.01)
    assert range_km.max() == pytest.approx(high_km, rel=0.01)


@pytest.fixture(scope="module")
def string_links(scs01_ephemeris):
    return laser_links(scs01_ephemeris, load("scs01").fleet, Laser())


def linked(links, t_ns):
    on = (links.start_ns <= t_ns) & (t_ns < links.end_ns)
    return list(zip(links.first[on].tolist(), links.second[on].tolist(), strict=True))


def test_the_real_string_is_joined_from_end_to_end(scs01_ephemeris, string_links):
    """Six satellites hold one height in a string of 28 degrees: always one group."""
    train = {i for i, n in enumerate(scs01_ephemeris.names) if n[-1] in "ACEFKL"}
    for t_ns in range(START_NS + 1, START_NS + 24 * time.HOUR_NS, time.HOUR_NS):
        pairs = linked(string_links, t_ns)
        group = {min(train)}
        for _ in range(12):
            group |= {s for pair in pairs if group & set(pair) for s in pair}
        assert train <= group


def test_no_satellite_uses_more_terminals_than_it_has(scs01_ephemeris, string_links):
    for t_ns in range(START_NS, START_NS + 24 * time.HOUR_NS, 601 * time.SECOND_NS):
        ends = np.array(linked(string_links, t_ns)).ravel()
        assert np.bincount(ends, minlength=12).max() <= 2


def test_links_last_as_long_as_their_windows_allow(scs01_ephemeris, string_links):
    windows = laser_windows(scs01_ephemeris, NearestRule().candidates(scs01_ephemeris), Laser())
    for a, b, start_ns, end_ns in zip(
        string_links.first,
        string_links.second,
        string_links.start_ns,
        string_links.end_ns,
        strict=True,
    ):
        own = (windows.first == a) & (windows.second == b)
        assert np.any((windows.start_ns[own] <= start_ns) & (end_ns <= windows.end_ns[own]))
    minutes = (string_links.end_ns - string_links.start_ns) / (60 * time.SECOND_NS)
    assert np.median(minutes) > 60  # they do not flap
    assert len(string_links) < 100


def test_three_close_satellites_do_not_leave_the_fourth_alone():
    """Nearest first would close a triangle with all six terminals; joining groups comes first."""
    angle = np.radians([0.0, 2.0, 4.5, 12.0])
    nodes_ns = START_NS + 60 * time.SECOND_NS * np.arange(6)
    position_m = 6_900e3 * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=-1)
    nodes_m = np.repeat(position_m[:, None], nodes_ns.size, axis=1)
    still = np.zeros_like(nodes_m)
    ephemeris = Ephemeris(
        names=tuple("ABCD"),
        start_ns=START_NS,
        end_ns=int(nodes_ns[-1]),
        nodes_ns=nodes_ns,
        ecef_m=nodes_m,
        ecef_m_s=still,
        eci_m=nodes_m,
        eci_m_s=still,
    )
    links = laser_links(ephemeris, load("scs01").fleet, Laser())
    assert sorted(linked(links, START_NS)) == [(0, 1), (0, 3), (1, 2), (2, 3)]
    in_pairs = laser_links(ephemeris, load("scs01").fleet, Laser(terminals=1))
    assert sorted(linked(in_pairs, START_NS)) == [(0, 1), (2, 3)]
