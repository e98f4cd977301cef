"""The cache: same bytes with and without, and nothing that goes wrong there is fatal."""

import os
from pathlib import Path

import numpy as np
import pytest

from orbitloom.scenario import WalkerFleet, load
from orbitloom.world import geometry
from orbitloom.world.cache import Cache
from orbitloom.world.geometry import World


class Maker:
    """Counts how often it is asked."""

    def __init__(self, size=1000):
        self.asked = 0
        self._size = size

    def __call__(self):
        self.asked += 1
        return {"x": np.arange(self._size), "y": np.linspace(0.0, 1.0, self._size)}


def test_a_result_is_made_once_for_the_same_parts(tmp_path):
    cache, make = Cache(folder=tmp_path / "deep" / "folder"), Maker()
    first = cache.arrays("thing", ["a", b"b"], make)
    again = cache.arrays("thing", ["a", b"b"], make)
    assert make.asked == 1
    for name in ("x", "y"):
        np.testing.assert_array_equal(first[name], again[name])
        assert first[name].dtype == again[name].dtype
    cache.arrays("thing", ["ab"], make)
    cache.arrays("thing", ["a", "c"], make)
    cache.arrays("other", ["a", b"b"], make)
    assert make.asked == 4
    assert not list(tmp_path.rglob("*.part"))


def test_without_a_folder_nothing_is_kept():
    make = Maker()
    for _ in range(2):
        Cache().arrays("thing", [], make)
    assert make.asked == 2


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "other"])
def test_a_damaged_file_is_made_again(tmp_path, damage):
    cache, make = Cache(folder=tmp_path), Maker()
    cache.arrays("thing", [], make)
    (file,) = tmp_path.glob("*.npz")
    data = bytearray(file.read_bytes())
    if damage == "flipped":
        data[len(data) // 2] ^= 1
    damaged = {"cut": data[: len(data) // 2], "empty": b"", "other": b"hello"}.get(damage, data)
    file.write_bytes(damaged)
    found = cache.arrays("thing", [], make)
    assert make.asked == 2
    np.testing.assert_array_equal(found["x"], np.arange(1000))
    cache.arrays("thing", [], make)
    assert make.asked == 2


def test_what_was_not_used_for_longest_goes_first(tmp_path):
    one = 16 * 1000 + 1000  # a file: two columns and their headers
    cache, make = Cache(folder=tmp_path, limit_bytes=2 * one), Maker()
    for number, name in enumerate("abc"):
        cache.arrays(name, [], make)
        for file in tmp_path.glob(f"{name}-*"):
            os.utime(file, (number, number))
        if name == "b":
            cache.arrays("a", [], make)  # used: now younger than b
    assert sorted(file.name[0] for file in tmp_path.iterdir()) == ["a", "c"]
    cache.arrays("huge", [], Maker(10_000))  # would not fit
    assert sorted(file.name[0] for file in tmp_path.iterdir()) == ["a", "c"]


def test_what_is_not_ours_stays(tmp_path):
    mine = tmp_path / "results-2026.npz"
    mine.write_bytes(bytes(100_000))
    os.utime(mine, (0, 0))
    cache = Cache(folder=tmp_path, limit_bytes=20_000)
    for name in "abc":
        cache.arrays(name, [], Maker())
    assert len(list(tmp_path.iterdir())) == 2
    assert mine.exists()


def test_a_folder_that_cannot_be_written_is_not_needed(tmp_path):
    (tmp_path / "file").write_text("in the way")
    make = Maker()
    found = Cache(folder=tmp_path / "file" / "sub").arrays("thing", [], make)
    assert found["x"].size == 1000


def test_where_the_user_s_cache_is(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    home = Path("~").expanduser()
    assert Cache.of_user({}).folder == home / ".cache" / "orbitloom"
    assert Cache.of_user({"XDG_CACHE_HOME": "/var/c"}).folder == Path("/var/c/orbitloom")
    assert Cache.of_user({"ORBITLOOM_CACHE": "/data/c"}).folder == Path("/data/c")
    assert Cache.of_user({"ORBITLOOM_CACHE": "Off"}).folder is None
    assert Cache.of_user().folder is None  # in tests
    monkeypatch.setattr("sys.platform", "darwin")
    assert Cache.of_user({}).folder == home / "Library" / "Caches" / "orbitloom"
    monkeypatch.setattr("sys.platform", "win32")
    assert Cache.of_user({"LOCALAPPDATA": "/local"}).folder == Path("/local/orbitloom")


def everything(world):
    tables = (world.contacts, world.passes, world.fleet_sunlight, world._looks, world._links)
    return [
        np.asarray(getattr(table, name)).tobytes()
        for table in tables
        for name in ("start_ns", "t_ns", "roll_deg", "rate_bps", "fraction", "end_cause", "first")
        if hasattr(table, name)
    ]


def test_a_world_is_the_same_with_and_without_a_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(geometry, "_WORTH_KEEPING", 0)
    cache = Cache(folder=tmp_path)
    scenario = load("flood12", hours=2)
    plain, first, second = World(scenario), World(scenario, cache=cache), None
    wanted = everything(plain)
    assert everything(first) == wanted
    assert {file.name.split("-")[0] for file in tmp_path.iterdir()} == {
        "passes", "contacts", "links", "looks", "sunlight",
    }  # fmt: skip
    for name in ("contact_plan", "station_passes", "laser_links", "target_looks", "fleet_sunlight"):
        monkeypatch.setattr(geometry, name, None)  # whoever calls it fails
    second = World(scenario, cache=cache)
    assert everything(second) == wanted
    assert second.tasks == plain.tasks
    fleet = WalkerFleet(per_plane=11)
    with pytest.raises(TypeError):
        _ = World(scenario.model_copy(update={"fleet": fleet}), cache=cache).passes


def test_a_small_fleet_is_not_kept(tmp_path):
    world = World(load("flood12", hours=2), cache=Cache(folder=tmp_path))
    assert len(world.contacts) > 0
    assert not list(tmp_path.iterdir())
