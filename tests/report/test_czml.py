"""CZML: what a Cesium viewer needs to show the fleet where it is, and links while they last."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from scipy.interpolate import BarycentricInterpolator

from orbitloom.errors import OutputError
from orbitloom.report.czml import DEGREE, packets, write_czml
from orbitloom.report.fabric import sky
from orbitloom.scenario import Scenario, WalkerFleet, load, time
from orbitloom.world.geometry import World


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load("scs01", hours=2, stations="world12")


@pytest.fixture(scope="module")
def world(scenario) -> World:
    return sky(scenario)


def _read(scenario, world, **options):
    return list(packets(scenario, world.ephemeris, world.contacts, **options))


def _span_ns(interval: str) -> tuple[int, int]:
    first, last = interval.split("/")
    return time.from_iso(first), time.from_iso(last)


def test_the_file_is_a_document_with_a_clock(scenario, world, tmp_path):
    file = tmp_path / "fleet.czml"
    count = write_czml(scenario, world.ephemeris, world.contacts, file)
    told = json.loads(file.read_text(encoding="utf-8"))

    assert len(told) == count + 1
    assert told[0]["id"] == "document"
    assert told[0]["version"] == "1.0"
    assert _span_ns(told[0]["clock"]["interval"]) == (scenario.start_ns, scenario.end_ns)
    ids = [packet["id"] for packet in told]
    assert len(set(ids)) == len(ids)
    references = {
        reference.partition("#")[0]
        for packet in told
        if "polyline" in packet
        for reference in packet["polyline"]["positions"]["references"]
    }
    assert references <= set(ids)


@pytest.mark.parametrize(("step_s", "limit_m"), [(60.0, 2.0), (120.0, 15.0), (300.0, 3000.0)])
def test_a_viewer_finds_satellites_where_they_are(scenario, world, step_s, limit_m):
    """Lagrange's polynomial through the six nearest samples, as a viewer makes it."""
    packet = _read(scenario, world, step_s=step_s, links_every=0)[1]
    samples = np.array(packet["position"]["cartesian"], dtype=float).reshape(-1, 4)
    assert packet["position"]["referenceFrame"] == "FIXED"
    assert packet["position"]["interpolationDegree"] == DEGREE
    assert samples[0, 0] == 0
    assert samples[-1, 0] >= (scenario.end_ns - scenario.start_ns) / time.SECOND_NS

    worst_m = 0.0
    for seconds in np.arange(10 * step_s, samples[-1, 0] - 10 * step_s, 0.37 * step_s):
        first = int(seconds // step_s) - DEGREE // 2
        near = samples[first : first + DEGREE + 1]
        found = BarycentricInterpolator(near[:, 0], near[:, 1:])(seconds)
        truth = world.ephemeris.position_ecef_m(scenario.start_ns + round(seconds * 1e9), 0)
        worst_m = max(worst_m, float(np.linalg.norm(found - truth)))
    assert worst_m < limit_m


def test_links_are_shown_exactly_while_a_contact_lasts(scenario, world):
    plan = world.contacts
    links = {p["id"]: p["polyline"] for p in _read(scenario, world) if "polyline" in p}
    pairs = {
        f"link/{min(a, b)}/{max(a, b)}/{('laser', 'rf')[medium]}"
        for a, b, medium in zip(
            plan.sender.tolist(), plan.receiver.tolist(), plan.medium.tolist(), strict=True
        )
    }
    assert set(links) == pairs
    spans = {}
    for name, line in links.items():
        first, *later = line["show"]
        assert first["boolean"] is False
        assert line["arcType"] == "NONE"  # else a viewer bends it along the ground
        spans[name] = [_span_ns(one["interval"]) for one in later]
    moments_ns = scenario.start_ns + np.random.default_rng(5).integers(0, 7200 * 10**9, 200)
    for t_ns in moments_ns.tolist():
        on = (plan.start_ns <= t_ns) & (t_ns < plan.end_ns)
        expected = {
            frozenset(pair) for pair in zip(plan.sender[on], plan.receiver[on], strict=True)
        }
        shown = {
            frozenset(int(n) for n in name.split("/")[1:3])
            for name, lasting in spans.items()
            if any(a <= t_ns < b for a, b in lasting)
        }
        assert shown == expected


def test_overlapping_and_touching_contacts_become_one_interval(scenario, world):
    line = next(p for p in _read(scenario, world) if p["id"].endswith("laser"))
    _, *shown = (_span_ns(one["interval"]) for one in line["polyline"]["show"])
    assert all(b < c for (_, b), (c, _) in pairwise(shown))


def test_size_of_a_large_fleet_is_under_control():
    fleet = WalkerFleet(planes=12, per_plane=10)
    scenario = load("ring12", hours=1, fleet=fleet)
    world = sky(scenario)
    told = _read(scenario, world)
    satellites = [p for p in told if p["id"].startswith("satellite/")]
    assert len(satellites) == 120
    assert not any("path" in p or "label" in p for p in satellites)
    assert len(satellites[0]["position"]["cartesian"]) == 4 * 31  # each two minutes
    links = [p for p in told if "polyline" in p]
    few = [p for p in _read(scenario, world, links_every=10) if "polyline" in p]
    none = [p for p in _read(scenario, world, links_every=0) if "polyline" in p]
    assert (len(few) < len(links) / 5, none) == (True, [])
    assert all(int(p["id"].split("/")[1]) % 10 == 0 for p in few)
    assert "path" in _read(scenario, world, paths=True)[1]


def test_a_flight_of_minutes_has_enough_samples_to_interpolate():
    scenario = load("ring12", hours=0.05)
    samples = _read(scenario, sky(scenario))[1]["position"]["cartesian"]
    assert len(samples) == 4 * (DEGREE + 1)
    assert samples[-4] == 180


def test_a_place_that_cannot_be_written_is_named(scenario, world, tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        write_czml(scenario, world.ephemeris, world.contacts, tmp_path / "no" / "such.czml")
