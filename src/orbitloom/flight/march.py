"""One satellite's battery, heat and computer, compiled: from event to event in closed form.

Between events loads, sunlight and speed are constant: the charge is linear in time and clamped, the
temperature exponential, work linear. A march goes to the next of: a scheduled input, a sample, the
end of a stage of work or of the survey's backlog, a level of the battery, a limit of the heat. All
times are whole nanoseconds, rounded up, so that an event is never early.
See docs/design/power-and-heat.md for the equations.

A march takes microseconds and holds Python's lock: to give it up and wait for it again, beside the
threads that process scenes, would take a thousand times as long.
"""

from __future__ import annotations

import math
from typing import Any

from numba import njit
from numpy.typing import NDArray

__all__ = ["INPUTS", "march", "next_change_ns"]

INPUTS = ("sunlight", "lasers_w", "survey_w", "inflow")
"""What a schedule sets, by number."""

_NEVER_NS = 2**63 - 1
_FAR_S = 9e9
_FAR_NS = 7e18
_NEAR_J = 1e-6  # a predicted crossing is met within rounding; far below the resume margin
_NEAR_K = 1e-9  # likewise; far below the hysteresis
_NEAR_NS = 1e-6  # work below a femtosecond is rounding


@njit(cache=True, error_model="numpy")
def _after_ns(t_ns: int, seconds: float) -> int:
    """Return the first whole nanosecond not before that many seconds later, and later than now."""
    if seconds >= _FAR_S:
        return _NEVER_NS
    return t_ns + max(1, math.ceil(seconds * 1e9))


@njit(cache=True, error_model="numpy")
def _load_w(row: Any) -> float:
    return float(row.bus_w + row.computer_w + row.lasers_w + row.survey_w + row.others_w)


@njit(cache=True, error_model="numpy")
def _rate(row: Any) -> float:
    """Return the share of full speed in use: what the power draw follows."""
    if row.has_job or row.behind_ns > 0.0:
        return float(row.speed)
    return float(min(row.speed, row.inflow))


@njit(cache=True, error_model="numpy")
def _limited(celsius: float, limit_c: float, hysteresis_k: float, imposed: bool) -> bool:
    if imposed:
        return bool(celsius > limit_c - hysteresis_k + _NEAR_K)
    return bool(celsius >= limit_c - _NEAR_K)


@njit(cache=True, error_model="numpy")
def _meets_ns(row: Any, limit_c: float, imposed: bool) -> int:
    """Return when a limit of the heat is imposed or lifted, with the present power."""
    level_c = limit_c - row.hysteresis_k if imposed else limit_c
    now = row.temperature_c - level_c
    end = row.sink_c + row.computer_w * row.resistance_k_per_w - level_c
    if (now <= 0.0 < end) or (end < 0.0 <= now):
        return _after_ns(row.t_ns, row.tau_s * math.log((end - now) / end))
    return _NEVER_NS


@njit(cache=True, error_model="numpy")
def _next_ns(row: Any) -> int:
    """Return when something changes of itself: work ends, a level or a limit is met."""
    due_ns = _NEVER_NS
    work_ns, rate = row.behind_ns, row.speed - row.inflow
    if row.has_job:
        work_ns, rate = row.left_ns, row.speed
        if row.ahead_ns > 0.0:
            work_ns = row.ahead_ns
    if rate > 0.0 and work_ns > 0.0 and work_ns / rate < _FAR_NS:
        due_ns = row.t_ns + max(1, math.ceil(work_ns / rate))
    if not row.governed:
        return due_ns
    net_w = row.array_w * row.sunlight - _load_w(row)
    if net_w < 0.0:
        level_j = 0.0 if row.low else row.soft_limit_j
    else:
        level_j = row.resume_j if row.low else row.capacity_j
    if net_w != 0.0 and row.charge_j != level_j:
        meets_ns = _after_ns(row.t_ns, max(0.0, (level_j - row.charge_j) / net_w))
        due_ns = min(due_ns, meets_ns)
    due_ns = min(due_ns, _meets_ns(row, row.throttle_c, row.throttled))
    return min(due_ns, _meets_ns(row, row.shutdown_c, row.shut_down))


@njit(cache=True, error_model="numpy")
def _serve(row: Any, span_ns: int) -> bool:
    """Let the computer work; return whether a stage, or the work before a job, has ended."""
    rate = _rate(row)
    seconds = span_ns / 1e9
    if row.speed > 0.0:
        busy_s = seconds * rate / row.speed
        row.busy_s += busy_s
        if row.speed < 1.0:
            row.throttled_s += busy_s
    elif row.has_job or row.behind_ns > 0.0 or row.inflow > 0.0:
        row.held_s += seconds
    inflow_ns, served_ns = row.inflow * span_ns, rate * span_ns
    if not row.has_job:
        left_ns = row.behind_ns + inflow_ns - served_ns
        if left_ns <= _NEAR_NS:
            left_ns = 0.0
        row.survey_done_s += (row.behind_ns + inflow_ns - left_ns) / 1e9
        row.behind_ns = left_ns
        return False
    row.behind_ns += inflow_ns
    if row.ahead_ns > 0.0:
        left_ns = row.ahead_ns - served_ns
        if left_ns <= _NEAR_NS:
            left_ns = 0.0
        row.survey_done_s += (row.ahead_ns - left_ns) / 1e9
        row.ahead_ns = left_ns
        return bool(left_ns == 0.0)
    left_ns = row.left_ns - served_ns
    if left_ns <= _NEAR_NS:
        left_ns = 0.0
    row.left_ns = left_ns
    return bool(left_ns == 0.0)


