"""The battery of one satellite: an energy store in closed form between events."""

from __future__ import annotations

from orbitloom.flight.clock import NEVER_NS, after_ns, span_s
from orbitloom.scenario.hardware import Power

__all__ = ["Battery"]

_WH_J = 3600.0
_NEAR_J = 1e-6  # a predicted crossing is met within rounding; far below the resume margin


class Battery:
    """Charge under piecewise constant loads and sunlight.

    Between events the charge is linear in time, clamped at full (what the array could still have
    given is counted as spilled) and at empty (what the loads could not get is counted as unmet,
    and not as consumed). So ``solar_j - consumed_j`` is the change of the charge, always.

    Below the soft limit of depth of discharge `below_soft_limit` holds until the charge is back
    above the limit by the resume margin.

    Parameters
    ----------
    power
        Sizes and limits.
    start_ns
        The time of the start charge. No load, no Sun.

    Attributes
    ----------
    charge_j
        Energy in store at `t_ns`.
    sunlight
        Visible share of the Sun, 0 to 1.
    soft_limit_j
        Charge below which work stops.
    solar_j, spilled_j, consumed_j, unmet_j
        Totals since the start.
    """

    def __init__(self, power: Power, start_ns: int) -> None:
        self.t_ns = start_ns
        self.capacity_j = power.battery_wh * _WH_J
        self.charge_j = self.capacity_j * power.start_charge
        self.solar_j = self.spilled_j = self.consumed_j = self.unmet_j = 0.0
        self._array_w = power.solar_w
        self.sunlight = 0.0
        self._loads: dict[str, float] = {}
        soft = 1.0 - power.soft_depth_of_discharge
        self.soft_limit_j = self.capacity_j * soft
        self._resume_j = self.capacity_j * min(1.0, soft + power.resume_margin)
        self.below_soft_limit = self.charge_j <= self.soft_limit_j
        self._start_j = self.charge_j

    @property
    def stored_change_j(self) -> float:
        """Charge now less charge at the start."""
        return self.charge_j - self._start_j

    @property
    def load_w(self) -> float:
        """Sum of the present loads."""
        return sum(self._loads.values())

    def set_load(self, name: str, watts: float, t_ns: int) -> None:
        """Set what one consumer draws from `t_ns` on."""
        if watts < 0.0:
            raise ValueError(f"load {name!r} of {watts} W")
        self.advance(t_ns)
        self._loads[name] = watts

    def set_sunlight(self, fraction: float, t_ns: int) -> None:
        """Set the visible share of the Sun, 0 to 1, from `t_ns` on."""
        if not 0.0 <= fraction <= 1.0:
            raise ValueError(f"sunlight of {fraction}")
        self.advance(t_ns)
        self.sunlight = fraction

    def advance(self, t_ns: int) -> None:
        """Move to a time with the present loads and Sun."""
        seconds = span_s(self.t_ns, t_ns)
        self.t_ns = t_ns
        offered = self._array_w * self.sunlight * seconds
        asked = self.load_w * seconds
        surplus = offered - asked
        spilled = max(0.0, surplus - (self.capacity_j - self.charge_j))
        unmet = max(0.0, -surplus - self.charge_j)
        self.charge_j = min(self.capacity_j, max(0.0, self.charge_j + surplus))
        self.solar_j += offered - spilled
        self.spilled_j += spilled
        self.consumed_j += asked - unmet
        self.unmet_j += unmet
        if self.charge_j <= self.soft_limit_j + _NEAR_J:
            self.below_soft_limit = True
        elif self.charge_j >= self._resume_j - _NEAR_J:
            self.below_soft_limit = False

    def next_crossing_ns(self) -> int:
        """Return when the charge next meets a level, with the present loads and Sun.

        The levels are the soft limit (falling), the resume level (rising, while held), full and
        empty. `NEVER_NS` if it meets none.
        """
        net_w = self._array_w * self.sunlight - self.load_w
        if net_w < 0.0:
            level_j = 0.0 if self.below_soft_limit else self.soft_limit_j
        else:
            level_j = self._resume_j if self.below_soft_limit else self.capacity_j
        if net_w == 0.0 or self.charge_j == level_j:
            return NEVER_NS
        return after_ns(self.t_ns, max(0.0, (level_j - self.charge_j) / net_w))
