from __future__ import annotations

import io
import tomllib

import pytest
from rich.console import Console

from orbitloom.report.show import as_table, as_toml, rows
from orbitloom.scenario import load, scenario_names


@pytest.mark.parametrize("name", scenario_names())
def test_the_toml_of_a_scenario_is_that_scenario(name, tmp_path):
    scenario = load(name)
    file = tmp_path / "copy.toml"
    file.write_text(as_toml(scenario), encoding="utf-8")
    assert load(file) == scenario


def test_hostile_names_survive_the_round_trip(tmp_path):
    file = tmp_path / "mine.toml"
    name = 'a "quoted" \\ name\twith \u007f and 洪水'
    scenario = load("flood12", targets=[{"name": name, "latitude_deg": 1.0, "longitude_deg": 2.0}])
    file.write_text(as_toml(scenario), encoding="utf-8")
    assert load(file).targets[0].name == name
    assert tomllib.loads(file.read_text(encoding="utf-8"))["targets"][0]["name"] == name


def test_every_number_has_a_unit_a_basis_and_estimates_are_marked():
    table = {row.key: row for row in rows(load("flood12"))}
    assert table["power.battery_wh"].unit == "Wh"
    assert table["power.battery_wh"].basis == "estimate"
    assert table["compute.peak_tops"].basis == "published"
    numbers = [row for row in table.values() if isinstance(row.value, float) and "." in row.key]
    assert numbers
    assert all(row.basis for row in numbers if row.key != "scene.offset")


def test_a_changed_value_is_no_longer_published():
    changed = {row.key: row for row in rows(load("flood12", compute={"peak_tops": 100.0}))}
    assert changed["compute.peak_tops"].basis == "set"
    assert changed["compute.peak_tops"].source == ""


def test_the_table_shows_every_key():
    console = Console(width=200, file=io.StringIO())
    console.print(as_table(load("scs01")))
    text = console.file.getvalue()
    for key in ("[fleet]", "elements", "[survey]", "duty_s_per_orbit", "rate_gbps", "stations"):
        assert key in text
    assert "estimate" in text


@pytest.mark.parametrize("width", [40, 72, 80, 120])
@pytest.mark.parametrize("name", scenario_names())
def test_no_key_number_or_word_is_cut_at_any_width(name, width):
    scenario = load(name)
    console = Console(width=width, file=io.StringIO())
    console.print(as_table(scenario))
    text = console.file.getvalue()
    words = text.split()
    assert "…" not in text
    for row in rows(scenario):
        section, _, key = row.key.rpartition(".")
        assert key in words
        assert not section or f"[{section}]" in words
        if isinstance(row.value, int | float):
            assert f"{row.value:g}" in words


def test_every_key_has_a_basis_and_a_share_no_unit():
    for row in rows(load("scs01")):
        assert row.basis
        assert row.unit != "1"
        assert row.source or row.basis == "set", row.key


def test_a_built_in_list_goes_by_its_name_and_another_in_full(tmp_path):
    named = tomllib.loads(as_toml(load("flood12", stations="china4")))
    assert (named["stations"], named["targets"]) == ("china4", "world")
    one = load("flood12").targets[:1]
    told = tomllib.loads(as_toml(load("flood12").model_copy(update={"targets": one})))
    assert [target["name"] for target in told["targets"]] == [one[0].name]
