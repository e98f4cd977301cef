"""The router against exhaustive search, and the cases one can work out by hand."""

import math

import numpy as np
import pytest

from orbitloom.network.router import Route, Router
from orbitloom.scenario import stream
from orbitloom.testing.router import sample_plan
from orbitloom.wire import Bundle, ContactPlan, Priority

S = 1_000_000_000


def bundle(
    size_bytes: int,
    priority: Priority = Priority.NORMAL,
    *,
    source: int = 0,
    divisible: bool = False,
    destination: int | None = None,
) -> Bundle:
    return Bundle(
        bundle=0,
        destination=destination,
        source=source,
        size_bytes=size_bytes,
        created_ns=0,
        priority=priority,
        divisible=divisible,
    )


class Exhaustive:
    """All routes without a loop, over any contact of each pair; bookings as plain intervals."""

    def __init__(self, plan: ContactPlan) -> None:
        self.plan = plan
        self.taken: dict[int, list[tuple[int, int]]] = {}

    def book(self, route: Route) -> None:
        for hop in route.hops:
            self.taken.setdefault(hop.contact, []).append((hop.start_ns, hop.end_ns))

    def start(self, contact: int, t_ns: int, length_ns: int) -> int | None:
        taken = self.taken.get(contact, [])
        t_ns = max(t_ns, int(self.plan.start_ns[contact]))
        for begin in sorted({t_ns} | {end for _, end in taken if end > t_ns}):
            if begin + length_ns <= self.plan.end_ns[contact] and all(
                begin + length_ns <= a or b <= begin for a, b in taken
            ):
                return begin
        return None

    def routes(
        self,
        size_bytes: int,
        node: int,
        t_ns: int,
        *,
        any_contact: bool,
        destination: int | None = None,
    ):
        """Yield the keys (arrival, hops, minus the earliest end, entry) of every route.

        With `any_contact` every contact is tried, else only the one that arrives first at each
        neighbour, as the router does.
        """
        plan = self.plan

        def walk(here, t, hops, minus_end, entry, seen):
            if here == destination or (destination is None and here in plan.stations):
                yield t, hops, minus_end, entry
                return
            steps: dict[int, list[tuple[int, int]]] = {}
            for contact in np.flatnonzero(plan.sender == here).tolist():
                there = int(plan.receiver[contact])
                length = math.ceil(size_bytes * 8e9 / plan.rate_bps[contact])
                start = self.start(contact, t, length)
                if start is None or there in seen:
                    continue
                arrival = start + length + int(plan.light_time_ns[contact])
                steps.setdefault(there, []).append((arrival, -int(plan.end_ns[contact])))
            for there, choices in steps.items():
                for arrival, minus in choices if any_contact else [min(choices)]:
                    yield from walk(
                        there,
                        arrival,
                        hops + 1,
                        max(minus_end, minus),
                        there if entry < 0 else entry,
                        seen | {there},
                    )

        yield from walk(node, t_ns, 0, -(2**63), -1, {node})


def random_plan(random: np.random.Generator) -> ContactPlan:
    """Few nodes and coarse times, so that routes tie and contacts overlap, touch and run out."""
    satellites, stations = int(random.integers(2, 6)), int(random.integers(1, 3))
    rows = []
    for _ in range(int(random.integers(4, 22))):
        sender = int(random.integers(satellites))
        receiver = int(random.choice([n for n in range(satellites + stations) if n != sender]))
        start = int(random.integers(0, 20))
        end = start + int(random.integers(1, 15))
        rate = float(random.choice([8.0, 8.0, 16.0, 4.0]))
        rows.append((sender, receiver, start, end, rate, int(random.integers(0, 2))))
    return sample_plan(rows, satellites, stations)


def keys(plan: ContactPlan, route: Route) -> tuple[int, int, int, int]:
    contacts = [hop.contact for hop in route.hops]
    minus_end = max(-int(plan.end_ns[c]) for c in contacts)
    return route.arrival_ns, len(contacts), minus_end, int(plan.receiver[contacts[0]])


