"""How much light arrives over a laser link, and how many bits a second it carries.

    P_r = P_t eta_t eta_r G_t G_r L_t L_r L_s

    G_t = 16 / Theta^2            gain of a Gaussian beam of full divergence Theta (1/e^2)
    G_r = (pi D / lambda)^2       gain of the receiving aperture D
    L_t = exp(-G_t theta_t^2)     pointing loss of the sender, error theta_t
    L_r = exp(-G_r theta_r^2)     pointing loss of the receiver
    L_s = (lambda / 4 pi R)^2     free space over R

(form as in Liang et al., arXiv 2204.13177; its numbers are this module's defaults, which are
estimates). A receiver needs a number of photons a bit, so its sensitivity grows with the rate; the
default is -35.5 dBm at 10 Gbit/s. The rate of a link is the fastest of a ladder for which the
light exceeds the sensitivity by a margin. Only L_s changes in flight, so each rate has a range.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from orbitloom.scenario.links import Laser

__all__ = ["LaserBudget", "decibel", "point_ahead_rad"]

Floats = NDArray[np.float64]

_SPEED_OF_LIGHT_M_S = 299_792_458.0
_REFERENCE_BPS = 10e9


def decibel(ratio: ArrayLike) -> Floats:
    """Return ratios of powers in dB."""
    return np.asarray(10.0 * np.log10(ratio))


def point_ahead_rad(velocity_m_s: Floats, line: Floats) -> Floats:
    """Return how far ahead of the light that comes in a terminal must send, rad.

    While light goes there and back the other one moves: 2 v / c, with v the relative velocity
    across the line (Lambert and Casey, *Laser communications in space*, 1995).

    Parameters
    ----------
    velocity_m_s
        (..., 3) of the other, relative, inertial.
    line
        (..., 3) to the other, any length.
    """
    unit = line / np.linalg.norm(line, axis=-1, keepdims=True)
    across = velocity_m_s - np.sum(velocity_m_s * unit, axis=-1, keepdims=True) * unit
    return np.asarray(2.0 * np.linalg.norm(across, axis=-1) / _SPEED_OF_LIGHT_M_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaserBudget:
    """The budget of one kind of terminal, talking to its like.

    Attributes
    ----------
    fixed_dbm
        All of the budget but the loss in free space, dBm.
    wavelength_m
        Of the light.
    sensitivity_dbm
        Least light at 10 Gbit/s.
    margin_db
        Kept above the sensitivity.
    rates_bps
        Rates the terminal can send at, from the fastest down.

    Examples
    --------
    >>> budget = LaserBudget.of(Laser())
    >>> round(float(budget.received_dbm(2_000e3)), 3), float(budget.rate_bps(3_563e3)) / 1e9
    (-23.842, 10.0)
    """

    fixed_dbm: float
    wavelength_m: float
    sensitivity_dbm: float
    margin_db: float
    rates_bps: tuple[float, ...]

    @classmethod
    def of(cls, laser: Laser) -> LaserBudget:
        """Return the budget of a scenario's terminals."""
        wavelength_m = 1e-9 * laser.wavelength_nm
        error_rad = 1e-6 * laser.pointing_error_urad
        sending = 16.0 / (1e-6 * laser.divergence_urad) ** 2
        receiving = (np.pi * 1e-3 * laser.aperture_mm / wavelength_m) ** 2
        pointing = -(sending + receiving) * error_rad**2 * 10.0 / np.log(10.0)
        optics = laser.transmit_efficiency * laser.receive_efficiency
        gains_db = float(decibel(1e3 * laser.transmit_w * optics * sending * receiving))
        slower = [rate for rate in laser.ladder_gbps if rate < laser.rate_gbps]
        rates = sorted({laser.rate_gbps, *slower}, reverse=True)
        return cls(
            fixed_dbm=gains_db + float(pointing),
            wavelength_m=wavelength_m,
            sensitivity_dbm=laser.sensitivity_dbm,
            margin_db=laser.margin_db,
            rates_bps=tuple(1e9 * rate for rate in rates),
        )

    def free_space_db(self, range_m: ArrayLike) -> Floats:
        """Return the loss in free space, dB, below zero."""
        return 2.0 * decibel(self.wavelength_m / (4.0 * np.pi * np.asarray(range_m)))

    def received_dbm(self, range_m: ArrayLike) -> Floats:
        """Return the light that arrives over a range, dBm."""
        return self.fixed_dbm + self.free_space_db(range_m)

    def needed_dbm(self, rate_bps: float) -> float:
        """Return the least light a rate needs, margin included, dBm."""
        return self.sensitivity_dbm + float(decibel(rate_bps / _REFERENCE_BPS)) + self.margin_db

    def reach_m(self, rate_bps: float) -> float:
        """Return the longest range that carries a rate, m."""
        spare_db = self.fixed_dbm - self.needed_dbm(rate_bps)
        return float(self.wavelength_m / (4.0 * np.pi) * 10.0 ** (spare_db / 20.0))

    def rate_bps(self, range_m: ArrayLike) -> Floats:
        """Return the rate over a range, bit/s; 0 where the light is too weak for any."""
        rate = np.zeros(np.shape(range_m))
        for one in reversed(self.rates_bps):
            rate = np.where(np.asarray(range_m) <= self.reach_m(one), one, rate)
        return rate
