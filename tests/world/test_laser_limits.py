"""The limits of a link: windows against a dense scan, and each limit as the cause of an end."""

import numpy as np
import pytest

from orbitloom.scenario import WalkerFleet, time
from orbitloom.scenario.links import Downlink, Laser
from orbitloom.wire import EndCause
from orbitloom.world.contacts import contact_plan
from orbitloom.world.laser_budget import LaserBudget
from orbitloom.world.lasers import LinkLimits, laser_windows, line_of_sight
from orbitloom.world.link_choice import laser_links
from orbitloom.world.link_rules import GridRule, NearestRule
from orbitloom.world.orbits import build_ephemeris
from orbitloom.world.sun import SUN_RADIUS_M, sun_position_eci_m
from orbitloom.world.windows import Windows

START_NS = time.from_iso("2026-06-14T00:00:00Z")
SECOND_NS = time.SECOND_NS


def two_planes(height_km, inclination_deg, raan_deg, hours=3.0, **fleet):
    """Two planes of one satellite each, `raan_deg` apart."""
    walker = WalkerFleet(
        planes=2,
        per_plane=1,
        altitude_km=height_km,
        inclination_deg=inclination_deg,
        raan_spread_deg=2 * raan_deg,
        **fleet,
    )
    return build_ephemeris(walker, START_NS, START_NS + int(hours * time.HOUR_NS))


def state(ephemeris, satellite, t_ns):
    return ephemeris.position_eci_m(t_ns, satellite), ephemeris.velocity_eci_m_s(t_ns, satellite)


def relative(ephemeris, pair, t_ns, ahead_ns=0):
    """Range, its rate, and the line's rate against the body of the first, plainly."""
    a_m, a_m_s = state(ephemeris, pair[0], t_ns)
    b_m, b_m_s = state(ephemeris, pair[1], t_ns + ahead_ns)
    line, moving = b_m - a_m, b_m_s - a_m_s
    range_m = np.linalg.norm(line, axis=-1)
    turn = np.cross(a_m, a_m_s) / np.sum(a_m * a_m, axis=-1)[:, None]
    seen = moving - np.cross(turn, line)
    los_rad_s = np.linalg.norm(np.cross(line, seen), axis=-1) / range_m**2
    return range_m, np.sum(line * moving, axis=-1) / range_m, los_rad_s


@pytest.mark.parametrize(
    ("height_km", "inclination_deg", "raan_deg", "phase_deg", "range_rate_m_s", "los_deg_s"),
    [
        (550, 53, 5, 0, 263, 0.083),
        (780, 86.4, 31.6, 16.4, 2365, 0.10),
        (550, 97.6, 9, 0, 1033, 0.47),
    ],
)
def test_rates_between_two_planes(
    height_km, inclination_deg, raan_deg, phase_deg, range_rate_m_s, los_deg_s
):
    """The geometry table of FACTS; ranges are in test_lasers."""
    ephemeris = two_planes(height_km, inclination_deg, raan_deg)
    period_s = 2 * np.pi * np.sqrt((6_378_137.0 + 1e3 * height_km) ** 3 / 3.986004418e14)
    ahead_ns = time.seconds_to_ns(phase_deg / 360 * period_s)
    t_ns = START_NS + np.arange(0, 2 * time.HOUR_NS, 5 * SECOND_NS)
    _, range_rate, los_rad_s = relative(ephemeris, (0, 1), t_ns, ahead_ns)
    assert np.abs(range_rate).max() == pytest.approx(range_rate_m_s, rel=0.005)
    assert np.degrees(los_rad_s.max()) == pytest.approx(los_deg_s, abs=0.005)


def plainly_free(ephemeris, pair, t_ns, laser):
    """Whether a pair can link, straight from the definitions."""
    limits = LinkLimits.of(laser)
    a_m, _ = state(ephemeris, pair[0], t_ns)
    b_m, _ = state(ephemeris, pair[1], t_ns)
    range_m, lowest_m = line_of_sight(a_m, b_m)
    _, rate_m_s, one = relative(ephemeris, pair, t_ns)
    _, _, other = relative(ephemeris, pair[::-1], t_ns)
    free = (range_m < limits.range_m) & (lowest_m > limits.grazing_m)
    free &= np.maximum(one, other) < limits.slew_rad_s
    free &= np.abs(rate_m_s) < limits.range_rate_m_s
    sun_m = sun_position_eci_m(t_ns)
    to_sun = sun_m / np.linalg.norm(sun_m, axis=-1, keepdims=True)
    for here_m, line in ((a_m, b_m - a_m), (b_m, a_m - b_m)):
        height_m = np.linalg.norm(here_m, axis=-1)
        apart = np.arccos(np.sum(line * to_sun, axis=-1) / range_m)
        earth = np.arcsin(6_378_137.0 / height_m)
        sun = np.arcsin(SUN_RADIUS_M / np.linalg.norm(sun_m, axis=-1))
        dark = np.arccos(-np.sum(here_m * to_sun, axis=-1) / height_m) < earth - sun
        free &= (apart > limits.sun_rad) | dark
    return free


