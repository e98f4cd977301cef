"""A contact plan: who can send to whom, when and how fast. One columnar table.

Nodes are numbered: satellites first, stations after them. Contacts are one-way and sorted by
start, then by sender and receiver.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LASER", "MEDIUM_NAMES", "OPTICAL", "RF", "ContactPlan", "EndCause"]

LASER = 0
RF = 1
OPTICAL = 2
"""Medium of a contact: laser between satellites, radio to the ground, laser to the ground."""

MEDIUM_NAMES = ("laser", "rf", "optical")
"""What the media are called in files and tables, by number."""


class EndCause(IntEnum):
    """Why a contact ends when it does."""

    HORIZON = 0
    """The Earth, or the mask of a station, comes between."""
    RANGE = 1
    """Too far for the terminal."""
    RATE = 2
    """The same link goes on in the next contact, at another rate."""
    SUN = 3
    """The Sun stands too near to the line of sight."""
    SLEW = 4
    """The line of sight turns faster than the terminal can."""
    DOPPLER = 5
    """The carrier is shifted further than the receiver follows."""
    CHOICE = 6
    """A terminal or an antenna is wanted elsewhere."""
    WEATHER = 7
    """Cloud or rain."""
    FAULT = 8
    """Something is broken."""
    PLAN = 9
    """The plan ends."""


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
        (n,) int8, `LASER`, `RF` or `OPTICAL`.
    confidence
        (n,) float64, 0 to 1: how likely the contact comes about as planned. 1 if not given.
    end_cause
        (n,) int8, an `EndCause`; `HORIZON` if not given.
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
    confidence: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    end_cause: NDArray[np.int8] = field(default_factory=lambda: np.empty(0, np.int8))
    stations: range = field(init=False)

    def __post_init__(self) -> None:
        """Derive the station numbers and check that the table is what it says."""
        object.__setattr__(self, "stations", range(self.satellites, len(self.nodes)))
        if self.confidence.size == 0:
            object.__setattr__(self, "confidence", np.ones(len(self)))
        if self.end_cause.size == 0:
            object.__setattr__(self, "end_cause", np.zeros(len(self), np.int8))
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
        return (
            "sender",
            "receiver",
            "start_ns",
            "end_ns",
            "rate_bps",
            "light_time_ns",
            "medium",
            "confidence",
            "end_cause",
        )

    def __len__(self) -> int:
        return int(self.sender.size)

    def only(self, keep: NDArray[np.bool_]) -> ContactPlan:
        """Return the plan with only those contacts."""
        kept: dict[str, Any] = {name: getattr(self, name)[keep] for name in self.columns()}
        return ContactPlan(nodes=self.nodes, satellites=self.satellites, **kept)
