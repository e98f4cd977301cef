from __future__ import annotations

import pytest

from orbitloom.processing.placement import Link
from orbitloom.processing.placement_split import (
    fly_pipeline,
    fly_tensor_split,
    pipeline_tokens_per_s,
    tensor_split_tokens_per_s,
    tensor_split_worthwhile,
)
from orbitloom.scenario import stream

LINK = Link(rate_gbps=10.0, range_km=2000.0)
TOKEN_S, WIDTH = 1 / 28.8, 4096


def _drawn(seed):
    rng = stream(seed, "split")
    link = Link(rate_gbps=float(rng.uniform(1.0, 100.0)), range_km=float(rng.uniform(1e-3, 6000.0)))
    width = int(rng.choice([576, 2048, 3072, 4096, 8192]))
    return rng, float(10.0 ** rng.uniform(-3.0, 0.0)), link, width


def _rate(tokens):
    """Tokens a second, the first half left out: in it the ring fills."""
    half = len(tokens) // 2
    return (len(tokens) - half) / (tokens[-1].out_s - tokens[half - 1].out_s)


def test_a_pipeline_pays_a_hop_a_stage():
    """8 KiB at 10 Gbit/s and 2,000 km are 6.678 ms; four of them on 34.7 ms a token."""
    hop_s = 2000 / 299_792.458 + 8192 * 8 / 1e10
    rate = pipeline_tokens_per_s(TOKEN_S, 4, LINK, WIDTH)
    assert rate == pytest.approx(1 / (TOKEN_S + 4 * hop_s), rel=1e-12)
    assert rate < 28.8


def test_texts_fill_a_ring_until_its_stages_are_always_busy():
    rates = [pipeline_tokens_per_s(TOKEN_S, 4, LINK, WIDTH, texts) for texts in (1, 2, 100)]
    assert rates[1] == pytest.approx(2 * rates[0], rel=1e-12)
    assert rates[2] == pytest.approx(4 * 28.8, rel=1e-12)
    slow = Link(rate_gbps=1e-3, range_km=0.0)  # 65.5 ms to send a token's 8 KiB
    assert pipeline_tokens_per_s(TOKEN_S, 4, slow, WIDTH, 100) == pytest.approx(1e6 / 65536)


@pytest.mark.parametrize("seed", range(16))
def test_a_simulated_pipeline_has_the_rate_of_the_closed_form(seed):
    rng, token_s, link, width = _drawn(seed)
    stages, texts = int(rng.integers(1, 10)), int(rng.integers(1, 17))
    tokens = fly_pipeline(token_s, stages, link, width, texts=texts, tokens=60)
    expected = pipeline_tokens_per_s(token_s, stages, link, width, texts)
    assert _rate(tokens) == pytest.approx(expected, rel=0.01)


def test_a_laser_can_be_what_bounds_a_pipeline():
    slow = Link(rate_gbps=1e-3, range_km=500.0)
    tokens = fly_pipeline(TOKEN_S, 4, slow, WIDTH, texts=12, tokens=60)
    assert _rate(tokens) == pytest.approx(1e6 / 65536, rel=0.01)


@pytest.mark.parametrize("seed", range(8))
def test_two_of_eight_stages_lost_lose_and_double_no_token(seed):
    rng, token_s, link, width = _drawn(seed)
    texts, reform_s = int(rng.integers(1, 9)), 20.0 * token_s
    rates = [pipeline_tokens_per_s(token_s, stages, link, width, texts) for stages in (8, 7, 6)]
    at_s = [float(share) * 400 * texts / rates[0] for share in (0.3, 0.6)]
    tokens = fly_pipeline(
        token_s, 8, link, width, texts=texts, tokens=400, lost_s=at_s, reform_s=reform_s
    )
    for text in range(texts):
        assert [one.number for one in tokens if one.text == text] == list(range(400))
        assert sorted(one.tries for one in tokens if one.text == text)[-3:] == [1, 2, 2]
    for lost_s in at_s:
        assert not any(lost_s < one.out_s < lost_s + reform_s for one in tokens)
    before = rates[0] * at_s[0] + rates[1] * (at_s[1] - at_s[0] - reform_s)
    expected = at_s[1] + reform_s + (400 * texts - before) / rates[2]
    assert tokens[-1].out_s == pytest.approx(expected, rel=0.01)


def test_a_satellite_lost_while_the_ring_is_formed_is_one_more_try():
    tokens = fly_pipeline(1.0, 4, LINK, WIDTH, tokens=3, lost_s=(1.5, 2.0), reform_s=1.0)
    assert [one.tries for one in tokens] == [1, 3, 1]
    hop_s = LINK.transfer_s(2 * WIDTH)
    assert tokens[1].out_s == pytest.approx(2.0 + 1.0 + 1.0 + 2 * hop_s, rel=1e-12)


def test_a_ring_that_is_lost_says_no_more():
    tokens = fly_pipeline(1.0, 2, LINK, WIDTH, tokens=9, lost_s=(2.5, 4.9, 9.0), reform_s=0.5)
    assert [one.number for one in tokens] == [0, 1, 2]
    assert tokens[-1].tries == 2


def test_a_tensor_split_over_lasers_is_not_worth_it():
    """64 all-reduces a token: about 1.15 tokens/s at 2,000 km."""
    assert tensor_split_tokens_per_s(TOKEN_S, 2, 32, LINK, WIDTH) == pytest.approx(1.15, rel=0.03)
    assert not tensor_split_worthwhile(TOKEN_S, 8, 32, LINK, WIDTH)
    inside = Link(rate_gbps=10.0, range_km=1e-3)
    assert tensor_split_worthwhile(TOKEN_S, 2, 32, inside, WIDTH)


@pytest.mark.parametrize("seed", range(24))
def test_a_simulated_tensor_split_takes_as_long_as_the_closed_form_says(seed):
    rng, token_s, link, width = _drawn(seed)
    parts, layers = int(rng.integers(2, 9)), int(rng.choice([16, 28, 32, 80]))
    seconds = fly_tensor_split(token_s, parts, layers, link, width, tokens=3)
    expected = tensor_split_tokens_per_s(token_s, parts, layers, link, width)
    assert 3 / seconds == pytest.approx(expected, rel=0.01)
