"""Lines of busy intervals against rows of one-nanosecond cells."""

import numpy as np
import pytest

from orbitloom.network.booking import (
    NEVER,
    Bookings,
    fit,
    free_since,
    free_until,
    insert,
    is_roomy,
    longest_gap,
    remove,
)
from orbitloom.scenario import stream

_CELLS = 400
_CONTACTS, _LANES = 3, 3


def _cells(bookings: Bookings, contact: int, lane: int) -> np.ndarray:
    cells = np.zeros(_CELLS, dtype=bool)
    for start, end in bookings.busy(contact, lane):
        cells[start:end] = True
    return cells


def _push(cells: np.ndarray, start: int, length: int) -> None:
    displaced = 0
    for i in range(start, _CELLS):
        if i < start + length:
            displaced += int(cells[i])
            cells[i] = True
        elif displaced and not cells[i]:
            cells[i] = True
            displaced -= 1


def _first_fit(cells: np.ndarray, t: int, length: int, end: int) -> int:
    for start in range(t, end - length + 1):
        if not cells[start : start + length].any():
            return start
    return NEVER


def _longest(cells: np.ndarray) -> int:
    return max(len(run) for run in "".join("x" if c else "." for c in cells).split("x"))


@pytest.mark.parametrize("seed", range(30))
def test_random_history_equals_cells(seed: int) -> None:
    random = stream(seed, "timeline")
    bookings = Bookings(_CONTACTS)
    cells = np.zeros((_CONTACTS, _LANES, _CELLS), dtype=bool)
    for _ in range(90):
        start, length = int(random.integers(150)), int(random.integers(1, 9))
        contact, priority = int(random.integers(_CONTACTS)), int(random.integers(_LANES))
        while not is_roomy(bookings.lines, np.array([contact]), 1):
            bookings.grow()
        if random.random() < 0.6:
            insert(bookings.lines, contact, priority, start, length)
            for lane in range(priority, _LANES):
                _push(cells[contact, lane], start, length)
        else:
            remove(bookings.lines, contact, priority, start, length)
            for lane in range(priority, _LANES):
                busy = start + np.flatnonzero(cells[contact, lane, start:])[:length]
                cells[contact, lane, busy] = False
        for lane in range(_LANES):
            line = cells[contact, lane]
            assert np.array_equal(_cells(bookings, contact, lane), line)
            flat = [t for pair in bookings.busy(contact, lane) for t in pair]
            assert flat == sorted(set(flat)), "intervals are sorted, disjoint and merged"
            t, end = int(random.integers(200)), int(random.integers(200, 300))
            at = fit(bookings.lines, contact, lane, t, length, end)
            assert at == _first_fit(line, t, length, end)
            assert longest_gap(bookings.lines, contact, lane, t, end) == _longest(line[t:end])
            if at != NEVER:
                taken = np.flatnonzero(line)
                until = free_until(bookings.lines, contact, lane, at, end)
                assert until == min([*taken[taken >= at].tolist(), end])
                since = free_since(bookings.lines, contact, lane, at, 5)
                assert since == max([*(taken[taken < at] + 1).tolist(), 5])


def test_a_line_grows_as_far_as_it_must_and_what_it_leaves_is_used_again() -> None:
    bookings = Bookings(2)
    for number in range(5_000):
        for contact in range(2):
            while not is_roomy(bookings.lines, np.array([contact]), 1):
                bookings.grow()
            insert(bookings.lines, contact, 2, 10 * number, 3)
    busy = [(10 * number, 10 * number + 3) for number in range(5_000)]
    assert bookings.busy(0, 2) == bookings.busy(1, 2) == busy
    assert bookings.busy(0, 0) == []
    assert bookings.lines.starts.size <= 2**16
