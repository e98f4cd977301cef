"""Batches, trees, expiry, disjoint pairs and broken contacts; larger plans against plain Python."""

import numpy as np
import pytest

from orbitloom.bench.plain_router import PlainRouter
from orbitloom.network.router import Route, Router
from orbitloom.scenario import stream
from orbitloom.testing.router import sample_plan
from orbitloom.wire import Bundle, ContactPlan, Priority

S = 1_000_000_000


def grid(random: np.random.Generator, planes: int = 6, per_plane: int = 8) -> ContactPlan:
    """Planes with rings, cross links that come and go, and short passes over three stations."""
    n = planes * per_plane
    rows: list[tuple[int, int, float, float, float, float]] = []
    for here in range(n):
        plane, place = divmod(here, per_plane)
        ahead = plane * per_plane + (place + 1) % per_plane
        rows += [(here, ahead, 0, 4000, 10e6, 0.006), (ahead, here, 0, 4000, 10e6, 0.006)]
        right = (plane + 1) % planes * per_plane + place
        start = float(random.uniform(-600, 400))
        while start < 4000:
            end = min(start + float(random.uniform(200, 900)), 4000)
            light = float(random.uniform(0.001, 0.004))
            if end > 0:
                rows += [(here, right, max(start, 0), end, 10e6, light)]
                rows += [(right, here, max(start, 0), end, 10e6, light)]
            start = end + float(random.choice([0.0, 120.0]))
        for _ in range(2):
            rise = float(random.uniform(0, 3900))
            station = n + int(random.integers(3))
            rows.append((here, station, rise, rise + 60, float(random.choice([1e6, 2e6])), 0.003))
    return sample_plan(rows, n, 3)


def ask(
    random: np.random.Generator, number: int, plan: ContactPlan, *, flows: bool = False
) -> tuple[Bundle, int]:
    bundle = Bundle(
        bundle=number,
        source=int(random.integers(plan.satellites)),
        size_bytes=int(random.choice([100, 20_000, 500_000])),
        created_ns=0,
        priority=Priority(int(random.integers(3))),
        destination=int(random.integers(len(plan.nodes))) if random.random() < 0.3 else None,
        divisible=flows and bool(random.random() < 0.3),
    )
    return bundle, int(random.integers(0, 3000)) * S


def keys(plan: ContactPlan, route: Route | None) -> tuple[int, ...] | None:
    if route is None or not route.hops:
        return None
    contacts = [hop.contact for hop in route.hops]
    end = min(int(plan.end_ns[c]) for c in contacts)
    return route.arrival_ns, len(contacts), -end, int(plan.receiver[contacts[0]])


@pytest.mark.parametrize("seed", range(3))
def test_all_four_keys_are_those_of_the_plain_router(seed: int) -> None:
    random = stream(seed, "grid")
    plan = grid(random)
    router, plain = Router(plan), PlainRouter(plan)
    found = 0
    for number in range(80):
        bundle, t_ns = ask(random, number, plan)
        route = router.route(bundle, bundle.source, t_ns)
        other = plain.route(bundle, bundle.source, t_ns)
        assert keys(plan, route) == keys(plan, other)
        if route is not None:
            router.book(route, bundle)
            plain.book(route, bundle)
            found += 1
    assert found > 60


@pytest.mark.parametrize("seed", range(3))
def test_a_batch_is_what_one_by_one_gives(seed: int) -> None:
    random = stream(seed, "batch")
    plan = grid(random)
    one, many = Router(plan, least_part_bytes=20_000), Router(plan, least_part_bytes=20_000)
    asked = [ask(random, number, plan, flows=True) for number in range(150)]
    expected = []
    for number, (bundle, t_ns) in enumerate(asked):
        left = bundle.size_bytes
        while left:
            part = Bundle(
                bundle=number,
                source=bundle.source,
                size_bytes=left,
                created_ns=0,
                priority=bundle.priority,
                destination=bundle.destination,
                divisible=bundle.divisible,
            )
            route = one.route(part, part.source, t_ns)
            if route is None:
                break
            one.book(route, part)
            expected.append((number, route))
            left -= route.size_bytes
    bundles = [bundle for bundle, _ in asked]
    routes = many.route_many(
        [bundle.source for bundle in bundles],
        [t_ns for _, t_ns in asked],
        [bundle.size_bytes for bundle in bundles],
        [bundle.priority for bundle in bundles],
        destinations=[-1 if b.destination is None else b.destination for b in bundles],
        divisible=[bundle.divisible for bundle in bundles],
    )
    assert [(int(routes.bundle[i]), routes[i]) for i in range(len(routes))] == expected
    nothing = many.route_many([], [], [])
    assert len(nothing) == 0


def test_a_batch_that_only_asks_books_nothing() -> None:
    plan = grid(stream(0, "ask"))
    router = Router(plan)
    routes = router.route_many([3, 3], 0, 500_000, book=False)
    assert routes[0] == routes[1]


