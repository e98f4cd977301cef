"""A router that spares searches must answer as the one that makes them all."""

from __future__ import annotations

import numpy as np
import pytest

from orbitloom.network.router import Router
from orbitloom.scenario import stream
from orbitloom.twin.sparing import SparingRouter
from orbitloom.wire import LASER, RF, Bundle, ContactPlan, Priority

S = 1_000_000_000


class Counting(Router):
    """Counts the searches."""

    searches = 0

    def route(self, *args, **kwargs):
        self.searches += 1
        return super().route(*args, **kwargs)


def plan(random: np.random.Generator, satellites: int = 5, contacts: int = 60) -> ContactPlan:
    """Short contacts of a few satellites and two stations: soon full."""
    nodes = tuple(f"n{i}" for i in range(satellites + 2))
    sender = random.integers(satellites, size=contacts)
    downlink = random.random(contacts) < 0.4
    receiver = np.where(
        downlink,
        satellites + random.integers(2, size=contacts),
        (sender + 1 + random.integers(satellites - 1, size=contacts)) % satellites,
    )
    start_ns = random.integers(0, 3_000 * S, size=contacts)
    return ContactPlan(
        nodes=nodes,
        satellites=satellites,
        sender=sender.astype(np.int32),
        receiver=receiver.astype(np.int32),
        start_ns=start_ns,
        end_ns=start_ns + random.integers(1, 200 * S, size=contacts),
        rate_bps=np.where(downlink, 1e8, 1e9),
        light_time_ns=np.full(contacts, 5_000_000),
        medium=np.where(downlink, RF, LASER).astype(np.int8),
    )


@pytest.mark.parametrize("seed", range(10))
def test_it_answers_as_the_router_behind_it(seed: int) -> None:
    random = stream(seed, "sparing")
    contacts = plan(random)
    behind = Counting(contacts)
    ours, plain = SparingRouter(behind, contacts), Router(contacts)
    t_ns, asked, refused, ways = 0, 0, 0, []
    for number in range(250):
        t_ns += int(random.integers(0, 15 * S))
        if ways and random.random() < 0.05:
            route, bundle = ways.pop(int(random.integers(len(ways))))
            ours.release(route, bundle, 0)
            plain.release(route, bundle, 0)
        bundle = Bundle(
            bundle=number,
            source=int(random.integers(5)),
            size_bytes=int(random.integers(1, 3_000_000_000)),
            created_ns=t_ns,
            priority=Priority(int(random.choice([p.value for p in Priority]))),
            divisible=bool(random.random() < 0.8),
        )
        exclude = (int(random.integers(60)),) if random.random() < 0.1 else ()
        found = ours.route(bundle, bundle.source, t_ns, exclude=exclude)
        assert found == plain.route(bundle, bundle.source, t_ns, exclude=exclude)
        asked += 1
        if found is None:
            refused += 1
            continue
        ours.book(found, bundle)
        plain.book(found, bundle)
        ways.append((found, bundle))
    assert refused > 50
    assert behind.searches < asked - 5


@pytest.mark.parametrize("seed", range(6))
def test_choosing_the_downlink_first_gives_ways_that_can_be_flown(seed: int) -> None:
    """Each hop lies in its contact, after the one before; no time is booked twice; most is sent."""
    random = stream(seed, "downlink first")
    contacts = plan(random, contacts=90)
    ours, plain = SparingRouter(Router(contacts), contacts, large=0), Router(contacts)
    busy: dict[int, list[tuple[int, int]]] = {}
    sent = {"ours": 0, "plain": 0}
    for number in range(120):
        t_ns = number * 20 * S
        bundle = Bundle(
            bundle=number,
            source=int(random.integers(5)),
            size_bytes=int(random.integers(1, 2_000_000_000)),
            created_ns=t_ns,
            priority=Priority.NORMAL,
            divisible=True,
        )
        found = ours.route(bundle, bundle.source, t_ns)
        other = plain.route(bundle, bundle.source, t_ns)
        if other is not None:
            plain.book(other, bundle)
            sent["plain"] += other.size_bytes
        if found is None:
            continue
        here, ready_ns = bundle.source, t_ns
        for hop in found.hops:
            assert int(contacts.sender[hop.contact]) == here
            assert hop.start_ns >= max(ready_ns, int(contacts.start_ns[hop.contact]))
            assert hop.end_ns <= int(contacts.end_ns[hop.contact])
            least_ns = found.size_bytes * 8e9 / float(contacts.rate_bps[hop.contact])
            assert hop.end_ns - hop.start_ns >= least_ns
            for begin_ns, end_ns in busy.setdefault(hop.contact, []):
                assert hop.end_ns <= begin_ns or end_ns <= hop.start_ns
            busy[hop.contact].append((hop.start_ns, hop.end_ns))
            here, ready_ns = int(contacts.receiver[hop.contact]), hop.arrival_ns
        assert here in contacts.stations
        assert ready_ns == found.arrival_ns
        ours.book(found, bundle)
        sent["ours"] += found.size_bytes
    assert sent["ours"] > 0.6 * sent["plain"]
