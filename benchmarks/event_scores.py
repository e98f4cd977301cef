"""How good the classifier of light curves is: false alarms a day of quiet, recall by signal.

    python benchmarks/event_scores.py --days 2 --curves 40

Made-up curves of 262 s, two bands of 100 counts a second each. Quiet ones have a constant
background, or one that goes up and down by 20 % along an orbit of 95 minutes. An alarm is any
label but "nothing". Events have a given signal (counts above background over the root of the
background, in the time with 90 % of them), and are right if their own label is the most probable.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import Counter

from orbitloom.processing.events import BlockClassifier
from orbitloom.testing.classifier import sample_curve

KINDS = ("burst", "flare", "particle spike")
SIGMAS = (4.0, 6.0, 8.0, 10.0, 15.0, 30.0)


def quiet(days: float, swing: float) -> None:
    """Print the false alarms of so many days."""
    classifier = BlockClassifier()
    said: Counter[str] = Counter()
    seconds, curves, start = 0.0, 0, time.process_time()
    while seconds < days * 86_400.0:
        curve = sample_curve(seed=curves, swing=swing, phase=2.0 * math.pi * seconds / 5_700.0)
        said[classifier.classify(curve).label] += 1
        seconds += float(curve.edges_ns[-1] - curve.edges_ns[0]) / 1e9
        curves += 1
    alarms = curves - said["nothing"]
    each_ms = 1e3 * (time.process_time() - start) / curves
    print(
        f"quiet, swing {swing:.0%}: {alarms} alarms in {seconds / 86_400:.2f} days "
        f"({curves} curves), {dict(said)}, {each_ms:.0f} ms of CPU a curve",
        flush=True,
    )


def recall(curves: int) -> None:
    """Print how often each kind is named, by signal."""
    classifier = BlockClassifier()
    for kind in KINDS:
        for sigmas in SIGMAS:
            said = Counter(
                classifier.classify(sample_curve(kind, sigmas, seed=10_000 + n)).label
                for n in range(curves)
            )
            print(
                f"{kind:<15} {sigmas:4.0f} sigmas: {said[kind] / curves:5.2f}  {dict(said)}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=float, default=2.0)
    parser.add_argument("--curves", type=int, default=40)
    given = parser.parse_args()
    for swing in (0.0, 0.2):
        quiet(given.days, swing)
    recall(given.curves)


if __name__ == "__main__":
    main()
