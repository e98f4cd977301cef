"""The flood application: open water that was not known before, as an area with an uncertainty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from orbitloom.processing.apps import Context, Evidence, Finding, Reason, Severity
from orbitloom.processing.l2 import CLOUD, NO_DATA, SHADOW, SPOILT, WATER, grown, ndwi
from orbitloom.processing.l3 import Tile

__all__ = ["FloodApp"]

_SEVERITIES: tuple[tuple[float, Severity], ...] = (
    (50.0, "Extreme"),
    (5.0, "Severe"),
    (1.0, "Moderate"),
)

_SHORE_SIGMA = 0.18
"""Cells that a whole shore may be drawn too far in or out; set on seeds 110-113."""
_CLOUD_EDGE_SIGMA = 1.1
"""Cells that an edge at cloud or shadow may be; set on seeds 110-113."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FloodApp:
    """Water, cleaned and measured.

    Parameters
    ----------
    known_water
        (rows, columns) on the tile's grid: water that is always there; none by default, so all
        water that is large enough counts as flood.
    least_part_km2
        Smaller separate waters are taken for ponds.
    joined_within_cells
        Waters closer than twice this are one: a flood is in pieces where cloud hides it.
    least_clear_share
        With less of the footprint clear, silence would mean nothing: not observable.
    least_sun_elevation_deg
        With the Sun lower it is night to this imager.
    """

    name: str = "flood"
    version: str = "1"
    requires: tuple[str, ...] = ("green", "nir")
    known_water: NDArray[np.bool_] | None = None
    least_part_km2: float = 0.10
    joined_within_cells: int = 5
    least_clear_share: float = 0.20
    least_sun_elevation_deg: float = 5.0

    def analyse(self, tile: Tile, context: Context) -> Finding:
        """Return where there is flood, or why it cannot be said.

        A flood in what little is clear is an alert all the same; only silence needs a view.
        """
        footprint = _footprint_cells(tile)
        hidden = (tile.mask & (NO_DATA | CLOUD | SHADOW)) != 0
        clear_share = float((hidden.size - np.count_nonzero(hidden)) / max(footprint, 1.0))
        if tile.sun_elevation_deg < self.least_sun_elevation_deg:
            return Finding(clear_share=clear_share, reason="night")
        area = self._flooded(tile, hidden)
        if area is not None:
            evidence = _evidence(tile, area, clear_share)
            return Finding(
                clear_share=clear_share,
                evidence=evidence,
                area=area,
                confidence=_confidence(evidence),
                severity=_severity(evidence.area_km2),
                headline=f"Flood at {context.target}: {evidence.area_km2:.1f} km² of water",
            )
        reason: Reason | None = None
        if clear_share < self.least_clear_share:
            reason = "gap" if tile.imaged_share < 0.5 else "cloud"
        return Finding(clear_share=clear_share, reason=reason)

    def _flooded(self, tile: Tile, hidden: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
        """Return the flood: closed by 3 x 3, to the middle of its edge, without small parts."""
        water = ((tile.mask & WATER) != 0) & ~hidden
        if self.known_water is not None:
            water &= ~self.known_water
        if not water.any():
            return None
        filled = _to_the_middle_of_the_edge(~grown(~grown(water, 1), 1) & ~hidden, tile, hidden)
        labels, _ = ndimage.label(grown(filled, self.joined_within_cells))
        labels *= filled
        cells = np.bincount(labels.ravel())
        cells[0] = 0
        keep = cells * tile.grid.cell_km2 >= self.least_part_km2
        return np.asarray(keep[labels]) if keep.any() else None


def _to_the_middle_of_the_edge(
    water: NDArray[np.bool_], tile: Tile, hidden: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return the water with those neighbouring cells that are half water or more.

    The index of a cell that is half water is still far below zero, for land is so much brighter in
    the near infrared. There the linear mixing model holds well: the share of water is
    (land - cell) / (land - water), land and water being the medians two to four cells off the edge.
    """
    shore = grown(water, 2) & ~water & ~hidden
    land = grown(water, 4) & ~grown(water, 2) & ~hidden
    core = ~grown(~water, 1)
    if not (shore.any() and land.any() and core.any()):
        return water
    nir = tile.numbers[tile.band_names.index("nir")]
    half = (np.median(nir[land]) + np.median(nir[core])) / 2.0
    return np.asarray(water | (shore & (nir < half)))


def _footprint_cells(tile: Tile) -> float:
    """Return how many cells the footprint has, gaps included."""
    seen = np.count_nonzero((tile.mask & NO_DATA) == 0)
    return float(seen / max(tile.imaged_share, 1e-9))


def _evidence(tile: Tile, area: NDArray[np.bool_], clear_share: float) -> Evidence:
    """Measure a flood.

    The uncertainty of its area is that of its edge: a cell there is water in part, evenly between
    none and all (variance 1/12, independent), and a whole edge may be drawn too far in or out
    (common to all its cells). Where the edge is a shore that is `_SHORE_SIGMA`; where it is cloud
    or shadow `_CLOUD_EDGE_SIGMA`, for their margin hides water too, and cuts off parts so small
    that they go as ponds.
    """
    inner = ~grown(~area, 1)
    edge = area & ~inner
    edge_cells = int(np.count_nonzero(edge))
    near_cloud = grown((tile.mask & (CLOUD | SHADOW)) != 0, 1)
    cloud_cells = int(np.count_nonzero(edge & near_cloud))
    sigma_cells = np.sqrt(
        edge_cells / 12.0
        + (_SHORE_SIGMA * (edge_cells - cloud_cells)) ** 2
        + (_CLOUD_EDGE_SIGMA * cloud_cells) ** 2
    )
    index = ndwi(tile.band("green")[area], tile.band("nir")[area])
    cell_km2 = tile.grid.cell_km2
    return Evidence(
        event="flood",
        area_km2=float(np.count_nonzero(area)) * cell_km2,
        area_sigma_km2=float(sigma_cells) * cell_km2,
        parts=int(ndimage.label(area)[1]),
        contrast=float(np.median(index)),
        cloud_edge_share=cloud_cells / max(edge_cells, 1),
        spoilt_share=float(np.count_nonzero(tile.mask[area] & SPOILT) / np.count_nonzero(area)),
        clear_share=clear_share,
    )


def _confidence(evidence: Evidence) -> float:
    """Return 0 to 1: sharp in area, clear in contrast, not cut out of cloud."""
    sharp = max(0.0, 1.0 - evidence.area_sigma_km2 / evidence.area_km2)
    clear = min(1.0, max(0.0, evidence.contrast) / 0.3)
    return sharp * clear * (1.0 - 0.5 * evidence.cloud_edge_share)


def _severity(area_km2: float) -> Severity:
    return next((name for least, name in _SEVERITIES if area_km2 >= least), "Minor")
