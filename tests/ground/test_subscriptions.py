from __future__ import annotations

import pytest
from shapely.geometry import MultiPolygon, Point, box

from orbitloom.ground.places import bounding_box, inside
from orbitloom.ground.subscriptions import subscribers
from orbitloom.scenario import Subscription
from orbitloom.testing.outlet import sample_arrival

FIJI = (177.0, -20.0, -178.0, -15.0)
EUROPE = (-10.0, 35.0, 30.0, 60.0)


def test_who_gets_what_goes_by_kind_and_place():
    subscriptions = (
        Subscription(name="everyone"),
        Subscription(name="europe", bbox=EUROPE),
        Subscription(name="fiji", bbox=FIJI),
        Subscription(name="audit", kinds=("nothing_found", "not_observable")),
        Subscription(name="all", kinds=("alert", "nothing_found", "not_observable")),
    )
    dateline = "two parts at the antimeridian"

    assert subscribers(subscriptions, sample_arrival()) == ("everyone", "europe", "all")
    assert subscribers(subscriptions, sample_arrival(place=dateline)) == ("everyone", "fiji", "all")
    assert subscribers(subscriptions, sample_arrival("nothing_found")) == ("audit", "all")
    assert subscribers(subscriptions, sample_arrival("not_observable")) == ("audit", "all")


@pytest.mark.parametrize(
    ("place", "bbox", "expected"),
    [
        (Point(178, -18), FIJI, True),
        (Point(-179, -18), FIJI, True),
        (Point(180, -18), FIJI, True),
        (Point(-180, -18), FIJI, True),
        (Point(0, -18), FIJI, False),
        (Point(176.9, -18), FIJI, False),
        (Point(-177.9, -18), FIJI, False),
        (Point(178, -14.9), FIJI, False),
        (Point(30, 60), EUROPE, True),
        (Point(30.001, 60), EUROPE, False),
        (box(29, 40, 31, 41), EUROPE, True),
        (box(170, -18, 176, -17), FIJI, False),
        (Point(0, 90), (-180.0, -90.0, 180.0, 90.0), True),
    ],
)
def test_a_box_may_cross_the_antimeridian(place, bbox, expected):
    assert inside(place, bbox) is expected


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (box(1, 2, 3, 4), (1, 2, 3, 4)),
        (Point(5, 6), (5, 6, 5, 6)),
        (MultiPolygon([box(179, 1, 180, 2), box(-180, 1, -179, 3)]), (179, 1, -179, 3)),
        (MultiPolygon([box(10, 1, 11, 2), box(-20, 1, -19, 3)]), (-20, 1, 11, 3)),
        (box(-180, -90, 180, 90), (-180, -90, 180, 90)),
        (
            MultiPolygon([box(-180, 0, -170, 1), box(-5, 0, 5, 1), box(170, 0, 180, 1)]),
            (-180, 0, 180, 1),
        ),
    ],
)
def test_the_bounding_box_is_the_narrow_one(place, expected):
    assert bounding_box(place) == expected
