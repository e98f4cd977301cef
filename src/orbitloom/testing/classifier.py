"""The contract of a classifier: inherit it, give your classifier, and pytest checks it.

::

    from orbitloom.testing.classifier import ClassifierContract

    class TestMine(ClassifierContract):
        @pytest.fixture
        def classifier(self):
            return MyClassifier()
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import pytest

from orbitloom.processing.events import UNKNOWN, Classifier, LightCurve
from orbitloom.scenario import stream
from orbitloom.scenario.time import DAY_NS

__all__ = ["ClassifierContract", "sample_curve"]

Kind = Literal["nothing", "burst", "flare", "particle spike"]

_BINS, _BIN_NS = 2048, 128_000_000
_ORBIT_S = 5_700.0
_START_NS = 1_780_000_000_000_000_000
# Onset and decay in s, and the share of the counts in the soft band.
_SHAPES = {"burst": (0.5, 6.0, 0.4), "flare": (15.0, 60.0, 0.85), "particle spike": (0.0, 0.0, 0.3)}


def sample_curve(
    kind: Kind = "nothing",
    sigmas: float = 30.0,
    *,
    seed: int = 0,
    bands: int = 2,
    rate_hz: float = 100.0,
    swing: float = 0.0,
    phase: float = 0.0,
) -> LightCurve:
    """Return a made-up light curve of 262 s in bins of 0.128 s.

    Parameters
    ----------
    kind
        What happens: ``burst`` rises in 0.5 s and decays in 6 s, ``flare`` is softer, 15 s and
        60 s, a ``particle spike`` is one bin.
    sigmas
        Its counts above background, over the root of the background in the time that has 90 % of
        them.
    rate_hz
        Of the background in each band.
    swing, phase
        The background goes up and down by this share along the orbit, from this angle in radians.
    """
    random = stream(seed, "light curve", kind)
    edges_s = np.arange(_BINS + 1) * (_BIN_NS / 1e9)
    width_s = _BIN_NS / 1e9
    middles_s = edges_s[:-1] + width_s / 2
    level = rate_hz * width_s * (1.0 + swing * np.sin(2 * np.pi * middles_s / _ORBIT_S + phase))
    expected = np.tile(level, (bands, 1))
    if kind != "nothing":
        shares, soft = _shape(kind, middles_s, float(random.uniform(60.0, 90.0)))
        most = np.sort(shares)[::-1]
        held = 1 + int(np.searchsorted(np.cumsum(most), 0.9 * most.sum()))
        signal = sigmas * math.sqrt(bands * rate_hz * width_s * held) / 0.9 * shares
        split = np.full(bands, 1.0) if bands == 1 else np.linspace(soft, 1.0 - soft, bands)
        expected = expected + split[:, None] / split.sum() * signal
    return LightCurve(
        edges_ns=_START_NS + np.arange(_BINS + 1, dtype=np.int64) * _BIN_NS,
        counts=random.poisson(expected).astype(np.int64),
        bands=tuple(f"band{number}" for number in range(bands)),
    )


def _shape(kind: str, middles_s: np.ndarray, onset_s: float) -> tuple[np.ndarray, float]:
    """Return the share of an event's counts in each bin, and in the softest of two bands."""
    rise_s, decay_s, soft = _SHAPES[kind]
    since_s = middles_s - onset_s
    if decay_s:
        shape = np.where(since_s < 0, np.exp(since_s / rise_s), np.exp(-since_s / decay_s))
    else:
        shape = (np.arange(middles_s.size) == np.argmin(np.abs(since_s))).astype(np.float64)
    return shape / shape.sum(), soft


_CURVES = ("nothing", "burst", "flare", "particle spike")


class ClassifierContract:
    """What every classifier keeps."""

    @pytest.fixture
    def classifier(self) -> Classifier:
        """Return the classifier under test; override it."""
        raise NotImplementedError("give the contract a classifier: override 'classifier'")

    @pytest.mark.parametrize("kind", _CURVES)
    @pytest.mark.parametrize("bands", [1, 2, 4])
    def test_probabilities_are_of_its_labels_and_sum_to_one(
        self, classifier: Classifier, kind: Kind, bands: int
    ) -> None:
        """Nothing else is said, whatever the number of bands."""
        said = classifier.classify(sample_curve(kind, bands=bands))
        assert set(said.probabilities) == set(classifier.labels)
        assert all(0.0 <= share <= 1.0 for share in said.probabilities.values())
        assert math.isclose(sum(said.probabilities.values()), 1.0, abs_tol=1e-9)
        assert said.label in classifier.labels
        assert math.isfinite(said.sigmas)

    @pytest.mark.parametrize("kind", _CURVES)
    def test_same_curve_same_answer_and_curve_untouched(
        self, classifier: Classifier, kind: Kind
    ) -> None:
        """An answer depends on the curve alone, and leaves it as it is."""
        curve = sample_curve(kind)
        edges_ns, counts = curve.edges_ns.copy(), curve.counts.copy()
        assert classifier.classify(curve) == classifier.classify(curve)
        assert np.array_equal(curve.edges_ns, edges_ns)
        assert np.array_equal(curve.counts, counts)

    @pytest.mark.parametrize("kind", _CURVES)
    def test_it_happened_within_the_curve_whatever_the_date(
        self, classifier: Classifier, kind: Kind
    ) -> None:
        """The same counts a day later are the same event a day later."""
        curve = sample_curve(kind)
        later = LightCurve(edges_ns=curve.edges_ns + DAY_NS, counts=curve.counts, bands=curve.bands)
        first, second = classifier.classify(curve), classifier.classify(later)
        assert curve.edges_ns[0] <= first.start_ns < first.end_ns <= curve.edges_ns[-1]
        assert first.probabilities == second.probabilities
        assert (second.start_ns - first.start_ns, second.end_ns - first.end_ns) == (DAY_NS, DAY_NS)

    def test_quiet_is_no_event(self, classifier: Classifier) -> None:
        """A constant background is nothing, or not known."""
        assert classifier.classify(sample_curve()).label in {"nothing", UNKNOWN}

    def test_a_detector_that_counts_nothing_tells_nothing(self, classifier: Classifier) -> None:
        """Not even that nothing happened."""
        curve = sample_curve()
        dead = LightCurve(
            edges_ns=curve.edges_ns, counts=np.zeros_like(curve.counts), bands=curve.bands
        )
        assert classifier.classify(dead).label == UNKNOWN

    def test_it_says_who_it_is(self, classifier: Classifier) -> None:
        """Answers name who classified them, and by which weights or rules."""
        said = classifier.classify(sample_curve())
        assert (said.classifier, said.sha256) == (classifier.name, classifier.sha256)
        assert classifier.name
        assert len(classifier.sha256) == 64
        assert int(classifier.sha256, 16) >= 0
        assert UNKNOWN in classifier.labels
