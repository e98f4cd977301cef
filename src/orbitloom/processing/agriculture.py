"""The agriculture application: fields that are less green than they should be today.

Greenness is the median NDVI (Rouse et al., 1974, NASA SP-351) of a field's inner cells. What a
field should be comes from its own season and from what its neighbours of the same crop do today.
See docs/design/apps-agriculture-climate.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from orbitloom.processing.apps import Context, Evidence, Finding, Measure
from orbitloom.processing.indices import layers
from orbitloom.processing.l2 import SNOW, SPOILT, WATER
from orbitloom.processing.l3 import Tile
from orbitloom.processing.morphology import grown
from orbitloom.processing.regions import OpticalApp, hidden, severity
from orbitloom.processing.seasons import History, courses, read_history
from orbitloom.processing.zones import Zone, labels, read_zones

__all__ = ["AgricultureApp"]

_WHERE = "fields of the briefing"
_BARE = 0.2
"""NDVI of bare soil; vigour is what a field has above it."""
_STRESSED = 0.05
"""Share of fields that are stressed, before anything is seen; a choice."""
_LOSSES = (0.08, 0.70)
"""Shares of its vigour that a stressed field may have lost: evenly likely, nothing beyond."""
_TAILS = 5.0
"""Degrees of freedom of how fields without stress scatter; set on seeds 100-107."""
_LEAST_SPREAD = 0.010
_TOLD_LOSS, _TOLD_SPREADS = 1.0 / 3.0, 4.5
"""A field is normal only if this loss of vigour would have stood out so many spreads."""
_FEW, _SOME = 10, 20
"""Neighbours from which on they say how the season goes on, by a line and by a curve."""
_APART = 1.05  # of the crop's median: redder than its neighbours, and no brighter beyond
_DAYS = 20.0  # that scale a slope


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AgricultureApp(OpticalApp):
    """Fields that have lost vigour.

    Parameters
    ----------
    edge_cells
        Inner cells have their centre farther than this from the field's edge.
    least_cells, least_seen
        With fewer inner cells in clear view, or a smaller share of them, there is no answer.
    cloud_margin_m
        Cells nearer to cloud or shadow are not trusted: both are soft.
    most_uneven
        Largest distance between the quartiles of a field's NDVI: beyond it a part of it is hazed,
        or harvested, and one number does not describe it.
    green_ndvi
        Where no more than this is to be expected, loss of vigour cannot be told.
    """

    name: str = "agriculture"
    version: str = "1"
    requires: tuple[str, ...] = ("red", "nir")
    edge_cells: float = 1.0
    least_cells: int = 12
    least_seen: float = 0.3
    cloud_margin_m: float = 100.0
    most_uneven: float = 0.05
    green_ndvi: float = 0.38
    least_clear_share: float = 0.05

    def analyse(self, tile: Tile, context: Context) -> Finding:
        """Return which fields are stressed, or why it cannot be said.

        Each field is stressed, normal, or without answer, with the reason; how many of each is in
        the series of every finding. Where cloud leaves most fields without one, silence says so.

        Raises
        ------
        InputFileError
            If the briefing's fields cannot be understood.
        """
        _, share, reason = self.view(tile)
        if reason is not None:
            return Finding(clear_share=share, reason=reason)
        zones = read_zones(context.briefing.fields, tile.grid, _WHERE)
        fields = self._said(tile, context, zones)
        counts = Counter(field["status"] for field in fields)
        told = _told(fields)
        stressed = [n for n, field in enumerate(fields) if field["status"] == "stressed"]
        if not stressed:
            clouded = sum(field.get("reason") == "cloud" for field in fields)
            blind = counts["normal"] == 0 and clouded > 0
            return Finding(clear_share=share, reason="cloud" if blind else None, series=told)
        whole = labels([zones[n].shape for n in stressed], tile.grid)
        found = [fields[n] for n in stressed]
        area_km2 = np.bincount(whole.ravel(), minlength=len(found) + 1)[1:] * tile.grid.cell_km2
        sure = np.array([field["probability"] for field in found])
        loss = np.array([field["loss"] for field in found])
        total_km2 = float(area_km2.sum())
        evidence = Evidence(
            event="crop_stress",
            area_km2=total_km2,
            area_sigma_km2=float(np.sqrt((sure * (1.0 - sure) * area_km2**2).sum()))
            + tile.grid.cell_km2,
            parts=len(found),
            contrast=float(np.median(loss)),
            cloud_edge_share=0.0,  # a field's edge is known, whatever hides it
            spoilt_share=0.0,
            clear_share=share,
            measures=told,
        )
        order = np.lexsort((np.arange(len(found)), -loss * sure))
        silent = [field for field in fields if field["status"] == "no_answer"]
        plural = "s" if len(found) > 1 else ""
        return Finding(
            clear_share=share,
            evidence=evidence,
            area=whole > 0,
            confidence=float(sure @ area_km2 / total_km2),
            severity=severity(total_km2),
            headline=f"Crop stress at {context.target}: {len(found)} field{plural}, "
            f"{total_km2:.2f} km², of {len(found) + counts['normal']} judged",
            details=(*(found[n] for n in order), *silent),
            series=told,
        )

    def fields(self, tile: Tile, context: Context) -> list[dict[str, Any]]:
        """Return what is said of each field of the briefing, in its order.

        ``status`` is stressed, normal or no_answer, the last with its ``reason``: few_cells,
        cloud, uneven, season, bare, cleared, turning (neighbours differ too much to tell), or light
        (a shade or a thin cloud that no mask shows).

        Raises
        ------
        InputFileError
            If the briefing's fields cannot be understood.
        """
        return self._said(tile, context, read_zones(context.briefing.fields, tile.grid, _WHERE))

    def _said(self, tile: Tile, context: Context, zones: Sequence[Zone]) -> list[dict[str, Any]]:
        histories = [
            read_history(
                zone.properties.get("season"), context.sensed_ns, f"{_WHERE}, {zone.identifier}"
            )
            for zone in zones
        ]
        inner = [zone.shape.buffer(-self.edge_cells * tile.grid.gsd_m) for zone in zones]
        looks = self._look(tile, labels(inner, tile.grid), hidden(tile), len(zones))
        return self._judged(zones, histories, looks)

    def _look(
        self,
        tile: Tile,
        number: NDArray[np.int32],
        unseen: NDArray[np.bool_],
        count: int,
    ) -> dict[str, NDArray[np.float64]]:
        """Return of each field: its inner cells, those clearly seen, and their median indices."""
        margin = round(self.cloud_margin_m / tile.grid.gsd_m)
        clear = ~grown(unseen, margin) & ((tile.mask & (SPOILT | SNOW | WATER)) == 0)
        places = np.flatnonzero((number > 0) & clear)
        mine = number.ravel()[places].astype(np.min_scalar_type(count))  # short: sorted by radix
        seen = np.bincount(mine, minlength=count + 1)
        places = places[np.argsort(mine, kind="stable")]
        looks: dict[str, NDArray[np.float64]] = {
            "cells": np.bincount(number.ravel(), minlength=count + 1)[1:].astype(float),
            "seen": seen[1:].astype(float),
        }
        first = np.cumsum(seen) - seen
        low, high = first + (seen - 1) // 2, first + seen // 2
        lower, upper = first + seen // 4, first + (3 * seen) // 4
        bands = {name: tile.band(name) for name in ("red", "nir")}
        for name, layer in (layers(tile, "agriculture") | bands).items():
            values = layer.ravel()[places]
            for start, cells in zip(first, seen, strict=True):
                values[start : start + cells].sort()
            values = np.append(values, np.nan)  # where the last fields have no cell
            limit = values.size - 1
            middle = 0.5 * (values[np.minimum(low, limit)] + values[np.minimum(high, limit)])
            looks[name] = np.where(seen > 0, middle, np.nan)[1:].astype(float)
            if name == "ndvi":
                between = values[np.minimum(upper, limit)] - values[np.minimum(lower, limit)]
                looks["between"] = between[1:].astype(float)
        return looks

    def _judged(
        self,
        zones: Sequence[Zone],
        histories: Sequence[History],
        looks: dict[str, NDArray[np.float64]],
    ) -> list[dict[str, Any]]:
        """Return of each field what is said of it."""
        fields: list[dict[str, Any]] = [
            {"id": zone.identifier, "status": "no_answer", "reason": "few_cells"} for zone in zones
        ]
        own = courses(histories, 0.0)
        by_crop: dict[str, list[int]] = {}
        for n, (zone, field) in enumerate(zip(zones, fields, strict=True)):
            cells, seen = looks["cells"][n], looks["seen"][n]
            if cells < self.least_cells:
                continue
            if seen < max(self.least_seen * cells, self.least_cells):
                field["reason"] = "cloud"
            elif looks["between"][n] > self.most_uneven:
                field["reason"] = "uneven"
            elif np.isnan(own.values[n]) or np.isnan(looks["ndvi"][n]):
                field["reason"] = "season"
            else:
                by_crop.setdefault(str(zone.properties.get("crop")), []).append(n)
        for crop in sorted(by_crop):
            some = by_crop[crop]
            ndvi = looks["ndvi"][some]
            season, doubt = own.values[some], own.sigmas[some]
            usual, spread = season, np.maximum(doubt, _LEAST_SPREAD)
            if len(some) >= _FEW:
                usual, spread = _as_neighbours_go(ndvi, [histories[n] for n in some])
            stressed = _probability(ndvi, usual, spread)
            red, nir = (_beside_the_median(looks[name][some]) for name in ("red", "nir"))
            for row, n in enumerate(some):
                vigour = float(usual[row]) - _BARE
                field = fields[n]
                if usual[row] < self.green_ndvi:
                    field["reason"] = "bare"
                elif (usual[row] - ndvi[row]) / vigour >= _LOSSES[1]:
                    field["reason"] = "cleared"  # cut, ploughed, burnt or under water
                elif stressed[row] > 0.5 and len(some) > 1 and not red[row] > _APART > nir[row]:
                    field["reason"] = "light"  # leaves that fail redden, and shine less beyond it
                elif stressed[row] <= 0.5 and (_TOLD_SPREADS * spread[row] > _TOLD_LOSS * vigour):
                    field["reason"] = "turning"
                else:
                    del field["reason"]
                    field |= {
                        "status": "stressed" if stressed[row] > 0.5 else "normal",
                        "crop": crop,
                        "ndvi": round(float(ndvi[row]), 3),
                        "expected": round(float(usual[row]), 3),
                        "loss": round((float(usual[row]) - float(ndvi[row])) / vigour, 3),
                        "probability": round(float(stressed[row]), 3),
                        "z_season": round(float((ndvi[row] - season[row]) / doubt[row]), 1),
                        "z_neighbours": round(float((ndvi[row] - usual[row]) / spread[row]), 1),
                        "longitude_deg": zones[n].longitude_deg,
                        "latitude_deg": zones[n].latitude_deg,
                    }
                    if "ndre" in looks:
                        field["ndre"] = round(float(looks["ndre"][n]), 3)
        return fields


def _as_neighbours_go(
    ndvi: NDArray[np.float64], histories: Sequence[History]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what fields of one crop should be today, and how far such fields scatter.

    A field's own season says where it stood at the crop's last earlier look: how green, and how
    fast it changed. How the season went on from there is what its neighbours show today: a robust
    regression (Tukey's biweight) of today's NDVI on level and slope then. Stressed fields are
    outliers to it.
    """
    then = max(float(history.days[-1]) for history in histories)
    stood = courses(histories, then)
    # One who has but one value by then stands where the others stood.
    level = np.nan_to_num(stood.values - np.nanmedian(stood.values))
    slope = np.nan_to_num(stood.slopes - np.nanmedian(stood.slopes)) * _DAYS
    terms = [np.ones(ndvi.size), level, slope]
    if ndvi.size >= _SOME:
        terms += [level**2, level * slope, slope**2]
    matrix = np.stack(terms, axis=1)
    weight = np.ones(ndvi.size)
    for _ in range(30):
        root = np.sqrt(weight)
        solution = np.linalg.lstsq(matrix * root[:, None], ndvi * root, rcond=None)[0]
        off = ndvi - matrix @ solution
        spread = max(1.4826 * float(np.median(np.abs(off))), _LEAST_SPREAD)
        weight = np.clip(1.0 - (off / (4.0 * spread)) ** 2, 0.0, None) ** 2 + 1e-9
    return ndvi - off, np.full(ndvi.size, spread)


def _beside_the_median(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(values / max(float(np.median(values)), 1e-3))


def _probability(
    ndvi: NDArray[np.float64], usual: NDArray[np.float64], spread: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the probability of stress by Bayes' rule; healthy fields scatter with long tails."""
    vigour = np.maximum(usual - _BARE, 0.05)
    loss = (usual - ndvi) / vigour
    least, most = _LOSSES
    healthy = stats.t.pdf((ndvi - usual) / spread, _TAILS) / spread
    ill = np.where((loss > least) & (loss < most), 1.0 / ((most - least) * vigour), 0.0)
    return np.asarray(_STRESSED * ill / (_STRESSED * ill + (1.0 - _STRESSED) * healthy + 1e-12))


def _told(fields: Sequence[dict[str, Any]]) -> tuple[Measure, ...]:
    """Return how many fields are stressed, normal, and without an answer for which reason."""
    counts = Counter(str(field["status"]) for field in fields)
    why = Counter(f"no_answer_{field['reason']}" for field in fields if "reason" in field)
    named = [(s, counts[s]) for s in ("stressed", "normal", "no_answer")] + sorted(why.items())
    return tuple(
        Measure(name=f"fields_{name}", value=float(count), sigma=0.0, unit="1")
        for name, count in named
    )
