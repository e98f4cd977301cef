"""What a step costs: seconds and joules from operations and bytes over a computer's rates.

A step takes the longest of three times (the roofline of Williams, Waterman & Patterson, 2009,
with a second ceiling for work that cannot be spread over lanes)::

    t = max(array operations  / (peak * kernel_efficiency),
            serial operations / (peak * SERIAL_SHARE),
            bytes moved       / (memory rate * bandwidth_efficiency))

and draws ``load_w - idle_w`` while it runs. The tables below are counts per sample, made by reading
the code of each level; ``docs/design/cost-model.md`` shows how.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from orbitloom.scenario.hardware import Instrument, Survey

__all__ = [
    "LEVELS",
    "SERIAL_SHARE",
    "Profile",
    "StageCost",
    "chain_cost",
    "survey_cost_s_per_s",
]

LEVELS = ("L0", "L1", "L2", "L3", "L4")

SERIAL_SHARE = 1.9e-4
"""Scalar operations a second as a share of the int8 peak. Derived from the NVIDIA Jetson AGX Orin
data sheet: 12 cores x 2.2 GHz x 2 instructions against 275 TOPS."""

_GRID_GROWTH = 1.5
"""Grid pixels a sensor pixel: a square turned by the 12 degrees that a track at 97.4 deg is off
north fills (cos + sin)^2 = 1.41 of its area, and rolled pixels are wider than the grid's."""

_CHIP_PIXELS = 256 * 256


class Profile(Protocol):
    """A computer, as the cost model sees it: `scenario.hardware.Compute` or `Ground`."""

    @property
    def peak_tops(self) -> float:
        """Peak, int8, 1e12 operations a second."""
        ...

    @property
    def memory_gb_per_s(self) -> float:
        """Memory rate."""
        ...

    @property
    def kernel_efficiency(self) -> float:
        """Share of the peak that array kernels reach."""
        ...

    @property
    def bandwidth_efficiency(self) -> float:
        """Share of the memory rate that is reached."""
        ...

    @property
    def half_precision_share(self) -> float:
        """Dense fp16 rate as a share of the int8 peak."""
        ...

    @property
    def load_w(self) -> float:
        """Power at full load."""
        ...

    @property
    def idle_w(self) -> float:
        """Power at rest."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCost:
    """One step's cost.

    Attributes
    ----------
    step
        ``L0`` to ``L4``, ``look`` or ``words``.
    operations
        All operations, array and serial.
    bytes_moved
        Bytes read from and written to memory.
    seconds
        Duration on the profile at full speed.
    joules
        Energy above idle.
    """

    step: str
    operations: float
    bytes_moved: float
    seconds: float
    joules: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """Counts of one step. `array` can fill every lane, `serial` runs on scalar cores."""

    step: str
    array: float
    serial: float
    moved: float


def _work(instrument: Instrument, packet_bytes: float) -> tuple[_Work, ...]:
    """Count the work of one capture, level by level.

    The factors are per *sample* (a pixel of one band), per *pixel* (all bands), per *cell* (a
    pixel of the L3 grid) or per packet byte.
    """
    bands = len(instrument.bands)
    pixels = float(instrument.lines * instrument.columns)
    samples = pixels * bands
    cells = pixels * _GRID_GROWTH
    return (
        # CRC: shift, xor, index, load, xor a byte. Rice: find the run of zeros, shift, mask, add
        # the predictor, unmap the sign (about 12 a sample). Packets read, copied, DN written.
        _Work(
            step="L0",
            array=0.0,
            serial=5.0 * packet_bytes + 12.0 * samples,
            moved=3.0 * packet_bytes + 2.0 * samples,
        ),
        # subtract dark, times gain, saturation test, set flag; DN (2) read, radiance (4) and
        # quality (1) written.
        _Work(step="L1", array=4.0 * samples, serial=0.0, moved=7.0 * samples),
        # times the Sun's factor, clip (3 a sample); NDWI, brightness, whiteness, haze, shadow and
        # three passes of morphology (60 a pixel); radiance read, reflectance written, read again
        # for the tests, masks written and read.
        _Work(
            step="L2",
            array=3.0 * samples + 60.0 * pixels,
            serial=0.0,
            moved=12.0 * samples + 6.0 * pixels,
        ),
        # two polynomials of degree 4 by Horner and the index (24 a cell); bilinear: 4 taps, 3
        # mixes, scale, round (14 a cell and band). Lossless code: predict, hash, match, emit (20
        # scalar operations a cell and band). Taps read, uint16 written, read, coded, written.
        _Work(
            step="L3",
            array=24.0 * cells + 14.0 * cells * bands,
            serial=20.0 * cells * (bands + 1),
            moved=cells * bands * (16.0 + 2.0 + 2.0 + 2.0) + 8.0 * cells,
        ),
        # opening and closing 3 x 3 (36 a cell), label and outline (6 scalar a cell), chip.
        _Work(
            step="L4",
            array=36.0 * cells,
            serial=6.0 * cells + 200.0 * _CHIP_PIXELS,
            moved=12.0 * cells,
        ),
    )


def _priced(work: _Work, profile: Profile) -> StageCost:
    peak_per_s = profile.peak_tops * 1e12
    seconds = max(
        work.array / (peak_per_s * profile.kernel_efficiency),
        work.serial / (peak_per_s * SERIAL_SHARE),
        work.moved / (profile.memory_gb_per_s * 1e9 * profile.bandwidth_efficiency),
    )
    return StageCost(
        step=work.step,
        operations=work.array + work.serial,
        bytes_moved=work.moved,
        seconds=seconds,
        joules=(profile.load_w - profile.idle_w) * seconds,
    )


def chain_cost(
    instrument: Instrument, profile: Profile, packet_bytes: int
) -> tuple[StageCost, ...]:
    """Return what the levels L0 to L4 of one capture cost, in that order.

    Parameters
    ----------
    instrument
        Gives the samples of a capture.
    profile
        The computer.
    packet_bytes
        Size of the capture's packets.
    """
    return tuple(_priced(work, profile) for work in _work(instrument, float(packet_bytes)))


def survey_cost_s_per_s(survey: Survey, instrument: Instrument, profile: Profile) -> float:
    """Return the computer's seconds that one second of survey imaging costs.

    The survey imager's samples a second (its uncoded rate over the bits of a sample) at the cost
    per sample of a capture's chain, whose packets are compressed as the survey's are.
    """
    samples = float(len(instrument.bands) * instrument.lines * instrument.columns)
    packet_bytes = round(samples * instrument.bits / 8 / survey.compression)
    chain_s = sum(cost.seconds for cost in chain_cost(instrument, profile, packet_bytes))
    return survey.rate_mbps * 1e6 / instrument.bits * chain_s / samples
