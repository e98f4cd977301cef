from __future__ import annotations

import pytest
from pydantic import ValidationError

from orbitloom.errors import ScenarioError
from orbitloom.scenario import ElementsFleet, TleFleet, WalkerFleet, load
from orbitloom.scenario.fleet import FLEET_SHAPE


@pytest.mark.parametrize(("planes", "per_plane", "phasing"), [(1, 12, 0), (2, 6, 1), (3, 4, 2)])
def test_any_walker_fleet_is_named_by_numbers(tmp_path, planes, per_plane, phasing):
    file = tmp_path / "mine.toml"
    file.write_text(f"[fleet]\nplanes = {planes}\nper_plane = {per_plane}\nphasing = {phasing}\n")
    fleet = load(file).fleet

    assert isinstance(fleet, WalkerFleet)
    assert (fleet.planes, fleet.per_plane, fleet.phasing) == (planes, per_plane, phasing)
    assert fleet.altitude_km == 505.0


@pytest.mark.parametrize("phasing", [1, 2])
def test_walkers_phasing_is_below_the_planes(phasing):
    with pytest.raises(ValidationError, match="not below"):
        WalkerFleet(planes=1, phasing=phasing)


def test_the_ring_is_twelve_in_one_sun_synchronous_plane():
    fleet = load("flood12").fleet
    assert isinstance(fleet, WalkerFleet)
    assert (fleet.planes, fleet.per_plane) == (1, 12)
    assert (fleet.altitude_km, fleet.inclination_deg, fleet.ltdn_h) == (505.0, 97.4, 10.5)


def test_the_real_twelve_are_mean_elements_of_june_2026():
    fleet = load("scs01").fleet
    assert isinstance(fleet, ElementsFleet)
    assert [one.norad_id for one in fleet.elements] == list(range(63982, 63994))
    assert len({one.name for one in fleet.elements}) == 12
    for one in fleet.elements:
        assert one.epoch_yyddd.startswith("2616")
        assert one.inclination_deg == pytest.approx(97.4, abs=0.1)
        assert 15.0 < one.mean_motion_rev_per_day < 15.5


def test_a_file_of_elements_is_found_beside_the_scenario(tmp_path):
    (tmp_path / "mine.tle").write_text("")
    (tmp_path / "mine.toml").write_text('[fleet]\nkind = "tle"\nfile = "mine.tle"\n')
    fleet = load(tmp_path / "mine.toml").fleet
    assert fleet == TleFleet(kind="tle", file=tmp_path / "mine.tle")


# What was filed: SpaceX, FCC SAT-MOD-20190830-00087; Iridium, 66 in six planes at 780 km.
@pytest.mark.parametrize(
    ("name", "planes", "per_plane", "altitude_km", "inclination_deg"),
    [
        ("starlink-like", 72, 22, 550.0, 53.0),
        ("iridium-like", 6, 11, 780.0, 86.4),
        ("walker2800", 35, 80, 505.0, 97.4),
    ],
)
def test_presets_have_the_planes_that_were_filed(
    name, planes, per_plane, altitude_km, inclination_deg
):
    fleet = load(name).fleet
    assert isinstance(fleet, WalkerFleet)
    assert (fleet.planes, fleet.per_plane) == (planes, per_plane)
    assert (fleet.altitude_km, fleet.inclination_deg) == (altitude_km, inclination_deg)


@pytest.mark.parametrize("satellites", [1, 7, 12, 24, 36, 72, 288, 1000, 2800, 10_000])
def test_one_number_makes_a_fleet_and_changes_nothing_else(satellites):
    ring, fleet = load("ring12").fleet, load("ring12", satellites=satellites).fleet
    assert isinstance(ring, WalkerFleet)
    assert isinstance(fleet, WalkerFleet)
    assert fleet.planes * fleet.per_plane == satellites
    assert fleet.planes == 1 or fleet.per_plane >= max(10, 2 * fleet.planes)
    shape = set(FLEET_SHAPE)
    assert fleet.model_dump(exclude=shape) == ring.model_dump(exclude=shape)
    assert fleet.phasing < fleet.planes


def test_a_file_may_change_the_number_alone(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('base = "ring12"\n[fleet]\nsatellites = 36\n')
    fleet = load(file).fleet
    assert isinstance(fleet, WalkerFleet)
    assert (fleet.planes, fleet.per_plane, fleet.phasing) == (3, 12, 1)
    assert fleet.raan_spread_deg == 180.0
    assert load(load(file)).fleet == fleet


@pytest.mark.parametrize(
    ("keys", "shape"),
    [
        ({"satellites": 12, "planes": 2}, (2, 6)),
        ({"satellites": 12, "per_plane": 4}, (3, 4)),
        ({"satellites": 12, "planes": 3, "per_plane": 4}, (3, 4)),
    ],
)
def test_planes_or_places_may_be_given_too(keys, shape):
    fleet = WalkerFleet(**keys)
    assert (fleet.planes, fleet.per_plane) == shape


def test_only_near_polar_planes_are_spread_over_half_a_turn():
    assert WalkerFleet(satellites=36, inclination_deg=53.0).raan_spread_deg == 360.0
    assert WalkerFleet(satellites=36, raan_spread_deg=90.0).raan_spread_deg == 90.0
    assert WalkerFleet(planes=3).raan_spread_deg == 360.0


@pytest.mark.parametrize("keys", [{"planes": 5}, {"per_plane": 7}, {"planes": 2, "per_plane": 5}])
def test_numbers_that_do_not_go_together_are_refused(keys):
    with pytest.raises(ValueError, match="12 satellites are not"):
        WalkerFleet(satellites=12, **keys)


def test_a_fleet_given_one_by_one_has_no_number():
    with pytest.raises(ScenarioError, match="one by one") as told:
        load("scs01", satellites=24)
    assert "fleet.satellites" in told.value.where
