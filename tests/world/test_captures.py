"""Captures and survey strips: geometry first, then the rules."""

from itertools import pairwise

import numpy as np
import pytest

from orbitloom.scenario import Target, load, time
from orbitloom.scenario.hardware import Survey
from orbitloom.world.captures import (
    body_axes,
    capture_tasks,
    line_period_ns,
    second_looks,
)
from orbitloom.world.earth import ecef_from_geodetic, geodetic_from_ecef
from orbitloom.world.geometry import World
from orbitloom.world.looks import target_looks
from orbitloom.world.orbits import build_ephemeris
from orbitloom.world.strips import survey_strips
from orbitloom.world.sun import sun_elevation_deg, sun_position_eci_m
from orbitloom.world.viewing import attitude_matrix, look_at_ground


@pytest.fixture(scope="module")
def ephemeris(flood12):
    return flood12.ephemeris


def test_body_axes_are_right_handed_and_look_down():
    axes = body_axes(np.array([7e6, 0.0, 0.0]), np.array([100.0, 0.0, 7500.0]))
    np.testing.assert_allclose(axes, [[0, 0, 1], [0, 1, 0], [-1, 0, 0]], atol=1e-15)
    assert np.linalg.det(axes) == pytest.approx(1.0)


def test_the_boresight_meets_the_target(flood12):
    ephemeris = flood12.ephemeris
    assert len(flood12.tasks) > 0
    for task in flood12.tasks:
        satellite = ephemeris.names.index(task.satellite)
        position_m = ephemeris.position_ecef_m(task.middle_ns, satellite)
        velocity_m_s = ephemeris.velocity_ecef_m_s(task.middle_ns, satellite)
        turn = attitude_matrix(position_m[None], velocity_m_s[None], task.roll_deg)[0]
        ground_m = look_at_ground(position_m, turn @ [0.0, 0.0, 1.0])
        target_m = ecef_from_geodetic(task.latitude_deg, task.longitude_deg)
        assert np.linalg.norm(ground_m - target_m) < 1.0


def test_a_positive_roll_looks_to_the_right(flood12):
    """Descending, the right is the west: a target west of the track takes a positive roll."""
    ephemeris = flood12.ephemeris
    for task in flood12.tasks:
        satellite = ephemeris.names.index(task.satellite)
        position_m = ephemeris.position_ecef_m(task.middle_ns, satellite)
        assert ephemeris.velocity_ecef_m_s(task.middle_ns, satellite)[2] < 0
        longitude_deg = geodetic_from_ecef(position_m)[1]
        west = (longitude_deg - task.longitude_deg + 180) % 360 - 180
        if abs(task.roll_deg) > 1:
            assert np.sign(west) == np.sign(task.roll_deg)


def test_default_captures_keep_every_rule(flood12):
    scenario, instrument = flood12.scenario, flood12.scenario.instrument
    tasks = flood12.tasks
    assert len(tasks) >= 12
    assert [task.capture for task in tasks] == list(range(len(tasks)))
    assert [task.start_ns for task in tasks] == sorted(task.start_ns for task in tasks)
    assert len({task.target for task in tasks}) == len(tasks)  # once in 24 h
    places = {target.name: target for target in scenario.targets}
    for task in tasks:
        assert abs(task.roll_deg) <= instrument.max_roll_deg
        assert scenario.start_ns <= task.start_ns < task.end_ns <= scenario.end_ns
        place = places[task.target]
        assert (task.latitude_deg, task.longitude_deg) == (place.latitude_deg, place.longitude_deg)
        moment = np.array([task.middle_ns])
        sun_deg = sun_elevation_deg(place.latitude_deg, place.longitude_deg, moment)[0]
        assert sun_deg >= instrument.min_sun_elevation_deg
        assert (task.end_ns - task.start_ns) % instrument.lines == 0
    for satellite in flood12.ephemeris.names:
        own = [task for task in tasks if task.satellite == satellite]
        for before, after in pairwise(own):
            assert after.start_ns - before.end_ns >= instrument.slew_s * time.SECOND_NS


def test_looks_are_at_the_smallest_distance_from_the_track(ephemeris):
    target = Target(name="here", latitude_deg=10.0, longitude_deg=105.0)
    looks = target_looks(ephemeris, (target,), 60.0)
    assert looks.t_ns.size > 0
    place_m = ecef_from_geodetic(10.0, 105.0)
    for satellite, t_ns in zip(looks.satellite, looks.t_ns, strict=True):
        nearby = t_ns + np.arange(-20, 21) * time.SECOND_NS
        range_m = np.linalg.norm(
            ephemeris.position_ecef_m(nearby, int(satellite)) - place_m, axis=-1
        )
        assert abs(int(np.argmin(range_m)) - 20) <= 2


def scenario_with(*places, **changes):
    scenario = load("flood12", hours=changes.pop("hours", 6.0))
    targets = tuple(
        Target(name=f"T{i}", latitude_deg=latitude, longitude_deg=longitude)
        for i, (latitude, longitude) in enumerate(places)
    )
    instrument = scenario.instrument.model_copy(update=changes)
    return scenario.model_copy(update={"targets": targets, "instrument": instrument})


