"""When a sender is already busy: the booked time of every contact at every priority.

Each contact has a *line* of busy time a priority: disjoint intervals, sorted and merged, integer
nanoseconds. Most contacts have nothing booked and take four bytes. The intervals of a line lie
together in one pool, in a stretch of a power of two of them; a line that outgrows its stretch
moves to one of twice the size, and the old one waits for the next line of its size.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from orbitloom.network.kernel import njit_bare
from orbitloom.wire import Priority

__all__ = [
    "NEVER",
    "Bookings",
    "Lines",
    "fit",
    "free_since",
    "free_until",
    "insert",
    "is_roomy",
    "longest_gap",
    "remove",
]

Numbers = NDArray[np.int64]

NEVER = -(2**62)
"""What `fit` returns if there is no such stretch."""

_LANES = len(Priority)
_FIRST, _COUNT, _SIZE = 0, 1, 2
_USED, _SLOTS, _FREE = 0, 1, 2
_SMALLEST = 4


class Lines(NamedTuple):
    """The arrays behind `Bookings`.

    Attributes
    ----------
    slot
        (m,) int32 of each contact: its row in `line`, 0 if nothing was ever booked.
    line
        (s, priorities, 3) where its intervals begin in the pool, how many there are, and how many
        fit.
    starts, ends
        The pool.
    state
        Intervals used, rows used, then the first free stretch of each power of two (-1 if none).
    """

    slot: NDArray[np.int32]
    line: Numbers
    starts: Numbers
    ends: Numbers
    state: Numbers


class Bookings:
    """Busy time of `contacts` contacts; `lines` is what kernels read and write.

    Kernels cannot enlarge an array: before each booking `is_roomy` must hold, else `grow` first.
    """

    def __init__(self, contacts: int) -> None:
        self.lines = Lines(
            slot=np.zeros(contacts, np.int32),
            line=np.zeros((64, _LANES, 3), np.int64),
            starts=np.empty(1024, np.int64),
            ends=np.empty(1024, np.int64),
            state=np.concatenate([np.array([0, 1]), np.full(62, -1)]).astype(np.int64),
        )

    def grow(self) -> None:
        """Double the arrays."""
        old = self.lines
        line = np.zeros((2 * old.line.shape[0], _LANES, 3), np.int64)
        line[: old.line.shape[0]] = old.line
        self.lines = old._replace(
            line=line,
            starts=np.concatenate([old.starts, np.empty_like(old.starts)]),
            ends=np.concatenate([old.ends, np.empty_like(old.ends)]),
        )

    def busy(self, contact: int, priority: int) -> list[tuple[int, int]]:
        """Return the busy intervals of a contact, as a search at that priority sees them."""
        lines = self.lines
        first, count, _ = lines.line[lines.slot[contact], priority].tolist()
        stretch = slice(first, first + count)
        return list(zip(lines.starts[stretch].tolist(), lines.ends[stretch].tolist(), strict=True))


@njit_bare
def _after(lines: Lines, slot: int, priority: int, t_ns: int) -> int:
    """Return the first interval of the pool that ends after `t_ns`."""
    low = lines.line[slot, priority, _FIRST]
    high = low + lines.line[slot, priority, _COUNT]
    while low < high:
        middle = (low + high) >> 1
        if lines.ends[middle] <= t_ns:
            low = middle + 1
        else:
            high = middle
    return int(low)


@njit_bare
def fit(lines: Lines, contact: int, priority: int, t_ns: int, length_ns: int, end_ns: int) -> int:
    """Return the first start at or after `t_ns` of a free stretch of that length.

    `NEVER` if there is none that finishes by `end_ns`.
    """
    slot = lines.slot[contact]
    if slot:
        last = lines.line[slot, priority, _FIRST] + lines.line[slot, priority, _COUNT]
        for i in range(_after(lines, slot, priority, t_ns), last):
            if t_ns + length_ns > end_ns:
                return NEVER
            if t_ns + length_ns <= lines.starts[i]:
                return t_ns
            t_ns = lines.ends[i]
    return t_ns if t_ns + length_ns <= end_ns else NEVER


@njit_bare
def free_until(lines: Lines, contact: int, priority: int, t_ns: int, end_ns: int) -> int:
    """Return until when the free stretch that holds `t_ns` lasts, at most `end_ns`."""
    slot = lines.slot[contact]
    if slot:
        i = _after(lines, slot, priority, t_ns)
        if i < lines.line[slot, priority, _FIRST] + lines.line[slot, priority, _COUNT]:
            return int(min(lines.starts[i], end_ns))
    return end_ns


@njit_bare
def free_since(lines: Lines, contact: int, priority: int, t_ns: int, start_ns: int) -> int:
    """Return since when the free stretch that holds `t_ns` lasts, at least `start_ns`."""
    slot = lines.slot[contact]
    if slot:
        i = _after(lines, slot, priority, t_ns)
        if i > lines.line[slot, priority, _FIRST]:
            return int(max(lines.ends[i - 1], start_ns))
    return start_ns


@njit_bare
def longest_gap(lines: Lines, contact: int, priority: int, start_ns: int, end_ns: int) -> int:
    """Return the longest free stretch between two times, ns."""
    longest, t_ns = 0, start_ns
    slot = lines.slot[contact]
    if slot:
        last = lines.line[slot, priority, _FIRST] + lines.line[slot, priority, _COUNT]
        for i in range(_after(lines, slot, priority, start_ns), last):
            if t_ns >= end_ns:
                break
            longest = max(longest, min(lines.starts[i], end_ns) - t_ns)
            t_ns = lines.ends[i]
    return int(max(longest, end_ns - t_ns))


@njit_bare
def is_roomy(lines: Lines, contacts: Numbers, count: int) -> bool:
    """Tell whether one interval can be put into, or cut in, every line of the first contacts."""
    needed, slots = 0, lines.state[_SLOTS]
    for j in range(count):
        slot = lines.slot[contacts[j]]
        if not slot:
            needed += _LANES * _SMALLEST
            slots += 1
            continue
        for lane in range(_LANES):
            if lines.line[slot, lane, _COUNT] == lines.line[slot, lane, _SIZE]:
                needed += max(_SMALLEST, 2 * lines.line[slot, lane, _SIZE])
    return bool(lines.state[_USED] + needed <= lines.starts.size and slots <= lines.line.shape[0])


@njit_bare
def _move(lines: Lines, slot: int, lane: int) -> None:
    """Give a full line a stretch of twice the size."""
    first, count, size = lines.line[slot, lane]
    larger, power = _SMALLEST, 0
    while larger < 2 * size:
        larger *= 2
        power += 1
    free = lines.state[_FREE + power]
    if free >= 0:
        lines.state[_FREE + power] = lines.starts[free]
    else:
        free = lines.state[_USED]
        lines.state[_USED] += larger
    for i in range(count):
        lines.starts[free + i] = lines.starts[first + i]
        lines.ends[free + i] = lines.ends[first + i]
    if size:
        lines.starts[first] = lines.state[_FREE + power - 1]
        lines.state[_FREE + power - 1] = first
    lines.line[slot, lane, _FIRST] = free
    lines.line[slot, lane, _SIZE] = larger


@njit_bare
def _splice(lines: Lines, slot: int, lane: int, first: int, last: int, by: int) -> None:
    """Replace the intervals from `first` to before `last` by room for `by` others."""
    end = lines.line[slot, lane, _FIRST] + lines.line[slot, lane, _COUNT]
    shift = by - (last - first)
    if shift > 0:
        for i in range(end - 1, last - 1, -1):
            lines.starts[i + shift] = lines.starts[i]
            lines.ends[i + shift] = lines.ends[i]
    elif shift < 0:
        for i in range(last, end):
            lines.starts[i + shift] = lines.starts[i]
            lines.ends[i + shift] = lines.ends[i]
    lines.line[slot, lane, _COUNT] += shift


@njit_bare
def insert(lines: Lines, contact: int, priority: int, start_ns: int, length_ns: int) -> None:
    """Book a stretch, in the lines of that and of all lower priorities.

    Whatever is booked there already moves back, nothing is lost.
    """
    slot = lines.slot[contact]
    if not slot:
        slot = lines.state[_SLOTS]
        lines.state[_SLOTS] += 1
        lines.slot[contact] = slot
    for lane in range(priority, _LANES):
        if lines.line[slot, lane, _COUNT] == lines.line[slot, lane, _SIZE]:
            _move(lines, slot, lane)
        # One that ends just where this begins is merged with it: intervals never touch.
        first = _after(lines, slot, lane, start_ns - 1)
        end = lines.line[slot, lane, _FIRST] + lines.line[slot, lane, _COUNT]
        begin, finish, last = start_ns, start_ns + length_ns, first
        if first < end and lines.starts[first] <= start_ns:
            begin, finish = lines.starts[first], lines.ends[first] + length_ns
            last = first + 1
        while last < end and lines.starts[last] <= finish:
            finish += lines.ends[last] - lines.starts[last]
            last += 1
        _splice(lines, slot, lane, first, last, 1)
        lines.starts[first], lines.ends[first] = begin, finish


@njit_bare
def remove(lines: Lines, contact: int, priority: int, start_ns: int, length_ns: int) -> None:
    """Free that much booked time from `start_ns` on, at that and all lower priorities."""
    slot = lines.slot[contact]
    if not slot:
        return
    for lane in range(priority, _LANES):
        if lines.line[slot, lane, _COUNT] == lines.line[slot, lane, _SIZE]:
            _move(lines, slot, lane)  # cutting one in two needs room for one more
        left = length_ns
        i = _after(lines, slot, lane, start_ns)
        while left > 0 and i < lines.line[slot, lane, _FIRST] + lines.line[slot, lane, _COUNT]:
            begin, finish = lines.starts[i], lines.ends[i]
            cut = max(begin, start_ns)
            resume = min(finish, cut + left)
            left -= resume - cut
            pieces = int(cut > begin) + int(finish > resume)
            _splice(lines, slot, lane, i, i + 1, pieces)
            if cut > begin:
                lines.starts[i], lines.ends[i] = begin, cut
                i += 1
            if finish > resume:
                lines.starts[i], lines.ends[i] = resume, finish
                i += 1
