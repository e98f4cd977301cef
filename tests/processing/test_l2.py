from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from orbitloom.processing import cloudnet, l2
from orbitloom.processing.l0 import reconstruct
from orbitloom.processing.l1 import calibrate, geolocate
from orbitloom.processing.sun import sun_cosine, sun_direction
from orbitloom.processing.surface import usual_ozone_cm_atm, usual_water_g_cm2
from orbitloom.wire.atmosphere import coefficients
from orbitloom.wire.space_packet import encode_packet


def products(capture, t_ns=None):
    stream = b"".join(encode_packet(packet) for packet in capture.packets)
    known = capture.calibration
    frames = reconstruct(stream, capture.task.capture, *known.dark_dn.shape)
    place = geolocate(frames.ancillary, known.ifov_rad)
    radiance = calibrate(frames, known)
    copy = replace(radiance, radiance=radiance.radiance.copy())
    return radiance, place, l2.to_reflectance(copy, known, place, t_ns or capture.task.middle_ns)


def test_reflectance_by_the_formula(land):
    """The table's own inverse of Chander's reflectance, corner by corner."""
    radiance, place, scene = products(land)
    known = land.calibration
    direction, distance_au = sun_direction(land.task.middle_ns)
    cosine = sun_cosine(direction, place.longitude_deg, place.latitude_deg)
    water = usual_water_g_cm2(0.0, land.task.middle_ns)
    ozone = usual_ozone_cm_atm(0.0, 0.0, land.task.middle_ns)
    airs = [
        coefficients(
            um,
            0.03,
            sun_zenith_deg=90.0 - scene.sun_elevation_deg,
            view_zenith_deg=0.0,
            relative_azimuth_deg=0.0,
            aot550=scene.aot550,
            water_g_cm2=water,
            ozone_cm_atm=ozone,
        )
        for um in known.wavelength_um
    ]
    for line, column, node in ((0, 0, (0, 0)), (239, 199, (-1, -1)), (0, 199, (0, -1))):
        toa = (
            np.pi
            * radiance.radiance[:, line, column]
            * distance_au**2
            / (known.esun_w_m2_um * cosine[node])
        )
        expected = [air.surface(rho) for air, rho in zip(airs, toa, strict=True)]
        assert np.allclose(scene.reflectance[:, line, column], expected, rtol=3e-4, atol=1e-5)
    assert scene.at_surface
    assert scene.sun_elevation_deg == pytest.approx(np.degrees(np.arcsin(cosine.mean())), abs=1e-3)


def test_masks_show_lake_cloud_and_nothing(lake, overcast, land):
    water = (products(lake)[2].mask & l2.WATER) != 0
    truth = np.zeros_like(water)
    truth[60:160, 50:130] = True
    assert (water != truth).mean() < 1e-3
    assert ((products(overcast)[2].mask & l2.CLOUD) != 0).mean() > 0.99
    assert not products(land)[2].mask.any()


def test_at_night_there_is_nothing_to_see(lake):
    _, _, scene = products(lake, lake.task.middle_ns + 12 * 3600 * 10**9)
    assert scene.sun_elevation_deg < 0
    assert not scene.reflectance.any()
    assert not (scene.mask & l2.WATER).any()


@pytest.fixture
def without_network(monkeypatch):
    """The masks as an imager gets them whose bands the network does not know."""
    monkeypatch.setattr(cloudnet, "suits", lambda band_names: False)


@pytest.mark.usefixtures("without_network")
@pytest.mark.parametrize("height_m", [600.0, 1_000.0])
def test_a_shadow_is_found_where_sun_and_height_put_it(land, height_m):
    """A cloud and its shadow painted into the radiance; what is found must lie on the painted."""
    known = land.calibration
    radiance, place, _ = products(land)
    east, north, up = l2._local(place, sun_direction(land.task.middle_ns)[0])
    step = l2._shadow_step_px(place, -east / up, -north / up)
    down, right = (round(part * height_m) for part in step)
    cloud = np.zeros(radiance.radiance.shape[1:], dtype=bool)
    cloud[100:130, 90:120] = True
    shadow = np.roll(cloud, (down, right), axis=(0, 1)) & ~cloud
    painted = radiance.radiance.copy()
    painted[:, shadow] *= 0.4
    painted[:, cloud] = np.array([390.0, 350.0, 250.0, 160.0])[:, None]
    scene = l2.to_reflectance(
        replace(radiance, radiance=painted), known, place, land.task.middle_ns
    )
    found = (scene.mask & l2.SHADOW) != 0
    found_cloud = (scene.mask & l2.CLOUD) != 0
    assert found_cloud[cloud].all()
    assert found_cloud.sum() < 1.3 * cloud.sum()
    assert found[shadow & ~found_cloud].mean() > 0.95
    assert found.sum() < 1.4 * shadow.sum()


@pytest.mark.usefixtures("without_network")
def test_dark_ground_without_cloud_is_no_shadow(land):
    radiance, place, _ = products(land)
    painted = radiance.radiance.copy()
    painted[:, 50:80, 50:80] *= 0.4
    scene = l2.to_reflectance(
        replace(radiance, radiance=painted), land.calibration, place, land.task.middle_ns
    )
    assert not (scene.mask & l2.SHADOW).any()
