"""A trail cannot leave a gap."""

from __future__ import annotations

import pytest

from orbitloom.twin.trail import Trail


def test_steps_follow_each_other() -> None:
    trail = Trail("orbit", 3, 100)
    trail.step("sense", "A", 150, joules=2.0)
    trail.wait("A", 150, "computer busy")
    trail.wait("A", 170, "no contact")
    trail.step("downlink", "A", 200, joules=1.5)
    assert [(row.start_ns, row.end_ns) for row in trail.rows] == [
        (100, 150),
        (150, 170),
        (170, 200),
    ]
    assert trail.joules == 3.5


def test_a_step_back_in_time_is_refused() -> None:
    trail = Trail("orbit", 3, 100)
    with pytest.raises(ValueError, match="before it starts"):
        trail.step("sense", "A", 99)
