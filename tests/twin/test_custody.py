"""Faults on links: what custody keeps, who waits for what, and why the ledger says so."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from orbitloom.scenario import Scenario, load
from orbitloom.twin.clock import Clock
from orbitloom.twin.custody import Outage
from orbitloom.twin.network_flight import NetworkFlight, NetworkResult, Shipment
from orbitloom.twin.outages import terminals
from orbitloom.twin.traffic import Links, Traffic
from orbitloom.twin.trail import Trail
from orbitloom.wire import LASER, RF, Bundle, ContactPlan, Priority
from orbitloom.world.faults import FOREVER_NS, Fault

S = 10**9
DETECTION_S = 30
LIGHT_NS = 5_000_000
HOUR_S = 3600


def scenario(**faults: Any) -> Scenario:
    return load("ring12", hours=2.0, start="1973-01-01T00:00:00Z", faults=faults)


START_NS = scenario().start_ns


def plan(
    satellites: int, stations: int, *contacts: tuple[int, int, float, float, float]
) -> ContactPlan:
    """Make a plan of (sender, receiver, start s, end s, bit/s) after the start."""
    columns = list(zip(*contacts, strict=True))
    names = [f"S{n}" for n in range(satellites)] + [f"G{n}" for n in range(stations)]
    return ContactPlan(
        nodes=tuple(names),
        satellites=satellites,
        sender=np.array(columns[0], np.int32),
        receiver=np.array(columns[1], np.int32),
        start_ns=np.array([START_NS + round(t * S) for t in columns[2]], np.int64),
        end_ns=np.array([START_NS + round(t * S) for t in columns[3]], np.int64),
        rate_bps=np.array(columns[4], np.float64),
        light_time_ns=np.full(len(contacts), LIGHT_NS, np.int64),
        medium=np.array([RF if one[1] >= satellites else LASER for one in contacts], np.int8),
    )


def both(a: int, b: int, until_s: float = 2 * HOUR_S) -> list[tuple[int, int, float, float, float]]:
    """Return a laser link of 8 Mbit/s, a byte a microsecond, both ways."""
    return [(a, b, 0, until_s, 8e6), (b, a, 0, until_s, 8e6)]


def ring(count: int, *passes: tuple[int, int, float, float, float]) -> ContactPlan:
    """Return a ring of satellites held by lasers all the time, and passes over stations."""
    links = [link for n in range(count) for link in both(n, (n + 1) % count)]
    stations = 1 + max(station for _, station, *_ in passes) - count
    return plan(count, stations, *links, *passes)


def sent(satellite: int, at_s: float, size: int = 1_000_000) -> Shipment:
    return Shipment(
        kind="answer", satellite=satellite, t_ns=START_NS + round(at_s * S), size_bytes=size
    )


def fault(kind: Any, at_s: float, node: int, until_s: float | None = None, **more: Any) -> Fault:
    end_ns = FOREVER_NS if until_s is None else START_NS + round(until_s * S)
    return Fault(kind=kind, t_ns=START_NS + round(at_s * S), end_ns=end_ns, node=node, **more)


def fly(contacts: ContactPlan, shipments: list[Shipment], *faults: Fault) -> NetworkResult:
    return NetworkFlight(scenario(), contacts, shipments, faults).fly()


def steps(result: NetworkResult, number: int = 0) -> list[tuple[str, str, str, float, float]]:
    """Return node, step, cause, start and end (s) of a bundle's rows."""
    return [
        (
            row.node,
            row.step,
            row.wait_cause,
            (row.start_ns - START_NS) / S,
            (row.end_ns - START_NS) / S,
        )
        for row in result.ledger
        if row.capture == number
    ]


def is_whole(result: NetworkResult, number: int = 0) -> bool:
    """Return whether a bundle's rows follow each other without a gap."""
    rows = [row for row in result.ledger if row.capture == number]
    return all(a.end_ns == b.start_ns for a, b in pairwise(rows))


