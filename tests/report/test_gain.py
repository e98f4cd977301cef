from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from orbitloom.report.gain import GROUPS, gain, group_of, time_by_group
from orbitloom.wire import LedgerRow, WaitCause


def test_groups_sum_to_the_mean_time(flight):
    for arm, spent in gain(flight).seconds.items():
        assert set(spent) == set(GROUPS)
        rows = [row for row in flight.ledger if row.arm == arm and row.product == "answer"]
        total_ns = sum(row.end_ns - row.start_ns for row in rows)
        assert sum(spent.values()) == pytest.approx(total_ns / 1e9 / len(flight.tasks), rel=1e-12)


def test_every_wait_cause_has_a_group_of_its_own_kind():
    for cause in get_args(WaitCause):
        if cause in ("", "store full", "not in view"):  # no capture of all arms waits for a view
            continue
        row = LedgerRow(
            arm="raw", capture=0, node="A", step="wait", start_ns=0, end_ns=1, wait_cause=cause
        )
        assert group_of(row) != "other"


def test_only_what_has_no_group_is_other(flight):
    assert {row.step for row in flight.ledger if group_of(row) == "other"} == {"inbox"}


def test_words_name_the_largest_part_and_the_parts_that_went_the_other_way(flight):
    told = gain(flight)
    orbit, bentpipe = told.seconds["orbit"], told.seconds["bentpipe"]
    sentence = next(s for s in told.sentences if s.startswith("Against bentpipe"))
    largest = max(GROUPS, key=lambda group: bentpipe[group] - orbit[group])
    assert sentence.index(largest) == min(sentence.index(g) for g in GROUPS if g in sentence)
    assert "sooner" in sentence
    against = sentence.split("against it")[1]
    assert "more waiting for the computer" in against
    assert "3 answers of bentpipe had not arrived by the end" in sentence
    assert "at least" in sentence


def test_words_say_what_the_queue_is_made_of(flight):
    told = gain(flight).sentences
    assert any("survey's raw data" in s and "6.89 TB of 7.3 TB" in s for s in told)
    free = {
        name: replace(arm, survey=replace(arm.survey, waiting_bytes=0))
        for name, arm in flight.arms.items()
    }
    assert not any("survey" in s for s in gain(replace(flight, arms=free)).sentences)
    assert sum("docs/design/survey-flow.md" in s for s in told) == 1


def test_a_slower_model_on_board_is_said_and_a_faster_one_is_not(flight):
    def with_model(orbit_s: int, ground_s: int) -> list[str]:
        rows = (
            LedgerRow(arm=arm, capture=0, node="A", step="words", start_ns=0, end_ns=s * 10**9)
            for arm, s in (("orbit", orbit_s), ("raw", ground_s), ("bentpipe", ground_s))
        )
        told = gain(replace(flight, ledger=tuple(rows))).sentences
        return [sentence for sentence in told if "run of the model" in sentence]

    (slower,) = with_model(4, 1)
    assert "4.0 s in orbit and 1.0 s in raw and bentpipe" in slower
    assert with_model(1, 4) == []


def test_a_loss_is_called_a_loss(flight):
    turned = dict(reversed(flight.arms.items()))  # bentpipe is compared with orbit
    told = gain(replace(flight, arms=turned))
    sentence = next(s for s in told.sentences if s.startswith("Against orbit"))
    assert " later on average" in sentence
    assert any("times more bytes down" in s for s in told.sentences)


def test_one_arm_or_no_capture_has_nothing_to_compare(make_flight):
    assert len(gain(make_flight(arms=("orbit",))).sentences) == 1
    told = gain(make_flight(captures=0))
    assert sum(time_by_group(make_flight(captures=0), "orbit").values()) == 0
    assert "no capture" in told.sentences[0]
