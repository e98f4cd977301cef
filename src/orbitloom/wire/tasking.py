"""What a satellite is told before a look, and the calibration it flies with."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from orbitloom.scenario.hardware import PacketLayout

__all__ = ["Calibration", "CaptureTask"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureTask:
    """One look at one target, as it is uplinked. It says where to look, never what is there.

    `capture` is unique in a flight, and the number that the packets carry; `app` names the
    application that is ordered.
    """

    capture: int
    satellite: str
    target: str
    latitude_deg: float
    longitude_deg: float
    start_ns: int
    end_ns: int
    roll_deg: float
    app: str = "flood"

    @property
    def middle_ns(self) -> int:
        """Middle of the capture, from which an answer's latency counts."""
        return (self.start_ns + self.end_ns) // 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration:
    """What is known of an instrument when it flies; measured on the ground, so not quite the truth.

    Radiance = (DN - dark[band, column]) * radiance_per_dn[band] / response[band, column].

    Attributes
    ----------
    calibration_id
        Names this set in every product made with it.
    band_names, wavelength_um, esun_w_m2_um
        One entry a band.
    radiance_per_dn
        (bands,) W/m2/sr/um for one digital number above dark.
    dark_dn, response
        (bands, columns) dark level in DN and relative response, about 1.
    electrons_per_dn, read_noise_dn
        For the noise model: shot variance in DN2 is DN above dark / electrons_per_dn.
    saturation_dn
        The highest code; it and above carry no measurement.
    ifov_rad
        Angle between neighbouring columns.
    gsd_m
        Ground sampling distance that products are gridded at.
    fwhm_um
        (bands,) full width at half maximum of each band's response; empty if not known.
    bad
        (bands, columns) pixels known not to measure; None if there are none.
    offset_px
        (bands, 2) how far each band sees its line and column ahead of what its packets say
        (along track, across track), known from the ground; None if all bands see the same place.
    response_sigma, dark_sigma_dn
        Standard uncertainty of `response` (relative) and of `dark_dn`.
    layout
        How the imager's science packets are laid out.
    """

    calibration_id: str
    band_names: tuple[str, ...]
    wavelength_um: NDArray[np.float64]
    esun_w_m2_um: NDArray[np.float64]
    radiance_per_dn: NDArray[np.float64]
    dark_dn: NDArray[np.float32]
    response: NDArray[np.float32]
    electrons_per_dn: float
    read_noise_dn: float
    saturation_dn: int
    ifov_rad: float
    gsd_m: float = 10.0
    fwhm_um: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    bad: NDArray[np.bool_] | None = None
    offset_px: NDArray[np.float64] | None = None
    response_sigma: float = 0.0
    dark_sigma_dn: float = 0.0
    layout: PacketLayout = field(default_factory=PacketLayout)
