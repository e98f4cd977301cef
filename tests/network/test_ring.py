"""The ring of twelve from its real orbits: one satellite lost is a chain, two are a split."""

from functools import cache

import numpy as np
import pytest

from orbitloom.network.router import Router
from orbitloom.scenario import load
from orbitloom.wire import Bundle, ContactPlan, Priority
from orbitloom.world.geometry import World

LOST, LOST_NEXT = 3, 8


@cache
def ring() -> ContactPlan:
    return World(load("ring12")).contacts


def hops(router: Router, plan: ContactPlan, source: int, there: int) -> int | None:
    """Return how many hops lie between two satellites when nothing is in the way."""
    t_ns = int(plan.start_ns.min())
    bundle = Bundle(
        bundle=0,
        source=source,
        size_bytes=1,
        created_ns=t_ns,
        priority=Priority.ALERT,
        destination=there,
    )
    route = router.route(bundle, source, t_ns)
    if route is None:
        return None
    assert route.arrival_ns < t_ns + 1_000_000_000  # lasers hold: nothing waits
    return len(route.hops)


def lose(plan: ContactPlan, *lost: int) -> tuple[Router, list[int]]:
    router = Router(plan)
    for satellite in lost:
        router.break_node(satellite, int(plan.start_ns.min()))
    return router, [n for n in range(12) if n not in lost]


def test_whole_it_is_a_ring() -> None:
    plan = ring()
    router, left = lose(plan)
    for a in left:
        for b in left:
            assert hops(router, plan, a, b) == min((a - b) % 12, (b - a) % 12)


def test_one_lost_makes_it_a_chain() -> None:
    plan = ring()
    router, left = lose(plan, LOST)
    chain = [(LOST + 1 + i) % 12 for i in range(11)]
    assert sorted(chain) == left
    for i, a in enumerate(chain):
        for j, b in enumerate(chain):
            assert hops(router, plan, a, b) == abs(i - j)
        assert hops(router, plan, a, LOST) is None


def test_a_second_one_splits_it() -> None:
    plan = ring()
    router, left = lose(plan, LOST, LOST_NEXT)
    parts = [list(range(LOST + 1, LOST_NEXT)), [*range(LOST_NEXT + 1, 12), *range(LOST)]]
    assert sorted(parts[0] + parts[1]) == left
    for part in parts:
        for i, a in enumerate(part):
            for b in left:
                expected = abs(i - part.index(b)) if b in part else None
                assert hops(router, plan, a, b) == expected


@pytest.mark.parametrize("lost", [(LOST,), (LOST, LOST_NEXT)])
def test_each_part_brings_its_bundles_down_by_its_own_passes(lost: tuple[int, ...]) -> None:
    plan = ring()
    router, left = lose(plan, *lost)
    t_ns = int(plan.start_ns.min())
    for source in left:
        bundle = Bundle(
            bundle=0, source=source, size_bytes=1000, created_ns=t_ns, priority=Priority.ALERT
        )
        route = router.route(bundle, source, t_ns)
        assert route is not None
        reach = [n for n in left if hops(router, plan, source, n) is not None]
        down = np.isin(plan.sender, reach) & (plan.receiver >= 12)
        last = route.hops[-1]
        assert int(plan.sender[last.contact]) in reach
        # No pass of the part could have taken it earlier but for the time it takes to get there.
        assert last.start_ns - int(plan.start_ns[down].min()) < 200_000_000
