"""The drift watch, the novelty score, and what a small update brings back.

    python benchmarks/drift.py watch      # false alarms, and tiles until the alarm
    python benchmarks/drift.py novelty    # a kind of scene that the baseline never saw
    python benchmarks/drift.py restore    # cloud before the drift, with it, after the update
    python benchmarks/drift.py scores     # cloud by kind of scene, for the manifest

Synthetic scenes of 256 x 256 pixels of 10 m, six bands. The network and its baseline know seeds
from 1000 to 1719, so seeds below 1000 judge, and seeds from 2000 up are the drifted sensor's own
scenes, which the update is made of.
"""

from __future__ import annotations

import argparse
import time as clock

import numpy as np
from scipy.stats import rankdata

from orbitloom.processing import cloudnet
from orbitloom.processing.perception import drift
from orbitloom.processing.perception.retrain import adapter, retrain
from orbitloom.processing.perception.score import Labelled, cloud_overlap
from orbitloom.scenario import stream
from orbitloom.testing.drifts import blurred, dead_columns, gained
from orbitloom.testing.pictures import EVENTS, SETTINGS, Picture, pictures

SIZE, SHRINK = 256, 2
ORDERS = 100
WATCHED = {
    **{
        f"{name} x {gain}": lambda toa, band=band, gain=gain: gained(toa, gain, band)
        for band, name in enumerate(cloudnet.BANDS)
        for gain in (0.8, 0.9, 1.1, 1.2)
    },
    **{
        f"all bands x {gain}": lambda toa, gain=gain: gained(toa, gain)
        for gain in (0.8, 0.9, 1.1, 1.2)
    },
    **{f"blur of {s} px": lambda toa, s=s: blurred(toa, s) for s in (0.4, 0.6, 1.0, 2.0)},
    "1 dead column in one band": lambda toa: dead_columns(toa, 1, band=0),
    "4 dead columns a band": lambda toa: dead_columns(toa, 4),
    "25 dead columns a band": lambda toa: dead_columns(toa, 25),
}
RESTORED = {
    "none": lambda toa: toa,
    "blue x 0.8": lambda toa: gained(toa, 0.8, 0),
    "blue x 0.5": lambda toa: gained(toa, 0.5, 0),
    "green x 1.5": lambda toa: gained(toa, 1.5, 1),
    "1.6 um x 0.5": lambda toa: gained(toa, 0.5, 4),
    "all bands x 0.8": lambda toa: gained(toa, 0.8),
    "all bands x 1.2": lambda toa: gained(toa, 1.2),
    "all bands x 0.5": lambda toa: gained(toa, 0.5),
    "all bands x 1.5": lambda toa: gained(toa, 1.5),
    "all bands + 0.05": lambda toa: gained(toa, 1.0, offset=0.05),
    "blur of 2 px": lambda toa: blurred(toa, 2.0),
    "blur of 6 px": lambda toa: blurred(toa, 6.0),
    "blur of 12 px": lambda toa: blurred(toa, 12.0),
    "25 dead columns a band": lambda toa: dead_columns(toa, 25),
    "64 dead columns a band": lambda toa: dead_columns(toa, 64),
}


def statistics(toa: np.ndarray) -> np.ndarray:
    return drift.statistics(toa, np.ones(toa.shape[1:], bool), SHRINK)


def labelled(one: Picture, toa: np.ndarray | None = None) -> Labelled:
    told = one.truth
    return Labelled(
        toa=one.toa if toa is None else toa,
        truth=np.stack([told.cloud, told.shadow, told.snow, told.water]),
        good=np.ones(told.cloud.shape, bool),
        shrink=SHRINK,
    )


def first_alarm(tiles: np.ndarray) -> drift.Alarm | None:
    watch = drift.Watch(drift.baseline())
    for tile in tiles:
        if watch.take(tile):
            return watch.alarm
    return None


