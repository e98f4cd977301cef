"""The contract of a rule who links with whom: inherit it, give your rule, and pytest checks it.

::

    from orbitloom.testing.link_rule import LinkRuleContract

    class TestMine(LinkRuleContract):
        @pytest.fixture
        def rule(self):
            return MyRule()  # for the fleet of `LinkRuleContract.fleet`
"""

from __future__ import annotations

import numpy as np
import pytest

from orbitloom.scenario import WalkerFleet, time
from orbitloom.scenario.links import Laser
from orbitloom.world.lasers import laser_windows
from orbitloom.world.link_choice import laser_links
from orbitloom.world.link_rules import LinkRule
from orbitloom.world.orbits import Ephemeris, build_ephemeris

__all__ = ["LinkRuleContract"]

_START_NS = time.from_iso("2026-06-14T00:00:00Z")


class LinkRuleContract:
    """What every rule keeps."""

    fleet = WalkerFleet(planes=5, per_plane=12, phasing=2, altitude_km=700.0)

    @pytest.fixture
    def ephemeris(self) -> Ephemeris:
        """Two hours of `fleet`."""
        return build_ephemeris(self.fleet, _START_NS, _START_NS + 2 * time.HOUR_NS)

    def test_candidates_are_pairs_once_each_in_order(
        self, rule: LinkRule, ephemeris: Ephemeris
    ) -> None:
        """The lower number comes first, and no pair comes twice."""
        pairs = rule.candidates(ephemeris)
        assert pairs.ndim == 2
        assert pairs.shape[1] == 2
        assert np.all(pairs[:, 0] < pairs[:, 1])
        assert pairs.min(initial=0) >= 0
        assert pairs.max(initial=0) < len(ephemeris.names)
        np.testing.assert_array_equal(pairs, np.unique(pairs, axis=0))

    def test_the_same_question_has_the_same_answer(
        self, rule: LinkRule, ephemeris: Ephemeris
    ) -> None:
        """A rule keeps nothing between questions."""
        np.testing.assert_array_equal(rule.candidates(ephemeris), rule.candidates(ephemeris))

    def test_a_cost_is_above_zero_and_each_pair_has_one(
        self, rule: LinkRule, ephemeris: Ephemeris
    ) -> None:
        """At any moment of the flight."""
        pairs = rule.candidates(ephemeris)
        for t_ns in (ephemeris.start_ns, ephemeris.end_ns - 1):
            at_m = ephemeris.position_eci_m(t_ns)
            length_m = np.linalg.norm(at_m[pairs[:, 0]] - at_m[pairs[:, 1]], axis=-1)
            cost = rule.cost(pairs, length_m, t_ns)
            assert cost.shape == (len(pairs),)
            assert np.all(cost > 0)
            assert np.all(np.isfinite(cost))

    @pytest.mark.parametrize("terminals", [1, 3, 4])
    def test_links_keep_to_windows_and_terminals(
        self, rule: LinkRule, ephemeris: Ephemeris, terminals: int
    ) -> None:
        """No link outside its pair's windows, none more than a satellite has terminals."""
        laser = Laser(terminals=terminals)
        links = laser_links(ephemeris, self.fleet, laser, rule)
        windows = laser_windows(ephemeris, rule.candidates(ephemeris), laser)
        rows = zip(links.first, links.second, links.start_ns, links.end_ns, strict=True)
        for first, second, start_ns, end_ns in rows:
            own = (windows.first == first) & (windows.second == second)
            own &= (windows.start_ns <= start_ns) & (end_ns <= windows.end_ns)
            assert np.count_nonzero(own) == 1
        for t_ns in range(ephemeris.start_ns, ephemeris.end_ns, 601 * time.SECOND_NS):
            on = (links.start_ns <= t_ns) & (t_ns < links.end_ns)
            ends = np.concatenate([links.first[on], links.second[on]])
            assert np.bincount(ends, minlength=1).max() <= terminals
