"""Bundles on links: order, causes, cuts, and what the ledger says at any moment."""

from __future__ import annotations

import numpy as np
import pytest

from orbitloom.twin.clock import Clock
from orbitloom.twin.traffic import Links, Traffic
from orbitloom.twin.trail import Trail
from orbitloom.wire import LASER, RF, Bundle, ContactPlan, Priority

S = 10**9
LIGHT_NS = 5_000_000
A, B, STATION = 0, 1, 2


def plan(*contacts: tuple[int, int, float, float, float]) -> ContactPlan:
    """Make a plan of (sender, receiver, start s, end s, bit/s); node 2 is the station."""
    columns = list(zip(*contacts, strict=True))
    return ContactPlan(
        nodes=("A", "B", "Station"),
        satellites=2,
        sender=np.array(columns[0], np.int32),
        receiver=np.array(columns[1], np.int32),
        start_ns=np.array([round(t * S) for t in columns[2]], np.int64),
        end_ns=np.array([round(t * S) for t in columns[3]], np.int64),
        rate_bps=np.array(columns[4], np.float64),
        light_time_ns=np.full(len(contacts), LIGHT_NS, np.int64),
        medium=np.array([RF if one[1] == STATION else LASER for one in contacts], np.int8),
    )


class Bench:
    """Traffic with a notebook."""

    def __init__(self, contacts: ContactPlan) -> None:
        self.clock = Clock(0)
        self.arrived: list[tuple[int, int, int]] = []  # bundle, bytes, when
        self.keyed: list[tuple[int, bool, int]] = []
        self.trails: dict[int, Trail] = {}
        self.traffic = Traffic(
            self.clock,
            Links(
                plan=contacts,
                light_time_ns=lambda sender, receiver, t_ns: LIGHT_NS,
                laser_w=60.0,
                downlink_w=40.0,
                arrived=lambda bundle, station: self.arrived.append(
                    (bundle.bundle, bundle.size_bytes, self.clock.now_ns)
                ),
                keyed=lambda node, on: self.keyed.append((node, on, self.clock.now_ns)),
                moved=lambda bundle, sender, receiver: None,
            ),
        )

    def send(
        self,
        number: int,
        size: int,
        *,
        at_s: float = 0.0,
        node: int = A,
        priority: Priority = Priority.NORMAL,
        flow: bool = False,
    ) -> None:
        trail = None if flow else Trail("raw", number, round(at_s * S))
        if trail is not None:
            self.trails[number] = trail

        def go():
            yield self.clock.until(round(at_s * S))
            bundle = Bundle(
                bundle=number,
                source=node,
                size_bytes=size,
                created_ns=self.clock.now_ns,
                priority=priority,
                capture=-1 if flow else number,
                divisible=flow,
            )
            self.traffic.send(bundle, trail)

        self.clock.process(go())

    def run(self, until_s: float) -> None:
        self.clock.run(until=round(until_s * S))
        self.traffic.close()

    def steps(self, number: int) -> list[tuple[str, str, float, float]]:
        return [
            (row.step, row.wait_cause, row.start_ns / S, row.end_ns / S)
            for row in self.trails[number].rows
        ]


def test_a_hop_and_a_pass_take_bits_over_rate_and_light() -> None:
    bench = Bench(plan((A, B, 0, 100, 8e6), (B, STATION, 10, 100, 8e6)))
    bench.send(1, 1_000_000)
    bench.run(50)
    assert bench.steps(1) == [
        ("laser", "", 0.0, 1.0),
        ("light", "", 1.0, 1.005),
        ("wait", "no contact", 1.005, 10.0),
        ("downlink", "", 10.0, 11.0),
        ("light", "", 11.0, 11.005),
    ]
    assert bench.arrived == [(1, 1_000_000, round(11.005 * S))]
    assert bench.keyed == [(B, True, 10 * S), (B, False, 11 * S)]
    assert bench.trails[1].joules == pytest.approx(60 * 1 + 40 * 1)


def test_first_in_first_out_and_alerts_first() -> None:
    bench = Bench(plan((A, STATION, 10, 100, 8e6)))
    bench.send(1, 1_000_000, at_s=0.0)
    bench.send(2, 1_000_000, at_s=1.0)
    bench.send(3, 1_000, at_s=2.0, priority=Priority.ALERT)
    bench.run(50)
    assert [number for number, _, _ in bench.arrived] == [3, 1, 2]
    assert bench.steps(2)[:2] == [
        ("wait", "no contact", 1.0, 10.0),
        ("wait", "link busy", 10.0, 11.001),
    ]


def test_an_alert_waits_at_most_for_the_bundle_on_the_air() -> None:
    bench = Bench(plan((A, STATION, 0, 100, 8e6)))
    bench.send(1, 2_000_000, priority=Priority.BULK)
    bench.send(2, 2_000_000, priority=Priority.BULK)
    bench.send(3, 1_000, at_s=0.5, priority=Priority.ALERT)
    bench.run(50)
    assert [number for number, _, _ in bench.arrived] == [1, 3, 2]


def test_a_bundle_that_does_not_fit_waits_for_the_next_pass_not_for_the_link() -> None:
    bench = Bench(plan((A, STATION, 0, 10, 8e6), (A, STATION, 1000, 1100, 8e6)))
    bench.send(1, 1_000_000, at_s=9.5)
    bench.run(2000)
    assert bench.steps(1)[0] == ("wait", "no contact", 9.5, 1000.0)


def test_a_flow_is_cut_at_the_end_of_a_pass_and_all_of_it_arrives() -> None:
    bench = Bench(plan((A, STATION, 0, 10, 8e6), (A, STATION, 100, 200, 8e6)))
    bench.send(1, 25_000_000, flow=True)
    bench.send(2, 1_000_000, at_s=5.0)
    bench.run(300)
    assert sum(size for number, size, _ in bench.arrived if number == 1) == 25_000_000
    first = sum(size for number, size, t in bench.arrived if number == 1 and t < 11 * S)
    assert first == 10_000_000
    (behind,) = [t for number, _, t in bench.arrived if number == 2]
    assert behind == round(116.005 * S)  # 15 MB of the flow, then its own


def test_what_is_on_the_air_at_the_end_says_so() -> None:
    bench = Bench(plan((A, STATION, 0, 100, 8e6)))
    bench.send(1, 8_000_000)
    bench.run(4)
    assert bench.steps(1) == [("downlink", "", 0.0, 4.0)]
    assert bench.trails[1].place == "being sent from A"
    assert bench.trails[1].downlinked_bytes == 0
    assert bench.trails[1].joules == pytest.approx(160.0)


def test_what_is_light_at_the_end_says_so() -> None:
    bench = Bench(plan((A, STATION, 0, 100, 8e6)))
    bench.send(1, 1_000_000)
    bench.run(1.002)
    assert bench.steps(1) == [("downlink", "", 0.0, 1.0), ("light", "", 1.0, 1.002)]
    assert bench.trails[1].place == "on its way to Station"


def test_without_any_contact_it_stays_where_it_is() -> None:
    bench = Bench(plan((B, STATION, 0, 100, 8e6)))
    bench.send(1, 1_000)
    bench.run(50)
    assert bench.steps(1) == [("wait", "no contact", 0.0, 50.0)]
    assert bench.trails[1].place == "stored on A: no contact"


def test_a_crowded_link_is_the_cause_when_a_contact_is_there() -> None:
    bench = Bench(plan((A, STATION, 0, 100, 8e6)))
    bench.send(1, 90_000_000)
    bench.send(2, 1_000_000)
    bench.run(50)
    assert bench.trails[2].place == "stored on A: link busy"
