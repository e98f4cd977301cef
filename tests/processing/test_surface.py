"""The air is found where the ground tells it, and taken out of a scene made with the table."""

from __future__ import annotations

import numpy as np
import pytest

from orbitloom.processing.masks import CLOUD, NO_DATA, WATER
from orbitloom.processing.surface import (
    View,
    take_out,
    usual_ozone_cm_atm,
    usual_water_g_cm2,
)
from orbitloom.scenario.time import from_iso
from orbitloom.wire.atmosphere import coefficients

JUNE_NS, JANUARY_NS = from_iso("2026-06-21T10:00:00Z"), from_iso("2026-01-05T10:00:00Z")
VIEW = View(
    sun_zenith_deg=35.0,
    view_zenith_deg=10.0,
    relative_azimuth_deg=70.0,
    latitude_deg=45.0,
    longitude_deg=10.0,
    t_ns=JUNE_NS,
)
BANDS = {
    "blue": (0.49, 0.065),
    "green": (0.56, 0.035),
    "red": (0.665, 0.03),
    "nir": (0.842, 0.115),
    "swir16": (1.61, 0.09),
    "swir22": (2.19, 0.18),
}
GROUND = {  # Kaufman's relation holds for the forest, and for nothing else here
    "forest": (0.0175, 0.045, 0.035, 0.38, 0.16, 0.07),
    "soil": (0.08, 0.11, 0.15, 0.22, 0.30, 0.26),
    "water": (0.04, 0.035, 0.012, 0.004, 0.001, 0.001),
}


def ground(*, forest=True, names=tuple(BANDS)):
    kinds = ("forest" if forest else "soil", "soil", "water")
    image = np.empty((len(BANDS), 240, 240), np.float32)
    for index, kind in enumerate(kinds):
        image[:, :, 80 * index : 80 * (index + 1)] = np.array(GROUND[kind])[:, None, None]
    rng = np.random.default_rng(0)
    image *= rng.normal(1.0, 0.03, image.shape).astype(np.float32)
    return image[[list(BANDS).index(name) for name in names]]


def seen(image, names, aot550, water=None):
    rho = np.empty_like(image)
    for band, name in enumerate(names):
        air = coefficients(
            *BANDS[name],
            sun_zenith_deg=VIEW.sun_zenith_deg,
            view_zenith_deg=VIEW.view_zenith_deg,
            relative_azimuth_deg=VIEW.relative_azimuth_deg,
            aot550=aot550,
            water_g_cm2=water or usual_water_g_cm2(VIEW.latitude_deg, VIEW.t_ns),
            ozone_cm_atm=usual_ozone_cm_atm(VIEW.latitude_deg, VIEW.longitude_deg, VIEW.t_ns),
        )
        rho[band] = air.toa(image[band])
    return rho


def masks(image):
    mask = np.zeros(image.shape[1:], np.uint8)
    mask[:, 160:] = WATER
    return mask


def out(rho, names, mask):
    um, fwhm_um = zip(*(BANDS[name] for name in names), strict=True)
    return take_out(rho, names, mask, um, fwhm_um, VIEW)


@pytest.mark.parametrize("aot550", [0.03, 0.12, 0.27, 0.5])
def test_over_forest_the_aerosol_is_told(aot550):
    truth = ground()
    rho = seen(truth, tuple(BANDS), aot550)
    air = out(rho, tuple(BANDS), masks(rho))
    assert air.estimated
    assert air.aot550 == pytest.approx(aot550, abs=0.03)
    assert np.abs(rho - truth).max() < 0.01


def test_without_short_wave_infrared_it_is_told_by_half():
    names = ("blue", "green", "red", "nir")
    truth = ground(names=names)
    rho = seen(truth, names, 0.3)
    air = out(rho, names, masks(rho))
    assert air.estimated
    assert 0.15 < air.aot550 < 0.35
    assert np.sqrt(np.mean((rho - truth) ** 2)) < 0.01


def test_over_bright_ground_it_is_the_usual():
    rho = seen(ground(forest=False), tuple(BANDS), 0.3)
    air = out(rho, tuple(BANDS), masks(rho))
    assert not air.estimated
    assert air.aot550 == 0.1


def test_the_darkest_land_is_not_made_black():
    truth = ground(forest=False)
    truth[:, :40, :160] = 0.007  # dark in all bands: no vegetation
    rho = seen(truth, tuple(BANDS), 0.02)
    air = out(rho, tuple(BANDS), masks(rho))
    assert air.aot550 < 0.08
    assert rho[0, :40, :160].min() > 0.0
    assert np.abs(rho - truth).max() < 0.01


def test_what_has_no_data_stays_empty_and_cloud_is_not_asked():
    truth = ground()
    rho = seen(truth, tuple(BANDS), 0.2)
    mask = masks(rho)
    rho[:, :30], mask[:30] = 0.0, NO_DATA
    rho[:, 30:60], mask[30:60] = 0.9, CLOUD
    air = out(rho, tuple(BANDS), mask)
    assert air.aot550 == pytest.approx(0.2, abs=0.03)
    assert not rho[:, :30].any()


def test_sunlight_at_the_ground_is_less_than_at_the_top():
    rho = seen(ground(), tuple(BANDS), 0.2)
    air = out(rho, tuple(BANDS), masks(rho))
    assert air.sunlight.shape == (6,)
    assert ((air.sunlight > 0.7) & (air.sunlight < 1.0)).all()
    assert air.sunlight[0] < air.sunlight[2]  # blue is scattered most


def test_climatology_has_its_seasons():
    assert usual_water_g_cm2(0.0, JUNE_NS) == pytest.approx(4.6, abs=0.3)
    assert usual_water_g_cm2(50.0, JUNE_NS) > 1.5 * usual_water_g_cm2(50.0, JANUARY_NS)
    assert usual_water_g_cm2(-50.0, JUNE_NS) < usual_water_g_cm2(-50.0, JANUARY_NS)
    assert usual_water_g_cm2(85.0, JANUARY_NS) < 0.6
    # van Heuklon's table: 0.24 at the equator; more in a northern spring than in autumn.
    assert usual_ozone_cm_atm(0.0, 0.0, JUNE_NS) == pytest.approx(0.235)
    april, october = (from_iso(f"2026-{month}-15T00:00:00Z") for month in ("04", "10"))
    assert usual_ozone_cm_atm(50.0, 10.0, april) > usual_ozone_cm_atm(50.0, 10.0, october) + 0.04
    for latitude in np.arange(-90.0, 91.0, 15.0):
        assert 0.2 < usual_ozone_cm_atm(float(latitude), -120.0, JUNE_NS) < 0.5
