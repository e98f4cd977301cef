"""An L3 tile as a STAC 1.1 item: what it is, where it lies, and what it was made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pystac
from rasterio.io import MemoryFile
from shapely.geometry import mapping

from orbitloom.ground.arrival import slug
from orbitloom.ground.files import write_file
from orbitloom.ground.places import bounding_box, read_geometry
from orbitloom.processing.answering import GRADES
from orbitloom.scenario import time
from orbitloom.wire import Answer

__all__ = ["write_tile"]

_PROVENANCE = (
    "briefing_sha256",
    "calibration_id",
    "cloud_model_sha256",
    "packets_sha256",
    "scene_sha256",
)
_SHA256 = "1220"  # the multihash's prefix, as STAC's file extension wants it


def write_tile(
    folder: Path, cog: bytes, geometry: Mapping[str, Any], answer: Answer, sensed_ns: int
) -> tuple[Path, Path]:
    """Write ``L3.tif`` and ``L3.json`` and return both.

    Parameters
    ----------
    folder
        Where to.
    cog
        The tile as a cloud-optimised GeoTIFF.
    geometry
        Its footprint, GeoJSON.
    answer
        What was made of it; what its properties say of the tile is taken over.
    sensed_ns
        When it was taken.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    said = answer.feature["properties"]
    kept = {name: value for name, value in said.items() if ":" in name and value is not None}
    shape = read_geometry(geometry)
    item = pystac.Item(
        id=slug(f"{said['satellite']}-{said['target']}-{said['sensed']}-L3"),
        geometry=mapping(shape),
        bbox=list(bounding_box(shape)),
        datetime=time.to_datetime(sensed_ns),
        properties=kept
        | {
            "processing:level": "L3",
            "gbt38026:grade": GRADES["L3"],
            "gsd": said["gsd"],
            "platform": said["satellite"],
        }
        | {f"orbitloom:{name}": said[name] for name in _PROVENANCE if name in said},
    )
    item.add_asset(
        "tile",
        pystac.Asset(
            href="./L3.tif",
            title="Surface reflectance and mask",
            media_type=pystac.MediaType.COG,
            roles=["data", "reflectance"],
            extra_fields={"bands": _bands(cog), "file:checksum": _multihash(cog)},
        ),
    )
    text = json.dumps(item.to_dict(include_self_link=False), indent=2, sort_keys=True)
    write_file(folder / "L3.tif", cog)
    write_file(folder / "L3.json", text.encode() + b"\n")
    return folder / "L3.tif", folder / "L3.json"


def _bands(cog: bytes) -> list[dict[str, Any]]:
    """Return what the file says of its bands, as STAC 1.1 has it."""
    with MemoryFile(cog) as file, file.open() as raster:
        return [
            {"name": name, "data_type": kind, "raster:scale": scale, "raster:offset": offset}
            | ({"nodata": raster.nodata} if raster.nodata is not None else {})
            | ({} if name == "mask" else {"eo:common_name": name})
            for name, kind, scale, offset in zip(
                raster.descriptions, raster.dtypes, raster.scales, raster.offsets, strict=True
            )
        ]


def _multihash(content: bytes) -> str:
    return _SHA256 + hashlib.sha256(content).hexdigest()
