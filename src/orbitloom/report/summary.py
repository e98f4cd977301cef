"""The figures of a flight: what `summary.json` holds, and nothing that a second run would change.

Conventions, so that figures can be compared:

* A latency runs from the middle of a capture to the inbox.
* Percentiles are nearest-rank over *all* captures of an arm, the undelivered sorted last; one
  that falls among the undelivered is None.
* Bytes and joules are those of the captures' answers and of their words; the survey flow is
  counted beside them.
* Floats are rounded to six decimals (a microsecond, a micro-joule), keys are sorted.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from orbitloom.processing.language.writer import Written
from orbitloom.report.faults import fault_figures
from orbitloom.scenario.time import SECOND_NS
from orbitloom.twin.result import (
    REGION_EVENTS,
    ArmResult,
    CaptureScore,
    CuedLook,
    Fate,
    FlightResult,
)

__all__ = [
    "HIT_IOU",
    "OBSERVABLE_SHARE",
    "SPEAKS_OF",
    "is_hit",
    "percentile_ns",
    "quality",
    "summary",
    "summary_bytes",
]

OBSERVABLE_SHARE = 0.5
"""An event counts for recall and IoU if at least this share of its footprint could be seen."""

HIT_IOU = 0.1
"""An alert whose polygon meets the event less than this is not a hit but a false alert."""

SPEAKS_OF: Mapping[str, frozenset[str]] = {
    "flood": frozenset({"flood"}),
    "fire": frozenset({"fire"}),
    "burn_scar": frozenset({"burn", "fire"}),
    "crop_stress": frozenset({"crop_stress"}),
    "dark_vessel": frozenset({"vessels"}),
    "lake_change": frozenset({"lake"}),
    "snow_change": frozenset({"snow"}),
}
"""What an alert claims, and the truths that make it right; other claims cannot be judged."""

_WANTED: Mapping[str, frozenset[str]] = {
    "flood": frozenset({"flood"}),
    "fire": frozenset({"fire", "burn"}),
    "agriculture": frozenset({"crop_stress"}),
    "maritime": frozenset({"vessels"}),
    "climate": frozenset({"lake", "snow"}),
}
_SPOTS = frozenset({"dark_vessel", "fire"})  # claims too small for an IoU: to meet is enough
_SPOT_EVENTS = frozenset({"vessels", "fire"})

_WHO = ("model", "runtime", "weights_sha256", "adapter_sha256", "rules")
_JOULES_PER_WH = 3600.0


def summary(result: FlightResult) -> dict[str, Any]:
    """Return the figures of a flight.

    Parameters
    ----------
    result
        What the flight left behind.

    Returns
    -------
    dict
        ``scenario``, ``seed``, ``satellites``, ``simulated_s``, ``captures``, ``products`` (how
        many of each level), ``arms`` (see `_arm`), ``quality`` (see `quality`), ``digest``, the
        SHA-256 over the L4 digests of the first arm's delivered captures, ``cues``, its second
        looks (see `_cues`; None if the scenario asks for none), ``words``, who worded its alerts
        (see `_words`), and ``faults``, what broke (see `faults.fault_figures`).
    """
    scenario = result.scenario
    common = _delivered_by_all(result.arms.values())
    in_ledger = {(row.arm, row.capture) for row in result.ledger}
    first = next(iter(result.arms.values()))
    figures = {
        "scenario": scenario.name,
        "seed": scenario.seed,
        "satellites": len(result.satellites),
        "simulated_s": (scenario.end_ns - scenario.start_ns) / SECOND_NS,
        "captures": len(result.tasks),
        "products": dict(result.level_counts),
        "arms": {
            name: _arm(arm, captures=len(result.tasks), common=common, in_ledger=in_ledger)
            for name, arm in result.arms.items()
        },
        "quality": quality(result.scores.values()),
        "digest": _digest(fate for fate in first.fates if fate.inbox_ns is not None),
        "cues": _cues(first.cues) if scenario.cue.within_min else None,
        "words": _words(result.words.values()),
        "faults": fault_figures(result),
    }
    rounded: dict[str, Any] = _rounded(figures)
    return rounded


def summary_bytes(figures: Mapping[str, Any]) -> bytes:
    """Return the figures as JSON: the same bytes for the same figures."""
    text = json.dumps(figures, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode()


def percentile_ns(latencies_ns: Sequence[int | None], percent: float) -> int | None:
    """Return the nearest-rank percentile, with None (never arrived) as later than every number.

    Examples
    --------
    >>> percentile_ns([30, 10, None, 20], 50)
    20
    >>> percentile_ns([30, 10, None, 20], 90) is None
    True
    """
    if not latencies_ns:
        return None
    ranked = sorted(latencies_ns, key=lambda value: math.inf if value is None else value)
    return ranked[max(math.ceil(percent / 100 * len(ranked)), 1) - 1]


def _arm(
    arm: ArmResult, *, captures: int, common: frozenset[int], in_ledger: set[tuple[str, int]]
) -> dict[str, Any]:
    """Return the figures of one arm.

    An answer is *undelivered* if the flight ended first and the ledger shows where it was; it is
    *lost* if nothing of it is left, or nothing says where it went. `energy_wh` is what all captures
    of the arm cost, `fleet_energy_wh` what the satellites consumed for everything, `unmet_wh` what
    empty batteries could not give them. Bytes and joules an answer are those of the delivered ones,
    None while nothing was delivered; so is a digest over nothing.
    """
    delivered = [fate for fate in arm.fates if fate.inbox_ns is not None]
    undelivered = [
        fate
        for fate in arm.fates
        if fate.inbox_ns is None
        and not fate.lost
        and fate.place
        and (arm.arm, fate.capture) in in_ledger
    ]
    shared = [fate for fate in delivered if fate.capture in common]
    latencies_ns = [fate.latency_ns for fate in arm.fates]
    return {
        "answers": captures,
        "delivered": len(delivered),
        "undelivered": len(undelivered),
        "lost": captures - len(delivered) - len(undelivered),
        "latency_s": {
            f"p{percent}": _seconds(percentile_ns(latencies_ns, percent))
            for percent in (50, 90, 99)
        },
        "downlinked_bytes": sum(fate.downlinked_bytes for fate in arm.fates),
        "laser_bytes": sum(fate.laser_bytes for fate in arm.fates),
        "energy_wh": math.fsum(fate.joules for fate in arm.fates) / _JOULES_PER_WH,
        "fleet_energy_wh": math.fsum(satellite.consumed_wh for satellite in arm.satellites),
        "unmet_wh": math.fsum(satellite.unmet_wh for satellite in arm.satellites),
        "bytes_per_answer": _mean(fate.downlinked_bytes for fate in delivered),
        "joules_per_answer": _mean(fate.joules for fate in delivered),
        "l4_digest": _digest(shared) if shared else None,
        "words": _words_of(arm),
        "survey": {
            "produced_bytes": arm.survey.produced_bytes,
            "processed_bytes": arm.survey.processed_bytes,
            "downlinked_bytes": arm.survey.downlinked_bytes,
            "waiting_bytes": arm.survey.waiting_bytes,
        },
    }


def _cues(cues: Sequence[CuedLook]) -> dict[str, Any]:
    """Return what became of the second looks that alerts asked for.

    ``tip_s`` is from the decision to the satellite asked, ``answer_s`` from the decision to the
    second answer in the inbox: medians, None while there is none.
    """
    refused = Counter(cue.outcome for cue in cues if cue.outcome not in ("pointed", "on its way"))
    maturity = Counter(
        cue.answer.feature["properties"].get("maturity") for cue in cues if cue.answer is not None
    )
    tips = [cue.received_ns - cue.asked_ns for cue in cues if cue.received_ns is not None]
    answers = [
        cue.fate.inbox_ns - cue.asked_ns
        for cue in cues
        if cue.fate is not None and cue.fate.inbox_ns is not None
    ]
    return {
        "asked": len(cues),
        "pointed": sum(cue.outcome == "pointed" for cue in cues),
        "refused": dict(refused),
        "delivered": len(answers),
        "confirmed": maturity["confirmed"],
        "retracted": maturity["retracted"],
        "tip_s": _seconds(percentile_ns(tips, 50)),
        "answer_s": _seconds(percentile_ns(answers, 50)),
    }


def _words(texts: Iterable[Written]) -> dict[str, Any]:
    """Return who worded the alerts of the first arm, and what the model took for it.

    ``retried`` counts texts of which a first one was refused, ``refused`` the rules that refused,
    ``silent`` the requests that got no answer. Tokens are the server's own count, all attempts
    together. ``by`` is who wrote: names and hashes; None if no model did.
    """
    listed = list(texts)
    attempts = [attempt for written in listed for attempt in written.attempts]
    by_model = [written for written in listed if written.writer == "model"]
    return {
        "alerts": len(listed),
        "model": len(by_model),
        "template": len(listed) - len(by_model),
        "retried": sum(len(written.attempts) > 1 for written in listed),
        "refused": dict(Counter(one.rule for attempt in attempts for one in attempt.refusals)),
        "silent": sum(bool(attempt.error) for attempt in attempts),
        "prompt_tokens": sum(attempt.prompt_tokens for attempt in attempts),
        "completion_tokens": sum(attempt.completion_tokens for attempt in attempts),
        "by": {name: by_model[0].provenance.get(name, "") for name in _WHO} if by_model else None,
    }


def _words_of(arm: ArmResult) -> dict[str, Any]:
    """Return what became of the words of an arm's alerts.

    ``after_s`` is from the middle of the capture to their arrival, the median of those that came.
    """
    sensed_ns = {
        fate.capture: fate.inbox_ns - fate.latency_ns
        for fate in (*arm.fates, *(cue.fate for cue in arm.cues if cue.fate is not None))
        if fate.inbox_ns is not None and fate.latency_ns is not None
    }
    after_ns = [
        words.inbox_ns - sensed_ns[words.capture]
        for words in arm.words
        if words.inbox_ns is not None and words.capture in sensed_ns
    ]
    return {
        "alerts": len(arm.words),
        "delivered": sum(words.inbox_ns is not None for words in arm.words),
        "handed_on": sum(bool(words.handed_on_to) for words in arm.words),
        "after_s": _seconds(percentile_ns(after_ns, 50)),
        "downlinked_bytes": sum(words.downlinked_bytes for words in arm.words),
        "energy_wh": math.fsum(words.joules for words in arm.words) / _JOULES_PER_WH,
    }


def quality(scores: Iterable[CaptureScore]) -> dict[str, Any]:
    """Return how the answers stand against the truth; None where there is nothing to divide by.

    A *hit* is an alert on what it claims, whose polygon meets it (see `is_hit`); any other alert is
    false. Recall and mean IoU are over captures of an event that was looked for, of which at least
    `OBSERVABLE_SHARE` could be seen and in which some of it could be seen, a missed one counting as
    IoU 0. Mean IoU is over events that have an area. Precision is over all alerts. ``by_app`` has
    the same for each application. Answers of an application whose claims the truth does not know
    count nowhere; if there are no others all figures are None.
    """
    judged = [score for score in scores if score.app in _WANTED or score.claimed in SPEAKS_OF]
    apps = sorted({score.app for score in judged})
    by_app = {app: _figures([one for one in judged if one.app == app]) for app in apps}
    return _figures(judged) | {"by_app": by_app or None}


def is_hit(score: CaptureScore) -> bool:
    """Return whether an alert is right: it claims what is there, and meets where it is.

    An event with an area must be met with an IoU of `HIT_IOU` or more, a ship or what burns at
    all; a lake or a snow line that has changed has no area of its own.
    """
    if score.kind != "alert" or score.event not in SPEAKS_OF.get(score.claimed, ()):
        return False
    if score.event in REGION_EVENTS:
        return True
    return (score.iou or 0.0) >= (1e-9 if score.claimed in _SPOTS else HIT_IOU)


def _figures(scores: Sequence[CaptureScore]) -> dict[str, Any]:
    if not scores:
        return dict.fromkeys(("recall", "precision", "iou_mean", "false_alerts"))
    seen = [
        score
        for score in scores
        if score.event in _WANTED.get(score.app, SPEAKS_OF.get(score.claimed, ()))
        and score.observable >= OBSERVABLE_SHARE
        and (score.truth_km2 > 0 or score.event in REGION_EVENTS)
    ]
    alerts = [score for score in scores if score.kind == "alert"]
    hits = sum(map(is_hit, alerts))
    with_area = [score for score in seen if score.event not in REGION_EVENTS | _SPOT_EVENTS]
    return {
        "recall": _mean(is_hit(score) for score in seen),
        "precision": hits / len(alerts) if alerts else None,
        "iou_mean": _mean(score.iou or 0.0 for score in with_area),
        "false_alerts": len(alerts) - hits,
    }


def _delivered_by_all(arms: Iterable[ArmResult]) -> frozenset[int]:
    delivered = [
        frozenset(fate.capture for fate in arm.fates if fate.inbox_ns is not None) for arm in arms
    ]
    return frozenset.intersection(*delivered)


def _mean(values: Iterable[float]) -> float | None:
    listed = list(values)
    return math.fsum(listed) / len(listed) if listed else None


def _digest(fates: Iterable[Fate]) -> str:
    """Return the SHA-256 over capture number and L4 digest, in capture order."""
    digest = hashlib.sha256()
    for fate in sorted(fates, key=lambda fate: fate.capture):
        digest.update(f"{fate.capture} {fate.digest}\n".encode())
    return digest.hexdigest()


def _seconds(ns: int | None) -> float | None:
    return None if ns is None else ns / SECOND_NS


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return round(value, 6) + 0.0 if isinstance(value, float) else value  # + 0.0: no minus zero
