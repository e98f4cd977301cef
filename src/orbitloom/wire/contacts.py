"""A contact plan: who can send to whom, when and how fast. One columnar table.

Nodes are numbered: satellites first, stations after them. Contacts are one-way and sorted by
start, then by sender and receiver.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LASER", "RF", "ContactPlan"]

LASER = 0
RF = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ContactPlan:
    """The contacts of one flight.

    Attributes
    ----------
    nodes
        Names of all nodes; the first `satellites` of them fly.
    sender, receiver
        (n,) int32 node numbers.
    start_ns, end_ns
        (n,) int64; data can flow from start (after acquisition) to end.
    rate_bps
        (n,) float64.
    light_time_ns
        (n,) int64, one-way, at the contact's middle: for planning. The flight uses the true
        distance of the moment.
    medium
        (n,) int8, `LASER` or `RF`.
    """

    nodes: tuple[str, ...]
    satellites: int
    sender: NDArray[np.int32]
    receiver: NDArray[np.int32]
    start_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]
    rate_bps: NDArray[np.float64]
    light_time_ns: NDArray[np.int64]
    medium: NDArray[np.int8]
    stations: range = field(init=False)

    def __post_init__(self) -> None:
        """Derive the station numbers and check that the table is what it says."""
        object.__setattr__(self, "stations", range(self.satellites, len(self.nodes)))
        columns = [getattr(self, name) for name in self.columns()]
        if len({len(column) for column in columns}) != 1:
            raise ValueError("the columns of a contact plan have different lengths")
        order = np.lexsort((self.receiver, self.sender, self.start_ns))
        if not np.array_equal(order, np.arange(order.size)):
            for name, column in zip(self.columns(), columns, strict=True):
                object.__setattr__(self, name, column[order])

    @staticmethod
    def columns() -> tuple[str, ...]:
        """Return the names of the table's columns."""
        return ("sender", "receiver", "start_ns", "end_ns", "rate_bps", "light_time_ns", "medium")

    def __len__(self) -> int:
        return int(self.sender.size)

    def only(self, keep: NDArray[np.bool_]) -> ContactPlan:
        """Return the plan with only those contacts."""
        kept: dict[str, Any] = {name: getattr(self, name)[keep] for name in self.columns()}
        return ContactPlan(nodes=self.nodes, satellites=self.satellites, **kept)
