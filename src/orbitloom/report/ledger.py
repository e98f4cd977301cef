"""The ledger as a table, and what must hold of it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from orbitloom.twin.result import FlightResult
from orbitloom.wire import LEDGER_COLUMNS, LedgerRow

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["breaks", "ledger_frame", "write_ledger"]

_TEXT = ("arm", "product", "node", "step", "wait_cause")
_DTYPES = dict.fromkeys(_TEXT, "string") | {
    "capture": "int32",
    "start_ns": "int64",
    "end_ns": "int64",
    "bytes_in": "int64",
    "bytes_out": "int64",
    "joules": "float64",
}


def ledger_frame(rows: Iterable[LedgerRow]) -> pd.DataFrame:
    """Return the ledger as a table, one row a step, in the order it was written.

    Columns: arm, capture, product ("answer", or the "words" that follow it), node, step, start_ns,
    end_ns (UTC since 1970), bytes_in, bytes_out, joules, wait_cause (empty unless the step is a
    wait).
    """
    import pandas as pd

    columns: dict[str, list[object]] = {name: [] for name in LEDGER_COLUMNS}
    for row in rows:
        for name, values in columns.items():
            values.append(getattr(row, name))
    return pd.DataFrame(columns, columns=list(LEDGER_COLUMNS)).astype(_DTYPES)


def write_ledger(frame: pd.DataFrame, file: Path) -> None:
    """Write the table as Parquet: the same bytes for the same table and library versions."""
    from arro3.core import Array, DataType, Field, Schema, Table
    from arro3.io import write_parquet

    kinds = {"string": DataType.utf8(), "int32": DataType.int32(), "int64": DataType.int64()}
    fields = [
        Field(name, kinds.get(_DTYPES[name], DataType.float64()), nullable=False)
        for name in LEDGER_COLUMNS
    ]
    columns = [Array(frame[field.name].tolist(), field) for field in fields]
    write_parquet(
        Table.from_arrays(columns, schema=Schema(fields)), str(file), compression="zstd(3)"
    )


def breaks(result: FlightResult) -> list[str]:
    """Return what is wrong with a flight's ledger, one sentence each; nothing if it is sound.

    For each capture of each arm: the rows start at the middle of the capture, each starts where
    the one before ended, none ends before it starts; the last ends in the inbox, and their
    durations sum to the latency, or, for an undelivered answer, it ends with the flight. Exact,
    in integer nanoseconds. A second look's rows start when it was decided on. The rows of words
    follow each other too, and end where the words came, if they did.
    """
    rows: dict[tuple[str, int], list[LedgerRow]] = {}
    of_words: dict[tuple[str, int], list[LedgerRow]] = {}
    for row in result.ledger:
        kept = rows if row.product == "answer" else of_words
        kept.setdefault((row.arm, row.capture), []).append(row)
    middles_ns = {task.capture: task.middle_ns for task in result.tasks}
    found: list[str] = []
    for name, arm in result.arms.items():
        for fate in arm.fates:
            steps = rows.pop((name, fate.capture), [])
            who = f"{name}, capture {fate.capture}"
            if not steps:
                found.append(f"{who}: no row")
                continue
            if steps[0].start_ns != middles_ns[fate.capture]:
                found.append(f"{who}: does not start at the middle of the capture")
            found += _seams(who, steps)
            end_ns = result.scenario.end_ns if fate.inbox_ns is None else fate.inbox_ns
            if steps[-1].end_ns != end_ns:
                found.append(f"{who}: ends {steps[-1].end_ns - end_ns} ns off its end")
            total_ns = sum(step.end_ns - step.start_ns for step in steps)
            if fate.latency_ns is not None and total_ns != fate.latency_ns:
                found.append(f"{who}: steps sum to {total_ns} ns, latency is {fate.latency_ns} ns")
        for cue in arm.cues:
            steps = rows.pop((name, cue.look.capture), [])
            who = f"{name}, second look {cue.look.capture}"
            if not steps or steps[0].start_ns != cue.asked_ns:
                found.append(f"{who}: does not start at its decision")
            found += _seams(who, steps)
            arrived_ns = None if cue.fate is None else cue.fate.inbox_ns
            if arrived_ns is not None and steps[-1].end_ns != arrived_ns:
                found.append(f"{who}: ends {steps[-1].end_ns - arrived_ns} ns off its end")
        for words in arm.words:
            steps = of_words.pop((name, words.capture), [])
            who = f"{name}, words of capture {words.capture}"
            found += _seams(who, steps)
            if not steps:
                found.append(f"{who}: no row")
            elif words.inbox_ns is not None and steps[-1].end_ns != words.inbox_ns:
                found.append(f"{who}: ends {steps[-1].end_ns - words.inbox_ns} ns off its end")
    for what, left in (("answer", rows), ("words", of_words)):
        found.extend(f"{arm}, capture {capture}: rows of no {what}" for arm, capture in left)
    return found


def _seams(who: str, steps: list[LedgerRow]) -> list[str]:
    """Return where steps do not follow each other."""
    gaps = [
        f"{who}: {after.step!r} starts {after.start_ns - before.end_ns} ns after "
        f"{before.step!r} ended"
        for before, after in pairwise(steps)
        if after.start_ns != before.end_ns
    ]
    return gaps + [
        f"{who}: {step.step!r} ends before it starts"
        for step in steps
        if step.end_ns < step.start_ns
    ]
