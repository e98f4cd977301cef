"""The archive: a static, self-contained STAC 1.1 catalogue, one collection an application.

    catalog/catalog.json
    catalog/<app>/collection.json
    catalog/<app>/<scenario>-<seed>-<capture>/<the same>.json, record.geojson, chip.tif, words.json

An item is one answer. What its record says in fields of STAC and of its extensions is taken over
as it is, everything else under the prefix ``orbitloom:``. The extensions' schemas are not declared:
a validator would fetch them from the network, and an archive must be checkable without one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pystac
from pystac.stac_io import DefaultStacIO
from rasterio.errors import RasterioIOError
from rasterio.io import MemoryFile
from shapely.geometry import mapping

from orbitloom.errors import PacketError
from orbitloom.ground.arrival import Arrival
from orbitloom.ground.files import write_file
from orbitloom.ground.places import bounding_box
from orbitloom.scenario import Scenario, time
from orbitloom.wire import Wording

__all__ = ["Archive"]

_CORE = ("constellation", "gsd", "instruments", "mission", "bands")  # STAC 1.1, common metadata
_ELSEWHERE = ("sensed", "satellite")  # datetime and platform say it
_GEOJSON = "application/geo+json"


class Archive:
    """Writes the answers as they come, and the catalogue over them at the end.

    Parameters
    ----------
    folder
        Becomes the catalogue; ``catalog.json`` lies in it.
    scenario
        What was flown.
    """

    def __init__(self, folder: Path, scenario: Scenario) -> None:
        self._folder = folder
        self._scenario = scenario
        self._items: dict[str, list[pystac.Item]] = {}

    def add(self, arrival: Arrival) -> tuple[Path, ...]:
        """Store an answer's record and chip; return the files.

        Raises
        ------
        OutputError
            If the folder cannot be written.
        PacketError
            If the chip is not a raster.
        """
        item = _item(arrival, self._scenario.instrument.name or self._scenario.instrument.kind)
        parts = {"record.geojson": arrival.answer.record}
        if arrival.answer.chip:
            parts["chip.tif"] = arrival.answer.chip
        files = {self._folder / arrival.item_folder / name: part for name, part in parts.items()}
        for path, content in files.items():
            write_file(path, content)
        self._items.setdefault(arrival.app, []).append(item)
        return tuple(files)

    def reword(self, arrival: Arrival, wording: Wording) -> Path:
        """Store the words of an alert that has been added; return their file.

        Raises
        ------
        OutputError
            If the folder cannot be written.
        """
        path = self._folder / arrival.item_folder / "words.json"
        write_file(path, wording.to_bytes())
        item = next(item for item in self._items[arrival.app] if item.id == arrival.identifier)
        item.properties |= {
            "orbitloom:writer": wording.provenance.get("writer", "model"),
            "orbitloom:headline": wording.headline,
            "description": wording.text,
        }
        item.add_asset(
            "words",
            pystac.Asset(
                href="./words.json",
                title="Words of the language model",
                media_type="application/json",
                roles=["metadata"],
            ),
        )
        return path

    def close(self) -> None:
        """Write the catalogue, its collections and items.

        Raises
        ------
        OutputError
            If the folder cannot be written.
        """
        scenario = self._scenario
        catalog = pystac.Catalog(
            id="orbitloom",
            title=f"Answers of the flight {scenario.name}",
            description=scenario.description or f"Answers of the flight {scenario.name}",
        )
        for app in sorted(self._items):
            items = sorted(self._items[app], key=lambda item: item.id)
            catalog.add_child(_collection(app, items))
        catalog.normalize_hrefs(str(self._folder))
        catalog.save(pystac.CatalogType.SELF_CONTAINED, stac_io=_Writer())


class _Writer(DefaultStacIO):
    """Lets pystac write as everything here writes."""

    def write_text_to_href(self, href: str, txt: str) -> None:
        write_file(Path(href), txt.encode() + b"\n")


def _item(arrival: Arrival, instrument: str) -> pystac.Item:
    fields = {"instruments": [instrument], **_fields(arrival)}
    item = pystac.Item(
        id=arrival.identifier,
        geometry=mapping(arrival.geometry),
        bbox=list(bounding_box(arrival.geometry)),
        datetime=time.to_datetime(arrival.sensed_ns),
        properties=fields,
    )
    if arrival.answer.chip:
        item.add_asset(
            "chip",
            pystac.Asset(
                href="./chip.tif",
                title="Evidence",
                media_type=pystac.MediaType.COG,
                roles=["data", "visual"],
                extra_fields=_grid(arrival.answer.chip),
            ),
        )
    item.add_asset(
        "record",
        pystac.Asset(
            href="./record.geojson", title="Answer", media_type=_GEOJSON, roles=["metadata"]
        ),
    )
    return item


def _fields(arrival: Arrival) -> dict[str, Any]:
    """Return the item's properties; a value that STAC forbids to be null is left out."""
    said = {
        name if ":" in name or name in _CORE else f"orbitloom:{name}": value
        for name, value in arrival.properties.items()
        if name not in _ELSEWHERE and value is not None
    }
    writer = {"orbitloom:writer": "template"} if arrival.kind == "alert" else {}
    return {
        **said,
        **writer,
        "title": f"{arrival.kind.replace('_', ' ')}: {arrival.properties['target']}",
        "platform": arrival.properties["satellite"],
        "orbitloom:digest": arrival.answer.digest(),
        "orbitloom:latency_s": arrival.latency_s,
        "orbitloom:received": time.to_iso(arrival.arrived_ns),
        "orbitloom:station": arrival.station,
    }