class TestSatelliteLost:
    def test_what_is_on_the_air_to_it_stays_with_the_sender_and_goes_round(self) -> None:
        contacts = ring(4, (2, 4, 0, 7200, 8e6))
        result = fly(contacts, [sent(0, 10, 5_000_000)], fault("satellite_lost", 12, 1))
        assert steps(result) == [
            ("S0", "laser", "", 10.0, 12.0),
            ("S0", "wait", "satellite lost", 12.0, 12.0 + DETECTION_S),
            ("S0", "laser", "", 42.0, 47.0),
            ("S3", "light", "", 47.0, 47.005),
            ("S3", "laser", "", 47.005, 52.005),
            ("S2", "light", "", 52.005, 52.01),
            ("S2", "downlink", "", 52.01, 57.01),
            ("G0", "light", "", 57.01, 57.015),
            ("G0", "inbox", "", 57.015, 57.015),
        ]
        assert result.custody.cut == 1
        assert result.fates[0].arrivals == 1

    def test_it_loses_only_what_it_alone_held(self) -> None:
        contacts = ring(4, (2, 4, 100, 7200, 8e6))
        shipments = [sent(2, 10), sent(0, 11), sent(3, 500), sent(2, 500)]
        result = fly(contacts, shipments, fault("satellite_lost", 50, 2))
        own, passed_on, neighbour, never = result.fates
        # Both were stored on the one satellite that has a pass; nobody else ever has one.
        assert (own.lost, own.place) == ("satellite lost", "lost with S2")
        assert (passed_on.lost, passed_on.place) == ("satellite lost", "lost with S2")
        assert neighbour.lost == ""
        assert neighbour.place == "stored on S3: satellite lost"
        assert (never.sent, never.place) == (False, "never made: S2 is lost")
        assert result.custody.lost == 2
        assert steps(result)[-1] == ("S2", "wait", "satellite lost", 50.0, 7200.0)

    def test_what_has_left_its_laser_before_is_not_lost(self) -> None:
        contacts = plan(2, 1, *both(0, 1), (1, 2, 0, 7200, 8e6))
        gone = fault("satellite_lost", 11.002, 0)  # the last bit is light on its way
        result = fly(contacts, [sent(0, 10)], gone)
        assert result.fates[0].arrivals == 1
        assert steps(result)[1] == ("S1", "light", "", 11.0, 11.005)

    def test_what_comes_to_one_that_is_no_more_stays_with_its_sender(self) -> None:
        contacts = ring(4, (2, 4, 0, 7200, 8e6))
        result = fly(contacts, [sent(0, 10)], fault("satellite_lost", 11.002, 1))
        assert steps(result)[:3] == [
            ("S0", "laser", "", 10.0, 11.0),
            ("S1", "light", "", 11.0, 11.005),
            ("S0", "wait", "satellite lost", 11.005, 11.002 + DETECTION_S),
        ]
        assert result.fates[0].arrivals == 1
        assert is_whole(result)

    def test_a_ring_becomes_a_chain_and_then_splits(self) -> None:
        """Node 6 has the only pass: with 3 gone node 2 goes the other way; with 9 gone it waits."""
        contacts = ring(12, (6, 12, 0, 7200, 8e6))
        gone = fault("satellite_lost", 0, 3), fault("satellite_lost", 1000, 9)
        shipments = [sent(2, 100), sent(4, 100), sent(2, 2000), sent(10, 2000), sent(8, 2000)]
        result = fly(contacts, shipments, *gone)

        def nodes(number: int) -> list[str]:
            return [row.node for row in result.ledger if row.capture == number and row.bytes_out]

        def hops(number: int) -> list[str]:
            return [
                row.node
                for row in result.ledger
                if row.capture == number and row.step in ("laser", "downlink")
            ]

        assert hops(0) == ["S2", "S1", "S0", "S11", "S10", "S9", "S8", "S7", "S6"]
        assert hops(1) == ["S4", "S5", "S6"]
        assert [fate.place for fate in result.fates] == [
            "",
            "",
            "stored on S2: satellite lost",
            "stored on S10: satellite lost",
            "",
        ]
        assert hops(4) == ["S8", "S7", "S6"]
        assert result.custody.lost == 0


class TestTerminalLost:
    def test_terminals_are_taken_by_number(self) -> None:
        contacts = ring(4, (2, 4, 0, 7200, 8e6))
        at_sender, at_receiver = terminals(contacts)
        of = {
            (int(s), int(r)): (int(a), int(b))
            for s, r, a, b in zip(
                contacts.sender, contacts.receiver, at_sender, at_receiver, strict=True
            )
        }
        assert of[0, 1] == (1, 1)
        assert of[1, 0] == (1, 1)
        assert of[0, 3] == (2, 1)
        assert of[1, 2] == (2, 1)
        assert of[2, 4] == (0, 0)

    def test_one_link_breaks_and_the_other_carries(self) -> None:
        contacts = ring(4, (2, 4, 0, 7200, 8e6))
        result = fly(contacts, [sent(1, 100)], fault("terminal_lost", 0, 1, terminal=2))
        assert [node for node, step, *_ in steps(result) if step == "laser"] == ["S1", "S0", "S3"]

    def test_the_wait_until_the_other_pass_says_why(self) -> None:
        contacts = plan(2, 1, *both(0, 1), (1, 2, 0, 7200, 8e6), (0, 2, 3000, 7200, 8e6))
        result = fly(contacts, [sent(0, 100)], fault("terminal_lost", 0, 0, terminal=1))
        assert steps(result)[0] == ("S0", "wait", "terminal lost", 100.0, 3000.0)


