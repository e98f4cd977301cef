"""Runs an openEO process graph over a tile, in the sandbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orbitloom.processing.detector import Misfit
from orbitloom.processing.graph import read_graph
from orbitloom.processing.l3 import SCALE, Grid, Tile

__all__ = ["prepare"]

_Float = NDArray[np.float32]


def prepare(
    payload: bytes, head: Mapping[str, Any]
) -> Callable[[dict[str, _Float], NDArray[np.uint8], dict[str, Any]], _Float]:
    """Return what detects with a graph: its one layer is the score."""
    graph = read_graph(payload)

    def detect(bands: dict[str, _Float], mask: NDArray[np.uint8], info: dict[str, Any]) -> _Float:
        numbers = np.empty((len(bands), *mask.shape), np.uint16)
        for row, band in zip(numbers, bands.values(), strict=True):
            row[:] = np.rint(np.nan_to_num(band) * np.float32(1.0 / SCALE))
        layers = graph.run(_tile(tuple(bands), numbers, mask, info))
        if len(layers) != 1:
            raise Misfit(f"the graph gives {len(layers)} layers, and not one")
        return next(iter(layers.values()))

    return detect


def _tile(
    names: tuple[str, ...],
    numbers: NDArray[np.uint16],
    mask: NDArray[np.uint8],
    info: Mapping[str, Any],
) -> Tile:
    a, b, c, d, e, f = info["transform"]
    return Tile(
        grid=Grid(epsg=info["epsg"], transform=(a, b, c, d, e, f), shape=mask.shape),
        band_names=names,
        numbers=numbers,
        mask=mask,
        imaged_share=1.0,
        sun_elevation_deg=info["sun_elevation_deg"],
        off_nadir_deg=0.0,
        snr=0.0,
        sensed_ns=info["sensed_ns"],
    )
