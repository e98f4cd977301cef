"""What the network carries: a bundle's metadata, as the router and the queues see it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

__all__ = ["Bundle", "Priority"]


class Priority(IntEnum):
    """Order of service; lower goes first, and within one priority first in first out."""

    ALERT = 0
    NORMAL = 1
    BULK = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A unit of transfer.

    Attributes
    ----------
    bundle
        Unique within one flight of one arm.
    capture
        The capture it belongs to, or -1 for a stretch of survey flow.
    divisible
        True for a flow, of which any part may go ahead of the rest; a capture's bundle goes whole.
    destination
        Number of the node it is for; None for any station (anycast).
    expires_ns
        When it is of no more use (BPv7 lifetime, RFC 9171, 4.2.2); None for never.
    """

    bundle: int
    source: int
    size_bytes: int
    created_ns: int
    priority: Priority
    capture: int = -1
    divisible: bool = False
    destination: int | None = None
    expires_ns: int | None = None
