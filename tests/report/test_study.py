"""Gate and triage on and off, over real captures made small."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from orbitloom.report.study import VARIANTS, Study, study_model
from orbitloom.scenario import load

ALL_ON, NO_GATE, NO_TRIAGE, NEITHER = VARIANTS


@pytest.fixture(scope="module")
def study() -> Study:
    scenario = load("flood12", hours=1.5, instrument={"columns": 400, "lines": 400})
    with ThreadPoolExecutor(2) as executor:
        return study_model(scenario, range(2), executor=executor)


def test_what_is_found_is_the_same_in_all_variants(study):
    assert len(set(study.recalls.values())) == 1
    for seed in (0, 1):
        found = {
            (c.true_answers, c.recall, c.precision, c.captures, c.delivered)
            for c in study.costs
            if c.seed == seed
        }
        assert len(found) == 1
    assert sum(cost.true_answers for cost in study.costs) >= 8


def test_each_switch_costs_what_it_says(study):
    """Off, the gate costs joules (the model looks at all), triage bytes (tiles go down)."""
    assert study.factor(NO_GATE, "joules") > 1.2
    assert study.factor(NO_TRIAGE, "downlinked_bytes") > 10
    assert study.factor(NO_TRIAGE, "laser_bytes") > 10
    for what in ("downlinked_bytes", "laser_bytes", "joules"):
        assert study.factor(NEITHER, what) >= study.factor(NO_GATE, what)
        assert study.factor(ALL_ON, what) == 1.0


def test_totals_add_up_over_seeds(study):
    costs = [cost for cost in study.costs if cost.variant == NO_TRIAGE]
    spent = sum(cost.downlinked_bytes for cost in costs)
    right = sum(cost.true_answers for cost in costs)
    assert study.per_true_answer(NO_TRIAGE, "downlinked_bytes") == spent / right
    alone = [study.per_true_answer(NO_TRIAGE, "joules", seed) for seed in (0, 1)]
    assert min(alone) <= study.per_true_answer(NO_TRIAGE, "joules") <= max(alone)


def test_the_report_has_the_table(study, tmp_path):
    study.save(tmp_path)
    page = (tmp_path / "study.html").read_text(encoding="utf-8")
    for line in study.lines():
        assert all(cell in page for cell in line)
    told = json.loads((tmp_path / "study.json").read_bytes())
    assert set(told["factors"]) == {variant.name for variant in VARIANTS[1:]}
    assert len(told["costs"]) == 8
