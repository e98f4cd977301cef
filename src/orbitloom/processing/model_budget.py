"""Computers and language models as others measured them, and the cost model beside them.

Sources of the rows: NVIDIA's published tables for Orin Nano and Orin Nano Super (MLC) and Thor
(TensorRT-Edge-LLM); embedl's Edge-Inference-Benchmarks (AGX Orin, Thor with Llama-3.2-3B);
OpenBMB/MiniCPM issue 331 (llama.cpp); a public benchmark of an H100 with SGLang. Powers are
assumptions, except where a data sheet has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from orbitloom.processing.cost import inference
from orbitloom.scenario.hardware import Compute, Model

__all__ = ["COMPUTERS", "LANGUAGE_MODELS", "PUBLISHED", "Measured", "modelled", "sensitivity"]

_ORIN = {"half_precision_share": 0.25, "bandwidth_efficiency": 0.70, "idle_w": 0.0}

COMPUTERS: Mapping[str, Compute] = MappingProxyType(
    {
        "Orin Nano": Compute(peak_tops=40.0, memory_gb_per_s=68.0, load_w=15.0, **_ORIN),
        "Orin Nano Super": Compute(peak_tops=67.0, memory_gb_per_s=102.0, load_w=25.0, **_ORIN),
        # Of 275 sparse TOPS its GPU has 170.
        "AGX Orin": Compute(peak_tops=170.0, memory_gb_per_s=204.8, load_w=50.0, **_ORIN),
        "Thor": Compute(
            peak_tops=1035.0,
            memory_gb_per_s=273.0,
            half_precision_share=0.5,
            bandwidth_efficiency=0.95,
            load_w=110.0,
            idle_w=0.0,
        ),
        "744 TOPS": Compute(peak_tops=744.0, memory_gb_per_s=204.8, load_w=80.0, **_ORIN),
        "H100": Compute(
            peak_tops=1979.0,
            memory_gb_per_s=3350.0,
            half_precision_share=0.5,
            bandwidth_efficiency=0.50,
            load_w=600.0,
            idle_w=0.0,
        ),
    }
)
"""Computers for language models. Idle is left out: what a model adds is told."""

_8B = {"parameters": 8.03e9, "prompt_tokens": 100, "image_tokens": 0}
_3B = {
    "parameters": 3.212e9,
    "head_parameters": 0.394e9,
    "embedding_parameters": 0.0,  # the head's own weights
    "layers": 28,
    "width": 3072,
    "kv_bytes_per_token": 114_688.0,
    "prompt_tokens": 100,
    "image_tokens": 0,
}


def _weights(bits: float, head_bits: float, **of: float) -> Model:
    return Model(bytes_per_parameter=bits / 8, head_bytes_per_parameter=head_bits / 8, **of)


LANGUAGE_MODELS: Mapping[str, Model] = MappingProxyType(
    {
        "Llama-3.1-8B bf16": _weights(16.0, 16.0, **_8B),
        "Llama-3.1-8B int4 (MLC)": _weights(4.5, 4.5, **_8B),
        "Llama-3.1-8B int4 (AWQ)": _weights(4.25, 16.0, **_8B),
        "Llama-3.1-8B NVFP4": _weights(4.5, 16.0, **_8B),
        "8B Q4_K_M": _weights(4.8, 6.56, **_8B),
        "Llama-3.2-3B bf16": _weights(16.0, 16.0, **_3B),
        "Llama-3.2-3B W4A16": _weights(4.25, 16.0, **_3B),
    }
)
"""Language models: bits of a weight with their scales, of the linear layers and of the head."""

_EDGE_TOKEN_S = 2.26e-3  # TensorRT-Edge-LLM: with it rows of 2.3 to 6.4 GB go together


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A published row: tokens a second of one stream, with a short context."""

    computer: str
    runtime: str
    model: str
    tokens_per_s: float
    token_overhead_s: float = 0.0


PUBLISHED: tuple[Measured, ...] = tuple(
    Measured(
        computer=computer,
        runtime=runtime,
        model=model,
        tokens_per_s=rate,
        token_overhead_s=_EDGE_TOKEN_S if computer == "Thor" else 0.0,
    )
    for computer, runtime, model, rate in (
        ("Orin Nano", "MLC", "Llama-3.1-8B int4 (MLC)", 14.0),
        ("Orin Nano Super", "MLC", "Llama-3.1-8B int4 (MLC)", 19.14),
        ("AGX Orin", "embedl", "Llama-3.2-3B bf16", 25.64),
        ("AGX Orin", "embedl", "Llama-3.2-3B W4A16", 61.2),
        ("AGX Orin", "llama.cpp", "8B Q4_K_M", 25.0),
        ("Thor", "TensorRT-Edge-LLM", "Llama-3.1-8B int4 (AWQ)", 50.8),
        ("Thor", "TensorRT-Edge-LLM", "Llama-3.1-8B NVFP4", 54.9),
        ("Thor", "embedl", "Llama-3.2-3B bf16", 34.2),
        ("Thor", "embedl", "Llama-3.2-3B W4A16", 73.6),
        ("H100", "SGLang", "Llama-3.1-8B bf16", 111.0),
    )
)
"""What others measured."""


def modelled(row: Measured) -> float:
    """Return the tokens a second that the cost model has for a published row."""
    model = LANGUAGE_MODELS[row.model].model_copy(update={"token_overhead_s": row.token_overhead_s})
    return inference(model, COMPUTERS[row.computer]).decode_tokens_per_s


def sensitivity(rates_gb_per_s: tuple[float, ...]) -> tuple[tuple[float, float, float], ...]:
    """Return memory rate, seconds and joules of an assessment on 744 TOPS.

    The rate was never published, and the answer depends on it: decoding reads every weight for
    every token. One chip and 600 tokens in, 120 out, Llama-3.1-8B at 4.25 bits.
    """
    model = LANGUAGE_MODELS["Llama-3.1-8B int4 (AWQ)"].model_copy(
        update={"prompt_tokens": 600, "image_tokens": 1024, "prefill_efficiency": 0.25}
    )
    told = []
    for rate in rates_gb_per_s:
        computer = COMPUTERS["744 TOPS"].model_copy(update={"memory_gb_per_s": rate})
        times = inference(model, computer)
        seconds = times.prefill_s + times.decode_s
        told.append((rate, seconds, seconds * (computer.load_w - computer.idle_w)))
    return tuple(told)
