"""Where land is, coarsely: a backdrop for maps.

From the GLOBE digital elevation model (NOAA, 30 arc seconds) as the `global-land-mask` package
ships it. Importing that package would hold its whole mask of 933 MB in memory, so its file is read
as a stream and thinned on the way.
"""

from __future__ import annotations

import zipfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["land"]

_THINNING = 60  # 30 arc seconds to half a degree


@cache
def land() -> NDArray[np.bool_]:
    """Return a (360, 720) mask of land: half a degree a cell, from 90 N, 180 W on.

    Read once a process, in about two seconds.
    """
    spec = find_spec("global_land_mask")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the map needs the package global-land-mask")
    file = Path(spec.origin).with_name("globe_combined_mask_compressed.npz")
    with zipfile.ZipFile(file) as archive, archive.open("mask.npy") as stream:
        np.lib.format.read_magic(stream)
        (rows, columns), _, _ = np.lib.format.read_array_header_1_0(stream)
        middle = _THINNING // 2
        ocean = [
            np.frombuffer(stream.read(columns * _THINNING), dtype=np.bool_)[
                columns * middle + middle : columns * (middle + 1) : _THINNING
            ]
            for _ in range(rows // _THINNING)
        ]
    mask = ~np.array(ocean)
    mask.flags.writeable = False
    return mask
