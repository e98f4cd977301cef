"""The air above a scene: drawn once a target, and put in as its table says."""

import numpy as np
import pytest

from orbitloom.scenario import load_instrument
from orbitloom.testing.instrument import EvenGround, sample_capture
from orbitloom.wire.atmosphere import coefficients
from orbitloom.world.air import Air, at_top, draw_air, emitted_at_top, sky_over, through
from orbitloom.world.imager import Pushbroom
from orbitloom.world.scene import Surface, utm_origin

DESIGN = load_instrument("imager5m").model_copy(update={"columns": 40, "lines": 60})
NAMES = tuple(band.name for band in DESIGN.bands)


def test_the_air_is_of_the_target_and_within_its_range():
    drawn = [draw_air(100, f"place {number}") for number in range(200)]
    assert draw_air(100, "place 3") == drawn[3] != draw_air(101, "place 3")
    aerosol = [air.aot550 for air in drawn]
    water = [air.water_g_cm2 for air in drawn]
    assert 0.05 <= min(aerosol) < 0.07 < 0.28 < max(aerosol) <= 0.3
    assert 1.0 <= min(water) < 1.1 < 2.9 < max(water) <= 3.0


@pytest.mark.parametrize("roll_deg", [0.0, 20.0, -20.0])
def test_angles_are_those_of_the_look(roll_deg):
    """Flying north with the Sun 60 degrees high in the east: a roll to the left looks down-Sun."""
    task, track = sample_capture(DESIGN, roll_deg=roll_deg)
    # The sample's target is below the satellite whatever the roll, so the view is from the zenith.
    air = Air(aot550=0.2, water_g_cm2=2.0)
    found = through(air, DESIGN.bands[:2], task, track)
    for band, sky in zip(DESIGN.bands, found, strict=False):
        true = coefficients(
            band.wavelength_um, band.width_um, sun_zenith_deg=30.0, view_zenith_deg=0.0,
            relative_azimuth_deg=90.0, aot550=0.2, water_g_cm2=2.0, ozone_cm_atm=0.3,
        )  # fmt: skip
        assert sky.path == pytest.approx(true.path, rel=1e-3)
        assert sky.gas == pytest.approx(true.gas, rel=1e-4)


def test_clouds_hide_what_lies_below_and_fires_shine_through_the_gaps():
    task, track = sample_capture(DESIGN)
    ground = EvenGround(utm_origin(0.0, 0.0)[0], 0.3, NAMES, at_top=False)
    sky = sky_over(ground, 100, DESIGN.bands, task, track)
    cloud = np.array([0.0, 0.25, 1.0], np.float32)
    surface = Surface(
        reflectance=np.full((8, 3), 0.3, np.float32),
        cloud=cloud,
        cloud_reflectance=np.full((8, 3), 0.7, np.float32),
        emitted=np.full((8, 3), 50.0, np.float32),
    )
    order = [7, 0]
    picked = (sky[7], sky[0])
    rho, light = at_top(surface, order, picked), emitted_at_top(surface, order, picked)
    for row, air in enumerate(picked):
        clear = air.toa(0.3)
        np.testing.assert_allclose(rho[row], clear + cloud * (0.7 - clear), rtol=1e-5)
        np.testing.assert_allclose(
            light[row], 50 * (1 - cloud) * air.upward_transmittance, rtol=1e-5
        )
    assert (surface.reflectance == np.float32(0.3)).all()
    assert sky_over(EvenGround(32631, 0.3), 100, DESIGN.bands, task, track) is None


def test_the_imager_sees_the_ground_through_it():
    task, track = sample_capture(DESIGN)
    epsg = utm_origin(0.0, 0.0)[0]
    imager = Pushbroom(DESIGN, seed=100, satellite="A")
    through_air, without = (
        next(imager.radiance(task, track, EvenGround(epsg, 0.05, NAMES, at_top)))[1]
        for at_top in (False, True)
    )
    sky = sky_over(EvenGround(epsg, 0.05, NAMES, False), 100, DESIGN.bands, task, track)
    for band, air in enumerate(sky):
        ratio = through_air[band] / without[band]
        np.testing.assert_allclose(ratio, air.toa(0.05) / 0.05, rtol=1e-4)
    assert (through_air[0] / without[0]).mean() > 1.5  # a dark ground is hazy in the blue
