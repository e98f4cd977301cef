"""What a user may get wrong in a scenario, and what he is told: file, key, value, way out."""

from __future__ import annotations

import pytest

from orbitloom.errors import InputFileError, OrbitloomError, ScenarioError
from orbitloom.scenario import load

ELEMENTS = """
[fleet]
kind = "elements"
[[fleet.elements]]
name = "A"
epoch_yyddd = "26164.5"
inclination_deg = 97.4
raan_deg = 1.0
eccentricity = {eccentricity}
argument_of_perigee_deg = 0.0
mean_anomaly_deg = 0.0
mean_motion_rev_per_day = 15.2
"""
TWICE = """
[[{table}]]
name = "A"
latitude_deg = 0
longitude_deg = 0
[[{table}]]
name = "A"
latitude_deg = 1
longitude_deg = 1
"""
PLACE = """
[[{table}]]
name = "A"
latitude_deg = {latitude}
longitude_deg = {longitude}
"""
SUBSCRIPTION = '[[subscriptions]]\nname = "{name}"\nbbox = {bbox}'
GLOBE = "[-180.0, -90.0, 180.0, 90.0]"

TABLE = {
    # what is wrong: (the file, the key that is named, what is said, the way out)
    "unknown key": ("speed = 3", "key speed", "unknown key 'speed'", "Known here: name, "),
    "near miss": ("hour = 3", "key hour", "unknown key 'hour'", "Did you mean 'hours'?"),
    "unknown key in a section": (
        "[power]\nsolar_kw = 3",
        "key power.solar_kw",
        "unknown key 'solar_kw'",
        "Did you mean 'solar_w'? Known here: solar_w, battery_wh",
    ),
    "unknown key in a kind of fleet": (
        "[fleet]\ncount = 12",
        "key fleet.count",
        "unknown key 'count'",
        "Known here: kind, satellites, planes, per_plane",
    ),
    "unknown key in a list": (
        PLACE.format(table="stations", latitude=0, longitude=0) + "height_m = 3",
        "key stations.0.height_m",
        "unknown key",
        "Known here: name, latitude_deg, longitude_deg, altitude_m",
    ),
    "text with a unit": (
        'hours = "6 h"',
        "key hours",
        "'6 h' is not a number",
        "hours takes a number in h above 0 up to 240",
    ),
    "text with a unit in a kind of fleet": (
        '[fleet]\naltitude_km = "505 km"',
        "key fleet.altitude_km",
        "'505 km' is not a number",
        "takes a number in km from 200 up to 2000",
    ),
    "too small": ("hours = -1", "key hours", "-1 is out of range", "above 0 up to 240"),
    "too large": ("hours = 1e9", "key hours", "1000000000.0 is out of range", "up to 240"),
    "not a number": ("hours = nan", "key hours", "nan is not a finite number", "a number in h"),
    "infinite": ("[power]\nsolar_w = inf", "key power.solar_w", "inf is not a finite", "in W"),
    "a fraction": ("seed = 1.5", "key seed", "1.5 is not a whole number", "a whole number from 0"),
    "true": ("seed = true", "key seed", "true is neither a number nor text", "orbitloom show"),
    "false below": (
        "[laser]\nterminals = false",
        "key laser.terminals",
        "false is neither",
        "orbitloom show",
    ),
    "no stations": ("stations = []", "key stations", "is empty", "Name at least one"),
    "no targets": ("targets = []", "key targets", "is empty", "Name at least one"),
    "no arms": ("arms = []", "key arms", "is empty", "Name at least one"),
    "no bands": ("[instrument]\nbands = []", "key instrument.bands", "is empty", "at least one"),
    "no name": ('name = ""', "key name", "is empty", "at least one"),
    "no elements": (
        '[fleet]\nkind = "elements"\nelements = []',
        "key fleet.elements",
        "is empty",
        "at least one",
    ),
    "two stations of one name": (
        TWICE.format(table="stations"),
        "key stations",
        "the name 'A' is used twice",
        "orbitloom show",
    ),
    "two targets of one name": (
        TWICE.format(table="targets"),
        "key targets",
        "the name 'A' is used twice",
        "orbitloom show",
    ),
    "an arm twice": (
        'arms = ["orbit", "orbit"]',
        "key arms",
        "the arm 'orbit' is named twice",
        "orbitloom show",
    ),
    "unknown arm": ('arms = ["moon"]', "key arms.0", "'moon' is unknown", "'orbit', 'raw' or"),
    "unknown event": (
        PLACE.format(table="targets", latitude=0, longitude=0) + 'event = "war"',
        "key targets.0.event",
        "'war' is unknown",
        "'snow', 'quiet', 'cloud' or 'random'",
    ),
    "unknown base": (
        'base = "ring13"',
        "key base",
        "there is no scenario 'ring13'",
        "Built in: flood12, iridium-like, ring12, scs01",
    ),
    "a base that is no name": (
        'base = ["flood12"]',
        "key base",
        "['flood12']",
        "Built in: flood12",
    ),
    "unknown net": (
        'stations = "polar3"',
        "key stations",
        "no stations list 'polar3'",
        "Built in: hangzhou1, china4, polar2, world12; or give a list of tables [[stations]]",
    ),
    "unknown target list": ('targets = "moon"', "key targets", "'moon'", "Built in: world"),
    "a list of names": (
        'stations = ["Svalbard"]',
        "key stations.0",
        "'Svalbard' is not a table",
        "[stations]",
    ),
    "a table for a list": (
        '[stations]\nname = "x"',
        "key stations",
        "is not a list",
        "one [[stations]] for each",
    ),
    "a word for a table": ('fleet = "flood12"', "key fleet", "'flood12' is not a table", "[fleet]"),
    "a station without a place": (
        '[[stations]]\nname = "x"',
        "key stations.0.latitude_deg",
        "'latitude_deg' is missing",
        "Add it",
    ),
    "latitude": (
        PLACE.format(table="stations", latitude=100, longitude=0),
        "key stations.0.latitude_deg",
        "100 is out of range",
        "from -90 up to 90",
    ),
    "a target outside UTM": (
        PLACE.format(table="targets", latitude=-85, longitude=0),
        "key targets.0.latitude_deg",
        "-85 is out of range",
        "from -80 up to 84",
    ),
    "no time": (
        'start = "yesterday"',
        "key start",
        "'yesterday' is not an ISO 8601 time such as 2026-06-14T00:00:00Z",
        "orbitloom show",
    ),
    "a number for a time": ("start = 20260614", "key start", "20260614", "orbitloom show"),
    "unknown kind of fleet": (
        '[fleet]\nkind = "ring"',
        "key fleet",
        "no kind 'ring'",
        "Known: 'walker', 'elements', 'tle'",
    ),
    "an orbit below the air": (
        "[fleet]\naltitude_km = 100",
        "key fleet.altitude_km",
        "100 is out of range",
        "from 200 up to 2000",
    ),
    "phasing": (
        "[fleet]\nplanes = 2\nphasing = 2",
        "key fleet",
        "phasing 2 is not below the 2 planes",
        "orbitloom show",
    ),
    "an orbit that is none": (
        ELEMENTS.format(eccentricity=1.2),
        "key fleet.elements.0.eccentricity",
        "1.2 is out of range",
        "from 0 below 1",
    ),
    "elements without a file": (
        '[fleet]\nkind = "tle"',
        "key fleet.file",
        "'file' is missing",
        "Add it",
    ),
    "unknown app": ('app = "fires"', "key app", "no app is called 'fires'", "flood, maritime"),
    "unknown model": (
        '[model]\nkind = "gpt"',
        "key model.kind",
        "no model is called 'gpt'",
        "Known: rules",
    ),
    "unknown instrument": (
        '[instrument]\nkind = "radar"',
        "key instrument.kind",
        "no instrument is called 'radar'",
        "Known: imager10m",
    ),
    "a box off the globe": (
        SUBSCRIPTION.format(name="x", bbox="[0, 0, 400, 95]"),
        "key subscriptions.0.bbox",
        "[0.0, 0.0, 400.0, 95.0] is not west, south, east, north in degrees",
        "orbitloom show",
    ),
    "a box upside down": (
        SUBSCRIPTION.format(name="x", bbox="[0, 10, 5, -10]"),
        "key subscriptions.0.bbox",
        "is not west, south, east, north",
        "orbitloom show",
    ),
    "a box with three numbers": (
        SUBSCRIPTION.format(name="x", bbox="[0, 10, 5]"),
        "key subscriptions.0.bbox.3",
        "this entry is missing",
        "Add it",
    ),
    "a subscription that would be a path": (
        SUBSCRIPTION.format(name="../x", bbox=GLOBE),
        "key subscriptions.0.name",
        "'../x'",
        "orbitloom show",
    ),
}


