from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from orbitloom.scenario import stream


def test_the_same_name_gives_the_same_numbers():
    assert np.array_equal(stream(3, "bus", "A", 7).random(50), stream(3, "bus", "A", 7).random(50))


@pytest.mark.parametrize(
    "other",
    [
        (4, "bus", "A", 7),
        (3, "bus", "A", 8),
        (3, "bus", "B", 7),
        (3, "bus", "A"),
        (3, "bus", "A7"),
        (3, "busA", 7),
        (3, "A", "bus", 7),
        (3, "bus", "A", 7, ""),
    ],
)
def test_another_seed_or_name_gives_others(other):
    mine = stream(3, "bus", "A", 7).random(8)
    assert not np.isin(stream(*other).random(8), mine).any()


def test_drawing_in_one_place_changes_nothing_in_another():
    alone = stream(0, "b").random(10)
    first = stream(0, "a")
    first.random(1000)
    assert np.array_equal(stream(0, "b").random(10), alone)


def test_the_numbers_do_not_depend_on_who_asks_first():
    names = [("x", number) for number in range(40)]
    one_by_one = [stream(5, *name).random() for name in names]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda name: stream(5, *name).random(), reversed(names)))
    assert together[::-1] == one_by_one


def test_the_numbers_stay_what_they_were():
    """A change here would change every flight: it needs a line in the change log."""
    raw = stream(0, "bus", "SAT-01", 7).bit_generator.random_raw(2)
    assert raw.tolist() == [17809535572920435492, 7064362901825889839]


def test_streams_are_independent():
    draws = np.array([stream(0, "child", number).standard_normal(1000) for number in range(20)])
    correlation = np.corrcoef(draws) - np.eye(20)
    assert np.abs(correlation).max() < 5 / np.sqrt(1000)
    assert abs(draws.mean()) < 5 / np.sqrt(20_000)
