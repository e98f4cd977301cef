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
_LEAST_SHARE, _STEPS = 1e-3, 120
_IMPOSSIBLE = 1e6


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
    array([  43., 3344.])
    """
    return np.asarray(_C1 / wavelength_um**5 / np.expm1(_C2 / (wavelength_um * temperature_k)))


def fire_power(
    rim: NDArray[np.float64],
    rim_sigma: NDArray[np.float64],
    core: NDArray[np.float64],
    core_sigma: NDArray[np.float64],
    *,
    full: NDArray[np.float64],
    wavelength_um: NDArray[np.float64],
    core_m2: float,
) -> FirePower:
    """Return area, temperature and power of one fire: Bayes' rule on a grid of what is not known.

    Cells that no band saturates, the rim, give the temperature by the ratio of their sums, and
    their part of the area; so do all cells of a fire that saturates nothing. In the core the
    bands that are not saturated measure, the others tell how much at least burns in its middle and
    at its edge; between them the share that burns is taken to fall as a Gaussian does, which a
    small fire is behind any optics. Its logarithm in the middle is uniform beforehand.

    Parameters
    ----------
    rim, core
        (bands,) what the fire adds in cells that nothing saturates and in the others, radiance
        times ground area: W/sr/um.
    rim_sigma, core_sigma
        (bands,) their standard uncertainties: noise, and the ground below.
    full
        (bands,) excess radiance at which a band was saturated in the core, W/m2/sr/um; infinite
        where it was not.
    wavelength_um
        (bands,) centres of the bands.
    core_m2
        Area of the core's cells; zero where nothing is saturated.
    """
    kelvin = _TEMPERATURES_K
    glow = np.stack([planck(float(centre_um), kelvin) for centre_um in wavelength_um])
    # The rim's area for each temperature, by least squares over the bands.
    spread = np.hypot(rim_sigma, _MODEL_ERROR * np.abs(rim))[:, None]
    weight = (glow**2 / spread**2).sum(axis=0)
    rim_m2 = np.maximum((glow * rim[:, None] / spread**2).sum(axis=0) / weight, 0.0)
    log_rim = -0.5 * (((rim[:, None] - rim_m2 * glow) / spread) ** 2).sum(axis=0)
    log_rim += -0.5 * ((kelvin - _USUAL_K) / _USUAL_SIGMA_K) ** 2
    log_posterior = np.repeat(log_rim[None, :], _STEPS, axis=0)
    inside_m2 = np.zeros((_STEPS, 1))
    if core_m2 > 0.0:
        shares = np.geomspace(_LEAST_SHARE, 1.0, _STEPS)[:, None]
        needed = full[:, None] / glow  # shares that fill each band
        measures = ~np.isfinite(full)
        least = np.where(measures[:, None], 0.0, needed).max(axis=0)
        edge = np.clip(needed.min(axis=0), _LEAST_SHARE / 2.0, shares)
        fall = np.maximum(np.log(shares / edge), 1e-6)
        inside_m2 = core_m2 * (shares - edge * (shares > edge)) / fall
        inside_m2 = np.where(fall > 1e-3, inside_m2, core_m2 * shares)
        log_posterior[shares < np.minimum(least, 1.0)] -= _IMPOSSIBLE
        for band in np.flatnonzero(measures):
            model = inside_m2 * glow[band]
            spread = np.hypot(core_sigma[band], _MODEL_ERROR * model)
            log_posterior += -0.5 * ((model - core[band]) / spread) ** 2 - np.log(spread)
    share = np.exp(log_posterior - log_posterior.max())
    share /= share.sum()
    area_m2 = inside_m2 + rim_m2
    power_mw = _STEFAN_BOLTZMANN * area_m2 * kelvin**4 * 1e-6
    # Besides what the grid spans: the rim's own noise and the model's error.
    own = np.hypot(_MODEL_ERROR, 1.0 / np.sqrt((rim_m2**2 * weight).max() + 1.0))

    def moments(value: NDArray[np.float64], own: float) -> tuple[float, float]:
        mean = float((share * value).sum())
        scatter = float(np.sqrt((share * (value - mean) ** 2).sum()))
        return mean, float(np.hypot(scatter, own * mean))

    power, area = moments(power_mw, float(own)), moments(area_m2, float(own))
    temperature = moments(np.broadcast_to(kelvin, share.shape), 0.0)
    return FirePower(
        power_mw=power[0],
        power_sigma_mw=power[1],
        temperature_k=temperature[0],
        temperature_sigma_k=temperature[1],
        area_m2=area[0],
        area_sigma_m2=area[1],
    )
