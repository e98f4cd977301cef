"""Drift watch: whether the sensor still sees as it did when the cloud network was trained.

Of each tile a few dozen statistics are taken: quantiles of each band's brightness, sharpness,
columns that do not belong, what the network makes of it. A baseline has their mean m and covariance
S over undrifted scenes, and for each kind of drift the direction d in which it moves them. Fisher's
discriminant (1936, Annals of Eugenics 7) projects a tile x on each kind::

    z = d' S^-1 (x - m) / sqrt(d' S^-1 d)         mean 0 and variance 1 without drift

What content does to the statistics is in S, so that z hardly sees it; a two-sided CUSUM of each z
(Page, 1954, Biometrika 41) then finds a small, lasting shift. The same m and S give a tile's
Mahalanobis distance from the training set: its novelty (Lee et al., 2018, NeurIPS 31). See
docs/design/perception.md.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.ndimage import maximum_filter1d, median_filter

from orbitloom.processing import cloudnet
from orbitloom.processing.perception import manifest
from orbitloom.processing.perception.tuning import Tuning
from orbitloom.wire import canonical_json

__all__ = ["Alarm", "Baseline", "Watch", "baseline", "fit", "odd_columns", "statistics"]

_Floats = NDArray[np.float64]

_QUANTILES = (0.02, 0.10, 0.25, 0.50, 0.75, 0.90, 0.98)
_DARKEST = 0.005  # reflectance; below, noise decides
_LAGS = (1, 2, 4)
_UNSURE = (0.1, 0.9)
_COLUMN_LINES = 64
_ODD, _LEAST_ODD = 20.0, 0.01  # robust standard deviations, and reflectance
_OF_PEAK = 0.25  # beside a dead column the median is off as well, but less
_ODD_SHARE = 0.001
_LEAST_STEP = 1e-4
_LEAST_LINES = 16
_LEAST_SCALE = 0.01
_SHRINKAGE = 0.02  # of the covariance towards the unit matrix
# At this limit undrifted scenes raise one alarm in about a thousand tiles, all kinds together
# (benchmarks/drift.py).
_LIMIT = 6.0
_SLACKS = (0.5, 1.0)  # at least for what content does, at most for what `_LARGEST_STEP` leaves
_LARGEST_STEP = 3.0  # of z, so that one strange tile is no alarm
_RECENT = 0.1  # weight of the newest tile in the moving average of z


def odd_columns(toa: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which columns of which band are not like their neighbours, or constant.

    Parameters
    ----------
    toa
        (bands, lines, columns) reflectance in the sensor's own geometry.

    Returns
    -------
    NDArray
        (bands, columns).
    """
    some = toa[:, :: max(1, toa.shape[1] // _COLUMN_LINES)]
    step = np.median(some - median_filter(some, size=(1, 1, 5), mode="nearest"), axis=1)
    off = np.abs(step)
    spread = 1.4826 * np.median(off, axis=1, keepdims=True)
    odd = (off > _ODD * spread) & (off > _LEAST_ODD)
    odd &= off > _OF_PEAK * maximum_filter1d(off, 5, axis=1)
    return np.asarray(odd | (np.ptp(some, axis=1) == 0.0))


def statistics(
    toa: NDArray[np.float32],
    good: NDArray[np.bool_],
    shrink: int,
    tuning: Tuning | None = None,
) -> _Floats:
    """Return a tile's statistics.

    Parameters
    ----------
    toa
        (6, lines, columns) reflectance at the top of the atmosphere, bands as `cloudnet.BANDS`.
    good
        (lines, columns): where it was measured; lines that were not measured whole do not count.
    shrink
        Pixels along the side of a cell that the network sees.
    tuning
        The active update, whose adapter comes before the statistics; None if there is none.

    Raises
    ------
    ValueError
        If there are not the network's bands, or fewer than 16 whole lines.
    """
    if len(toa) != len(cloudnet.BANDS) or np.count_nonzero(good.all(axis=1)) < _LEAST_LINES:
        raise ValueError(
            f"the drift watch needs {len(cloudnet.BANDS)} bands and {_LEAST_LINES} whole lines"
        )
    chances = cloudnet.chances(toa, cloudnet.BANDS, good, shrink, tuning)
    if tuning is not None:
        toa = np.stack([tuning.adapted(band, number) for number, band in enumerate(toa)])
    whole = toa[:, good.all(axis=1)]
    brightness = np.quantile(whole[:, ::2, ::2].reshape(len(whole), -1), _QUANTILES, axis=1)
    sharpness = []
    for tile in (whole[:, :, ::2].swapaxes(1, 2), whole[:, ::2]):  # along columns, along lines
        far = [
            np.abs(tile[..., lag:] - tile[..., :-lag]).mean(axis=(1, 2), dtype=np.float64)
            for lag in _LAGS
        ]
        rough = np.log(np.maximum(far, _LEAST_STEP))
        sharpness += [rough[0] - rough[1], rough[1] - rough[2]]
    odd = odd_columns(whole).mean()
    scores = chances.reshape(len(chances), -1)
    unsure = (scores > _UNSURE[0]) & (scores < _UNSURE[1])
    return np.concatenate(
        [
            np.log(np.maximum(brightness, _DARKEST)).ravel(),
            *sharpness,
            [np.log1p(odd / _ODD_SHARE)],
            scores.mean(axis=1, dtype=np.float64),
            unsure.mean(axis=1),
        ]
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Baseline:
    """Statistics of undrifted scenes, and what each kind of drift does to them.

    Attributes
    ----------
    mean, scale
        (statistics,): what tiles are centred on, and divided by.
    covariance
        (statistics, statistics) of the scaled ones.
    kinds
        Names of the kinds of drift that are watched.
    directions
        (kinds, statistics): the mean shift of the scaled statistics under each kind.
    novel_above
        Novelty that one undrifted scene in a hundred exceeds.
    """

    mean: _Floats
    scale: _Floats
    covariance: _Floats
    kinds: tuple[str, ...]
    directions: _Floats
    novel_above: float

    def strengths(self) -> _Floats:
        """Return by how much each kind of drift, as large as in the baseline, shifts its z."""
        return np.asarray(np.sqrt(np.einsum("ks,sk->k", self.directions, self._solved())))

    def scores(self, tile: _Floats) -> _Floats:
        """Return z of each kind of drift, (kinds,), for a tile's `statistics`."""
        off = (tile - self.mean) / self.scale
        return np.asarray(off @ self._solved() / self.strengths())

    def _solved(self) -> _Floats:
        return np.asarray(cho_solve(cho_factor(self.covariance), self.directions.T))

    def novelty(self, tile: _Floats) -> float:
        """Return a tile's Mahalanobis distance from the training set, as a root mean square.

        About 1 for what the network was trained on; compare it with `novel_above`.
        """
        off = (tile - self.mean) / self.scale
        return float(np.sqrt(off @ cho_solve(cho_factor(self.covariance), off) / off.size))

    def save(self) -> bytes:
        """Return the octets that `Baseline.read` takes."""
        stream = io.BytesIO()
        np.savez(
            stream,
            mean=self.mean,
            scale=self.scale,
            covariance=self.covariance.astype(np.float32),
            kinds=np.array(self.kinds),
            directions=self.directions.astype(np.float32),
            novel_above=self.novel_above,
        )
        return stream.getvalue()

    @classmethod
    def read(cls, octets: bytes) -> Baseline:
        """Return the baseline of a file that `save` made."""
        with np.load(io.BytesIO(octets), allow_pickle=False) as told:
            return cls(
                mean=told["mean"],
                scale=told["scale"],
                covariance=told["covariance"].astype(np.float64),
                kinds=tuple(str(kind) for kind in told["kinds"]),
                directions=told["directions"].astype(np.float64),
                novel_above=float(told["novel_above"]),
            )


def fit(undrifted: _Floats, drifted: dict[str, tuple[_Floats, _Floats]]) -> Baseline:
    """Return the baseline of undrifted tiles.

    Parameters
    ----------
    undrifted
        (tiles, statistics).
    drifted
        For each kind of drift the statistics of some tiles without it and with it, each
        (tiles, statistics).
    """
    mean, scale = undrifted.mean(axis=0), np.maximum(undrifted.std(axis=0), _LEAST_SCALE)
    scaled = (undrifted - mean) / scale
    unit = np.eye(mean.size)
    covariance = (1.0 - _SHRINKAGE) * np.cov(scaled.T) + _SHRINKAGE * unit
    shifts = [(after - before).mean(axis=0) / scale for before, after in drifted.values()]
    made = Baseline(
        mean=mean,
        scale=scale,
        covariance=covariance,
        kinds=tuple(drifted),
        directions=np.array(shifts).reshape(-1, mean.size),
        novel_above=0.0,
    )
    far = np.quantile([made.novelty(tile) for tile in undrifted], 0.99)
    return Baseline(
        mean=mean,
        scale=scale,
        covariance=covariance,
        kinds=made.kinds,
        directions=made.directions,
        novel_above=float(far),
    )


@lru_cache(maxsize=1)
def baseline() -> Baseline:
    """Return the baseline of the cloud network's training scenes.

    Raises
    ------
    ModelError
        If its file is not the one that the network's manifest describes.
    """
    return Baseline.read(manifest.load("cloud")[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A sensor that has drifted.

    Attributes
    ----------
    kind
        The kind of drift that explains it best.
    up
        Whether it went as in the baseline's direction (a gain rose), or against it.
    since, raised
        Number of the tile since which it lasts (Page's estimate), and that raised it; from 1.
    """

    kind: str
    up: bool
    since: int
    raised: int


class Watch:
    """Takes in tile after tile, and says when the sensor has drifted; a few hundred numbers.

    Parameters
    ----------
    against
        What undrifted scenes look like.
    """

    def __init__(self, against: Baseline) -> None:
        self._baseline = against
        self._sums = np.zeros((2, len(against.kinds)))
        self._since = np.zeros((2, len(against.kinds)), np.int64)
        self._recent = np.zeros(len(against.kinds))
        # Half the shift that is to be found is best (Page).
        self._slack = np.clip(0.5 * against.strengths(), *_SLACKS)
        self._tiles = self._novel = 0
        self.alarm: Alarm | None = None
        """The first alarm since the watch began; it stays until a new watch does."""

    def take(self, tile: _Floats) -> Alarm | None:
        """Take in a tile's `statistics` and return the alarm, if there is one by now."""
        self._tiles += 1
        z = self._baseline.scores(tile)
        self._recent += _RECENT * (z - self._recent)
        z = np.clip(z, -_LARGEST_STEP, _LARGEST_STEP)
        self._novel += self._baseline.novelty(tile) > self._baseline.novel_above
        self._since[self._sums == 0.0] = self._tiles
        self._sums = np.maximum(self._sums + np.stack([z, -z]) - self._slack, 0.0)
        if self.alarm is None and self._sums.max() > _LIMIT:
            # One drift raises several sums. The kind that it is has the largest z (Cauchy-Schwarz),
            # but no step counts in full, so that its sum need not be over the limit first.
            far = np.where(self._sums > 0.5 * _LIMIT, np.abs(self._recent), -1.0)
            side, kind = np.unravel_index(int(np.argmax(far)), far.shape)
            self.alarm = Alarm(
                kind=self._baseline.kinds[kind],
                up=bool(side == 0),
                since=int(self._since[side, kind]),
                raised=self._tiles,
            )
        return self.alarm

    def telemetry(self) -> bytes:
        """Return what goes down each day: canonical JSON, less than 2 kB."""
        told: dict[str, Any] = {
            "tiles": self._tiles,
            "novel": self._novel,
            "kinds": {
                kind: [round(float(number), 2) for number in (recent, up, down)]
                for kind, recent, up, down in zip(
                    self._baseline.kinds, self._recent, *self._sums, strict=True
                )
            },
        }
        if self.alarm is not None:
            told["alarm"] = {
                "kind": self.alarm.kind,
                "up": self.alarm.up,
                "since": self.alarm.since,
                "raised": self.alarm.raised,
            }
        return canonical_json(told)
