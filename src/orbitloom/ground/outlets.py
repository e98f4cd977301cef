"""The seam to the interfaces that people already use.

An outlet is an entry point in ``orbitloom.outlets``; its class takes no argument. Every
implementation inherits the contract suite `orbitloom.testing.outlet.OutletContract`.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from orbitloom.ground.arrival import Arrival
from orbitloom.scenario import plugins
from orbitloom.wire import Wording

__all__ = ["Outlet", "Rewording", "installed_outlets"]


class Outlet(Protocol):
    """Turns a delivered answer into a file for an inbox."""

    def render(self, arrival: Arrival) -> tuple[str, bytes] | None:
        """Return the file's name and content, or None for an answer that is not for this outlet.

        The name is plain (no folder), begins with `Arrival.stem`, and ends in the format's usual
        extension. The same arrival gives the same bytes.
        """
        ...


@runtime_checkable
class Rewording(Protocol):
    """What an outlet may have besides: a file for the words that follow an alert."""

    def reword(
        self, arrival: Arrival, wording: Wording, arrived_ns: int
    ) -> tuple[str, bytes] | None:
        """Return a file's name and content, as `Outlet.render` does.

        Parameters
        ----------
        arrival
            The alert, which has been rendered before.
        wording
            Words for it.
        arrived_ns
            When they came.
        """
        ...


def installed_outlets() -> tuple[Outlet, ...]:
    """Return one of each outlet that is installed, by name."""
    return tuple(plugins.load("outlets", name)() for name in plugins.available("outlets"))
