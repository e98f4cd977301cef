"""How hot, how large and how powerful a fire is, from its short-wave infrared radiance.

A fire of area A and temperature T below a pixel adds ``A B(lambda, T)`` to what the ground sends up
(Dozier, 1981, Remote Sensing of Environment 11), B being Planck's law. Two or three bands give A
and T, and Stefan and Boltzmann's law the power ``sigma A T^4`` (the fire's emissivity taken as 1).
The radiance method of the middle infrared (Wooster et al., 2003, Remote Sensing of Environment 86)
does not carry over: at 2.2 um radiance goes with about the seventh power of T, not the fourth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

__all__ = ["FirePower", "fire_power", "planck"]

_C1 = 1.191042972e8  # 2 h c^2 in W um^4 / m2 / sr
_C2 = 1.438776877e4  # h c / k in um K
_STEFAN_BOLTZMANN = 5.670374419e-8

_TEMPERATURES_K = np.arange(500.0, 1501.0, 20.0)
_USUAL_K, _USUAL_SIGMA_K = 900.0, 200.0
"""Smouldering to flaming vegetation: 600 to 1,300 K (Giglio & Kendall, 2001, Remote Sensing of
Environment 77); it speaks only where the bands do not."""
_MODEL_ERROR = 0.10
"""Relative: emissivity, transmittance, several temperatures in one fire; an estimate."""
_SMALLEST_M2, _STEPS = 1.0, 160


@dataclass(frozen=True, slots=True, kw_only=True)
class FirePower:
    """Means and standard deviations of what is probable, given the radiances."""

    power_mw: float
    power_sigma_mw: float
    temperature_k: float
    temperature_sigma_k: float
    area_m2: float
    area_sigma_m2: float


def planck(wavelength_um: float, temperature_k: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a black body's radiance, W/m2/sr/um.

    >>> planck(2.2, np.array([600.0, 1000.0])).round(0)
    array([  43., 3340.])
    """
    return np.asarray(_C1 / wavelength_um**5 / np.expm1(_C2 / (wavelength_um * temperature_k)))


def fire_power(
    excess: NDArray[np.float64],
    sigma: NDArray[np.float64],
    *,
    saturated: NDArray[np.bool_],
    wavelength_um: NDArray[np.float64],
    largest_m2: float,
) -> FirePower:
    """Return area, temperature and power of one fire: Bayes' rule on a grid of both.

    Parameters
    ----------
    excess
        (bands,) what the fire adds, radiance times ground area: W/sr/um.
    sigma
        (bands,) its standard uncertainty: noise, and the ground below.
    saturated
        (bands,) whether it is a lower bound, for part of it saturated the detector.
    wavelength_um
        (bands,) centres of the bands.
    largest_m2
        Area of the cells that look hot: the fire is not larger.

    Notes
    -----
    The area's logarithm is taken as uniform beforehand. A saturated band says only how little its
    radiance is not, so a fire that saturates all bands has a power with a wide uncertainty.
    """
    area_m2 = np.geomspace(_SMALLEST_M2, max(largest_m2, 2.0 * _SMALLEST_M2), _STEPS)[:, None]
    log_posterior = -0.5 * ((_TEMPERATURES_K - _USUAL_K) / _USUAL_SIGMA_K) ** 2
    log_posterior = np.repeat(log_posterior[None, :], _STEPS, axis=0)
    for band, centre_um in enumerate(wavelength_um):
        model = area_m2 * planck(float(centre_um), _TEMPERATURES_K)
        spread = np.hypot(sigma[band], _MODEL_ERROR * model)
        off = (model - excess[band]) / spread
        log_posterior += log_ndtr(off) if saturated[band] else -0.5 * off**2 - np.log(spread)
    weight = np.exp(log_posterior - log_posterior.max())
    weight /= weight.sum()
    power_mw = _STEFAN_BOLTZMANN * area_m2 * _TEMPERATURES_K**4 * 1e-6

    def moments(value: NDArray[np.float64]) -> tuple[float, float]:
        mean = float((weight * value).sum())
        return mean, float(np.sqrt((weight * (value - mean) ** 2).sum()))

    power = moments(power_mw)
    temperature = moments(np.broadcast_to(_TEMPERATURES_K, weight.shape))
    area = moments(np.broadcast_to(area_m2, weight.shape))
    return FirePower(
        power_mw=power[0],
        power_sigma_mw=power[1],
        temperature_k=temperature[0],
        temperature_sigma_k=temperature[1],
        area_m2=area[0],
        area_sigma_m2=area[1],
    )
