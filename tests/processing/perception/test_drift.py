"""The drift watch: quiet over what it knows, and an alarm within twenty tiles of a drift."""

from __future__ import annotations

import json

import numpy as np
import pytest

from orbitloom.processing import cloudnet
from orbitloom.processing.perception import drift
from orbitloom.processing.perception.tuning import Tuning
from orbitloom.scenario import stream
from orbitloom.testing.drifts import blurred, dead_columns, gained

from .conftest import SHRINK, statistics

DRIFTS = {
    "gain blue": (lambda toa: gained(toa, 0.8, 0), False),
    "gain nir": (lambda toa: gained(toa, 1.2, 3), True),
    "gain swir16": (lambda toa: gained(toa, 0.9, 4), False),
    "gain": (lambda toa: gained(toa, 1.2), True),
    "blur": (lambda toa: blurred(toa, 1.0), True),
    "columns": (lambda toa: dead_columns(toa, 4), True),
}


@pytest.fixture(scope="module")
def calm(scenes):
    return np.array([statistics(one.toa) for one in scenes])


def test_scenes_without_drift_raise_no_alarm(calm):
    watch = drift.Watch(drift.baseline())
    for number in stream(0, "order").permutation(len(calm)):
        assert watch.take(calm[number]) is None


@pytest.mark.parametrize("kind", DRIFTS)
def test_a_drifted_sensor_raises_the_alarm_within_twenty_tiles(scenes, calm, kind):
    change, up = DRIFTS[kind]
    watch = drift.Watch(drift.baseline())
    order = stream(1, "order").permutation(len(calm))
    before = 12
    for number in order[:before]:
        watch.take(calm[number])
    for number in order[before : before + 20]:
        alarm = watch.take(statistics(change(scenes[number].toa)))
    assert alarm is not None
    assert (alarm.kind, alarm.up) == (kind, up)
    assert before - 6 < alarm.since <= alarm.raised <= before + 20


def test_one_dead_column_of_one_band_is_enough(scenes):
    watch = drift.Watch(drift.baseline())
    for one in scenes[:20]:
        watch.take(statistics(dead_columns(one.toa, 1, band=2)))
    assert watch.alarm is not None
    assert watch.alarm.kind == "columns"


def test_one_strange_tile_is_no_alarm(calm):
    watch = drift.Watch(drift.baseline())
    assert watch.take(calm[0] + 100.0 * drift.baseline().scale) is None


def test_after_the_adapter_the_sensor_is_as_it_was(scenes):
    """The watch looks at what the network gets."""
    toa, good = scenes[0].toa, np.ones(scenes[0].toa.shape[1:], bool)
    back = Tuning(gain=np.full(6, 1.25, np.float32), offset=np.zeros(6, np.float32), dead=((),) * 6)
    again = drift.statistics(gained(toa, 0.8), good, SHRINK, back)
    assert np.allclose(again, drift.statistics(toa, good, SHRINK), atol=1e-3)


def test_telemetry_is_small_and_the_same_each_time(calm):
    told = []
    for _ in range(2):
        watch = drift.Watch(drift.baseline())
        for tile in calm[:8]:
            watch.take(1.5 * tile)
        told.append(watch.telemetry())
    assert told[0] == told[1]
    assert len(told[0]) < 2_000
    said = json.loads(told[0])
    assert said["tiles"] == 8
    assert said["novel"] == 8
    assert set(said["kinds"]) == set(drift.baseline().kinds)
    assert said["alarm"]["kind"] in said["kinds"]


def test_snow_is_known_to_a_baseline_that_saw_some(scenes, calm):
    snowy = np.array([one.truth.snow.mean() > 0.1 for one in scenes])
    assert snowy.sum() >= 3
    known = drift.baseline()
    others = np.array([known.novelty(tile) for tile in calm[~snowy]])
    # As known as the rest while snow was among the training scenes.
    assert np.median([known.novelty(tile) for tile in calm[snowy]]) < known.novel_above
    assert np.mean(others > known.novel_above) < 0.1


def test_what_no_scene_looks_like_is_novel(scenes):
    noise = stream(0, "noise").uniform(0.0, 1.0, scenes[0].toa.shape).astype(np.float32)
    known = drift.baseline()
    assert known.novelty(statistics(noise)) > 3.0 * known.novel_above


def test_a_baseline_reads_as_it_was_saved(calm):
    made = drift.fit(calm, {"brighter": (calm, calm + 0.1)})
    again = drift.Baseline.read(made.save())
    assert again.kinds == ("brighter",)
    assert np.allclose(again.scores(calm[0]), made.scores(calm[0]), rtol=1e-3, atol=1e-3)
    assert again.save() == made.save()
    assert len(made.save()) < 40_000


def test_dead_columns_are_found_and_no_others(scenes):
    toa = scenes[0].toa
    wanted = dead_columns(toa, 5) != toa
    assert np.array_equal(drift.odd_columns(dead_columns(toa, 5)), wanted.any(axis=1))
    assert not drift.odd_columns(toa).any()
    stuck = toa.copy()
    stuck[3, :, 40] = 0.3
    assert np.argwhere(drift.odd_columns(stuck)).tolist() == [[3, 40]]


def test_lines_that_were_not_measured_whole_do_not_count(scenes):
    toa = scenes[0].toa
    good = np.ones(toa.shape[1:], bool)
    good[100:120, 7] = False
    spoilt = np.where(good, toa, np.float32(0.0))
    off = drift.statistics(spoilt, good, SHRINK) - statistics(toa)
    assert np.abs(off / drift.baseline().scale).max() < 0.5


def test_too_little_is_refused(scenes):
    toa, good = scenes[0].toa, np.ones(scenes[0].toa.shape[1:], bool)
    good[15:] = False
    for picture, seen in ((toa, good), (toa[:4], np.ones_like(good))):
        with pytest.raises(ValueError, match="16 whole lines"):
            drift.statistics(picture, seen, SHRINK)
    assert len(cloudnet.BANDS) == len(toa)