STRICT = Laser(sun_exclusion_deg=10, slew_deg_per_s=0.35, doppler_ghz=7.5, max_range_km=4000)


@pytest.fixture(scope="module")
def crossing_ephemeris():
    """Sixteen in four planes that meet from all sides, head-on too."""
    fleet = WalkerFleet(planes=4, per_plane=4, phasing=1, altitude_km=700, inclination_deg=97.4)
    return build_ephemeris(fleet, START_NS, START_NS + 6 * time.HOUR_NS)


@pytest.mark.parametrize("fleet", ["scs01_ephemeris", "crossing_ephemeris"])
@pytest.mark.parametrize("laser", [Laser(), STRICT])
def test_windows_agree_with_a_dense_scan(fleet, laser, request):
    """Drifters and satellites that cross, each 3 s for three hours: none missed or invented."""
    ephemeris = request.getfixturevalue(fleet)
    pairs = NearestRule().candidates(ephemeris)
    windows = laser_windows(ephemeris, pairs, laser)
    t_ns = np.arange(START_NS, START_NS + 3 * time.HOUR_NS, 3 * SECOND_NS)
    differ, times = 0, 0
    for pair in pairs:
        expected = plainly_free(ephemeris, pair, t_ns, laser)
        mine = (windows.first == pair[0]) & (windows.second == pair[1])
        found = np.zeros(t_ns.size, bool)
        for start_ns, end in zip(windows.start_ns[mine], windows.end_ns[mine], strict=True):
            found |= (start_ns <= t_ns) & (t_ns < end)
        differ += np.count_nonzero(found != expected)
        times += np.count_nonzero(found)
    assert times > 0
    assert differ == 0


def test_every_end_is_where_its_cause_says(crossing_ephemeris):
    windows = laser_windows(
        crossing_ephemeris, NearestRule().candidates(crossing_ephemeris), STRICT
    )
    limits, seen = LinkLimits.of(STRICT), set()
    for first, second, end_ns, cause in zip(
        windows.first.tolist(),
        windows.second.tolist(),
        windows.end_ns,
        windows.end_cause,
        strict=True,
    ):
        t_ns, pair = np.array([end_ns]), (first, second)
        a_m, b_m = (crossing_ephemeris.position_eci_m(t_ns, one) for one in pair)
        range_m, lowest_m = line_of_sight(a_m, b_m)
        _, rate_m_s, one = relative(crossing_ephemeris, pair, t_ns)
        _, _, other = relative(crossing_ephemeris, pair[::-1], t_ns)
        seen.add(EndCause(int(cause)))
        if cause == EndCause.RANGE:
            assert range_m == pytest.approx(limits.range_m, abs=1)
        elif cause == EndCause.HORIZON:
            assert lowest_m == pytest.approx(limits.grazing_m, abs=1)
        elif cause == EndCause.SLEW:
            assert max(one, other) == pytest.approx(limits.slew_rad_s, rel=1e-4)
        elif cause == EndCause.DOPPLER:
            assert abs(rate_m_s) == pytest.approx(limits.range_rate_m_s, abs=0.1)
        elif cause == EndCause.PLAN:
            assert end_ns == crossing_ephemeris.end_ns
    assert {EndCause.RANGE, EndCause.SLEW, EndCause.DOPPLER, EndCause.SUN} <= seen
    assert EndCause.HORIZON in {
        EndCause(int(cause))
        for cause in laser_windows(
            crossing_ephemeris,
            NearestRule().candidates(crossing_ephemeris),
            Laser(max_range_km=9e3),
        ).end_cause
    }


