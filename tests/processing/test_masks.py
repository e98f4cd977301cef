"""The threshold tests: the baseline, and what stands in where bands are missing."""

from __future__ import annotations

import numpy as np
import pytest

from orbitloom.errors import ScenarioError
from orbitloom.processing.masks import CLOUD, SHADOW, SNOW, WATER, threshold_masks

BANDS = ("blue", "green", "red", "nir", "swir16", "swir22")
LOOKS = {  # reflectance at the top of the atmosphere
    "land": (0.09, 0.10, 0.11, 0.28, 0.22, 0.14),
    "water": (0.10, 0.08, 0.05, 0.02, 0.01, 0.005),
    "cloud": (0.50, 0.49, 0.48, 0.49, 0.40, 0.30),
    "snow": (0.80, 0.80, 0.80, 0.75, 0.08, 0.06),
    "shadow": (0.06, 0.05, 0.04, 0.07, 0.05, 0.03),
}


def scene(names=BANDS):
    """Land with a lake, a cloud, its shadow 24 lines up, and snow."""
    rho = np.empty((len(BANDS), 100, 100), np.float32)
    for kind, (rows, columns) in {
        "land": ((0, 100), (0, 100)),
        "water": ((70, 95), (5, 40)),
        "shadow": ((6, 26), (40, 60)),
        "cloud": ((30, 50), (40, 60)),
        "snow": ((60, 90), (60, 90)),
    }.items():
        rho[:, slice(*rows), slice(*columns)] = np.array(LOOKS[kind])[:, None, None]
    return rho[[BANDS.index(name) for name in names]]


GOOD = np.ones((100, 100), bool)
STEP = (-0.02, 0.0)  # a shadow climbs two lines for each 100 m of cloud height


def test_each_thing_has_its_flag():
    flags = threshold_masks(scene(), BANDS, GOOD, STEP)
    assert (flags[32:48, 42:58] == CLOUD).all()
    assert (flags[72:93, 7:38] == WATER).all()
    assert (flags[62:88, 62:88] == SNOW).all()
    assert ((flags[8:24, 42:58] & SHADOW) != 0).all()
    assert not flags[:, :38][:60].any()


def test_snow_is_cloud_to_those_without_short_wave_infrared():
    """That is why it is said: four bands cannot tell."""
    names = BANDS[:4]
    flags = threshold_masks(scene(names), names, GOOD, STEP)
    assert (flags[62:88, 62:88] & CLOUD).all()
    assert not (flags & SNOW).any()


@pytest.mark.parametrize(
    "names", [("green", "red", "nir"), ("red", "nir"), ("blue",), ("blue", "swir16")]
)
def test_fewer_bands_still_show_cloud(names):
    flags = threshold_masks(scene(names), names, GOOD, None)
    assert (flags[32:48, 42:58] & CLOUD).all()
    assert not flags[:, :38][:60].any()
    assert bool((flags & WATER).any()) == ({"green", "nir"} <= set(names))


def test_no_visible_band_no_mask():
    with pytest.raises(ScenarioError, match="swir16, swir22 cannot show cloud"):
        threshold_masks(scene(("swir16", "swir22")), ("swir16", "swir22"), GOOD, None)


def test_nothing_is_flagged_where_nothing_was_measured():
    flags = threshold_masks(scene(), BANDS, np.zeros_like(GOOD), STEP)
    assert not flags.any()


def test_with_the_sun_in_the_zenith_clouds_hide_their_shadows():
    flags = threshold_masks(scene(), BANDS, GOOD, (0.0, 0.0))
    assert (flags & CLOUD).any()
    assert not (flags & SHADOW).any()
