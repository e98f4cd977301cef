"""What contact plans of other tools share: numbered nodes, whole seconds, whole bits.

They number nodes as the ipn scheme does (RFC 6260) and count whole seconds. Ours go out as
ipn:1, ipn:2, ..., in the plan's order. A contact is cut to whole seconds *inwards*, so that no tool
believes in a contact longer than the real one; one that holds no whole second is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orbitloom.errors import InputFileError
from orbitloom.scenario import time
from orbitloom.wire.contacts import LASER, RF, ContactPlan

__all__ = ["FIRST_NODE", "Node", "Rows", "Seconds", "node_table", "plan_text", "whole_seconds"]

FIRST_NODE = 1
"""Number of a plan's first node in other tools' files; 0 is nobody (RFC 9758, ipn:!)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node of another tool's plan: its name, and whether it stands on the ground."""

    name: str
    station: bool


def plan_text(file: Path, *, way_out: str) -> str:
    """Return the text of a contact plan's file.

    Raises
    ------
    InputFileError
        If it cannot be read or is not UTF-8; `way_out` is then the way out.
    """
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputFileError("is not UTF-8 text", where=str(file), way_out=way_out) from None
    except OSError as error:
        raise InputFileError.from_os(error, file) from None


def node_table(plan: ContactPlan) -> dict[int, Node]:
    """Return a plan's nodes by the number that they go out with."""
    return {
        FIRST_NODE + index: Node(name=name, station=index >= plan.satellites)
        for index, name in enumerate(plan.nodes)
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Seconds:
    """A plan's contacts in whole seconds after an epoch.

    Attributes
    ----------
    epoch_ns
        A whole second.
    kept
        (n,) numbers of the plan's contacts that hold a whole second.
    start_s, end_s
        (n,) int64.
    """

    epoch_ns: int
    kept: NDArray[np.int64]
    start_s: NDArray[np.int64]
    end_s: NDArray[np.int64]


def whole_seconds(plan: ContactPlan, epoch_ns: int | None) -> Seconds:
    """Return a plan's contacts cut to whole seconds inwards.

    Parameters
    ----------
    epoch_ns
        What seconds are counted from, cut to the second before; the plan's first start if None.
    """
    if epoch_ns is None:
        epoch_ns = int(plan.start_ns.min(initial=plan.start_ns[0])) if len(plan) else 0
    epoch_ns -= epoch_ns % time.SECOND_NS
    start_s = -(-(plan.start_ns - epoch_ns) // time.SECOND_NS)
    end_s = (plan.end_ns - epoch_ns) // time.SECOND_NS
    kept = np.flatnonzero(start_s < end_s)
    return Seconds(epoch_ns=epoch_ns, kept=kept, start_s=start_s[kept], end_s=end_s[kept])


@dataclass(slots=True, kw_only=True)
class Rows:
    """Contacts as they are read, one list a column, with other tools' node numbers."""

    sender: list[int] = field(default_factory=list)
    receiver: list[int] = field(default_factory=list)
    start_ns: list[int] = field(default_factory=list)
    end_ns: list[int] = field(default_factory=list)
    rate_bps: list[float] = field(default_factory=list)
    light_time_ns: list[int] = field(default_factory=list)
    confidence: list[float] = field(default_factory=list)
    medium: list[int | None] = field(default_factory=list)
    end_cause: list[int] = field(default_factory=list)

    def plan(self, table: Mapping[int, Node], stations: Sequence[int] = ()) -> ContactPlan:
        """Return the contact plan.

        Parameters
        ----------
        table
            Nodes by number; those that it lacks are called ``ipn:NUMBER`` and fly.
        stations
            Numbers of further nodes that stand on the ground.
        """
        numbers = sorted({*self.sender, *self.receiver, *table})
        nodes = {
            number: table.get(number) or Node(name=f"ipn:{number}", station=number in stations)
            for number in numbers
        }
        order = sorted(numbers, key=lambda number: (nodes[number].station, number))
        place = {number: index for index, number in enumerate(order)}
        satellites = sum(not node.station for node in nodes.values())
        sender = np.array([place[number] for number in self.sender], dtype=np.int32)
        receiver = np.array([place[number] for number in self.receiver], dtype=np.int32)
        guess = np.where((sender >= satellites) | (receiver >= satellites), RF, LASER).tolist()
        told: dict[str, Any] = {
            "start_ns": np.array(self.start_ns, dtype=np.int64),
            "end_ns": np.array(self.end_ns, dtype=np.int64),
            "rate_bps": np.array(self.rate_bps, dtype=np.float64),
            "light_time_ns": np.array(self.light_time_ns, dtype=np.int64),
            "confidence": np.array(self.confidence, dtype=np.float64),
            "medium": np.array(
                [by if by is not None else g for by, g in zip(self.medium, guess, strict=True)],
                dtype=np.int8,
            ),
            "end_cause": np.array(self.end_cause, dtype=np.int8),
        }
        return ContactPlan(
            nodes=tuple(nodes[number].name for number in order),
            satellites=satellites,
            sender=sender,
            receiver=receiver,
            **told,
        )