def test_the_sun_blinds_a_ring_s_terminal_for_95_7_s_an_orbit():
    """2 acos(cos a / cos b) / 360 of the period: a = 5, b = 4 deg, 550 km: 95.7 s (FACTS).

    The satellite behind flies 10 degrees behind, so the line dips 5 degrees: then both are in the
    light when the Sun passes.
    """
    period_s = 2 * np.pi * np.sqrt(6_928_137.0**3 / 3.986004418e14)
    assert period_s / 60 == pytest.approx(95.65, abs=0.01)
    for ltdn_h in np.arange(17.0, 19.0, 0.05):
        fleet = WalkerFleet(
            per_plane=36, altitude_km=550, inclination_deg=97.6, ltdn_h=float((ltdn_h + 6) % 24)
        )
        ephemeris = build_ephemeris(fleet, START_NS, START_NS + 2 * time.HOUR_NS)
        normal = np.cross(*state(ephemeris, 0, START_NS + time.HOUR_NS))
        sun_m = sun_position_eci_m(np.array([START_NS + time.HOUR_NS]))[0]
        beta = 90 - np.degrees(
            np.arccos(normal @ sun_m / np.linalg.norm(normal) / np.linalg.norm(sun_m))
        )
        if abs(beta) < 4.4:
            break
    assert abs(beta) < 4.4
    windows = laser_windows(ephemeris, np.array([[0, 1]]), Laser())
    assert set(windows.end_cause.tolist()) == {EndCause.SUN, EndCause.PLAN}
    gaps_s = (windows.start_ns[1:] - windows.end_ns[:-1]) / SECOND_NS
    share = 2 * np.degrees(np.arccos(np.cos(np.radians(5.0)) / np.cos(np.radians(beta)))) / 360
    assert gaps_s == pytest.approx(share * period_s, rel=0.02)
    exact = 2 * np.degrees(np.arccos(np.cos(np.radians(5)) / np.cos(np.radians(4)))) / 360
    assert exact * 95.65 * 60 == pytest.approx(95.7, abs=0.1)


def rates_of(plan):
    return sorted({float(rate) / 1e9 for rate in plan.rate_bps})


def plan_of(ephemeris, links, laser):
    nothing = Windows(
        first=np.empty(0, np.int32),
        second=np.empty(0, np.int32),
        start_ns=np.empty(0, np.int64),
        end_ns=np.empty(0, np.int64),
    )
    return contact_plan(ephemeris, (), np.empty((0, 3)), nothing, links, laser, Downlink())


def test_a_contact_ends_where_its_rate_changes_and_goes_on_at_once():
    """Iridium's planes: 2,200 to 4,470 km apart; 100 Gbit/s reaches 1,714 km at 1 W, 3,420 at 4."""
    fleet = WalkerFleet(
        planes=2, per_plane=1, altitude_km=780, inclination_deg=86.4, raan_spread_deg=63.2
    )
    ephemeris = build_ephemeris(fleet, START_NS, START_NS + 6 * time.HOUR_NS)
    laser = Laser(rate_gbps=100, transmit_w=4.0, terminals=4)
    links = laser_links(ephemeris, fleet, laser, GridRule(fleet=fleet, terminals=4))
    plan = plan_of(ephemeris, links, laser)
    budget = LaserBudget.of(laser)
    assert rates_of(plan) == [10.0, 100.0]
    forth = plan.sender == 0
    start_ns, end_ns = plan.start_ns[forth], plan.end_ns[forth]
    rate = plan.end_cause[forth] == EndCause.RATE
    assert np.count_nonzero(rate) >= 4
    np.testing.assert_array_equal(end_ns[:-1][rate[:-1]], start_ns[1:][rate[:-1]])
    for moment in end_ns[rate]:
        apart_m = ephemeris.position_eci_m(moment, 0) - ephemeris.position_eci_m(moment, 1)
        assert np.linalg.norm(apart_m) == pytest.approx(budget.reach_m(100e9), abs=0.1)
    middle_ns = (start_ns + end_ns) // 2
    range_m, _, _ = relative(ephemeris, (0, 1), middle_ns)
    np.testing.assert_array_equal(plan.rate_bps[forth], budget.rate_bps(range_m))
    held = (links.end_ns - links.start_ns).sum() - sum(
        15 * SECOND_NS if i else 0 for i in range(len(links))
    )
    assert (end_ns - start_ns).sum() == held or len(links) == 1


def test_slow_light_shortens_the_range():
    dim = Laser(transmit_w=0.01)
    assert LinkLimits.of(dim).range_m == pytest.approx(LaserBudget.of(dim).reach_m(2.5e9))
    assert LinkLimits.of(Laser()).range_m == 5_000e3
    assert LinkLimits.of(Laser()).range_rate_m_s == pytest.approx(12_400)