def _message(error: OrbitloomError) -> str:
    text = str(error)
    assert "\n" not in text
    assert error.way_out
    return text


@pytest.mark.parametrize("case", TABLE)
def test_the_message_names_the_file_the_key_the_value_and_the_way_out(tmp_path, case):
    content, key, what, way_out = TABLE[case]
    file = tmp_path / "mine.toml"
    file.write_text(content)
    with pytest.raises(ScenarioError) as caught:
        load(file)
    message = _message(caught.value)

    assert message.startswith(f"{file}, {key}: ")
    assert what in caught.value.what
    assert way_out in caught.value.way_out


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"name = [", "is not valid TOML"),
        (b'name = "a"\nname = "b"', "is not valid TOML"),
        (b"[fleet\n", "is not valid TOML"),
        (b"\xff\xfe", "is not UTF-8 text"),
    ],
)
def test_a_file_that_is_not_toml(tmp_path, content, what):
    file = tmp_path / "mine.toml"
    file.write_bytes(content)
    with pytest.raises(InputFileError, match=what) as caught:
        load(file)
    assert _message(caught.value).startswith(str(file))


def test_a_broken_line_is_named(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('name = "a"\nhours = 6 h\n')
    with pytest.raises(InputFileError, match="line 2"):
        load(file)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputFileError, match=r"none\.toml: cannot be read \(no such file"):
        load(tmp_path / "none.toml")
    with pytest.raises(InputFileError, match="cannot be read"):
        load(tmp_path)


