"""The classifier seam: what happened in a light curve, and a classifier made of blocks and rules.

A classifier is a Python entry point in ``orbitloom.classifiers``. It takes counts over time, of
photons or particles, and returns how probable each kind of event is; "unknown" is one of them.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, xlogy

from orbitloom.errors import PacketError
from orbitloom.scenario.time import SECOND_NS
from orbitloom.wire import canonical_json

__all__ = [
    "UNKNOWN",
    "BlockClassifier",
    "Classification",
    "Classifier",
    "LightCurve",
    "bayesian_blocks",
    "excess_sigmas",
]

UNKNOWN = "unknown"
"""What every classifier may say: none of its kinds, or nothing that can be judged."""

_LEAST_BINS = 8
_CLEAR_SIGMAS = 3.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LightCurve:
    """Counts over time.

    Attributes
    ----------
    edges_ns
        (n + 1,) int64, ascending: where bins of time begin and end.
    counts
        (bands, n) integers, not negative.
    bands
        Names of the energy bands, from soft to hard.

    Raises
    ------
    PacketError
        If these do not fit together.
    """

    edges_ns: NDArray[np.int64]
    counts: NDArray[np.int64]
    bands: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse what is no light curve."""
        edges_ns, counts = self.edges_ns, self.counts
        shape = (len(self.bands), edges_ns.size - 1)
        if edges_ns.ndim != 1 or counts.shape != shape or min(shape) < 1:
            raise PacketError(
                f"a light curve has counts {counts.shape}, {edges_ns.size} edges and "
                f"{len(self.bands)} bands",
                way_out="Give counts (bands, n) with n + 1 edges",
            )
        if edges_ns.dtype.kind != "i" or counts.dtype.kind not in "iu":
            raise PacketError("a light curve's edges and counts are not all integers")
        if np.any(np.diff(edges_ns) <= 0) or np.any(counts < 0):
            raise PacketError("a light curve runs backwards, or counts less than nothing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """What a classifier says of a light curve.

    Attributes
    ----------
    probabilities
        Of each of its labels; they sum to 1.
    start_ns, end_ns
        When it happened; the whole curve where nothing did.
    sigmas
        How far the counts in that time exceed the background; 0 where nothing does.
    classifier, sha256
        Who says so, and the SHA-256 of its weights or rules.
    """

    probabilities: Mapping[str, float]
    start_ns: int
    end_ns: int
    sigmas: float
    classifier: str
    sha256: str

    @property
    def label(self) -> str:
        """The most probable kind; the first of equals."""
        return max(self.probabilities, key=lambda name: self.probabilities[name])


class Classifier(Protocol):
    """Names what happened in a light curve. Pure: the same curve gives the same answer."""

    @property
    def name(self) -> str:
        """Its entry point's name."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """All that it can say, `UNKNOWN` among them."""
        ...

    @property
    def sha256(self) -> str:
        """SHA-256 of its weights or rules, in hexadecimal."""
        ...

    def classify(self, curve: LightCurve) -> Classification:
        """Return how probable each of its labels is."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockClassifier:
    """Cuts a light curve into Bayesian blocks and names the largest excess by three rules.

    An excess that is not resolved is a particle in the detector. One that is resolved and hard is a
    burst; soft and long, a flare of the Sun; soft and short, or of one band alone, unknown. Each
    rule is a soft step, so that what lies near a limit is shared between two kinds.

    Parameters
    ----------
    false_alarm
        Probability of a block too many in a constant curve, which sets the blocks' prior.
    least_sigmas
        At this excess an event is as probable as none.
    spike_s
        What lasts less is not resolved.
    long_s
        What lasts longer is long.
    least_hardness
        From there on it is hard: (H - S) / (H + S) of the counts above background in the hardest
        and the softest band.
    """

    name: str = "blocks"
    false_alarm: float = 0.05
    least_sigmas: float = 5.5
    spike_s: float = 0.2
    long_s: float = 30.0
    least_hardness: float = -0.3

    @property
    def labels(self) -> tuple[str, ...]:
        """All that it can say."""
        return ("burst", "flare", "particle spike", "nothing", UNKNOWN)

    @property
    def sha256(self) -> str:
        """SHA-256 of its parameters as canonical JSON."""
        return hashlib.sha256(canonical_json(asdict(self))).hexdigest()

    def classify(self, curve: LightCurve) -> Classification:
        """Return how probable each of its labels is."""
        edges_ns = curve.edges_ns
        edges_s = (edges_ns - edges_ns[0]) / SECOND_NS
        total = curve.counts.sum(axis=0)
        if total.size < _LEAST_BINS or not total.any():
            return self._said(curve, (0, total.size), 0.0, {UNKNOWN: 1.0})
        run, sigmas = _largest_excess(edges_s, total, self.false_alarm)
        event = float(expit(2.0 * (sigmas - self.least_sigmas)))
        duration_s = float(edges_s[run[1]] - edges_s[run[0]])
        short = _step(math.log10(self.spike_s / duration_s), 0.1)
        long = _step(math.log10(duration_s / self.long_s), 0.1)
        hardness = _hardness(edges_s, curve.counts, run)
        if hardness is None:
            kinds = {"particle spike": short, UNKNOWN: 1.0 - short}
        else:
            hard = _step(hardness - self.least_hardness, 0.1)
            kinds = {
                "particle spike": short,
                "burst": (1.0 - short) * hard,
                "flare": (1.0 - short) * (1.0 - hard) * long,
                UNKNOWN: (1.0 - short) * (1.0 - hard) * (1.0 - long),
            }
        shares = {name: event * share for name, share in kinds.items()}
        return self._said(curve, run, sigmas, shares | {"nothing": 1.0 - event})

    def _said(
        self, curve: LightCurve, run: tuple[int, int], sigmas: float, shares: Mapping[str, float]
    ) -> Classification:
        return Classification(
            probabilities={name: shares.get(name, 0.0) for name in self.labels},
            start_ns=int(curve.edges_ns[run[0]]),
            end_ns=int(curve.edges_ns[run[1]]),
            sigmas=sigmas,
            classifier=self.name,
            sha256=self.sha256,
        )


def bayesian_blocks(edges_s: Floats, counts: NDArray[np.integer], false_alarm: float) -> list[int]:
    """Return where a light curve is best cut into blocks of constant rate.

    The dynamic programme of Scargle et al. 2013 (ApJ 764, 167), with the fitness of binned events
    (eq. 19) and the prior on the number of blocks by their eq. 21.

    Parameters
    ----------
    edges_s
        (n + 1,) of bins.
    counts
        (n,).
    false_alarm
        Probability of finding a change that is none.

    Returns
    -------
    list of int
        Indices into `edges_s`, 0 and n among them.

    Examples
    --------
    >>> bayesian_blocks(np.arange(9.0), np.array([5, 5, 5, 5, 90, 90, 5, 5]), 0.05)
    [0, 4, 6, 8]
    """
    bins = counts.size
    prior = 4.0 - math.log(73.53 * false_alarm * bins**-0.478)
    before = np.concatenate(([0], np.cumsum(counts))).astype(np.float64)
    best, last = np.zeros(bins + 1), np.zeros(bins, dtype=np.intp)
    for end in range(1, bins + 1):
        number = before[end] - before[:end]
        fitness = xlogy(number, number / (edges_s[end] - edges_s[:end])) - prior + best[:end]
        last[end - 1] = np.argmax(fitness)
        best[end] = fitness[last[end - 1]]
    cuts = [bins]
    while cuts[-1] > 0:
        cuts.append(int(last[cuts[-1] - 1]))
    return cuts[::-1]


def excess_sigmas(number: float, background: float, sigma: float) -> float:
    """Return the significance of counts over a background that is known with an uncertainty.

    Of the profile likelihood of Poisson counts and a Gaussian background: Vianello 2018 (ApJS 236,
    17). 0 for no excess.

    Examples
    --------
    >>> round(excess_sigmas(150.0, 100.0, 1e-6), 3), round(excess_sigmas(150.0, 100.0, 10.0), 3)
    (4.652, 3.289)
    """
    if number <= background:
        return 0.0
    variance = sigma * sigma
    root = math.sqrt((background - variance) ** 2 + 4.0 * number * variance)
    fitted = 0.5 * (background - variance + root)  # the likeliest background if that is all
    strained = (background - fitted) ** 2 / (2.0 * variance) if variance else 0.0
    square = float(xlogy(number, number / fitted)) + strained + fitted - number
    return math.sqrt(2.0 * max(square, 0.0))


def _largest_excess(
    edges_s: Floats, total: NDArray[np.int64], false_alarm: float
) -> tuple[tuple[int, int], float]:
    """Return first bin, bin after the last, and significance of the run of blocks that stands out.

    The whole curve and 0 if none does.
    """
    cuts = bayesian_blocks(edges_s, total, false_alarm)
    widths = np.diff(edges_s[cuts])
    numbers = np.add.reduceat(total, cuts[:-1]).astype(np.float64)
    rates = numbers / widths
    order = np.argsort(rates, kind="stable")
    half = np.searchsorted(np.cumsum(widths[order]), 0.5 * widths.sum())
    usual = rates[order[half]] * widths  # by the rate that half of the time does not exceed
    high = numbers > usual + _CLEAR_SIGMAS * np.sqrt(usual)
    found, most = (0, total.size), 0.0
    ends = np.flatnonzero(np.diff(np.concatenate(([0], high.astype(np.int8), [0]))))
    for first, after in ends.reshape(-1, 2):
        run = (cuts[first], cuts[after])
        background, sigma = _background(edges_s, total, run)
        sigmas = excess_sigmas(float(total[run[0] : run[1]].sum()), background, sigma)
        if sigmas > most:
            found, most = run, sigmas
    return found, most


def _background(
    edges_s: Floats, counts: NDArray[np.int64], run: tuple[int, int]
) -> tuple[float, float]:
    """Return the counts that a straight line through all else has in a run, and their sigma.

    A detector's background drifts along the orbit. Infinite sigma where too little is left.
    """
    widths, middles = np.diff(edges_s), 0.5 * (edges_s[1:] + edges_s[:-1])
    inside = np.zeros(counts.size, dtype=np.bool_)
    inside[run[0] : run[1]] = True
    if np.count_nonzero(~inside) < _LEAST_BINS:
        return float(counts[inside].sum()), math.inf
    rate = counts[~inside].sum() / widths[~inside].sum()
    design = np.stack([widths, widths * (middles - middles.mean())], axis=1)
    # Weighted by the mean rate, not by each bin's own counts, which would favour low bins.
    information = design[~inside].T @ (design[~inside] / (rate * widths[~inside])[:, None])
    projected = design[~inside].T @ (counts[~inside] / (rate * widths[~inside]))
    covariance = np.linalg.pinv(information)
    sums = design[inside].sum(axis=0)
    background = float(sums @ covariance @ projected)
    return max(background, 1e-9), math.sqrt(max(float(sums @ covariance @ sums), 0.0))


def _hardness(edges_s: Floats, counts: NDArray[np.int64], run: tuple[int, int]) -> float | None:
    """Return (H - S) / (H + S) above background; None of one band."""
    if counts.shape[0] < 2:
        return None
    soft, hard = (
        max(float(band[run[0] : run[1]].sum()) - _background(edges_s, band, run)[0], 0.0)
        for band in (counts[0], counts[-1])
    )
    return (hard - soft) / (hard + soft) if hard + soft else None


def _step(over: float, width: float) -> float:
    """Return 0 below, 1 above, and half way up at 0."""
    return float(expit(over / width))
