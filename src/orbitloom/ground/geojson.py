"""GeoJSON (RFC 7946): the answer's own record with how it was delivered."""

from __future__ import annotations

from shapely.geometry import mapping

from orbitloom.ground.arrival import Arrival
from orbitloom.ground.places import bounding_box
from orbitloom.scenario import time
from orbitloom.wire import canonical_json

__all__ = ["GeoJsonOutlet"]


class GeoJsonOutlet:
    """One feature for each answer that a subscription asks for."""

    def render(self, arrival: Arrival) -> tuple[str, bytes]:
        """Return a GeoJSON file: the record, its identifier, bounding box and delivery."""
        feature = {
            **arrival.feature,
            "id": arrival.identifier,
            "bbox": bounding_box(arrival.geometry),
            "geometry": mapping(arrival.geometry),
            "properties": {
                **arrival.properties,
                "digest": arrival.answer.digest(),
                "latency_s": arrival.latency_s,
                "received": time.to_iso(arrival.arrived_ns),
                "station": arrival.station,
                "note": arrival.note,
            },
        }
        return f"{arrival.stem}.geojson", canonical_json(feature)
