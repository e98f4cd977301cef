"""A small imager over land with a square lake, made without the world: packets by hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from orbitloom.scenario import time
from orbitloom.wire import Calibration, CaptureTask
from orbitloom.wire.imager import (
    ANCILLARY_APID,
    SCIENCE_APID,
    Ancillary,
    ScienceLine,
    encode_ancillary,
    encode_science,
)
from orbitloom.wire.space_packet import Packet

LINES, COLUMNS, BANDS = 240, 200, 4
PERIOD_NS = 1_400_000
EVERY = 50
START_NS = time.from_iso("2026-06-14T10:00:00Z")
CAPTURE = 7
EARTH_M = 6_378_137.0
HEIGHT_M = 505_000.0
GROUND_M_S = 10.0 / (PERIOD_NS * 1e-9)
GAIN = np.array([0.15, 0.14, 0.12, 0.08])
ESUN = np.array([1959.66, 1823.24, 1512.06, 1041.63])
DN = {  # digital numbers above dark of land and water with the Sun at 2026-06-14, near 30 deg
    "land": (300, 330, 370, 900),
    "water": (360, 420, 330, 110),
    "cloud": (2080, 2080, 2010, 2080),  # white: 0.65
}


@dataclass(frozen=True)
class Capture:
    task: CaptureTask
    calibration: Calibration
    packets: list[Packet]
    dn: np.ndarray


def small_calibration() -> Calibration:
    rng = np.random.default_rng(1)
    return Calibration(
        calibration_id="test/1",
        band_names=("blue", "green", "red", "nir"),
        wavelength_um=np.array([0.49, 0.56, 0.66, 0.83]),
        esun_w_m2_um=ESUN,
        radiance_per_dn=GAIN,
        dark_dn=rng.normal(64.0, 2.0, (BANDS, COLUMNS)).astype(np.float32),
        response=rng.normal(1.0, 0.02, (BANDS, COLUMNS)).astype(np.float32),
        electrons_per_dn=100.0,
        read_noise_dn=1.0,
        saturation_dn=4095,
        ifov_rad=10.0 / HEIGHT_M,
    )


# Above (0 N, 0 E) flying south: x = -Z, y = -Y, z = -X; a half turn about (1, 0, -1).
ATTITUDE = (0.0, 0.5**0.5, 0.0, -(0.5**0.5))


def ancillary(place: int, *, capture: int = CAPTURE, lines: int = LINES) -> Ancillary:
    """The record at line place * EVERY, of a flight straight south over (0 N, 0 E)."""
    t_ns = START_NS + place * EVERY * PERIOD_NS
    along_m = (place * EVERY - (lines - 1) / 2) * 10.0
    return Ancillary(
        capture=capture,
        lines=lines,
        columns=COLUMNS,
        bands=BANDS,
        bits=12,
        t_ns=t_ns,
        first_line_ns=START_NS,
        line_period_ns=PERIOD_NS,
        position_ecef_m=(EARTH_M + HEIGHT_M, 0.0, -along_m),
        velocity_ecef_m_s=(0.0, 0.0, -GROUND_M_S),
        attitude=ATTITUDE,
        detector_c=18.0,
    )


def make_capture(shows: str = "water", *, seed: int = 0) -> Capture:
    """Land; with a lake of 100 x 80 pixels, or cloud over all."""
    known = small_calibration()
    rng = np.random.default_rng(seed)
    level = np.empty((BANDS, LINES, COLUMNS))
    level[:] = np.array(DN["cloud" if shows == "cloud" else "land"])[:, None, None]
    if shows == "water":
        level[:, 60:160, 50:130] = np.array(DN["water"])[:, None, None]
    signal = level * known.response[:, None, :] + known.dark_dn[:, None, :]
    dn = np.clip(np.rint(signal + rng.normal(0, 1.5, signal.shape)), 0, 4095).astype(np.uint16)
    packets = []
    science, ancillaries = 16_380, 5  # the science count runs over within the capture
    for place in range(-1, -(-LINES // EVERY) + 1):
        record = ancillary(place)
        packets.append(Packet(ANCILLARY_APID, ancillaries, record.t_ns, encode_ancillary(record)))
        ancillaries += 1
        for line in range(max(place, 0) * EVERY, min((place + 1) * EVERY, LINES)):
            for band in range(BANDS):
                body = encode_science(ScienceLine(CAPTURE, line, band, dn[band, line]))
                t_ns = START_NS + line * PERIOD_NS
                packets.append(Packet(SCIENCE_APID, science % 16_384, t_ns, body))
                science += 1
    task = CaptureTask(
        capture=CAPTURE,
        satellite="SAT-01",
        target="Null Island",
        latitude_deg=0.0,
        longitude_deg=0.0,
        start_ns=START_NS,
        end_ns=START_NS + LINES * PERIOD_NS,
        roll_deg=0.0,
    )
    return Capture(task=task, calibration=known, packets=packets, dn=dn)


@pytest.fixture(scope="session")
def lake() -> Capture:
    return make_capture("water")


@pytest.fixture(scope="session")
def overcast() -> Capture:
    return make_capture("cloud")


@pytest.fixture(scope="session")
def land() -> Capture:
    return make_capture("land")
