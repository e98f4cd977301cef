from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from orbitloom.errors import InputFileError
from orbitloom.processing.ais_match import moved, offset_m
from orbitloom.processing.tracks import Sighting, Tracks, update
from orbitloom.scenario import stream
from orbitloom.scenario.time import HOUR_NS, SECOND_NS

KNOT_M_S = 1852.0 / 3600.0
EIGHT_MINUTES = 480 * SECOND_NS


def sighting(east=0.0, north=0.0, **said):
    longitude, latitude = moved(12.0, 44.0, east, north)
    told = {
        "longitude_deg": longitude,
        "latitude_deg": latitude,
        "position_sigma_m": 5.0,
        "length_m": 90.0,
        "length_sigma_m": 5.0,
        "heading_deg": 90.0,
        "heading_known": True,
    }
    return Sighting(**{**told, **said})


def after(*looks):
    """Return the tracks after looks at eight minutes' distance, and the names of the last."""
    tracks, names = Tracks(), ()
    for number, seen in enumerate(looks):
        tracks, names = update(Tracks.from_json(tracks.to_json()), seen, number * EIGHT_MINUTES)
    return tracks, names


def test_a_first_look_starts_tracks_and_the_next_ones_keep_them():
    run_m = 14.0 * KNOT_M_S * 480.0
    tracks, (name,) = after(*([sighting(east=turn * run_m)] for turn in range(3)))
    (track,) = tracks.tracks
    assert (track.name, track.looks) == (name, 3)
    assert track.velocity_m_s == pytest.approx((14.0 * KNOT_M_S, 0.0), abs=0.1)
    assert track.length_sigma_m == pytest.approx(5.0 / np.sqrt(3.0), abs=0.01)


def test_another_vessel_far_off_is_another_track():
    tracks, _ = after([sighting()], [sighting(north=20_000.0)])
    assert len(tracks.tracks) == 2


def test_a_ship_does_not_shrink():
    """At the place that was foretold, but a third of the length."""
    tracks, _ = after(
        [sighting(heading_known=False)], [sighting(length_m=30.0, length_sigma_m=3.0)]
    )
    assert len(tracks.tracks) == 2


def test_an_ais_identity_overrides_everything():
    run_m = 14.0 * KNOT_M_S * 480.0
    tracks, _ = after(
        [sighting(mmsi=1), sighting(north=9000.0, mmsi=2)],
        [sighting(east=run_m, mmsi=2), sighting(east=run_m, north=9000.0, mmsi=1)],
    )
    assert sorted((one.mmsi, one.looks) for one in tracks.tracks) == [(1, 2), (2, 2)]


def test_two_identities_are_never_one_vessel():
    tracks, _ = after([sighting(mmsi=1)], [sighting(mmsi=2)])
    assert len(tracks.tracks) == 2


def test_a_dark_vessel_that_reports_later_was_the_same_one():
    run_m = 12.0 * KNOT_M_S * 480.0
    tracks, _ = after([sighting()], [sighting(east=run_m, mmsi=5)])
    assert [(one.mmsi, one.looks) for one in tracks.tracks] == [(5, 2)]


def test_a_look_that_comes_late_counts_and_does_not_move_the_track():
    run_m = 12.0 * KNOT_M_S * 480.0
    tracks, _ = update(Tracks(), [sighting(east=run_m)], EIGHT_MINUTES)
    (before,) = tracks.tracks
    tracks, (name,) = update(tracks, [sighting()], 0)
    (now,) = tracks.tracks
    assert name == before.name
    assert (now.t_ns, now.longitude_deg, now.looks) == (before.t_ns, before.longitude_deg, 2)


def test_the_uncertainty_is_honest():
    """The state's error against its covariance: chi-square of four, on 60 made-up ships."""
    squares = []
    for seed in range(60):
        rng = stream(seed, "test tracks honest")
        velocity = np.array([6.2, 0.0]) + rng.normal(0.0, [2.6, 0.4])
        place, tracks = np.zeros(2), Tracks()
        for turn in range(3):
            seen = place + rng.normal(0.0, 5.0, 2)
            tracks, _ = update(tracks, [sighting(*seen)], turn * EIGHT_MINUTES)
            if turn < 2:
                span, noise = 480.0, 1.7e-3
                kick = np.linalg.cholesky(
                    noise * np.array([[span**3 / 3.0, span**2 / 2.0], [span**2 / 2.0, span]])
                ) @ rng.normal(size=(2, 2))
                place = place + velocity * span + kick[0]
                velocity = velocity + kick[1]
        track = max(tracks.tracks, key=lambda one: one.looks)
        if track.looks < 3:
            continue
        covariance = np.zeros((4, 4))
        covariance[np.triu_indices(4)] = track.covariance
        covariance += np.triu(covariance, 1).T
        off = offset_m(track.longitude_deg, track.latitude_deg, *moved(12.0, 44.0, *place))
        error = np.concatenate([off, np.array(track.velocity_m_s) - velocity])
        squares.append(error @ np.linalg.solve(covariance, error))
    assert len(squares) > 50
    assert 2.8 < np.mean(squares) < 5.5


