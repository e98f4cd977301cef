"""What perception is worth: the same captures with gate and triage on and off.

The bytes of a capture are made once for all variants; only what is decided with them differs. With
the gate off the model claimed looks at each whole scene, cloudy or not; with triage off each answer
takes its L3 tile along. What is found is the same, so recall is; what it costs is not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any, Literal

from orbitloom.ground.delivery import Ground
from orbitloom.report.folder import writing
from orbitloom.report.html import document, table
from orbitloom.report.summary import is_hit, quality
from orbitloom.report.words import bytes_words, count_words, times_words
from orbitloom.scenario import Scenario, load
from orbitloom.twin.arm import ArmFlight
from orbitloom.twin.result import CaptureScore
from orbitloom.twin.workshop import Workshop
from orbitloom.world.geometry import World

__all__ = ["VARIANTS", "Cost", "Study", "Variant", "study_model"]

_Switch = Literal["on", "off"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """Which of the two decide."""

    gate: _Switch
    triage: _Switch

    @property
    def name(self) -> str:
        """In words."""
        return f"gate {self.gate}, triage {self.triage}"


VARIANTS = (
    Variant(gate="on", triage="on"),
    Variant(gate="off", triage="on"),
    Variant(gate="on", triage="off"),
    Variant(gate="off", triage="off"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one variant took for one seed.

    Attributes
    ----------
    captures, delivered, true_answers
        Looks taken, answers that came in, and alerts among them that are right (`summary.is_hit`).
    recall, precision
        As in a flight's summary; None where there was nothing to find or no alert.
    downlinked_bytes, laser_bytes, joules
        Of all captures, words included; joules are those of imaging, computing and sending.
    """

    variant: Variant
    seed: int
    captures: int
    delivered: int
    true_answers: int
    recall: float | None
    precision: float | None
    downlinked_bytes: int
    laser_bytes: int
    joules: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """The costs of all variants over all seeds.

    Attributes
    ----------
    costs
        By seed, then in the order of `VARIANTS`.
    recalls
        Over all seeds together, by variant's name.
    """

    scenario: str
    hours: float
    costs: tuple[Cost, ...]
    recalls: dict[str, float | None]

    def per_true_answer(self, variant: Variant, what: str, seed: int | None = None) -> float:
        """Return bytes or joules a true answer, over all seeds or in one.

        Parameters
        ----------
        what
            ``downlinked_bytes``, ``laser_bytes`` or ``joules``.

        Raises
        ------
        ZeroDivisionError
            If no alert was right.
        """
        chosen = [
            cost
            for cost in self.costs
            if cost.variant == variant and (seed is None or cost.seed == seed)
        ]
        spent: float = sum(getattr(cost, what) for cost in chosen)
        return spent / sum(cost.true_answers for cost in chosen)

    def factor(self, variant: Variant, what: str) -> float:
        """Return how many times as much a variant takes as gate and triage on."""
        return self.per_true_answer(variant, what) / self.per_true_answer(VARIANTS[0], what)

    def lines(self) -> list[tuple[str, ...]]:
        """Return the table: a line a variant, cells as text."""
        told = []
        for variant in VARIANTS:
            costs = [cost for cost in self.costs if cost.variant == variant]
            recall = self.recalls[variant.name]
            cells = [
                variant.name,
                f"{sum(c.true_answers for c in costs)}",
                "-" if recall is None else f"{recall:.2f}",
            ]
            for what, words in (
                ("downlinked_bytes", bytes_words),
                ("laser_bytes", bytes_words),
                ("joules", lambda joules: f"{joules:,.0f} J"),
            ):
                value = words(self.per_true_answer(variant, what))
                times = self.factor(variant, what)
                cells.append(
                    value if variant == VARIANTS[0] else f"{value} ({times_words(times)}x)"
                )
            told.append(tuple(cells))
        return told

    @property
    def head(self) -> tuple[str, ...]:
        """Names of the table's columns."""
        return ("a true answer took", "of them", "recall", "down", "over lasers", "energy")

    @property
    def title(self) -> str:
        """What was flown, in one line."""
        seeds = len({cost.seed for cost in self.costs})
        captures = sum(cost.captures for cost in self.costs if cost.variant == VARIANTS[0])
        return (
            f"{self.scenario}, {self.hours:g} h, {count_words(seeds, 'seed')}, "
            f"{count_words(captures, 'capture')} each way"
        )

    def record(self) -> dict[str, Any]:
        """Return all of it, ready for JSON."""
        return {
            "scenario": self.scenario,
            "hours": self.hours,
            "costs": [asdict(cost) for cost in self.costs],
            "recalls": self.recalls,
            "factors": {
                variant.name: {
                    what: round(self.factor(variant, what), 6)
                    for what in ("downlinked_bytes", "laser_bytes", "joules")
                }
                for variant in VARIANTS[1:]
            },
        }

    def save(self, folder: Path) -> None:
        """Write ``study.json`` and ``study.html``.

        Raises
        ------
        OutputError
            If the folder cannot be written.
        """
        with writing(str(folder)):
            folder.mkdir(parents=True, exist_ok=True)
            text = json.dumps(self.record(), indent=2, sort_keys=True)
            (folder / "study.json").write_text(text + "\n", encoding="utf-8")
            (folder / "study.html").write_text(self.to_html(), encoding="utf-8")

    def to_html(self) -> str:
        """Return a page with the table."""
        head = (
            "<header><p>Orbitloom study</p><h1>What perception is worth</h1>"
            f"<p>{escape(self.title)}.</p></header>"
        )
        told = (
            "<p>The same captures, the same answers; what differs is what decides before the model "
            "works and before a byte is sent. <b>Gate</b>: small networks end a scene under cloud "
            "at L2 and give the model chips of what they found; without it the model looks at each "
            "whole scene. <b>Triage</b>: an alert goes down with a small picture, all else as a "
            "line; without it each answer takes its L3 tile along.</p>"
        )
        parts = (head, told, table(self.head, self.lines(), ""))
        return document("Orbitloom: what perception is worth", parts)


