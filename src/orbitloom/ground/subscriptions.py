"""Who wants to hear of what, and where."""

from __future__ import annotations

from collections.abc import Iterable

from orbitloom.ground.arrival import Arrival
from orbitloom.ground.places import inside
from orbitloom.scenario import Subscription

__all__ = ["subscribers"]


def subscribers(subscriptions: Iterable[Subscription], arrival: Arrival) -> tuple[str, ...]:
    """Return the names of those who asked for this kind of answer from this place.

    A bounding box whose west is greater than its east reaches across the antimeridian.
    """
    return tuple(
        subscription.name
        for subscription in subscriptions
        if arrival.kind in subscription.kinds and inside(arrival.geometry, subscription.bbox)
    )
