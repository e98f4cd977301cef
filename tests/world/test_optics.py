"""Blur and place of a band, against plain numpy and the transfer function's own formula."""

import numpy as np
import pytest
from scipy.ndimage import correlate1d

from orbitloom.world.optics import apply, taps


@pytest.mark.parametrize("mtf", [0.1, 0.25, 0.6, 1.0])
def test_the_transfer_at_nyquist_is_what_was_asked_for(mtf):
    first, kernel = taps(mtf, 0.0)
    f = np.array([0.0, 0.1, 0.25, 0.5])
    places = first + np.arange(kernel.size)
    transfer = (kernel * np.cos(2 * np.pi * f[:, None] * places)).sum(axis=1)
    side = (1 - mtf) / 4
    np.testing.assert_allclose(transfer, 1 - 2 * side + 2 * side * np.cos(2 * np.pi * f), atol=1e-6)
    assert transfer[-1] == pytest.approx(mtf, abs=1e-6)


@pytest.mark.parametrize("shift", [0.0, 3.0, -2.0, 0.3, -7.6, 36.05])
@pytest.mark.parametrize("mtf", [0.25, 1.0])
def test_a_shift_moves_by_what_it_says(shift, mtf):
    """Straight lines and parabolas are moved exactly by a cubic kernel that is symmetric."""
    first, kernel = taps(mtf, shift)
    places = first + np.arange(kernel.size)
    assert kernel.sum() == pytest.approx(1.0, abs=1e-6)
    assert kernel @ places == pytest.approx(shift, abs=1e-4)
    if mtf == 1.0:
        assert kernel @ places**2.0 == pytest.approx(shift**2, abs=1e-2)


def test_the_kernel_is_two_correlations():
    rng = np.random.default_rng(0)
    image = rng.random((40, 50)).astype(np.float32)
    along, across = (rng.random(size).astype(np.float32) for size in (5, 3))
    out = np.empty((30, 40), np.float32)
    apply(image, along, across, (4, 6), out)
    plain = correlate1d(image.astype(float), along, axis=0, mode="constant", origin=-2)
    plain = correlate1d(plain, across, axis=1, mode="constant", origin=-1)
    np.testing.assert_allclose(out, plain[4:34, 6:46], rtol=1e-5)
