"""A contact plan as an Arrow table: every column, exact, readable by people and by any Arrow tool.

An IPC file (Feather 2). Times are timestamps in UTC with nanoseconds; nodes, media and causes of
end are dictionary-encoded text. The schema's metadata say the schema's version, all nodes in order,
how many of them fly, and the epoch if there is one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from orbitloom.errors import InputFileError
from orbitloom.scenario import time
from orbitloom.wire.contacts import MEDIUM_NAMES, ContactPlan, EndCause

if TYPE_CHECKING:
    from arro3.core import Table

__all__ = ["COLUMNS", "SCHEMA_VERSION", "from_arrow", "read_arrow", "to_arrow", "write_arrow"]

SCHEMA_VERSION = "orbitloom.contact-plan/1"

COLUMNS = {
    "sender": "name of the node that sends",
    "receiver": "name of the node that receives",
    "start": "from when data flow, UTC",
    "end": "until when, UTC",
    "rate_bps": "bits a second",
    "light_time_ns": "one-way light time at the contact's middle, ns",
    "medium": "laser, rf (radio to the ground) or optical (laser to the ground)",
    "confidence": "how likely the contact comes about, 0 to 1",
    "end_cause": "why it ends",
}
"""The table's columns and what they mean."""

_CAUSES = tuple(cause.name.lower() for cause in EndCause)


def to_arrow(plan: ContactPlan, *, epoch_ns: int | None = None) -> Table:
    """Return a plan as an Arrow table with the columns `COLUMNS`."""
    from arro3.core import Array, DataType, Field, Schema, Table

    text = DataType.dictionary(DataType.int32(), DataType.utf8())
    moment = DataType.timestamp("ns", tz="UTC")

    def named(names: tuple[str, ...], numbers: NDArray[np.integer]) -> Array:
        words = np.array(names, dtype=object)[numbers].tolist() if numbers.size else []
        return Array(words, DataType.utf8()).cast(text)

    def plain(values: NDArray[Any], kind: DataType) -> Array:
        return Array.from_numpy(np.ascontiguousarray(values)).cast(kind)

    columns = {
        "sender": named(plan.nodes, plan.sender),
        "receiver": named(plan.nodes, plan.receiver),
        "start": plain(plan.start_ns, moment),
        "end": plain(plan.end_ns, moment),
        "rate_bps": plain(plan.rate_bps, DataType.float64()),
        "light_time_ns": plain(plan.light_time_ns, DataType.int64()),
        "medium": named(MEDIUM_NAMES, plan.medium),
        "confidence": plain(plan.confidence, DataType.float64()),
        "end_cause": named(_CAUSES, plan.end_cause),
    }
    metadata = {
        "schema": SCHEMA_VERSION,
        "nodes": json.dumps(plan.nodes, ensure_ascii=False),
        "satellites": str(plan.satellites),
    }
    if epoch_ns is not None:
        metadata["epoch"] = time.to_iso(epoch_ns)
    fields = [
        Field(name, column.type, nullable=False, metadata={"meaning": COLUMNS[name]})
        for name, column in columns.items()
    ]
    return Table.from_arrays(list(columns.values()), schema=Schema(fields, metadata=metadata))


def write_arrow(plan: ContactPlan, file: Path, *, epoch_ns: int | None = None) -> None:
    """Write a plan as an Arrow IPC file."""
    from arro3.io import write_ipc

    write_ipc(to_arrow(plan, epoch_ns=epoch_ns), str(file))


def read_arrow(file: Path) -> ContactPlan:
    """Return the plan of an Arrow IPC file; see `from_arrow`.

    Raises
    ------
    InputFileError
        If it cannot be read or is no contact plan.
    """
    from arro3.core import Table
    from arro3.io import read_ipc

    try:
        with file.open("rb") as opened:
            table = Table.from_arrow(read_ipc(opened))
    except OSError as error:
        raise InputFileError.from_os(error, file) from None
    except Exception as error:  # arro3 has errors of its own, which share no base
        raise InputFileError(
            f"is not an Arrow IPC file ({str(error).splitlines()[0]})",
            where=str(file),
            way_out="'orbitloom contacts SCENARIO --out FILE.arrow' writes one",
        ) from None
    return from_arrow(table, str(file))


def from_arrow(table: Table, where: str = "table") -> ContactPlan:
    """Return the plan that a table holds.

    Raises
    ------
    InputFileError
        If a column is missing or of another type, or a name is not known.
    """
    way_out = "'orbitloom contacts SCENARIO --out FILE.arrow' writes a table as it should be"
    told = {_text(key): _text(value) for key, value in table.schema.metadata.items()}
    missing = [name for name in COLUMNS if name not in table.column_names]
    if missing:
        raise InputFileError(f"has no column {missing[0]!r}", where=where, way_out=way_out)
    try:
        nodes = tuple(json.loads(told["nodes"]))
        satellites = int(told["satellites"])
    except (KeyError, TypeError, ValueError):
        raise InputFileError(
            "does not say its nodes in the schema's metadata", where=where, way_out=way_out
        ) from None

    def numbers(name: str, names: tuple[str, ...], kind: type[np.integer]) -> NDArray[Any]:
        place = {one: number for number, one in enumerate(names)}
        words = table.column(name).to_pylist()
        try:
            return np.array([place[word] for word in words], dtype=kind)
        except KeyError as error:
            raise InputFileError(
                f"column {name!r} names {error.args[0]!r}, which is not among "
                f"{', '.join(names[:6])}{', ...' if len(names) > 6 else ''}",
                where=where,
                way_out=way_out,
            ) from None

    def plain(name: str, kind: type[np.generic]) -> NDArray[Any]:
        from arro3.core import DataType

        wanted = DataType.float64() if kind is np.float64 else DataType.int64()
        try:
            column = table.column(name).cast(wanted)
            values = [chunk.to_numpy() for chunk in column.chunks]
        except Exception:
            raise InputFileError(
                f"column {name!r} does not hold numbers", where=where, way_out=way_out
            ) from None
        return np.concatenate([np.empty(0, kind), *values]).astype(kind)

    return ContactPlan(
        nodes=nodes,
        satellites=satellites,
        sender=numbers("sender", nodes, np.int32),
        receiver=numbers("receiver", nodes, np.int32),
        start_ns=plain("start", np.int64),
        end_ns=plain("end", np.int64),
        rate_bps=plain("rate_bps", np.float64),
        light_time_ns=plain("light_time_ns", np.int64),
        medium=numbers("medium", MEDIUM_NAMES, np.int8),
        confidence=plain("confidence", np.float64),
        end_cause=numbers("end_cause", _CAUSES, np.int8),
    )


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
