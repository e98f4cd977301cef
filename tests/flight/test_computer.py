"""The computer's queue against closed forms and against a march in small steps."""

import math
from collections import defaultdict
from itertools import pairwise

import pytest

from orbitloom.flight.clock import NEVER_NS
from orbitloom.flight.computer import Computer, Segment
from orbitloom.scenario import stream

S = 1_000_000_000


def brief(segments: list[Segment]) -> list[tuple[int, str, str, float, float, str]]:
    return [(s.job, s.kind, s.step, s.start_ns / S, s.end_ns / S, s.cause) for s in segments]


def by_job(segments: list[Segment]) -> dict[int, list[Segment]]:
    jobs = defaultdict(list)
    for segment in segments:
        jobs[segment.job].append(segment)
    return jobs


def test_stages_are_served_back_to_back() -> None:
    computer = Computer(0)
    computer.submit(7, [("L0", 2.0), ("L1", 3.5), ("assess", 1.0)], 10 * S)
    assert computer.next_event_ns() == 12 * S
    assert brief(computer.advance(100 * S)) == [
        (7, "run", "L0", 10, 12, ""),
        (7, "run", "L1", 12, 15.5, ""),
        (7, "run", "assess", 15.5, 16.5, ""),
    ]
    assert computer.next_event_ns() == NEVER_NS
    assert computer.busy_s == pytest.approx(6.5)


def test_jobs_wait_for_each_other() -> None:
    computer = Computer(0)
    computer.submit(1, [("L0", 5.0)], 0)
    computer.submit(2, [("L0", 1.0), ("L1", 1.0)], 2 * S)
    assert computer.backlog_s == pytest.approx(5.0)
    segments = computer.advance(20 * S)
    assert brief(segments) == [
        (1, "run", "L0", 0, 5, ""),
        (2, "wait", "L0", 2, 5, "computer busy"),
        (2, "run", "L0", 5, 6, ""),
        (2, "run", "L1", 6, 7, ""),
    ]
    assert [s.last for s in segments] == [True, False, False, True]


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.999, 1.0])
def test_survey_below_capacity_delays_no_job(rho: float) -> None:
    computer = Computer(0)
    computer.set_inflow(rho, 0)
    computer.submit(1, [("L0", 3.0)], 50 * S)
    assert brief(computer.advance(100 * S)) == [(1, "run", "L0", 50, 53, "")]
    # What came in meanwhile waits behind the job, and is then worked off at 1 - rho.
    waiting = 3.0 * rho if rho == 1.0 else max(0.0, 3.0 * rho - 47.0 * (1.0 - rho))
    assert computer.survey_waiting_s == pytest.approx(waiting, abs=1e-9)
    assert computer.survey_done_s + waiting == pytest.approx(100.0 * rho)


@pytest.mark.parametrize("rho", [1.25, 2.0, 7.5])
def test_survey_above_capacity_builds_a_backlog(rho: float) -> None:
    computer = Computer(0)
    computer.set_inflow(rho, 0)
    computer.advance(40 * S)
    assert computer.survey_waiting_s == pytest.approx((rho - 1.0) * 40.0)
    computer.submit(1, [("L0", 1.0)], 60 * S)
    wait_s = (rho - 1.0) * 60.0
    assert computer.next_event_ns() == 60 * S + round(wait_s * S)
    computer.set_inflow(0.0, 80 * S)
    wait, run = computer.advance(10_000 * S)
    assert (wait.kind, wait.cause, wait.start_ns) == ("wait", "computer busy", 60 * S)
    assert wait.end_ns == 60 * S + round(wait_s * S)
    assert (run.kind, run.end_ns - run.start_ns) == ("run", S)
    assert computer.survey_done_s == pytest.approx(80.0 * rho)
    assert computer.busy_s == pytest.approx(80.0 * rho + 1.0)


def test_the_backlog_drains_at_the_spare_rate() -> None:
    computer = Computer(0)
    computer.set_inflow(3.0, 0)
    computer.set_inflow(0.5, 10 * S)
    assert computer.rate == 1.0
    assert computer.next_event_ns() == 10 * S + 40 * S
    computer.advance(50 * S)
    assert computer.rate == 0.5
    assert computer.survey_waiting_s == 0.0


