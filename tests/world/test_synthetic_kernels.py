"""The compiled kernels of the synthetic world against plain numpy, and its spectra."""

from __future__ import annotations

import numpy as np
import pytest

from orbitloom.scenario.hardware import Band
from orbitloom.world import synthetic_land as ground
from orbitloom.world.spectra import Material, band_mean, band_spectra, planck_radiance, reflectance
from orbitloom.world.synthetic_noise import (
    fbm,
    hash01,
    hash_cell,
    parcel,
    parcel_edge,
    perlin,
    perlin_near,
    row_shift,
)

MASK = (1 << 64) - 1


def plain_hash(i: int, j: int, seed: int) -> int:
    h = (i * 0x9E3779B97F4A7C15 + j * 0xC2B2AE3D27D4EB4F + seed) & MASK
    h ^= h >> 33
    h = h * 0xFF51AFD7ED558CCD & MASK
    h ^= h >> 29
    h = h * 0xC4CEB9FE1A85EC53 & MASK
    return h ^ (h >> 33)


def plain_perlin(x: float, y: float, seed: int) -> float:
    i, j = int(np.floor(x)), int(np.floor(y))
    dx, dy = x - i, y - j
    angles = np.linspace(0.0, 2.0 * np.pi, 64, endpoint=False)

    def corner(a: int, b: int) -> float:
        angle = angles[plain_hash(i + a, j + b, seed) >> 58]
        return float(np.cos(angle) * (dx - a) + np.sin(angle) * (dy - b))

    def fade(t: float) -> float:
        return t**3 * (t * (t * 6.0 - 15.0) + 10.0)

    low = corner(0, 0) + fade(dx) * (corner(1, 0) - corner(0, 0))
    high = corner(0, 1) + fade(dx) * (corner(1, 1) - corner(0, 1))
    return 1.5 * (low + fade(dy) * (high - low))


def test_hashes_are_those_of_plain_integers() -> None:
    rng = np.random.default_rng(1)
    for i, j, seed in rng.integers(-(10**7), 10**7, (50, 3)).tolist():
        assert int(hash_cell(i, j, abs(seed))) == plain_hash(i, j, abs(seed))


def test_noise_is_that_of_plain_numpy_and_has_no_memory() -> None:
    rng = np.random.default_rng(2)
    memo = np.full(10, np.nan)
    for x, y in rng.uniform(-5e4, 5e4, (200, 2)):
        assert perlin(x, y, 9) == pytest.approx(plain_perlin(x, y, 9), abs=1e-12)
        for step in range(3):
            assert perlin_near(x + 0.1 * step, y, 9, memo, 0) == perlin(x + 0.1 * step, y, 9)
    total, a, b = 0.0, 3.3, -8.1
    for octave in range(4):
        total += 0.5**octave * plain_perlin(a, b, 5 + 7919 * octave)
        a, b = 1.6 * a + 1.2 * b + 17.3, 1.6 * b - 1.2 * a + 5.7
    assert fbm(3.3, -8.1, 5, 4) == pytest.approx(total, abs=1e-12)


def test_a_hash_fills_0_to_1_evenly() -> None:
    draws = np.array(
        [[hash01(np.uint64(hash_cell(i, 3, 7)), part) for part in (0, 1)] for i in range(4000)]
    )
    assert draws.min() >= 0.0
    assert draws.max() < 1.0
    assert np.abs(np.histogram(draws[:, 0], 10)[0] - 400).max() < 90
    assert abs(np.corrcoef(draws.T)[0, 1]) < 0.06


def test_parcels_are_the_trapezoids_between_their_edges() -> None:
    rng = np.random.default_rng(3)
    width, height, seed = 130.0, 90.0, 11
    memo = np.full(8, np.nan)
    for x, y in rng.uniform(-1e5, 1e5, (300, 2)):
        for step in range(4):
            i, j, edge = parcel(x + 3.0 * step, y, width, height, seed, memo, 0)
            fresh = parcel(x + 3.0 * step, y, width, height, seed, np.full(8, np.nan), 0)
            assert (i, j, edge) == fresh
            up = y / height - j
            assert 0.0 <= up < 1.0
            west, east = parcel_edge(i, j, width, seed), parcel_edge(i + 1, j, width, seed)
            here = x + 3.0 * step + row_shift(j, width, seed)
            left = here - (west[0] * (1.0 - up) + west[1] * up)
            right = east[0] * (1.0 - up) + east[1] * up - here
            assert left >= -1e-9
            assert right > -1e-9
            assert edge == pytest.approx(
                min(left, right, up * height, (1.0 - up) * height), abs=1e-6
            )


