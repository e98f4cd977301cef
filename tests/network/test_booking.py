"""A timeline of busy intervals against a row of one-nanosecond cells."""

import numpy as np
import pytest

from orbitloom.network.booking import Timeline
from orbitloom.scenario import stream

_CELLS = 400


def _cells(line: Timeline) -> np.ndarray:
    cells = np.zeros(_CELLS, dtype=bool)
    for start, end in zip(line.starts, line.ends, strict=True):
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


def _first_fit(cells: np.ndarray, t: int, length: int, end: int) -> int | None:
    for start in range(t, end - length + 1):
        if not cells[start : start + length].any():
            return start
    return None


@pytest.mark.parametrize("seed", range(30))
def test_random_history_equals_cells(seed: int) -> None:
    random = stream(seed, "timeline")
    line, cells = Timeline(), np.zeros(_CELLS, dtype=bool)
    for _ in range(60):
        start, length = int(random.integers(150)), int(random.integers(1, 9))
        if random.random() < 0.6:
            line.insert(start, length)
            _push(cells, start, length)
        else:
            line.remove(start, length)
            busy = start + np.flatnonzero(cells[start:])[:length]
            cells[busy] = False
        assert np.array_equal(_cells(line), cells)
        flat = [t for pair in zip(line.starts, line.ends, strict=True) for t in pair]
        assert flat == sorted(set(flat)), "intervals are sorted, disjoint and merged"
        t, end = int(random.integers(200)), int(random.integers(200, 300))
        fit = line.fit(t, length, end)
        assert fit == _first_fit(cells, t, length, end)
        if fit is not None:
            taken = np.flatnonzero(cells)
            assert line.free_until(fit, end) == min([*taken[taken >= fit].tolist(), end])
            assert line.free_since(fit, 5) == max([*(taken[taken < fit] + 1).tolist(), 5])
