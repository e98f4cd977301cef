from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from orbitloom.report.summary import percentile_ns, summary, summary_bytes

_ARM_KEYS = {
    "answers",
    "delivered",
    "undelivered",
    "lost",
    "latency_s",
    "downlinked_bytes",
    "laser_bytes",
    "energy_wh",
    "fleet_energy_wh",
    "unmet_wh",
    "bytes_per_answer",
    "joules_per_answer",
    "l4_digest",
    "survey",
    "words",
}


def test_summary_has_the_contract_keys(flight):
    figures = summary(flight)
    assert set(figures) == {
        "scenario", "seed", "satellites", "simulated_s", "captures", "products", "arms",
        "quality", "digest", "cues", "words", "faults",
    }  # fmt: skip
    assert set(figures["products"]) == {"L0", "L1", "L2", "L3", "L4"}
    assert set(figures["arms"]) == {"orbit", "raw", "bentpipe"}
    for arm in figures["arms"].values():
        assert set(arm) == _ARM_KEYS
        assert set(arm["latency_s"]) == {"p50", "p90", "p99"}
    keys = {"recall", "precision", "iou_mean", "false_alerts"}
    assert set(figures["quality"]) == keys | {"by_app"}


def test_same_flight_same_bytes_and_another_seed_differs(make_flight, flight):
    octets = summary_bytes(summary(flight))
    assert octets == summary_bytes(summary(make_flight()))
    assert octets != summary_bytes(summary(make_flight(seed=1)))
    assert json.loads(octets)["scenario"] == "flood12"


def test_totals_and_ratios_are_those_of_the_fates(flight):
    fates = flight.arms["raw"].fates
    arm = summary(flight)["arms"]["raw"]
    delivered = [fate for fate in fates if fate.inbox_ns is not None]
    assert arm["answers"] == len(flight.tasks)
    assert arm["delivered"] == len(delivered)
    assert arm["downlinked_bytes"] == sum(fate.downlinked_bytes for fate in fates)
    assert arm["energy_wh"] == pytest.approx(sum(fate.joules for fate in fates) / 3600, abs=1e-6)
    # What is spent on an answer that has not come is no cost of one that has.
    octets = sum(fate.downlinked_bytes for fate in delivered)
    assert arm["bytes_per_answer"] == pytest.approx(octets / len(delivered))
    joules = sum(fate.joules for fate in delivered)
    assert arm["joules_per_answer"] == pytest.approx(joules / len(delivered))
    satellites = flight.arms["raw"].satellites
    assert arm["fleet_energy_wh"] == pytest.approx(sum(one.consumed_wh for one in satellites))


def test_every_capture_is_delivered_undelivered_or_lost(flight):
    arms = summary(flight)["arms"]
    assert any(arm["undelivered"] for arm in arms.values())
    for arm in arms.values():
        assert arm["lost"] == 0
        assert arm["delivered"] + arm["undelivered"] == arm["answers"]


def test_an_answer_that_nothing_accounts_for_is_lost(flight):
    arm = flight.arms["bentpipe"]
    waiting = next(fate for fate in arm.fates if fate.inbox_ns is None)
    # No place: lost.
    fates = tuple(replace(fate, place="") if fate is waiting else fate for fate in arm.fates)
    broken = replace(flight, arms={**flight.arms, "bentpipe": replace(arm, fates=fates)})
    assert summary(broken)["arms"]["bentpipe"]["lost"] == 1
    # A place that the ledger does not bear out: lost.
    ledger = tuple(
        row for row in flight.ledger if (row.arm, row.capture) != ("bentpipe", waiting.capture)
    )
    assert summary(replace(flight, ledger=ledger))["arms"]["bentpipe"]["lost"] == 1
    # No fate at all: lost.
    fates = tuple(fate for fate in arm.fates if fate is not waiting)
    broken = replace(flight, arms={**flight.arms, "bentpipe": replace(arm, fates=fates)})
    assert summary(broken)["arms"]["bentpipe"]["lost"] == 1


