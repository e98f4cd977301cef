"""The applications' index layers: by their openEO graph, and by a compiled pass over the numbers.

The graph in ``graphs/`` is what an application's indices are; the fused path gives the same to
1e-6, in one pass over a tile's uint16 numbers and without an image in between. No data is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

from orbitloom.errors import InputFileError, ScenarioError
from orbitloom.processing.graph import ProcessGraph, read_graph
from orbitloom.processing.l3 import SCALE, Tile
from orbitloom.processing.resampling import baseline_rows
from orbitloom.wire.briefing import Baseline

__all__ = ["GRAPHS", "Layer", "Recipe", "graph_of", "layers", "recipe_for"]

Kind = Literal["normalised", "fall", "over_brightest", "mean"]

_BLOCK_ROWS = 64  # of the baseline at a time: they stay in the cache
_KINDS: dict[str, int] = {"normalised": 0, "fall": 1, "over_brightest": 2, "mean": 3}


@dataclass(frozen=True, slots=True)
class Layer:
    """An index: its name, how it is made, and of which bands.

    ``normalised``: (a - b) / (a + b); ``fall``: what that usually is, less what it is now;
    ``over_brightest``: a over the brighter of b and c; ``mean``: of all.
    """

    name: str
    kind: Kind
    bands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recipe:
    """A graph in ``graphs/`` and the layers that it gives."""

    graph: str
    layers: tuple[Layer, ...]

    @property
    def bands(self) -> frozenset[str]:
        """What a look must have."""
        return frozenset(band for layer in self.layers for band in layer.bands)

    @property
    def usual_bands(self) -> tuple[str, ...]:
        """What the baseline must have."""
        return next((layer.bands for layer in self.layers if layer.kind == "fall"), ())


_NDWI = Layer("ndwi", "normalised", ("green", "nir"))
_NDVI = Layer("ndvi", "normalised", ("nir", "red"))
_NBR = Layer("nbr", "normalised", ("nir", "swir22"))
_HEAT = Layer("swir_ratio", "over_brightest", ("swir22", "nir", "swir16"))

GRAPHS: dict[str, tuple[Recipe, ...]] = {
    "flood": (
        Recipe("flood", (_NDWI, Layer("mndwi", "normalised", ("green", "swir16")))),
        Recipe("flood_vnir", (_NDWI,)),
    ),
    "fire": (
        Recipe("fire", (_NBR, Layer("dnbr", "fall", ("nir", "swir22")), _HEAT)),
        Recipe("fire_alone", (_NBR, _HEAT)),
    ),
    "agriculture": (
        Recipe("agriculture", (_NDVI, Layer("ndre", "normalised", ("nir", "rededge")))),
        Recipe("agriculture_vnir", (_NDVI,)),
    ),
    "maritime": (
        Recipe("maritime", (Layer("brightness", "mean", ("swir16",)),)),
        Recipe("maritime_vnir", (Layer("brightness", "mean", ("nir",)),)),
    ),
    "climate": (
        Recipe("climate", (_NDWI, Layer("ndsi", "normalised", ("green", "swir16")), _NDVI)),
        Recipe("climate_vnir", (_NDWI, _NDVI)),
    ),
}
"""What each application may be given, the best first: the first that the bands suffice for."""


def layers(
    tile: Tile,
    name: str,
    baseline: Baseline | None = None,
    *,
    path: Literal["fused", "graph"] = "fused",
) -> dict[str, NDArray[np.float32]]:
    """Return an application's index layers over a tile, each (rows, columns) float32.

    ===========  ==================================================================
    application  layers
    ===========  ==================================================================
    flood        ndwi; mndwi with swir16
    fire         nbr; dnbr with a baseline; swir_ratio: swir22 / max(nir, swir16)
    agriculture  ndvi; ndre with rededge
    maritime     brightness: swir16, or else nir
    climate      ndwi; ndsi with swir16; ndvi
    ===========  ==================================================================

    Parameters
    ----------
    name
        One of `GRAPHS`.
    baseline
        What the place usually looks like.
    path
        The compiled pass, or the process graph itself: the same to 1e-6.

    Raises
    ------
    ScenarioError
        If no application has that name.
    InputFileError
        If the tile's bands do not suffice.
    """
    recipe = recipe_for(name, tile.band_names, None if baseline is None else baseline.band_names)
    if path == "graph":
        return graph_of(recipe).run(tile, baseline)
    codes = np.full((len(recipe.layers), 4), -1, np.int64)
    for place, layer in enumerate(recipe.layers):
        codes[place, 0] = _KINDS[layer.kind]
        codes[place, 1 : 1 + len(layer.bands)] = [tile.band_names.index(b) for b in layer.bands]
    numbers = np.ascontiguousarray(tile.numbers)
    out = np.empty((len(recipe.layers), *tile.grid.shape), np.float32)
    rows = tile.grid.shape[0]
    if baseline is None or not recipe.usual_bands:
        _fused(numbers, codes, np.empty((2, 0, 0), np.float32), 0, rows, out)
    else:
        known = baseline_rows(baseline, tile.grid, recipe.usual_bands)
        for first in range(0, rows, _BLOCK_ROWS):
            last = min(first + _BLOCK_ROWS, rows)
            usual = np.stack(list(known(slice(first, last)).values()))
            _fused(numbers, codes, usual, first, last, out)
    return {layer.name: values for layer, values in zip(recipe.layers, out, strict=True)}


def recipe_for(
    name: str, band_names: tuple[str, ...], baseline_bands: tuple[str, ...] | None
) -> Recipe:
    """Return the best recipe of an application that the bands suffice for.

    Parameters
    ----------
    baseline_bands
        Of the baseline; None without one.

    Raises
    ------
    ScenarioError
        If no application has that name.
    InputFileError
        If the bands suffice for none.
    """
    if name not in GRAPHS:
        raise ScenarioError(
            f"there are no indices {name!r}", way_out=f"There are: {', '.join(GRAPHS)}"
        )
    for recipe in GRAPHS[name]:
        if recipe.bands <= set(band_names) and set(recipe.usual_bands) <= set(baseline_bands or ()):
            return recipe
    least = ", ".join(sorted(GRAPHS[name][-1].bands))
    raise InputFileError(
        f"{name} cannot be told from the bands {', '.join(band_names)}",
        where="tile",
        way_out=f"It takes at least: {least}",
    )


def graph_of(recipe: Recipe) -> ProcessGraph:
    """Return a recipe's process graph."""
    name = f"{recipe.graph}.json"
    text = (resources.files("orbitloom.processing") / "graphs" / name).read_text(encoding="utf-8")
    return read_graph(text, where=name)


