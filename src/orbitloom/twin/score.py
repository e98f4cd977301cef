"""Answers held against the truth that no satellite was told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from rasterio.features import rasterize
from rasterio.transform import Affine
from rasterio.warp import transform_geom

from orbitloom.processing.l3 import Grid
from orbitloom.twin.result import REGION_EVENTS, CaptureScore
from orbitloom.wire import Answer
from orbitloom.world.observe import ObservationJob, Truth, truth

__all__ = ["compare", "score"]


def score(job: ObservationJob, answer: Answer, grid: Grid | None) -> CaptureScore:
    """Return how an answer compares with the truth of its scene.

    The polygon that a subscriber gets is drawn on the L3 grid and compared, pixel by pixel, with
    what happens and could be seen: imaged, and under neither cloud nor shadow. How much could be
    seen is a share of the footprint; of a lake or a snow line, of the ground that changed.

    Parameters
    ----------
    job
        The observation, which knows the truth.
    answer
        What the chain made of its packets.
    grid
        The L3 grid of that chain; None if the capture could not be placed on Earth.
    """
    if grid is None:
        return CaptureScore(
            capture=job.task.capture,
            app=str(answer.feature["properties"]["app"]),
            event=job.event,
            kind=answer.kind,
            claimed="",
            observable=0.0,
            truth_km2=0.0,
            found_km2=0.0,
            iou=None,
        )
    return compare(answer.feature, truth(job, grid.epsg, grid.transform, grid.shape), grid)


def compare(feature: Mapping[str, Any], actual: Truth, grid: Grid) -> CaptureScore:
    """Return how an answer's record compares with the truth on a grid.

    Parameters
    ----------
    feature
        The record: GeoJSON.
    actual
        The truth, on `grid`.
    """
    said = feature["properties"]
    seen = actual.area & actual.visible
    found = np.zeros(grid.shape, dtype=bool)
    if said["kind"] == "alert" and said.get("maturity") != "retracted":
        shape = transform_geom("EPSG:4326", f"EPSG:{grid.epsg}", feature["geometry"])
        found = rasterize(
            [(shape, 1)], out_shape=grid.shape, transform=Affine(*grid.transform), dtype="uint8"
        ).astype(bool)
    # What the polygon says of ground that could not be seen is neither right nor wrong.
    found_seen = found & actual.visible
    union = int(np.count_nonzero(found_seen | seen))
    watched = actual.area if actual.event in REGION_EVENTS else actual.imaged
    in_view = int(np.count_nonzero(actual.visible & watched))
    observable = in_view / max(int(np.count_nonzero(watched)), 1)
    return CaptureScore(
        capture=int(said["capture"]),
        app=str(said["app"]),
        event=actual.event,
        kind=said["kind"],
        claimed=str(said.get("event", "")),
        observable=round(observable, 6),
        truth_km2=round(int(np.count_nonzero(seen)) * grid.cell_km2, 6),
        found_km2=round(int(np.count_nonzero(found)) * grid.cell_km2, 6),
        iou=round(int(np.count_nonzero(found_seen & seen)) / union, 6) if union else None,
    )
