"""A route: the transmissions that take a bundle from a node to a sink."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Hop", "Route"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One transmission: which contact, from when to when, and when the last bit is there."""

    contact: int
    start_ns: int
    end_ns: int
    arrival_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A way to a station.

    `size_bytes` is how much it carries: the whole bundle, or the leading part of a divisible one.
    """

    hops: tuple[Hop, ...]
    arrival_ns: int
    size_bytes: int