def watched(seeds: range) -> None:
    """Print false alarms over many orders of undrifted scenes, and delays over many orders."""
    calm, drifted = [], {name: [] for name in WATCHED}
    for number, one in enumerate(pictures(seeds, size=SIZE)):
        calm.append(statistics(one.toa))
        if number % 2 == 0:
            for name, change in WATCHED.items():
                drifted[name].append(statistics(change(one.toa)))
    calm = np.array(calm)
    print(f"{len(calm)} undrifted scenes in their own order: alarm {first_alarm(calm)}")
    rng = stream(0, "orders")
    seen = alarms = 0
    for _ in range(ORDERS):
        rest = np.concatenate([rng.permutation(len(calm)) for _ in range(4)])
        seen += len(rest)
        while (alarm := first_alarm(calm[rest])) is not None:
            alarms, rest = alarms + 1, rest[alarm.raised :]
    print(f"in {ORDERS} other orders: {alarms} alarms in {seen} tiles")
    print(f"telemetry: {telemetry_bytes(calm)} bytes")
    for name, tiles in drifted.items():
        tiles = np.array(tiles)
        found = [first_alarm(tiles[rng.permutation(len(tiles))]) for _ in range(ORDERS)]
        when = [alarm.raised if alarm else np.inf for alarm in found]
        kinds = [alarm.kind if alarm else "none" for alarm in found]
        kind = max(set(kinds), key=kinds.count)
        middle, late = np.quantile(when, (0.5, 0.9), method="higher")
        within = np.mean(np.array(when) <= 20)
        print(
            f"| {name} | {middle:.0f} | {late:.0f} | {within:.2f} | {kind} "
            f"| {kinds.count(kind) / ORDERS:.2f} |"
        )


def telemetry_bytes(tiles: np.ndarray) -> int:
    watch = drift.Watch(drift.baseline())
    for tile in tiles:
        watch.take(tile * 1.5)
    return len(watch.telemetry())


def novelty(seeds: range) -> None:
    """Print the area under the curve for each kind of scene that a baseline was not made of."""
    made = []
    for part in (range(1000, 1000 + 2 * len(seeds)), seeds):
        ones = list(pictures(part, size=SIZE))
        kinds = {f"setting {name}": [one.setting == name for one in ones] for name in SETTINGS}
        kinds |= {f"event {name}": [one.event == name for one in ones] for name in EVENTS}
        kinds["more than 10 % snow"] = [one.truth.snow.mean() > 0.1 for one in ones]
        kinds["more than 30 % cloud"] = [one.truth.cloud.mean() > 0.3 for one in ones]
        made.append((np.array([statistics(one.toa) for one in ones]), kinds))
    (known, known_kinds), (tiles, tile_kinds) = made
    for kind, among in known_kinds.items():
        without = drift.fit(known[~np.array(among)], {})
        far = rankdata([without.novelty(tile) for tile in tiles])
        left_out = np.array(tile_kinds[kind])
        count = int(left_out.sum())
        above = far[left_out].sum() - count * (count + 1) / 2
        print(f"| {kind} | {count} | {above / count / (len(tiles) - count):.2f} |")


def restore(seeds: range, count: int) -> None:
    """Print intersection over union of cloud: drifted, with the adapter, with adapter and head."""
    own = list(pictures(range(2000, 2000 + -(-count // len(SETTINGS))), size=SIZE))[:count]
    judges = list(pictures(seeds, size=SIZE))
    for name, change in RESTORED.items():
        scenes = [labelled(one, change(one.toa)) for one in own]
        judged = [labelled(one, change(one.toa)) for one in judges]
        row = [cloud_overlap(judged)]
        for twins in (None, [one.toa for one in own]):
            started = clock.process_time()
            adapted = adapter(scenes, twins)
            tuned = retrain(scenes, adapted)
            spent = clock.process_time() - started
            row += [cloud_overlap(judged, adapted), cloud_overlap(judged, tuned)]
        print(f"| {name} | " + " | ".join(f"{one:.3f}" for one in row) + f" | {spent:.1f} CPU-s")


def scores(seeds: range) -> None:
    """Print intersection over union of cloud by setting, and over all."""
    kinds: dict[str, list[Labelled]] = {}
    for one in pictures(seeds, size=SIZE):
        kinds.setdefault(one.setting, []).append(labelled(one))
        kinds.setdefault("all", []).append(labelled(one))
    for kind, scenes in kinds.items():
        print(f"{kind} = {cloud_overlap(scenes):.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("watch", "novelty", "restore", "scores"))
    parser.add_argument("--seeds", type=int, default=40, help="seeds from 0; six scenes each")
    parser.add_argument("--scenes", type=int, default=36, help="that an update is made of")
    said = parser.parse_args()
    seeds = range(said.seeds)
    if said.what == "watch":
        watched(seeds)
    elif said.what == "novelty":
        novelty(seeds)
    elif said.what == "restore":
        restore(seeds[: said.seeds // 2], said.scenes)
    else:
        scores(seeds)


if __name__ == "__main__":
    main()
