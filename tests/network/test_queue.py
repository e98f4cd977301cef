import pytest

from orbitloom.network.queue import OutQueue
from orbitloom.scenario import stream
from orbitloom.wire import Priority


def test_priority_first_then_first_in_first_out() -> None:
    random = stream(0, "queue")
    queue: OutQueue[tuple[int, int]] = OutQueue()
    pushed, popped = [], []
    for number in range(500):
        item = (int(random.integers(3)), number)
        queue.push(item, Priority(item[0]))
        pushed.append(item)
        if random.random() < 0.4:
            waiting = sorted(set(pushed) - set(popped))
            assert list(queue) == waiting
            assert len(queue) == len(waiting)
            popped.append(queue.pop())
            assert popped[-1] == waiting[0]
    while queue:
        popped.append(queue.pop())
    assert sorted(popped) == sorted(pushed)


def test_an_empty_queue_says_so() -> None:
    queue: OutQueue[str] = OutQueue()
    assert not queue
    with pytest.raises(IndexError, match="nothing waits"):
        queue.pop()
