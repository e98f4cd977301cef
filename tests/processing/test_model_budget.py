"""The cost model against what others measured, and the check values of its equations."""

from __future__ import annotations

import pytest

from orbitloom.processing.cost import inference
from orbitloom.processing.model_budget import (
    COMPUTERS,
    LANGUAGE_MODELS,
    PUBLISHED,
    modelled,
    sensitivity,
)

CHIP = {"prompt_tokens": 600, "image_tokens": 1024, "answer_tokens": 120}


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: f"{row.computer}, {row.model}")
def test_a_published_row_is_met(row):
    assert modelled(row) == pytest.approx(row.tokens_per_s, rel=0.25)


@pytest.mark.parametrize(
    ("model", "gigabytes"),
    [
        ("Llama-3.1-8B int4 (MLC)", 4.22),
        ("Llama-3.1-8B int4 (AWQ)", 4.76),
        ("Llama-3.1-8B NVFP4", 4.98),
        ("8B Q4_K_M", 4.62),
        ("Llama-3.1-8B bf16", 15.0),
        ("Llama-3.2-3B bf16", 6.43),
        ("Llama-3.2-3B W4A16", 2.29),
    ],
)
def test_a_token_reads_so_many_gigabytes(model, gigabytes):
    known = LANGUAGE_MODELS[model]
    linear = known.parameters - known.head_parameters - known.embedding_parameters
    read = linear * known.bytes_per_parameter
    read += known.head_parameters * known.head_bytes_per_parameter
    assert read / 1e9 == pytest.approx(gigabytes, rel=0.01)


@pytest.mark.parametrize(
    ("computer", "model", "efficiency", "overhead_s", "rate", "joules"),
    [
        ("AGX Orin", "Llama-3.1-8B int4 (AWQ)", 0.33, 0.0, 28.8, 289.0),
        ("AGX Orin", "Llama-3.1-8B bf16", 0.33, 0.0, None, 718.0),
        ("744 TOPS", "Llama-3.1-8B int4 (AWQ)", 0.25, 0.0, 28.8, 372.0),
        ("Thor", "Llama-3.1-8B int4 (AWQ)", 0.17, 2.26e-3, 46.6, 312.0),
        ("H100", "Llama-3.1-8B int4 (AWQ)", 0.34, 0.0, None, 253.0),
    ],
)
def test_check_values(computer, model, efficiency, overhead_s, rate, joules):
    """They leave out the attention's own share of the prefill, 4 L N^2 d."""
    of = CHIP | {"prefill_efficiency": efficiency, "token_overhead_s": overhead_s}
    asked, machine = LANGUAGE_MODELS[model].model_copy(update=of), COMPUTERS[computer]
    times = inference(asked, machine)
    if rate is not None:
        assert times.decode_tokens_per_s == pytest.approx(rate, rel=0.01)
    seconds = 1624 / times.prefill_tokens_per_s + times.decode_s
    assert seconds * machine.load_w == pytest.approx(joules, rel=0.01)


def test_a_faster_memory_makes_a_faster_answer_until_arithmetic_counts():
    told = sensitivity((50.0, 204.8, 800.0, 1e6))
    seconds = [one[1] for one in told]
    assert seconds == sorted(seconds, reverse=True)
    assert seconds[1] == pytest.approx(4.7, rel=0.01)
    assert seconds[0] > 3 * seconds[1]
    assert all(joules == pytest.approx(80.0 * s) for _, s, joules in told)