def test_a_tree_holds_the_earliest_arrival_at_every_node() -> None:
    random = stream(0, "tree")
    plan = grid(random)
    router = Router(plan)
    for number in range(60):
        bundle, t_ns = ask(random, number, plan)
        route = router.route(bundle, bundle.source, t_ns)
        if route is not None:
            router.book(route, bundle)
    arrival_ns, contact = router.tree(5, 700 * S, 20_000, Priority.BULK)
    for node in range(len(plan.nodes)):
        bundle = Bundle(
            bundle=0,
            source=5,
            size_bytes=20_000,
            created_ns=0,
            priority=Priority.BULK,
            destination=node,
        )
        route = router.route(bundle, 5, 700 * S)
        assert (route.arrival_ns if route is not None else -1) == arrival_ns[node]
        if node == 5 or route is None:
            assert contact[node] == -1
        else:
            assert plan.receiver[contact[node]] == node


@pytest.mark.parametrize("late_ns", [0, 1])
def test_nothing_arrives_after_it_expires(late_ns: int) -> None:
    plan = sample_plan([(0, 1, 10, 100, 8e3, 0.5)], 1, 1)
    for divisible in (False, True):
        bundle = Bundle(
            bundle=0,
            source=0,
            size_bytes=2_000,
            created_ns=0,
            priority=Priority.NORMAL,
            expires_ns=12_500_000_000 - late_ns,
            divisible=divisible,
        )
        route = Router(plan).route(bundle, 0, 0)
        assert (route is None) == bool(late_ns)
    flow = Bundle(
        bundle=0,
        source=0,
        size_bytes=50_000,
        created_ns=0,
        priority=Priority.BULK,
        expires_ns=20 * S,
        divisible=True,
    )
    route = Router(plan, least_part_bytes=100).route(flow, 0, 0)
    assert route is not None
    assert 9_490 <= route.size_bytes <= 9_500  # 9.5 s of sending, and half a second of light
    assert route.arrival_ns <= 20 * S
    over = Bundle(
        bundle=0, source=0, size_bytes=1, created_ns=0, priority=Priority.ALERT, expires_ns=5
    )
    assert Router(plan).route(over, 1, 6) is None


def critical(source: int = 0) -> Bundle:
    return Bundle(
        bundle=7,
        source=source,
        size_bytes=1_000,
        created_ns=0,
        priority=Priority.ALERT,
    )


def test_two_ways_of_a_ring_share_neither_contact_nor_node() -> None:
    rows = [(i, (i + d) % 12, 0, 1000, 10e9, 0.01) for i in range(12) for d in (1, -1)]
    rows += [(4, 12, 0, 1000, 160e6, 0.003), (7, 13, 0, 1000, 160e6, 0.003)]
    plan = sample_plan(rows, 12, 2)
    first, second = Router(plan).routes_disjoint(critical(), 0, 0)
    ways = [{int(plan.receiver[hop.contact]) for hop in way.hops} for way in (first, second)]
    assert ways == [{1, 2, 3, 4, 12}, {11, 10, 9, 8, 7, 13}]


def test_where_one_node_is_the_only_way_at_least_no_contact_is_shared() -> None:
    rows = [(0, 1, 0, 90, 8e3, 0), (0, 1, 0, 80, 8e3, 0), (1, 2, 0, 90, 8e3, 0)]
    plan = sample_plan([*rows, (1, 3, 50, 90, 8e3, 0)], 2, 2)
    first, second = Router(plan).routes_disjoint(critical(), 0, 0)
    assert not {hop.contact for hop in first.hops} & {hop.contact for hop in second.hops}
    assert first.arrival_ns < second.arrival_ns


def test_a_best_way_that_blocks_all_second_ones_is_given_up() -> None:
    # The best way goes 0 1 2 and takes both the link out of 0 and that into 2 that two others need.
    plan = sample_plan(
        [
            (0, 1, 0, 90, 8e3, 0),
            (1, 3, 0, 90, 8e3, 0),
            (3, 5, 0, 90, 8e3, 0),
            (0, 2, 20, 90, 8e3, 0),
            (2, 3, 20, 90, 8e3, 0),
            (1, 4, 30, 90, 8e3, 0),
            (4, 5, 30, 90, 8e3, 0),
        ],
        5,
        1,
    )
    router = Router(plan)
    pair = router.routes_disjoint(critical(), 0, 0)
    assert len(pair) == 2
    used = [{hop.contact for hop in way.hops} for way in pair]
    assert not used[0] & used[1]
    assert len(Router(plan).routes_disjoint(critical(), 4, 0)) == 1
    assert Router(plan).routes_disjoint(critical(), 4, 95 * S) == ()


