"""Where land is, coarsely: a backdrop for maps.

`land.png` is the GLOBE digital elevation model (NOAA, 30 arc seconds, public domain) thinned to
half a degree: of each 60 x 60 cells the middle one, land or not. It was made from the mask that the
package `global-land-mask` ships::

    mask = ~numpy.load("globe_combined_mask_compressed.npz")["mask"][30::60, 30::60]
    PIL.Image.fromarray(mask).convert("1").save("land.png", optimize=True)
"""

from __future__ import annotations

from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["land"]


def land() -> NDArray[np.bool_]:
    """Return a (360, 720) mask of land: half a degree a cell, from 90 N, 180 W on."""
    with (files("orbitloom.report") / "land.png").open("rb") as file, Image.open(file) as image:
        return np.array(image, dtype=np.bool_)