def test_sixty_tracks_fit_ten_kilobytes_and_come_back():
    seen = [sighting(east=800.0 * number, mmsi=number or None) for number in range(60)]
    tracks, _ = update(Tracks(), seen, 0)
    octets = tracks.to_json()
    assert len(octets) <= 10_000
    back = Tracks.from_json(octets)
    assert len(back.tracks) >= 45
    assert set(back.tracks) <= set(tracks.tracks)
    assert any(one.mmsi is None for one in back.tracks)
    few, _ = update(Tracks(), seen[:20], 0)
    assert Tracks.from_json(few.to_json()) == few


def test_what_ais_does_not_tell_anyhow_travels_first():
    seen = [sighting(east=800.0 * number, mmsi=number or None) for number in range(60)]
    tracks, _ = update(Tracks(), seen, 0)
    left = Tracks.from_json(tracks.to_json(limit_bytes=700)).tracks
    assert 1 <= len(left) < 5
    assert None in {one.mmsi for one in left}


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"[]",
        b"{}",
        b'{"fields":["name"],"tracks":[["a"]]}',
        b'{"fields":["name"],"tracks":[["a","b"]]}',
        b"\xff\xfe",
    ],
)
def test_what_is_no_tracks_is_refused(octets):
    with pytest.raises(InputFileError, match="no tracks"):
        Tracks.from_json(octets)


@pytest.mark.parametrize("wrong", [[1.0], "ten", [float("nan")] * 10])
def test_a_state_of_another_size_is_refused(wrong):
    tracks, _ = update(Tracks(), [sighting()], 0)
    content = json.loads(tracks.to_json())
    content["tracks"][0][content["fields"].index("covariance")] = wrong
    with pytest.raises(InputFileError, match="no tracks"):
        Tracks.from_json(json.dumps(content).encode())


def test_what_was_not_seen_for_half_a_day_is_forgotten():
    tracks, _ = update(Tracks(), [sighting()], 0)
    assert update(tracks, [], 13 * HOUR_NS)[0] == Tracks()


def test_update_is_pure_and_the_same_each_time():
    tracks, _ = update(Tracks(), [sighting(), sighting(north=4000.0)], 0)
    before = replace(tracks)
    first = update(tracks, [sighting(east=2900.0)], EIGHT_MINUTES)
    assert update(tracks, [sighting(east=2900.0)], EIGHT_MINUTES) == first
    assert tracks == before


def test_a_detail_of_an_answer_is_a_sighting():
    detail = {
        "ais": "ambiguous",
        "longitude_deg": 12.0,
        "latitude_deg": 44.0,
        "position_sigma_m": 5.0,
        "length_m": 90,
        "length_sigma_m": 5.0,
        "heading_deg": 40,
        "heading_known": False,
        "mmsi": 7,
        "speed_kn": 3.0,
        "course_deg": 41.0,
    }
    assert Sighting.from_detail(detail).mmsi is None
    matched = Sighting.from_detail(detail | {"ais": "matched"})
    assert (matched.mmsi, matched.speed_kn) == (7, 3.0)


@pytest.mark.parametrize("silent", [0.5, 1.0])
def test_identity_is_kept_over_three_looks(silent):
    """10 to 30 ships in 16 km, eight minutes apart, one in twenty not seen: 90 % and more."""
    kept = followed = 0
    for seed in range(100, 106):
        rng = stream(seed, "test tracks")
        count = int(rng.integers(10, 31))
        place = rng.uniform(-8000.0, 8000.0, (count, 2))
        knots = np.where(rng.random(count) < 0.3, 0.0, rng.uniform(5.0, 22.0, count))
        heading = rng.uniform(0.0, 360.0, count)
        run = np.stack([np.sin(np.radians(heading)), np.cos(np.radians(heading))], axis=1)
        drift = rng.normal(0.0, 0.2, (count, 2))
        length = np.exp(rng.uniform(np.log(18.0), np.log(220.0), count))
        mmsi = [None if rng.random() < silent else 200_000_000 + k for k in range(count)]
        looks, names = [], {}
        for turn in range(3):
            seen, who = [], []
            for k in np.flatnonzero(rng.random(count) < 0.95).tolist():
                at = place[k] + (run[k] * knots[k] * KNOT_M_S + drift[k]) * 480.0 * turn
                sigma_m = 3.0 + 0.04 * length[k]
                known = knots[k] > 0.0
                turned = 180.0 if not known and rng.random() < 0.5 else 0.0
                own = mmsi[k] if rng.random() < 0.8 else None
                seen.append(
                    sighting(
                        *(at + rng.normal(0.0, 5.0, 2)),
                        length_m=length[k] + rng.normal(0.0, sigma_m),
                        length_sigma_m=sigma_m,
                        heading_deg=(heading[k] + turned + rng.normal(0.0, 2.0)) % 360.0,
                        heading_known=bool(known),
                        mmsi=own,
                        speed_kn=None if own is None else knots[k],
                        course_deg=None if own is None else heading[k],
                    )
                )
                who.append(k)
            looks.append((seen, who))
        tracks = Tracks()
        for turn, (seen, who) in enumerate(looks):
            tracks, given = update(Tracks.from_json(tracks.to_json()), seen, turn * EIGHT_MINUTES)
            for k, name in zip(who, given, strict=True):
                names.setdefault(k, []).append(name)
        whole = [given for given in names.values() if len(given) == 3]
        kept += sum(len(set(given)) == 1 for given in whole)
        followed += len(whole)
    assert followed > 60
    assert kept >= 0.9 * followed