def study_model(
    scenario: Scenario,
    seeds: Sequence[int],
    *,
    executor: Executor,
    progress: Callable[[str, float], None] | None = None,
) -> Study:
    """Fly a scenario in orbit with gate and triage on and off.

    Parameters
    ----------
    scenario
        What to fly; its first arm must be ``orbit``.
    seeds
        Each is flown in all variants.
    executor
        Where packets and answers are made.
    progress
        Told what is happening, and the share done.
    """
    costs: list[Cost] = []
    scores: dict[str, list[CaptureScore]] = {variant.name: [] for variant in VARIANTS}
    for turn, seed in enumerate(seeds):
        base = load(scenario, seed=seed, arms=("orbit",))
        world = World(base)
        workshop = Workshop(world, executor)
        for number, variant in enumerate(VARIANTS):
            if progress is not None:
                share = (turn + (0.9 + 0.1 * number / 4 if number else 0.0)) / len(seeds)
                progress(f"seed {seed}: {variant.name}", share)
            cost, seen = _flown(base, world, workshop.variant(variant.gate), variant)
            costs.append(cost)
            scores[variant.name] += seen
    return Study(
        scenario=scenario.name,
        hours=scenario.hours,
        costs=tuple(costs),
        recalls={name: quality(seen)["recall"] for name, seen in scores.items()},
    )


def _flown(
    base: Scenario, world: World, workshop: Workshop, variant: Variant
) -> tuple[Cost, list[CaptureScore]]:
    perception = base.perception.model_copy(update=asdict(variant))
    scenario = base.model_copy(update={"perception": perception})
    flight = ArmFlight(
        World(scenario), workshop, "orbit", Ground(None, scenario), lambda task: None
    )
    arm = flight.fly()
    scores = [
        workshop.score(world.tasks[capture]).result()
        for capture in sorted(flight.answers)
        if capture < len(world.tasks)
    ]
    delivered = {fate.capture for fate in arm.fates if fate.inbox_ns is not None}
    figures = quality(scores)
    return Cost(
        variant=variant,
        seed=base.seed,
        captures=len(world.tasks),
        delivered=len(delivered),
        true_answers=sum(is_hit(score) for score in _of(scores, delivered)),
        recall=figures["recall"],
        precision=figures["precision"],
        downlinked_bytes=sum(fate.downlinked_bytes for fate in arm.fates),
        laser_bytes=sum(fate.laser_bytes for fate in arm.fates),
        joules=sum(fate.joules for fate in arm.fates),
    ), scores


def _of(scores: Iterable[CaptureScore], captures: set[int]) -> list[CaptureScore]:
    return [score for score in scores if score.capture in captures]