def test_a_scenario_that_is_not_there():
    with pytest.raises(ScenarioError, match=r"no scenario 'ring13'.*Built in: flood12"):
        load("ring13")


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ('[fleet]\nkind = "tle"\nfile = "none.tle"', "key fleet.file"),
        ('[scene]\nfile = "none.tle"', "key scene.file"),
    ],
)
def test_a_file_that_the_scenario_names_is_not_there(tmp_path, content, key):
    file = tmp_path / "mine.toml"
    file.write_text(content)
    with pytest.raises(InputFileError) as caught:
        load(file)
    message = _message(caught.value)

    assert message.startswith(f"{file}, {key}: there is no file '{tmp_path / 'none.tle'}'")
    assert "starts at the scenario's folder" in message


def test_several_mistakes_are_counted(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("hours = -1\nseed = -1\nfoo = 1")
    with pytest.raises(ScenarioError, match=r"key hours: .*\(2 more after this one\)"):
        load(file)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"hours": -1}, r"scenario flood12, key hours: -1 is out of range"),
        ({"stations": "x"}, r"scenario flood12, key stations: there is no stations list 'x'"),
        ({"arms": ["x"]}, r"scenario flood12, key arms.0: 'x' is unknown"),
        ({"nope": 1}, r"scenario flood12, key nope: unknown key 'nope'"),
        ({"scene": {"file": "none.tif"}}, r"key scene.file: there is no file 'none.tif'"),
    ],
)
def test_an_option_that_is_wrong(overrides, message):
    with pytest.raises(OrbitloomError, match=message):
        load("flood12", **overrides)