def test_layers_are_bilinear_between_their_nodes() -> None:
    plan = ground.Plan(seed=4, east_m=5e5, north_m=5e6, sun_east=0.5, sun_north=-0.8,
                       sun_sine=0.7, sun_cosine=0.7)  # fmt: skip
    i0, j0 = int(5e5 // ground.NODE_M), int(5e6 // ground.NODE_M)
    lattice = ground.block(i0, j0, 9, 9, plan)
    rng = np.random.default_rng(5)
    east, north = (rng.uniform(k, k + 7.9, 40) * ground.NODE_M for k in (i0, j0))
    given = ground.read_layer(east, north, lattice, i0, j0, ground.HEIGHT)
    x, y = east / ground.NODE_M - i0, north / ground.NODE_M - j0
    i, j = x.astype(int), y.astype(int)
    a, b, h = x - i, y - j, lattice[..., ground.HEIGHT]
    plain = (h[j, i] * (1 - a) + h[j, i + 1] * a) * (1 - b) + (
        h[j + 1, i] * (1 - a) + h[j + 1, i + 1] * a
    ) * b
    np.testing.assert_allclose(given, plain, rtol=1e-6)
    # The light on a slope, from the heights alone.
    p, q = np.gradient(h.astype(float), ground.NODE_M)[::-1]
    level = plan.sun_sine - plan.sun_cosine * (p * plan.sun_east + q * plan.sun_north)
    expected = level / plan.sun_sine / np.sqrt(1.0 + p * p + q * q)
    np.testing.assert_allclose(lattice[1:-1, 1:-1, ground.SHADE], expected[1:-1, 1:-1], rtol=1e-4)


def test_planck_is_that_of_astropy() -> None:
    from astropy import units
    from astropy.modeling.models import BlackBody

    unit = units.W / units.m**2 / units.sr / units.um
    for wave in (0.842, 1.61, 2.19):
        for kelvin in (300.0, 600.0, 1200.0):
            body = BlackBody(kelvin * units.K)(wave * units.um)
            expected = body.to(unit, equivalencies=units.spectral_density(wave * units.um)).value
            assert planck_radiance(wave, kelvin) == pytest.approx(expected, rel=1e-6)


def test_band_means_follow_the_response() -> None:
    waves = np.linspace(0.4, 2.4, 2001)
    band = Band(name="x", wavelength_um=0.7, esun_w_m2_um=1.0, full_scale_radiance=1.0)
    assert band_mean(band, waves, waves) == pytest.approx(0.7, abs=1e-6)
    # A Gaussian's second moment: FWHM / sqrt(8 ln 2), cut at 1.5 FWHM.
    second = band_mean(band, waves, (waves - 0.7) ** 2)
    assert second == pytest.approx((0.04 / np.sqrt(8.0 * np.log(2.0))) ** 2, rel=0.02)


def test_spectra_are_physical() -> None:
    bands = tuple(
        Band(name=str(wave), wavelength_um=wave, esun_w_m2_um=1.0, full_scale_radiance=1.0)
        for wave in (0.49, 0.56, 0.665, 0.842, 1.61, 2.19)
    )
    table, cloud = band_spectra(bands)
    assert table.shape == (len(Material), 6)
    assert table.min() >= 0.0
    assert max(table.max(), cloud.max()) <= 1.0
    red, nir = table[:, 2], table[:, 3]
    ndvi = (nir - red) / (nir + red)
    assert ndvi[Material.CROP_GREEN] > 0.8
    assert 0.05 < ndvi[Material.SOIL_DARK] < 0.25
    assert ndvi[Material.WATER_TURBID] < 0.0
    assert reflectance(Material.SNOW_FRESH, 0.55) > 0.9 > reflectance(Material.SNOW_FRESH, 1.0)
