"""What applications share: what of a tile was seen, and masks made into areas with uncertainty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from orbitloom.processing.apps import Reason, Severity
from orbitloom.processing.kernels import box_mean
from orbitloom.processing.l2 import CLOUD, NO_DATA, SHADOW, SPOILT
from orbitloom.processing.l3 import Grid, Tile
from orbitloom.processing.morphology import grown
from orbitloom.processing.resampling import baseline_on
from orbitloom.wire.briefing import Baseline

__all__ = [
    "CLOUD_EDGE_SIGMA_M",
    "SHORE_SIGMA",
    "Extent",
    "OpticalApp",
    "clear_share",
    "extent",
    "hidden",
    "severity",
    "to_the_middle_of_the_edge",
    "trust",
    "usual_water",
]

SHORE_SIGMA = 0.18
"""Cells that a whole edge may be drawn too far in or out; set on seeds 110-113."""
CLOUD_EDGE_SIGMA_M = 11.0
"""Metres that an edge at cloud or shadow may be, for a cloud is soft over metres, however fine the
cells; set on seeds 110-113, at 10 m."""

_SEVERITIES: tuple[tuple[float, Severity], ...] = (
    (50.0, "Extreme"),
    (5.0, "Severe"),
    (1.0, "Moderate"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """A mask, measured: what `apps.Evidence` says of the same names."""

    area_km2: float
    area_sigma_km2: float
    parts: int
    cloud_edge_share: float
    spoilt_share: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OpticalApp:
    """What applications that look by sunlight share: when their silence means nothing.

    Parameters
    ----------
    least_clear_share
        With less of the footprint clear, silence would mean nothing: not observable.
    least_sun_elevation_deg
        With the Sun lower it is night to this imager.

    Attributes
    ----------
    gated
        Whether a scene that is all cloud may be kept from it: it would say nothing of it.
    """

    gated: ClassVar[bool] = True
    least_clear_share: float = 0.20
    least_sun_elevation_deg: float = 5.0

    def view(self, tile: Tile) -> tuple[NDArray[np.bool_], float, Reason | None]:
        """Return where the ground was not seen, which share was, and why silence means nothing."""
        unseen = hidden(tile)
        share = clear_share(tile, unseen)
        return unseen, share, self.why_silent(tile, share)

    def why_silent(self, tile: Tile, seen_share: float) -> Reason | None:
        """Return why silence would mean nothing; None if it means that there is nothing."""
        if tile.sun_elevation_deg < self.least_sun_elevation_deg:
            return "night"
        if seen_share < self.least_clear_share:
            return "gap" if tile.imaged_share < 0.5 else "cloud"
        return None


def hidden(tile: Tile) -> NDArray[np.bool_]:
    """Return where the ground was not seen: no data, cloud or shadow; (rows, columns)."""
    return np.asarray((tile.mask & (NO_DATA | CLOUD | SHADOW)) != 0)


def clear_share(tile: Tile, unseen: NDArray[np.bool_]) -> float:
    """Return which share of the footprint, gaps included, was seen."""
    imaged = np.count_nonzero((tile.mask & NO_DATA) == 0)
    footprint = max(imaged / max(tile.imaged_share, 1e-9), 1.0)
    return float((unseen.size - np.count_nonzero(unseen)) / footprint)


def to_the_middle_of_the_edge(
    dark: NDArray[np.bool_], tile: Tile, unseen: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return water or char with those neighbouring cells that are half of it or more.

    The index of a cell that is half water is still far below zero, for land is so much brighter in
    the near infrared; so it is with char. There the linear mixing model holds well: the share is
    (land - cell) / (land - dark), both being the medians two to four cells off the edge.
    """
    near = grown(dark, 2)
    shore = near & ~dark & ~unseen
    land = grown(near, 2) & ~near & ~unseen
    core = ~grown(~dark, 1)
    if not (shore.any() and land.any() and core.any()):
        return dark
    nir = tile.numbers[tile.band_names.index("nir")]
    half = (np.median(nir[land]) + np.median(nir[core])) / 2.0
    return np.asarray(dark | (shore & (nir < half)))


def extent(
    tile: Tile,
    area: NDArray[np.bool_],
    cut: NDArray[np.bool_],
    *,
    edge_sigma: float = SHORE_SIGMA,
) -> Extent:
    """Measure a mask, `area`, whose edge may lie at what hides the ground, `cut`.

    The uncertainty of its area is that of its edge: a cell there belongs to it in part, evenly
    between none and all (variance 1/12, independent), and a whole edge may be drawn too far in or
    out (common to all its cells). At open ground that is `edge_sigma` cells; where it is cloud
    or shadow `CLOUD_EDGE_SIGMA_M`, for their margin hides some of it too, and cuts off parts so
    small that they are left out.
    """
    edge = area & grown(~area, 1)
    cells, edge_cells = int(np.count_nonzero(area)), int(np.count_nonzero(edge))
    cloud_cells = int(np.count_nonzero(edge & grown(cut, 1)))
    sigma_cells = np.sqrt(
        edge_cells / 12.0
        + (edge_sigma * (edge_cells - cloud_cells)) ** 2
        + (CLOUD_EDGE_SIGMA_M / tile.grid.gsd_m * cloud_cells) ** 2
    )
    return Extent(
        area_km2=cells * tile.grid.cell_km2,
        area_sigma_km2=float(sigma_cells) * tile.grid.cell_km2,
        parts=int(ndimage.label(area)[1]),
        cloud_edge_share=cloud_cells / max(edge_cells, 1),
        spoilt_share=float(np.count_nonzero(tile.mask[area] & SPOILT) / max(cells, 1)),
    )


def severity(area_km2: float) -> Severity:
    """Return how severe an event of that area is: 50, 5 and 1 km2 are the steps, a choice."""
    return next((name for least, name in _SEVERITIES if area_km2 >= least), "Minor")


def usual_water(baseline: Baseline | None, grid: Grid) -> NDArray[np.float32]:
    """Return the share of clear looks, 0 to 1, that showed water; NaN where nothing is known.

    A baseline's cells are coarser than a look's, and their share is one of area as well: it is
    smoothed over a cell, so that the shore of usual water is no staircase.
    """
    if baseline is None:
        return np.full(grid.shape, np.nan, np.float32)
    share = baseline_on(baseline, grid, ("water",))["water"]
    cells = 2 * round(baseline.transform[0] / grid.gsd_m / 2.0) + 1
    if cells <= 1:
        return share
    return box_mean(share, cells)


def trust(compared_share: float, uncompared: float) -> float:
    """Return the factor on a confidence that a comparison with what is usual leaves.

    Parameters
    ----------
    compared_share
        Share of the finding for which the usual is known.
    uncompared
        The factor where it is not.
    """
    return uncompared + (1.0 - uncompared) * compared_share
