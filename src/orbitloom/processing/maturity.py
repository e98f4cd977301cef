"""What a second look says of an earlier alert: confirmed, retracted, or as early as before.

The second look is evidence for or against the first, and changes its confidence by Bayes' rule:
the odds are multiplied by how much more probable the second look is if the alert is true.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.transform import Affine
from rasterio.warp import transform_geom
from shapely.geometry import mapping, shape

from orbitloom.processing.apps import Finding
from orbitloom.processing.l3 import Tile
from orbitloom.processing.regions import hidden
from orbitloom.wire.briefing import Earlier

__all__ = ["Maturity", "maturity"]

Maturity = Literal["early", "confirmed", "retracted"]
"""Of an alert: seen once, seen again, or looked for again and not there."""

_SEEN_IF_TRUE, _SEEN_IF_FALSE = 0.95, 0.05
"""Probability that a clear second look shows the event again, where it is true and where it is not:
recall and false alerts that the applications are built for, the latter more than doubled, for what
fooled one look may fool another."""
_LEAST_CLEAR = 0.6
"""Share of the earlier area that must be seen before absence retracts; a choice."""
_TOLERANCE_M = 100.0
"""Both looks' geolocation, and what an event does meanwhile."""
_SPEED_M_S: Mapping[str, float] = {"dark_vessel": 12.0}
"""Of what moves away: seen again it may be anywhere within reach, and not seen it may have left."""
_CONFIRMS: Mapping[str, frozenset[str]] = {"fire": frozenset({"fire", "burn_scar"})}
"""What else than the event itself shows that it was there: a fire leaves a scar."""


def maturity(finding: Finding, earlier: Earlier, tile: Tile) -> tuple[Maturity, float]:
    """Return what a look makes of an earlier alert, and the confidence in that alert now.

    *Confirmed*: the same event is found again where it was, within 100 m. *Retracted*: 60 % or more
    of the earlier area is seen clearly, and nothing is there. Else it stays *early*, with the
    confidence it had. The likelihood of absence is taken for the share that was seen only. A dark
    vessel moves: it is confirmed within reach at 12 m/s too, and never retracted.

    Parameters
    ----------
    finding
        What the application sees now, in the same words as ever.
    earlier
        The alert in question.
    tile
        What was looked at now.
    """
    prior = min(max(earlier.confidence, 0.01), 0.99)
    moved_m = _SPEED_M_S.get(earlier.event, 0.0) * abs(tile.sensed_ns - earlier.sensed_ns) * 1e-9
    area = _drawn(earlier, tile, 0.0)
    around = _drawn(earlier, tile, _TOLERANCE_M + moved_m)
    same = _CONFIRMS.get(earlier.event, frozenset({earlier.event}))
    found = finding.evidence is not None and finding.evidence.event in same
    if found and finding.area is not None and bool((finding.area & around).any()):
        return "confirmed", _updated(prior, _SEEN_IF_TRUE / _SEEN_IF_FALSE)
    if finding.reason is not None or moved_m > 0.0 or not area.any():
        return "early", earlier.confidence
    seen = float(np.count_nonzero(area & ~hidden(tile)) / np.count_nonzero(area))
    if seen < _LEAST_CLEAR:
        return "early", earlier.confidence
    absent_if_true, absent_if_false = 1.0 - _SEEN_IF_TRUE * seen, 1.0 - _SEEN_IF_FALSE * seen
    return "retracted", _updated(prior, absent_if_true / absent_if_false)


def _updated(prior: float, ratio: float) -> float:
    """Return the posterior probability: odds times the likelihood ratio."""
    odds = prior / (1.0 - prior) * ratio
    return odds / (1.0 + odds)


def _drawn(earlier: Earlier, tile: Tile, margin_m: float) -> NDArray[np.bool_]:
    """Return the earlier area on the tile's grid, with a margin; every cell that it touches."""
    epsg = f"EPSG:{tile.grid.epsg}"
    outline = shape(transform_geom("EPSG:4326", epsg, dict(earlier.geometry))).buffer(margin_m)
    if outline.is_empty:
        return np.zeros(tile.grid.shape, bool)
    return np.asarray(
        rasterize(
            [(mapping(outline), 1)],
            out_shape=tile.grid.shape,
            transform=Affine(*tile.grid.transform),
            all_touched=True,
            dtype="uint8",
        ).astype(bool)
    )
