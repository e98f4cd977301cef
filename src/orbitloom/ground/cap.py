"""The Common Alerting Protocol, version 1.2 (OASIS Standard, 1 July 2010): alerts only.

Every message says that it is an exercise, because its event is simulated. CAP's times have whole
seconds and a numeric offset (3.3.2: ``Z`` must not be used); its points are latitude first.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from io import BytesIO
from xml.etree import ElementTree as ET

from shapely.geometry import Point, Polygon

from orbitloom.ground.arrival import Arrival
from orbitloom.ground.places import polygons
from orbitloom.scenario import time
from orbitloom.wire import Wording

__all__ = ["CapOutlet"]

_NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
_SENDER = "ground.orbitloom.invalid"  # RFC 2606: a domain that is nobody's
_HEADLINE_LETTERS = 160  # CAP 1.2, 3.2.2: what short message devices show
_VALID_FOR_NS = 24 * time.HOUR_NS
_MESSAGES = {"confirmed": "Update", "retracted": "Cancel"}  # CAP 1.2, 3.2.1
# CAP 1.2, 3.2.2: "Met - Meteorological (inc. flood)", "Fire - Fire suppression and rescue",
# "Security - Law enforcement, military, homeland and local/private security".
_CATEGORIES = {
    "flood": "Met",
    "snow_change": "Met",
    "fire": "Fire",
    "burn_scar": "Fire",
    "dark_vessel": "Security",
}
_SEVERITIES = ("Extreme", "Severe", "Moderate", "Minor")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2
_PARAMETERS = (
    "area_km2",
    "area_sigma_km2",
    "confidence",
    "maturity",
    "processing:level",
    "satellite",
    "capture",
)


class CapOutlet:
    """One CAP 1.2 alert message for each alert.

    A second look's message refers to the one that it confirms (``Update``) or retracts
    (``Cancel``), if that has been sent. The words of a language model are an ``Update`` of the
    message that has left with the template's.
    """

    def __init__(self) -> None:
        self._sent: dict[str, str] = {}  # answer: CAP's reference to its message

    def render(self, arrival: Arrival) -> tuple[str, bytes] | None:
        """Return an XML file for an alert, None for any other answer."""
        if arrival.kind != "alert":
            return None
        referred = self._sent.get(arrival.properties.get("earlier", ""))
        kind = _MESSAGES.get(str(arrival.properties.get("maturity")), "Alert")
        sent = _time(arrival.arrived_ns)
        self._sent[_answer(arrival)] = ",".join((_SENDER, arrival.identifier, sent))
        root = _message(arrival, arrival.identifier, sent, kind if referred else "Alert", referred)
        _add_info(root, arrival, None)
        return f"{arrival.stem}.xml", _file(root)

    def reword(self, arrival: Arrival, wording: Wording, arrived_ns: int) -> tuple[str, bytes]:
        """Return an XML file that puts a language model's words in the place of the template's."""
        root = _message(
            arrival,
            f"{arrival.identifier}-words",
            _time(arrived_ns),
            "Update",
            self._sent.get(_answer(arrival)),
        )
        _add_info(root, arrival, wording)
        return f"{arrival.stem}-words.xml", _file(root)


def _answer(arrival: Arrival) -> str:
    return f"{arrival.properties['satellite']}-{arrival.capture}"


def _message(
    arrival: Arrival, identifier: str, sent: str, kind: str, referred: str | None
) -> ET.Element:
    """Return a message as far as its ``info``."""
    root = ET.Element(_tag("alert"))
    _add(root, "identifier", identifier)
    _add(root, "sender", _SENDER)
    _add(root, "sent", sent)
    _add(root, "status", "Exercise")
    _add(root, "msgType", kind)
    _add(root, "scope", "Public")
    _add(root, "note", arrival.note)
    if referred:
        _add(root, "references", referred)
    return root


def _file(root: ET.Element) -> bytes:
    ET.indent(root)
    file = BytesIO()
    ET.ElementTree(root).write(
        file, encoding="utf-8", xml_declaration=True, default_namespace=_NAMESPACE
    )
    return file.getvalue() + b"\n"


def _add_info(root: ET.Element, arrival: Arrival, wording: Wording | None) -> None:
    said = arrival.properties
    event = str(said.get("event") or said["app"])
    severity = said.get("severity")
    severity = severity if severity in _SEVERITIES else "Unknown"
    info = ET.SubElement(root, _tag("info"))
    _add(info, "language", "en-GB")
    _add(info, "category", _CATEGORIES.get(event, "Env"))
    _add(info, "event", event)
    _add(info, "urgency", "Immediate" if severity in _SEVERITIES[:2] else "Expected")
    _add(info, "severity", severity)
    _add(info, "certainty", _certainty(said.get("confidence")))
    _add(info, "effective", _time(arrival.arrived_ns))
    _add(info, "onset", _time(arrival.sensed_ns))
    _add(info, "expires", _time(arrival.arrived_ns + _VALID_FOR_NS))
    _add(info, "senderName", "Orbitloom")
    if wording is None:
        headline = str(said.get("headline") or f"{event}: {said['target']}")
        description = _description(arrival, event)
        provenance: Mapping[str, object] = {"writer": "template"}
    else:
        headline, description = wording.headline, wording.text
        provenance = wording.provenance
    _add(info, "headline", _short(headline))
    _add(info, "description", description)
    for name in _PARAMETERS:
        if name in said:
            _add_pair(info, name, said[name])
    _add_pair(info, "digest", arrival.answer.digest())
    _add_pair(info, "station", arrival.station)
    _add_pair(info, "latency_s", arrival.latency_s)
    for name, value in provenance.items():
        _add_pair(info, name, value)
    if arrival.answer.chip:
        _add_chip(info, arrival)
    area = ET.SubElement(info, _tag("area"))
    _add(area, "areaDesc", str(said["target"]))
    for part in polygons(arrival.geometry):
        _add(area, "polygon", _ring(part))
    if isinstance(arrival.geometry, Point):
        _add(area, "circle", f"{arrival.geometry.y:.6f},{arrival.geometry.x:.6f} 0")


def _add_chip(info: ET.Element, arrival: Arrival) -> None:
    """Attach the evidence: where the archive has it, and itself (CAP 1.2, 3.2.3)."""
    chip = arrival.answer.chip
    resource = ET.SubElement(info, _tag("resource"))
    _add(resource, "resourceDesc", "evidence chip")
    _add(resource, "mimeType", "image/tiff")
    _add(resource, "size", str(len(chip)))
    # A relative URI may only name what derefUri holds, so that goes with it.
    _add(resource, "uri", f"../catalog/{arrival.item_folder}/chip.tif")
    _add(resource, "derefUri", base64.b64encode(chip).decode())
    _add(resource, "digest", hashlib.sha1(chip, usedforsecurity=False).hexdigest())


def _description(arrival: Arrival, event: str) -> str:
    said = arrival.properties
    text = f"{event} at {said['target']}"
    if "area_km2" in said:
        text += f", area {said['area_km2']:.2f}"
        if said.get("area_sigma_km2") is not None:
            text += f" +- {said['area_sigma_km2']:.2f} (1 sigma)"
        text += " km2"
    return (
        f"{text}. Sensed {said['sensed']} by {said['satellite']}, "
        f"received by {arrival.station} {arrival.latency_s:.1f} s later."
    )


def _certainty(confidence: float | None) -> str:
    """Return CAP's word (3.2.2): Likely is more probable than not, Possible is not."""
    if confidence is None:
        return "Unknown"
    return "Observed" if confidence >= 0.9 else "Likely" if confidence > 0.5 else "Possible"


def _ring(polygon: Polygon) -> str:
    """Return the outer ring as CAP has it: "lat,lon lat,lon ...", closed. CAP knows no holes."""
    return " ".join(f"{y:.6f},{x:.6f}" for x, y, *_ in polygon.exterior.coords)


def _time(t_ns: int) -> str:
    return time.to_datetime(t_ns).strftime("%Y-%m-%dT%H:%M:%S-00:00")


def _short(text: str) -> str:
    if len(text) <= _HEADLINE_LETTERS:
        return text
    return text[: _HEADLINE_LETTERS - 1] + "…"


def _tag(name: str) -> str:
    return f"{{{_NAMESPACE}}}{name}"


def _add(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, _tag(name)).text = _NOT_XML.sub("\ufffd", text)


def _add_pair(info: ET.Element, name: str, value: object) -> None:
    pair = ET.SubElement(info, _tag("parameter"))
    _add(pair, "valueName", name)
    _add(pair, "value", str(value))