@pytest.mark.parametrize("block", range(10))
def test_random_plans_agree_with_exhaustive_search(block: int) -> None:
    found = 0
    for case in range(100):
        random = stream(block, "router", case)
        plan = random_plan(random)
        router, referee = Router(plan), Exhaustive(plan)
        for _ in range(6):
            size, node = int(random.integers(1, 5)), int(random.integers(plan.satellites))
            t_ns = int(random.integers(0, 15)) * S
            item = bundle(size, source=node)
            route = router.route(item, node, t_ns)
            every = list(referee.routes(size, node, t_ns, any_contact=True))
            if not every:
                assert route is None
                continue
            assert route is not None
            found += 1
            assert keys(plan, route)[:2] == min(every)[:2]
            first_contacts = referee.routes(size, node, t_ns, any_contact=False)
            assert keys(plan, route) == min(first_contacts)
            router.book(route, item)
            referee.book(route)
    assert found > 150


@pytest.mark.parametrize("block", range(4))
def test_a_bundle_for_one_node_takes_the_earliest_way_there(block: int) -> None:
    found = 0
    for case in range(40):
        random = stream(block, "router to a node", case)
        plan = random_plan(random)
        node, there = (int(n) for n in random.permutation(plan.satellites)[:2])
        t_ns = int(random.integers(0, 15)) * S
        route = Router(plan).route(bundle(1, source=node, destination=there), node, t_ns)
        ways = Exhaustive(plan).routes(1, node, t_ns, any_contact=True, destination=there)
        every = list(ways)
        assert (route is None) == (not every)
        if route is not None:
            found += 1
            assert int(plan.receiver[route.hops[-1].contact]) == there
            assert keys(plan, route)[:2] == min(every)[:2]
    assert found > 10


RING_HOP_S = 0.01188  # FACTS: ring of 12 at 505 km


def ring(missing: int | None = None, *, station_at: int = 6) -> ContactPlan:
    """Twelve satellites in a closed ring, one permanent downlink."""
    rows = [(station_at, 12, 0, 1000, 160e6, 0.003)]
    rows += [(i, (i + d) % 12, 0, 1000, 10e9, RING_HOP_S) for i in range(12) for d in (1, -1)]
    return sample_plan([row for row in rows if missing not in row[:2]], 12, 1)


def test_half_a_ring_takes_six_hops_and_71_ms() -> None:
    route = Router(ring()).route(bundle(1), 0, 0)
    assert route is not None
    assert len(route.hops) == 7
    laser_ms = route.hops[5].arrival_ns / 1e6
    assert laser_ms == pytest.approx(71.3, abs=0.1)


def test_a_ring_that_lost_a_satellite_is_a_chain() -> None:
    whole = Router(ring(station_at=2)).route(bundle(1), 0, 0)
    chain = Router(ring(missing=1, station_at=2)).route(bundle(1), 0, 0)
    assert whole is not None
    assert chain is not None
    assert len(whole.hops) == 3
    assert len(chain.hops) == 11
    plan = ring(missing=1, station_at=2)
    assert [int(plan.sender[hop.contact]) for hop in chain.hops] == [0, *range(11, 1, -1)]


def test_two_ways_round_the_smaller_entry_node_wins() -> None:
    plan = ring()
    route = Router(plan).route(bundle(1), 0, 0)
    assert route is not None
    assert int(plan.receiver[route.hops[0].contact]) == 1


def test_fewer_hops_win_where_both_ways_wait_for_the_same_pass() -> None:
    # 0 -> 1 is free only from 5 s on, 0 -> 2 -> 1 at once; the pass of 1 starts at 60 s.
    plan = sample_plan(
        [
            (0, 1, 5, 100, 8e3, 0),
            (0, 2, 0, 100, 8e3, 0),
            (2, 1, 0, 100, 8e3, 0),
            (1, 3, 60, 100, 8e3, 0),
        ],
        3,
        1,
    )
    route = Router(plan).route(bundle(1000), 0, 0)
    assert route is not None
    assert len(route.hops) == 2
    assert route.arrival_ns == 61 * S


