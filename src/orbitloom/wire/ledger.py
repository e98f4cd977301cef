"""The ledger: one line for each step on the way from photons to an inbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["FAULT_CAUSES", "LEDGER_COLUMNS", "LedgerRow", "Product", "WaitCause"]

WaitCause = Literal[
    "",
    "computer busy",
    "battery low",
    "computer hot",
    "no contact",
    "link busy",
    "store full",
    "not in view",
    "satellite lost",
    "terminal lost",
    "station out",
    "not acquired",
    "clock off",
    "computer reset",
    "product damaged",
    "weather",
]
"""Why a step of kind ``wait`` waited; empty for every other step. The last eight break contacts."""

FAULT_CAUSES: tuple[WaitCause, ...] = (
    "satellite lost",
    "terminal lost",
    "station out",
    "not acquired",
    "clock off",
    "computer reset",
    "product damaged",
    "weather",
)
"""Those causes that break what was planned: faults, and the sky over a station."""

Product = Literal["answer", "words"]
"""What a step works on: a capture's answer, or the words that a language model finds for it."""

LEDGER_COLUMNS = (
    "arm",
    "capture",
    "product",
    "node",
    "step",
    "start_ns",
    "end_ns",
    "bytes_in",
    "bytes_out",
    "joules",
    "wait_cause",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One step: who, what, from when to when, bytes in and out, energy, and why it waited.

    The rows of one product of one capture in one arm are contiguous: each starts where the one
    before ended. The first starts at the middle of the capture; that of a second look when it was
    decided on; that of words when the alert had left, or come in where it was made on the ground.
    """

    arm: str
    capture: int
    node: str
    step: str
    start_ns: int
    end_ns: int
    bytes_in: int = 0
    bytes_out: int = 0
    joules: float = 0.0
    wait_cause: WaitCause = ""
    product: Product = "answer"
