"""The contract of a router: inherit it, give your router, and pytest checks that it keeps it.

::

    from orbitloom.testing.router import RouterContract

    class TestMine(RouterContract):
        @pytest.fixture
        def make_router(self):
            return MyRouter  # called with a ContactPlan
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest

from orbitloom.network.router import Route, RouterProtocol
from orbitloom.wire import LASER, RF, Bundle, ContactPlan, Priority

__all__ = ["RouterContract", "sample_plan"]

_S = 1_000_000_000
_PRIORITIES = tuple(Priority)


def sample_plan(
    contacts: Sequence[tuple[int, int, float, float, float, float]], satellites: int, stations: int
) -> ContactPlan:
    """Return a contact plan from rows.

    Parameters
    ----------
    contacts
        Sender, receiver, start in s, end in s, rate in bit/s, light time in s.
    """
    rows = np.array(contacts, dtype=np.float64).reshape(-1, 6)
    return ContactPlan(
        nodes=tuple(f"node{i}" for i in range(satellites + stations)),
        satellites=satellites,
        sender=rows[:, 0].astype(np.int32),
        receiver=rows[:, 1].astype(np.int32),
        start_ns=np.rint(rows[:, 2] * _S).astype(np.int64),
        end_ns=np.rint(rows[:, 3] * _S).astype(np.int64),
        rate_bps=rows[:, 4].copy(),
        light_time_ns=np.rint(rows[:, 5] * _S).astype(np.int64),
        medium=np.where(rows[:, 1] >= satellites, RF, LASER).astype(np.int8),
    )


# Three satellites in a row, two stations; 1 kB/s everywhere. Node 0 has one short pass of its own
# at 50 s; node 2 has passes at 100 s and at 300 s.
_ROW = (
    (0, 1, 0, 1000, 8e3, 0.01),
    (1, 0, 0, 1000, 8e3, 0.01),
    (1, 2, 0, 1000, 8e3, 0.01),
    (2, 1, 0, 1000, 8e3, 0.01),
    (0, 3, 50, 52, 8e3, 0.002),
    (2, 3, 100, 200, 8e3, 0.002),
    (2, 4, 300, 400, 8e3, 0.002),
)


class RouterContract:
    """What every router keeps, ours and a user's: which routes are real, and whose time is whose.

    How good a route is, is not part of it.
    """

    @pytest.fixture
    def make_router(self) -> Callable[[ContactPlan], RouterProtocol]:
        """Return what makes the router under test from a contact plan."""
        raise NotImplementedError("give the contract a router: override the fixture 'make_router'")

    @pytest.fixture
    def plan(self) -> ContactPlan:
        """Return three satellites in a row and two stations."""
        return sample_plan(_ROW, 3, 2)

    @pytest.fixture
    def router(
        self, make_router: Callable[[ContactPlan], RouterProtocol], plan: ContactPlan
    ) -> RouterProtocol:
        """Return a router with nothing booked."""
        return make_router(plan)

    @pytest.mark.parametrize("node", [0, 1, 2])
    @pytest.mark.parametrize("size_bytes", [1, 999, 40_000])
    def test_a_route_can_be_flown(
        self, router: RouterProtocol, plan: ContactPlan, node: int, size_bytes: int
    ) -> None:
        """Each hop is a contact that is there, as long as the bits need, after the one before."""
        bundle = _bundle(size_bytes, node)
        route = router.route(bundle, node, 10 * _S)
        assert route is not None
        assert route.size_bytes == size_bytes
        _check(route, plan, bundle, node, 10 * _S)

    def test_at_a_station_it_is_there(self, router: RouterProtocol) -> None:
        """No hop is needed."""
        route = router.route(_bundle(10), 3, 5 * _S)
        assert route is not None
        assert (route.hops, route.arrival_ns, route.size_bytes) == ((), 5 * _S, 10)

    def test_without_a_way_there_is_no_route(self, router: RouterProtocol) -> None:
        """After the last pass, and for a bundle that no pass can hold."""
        assert router.route(_bundle(10), 0, 401 * _S) is None
        assert router.route(_bundle(101_000), 0, 0) is None

    def test_excluded_contacts_are_not_used(
        self, router: RouterProtocol, plan: ContactPlan
    ) -> None:
        """One by one each contact of a route is taken away, until there is no way."""
        excluded: set[int] = set()
        while (route := router.route(_bundle(500), 0, 0, exclude=excluded)) is not None:
            assert not excluded & {hop.contact for hop in route.hops}
            excluded.add(route.hops[-1].contact)
        assert {int(plan.receiver[contact]) for contact in excluded} == {3, 4}

    def test_asking_changes_nothing(self, router: RouterProtocol) -> None:
        """The same question has the same answer until something is booked."""
        assert router.route(_bundle(500), 0, 0) == router.route(_bundle(500), 0, 0)

    @pytest.mark.parametrize("priority", _PRIORITIES)
    def test_no_contact_is_booked_twice_at_once(
        self, router: RouterProtocol, plan: ContactPlan, priority: Priority
    ) -> None:
        """Bundles of one priority never overlap, and what is booked out is out."""
        taken: dict[int, list[tuple[int, int]]] = {}
        carried = 0
        for number in range(400):
            bundle = _bundle(700, number % 3, priority, number=number)
            route = router.route(bundle, bundle.source, number * _S // 4)
            if route is None:
                continue
            _check(route, plan, bundle, bundle.source, number * _S // 4)
            router.book(route, bundle)
            carried += 1
            for hop in route.hops:
                taken.setdefault(hop.contact, []).append((hop.start_ns, hop.end_ns))
        for stretches in taken.values():
            stretches.sort()
            assert all(a[1] <= b[0] for a, b in pairwise(stretches))
        # Passes of 2 s, 100 s and 100 s hold 2, 142 and 142 times 0.7 s.
        assert 142 <= carried <= 286

    def test_a_higher_priority_does_not_wait_for_a_lower_one(self, router: RouterProtocol) -> None:
        """An alert goes as if bulk were not there; bulk goes after the alert."""
        alone = router.route(_bundle(500, 2, Priority.ALERT), 2, 90 * _S)
        bulk = _bundle(90_000, 2, Priority.BULK, number=1)
        booked = router.route(bulk, 2, 90 * _S)
        assert booked is not None
        router.book(booked, bulk)
        alert = _bundle(500, 2, Priority.ALERT, number=2)
        route = router.route(alert, 2, 90 * _S)
        assert route is not None
        assert route == alone
        router.book(route, alert)
        later = router.route(_bundle(100, 2, Priority.BULK, number=3), 2, 90 * _S)
        assert later is not None
        assert later.hops[0].start_ns >= route.hops[0].end_ns

    def test_released_time_is_free_again(self, router: RouterProtocol) -> None:
        """Booking and giving back leaves everything as it was."""
        bundle = _bundle(80_000, 1)
        first = router.route(bundle, 1, 0)
        assert first is not None
        router.book(first, bundle)
        assert router.route(bundle, 1, 0) != first
        router.release(first, bundle, 0)
        assert router.route(bundle, 1, 0) == first

    def test_release_keeps_the_hops_already_flown(self, router: RouterProtocol) -> None:
        """From the second hop on means that the first stays booked."""
        bundle = _bundle(80_000, 1)
        first = router.route(bundle, 1, 0)
        assert first is not None
        assert len(first.hops) == 2
        router.book(first, bundle)
        router.release(first, bundle, 1)
        again = router.route(bundle, 1, 0)
        assert again is not None
        assert again.hops[0].start_ns >= first.hops[0].end_ns

    def test_a_divisible_bundle_goes_in_parts(
        self, router: RouterProtocol, plan: ContactPlan
    ) -> None:
        """What is larger than a pass leaves in parts that together are the whole, or stays."""
        left, parts = 150_000, 0
        while left:
            bundle = _bundle(left, 2, divisible=True)
            route = router.route(bundle, 2, 0)
            assert route is not None
            assert 0 < route.size_bytes <= left
            _check(route, plan, bundle, 2, 0)
            router.book(route, bundle)
            left -= route.size_bytes
            parts += 1
        assert 2 <= parts <= 10


def _bundle(
    size_bytes: int,
    source: int = 0,
    priority: Priority = Priority.NORMAL,
    *,
    number: int = 0,
    divisible: bool = False,
) -> Bundle:
    return Bundle(
        bundle=number,
        source=source,
        size_bytes=size_bytes,
        created_ns=0,
        priority=priority,
        divisible=divisible,
    )


def _check(route: Route, plan: ContactPlan, bundle: Bundle, node: int, t_ns: int) -> None:
    for hop in route.hops:
        contact = hop.contact
        assert plan.sender[contact] == node
        assert plan.start_ns[contact] <= hop.start_ns
        assert hop.end_ns <= plan.end_ns[contact]
        assert t_ns <= hop.start_ns
        sent_bits = (hop.end_ns - hop.start_ns) * plan.rate_bps[contact] / 1e9
        assert sent_bits == pytest.approx(route.size_bytes * 8, abs=8)
        assert hop.arrival_ns == hop.end_ns + plan.light_time_ns[contact]
        node, t_ns = int(plan.receiver[contact]), hop.arrival_ns
    assert node in plan.stations
    assert route.arrival_ns == t_ns
    assert route.size_bytes <= bundle.size_bytes