class TestStationOut:
    def test_a_pass_that_is_cut_goes_on_at_the_next_station(self) -> None:
        contacts = plan(1, 2, (0, 1, 0, 600, 8e6), (0, 2, 1000, 1600, 8e6))
        result = fly(contacts, [sent(0, 0, 10_000_000)], fault("station_out", 4, 1, 5000))
        assert steps(result)[:3] == [
            ("S0", "downlink", "", 0.0, 4.0),
            ("S0", "wait", "station out", 4.0, 1000.0),
            ("S0", "downlink", "", 1000.0, 1010.0),
        ]

    def test_when_it_is_back_within_the_pass_the_bundle_goes_there(self) -> None:
        contacts = plan(1, 2, (0, 1, 0, 600, 8e6), (0, 2, 1000, 1600, 8e6))
        result = fly(contacts, [sent(0, 0, 10_000_000)], fault("station_out", 4, 1, 200))
        assert steps(result)[1:3] == [
            ("S0", "wait", "station out", 4.0, 200.0),
            ("S0", "downlink", "", 200.0, 210.0),
        ]
        assert result.custody.rerouted == 1

    def test_a_break_that_nobody_notices_has_its_cause_too(self) -> None:
        contacts = plan(1, 1, (0, 1, 0, 600, 8e6))
        result = fly(contacts, [sent(0, 0, 10_000_000)], fault("station_out", 4, 1, 14))
        assert steps(result)[:3] == [
            ("S0", "downlink", "", 0.0, 4.0),
            ("S0", "wait", "station out", 4.0, 14.0),
            ("S0", "downlink", "", 14.0, 24.0),
        ]
        assert result.custody.rerouted == 0

    def test_what_is_made_while_it_is_out_says_so_only_from_when_it_would_have_gone(self) -> None:
        contacts = plan(1, 1, (0, 1, 500, 600, 8e6), (0, 1, 3000, 3600, 8e6))
        result = fly(contacts, [sent(0, 100)], fault("station_out", 0, 1, 2000))
        assert steps(result)[:3] == [
            ("S0", "wait", "no contact", 100.0, 500.0),
            ("S0", "wait", "station out", 500.0, 3000.0),
            ("S0", "downlink", "", 3000.0, 3001.0),
        ]

    def test_one_that_is_over_in_time_delays_nothing(self) -> None:
        contacts = plan(1, 1, (0, 1, 500, 600, 8e6))
        result = fly(contacts, [sent(0, 100)], fault("station_out", 0, 1, 400))
        assert [row[2] for row in steps(result) if row[1] == "wait"] == ["no contact"]


class TestNotAcquired:
    def test_each_attempt_takes_the_acquisition_time_once_more(self) -> None:
        contacts = plan(2, 1, (0, 1, 100, 7200, 8e6), (1, 0, 100, 7200, 8e6), (1, 2, 0, 7200, 8e6))
        failed = fault("not_acquired", 100, 0, 220, peer=1)
        result = fly(contacts, [sent(0, 50)], failed)
        assert steps(result)[:3] == [
            ("S0", "wait", "no contact", 50.0, 100.0),
            ("S0", "wait", "not acquired", 100.0, 220.0),
            ("S0", "laser", "", 220.0, 221.0),
        ]


class TestClockStep:
    def test_radio_is_back_with_the_time_and_lasers_an_acquisition_later(self) -> None:
        contacts = plan(3, 1, *both(0, 1), (1, 3, 0, 7200, 8e6), (2, 3, 0, 7200, 8e6))
        off = fault("clock_step", 100, 1, 1000), fault("clock_step", 100, 2, 1000)
        result = fly(contacts, [sent(0, 200), sent(2, 200)], *off)
        acquisition_s = scenario().laser.acquisition_s
        back = 1000.0 + acquisition_s
        assert [row[4] for row in steps(result, 0) if row[2] == "clock off"] == [back]
        assert steps(result, 1)[0] == ("S2", "wait", "clock off", 200.0, 1000.0)


