"""The compiled passes over masks and layers, each against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from orbitloom.processing.kernels import box_mean, count_below


@pytest.mark.parametrize("shape", [(61, 47), (5, 40), (3, 2)])
@pytest.mark.parametrize("side", [3, 7])
def test_box_mean_is_the_filters(shape: tuple[int, int], side: int) -> None:
    rng = np.random.default_rng(100)
    values = (rng.integers(0, 201, shape) / 200.0).astype(np.float32)
    values[rng.random(shape) < 0.2] = np.nan
    known = ~np.isnan(values)
    weight = ndimage.uniform_filter(known.astype(float), side, mode="nearest")
    filled = np.where(known, values, 0.0).astype(float)
    total = ndimage.uniform_filter(filled, side, mode="nearest")
    expected = np.where(known, total / np.maximum(weight, 1e-9), np.nan)
    np.testing.assert_allclose(box_mean(values, side), expected, rtol=1e-6, atol=1e-7)


def test_what_is_not_known_stays_so() -> None:
    assert np.isnan(box_mean(np.full((4, 5), np.nan, np.float32), 3)).all()


@pytest.mark.parametrize("shift", [(0, 0), (3, -4), (-7, 2), (50, 0), (0, -60)])
def test_ground_below_moved_clouds_is_counted(shift: tuple[int, int]) -> None:
    rng = np.random.default_rng(101)
    cloud, open_ground, dark = rng.random((3, 30, 41)) < np.array([0.4, 0.8, 0.3])[:, None, None]
    runs = [
        (row, column, column + 1) for row, column in zip(*np.nonzero(cloud), strict=True)
    ]  # a run of one cell is a run
    moved = np.zeros_like(cloud)
    for row, column in zip(*np.nonzero(cloud), strict=True):
        to = row + shift[0], column + shift[1]
        if 0 <= to[0] < 30 and 0 <= to[1] < 41:
            moved[to] = True
    below = moved & open_ground
    ground = open_ground.astype(np.uint8) | (open_ground & dark).astype(np.uint8) << 1
    found = count_below(np.array(runs, np.int64), ground, *shift)
    assert found == (np.count_nonzero(below), np.count_nonzero(below & dark))