def test_the_longer_contact_wins_a_tie() -> None:
    for ends, entry in (((50, 80), 2), ((80, 50), 1)):
        plan = sample_plan(
            [
                (0, 1, 0, ends[0], 8e3, 0),
                (0, 2, 0, ends[1], 8e3, 0),
                (1, 3, 0, 90, 8e3, 0),
                (2, 3, 0, 90, 8e3, 0),
            ],
            3,
            1,
        )
        route = Router(plan).route(bundle(1000), 0, 0)
        assert route is not None
        assert int(plan.receiver[route.hops[0].contact]) == entry


@pytest.mark.parametrize(("ends", "entry"), [((50, 60), 2), ((60, 50), 1), ((50, 50), 1)])
@pytest.mark.parametrize("slower", [1, 2])
def test_ties_are_broken_behind_a_wait(ends: tuple[int, int], entry: int, slower: int) -> None:
    """0 to 3 by 1 or 2, one of them later; but both wait at 3 for the pass, so neither is ahead."""
    late = [10 if node == slower else 0 for node in (1, 2)]
    plan = sample_plan(
        [
            (0, 1, late[0], ends[0], 8e3, 0),
            (0, 2, late[1], ends[1], 8e3, 0),
            (1, 3, 0, 90, 8e3, 0),
            (2, 3, 0, 90, 8e3, 0),
            (3, 4, 70, 90, 8e3, 0),
        ],
        4,
        1,
    )
    route = Router(plan).route(bundle(1000), 0, 0)
    assert route is not None
    assert route.arrival_ns == 71 * S
    assert int(plan.receiver[route.hops[0].contact]) == entry


def test_any_station_will_do() -> None:
    plan = sample_plan(
        [(0, 1, 10, 90, 8e3, 0), (0, 2, 5, 90, 1e3, 0), (0, 3, 50, 90, 8e6, 0)], 1, 3
    )
    for size, station in ((1_000, 1), (100, 2), (50_000, 3)):
        route = Router(plan).route(bundle(size), 0, 0)
        assert route is not None
        assert int(plan.receiver[route.hops[0].contact]) == station


def test_closed_form_of_one_pass() -> None:
    """Waiting for the pass, size over rate, light time: nothing else."""
    plan = sample_plan([(0, 1, 120, 620, 160e6, 0.005)], 1, 1)
    route = Router(plan).route(bundle(16_000_000), 0, 7)
    assert route is not None
    assert route.hops[0].start_ns == 120 * S
    assert route.arrival_ns == 120 * S + 800_000_000 + 5_000_000


