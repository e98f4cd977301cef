"""The end of time, in integer nanoseconds."""

from __future__ import annotations

__all__ = ["NEVER_NS"]

NEVER_NS = 2**63 - 1
"""Later than every time."""
