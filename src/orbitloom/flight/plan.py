"""A satellite's own plan of looks: what it has promised, and whether it can take one more."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

__all__ = ["Plan", "Refusal", "Resources"]

Refusal = Literal["late", "busy", "power", "store"]
"""Why a look is not taken: it came too late, another look is planned then, too little charge, or
too little room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a satellite has when it is asked, and what one look and its processing take.

    `spare_j` is the charge above the soft limit of the battery; no sunlight until the look is
    counted on.
    """

    spare_j: float
    free_bytes: int
    look_j: float
    look_bytes: int


class Plan:
    """The looks a satellite has promised.

    Parameters
    ----------
    looks
        Start and end of each (ns).
    slew_ns
        What must remain between two.

    Examples
    --------
    >>> plan = Plan([(100, 110)], slew_ns=5)
    >>> has = Resources(spare_j=10.0, free_bytes=10, look_j=1.0, look_bytes=1)
    >>> plan.accept(112, 120, now_ns=0, has=has), plan.accept(115, 120, now_ns=0, has=has)
    ('busy', None)
    >>> plan.accept(118, 119, now_ns=0, has=has)
    'busy'
    """

    def __init__(self, looks: Iterable[tuple[int, int]], slew_ns: int) -> None:
        self._looks = sorted(looks)
        self._slew_ns = slew_ns

    def accept(self, start_ns: int, end_ns: int, *, now_ns: int, has: Resources) -> Refusal | None:
        """Promise a look, or say why not; None if it is promised."""
        if now_ns + self._slew_ns > start_ns:
            return "late"
        if any(
            start_ns < end + self._slew_ns and start < end_ns + self._slew_ns
            for start, end in self._looks
        ):
            return "busy"
        if has.look_j > has.spare_j:
            return "power"
        if has.look_bytes > has.free_bytes:
            return "store"
        insort(self._looks, (start_ns, end_ns))
        return None
