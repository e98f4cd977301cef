from __future__ import annotations

import json

import pytest
from shapely.geometry import LinearRing, shape

from orbitloom.ground.geojson import GeoJsonOutlet
from orbitloom.testing.outlet import OutletContract, sample_arrival


def render(**said):
    name, content = GeoJsonOutlet().render(sample_arrival(**said))
    assert name.endswith(".geojson")
    return json.loads(content)


class TestGeoJsonOutlet(OutletContract):
    @pytest.fixture
    def outlet(self):
        return GeoJsonOutlet()


@pytest.mark.parametrize("kind", ["alert", "nothing_found", "not_observable"])
def test_it_is_one_feature_with_the_record_and_its_delivery(kind):
    arrival = sample_arrival(kind)
    feature = json.loads(GeoJsonOutlet().render(arrival)[1])

    assert feature["type"] == "Feature"
    assert feature["id"] == "sample-0-0007"
    assert feature["bbox"] == [15.0, 45.0, 15.2, 45.1]
    added = {
        "digest": arrival.answer.digest(),
        "latency_s": 90.25,
        "received": "2026-06-14T01:03:33.706Z",
        "station": "Troll",
        "note": "Simulated: a sample",
    }
    assert feature["properties"] == {**arrival.feature["properties"], **added}


def test_a_geometry_that_keeps_the_rules_is_passed_on_unchanged():
    arrival = sample_arrival()
    assert json.loads(GeoJsonOutlet().render(arrival)[1])["geometry"] == arrival.feature["geometry"]


def test_outer_rings_run_counterclockwise_and_holes_clockwise(make_answer, scenario, arrived_ns):
    outer = [[15.0, 45.0], [15.0, 45.1], [15.2, 45.1], [15.2, 45.0], [15.0, 45.0]]
    hole = [[15.05, 45.02], [15.1, 45.02], [15.1, 45.04], [15.05, 45.04], [15.05, 45.02]]
    arrival = _arrival(make_answer, [outer, hole])
    rings = json.loads(GeoJsonOutlet().render(arrival)[1])["geometry"]["coordinates"]

    assert [LinearRing(ring).is_ccw for ring in rings] == [True, False]
    assert {tuple(point) for ring in rings for point in ring} == {
        tuple(point) for point in outer + hole
    }


def test_a_ring_that_crosses_itself_becomes_valid_with_the_same_area(make_answer):
    bow_tie = [[0.0, 0.0], [2.0, 2.0], [2.0, 0.0], [0.0, 2.0], [0.0, 0.0]]
    geometry = shape(
        json.loads(GeoJsonOutlet().render(_arrival(make_answer, [bow_tie]))[1])["geometry"]
    )

    assert geometry.is_valid
    assert geometry.geom_type == "MultiPolygon"
    assert geometry.area == pytest.approx(2.0)


def test_a_bounding_box_across_the_antimeridian_has_west_greater_than_east():
    feature = render(place="two parts at the antimeridian")
    assert feature["bbox"] == [179.9, -17.0, -179.9, -16.9]


def test_a_point_stays_a_point():
    assert render(place="a point")["geometry"] == {"type": "Point", "coordinates": [15.1, 45.05]}


def _arrival(make_answer, rings):
    sample = sample_arrival()
    answer = make_answer(geometry={"type": "Polygon", "coordinates": rings})
    return type(sample)(
        answer=answer,
        flight=sample.flight,
        note=sample.note,
        arrived_ns=sample.arrived_ns,
        station=sample.station,
    )
