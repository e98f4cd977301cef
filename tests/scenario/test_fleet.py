from __future__ import annotations

import pytest
from pydantic import ValidationError

from orbitloom.scenario import ElementsFleet, TleFleet, WalkerFleet, load


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
