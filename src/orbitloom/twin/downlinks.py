"""Which downlinks still have room, soonest first.

Where thousands of satellites image forty times what the stations can take, the next free minute of
an antenna is hours ahead, and a search that starts at a satellite has the whole network before it.
The downlinks are few beside it: whoever looks for room looks there first.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Collection
from typing import NamedTuple, Protocol

import numpy as np

from orbitloom.wire import ContactPlan, Priority

__all__ = ["Downlinks", "Room"]


class _Bookings(Protocol):
    def free_stretch(
        self, contact: int, priority: Priority, t_ns: int, length_ns: int, end_ns: int
    ) -> tuple[int, int] | None: ...


class Room(NamedTuple):
    """A free stretch of a downlink; the soonest end of a transmission comes first."""

    done_ns: int
    contact: int
    begin_ns: int
    until_ns: int


class Downlinks:
    """The contacts with stations that are not yet over or full.

    A contact that has no room for the least part of a flow is forgotten at that priority until
    some of it is given back.

    Parameters
    ----------
    plan
        All contacts.
    bookings
        Who knows what is booked.
    """

    def __init__(self, plan: ContactPlan, bookings: _Bookings) -> None:
        self._bookings = bookings
        self._rate_bps = plan.rate_bps.tolist()
        self._end_ns = plan.end_ns.tolist()
        self._start_ns = plan.start_ns.tolist()
        down = np.flatnonzero(plan.receiver >= plan.satellites)
        by_start = sorted((self._start_ns[c], c) for c in down.tolist())
        self._known = frozenset(down.tolist())
        self._open: dict[Priority, list[tuple[int, int]]] = {p: by_start.copy() for p in Priority}

    def soonest(
        self,
        size_bytes: int,
        least_bytes: int,
        priority: Priority,
        t_ns: int,
        *,
        exclude: Collection[int],
        most: int,
    ) -> list[Room]:
        """Return where so many bytes could be sent first, the soonest first.

        Parameters
        ----------
        size_bytes
            What must fit.
        least_bytes
            What nobody asks less than: a contact without room even for that is forgotten.
        most
            How many rooms to return.
        """
        open_ = self._open[priority]
        rooms: list[Room] = []
        over: list[int] = []
        for position, (start_ns, contact) in enumerate(open_):
            if len(rooms) >= most and start_ns > rooms[most - 1].done_ns:
                break
            end_ns, rate_bps = self._end_ns[contact], self._rate_bps[contact]
            if contact in exclude:
                continue
            length_ns = math.ceil(size_bytes * 8e9 / rate_bps)
            since_ns = max(start_ns, t_ns)
            free = self._bookings.free_stretch(contact, priority, since_ns, length_ns, end_ns)
            if free is not None:
                insort(rooms, Room(free[0] + length_ns, contact, *free))
                continue
            least_ns = math.ceil(least_bytes * 8e9 / rate_bps)
            if (
                size_bytes <= least_bytes
                or since_ns + least_ns > end_ns
                or self._bookings.free_stretch(contact, priority, since_ns, least_ns, end_ns)
                is None
            ):
                over.append(position)
        for position in reversed(over):
            del open_[position]
        return rooms[:most]

    def given_back(self, contact: int) -> None:
        """Take note that some of a contact is free again."""
        if contact not in self._known:
            return
        entry = self._start_ns[contact], contact
        for open_ in self._open.values():
            position = bisect_left(open_, entry)
            if position == len(open_) or open_[position] != entry:
                open_.insert(position, entry)
