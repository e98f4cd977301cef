"""What is said of a tile: alerts with details, and what a second look makes of a first."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from orbitloom.processing.answering import answer_tile
from orbitloom.processing.apps import Context, Evidence, Finding, Measure
from orbitloom.processing.assess import RuleModel
from orbitloom.processing.l2 import CLOUD
from orbitloom.processing.outline import outline
from orbitloom.testing.app import sample_tile
from orbitloom.wire.briefing import Briefing, Earlier

_PROPERTIES = {"satellite": "SAT-01", "capture": 3, "target": "Here"}
LAKE = Measure(name="lake_area", value=1.0, sigma=0.1, unit="km2")
POWER = Measure(name="power", value=12.0, sigma=3.0, unit="MW")
_POINT = {"type": "Point", "coordinates": [15.0, 45.0]}


class Finds:
    """Finds what it is told to find: the water of the sample, or nothing."""

    name, version, requires = "finds", "1", ()

    def __init__(self, event="flood", details=(), contrast=0.5):
        self.event, self.details, self.contrast = event, details, contrast

    def analyse(self, tile, context):
        area = (tile.mask & 16) != 0
        if not area.any():
            return Finding(clear_share=1.0, series=(LAKE,))
        evidence = Evidence(
            event=self.event,
            area_km2=0.64,
            area_sigma_km2=0.01,
            parts=1,
            contrast=self.contrast,
            cloud_edge_share=0.0,
            spoilt_share=0.0,
            clear_share=1.0,
            measures=(POWER,),
        )
        return Finding(
            clear_share=1.0,
            evidence=evidence,
            area=area,
            confidence=0.7,
            headline="Seen",
            details=self.details,
        )


def say(shows, earlier=None, tile=None, **finds):
    context = Context(target="Here", briefing=Briefing(earlier=earlier))
    tile = tile or sample_tile(shows)
    answer = answer_tile(tile, context, Finds(**finds), RuleModel(), dict(_PROPERTIES), _POINT)
    return answer, json.loads(answer.record)


def earlier_alert(confidence=0.7):
    tile = sample_tile("water")
    return Earlier(
        answer="SAT-02-1",
        event="flood",
        sensed_ns=0,
        confidence=confidence,
        area_km2=0.64,
        count=1,
        geometry=outline((tile.mask & 16) != 0, tile.grid, 2_000),
    )


def test_a_first_alert_is_early_and_tells_its_measures():
    _, feature = say("water")
    said = feature["properties"]
    assert (said["kind"], said["maturity"], said["event"]) == ("alert", "early", "flood")
    assert said["measures"]["power"] == {"value": 12.0, "sigma": 3.0, "unit": "MW"}
    assert (said["eo:cloud_cover"], said["proj:code"]) == (0.0, "EPSG:32633")


def test_a_series_is_told_without_an_alert():
    _, feature = say("land")
    assert feature["properties"]["kind"] == "nothing_found"
    assert feature["properties"]["series"] == [
        {"name": "lake_area", "value": 1.0, "sigma": 0.1, "unit": "km2"}
    ]


def test_the_same_again_confirms():
    _, feature = say("water", earlier_alert())
    said = feature["properties"]
    assert (said["maturity"], said["earlier"]) == ("confirmed", "SAT-02-1")
    assert said["confidence"] > 0.95


def test_clear_ground_retracts_and_says_so_as_an_alert():
    earlier = earlier_alert()
    _, feature = say("land", earlier)
    said = feature["properties"]
    assert (said["kind"], said["maturity"]) == ("alert", "retracted")
    assert feature["geometry"] == json.loads(json.dumps(earlier.geometry))
    assert said["confidence"] < 0.2
    assert "Retracted" in said["headline"]


def test_what_the_model_holds_back_confirms_nothing():
    _, feature = say("water", earlier_alert(), contrast=0.0)
    assert feature["properties"]["maturity"] == "retracted"


def test_below_cloud_it_stays_early_and_no_alert():
    tile = sample_tile("land")
    _, feature = say("", earlier_alert(), tile=replace(tile, mask=tile.mask | CLOUD))
    said = feature["properties"]
    assert (said["maturity"], said["kind"]) == ("early", "nothing_found")


@pytest.mark.parametrize("count", [1, 40, 2_000])
def test_a_record_stays_below_ten_kilobytes_however_many_objects(count):
    details = tuple(
        {"longitude_deg": 15.0 + i, "latitude_deg": 45.0, "length_m": 100.5} for i in range(count)
    )
    answer, feature = say("water", details=details)
    assert len(answer.to_bytes()) <= 10_000
    assert feature["properties"]["objects"] == count
    sent = feature["properties"]["details"]
    assert sent == [dict(one) for one in details[: len(sent)]]
    assert len(sent) == count or len(sent) >= 30
