"""An alert's evidence as pictures: true colour, what was classed, the polygon that went out."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orbitloom.processing.chip import CLASSES
from orbitloom.wire import Answer

__all__ = ["Picture", "picture"]

_CLASS_COLOURS = {
    "found": (0, 114, 178, 150),
    "cloud": (255, 255, 255, 170),
    "shadow": (0, 0, 0, 150),
    "no data": (120, 120, 120, 255),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What the page needs to draw an alert.

    Attributes
    ----------
    width, height
        Pixels of the chip.
    pixel_m
        Side of a pixel.
    colour, classes
        True colour, and the classes as a transparent layer, as data URIs.
    outline
        The alert's polygon in pixels, as an SVG path.
    """

    width: int
    height: int
    pixel_m: float
    colour: str
    classes: str
    outline: str


def picture(answer: Answer) -> Picture | None:
    """Return the pictures of an answer, or None if it carries no chip."""
    if not answer.chip:
        return None
    import rasterio
    from rasterio.warp import transform_geom

    with rasterio.MemoryFile(answer.chip) as memory, memory.open() as chip:
        layers = chip.read()
        to_pixel = ~chip.transform
        geometry = transform_geom("EPSG:4326", chip.crs, answer.feature["geometry"])
        pixel_m = abs(chip.transform.a)
    overlay = np.zeros((*layers.shape[1:], 4), dtype=np.uint8)
    for name, colour in _CLASS_COLOURS.items():
        overlay[layers[3] == CLASSES[name]] = colour
    return Picture(
        width=layers.shape[2],
        height=layers.shape[1],
        pixel_m=pixel_m,
        colour=_uri(np.moveaxis(layers[:3], 0, 2), "jpeg"),
        classes=_uri(overlay, "png"),
        outline=_path(geometry, (to_pixel.a, to_pixel.c, to_pixel.e, to_pixel.f)),
    )


def _uri(pixels: NDArray[np.uint8], kind: str) -> str:
    from PIL import Image

    octets = BytesIO()
    options: dict[str, Any] = {"quality": 85} if kind == "jpeg" else {"optimize": True}
    Image.fromarray(np.ascontiguousarray(pixels)).save(octets, kind, **options)
    return f"data:image/{kind};base64,{b64encode(octets.getvalue()).decode()}"


def _path(geometry: Mapping[str, Any], to_pixel: tuple[float, float, float, float]) -> str:
    """Return a polygon or multipolygon on a north-up grid as an SVG path."""
    a, c, e, f = to_pixel
    coordinates = geometry["coordinates"]
    polygons = [coordinates] if geometry["type"] == "Polygon" else coordinates
    rings: list[Sequence[Sequence[float]]] = [ring for polygon in polygons for ring in polygon]
    return "".join(
        "M" + "L".join(f"{a * x + c:.1f} {e * y + f:.1f}" for x, y, *_ in ring) + "Z"
        for ring in rings
    )
