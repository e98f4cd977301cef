"""The atmosphere taken out: aerosol estimated from the scene, then surface reflectance.

Aerosol is found where the ground is dark and known: over dense dark vegetation the red reflectance
is half, and the blue a quarter, of that at 2.2 um, where aerosol hardly matters (Kaufman et al.,
1997, IEEE TGRS 35); without 2.2 um what is left of it, blue half of red, has to do. No pixel may
come out black: the darkest ones bound the aerosol from above (Vermote et al., 1997, JGR 102). Water
vapour and ozone come from a climatology.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from orbitloom.processing.masks import CLOUD, NO_DATA, SHADOW, SNOW, SPOILT, WATER
from orbitloom.scenario.time import DAY_NS
from orbitloom.wire.atmosphere import Coefficients, coefficients

__all__ = [
    "Air",
    "View",
    "from_above",
    "take_out",
    "usual_ozone_cm_atm",
    "usual_water_g_cm2",
]

_USUAL_AOT = 0.1  # median of the continents' background
_AOT = np.array([0.01, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6])
_STEP = 8  # every eighth pixel, either way, is enough to estimate from
_LEAST_DARK = 200  # sampled pixels of dark vegetation
_LEAST_NDVI, _DARK_SWIR22, _DARK_RED = 0.5, (0.01, 0.15), 0.12
_BLUE_OF_RED, _RED_OF_SWIR22, _BLUE_OF_SWIR22 = 0.5, 0.5, 0.25
_DARKEST_SHARE, _BLACK = 0.01, 0.005
_TROPICAL_G_CM2, _POLAR_G_CM2, _WIDTH_DEG, _SWING_DEG, _WARMEST_DAY = 4.3, 0.4, 38.0, 10.0, 210.0


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Where the Sun and the sensor stand over a scene, and what is known of its air from that.

    Angles at the ground; azimuth is the Sun's less the sensor's, both as seen from the ground.
    """

    sun_zenith_deg: float
    view_zenith_deg: float
    relative_azimuth_deg: float
    latitude_deg: float
    longitude_deg: float
    t_ns: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Air:
    """What was taken out of a scene.

    Attributes
    ----------
    aot550
        Aerosol optical thickness at 0.55 um.
    estimated
        Whether the scene told it; else it is the usual one.
    water_g_cm2, ozone_cm_atm
        Of the climatology.
    coefficients
        One a band.
    """

    aot550: float
    estimated: bool
    water_g_cm2: float
    ozone_cm_atm: float
    coefficients: tuple[Coefficients, ...]

    @property
    def sunlight(self) -> NDArray[np.float64]:
        """How much of the Sun's light at the top reaches the ground, (bands,)."""
        return np.array(
            [
                one.gas * one.total_transmittance / one.upward_transmittance
                for one in self.coefficients
            ]
        )


def usual_water_g_cm2(latitude_deg: float, t_ns: int) -> float:
    """Return the usual water vapour column: a bell over latitude that follows the Sun.

    A fit by eye of zonal means (Trenberth, Fasullo & Smith, 2005, Climate Dynamics 24): 4.7 in the
    tropics, 2.2 and 0.9 at 45 degrees in summer and winter. Half of it is a usual error.
    """
    season = np.cos(2.0 * np.pi * (_day_of_year(t_ns) - _WARMEST_DAY) / 365.25)
    north_of_bell = latitude_deg - _SWING_DEG * season
    bell = np.exp(-((north_of_bell / _WIDTH_DEG) ** 2))
    return float(_POLAR_G_CM2 + _TROPICAL_G_CM2 * bell)


def usual_ozone_cm_atm(latitude_deg: float, longitude_deg: float, t_ns: int) -> float:
    """Return the usual ozone column (van Heuklon, 1979, Solar Energy 22)."""
    north = latitude_deg > 0.0
    a, beta, c, f, h = (
        (150.0, 1.28, 40.0, -30.0, 3.0) if north else (100.0, 1.5, 30.0, 152.625, 2.0)
    )
    i = (20.0 if longitude_deg > 0.0 else 0.0) if north else -75.0
    year = np.sin(np.radians(0.9865 * (_day_of_year(t_ns) + f)))
    around = np.sin(np.radians(h * (longitude_deg + i)))
    height = np.sin(np.radians(beta * latitude_deg)) ** 2
    return float((235.0 + (a + c * year + 20.0 * around) * height) * 1e-3)


def _day_of_year(t_ns: int) -> float:
    """Return the days since the mean year's start (leap days blur it by one)."""
    return (t_ns / DAY_NS) % 365.2425


def take_out(
    rho: NDArray[np.float32],
    band_names: Sequence[str],
    mask: NDArray[np.uint8],
    wavelength_um: Sequence[float] | NDArray[np.float64],
    fwhm_um: Sequence[float] | NDArray[np.float64],
    view: View,
) -> Air:
    """Turn reflectance at the top of the atmosphere into that of the surface, in place.

    Parameters
    ----------
    rho
        (bands, lines, columns); what has no data stays zero.
    band_names, wavelength_um, fwhm_um
        One a band.
    mask
        (lines, columns), flags of `masks`: says where the ground is seen.
    view
        The scene's middle stands for all of it.
    """
    water = usual_water_g_cm2(view.latitude_deg, view.t_ns)
    ozone = usual_ozone_cm_atm(view.latitude_deg, view.longitude_deg, view.t_ns)

    def air(band: int, aot550: float) -> Coefficients:
        return _air(float(wavelength_um[band]), float(fwhm_um[band]), aot550, view)

    few = (slice(None, None, _STEP), slice(None, None, _STEP))
    seen = (mask[few] & (NO_DATA | SPOILT | CLOUD | SHADOW | SNOW)) == 0
    dry = seen & ((mask[few] & WATER) == 0)
    sample = {
        name: (rho[band][few], [air(band, float(aot)) for aot in _AOT])
        for band, name in enumerate(band_names)
        if name in ("blue", "red", "nir", "swir22")
    }
    aot550, estimated = _aerosol(sample, seen, dry)
    found = tuple(air(band, aot550) for band in range(len(band_names)))
    no_data = NO_DATA
    for band, one in enumerate(found):
        gain = np.float32(1.0 / (one.gas * one.total_transmittance))
        offset = np.float32(one.path / one.total_transmittance)
        _to_surface(rho[band], mask, no_data, gain, offset, np.float32(one.spherical_albedo))
    return Air(
        aot550=aot550,
        estimated=estimated,
        water_g_cm2=water,
        ozone_cm_atm=ozone,
        coefficients=found,
    )


