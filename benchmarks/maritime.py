"""How good the maritime application is, on synthetic seas: scores and a confusion table.

    python benchmarks/maritime.py --seeds 100-109
    python benchmarks/maritime.py --seeds 0-19

A seed is a coast with ships, and three looks at it, eight minutes apart; the tile is made the
quick way of `app_scores.py`, the land is the world's polygons, the baseline three clear looks
before. A vessel counts as found within 25 m or a fifth of its length of where it is. Of each seed a
quiet coast and an overcast one are looked at as well. Thresholds were set on seeds 100 to 119;
seeds 0 to 19 were not looked at for any of them.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app_scores import centres, grid_around, said_of, seen, target_of
from orbitloom.processing.apps import Context
from orbitloom.processing.l3 import Tile
from orbitloom.processing.maritime import MaritimeApp
from orbitloom.processing.memory import Memory
from orbitloom.processing.tracks import Sighting, Tracks, update
from orbitloom.scenario import load_instrument, stream
from orbitloom.scenario.time import DAY_NS, SECOND_NS
from orbitloom.wire.briefing import Briefing
from orbitloom.world.scene import Surface
from orbitloom.world.synthetic import SyntheticWorld, Vessel

HEARD_NS = 300 * SECOND_NS
BETWEEN_NS = 480 * SECOND_NS
LEAST_M = 20.0
LOOKS, MEMORY_BYTES = 3, 50_000_000


def looks(seed: int, event: str, turns: int, cells: int) -> Iterator[Look]:
    """Yield the looks at one place, each with what was known before and what is there."""
    imager = load_instrument("imager5m")
    target, t_ns, elevation_deg, azimuth_deg = target_of(seed, "coast", event)
    grid = grid_around(target, cells, imager.gsd_m)
    sun = {"sun_elevation_deg": elevation_deg, "sun_azimuth_deg": azimuth_deg}

    def world_at(moment_ns: int) -> SyntheticWorld:
        return SyntheticWorld(
            target, seed, bands=imager.bands, t_ns=moment_ns, event=event, gsd_m=imager.gsd_m, **sun
        )

    def tile_of(surface: Surface, moment_ns: int, name: str) -> Tile:
        rng = stream(seed, "maritime", event, name)
        return seen(surface, grid, imager, rng, t_ns=moment_ns, **sun)

    usual, memory = world_at(t_ns).usual, Memory(MEMORY_BYTES)
    before = usual.surface(*centres(grid))
    for number in range(LOOKS):
        memory.look(tile_of(before, t_ns - (LOOKS - number) * 10 * DAY_NS, f"before {number}"))
    briefing = Briefing(baseline=memory.baseline(grid), land=usual.land())
    for turn in range(turns):
        moment_ns = t_ns + turn * BETWEEN_NS
        world = world_at(moment_ns)
        yield Look(
            tile=tile_of(world.surface(*centres(grid)), moment_ns, f"look {turn}"),
            context=Context(
                target=target.name,
                sensed_ns=moment_ns,
                briefing=briefing,
                ais=world.ais(moment_ns - HEARD_NS, moment_ns + HEARD_NS),
            ),
            ships=world.vessels(),
            cloud=world.truth(*centres(grid)).cloud_opacity,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the satellite sees and knows, and what is there."""

    tile: Tile
    context: Context
    ships: tuple[Vessel, ...]
    cloud: NDArray[np.float32]


@dataclass(slots=True)
class Scores:
    """What came of all looks: ships with what was said of them, ships missed, ships made up."""

    pairs: list[tuple[Vessel, dict[str, Any], float]] = field(default_factory=list)
    missed: list[tuple[Vessel, float]] = field(default_factory=list)
    false: list[dict[str, Any]] = field(default_factory=list)


