"""Make the drift watch's baseline of the cloud network, ``models/cloud.npz``; prints its SHA-256.

    python scripts/make_drift_baseline.py --out src/orbitloom/processing/models/cloud.npz

Two minutes of one core: 600 undrifted synthetic scenes of the seeds that the network was trained
on (1000 and up), 256 x 256 pixels of 10 m. For a sensor with other bands, pixels or noise, make
another of its own scenes.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np

from orbitloom.processing import cloudnet
from orbitloom.processing.perception import drift
from orbitloom.testing.drifts import blurred, dead_columns, gained
from orbitloom.testing.pictures import pictures

SIZE, SHRINK = 256, 2
KINDS = {
    **{
        f"gain {name}": lambda toa, band=band: gained(toa, 1.1, band)
        for band, name in enumerate(cloudnet.BANDS)
    },
    "gain": lambda toa: gained(toa, 1.1),
    "blur": lambda toa: blurred(toa, 1.0),
    "columns": lambda toa: dead_columns(toa, 4),
}


def statistics(toa: np.ndarray) -> np.ndarray:
    good = np.ones(toa.shape[1:], bool)
    return drift.statistics(toa, good, SHRINK)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=100)
    said = parser.parse_args()
    undrifted, shifted = [], {kind: [] for kind in KINDS}
    for number, one in enumerate(pictures(range(1000, 1000 + said.seeds), size=SIZE)):
        undrifted.append(statistics(one.toa))
        if number % 4 == 0:
            for kind, change in KINDS.items():
                shifted[kind].append(statistics(change(one.toa)))
    some = np.array(undrifted[::4])
    made = drift.fit(
        np.array(undrifted), {kind: (some, np.array(after)) for kind, after in shifted.items()}
    )
    said.out.write_bytes(made.save())
    print(hashlib.sha256(made.save()).hexdigest(), len(made.save()), "bytes")


if __name__ == "__main__":
    main()
