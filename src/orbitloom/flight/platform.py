"""One satellite's battery, temperature and computer under one clock: a view of a row of the bus."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from orbitloom.flight.bus import Bus
from orbitloom.flight.computer import Computer, Segment
from orbitloom.scenario.hardware import Compute, Heat, Power

__all__ = ["Battery", "Platform", "ThermalNode"]

_WH_J = 3600.0


class _View:
    """Reads one row."""

    __slots__ = ("_row",)

    def __init__(self, row: np.void) -> None:
        self._row = row


class Battery(_View):
    """What a battery holds, and what came and went.

    ``solar_j - consumed_j`` is the change of the charge, always: at full, what the array could
    still have given is spilled; at empty, what the loads could not get is unmet, not consumed.
    """

    __slots__ = ()

    @property
    def charge_j(self) -> float:
        """Energy in store."""
        return float(self._row["charge_j"])

    @property
    def capacity_j(self) -> float:
        """Energy in store when full; less in an old battery."""
        return float(self._row["capacity_j"])

    @property
    def lowest_j(self) -> float:
        """The least charge so far."""
        return float(self._row["lowest_j"])

    @property
    def soft_limit_j(self) -> float:
        """Charge below which work stops."""
        return float(self._row["soft_limit_j"])

    @property
    def below_soft_limit(self) -> bool:
        """Whether work is held: from the soft limit on until the resume level."""
        return bool(self._row["low"])

    @property
    def sunlight(self) -> float:
        """Visible share of the Sun, 0 to 1."""
        return float(self._row["sunlight"])

    @property
    def solar_j(self) -> float:
        """What the array gave to loads and battery."""
        return float(self._row["solar_j"])

    @property
    def spilled_j(self) -> float:
        """What the array could have given to a battery that was full."""
        return float(self._row["spilled_j"])

    @property
    def consumed_j(self) -> float:
        """What the loads got."""
        return float(self._row["consumed_j"])

    @property
    def unmet_j(self) -> float:
        """What the loads asked of an empty battery in vain."""
        return float(self._row["unmet_j"])

    @property
    def stored_change_j(self) -> float:
        """Charge now less charge at the start."""
        return float(self._row["charge_j"] - self._row["start_j"])

    @property
    def load_w(self) -> float:
        """Sum of the present loads."""
        loads = ("bus_w", "computer_w", "lasers_w", "survey_w", "others_w")
        return float(sum(self._row[name] for name in loads))


class ThermalNode(_View):
    """How warm a computer is."""

    __slots__ = ()

    @property
    def temperature_c(self) -> float:
        """Now."""
        return float(self._row["temperature_c"])

    @property
    def hottest_c(self) -> float:
        """The highest so far."""
        return float(self._row["hottest_c"])

    @property
    def throttled(self) -> bool:
        """Whether it is slower for being warm."""
        return bool(self._row["throttled"])

    @property
    def shut_down(self) -> bool:
        """Whether it stands for being hot."""
        return bool(self._row["shut_down"])


class Platform:
    """Computer, battery and thermal node, coupled.

    The share of its full speed that the computer uses sets its power, from idle to full load; that
    loads the battery and heats the node. In return work stops while the battery is below its soft
    limit or the node is shut down, and goes on slower while the node is throttled. So a job's
    energy above idle is the same at any speed.

    Every call takes its time, which goes forward only; what happens in between is stepped through
    exactly.

    Parameters
    ----------
    power, heat, compute
        Sizes and limits of one satellite.
    start_ns
        The time of the start: in the dark, the computer idle and in thermal equilibrium.
    """

    def __init__(self, power: Power, heat: Heat, compute: Compute, start_ns: int) -> None:
        self._take(Bus(power, heat, compute, start_ns), 0)

    @staticmethod
    def of(bus: Bus, index: int) -> Platform:
        """Return one satellite of a fleet."""
        platform = Platform.__new__(Platform)
        platform._take(bus, index)
        return platform

    def _take(self, bus: Bus, index: int) -> None:
        self._bus, self._index, self._row = bus, index, bus.rows[index]
        self._loads: dict[str, float] = {}
        self.computer = Computer(bus.start_ns, bus, index)
        self.battery = Battery(self._row)
        self.thermal = ThermalNode(self._row)
        self.advance(bus.start_ns)

    @property
    def t_ns(self) -> int:
        """The time that it has come to, ns."""
        return self.computer.t_ns

    def submit(self, job: int, stages: Iterable[tuple[str, float]], t_ns: int) -> None:
        """Add a job to the computer's queue; see `Computer.submit`."""
        self.computer.submit(job, stages, t_ns)

    def reset(self, job: int, seconds: float, t_ns: int) -> None:
        """Start the computer anew; see `Computer.reset`."""
        self.computer.reset(job, seconds, t_ns)

    def age(self, share: float, t_ns: int) -> None:
        """Leave so much of the battery, from `t_ns` on: cells fail, and their charge with them."""
        if not 0.0 < share <= 1.0:
            raise ValueError(f"{share} of a battery")
        self.computer.move(t_ns)
        row = self._row
        row["start_j"] -= (1.0 - share) * row["charge_j"]  # failed, not consumed
        for name in ("capacity_j", "soft_limit_j", "resume_j", "charge_j"):
            row[name] *= share
        row["lowest_j"] = min(row["lowest_j"], row["charge_j"])

    def set_inflow(self, rate: float, t_ns: int) -> None:
        """Set how many seconds of survey work flow in a second; see `Computer.set_inflow`."""
        self.computer.set_inflow(rate, t_ns)

    def set_load(self, name: str, watts: float, t_ns: int) -> None:
        """Set what a consumer that no schedule knows (a transmitter, say) draws from `t_ns` on."""
        if watts < 0.0:
            raise ValueError(f"load {name!r} of {watts} W")
        self.computer.move(t_ns)
        self._loads[name] = watts
        self._row["others_w"] = sum(self._loads.values())

    def set_sunlight(self, fraction: float, t_ns: int) -> None:
        """Set the visible share of the Sun from `t_ns` on."""
        if not 0.0 <= fraction <= 1.0:
            raise ValueError(f"sunlight of {fraction}")
        self.computer.move(t_ns)
        self._row["sunlight"] = fraction

    def advance(self, t_ns: int) -> list[Segment]:
        """Move to a time and return the segments closed since the last call, in order."""
        return self.computer.advance(t_ns)

    def next_event_ns(self) -> int:
        """Return when `advance` is next due, as things are now; `NEVER_NS` if nothing will happen.

        It is the earliest of: a stage or the survey backlog ends, the battery or the temperature
        meets a level, a scheduled input comes. It changes with every call that sets something.
        """
        return self.computer.next_event_ns()

    def open_segments(self) -> list[Segment]:
        """Return the unfinished segment of each job in the computer's queue, up to now."""
        return self.computer.open_segments()

    def history(self) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Return times (k,) in ns, charge (k,) in Wh and computer temperature (k,) in C.

        One sample each `sample_ns` of the bus, and one now.
        """
        t_ns, charge_j, celsius = self._bus.samples(self._index)
        return t_ns, charge_j / _WH_J, celsius
