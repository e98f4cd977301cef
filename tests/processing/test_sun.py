from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import ITRS, get_sun
from astropy.time import Time
from astropy.utils import iers

from orbitloom.processing.sun import sun_cosine, sun_direction
from orbitloom.scenario.time import from_iso


@pytest.mark.parametrize(
    "iso", ["2026-06-14T00:00:00Z", "2026-01-04T17:00:00Z", "2025-09-22T06:30:00Z"]
)
def test_direction_and_distance_agree_with_astropy(iso):
    with (
        iers.conf.set_temp("auto_download", False),
        iers.conf.set_temp("iers_degraded_accuracy", "ignore"),
    ):
        sun = get_sun(Time(iso.removesuffix("Z")))
        there = sun.transform_to(ITRS(obstime=Time(iso.removesuffix("Z")))).cartesian
    expected = there.xyz.to_value(u.au)
    direction, distance_au = sun_direction(from_iso(iso))
    distance = np.linalg.norm(expected)
    assert distance_au == pytest.approx(distance, rel=1e-4)
    assert np.degrees(np.arccos(np.clip(direction @ expected / distance, -1, 1))) < 0.02


def test_cosine_is_one_below_the_sun_and_zero_a_quarter_around():
    direction = np.array([1.0, 0.0, 0.0])
    longitude, latitude = np.array([0.0, 90.0, 180.0, 0.0]), np.array([0.0, 0.0, 0.0, 60.0])
    cosine = sun_cosine(direction, longitude, latitude)
    assert np.allclose(cosine, [1.0, 0.0, -1.0, 0.5], atol=1e-12)
