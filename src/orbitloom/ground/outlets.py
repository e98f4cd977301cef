"""The seam to the interfaces that people already use.

An outlet is an entry point in ``orbitloom.outlets``; its class takes no argument. Every
implementation inherits the contract suite `orbitloom.testing.outlet.OutletContract`.
"""

from __future__ import annotations

from typing import Protocol

from orbitloom.ground.arrival import Arrival
from orbitloom.scenario import plugins

__all__ = ["Outlet", "installed_outlets"]


class Outlet(Protocol):
    """Turns a delivered answer into a file for an inbox."""

    def render(self, arrival: Arrival) -> tuple[str, bytes] | None:
        """Return the file's name and content, or None for an answer that is not for this outlet.

        The name is plain (no folder), begins with `Arrival.stem`, and ends in the format's usual
        extension. The same arrival gives the same bytes.
        """
        ...


def installed_outlets() -> tuple[Outlet, ...]:
    """Return one of each outlet that is installed, by name."""
    return tuple(plugins.load("outlets", name)() for name in plugins.available("outlets"))