@njit(cache=True, nogil=True, error_model="numpy")
def _fused(
    numbers: NDArray[np.uint16],
    codes: NDArray[np.int64],
    usual: NDArray[np.float32],
    first_row: int,
    last_row: int,
    out: NDArray[np.float32],
) -> None:
    """Write some rows of the layers, row by row: a row's bands are read once for all of them.

    `usual` holds these rows of what the two bands of a fall usually are.
    A normalised difference is taken of the numbers, for their scale cancels; the others are in
    reflectance, step by step as the graph does it.
    """
    count, _, columns = out.shape
    scale = np.float32(SCALE)
    nothing = np.float32(np.nan)
    for row in range(first_row, last_row):
        for layer in range(count):
            kind, first, second, third = codes[layer]
            made, one = out[layer, row], numbers[first, row]
            other = numbers[max(second, 0), row]
            if kind == 0:
                for x in range(columns):
                    a, b = np.float32(one[x]), np.float32(other[x])
                    value = (a - b) / (a + b)
                    made[x] = value if (one[x] != 0) & (other[x] != 0) else nothing
            elif kind == 1:
                before, beside = usual[0, row - first_row], usual[1, row - first_row]
                for x in range(columns):
                    a, b = np.float32(one[x]), np.float32(other[x])
                    usually = (before[x] - beside[x]) / (before[x] + beside[x])
                    value = usually - (a - b) / (a + b)
                    made[x] = value if (one[x] != 0) & (other[x] != 0) else nothing
            elif kind == 2:
                last = numbers[third, row]
                for x in range(columns):
                    brightest = np.float32(max(other[x], last[x])) * scale
                    value = np.float32(one[x]) * scale / brightest
                    known = (one[x] != 0) & (other[x] != 0) & (last[x] != 0)
                    made[x] = value if known else nothing
            elif second < 0:
                for x in range(columns):
                    value = np.float32(one[x]) * scale
                    made[x] = value if one[x] != 0 else nothing
            else:
                for x in range(columns):
                    total = np.float32(one[x]) * scale + np.float32(other[x]) * scale
                    value = total / np.float32(2.0)
                    made[x] = value if (one[x] != 0) & (other[x] != 0) else nothing
