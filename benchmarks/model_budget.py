"""Published token rates beside the cost model's, and what an unpublished memory rate would mean.

python benchmarks/model_budget.py
"""

from __future__ import annotations

from dataclasses import dataclass

from orbitloom.processing.inference import inference
from orbitloom.scenario.hardware import Compute, Model
from orbitloom.scenario.presets import (
    FORMATS,
    H100,
    AgxOrin,
    AgxThor,
    Llama3B,
    Llama8B,
    OrinNano,
    OrinNanoSuper,
    Tops744,
)

TOKEN_OVERHEAD_S = 3e-3
"""Launches of a decoding step, of every runtime: the bf16 and int4 rows of one computer differ by
the bytes read, and their lines meet the axis at 3.8 ms (AGX Orin) and 4.9 ms (AGX Thor)."""

BANDWIDTH_EFFICIENCY = {"compiled": 0.9, "llama.cpp": 0.6}
"""By class of runtime: kernels compiled for the computer, or portable ones."""

RATES_GB_PER_S = (50.0, 102.0, 204.8, 273.0, 400.0, 800.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A published row: decoding, all streams together.

    `prefill_tokens_per_s` is what the same kernel does in prefill, published too; where it is not,
    the model's own efficiency stands in.
    """

    computer: Compute
    model: Model
    weights: str
    measured_tokens_per_s: float
    runtime: str = "compiled"
    batch: int = 1
    prefill_tokens_per_s: float | None = None

    def modelled_tokens_per_s(self) -> float:
        """Return the cost model's rate, with short contexts as the tables have."""
        update = {"bandwidth_efficiency": BANDWIDTH_EFFICIENCY[self.runtime]}
        served = {"prompt_tokens": 128, "image_tokens": 0, "token_overhead_s": TOKEN_OVERHEAD_S}
        model = FORMATS[self.weights].applied(self.model).model_copy(update=served)
        computer = self.computer.model_copy(update=update)
        if self.prefill_tokens_per_s is not None:
            scale = self.prefill_tokens_per_s / inference(model, computer).prefill_tokens_per_s
            efficiency = {"prefill_efficiency": model.prefill_efficiency * scale}
            model = model.model_copy(update=efficiency)
        return inference(model, computer, self.batch).decode_tokens_per_s

    def name(self) -> str:
        """Return computer, model, weights and batch in words."""
        model = type(self.model).__name__
        return f"{type(self.computer).__name__}, {model} {self.weights}, batch {self.batch}"


# NVIDIA's tables (Orin Nano Super, Thor TensorRT-Edge-LLM), embedl Edge-Inference-Benchmarks,
# OpenBMB/MiniCPM issue 331, a public H100 benchmark gist.
ROWS = tuple(
    Row(
        computer=computer,
        model=model,
        weights=weights,
        measured_tokens_per_s=measured,
        runtime=runtime,
        batch=batch,
        prefill_tokens_per_s=prefill,
    )
    for computer, model, weights, measured, runtime, batch, prefill in (
        (OrinNano(), Llama8B(), "mlc-int4", 14.0, "compiled", 1, None),
        (OrinNanoSuper(), Llama8B(), "mlc-int4", 19.14, "compiled", 1, None),
        (AgxOrin(), Llama3B(), "bf16", 25.64, "compiled", 1, None),
        (AgxOrin(), Llama3B(), "awq-int4", 61.2, "compiled", 1, None),
        (AgxOrin(), Llama8B(), "q4-k-m", 25.0, "llama.cpp", 1, None),
        (AgxThor(), Llama8B(), "awq-int4", 50.8, "compiled", 1, None),
        (AgxThor(), Llama8B(), "awq-int4", 135.3, "compiled", 8, 1_777.0),
        (AgxThor(), Llama8B(), "nvfp4", 54.9, "compiled", 1, None),
        (AgxThor(), Llama8B(), "nvfp4", 308.7, "compiled", 8, 12_355.0),
        (AgxThor(), Llama3B(), "bf16", 34.2, "compiled", 1, None),
        (AgxThor(), Llama3B(), "awq-int4", 73.6, "compiled", 1, None),
        (H100(), Llama8B(), "bf16", 111.0, "compiled", 1, None),
    )
)


def main() -> None:
    print(f"{'row':<42}{'measured':>9}{'modelled':>9}{'ratio':>7}")
    for row in ROWS:
        modelled, measured = row.modelled_tokens_per_s(), row.measured_tokens_per_s
        print(f"{row.name():<42}{measured:9.1f}{modelled:9.1f}{modelled / measured:7.2f}")
    print(f"\n744 TOPS\n{'GB/s':>6}{'tokens/s':>10}{'prefill s':>10}{'answer s':>10}{'J':>7}")
    model = FORMATS["awq-int4"].applied(Llama8B(prefill_efficiency=0.25))
    for rate_gb_per_s in RATES_GB_PER_S:
        computer = Tops744(memory_gb_per_s=rate_gb_per_s)
        times = inference(model, computer)
        seconds = times.prefill_s + times.decode_s
        print(
            f"{rate_gb_per_s:6.0f}{times.decode_tokens_per_s:10.1f}{times.prefill_s:10.2f}"
            f"{seconds:10.2f}{seconds * computer.load_w:7.0f}"
        )


if __name__ == "__main__":
    main()
