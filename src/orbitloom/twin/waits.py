"""Why a bundle waited at a node: no contact, its turn, or a fault.

Without a fault a bundle lacks a contact with a station until it could have gone down had it been
alone in the network; from then on it waits for its turn. A fault that takes its way from it leaves
a mark: when the bundle would have left the node where that happened, and when it would have begun
to go down. What it waits there after the one, or elsewhere after the other, the fault is to blame
for.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from orbitloom.network.router import Route, RouterProtocol
from orbitloom.twin.trail import Trail
from orbitloom.wire import Bundle, WaitCause

__all__ = ["Mark", "Waits"]

_NEVER_NS = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a fault has taken from a bundle.

    Attributes
    ----------
    cause
        The ledger's word for it.
    node
        Where the bundle was.
    here_ns, down_ns
        When it would have left there, and when it would have begun to go down.
    """

    cause: WaitCause
    node: int
    here_ns: int
    down_ns: int

    def since_ns(self, node: int) -> int:
        """Return from when on a wait at a node is the fault's."""
        return self.here_ns if node == self.node else self.down_ns


class Waits:
    """Writes waits with their causes.

    Parameters
    ----------
    nodes
        Their names.
    alone
        A router over the contacts as they were planned, before anything broke, that nobody books:
        tells when a bundle could have gone down had it been alone in the network.
    """

    def __init__(self, nodes: tuple[str, ...], alone: RouterProtocol) -> None:
        self._names, self._alone = nodes, alone
        self._marks: dict[int, list[Mark]] = {}

    def alone(self, bundle: Bundle, node: int, t_ns: int) -> Route | None:
        """Return the way a bundle would have had alone, had nothing broken."""
        return self._alone.route(bundle, node, t_ns)

    def blame(self, bundle: Bundle, mark: Mark) -> None:
        """Note what a fault has taken from a bundle."""
        self._marks.setdefault(bundle.bundle, []).append(mark)

    def forgive(self, bundle: Bundle, now_ns: int) -> None:
        """Forget what has not held a bundle up yet: it gets another way."""
        marks = self._marks.pop(bundle.bundle, [])
        if kept := [mark for mark in marks if min(mark.here_ns, mark.down_ns) < now_ns]:
            self._marks[bundle.bundle] = kept

    def write(
        self, trail: Trail, bundle: Bundle, node: int, start_ns: int, now_ns: int
    ) -> WaitCause:
        """Write what a bundle waited for at a node since a time; return what it waits for now.

        Who does not want to know and knows that there was no wait need not call it: it routes.
        """
        name = self._names[node]
        route = self._alone.route(bundle, node, start_ns)
        alone_ns = route.hops[-1].start_ns if route is not None and route.hops else _NEVER_NS
        marks = self._begun(bundle, node)
        blamed_ns = max(min(now_ns, marks[0][0]), trail.now_ns) if marks else now_ns
        trail.wait(name, max(min(blamed_ns, alone_ns), trail.now_ns), "no contact")
        trail.wait(name, blamed_ns, "link busy")
        cause: WaitCause = "link busy" if alone_ns < now_ns else "no contact"
        for (since_ns, mark), (next_ns, _) in pairwise([*marks, (_NEVER_NS, "")]):
            if since_ns < now_ns:
                trail.wait(name, max(min(now_ns, next_ns), trail.now_ns), mark)
                cause = mark
        return cause

    def _begun(self, bundle: Bundle, node: int) -> list[tuple[int, WaitCause]]:
        """Return from when on which fault is to blame for waits at a node, by time."""
        marks = [(mark.since_ns(node), mark.cause) for mark in self._marks.get(bundle.bundle, ())]
        marks.sort(key=lambda mark: mark[0])
        return [mark for before, mark in pairwise([(0, ""), *marks]) if before[1] != mark[1]]
