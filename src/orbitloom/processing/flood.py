"""The flood application: water where there usually is none, as an area with an uncertainty.

Water by the normalised difference of green and short-wave infrared (Xu, 2006, International Journal
of Remote Sensing 27) where the imager has it, of green and near infrared (McFeeters, 1996, ibid.
17) else; what is usual by the on-board baseline; where the terrain is known, level.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from orbitloom.processing.apps import Context, Evidence, Finding, Measure
from orbitloom.processing.indices import layers
from orbitloom.processing.l2 import SNOW
from orbitloom.processing.l3 import Grid, Tile
from orbitloom.processing.morphology import grown, large
from orbitloom.processing.regions import (
    OpticalApp,
    extent,
    severity,
    to_the_middle_of_the_edge,
    trust,
    usual_water,
)
from orbitloom.processing.terrain import slopes_at
from orbitloom.wire.briefing import Terrain

__all__ = ["FloodApp"]

_USUAL, _AT_TIMES = 0.5, 0.1
"""Shares of clear looks that showed water: it belongs there, or comes and goes."""
_UNCOMPARED, _SEASONAL = 0.7, 0.5
"""How far a flood is to be trusted where nothing usual is known, and where water comes and goes."""

_MOST_SLOPE, _SLOPE_OVER_M = 0.10, 150.0
"""Water is level; 4 m of error in each height of a 30 m grid leave a slope of 0.02 over 150 m."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FloodApp(OpticalApp):
    """New water, cleaned and measured.

    Without a baseline all water that is large enough counts, with less confidence.

    Parameters
    ----------
    least_part_km2
        Smaller separate waters are taken for ponds.
    joined_within_cells
        Waters closer than twice this are one: a flood is in pieces where cloud hides it.
    """

    name: str = "flood"
    version: str = "2"
    requires: tuple[str, ...] = ("green", "nir")
    least_part_km2: float = 0.10
    joined_within_cells: int = 5

    def analyse(self, tile: Tile, context: Context) -> Finding:
        """Return where there is flood, or why it cannot be said.

        A flood in what little is clear is an alert all the same; only silence needs a view.
        """
        unseen, share, reason = self.view(tile)
        if reason == "night":
            return Finding(clear_share=share, reason=reason)
        index = layers(tile, "flood")
        wetness = index.get("mndwi", index["ndwi"])
        water = self._water(tile, wetness, unseen)
        if not water.any():
            return Finding(clear_share=share, reason=reason)
        usual = usual_water(context.briefing.baseline, tile.grid)
        new = water & ~(usual >= _USUAL)
        if context.briefing.terrain is not None:
            new = _level(new, tile.grid, context.briefing.terrain)
        # Cloud cuts a flood in pieces.
        least = self.least_part_km2 / tile.grid.cell_km2
        area = large(new, least, joined_within=self.joined_within_cells)
        if not area.any():
            return Finding(clear_share=share, reason=reason)
        evidence = _evidence(tile, area, wetness, usual, unseen, share)
        compared, at_times = (measure.value for measure in evidence.measures)
        trusted = trust(compared, _UNCOMPARED) * trust(1.0 - at_times, _SEASONAL)
        return Finding(
            clear_share=share,
            evidence=evidence,
            area=area,
            confidence=_confidence(evidence) * trusted,
            severity=severity(evidence.area_km2),
            headline=f"Flood at {context.target}: {evidence.area_km2:.1f} km² of "
            f"{'new ' if compared >= _USUAL else ''}water",
        )

    def _water(
        self, tile: Tile, wetness: NDArray[np.float32], unseen: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Return all open water: closed by 3 x 3, to the middle of its edge."""
        water = (wetness > 0.0) & ((tile.mask & SNOW) == 0) & ~unseen
        if "swir16" in tile.band_names and "red" in tile.band_names:
            # Thin snow below trees is as dark in the short-wave infrared as water is, but not in
            # the near infrared, where all water sends less than in the red.
            numbers = dict(zip(tile.band_names, tile.numbers, strict=True))
            water &= numbers["nir"] < numbers["red"]
        if not water.any():
            return np.zeros_like(unseen)
        return to_the_middle_of_the_edge(~grown(~grown(water, 1), 1) & ~unseen, tile, unseen)


def _level(water: NDArray[np.bool_], grid: Grid, terrain: Terrain) -> NDArray[np.bool_]:
    """Return the water without the parts that lie on slopes: snow in the shade looks like it."""
    parts, count = ndimage.label(water)
    rows, columns = np.nonzero(water)
    a, _, west, _, e, north = grid.transform
    east_m = np.asarray(west + a * (columns + 0.5), np.float64)
    north_m = np.asarray(north + e * (rows + 0.5), np.float64)
    slope = slopes_at(terrain, grid.epsg, east_m, north_m, _SLOPE_OVER_M)
    mine = parts[rows, columns]
    cells = np.bincount(mine, minlength=count + 1)
    total = np.bincount(mine, weights=slope, minlength=count + 1)
    return np.asarray(water & (total < _MOST_SLOPE * cells)[parts])


def _evidence(
    tile: Tile,
    area: NDArray[np.bool_],
    wetness: NDArray[np.float32],
    usual: NDArray[np.float32],
    unseen: NDArray[np.bool_],
    share: float,
) -> Evidence:
    measured = extent(tile, area, unseen)
    known = usual[area]
    compared = float(np.count_nonzero(~np.isnan(known)) / known.size)
    at_times = float(np.count_nonzero(known >= _AT_TIMES) / known.size)
    return Evidence(
        event="flood",
        area_km2=measured.area_km2,
        area_sigma_km2=measured.area_sigma_km2,
        parts=measured.parts,
        contrast=float(np.nanmedian(wetness[area])),
        cloud_edge_share=measured.cloud_edge_share,
        spoilt_share=measured.spoilt_share,
        clear_share=share,
        measures=(
            Measure(name="compared_share", value=compared, sigma=0.0, unit="1"),
            Measure(name="seasonal_share", value=at_times, sigma=0.0, unit="1"),
        ),
    )


def _confidence(evidence: Evidence) -> float:
    """Return 0 to 1: sharp in area, clear in contrast, not cut out of cloud."""
    sharp = max(0.0, 1.0 - evidence.area_sigma_km2 / evidence.area_km2)
    clear = min(1.0, max(0.0, evidence.contrast) / 0.3)
    return sharp * clear * (1.0 - 0.5 * evidence.cloud_edge_share)
