"""One capture without a flight: over its target, in light, and with its truth beside it."""

import json

import numpy as np
import pytest

from orbitloom.errors import ScenarioError
from orbitloom.processing.l0 import reconstruct
from orbitloom.processing.l1 import calibrate
from orbitloom.scenario import Target, hardware, load_instrument
from orbitloom.wire.capture_file import read_capture
from orbitloom.world.imager import Pushbroom
from orbitloom.world.observe import instrument_of, observe
from orbitloom.world.scene import utm_origin
from orbitloom.world.simulate import job_over, simulate

DESIGN = load_instrument("imager5m").model_copy(update={"columns": 96, "lines": 96})
SURE = hardware.DataBus(loss=0.0, duplication=0.0, disorder=0.0)


@pytest.mark.parametrize("roll_deg", [0.0, 25.0, -30.0])
@pytest.mark.parametrize(("latitude_deg", "longitude_deg"), [(44.3, 11.9), (-33, 151), (0, -179.9)])
def test_the_middle_of_the_picture_is_the_target(latitude_deg, longitude_deg, roll_deg):
    target = Target(name="T", latitude_deg=latitude_deg, longitude_deg=longitude_deg, event="quiet")
    job = job_over(DESIGN, target=target, seed=100, roll_deg=roll_deg)
    epsg, east_m, north_m = utm_origin(latitude_deg, longitude_deg)
    east, north, cos_zenith = (
        instrument_of(job).ground_grid(job.task, job.track, epsg).lines(47, 49)
    )
    assert abs(east[:, 47:49].mean() - east_m) < 5.0
    assert abs(north[:, 47:49].mean() - north_m) < 5.0
    step_m = np.hypot(*(np.diff(axis, axis=0) for axis in (east, north))).mean()
    assert step_m == pytest.approx(5.0, rel=0.15)  # further away when rolled
    assert cos_zenith.min() > np.sin(np.radians(50.0))


def test_a_low_sun_and_a_view_past_the_earth_are_refused():
    dark = Target(name="T", latitude_deg=44.3, longitude_deg=11.9, event="quiet")
    with pytest.raises(ScenarioError, match="the Sun stands -"):
        job_over(DESIGN, target=dark, seed=1, t_ns=1_781_398_923 * 10**9 - 7200 * 10**9)
    with pytest.raises(ScenarioError, match="past the Earth"):
        job_over(DESIGN, target=dark, seed=1, roll_deg=75.0)


def test_a_simulated_folder_is_a_capture_with_its_truth(tmp_path):
    target = Target(name="T", latitude_deg=44.3, longitude_deg=11.9, event="flood")
    for name in ("one", "two"):
        simulate(DESIGN, target=target, seed=100, out=tmp_path / name)
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()
    capture = read_capture(tmp_path / "one")
    assert capture.about["event"] == "flood"
    assert capture.briefing.baseline is not None
    known = capture.calibration
    frames = reconstruct(capture.packets, capture.task.capture, 8, 96, known.layout)
    assert frames.valid.mean() > 0.95
    with np.load(tmp_path / "one" / "truth.npz") as truth:
        assert {name: truth[name].dtype for name in truth.files} == dict.fromkeys(
            ("area", "imaged", "visible"), np.dtype(bool)
        )
        inside = truth["imaged"].sum() * DESIGN.gsd_m**2
    assert inside == pytest.approx(96 * 96 * 25.0, rel=0.08)
    told = json.loads((tmp_path / "one" / "truth.json").read_text())
    assert (told["event"], told["epsg"]) == ("flood", 32632)


def test_light_comes_back_through_l1_in_all_bands():
    """What L1 makes of the packets is the light of the same imager with its bands in line."""
    target = Target(name="T", latitude_deg=44.3, longitude_deg=11.9, event="quiet")
    job = job_over(DESIGN, target=target, seed=100, databus=SURE)
    known = instrument_of(job).calibration()
    frames = reconstruct(observe(job).packets, job.task.capture, 8, 96, known.layout)
    radiance = calibrate(frames, known)
    straight = DESIGN.model_copy(
        update={
            "bands": tuple(b.model_copy(update={"offset_px": (0.0, 0.0)}) for b in DESIGN.bands),
            "offset_knowledge_px": 0.0,
        }
    )
    from orbitloom.world.observe import ground_of

    imager = Pushbroom(straight, seed=job.seed, satellite=job.task.satellite)
    light = np.concatenate(
        [part for _, part in imager.radiance(job.task, job.track, ground_of(job))], axis=1
    )
    for band in range(8):
        good = radiance.quality[band] == 0
        assert good.mean() > 0.4
        ratio = radiance.radiance[band][good] / light[band][good]
        assert np.median(ratio) == pytest.approx(1.0, abs=0.004)
        assert np.quantile(np.abs(ratio - 1.0), 0.9) < 0.15
