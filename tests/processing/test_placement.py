from __future__ import annotations

from collections import Counter

import pytest

from orbitloom.processing.placement import (
    Job,
    Link,
    Site,
    fly,
    place,
    replicas_s,
)
from orbitloom.scenario import stream

LINK = Link(rate_gbps=10.0, range_km=2000.0)
CHIP_BYTES = 1024 * 1024 * 6 * 2
EIGHT = tuple(Site(name=f"S{number}") for number in range(8))


def _job(name="J", home="S0", **changes):
    return Job(name=name, home=home, chip_bytes=CHIP_BYTES, work_s=5.0, **changes)


def test_a_chip_takes_a_millisecond_at_100_gbps():
    assert Link(rate_gbps=100.0, range_km=0.0).transfer_s(CHIP_BYTES) == pytest.approx(
        1e-3, rel=0.01
    )


def test_the_chip_moves_only_where_moving_is_cheaper_than_waiting():
    links = {"S1": LINK}
    move_s = LINK.transfer_s(CHIP_BYTES)
    for wait_s, expected in ((0.9 * move_s, "S0"), (1.1 * move_s, "S1")):
        sites = (Site(name="S0", wait_s=wait_s), Site(name="S1"))
        assert place(_job(), sites, links) == expected


@pytest.mark.parametrize(
    ("state", "fit"),
    [
        ({"in_eclipse": True, "charge": 0.5}, False),
        ({"in_eclipse": True, "charge": 0.9}, True),
        ({"charge": 0.5}, True),
        ({"temperature_c": 85.0}, False),
    ],
)
def test_work_keeps_off_dark_satellites_of_low_charge_and_hot_ones(state, fit):
    sites = (Site(name="S0", wait_s=60.0), Site(name="S1", **state))
    assert place(_job(), sites, {"S1": LINK}) == ("S1" if fit else "S0")


def test_nowhere_to_go():
    hot = Site(name="S0", temperature_c=95.0)
    assert place(_job(), (hot, Site(name="S1")), {}) is None


def test_a_fleet_finishes_when_the_closed_form_says():
    """24 jobs of 5 s at one of eight satellites: three rounds, and the last chip moves once."""
    outcomes = fly([_job(f"J{number}") for number in range(24)], EIGHT, LINK)
    assert len(outcomes) == 24
    expected = 3 * 5.0 + LINK.transfer_s(CHIP_BYTES)
    assert outcomes[-1].finished_s == pytest.approx(expected, rel=0.01)
    alone = fly([_job(f"J{number}") for number in range(24)], EIGHT[:1], LINK)
    assert alone[-1].finished_s == pytest.approx(24 * 5.0, rel=1e-12)


@pytest.mark.parametrize("seed", range(40))
def test_a_simulated_fleet_ends_when_the_closed_form_says(seed):
    """Work from a tenth of a chip's transfer to a hundred of them."""
    rng = stream(seed, "replicas")
    count, many = int(rng.integers(1, 80)), int(rng.integers(1, 12))
    link = Link(rate_gbps=float(rng.uniform(0.05, 100.0)), range_km=float(rng.uniform(0.0, 6000.0)))
    work_s = link.transfer_s(CHIP_BYTES) * float(10.0 ** rng.uniform(-1.0, 2.0))
    jobs = [
        Job(name=f"J{number}", home="S0", chip_bytes=CHIP_BYTES, work_s=work_s)
        for number in range(count)
    ]
    outcomes = fly(jobs, [Site(name=f"S{number}") for number in range(many)], link)
    expected = replicas_s(count, many, work_s, link.transfer_s(CHIP_BYTES))
    assert outcomes[-1].finished_s == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("seed", range(20))
def test_whichever_two_of_eight_are_lost_each_job_is_done_once(seed):
    rng = stream(seed, "lost")
    lost = [f"S{number}" for number in rng.permutation(8)[:2]]
    lost_s = {name: float(rng.uniform(0.1, 14.9)) for name in lost}
    jobs = [_job(f"J{number}", home=f"S{number % 8}") for number in range(24)]
    outcomes = fly(jobs, EIGHT, LINK, lost_s=lost_s)
    assert Counter(outcome.job for outcome in outcomes) == Counter(job.name for job in jobs)
    assert all(outcome.finished_s <= lost_s.get(outcome.site, 1e9) for outcome in outcomes)
    assert any(outcome.tries > 1 for outcome in outcomes)


def test_two_of_eight_lost_in_the_middle_lose_and_double_nothing():
    jobs = [_job(f"J{number}", home=f"S{number % 8}") for number in range(24)]
    outcomes = fly(jobs, EIGHT, LINK, lost_s={"S2": 7.0, "S5": 8.5})
    assert Counter(outcome.job for outcome in outcomes) == Counter(job.name for job in jobs)
    for outcome in outcomes:
        if outcome.site in {"S2", "S5"}:
            assert outcome.finished_s <= {"S2": 7.0, "S5": 8.5}[outcome.site]
    assert max(outcome.tries for outcome in outcomes) == 2
    # One job of each is done before the loss, two of each are handed on: four more for the six
    # that are left, so a fourth round.
    assert sum(outcome.tries == 2 for outcome in outcomes) == 4
    assert outcomes[-1].finished_s == pytest.approx(20.0, rel=0.01)


def test_a_fleet_that_is_lost_answers_nothing():
    assert fly([_job()], EIGHT[:1], LINK, lost_s={"S0": 1.0}) == ()


def test_what_a_satellite_has_to_do_comes_first():
    """S0 has 3 s to do, and there is no other: 3 + 2 x 5."""
    outcomes = fly([_job("A"), _job("B")], (Site(name="S0", wait_s=3.0),), LINK)
    assert [outcome.finished_s for outcome in outcomes] == [8.0, 13.0]


def test_work_is_not_given_to_a_hot_satellite_in_flight():
    sites = (Site(name="S0", temperature_c=85.0), Site(name="S1"))
    outcomes = fly([_job("A"), _job("B")], sites, LINK)
    assert [outcome.site for outcome in outcomes] == ["S1", "S1"]
