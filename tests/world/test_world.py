"""The world as a whole: plan, light time, step functions."""

import numpy as np
import pytest

from orbitloom.errors import OrbitError
from orbitloom.scenario import Station, WalkerFleet, load, time
from orbitloom.wire import LASER, RF
from orbitloom.world.antennas import served_passes
from orbitloom.world.geometry import World
from orbitloom.world.windows import Windows, station_passes

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


def station(antennas):
    return Station(name="S", latitude_deg=0, longitude_deg=0, antennas=antennas)


def test_a_pass_waits_for_an_antenna():
    passes = windows((0, 0, 10, 100), (1, 0, 20, 150), (2, 0, 30, 90), (0, 0, 200, 300))
    one = served_passes(passes, (station(1),))
    assert as_rows(one) == [(0, 0, 10, 100), (1, 0, 100, 150), (0, 0, 200, 300)]
    two = served_passes(passes, (station(2),))
    assert as_rows(two) == [(0, 0, 10, 100), (1, 0, 20, 150), (0, 0, 200, 300)]
    three = served_passes(passes, (station(3),))
    assert as_rows(three) == as_rows(passes)


def test_a_satellite_sends_to_one_station_at_a_time():
    passes = windows((0, 0, 10, 100), (0, 1, 50, 120), (1, 1, 60, 90))
    other = station(1).model_copy(update={"name": "T"})
    served = served_passes(passes, (station(1), other))
    assert as_rows(served) == [(0, 0, 10, 100), (0, 1, 100, 120)]
    other = other.model_copy(update={"antennas": 2})
    served = served_passes(passes, (station(1), other))
    assert as_rows(served) == [(0, 0, 10, 100), (1, 1, 60, 90), (0, 1, 100, 120)]


def test_the_ring_s_lasers_hold_both_ways_all_the_time(flood12):
    plan, scenario = flood12.contacts, flood12.scenario
    laser = plan.medium == LASER
    assert np.count_nonzero(laser) == 24
    assert np.all(plan.start_ns[laser] == scenario.start_ns)
    assert np.all(plan.end_ns[laser] == scenario.end_ns)
    assert np.all(plan.rate_bps[laser] == 10e9)
    ways = set(zip(plan.sender[laser].tolist(), plan.receiver[laser].tolist(), strict=True))
    assert ways == {(i, (i + step) % 12) for i in range(12) for step in (-1, 1)}
    np.testing.assert_allclose(plan.light_time_ns[laser] / 1e6, 11.88, atol=0.01)


def test_half_the_ring_is_71_3_ms_away(flood12):
    hop_ns = flood12.light_time_ns(0, 1, flood12.scenario.start_ns)
    assert 6 * hop_ns / 1e6 == pytest.approx(71.3, abs=0.05)


def test_downlinks_lie_within_passes_and_go_to_stations(flood12):
    plan, scenario = flood12.contacts, flood12.scenario
    assert plan.nodes[12:] == ("Svalbard", "Troll")
    rf = np.flatnonzero(plan.medium == RF)
    assert rf.size > 50
    assert np.all(plan.sender[rf] < 12)
    assert np.all(plan.receiver[rf] >= 12)
    assert np.all(plan.rate_bps[rf] == 160e6)
    passes = station_passes(flood12.ephemeris, scenario.stations)
    for row in rf:
        own = (passes.first == plan.sender[row]) & (passes.second == plan.receiver[row] - 12)
        inside = passes.start_ns[own] <= plan.start_ns[row]
        assert np.any(inside & (plan.end_ns[row] == passes.end_ns[own]))
    for number in plan.stations:
        own = rf[plan.receiver[rf] == number]
        busy = (plan.start_ns[own][:, None] <= plan.start_ns[own]) & (
            plan.start_ns[own] < plan.end_ns[own][:, None]
        )
        assert busy.sum(axis=0).max() <= scenario.stations[number - 12].antennas


def test_light_time_is_distance_over_c(flood12):
    t_ns = flood12.scenario.start_ns + 12_345 * SECOND_NS
    for sender, receiver in ((0, 1), (5, 12), (13, 2)):
        ends = [
            flood12.ephemeris.position_ecef_m(t_ns, node)
            if node < 12
            else flood12._station_m[node - 12]
            for node in (sender, receiver)
        ]
        expected_ns = np.linalg.norm(ends[0] - ends[1]) / 299_792_458.0 * 1e9
        assert flood12.light_time_ns(sender, receiver, t_ns) == round(expected_ns)
        assert flood12.light_time_ns(receiver, sender, t_ns) == round(expected_ns)


