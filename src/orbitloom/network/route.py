"""A route: the transmissions that take a bundle from a node to a sink."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Hop", "Route", "Routes"]


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Routes:
    """Many routes as columns, in the order in which they were found.

    Attributes
    ----------
    bundle
        (r,) which of the bundles asked for; a flow may have several routes, one without a way none.
    size_bytes, arrival_ns
        (r,) of each route.
    hops_of
        (r + 1,) where its hops begin.
    contact, start_ns, end_ns, there_ns
        (h,) of each hop.
    """

    bundle: NDArray[np.int64]
    size_bytes: NDArray[np.int64]
    arrival_ns: NDArray[np.int64]
    hops_of: NDArray[np.int64]
    contact: NDArray[np.int64]
    start_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]
    there_ns: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.bundle.size)

    def __getitem__(self, number: int) -> Route:
        """Return one of them by its number."""
        rows = slice(*self.hops_of[number : number + 2])
        columns = (self.contact, self.start_ns, self.end_ns, self.there_ns)
        return Route(
            hops=tuple(
                Hop(contact=contact, start_ns=start, end_ns=end, arrival_ns=there)
                for contact, start, end, there in zip(
                    *(column[rows].tolist() for column in columns), strict=True
                )
            ),
            arrival_ns=int(self.arrival_ns[number]),
            size_bytes=int(self.size_bytes[number]),
        )
