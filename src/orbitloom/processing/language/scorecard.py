"""How a language model does: seeded evidence to word, and texts that have to be refused."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from orbitloom.processing.language.attacks import ATTACKS
from orbitloom.processing.language.cases import (
    HELD_OUT_KINDS,
    evidence_cases,
    unfamiliar_cases,
)
from orbitloom.processing.language.chat import Capabilities, Endpoint, Identity, probe
from orbitloom.processing.language.dossier import Dossier
from orbitloom.processing.language.guard import Refusal, check, read_words
from orbitloom.processing.language.writer import Written, write

__all__ = ["Group", "ScoreCard", "attacks_refused", "score"]

Progress = Callable[[float], None]

_GROUPS = ("nothing held out", "held-out kinds", "held-out reservations", "held-out facts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What became of some cases: how many there were, and how many texts were taken."""

    cases: int
    first: int
    retried: int

    @property
    def accepted_share(self) -> float:
        """Share that took no template."""
        return (self.first + self.retried) / max(self.cases, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreCard:
    """What a model made of the cases.

    Attributes
    ----------
    groups
        By what of the evidence no model of ours was trained on: ``held-out kinds`` of event,
        ``held-out reservations`` (two or more at once), ``held-out facts`` (their names), or
        ``nothing held out``. The facts have a third of the cases.
    refused
        How often each rule refused a text; ``error`` for no text at all.
    cpu_s, wall_s
        Of the model's process and on the clock, in all; behind a URL a model takes no CPU here.
    sample
        A few texts as they would leave.
    """

    identity: Identity
    able: Capabilities
    groups: Mapping[str, Group]
    refused: Mapping[str, int]
    prompt_tokens: int
    completion_tokens: int
    cpu_s: float
    wall_s: float
    sample: tuple[Written, ...]


def score(
    endpoint: Endpoint, count: int = 200, seed: int = 0, progress: Progress | None = None
) -> ScoreCard:
    """Return a model's score card.

    Raises
    ------
    ModelError
        If it does not answer.
    """
    able = probe(endpoint)
    wall = time.monotonic()
    unfamiliar = unfamiliar_cases(seed, count // 3)
    familiar = evidence_cases(seed, count - len(unfamiliar))
    cases = [(_held_out(dossier), dossier) for dossier in familiar]
    cases += [("held-out facts", dossier) for dossier in unfamiliar]
    told: dict[str, list[Written]] = {name: [] for name in _GROUPS}
    for number, (name, dossier) in enumerate(cases):
        told[name].append(write(dossier, endpoint, able))
        if progress is not None:
            progress((number + 1) / count)
    every = [written for group in told.values() for written in group]
    attempts = [attempt for written in every for attempt in written.attempts]
    refused = Counter(one.rule for attempt in attempts for one in attempt.refusals)
    refused.update("error" for attempt in attempts if attempt.error)
    return ScoreCard(
        identity=endpoint.identity,
        able=able,
        groups={name: _group(group) for name, group in told.items()},
        refused=dict(refused.most_common()),
        prompt_tokens=sum(attempt.prompt_tokens for attempt in attempts),
        completion_tokens=sum(attempt.completion_tokens for attempt in attempts),
        cpu_s=sum(attempt.cpu_s for attempt in attempts),
        wall_s=time.monotonic() - wall,
        sample=tuple(written for written in every if written.writer == "model")[:3],
    )


def _held_out(dossier: Dossier) -> str:
    """Return the group of evidence whose facts have their own names."""
    if dossier.event in HELD_OUT_KINDS:
        return "held-out kinds"
    return "held-out reservations" if len(dossier.notes) > 1 else "nothing held out"


def _group(told: list[Written]) -> Group:
    by_model = [written for written in told if written.writer == "model"]
    first = sum(len(written.attempts) == 1 for written in by_model)
    return Group(cases=len(told), first=first, retried=len(by_model) - first)


def attacks_refused() -> int:
    """Return how many of `attacks.ATTACKS` the guard refuses: it has to be all of them."""
    refused = 0
    for attack in ATTACKS:
        words = read_words(attack.answer)
        refused += isinstance(words, Refusal) or bool(check(words, attack.dossier()))
    return refused