def test_light_time_outside_the_flight_is_refused(flood12):
    for t_ns in (flood12.scenario.start_ns - time.HOUR_NS, flood12.scenario.end_ns + time.HOUR_NS):
        with pytest.raises(OrbitError, match="outside the flight"):
            flood12.light_time_ns(0, 1, t_ns)


def test_a_link_acquired_in_flight_carries_data_later():
    """60 s after a first meeting, 15 s if the pair parted less than 6,000 s ago."""
    scenario = load("scs01", hours=24)
    world = World(scenario)
    plan, links = world.contacts, world._links
    laser = plan.medium == LASER
    flows = set(zip(plan.start_ns[laser].tolist(), plan.end_ns[laser].tolist(), strict=True))
    parted: dict[tuple[int, int], int] = {}
    waits = []
    for first, second, start_ns, end_ns in zip(
        links.first.tolist(),
        links.second.tolist(),
        links.start_ns.tolist(),
        links.end_ns.tolist(),
        strict=True,
    ):
        lately = start_ns - parted.get((first, second), -(2**62)) <= 6000 * SECOND_NS
        parted[first, second] = end_ns
        late = (15 if lately else 60) * SECOND_NS * (start_ns != scenario.start_ns)
        waits.append(late // SECOND_NS)
        assert ((start_ns + late, end_ns) in flows) == (start_ns + late < end_ns)
    assert set(waits) == {0, 15, 60}


def test_powered_terminals_of_the_ring_and_of_the_string(flood12):
    t_ns, terminals = flood12.laser_links(7)
    assert t_ns.tolist() == [flood12.scenario.start_ns]
    assert terminals.tolist() == [2]
    world = World(load("scs01"))
    for satellite in range(12):
        t_ns, terminals = world.laser_links(satellite)
        assert t_ns[0] == world.scenario.start_ns
        assert np.all(np.diff(t_ns) > 0)
        assert terminals.min() >= 0
        assert terminals.max() <= 2
        for moment, count in zip(t_ns, terminals, strict=True):
            links = world._links
            on = (links.start_ns <= moment) & (moment < links.end_ns)
            mine = (links.first == satellite) | (links.second == satellite)
            assert np.count_nonzero(on & mine) == count


def test_without_lasers_only_downlinks_remain():
    scenario = load("walker2x6", hours=2)
    world = World(scenario)
    assert np.all(world.contacts.medium == RF)
    assert world.laser_links(0)[1].tolist() == [0]


def test_the_same_scenario_gives_the_same_world(flood12):
    again = World(load("flood12"))
    assert again.tasks == flood12.tasks
    for column in flood12.contacts.columns():
        np.testing.assert_array_equal(
            getattr(again.contacts, column), getattr(flood12.contacts, column)
        )


def test_a_fleet_with_nothing_in_sight_has_an_empty_plan():
    scenario = load("walker2x6", hours=0.02, stations="hangzhou1")
    world = World(scenario)
    assert len(world.contacts) == 0
    assert world.tasks == ()


def test_a_single_satellite_is_a_fleet_too():
    fleet = WalkerFleet(per_plane=1)
    world = World(load("flood12", hours=2).model_copy(update={"fleet": fleet}))
    assert world.contacts.nodes == ("SAT-01", "Svalbard", "Troll")
    assert len(world.contacts) > 0
    assert np.all(world.contacts.medium == RF)
    assert world.laser_links(0)[1].tolist() == [0]
    assert world.sunlight(0)[0][0] == world.scenario.start_ns
    assert sum(end - start for start, end in world.survey_strips(0)) <= 2 * 900 * SECOND_NS


def test_a_capture_that_the_flight_s_end_would_cut_is_not_made(flood12):
    last = flood12.tasks[-1]
    cut_h = (last.middle_ns - flood12.scenario.start_ns) / time.HOUR_NS + 0.5 / 3600.0
    world = World(load("flood12", hours=cut_h))
    assert world.scenario.end_ns > last.middle_ns
    assert last.target not in {
        task.target for task in world.tasks if task.roll_deg == last.roll_deg
    }