def judge(look: Look, details: list[dict[str, Any]]) -> Scores:
    """Return which vessels of 20 m and more were found where they can be seen, and what else was.

    What is found at the tile's edge, below cloud or of a smaller ship counts neither way.
    """
    grid, scores, taken = look.tile.grid, Scores(), set()
    a, _, west, _, _, north = grid.transform
    rows, columns = grid.shape
    lon = np.array([detail["longitude_deg"] for detail in details])
    lat = np.array([detail["latitude_deg"] for detail in details])
    for ship in look.ships:
        row, column = (north - ship.northing_m) / a, (ship.easting_m - west) / a
        off = np.full(len(details) + 1, np.inf)
        off[:-1] = 111_320.0 * np.hypot(
            (lon - ship.longitude_deg) * np.cos(np.radians(ship.latitude_deg)),
            lat - ship.latitude_deg,
        )
        off[list(taken)] = np.inf
        nearest = int(np.argmin(off))
        hit = off[nearest] < max(25.0, 0.2 * ship.length_m)
        if hit:
            taken.add(nearest)
        margin = ship.length_m / a
        if not (margin < row < rows - margin and margin < column < columns - margin):
            continue
        opacity = float(look.cloud[int(row), int(column)])
        if opacity >= 0.5 or ship.length_m < LEAST_M:
            continue
        if hit:
            scores.pairs.append((ship, details[nearest], float(off[nearest])))
        else:
            scores.missed.append((ship, opacity))
    scores.false = [
        detail
        for number, detail in enumerate(details)
        if number not in taken and detail["length_m"] >= LEAST_M
    ]
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", default="100-103")
    parser.add_argument("--cells", type=int, default=2400)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    first, last = (int(part) for part in options.seeds.split("-"))
    everything, said, seconds, kept, followed = Scores(), Counter(), [], 0, 0
    for seed in range(first, last + 1):
        tracks, names = Tracks(), {}
        for event, turns in (("vessels", 3), ("quiet", 1), ("cloud", 1)):
            for turn, look in enumerate(looks(seed, event, turns, options.cells)):
                began = time.process_time()
                finding = MaritimeApp().analyse(look.tile, look.context)
                seconds.append(time.process_time() - began)
                details = list(finding.details)
                scores = judge(look, details)
                said[event, said_of(finding)] += 1
                everything.pairs += scores.pairs
                everything.missed += scores.missed
                everything.false += scores.false
                if options.verbose:
                    for missed in scores.missed:
                        print("  missed", seed, event, turn, *missed)
                    for detail in scores.false:
                        print("  false", seed, event, turn, detail)
                if event != "vessels":
                    continue
                sightings = [Sighting.from_detail(detail) for detail in details]
                tracks, given = update(
                    Tracks.from_json(tracks.to_json()), sightings, look.context.sensed_ns
                )
                for ship, detail, _ in scores.pairs:
                    # A lane's place in the tuple and its ship's size name the ship.
                    key = look.ships.index(ship), ship.length_m
                    names.setdefault(key, []).append(given[details.index(detail)])
        whole = [given for given in names.values() if len(given) == 3]
        kept += sum(len(set(given)) == 1 for given in whole)
        followed += len(whole)
    print(f"seeds {options.seeds}, {options.cells} x {options.cells} cells of 5 m")
    tell(everything)
    print(f"identity kept over three looks: {kept} of {followed}, {kept / max(followed, 1):.3f}")
    for (event, told), number in sorted(said.items()):
        print(f"  scene {event:8s} said {told:12s} {number}")
    print(f"CPU seconds a look: median {np.median(seconds):.2f}, most {max(seconds):.2f}")


def tell(scores: Scores) -> None:
    """Print what came of all looks."""
    found, missed, false = len(scores.pairs), len(scores.missed), len(scores.false)
    precision, recall = found / max(found + false, 1), found / max(found + missed, 1)
    f1 = 2.0 * precision * recall / max(precision + recall, 1e-9)
    print(f"vessels of {LEAST_M:.0f} m and more in the clear: {found + missed}")
    print(f"found {found}, missed {missed}, false {false}")
    print(f"precision {precision:.3f}, recall {recall:.3f}, F1 {f1:.3f}")
    table = Counter(
        ("dark" if ship.mmsi is None else "sends AIS", detail["ais"])
        for ship, detail, _ in scores.pairs
    )
    for (truth, told), number in sorted(table.items()):
        print(f"  {truth:9s} said {told:10s} {number}")
    matched = [(s, d) for s, d, _ in scores.pairs if d["ais"] == "matched"]
    right = sum(detail["mmsi"] == ship.mmsi for ship, detail in matched)
    senders = sum(ship.mmsi is not None for ship, _, _ in scores.pairs)
    print(f"AIS: {right} of {len(matched)} matches right, {right / max(len(matched), 1):.3f}; "
          f"{right} of {senders} senders matched, {right / max(senders, 1):.3f}")  # fmt: skip
    off = np.array([(d["length_m"] - s.length_m, d["length_sigma_m"]) for s, d, _ in scores.pairs])
    print(f"length: bias {off[:, 0].mean():+.1f} m, RMSE {np.sqrt((off[:, 0] ** 2).mean()):.1f} m, "
          f"within 1 sigma {np.mean(np.abs(off[:, 0]) < off[:, 1]):.2f}")  # fmt: skip
    turned, wakes = [], Counter()
    for ship, detail, _ in scores.pairs:
        turn = (detail["heading_deg"] - ship.heading_deg + 180.0) % 360.0 - 180.0
        if not detail["heading_known"]:
            turn = (turn + 90.0) % 180.0 - 90.0
        turned.append((abs(turn), detail["heading_sigma_deg"]))
        moving = "under way" if ship.speed_kn > 0.0 else "at anchor"
        wakes[moving, detail["heading_known"]] += 1
    turns = np.array(turned)
    within = np.mean(turns[:, 0] < turns[:, 1])
    print(
        f"heading: median error {np.median(turns[:, 0]):.1f} deg, within 1 sigma {within:.2f}, "
        f"over 90 deg {np.sum(turns[:, 0] > 90)}"
    )
    for (moving, known), number in sorted(wakes.items()):
        print(f"  {moving}, wake {'seen' if known else 'not seen'}: {number}")
    place = np.array([(metres, d["position_sigma_m"]) for _, d, metres in scores.pairs])
    print(f"place: RMSE {np.sqrt((place[:, 0] ** 2).mean()):.1f} m, said "
          f"{np.sqrt(2.0 * (place[:, 1] ** 2).mean()):.1f} m")  # fmt: skip


if __name__ == "__main__":
    main()