def test_a_pass_is_booked_until_it_is_full() -> None:
    plan = sample_plan([(0, 1, 0, 10, 8e3, 0), (0, 1, 50, 60, 8e3, 0)], 1, 1)
    router = Router(plan)
    starts = []
    for _ in range(7):
        route = router.route(bundle(3_000), 0, 0)
        if route is not None:
            router.book(route, bundle(3_000))
            starts.append(route.hops[0].start_ns // S)
    assert starts == [0, 3, 6, 50, 53, 56]


def test_a_gap_before_a_later_booking_is_used() -> None:
    plan = sample_plan([(0, 1, 0, 100, 8e3, 0)], 1, 1)
    router = Router(plan)
    late = router.route(bundle(10_000), 0, 50 * S)
    assert late is not None
    router.book(late, bundle(10_000))
    for size, start in ((50_000, 0), (50_001, None), (40_000, 0), (5_000, 0)):
        route = router.route(bundle(size), 0, 0)
        assert (route and route.hops[0].start_ns) == start


def test_an_alert_moves_bulk_back() -> None:
    plan = sample_plan([(0, 1, 0, 100, 8e3, 0)], 1, 1)
    router = Router(plan)
    bulk, alert = bundle(20_000, Priority.BULK), bundle(5_000, Priority.ALERT)
    for item, start in ((bulk, 0), (alert, 0), (alert, 5), (bulk, 30)):
        route = router.route(item, 0, 0)
        assert route is not None
        assert route.hops[0].start_ns == start * S
        router.book(route, item)
    normal = router.route(bundle(1_000), 0, 0)
    assert normal is not None
    assert normal.hops[0].start_ns == 10 * S


@pytest.mark.parametrize("size", [2_000, 90_000, 250_000, 1_000_000])
def test_a_flow_fills_the_passes_in_turn(size: int) -> None:
    """Two hops, the second the slower: parts end exactly where passes end, nothing is lost."""
    plan = sample_plan(
        [(0, 1, 0, 5000, 80e3, 0.5)] + [(1, 2, k * 500, k * 500 + 100, 8e3, 0) for k in range(10)],
        2,
        1,
    )
    router = Router(plan, least_part_bytes=1_000)
    left, carried = size, []
    while left:
        item = bundle(left, Priority.BULK, divisible=True)
        route = router.route(item, 0, 0)
        if route is None:
            break
        router.book(route, item)
        left -= route.size_bytes
        carried.append(route.size_bytes)
    # The first pass is shorter by the first hop: 0.5 s of light and a tenth of the time to send;
    # what it still had room for goes in the next parts. From then on a pass holds 100 kB.
    assert sum(carried) + left == size
    assert carried[0] == min(size, math.floor((100 - 0.5) / (1e-4 + 1e-3) - 1e-3))
    if size == 1_000_000:
        assert left < 20_000
        assert len(carried) < 25
    else:
        assert left == 0


@pytest.mark.parametrize("seed", range(40))
def test_the_largest_part_fits_and_no_larger_one_does(seed: int) -> None:
    random = stream(seed, "parts")
    rows = []
    for hop in range(int(random.integers(1, 5))):
        start = float(random.uniform(0, 60))
        length, rate = float(random.uniform(60, 400)), float(random.uniform(1e3, 1e5))
        rows.append((hop, hop + 1, start, start + length, rate, float(random.uniform(0, 1))))
    plan = sample_plan(rows, len(rows), 1)
    router = Router(plan, least_part_bytes=10)
    busy = bundle(int(random.integers(1, 300)), Priority.NORMAL)
    for t_s in random.uniform(0, 200, 5):
        route = router.route(busy, 0, round(t_s * S))
        if route is not None:
            router.book(route, busy)
    flow = bundle(10**9, Priority.NORMAL, divisible=True)
    first = router.route(flow, 0, 3)
    if first is None:
        assert router.route(bundle(10), 0, 3) is None
        return
    whole = router.route(bundle(first.size_bytes), 0, 3)
    assert whole is not None
    assert whole.hops == first.hops
    more = router.route(bundle(first.size_bytes + 2), 0, 3)
    starts = {hop.contact: hop.end_ns for hop in first.hops}
    assert more is None or any(
        hop.start_ns >= starts[hop.contact] for hop in more.hops if hop.contact in starts
    )


def test_the_same_questions_have_the_same_answers() -> None:
    def fly() -> list[Route | None]:
        router, random = Router(ring()), stream(0, "again")
        routes = []
        for number in range(200):
            item = bundle(int(random.integers(1, 10**8)), Priority(number % 3))
            route = router.route(item, int(random.integers(12)), number * S)
            if route is not None:
                router.book(route, item)
            routes.append(route)
        return routes

    assert fly() == fly()


def test_what_ends_later_on_the_way_but_not_at_the_sink_does_not_hide_a_smaller_entry() -> None:
    """Both ways are at 3 together; by 2 the way lasts longer, but the pass ends before both."""
    plan = sample_plan(
        [
            (0, 1, 0, 70, 8e3, 0),
            (0, 2, 0, 80, 8e3, 0),
            (1, 3, 0, 90, 8e3, 0),
            (2, 3, 0, 90, 8e3, 0),
            (3, 4, 0, 60, 8e3, 0),
        ],
        4,
        1,
    )
    router = Router(plan)
    for _ in range(5):  # from the fourth on along a tree
        route = router.route(bundle(1000), 0, 0)
        assert route is not None
        assert int(plan.receiver[route.hops[0].contact]) == 1
