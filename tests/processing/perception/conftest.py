"""Scenes of 256 x 256 pixels, made once: their statistics under drifts, and some with truth."""

from __future__ import annotations

import numpy as np
import pytest

from orbitloom.processing.perception import drift
from orbitloom.processing.perception.score import Labelled
from orbitloom.testing.pictures import pictures

SIZE, SHRINK = 256, 2
SEEDS = range(300, 306)  # nothing was made of them


def labelled(one, toa=None):
    told = one.truth
    return Labelled(
        toa=one.toa if toa is None else toa,
        truth=np.stack([told.cloud, told.shadow, told.snow, told.water]),
        good=np.ones(told.cloud.shape, bool),
        shrink=SHRINK,
    )


def statistics(toa):
    return drift.statistics(toa, np.ones(toa.shape[1:], bool), SHRINK)


@pytest.fixture(scope="session")
def scenes():
    """36 scenes: every setting, six seeds."""
    return list(pictures(SEEDS, size=SIZE))


@pytest.fixture(scope="session")
def own_scenes():
    """24 other scenes, for retraining."""
    return list(pictures(range(2000, 2004), size=SIZE))
