"""The buses of a fleet as arrays: a row a satellite, what is known of its future, its samples.

When a satellite sees the Sun, when its laser terminals are powered and when it surveys is known
beforehand. That is a schedule, and nobody has to wake for it: `orbitloom.flight.march` brings a row
to any time in closed form, and does so only when somebody wants to know.
See docs/design/power-and-heat.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orbitloom.flight.clock import NEVER_NS
from orbitloom.flight.march import INPUTS, march, next_change_ns
from orbitloom.scenario.hardware import Compute, Heat, Power
from orbitloom.scenario.time import SECOND_NS

__all__ = ["ROW", "Bus", "Inputs"]

_WH_J = 3600.0

_FLOATS = (
    # what sizes it
    *("capacity_j", "soft_limit_j", "resume_j", "array_w", "bus_w", "idle_w", "full_w"),
    *("throttle_speed", "sink_c", "resistance_k_per_w", "tau_s"),
    *("throttle_c", "shutdown_c", "hysteresis_k"),
    # what comes from outside; others_w are the loads that no schedule knows
    *("sunlight", "lasers_w", "survey_w", "others_w", "inflow"),
    # the computer: survey work before the first job, what is left of that job's stage, survey work
    # behind the last job, all in ns at full speed
    *("ahead_ns", "left_ns", "behind_ns", "speed", "computer_w"),
    # battery and heat now
    *("charge_j", "start_j", "temperature_c"),
    # totals and extremes
    *("solar_j", "spilled_j", "consumed_j", "unmet_j", "lowest_j", "hottest_c"),
    *("busy_s", "held_s", "throttled_s", "survey_done_s"),
)
_WHOLE = ("t_ns", "next_sample_ns", "samples", "next_input", "last_input", "cause")
_FLAGS = ("governed", "has_job", "low", "throttled", "shut_down")

ROW = np.dtype(
    [(name, np.int64) for name in _WHOLE]
    + [(name, np.float64) for name in _FLOATS]
    + [(name, np.bool_) for name in _FLAGS],
    align=True,
)
"""One satellite; a computer that is not `governed` has neither battery nor heat."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Inputs:
    """What is known beforehand of a fleet's satellites, sorted by satellite and time.

    Attributes
    ----------
    first
        (n + 1,) number of each satellite's first input, and of all.
    t_ns, kind, value
        (k,) from when on, which of `march.INPUTS`, and what it is then.
    """

    first: NDArray[np.int64]
    t_ns: NDArray[np.int64]
    kind: NDArray[np.int8]
    value: NDArray[np.float64]

    @staticmethod
    def of(
        count: int,
        steps: Iterable[tuple[int, str, NDArray[np.int64], NDArray[np.float64]]] = (),
    ) -> Inputs:
        """Return the inputs of so many satellites.

        Parameters
        ----------
        steps
            Satellite, which of `march.INPUTS`, times and values of each step function.
        """
        listed = list(steps)
        sizes = [len(t_ns) for _, _, t_ns, _ in listed]
        satellite = np.repeat(np.array([s for s, *_ in listed], dtype=np.int64), sizes)
        kinds = np.array([INPUTS.index(kind) for _, kind, *_ in listed], dtype=np.int8)
        kind = np.repeat(kinds, sizes)
        t_ns = np.concatenate([np.zeros(0, np.int64), *(step[2] for step in listed)])
        value = np.concatenate([np.zeros(0), *(step[3] for step in listed)])
        order = np.lexsort((t_ns, satellite))
        return Inputs(
            first=np.searchsorted(satellite[order], np.arange(count + 1)).astype(np.int64),
            t_ns=t_ns[order].astype(np.int64),
            kind=kind[order],
            value=value[order].astype(np.float64),
        )


