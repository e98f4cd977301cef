"""What a language or vision model costs on a computer: tokens a second, seconds and joules.

Decoding reads every weight and the key-value caches of all n streams once a step; prefill is bound
by arithmetic, and so are streams together on kernels whose arithmetic is slow: m is 1 for one
stream, else at least a kernel's tile. `docs/design/cost-model.md` compares with published rows::

    t_dec = max((B + n c k) / (eta BW), 2 (P_lin m + P_head n) / (mfu F)) + t_0
    t_pre = N 2 P_lin / (mfu F) + 4 L N^2 d / (mfu F)
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from orbitloom.processing.cost import Profile, StageCost
from orbitloom.scenario.hardware import Model

__all__ = [
    "Inference",
    "PhaseEnergy",
    "image_tokens",
    "inference",
    "load_s",
    "look_cost",
    "phase_energy",
    "weight_bytes",
    "writing_cost",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference:
    """A language model's rates and times on a profile.

    `prefill_tokens_per_s` is that of the linear layers, as data sheets give it; `prefill_s` has
    the attention term too. `decode_tokens_per_s` is of all streams together, `decode_s` is how
    long each of them takes.
    """

    prefill_tokens_per_s: float
    decode_tokens_per_s: float
    prefill_s: float
    decode_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseEnergy:
    """Joules by phase, idle power included; the same joules are heat."""

    prefill_j: float
    decode_j: float
    loaded_j: float
    load_j: float

    @property
    def total_j(self) -> float:
        """All phases together."""
        return self.prefill_j + self.decode_j + self.loaded_j + self.load_j


def image_tokens(width_px: int, height_px: int, token_px: int) -> int:
    """Return the tokens of a picture: one for each square of `token_px`, the last ones cut.

    `token_px` is 28 for Qwen2.5-VL and 32 for Qwen3-VL.
    """
    return math.ceil(width_px / token_px) * math.ceil(height_px / token_px)


def _linear(model: Model) -> float:
    return model.parameters - model.head_parameters - model.embedding_parameters


def _context(model: Model) -> float:
    """Return the mean tokens in the cache while decoding: those in and half of those out."""
    return model.prompt_tokens + model.image_tokens + model.answer_tokens / 2


def weight_bytes(model: Model) -> float:
    """Return the bytes that one token reads: linear layers and head, not the input embedding."""
    return (
        _linear(model) * model.bytes_per_parameter
        + model.head_parameters * model.head_bytes_per_parameter
    )


def inference(model: Model, profile: Profile, batch: int = 1) -> Inference:
    """Return how fast a model reads its evidence and writes its answer.

    Parameters
    ----------
    model
        The model, its tokens in and out, and how well it is served.
    profile
        The computer.
    batch
        Streams that decode together, each with a context of its own.
    """
    linear = _linear(model)
    tokens_in = model.prompt_tokens + model.image_tokens
    arithmetic_per_s = (
        profile.peak_tops * 1e12 * profile.half_precision_share * model.prefill_efficiency
    )
    memory_per_s = profile.memory_gb_per_s * 1e9 * profile.bandwidth_efficiency
    attention = 4.0 * model.layers * tokens_in**2 * model.width
    read = weight_bytes(model) + batch * _context(model) * model.kv_bytes_per_token
    # One stream runs on kernels for vectors; several fill a part of a tile, and pay for all of it.
    # The head is a matrix of its own, mostly in another format.
    rows = 1 if batch == 1 else max(batch, model.batch_tile)
    operations = 2.0 * (linear * rows + model.head_parameters * batch)
    step_s = model.token_overhead_s + max(read / memory_per_s, operations / arithmetic_per_s)
    return Inference(
        prefill_tokens_per_s=arithmetic_per_s / (2.0 * linear),
        decode_tokens_per_s=batch / step_s,
        prefill_s=(tokens_in * 2.0 * linear + attention) / arithmetic_per_s,
        decode_s=model.answer_tokens * step_s,
    )


def writing_cost(model: Model, profile: Profile) -> StageCost:
    """Return what one text of the model costs: prefill, then decoding token by token."""
    linear = _linear(model)
    tokens_in = model.prompt_tokens + model.image_tokens
    times = inference(model, profile)
    seconds = times.prefill_s + times.decode_s
    weights = weight_bytes(model)
    cache = _context(model) * model.kv_bytes_per_token
    return StageCost(
        step="words",
        operations=(tokens_in + model.answer_tokens) * 2.0 * linear
        + model.answer_tokens * 2.0 * model.head_parameters
        + 4.0 * model.layers * tokens_in**2 * model.width,
        bytes_moved=weights + model.answer_tokens * (weights + cache),
        seconds=seconds,
        joules=(profile.load_w - profile.idle_w) * seconds,
    )


def look_cost(
    model: Model, profile: Profile, width_px: int, height_px: int, token_px: int
) -> StageCost:
    """Return what the model takes to look at a whole scene, and to say what it sees.

    Parameters
    ----------
    width_px, height_px
        Of the scene.
    token_px
        See `image_tokens`.
    """
    seen = model.model_copy(update={"image_tokens": image_tokens(width_px, height_px, token_px)})
    return replace(writing_cost(seen, profile), step="look")


def load_s(model: Model, storage_gb_per_s: float) -> float:
    """Return how long the weights, the input embedding too, take from storage."""
    embedding = model.embedding_parameters * model.head_bytes_per_parameter
    return (weight_bytes(model) + embedding) / (storage_gb_per_s * 1e9)


def phase_energy(
    model: Model, profile: Profile, *, waiting_s: float, storage_gb_per_s: float
) -> PhaseEnergy:
    """Return the energy of one loading, one answer and the time the model lies loaded.

    Parameters
    ----------
    model, profile
        As for `inference`. Prefill and decoding draw `load_w`, waiting and loading `idle_w`: an
        assumption, for nobody publishes powers by phase.
    waiting_s
        How long the model is loaded and does nothing.
    storage_gb_per_s
        Rate at which the weights are read.
    """
    times = inference(model, profile)
    return PhaseEnergy(
        prefill_j=profile.load_w * times.prefill_s,
        decode_j=profile.load_w * times.decode_s,
        loaded_j=profile.idle_w * waiting_s,
        load_j=profile.idle_w * load_s(model, storage_gb_per_s),
    )
