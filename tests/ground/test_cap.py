"""CAP 1.2: against the OASIS schema where it is at hand, and by structure always."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from lxml import etree

from orbitloom.ground import Ground
from orbitloom.ground.cap import CapOutlet
from orbitloom.testing.outlet import OutletContract, sample_arrival

SCHEMA = Path(__file__).parents[2] / ".." / "shared" / "data" / "cap" / "CAP-v1.2.xsd"
CAP = {"cap": "urn:oasis:names:tc:emergency:cap:1.2"}
HOSTILE = "A & B <River> ]]> \x00\x07\x1b\ufffe 洪水 🌊 \"'" + " long" * 100


def render(**said):
    name, content = CapOutlet().render(sample_arrival(**said))
    assert name.endswith(".xml")
    return content


def text(root: ET.Element, path: str) -> str:
    found = root.findall("/".join(f"cap:{part}" for part in path.split("/")), CAP)
    assert len(found) == 1, path
    return found[0].text or ""


def parameters(root: ET.Element) -> dict[str, str]:
    return {
        text(pair, "valueName"): text(pair, "value")
        for pair in root.findall("cap:info/cap:parameter", CAP)
    }


class TestCapOutlet(OutletContract):
    @pytest.fixture
    def outlet(self):
        return CapOutlet()


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"place": "two parts at the antimeridian"},
        {"place": "a point"},
        {"chip": b""},
        {"target": HOSTILE, "headline": HOSTILE, "event": HOSTILE, "satellite": HOSTILE},
        {"severity": None, "confidence": None, "area_sigma_km2": None, "headline": None},
        {"severity": "terrible", "event": "fire"},
        {"sensed": "1999-12-31T23:59:59.999Z"},
        {"capture": 123456},
    ],
    ids=str,
)
def test_an_alert_obeys_the_oasis_schema(said):
    if not SCHEMA.exists():
        pytest.skip("the OASIS schema is not beside the repository (shared/data/cap)")
    schema = etree.XMLSchema(etree.parse(str(SCHEMA)))
    schema.assertValid(etree.fromstring(render(**said)))


def test_only_alerts_are_warned_of():
    assert CapOutlet().render(sample_arrival("nothing_found")) is None
    assert CapOutlet().render(sample_arrival("not_observable")) is None


def test_an_alert_says_what_where_when_and_that_it_is_an_exercise():
    root = ET.fromstring(render())

    assert root.tag == f"{{{CAP['cap']}}}alert"
    assert text(root, "identifier") == "sample-0-0007"
    assert text(root, "status") == "Exercise"
    assert text(root, "note") == "Simulated: a sample"
    assert text(root, "msgType") == "Alert"
    assert text(root, "scope") == "Public"
    assert text(root, "sent") == "2026-06-14T01:03:33-00:00"
    assert text(root, "info/effective") == "2026-06-14T01:03:33-00:00"
    assert text(root, "info/onset") == "2026-06-14T01:02:03-00:00"
    assert text(root, "info/expires") == "2026-06-15T01:03:33-00:00"
    assert text(root, "info/category") == "Met"
    assert text(root, "info/event") == "flood"
    assert text(root, "info/urgency") == "Immediate"
    assert text(root, "info/severity") == "Severe"
    assert text(root, "info/certainty") == "Observed"
    assert text(root, "info/headline") == "Flood at Sava: 12.3 km2"
    assert text(root, "info/description") == (
        "flood at Sava, area 12.35 +- 0.50 (1 sigma) km2. Sensed 2026-06-14T01:02:03.456Z by "
        "RING-03, received by Troll 90.2 s later."
    )
    assert text(root, "info/area/areaDesc") == "Sava"


def test_identifier_and_sender_hold_no_character_that_cap_forbids():
    root = ET.fromstring(render())
    for name in ("identifier", "sender"):
        assert re.fullmatch(r"[^\s,<&]+", text(root, name))


@pytest.mark.parametrize(
    ("severity", "urgency"),
    [
        ("Extreme", "Immediate"),
        ("Severe", "Immediate"),
        ("Moderate", "Expected"),
        ("Minor", "Expected"),
        ("Unknown", "Expected"),
    ],
)
def test_urgency_follows_severity(severity, urgency):
    root = ET.fromstring(render(severity=severity))
    assert (text(root, "info/severity"), text(root, "info/urgency")) == (severity, urgency)


@pytest.mark.parametrize(
    ("confidence", "certainty"),
    [(0.9, "Observed"), (0.51, "Likely"), (0.5, "Possible"), (None, "Unknown")],
)
def test_certainty_follows_confidence(confidence, certainty):
    assert text(ET.fromstring(render(confidence=confidence)), "info/certainty") == certainty


def test_a_severity_that_cap_does_not_know_is_unknown():
    assert text(ET.fromstring(render(severity="terrible")), "info/severity") == "Unknown"


def test_parameters_carry_the_evidence_in_numbers():
    arrival = sample_arrival(**{"processing:level": "L4"})
    found = parameters(ET.fromstring(CapOutlet().render(arrival)[1]))
    assert found == {
        "area_km2": "12.345",
        "area_sigma_km2": "0.5",
        "confidence": "0.93",
        "processing:level": "L4",
        "satellite": "RING-03",
        "capture": "7",
        "digest": arrival.answer.digest(),
        "station": "Troll",
        "latency_s": "90.25",
        "writer": "template",
    }


def test_a_polygon_is_latitude_first_and_closed():
    ring = text(ET.fromstring(render()), "info/area/polygon").split()
    assert ring[0] == ring[-1] == "45.000000,15.000000"
    assert set(ring) == {
        "45.000000,15.000000",
        "45.000000,15.200000",
        "45.100000,15.200000",
        "45.100000,15.000000",
    }


def test_each_part_is_a_polygon_of_the_area():
    root = ET.fromstring(render(place="two parts at the antimeridian"))
    rings = [ring.text.split() for ring in root.findall("cap:info/cap:area/cap:polygon", CAP)]
    assert len(rings) == 2
    for ring in rings:
        assert len(ring) >= 4
        assert ring[0] == ring[-1]
        longitudes = [float(point.split(",")[1]) for point in ring]
        assert max(longitudes) - min(longitudes) < 1


def test_a_point_is_a_circle_without_radius():
    root = ET.fromstring(render(place="a point"))
    assert text(root, "info/area/circle") == "45.050000,15.100000 0"


def test_the_evidence_goes_with_the_message_and_lies_in_the_archive(
    tmp_path, scenario, make_answer, arrived_ns, chip
):
    ground = Ground(tmp_path, scenario)
    delivery = ground.receive(make_answer(), arrived_ns=arrived_ns, station="Troll")
    message = next(file for file in delivery.files if file.suffix == ".xml")
    root = ET.fromstring(message.read_bytes())

    assert text(root, "info/resource/mimeType") == "image/tiff"
    assert int(text(root, "info/resource/size")) == len(chip)
    assert base64.b64decode(text(root, "info/resource/derefUri")) == chip
    assert text(root, "info/resource/digest") == hashlib.sha1(chip).hexdigest()
    assert (message.parent / text(root, "info/resource/uri")).read_bytes() == chip


def test_without_evidence_there_is_no_resource():
    assert ET.fromstring(render(chip=b"")).find("cap:info/cap:resource", CAP) is None


def test_hostile_text_arrives_as_text_and_forbidden_characters_are_replaced():
    root = ET.fromstring(render(target=HOSTILE, headline=HOSTILE))
    said = text(root, "info/area/areaDesc")

    assert said.startswith("A & B <River> ]]> \ufffd\ufffd\ufffd\ufffd 洪水 🌊 \"'")
    assert len(text(root, "info/headline")) == 160
    assert {element.tag.partition("}")[0][1:] for element in root.iter()} == {CAP["cap"]}


@pytest.mark.parametrize(
    ("maturity", "kind"), [("confirmed", "Update"), ("retracted", "Cancel"), ("early", "Alert")]
)
def test_a_second_look_refers_to_the_alert_it_speaks_of(maturity, kind):
    outlet = CapOutlet()
    second = sample_arrival(capture=8, earlier="RING-03-7", maturity=maturity)
    alone = ET.fromstring(outlet.render(second)[1])
    assert text(alone, "msgType") == "Alert"  # the first has not been sent
    assert alone.find("cap:references", CAP) is None
    first = ET.fromstring(outlet.render(sample_arrival(capture=7))[1])
    xml = outlet.render(second)[1]
    after = ET.fromstring(xml)
    assert text(after, "msgType") == kind
    assert text(after, "references") == ",".join(
        text(first, part) for part in ("sender", "identifier", "sent")
    )
    if SCHEMA.exists():
        etree.XMLSchema(etree.parse(str(SCHEMA))).assertValid(etree.fromstring(xml))