class TestComputerReset:
    def test_bundles_in_custody_survive_and_what_was_on_the_air_goes_again(self) -> None:
        contacts = plan(1, 1, (0, 1, 100, 600, 8e6))
        result = fly(contacts, [sent(0, 0, 10_000_000)], fault("computer_reset", 104, 0, 120))
        assert steps(result)[:4] == [
            ("S0", "wait", "no contact", 0.0, 100.0),
            ("S0", "downlink", "", 100.0, 104.0),
            ("S0", "wait", "computer reset", 104.0, 120.0),
            ("S0", "downlink", "", 120.0, 130.0),
        ]
        assert result.custody.lost == 0


class TestBitFlip:
    def test_the_second_copy_is_read_before_it_is_sent(self) -> None:
        contacts = plan(1, 1, (0, 1, 100, 600, 8e6))
        flip = fault("bit_flip", 50, 0, 50)
        result = fly(contacts, [sent(0, 0, 10_000_000)], flip)
        mend_s = 10e6 / (scenario().faults.mend_mb_per_s * 1e6)
        assert steps(result)[:3] == [
            ("S0", "wait", "no contact", 0.0, 100.0),
            ("S0", "wait", "product damaged", 100.0, 100.0 + mend_s),
            ("S0", "downlink", "", 100.0 + mend_s, 110.0 + mend_s),
        ]
        assert result.custody.mended == 1

    def test_empty_memory_does_not_mind(self) -> None:
        contacts = plan(1, 1, (0, 1, 100, 600, 8e6))
        flip = fault("bit_flip", 50, 0, 50, share=0.5)
        result = fly(contacts, [sent(0, 0)], flip)
        assert (result.harmless, result.custody.mended) == (1, 0)

    def test_without_a_second_copy_it_is_lost_and_says_so(self) -> None:
        contacts = plan(1, 1, (0, 1, 100, 600, 8e6))
        flight = NetworkFlight(
            scenario(second_copy="off"), contacts, [sent(0, 0)], [fault("bit_flip", 50, 0, 50)]
        )
        (fate,) = flight.fly().fates
        assert (fate.lost, fate.place) == ("product damaged", "lost on S0: product damaged")


class Bench:
    """Traffic with a hand on its contacts."""

    def __init__(self, contacts: ContactPlan) -> None:
        self.clock = Clock(START_NS)
        self.arrived: list[int] = []
        self.trails: dict[int, Trail] = {}
        self.traffic = Traffic(
            self.clock,
            Links(
                plan=contacts,
                light_time_ns=lambda sender, receiver, t_ns: LIGHT_NS,
                laser_w=60.0,
                downlink_w=40.0,
                arrived=lambda bundle, station: self.arrived.append(bundle.bundle),
                keyed=lambda node, on: None,
                moved=lambda bundle, sender, receiver: None,
                watched=True,
            ),
        )

    def at(self, t_s: float, what: Any) -> None:
        def go() -> Generator[Any, Any, None]:
            yield self.clock.until(START_NS + round(t_s * S))
            what()

        self.clock.process(go())

    def send(self, number: int, node: int, size: int) -> None:
        trail = self.trails[number] = Trail("orbit", number, self.clock.now_ns)
        bundle = Bundle(
            bundle=number,
            source=node,
            size_bytes=size,
            created_ns=self.clock.now_ns,
            priority=Priority.NORMAL,
            capture=number,
        )
        self.traffic.send(bundle, trail)

    def run(self, until_s: float) -> None:
        self.clock.run(until=START_NS + round(until_s * S))
        self.traffic.close()


def outage(contacts: tuple[int, ...], at_s: float) -> Outage:
    t_ns = START_NS + round(at_s * S)
    return Outage(cause="terminal lost", node=-1, contacts=contacts, t_ns=t_ns)


