"""The classifier of light curves: its blocks against astropy, its significance, its kinds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from astropy.stats import bayesian_blocks as astropy_blocks
from scipy.stats import norm, poisson

from orbitloom.errors import PacketError
from orbitloom.processing.events import (
    UNKNOWN,
    BlockClassifier,
    LightCurve,
    bayesian_blocks,
    excess_sigmas,
)
from orbitloom.scenario import stream
from orbitloom.testing.classifier import ClassifierContract, sample_curve


class TestBlocks(ClassifierContract):
    @pytest.fixture
    def classifier(self):
        return BlockClassifier()


def curve_with_steps(seed, bins=300):
    random = stream(seed, "steps")
    rates = np.repeat(random.uniform(3.0, 30.0, 6), bins // 6)
    return np.sort(random.uniform(0.0, 100.0, bins)), random.poisson(rates) + 1


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("false_alarm", [0.001, 0.05, 0.3])
def test_blocks_are_those_of_astropy(seed, false_alarm):
    times_s, counts = curve_with_steps(seed)
    middles_s = 0.5 * (times_s[1:] + times_s[:-1])
    edges_s = np.concatenate((times_s[:1], middles_s, times_s[-1:]))  # as astropy makes its cells
    theirs = astropy_blocks(times_s, counts, fitness="events", p0=false_alarm)
    ours = edges_s[bayesian_blocks(edges_s, counts, false_alarm)]
    assert np.array_equal(ours, theirs)
    assert ours.size > 2


def test_bins_without_counts_are_taken():
    counts = np.zeros(40, dtype=np.int64)
    counts[20:23] = 50
    assert bayesian_blocks(np.arange(41.0), counts, 0.05) == [0, 20, 23, 40]


@pytest.mark.parametrize(("number", "background"), [(30, 10.0), (9, 1.0), (160, 100.0)])
def test_without_an_uncertainty_it_is_the_poisson_significance(number, background):
    exact = norm.isf(poisson.sf(number - 1, background))
    assert excess_sigmas(number, background, 1e-9) == pytest.approx(exact, abs=0.3)


def test_of_many_counts_it_is_the_gaussian_one():
    sigmas = excess_sigmas(1_003_000.0, 1e6, 2000.0)
    assert sigmas == pytest.approx(3000.0 / math.hypot(1000.0, 2000.0), rel=1e-3)
    assert excess_sigmas(90.0, 100.0, 5.0) == 0.0


@pytest.mark.parametrize("kind", ["nothing", "burst", "flare", "particle spike"])
def test_a_clear_event_has_its_name(kind):
    labels = [BlockClassifier().classify(sample_curve(kind, seed=seed)).label for seed in range(8)]
    assert labels == [kind] * 8


def test_a_drifting_background_is_no_flare():
    said = [
        BlockClassifier().classify(sample_curve(seed=n, swing=0.2, phase=n * np.pi / 4)).label
        for n in range(8)
    ]
    assert said == ["nothing"] * 8


def test_an_event_is_found_where_it_is():
    said = BlockClassifier().classify(sample_curve("burst", 40.0))
    begin_s = (said.start_ns - sample_curve().edges_ns[0]) / 1e9
    assert 58.0 < begin_s < 91.0
    assert 3.0 < (said.end_ns - said.start_ns) / 1e9 < 40.0
    assert 20.0 < said.sigmas < 60.0


def test_a_weak_event_is_shared_with_nothing():
    shares = [
        BlockClassifier().classify(sample_curve("burst", 6.0, seed=n)).probabilities["nothing"]
        for n in range(12)
    ]
    assert any(0.01 < share < 0.99 for share in shares)


def test_of_one_band_it_does_not_guess_the_kind():
    assert BlockClassifier().classify(sample_curve("flare", bands=1)).label == UNKNOWN
    spike = BlockClassifier().classify(sample_curve("particle spike", bands=1))
    assert spike.label == "particle spike"


def test_too_few_bins_tell_nothing():
    few = LightCurve(
        edges_ns=np.arange(6, dtype=np.int64), counts=np.full((2, 5), 9), bands=("soft", "hard")
    )
    assert BlockClassifier().classify(few).probabilities[UNKNOWN] == 1.0


def test_other_rules_have_another_hash():
    assert BlockClassifier().sha256 != BlockClassifier(least_sigmas=6.0).sha256


@pytest.mark.parametrize(
    ("edges_ns", "counts", "bands"),
    [
        (np.arange(4), np.ones((1, 4), dtype=int), ("a",)),
        (np.arange(4), np.ones((1, 3), dtype=int), ("a", "b")),
        (np.arange(4)[::-1].copy(), np.ones((1, 3), dtype=int), ("a",)),
        (np.arange(4), -np.ones((1, 3), dtype=int), ("a",)),
        (np.arange(4.0), np.ones((1, 3), dtype=int), ("a",)),
        (np.arange(4), np.ones((1, 3)), ("a",)),
        (np.arange(1), np.ones((1, 0), dtype=int), ("a",)),
    ],
)
def test_what_is_no_light_curve_is_refused(edges_ns, counts, bands):
    with pytest.raises(PacketError):
        LightCurve(edges_ns=edges_ns, counts=counts, bands=bands)
