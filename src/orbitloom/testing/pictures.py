"""Synthetic scenes as a sensor sees them from above the air, with what is true of them.

What the scores of the cloud network, of its drift watch and of its updates are taken on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orbitloom.processing.cloudnet import BANDS
from orbitloom.scenario import Target, load_instrument, time
from orbitloom.wire.atmosphere import coefficients
from orbitloom.world.synthetic import SyntheticWorld, TruthLayers

__all__ = ["EVENTS", "SETTINGS", "Picture", "pictures"]

SETTINGS = ("river", "forest", "farmland", "coast", "lake", "mountain")
"""Kinds of land, in the order in which `pictures` draws them."""
EVENTS = ("cloud", "quiet", "flood", "fire", "lake", "snow", "vessels", "crop_stress")
"""What may happen in them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A scene of the cloud network's six bands.

    Parameters
    ----------
    toa
        (6, size, size) reflectance at the top of the atmosphere, with noise.
    truth
        What is there, layers of (size, size).
    setting, event
        What kind of scene it is.
    shadow_step_px
        Lines and columns that a shadow moves for each metre of cloud height.
    """

    toa: NDArray[np.float32]
    truth: TruthLayers
    setting: str
    event: str
    shadow_step_px: tuple[float, float]


def pictures(
    seeds: Iterable[int], *, size: int = 512, pixel_m: float = 10.0, noise: float = 0.003
) -> Iterator[Picture]:
    """Yield a scene of every setting for each seed, anywhere, with any event, Sun and air.

    Parameters
    ----------
    seeds
        The network was trained on seeds from 1000 up (scripts/train_cloud.py).
    size
        Pixels a side.
    pixel_m
        Side of a pixel.
    noise
        Standard deviation in reflectance.
    """
    bands = tuple(band for band in load_instrument("imager5m").bands if band.name in BANDS)
    order = [[band.name for band in bands].index(name) for name in BANDS]
    for seed in seeds:
        for number, setting in enumerate(SETTINGS):
            rng = np.random.default_rng([seed, number])
            latitude = float(np.degrees(np.arcsin(rng.uniform(-0.8, 0.9))))
            target = Target(
                name=f"cloud {number}",
                latitude_deg=latitude,
                longitude_deg=float(rng.uniform(-179.0, 179.0)),
                setting=setting,
            )
            elevation, azimuth = float(rng.uniform(25.0, 70.0)), float(rng.uniform(0.0, 360.0))
            t_ns = time.from_iso("2026-01-01T10:30:00Z") + int(rng.integers(365)) * time.DAY_NS
            event = EVENTS[int(rng.integers(len(EVENTS)))]
            world = SyntheticWorld(
                target,
                seed,
                bands=bands,
                t_ns=t_ns,
                sun_elevation_deg=elevation,
                sun_azimuth_deg=azimuth,
                event=event,
                gsd_m=pixel_m,
            )
            axis = (np.arange(size) - (size - 1) / 2) * pixel_m
            east, north = np.meshgrid(world.east_m + axis, world.north_m - axis)
            surface = world.surface(east, north)
            aot, water = float(rng.uniform(0.05, 0.3)), float(rng.uniform(1.0, 3.0))
            top = np.stack(
                [
                    coefficients(
                        band.wavelength_um,
                        band.width_um,
                        sun_zenith_deg=90.0 - elevation,
                        view_zenith_deg=float(rng.uniform(0.0, 25.0)),
                        relative_azimuth_deg=float(rng.uniform(0.0, 180.0)),
                        aot550=aot,
                        water_g_cm2=water,
                        ozone_cm_atm=0.3,
                    ).toa(rho)
                    for band, rho in zip(bands, surface.reflectance, strict=True)
                ]
            )
            if surface.cloud is not None and surface.cloud_reflectance is not None:
                top = top + surface.cloud * (surface.cloud_reflectance - top)
            top = top + rng.normal(0.0, noise, top.shape)
            reach = 1.0 / np.tan(np.radians(elevation)) / pixel_m
            turn = np.radians(azimuth)
            yield Picture(
                toa=top[order].astype(np.float32),
                truth=world.truth(east, north),
                setting=setting,
                event=event,
                shadow_step_px=(float(np.cos(turn) * reach), float(-np.sin(turn) * reach)),
            )