def _grid(chip: bytes) -> dict[str, Any]:
    """Return the chip's grid as the projection extension has it."""
    try:
        with MemoryFile(chip) as file, file.open() as raster:
            return {
                "proj:code": f"EPSG:{raster.crs.to_epsg()}",
                "proj:shape": [raster.height, raster.width],
                "proj:transform": list(raster.transform)[:6],
                "proj:bbox": list(raster.bounds),
            }
    except (RasterioIOError, AttributeError):
        raise PacketError("an answer's chip is not a raster on a known grid") from None


def _collection(app: str, items: list[pystac.Item]) -> pystac.Collection:
    times = [item.datetime for item in items if item.datetime is not None]
    boxes = [item.bbox for item in items if item.bbox is not None]
    west, south, east, north = zip(*boxes, strict=True)
    crosses = any(w > e for w, e in zip(west, east, strict=True))
    around = (-180.0, 180.0) if crosses else (min(west), max(east))
    collection = pystac.Collection(
        id=app,
        title=f"Answers of the application {app}",
        description=f"L4 results of the application {app}, one item a capture; simulated.",
        license="other",
        keywords=["simulation", "L4", app],
        providers=[
            pystac.Provider(
                name="Orbitloom",
                roles=[pystac.ProviderRole.PRODUCER, pystac.ProviderRole.PROCESSOR],
            )
        ],
        extent=pystac.Extent(
            pystac.SpatialExtent([[around[0], min(south), around[1], max(north)]]),
            pystac.TemporalExtent([[min(times), max(times)]]),
        ),
        summaries=pystac.Summaries(_summaries([item.properties for item in items])),
    )
    collection.add_items(items)
    return collection


def _summaries(properties: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the items hold: words as a list, numbers as a range."""
    summaries: dict[str, Any] = {}
    for name in ("platform", "processing:level", "gbt38026:grade", "orbitloom:kind"):
        values = {item[name] for item in properties if name in item}
        if values:
            summaries[name] = sorted(values)
    for name in ("eo:cloud_cover", "gsd", "view:off_nadir", "view:sun_elevation"):
        numbers = [item[name] for item in properties if name in item]
        if numbers:
            summaries[name] = {"minimum": min(numbers), "maximum": max(numbers)}
    return summaries