def test_two_targets_too_close_in_time_take_two_looks(ephemeris):
    near = ((10.0, 105.7), (10.3, 105.9))
    both = capture_tasks(scenario_with(*near), ephemeris)
    assert len(both) == 2
    assert both[0].satellite != both[1].satellite
    hasty = capture_tasks(scenario_with(*near, slew_s=0.0), ephemeris)
    assert hasty[0].satellite == hasty[1].satellite


def test_each_day_has_its_own_capture():
    scenario = scenario_with((10.0, 105.7), hours=48.0)
    tasks = capture_tasks(
        scenario, build_ephemeris(scenario.fleet, scenario.start_ns, scenario.end_ns)
    )
    assert [(t.start_ns - scenario.start_ns) // time.DAY_NS for t in tasks] == [0, 1]


def test_night_is_not_imaged(ephemeris):
    assert capture_tasks(scenario_with((10.0, 105.7), min_sun_elevation_deg=80.0), ephemeris) == ()


def test_line_period_covers_one_sample_on_the_ground(ephemeris):
    instrument = load("flood12").instrument
    t_ns = ephemeris.start_ns + time.HOUR_NS
    period_s = line_period_ns(instrument, ephemeris, 0, t_ns) / time.SECOND_NS
    assert 1e-3 < period_s < 2e-3
    moments = t_ns + np.array([-5, 5]) * time.SECOND_NS
    latitude_deg, longitude_deg, _ = geodetic_from_ecef(ephemeris.position_ecef_m(moments, 0))
    ends_m = ecef_from_geodetic(latitude_deg, longitude_deg)
    assert np.linalg.norm(ends_m[1] - ends_m[0]) * period_s / 10.0 == pytest.approx(
        instrument.gsd_m, rel=1e-4
    )


def test_survey_strips_are_a_duty_an_orbit_at_the_highest_sun(ephemeris):
    strips = survey_strips(ephemeris, 3, Survey())
    full = [(a, b) for a, b in strips if b - a == 900 * time.SECOND_NS]
    assert len(full) >= 3
    for start_ns, end_ns in full:
        t_ns = np.arange(start_ns - 600 * 10**9, end_ns + 600 * 10**9, 10**10)
        t_ns = t_ns[(t_ns > ephemeris.start_ns) & (t_ns < ephemeris.end_ns)]
        height = np.sum(ephemeris.position_eci_m(t_ns, 3) * sun_position_eci_m(t_ns), axis=-1)
        assert abs(int(t_ns[np.argmax(height)]) - (start_ns + end_ns) // 2) < 20 * time.SECOND_NS
    middles = np.array([(a + b) / 2 for a, b in full])
    np.testing.assert_allclose(np.diff(middles) / 60e9, 94.8, atol=0.2)


def test_survey_strips_of_a_whole_fleet_are_cut_to_the_flight(ephemeris):
    share = []
    for satellite in range(12):
        strips = survey_strips(ephemeris, satellite, Survey())
        assert all(ephemeris.start_ns <= a < b <= ephemeris.end_ns for a, b in strips)
        assert all(b[0] >= a[1] for a, b in pairwise(strips))
        share.append(sum(b - a for a, b in strips) / (ephemeris.end_ns - ephemeris.start_ns))
    # Twelve phases, evenly spread, see the duty on average whatever the flight's length.
    assert np.mean(share) == pytest.approx(900 / (94.84 * 60), rel=1e-3)


def test_a_duty_of_the_whole_orbit_leaves_no_gap(ephemeris):
    strips = survey_strips(ephemeris, 0, Survey(duty_s_per_orbit=6000))
    assert strips[0][0] == ephemeris.start_ns
    assert strips[-1][1] == ephemeris.end_ns
    assert all(b[0] == a[1] for a, b in pairwise(strips))
    assert survey_strips(ephemeris, 0, Survey(duty_s_per_orbit=0)) == ()


def test_a_capture_is_over_before_the_flight_is():
    """What ends with the flight could not be recorded any more."""
    scenario = load("flood12", hours=1.0)
    first = World(scenario).tasks[0]
    for left_ns, captures in ((-1, 0), (0, 0), (1, 1)):
        hours = (first.end_ns + left_ns - scenario.start_ns) / time.HOUR_NS
        shorter = load("flood12", hours=hours)
        assert shorter.end_ns - first.end_ns == left_ns
        assert len(World(shorter).tasks) == captures


def test_second_looks_are_other_satellites_lit_and_in_order() -> None:
    scenario = load("flood12", hours=3.0)
    ephemeris = build_ephemeris(scenario.fleet, scenario.start_ns, scenario.end_ns)
    looks = target_looks(ephemeris, scenario.targets, scenario.instrument.max_roll_deg)
    tasks = capture_tasks(scenario, ephemeris, looks)
    found = 0
    for first in tasks:
        again = list(second_looks(scenario, ephemeris, looks, first, first.end_ns))
        starts = [look.start_ns for look in again]
        assert starts == sorted(starts)
        for look in again:
            assert look.target == first.target
            assert look.satellite != first.satellite
            assert first.end_ns < look.start_ns < look.end_ns < scenario.end_ns
            assert look.capture == -1
        found += len(again)
    assert found > len(tasks) / 2  # the next in the ring comes by eight minutes later
