"""What was known of a place before a look, made from the world as it usually is.

It stands for what an operator uploads: a composite and a water map of earlier missions, a terrain
model, the farmers' parcels, the regions that are watched. So it is right but for noise.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from orbitloom.scenario import stream
from orbitloom.scenario.time import DAY_NS
from orbitloom.wire.briefing import WATER_STEPS, Affine6, Baseline, Briefing, Earlier, Terrain
from orbitloom.world.observe import ObservationJob, instrument_of, synthetic_of
from orbitloom.world.synthetic import SyntheticWorld

__all__ = ["brief"]

_CELL_M, _TERRAIN_M = 20.0, 30.0  # of the baseline; of the terrain, as Copernicus GLO-30
_MARGIN_M = 600.0
_LOOKS, _AGE_NS = 12, 20 * DAY_NS
_SPREAD_FLOOR, _SPREAD = 0.008, 0.08  # how much a place varies between clear looks: an estimate
_MEDIAN_NOISE = 0.25  # of the spread: what a median of twelve looks leaves


def brief(job: ObservationJob, earlier: Earlier | None = None) -> Briefing:
    """Return what goes up with a capture's task, by what the ordered application can use.

    Scenes of reflectance, the real one and a user's, have no usual state: nothing is known of them.
    """
    if job.scene is not None or job.scenery != "synthetic":
        return Briefing(earlier=earlier)
    world = synthetic_of(job)
    ring = instrument_of(job).footprint(job.task, job.track, world.epsg)
    low, high = ring.min(axis=0) - _MARGIN_M, ring.max(axis=0) + _MARGIN_M
    known = Briefing(earlier=earlier, terrain=_terrain(world, low, high))
    if job.task.app == "agriculture":
        return replace(known, fields=world.fields())
    if job.task.app == "climate":
        return replace(known, regions=world.regions())
    known = replace(known, baseline=_baseline(job, world.usual, low, high))
    return replace(known, land=world.land()) if job.task.app == "maritime" else known


def _grid(
    low: NDArray[np.float64], high: NDArray[np.float64], cell_m: float
) -> tuple[Affine6, NDArray[np.float64], NDArray[np.float64]]:
    """Return the affine map and the cell centres of a north-up grid around a box."""
    west, north = np.floor(low[0] / cell_m) * cell_m, np.ceil(high[1] / cell_m) * cell_m
    columns = int(np.ceil((high[0] - west) / cell_m))
    rows = int(np.ceil((north - low[1]) / cell_m))
    east_m = west + cell_m * (np.arange(columns) + 0.5)
    north_m = north - cell_m * (np.arange(rows) + 0.5)
    east, north_grid = np.meshgrid(east_m, north_m)
    return (cell_m, 0.0, float(west), 0.0, -cell_m, float(north)), east, north_grid


def _terrain(world: SyntheticWorld, low: NDArray[np.float64], high: NDArray[np.float64]) -> Terrain:
    transform, east_m, north_m = _grid(low, high, _TERRAIN_M)
    return Terrain(epsg=world.epsg, transform=transform, height_m=world.height_m(east_m, north_m))


def _baseline(
    job: ObservationJob,
    usual: SyntheticWorld,
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> Baseline:
    transform, east_m, north_m = _grid(low, high, _CELL_M)
    rho = usual.surface(east_m, north_m).reflectance
    spread = _SPREAD_FLOOR + _SPREAD * rho
    rng = stream(job.seed, "baseline", job.target.name)
    rho = rho + _MEDIAN_NOISE * spread * rng.standard_normal(rho.shape, dtype=np.float32)
    water = usual.truth(east_m, north_m).water
    return Baseline(
        epsg=usual.epsg,
        transform=transform,
        band_names=usual.bands,
        median=np.clip(np.rint(rho * 1e4), 1, 65_535).astype(np.uint16),
        spread=np.clip(np.rint(spread * 1e4), 1, 65_535).astype(np.uint16),
        water=np.where(water, WATER_STEPS, 0).astype(np.uint8),
        looks=np.full(water.shape, _LOOKS, np.uint8),
        newest_ns=job.task.start_ns - _AGE_NS,
    )
