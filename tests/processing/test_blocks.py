"""Blocks of cells, held against plain numpy and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import RegularGridInterpolator

from orbitloom.processing.blocks import above, block_means, block_sums

SHAPES = [((12, 20), 4), ((13, 7), 4), ((5, 9), 1), ((3, 50), 8)]


def grouped(shape, size):
    rows, columns = (np.arange(side) // size for side in shape)
    return rows[:, None] * (columns[-1] + 1) + columns[None, :], (rows[-1] + 1, columns[-1] + 1)


@pytest.mark.parametrize(("shape", "size"), SHAPES)
def test_sums_and_means_are_those_of_the_cells(shape, size):
    rng = np.random.default_rng(1)
    values = rng.random(shape, np.float32)
    good = rng.random(shape) < 0.7
    good[:size, :size] = False
    number, blocks = grouped(shape, size)
    sums = np.bincount(number.ravel(), values.ravel().astype(float)).reshape(blocks)
    assert np.allclose(block_sums(values, size), sums, rtol=1e-12)
    some = np.bincount(number.ravel(), (values * good).ravel().astype(float)).reshape(blocks)
    count = np.bincount(number.ravel(), good.ravel()).reshape(blocks)
    means = block_means(values, good, size)
    assert np.allclose(means, some / np.maximum(count, 1), rtol=1e-5)
    assert means[0, 0] == 0.0


@pytest.mark.parametrize(("shape", "size"), SHAPES)
def test_above_is_bilinear_between_the_middles(shape, size):
    rng = np.random.default_rng(2)
    cells = rng.random([-(-side // size) for side in shape]).astype(np.float32)
    good = rng.random(shape) < 0.9
    middles = [(np.arange(side) + 0.5) * size for side in cells.shape]
    place = [
        np.clip(np.arange(side) + 0.5, middle[0], middle[-1])
        for side, middle in zip(shape, middles, strict=True)
    ]
    axes = [np.append(middle, middle[-1] + 1.0) for middle in middles]  # one block is a grid too
    fine = RegularGridInterpolator(axes, np.pad(cells, (0, 1), "edge"))(
        tuple(np.meshgrid(*place, indexing="ij"))
    )
    sure = np.abs(fine - 0.5) > 1e-5
    assert np.array_equal(above(cells, size, 0.5, good)[sure], (good & (fine > 0.5))[sure])
