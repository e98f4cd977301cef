"""Studies of sizes: waits as in a published study, latencies as the router has them."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from orbitloom.errors import OutputError, ScenarioError
from orbitloom.network.router import Router
from orbitloom.report.fabric import sky
from orbitloom.report.fleets import fleets_of, net_of, nets_of
from orbitloom.report.latency import capture_latencies_s, study_latency
from orbitloom.report.sizing import latency_sizing, waits_sizing
from orbitloom.report.waits import contact_of, study_waits, wait_minutes
from orbitloom.scenario import Scenario, WalkerFleet, load, time
from orbitloom.scenario.links import Laser
from orbitloom.wire import RF, Bundle, Priority
from orbitloom.world.orbits import build_ephemeris

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "data" / "contact_study.json"
NETS = {
    "1 (Hangzhou)": "hangzhou1",
    "4 in China": "china4",
    "2 polar": "polar2",
    "12 worldwide": "world12",
}


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load("ring12", hours=6)


# Fleets and nets -------------------------------------------------------------------------------


def test_fleets_are_named_by_one_number_or_by_planes(scenario):
    small, large, own = fleets_of("1, 4x11,own", scenario)

    assert [one.satellites for one in (small, large, own)] == [1, 44, 12]
    assert (large.name, large.fleet.planes, large.fleet.per_plane) == ("44 (4x11)", 4, 11)
    assert large.fleet.altitude_km == scenario.fleet.altitude_km
    assert own.fleet == scenario.fleet
    assert fleets_of("own", load("scs01"))[0].satellites == 12


def test_planes_of_near_polar_fleets_do_not_lie_on_each_other(scenario):
    """97.4 degrees: over 360 degrees of node, every other plane would fly another backwards."""
    tilted = scenario.model_copy(update={"fleet": WalkerFleet(inclination_deg=53.0)})
    assert fleets_of("72", scenario)[0].fleet.raan_spread_deg == 180.0
    assert fleets_of("72", tilted)[0].fleet.raan_spread_deg == 360.0
    assert fleets_of("72", scenario, 360.0)[0].fleet.raan_spread_deg == 360.0


@pytest.mark.parametrize("text", ["0", "many", "3x", "0x12", "12,", "1000000000", "-5"])
def test_what_is_no_fleet_is_refused(scenario, text):
    with pytest.raises(ScenarioError, match=r"option --satellites: .* is no fleet"):
        fleets_of(text, scenario)


def test_nets_are_known_by_name(scenario):
    assert nets_of("polar2, own") == ("polar2", "own")
    assert net_of("own", scenario) == scenario.stations
    assert len(net_of("world12", scenario)) == 12
    with pytest.raises(ScenarioError, match=r"there is no station net 'moon'\. Known: hangzhou1"):
        nets_of("polar2,moon")


# Waits -----------------------------------------------------------------------------------------


@pytest.mark.skipif(not REFERENCE.is_file(), reason=f"there is no {REFERENCE}")
@pytest.mark.parametrize("shape", ["real", "1x12", "2x12", "6x12"])
def test_waits_are_those_of_the_published_study(shape):
    reference = json.loads(REFERENCE.read_text(encoding="utf-8"))
    start_ns = time.from_iso("2026-06-14T00:00:00Z")
    t_ns = start_ns + 20 * time.SECOND_NS * np.arange(48 * 180)
    even = next(rows for key, rows in reference.items() if key.startswith("even_fleets"))
    if shape == "real":
        fleet = load("scs01").fleet
    else:
        planes, per_plane = (int(n) for n in shape.split("x"))
        spread = {"raan_spread_deg": 180.0, "phasing": min(1, planes - 1)}
        fleet = WalkerFleet(planes=planes, per_plane=per_plane, ltdn_h=12.0, **spread)
    ephemeris = build_ephemeris(fleet, start_ns, start_ns + 48 * time.HOUR_NS)
    for net, name in NETS.items():
        stations = net_of(name, load("ring12"))
        if shape == "real":
            rows = reference["scs01_2026-06-13"]
            row = rows[net if net in rows else f"{net} (Svalbard+Troll)"]
            for key, laser in (("alone_min_p50_p90_p99", None), ("mesh12_isl", Laser())):
                contact = contact_of(ephemeris, t_ns, stations, laser)
                assert wait_minutes(contact, 34 * 180, 20.0) == pytest.approx(row[key], abs=0.06)
                if laser is None:
                    assert contact.mean() == pytest.approx(row["contact_frac_alone"], abs=1e-4)
        else:
            contact = contact_of(ephemeris, t_ns, stations, Laser(), sphere=True)
            found = wait_minutes(contact, 34 * 180, 20.0)
            assert found == pytest.approx(even[shape][net][:3], rel=0.05, abs=0.5)
            assert contact.mean() == pytest.approx(even[shape][net][3], abs=0.01)


def test_a_wait_that_does_not_end_is_not_a_number():
    contact = np.zeros((2, 10), np.bool_)
    contact[0, 4] = True
    assert wait_minutes(contact, 4, 60.0) == [None, None, None]
    contact[1] = True
    assert wait_minutes(contact, 4, 60.0) == [0.5, 3.3, pytest.approx(3.93)]


def test_a_study_of_waits_leaves_table_plot_and_figures(scenario, tmp_path):
    told: list[tuple[str, float]] = []
    study = study_waits(
        scenario,
        fleets_of("12,36", scenario),
        nets_of("polar2,hangzhou1"),
        hours=6.0,
        captures_hours=4.0,
        step_s=60.0,
        progress=lambda what, share: told.append((what, share)),
    )
    sizing = waits_sizing(study)
    page, picture, figures = sizing.save(tmp_path / "new")

    assert [(line.fleet, line.net, line.lasers) for line in study.lines][:3] == [
        ("12 (1x12)", "polar2", False),
        ("12 (1x12)", "polar2", True),
        ("12 (1x12)", "hangzhou1", False),
    ]
    for alone, joined in pairwise(study.lines):
        if joined.lasers:
            assert joined.share >= alone.share
    assert told[0] == ("12 (1x12), polar2", 0.0)
    assert all(0 <= share < 1 for _, share in told)
    record = json.loads(figures.read_text(encoding="utf-8"))
    assert record["lines"][1]["wait_min"] == [0.0, 0.0, 0.0]
    assert len(sizing.lines) == 4
    text = page.read_text(encoding="utf-8")
    assert all(cell.replace(">", "&gt;") in text for line in sizing.lines for cell in line)
    assert "<svg" in text
    assert "polar2" in text
    with Image.open(picture) as image:
        assert image.width > 900
    # One satellite that Hangzhou does not see within an hour.
    short = study_waits(
        scenario, fleets_of("1", scenario), ("hangzhou1",), hours=1.0, captures_hours=0.7
    )
    assert short.lines[0].minutes == (None, None, None)
    assert waits_sizing(short).lines[0][2] == "> 1 h"


# Latency ---------------------------------------------------------------------------------------


def test_latencies_are_those_of_the_router(scenario):
    plan = sky(scenario).contacts
    t_ns = scenario.start_ns + np.arange(20) * 600 * time.SECOND_NS
    node = np.arange(20) % 12

    alone = capture_latencies_s(plan, node, t_ns, 10_000)
    for took_s, by, at_ns in zip(alone.tolist(), node.tolist(), t_ns.tolist(), strict=True):
        answer = Bundle(
            bundle=0, source=by, size_bytes=10_000, created_ns=at_ns, priority=Priority.ALERT
        )
        assert took_s == (Router(plan).route(answer, by, at_ns).arrival_ns - at_ns) / 1e9
    assert np.all(alone > 10_000 * 8 / 160e6)
    assert np.all(alone < 60.0)
    # Sixty scenes at one moment by one satellite: alone each takes the same, together they queue.
    scenes = np.full(60, 5), np.full(60, t_ns[3])
    each = capture_latencies_s(plan, *scenes, 10_000_000)
    together = capture_latencies_s(plan, *scenes, 10_000_000, shared=True)
    assert len(set(each.tolist())) == 1
    assert together[0] == each[0]
    assert np.all(together >= each)
    assert together.max() > each[0] + 5.0
    none = capture_latencies_s(plan.only(plan.medium != RF), node, t_ns, 10_000)
    assert np.all(np.isinf(none))


def test_a_study_of_latency_leaves_table_plot_and_figures(scenario, tmp_path):
    study = study_latency(
        scenario,
        fleets_of("12,36", scenario),
        nets_of("polar2,hangzhou1"),
        rates_mbps=(None, 1000.0),
        size_bytes=100_000_000,
        captures=60,
        antennas=3,
    )
    sizing = latency_sizing(study)
    by = {(x.satellites, x.net, x.rate_mbps): x for x in study.lines}

    assert len(by) == 8
    slow, fast = by[12, "polar2", None], by[12, "polar2", 1000.0]
    assert slow.seconds[0] > 100e6 * 8 / 160e6 > 100e6 * 8 / 1e9
    assert fast.seconds[0] < slow.seconds[0]
    assert by[12, "hangzhou1", None].seconds[1] > 100 * slow.seconds[1]
    assert slow.delivered == 1.0
    far = load(scenario, stations=[{"name": "Far", "latitude_deg": 0.0, "longitude_deg": 0.0}])
    late = study_latency(far, fleets_of("1", far), ("own",), captures=60, captures_share=1.0)
    assert late.lines[0].delivered < 1.0
    assert late.lines[0].seconds[2] is None
    assert latency_sizing(late).lines[0][4] == "> 6 h"
    again = study_latency(
        scenario, fleets_of("12", scenario), ("polar2",), size_bytes=100_000_000, captures=60,
        antennas=3,
    )  # fmt: skip
    assert again.lines[0] == slow
    grid = study_latency(
        scenario, fleets_of("24", scenario), ("hangzhou1",), terminals=(0, 4, 2), captures=40
    )
    assert [line.terminals for line in grid.lines] == [0, 4, 2]
    alone, crossing, ring = (line.seconds[1] or np.inf for line in grid.lines)
    assert crossing < ring <= alone
    assert latency_sizing(grid).head[2] == "lasers"
    assert "0 or 4 or 2 laser terminals" in latency_sizing(grid).to_html()
    page, picture, figures = sizing.save(tmp_path)
    record = json.loads(figures.read_text(encoding="utf-8"))
    assert record["antennas"] == 3
    assert {line["rate_mbps"] for line in record["lines"]} == {None, 1000.0}
    text = page.read_text(encoding="utf-8")
    assert all(cell.replace(">", "&gt;") in text for line in sizing.lines for cell in line)
    assert "3 antennas a station" in text
    with Image.open(picture) as image:
        assert image.width > 1200
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        sizing.save(tmp_path / "file")
