"""Where closed forms in seconds meet the clock of integer nanoseconds."""

from __future__ import annotations

import math

__all__ = ["NEVER_NS", "after_ns", "span_s"]

NEVER_NS = 2**63 - 1
"""Later than every time."""


def span_s(start_ns: int, end_ns: int) -> float:
    """Return the seconds between two times; going back raises `ValueError`."""
    if end_ns < start_ns:
        raise ValueError(f"time goes back by {start_ns - end_ns} ns")
    return (end_ns - start_ns) * 1e-9


def after_ns(t_ns: int, seconds: float) -> int:
    """Return the first whole nanosecond not before that many seconds after `t_ns`.

    It is always later than `t_ns`, so that whoever steps from event to event gets on.
    """
    if seconds >= 9e9:
        return NEVER_NS
    return t_ns + max(1, math.ceil(seconds * 1e9))
