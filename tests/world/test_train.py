"""The real satellites: the train's gaps, and laser windows with drifters and neighbours."""

from pathlib import Path

import numpy as np
import pytest

from orbitloom.scenario import time
from orbitloom.scenario.fleet import TleFleet
from orbitloom.scenario.links import Laser
from orbitloom.world.lasers import laser_windows, line_of_sight
from orbitloom.world.orbits import build_ephemeris

START_NS = time.from_iso("2026-06-14T00:00:00Z")
ELEMENTS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "elements"


def numbers(ephemeris, letters):
    return [i for i, name in enumerate(ephemeris.names) if name[-1] in letters]


def windows_of(windows, one, other):
    own = (windows.first == min(one, other)) & (windows.second == max(one, other))
    return windows.start_ns[own], windows.end_ns[own]


def test_the_train_s_gaps(scs01_ephemeris):
    """175 to 1,094 km (FACTS), each within 1 %.

    Gaps breathe with each revolution, for the orbits are not circles. 1,094 km is the largest gap
    on the mean, 175 km what the smallest opens to (on the mean it has 145).
    """
    train = numbers(scs01_ephemeris, "ACEFKL")
    t_ns = START_NS + 60 * time.SECOND_NS * np.arange(95)
    at_m = scs01_ephemeris.position_eci_m(t_ns)[train]
    nearest_first = np.argsort(np.linalg.norm(at_m[:, 0] - at_m[4, 0], axis=-1))[::-1]
    gaps_km = np.linalg.norm(np.diff(at_m[nearest_first], axis=0), axis=-1) / 1e3
    largest = gaps_km[gaps_km.mean(axis=1).argmax()]
    smallest = gaps_km[gaps_km.mean(axis=1).argmin()]
    assert len(gaps_km) == 5
    assert largest.mean() == pytest.approx(1_094, rel=0.01)
    assert smallest.max() == pytest.approx(175, rel=0.01)


def test_only_the_drifter_that_runs_under_the_train_links_with_it_that_day(scs01_ephemeris):
    """G comes up from behind; the other five are beyond the horizon all of 2026-06-14."""
    train = numbers(scs01_ephemeris, "ACEFKL")
    drifters = numbers(scs01_ephemeris, "BDGHJM")
    pairs = np.array([sorted((a, b)) for a in train for b in drifters])
    windows = laser_windows(scs01_ephemeris, pairs, Laser())
    met = {scs01_ephemeris.names[i] for i in (*windows.first, *windows.second) if i in drifters}
    assert met == {"SCS-01 G"}
    g = numbers(scs01_ephemeris, "G")[0]
    k = numbers(scs01_ephemeris, "K")[0]
    start_ns, end_ns = windows_of(windows, g, k)
    assert start_ns.size >= 1
    # K leads the train: G reaches it last, and then holds it.
    assert (start_ns[0] - START_NS) / time.HOUR_NS == pytest.approx(12.4, abs=0.1)
    assert end_ns[-1] == scs01_ephemeris.end_ns


def test_neighbours_of_other_operators_are_met_now_and_then():
    file = ELEMENTS / "neighbours_2026-06-13.tle"
    ours = ELEMENTS / "scs01_2026-06-13.tle"
    if not (file.is_file() and ours.is_file()):
        pytest.skip("the elements of the data beside the repository are absent")
    fleets = [
        build_ephemeris(TleFleet(kind="tle", file=one), START_NS, START_NS + 6 * time.HOUR_NS)
        for one in (ours, file)
    ]
    both = type(fleets[0])(
        names=fleets[0].names + fleets[1].names,
        start_ns=fleets[0].start_ns,
        end_ns=fleets[0].end_ns,
        nodes_ns=fleets[0].nodes_ns,
        **{
            name: np.concatenate([getattr(one, name) for one in fleets])
            for name in ("ecef_m", "ecef_m_s", "eci_m", "eci_m_s")
        },
    )
    train = numbers(fleets[0], "ACEFKL")
    others = range(len(fleets[0].names), len(both.names))
    pairs = np.array([(a, b) for a in train for b in others])
    windows = laser_windows(both, pairs, Laser())
    count = np.bincount(windows.second, minlength=len(both.names))
    met = {both.names[i] for i in np.flatnonzero(count)}
    assert {"PHISAT 2", "YAM-5", "KEPLER-21", "AETHER-6"} <= met
    # One that crosses the plane has a window or two each revolution and satellite, and none lasts.
    crossing = both.names.index("KEPLER-21")
    minutes = (windows.end_ns - windows.start_ns)[windows.second == crossing] / (60 * 1e9)
    assert minutes.max() < 15
    middle_ns = (windows.start_ns + windows.end_ns) // 2
    length_m, lowest_m = line_of_sight(
        both.position_eci_m(middle_ns, windows.first.astype(np.int64)),
        both.position_eci_m(middle_ns, windows.second.astype(np.int64)),
    )
    assert length_m.max() < 5_000e3
    assert lowest_m.min() > 100e3
