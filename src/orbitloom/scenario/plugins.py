"""Extensions by name: instruments, apps, models, classifiers and outlets are entry points.

A user's package declares, for example::

    [project.entry-points."orbitloom.apps"]
    burnscar = "my_package:BurnScarApp"

and a scenario names it: ``app = "burnscar"``. Nothing in Orbitloom changes.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

from orbitloom.errors import ScenarioError

__all__ = ["available", "load"]


def available(group: str) -> tuple[str, ...]:
    """Return the names registered in ``orbitloom.<group>``, sorted."""
    return tuple(sorted({point.name for point in entry_points(group=f"orbitloom.{group}")}))


def load(group: str, name: str) -> Any:
    """Return the object registered as `name` in ``orbitloom.<group>``.

    Raises
    ------
    ScenarioError
        If nothing has that name; the message lists what there is.
    """
    points = entry_points(group=f"orbitloom.{group}", name=name)
    if not points:
        known = ", ".join(available(group)) or "none"
        raise ScenarioError(
            f"no {group.rstrip('s')} is called {name!r}",
            way_out=f"Known: {known}; another package adds one as entry point 'orbitloom.{group}'",
        )
    return next(iter(points)).load()
