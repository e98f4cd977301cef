"""The table against 6S itself (tests/wire/sixs_cases.json: runs at places that are no nodes)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from orbitloom.wire.atmosphere import coefficients, solar_irradiance

CASES = json.loads((Path(__file__).parent / "sixs_cases.json").read_text(encoding="utf-8"))
AIR = (
    "sun_zenith_deg",
    "view_zenith_deg",
    "relative_azimuth_deg",
    "aot550",
    "water_g_cm2",
    "ozone_cm_atm",
)
NADIR = {
    "sun_zenith_deg": 30.0,
    "view_zenith_deg": 0.0,
    "relative_azimuth_deg": 0.0,
    "aot550": 0.2,
    "water_g_cm2": 2.0,
    "ozone_cm_atm": 0.3,
}


def at(case):
    return coefficients(case["wavelength_um"], case["fwhm_um"], **{key: case[key] for key in AIR})


def test_surface_reflectance_is_that_of_6s():
    """60 runs of the shipped imagers' bands; the issue asks for an RMSE below 0.005."""
    error = np.array([at(case).surface(case["toa"]) - case["surface"] for case in CASES])
    assert len(error) == 60
    assert np.sqrt(np.mean(error**2)) < 0.0025
    assert np.abs(error).max() < 0.012


def test_6s_itself_is_the_one_of_the_literature():
    """The regression value of Py6S: 0.665 um, AOT 0.2, rho 0.2 gives 0.2106 with its defaults.

    They have another aerosol (maritime), geometry and profile (midlatitude summer), so ours is
    close to it and no more.
    """
    air = coefficients(
        0.665,
        0.002,
        sun_zenith_deg=32.0,
        view_zenith_deg=23.0,
        relative_azimuth_deg=74.0,
        aot550=0.2,
        water_g_cm2=2.93,
        ozone_cm_atm=0.319,
    )
    assert air.toa(0.2) == pytest.approx(0.2106, abs=0.015)


@pytest.mark.parametrize("surface", [0.0, 0.02, 0.3, 0.95])
def test_down_and_up_again(surface):
    air = coefficients(0.49, 0.065, **NADIR)
    assert air.surface(air.toa(surface)) == pytest.approx(surface, abs=1e-12)
    cube = np.full((2, 3), surface, np.float32)
    assert np.allclose(air.surface(air.toa(cube)), surface, atol=1e-6)


def test_physics_has_its_signs():
    blue, red = coefficients(0.443, 0.02, **NADIR), coefficients(0.665, 0.03, **NADIR)
    assert blue.path > red.path > 0
    assert blue.total_transmittance < red.total_transmittance < 1
    hazy = coefficients(0.665, 0.03, **(NADIR | {"aot550": 0.5}))
    assert hazy.path > red.path
    assert hazy.total_transmittance < red.total_transmittance
    assert hazy.spherical_albedo > red.spherical_albedo
    wet = coefficients(0.842, 0.115, **(NADIR | {"water_g_cm2": 4.0}))
    dry = coefficients(0.842, 0.115, **(NADIR | {"water_g_cm2": 0.5}))
    assert wet.gas < dry.gas < 1
    assert red.gas * red.total_transmittance < red.upward_transmittance < 1


def test_azimuth_goes_round():
    for angle in (10.0, 75.0, 160.0):
        around = [
            coefficients(
                0.49, 0.05, **(NADIR | {"view_zenith_deg": 30.0} | {"relative_azimuth_deg": a})
            )
            for a in (angle, -angle, 360.0 - angle, 360.0 + angle)
        ]
        assert np.ptp([air.path for air in around]) < 1e-9


def test_beyond_the_table_its_edge_holds():
    edge = NADIR | {"sun_zenith_deg": 80.0, "aot550": 0.7}
    beyond = NADIR | {"sun_zenith_deg": 88.0, "aot550": 3.0}
    assert coefficients(0.49, 0.05, **edge) == coefficients(0.49, 0.05, **beyond)


@pytest.mark.parametrize(
    ("um", "fwhm_um", "published"),
    [  # ESA, Sentinel-2A product metadata
        (0.443, 0.020, 1884.69),
        (0.4924, 0.066, 1959.66),
        (0.5598, 0.036, 1823.24),
        (0.6646, 0.031, 1512.06),
        (0.8328, 0.106, 1041.63),
        (1.610, 0.090, 245.59),
        (2.190, 0.180, 85.25),
    ],
)
def test_sunlight_is_near_the_published(um, fwhm_um, published):
    assert solar_irradiance(um, fwhm_um) == pytest.approx(published, rel=0.025)
