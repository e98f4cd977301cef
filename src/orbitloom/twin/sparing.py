"""A router that is not asked again what it has just answered with no.

Thousands of satellites image forty times what the stations can take. Once every pass is booked,
each further part of the survey would have the whole plan searched in vain. But a flow that found
no way from a node will find none from there later either: it could have waited there itself, and
free time on contacts only becomes less, until somebody gives some back.
"""

from __future__ import annotations

from collections.abc import Collection

from orbitloom.network.router import Route, RouterProtocol
from orbitloom.wire import Bundle

__all__ = ["SparingRouter"]


class SparingRouter:
    """Answers no at once where a flow has had no since capacity was last given back.

    It gives what the router behind it would give, always; see docs/design/survey-flow.md.

    Parameters
    ----------
    router
        Who searches.
    """

    def __init__(self, router: RouterProtocol) -> None:
        self._router = router
        self._released = 0
        self._refused: dict[tuple[int, int, int | None], tuple[int, int, int]] = {}

    def route(
        self, bundle: Bundle, node: int, t_ns: int, *, exclude: Collection[int] = ()
    ) -> Route | None:
        """Return the way for a bundle that is at a node at a time, or None if there is none."""
        if exclude or not bundle.divisible:
            return self._router.route(bundle, node, t_ns, exclude=exclude)
        key = node, int(bundle.priority), bundle.destination
        released, since_ns, size_bytes = self._refused.get(key, (-1, 0, 0))
        if released == self._released and since_ns <= t_ns and size_bytes <= bundle.size_bytes:
            return None
        route = self._router.route(bundle, node, t_ns)
        if route is None:
            self._refused[key] = self._released, t_ns, bundle.size_bytes
        return route

    def book(self, route: Route, bundle: Bundle) -> None:
        """Reserve the contacts' time that a route uses."""
        self._router.book(route, bundle)

    def release(self, route: Route, bundle: Bundle, from_hop: int) -> None:
        """Give back what was booked from that hop on."""
        self._released += 1
        self._router.release(route, bundle, from_hop)
