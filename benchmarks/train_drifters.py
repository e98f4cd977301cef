"""Laser windows between the train of SCS-01, its drifters and its neighbours on 2026-06-14.

Run it with::

    uv run python benchmarks/train_drifters.py [--elements DIR] [--list]

It reads the elements of the data beside the repository (``../shared/data/elements``), prints the
train's gaps and a table of windows, and draws ``docs/images/train-drifters.png``. The train is the
six that hold 505 km (A C E F K L); the drifters are the six that have sunk. Windows keep every
limit of the default terminal (range, grazing height, slew, Doppler, Sun).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib as mpl
import numpy as np

from orbitloom.scenario import time
from orbitloom.scenario.fleet import TleFleet
from orbitloom.scenario.links import Laser
from orbitloom.wire import EndCause
from orbitloom.world.lasers import Links, laser_windows
from orbitloom.world.orbits import Ephemeris, build_ephemeris

ROOT = Path(__file__).resolve().parents[1]
START_NS = time.from_iso("2026-06-14T00:00:00Z")
TRAIN = tuple(f"SCS-01 {letter}" for letter in "ACEFKL")


def day_of(file: Path) -> Ephemeris:
    """Return the states of a file's satellites over the day."""
    return build_ephemeris(TleFleet(kind="tle", file=file), START_NS, START_NS + time.DAY_NS)


def joined(one: Ephemeris, other: Ephemeris) -> Ephemeris:
    """Return two fleets over the same time as one."""
    return Ephemeris(
        names=one.names + other.names,
        start_ns=one.start_ns,
        end_ns=one.end_ns,
        nodes_ns=one.nodes_ns,
        ecef_m=np.concatenate([one.ecef_m, other.ecef_m]),
        ecef_m_s=np.concatenate([one.ecef_m_s, other.ecef_m_s]),
        eci_m=np.concatenate([one.eci_m, other.eci_m]),
        eci_m_s=np.concatenate([one.eci_m_s, other.eci_m_s]),
    )


def windows_between(ephemeris: Ephemeris, ours: list[int], theirs: list[int]) -> Links:
    """Return the windows between two groups of satellites."""
    pairs = np.array([sorted((a, b)) for a in ours for b in theirs])
    return laser_windows(ephemeris, pairs, Laser())


def train_gaps_km(ephemeris: Ephemeris) -> np.ndarray:
    """Return the distances from each of the train to the next over a revolution, (94, 5) km."""
    train = [ephemeris.names.index(name) for name in TRAIN]
    order = np.array(train)[np.argsort(along_track_deg(ephemeris, START_NS, train[0])[train])]
    t_ns = START_NS + 60 * time.SECOND_NS * np.arange(94)
    at_m = ephemeris.position_eci_m(t_ns)[order]
    return np.linalg.norm(np.diff(at_m, axis=0), axis=-1).T / 1e3


def along_track_deg(ephemeris: Ephemeris, t_ns: int, of: int) -> np.ndarray:
    """Return how far ahead of one satellite, in its plane, all stand at a time, degrees."""
    at_m, v_m_s = ephemeris.position_eci_m(t_ns), ephemeris.velocity_eci_m_s(t_ns)[of]
    up = at_m[of] / np.linalg.norm(at_m[of])
    ahead = v_m_s - (v_m_s @ up) * up
    return np.degrees(np.arctan2(at_m @ ahead / np.linalg.norm(ahead), at_m @ up))


def table(ephemeris: Ephemeris, links: Links, theirs: list[int]) -> list[str]:
    """Return a line for each of the other group: windows, minutes, and why they end."""
    lines = []
    for number in theirs:
        own = (links.first == number) | (links.second == number)
        minutes = (links.end_ns[own] - links.start_ns[own]).sum() / (60 * time.SECOND_NS)
        causes = [EndCause(int(cause)).name.lower() for cause in links.end_cause[own]]
        told = ", ".join(f"{causes.count(word)} {word}" for word in sorted(set(causes)))
        lines.append(
            f"{ephemeris.names[number]:<22}{np.count_nonzero(own):>5}{minutes:>9.0f}   {told}"
        )
    return lines


