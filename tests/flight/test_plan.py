from __future__ import annotations

from dataclasses import replace

import pytest

from orbitloom.flight.plan import Plan, Resources

HAS = Resources(spare_j=100.0, free_bytes=1_000, look_j=10.0, look_bytes=100)


@pytest.mark.parametrize(
    ("start", "end", "now", "has", "why"),
    [
        (50, 60, 0, HAS, None),
        (50, 60, 41, HAS, "late"),
        (50, 60, 0, replace(HAS, spare_j=9.9), "power"),
        (50, 60, 0, replace(HAS, free_bytes=99), "store"),
        (191, 195, 0, HAS, "busy"),  # within the slew before 200
        (205, 206, 0, HAS, "busy"),
        (219, 230, 0, HAS, "busy"),
        (220, 230, 0, HAS, None),
    ],
)
def test_a_look_is_taken_or_refused_with_its_cause(start, end, now, has, why):
    plan = Plan([(200, 210)], slew_ns=10)
    assert plan.accept(start, end, now_ns=now, has=has) == why


def test_what_is_promised_is_kept_and_what_is_refused_is_not():
    plan = Plan([], slew_ns=0)
    assert plan.accept(10, 20, now_ns=0, has=replace(HAS, spare_j=0.0)) == "power"
    assert plan.accept(10, 20, now_ns=0, has=HAS) is None
    assert plan.accept(15, 25, now_ns=0, has=HAS) == "busy"
    assert plan.accept(20, 25, now_ns=0, has=HAS) is None
