"""Contacts with stations: rates by budget, telescopes, and who gets an antenna."""

import numpy as np
import pytest

from orbitloom.scenario import Station, WalkerFleet, load, time
from orbitloom.scenario.links import Downlink, OpticalDownlink
from orbitloom.scenario.load import station_nets
from orbitloom.wire import OPTICAL, RF, EndCause
from orbitloom.world.antennas import served_passes
from orbitloom.world.downlinks import downlinks
from orbitloom.world.earth import ecef_from_geodetic, geodetic_up
from orbitloom.world.geometry import World
from orbitloom.world.orbits import build_ephemeris
from orbitloom.world.radio import RadioBudget
from orbitloom.world.windows import Windows, sine_elevation, station_passes

START_NS = time.from_iso("2026-06-14T00:00:00Z")
SECOND_NS = time.SECOND_NS


def windows(*rows):
    first, second, start_s, end_s = np.array(rows).T
    return Windows(
        first=first.astype(np.int32),
        second=second.astype(np.int32),
        start_ns=start_s * SECOND_NS,
        end_ns=end_s * SECOND_NS,
    )


def as_rows(found):
    columns = (found.first, found.second, found.start_ns // SECOND_NS, found.end_ns // SECOND_NS)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def station(antennas, **keys):
    return Station(name="S", latitude_deg=0, longitude_deg=0, antennas=antennas, **keys)


def test_the_longest_rule_serves_who_has_most_time_left():
    passes = windows((0, 0, 10, 100), (1, 0, 20, 150), (2, 0, 30, 300))
    assert as_rows(served_passes(passes, (station(1),), "first")) == [
        (0, 0, 10, 100),
        (1, 0, 100, 150),
        (2, 0, 150, 300),
    ]
    assert as_rows(served_passes(passes, (station(1),), "longest")) == [
        (0, 0, 10, 100),
        (2, 0, 100, 300),
    ]


def test_a_satellite_that_waits_for_one_station_may_be_served_by_another():
    """By the first rule satellite 1 is promised to station 0 from 100 s and so misses station 1."""
    passes = windows((0, 0, 10, 100), (1, 0, 20, 150), (1, 1, 30, 90))
    stations = (station(1), station(1).model_copy(update={"name": "T"}))
    assert as_rows(served_passes(passes, stations, "first")) == [(0, 0, 10, 100), (1, 0, 100, 150)]
    assert as_rows(served_passes(passes, stations, "longest")) == [
        (0, 0, 10, 100),
        (1, 1, 30, 90),
        (1, 0, 100, 150),
    ]


@pytest.mark.parametrize("rule", ["first", "longest"])
def test_no_antenna_or_transmitter_serves_two_at_once(rule):
    fleet = WalkerFleet(planes=6, per_plane=20, phasing=3)
    ephemeris = build_ephemeris(fleet, START_NS, START_NS + 4 * time.HOUR_NS)
    stations = tuple(Station(**one) for one in station_nets()["world12"])
    passes = station_passes(ephemeris, stations)
    served = served_passes(passes, stations, rule)
    assert 0 < len(served) < len(passes)
    for column, most in ((served.first, [1] * 120), (served.second, [2] * 12)):
        for number in np.unique(column):
            own = column == number
            moments = served.start_ns[own]
            at_once = (served.start_ns[own] <= moments[:, None]) & (
                moments[:, None] < served.end_ns[own]
            )
            assert at_once.sum(axis=1).max() <= most[number]


@pytest.fixture(scope="module")
def ring():
    fleet = WalkerFleet(per_plane=3)
    ephemeris = build_ephemeris(fleet, START_NS, START_NS + 12 * time.HOUR_NS)
    stations = tuple(Station(**one) for one in station_nets()["polar2"])
    places = (
        [one.latitude_deg for one in stations],
        [one.longitude_deg for one in stations],
        [one.altitude_m for one in stations],
    )
    return ephemeris, stations, ecef_from_geodetic(*places)


def contacts(ring, stations=None, **keys):
    ephemeris, own, site_m = ring
    stations = stations or own
    return downlinks(
        ephemeris,
        stations,
        site_m,
        station_passes(ephemeris, stations),
        Downlink(**keys),
        OpticalDownlink(),
    )


def test_by_budget_the_rate_is_what_the_signal_carries(ring):
    ephemeris, stations, site_m = ring
    found = contacts(ring, rate="budget")
    assert len(found) > 100
    assert np.all(found.confidence == 0.99)
    steps = set()
    for row in range(0, len(found), 7):
        number, satellite = int(found.station[row]), int(found.satellite[row])
        where = stations[number]
        up = geodetic_up(where.latitude_deg, where.longitude_deg)
        t_ns = np.linspace(found.start_ns[row], found.end_ns[row], 50).astype(np.int64)
        at_m = ephemeris.position_ecef_m(t_ns, satellite)
        elevation = np.arcsin(sine_elevation(at_m, site_m[number], up))
        carried = RadioBudget(downlink=Downlink(), station=where).rate_bps(
            np.linalg.norm(at_m - site_m[number], axis=-1), elevation
        )
        assert np.all(carried >= found.rate_bps[row])
        steps.add(float(found.rate_bps[row]))
    assert len(steps) >= 3
    goes_on = found.end_cause == EndCause.RATE
    assert goes_on.any()
    key = {
        (int(a), int(b), int(t))
        for a, b, t in zip(found.satellite, found.station, found.start_ns, strict=True)
    }
    for row in np.flatnonzero(goes_on):
        following = (int(found.satellite[row]), int(found.station[row]), int(found.end_ns[row]))
        assert following in key


def test_by_budget_a_day_carries_about_what_the_fixed_rate_stands_for(ring):
    """The default station and transmitter: 160 Mbit/s on the mean, 220 at best."""
    found = contacts(ring, rate="budget")
    fixed = contacts(ring)
    length_s = (found.end_ns - found.start_ns) / SECOND_NS
    mean_bps = (found.rate_bps * length_s).sum() / length_s.sum()
    assert mean_bps == pytest.approx(160e6, rel=0.15)
    assert found.rate_bps.max() == pytest.approx(222.65e6)
    assert np.all(fixed.rate_bps == 160e6)
    assert np.all(fixed.confidence == 1.0)
    assert length_s.sum() == pytest.approx(
        ((fixed.end_ns - fixed.start_ns) / SECOND_NS).sum(), rel=1e-9
    )


def test_a_weak_signal_shortens_the_contact(ring):
    found, full = contacts(ring, rate="budget", eirp_dbw=7.0), contacts(ring)
    assert (found.end_ns - found.start_ns).sum() < 0.8 * (full.end_ns - full.start_ns).sum()
    assert np.any(found.end_cause == EndCause.RANGE)


def test_a_telescope_takes_light_beside_the_radio(ring):
    _, stations, _ = ring
    eye = stations[1].model_copy(update={"kind": "optical", "clear_sky": 0.4})
    found = contacts(ring, (stations[0], eye))
    light = found.medium == OPTICAL
    assert np.all(found.station[light] == 1)
    assert np.all(found.station[~light] == 0)
    assert np.all(found.medium[~light] == RF)
    assert np.all(found.rate_bps[light] == 10e9)
    assert np.all(found.confidence[light] == 0.4)
    both = contacts(ring)
    late = {
        (int(s), int(t) + 30 * SECOND_NS)
        for s, t in zip(
            both.satellite[both.station == 1], both.start_ns[both.station == 1], strict=True
        )
    }
    mine = {
        (int(s), int(t)) for s, t in zip(found.satellite[light], found.start_ns[light], strict=True)
    }
    assert mine <= late


def test_the_world_thins_its_plan_by_the_weather_it_drew():
    scenario = load("ring12", hours=12)
    stations = tuple(
        one.model_copy(update={"kind": "optical", "clear_sky": 0.5, "cloud_spell_h": 1.0})
        for one in scenario.stations
    )
    world = World(scenario.model_copy(update={"stations": stations}))
    plan, flown = world.contacts, world.flown_contacts()
    light = plan.medium == OPTICAL
    assert np.all(plan.confidence[light] == 0.5)
    assert np.all(flown.confidence == 1.0)

    def seconds(one):
        mine = one.medium == OPTICAL
        return (one.end_ns[mine] - one.start_ns[mine]).sum() / SECOND_NS

    assert 0.2 < seconds(flown) / seconds(plan) < 0.8
    assert np.any(flown.end_cause == EndCause.WEATHER)
    assert np.count_nonzero(~light) == np.count_nonzero(flown.medium != OPTICAL)
    again = world.flown_contacts()
    for column in flown.columns():
        np.testing.assert_array_equal(getattr(flown, column), getattr(again, column))
    dry = World(scenario)
    assert dry.flown_contacts() is dry.contacts
