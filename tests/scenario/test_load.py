from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from orbitloom.errors import InputFileError, ScenarioError
from orbitloom.scenario import (
    ARMS,
    Scenario,
    WalkerFleet,
    load,
    scenario_names,
    station_nets,
    time,
)
from orbitloom.scenario.quantity import Section


def write(folder: Path, content: str) -> Path:
    file = folder / "mine.toml"
    file.write_text(content, encoding="utf-8")
    return file


def test_every_built_in_scenario_loads():
    assert scenario_names() == (
        "flood12",
        "iridium-like",
        "ring12",
        "scs01",
        "starlink-like",
        "walker2800",
        "walker2x6",
    )
    for name in scenario_names():
        scenario = load(name)
        assert scenario.name == name
        assert scenario.description


def test_every_net_is_stations_with_a_place():
    assert tuple(station_nets()) == ("hangzhou1", "china4", "polar2", "world12")
    for name in station_nets():
        assert [one.name for one in load("flood12", stations=name).stations] == [
            one["name"] for one in station_nets()[name]
        ]
    assert len(load("flood12", stations="world12").stations) == 12


def test_an_empty_file_is_the_ring_under_the_files_name(tmp_path):
    scenario, ring = load(write(tmp_path, "")), load("flood12")
    assert scenario.name == "mine"
    assert scenario.model_copy(update={"name": "flood12", "description": ring.description}) == ring


def test_a_base_is_overlaid_key_by_key(tmp_path):
    scenario = load(
        write(
            tmp_path,
            'base = "flood12"\nhours = 2\n[fleet]\naltitude_km = 600\n[power]\nsolar_w = 500\n',
        )
    )
    assert scenario.hours == 2
    assert isinstance(scenario.fleet, WalkerFleet)
    assert scenario.fleet.altitude_km == 600
    assert scenario.fleet.per_plane == 12
    assert scenario.power.solar_w == 500
    assert scenario.power.battery_wh == 800


def test_another_kind_of_fleet_takes_no_key_from_the_bases(tmp_path):
    scenario = load(write(tmp_path, 'base = "scs01"\n[fleet]\nkind = "walker"\nplanes = 3\n'))
    assert isinstance(scenario.fleet, WalkerFleet)
    assert scenario.fleet.planes == 3


def test_an_option_wins_over_the_file_and_none_is_ignored(tmp_path):
    file = write(tmp_path, "hours = 2\nseed = 3\n")
    scenario = load(file, hours=1.5, seed=None, stations="china4", arms=("orbit",))
    assert (scenario.hours, scenario.seed, scenario.arms) == (1.5, 3, ("orbit",))
    assert scenario.stations[0].name == "Hangzhou"


def test_an_options_file_starts_at_the_working_directory(tmp_path, monkeypatch):
    here = tmp_path / "here"
    here.mkdir()
    (here / "x.tif").write_text("")
    monkeypatch.chdir(here)
    scenario = load(write(tmp_path, ""), scene={"file": "x.tif"})
    assert scenario.scene is not None
    assert scenario.scene.file == Path("x.tif")


def test_a_files_file_starts_at_its_folder(tmp_path):
    (tmp_path / "x.tif").write_text("")
    scenario = load(write(tmp_path, '[scene]\nfile = "x.tif"\nscale = 1e-4\n'))
    assert scenario.scene is not None
    assert scenario.scene.file == tmp_path / "x.tif"


@pytest.mark.parametrize(
    "start", ['"2026-07-01T00:00:00Z"', '"2026-07-01"', "2026-07-01T00:00:00Z", "2026-07-01"]
)
def test_a_start_is_a_text_or_one_of_tomls_own_times(tmp_path, start):
    scenario = load(write(tmp_path, f"start = {start}\nhours = 1.5\n"))
    assert scenario.start_ns == time.from_iso("2026-07-01T00:00:00Z")
    assert scenario.end_ns - scenario.start_ns == 5400 * time.SECOND_NS


def test_a_subscription_may_cross_the_antimeridian(tmp_path):
    content = '[[subscriptions]]\nname = "fiji"\nbbox = [177.0, -20.0, -178.0, -15.0]\n'
    (subscription,) = load(write(tmp_path, content)).subscriptions
    assert subscription.bbox == (177.0, -20.0, -178.0, -15.0)
    assert subscription.kinds == ("alert",)


def test_by_default_everyone_hears_of_alerts_everywhere():
    (everyone,) = load("flood12").subscriptions
    assert (everyone.name, everyone.kinds) == ("everyone", ("alert",))
    assert everyone.bbox == (-180.0, -90.0, 180.0, 90.0)
    assert load("flood12").arms == ARMS


def test_a_scenario_is_immutable():
    with pytest.raises(ValidationError, match="frozen"):
        load("flood12").hours = 3


def _sections(section: type[Section]) -> list[type[Section]]:
    found = [section]
    for field in section.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            found += _sections(field.annotation)
    return found


@pytest.mark.parametrize("section", [*_sections(Scenario), WalkerFleet])
def test_every_default_quantity_says_where_it_comes_from(section):
    for name, field in section.model_fields.items():
        if isinstance(field.default, int | float) and not isinstance(field.default, bool):
            extra = field.json_schema_extra
            assert isinstance(extra, dict), f"{section.__name__}.{name}"
            assert extra["basis"] in {"published", "derived", "estimate", "choice"}
            assert extra["source"] or extra["basis"] in {"estimate", "choice", "derived"}


def test_a_quantity_obeys_its_own_limits():
    """Pydantic does not check defaults: load them as if a user had written them."""
    scenario = load("flood12")
    assert Scenario.model_validate(scenario.model_dump()) == scenario


def test_a_scenario_that_is_there_is_taken_with_what_is_changed():
    here = load("flood12", seed=4)
    assert load(here) == here
    changed = load(here, hours=1.5, stations="china4")
    assert (changed.seed, changed.hours, len(changed.stations)) == (4, 1.5, 4)
    with pytest.raises(ScenarioError, match="scenario flood12, key hours"):
        load(here, hours=-1)


def test_an_app_of_a_users_is_a_file_beside_the_scenario(tmp_path):
    (tmp_path / "mine.py").write_text("")
    place = 'latitude_deg = 44.3\nlongitude_deg = 11.9\napp = "mine.py"\n'
    text = f'base = "flood12"\napp = "mine.py"\n[[targets]]\nname = "A"\n{place}'
    scenario = load(write(tmp_path, text))
    assert scenario.app == scenario.targets[0].app == str(tmp_path / "mine.py")
    (tmp_path / "mine.py").unlink()
    with pytest.raises(InputFileError, match=r"key app: there is no file .*mine\.py"):
        load(write(tmp_path, text))
    named = text.replace('app = "mine.py"', 'app = "gold"')
    with pytest.raises(ScenarioError, match="no app is called 'gold'"):
        load(write(tmp_path, named))