class TestReceipts:
    """The sender's last bit has come at 11.005 s; its receipt would be back at 11.010 s."""

    def contacts(self) -> tuple[ContactPlan, int]:
        contacts = plan(2, 2, *both(0, 1), (1, 2, 50, 7200, 8e6), (0, 3, 100, 7200, 8e6))
        return contacts, 0

    def test_without_a_receipt_it_is_sent_again_and_delivered_once(self) -> None:
        contacts, link = self.contacts()
        bench = Bench(contacts)
        broken = outage((link,), 11.007)
        bench.at(10, lambda: bench.send(1, 0, 1_000_000))
        bench.at(11.007, lambda: bench.traffic.cut(broken))
        bench.at(41.007, lambda: bench.traffic.notice(broken))
        bench.run(300)
        assert bench.arrived == [1]
        assert (bench.traffic.custody.copies, bench.traffic.custody.duplicates) == (1, 1)
        assert bench.trails[1].rows[-1].end_ns == START_NS + round(51.005 * S)

    def test_the_copy_may_be_first_and_the_ledger_ends_with_it(self) -> None:
        contacts, link = self.contacts()
        bench = Bench(contacts)
        broken, late = outage((link,), 11.007), outage((2,), 20)
        assert int(contacts.sender[2]) == 1
        bench.at(10, lambda: bench.send(1, 0, 1_000_000))
        bench.at(11.007, lambda: bench.traffic.cut(broken))
        bench.at(20, lambda: bench.traffic.cut(late))
        bench.at(41.007, lambda: bench.traffic.notice(broken))
        bench.at(200, lambda: bench.traffic.restore(late))
        bench.run(300)
        assert bench.arrived == [1]
        assert bench.traffic.custody.duplicates == 1
        rows = bench.trails[1].rows
        assert all(a.end_ns == b.start_ns for a, b in pairwise(rows))
        assert rows[-1].end_ns == START_NS + round(101.005 * S)

    def test_if_the_receiver_is_lost_the_copy_lives(self) -> None:
        contacts, link = self.contacts()
        bench = Bench(contacts)
        broken = replace(outage((link,), 11.007), node=1, cause="satellite lost")

        def lose() -> None:
            bench.traffic.cut(broken)
            bench.traffic.lose(1, "satellite lost")

        bench.at(10, lambda: bench.send(1, 0, 1_000_000))
        bench.at(11.007, lose)
        bench.at(41.007, lambda: bench.traffic.notice(broken))
        bench.run(300)
        assert bench.arrived == [1]
        assert bench.traffic.custody.lost == 0
        told = [(row.step, row.wait_cause) for row in bench.trails[1].rows]
        assert told[-3:] == [("wait", "satellite lost"), ("downlink", ""), ("light", "")]


def test_of_two_faults_at_once_each_is_mended_at_its_time() -> None:
    contacts = plan(1, 1, (0, 1, 0, 7200, 8e6))
    two = fault("station_out", 5, 1, 300), fault("computer_reset", 5, 0, 95)
    result = fly(contacts, [sent(0, 0, 10_000_000)], *two)
    assert [row[3:] for row in steps(result) if row[1] == "downlink"] == [
        (0.0, 5.0),
        (300.0, 310.0),
    ]
    assert result.fates[0].arrivals == 1


def test_an_alert_made_during_a_fault_waits_for_nothing_else() -> None:
    contacts = ring(4, (2, 4, 0, 7200, 8e6))
    result = fly(contacts, [sent(0, 100)], fault("satellite_lost", 50, 3))
    assert not [row for row in steps(result) if row[1] == "wait"]


@pytest.mark.parametrize("at_s", [10.0, 10.5, 11.0, 11.005])
def test_at_the_very_moment_of_a_change_nothing_is_lost_or_doubled(at_s: float) -> None:
    contacts = ring(4, (2, 4, 0, 7200, 8e6))
    result = fly(contacts, [sent(0, 10)], fault("computer_reset", at_s, 1, at_s + 90))
    assert result.fates[0].arrivals == 1
    assert is_whole(result)


def test_what_is_being_mended_is_not_sent_before_it_is_whole() -> None:
    """A station comes back while a scene of 100 GB is read from its second copy, for 200 s."""
    contacts = plan(1, 1, (0, 1, 100, 7200, 8e9))
    two = fault("bit_flip", 50, 0, 50), fault("station_out", 110, 1, 200)
    result = fly(contacts, [sent(0, 0, 100_000_000_000)], *two)
    assert [row[3:] for row in steps(result) if row[1] == "downlink"] == [(300.0, 400.0)]
    assert result.custody.mended == 1


def test_what_is_being_mended_is_lost_with_its_satellite() -> None:
    contacts = plan(1, 1, (0, 1, 100, 7200, 8e9))
    two = fault("bit_flip", 50, 0, 50), fault("satellite_lost", 150, 0)
    (fate,) = fly(contacts, [sent(0, 0, 100_000_000_000)], *two).fates
    assert (fate.lost, fate.place) == ("satellite lost", "lost with S0")
