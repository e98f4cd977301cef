"""What the report says of faults: the same keys always, a paragraph where there were any."""

from __future__ import annotations

from dataclasses import replace

from rich.console import Console

from orbitloom.report import plots
from orbitloom.report.faults import fault_figures, fault_sentences
from orbitloom.report.gain import gain
from orbitloom.report.html import page
from orbitloom.report.summary import summary
from orbitloom.report.terminal import overview
from orbitloom.twin.custody import Custody
from orbitloom.twin.result import FaultTotals, FlightResult


def broken(flight: FlightResult) -> FlightResult:
    """Return a flight in which a satellite was lost with one answer, and another waited for it."""
    orbit = flight.arms["orbit"]
    lost = replace(orbit.fates[0], inbox_ns=None, latency_ns=None, lost=True, place="lost with X")
    faults = FaultTotals(
        happened={"satellite_lost": 1, "bit_flip": 2},
        harmless=1,
        custody=Custody(mended=1, lost=3, lost_bytes=2_000_000, rerouted=4, duplicates=1),
    )
    arm = replace(orbit, fates=(lost, *orbit.fates[1:]), faults=faults)
    number = next(
        i
        for i, row in enumerate(flight.ledger)
        if row.arm == "orbit" and row.step == "wait" and row.capture > 0
    )
    rows = list(flight.ledger)
    rows[number] = replace(rows[number], wait_cause="satellite lost")
    return replace(flight, arms={**flight.arms, "orbit": arm}, ledger=tuple(rows))


def test_the_keys_are_the_same_with_and_without(flight: FlightResult) -> None:
    calm, hit = fault_figures(flight), fault_figures(broken(flight))
    assert calm.keys() == hit.keys()
    assert calm["happened"].keys() == hit["happened"].keys()
    assert calm["arms"]["raw"].keys() == hit["arms"]["orbit"].keys()
    assert set(calm["happened"].values()) == {0}


def test_the_figures_are_those_of_fates_rows_and_custody(flight: FlightResult) -> None:
    told = fault_figures(broken(flight))["arms"]["orbit"]
    assert (told["lost"], told["delayed"], told["mended"], told["harmless"]) == (1, 1, 1, 1)
    assert told["delay_s"]["satellite lost"] > 0
    assert (told["lost_bundles"], told["lost_bytes"]) == (3, 2_000_000)


def test_the_sentences_name_what_broke_and_what_came_of_it(flight: FlightResult) -> None:
    assert fault_sentences(fault_figures(flight), 14) == []
    first, orbit, *_ = fault_sentences(fault_figures(broken(flight)), 14)
    assert first == "What broke: 1 satellite lost, 2 bit flips."
    assert orbit.startswith("orbit: 1 of 14 answers lost; 1 held up by ")
    assert "mostly by 'satellite lost'" in orbit
    assert "3 bundles of 2 MB lost on the way" in orbit
    assert "1 duplicate dropped" in orbit


def test_page_and_terminal_say_it_only_if_something_broke(flight: FlightResult) -> None:
    for one, expected in ((flight, False), (broken(flight), True)):
        figures = summary(one)
        console = Console(width=120, record=True, file=None, quiet=False)
        with console.capture() as said:
            console.print(overview(figures, gain(one), None))
        assert ("What broke" in page(one, figures, gain(one))) == expected
        assert ("What broke" in said.get()) == expected


def test_a_large_fleet_is_drawn_though_one_of_it_was_lost(make_flight) -> None:
    flight = make_flight(fleet=30, captures=3)
    arm = flight.arms["orbit"]
    first = arm.satellites[0]
    half = first.t_ns.size // 2
    lost = replace(
        first,
        t_ns=first.t_ns[:half],
        battery_wh=first.battery_wh[:half],
        computer_c=first.computer_c[:half],
    )
    flight = replace(
        flight,
        arms={**flight.arms, "orbit": replace(arm, satellites=(lost, *arm.satellites[1:]))},
    )
    assert "<svg" in plots.battery_and_heat(flight, "orbit")
