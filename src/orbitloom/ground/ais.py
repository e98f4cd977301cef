"""Vessels for those who watch the sea: NMEA for a chart plotter, points for a map.

A vessel that AIS identifies goes out as the message it would send itself (``!AIVDM`` type 1, at the
place where it was seen). One that is silent is no AIS target and must not look like one: it is a
tracked target (``TLL``), as a radar would tell of it. See docs/design/maritime.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orbitloom.ground.arrival import Arrival
from orbitloom.scenario import time
from orbitloom.wire import canonical_json
from orbitloom.wire.ais import AisReport
from orbitloom.wire.nmea import encode_report, encode_target, encode_text, tagged

__all__ = ["AisOutlet", "VesselOutlet"]

_SOURCE = "ORBITLOOM"
_NEEDED = ("ais", "longitude_deg", "latitude_deg", "length_m")


class AisOutlet:
    """One file of NMEA sentences for each answer that tells of vessels, one vessel a line."""

    def render(self, arrival: Arrival) -> tuple[str, bytes] | None:
        """Return the sentences, each behind a tag block with the time of the look."""
        vessels = _vessels(arrival)
        if not vessels:
            return None
        seen_ns = arrival.sensed_ns
        lines = [
            tagged(line, seen_ns, _SOURCE)
            for number, vessel in enumerate(vessels, start=1)
            for line in _sentences(number, vessel, seen_ns)
        ]
        note = tagged(encode_text(f"{arrival.identifier} {arrival.note}"), seen_ns, _SOURCE)
        return f"{arrival.stem}.nmea", b"\r\n".join([note, *lines, b""])


class VesselOutlet:
    """One GeoJSON collection for each answer that tells of vessels, one vessel a point."""

    def render(self, arrival: Arrival) -> tuple[str, bytes] | None:
        """Return the vessels with all that was measured of them."""
        vessels = _vessels(arrival)
        if not vessels:
            return None
        collection = {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "id": f"{arrival.identifier}-{number}",
                    "geometry": {
                        "type": "Point",
                        "coordinates": [vessel["longitude_deg"], vessel["latitude_deg"]],
                    },
                    "properties": {
                        key: value
                        for key, value in vessel.items()
                        if key not in {"longitude_deg", "latitude_deg"}
                    }
                    | {
                        "sensed": time.to_iso(arrival.sensed_ns),
                        "received": time.to_iso(arrival.arrived_ns),
                        "target": str(arrival.properties["target"]),
                        "note": arrival.note,
                    },
                }
                for number, vessel in enumerate(vessels, start=1)
            ],
        }
        return f"{arrival.stem}.vessels.geojson", canonical_json(collection)


def _vessels(arrival: Arrival) -> list[Mapping[str, Any]]:
    """Return the answer's details that are vessels."""
    details = arrival.properties.get("details") or ()
    return [
        one for one in details if isinstance(one, Mapping) and all(key in one for key in _NEEDED)
    ]


def _sentences(number: int, vessel: Mapping[str, Any], seen_ns: int) -> tuple[bytes, ...]:
    longitude_deg, latitude_deg = float(vessel["longitude_deg"]), float(vessel["latitude_deg"])
    if vessel["ais"] == "matched":
        report = AisReport(
            mmsi=int(vessel["mmsi"]),
            t_ns=seen_ns,
            longitude_deg=longitude_deg,
            latitude_deg=latitude_deg,
            speed_kn=vessel.get("speed_kn"),
            course_deg=vessel.get("course_deg"),
        )
        return encode_report(report)
    word = "NO AIS" if vessel["ais"] == "dark" else "SEEN"
    name = f"{word} {float(vessel['length_m']):.0f} m"
    return (encode_target(number, longitude_deg, latitude_deg, seen_ns, name),)
