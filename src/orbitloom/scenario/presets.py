"""Computers and language models of known make, to compare a scenario's own with.

Powers are assumptions: no maker publishes what inference draws. `half_precision_share` says which
arithmetic a computer's prefill runs in.
"""

from __future__ import annotations

from orbitloom.scenario.hardware import Compute, Model
from orbitloom.scenario.quantity import Section, quantity

__all__ = [
    "FORMATS",
    "H100",
    "AgxOrin",
    "AgxThor",
    "Llama3B",
    "Llama8B",
    "OrinNano",
    "OrinNanoSuper",
    "Tops744",
    "WeightFormat",
]


class AgxOrin(Compute):
    """NVIDIA Jetson AGX Orin 64 GB."""

    peak_tops: float = quantity(170.0, "TOPS", "published", "sparse int8 of its GPU", gt=0)
    memory_gb_per_s: float = quantity(204.8, "GB/s", "published", "NVIDIA data sheet", gt=0)
    load_w: float = quantity(50.0, "W", "estimate", "assumed; highest power mode is 60", gt=0)


class OrinNano(Compute):
    """NVIDIA Jetson Orin Nano 8 GB."""

    peak_tops: float = quantity(40.0, "TOPS", "published", "sparse int8", gt=0)
    memory_gb_per_s: float = quantity(68.0, "GB/s", "published", "NVIDIA data sheet", gt=0)
    load_w: float = quantity(15.0, "W", "published", "highest power mode", gt=0)
    idle_w: float = quantity(5.0, "W", "estimate", "a module at rest", ge=0)


class OrinNanoSuper(Compute):
    """NVIDIA Jetson Orin Nano Super."""

    peak_tops: float = quantity(67.0, "TOPS", "published", "sparse int8", gt=0)
    memory_gb_per_s: float = quantity(102.0, "GB/s", "published", "NVIDIA data sheet", gt=0)
    load_w: float = quantity(25.0, "W", "published", "highest power mode", gt=0)
    idle_w: float = quantity(5.0, "W", "estimate", "a module at rest", ge=0)


class AgxThor(Compute):
    """NVIDIA Jetson AGX Thor."""

    peak_tops: float = quantity(1035.0, "TOPS", "published", "sparse FP8, dense FP4", gt=0)
    memory_gb_per_s: float = quantity(273.0, "GB/s", "published", "NVIDIA data sheet", gt=0)
    bandwidth_efficiency: float = quantity(
        0.85, "1", "derived", "published rows of TensorRT-Edge-LLM, 0.89 and 1.0", gt=0, le=1
    )
    half_precision_share: float = quantity(0.5, "1", "published", "dense FP8 of sparse", gt=0)
    load_w: float = quantity(110.0, "W", "estimate", "assumed; highest power mode is 130", gt=0)


class H100(Compute):
    """NVIDIA H100 SXM, for reference: it is not flown."""

    peak_tops: float = quantity(1979.0, "TOPS", "published", "dense int8", gt=0)
    memory_gb_per_s: float = quantity(3350.0, "GB/s", "published", "NVIDIA data sheet", gt=0)
    bandwidth_efficiency: float = quantity(
        0.50, "1", "derived", "published row: 8B model, bf16, SGLang", gt=0, le=1
    )
    half_precision_share: float = quantity(0.5, "1", "published", "dense fp16 of int8", gt=0)
    load_w: float = quantity(600.0, "W", "estimate", "assumed; its limit is 700", gt=0)
    idle_w: float = quantity(100.0, "W", "estimate", "an accelerator at rest", ge=0)


class Tops744(Compute):
    """The computer of which only 744 TOPS is published: its memory rate is a parameter."""

    memory_gb_per_s: float = quantity(
        204.8, "GB/s", "estimate", "not published; as an AGX Orin", gt=0
    )
    load_w: float = quantity(80.0, "W", "estimate", "assumed, not published", gt=0)


class Llama8B(Model):
    """Llama-3.1-8B at bf16."""

    parameters: float = quantity(8.03e9, "1", "published", "Meta's model card", gt=0)
    bytes_per_parameter: float = quantity(2.0, "B", "published", "bf16", gt=0, le=4)
    head_bytes_per_parameter: float = quantity(2.0, "B", "published", "bf16", gt=0, le=4)
    prompt_tokens: int = quantity(600, "1", "estimate", "two pages of evidence as text", ge=1)


class Llama3B(Llama8B):
    """Llama-3.2-3B at bf16; its head is its input embedding."""

    parameters: float = quantity(3.21e9, "1", "published", "Meta's model card", gt=0)
    head_parameters: float = quantity(0.394e9, "1", "published", "128,256 x 3,072", ge=0)
    embedding_parameters: float = quantity(0.0, "1", "published", "tied with the head", ge=0)
    layers: int = quantity(28, "1", "published", "model card", ge=1)
    width: int = quantity(3072, "1", "published", "model card", ge=1)
    kv_bytes_per_token: float = quantity(
        114_688.0, "B", "derived", "2 x 28 layers x 8 heads x 128 x 2 B", ge=0
    )


class WeightFormat(Section):
    """How weights are stored: bits a weight, scales included."""

    bits: float = quantity(16.0, "bit", "published", "bf16", gt=0, le=32)
    head_bits: float = quantity(16.0, "bit", "published", "most formats leave the head", gt=0)

    def applied(self, model: Model) -> Model:
        """Return the model with its weights in this format."""
        return model.model_copy(
            update={
                "bytes_per_parameter": self.bits / 8,
                "head_bytes_per_parameter": self.head_bits / 8,
            }
        )


# Scales are in the bits: 16 a group of 64 (int8, AWQ with zeros packed: 0.25), 8 a block of 16
# (NVFP4), 16 a group of 32 (MLC's q4f16_1). llama.cpp's Q4_K_M is a mean; its head is Q6_K.
FORMATS = {
    "bf16": WeightFormat(),
    "int8": WeightFormat(bits=8.25),
    "awq-int4": WeightFormat(bits=4.25),
    "mlc-int4": WeightFormat(bits=4.5, head_bits=4.5),
    "nvfp4": WeightFormat(bits=4.5),
    "q4-k-m": WeightFormat(bits=4.85, head_bits=6.5625),
}
"""Formats of weights by their usual names."""