def draw(ephemeris: Ephemeris, drifters: list[int], file: Path) -> None:
    """Draw where the drifters are along the orbit, and all windows of the day with the train."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    train = [ephemeris.names.index(name) for name in TRAIN]
    others = [i for i in range(len(ephemeris.names)) if i not in train]
    links = windows_between(ephemeris, train, others)
    met = set(links.first.tolist()) | set(links.second.tolist())
    rows = [i for i in reversed(others) if i in met or i in drifters]
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(9, 8.5), sharex=True, layout="constrained", height_ratios=(1, 2)
    )
    hours = np.arange(0, 24.01, 94.7 / 60)
    moments = [START_NS + round(hour * time.HOUR_NS) for hour in hours]
    angle = np.array([along_track_deg(ephemeris, moment, train[0]) for moment in moments])
    angle = np.degrees(np.unwrap(np.radians(angle), axis=0))
    for i in drifters:
        line = above.plot(hours, angle[:, i], label=ephemeris.names[i][-1], linewidth=1.4)[0]
        for shift in (-360, 360):
            above.plot(hours, angle[:, i] + shift, color=line.get_color(), linewidth=1.4)
    low, high = angle[:, train].min(), angle[:, train].max()
    above.axhspan(low, high, color="0.6", label="train")
    above.axhspan(low - 40, high + 40, color="0.6", alpha=0.25, label="within laser range")
    above.set_ylim(-180, 180)
    above.set_yticks(range(-180, 181, 60))
    above.set_ylabel("degrees ahead of A")
    figure.legend(ncols=8, fontsize=8, loc="outside upper center")
    for row, number in enumerate(rows):
        own = (links.first == number) | (links.second == number)
        since_h = (links.start_ns[own] - START_NS) / time.HOUR_NS
        length_h = (links.end_ns[own] - links.start_ns[own]) / time.HOUR_NS
        spans = list(zip(since_h, length_h, strict=True))
        color = "#b3541e" if number in drifters else "#1f5fa8"
        below.broken_barh(spans, (row - 0.4, 0.8), color=color, alpha=0.35, linewidth=0)
    below.set_yticks(range(len(rows)), [ephemeris.names[i] for i in rows], fontsize=7)
    below.set_ylim(-0.6, len(rows) - 0.4)
    below.set_xlim(0, 24)
    below.set_xticks(range(0, 25, 3))
    below.grid(axis="x", alpha=0.3)
    below.set_xlabel("hours of 2026-06-14, UTC")
    below.set_title(
        "Laser windows with the train (the darker, the more of its six are in sight)", fontsize=9
    )
    figure.savefig(file, dpi=110)


def main() -> None:
    """Print the table and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--elements", type=Path, default=ROOT.parent / "shared/data/elements")
    parser.add_argument("--list", action="store_true", help="print every window")
    options = parser.parse_args()
    scs01 = day_of(options.elements / "scs01_2026-06-13.tle")
    for gap in train_gaps_km(scs01).T:
        print(f"gap of the train: {gap.min():,.0f} to {gap.max():,.0f} km, mean {gap.mean():,.0f}")
    train = [scs01.names.index(name) for name in TRAIN]
    drifters = [i for i in range(len(scs01.names)) if i not in train]
    links = windows_between(scs01, train, drifters)
    print(f"{'drifter':<22}{'windows':>5}{'minutes':>7}   ends")
    print("\n".join(table(scs01, links, drifters)))
    if options.list:
        for row in range(len(links)):
            print(
                scs01.names[links.first[row]],
                scs01.names[links.second[row]],
                time.to_iso(int(links.start_ns[row])),
                time.to_iso(int(links.end_ns[row])),
                EndCause(int(links.end_cause[row])).name,
            )
    both = joined(scs01, day_of(options.elements / "neighbours_2026-06-13.tle"))
    draw(both, drifters, ROOT / "docs/images/train-drifters.png")
    neighbours = list(range(len(scs01.names), len(both.names)))
    links = windows_between(both, train, neighbours)
    print(f"\n{'neighbour':<22}{'windows':>5}{'minutes':>7}   ends")
    print("\n".join(table(both, links, neighbours)))


if __name__ == "__main__":
    main()