@njit(cache=True, error_model="numpy")
def _charge(row: Any, seconds: float) -> None:
    """Charge or drain the battery; full spills, empty leaves loads unmet."""
    offered_j, asked_j = row.array_w * row.sunlight * seconds, _load_w(row) * seconds
    surplus_j = offered_j - asked_j
    spilled_j = max(0.0, surplus_j - (row.capacity_j - row.charge_j))
    unmet_j = max(0.0, -surplus_j - row.charge_j)
    row.charge_j = min(row.capacity_j, max(0.0, row.charge_j + surplus_j))
    row.solar_j += offered_j - spilled_j
    row.spilled_j += spilled_j
    row.consumed_j += asked_j - unmet_j
    row.unmet_j += unmet_j
    row.lowest_j = min(row.lowest_j, row.charge_j)
    if row.charge_j <= row.soft_limit_j + _NEAR_J:
        row.low = True
    elif row.charge_j >= row.resume_j - _NEAR_J:
        row.low = False


@njit(cache=True, error_model="numpy")
def _heat(row: Any, seconds: float) -> None:
    """Warm or cool the computer towards its temperature at the present power."""
    end_c = row.sink_c + row.computer_w * row.resistance_k_per_w
    row.temperature_c = end_c + (row.temperature_c - end_c) * math.exp(-seconds / row.tau_s)
    row.hottest_c = max(row.hottest_c, row.temperature_c)
    hysteresis_k = row.hysteresis_k
    row.throttled = _limited(row.temperature_c, row.throttle_c, hysteresis_k, row.throttled)
    row.shut_down = _limited(row.temperature_c, row.shutdown_c, hysteresis_k, row.shut_down)


@njit(cache=True, error_model="numpy")
def _couple(row: Any) -> bool:
    """Let limits act on the computer, and its use on battery and heat; return whether they did."""
    changed = False
    if row.governed:
        speed, cause = 1.0, 0
        if row.shut_down:
            speed, cause = 0.0, 1
        elif row.low:
            speed, cause = 0.0, 2
        elif row.throttled:
            speed = row.throttle_speed
        changed = speed != row.speed or cause != row.cause
        row.speed, row.cause = speed, cause
    row.computer_w = row.idle_w + _rate(row) * (row.full_w - row.idle_w)
    return bool(changed)


@njit(cache=True, error_model="numpy")
def next_change_ns(rows: Any, i: int, input_ns: NDArray[Any]) -> int:
    """Return when a row next changes: of itself, as things are now, or by a scheduled input."""
    row = rows[i]
    due_ns = _next_ns(row)
    if row.next_input < row.last_input:
        due_ns = min(due_ns, input_ns[row.next_input])
    return due_ns


@njit(cache=True, error_model="numpy")
def march(
    rows: Any,
    i: int,
    until_ns: int,
    input_ns: NDArray[Any],
    input_kind: NDArray[Any],
    input_value: NDArray[Any],
    sample_ns: int,
    sample_j: NDArray[Any],
    sample_c: NDArray[Any],
) -> bool:
    """Bring a row to a time; stop before, if something befalls the job that is first there.

    Parameters
    ----------
    rows
        (n,) of `orbitloom.flight.bus.ROW`.
    i, until_ns
        Which row, and to when.
    input_ns, input_kind, input_value
        (k,) the schedules of all rows, those of a row together and sorted by time.
    sample_ns
        From one sample to the next.
    sample_j, sample_c
        (n, m) charge and temperature at each multiple of `sample_ns` since the start.

    Returns
    -------
    bool
        True if it stopped: a stage has ended, or the work before the first job, or the computer's
        speed has changed. Whoever keeps the jobs then says what the first one has left, and goes
        on. Without a job there is nothing to stop for.
    """
    row = rows[i]
    while True:
        while row.next_input < row.last_input and input_ns[row.next_input] <= row.t_ns:
            kind, value = input_kind[row.next_input], input_value[row.next_input]
            if kind == 0:
                row.sunlight = value
            elif kind == 1:
                row.lasers_w = value
            elif kind == 2:
                row.survey_w = value
            else:
                row.inflow = value
            row.next_input += 1
        if _couple(row) and row.has_job:
            return True
        if row.governed and row.t_ns >= row.next_sample_ns:
            sample_j[i, row.samples] = row.charge_j
            sample_c[i, row.samples] = row.temperature_c
            row.samples += 1
            row.next_sample_ns += sample_ns
        if row.t_ns >= until_ns:
            return False
        then_ns = min(until_ns, _next_ns(row))
        if row.next_input < row.last_input:
            then_ns = min(then_ns, input_ns[row.next_input])
        if row.governed:
            then_ns = min(then_ns, row.next_sample_ns)
        span_ns = then_ns - row.t_ns
        ended = _serve(row, span_ns)
        if row.governed:
            _charge(row, span_ns * 1e-9)
            _heat(row, span_ns * 1e-9)
        row.t_ns = then_ns
        if ended:
            return True
