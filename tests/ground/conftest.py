"""Answers made by hand, of every kind, so that the ground is tested without a satellite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from rasterio import Affine
from rasterio.io import MemoryFile

from orbitloom.scenario import Scenario, load, time
from orbitloom.wire import Answer, canonical_json

SENSED = "2026-06-14T01:02:03.456Z"
FLOOD = {
    "type": "Polygon",
    "coordinates": [
        [[15.0, 45.0], [15.2, 45.0], [15.2, 45.1], [15.0, 45.1], [15.0, 45.0]],
        [[15.05, 45.02], [15.05, 45.04], [15.1, 45.04], [15.1, 45.02], [15.05, 45.02]],
    ],
}

MakeAnswer = Callable[..., Answer]


@pytest.fixture(scope="session")
def chip() -> bytes:
    """A cloud-optimised GeoTIFF of 64 x 48 pixels at 10 m in UTM 33N."""
    pixels = np.arange(3 * 48 * 64, dtype=np.uint8).reshape(3, 48, 64)
    with MemoryFile() as file:
        with file.open(
            driver="COG",
            width=64,
            height=48,
            count=3,
            dtype="uint8",
            crs="EPSG:32633",
            transform=Affine(10.0, 0.0, 500_000.0, 0.0, -10.0, 5_000_000.0),
        ) as raster:
            raster.write(pixels)
        return bytes(file.read())


@pytest.fixture
def make_answer(chip: bytes) -> MakeAnswer:
    """Return a function that makes an answer; what it is given goes into the record."""

    def make(kind: str = "alert", capture: int = 7, geometry: Any = FLOOD, **said: Any) -> Answer:
        properties: dict[str, Any] = {
            "kind": kind,
            "capture": capture,
            "satellite": "RING-03",
            "target": "Sava",
            "app": "flood",
            "sensed": SENSED,
            "processing:level": "L4",
            "gbt38026:grade": 6,
            "eo:cloud_cover": 12.5,
            "view:off_nadir": 11.0,
            "view:sun_elevation": 55.5,
            "gsd": 10.0,
        }
        if kind == "alert":
            properties |= {
                "event": "flood",
                "area_km2": 12.345,
                "area_sigma_km2": 0.5,
                "confidence": 0.93,
                "severity": "Severe",
                "headline": "Flood at Sava: 12.3 km2",
            }
        if kind == "not_observable":
            properties["reason"] = "cloud"
        properties |= said
        feature = {"type": "Feature", "geometry": geometry, "properties": properties}
        return Answer(
            record=canonical_json(feature), chip=b"" if kind == "not_observable" else chip
        )

    return make


@pytest.fixture
def scenario() -> Scenario:
    return load("flood12", name="test ring", seed=5)


@pytest.fixture
def arrived_ns() -> int:
    """Ninety seconds and a bit after the capture."""
    return time.from_iso(SENSED) + 90_250_000_000