def from_above(
    rho: NDArray[np.float32],
    wavelength_um: Sequence[float] | NDArray[np.float64],
    fwhm_um: Sequence[float] | NDArray[np.float64],
    view: View,
) -> NDArray[np.float32]:
    """Return a surface as it is seen from above a usual atmosphere, for masks that expect one.

    Parameters and shapes are those of `take_out`.
    """
    airs = [
        _air(float(um), float(fwhm), _USUAL_AOT, view)
        for um, fwhm in zip(wavelength_um, fwhm_um, strict=True)
    ]
    return np.stack([air.toa(band) for air, band in zip(airs, rho, strict=True)])


def _air(wavelength_um: float, fwhm_um: float, aot550: float, view: View) -> Coefficients:
    return coefficients(
        wavelength_um,
        fwhm_um,
        sun_zenith_deg=view.sun_zenith_deg,
        view_zenith_deg=view.view_zenith_deg,
        relative_azimuth_deg=view.relative_azimuth_deg,
        aot550=aot550,
        water_g_cm2=usual_water_g_cm2(view.latitude_deg, view.t_ns),
        ozone_cm_atm=usual_ozone_cm_atm(view.latitude_deg, view.longitude_deg, view.t_ns),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _to_surface(
    rho: NDArray[np.float32],
    mask: NDArray[np.uint8],
    no_data: int,
    gain: np.float32,
    offset: np.float32,
    albedo: np.float32,
) -> None:
    """Invert the forward model of one band in place (see `Coefficients.surface`)."""
    lines, columns = rho.shape
    one = np.float32(1.0)
    for line in range(lines):
        for column in range(columns):
            if mask[line, column] & no_data:
                continue
            lit = rho[line, column] * gain - offset
            rho[line, column] = lit / (one + albedo * lit)


_Sample = dict[str, tuple[NDArray[np.float32], list[Coefficients]]]


def _aerosol(
    sample: _Sample, seen: NDArray[np.bool_], dry: NDArray[np.bool_]
) -> tuple[float, bool]:
    """Return the aerosol, and whether the scene told it."""
    told = _over_vegetation(sample, dry)
    aot550 = _USUAL_AOT if told is None else told
    # Clear water may truly be black in the red; only where there is no land does it have to do.
    limit = _darkest_allow(sample, dry if np.count_nonzero(dry) >= _LEAST_DARK else seen)
    if limit < aot550:
        return limit, True
    return aot550, told is not None


def _over_vegetation(sample: _Sample, dry: NDArray[np.bool_]) -> float | None:
    """Return the aerosol with which dark vegetation has the colour it is known to have."""
    if not {"blue", "red", "nir"} <= sample.keys():
        return None
    red, nir = sample["red"][0], sample["nir"][0]
    dark = dry & (nir - red > _LEAST_NDVI * (nir + red)) & (red < _DARK_RED)
    if "swir22" in sample:
        low, high = _DARK_SWIR22
        dark &= (sample["swir22"][0] > low) & (sample["swir22"][0] < high)
    if np.count_nonzero(dark) < _LEAST_DARK:
        return None
    at = {name: _surfaces(values[dark], airs) for name, (values, airs) in sample.items()}
    misses = [at["blue"] - _BLUE_OF_RED * at["red"]]
    if "swir22" in at:
        misses = [
            at["blue"] - _BLUE_OF_SWIR22 * at["swir22"],
            at["red"] - _RED_OF_SWIR22 * at["swir22"],
        ]
    miss = np.sum([np.median(one, axis=1) for one in misses], axis=0)
    # The miss falls as more aerosol is taken out; where it passes zero is the answer.
    told = float(np.interp(0.0, np.maximum.accumulate(-miss), _AOT))
    # The colour alone, blue of red, tells plants apart as much as aerosols: half a vote.
    return told if "swir22" in at else (told + _USUAL_AOT) / 2.0


def _darkest_allow(sample: _Sample, seen: NDArray[np.bool_]) -> float:
    """Return the aerosol above which the darkest pixels would be black in the blue or the red."""
    limit = float(_AOT[-1])
    for name in ("blue", "red"):
        if name in sample and seen.any():
            values, airs = sample[name]
            dark = np.quantile(values[seen], _DARKEST_SHARE)
            left = _surfaces(np.array([dark]), airs)[:, 0]
            limit = min(limit, float(np.interp(-_BLACK, -left, _AOT)))
    return limit


def _surfaces(values: NDArray[np.float32], airs: list[Coefficients]) -> NDArray[np.float32]:
    """Return surface reflectances, (aerosols, values)."""
    return np.stack([np.asarray(air.surface(values), np.float32) for air in airs])