def test_work_is_held_and_says_why() -> None:
    computer = Computer(0)
    computer.submit(1, [("L0", 4.0)], 0)
    computer.set_speed(0.0, "battery low", 1 * S)
    computer.submit(2, [("L0", 1.0)], 2 * S)
    assert computer.next_event_ns() <= 2 * S  # what has closed wants to be fetched
    first = computer.advance(3 * S)
    assert computer.next_event_ns() == NEVER_NS
    computer.set_speed(0.0, "computer hot", 5 * S)
    computer.set_speed(1.0, "", 8 * S)
    rest = computer.advance(20 * S)
    jobs = by_job(first + rest)
    assert brief(jobs[1]) == [
        (1, "run", "L0", 0, 1, ""),
        (1, "wait", "L0", 1, 5, "battery low"),
        (1, "wait", "L0", 5, 8, "computer hot"),
        (1, "run", "L0", 8, 11, ""),
    ]
    assert brief(jobs[2]) == [
        (2, "wait", "L0", 2, 5, "battery low"),
        (2, "wait", "L0", 5, 8, "computer hot"),
        (2, "wait", "L0", 8, 11, "computer busy"),
        (2, "run", "L0", 11, 12, ""),
    ]
    assert computer.held_s == pytest.approx(7.0)
    assert sum(s.work_s for s in jobs[1]) == pytest.approx(4.0)


def test_slower_takes_longer_and_does_the_same_work() -> None:
    computer = Computer(0)
    computer.submit(1, [("L0", 9.0)], 0)
    computer.set_speed(0.9, "", 0)
    (run,) = computer.advance(60 * S)
    assert run.end_ns == pytest.approx(10 * S, abs=1)
    assert run.work_s == pytest.approx(9.0)
    assert computer.throttled_s == computer.busy_s == pytest.approx(10.0)


def test_a_job_of_no_work_completes_where_it_came() -> None:
    computer = Computer(0)
    computer.submit(1, [("L0", 0.0), ("L1", 0.0)], 5)
    assert computer.next_event_ns() == 5
    (done,) = computer.advance(5)
    assert (done.step, done.start_ns, done.end_ns, done.last) == ("L1", 5, 5, True)


def test_unfinished_work_can_be_seen() -> None:
    computer = Computer(0)
    computer.submit(1, [("L0", 4.0)], 0)
    computer.submit(2, [("L0", 4.0)], 0)
    assert computer.advance(3 * S) == []
    assert brief(computer.open_segments()) == [
        (1, "run", "L0", 0, 3, ""),
        (2, "wait", "L0", 0, 3, "computer busy"),
    ]
    assert computer.backlog_s == pytest.approx(5.0)


def march(events: list[tuple[int, str, float]], end: int) -> tuple[dict[int, int], float, float]:
    """Serve the same history in steps of 1 ms of the clock, one item of a FIFO list at a time."""
    queue: list[list[float]] = []  # [job or -1, work left in ms]
    speed, inflow, done, fluid_done = 1.0, 0.0, {}, 0.0
    for t in range(end):
        for _, kind, value in (e for e in events if e[0] == t):
            if kind == "job":
                queue.append([1000 + t, value])
            elif kind == "speed":
                speed = value
            else:
                inflow = value
        if inflow:
            if not queue or queue[-1][0] >= 0:
                queue.append([-1, 0.0])
            queue[-1][1] += inflow
        budget = speed
        while queue and budget > 0.0:
            served = min(budget, queue[0][1])
            queue[0][1] -= served
            budget -= served
            fluid_done += served if queue[0][0] < 0 else 0.0
            if queue[0][1] > 1e-9:
                break
            if queue[0][0] >= 0:
                done[int(queue[0][0])] = t + 1
            queue.pop(0)
    return done, fluid_done, sum(work for job, work in queue if job < 0)


