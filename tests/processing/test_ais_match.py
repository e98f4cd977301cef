from __future__ import annotations

import numpy as np
import pytest

from orbitloom.processing.ais_match import assign, match, moved, offset_m, predict
from orbitloom.processing.vessels import Vessel
from orbitloom.scenario import stream
from orbitloom.scenario.time import SECOND_NS
from orbitloom.wire.ais import AisReport

T_NS = 1_781_398_923 * SECOND_NS
KNOT_M_S = 1852.0 / 3600.0
HERE = (12.0, 44.0)


def report(mmsi=1, age_s=60.0, east=0.0, north=0.0, speed=12.0, course=90.0, length=0.0, at=HERE):
    longitude, latitude = moved(*at, east, north)
    return AisReport(
        mmsi=mmsi,
        t_ns=T_NS - round(age_s * SECOND_NS),
        longitude_deg=longitude,
        latitude_deg=latitude,
        speed_kn=speed,
        course_deg=course,
        length_m=length,
    )


def vessel(east=0.0, north=0.0, length=90.0, at=HERE):
    longitude, latitude = moved(*at, east, north)
    return Vessel(
        row=0.0,
        column=0.0,
        longitude_deg=longitude,
        latitude_deg=latitude,
        position_sigma_m=4.0,
        length_m=length,
        length_sigma_m=4.0,
        width_m=15.0,
        heading_deg=90.0,
        heading_sigma_deg=1.0,
        heading_known=True,
        contrast=0.2,
        snr=100.0,
    )


@pytest.mark.parametrize("age_s", [60.0, -60.0])
def test_a_ship_is_carried_on_to_the_moment_of_the_look(age_s):
    (there,) = predict([report(age_s=age_s)], T_NS)
    off = offset_m(there.longitude_deg, there.latitude_deg, *HERE)
    assert off == pytest.approx([12.0 * KNOT_M_S * age_s, 0.0], abs=0.2)


def test_it_is_the_less_certain_the_older_and_more_so_if_the_course_is_not_known():
    sigmas = [
        np.sqrt(np.linalg.det(predict([one], T_NS)[0].covariance_m2)) ** 0.5
        for one in (
            report(age_s=0.0),
            report(age_s=60.0),
            report(age_s=300.0),
            report(age_s=300.0, speed=None, course=None),
        )
    ]
    assert sigmas == sorted(sigmas)
    assert sigmas[0] == pytest.approx(10.0)
    assert sigmas[3] > 1000.0


def test_a_report_that_was_relayed_late_does_not_move_its_ship():
    """Sent a minute before it was received: 370 m behind."""
    on_time = [report(age_s=age, east=-12.0 * KNOT_M_S * age) for age in (20.0, 40.0, 60.0)]
    late = report(age_s=10.0, east=-12.0 * KNOT_M_S * 70.0)
    (there,) = predict([late, *on_time], T_NS)
    assert np.hypot(*offset_m(there.longitude_deg, there.latitude_deg, *HERE)) < 10.0


def test_an_old_report_says_nothing():
    assert predict([report(age_s=3600.0)], T_NS) == ()


def test_it_works_across_the_antimeridian():
    at = (179.999, -17.0)
    heard = predict([report(age_s=60.0, at=at)], T_NS)
    assert heard[0].longitude_deg < -179.9
    (one,) = match([vessel(east=12.0 * KNOT_M_S * 60.0, at=at)], heard)
    assert one.state == "matched"


def test_the_vessel_that_reports_is_matched_and_the_one_that_does_not_is_dark():
    heard = predict([report(mmsi=7, age_s=30.0, length=90.0)], T_NS)
    there = [vessel(east=12.0 * KNOT_M_S * 30.0 + 15.0), vessel(north=3000.0)]
    first, second = match(there, heard)
    assert (first.state, first.report.mmsi) == ("matched", 7)
    assert (second.state, second.report) == ("dark", None)


def test_where_nothing_is_heard_nobody_is_called_dark():
    assert [one.state for one in match([vessel()], ())] == ["none heard"]


def test_two_vessels_that_one_report_fits_as_well_are_ambiguous():
    heard = predict([report(speed=0.0, age_s=30.0)], T_NS)
    states = [one.state for one in match([vessel(east=-15.0), vessel(east=15.0)], heard)]
    assert states == ["ambiguous", "ambiguous"]


def test_the_length_decides_between_two_that_are_as_near():
    heard = predict([report(mmsi=3, speed=0.0, age_s=30.0, length=200.0)], T_NS)
    long, short = match([vessel(east=-15.0, length=200.0), vessel(east=15.0, length=30.0)], heard)
    assert (long.state, long.report.mmsi) == ("matched", 3)
    assert short.state == "dark"


def test_no_vessels_no_identities():
    assert match([], predict([report()], T_NS)) == ()


def test_the_assignment_is_the_best_of_all():
    """Greedy would take the 10 and lose the 9 and the 8."""
    gain = np.array([[10.0, 9.0], [8.0, -np.inf]])
    assert assign(gain) == [1, 0]
    assert assign(np.array([[-1.0]])) == [None]
    assert assign(np.empty((2, 0))) == [None, None]


def test_matches_are_right_on_simulated_seas():
    """Thirty ships in 12 km, a third silent, reports up to three minutes old: 95 % right."""
    right = wrong = dark_right = dark = 0
    for seed in range(100, 105):
        rng = stream(seed, "test ais")
        heard, there, truth = [], [], []
        for mmsi in range(30):
            east, north = rng.uniform(-6000.0, 6000.0, 2)
            speed, course = rng.uniform(0.0, 20.0), rng.uniform(0.0, 360.0)
            length = rng.uniform(20.0, 200.0)
            silent = rng.random() < 0.33
            truth.append(None if silent else mmsi)
            noise = rng.normal(0.0, 4.0, 2)
            there.append(vessel(east + noise[0], north + noise[1], length + rng.normal(0.0, 4.0)))
            if silent:
                continue
            for age_s in rng.uniform(2.0, 180.0, 3):
                back_m = speed * KNOT_M_S * age_s
                noise = rng.normal(0.0, 10.0, 2)
                heard.append(
                    report(
                        mmsi,
                        age_s,
                        east - back_m * np.sin(np.radians(course)) + noise[0],
                        north - back_m * np.cos(np.radians(course)) + noise[1],
                        speed + rng.normal(0.0, 0.2),
                        course + rng.normal(0.0, 1.5),
                        round(length) if rng.random() < 0.8 else 0.0,
                    )
                )
        for mmsi, said in zip(truth, match(there, predict(heard, T_NS)), strict=True):
            if said.state == "matched":
                right += said.report.mmsi == mmsi
                wrong += said.report.mmsi != mmsi
            if mmsi is None:
                dark += 1
                dark_right += said.state == "dark"
    assert right >= 0.95 * (right + wrong)
    assert right >= 80
    assert dark_right >= 0.9 * dark
