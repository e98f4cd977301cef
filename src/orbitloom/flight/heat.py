"""The computer as one thermal node, in closed form between events.

``C dT/dt = P - (T - T_sink) / R``: with constant power the temperature goes exponentially, with
time constant R C, to T_sink + P R.
"""

from __future__ import annotations

import math

from orbitloom.flight.clock import NEVER_NS, after_ns, span_s
from orbitloom.scenario.hardware import Heat

__all__ = ["ThermalNode"]

_NEAR_K = 1e-9  # a predicted crossing is met within rounding; far below the hysteresis


class ThermalNode:
    """Temperature under piecewise constant power, and the two limits that it imposes.

    At `throttle_c` the node is `throttled`, at `shutdown_c` it is `shut_down`; each ends when the
    temperature is `hysteresis_k` below its limit.

    Parameters
    ----------
    heat
        Sizes and limits.
    start_ns
        The time of the start.
    power_w
        What the node dissipates at the start; it starts in equilibrium with that.
    """

    def __init__(self, heat: Heat, start_ns: int, power_w: float = 0.0) -> None:
        self._heat = heat
        self._tau_s = heat.resistance_k_per_w * heat.capacity_j_per_k
        self.t_ns = start_ns
        self._end_c = heat.sink_c + power_w * heat.resistance_k_per_w
        self.temperature_c = self._end_c
        self.throttled = False
        self.shut_down = False
        self.advance(start_ns)

    def set_power(self, watts: float, t_ns: int) -> None:
        """Set what the node dissipates from `t_ns` on."""
        self.advance(t_ns)
        self._end_c = self._heat.sink_c + watts * self._heat.resistance_k_per_w

    def advance(self, t_ns: int) -> None:
        """Move to a time with the present power."""
        seconds = span_s(self.t_ns, t_ns)
        self.t_ns = t_ns
        decay = math.exp(-seconds / self._tau_s)
        self.temperature_c = self._end_c + (self.temperature_c - self._end_c) * decay
        self.throttled = self._limited(self._heat.throttle_c, self.throttled)
        self.shut_down = self._limited(self._heat.shutdown_c, self.shut_down)

    def next_crossing_ns(self) -> int:
        """Return when a limit is next imposed or lifted with the present power, or `NEVER_NS`."""
        levels = (
            (self._heat.throttle_c, self.throttled),
            (self._heat.shutdown_c, self.shut_down),
        )
        return min(self._crossing_ns(limit_c, imposed) for limit_c, imposed in levels)

    def _limited(self, limit_c: float, imposed: bool) -> bool:
        if imposed:
            return self.temperature_c > limit_c - self._heat.hysteresis_k + _NEAR_K
        return self.temperature_c >= limit_c - _NEAR_K

    def _crossing_ns(self, limit_c: float, imposed: bool) -> int:
        level_c = limit_c - self._heat.hysteresis_k if imposed else limit_c
        now, end = self.temperature_c - level_c, self._end_c - level_c
        if (now <= 0.0 < end) or (end < 0.0 <= now):
            return after_ns(self.t_ns, self._tau_s * math.log((end - now) / end))
        return NEVER_NS
