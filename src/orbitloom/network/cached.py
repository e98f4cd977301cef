"""Trees towards the stations, kept while no contact starts or ends.

Between two such events a network in which nothing is booked stands still, so the best way from a
node to any station is the same whenever a bundle of that size leaves, if it arrives before the next
event: a way that waits for a contact arrives after it. Bookings only take ways away, so the tree's
way is the best one as long as its own time is free. An alert then costs a walk along a tree.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from orbitloom.network.graph import END, START, Graph

__all__ = ["SinkTrees"]

_ASKED_BEFORE = 3  # a tree costs as much as that many searches and more
_MOST_SIZES = 4


class SinkTrees:
    """The trees of the present spell between two events, by size.

    Parameters
    ----------
    events_ns
        Times at which a contact starts or ends, ascending.
    """

    def __init__(self, events_ns: NDArray[np.int64]) -> None:
        self._events = events_ns
        self._since_ns = self._until_ns = 0
        self._asked: dict[int, int] = {}
        self.trees: dict[int, NDArray[np.int64]] = {}

    @classmethod
    def of(cls, graph: Graph) -> SinkTrees:
        """Return those of a plan, none made yet."""
        return cls(np.unique(graph.table[:, (START, END)]))

    def copy(self) -> SinkTrees:
        """Return those of the same plan, none made yet."""
        return SinkTrees(self._events)

    def until_ns(self, t_ns: int) -> int:
        """Return when the spell that holds a time ends; forget the trees of any other."""
        if not self._since_ns <= t_ns < self._until_ns:
            after = int(np.searchsorted(self._events, t_ns, side="right"))
            self._since_ns = int(self._events[after - 1]) if after else 0
            last = after >= self._events.size
            self._until_ns = t_ns + 1 if last else int(self._events[after])
            self._asked.clear()
            self.trees.clear()
        return self._until_ns

    def is_wanted(self, size_bytes: int) -> bool:
        """Tell whether a size has been asked for often enough in this spell."""
        if len(self._asked) >= _MOST_SIZES and size_bytes not in self._asked:
            return False
        self._asked[size_bytes] = self._asked.get(size_bytes, 0) + 1
        return self._asked[size_bytes] > _ASKED_BEFORE

    def change(self, t_ns: int) -> None:
        """Note that contacts end at a time that was not planned."""
        self._events = np.unique(np.append(self._events, t_ns))
        self._since_ns = self._until_ns = 0
        self._asked.clear()
        self.trees.clear()
