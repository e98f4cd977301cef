"""The air between a scene and the sensor: what the truth of it is, and what it does to light.

The physics is the table of `orbitloom.wire.atmosphere`, that processing inverts too; how much
aerosol and water vapour there truly is above a target is drawn here, and told to nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orbitloom.scenario import hardware, stream
from orbitloom.wire.atmosphere import Coefficients, coefficients
from orbitloom.wire.tasking import CaptureTask
from orbitloom.world.earth import geodetic_up
from orbitloom.world.scene import SceneSource, Surface
from orbitloom.world.viewing import Track

__all__ = ["Air", "at_top", "draw_air", "emitted_at_top", "sky_over", "through"]

_AEROSOL, _WATER_G_CM2, _OZONE_CM_ATM = (0.05, 0.3), (1.0, 3.0), 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Air:
    """What is in the air: optical thickness of the aerosol at 0.55 um, water vapour, ozone."""

    aot550: float
    water_g_cm2: float
    ozone_cm_atm: float = _OZONE_CM_ATM


def draw_air(seed: int, target: str) -> Air:
    """Return the air above a target, the same for every look."""
    rng = stream(seed, "air", target)
    return Air(aot550=float(rng.uniform(*_AEROSOL)), water_g_cm2=float(rng.uniform(*_WATER_G_CM2)))


def through(
    air: Air, bands: Sequence[hardware.Band], task: CaptureTask, track: Track
) -> tuple[Coefficients, ...]:
    """Return what the air does to each band, for Sun and satellite in mid-capture at the target."""
    up = geodetic_up(task.latitude_deg, task.longitude_deg)
    east = geodetic_up(0.0, task.longitude_deg + 90.0)
    north = np.cross(up, east)
    middle_ns = np.array([task.middle_ns])
    to_sun = track.sun(middle_ns)[0][0]
    # The target's direction is good enough: the ellipsoid's radius differs by 0.3 % at most.
    to_sensor = track.state(middle_ns)[0][0] - 6_371_000.0 * up
    to_sensor /= np.linalg.norm(to_sensor)

    def angles(direction: NDArray[np.float64]) -> tuple[float, float]:
        zenith = np.degrees(np.arccos(np.clip(direction @ up, -1.0, 1.0)))
        return float(zenith), float(np.degrees(np.arctan2(direction @ east, direction @ north)))

    (sun_zenith_deg, sun_azimuth_deg), (view_zenith_deg, view_azimuth_deg) = (
        angles(direction) for direction in (to_sun, to_sensor)
    )
    apart_deg = abs((view_azimuth_deg - sun_azimuth_deg + 180.0) % 360.0 - 180.0)
    return tuple(
        coefficients(
            band.wavelength_um,
            band.width_um,
            sun_zenith_deg=sun_zenith_deg,
            view_zenith_deg=view_zenith_deg,
            relative_azimuth_deg=apart_deg,
            aot550=air.aot550,
            water_g_cm2=air.water_g_cm2,
            ozone_cm_atm=air.ozone_cm_atm,
        )
        for band in bands
    )


def at_top(
    surface: Surface, order: list[int], sky: tuple[Coefficients, ...] | None
) -> NDArray[np.float32]:
    """Return the reflectance at the top of the atmosphere, (bands, ...), clouds included.

    Parameters
    ----------
    surface
        What a scene sends up.
    order
        The scene's band for each band asked for.
    sky
        What the air does to each; None where the scene is as seen from above it.
    """
    rho = surface.reflectance[order]
    if sky is not None:
        for band, air in enumerate(sky):
            rho[band] = air.toa(rho[band])
    if surface.cloud is not None and surface.cloud_reflectance is not None:
        cloud = surface.cloud
        for band, index in enumerate(order):
            rho[band] += cloud * (surface.cloud_reflectance[index] - rho[band])
    return rho


def sky_over(
    ground: SceneSource,
    seed: int,
    bands: Sequence[hardware.Band],
    task: CaptureTask,
    track: Track,
) -> tuple[Coefficients, ...] | None:
    """Return what the air above a scene does; None where the scene has it in it already."""
    if ground.at_top:
        return None
    return through(draw_air(seed, task.target), bands, task, track)


def emitted_at_top(
    surface: Surface, order: list[int], sky: tuple[Coefficients, ...] | None
) -> NDArray[np.float32] | None:
    """Return the radiance of the ground's own light at the top, (bands, ...); None without any."""
    if surface.emitted is None:
        return None
    light = surface.emitted[order]
    if surface.cloud is not None:
        light *= 1.0 - surface.cloud
    for band, air in enumerate(sky or ()):
        light[band] *= np.float32(air.upward_transmittance)
    return light
