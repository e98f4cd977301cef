from __future__ import annotations

import json
from functools import reduce
from operator import xor

import pytest
from pyais.stream import IterMessages

from orbitloom.ground.ais import AisOutlet, VesselOutlet
from orbitloom.testing.outlet import OutletContract, sample_arrival

DARK = {
    "ais": "dark",
    "longitude_deg": -12.5,
    "latitude_deg": 44.25,
    "length_m": 120,
    "heading_deg": 40,
    "heading_known": True,
}
MATCHED = {
    "ais": "matched",
    "longitude_deg": 15.25,
    "latitude_deg": -45.05,
    "length_m": 88,
    "mmsi": 211234560,
    "speed_kn": 12.3,
    "course_deg": 271.5,
}
SAID = {"app": "maritime", "event": "dark_vessel", "details": [DARK, MATCHED]}


class TestAisOutletKeepsTheContract(OutletContract):
    said = SAID

    @pytest.fixture
    def outlet(self):
        return AisOutlet()


class TestVesselOutletKeepsTheContract(OutletContract):
    said = SAID

    @pytest.fixture
    def outlet(self):
        return VesselOutlet()


@pytest.mark.parametrize("outlet", [AisOutlet(), VesselOutlet()])
@pytest.mark.parametrize("kind", ["alert", "nothing_found", "not_observable"])
def test_answers_without_vessels_are_not_for_it(outlet, kind):
    assert outlet.render(sample_arrival(kind)) is None
    assert outlet.render(sample_arrival(kind, details=[{"field": 7}])) is None


def lines():
    name, content = AisOutlet().render(sample_arrival(**SAID))
    assert name == "0007-alert.nmea"
    return content.decode("ascii").split("\r\n")


def test_every_line_has_the_time_of_the_look_and_checksums_that_hold():
    said = lines()
    assert said.pop() == ""
    assert len(said) == 3
    for line in said:
        _, block, sentence = line.split("\\")
        for part in (block, sentence[1:]):
            text, given = part.split("*")
            assert reduce(xor, text.encode()) == int(given, 16)
        assert block.startswith("s:ORBITLOOM,c:1781398923*")  # 2026-06-14T01:02:03Z


def test_it_says_that_it_is_simulated():
    assert "$IITXT,01,01,01,sample-0-0007 Simulated: a sample*" in lines()[0]


def test_a_vessel_with_ais_is_read_by_pyais_as_an_ais_target():
    (message,) = IterMessages([line.encode() for line in lines() if "VDM" in line])
    message.tag_block.init()
    assert message.tag_block.receiver_timestamp == "1781398923"
    told = message.decode()
    assert (told.msg_type, told.mmsi, told.speed, told.course) == (1, 211234560, 12.3, 271.5)
    assert (told.lon, told.lat) == (15.25, -45.05)


def test_a_silent_vessel_is_a_tracked_target_and_never_an_ais_message():
    dark = lines()[1]
    assert "VDM" not in dark
    assert "$IITLL,01,4415.0000,N,01230.0000,W,NO AIS 120 m,010203.45,Q,*" in dark


def test_a_vessel_of_which_ais_says_nothing_is_not_called_silent():
    unknown = DARK | {"ais": "none heard"}
    content = AisOutlet().render(sample_arrival(**SAID | {"details": [unknown]}))[1]
    assert b"SEEN 120 m" in content
    assert b"NO AIS" not in content


def test_points_hold_all_that_was_measured():
    name, content = VesselOutlet().render(sample_arrival(**SAID))
    assert name == "0007-alert.vessels.geojson"
    first, second = json.loads(content)["features"]
    assert first["geometry"] == {"type": "Point", "coordinates": [-12.5, 44.25]}
    assert first["properties"]["length_m"] == 120
    assert first["properties"]["note"] == "Simulated: a sample"
    assert second["properties"]["mmsi"] == 211234560
    assert "longitude_deg" not in second["properties"]
