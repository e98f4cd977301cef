"""A capture's folder: what goes in comes out, and what is not sound is refused."""

import json
from dataclasses import fields

import numpy as np
import pytest

from orbitloom.errors import InputFileError, OutputError
from orbitloom.scenario import hardware
from orbitloom.wire.briefing import Baseline, Briefing, Earlier, Terrain
from orbitloom.wire.capture_file import (
    Capture,
    nominal_calibration,
    read_capture,
    read_packets,
    write_capture,
)
from orbitloom.wire.imager import Ancillary, encode_ancillary
from orbitloom.wire.space_packet import Packet, encode_packet
from orbitloom.wire.tasking import CaptureTask

RECORD = Ancillary(
    capture=9,
    lines=100,
    columns=32,
    bands=4,
    bits=12,
    t_ns=1_781_398_923_000_000_000,
    first_line_ns=1_781_398_923_000_000_000,
    line_period_ns=1_407_000,
    position_ecef_m=(0.0, 6.9e6, 0.0),
    velocity_ecef_m_s=(0.0, 0.0, 7500.0),
    attitude=(1.0, 0.0, 0.0, 0.0),
    detector_c=18.0,
)
DESIGN = hardware.Instrument(columns=32, lines=100, layout={"time_code": "cuc"})


@pytest.fixture
def capture():
    rng = np.random.default_rng(0)
    grid = (20.0, 0.0, 5e5, 0.0, -20.0, 5e6)
    numbers = rng.integers(1, 9000, (2, 5, 6)).astype(np.uint16)
    baseline = Baseline(
        epsg=32632,
        transform=grid,
        band_names=("red", "nir"),
        median=numbers,
        spread=numbers // 9,
        water=np.zeros((5, 6), np.uint8),
        looks=np.full((5, 6), 3, np.uint8),
        newest_ns=12,
    )
    earlier = Earlier(
        answer="a", event="flood", sensed_ns=5, confidence=0.5, area_km2=1.0, count=2,
        geometry={"type": "Point", "coordinates": [1.0, 2.0]},
    )  # fmt: skip
    terrain = Terrain(epsg=32632, transform=grid, height_m=rng.random((4, 4), np.float32))
    task = CaptureTask(
        capture=9, satellite="S", target="T", latitude_deg=1.0, longitude_deg=2.0,
        start_ns=3, end_ns=4, roll_deg=-5.0, app="fire",
    )  # fmt: skip
    return Capture(
        packets=b"some packets",
        task=task,
        calibration=nominal_calibration(DESIGN),
        briefing=Briefing(baseline=baseline, terrain=terrain, land={"type": "x"}, earlier=earlier),
        about={"seed": 3},
    )


def test_what_is_written_is_read(capture, tmp_path):
    write_capture(capture, tmp_path / "one")
    for path in (tmp_path / "one", tmp_path / "one" / "packets.bin"):
        read = read_capture(path)
        assert (read.packets, read.task, read.about) == (
            capture.packets,
            capture.task,
            capture.about,
        )
        assert read.briefing.digest() == capture.briefing.digest()
        for field in fields(capture.calibration):
            before, after = (getattr(one.calibration, field.name) for one in (capture, read))
            np.testing.assert_array_equal(after, before)
            assert type(after) is type(before)
            if isinstance(before, np.ndarray):
                assert after.dtype == before.dtype


def test_the_same_capture_gives_the_same_bytes(capture, tmp_path):
    for name in ("one", "two"):
        write_capture(capture, tmp_path / name)
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()


def _cut(folder):
    (folder / "packets.bin").write_bytes(b"some")


def _change(folder):
    (folder / "calibration.npz").write_bytes(b"x" * 99_999)


def _lose(folder):
    (folder / "briefing.npz").unlink()


def _lose_all(folder):
    (folder / "capture.json").unlink()


def _foreign(folder):
    (folder / "capture.json").write_text('{"format": "other"}')


def _no_json(folder):
    (folder / "capture.json").write_bytes(b"\xff\x00")


def _half(folder):
    told = json.loads((folder / "capture.json").read_text())
    del told["task"]["roll_deg"]
    (folder / "capture.json").write_text(json.dumps(told))


@pytest.mark.parametrize(
    ("hurt", "says"),
    [
        (_cut, r"packets.bin: was cut: 4 octets .* 12 were written"),
        (_change, "calibration.npz: was changed"),
        (_lose, "briefing.npz: cannot be read"),
        (_lose_all, "capture.json: cannot be read"),
        (_foreign, "does not say format"),
        (_no_json, "is not JSON"),
        (_half, "cannot be understood.*roll_deg"),
    ],
)
def test_what_is_not_sound_is_refused(capture, tmp_path, hurt, says):
    write_capture(capture, tmp_path)
    hurt(tmp_path)
    with pytest.raises(InputFileError, match=says) as caught:
        read_capture(tmp_path)
    assert caught.value.way_out


def test_a_folder_that_cannot_be_written_is_said(capture, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        write_capture(capture, tmp_path / "file" / "folder")


def test_packets_alone_are_read_by_their_imager(tmp_path):
    file = tmp_path / "pass-7.bin"
    packet = Packet(DESIGN.layout.ancillary_apid, 0, RECORD.t_ns, encode_ancillary(RECORD))
    file.write_bytes(encode_packet(packet, "cuc"))
    read = read_packets(file, DESIGN)
    assert (read.task.capture, read.task.target) == (9, "pass-7")
    assert (read.task.latitude_deg, read.task.longitude_deg) == (0.0, 90.0)
    assert read.task.end_ns - read.task.start_ns == 100 * RECORD.line_period_ns
    known = read.calibration
    assert known.layout == DESIGN.layout
    full = (known.saturation_dn - known.dark_dn[:, 0]) * known.radiance_per_dn
    np.testing.assert_allclose(full, [band.full_scale_radiance for band in DESIGN.bands])

    other = hardware.Instrument(columns=64, layout={"time_code": "cuc"})
    with pytest.raises(InputFileError, match=r"4 bands and 32 columns.*4 and 64"):
        read_packets(file, other)
    with pytest.raises(InputFileError, match="no ancillary packet"):
        read_packets(file, hardware.Instrument(columns=32))
    with pytest.raises(InputFileError, match="cannot be read"):
        read_packets(tmp_path / "none.bin", DESIGN)
