"""Where the gain comes from: each arm's time, split by what it was spent on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from orbitloom.report.summary import summary
from orbitloom.report.words import ARM_WORDS, bytes_words, count_words, duration_words, times_words
from orbitloom.scenario.time import SECOND_NS
from orbitloom.twin.result import FlightResult
from orbitloom.wire import FAULT_CAUSES, LedgerRow

__all__ = ["GROUPS", "Gain", "gain", "group_of", "time_by_group"]

GROUPS = (
    "waiting for a pass",
    "queueing for a link",
    "sending",
    "light travelling",
    "waiting for the computer",
    "waiting for power or cooling",
    "computing L0 to L4",
    "running the model",
    "finishing the capture",
    "waiting because of a fault",
    "other",
)
"""What time is spent on; every ledger step belongs to exactly one."""

_BY_CAUSE: dict[str, str] = {
    "no contact": "waiting for a pass",
    "no route": "waiting for a pass",
    "link busy": "queueing for a link",
    "computer busy": "waiting for the computer",
    "battery low": "waiting for power or cooling",
    "computer hot": "waiting for power or cooling",
    **dict.fromkeys(FAULT_CAUSES, "waiting because of a fault"),
    "weather": "waiting for a pass",
}
_BY_STEP = {
    **dict.fromkeys(("laser", "downlink"), "sending"),
    "light": "light travelling",
    **dict.fromkeys(("L0", "L1", "L2", "L3", "L4"), "computing L0 to L4"),
    **dict.fromkeys(("look", "words"), "running the model"),
    "sense": "finishing the capture",
}
_WORTH_SAYING = 0.01
"""Groups below this share of the difference are left out of the words, not of the table."""


@dataclass(frozen=True, slots=True)
class Gain:
    """Where the gain comes from.

    Attributes
    ----------
    seconds
        For each arm, mean seconds a capture spent on each group, undelivered ones until the end of
        the flight; the groups of an arm sum to its mean.
    sentences
        The same in words, with the parts that went the other way.
    """

    seconds: Mapping[str, Mapping[str, float]]
    sentences: tuple[str, ...]


def group_of(row: LedgerRow) -> str:
    """Return the group that a step of the ledger belongs to."""
    return (_BY_CAUSE if row.step == "wait" else _BY_STEP).get(row.wait_cause or row.step, "other")


def time_by_group(result: FlightResult, arm: str) -> dict[str, float]:
    """Return the mean seconds that a capture of an arm spent on each group, largest group first."""
    spent_ns = dict.fromkeys(GROUPS, 0)
    for row in result.ledger:
        # Not the second looks, nor the words: an alert waits for neither.
        if row.arm == arm and row.product == "answer" and row.capture < len(result.tasks):
            spent_ns[group_of(row)] += row.end_ns - row.start_ns
    captures = max(len(result.tasks), 1)
    return {
        group: ns / SECOND_NS / captures
        for group, ns in sorted(spent_ns.items(), key=lambda item: -item[1])
    }


def gain(result: FlightResult) -> Gain:
    """Return where the gain of the first arm over the others comes from."""
    seconds: dict[str, dict[str, float]] = {arm: time_by_group(result, arm) for arm in result.arms}
    first, *others = result.arms
    sentences = [_alone(first, seconds[first])]
    figures = summary(result)["arms"]
    queued = False
    for other in others:
        sentences.append(_against(first, other, seconds, figures[other]["undelivered"]))
        if seconds[other]["queueing for a link"] and figures[other]["survey"]["waiting_bytes"]:
            sentences.append(_queue(other, figures[other]["survey"]))
            queued = True
        bytes_first = figures[first]["bytes_per_answer"]
        bytes_other = figures[other]["bytes_per_answer"]
        if bytes_first and bytes_other:
            sentences.append(_bytes(first, other, bytes_first, bytes_other))
    if queued:
        sentences.append(
            "That queue follows from the survey, an assumption: docs/design/survey-flow.md flies "
            "the same captures with less of it and without it."
        )
    sentences += _model(result, first, others)
    return Gain(seconds, tuple(sentences))


def _alone(arm: str, spent: Mapping[str, float]) -> str:
    total = sum(spent.values())
    if not total:
        return f"{arm}: no capture, so no time to explain."
    parts = [
        f"{duration_words(value)} {group}"
        for group, value in spent.items()
        if value > _WORTH_SAYING * total
    ]
    return f"{arm} ({ARM_WORDS[arm]}): {duration_words(total)} on average: {', '.join(parts)}."


def _against(
    first: str, other: str, seconds: Mapping[str, Mapping[str, float]], undelivered: int
) -> str:
    """Return one sentence: how much sooner, by which parts, and what went the other way."""
    differences = {
        group: seconds[other][group] - seconds[first].get(group, 0.0) for group in seconds[other]
    }
    total = sum(differences.values())
    threshold = _WORTH_SAYING * max((abs(value) for value in differences.values()), default=0.0)
    own = _WORTH_SAYING * sum(seconds[first].values())
    ranked = sorted(differences.items(), key=lambda item: -abs(item[1]))
    less = [f"{duration_words(v)} less {group}" for group, v in ranked if v > threshold]
    more = [f"{duration_words(-v)} more {group}" for group, v in ranked if -v > own]
    at_least = "at least " if undelivered and total > 0 else ""
    text = (
        f"Against {other} ({ARM_WORDS[other]}): {at_least}{duration_words(abs(total))} "
        f"{'sooner' if total >= 0 else 'later'} on average"
    )
    text += f", from {', '.join(less)}" if less else ""
    text += f"; against it, {', '.join(more)}" if more else ""
    if undelivered:
        text += f". {count_words(undelivered, 'answer')} of {other} had not arrived by the end"
    return text + "."


def _queue(other: str, survey: Mapping[str, int]) -> str:
    """Return what stands before an answer in the queue: the survey, in order of arrival."""
    aboard = survey["produced_bytes"] - survey["downlinked_bytes"]
    return (
        f"What it queues behind in {other} is the survey's raw data, first in first out: "
        f"{bytes_words(aboard)} of {bytes_words(survey['produced_bytes'])} were still on board at "
        "the end."
    )


def _bytes(first: str, other: str, bytes_first: float, bytes_other: float) -> str:
    fewer = bytes_other >= bytes_first
    ratio = bytes_other / bytes_first if fewer else bytes_first / bytes_other
    word = "fewer" if fewer else "more"
    return f"{first} sends {times_words(ratio)} times {word} bytes down per answer than {other}."


def _model(result: FlightResult, first: str, others: Sequence[str]) -> list[str]:
    """Return what a run of the model takes, if the first arm's computer is the slower one.

    The mean times do not tell: words follow an answer that has left.
    """
    runs_ns: dict[str, list[int]] = {}
    for row in result.ledger:
        if row.step == "words":
            runs_ns.setdefault(row.arm, []).append(row.end_ns - row.start_ns)
    means_s = {arm: fmean(runs) / SECOND_NS for arm, runs in runs_ns.items()}
    faster = [other for other in others if means_s.get(other, math.inf) < means_s.get(first, 0.0)]
    if not faster:
        return []
    return [
        "No alert waits for its words: one run of the model takes "
        f"{duration_words(means_s[first])} in {first} and "
        f"{duration_words(means_s[faster[0]])} in {' and '.join(faster)}, on the faster computer "
        "of a station."
    ]
