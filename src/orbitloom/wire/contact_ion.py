"""A contact plan as ION takes it: commands ``a contact`` and ``a range`` of ``ionadmin``.

Syntax after ION's manual page ionrc(5): rates in bytes a second, distances in light seconds, times
as ``yyyy/mm/dd-hh:mm:ss`` or ``+seconds`` after the reference time that ``@`` sets. A range from
the smaller to the larger node number holds both ways, unless another says otherwise for the way
back; one from the larger to the smaller number says nothing of the way there. ION uses no contact
at whose start no range holds.

What is lost: fractions of a second (contacts are cut inwards), of a byte a second (rounded down)
and of a light second (rounded to the nearest: 0 in low orbit), medium and cause of end. Node names
go into comments, which ION skips and `read_ion` reads.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

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
from orbitloom.wire.contacts import ContactPlan, EndCause

__all__ = ["from_ion", "read_ion", "to_ion", "write_ion"]

_NODE = re.compile(r"# node (\d+) (satellite|station) (\".*\")")
_ABSOLUTE = re.compile(r"(\d{4})/(\d\d)/(\d\d)-(\d\d):(\d\d):(\d\d)")
_SECTION = re.compile(r"##\s*(begin|end)\s+(\w+)")
_MANUAL = "See the manual page ionrc(5)"
# Commands of ionadmin that say nothing of the plan.
_OTHERS = frozenset("?hev1!milbrsxwqt")

Ranges = dict[tuple[int, int], list[tuple[int, int, int]]]


def to_ion(plan: ContactPlan, *, epoch_ns: int | None = None, title: str = "") -> str:
    """Return a plan as the text of an ionrc file.

    Parameters
    ----------
    plan
        What to write. Contacts without a whole second, a whole byte a second or any confidence are
        left out; a comment says how many.
    epoch_ns
        The reference time of the file, cut to the second; the first contact's start if None.
    title
        One line for people.
    """
    seconds = whole_seconds(plan, epoch_ns)
    rate = (plan.rate_bps[seconds.kept] // 8.0).astype(np.int64)
    confidence = plan.confidence[seconds.kept]
    sent = (rate > 0) & (confidence > 0)
    columns = (
        plan.sender[seconds.kept] + FIRST_NODE,
        plan.receiver[seconds.kept] + FIRST_NODE,
        seconds.start_s,
        seconds.end_s,
        rate,
        confidence,
        np.rint(plan.light_time_ns[seconds.kept] / time.SECOND_NS).astype(np.int64),
    )
    rows = list(zip(*(column[sent].tolist() for column in columns), strict=True))
    reference = time.to_datetime(seconds.epoch_ns).strftime("%Y/%m/%d-%H:%M:%S")
    lines = [f"# {line}" for line in (title or "Contact plan").splitlines()]
    lines += [
        "# For ionadmin, see ionrc(5). Contacts: start, end, sender, receiver, bytes a second,",
        "# confidence if not 1. Ranges: start, end, node, node, light seconds, to the nearest.",
        f"# Contacts are cut to whole seconds inwards; {len(plan) - len(rows)} of {len(plan)} hold "
        "no second,",
        "# no byte or no confidence, and are left out.",
        "# Seconds count from the line that begins with @; without it, from when this is read.",
    ]
    for number, node in node_table(plan).items():
        kind = "station" if node.station else "satellite"
        lines.append(f"# node {number} {kind} {json.dumps(node.name, ensure_ascii=False)}")
    lines.append(f"@ {reference}")
    for sender, receiver, start, end, byte_rate, sure, _ in rows:
        doubt = "" if sure == 1.0 else f" {sure!r}"
        lines.append(f"a contact +{start} +{end} {sender} {receiver} {byte_rate}{doubt}")
    ranges: Ranges = defaultdict(list)
    for sender, receiver, start, end, _, _, light in rows:
        ranges[sender, receiver].append((start, end, light))
    for (one, other), spans in sorted(ranges.items()):
        if one > other and set(spans) <= set(ranges.get((other, one), ())):
            continue  # declared by the other direction
        lines += [f"a range +{start} +{end} {one} {other} {light}" for start, end, light in spans]
    return "\n".join(lines) + "\n"


def write_ion(
    plan: ContactPlan, file: Path, *, epoch_ns: int | None = None, title: str = ""
) -> None:
    """Write a plan as an ionrc file; see `to_ion`."""
    file.write_text(to_ion(plan, epoch_ns=epoch_ns, title=title), encoding="utf-8")


def read_ion(file: Path, *, reference_ns: int = 0, stations: Sequence[int] = ()) -> ContactPlan:
    """Return the plan of an ionrc file; see `from_ion`.

    Raises
    ------
    InputFileError
        If it cannot be read, or a line of it is wrong.
    """
    text = plan_text(file, way_out="It takes an ionrc file")
    return from_ion(text, str(file), reference_ns=reference_ns, stations=stations)


def from_ion(
    text: str, where: str = "ionrc", *, reference_ns: int = 0, stations: Sequence[int] = ()
) -> ContactPlan:
    """Return the plan that an ionrc file describes, ours or anyone's.

    Lines of other commands of ``ionadmin`` are skipped, and so are other programs' sections of a
    file for ``ionstart``, registrations and hypothetical contacts, and contacts of a node with
    itself. Ends of contacts have no cause in such a file and read as `EndCause.HORIZON`; the medium
    is radio where a station takes part.

    Parameters
    ----------
    where
        What errors call the file.
    reference_ns
        What relative times count from before the first ``@``.
    stations
        Numbers of nodes on the ground, where the file has no node table of ours.

    Raises
    ------
    InputFileError
        If a line is wrong; names the line.
    """
    reader = _Reader(where, reference_ns)
    for number, line in _lines(text):
        reader.take(number, line)
    return reader.rows().plan(reader.table, stations)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield number and text of the lines that are for ionadmin."""
    ours = True
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip()
        section = _SECTION.match(line)
        if section:
            ours = (section[2] == "ionadmin") == (section[1] == "begin")
        elif ours and line:
            yield number, line


