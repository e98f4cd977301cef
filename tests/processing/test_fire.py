"""Hot cells and burnt ground on tiles made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from orbitloom.processing.apps import Context
from orbitloom.processing.fire import FireApp
from orbitloom.processing.fire_power import planck
from orbitloom.processing.l2 import SPOILT
from orbitloom.testing.app import AppContract, sample_tile

BANDS = ("blue", "green", "red", "nir", "swir16", "swir22")
CENTRES_UM = {"nir": 0.842, "swir16": 1.61, "swir22": 2.19}
SOLAR = np.array([400.0, 370.0, 310.0, 210.0, 50.0, 17.0])  # W/m2/sr/um of reflectance 1
PLACE = Context(target="Serra da Lousã")


class TestFireAppKeepsTheContract(AppContract):
    @pytest.fixture
    def app(self):
        return FireApp()


def land(seed=1):
    """Land with some texture and noise."""
    tile = sample_tile(bands=BANDS)
    rng = np.random.default_rng(seed)
    numbers = tile.numbers * rng.normal(1.0, 0.05, tile.numbers.shape[1:])
    numbers += rng.normal(0.0, 20.0, numbers.shape)
    return replace(
        tile,
        grid=replace(tile.grid, transform=(5.0, 0.0, 5e5, 0.0, -5.0, 4.4e6)),
        numbers=numbers.astype(np.uint16),
        solar_radiance=SOLAR,
    )


def burning(tile, row, column, area_m2, kelvin, *, full_scale=1.6):
    """A square fire around a cell, blurred by the optics, clipped where the detector is full."""
    numbers, mask = tile.numbers.astype(float), tile.mask.copy()
    cover = np.zeros(tile.grid.shape)
    side = int(np.ceil(np.sqrt(area_m2 / 25.0)))
    cover[row : row + side, column : column + side] = area_m2 / 25.0 / side**2
    cover = ndimage.gaussian_filter(cover, 0.6, mode="constant")
    for name, centre_um in CENTRES_UM.items():
        band = BANDS.index(name)
        numbers[band] += 1e4 * cover * planck(centre_um, np.array([kelvin])) / SOLAR[band]
    mask |= np.where((numbers > 1e4 * full_scale).any(axis=0), SPOILT, 0).astype(np.uint8)
    return replace(tile, numbers=np.clip(numbers, 1, 1e4 * full_scale).astype(np.uint16), mask=mask)


@pytest.mark.parametrize("kelvin", [600.0, 800.0, 1000.0, 1200.0])
@pytest.mark.parametrize("area_m2", [50.0, 400.0])
def test_a_fire_is_found_where_it_is(kelvin, area_m2):
    tile = burning(land(), 120, 70, area_m2, kelvin)
    finding = FireApp().analyse(tile, PLACE)
    assert finding.evidence.event == "fire"
    assert finding.area[120, 70]
    assert not finding.area[:116].any()  # nothing but the fire and what the optics spread it to
    assert not finding.area[128:].any()
    assert finding.evidence.parts == len(finding.details) == 1
    assert finding.evidence.contrast > 0.3
    assert finding.evidence.area_km2 > 3.0 * finding.evidence.area_sigma_km2
    spot = finding.details[0]
    assert spot["latitude_deg"] == pytest.approx(39.7447, abs=1e-3)
    true_mw = 5.670374e-8 * area_m2 * kelvin**4 * 1e-6
    assert abs(spot["power_mw"] - true_mw) < 3.0 * spot["power_sigma_mw"]


def test_land_alone_does_not_burn():
    finding = FireApp().analyse(land(), PLACE)
    assert finding.evidence is None
    assert finding.reason is None
