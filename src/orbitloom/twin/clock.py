"""The flight's clock: simpy's, in whole nanoseconds."""

from __future__ import annotations

import simpy
from simpy.events import URGENT

__all__ = ["Clock"]


class Clock(simpy.Environment):
    """A simpy environment that starts at a time and only ever holds whole nanoseconds.

    Parameters
    ----------
    start_ns
        Time of the start.
    """

    def __init__(self, start_ns: int) -> None:
        super().__init__(initial_time=start_ns)

    @property
    def now_ns(self) -> int:
        """The time, ns."""
        return int(self.now)

    def until(self, t_ns: int) -> simpy.Event:
        """Return an event that happens at a time, or now if that has passed."""
        return self.timeout(max(0, t_ns - self.now_ns))

    def ahead_of(self, t_ns: int) -> simpy.Event:
        """Return an event that happens at a time, before whatever else happens then."""
        event = self.event()
        event._ok, event._value = True, None  # as simpy.Timeout does, which has no priority
        self.schedule(event, URGENT, max(0, t_ns - self.now_ns))
        return event
