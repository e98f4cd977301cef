"""The contract of an instrument: inherit it, give yours, and pytest checks that it keeps it.

::

    from orbitloom.testing.instrument import InstrumentContract

    class TestMine(InstrumentContract):
        @pytest.fixture
        def make_instrument(self):
            return MyImager  # called as MyImager(design, seed=0, satellite="SAT-01")
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from orbitloom.scenario import hardware
from orbitloom.scenario.time import SECOND_NS
from orbitloom.wire import CaptureTask
from orbitloom.wire.imager import (
    ANCILLARY_APID,
    SCIENCE_APID,
    Ancillary,
    ScienceLine,
    decode_ancillary,
    decode_science,
)
from orbitloom.wire.space_packet import Packet, decode_packet, encode_packet
from orbitloom.world.imager import Instrument
from orbitloom.world.scene import SCENE_BANDS, Surface, utm_origin
from orbitloom.world.viewing import Track

__all__ = ["EvenGround", "InstrumentContract", "sample_capture"]

_ALTITUDE_M, _RADIUS_M = 505e3, 6_378_137.0
_SPEED_M_S = 7_000.0  # over the rotating ground
_LINE_NS = 1_541_700  # 10 m of ground below
_AU_M = 149_597_870_700.0
_DESIGN = hardware.Instrument(columns=48, lines=120)
_MAKERS = Callable[..., Instrument]


@dataclass(frozen=True, slots=True)
class EvenGround:
    """A ground of one reflectance in all bands, everywhere."""

    epsg: int
    rho: float
    bands: tuple[str, ...] = SCENE_BANDS
    at_top: bool = True

    def surface(self, easting_m: NDArray[np.float64], northing_m: NDArray[np.float64]) -> Surface:
        """Return the one reflectance, (bands, ...)."""
        shape = (len(self.bands), *np.shape(easting_m))
        return Surface(reflectance=np.full(shape, self.rho, np.float32))

    def height_m(
        self, easting_m: NDArray[np.float64], northing_m: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Return zero everywhere."""
        return np.zeros(np.shape(easting_m), np.float32)


