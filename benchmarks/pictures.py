"""What the masks and the applications find, beside the truth: the picture of the documentation.

    python benchmarks/pictures.py --out docs/images/found.jpg

Scenes of development seeds, made as in `app_scores.py`, `zone_scores.py` and `maritime.py`. White:
the truth; orange: what the application says.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from app_scores import Scene, scene_of
from maritime import looks
from orbitloom.processing.agriculture import AgricultureApp
from orbitloom.processing.apps import App, Context
from orbitloom.processing.fire import FireApp
from orbitloom.processing.flood import FloodApp
from orbitloom.processing.l3 import Tile
from orbitloom.processing.maritime import MaritimeApp
from orbitloom.processing.masks import CLOUD, SHADOW
from orbitloom.scenario import load_instrument

CELLS, SEA_CELLS, SEA_SEED = 700, 1200, 106
VISIBLE, INFRARED = ("red", "green", "blue"), ("swir22", "nir", "red")


def show(axes: Axes, tile: Tile, bands: tuple[str, str, str], title: str) -> None:
    """Draw a tile in three bands, stretched to their 2nd and 98th percentile."""
    picture = np.stack([tile.band(name) for name in bands], axis=2)
    low, high = np.percentile(picture, (2.0, 98.0))
    axes.imshow(np.clip((picture - low) / (high - low), 0.0, 1.0) ** 0.8)
    axes.set_title(title, fontsize=11)
    axes.set_axis_off()


def outline(axes: Axes, area: NDArray[np.bool_], colour: str) -> None:
    if area.any():
        axes.contour(area, levels=[0.5], colors=colour, linewidths=0.9)


def found(app: App, scene: Scene) -> NDArray[np.bool_]:
    context = Context(target="Here", sensed_ns=scene.tile.sensed_ns, briefing=scene.briefing)
    area = app.analyse(scene.tile, context).area
    return np.zeros(scene.tile.grid.shape, bool) if area is None else area


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=102)
    options = parser.parse_args()
    imager, seed = load_instrument("imager5m"), options.seed
    figure, ((clouds, masks, flood), (fire, fields, ships)) = plt.subplots(
        2, 3, figsize=(13.5, 9.2)
    )

    scene = scene_of(imager, seed, "river", "flood", CELLS, 2)
    show(clouds, scene.tile, VISIBLE, "A river in flood, with cloud")
    named = np.zeros((*scene.tile.grid.shape, 3))
    flags = scene.tile.mask
    named[(flags & CLOUD) != 0] = 1.0
    named[(flags & SHADOW) != 0] = (0.35, 0.35, 0.6)
    masks.imshow(named)
    outline(masks, scene.truth.cloud, "tab:red")
    masks.set_title("Cloud and shadow as found; red: true cloud", fontsize=11)
    masks.set_axis_off()
    show(flood, scene.tile, VISIBLE, "Flood; orange: found, white: true")
    outline(flood, scene.truth.flood & scene.clear, "white")
    outline(flood, found(FloodApp(), scene), "tab:orange")

    scene = scene_of(imager, seed, "forest", "fire", CELLS, 2)
    show(fire, scene.tile, INFRARED, "Fire (SWIR22, NIR, red)")
    outline(fire, scene.truth.burnt & scene.clear, "white")
    outline(fire, found(FireApp(), scene), "tab:orange")

    scene = scene_of(imager, seed, "farmland", "crop_stress", CELLS, 0)
    scene = replace(scene, briefing=replace(scene.briefing, fields=scene.world.fields()))
    show(fields, scene.tile, ("nir", "red", "green"), "Crop stress (NIR, red, green)")
    outline(fields, scene.truth.crop_stress & scene.clear, "white")
    outline(fields, found(AgricultureApp(), scene), "tab:orange")

    look = next(iter(looks(SEA_SEED, "vessels", 1, SEA_CELLS)))
    show(ships, look.tile, VISIBLE, "Vessels; orange: found, white: true")
    a, _, west, _, _, north = look.tile.grid.transform
    for ship in look.ships:
        place = (ship.easting_m - west) / a, (north - ship.northing_m) / a
        if all(0.0 < at < SEA_CELLS for at in place):
            ships.plot(*place, "o", markersize=11, markerfacecolor="none", color="white")
    area = MaritimeApp().analyse(look.tile, look.context).area
    if area is not None:
        outline(ships, area, "tab:orange")
    figure.tight_layout()
    figure.savefig(options.out, dpi=80, pil_kwargs={"quality": 85})


if __name__ == "__main__":
    main()
