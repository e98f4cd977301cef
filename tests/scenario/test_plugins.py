from __future__ import annotations

import sys
from importlib.metadata import PathDistribution

import pytest

from orbitloom.errors import ScenarioError
from orbitloom.scenario import plugins


@pytest.mark.parametrize(
    ("group", "name"),
    [
        ("instruments", "imager10m"),
        ("apps", "flood"),
        ("models", "rules"),
        ("classifiers", "blocks"),
        ("outlets", "cap"),
    ],
)
def test_what_is_built_in_is_an_entry_point_like_any_other(group, name):
    assert name in plugins.available(group)


def test_an_outlet_is_loaded_by_name():
    from orbitloom.ground.cap import CapOutlet

    assert plugins.load("outlets", "cap") is CapOutlet


@pytest.mark.parametrize(("group", "kind"), [("apps", "app"), ("outlets", "outlet")])
def test_an_unknown_name_is_answered_with_the_known_ones(group, kind):
    with pytest.raises(ScenarioError, match=f"no {kind} is called 'fires'.*Known: ") as caught:
        plugins.load(group, "fires")
    assert all(name in caught.value.way_out for name in plugins.available(group))


def test_a_group_that_nobody_serves_says_none():
    with pytest.raises(ScenarioError, match="Known: none"):
        plugins.load("nobodies", "x")


def test_another_package_adds_an_outlet_without_a_change_here(tmp_path, monkeypatch):
    (tmp_path / "pager.py").write_text("class Pager:\n    pass\n")
    information = tmp_path / "pager-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: pager\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[orbitloom.outlets]\npager = pager:Pager\n")
    before = plugins.available("outlets")
    monkeypatch.syspath_prepend(tmp_path)
    assert PathDistribution(information).metadata["Name"] == "pager"

    assert plugins.available("outlets") == tuple(sorted((*before, "pager")))
    assert plugins.load("outlets", "pager").__name__ == "Pager"
    sys.modules.pop("pager")
