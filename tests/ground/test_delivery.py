from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pystac
import pytest

from orbitloom.errors import OutputError, PacketError
from orbitloom.ground import Ground
from orbitloom.scenario import Subscription


def _hashes(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def _names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_an_alert_reaches_the_inbox_and_every_answer_the_archive(
    tmp_path, scenario, make_answer, arrived_ns
):
    ground = Ground(tmp_path, scenario)
    first = ground.receive(make_answer(), arrived_ns=arrived_ns, station="Troll")
    second = ground.receive(make_answer("nothing_found", 8), arrived_ns=arrived_ns, station="Troll")
    third = ground.receive(make_answer("not_observable", 9), arrived_ns=arrived_ns, station="Troll")
    ground.close()

    assert first.subscriptions == ("everyone",)
    assert second.subscriptions == third.subscriptions == ()
    assert _names(tmp_path / "inbox") == ["everyone-0007-alert.geojson", "everyone-0007-alert.xml"]
    assert all(file.is_file() for answer in (first, second, third) for file in answer.files)
    catalog = pystac.Catalog.from_file(str(tmp_path / "catalog" / "catalog.json"))
    assert [item.id for item in catalog.get_items(recursive=True)] == [
        "test-ring-5-0007",
        "test-ring-5-0008",
        "test-ring-5-0009",
    ]


def test_nothing_found_reaches_who_asked_for_it(tmp_path, scenario, make_answer, arrived_ns):
    scenario = scenario.model_copy(
        update={"subscriptions": (Subscription(name="audit", kinds=("nothing_found",)),)}
    )
    ground = Ground(tmp_path, scenario)
    ground.receive(make_answer(), arrived_ns=arrived_ns, station="Troll")
    ground.receive(make_answer("nothing_found", 8), arrived_ns=arrived_ns, station="Troll")

    assert _names(tmp_path / "inbox") == ["audit-0008-nothing_found.geojson"]


def test_the_same_answer_twice_is_one_inbox_entry(tmp_path, scenario, make_answer, arrived_ns):
    ground = Ground(tmp_path, scenario)
    ground.receive(make_answer(), arrived_ns=arrived_ns, station="Troll")
    before = _hashes(tmp_path)
    again = ground.receive(make_answer(), arrived_ns=arrived_ns + 10**9, station="Svalbard")
    ground.close()

    assert again.subscriptions == ()
    assert again.files == ()
    assert {name: _hashes(tmp_path)[name] for name in before} == before
    catalog = pystac.Catalog.from_file(str(tmp_path / "catalog" / "catalog.json"))
    assert len(list(catalog.get_items(recursive=True))) == 1


def test_another_answer_for_the_same_capture_is_refused(
    tmp_path, scenario, make_answer, arrived_ns
):
    ground = Ground(tmp_path, scenario)
    ground.receive(make_answer(), arrived_ns=arrived_ns, station="Troll")
    with pytest.raises(PacketError, match="capture 7 has come before"):
        ground.receive(make_answer(area_km2=1.0), arrived_ns=arrived_ns, station="Troll")


def test_two_flights_leave_the_same_bytes_in_any_order_of_arrival(
    tmp_path, scenario, make_answer, arrived_ns
):
    for name, order in (("a", (7, 8, 9)), ("b", (9, 7, 8))):
        ground = Ground(tmp_path / name, scenario)
        for capture in order:
            ground.receive(
                make_answer(capture=capture), arrived_ns=arrived_ns + capture, station="Troll"
            )
        ground.close()

    assert _hashes(tmp_path / "a") == _hashes(tmp_path / "b")
    assert len(_hashes(tmp_path / "a")) == 2 + 3 * 5  # catalogue, collection; 5 files an alert


def test_without_a_folder_nothing_is_written(
    tmp_path, scenario, make_answer, arrived_ns, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    ground = Ground(None, scenario)
    delivery = ground.receive(make_answer(), arrived_ns=arrived_ns, station="Troll")
    ground.close()

    assert delivery.subscriptions == ("everyone",)
    assert delivery.files == ()
    assert list(tmp_path.iterdir()) == []


def test_a_flight_without_answers_leaves_an_empty_catalogue(tmp_path, scenario):
    Ground(tmp_path, scenario).close()
    catalog = pystac.Catalog.from_file(str(tmp_path / "catalog" / "catalog.json"))

    assert list(catalog.get_items(recursive=True)) == []
    assert _names(tmp_path / "inbox") == []


def test_a_place_that_cannot_be_written_is_named_before_the_flight(tmp_path, scenario):
    (tmp_path / "out").write_text("a file where a folder should be")
    with pytest.raises(OutputError, match=r"out.*cannot be written.*--out") as caught:
        Ground(tmp_path / "out", scenario)
    assert str(tmp_path) in caught.value.where


def test_a_place_that_stops_being_writable_is_named(tmp_path, scenario, make_answer, arrived_ns):
    ground = Ground(tmp_path, scenario)
    (tmp_path / "inbox").rmdir()
    (tmp_path / "inbox").write_text("a file where a folder should be")
    with pytest.raises(OutputError, match=r"everyone-0007-alert.*cannot be written.*--out"):
        ground.receive(make_answer(), arrived_ns=arrived_ns, station="Troll")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"kind": "rumour"}, "kind 'rumour' is unknown"),
        ({"geometry": None}, "geometry is not GeoJSON"),
        ({"geometry": {"type": "Polygon"}}, "geometry is not GeoJSON"),
        ({"geometry": {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}}, "without area"),
        ({"geometry": {"type": "Point", "coordinates": []}}, "without area"),
    ],
)
def test_a_record_that_cannot_be_delivered_is_refused(
    tmp_path, scenario, make_answer, arrived_ns, said, message
):
    ground = Ground(tmp_path, scenario)
    with pytest.raises(PacketError, match=message):
        ground.receive(make_answer(**said), arrived_ns=arrived_ns, station="Troll")


def test_a_record_without_a_property_that_all_have_is_refused(scenario, make_answer, arrived_ns):
    feature = json.loads(make_answer().record)
    del feature["properties"]["satellite"]
    answer = make_answer().__class__(record=json.dumps(feature).encode())
    with pytest.raises(PacketError, match="lacks 'satellite'"):
        Ground(None, scenario).receive(answer, arrived_ns=arrived_ns, station="Troll")


def test_a_chip_that_is_no_raster_is_refused(tmp_path, scenario, make_answer, arrived_ns):
    answer = make_answer().__class__(record=make_answer().record, chip=b"not a picture")
    with pytest.raises(PacketError, match="chip is not a raster"):
        Ground(tmp_path, scenario).receive(answer, arrived_ns=arrived_ns, station="Troll")
