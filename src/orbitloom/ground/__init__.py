"""What receives: archive, subscriptions, and outlets to the interfaces that people already use."""

from orbitloom.ground.arrival import Arrival
from orbitloom.ground.delivery import Delivery, Ground
from orbitloom.ground.outlets import Outlet

__all__ = ["Arrival", "Delivery", "Ground", "Outlet"]