class Bus:
    """Battery, heat and computer of many satellites, as rows of one array.

    Parameters
    ----------
    power, heat, compute
        Sizes and limits of one satellite. None for computers alone, always at full speed.
    start_ns
        The time of the start: in the dark, the computer idle and in thermal equilibrium.
    inputs
        What is known beforehand; by default one satellite of which nothing is.
    sample_ns
        From one sample of charge and temperature to the next.
    capacity_factor
        (n,) what is left of each battery's capacity, 0 to 1, by age.

    Attributes
    ----------
    rows
        (n,) of `ROW`.
    sample_j, sample_c
        (n, m) charge and temperature at each multiple of `sample_ns` since the start.
    """

    def __init__(
        self,
        power: Power | None,
        heat: Heat | None,
        compute: Compute | None,
        start_ns: int,
        *,
        inputs: Inputs | None = None,
        sample_ns: int = 60 * SECOND_NS,
        capacity_factor: NDArray[np.float64] | None = None,
    ) -> None:
        self.inputs = inputs or Inputs.of(1)
        self.start_ns, self.sample_ns = start_ns, sample_ns
        count = len(self.inputs.first) - 1
        self.rows = rows = np.zeros(count, dtype=ROW)
        rows["t_ns"] = rows["next_sample_ns"] = start_ns
        rows["speed"] = 1.0
        rows["next_input"], rows["last_input"] = self.inputs.first[:-1], self.inputs.first[1:]
        self.sample_j, self.sample_c = np.zeros((2, count, 64))
        self._room_ns = start_ns + 63 * sample_ns
        if power is None or heat is None or compute is None:
            self._room_ns = NEVER_NS  # nothing to sample
            return
        rows["governed"] = True
        factor = np.ones(count) if capacity_factor is None else capacity_factor
        rows["capacity_j"] = power.battery_wh * _WH_J * factor
        soft = 1.0 - power.soft_depth_of_discharge
        rows["soft_limit_j"] = rows["capacity_j"] * soft
        rows["resume_j"] = rows["capacity_j"] * min(1.0, soft + power.resume_margin)
        rows["charge_j"] = rows["capacity_j"] * power.start_charge
        rows["start_j"] = rows["lowest_j"] = rows["charge_j"]
        rows["low"] = rows["charge_j"] <= rows["soft_limit_j"]
        rows["array_w"], rows["bus_w"] = power.solar_w, power.bus_w
        rows["idle_w"], rows["full_w"] = compute.idle_w, compute.load_w
        rows["tau_s"] = heat.resistance_k_per_w * heat.capacity_j_per_k
        for name in ("resistance_k_per_w", "sink_c", "hysteresis_k", "throttle_speed"):
            rows[name] = getattr(heat, name)
        rows["throttle_c"], rows["shutdown_c"] = heat.throttle_c, heat.shutdown_c
        rows["temperature_c"] = heat.sink_c + compute.idle_w * heat.resistance_k_per_w
        rows["hottest_c"] = rows["temperature_c"]
        rows["throttled"] = rows["temperature_c"] >= rows["throttle_c"]
        rows["shut_down"] = rows["temperature_c"] >= rows["shutdown_c"]

    def march(self, i: int, t_ns: int) -> bool:
        """Bring a row to a time; True if it stopped before, see `march.march`."""
        if t_ns >= self._room_ns:
            self._grow(t_ns)
        known = self.inputs
        return march(
            self.rows,
            i,
            t_ns,
            known.t_ns,
            known.kind,
            known.value,
            self.sample_ns,
            self.sample_j,
            self.sample_c,
        )

    def next_change_ns(self, i: int) -> int:
        """Return when a row next changes, as things are now; `NEVER_NS` if it does not."""
        return int(next_change_ns(self.rows, i, self.inputs.t_ns))

    def samples(self, i: int) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Return times (k,) in ns, charge (k,) in J, temperature (k,) in C of a row; now last."""
        row = self.rows[i]
        count = int(row["samples"])
        return (
            np.append(self.start_ns + self.sample_ns * np.arange(count), row["t_ns"]),
            np.append(self.sample_j[i, :count], row["charge_j"]),
            np.append(self.sample_c[i, :count], row["temperature_c"]),
        )

    def _grow(self, t_ns: int) -> None:
        """Make room for samples up to a time, and for as many again."""
        count = 2 * ((t_ns - self.start_ns) // self.sample_ns + 1)
        for name in ("sample_j", "sample_c"):
            old = getattr(self, name)
            new = np.zeros((old.shape[0], count))
            new[:, : old.shape[1]] = old
            setattr(self, name, new)
        self._room_ns = self.start_ns + (count - 1) * self.sample_ns
