"""What waits at a node for one transmitter."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

from orbitloom.wire import Priority

__all__ = ["OutQueue"]

T = TypeVar("T")


class OutQueue(Generic[T]):
    """Items in the order of service: by priority, then first in first out.

    Examples
    --------
    >>> queue: OutQueue[str] = OutQueue()
    >>> queue.push("scene", Priority.BULK)
    >>> queue.push("alert", Priority.ALERT)
    >>> list(queue), queue.pop(), len(queue)
    (['alert', 'scene'], 'alert', 1)
    """

    def __init__(self) -> None:
        self._lanes: tuple[deque[T], ...] = tuple(deque() for _ in Priority)

    def __len__(self) -> int:
        return sum(len(lane) for lane in self._lanes)

    def __iter__(self) -> Iterator[T]:
        for lane in self._lanes:
            yield from lane

    def push(self, item: T, priority: Priority) -> None:
        """Put an item behind all others of its priority."""
        self._lanes[priority].append(item)

    def put_back(self, item: T, priority: Priority) -> None:
        """Put an item before all others of its priority: it was taken out and has not gone."""
        self._lanes[priority].appendleft(item)

    def pop(self) -> T:
        """Remove and return the next item.

        Raises
        ------
        IndexError
            If nothing waits.
        """
        for lane in self._lanes:
            if lane:
                return lane.popleft()
        raise IndexError("nothing waits in this queue")
