"""Masks grown, opened and cleared of small parts, with scipy as the referee."""

from __future__ import annotations

import numpy as np
import pytest
import spyndex
from scipy import ndimage

from orbitloom.processing.kernels import ratio_above
from orbitloom.processing.morphology import grown, large, opened


def blots(seed: int, share: float) -> np.ndarray:
    return np.random.default_rng(seed).random((60, 45)) < share


@pytest.mark.parametrize("cells", [0, 1, 2, 5, 70])
def test_a_mask_grows_by_a_square(cells):
    mask = blots(cells, 0.01)
    kept = mask.copy()
    square = np.ones((2 * cells + 1,) * 2, dtype=bool)
    assert np.array_equal(grown(mask, cells), ndimage.binary_dilation(mask, square))
    assert np.array_equal(mask, kept)


def test_a_part_of_a_mask_grows_alike():
    mask = blots(3, 0.05)[5:40:2, 3:30].T
    square = np.ones((3, 3), dtype=bool)
    assert np.array_equal(grown(mask, 1), ndimage.binary_dilation(mask, square))


def test_opening_is_erosion_and_growth():
    mask = blots(4, 0.9)
    square = np.ones((3, 3), dtype=bool)
    eroded = ndimage.binary_erosion(mask, square, border_value=1)
    assert np.array_equal(opened(mask), ndimage.binary_dilation(eroded, square))


@pytest.mark.parametrize("corners", [False, True])
@pytest.mark.parametrize("joined", [0, 1])
def test_small_parts_go(corners, joined):
    mask = blots(5, 0.06 if joined else 0.35)
    square = np.ones((3, 3), dtype=int)
    near = ndimage.binary_dilation(mask, square, iterations=joined) if joined else mask
    labels, count = ndimage.label(near, square if corners else None)
    expected = np.zeros_like(mask)
    for part in range(1, count + 1):
        mine = mask & (labels == part)
        if np.count_nonzero(mine) >= 3.5:
            expected |= mine
    assert 0 < expected.sum() < mask.sum()
    assert np.array_equal(large(mask, 3.5, joined_within=joined, corners=corners), expected)


def test_nothing_is_left_of_nothing():
    assert not large(np.zeros((4, 5), bool), 0.0).any()


def test_index_is_that_of_the_catalogue():
    one, other = np.random.default_rng(0).uniform(0.01, 1.0, (2, 50, 10)).astype(np.float32)
    expected = spyndex.computeIndex("NDWI", params={"G": one, "N": other}) > 0.4
    good = np.ones(one.shape, bool)
    good[::7] = False
    assert np.array_equal(ratio_above(one, other, 0.4, good), expected & good)