def test_percentiles_rank_the_undelivered_last(flight):
    assert percentile_ns([], 50) is None
    assert percentile_ns([5], 99) == 5
    assert percentile_ns(list(range(1, 101)), 90) == 90
    assert percentile_ns([None, None, 1], 50) is None
    assert percentile_ns([None, 1, 2], 50) == 2
    assert summary(flight)["arms"]["bentpipe"]["latency_s"]["p99"] is None


def test_l4_digest_is_over_what_every_arm_delivered(flight):
    arms = summary(flight)["arms"]
    assert arms["orbit"]["l4_digest"] == arms["raw"]["l4_digest"] == arms["bentpipe"]["l4_digest"]
    common = set(range(len(flight.tasks)))
    for arm in flight.arms.values():
        common &= {fate.capture for fate in arm.fates if fate.inbox_ns is not None}
    assert 0 < len(common) < len(flight.tasks)
    text = "".join(f"{n} {flight.answers[n].digest()}\n" for n in sorted(common))
    assert arms["raw"]["l4_digest"] == hashlib.sha256(text.encode()).hexdigest()


def test_one_differing_answer_shows_in_the_digest(flight):
    arm = flight.arms["raw"]
    fates = tuple(
        replace(fate, digest="0" * 64) if fate.capture == 0 else fate for fate in arm.fates
    )
    assert all(a.fates[0].inbox_ns is not None for a in flight.arms.values())
    arms = summary(replace(flight, arms={**flight.arms, "raw": replace(arm, fates=fates)}))["arms"]
    assert arms["raw"]["l4_digest"] != arms["orbit"]["l4_digest"] == arms["bentpipe"]["l4_digest"]


def test_digest_is_over_the_first_arms_answers(flight):
    text = "".join(
        f"{fate.capture} {fate.digest}\n"
        for fate in flight.arms["orbit"].fates
        if fate.inbox_ns is not None
    )
    assert summary(flight)["digest"] == hashlib.sha256(text.encode()).hexdigest()


def test_quality_counts_what_it_says(flight):
    told = {"recall": 1.0, "precision": 1.0, "iou_mean": 0.9, "false_alerts": 0}
    assert summary(flight)["quality"] == {**told, "by_app": {"flood": told}}
    scores = list(flight.scores.values())
    floods = [n for n, score in enumerate(scores) if score.event == "flood"]
    quiet = next(n for n, score in enumerate(scores) if score.event == "quiet")
    cloud = next(n for n, score in enumerate(scores) if score.event == "cloud")
    # A missed flood costs recall and IoU; an unseen one costs neither.
    scores[floods[0]] = replace(scores[floods[0]], kind="nothing_found", iou=0.0)
    scores[floods[1]] = replace(scores[floods[1]], kind="not_observable", observable=0.3, iou=0.0)
    # Alerts on quiet and clouded targets are false, and so is one that misses the flood.
    scores[floods[2]] = replace(scores[floods[2]], iou=0.05)
    scores[quiet] = replace(scores[quiet], kind="alert", claimed="flood", iou=0.0)
    scores[cloud] = replace(scores[cloud], kind="alert", claimed="flood", iou=0.0)
    quality = summary(replace(flight, scores=dict(enumerate(scores))))["quality"]
    seen = len(floods) - 1
    assert quality["recall"] == pytest.approx((seen - 2) / seen, abs=1e-6)
    assert quality["iou_mean"] == pytest.approx((0.9 * (seen - 2) + 0.05) / seen, abs=1e-6)
    assert quality["precision"] == pytest.approx((seen - 2) / (seen + 1), abs=1e-6)
    assert quality["false_alerts"] == 3


def test_a_flight_without_captures_still_has_a_summary(make_flight):
    figures = summary(make_flight(captures=0))
    assert figures["captures"] == 0
    arm = figures["arms"]["orbit"]
    assert arm["answers"] == arm["delivered"] == arm["lost"] == 0
    assert arm["bytes_per_answer"] is None
    assert arm["latency_s"]["p50"] is None
    assert figures["quality"]["recall"] is None
    json.loads(summary_bytes(figures))


def test_one_arm_alone(make_flight):
    figures = summary(make_flight(arms=("bentpipe",)))
    assert list(figures["arms"]) == ["bentpipe"]
    assert figures["arms"]["bentpipe"]["l4_digest"] == figures["digest"]
