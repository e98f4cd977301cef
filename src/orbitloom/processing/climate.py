"""The climate application: lake area, snow line and greenness of regions, as series."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orbitloom.processing.apps import Context, Evidence, Finding, Measure
from orbitloom.processing.indices import layers
from orbitloom.processing.l3 import Tile
from orbitloom.processing.regions import clear_share, hidden, severity, why_silent
from orbitloom.processing.seasons import expected, read_history
from orbitloom.processing.zones import patch, read_zones

__all__ = ["ClimateApp"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClimateApp:
    """Keeps series of regions."""

    name: str = "climate"
    version: str = "1"
    requires: tuple[str, ...] = ("green", "red", "nir")
    least_seen: float = 0.5
    least_sun_elevation_deg: float = 5.0

    def analyse(self, tile: Tile, context: Context) -> Finding:
        """Return what was measured, and whether it has changed."""
        unseen = hidden(tile)
        share = clear_share(tile, unseen)
        zones = read_zones(context.briefing.regions, tile.grid, "regions of the briefing")
        reason = why_silent(
            tile, share, least_share=0.05, least_sun_elevation_deg=self.least_sun_elevation_deg
        )
        if reason is not None or not zones:
            return Finding(clear_share=share, reason=reason)
        index = layers(tile, "climate")
        series: list[Measure] = []
        worst: tuple[float, Evidence, NDArray[np.bool_]] | None = None
        for zone in zones:
            place = patch(zone, tile.grid)
            if place is None or zone.properties["kind"] != "lake":
                continue
            part = (place.rows, place.columns)
            seen = ~unseen[part]
            weight = place.share * seen
            if weight.sum() < self.least_seen * place.share.sum() / place.inside:
                continue
            water = (index["ndwi"][part] > 0.0) & seen
            value = float((water * place.share).sum() * tile.grid.cell_km2)
            cover = weight.sum() / (place.share.sum() / place.inside)
            sigma = 0.02 * value + (1.0 - cover) * value
            series.append(
                Measure(name=f"{zone.identifier} area", value=value, sigma=sigma, unit="km2")
            )
            history = read_history(
                zone.properties.get("history"), context.sensed_ns, zone.identifier
            )
            said = expected(history)
            if said is None:
                continue
            change = value - said.value
            sigmas = abs(change) / np.hypot(sigma, said.sigma)
            if sigmas > 3.0 and (worst is None or sigmas > worst[0]):
                area = np.zeros(tile.grid.shape, bool)
                area[part] = water
                worst = (
                    float(sigmas),
                    Evidence(
                        event="lake_change",
                        area_km2=abs(change),
                        area_sigma_km2=float(np.hypot(sigma, said.sigma)),
                        parts=1,
                        contrast=abs(change) / said.value,
                        cloud_edge_share=0.0,
                        spoilt_share=0.0,
                        clear_share=share,
                    ),
                    area,
                )
        if worst is None:
            return Finding(clear_share=share, series=tuple(series))
        return Finding(
            clear_share=share,
            evidence=worst[1],
            area=worst[2],
            confidence=0.9,
            severity=severity(worst[1].area_km2),
            headline=f"Lake at {context.target} has changed",
            series=tuple(series),
        )