class _Reader:
    """What has been read so far of one file."""

    def __init__(self, where: str, reference_ns: int) -> None:
        self._where = where
        self._reference_ns = reference_ns
        self._contacts: list[tuple[int, int, int, int, int, int, float]] = []
        self._ranges: Ranges = defaultdict(list)
        self.table: dict[int, Node] = {}

    def take(self, number: int, line: str) -> None:
        node = _NODE.fullmatch(line)
        if node:
            try:
                name = json.loads(node[3])
            except ValueError:
                raise self._wrong(number, f"{node[3]} is no name", "Names are quoted") from None
            self.table[int(node[1])] = Node(name=name, station=node[2] == "station")
        if line.startswith("#"):
            return
        command, *words = line.split()
        if command == "@":
            self._expect(number, words, "@ TIME", 1)
            self._reference_ns = self._time(number, words[0])
        elif command == "^":
            if words != ["1"]:
                raise self._wrong(number, "only region 1 is read", "Give each region its own file")
        elif command == "a" and words[:1] == ["contact"]:
            self._contact(number, words[1:])
        elif command == "a" and words[:1] == ["range"]:
            self._range(number, words[1:])
        elif command in {"a", "c", "d"}:
            raise self._wrong(
                number,
                f"{' '.join([command, *words[:1]])!r} is not understood",
                "A plan is made of 'a contact' and 'a range' only",
            )
        elif command not in _OTHERS:
            raise self._wrong(number, f"{command!r} is no command of ionadmin")

    def _contact(self, number: int, words: list[str]) -> None:
        shape = "a contact START STOP FROM TO BYTES_PER_SECOND [CONFIDENCE]"
        self._expect(number, words, shape, 5, 6)
        sender, receiver = (self._whole(number, word, "node number", 1) for word in words[2:4])
        if words[0] == "-1" or words[1] == "0":  # registration, hypothetical: nothing to send in
            return
        start_ns, end_ns = self._span(number, words)
        rate = self._whole(number, words[4], "rate", 1)
        sure = self._confidence(number, words[5]) if len(words) == 6 else 1.0
        if sender != receiver:
            self._contacts.append((sender, receiver, start_ns, end_ns, number, rate, sure))

    def _range(self, number: int, words: list[str]) -> None:
        self._expect(number, words, "a range START STOP NODE NODE LIGHT_SECONDS", 5)
        one, other = (self._whole(number, word, "node number", 1) for word in words[2:4])
        start_ns, end_ns = self._span(number, words)
        light = self._whole(number, words[4], "distance", 0)
        self._ranges[one, other].append((start_ns, end_ns, light * time.SECOND_NS))

    def rows(self) -> Rows:
        """Return the contacts, each with the range that holds at its start."""
        rows = Rows()
        for spans in self._ranges.values():
            spans.sort()
        last: dict[tuple[int, int], tuple[int, int]] = {}
        for sender, receiver, start_ns, end_ns, number, rate, sure in sorted(
            self._contacts, key=lambda contact: contact[2:5]
        ):
            before = last.get((sender, receiver))
            if before is not None and start_ns < before[0]:
                raise self._wrong(
                    number,
                    f"this contact from {sender} to {receiver} overlaps that of line {before[1]}",
                    "ION allows one contact of a pair at a time",
                )
            last[sender, receiver] = end_ns, number
            light_ns = self._light(sender, receiver, start_ns)
            if light_ns is None:
                raise self._wrong(
                    number,
                    f"no range between {sender} and {receiver} holds when this contact starts",
                    "Add 'a range'; ION does not use a contact without one",
                )
            rows.sender.append(sender)
            rows.receiver.append(receiver)
            rows.start_ns.append(start_ns)
            rows.end_ns.append(end_ns)
            rows.rate_bps.append(8.0 * rate)
            rows.light_time_ns.append(light_ns)
            rows.confidence.append(sure)
            rows.medium.append(None)
            rows.end_cause.append(EndCause.HORIZON)
        return rows

    def _light(self, sender: int, receiver: int, start_ns: int) -> int | None:
        pairs = [(sender, receiver)]
        if sender > receiver:  # what is declared from the smaller number holds both ways
            pairs.append((receiver, sender))
        for pair in pairs:
            spans = self._ranges.get(pair, ())
            at = bisect_right(spans, start_ns, key=lambda span: span[0]) - 1
            if at >= 0 and start_ns < spans[at][1]:
                return spans[at][2]
        return None

    def _expect(self, number: int, words: list[str], shape: str, *counts: int) -> None:
        if len(words) not in counts:
            raise self._wrong(number, f"{len(words)} values where it takes {shape}")

    def _span(self, number: int, words: list[str]) -> tuple[int, int]:
        start_ns, end_ns = (self._time(number, word) for word in words[:2])
        if start_ns >= end_ns:
            raise self._wrong(number, f"it starts at {words[0]} and stops at {words[1]}")
        return start_ns, end_ns

    def _time(self, number: int, word: str) -> int:
        if re.fullmatch(r"\+\d{1,10}", word):
            return self._reference_ns + int(word) * time.SECOND_NS
        absolute = _ABSOLUTE.fullmatch(word)
        if absolute:
            year, month, day, hour, minute, second = absolute.groups()
            try:
                return time.from_iso(f"{year}-{month}-{day}T{hour}:{minute}:{second}Z")
            except ValueError:
                pass
        raise self._wrong(
            number, f"{word!r} is no time", "It takes yyyy/mm/dd-hh:mm:ss or +SECONDS"
        )

    def _whole(self, number: int, word: str, what: str, least: int) -> int:
        if not re.fullmatch(r"\d{1,18}", word) or int(word) < least:
            raise self._wrong(
                number, f"{word!r} is no {what}", f"It takes a whole number >= {least}"
            )
        return int(word)

    def _confidence(self, number: int, word: str) -> float:
        try:
            value = float(word)
        except ValueError:
            value = -1.0
        if not 0.0 < value <= 1.0:
            raise self._wrong(number, f"{word!r} is no confidence", "It lies above 0, up to 1")
        return value

    def _wrong(self, number: int, what: str, way_out: str = _MANUAL) -> InputFileError:
        return InputFileError(what, where=f"{self._where}, line {number}", way_out=way_out)
