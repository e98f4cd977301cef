"""An update's content, made on the ground of scenes of a drifted sensor: adapter and head.

Dead columns are those that do not belong in most scenes. Gain and dark come from the same places
seen by a sensor that has not drifted, where there are such pairs. The head is fitted by logistic
regression on what the network makes of the adapted scenes (Newton's method; Hastie, Tibshirani &
Friedman, The Elements of Statistical Learning, 2009, section 4.4.1), held to the network's own by a
ridge.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from orbitloom.processing import cloudnet
from orbitloom.processing.blocks import block_means
from orbitloom.processing.perception.drift import odd_columns
from orbitloom.processing.perception.score import Labelled
from orbitloom.processing.perception.tuning import Tuning, filled

__all__ = ["adapter", "retrain"]

_MOST = 0.5  # of the scenes
_NEWTON, _HALVINGS = 12, 12
_RIDGE = 1e-4  # for each sample
_EVEN = 4  # cells a block: wide enough that blur does not count
_CELLS = 2  # of the network's, along the side of a feature's place


def adapter(
    scenes: Sequence[Labelled], twins: Sequence[NDArray[np.float32]] | None = None
) -> Tuning:
    """Return the adapter that makes a drifted sensor's scenes look as they should.

    Parameters
    ----------
    scenes
        Of the drifted sensor, in its own geometry; their truth does not count.
    twins
        (6, lines, columns) each: the same at the same time as a sensor sees it that has not
        drifted. Without them gain and offset stay as they are.
    """
    odd = np.mean([odd_columns(scene.toa) for scene in scenes], axis=0) > _MOST
    dead = tuple(tuple(int(column) for column in np.flatnonzero(band)) for band in odd)
    gain, offset = np.ones(len(dead), np.float32), np.zeros(len(dead), np.float32)
    if twins is not None:
        for band, columns in enumerate(dead):
            seen = [_blocks(scene, filled(scene.toa[band], columns)) for scene in scenes]
            true = [_blocks(scene, twin[band]) for scene, twin in zip(scenes, twins, strict=True)]
            gain[band], offset[band] = np.polyfit(np.concatenate(seen), np.concatenate(true), 1)
    return Tuning(gain=gain, offset=offset, dead=dead)


def retrain(scenes: Sequence[Labelled], adapted: Tuning) -> Tuning:
    """Return an adapter with a head that fits the scenes' truth.

    Parameters
    ----------
    scenes
        Of the drifted sensor, with truth; a few dozen of 256 x 256 pixels take seconds.
    adapted
        What `adapter` made of them.
    """
    rows, labels = [], []
    for scene in scenes:
        made = cloudnet.features(scene.toa, cloudnet.BANDS, scene.good, scene.shrink, adapted)
        _, lines, columns = made.shape
        rows.append(made.reshape(len(made), -1).T)
        labels.append(_labels(scene, lines, columns))
    known = np.concatenate(rows).astype(np.float64)
    known = np.column_stack([known, np.ones(len(known))])
    truth = np.concatenate(labels)
    weights, bias = cloudnet.head()
    start = np.column_stack([weights, bias]).astype(np.float64)
    fitted = np.array([_newton(known, truth[:, k], start[k]) for k in range(len(start))])
    return Tuning(
        gain=adapted.gain,
        offset=adapted.offset,
        dead=adapted.dead,
        weights=fitted[:, :-1].astype(np.float32),
        bias=fitted[:, -1].astype(np.float32),
    )


def _blocks(scene: Labelled, band: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(block_means(band, scene.good, _EVEN * scene.shrink).ravel())


def _labels(scene: Labelled, lines: int, columns: int) -> NDArray[np.float64]:
    """Return (places, classes x 4): whether half of each cell or more is of the class."""
    out = np.zeros((len(scene.truth), lines * _CELLS, columns * _CELLS))
    for number, layer in enumerate(scene.truth):
        share = block_means(layer.astype(np.float32), scene.good, scene.shrink)
        out[number, : share.shape[0], : share.shape[1]] = share >= 0.5
    cells = out.reshape(len(out), lines, _CELLS, columns, _CELLS)
    return cells.transpose(1, 3, 0, 2, 4).reshape(lines * columns, -1)


def _newton(
    known: NDArray[np.float64], truth: NDArray[np.float64], start: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the coefficients that minimise the cross entropy and the ridge around `start`."""
    ridge = _RIDGE * len(known)

    def cost(at: NDArray[np.float64]) -> float:
        logits = known @ at
        entropy = np.logaddexp(0.0, logits).sum() - truth @ logits
        return float(entropy + 0.5 * ridge * ((at - start) ** 2).sum())

    found, least = start, cost(start)
    for _ in range(_NEWTON):
        chance = 0.5 * (1.0 + np.tanh(0.5 * (known @ found)))
        slope = known.T @ (chance - truth) + ridge * (found - start)
        curve = (known * (chance * (1.0 - chance))[:, None]).T @ known + ridge * np.eye(start.size)
        step = np.linalg.solve(curve, slope)
        # Far from the minimum the parabola leads too far: half as far then, until it is downhill.
        for _ in range(_HALVINGS):
            if cost(found - step) < least:
                break
            step = 0.5 * step
        else:
            break
        found = found - step
        least = cost(found)
    return found
