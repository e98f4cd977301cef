"""What waits at a node for one transmitter."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from orbitloom.network.router import Route
from orbitloom.wire import Bundle, Priority

__all__ = ["OutQueue", "Parcel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A bundle, or a part of a divisible one, on its booked way.

    `hop` is the index in the route of the transmission it waits for.
    """

    bundle: Bundle
    size_bytes: int
    route: Route
    hop: int = 0


class OutQueue:
    """Parcels in the order of service: by priority, then first in first out."""

    def __init__(self) -> None:
        self._lanes: tuple[deque[Parcel], ...] = tuple(deque() for _ in Priority)

    def __len__(self) -> int:
        return sum(len(lane) for lane in self._lanes)

    def push(self, parcel: Parcel) -> None:
        """Put a parcel behind all others of its priority."""
        self._lanes[parcel.bundle.priority].append(parcel)

    def push_back(self, parcel: Parcel) -> None:
        """Put what is left of a parcel whose transmission was cut ahead of its priority."""
        self._lanes[parcel.bundle.priority].appendleft(parcel)

    def take(self, budget_bytes: int) -> Parcel | None:
        """Remove and return the next parcel that can be sent within a budget.

        That is the first in order that fits: the budget is what the contact can still carry, so a
        whole bundle that does not fit would wait in vain, and lets others pass. Of a divisible one
        as much as fits is taken and the rest stays where it was. None if nothing can be sent.
        """
        for lane in self._lanes:
            for i, parcel in enumerate(lane):
                if parcel.size_bytes <= budget_bytes:
                    del lane[i]
                    return parcel
                if parcel.bundle.divisible and budget_bytes > 0:
                    lane[i] = replace(parcel, size_bytes=parcel.size_bytes - budget_bytes)
                    return replace(parcel, size_bytes=budget_bytes)
        return None

    def ahead_bytes(self, priority: Priority) -> int:
        """Return the bytes that would go before a parcel of that priority pushed now."""
        return sum(parcel.size_bytes for lane in self._lanes[: priority + 1] for parcel in lane)

    def drain(self) -> list[Parcel]:
        """Remove and return all parcels in order, to be routed again."""
        parcels = [parcel for lane in self._lanes for parcel in lane]
        for lane in self._lanes:
            lane.clear()
        return parcels
