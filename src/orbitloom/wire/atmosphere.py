"""The clear atmosphere between ground and sensor, as a table made from 6S.

For a band, a flat Lambertian ground of reflectance rho_s far and wide, and reflectances at the top
of the atmosphere rho_toa (Vermote et al., 1997, IEEE TGRS 35, eq. 4; 6SV 1.1, Kotchenova et al.,
2006, Applied Optics 45)::

    rho_toa = gas * (path + T * rho_s / (1 - S * rho_s))

The table holds what 6S says at nodes of geometry, aerosol and wavelength; it is a format, so the
world that makes radiances and the processing that undoes them read the same physics from it. How it
was made: ``scripts/make_atmosphere_table.py``; how good it is: docs/design/atmosphere.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import overload

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

__all__ = ["Coefficients", "coefficients", "solar_irradiance"]

_SAMPLES, _REACH_FWHM = 61, 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Coefficients:
    """What the atmosphere does to one band in one geometry.

    Attributes
    ----------
    path
        Reflectance of the atmosphere itself, divided by `gas`.
    total_transmittance
        Through scattering, down and up, direct and diffuse.
    spherical_albedo
        How much of the light that goes up comes back.
    gas
        Transmittance of the absorbing gases, down and up.
    upward_transmittance
        From the ground to the sensor, gases included: what light of the ground's own goes through.
    """

    path: float
    total_transmittance: float
    spherical_albedo: float
    gas: float
    upward_transmittance: float

    @overload
    def toa(self, surface: float) -> float: ...

    @overload
    def toa(self, surface: NDArray[np.floating]) -> NDArray[np.floating]: ...

    def toa(self, surface: float | NDArray[np.floating]) -> float | NDArray[np.floating]:
        """Return the reflectance at the top of the atmosphere over a surface reflectance."""
        lit = self.total_transmittance * surface / (1.0 - self.spherical_albedo * surface)
        return self.gas * (self.path + lit)

    @overload
    def surface(self, toa: float) -> float: ...

    @overload
    def surface(self, toa: NDArray[np.floating]) -> NDArray[np.floating]: ...

    def surface(self, toa: float | NDArray[np.floating]) -> float | NDArray[np.floating]:
        """Return the surface reflectance that is seen as `toa`: the inverse of `toa`."""
        lit = (toa / self.gas - self.path) / self.total_transmittance
        return lit / (1.0 + self.spherical_albedo * lit)


def coefficients(
    wavelength_um: float,
    fwhm_um: float,
    *,
    sun_zenith_deg: float,
    view_zenith_deg: float,
    relative_azimuth_deg: float,
    aot550: float,
    water_g_cm2: float,
    ozone_cm_atm: float,
) -> Coefficients:
    """Return what a clear atmosphere over sea level does to a band of Gaussian response.

    Continental aerosol, US62 profile. Beyond the table (Sun 80 degrees from the zenith, view 45,
    aerosol 0.7, slant water 30 g/cm2, 0.4 to 2.45 um) its edge holds.

    Parameters
    ----------
    wavelength_um, fwhm_um
        The band's centre and full width at half maximum.
    sun_zenith_deg, view_zenith_deg
        At the ground.
    relative_azimuth_deg
        Between Sun and sensor as seen from the ground; 0 with the Sun behind the sensor.
    aot550
        Optical thickness of the aerosol at 0.55 um.
    water_g_cm2, ozone_cm_atm
        Vertical columns.
    """
    table = _table()
    um, weight = _response(wavelength_um, fwhm_um)
    sun = float(np.clip(sun_zenith_deg, 0.0, table["sun_deg"][-1]))
    view = float(np.clip(view_zenith_deg, 0.0, table["view_deg"][-1]))
    by_aerosol = _weights(table["aot550"], float(np.clip(aot550, 0.0, table["aot550"][-1])))
    azimuth_cosines = np.cos(np.radians(table["azimuth_deg"]))[::-1]
    by_azimuth = _weights(azimuth_cosines, float(np.cos(np.radians(relative_azimuth_deg))))[::-1]
    # The path reflectance grows as 1 / cos(sun); what is left is smooth.
    geometry = np.einsum(
        "asvzw,s,v,z->aw",
        table["path"] * np.cos(np.radians(table["sun_deg"]))[:, None, None, None],
        _weights(table["sun_deg"], sun),
        _weights(table["view_deg"], view),
        by_azimuth,
    ) / np.cos(np.radians(sun))
    log_um, nodes_um = np.log(um), np.log(table["wavelength_um"])

    def at(values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return values at the band's wavelengths, between nodes by a power law, as 6S has it."""
        return np.exp(np.interp(log_um, nodes_um, np.log(np.maximum(values, 1e-6))))

    molecules, path = at(geometry[0]), at(by_aerosol @ geometry)
    down = at(by_aerosol @ _transmittance(table, sun))
    up = at(by_aerosol @ _transmittance(table, view))  # the same both ways: reciprocity
    albedo = at(by_aerosol @ table["spherical_albedo"])

    air_mass = 1.0 / np.cos(np.radians(sun)) + 1.0 / np.cos(np.radians(view))
    dry = _gas("ozone", "ozone_slant_cm_atm", ozone_cm_atm * air_mass, um)
    dry *= _gas("other", "air_mass", air_mass, um)
    half_wet = dry * _gas("water", "water_slant_g_cm2", water_g_cm2 * air_mass / 2.0, um)
    wet = dry * _gas("water", "water_slant_g_cm2", water_g_cm2 * air_mass, um)
    # As 6S has it, molecules scatter above the water vapour and aerosol amid it.
    seen = molecules * dry + (path - molecules) * half_wet
    gas = float(weight @ wet)
    passed = weight * wet / gas
    share_up = 1.0 / np.cos(np.radians(view)) / air_mass
    return Coefficients(
        path=float(weight @ seen) / gas,
        total_transmittance=float(passed @ (down * up)),
        spherical_albedo=float(passed @ albedo),
        gas=gas,
        upward_transmittance=float(weight @ (wet**share_up * up)),
    )


