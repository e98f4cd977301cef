"""The agriculture application: fields that are less green than they should be today.

Greenness is NDVI (Rouse et al., 1974, NASA SP-351). What a field should be comes from its own
season and from its neighbours of the same crop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orbitloom.processing.apps import Context, Evidence, Finding, Measure
from orbitloom.processing.indices import layers
from orbitloom.processing.l2 import SNOW, SPOILT, WATER
from orbitloom.processing.l3 import Tile
from orbitloom.processing.regions import clear_share, extent, hidden, severity, why_silent
from orbitloom.processing.seasons import expected, read_history
from orbitloom.processing.zones import Zone, labels, read_zones

__all__ = ["AgricultureApp"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AgricultureApp:
    """Fields that have lost vigour.

    Parameters
    ----------
    edge_m
        Inner cells are those farther than this from a field's edge.
    least_cells, least_seen
        With fewer inner cells, or a smaller share of them in clear view, there is no answer.
    bare_ndvi
        Where no more than this is to be expected, loss of vigour cannot be told.
    """

    name: str = "agriculture"
    version: str = "1"
    requires: tuple[str, ...] = ("red", "nir")
    edge_m: float = 5.0
    least_cells: int = 20
    least_seen: float = 0.3
    bare_ndvi: float = 0.40
    least_sun_elevation_deg: float = 5.0

    def analyse(self, tile: Tile, context: Context) -> Finding:
        """Return which fields are stressed, or why it cannot be said."""
        unseen = hidden(tile)
        share = clear_share(tile, unseen)
        zones = read_zones(context.briefing.fields, tile.grid, "fields of the briefing")
        reason = why_silent(
            tile, share, least_share=0.05, least_sun_elevation_deg=self.least_sun_elevation_deg
        )
        if reason is not None or not zones:
            return Finding(clear_share=share, reason=reason, series=_counts({}, 0))
        number = labels([zone.shape for zone in zones], tile.grid)
        fields = self._fields(tile, zones, number, unseen, context)
        stressed = [n for n, field in enumerate(fields, 1) if field["status"] == "stressed"]
        counts = _counts({s: sum(f["status"] == s for f in fields) for s in _STATUSES}, len(fields))
        if not stressed:
            return Finding(clear_share=share, series=counts)
        area = np.isin(number, stressed)
        size = extent(tile, area, unseen)
        chosen = sorted(
            (fields[n - 1] for n in stressed), key=lambda field: float(field["z_neighbours"])
        )
        loss = float(np.median([1.0 - f["ndvi"] / f["expected"] for f in chosen]))
        return Finding(
            clear_share=share,
            evidence=Evidence(
                event="crop_stress",
                area_km2=size.area_km2,
                area_sigma_km2=size.area_sigma_km2,
                parts=len(stressed),
                contrast=loss,
                cloud_edge_share=size.cloud_edge_share,
                spoilt_share=size.spoilt_share,
                clear_share=share,
                measures=counts,
            ),
            area=area,
            confidence=0.9,
            severity=severity(size.area_km2),
            headline=f"{len(stressed)} stressed fields at {context.target}",
            details=tuple(chosen),
            series=counts,
        )

    def _fields(
        self,
        tile: Tile,
        zones: tuple[Zone, ...],
        number: NDArray[np.int32],
        unseen: NDArray[np.bool_],
        context: Context,
    ) -> list[dict[str, Any]]:
        ndvi = layers(tile, "agriculture")["ndvi"]
        spoilt = (tile.mask & (SPOILT | SNOW | WATER)) != 0
        good = ~unseen & ~spoilt
        fields: list[dict[str, Any]] = []
        for n, zone in enumerate(zones, 1):
            inner = number == n
            seen = inner & good
            field: dict[str, Any] = {"id": zone.identifier, "crop": zone.properties.get("crop")}
            cells = int(np.count_nonzero(inner))
            season = read_history(zone.properties.get("season"), context.sensed_ns, zone.identifier)
            said = expected(season)
            if cells < self.least_cells:
                field |= {"status": "no_answer", "reason": "small"}
            elif np.count_nonzero(seen) < self.least_seen * cells:
                field |= {"status": "no_answer", "reason": "cloud"}
            elif said is None:
                field |= {"status": "no_answer", "reason": "season"}
            elif said.value < self.bare_ndvi:
                field |= {"status": "no_answer", "reason": "bare"}
            else:
                value = float(np.median(ndvi[seen]))
                field |= {
                    "status": "normal",
                    "ndvi": round(value, 3),
                    "expected": round(said.value, 3),
                    "z_season": round((value - said.value) / said.sigma, 2),
                }
            fields.append(field)
        for crop in sorted({str(field["crop"]) for field in fields}):
            alike = [f for f in fields if f["status"] == "normal" and str(f["crop"]) == crop]
            if len(alike) < 5:
                continue
            off = np.array([f["ndvi"] - f["expected"] for f in alike])
            middle = np.median(off)
            spread = max(1.4826 * float(np.median(np.abs(off - middle))), 0.015)
            for field, value in zip(alike, (off - middle) / spread, strict=True):
                field["z_neighbours"] = round(float(value), 2)
                if value < -3.5:
                    field["status"] = "stressed"
        return fields


_STATUSES = ("stressed", "normal", "no_answer")


def _counts(found: dict[str, int], total: int) -> tuple[Measure, ...]:
    return tuple(
        Measure(name=f"fields_{status}", value=float(found.get(status, 0)), sigma=0.0, unit="1")
        for status in _STATUSES
    )