def test_a_broken_contact_gives_back_only_what_used_it() -> None:
    plan = sample_plan(
        [
            (0, 1, 0, 100, 8e3, 0),
            (1, 3, 0, 100, 8e3, 0),
            (0, 2, 0, 100, 8e3, 5),
            (2, 3, 0, 100, 8e3, 0),
        ],
        3,
        1,
    )
    contact = {
        (int(s), int(r)): i for i, (s, r) in enumerate(zip(plan.sender, plan.receiver, strict=True))
    }
    router = Router(plan)
    booked = []
    for number in range(4):
        bundle = Bundle(
            bundle=number, source=0, size_bytes=2_000, created_ns=0, priority=Priority.NORMAL
        )
        route = router.route(bundle, 0, 0)
        assert route is not None
        router.book(route, bundle)
        booked.append((bundle, route))
    broken = contact[1, 3]
    over = [pair for pair in booked if broken in {hop.contact for hop in pair[1].hops}]
    assert len(over) == 3
    # At 3 s the first is through, the second is being sent, the third is on its way to node 1.
    affected = router.break_contact(broken, 3 * S)
    assert affected == over[1:] if over[0][1].hops[1].end_ns <= 3 * S else over
    assert router.usable_until_ns(broken) == 3 * S
    for bundle, _ in affected:
        again = router.route(bundle, 0, 3 * S)
        assert again is not None
        assert broken not in {hop.contact for hop in again.hops}
    assert router.break_contact(broken, 3 * S) == []
    # The hop before the broken one stays booked, the same release later changes nothing.
    first_hop = affected[-1][1].hops[0]
    for bundle, route in affected:
        router.release(route, bundle, 1)
    probe = Bundle(bundle=99, source=0, size_bytes=1_000, created_ns=0, priority=Priority.NORMAL)
    to_one = Bundle(
        bundle=98,
        source=0,
        size_bytes=1_000,
        created_ns=0,
        priority=Priority.NORMAL,
        destination=1,
    )
    there = router.route(to_one, 0, 0)
    assert there is not None
    assert there.hops[0].start_ns >= first_hop.end_ns
    assert router.route(probe, 0, 0) is not None


def test_a_lost_node_is_routed_around() -> None:
    rows = [(i, (i + d) % 6, 0, 1000, 8e6, 0.01) for i in range(6) for d in (1, -1)]
    plan = sample_plan([*rows, (3, 6, 0, 1000, 8e6, 0.003)], 6, 1)
    router = Router(plan)
    bundle = Bundle(
        bundle=0, source=0, size_bytes=5_000_000, created_ns=0, priority=Priority.NORMAL
    )
    route = router.route(bundle, 0, 0)
    assert route is not None
    router.book(route, bundle)
    assert int(plan.receiver[route.hops[0].contact]) == 1
    assert router.break_node(2, 1 * S) == [(bundle, route)]
    again = router.route(bundle, 1, 5 * S)
    assert again is not None
    assert [int(plan.receiver[hop.contact]) for hop in again.hops] == [0, 5, 4, 3, 6]
    assert router.break_node(4, 6 * S) == []
    assert router.route(bundle, 1, 7 * S) is None
    assert router.unbooked().route(bundle, 1, 7 * S) is None


def test_routes_long_arrived_are_forgotten() -> None:
    plan = sample_plan([(0, 1, 0, 100_000, 8e6, 0)], 1, 1)
    router = Router(plan)
    for number in range(20_000):
        bundle = Bundle(
            bundle=number, source=0, size_bytes=10, created_ns=0, priority=Priority.NORMAL
        )
        route = router.route(bundle, 0, number * 4 * S)
        assert route is not None
        router.book(route, bundle)
    assert len(router.break_contact(0, 0)) < 6_000


@pytest.mark.parametrize("seed", range(3))
def test_a_tree_towards_the_stations_answers_as_the_search(seed: int) -> None:
    """Many alerts in a short time, booked, so that some ways are taken; and a broken contact."""
    random = stream(seed, "sink tree")
    plan = grid(random)
    router, plain = Router(plan), PlainRouter(plan)
    searched, found = Router(plan), 0
    for number in range(120):
        if number == 80:
            for each in (router, searched):
                each.break_contact(3, 1000 * S + 80_000_000)
        bundle = Bundle(
            bundle=number,
            source=int(random.integers(plan.satellites)),
            size_bytes=100,
            created_ns=0,
            priority=Priority.ALERT,
        )
        t_ns = 1000 * S + number * 1_000_000
        route = router.route(bundle, bundle.source, t_ns)
        other = searched.route_many(bundle.source, t_ns, 100, Priority.ALERT, book=False)
        assert keys(plan, route) == keys(plan, other[0] if len(other) else None)
        if number < 80:
            assert keys(plan, route) == keys(plan, plain.route(bundle, bundle.source, t_ns))
        if route is not None:
            for each in (router, searched, plain):
                each.book(route, bundle)
            found += 1
    assert found > 100
    assert router._trees.trees  # it was one
