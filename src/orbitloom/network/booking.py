"""When a sender is already busy: the booked time of one contact, as disjoint intervals."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

__all__ = ["Timeline"]


class Timeline:
    """Busy intervals of one contact at one priority, sorted, disjoint and merged; integer ns."""

    __slots__ = ("ends", "starts")

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []

    def fit(self, t_ns: int, length_ns: int, end_ns: int) -> int | None:
        """Return the first start at or after `t_ns` of a free stretch of that length.

        None if there is none that finishes by `end_ns`.
        """
        starts, ends = self.starts, self.ends
        for i in range(bisect_right(ends, t_ns), len(starts)):
            if t_ns + length_ns <= min(starts[i], end_ns):
                return t_ns
            t_ns = ends[i]
        return t_ns if t_ns + length_ns <= end_ns else None

    def free_until(self, t_ns: int, end_ns: int) -> int:
        """Return until when the free stretch that holds `t_ns` lasts, at most `end_ns`."""
        i = bisect_right(self.ends, t_ns)
        return min(self.starts[i], end_ns) if i < len(self.starts) else end_ns

    def free_since(self, t_ns: int, start_ns: int) -> int:
        """Return since when the free stretch that holds `t_ns` lasts, at least `start_ns`."""
        i = bisect_right(self.ends, t_ns)
        return max(self.ends[i - 1], start_ns) if i else start_ns

    def insert(self, start_ns: int, length_ns: int) -> None:
        """Book a stretch; whatever is booked there already moves back, nothing is lost."""
        starts, ends = self.starts, self.ends
        first = bisect_left(ends, start_ns)
        begin, finish, last = start_ns, start_ns + length_ns, first
        if first < len(starts) and starts[first] <= start_ns:
            begin, finish, last = starts[first], ends[first] + length_ns, first + 1
        while last < len(starts) and starts[last] <= finish:
            finish += ends[last] - starts[last]
            last += 1
        starts[first:last] = [begin]
        ends[first:last] = [finish]

    def remove(self, start_ns: int, length_ns: int) -> None:
        """Free that much booked time, from `start_ns` on."""
        starts, ends = self.starts, self.ends
        i = bisect_right(ends, start_ns)
        while length_ns > 0 and i < len(starts):
            begin, finish = starts[i], ends[i]
            cut = max(begin, start_ns)
            resume = min(finish, cut + length_ns)
            length_ns -= resume - cut
            left = [(a, b) for a, b in ((begin, cut), (resume, finish)) if b > a]
            starts[i : i + 1] = [a for a, _ in left]
            ends[i : i + 1] = [b for _, b in left]
            i += len(left)