def solar_irradiance(wavelength_um: float, fwhm_um: float) -> float:
    """Return the Sun's irradiance at 1 au in a band, W/m2/um, by the spectrum of 6S."""
    table = _table()
    um, _ = _response(wavelength_um, fwhm_um)
    response = _gaussian(um, wavelength_um, fwhm_um)
    solar = np.interp(um, table["gas_um"], table["solar_w_m2_um"])
    return float(response @ solar / response.sum())


def _response(centre_um: float, fwhm_um: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return wavelengths over a band and their weights: response times sunlight, of sum 1."""
    table = _table()
    reach = _REACH_FWHM * max(fwhm_um, 1e-4)
    um = centre_um + np.linspace(-reach, reach, _SAMPLES)
    weight = _gaussian(um, centre_um, fwhm_um)
    weight *= np.interp(um, table["gas_um"], table["solar_w_m2_um"])
    return um, weight / weight.sum()


def _gaussian(um: NDArray[np.float64], centre_um: float, fwhm_um: float) -> NDArray[np.float64]:
    return np.asarray(np.exp(-4.0 * np.log(2.0) * ((um - centre_um) / max(fwhm_um, 1e-4)) ** 2))


def _weights(nodes: NDArray[np.float64], x: float) -> NDArray[np.float64]:
    """Return what each node's value counts at x, for the cubic spline through them."""
    return np.asarray(_splines(nodes.tobytes())(x))


@lru_cache(maxsize=16)
def _splines(nodes: bytes) -> CubicSpline:
    """Return the cubic splines that are 1 at one of the nodes, float64, and 0 at the others."""
    at = np.frombuffer(nodes)
    return CubicSpline(at, np.eye(at.size))


def _transmittance(
    table: Mapping[str, NDArray[np.float64]], zenith_deg: float
) -> NDArray[np.float64]:
    """Return the transmittance of scattering, (aerosols, wavelengths), one way.

    Its logarithm goes nearly as the air mass; what is left of it is smooth.
    """
    air_mass = 1.0 / np.cos(np.radians(table["sun_deg"]))[:, None]
    depth = -np.log(table["transmittance"]) / air_mass
    here = np.einsum("asw,s->aw", depth, _weights(table["sun_deg"], zenith_deg))
    return np.asarray(np.exp(-here / np.cos(np.radians(zenith_deg))))


def _gas(name: str, axis: str, amount: float, um: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a gas's transmittance at an amount.

    Strong lines absorb by the square root of the amount (Goody's random bands), so in it the
    spline is smooth.
    """
    table = _table()
    amount = float(np.clip(amount, table[axis][0], table[axis][-1]))
    at_nodes = _weights(np.sqrt(table[axis]), float(np.sqrt(amount))) @ table[name]
    return np.clip(np.interp(um, table["gas_um"], at_nodes), 0.0, 1.0)


@lru_cache(maxsize=1)
def _table() -> dict[str, NDArray[np.float64]]:
    """Return the table's arrays, read once a process and never written."""
    with (
        (files("orbitloom.wire") / "atmosphere.npz").open("rb") as file,
        np.load(file) as stored,
    ):
        table = {
            name: stored[name].astype(np.float64) for name in stored.files if name != "provenance"
        }
    for values in table.values():
        values.flags.writeable = False
    return table
