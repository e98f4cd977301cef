"""An L3 tile as a STAC 1.1 item: what it is, where it lies, and what it was made from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pystac
from shapely.geometry import mapping

from orbitloom.ground.files import write_file
from orbitloom.ground.places import bounding_box, read_geometry
from orbitloom.scenario import time

__all__ = ["write_tile"]

_L3_GRADE = 4  # GB/T 38026: gridded, geometrically corrected; see docs/design/levels.md


def write_tile(
    folder: Path, cog: bytes, geometry: Mapping[str, Any], said: Mapping[str, Any], sensed_ns: int
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
    said
        The answer's properties; what they say of the tile is taken over.
    sensed_ns
        When it was taken.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    kept = {name: value for name, value in said.items() if ":" in name and value is not None}
    shape = read_geometry(geometry)
    item = pystac.Item(
        id=f"{said['satellite']}-{said['capture']}-L3",
        geometry=mapping(shape),
        bbox=list(bounding_box(shape)),
        datetime=time.to_datetime(sensed_ns),
        properties=kept
        | {
            "processing:level": "L3",
            "gbt38026:grade": _L3_GRADE,
            "gsd": said["gsd"],
            "platform": said["satellite"],
            "orbitloom:calibration_id": said.get("calibration_id", ""),
            "orbitloom:packets_sha256": said.get("packets_sha256", ""),
        },
    )
    item.add_asset(
        "tile",
        pystac.Asset(
            href="./L3.tif",
            title="Surface reflectance and mask",
            media_type=pystac.MediaType.COG,
            roles=["data", "reflectance"],
        ),
    )
    text = json.dumps(item.to_dict(include_self_link=False), indent=2, sort_keys=True)
    write_file(folder / "L3.tif", cog)
    write_file(folder / "L3.json", text.encode() + b"\n")
    return folder / "L3.tif", folder / "L3.json"
