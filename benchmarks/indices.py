"""CPU seconds of the index layers and of the memory, on one core: fused, as a graph, plain numpy.

``python benchmarks/indices.py`` takes a tile of 4000 x 4000 cells and 8 bands.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from orbitloom.processing.indices import GRAPHS, layers
from orbitloom.processing.l3 import SCALE, Grid, Tile
from orbitloom.processing.memory import Memory
from orbitloom.processing.tiles import composite
from orbitloom.scenario import stream

BANDS = ("coastal", "blue", "green", "red", "rededge", "nir", "swir16", "swir22")
SIDE = 4000


def a_tile() -> Tile:
    rng = stream(100, "benchmark", "indices")
    return Tile(
        grid=Grid(epsg=32632, transform=(5.0, 0.0, 503e3, 0.0, -5.0, 5_017e3), shape=(SIDE, SIDE)),
        band_names=BANDS,
        numbers=rng.integers(1, 9_000, (len(BANDS), SIDE, SIDE), dtype=np.uint16),
        mask=np.where(rng.random((SIDE, SIDE)) < 0.3, 4, 0).astype(np.uint8),
        imaged_share=1.0,
        sun_elevation_deg=40.0,
        off_nadir_deg=3.0,
        snr=80.0,
        sensed_ns=10**18,
    )


def by_numpy(tile: Tile) -> list[NDArray[np.float32]]:
    """The three indices of ``climate``, as one writes them down."""
    rho = {
        name: np.where(band == 0, np.float32(np.nan), band * np.float32(SCALE))
        for name, band in zip(tile.band_names, tile.numbers, strict=True)
        if name in ("green", "red", "nir", "swir16")
    }
    pairs = (("green", "nir"), ("green", "swir16"), ("nir", "red"))
    return [(rho[a] - rho[b]) / (rho[a] + rho[b]) for a, b in pairs]


def seconds(work: Callable[[], object]) -> float:
    work()
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    tile = a_tile()
    memory = Memory(1 << 30)
    for day in range(3):
        memory.look(replace(tile, sensed_ns=10**18 + day * 86_400 * 10**9))
    known = memory.baseline(tile.grid)
    cells = SIDE * SIDE / 1e6
    plain = seconds(lambda: by_numpy(tile))
    print(f"{'climate by numpy':28} {plain:6.3f} s {cells / plain:7.0f} Mpx/s")
    for name in GRAPHS:
        fused = seconds(lambda name=name: layers(tile, name, known))
        graph = seconds(lambda name=name: layers(tile, name, known, path="graph"))
        ratio = f", {plain / fused:.1f} x numpy" if name == "climate" else ""
        print(f"{name + ' fused':28} {fused:6.3f} s {cells / fused:7.0f} Mpx/s{ratio}")
        print(f"{name + ' as a graph':28} {graph:6.3f} s {cells / graph:7.0f} Mpx/s")
    later = replace(tile, sensed_ns=2 * 10**18)
    print(f"{'look into the memory':28} {seconds(lambda: memory.look(later)):6.3f} s")
    print(f"{'baseline out of it':28} {seconds(lambda: memory.baseline(tile.grid)):6.3f} s")
    print(f"{'composite of two looks':28} {seconds(lambda: composite([tile, later])):6.3f} s")
    print(f"memory: {memory.nbytes / 1e6:.0f} MB for {len(memory.squares)} squares")


if __name__ == "__main__":
    main()
