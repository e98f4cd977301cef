"""The evidence chip: a small picture with its classes, as a cloud-optimised GeoTIFF."""

from __future__ import annotations

import numpy as np
import rasterio.shutil
from numpy.typing import NDArray
from rasterio.io import MemoryFile
from rasterio.transform import Affine

from orbitloom.processing.l2 import CLOUD, NO_DATA, SHADOW
from orbitloom.processing.l3 import SCALE, Tile

__all__ = ["CLASSES", "chip"]

CLASSES = {"clear": 1, "found": 2, "cloud": 3, "shadow": 4, "no data": 5}
"""Values of the chip's fourth band. None is zero: WebP blackens pictures under a zero alpha."""

_SIDE_PX = 256
_MARGIN = 0.15
_CHOICES = ((256, (60, 35, 15)), (192, (40, 15)), (128, (30, 10)), (96, (20,)), (64, (20,)))
"""Side and WebP qualities, the best first."""
_GAMMA = 1 / 1.8


def chip(tile: Tile, area: NDArray[np.bool_], budget_bytes: int) -> bytes:
    """Return true colour (red, green, blue) and the classes around a finding.

    The picture is a square of at most 256 pixels, lossy WebP, the largest and best that fits the
    budget; WebP keeps the fourth band without loss. Colours are stretched from 0 to the 98th
    percentile of what is clear in the picture.
    """
    octets = b""
    for side_px, qualities in _CHOICES:
        layers, corner = _picture(tile, area, side_px)
        for quality in qualities:
            octets = _write(layers, corner, tile.grid.epsg, quality)
            if len(octets) <= budget_bytes:
                return octets
    return octets


def _picture(tile: Tile, area: NDArray[np.bool_], side_px: int) -> tuple[NDArray[np.uint8], Affine]:
    """Return the layers (4, rows, columns) of a picture, and where it lies."""
    rows, columns, factor = _window(area, side_px)
    bands = [_shrunk(tile.band(name)[rows, columns], factor) for name in ("red", "green", "blue")]
    middle = slice(factor // 2, None, factor)
    classes = _classes(tile.mask[rows, columns], area[rows, columns])[middle, middle]
    clear = classes <= CLASSES["found"]
    picture = np.stack(bands)
    white = np.percentile(picture[:, clear], 98.0) if clear.any() else picture.max()
    picture = np.clip(picture / max(float(white), 50 * SCALE), 0.0, 1.0) ** _GAMMA
    layers = np.concatenate([np.rint(picture * 255).astype(np.uint8), classes[None]])
    a, _, west, _, e, north = tile.grid.transform
    corner = Affine(
        a * factor, 0.0, west + a * columns.start, 0.0, e * factor, north + e * rows.start
    )
    return layers, corner


def _window(area: NDArray[np.bool_], side_px: int) -> tuple[slice, slice, int]:
    """Return rows and columns of a square around the finding, and how many cells make a pixel."""
    spans = [np.flatnonzero(area.any(axis=axis)) for axis in (1, 0)]
    side = max(int(span[-1] - span[0] + 1) for span in spans)
    side = max(int(side * (1 + 2 * _MARGIN)), 128)
    factor = -(-side // side_px)
    slices = []
    for span, size in zip(spans, area.shape, strict=True):
        length = max(min(side, size) // factor, 1) * factor
        start = int(span[0] + span[-1] + 1 - length) // 2
        start = min(max(start, 0), size - length)
        slices.append(slice(start, start + length))
    return slices[0], slices[1], factor


def _shrunk(band: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    rows, columns = (size // factor for size in band.shape)
    blocks = band[: rows * factor, : columns * factor].reshape(rows, factor, columns, factor)
    return np.asarray(blocks.mean(axis=(1, 3)))


def _classes(mask: NDArray[np.uint8], found: NDArray[np.bool_]) -> NDArray[np.uint8]:
    classes = np.full(mask.shape, CLASSES["clear"], dtype=np.uint8)
    classes[(mask & SHADOW) != 0] = CLASSES["shadow"]
    classes[(mask & CLOUD) != 0] = CLASSES["cloud"]
    classes[found] = CLASSES["found"]
    classes[(mask & NO_DATA) != 0] = CLASSES["no data"]
    return classes


def _write(layers: NDArray[np.uint8], corner: Affine, epsg: int, quality: int) -> bytes:
    count, rows, columns = layers.shape
    profile = {
        "driver": "GTiff",
        "dtype": "uint8",
        "count": count,
        "height": rows,
        "width": columns,
        "crs": f"EPSG:{epsg}",
        "transform": corner,
        "photometric": "RGB",
        "alpha": "UNSPECIFIED",
    }
    with MemoryFile() as plain, MemoryFile(ext=".tif") as coded:
        with plain.open(**profile) as dataset:
            dataset.write(layers)
        with plain.open() as dataset:
            rasterio.shutil.copy(
                dataset,
                coded.name,
                driver="COG",
                compress="WEBP",
                quality=quality,
                blocksize=_SIDE_PX,
                overviews="NONE",
                num_threads=1,
            )
        return bytes(coded.getbuffer())
