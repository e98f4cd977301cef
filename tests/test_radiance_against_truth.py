"""Radiance out of packets, held against what went in; and what is said of its error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from orbitloom.processing.l0 import reconstruct
from orbitloom.processing.l1 import BAD, FILLED, MISSING, SATURATED, calibrate
from orbitloom.scenario import load_instrument
from orbitloom.testing.instrument import sample_capture
from orbitloom.wire.space_packet import encode_packet
from orbitloom.world.imager import Pushbroom
from orbitloom.world.scene import Surface

LINES, COLUMNS = 480, 420
ALL = ("coastal", "blue", "green", "red", "rededge", "nir", "swir16", "swir22")


@dataclass(frozen=True)
class Country:
    """Fields of 40 to 160 m with soft texture; `brightness` scales all of it."""

    brightness: float
    texture: float
    epsg: int = 32631
    bands: tuple[str, ...] = ALL
    at_top: bool = True

    def surface(self, easting_m, northing_m):
        parcel = np.floor(easting_m / 130) * 7919 + np.floor(northing_m / 90) * 104_729
        hashed = np.modf(np.abs(np.sin(parcel)) * 43_758.5453)[0]
        wave = np.sin(easting_m / 23.0 + 3 * np.sin(northing_m / 61.0)) * np.cos(northing_m / 37.0)
        level = 0.6 + 0.8 * hashed + 0.15 * wave
        rho = [
            self.brightness * (1 + self.texture * (level * (0.7 + 0.1 * band) - 1))
            for band in range(len(self.bands))
        ]
        return Surface(reflectance=np.stack(rho).astype(np.float32))

    def height_m(self, easting_m, northing_m):
        return np.zeros(np.shape(easting_m), np.float32)


def looked(design, scene, *, drop=(), seed=100, unknown=None):
    """Return L1 and the truth it should show: the radiance of an imager whose bands are aligned.

    `unknown` gives bands a further offset that the calibration does not know.
    """
    design = design.model_copy(update={"lines": LINES, "columns": COLUMNS})
    imager = Pushbroom(design, seed=seed, satellite="SAT-01")
    task, track = sample_capture(design)
    packets = [
        encode_packet(packet)
        for number, packet in enumerate(imager.image(task, track, scene))
        if number not in drop
    ]
    known = imager.calibration()
    for name, further in (unknown or {}).items():
        known.offset_px[known.band_names.index(name)] += further
    frames = reconstruct(b"".join(packets), task.capture, *known.dark_dn.shape)
    aligned = design.model_copy(
        update={
            "bands": tuple(b.model_copy(update={"offset_px": (0.0, 0.0)}) for b in design.bands),
            "offset_knowledge_px": 0.0,
        }
    )
    straight = Pushbroom(aligned, seed=seed, satellite="SAT-01")
    truth = np.concatenate([part for _, part in straight.radiance(task, track, scene)], axis=1)
    return calibrate(frames, known), truth, known, frames


def within(made, truth, band, where):
    """Return the share of errors within one sigma, and the root mean square of error over sigma."""
    error = (made.radiance[band] - truth[band])[where]
    over = error / made.sigma(band)[where]
    return float(np.mean(np.abs(over) <= 1.0)), float(np.sqrt(np.mean(over**2)))


def imager(name):
    """The shipped one; where its bands look is known well: a wrong place is no wrong radiance."""
    return load_instrument(name).model_copy(update={"offset_knowledge_px": 0.0})


@pytest.fixture(scope="module", params=["imager10m", "imager5m"])
def design(request):
    return imager(request.param)


@pytest.mark.parametrize(
    ("brightness", "texture"), [(0.3, 1.0), (0.02, 1.0), (0.3, 0.0), (0.9, 0.25)]
)
def test_radiance_is_unbiased_and_its_uncertainty_honest(design, brightness, texture):
    made, truth, known, _ = looked(design, Country(brightness, texture))
    shares, ratios = [], []
    for band in range(len(known.band_names)):
        clean = made.quality[band] == 0
        assert np.count_nonzero(clean) > 0.85 * clean.size
        bias = (made.radiance[band] - truth[band])[clean].mean() / truth[band][clean].mean()
        assert abs(bias) < 0.002
        share, ratio = within(made, truth, band, clean)
        shares.append(share)
        ratios.append(ratio)
    assert np.mean(shares) == pytest.approx(0.6827, abs=0.05)
    assert np.median(ratios) == pytest.approx(1.0, abs=0.15)


def test_saturated_and_missing_have_no_uncertainty_and_are_flagged():
    made, truth, known, _ = looked(imager("imager10m"), Country(1.3, 0.6))
    saturated = made.quality == SATURATED
    assert 0.01 < saturated.mean() < 0.9
    assert np.isinf(made.sigma(0)[saturated[0]]).all()
    # What is just below is still measured, but cut off on one side; far below it is right.
    full = float(known.saturation_dn) * known.radiance_per_dn[0]
    low = (truth[0] < 0.8 * full) & (made.quality[0] == 0)
    assert within(made, truth, 0, low)[0] == pytest.approx(0.6827, abs=0.05)


def test_lost_lines_and_bad_columns_are_filled_as_well_as_they_say():
    """Every hundredth science packet lost, and the bad pixels of one in fifty columns."""
    design = imager("imager5m").model_copy(update={"bad_pixels": 0.02})
    made, truth, known, _ = looked(design, Country(0.3, 0.5), drop=set(range(50, 4000, 97)))
    for flag in (BAD, FILLED):
        over = []
        for band in range(len(known.band_names)):
            where = (made.quality[band] == flag) & np.isfinite(made.sigma(band))
            error = np.abs(made.radiance[band] - truth[band])[where]
            over.append(error / made.sigma(band)[where])
        shares = np.mean(np.concatenate(over) <= 1.0)
        assert 0.62 < shares < 0.85
    assert ((made.quality & MISSING) == 0).mean() > 0.9


def test_bands_lie_on_each_other_after_it():
    """Within 0.05 pixel by phase correlation; and what the calibration did not know, is told."""
    made, _, known, _ = looked(imager("imager5m"), Country(0.3, 1.0))
    assert known.offset_px is not None
    assert np.abs(known.offset_px).max() > 30
    assert np.abs(made.misregistration_px).max() < 0.05
    bands = list(imager("imager5m").bands)
    moved = looked(imager("imager5m"), Country(0.3, 1.0), unknown={"nir": (1.0, 0.6)})[
        0
    ].misregistration_px
    nir = [band.name for band in bands].index("nir")
    assert moved[nir] == pytest.approx([1.0, 0.6], abs=0.1)


@pytest.mark.parametrize("texture", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("seed", [100, 101, 102])
def test_taking_out_stripes_never_harms(texture, seed):
    """The response's error after it against before it, column by column, in each band."""
    design = imager("imager5m").model_copy(update={"bad_pixels": 0.0})
    made, truth, known, _ = looked(design, Country(0.3, texture), seed=seed)
    for band in range(len(known.band_names)):
        clean = made.quality[band] == 0
        lines = clean.any(axis=1)
        columns = clean[lines].all(axis=0)  # a band that looks aside sees an edge less
        after, expected = (
            image[band][lines][:, columns].sum(axis=0) for image in (made.radiance, truth)
        )
        after /= expected
        taken = made.gain[band] * known.response[band] / known.radiance_per_dn[band]
        before = after / taken[columns]
        assert after.std() <= 1.01 * before.std()
        if texture == 0.0:
            assert after.std() < 0.4 * before.std()


def test_a_calibration_that_says_it_is_exact_is_believed():
    design = imager("imager10m").model_copy(update={"calibration_residual": 0.0})
    made, _, known, _ = looked(design, Country(0.3, 0.0))
    assert known.response_sigma == 0.0
    expected = known.radiance_per_dn[:, None] / known.response
    np.testing.assert_allclose(made.gain, expected, rtol=1e-6)
