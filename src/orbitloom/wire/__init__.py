"""What travels: formats and their codecs, no behaviour."""

from orbitloom.wire.answer import Answer, AnswerKind, canonical_json
from orbitloom.wire.bundle import Bundle, Priority
from orbitloom.wire.contacts import LASER, MEDIUM_NAMES, OPTICAL, RF, ContactPlan, EndCause
from orbitloom.wire.ledger import FAULT_CAUSES, LEDGER_COLUMNS, LedgerRow, Product, WaitCause
from orbitloom.wire.tasking import Calibration, CaptureTask
from orbitloom.wire.wording import Wording

__all__ = [
    "FAULT_CAUSES",
    "LASER",
    "LEDGER_COLUMNS",
    "MEDIUM_NAMES",
    "OPTICAL",
    "RF",
    "Answer",
    "AnswerKind",
    "Bundle",
    "Calibration",
    "CaptureTask",
    "ContactPlan",
    "EndCause",
    "LedgerRow",
    "Priority",
    "Product",
    "WaitCause",
    "Wording",
    "canonical_json",
]