def sample_capture(
    design: hardware.Instrument, capture: int = 3, roll_deg: float = 0.0
) -> tuple[CaptureTask, Track]:
    """Return a look at the equator, flying north, with the Sun 60 degrees high in the east."""
    start_ns = 1_781_400_000 * SECOND_NS
    period_ns = round(_LINE_NS * design.gsd_m / 10.0)
    end_ns = start_ns + design.lines * period_ns
    margin_ns = 2 * SECOND_NS + 256 * period_ns
    t_ns = np.arange(start_ns - margin_ns, end_ns + margin_ns + SECOND_NS, SECOND_NS, np.int64)
    angle = (t_ns - (start_ns + end_ns) // 2) / SECOND_NS * _SPEED_M_S / (_RADIUS_M + _ALTITUDE_M)
    zero = np.zeros_like(angle)
    sun = np.array([np.sin(np.radians(60.0)), np.cos(np.radians(60.0)), 0.0])
    task = CaptureTask(
        capture=capture,
        satellite="SAT-01",
        target="equator",
        latitude_deg=0.0,
        longitude_deg=0.0,
        start_ns=start_ns,
        end_ns=end_ns,
        roll_deg=roll_deg,
    )
    track = Track(
        t_ns=t_ns,
        position_ecef_m=(_RADIUS_M + _ALTITUDE_M)
        * np.stack([np.cos(angle), zero, np.sin(angle)], axis=-1),
        velocity_ecef_m_s=_SPEED_M_S * np.stack([-np.sin(angle), zero, np.cos(angle)], axis=-1),
        sun_ecef_m=np.tile(_AU_M * sun, (len(t_ns), 1)),
    )
    return task, track


class InstrumentContract:
    """What every `Instrument` keeps. Give the fixture `make_instrument`: a class or a function."""

    @pytest.fixture
    def make_instrument(self) -> _MAKERS:
        """Return what makes an instrument from its design, ``seed`` and ``satellite``."""
        raise NotImplementedError("give the fixture make_instrument")

    def test_the_calibration_has_a_number_for_every_pixel(self, make_instrument: _MAKERS) -> None:
        """Shapes, and numbers that one can divide by."""
        known = make_instrument(_DESIGN, seed=0, satellite="SAT-01").calibration()
        bands = len(_DESIGN.bands)
        assert known.band_names == tuple(band.name for band in _DESIGN.bands)
        for values in (known.wavelength_um, known.esun_w_m2_um, known.radiance_per_dn):
            assert values.shape == (bands,)
            assert (values > 0).all()
        assert known.dark_dn.shape == known.response.shape == (bands, _DESIGN.columns)
        assert (known.response > 0).all()
        assert known.ifov_rad > 0
        assert known.electrons_per_dn > 0

    def test_every_line_of_every_band_comes_once_and_in_time(
        self, make_instrument: _MAKERS
    ) -> None:
        """Packets fit their format, their times never go back, their counts have no gap."""
        packets = _image(make_instrument)
        assert [decode_packet(encode_packet(packet)) for packet in packets] == packets
        assert all(a.t_ns <= b.t_ns for a, b in pairwise(packets))
        for apid in (SCIENCE_APID, ANCILLARY_APID):
            counts = [packet.sequence_count for packet in packets if packet.apid == apid]
            assert set(np.diff(counts) % 2**14) == {1}
        lines, records = _opened(packets)
        assert {(line.line, line.band) for line in lines} == {
            (line, band) for line in range(_DESIGN.lines) for band in range(len(_DESIGN.bands))
        }
        assert len(lines) == _DESIGN.lines * len(_DESIGN.bands)
        assert all(line.dn.shape == (_DESIGN.columns,) for line in lines)
        assert all(line.capture == 3 for line in lines)
        task, _ = sample_capture(_DESIGN)
        assert records[0].t_ns < task.start_ns
        assert records[-1].t_ns >= task.start_ns + (_DESIGN.lines - 1) * records[0].line_period_ns

    def test_sequence_counts_go_on_from_capture_to_capture(self, make_instrument: _MAKERS) -> None:
        """The next capture starts where this one ended, whichever is simulated first."""
        later, earlier = (_image(make_instrument, capture=capture) for capture in (4, 3))
        for apid in (SCIENCE_APID, ANCILLARY_APID):
            last = [packet.sequence_count for packet in earlier if packet.apid == apid][-1]
            first = next(packet.sequence_count for packet in later if packet.apid == apid)
            assert first == (last + 1) % 2**14

    def test_same_seed_same_packets(self, make_instrument: _MAKERS) -> None:
        """And another seed, satellite or capture sees other noise."""
        once = _image(make_instrument)
        assert _image(make_instrument) == once
        for other in ({"seed": 1}, {"satellite": "SAT-02"}):
            assert [packet.body for packet in _image(make_instrument, **other)] != [
                packet.body for packet in once
            ]

    def test_the_footprint_is_around_the_target(self, make_instrument: _MAKERS) -> None:
        """A closed ring of the size that the design says."""
        task, track = sample_capture(_DESIGN)
        epsg, east_m, north_m = utm_origin(task.latitude_deg, task.longitude_deg)
        instrument = make_instrument(_DESIGN, seed=0, satellite="SAT-01")
        ring = instrument.footprint(task, track, epsg)
        np.testing.assert_array_equal(ring[0], ring[-1])
        polygon = shapely.Polygon(ring)
        assert polygon.is_valid
        assert polygon.contains(shapely.Point(east_m, north_m))
        expected_m2 = _DESIGN.columns * _DESIGN.lines * _DESIGN.gsd_m**2
        assert polygon.area == pytest.approx(expected_m2, rel=0.03)

    @pytest.mark.parametrize("rho", [0.05, 0.3, 0.9])
    def test_calibrated_numbers_are_the_radiance_of_the_ground(
        self, make_instrument: _MAKERS, rho: float
    ) -> None:
        """Mean over an even ground within 0.2 %, each pixel within six of its own sigmas."""
        known = make_instrument(_DESIGN, seed=0, satellite="SAT-01").calibration()
        lines, _ = _opened(_image(make_instrument, rho=rho))
        dn = np.zeros((len(_DESIGN.bands), _DESIGN.lines, _DESIGN.columns))
        for line in lines:
            dn[line.band, line.line] = line.dn
        signal = (dn - known.dark_dn[:, None, :]) / known.response[:, None, :]
        radiance = signal * known.radiance_per_dn[:, None, None]
        true = rho * known.esun_w_m2_um * np.sin(np.radians(60.0)) / np.pi
        np.testing.assert_allclose(radiance.mean(axis=(1, 2)), true, rtol=2e-3)
        expected = (true / known.radiance_per_dn)[:, None, None]
        sigma = np.sqrt(expected / known.electrons_per_dn + known.read_noise_dn**2 + 1 / 12)
        margin = 6.0 * (sigma + 0.1 + _DESIGN.calibration_residual * expected)
        assert (np.abs(signal - expected) < margin).all()


def _image(
    make: _MAKERS, *, seed: int = 0, satellite: str = "SAT-01", capture: int = 3, rho: float = 0.2
) -> list[Packet]:
    task, track = sample_capture(_DESIGN, capture)
    ground = EvenGround(utm_origin(task.latitude_deg, task.longitude_deg)[0], rho)
    return list(make(_DESIGN, seed=seed, satellite=satellite).image(task, track, ground))


def _opened(packets: list[Packet]) -> tuple[list[ScienceLine], list[Ancillary]]:
    lines = [decode_science(packet.body) for packet in packets if packet.apid == SCIENCE_APID]
    records = [decode_ancillary(packet.body) for packet in packets if packet.apid == ANCILLARY_APID]
    return lines, records
