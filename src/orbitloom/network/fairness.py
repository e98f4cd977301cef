"""Whose turn it is: producers of bundles share the contacts of a window by weight.

Booked in the order in which they are made, whoever makes more first takes all. Here the bundles of
a window wait and are booked in rounds: deficit round robin (M. Shreedhar and G. Varghese, 1996). A
producer's credit grows by its weight times a quantum each round, and it books while its next
bundle is within its credit; what is left of it counts in the next round. So over a window each gets
bytes as its weight, to within a quantum, whatever the sizes of its bundles.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from orbitloom.network.router import Route, RouterProtocol
from orbitloom.wire import Bundle, Priority

__all__ = ["FairWindow", "jain_index"]


class FairWindow:
    """Collects bundles and books them in rounds, higher priorities first.

    Parameters
    ----------
    router
        Who finds and books the routes.
    weights
        Of producers (nodes, `Bundle.source`); 1 for whoever is not named.
    quantum_bytes
        Credit a round and unit of weight, and the parts in which a flow is booked. The smaller,
        the finer the turns.
    """

    def __init__(
        self,
        router: RouterProtocol,
        *,
        weights: Mapping[int, float] | None = None,
        quantum_bytes: int = 100_000_000,
    ) -> None:
        self._router = router
        self._weights = dict(weights or {})
        self._quantum_bytes = quantum_bytes
        self._offered: list[tuple[Bundle, int]] = []

    def offer(self, bundle: Bundle, node: int) -> None:
        """Take a bundle that is at a node, for the next round."""
        self._offered.append((bundle, node))

    def book(self, t_ns: int) -> list[tuple[Bundle, Route | None]]:
        """Route and book all that was offered, from a time on; the end of a window.

        Returns
        -------
        list of (Bundle, Route or None)
            In order of booking. A flow appears in parts, and with None for what found no way.
        """
        done: list[tuple[Bundle, Route | None]] = []
        for priority in Priority:
            queues: dict[int, deque[tuple[Bundle, int]]] = {}
            for bundle, node in self._offered:
                if bundle.priority == priority:
                    queues.setdefault(bundle.source, deque()).append((bundle, node))
            done += self._rounds(queues, t_ns)
        self._offered = []
        return done

    def _rounds(
        self, queues: dict[int, deque[tuple[Bundle, int]]], t_ns: int
    ) -> list[tuple[Bundle, Route | None]]:
        done: list[tuple[Bundle, Route | None]] = []
        credit = dict.fromkeys(queues, 0.0)
        turns = deque(queues)
        while turns:
            producer = turns.popleft()
            queue = queues[producer]
            credit[producer] += self._quantum_bytes * self._weights.get(producer, 1.0)
            while queue:
                bundle, node = queue[0]
                part = bundle.size_bytes
                if bundle.divisible:
                    part = min(part, self._quantum_bytes)
                if part > credit[producer]:
                    break
                queue.popleft()
                rest, route = self._book(replace(bundle, size_bytes=part), node, t_ns)
                if route is None:
                    done.append((bundle, None))
                    continue  # what found no way costs nothing
                sent = part - rest
                credit[producer] -= sent
                done.append((replace(bundle, size_bytes=sent), route))
                left = bundle.size_bytes - sent
                if left:
                    queue.appendleft((replace(bundle, size_bytes=left), node))
            if queue:
                turns.append(producer)
        return done

    def _book(self, part: Bundle, node: int, t_ns: int) -> tuple[int, Route | None]:
        """Book a bundle, or what fits of a part of a flow; return what is left of it."""
        route = self._router.route(part, node, t_ns)
        if route is None:
            return part.size_bytes, None
        self._router.book(route, part)
        return part.size_bytes - min(route.size_bytes, part.size_bytes), route


def jain_index(shares: ArrayLike) -> float:
    """Return Jain's index of fairness: 1 if all shares are equal, 1/n if one has everything.

    (sum x)^2 / (n sum x^2); R. Jain, D. Chiu and W. Hawe, DEC-TR-301, 1984. Divide by weights
    first where they differ. 1 for no shares at all.

    Examples
    --------
    >>> jain_index([3, 3, 3]), jain_index([1, 0, 0, 0])
    (1.0, 0.25)
    """
    x = np.asarray(shares, dtype=np.float64)
    squares = x.size * float(np.sum(x * x))
    return float(np.sum(x)) ** 2 / squares if squares else 1.0
