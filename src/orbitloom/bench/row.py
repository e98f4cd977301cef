"""One line of the table of figures, and how CPU seconds are taken."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Row", "cpu_s"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measurement.

    Attributes
    ----------
    what
        What was done, with its size.
    value, unit
        The figure: ``CPU-s``, ``bundles/CPU-s``, ``satellite-s/CPU-s``, ``MB``, ...
    limit
        What it must keep; None if there is none.
    at_least
        True if the value must reach the limit, False if it must stay below.
    plain, plain_by
        The same figure of a plain way to do it, in the same run, and which way; it may be scaled
        up from a smaller size, then `plain_by` says so. None if there is none.
    """

    what: str
    value: float
    unit: str
    limit: float | None = None
    at_least: bool = False
    plain: float | None = None
    plain_by: str = ""

    @property
    def held(self) -> bool:
        """Whether the limit is kept."""
        if self.limit is None:
            return True
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    @property
    def ratio(self) -> float | None:
        """How many times better than the plain way; None without one."""
        if self.plain is None or not self.value or not self.plain:
            return None
        return self.value / self.plain if self.at_least else self.plain / self.value


def cpu_s(function: Callable[[], object], *, runs: int = 3, warm_up: bool = True) -> float:
    """Return the least CPU time of some runs, s; a first run that compiles is not counted."""
    if warm_up:
        function()
    least = float("inf")
    for _ in range(runs):
        begun = time.process_time()
        function()
        least = min(least, time.process_time() - begun)
    return least
