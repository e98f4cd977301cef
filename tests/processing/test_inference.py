from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from orbitloom.processing.inference import (
    image_tokens,
    inference,
    load_s,
    phase_energy,
    weight_bytes,
    writing_cost,
)
from orbitloom.scenario.hardware import Compute, Model
from orbitloom.scenario.presets import FORMATS, H100, AgxOrin, AgxThor, Llama3B, Llama8B, Tops744

_FILE = Path(__file__).parents[2] / "benchmarks" / "model_budget.py"


def _budget():
    spec = importlib.util.spec_from_file_location("model_budget", _FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["model_budget"] = module
    spec.loader.exec_module(module)
    return module


BUDGET = _budget()


@pytest.mark.parametrize("row", BUDGET.ROWS, ids=lambda row: row.name())
def test_published_rows_are_held_within_a_quarter(row):
    assert row.modelled_tokens_per_s() == pytest.approx(row.measured_tokens_per_s, rel=0.25)


def test_a_kernel_slow_in_prefill_is_slow_with_streams_together():
    """Without its own prefill rate, eight int4 streams on Thor would be 2.5 times too fast."""
    (row,) = (row for row in BUDGET.ROWS if row.weights == "awq-int4" and row.batch == 8)
    as_any = replace(row, prefill_tokens_per_s=None)
    assert as_any.modelled_tokens_per_s() > 2 * row.measured_tokens_per_s


@pytest.mark.parametrize(
    ("model", "weights", "gigabytes"),
    [
        (Llama8B(), "mlc-int4", 4.22),
        (Llama3B(), "bf16", 6.43),
        (Llama3B(), "awq-int4", 2.29),
        (Llama8B(), "q4-k-m", 4.62),
        (Llama8B(), "awq-int4", 4.76),
        (Llama8B(), "nvfp4", 4.98),
        (Llama8B(), "bf16", 15.0),
    ],
)
def test_bytes_a_token_are_the_published(model, weights, gigabytes):
    assert weight_bytes(FORMATS[weights].applied(model)) / 1e9 == pytest.approx(gigabytes, rel=0.01)


# The published check values leave the attention term of prefill out: a width of 1 does that here.
@pytest.mark.parametrize(
    ("computer", "weights", "efficiency", "rate", "joules"),
    [
        (AgxOrin(), "awq-int4", 0.33, 28.8, 289),
        (AgxOrin(), "bf16", 0.33, None, 718),
        (AgxThor(), "awq-int4", 0.17, 46.6, 312),
        (Tops744(), "awq-int4", 0.25, 28.8, 372),
        (H100(), "awq-int4", 0.35, None, 253),
    ],
)
def test_check_values(computer, weights, efficiency, rate, joules):
    served = {"prefill_efficiency": efficiency, "width": 1}
    model = FORMATS[weights].applied(Llama8B()).model_copy(update=served)
    energy = phase_energy(model, computer, waiting_s=0.0, storage_gb_per_s=1.0)
    assert energy.prefill_j + energy.decode_j == pytest.approx(joules, rel=0.01)
    if rate is not None:
        assert inference(model, computer).decode_tokens_per_s == pytest.approx(rate, rel=0.01)


def test_prefill_of_nvfp4_runs_at_the_dense_fp4_rate():
    """12,355 tokens/s published, for an 8B model on Thor."""
    thor = AgxThor(half_precision_share=1.0)
    rate = inference(Llama8B(prefill_efficiency=0.17), thor).prefill_tokens_per_s
    assert rate == pytest.approx(12_355, rel=0.25)


def test_text_only_answers_on_an_orin():
    """300 in, 45 out: about 1.9 s and 95 J."""
    text = Llama8B(prompt_tokens=300, image_tokens=0, answer_tokens=45, prefill_efficiency=0.33)
    times = inference(FORMATS["awq-int4"].applied(text), AgxOrin())
    assert times.prefill_s + times.decode_s == pytest.approx(1.9, rel=0.06)


def test_image_tokens_are_squares_rounded_up():
    assert image_tokens(1024, 1024, 32) == 1024
    assert image_tokens(1024, 1024, 28) == 37 * 37
    assert image_tokens(10_980, 10_980, 32) == 344 * 344


def test_energy_by_phase_by_hand():
    computer, model = Compute(load_w=100.0, idle_w=10.0), Model()
    energy = phase_energy(model, computer, waiting_s=60.0, storage_gb_per_s=2.0)
    times = inference(model, computer)
    assert load_s(model, 2.0) == pytest.approx(8e9 * 0.5625 / 2e9, rel=1e-12)
    assert energy.load_j == pytest.approx(10 * 2.25, rel=1e-12)
    assert energy.loaded_j == 600.0
    assert energy.prefill_j == pytest.approx(100 * times.prefill_s, rel=1e-12)
    parts = energy.prefill_j + energy.decode_j + energy.loaded_j + energy.load_j
    assert energy.total_j == parts
    above_idle = writing_cost(model, computer).joules
    assert energy.prefill_j + energy.decode_j == pytest.approx(above_idle / 0.9, rel=1e-12)


def test_streams_share_the_weights_until_arithmetic_ends_it():
    one, eight = (inference(Llama8B(), AgxThor(), batch) for batch in (1, 8))
    assert 4 < eight.decode_tokens_per_s / one.decode_tokens_per_s < 8
    many = inference(Llama8B(), AgxThor(peak_tops=1.0), 8).decode_tokens_per_s
    # A tile of 128 tokens, of which 8 are used, and the head for those 8.
    operations = 2 * (128 * 6.98e9 + 8 * 0.525e9)
    assert many == pytest.approx(8 * 1e12 * 0.5 * 0.17 / operations, rel=1e-9)