@pytest.mark.parametrize("seed", range(6))
def test_random_histories_agree_with_small_steps(seed: int) -> None:
    random = stream(seed, "computer march")
    end, events, used = 60_000, [], set()
    for _ in range(60):
        t = int(random.integers(end - 10_000))
        if t in used:
            continue
        used.add(t)
        kind = str(random.choice(["job", "speed", "inflow"]))
        if kind == "job":
            events.append((t, kind, float(random.integers(1, 1500))))
        elif kind == "speed":
            events.append((t, kind, float(random.choice([0.0, 0.9, 1.0, 1.0]))))
        else:
            events.append((t, kind, float(random.choice([0.0, 0.0, 0.4, 1.3]))))
    events.sort()
    computer, segments = Computer(0), []
    for t, kind, value in events:
        if kind == "job":
            computer.submit(1000 + t, [("a", value / 4e3), ("b", value * 3 / 4e3)], t * S // 1000)
        elif kind == "speed":
            computer.set_speed(value, "battery low" if value == 0.0 else "", t * S // 1000)
        else:
            computer.set_inflow(value, t * S // 1000)
        segments += computer.advance(t * S // 1000)
    segments += computer.advance(end * S // 1000)
    done, fluid_done, fluid_left = march(events, end)
    finished = {s.job: s.end_ns for s in segments if s.last}
    assert set(finished) == set(done)
    assert len(done) > 5
    for job, t in done.items():
        assert finished[job] / 1e6 == pytest.approx(t, abs=5.0)
    assert computer.survey_done_s * 1e3 == pytest.approx(fluid_done, abs=5.0)
    assert computer.survey_waiting_s * 1e3 == pytest.approx(fluid_left, abs=5.0)


@pytest.mark.parametrize("seed", range(20))
def test_segments_are_contiguous_and_account_for_all_work(seed: int) -> None:
    """Exact in integer ns, however often the clock is looked at."""
    random = stream(seed, "segments")
    computer, t_ns, segments = Computer(0), 0, []
    submitted: dict[int, tuple[int, list[tuple[str, float]]]] = {}
    for number in range(300):
        t_ns += int(random.integers(1, 3 * S))
        choice = random.random()
        if choice < 0.4:
            names = ["L0", "L1", "L2", "L3"][: int(random.integers(1, 5))]
            stages = [(name, float(random.exponential(0.4))) for name in names]
            submitted[number] = (t_ns, stages)
            computer.submit(number, stages, t_ns)
        elif choice < 0.6:
            speed = float(random.choice([0.0, 0.9, 1.0]))
            computer.set_speed(speed, "computer hot" if speed == 0.0 else "", t_ns)
        elif choice < 0.8:
            computer.set_inflow(float(random.choice([0.0, 0.5, 1.5])), t_ns)
        elif choice < 0.9:
            segments += computer.advance(t_ns)
        else:
            while computer.next_event_ns() <= t_ns + S:
                segments += computer.advance(computer.next_event_ns())
            t_ns = max(t_ns, computer.t_ns)
    computer.set_inflow(0.0, t_ns)
    computer.set_speed(1.0, "", t_ns)
    segments += computer.advance(t_ns + 100_000 * S)
    jobs = by_job(segments)
    assert set(jobs) == set(submitted)
    starts = []
    for job, (start_ns, stages) in submitted.items():
        parts = jobs[job]
        assert parts[0].start_ns == start_ns
        assert all(a.end_ns == b.start_ns for a, b in pairwise(parts))
        assert all(isinstance(s.start_ns, int) and isinstance(s.end_ns, int) for s in parts)
        assert [s.last for s in parts] == [False] * (len(parts) - 1) + [True]
        assert all((s.cause != "") == (s.kind == "wait") for s in parts)
        assert all(s.work_s == 0.0 for s in parts if s.kind == "wait")
        for name, seconds in stages:
            runs = [s for s in parts if s.step == name and s.kind == "run"]
            assert sum(s.work_s for s in runs) == pytest.approx(seconds, abs=1e-6)
        starts.append(next(s.start_ns for s in parts if s.kind == "run"))
    assert starts == sorted(starts), "first in, first out"
    assert computer.backlog_s == 0.0


def test_looking_more_often_changes_nothing() -> None:
    def fly(step_ns: int) -> list[Segment]:
        computer, segments = Computer(0), []
        computer.set_inflow(1.5, 0)
        for t_ns in range(0, 100 * S, step_ns):
            segments += computer.advance(t_ns)
            if t_ns % (10 * S) == 0 and t_ns < 50 * S:
                computer.submit(t_ns // S, [("L0", 1.25), ("L1", math.pi)], t_ns)
        return segments

    assert sorted(map(str, fly(10 * S))) == sorted(map(str, fly(S // 10)))


def test_what_cannot_be_is_refused() -> None:
    computer = Computer(100)
    for stages in ([], [("L0", -1.0)]):
        with pytest.raises(ValueError, match="job 3 needs stages"):
            computer.submit(3, stages, 100)
    with pytest.raises(ValueError, match="inflow of -1"):
        computer.set_inflow(-1.0, 100)
    with pytest.raises(ValueError, match="goes back by 100 ns"):
        computer.advance(0)
