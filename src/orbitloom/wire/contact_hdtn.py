"""A contact plan as HDTN takes it: JSON with ``contacts``, rates in bits a second.

Each contact has whole numbers ``contact``, ``source``, ``dest``, ``startTime``, ``endTime``
(seconds), ``rateBitsPerSec`` and ``owlt`` (one-way light time, seconds), as in the plans that
https://github.com/nasa/HDTN ships. HDTN counts seconds from when it starts, or from 1970 if told
``--use-unix-timestamp``. It looks its keys up by name, so ours beside them do no harm: ``medium``,
``endCause`` and ``confidence`` of a contact, and ``orbitloom`` with epoch and node names.

What is lost: fractions of a second (contacts are cut inwards), of a bit a second (rounded down) and
of a light second (rounded to the nearest: 0 in low orbit).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from orbitloom.errors import InputFileError
from orbitloom.scenario import time
from orbitloom.wire.contact_nodes import (
    FIRST_NODE,
    Node,
    Rows,
    node_table,
    plan_text,
    whole_seconds,
)
from orbitloom.wire.contacts import MEDIUM_NAMES, ContactPlan, EndCause

__all__ = ["from_hdtn", "read_hdtn", "to_hdtn", "write_hdtn"]

_CAUSES = {cause.name.lower(): int(cause) for cause in EndCause}
_MEDIA = {name: number for number, name in enumerate(MEDIUM_NAMES)}


def to_hdtn(plan: ContactPlan, *, epoch_ns: int | None = None, unix_times: bool = False) -> str:
    """Return a plan as the text of an HDTN contact plan.

    Parameters
    ----------
    plan
        What to write. Contacts without a whole second or a whole bit a second are left out: 0 means
        no limit to HDTN.
    epoch_ns
        What seconds count from, cut to the second; the first contact's start if None.
    unix_times
        Whether they count from 1970 instead, for ``--use-unix-timestamp``.
    """
    seconds = whole_seconds(plan, 0 if unix_times else epoch_ns)
    rate = np.floor(plan.rate_bps[seconds.kept]).astype(np.int64)
    columns = (
        plan.sender[seconds.kept] + FIRST_NODE,
        plan.receiver[seconds.kept] + FIRST_NODE,
        seconds.start_s,
        seconds.end_s,
        rate,
        np.rint(plan.light_time_ns[seconds.kept] / time.SECOND_NS).astype(np.int64),
        plan.medium[seconds.kept],
        plan.confidence[seconds.kept],
        plan.end_cause[seconds.kept],
    )
    lines: list[str] = []
    for row in zip(*(column[rate > 0].tolist() for column in columns), strict=True):
        sender, receiver, start, end, bits, light, medium, sure, cause = row
        contact = {
            "contact": len(lines) + 1,
            "source": sender,
            "dest": receiver,
            "startTime": start,
            "endTime": end,
            "rateBitsPerSec": bits,
            "owlt": light,
            "medium": MEDIUM_NAMES[medium],
            "confidence": sure,
            "endCause": EndCause(cause).name.lower(),
        }
        lines.append("    " + json.dumps(contact))
    nodes = [
        "      " + json.dumps({"node": number, "name": node.name, "station": node.station})
        for number, node in node_table(plan).items()
    ]
    listed, named = ",\n".join(lines), ",\n".join(nodes)
    return (
        f'{{\n  "contacts": [\n{listed}\n  ],\n'
        f'  "orbitloom": {{\n    "epoch": "{time.to_iso(seconds.epoch_ns)}",\n'
        f'    "nodes": [\n{named}\n    ]\n  }}\n}}\n'
    )


def write_hdtn(
    plan: ContactPlan, file: Path, *, epoch_ns: int | None = None, unix_times: bool = False
) -> None:
    """Write a plan as an HDTN contact plan; see `to_hdtn`."""
    file.write_text(to_hdtn(plan, epoch_ns=epoch_ns, unix_times=unix_times), encoding="utf-8")


def read_hdtn(file: Path, *, reference_ns: int = 0, stations: Sequence[int] = ()) -> ContactPlan:
    """Return the plan of an HDTN file; see `from_hdtn`.

    Raises
    ------
    InputFileError
        If it cannot be read, or something in it is wrong.
    """
    text = plan_text(file, way_out="It takes HDTN's JSON")
    return from_hdtn(text, str(file), reference_ns=reference_ns, stations=stations)


def from_hdtn(
    text: str, where: str = "contact plan", *, reference_ns: int = 0, stations: Sequence[int] = ()
) -> ContactPlan:
    """Return the plan that an HDTN file describes, ours or anyone's.

    The older key ``rate`` (10⁶ bits a second) is taken too. Without our keys a contact is sure, its
    end has no cause and reads as `EndCause.HORIZON`, and its medium is radio where a station takes
    part.

    Parameters
    ----------
    where
        What errors call the file.
    reference_ns
        What seconds count from, where the file does not say.
    stations
        Numbers of nodes on the ground, where the file does not say.

    Raises
    ------
    InputFileError
        If something is wrong; names the line.
    """
    try:
        told = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputFileError(
            f"is not JSON: {error.msg}",
            where=f"{where}, line {error.lineno}",
            way_out="Mend that line",
        ) from None
    if not isinstance(told, dict) or not isinstance(told.get("contacts"), list):
        raise InputFileError(
            "has no list 'contacts'", where=where, way_out="It takes HDTN's contact plan"
        )
    table, reference_ns = _header(told.get("orbitloom"), where, reference_ns)
    rows = Rows()
    for index, contact in enumerate(told["contacts"]):
        try:
            _take(rows, contact, reference_ns)
        except ValueError as error:
            line = _line_of(text, index)
            raise InputFileError(
                f"contact number {index + 1} in the list: {error}",
                where=f"{where}, line {line}" if line else where,
                way_out="Times, light times and rates are whole numbers; rates are above 0",
            ) from None
    return rows.plan(table, stations)


def _header(told: Any, where: str, reference_ns: int) -> tuple[dict[int, Node], int]:
    """Return the nodes by number, and the epoch."""
    if told is None:
        return {}, reference_ns
    try:
        table = {
            int(node["node"]): Node(name=str(node["name"]), station=bool(node["station"]))
            for node in told["nodes"]
        }
        return table, time.from_iso(told["epoch"])
    except (KeyError, TypeError, ValueError):
        raise InputFileError(
            "the key 'orbitloom' is damaged",
            where=where,
            way_out="Leave it out: the plan reads without it",
        ) from None


def _take(rows: Rows, contact: Any, reference_ns: int) -> None:
    if not isinstance(contact, dict):
        raise ValueError(f"{contact!r} is not a contact")
    start, end = _whole(contact, "startTime"), _whole(contact, "endTime")
    if start >= end:
        raise ValueError(f"it starts at {start} s and ends at {end} s")
    if "rateBitsPerSec" in contact or "rate" not in contact:
        rate = _whole(contact, "rateBitsPerSec")
    else:
        rate = 1_000_000 * _whole(contact, "rate")
    if rate <= 0:
        raise ValueError("rate 0, no limit to HDTN, says nothing of how long sending takes")
    confidence = contact.get("confidence", 1.0)
    if not isinstance(confidence, int | float) or not 0.0 <= confidence <= 1.0:
        raise ValueError(f"confidence {confidence!r} does not lie within 0 and 1")
    medium = contact.get("medium")
    if medium is not None and medium not in _MEDIA:
        raise ValueError(f"there is no medium {medium!r}; known: {', '.join(_MEDIA)}")
    cause = contact.get("endCause", "horizon")
    if cause not in _CAUSES:
        raise ValueError(f"there is no cause {cause!r}; known: {', '.join(_CAUSES)}")
    rows.sender.append(_whole(contact, "source"))
    rows.receiver.append(_whole(contact, "dest"))
    rows.start_ns.append(reference_ns + start * time.SECOND_NS)
    rows.end_ns.append(reference_ns + end * time.SECOND_NS)
    rows.rate_bps.append(float(rate))
    rows.light_time_ns.append(_whole(contact, "owlt") * time.SECOND_NS)
    rows.confidence.append(float(confidence))
    rows.medium.append(None if medium is None else _MEDIA[medium])
    rows.end_cause.append(_CAUSES[cause])


def _whole(contact: dict[str, Any], key: str) -> int:
    if key not in contact:
        raise ValueError(f"it has no {key!r}")
    value = contact[key]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or value != int(value) or not 0 <= value < 1e15:
        raise ValueError(f"{key} is {value!r}")
    return int(value)


def _line_of(text: str, index: int) -> int | None:
    """Return the line where a contact begins, or None if that is not clear."""
    begun = re.search(r'"contacts"\s*:\s*\[', text)
    if begun is None:
        return None
    at, decoder = begun.end(), json.JSONDecoder()
    space = re.compile(r"[\s,]*")
    for turn in range(index + 1):
        gap = space.match(text, at)
        at = gap.end() if gap else at
        if turn == index:
            return text.count("\n", 0, at) + 1
        try:
            _, at = decoder.raw_decode(text, at)
        except ValueError:
            return None
    return None
