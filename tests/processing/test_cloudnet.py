"""The cloud network: what it sees, that its tiles do not show, and that it beats the thresholds."""

from __future__ import annotations

import numpy as np
import pytest

from orbitloom.processing import cloudnet
from orbitloom.processing.masks import CLOUD, SHADOW, SNOW, cloud_masks, threshold_masks
from orbitloom.scenario import Target, load_instrument, time
from orbitloom.wire.atmosphere import coefficients
from orbitloom.world.synthetic import SyntheticWorld

SIDE, PIXEL_M = 384, 20.0
CLOUDY = (("river", "flood", 102), ("coast", "vessels", 106), ("mountain", "snow", 102))


def picture(setting, event, seed):
    """Return a synthetic scene from above the atmosphere, (6, y, x), and its truth."""
    bands = tuple(b for b in load_instrument("imager5m").bands if b.name in cloudnet.BANDS)
    world = SyntheticWorld(
        Target(name="Here", latitude_deg=45.0, longitude_deg=10.0, setting=setting),
        seed,
        bands=bands,
        t_ns=time.from_iso("2026-06-14T10:00:00Z"),
        sun_elevation_deg=50.0,
        sun_azimuth_deg=150.0,
        event=event,
        gsd_m=PIXEL_M,
    )
    axis = (np.arange(SIDE) - (SIDE - 1) / 2) * PIXEL_M
    east, north = np.meshgrid(world.east_m + axis, world.north_m - axis)
    surface = world.surface(east, north)
    top = np.stack(
        [
            coefficients(
                band.wavelength_um, band.width_um, sun_zenith_deg=40.0, view_zenith_deg=5.0,
                relative_azimuth_deg=90.0, aot550=0.15, water_g_cm2=2.0, ozone_cm_atm=0.3,
            ).toa(rho)
            for band, rho in zip(bands, surface.reflectance, strict=True)
        ]
    )  # fmt: skip
    if surface.cloud is not None:
        top += surface.cloud * (surface.cloud_reflectance - top)
    order = [[band.name for band in bands].index(name) for name in cloudnet.BANDS]
    return top[order].astype(np.float32), world.truth(east, north)


@pytest.fixture(scope="module")
def cloudy():
    """Scattered cloud over fields, sea and snow."""
    made = [picture(*one) for one in CLOUDY]
    return [(top, truth.cloud) for top, truth in made]


def test_shadows_are_found_that_no_cloud_in_the_picture_casts():
    top, truth = picture("farmland", "quiet", 106)
    alone = truth.shadow & ~truth.cloud
    cut = slice(285, 355), slice(80, 200)  # the shadow of a cloud further south
    assert alone[cut].mean() > 0.1
    assert truth.cloud[cut].mean() < 0.02
    part = np.ascontiguousarray(top[(slice(None), *cut)])
    good = np.ones(part.shape[1:], bool)
    found = (cloud_masks(part, cloudnet.BANDS, good, None, PIXEL_M) & SHADOW) != 0
    assert np.count_nonzero(found & alone[cut]) / np.count_nonzero(found | alone[cut]) > 0.6


@pytest.mark.parametrize(("count", "least"), [(6, 0.85), (4, 0.6)])
def test_it_beats_the_thresholds(cloudy, count, least):
    """With four bands cloud over snow is hard to tell, for all of them."""
    names = cloudnet.BANDS[:count]
    good = np.ones((SIDE, SIDE), bool)

    def overlap(masks):
        found = np.array([(flags & CLOUD) != 0 for flags in masks])
        truth = np.array([cloud for _, cloud in cloudy])
        return np.count_nonzero(found & truth) / np.count_nonzero(found | truth)

    pictures = [top[:count] for top, _ in cloudy]
    ours = overlap(cloud_masks(seen, names, good, None, PIXEL_M) for seen in pictures)
    theirs = overlap(threshold_masks(seen, names, good, None) for seen in pictures)
    assert ours > max(least, theirs)


def test_snow_is_no_cloud():
    top, truth = picture("mountain", "snow", 102)
    assert truth.snow.mean() > 0.1
    good = np.ones((SIDE, SIDE), bool)
    flags = cloud_masks(top, cloudnet.BANDS, good, None, PIXEL_M)
    assert ((flags & CLOUD) != 0)[truth.snow & ~truth.cloud].mean() < 0.1
    assert ((flags & SNOW) != 0)[truth.snow & ~truth.cloud].mean() > 0.8


def test_its_tiles_do_not_show(cloudy, monkeypatch):
    top, _ = cloudy[0]
    good = np.ones((SIDE, SIDE), bool)
    whole = cloudnet.chances(top, cloudnet.BANDS, good, 1)
    monkeypatch.setattr(cloudnet, "_TILE", 2 * cloudnet._OVERLAP + 64)
    assert np.allclose(cloudnet.chances(top, cloudnet.BANDS, good, 1), whole, atol=1e-4)


def test_what_was_not_measured_does_not_count(cloudy):
    """Cells average what there is; a missing corner spoils none of its neighbours."""
    top, _ = cloudy[0]
    good = np.ones((SIDE, SIDE), bool)
    good[::3, ::2] = False
    spoilt = np.where(good, top, np.float32(0.0))
    whole = cloudnet.chances(top, cloudnet.BANDS, np.ones_like(good), 4)[0]
    seen = cloudnet.chances(spoilt, cloudnet.BANDS, good, 4)[0]
    assert np.abs(seen - whole).mean() < 0.02
    flags = cloud_masks(spoilt, cloudnet.BANDS, good, None, PIXEL_M)
    assert not flags[~good].any()


@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (97, 33)])
def test_any_size_will_do(shape):
    top = np.full((4, *shape), 0.1, np.float32)
    found = cloudnet.chances(top, cloudnet.BANDS[:4], np.ones(shape, bool), 2)
    assert found.shape == (4, -(-shape[0] // 2), -(-shape[1] // 2))
    assert ((found >= 0.0) & (found <= 1.0)).all()


def test_without_its_bands_thresholds_decide(cloudy):
    names = ("green", "red", "nir")
    top = cloudy[0][0][1:4]
    good = np.ones((SIDE, SIDE), bool)
    flags = cloud_masks(top, names, good, None, PIXEL_M)
    assert np.array_equal(flags, threshold_masks(top, names, good, None))
    with pytest.raises(ValueError, match="needs blue"):
        cloudnet.chances(top, names, good, 1)
