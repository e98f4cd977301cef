from __future__ import annotations

import pytest

from orbitloom.processing.cost import (
    LEVELS,
    chain_cost,
    survey_cost_s_per_s,
)
from orbitloom.processing.inference import inference, writing_cost
from orbitloom.scenario.hardware import Band, Compute, Ground, Instrument, Model, Survey

FLAT = {"kernel_efficiency": 1.0, "bandwidth_efficiency": 1.0, "load_w": 60.0, "idle_w": 10.0}
LLAMA_INT4 = Model(
    parameters=8.03e9,
    bytes_per_parameter=4.25 / 8,
    head_bytes_per_parameter=2.0,
    prompt_tokens=600,
    prefill_efficiency=0.25,
)


def test_l1_bound_by_memory_by_hand():
    """10 x 20 pixels, 1 band: 200 samples of 7 bytes over 1 GB/s is 1.4 us; 50 W make 70 uJ."""
    band = (Band(name="red", wavelength_um=0.66, esun_w_m2_um=1500, full_scale_radiance=480),)
    instrument = Instrument(bands=band, lines=20, columns=16)
    profile = Compute(peak_tops=1e6, memory_gb_per_s=1.0, **FLAT)
    cost = chain_cost(instrument, profile, 1000)[1]
    assert cost.step == "L1"
    assert cost.bytes_moved == 320 * 7
    assert cost.seconds == pytest.approx(320 * 7e-9, rel=1e-12)
    assert cost.joules == pytest.approx(50 * 320 * 7e-9, rel=1e-12)


def test_l0_bound_by_scalar_work_by_hand():
    """5 operations a byte and 12 a sample at 1.9e-4 of 1e12 a second."""
    cost = chain_cost(Instrument(), Compute(peak_tops=1.0, memory_gb_per_s=1e6, **FLAT), 10**6)[0]
    assert cost.step == "L0"
    assert cost.operations == 5e6 + 12 * 16e6
    assert cost.seconds == pytest.approx(197e6 / 1.9e8, rel=1e-12)


def test_l4_bound_by_arithmetic_by_hand():
    """36 operations for each of 6 million cells at a tenth of 1 TOPS, when scalar work is free."""
    profile = Compute(peak_tops=1.0, memory_gb_per_s=1e6, **FLAT | {"kernel_efficiency": 1e-5})
    cost = chain_cost(Instrument(), profile, 0)[4]
    assert cost.step == "L4"
    assert cost.seconds == pytest.approx(36 * 6e6 / 1e7, rel=1e-12)


def test_the_chain_is_every_level_once_and_scales_with_the_computer():
    slow = chain_cost(Instrument(), Compute(), 16_000_000)
    fast = chain_cost(Instrument(), Compute(peak_tops=7440.0, memory_gb_per_s=2040.0), 16_000_000)
    assert tuple(cost.step for cost in slow) == LEVELS
    for a, b in zip(slow, fast, strict=True):
        assert a.seconds == pytest.approx(10 * b.seconds, rel=1e-12)
        assert a.joules == pytest.approx(145.0 * a.seconds, rel=1e-12)
        assert a.operations == b.operations


def test_a_ground_profile_serves_as_well():
    costs = chain_cost(Instrument(), Ground(), 16_000_000)
    assert all(0 < cost.seconds < 1 for cost in costs)


def test_the_published_check_of_a_744_tops_computer():
    """MODEL-BUDGET: 28.8 tokens/s, prefill 3,330 tokens/s, 4.7 s (one chip, 600 in, 120 out)."""
    times = inference(LLAMA_INT4, Compute(memory_gb_per_s=204.8))
    assert times.decode_tokens_per_s == pytest.approx(28.8, rel=0.01)
    assert times.prefill_tokens_per_s == pytest.approx(3330, rel=0.01)
    assert times.prefill_s + times.decode_s == pytest.approx(4.7, rel=0.01)


def test_the_published_check_of_an_agx_orin():
    """1,005 tokens/s prefill (170 TOPS sparse of its GPU, efficiency 0.33), 5.8 s in all."""
    orin = Compute(peak_tops=170.0, memory_gb_per_s=204.8)
    model = LLAMA_INT4.model_copy(update={"prefill_efficiency": 0.33})
    times = inference(model, orin)
    assert times.decode_tokens_per_s == pytest.approx(28.8, rel=0.01)
    assert times.prefill_tokens_per_s == pytest.approx(1005, rel=0.01)
    assert times.prefill_s + times.decode_s == pytest.approx(5.8, rel=0.02)


def test_assessment_charges_prefill_and_decoding():
    compute = Compute()
    times, cost = inference(Model(), compute), writing_cost(Model(), compute)
    assert cost.step == "words"
    assert cost.seconds == times.prefill_s + times.decode_s
    assert cost.joules == pytest.approx((160 - 15) * cost.seconds, rel=1e-12)
    # By hand: 7.475e9 weights of 0.5625 B read once for the prompt and for each of 120 tokens, and
    # the cache of 1,384 tokens of 131,072 B for each.
    assert cost.bytes_moved == pytest.approx(
        7.475e9 * 0.5625 * 121 + 120 * 1384 * 131_072, rel=1e-9
    )


def test_decoding_turns_to_arithmetic_when_memory_is_fast():
    fast = Compute(peak_tops=1.0, memory_gb_per_s=1e9)
    expected = 1e12 * 0.25 * 0.17 / (2 * (6.95e9 + 0.525e9))
    assert inference(Model(), fast).decode_tokens_per_s == pytest.approx(expected, rel=1e-12)


def test_survey_costs_the_chain_per_sample():
    """541 Mbit/s of 12 bit are 45.08 M samples/s: 2.818 scenes of 16 M samples a second."""
    instrument, profile, survey = Instrument(), Compute(), Survey()
    chain_s = sum(cost.seconds for cost in chain_cost(instrument, profile, 16_000_000))
    expected = 541e6 / 12 / 16e6 * chain_s
    assert survey_cost_s_per_s(survey, instrument, profile) == pytest.approx(expected, rel=1e-12)
    assert 0 < expected < 1
