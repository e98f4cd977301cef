"""The contract of an instrument: inherit it, give yours, and pytest checks that it keeps it.

::

    from orbitloom.testing.instrument import InstrumentContract

    class TestMine(InstrumentContract):
        @pytest.fixture
        def make_instrument(self):
            return MyImager  # called as MyImager(design, seed=0, satellite="SAT-01")

A TOML file is tested with ``load_extension("instruments", "imager10m")`` as the maker and the
fixture `design` giving `orbitloom.scenario.load_instrument(file)`, made small.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from orbitloom.scenario import hardware
from orbitloom.scenario.time import SECOND_NS
from orbitloom.wire import CaptureTask
from orbitloom.wire.imager import Ancillary, decode_ancillary, decode_science
from orbitloom.wire.space_packet import Packet, decode_packet, encode_packet
from orbitloom.world.imager import Instrument
from orbitloom.world.scene import SCENE_BANDS, Surface, utm_origin
from orbitloom.world.viewing import Track

__all__ = ["EvenGround", "InstrumentContract", "SlopedGround", "sample_capture"]

_ALTITUDE_M, _RADIUS_M = 505e3, 6_378_137.0
_SPEED_M_S = 7_000.0  # over the rotating ground
_LINE_NS = 1_541_700  # 10 m of ground below
_AU_M = 149_597_870_700.0
_DESIGN = hardware.Instrument(columns=48, lines=120)
_TICK_NS = 30  # half a tick of CUC
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
    t_ns = np.arange(
        start_ns - margin_ns, end_ns + margin_ns + SECOND_NS, SECOND_NS, dtype=np.int64
    )
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


@dataclass(frozen=True, slots=True)
class SlopedGround(EvenGround):
    """A ground that is brighter to the north-east, so that each band tells where it looks."""

    east_m: float = 0.0
    north_m: float = 0.0
    per_m: float = 2e-4

    def surface(self, easting_m: NDArray[np.float64], northing_m: NDArray[np.float64]) -> Surface:
        """Return reflectance that grows by `per_m` a metre to the north and to the east."""
        away_m = (easting_m - self.east_m) + (northing_m - self.north_m)
        rho = (self.rho + self.per_m * away_m).astype(np.float32)
        return Surface(reflectance=np.broadcast_to(rho, (len(self.bands), *rho.shape)).copy())


class InstrumentContract:
    """What every `Instrument` keeps. Give the fixture `make_instrument`: a class or a function."""

    @pytest.fixture
    def make_instrument(self) -> _MAKERS:
        """Return what makes an instrument from its design, ``seed`` and ``satellite``."""
        raise NotImplementedError("give the fixture make_instrument")

    @pytest.fixture
    def design(self) -> hardware.Instrument:
        """Return the design that is built; 16 to 100 columns and 60 to 200 lines keep it quick."""
        return _DESIGN

    def test_the_calibration_has_a_number_for_every_pixel(
        self, make_instrument: _MAKERS, design: hardware.Instrument
    ) -> None:
        """Shapes, and numbers that one can divide by."""
        known = make_instrument(design, seed=0, satellite="SAT-01").calibration()
        bands = len(design.bands)
        assert known.band_names == tuple(band.name for band in design.bands)
        for values in (known.wavelength_um, known.esun_w_m2_um, known.radiance_per_dn):
            assert values.shape == (bands,)
            assert (values > 0).all()
        assert known.dark_dn.shape == known.response.shape == (bands, design.columns)
        assert (known.response > 0).all()
        assert known.ifov_rad > 0
        assert known.electrons_per_dn > 0
        assert known.gsd_m == design.gsd_m
        assert known.saturation_dn == 2**design.bits - 1
        assert known.layout == design.layout
        assert known.bad is None or known.bad.shape == known.response.shape
        assert known.offset_px is None or known.offset_px.shape == (bands, 2)

    def test_every_line_of_every_band_comes_once_and_in_time(
        self, make_instrument: _MAKERS, design: hardware.Instrument
    ) -> None:
        """Packets fit their format, their times never go back, their counts have no gap."""
        packets, layout = _image(make_instrument, design), design.layout
        for packet in packets:
            back = decode_packet(encode_packet(packet, layout.time_code), layout.time_code)
            assert abs(back.t_ns - packet.t_ns) <= _TICK_NS
            assert replace(back, t_ns=packet.t_ns) == packet
        assert all(a.t_ns <= b.t_ns for a, b in pairwise(packets))
        for apid in (layout.science_apid, layout.ancillary_apid):
            counts = [packet.sequence_count for packet in packets if packet.apid == apid]
            assert set(np.diff(counts) % 2**14) == {1}
        dn, times, records = _opened(packets, design)
        assert (times == 1).all()
        assert dn.max() < 2**design.bits
        task, _ = sample_capture(design)
        assert records[0].t_ns < task.start_ns
        assert records[-1].t_ns >= task.start_ns + (design.lines - 1) * records[0].line_period_ns
        assert {(r.lines, r.columns, r.bands, r.bits) for r in records} == {
            (design.lines, design.columns, len(design.bands), design.bits)
        }

    def test_sequence_counts_go_on_from_capture_to_capture(
        self, make_instrument: _MAKERS, design: hardware.Instrument
    ) -> None:
        """The next capture starts where this one ended, whichever is simulated first."""
        later, earlier = (_image(make_instrument, design, capture=capture) for capture in (4, 3))
        for apid in (design.layout.science_apid, design.layout.ancillary_apid):
            last = [packet.sequence_count for packet in earlier if packet.apid == apid][-1]
            first = next(packet.sequence_count for packet in later if packet.apid == apid)
            assert first == (last + 1) % 2**14

    def test_same_seed_same_packets(
        self, make_instrument: _MAKERS, design: hardware.Instrument
    ) -> None:
        """And another seed, satellite or capture sees other noise."""
        once = _image(make_instrument, design)
        assert _image(make_instrument, design) == once
        for other in ({"seed": 1}, {"satellite": "SAT-02"}):
            assert [packet.body for packet in _image(make_instrument, design, **other)] != [
                packet.body for packet in once
            ]

    def test_the_footprint_is_around_the_target(
        self, make_instrument: _MAKERS, design: hardware.Instrument
    ) -> None:
        """A closed ring of the size that the design says."""
        task, track = sample_capture(design)
        epsg, east_m, north_m = utm_origin(task.latitude_deg, task.longitude_deg)
        instrument = make_instrument(design, seed=0, satellite="SAT-01")
        ring = instrument.footprint(task, track, epsg)
        np.testing.assert_array_equal(ring[0], ring[-1])
        polygon = shapely.Polygon(ring)
        assert polygon.is_valid
        assert polygon.contains(shapely.Point(east_m, north_m))
        expected_m2 = design.columns * design.lines * design.gsd_m**2
        assert polygon.area == pytest.approx(expected_m2, rel=0.03)

    @pytest.mark.parametrize("rho", [0.05, 0.3, 0.9])
    def test_calibrated_numbers_are_the_radiance_of_the_ground(
        self, make_instrument: _MAKERS, design: hardware.Instrument, rho: float
    ) -> None:
        """Mean over an even ground within 0.2 %, each pixel within six of its own sigmas."""
        known = make_instrument(design, seed=0, satellite="SAT-01").calibration()
        dn, _, _ = _opened(_image(make_instrument, design, rho=rho), design)
        signal = (dn - known.dark_dn[:, None, :]) / known.response[:, None, :]
        true = rho * known.esun_w_m2_um * np.sin(np.radians(60.0)) / np.pi
        expected = (true / known.radiance_per_dn)[:, None, None]
        sigma = np.sqrt(expected / known.electrons_per_dn + known.read_noise_dn**2 + 1 / 12)
        fixed = np.hypot(design.calibration_residual, design.striping) * expected
        good = np.ones(known.response.shape, bool) if known.bad is None else ~known.bad
        for band in range(len(design.bands)):
            if expected[band] + known.dark_dn.max() > 0.98 * known.saturation_dn:
                continue  # brighter than this band's full scale
            seen = signal[band][:, good[band]]
            room = 4.0 * fixed[band].item() / np.sqrt(good[band].sum())
            assert abs(seen.mean() - expected[band].item()) < 2e-3 * expected[band].item() + room
            margin = 6.0 * (sigma[band] + 0.1 + fixed[band])
            assert (np.abs(seen - expected[band]) < margin).all()

    def test_what_is_too_bright_is_the_highest_code(
        self, make_instrument: _MAKERS, design: hardware.Instrument
    ) -> None:
        """Saturation is told by the code that the calibration names, in all the bits there are."""
        known = make_instrument(design, seed=0, satellite="SAT-01").calibration()
        dn, _, _ = _opened(_image(make_instrument, design, rho=50.0), design)
        good = np.ones(known.response.shape, bool) if known.bad is None else ~known.bad
        assert (dn.transpose(0, 2, 1)[good] == known.saturation_dn).all()

    def test_each_band_looks_where_the_calibration_says(
        self, make_instrument: _MAKERS, design: hardware.Instrument
    ) -> None:
        """Bands differ by their places on the focal plane, as far as these are known."""
        task, track = sample_capture(design)
        epsg, east_m, north_m = utm_origin(task.latitude_deg, task.longitude_deg)
        names = tuple(band.name for band in design.bands)
        instrument = make_instrument(design, seed=0, satellite="SAT-01")
        known = instrument.calibration()
        per_m = 0.3 / (design.gsd_m * (design.lines + design.columns))
        ground = SlopedGround(epsg, 0.3, names, east_m=east_m, north_m=north_m, per_m=per_m)
        dn, _, _ = _opened(list(instrument.image(task, track, ground)), design)
        good = np.ones(known.response.shape, bool) if known.bad is None else ~known.bad
        signal = (dn - known.dark_dn[:, None, :]) / known.response[:, None, :]
        places = np.zeros((len(names), 2)) if known.offset_px is None else known.offset_px
        for band in range(len(names)):
            light = signal[band][:, good[band]].mean() * known.radiance_per_dn[band]
            rho = light * np.pi / known.esun_w_m2_um[band] / np.sin(np.radians(60.0))
            middle = np.flatnonzero(good[band]).mean() - (design.columns - 1) / 2
            ahead = float(places[band].sum()) + middle
            told = (rho - 0.3) / (per_m * design.gsd_m)
            assert told == pytest.approx(ahead, abs=1.0 + 5.0 * design.offset_knowledge_px)


def _image(
    make: _MAKERS,
    design: hardware.Instrument,
    *,
    seed: int = 0,
    satellite: str = "SAT-01",
    capture: int = 3,
    rho: float = 0.2,
) -> list[Packet]:
    task, track = sample_capture(design, capture)
    names = tuple(band.name for band in design.bands)
    ground = EvenGround(utm_origin(task.latitude_deg, task.longitude_deg)[0], rho, names)
    return list(make(design, seed=seed, satellite=satellite).image(task, track, ground))


def _opened(
    packets: list[Packet], design: hardware.Instrument
) -> tuple[NDArray[np.float64], NDArray[np.int64], list[Ancillary]]:
    """Return digital numbers (bands, lines, columns), how often each line came, and the records."""
    layout, bands = design.layout, len(design.bands)
    dn = np.zeros((bands, design.lines, design.columns))
    times = np.zeros((bands, design.lines), np.int64)
    records = []
    for packet in packets:
        if packet.apid == layout.ancillary_apid:
            records.append(decode_ancillary(packet.body))
            continue
        assert packet.apid == layout.science_apid
        line = decode_science(packet.body, layout, columns=design.columns, bands=bands)
        place = slice(None) if layout.interleave == "line" else line.band
        dn[place, line.line] = line.dn
        times[place, line.line] += 1
    return dn, times, records
