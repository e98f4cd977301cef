"""When weather closes a site: a chain of two states, clear and not, correlated between sites.

Each site is a two-state Markov chain in steps of ten minutes, as Lutz et al. use for shadowed and
open radio (IEEE Trans. Commun. 39, 1991). With share p of clear time and mean spell T of bad
weather, the state is drawn anew in a step with probability r = step / (T p), clear with probability
p: so bad weather ends with r p = step / T and begins with r (1 - p). All sites share the number
that says whether a step draws anew; the draws come from normals with correlation exp(-d / L) at a
distance d. So near sites are cloudy together, far ones are independent, and no site's own chain
knows of the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from orbitloom.scenario import stream, time
from orbitloom.wire import ContactPlan, EndCause

__all__ = ["Weather", "drawn_weather", "weathered"]

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

_STEP_NS = 10 * 60 * time.SECOND_NS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weather:
    """What the sky does over sites during a flight.

    Attributes
    ----------
    start_ns, step_ns
        Time of the first state, and how long each holds.
    clear
        (sites, steps) whether a site is open.
    """

    start_ns: int
    step_ns: int
    clear: NDArray[np.bool_]

    def spells(self, site: int) -> tuple[Times, Times]:
        """Return starts and ends of a site's clear spells, ns."""
        edges = np.diff(np.concatenate([[False], self.clear[site], [False]]).astype(np.int8))
        at = np.stack([np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)])
        starts, ends = self.start_ns + at * self.step_ns
        return starts, ends


def drawn_weather(
    seed: int,
    name: str,
    site_m: Floats,
    clear_share: Floats,
    spell_s: Floats,
    correlation_m: float,
    span_ns: tuple[int, int],
) -> Weather:
    """Return weather drawn for sites.

    Parameters
    ----------
    seed, name
        Of the random stream.
    site_m
        (m, 3) where the sites are.
    clear_share, spell_s
        (m,) share of clear time, and mean length of a spell of bad weather.
    correlation_m
        Distance at which the normals are correlated by 1/e.
    span_ns
        The flight.
    """
    steps = -(-(span_ns[1] - span_ns[0]) // _STEP_NS)
    sites = len(site_m)
    apart_m = np.linalg.norm(site_m[:, None] - site_m, axis=-1)
    # Chords for great circles: 3 % at 3,000 km, where nothing is correlated any more.
    root = np.linalg.cholesky(np.exp(-apart_m / correlation_m) + 1e-9 * np.eye(sites))
    random = stream(seed, "weather", name)
    anew = random.random(steps)
    clear = random.standard_normal((steps, sites)) @ root.T < ndtri(clear_share)
    # A spell cannot be shorter than what a new draw in each step makes of it.
    again = anew[:, None] < _STEP_NS / time.SECOND_NS / (spell_s * clear_share)
    drawn = np.where(again, np.arange(steps)[:, None], 0)
    last = np.maximum.accumulate(drawn, axis=0)
    clear = np.take_along_axis(clear, last, axis=0).T
    return Weather(start_ns=span_ns[0], step_ns=_STEP_NS, clear=np.ascontiguousarray(clear))


def weathered(plan: ContactPlan, weather: Weather, medium: int, sites: Times) -> ContactPlan:
    """Return a plan with the contacts of one medium cut to the clear spells of their stations.

    Parameters
    ----------
    plan
        As it was uploaded, with how sure its contacts are.
    weather
        What the sky does.
    medium
        Which contacts it closes.
    sites
        (stations,) which site of the weather each station is; -1 for none.
    """
    station = np.where(plan.receiver >= plan.satellites, plan.receiver - plan.satellites, 0)
    site = sites[station] if sites.size else np.full(len(plan), -1)
    exposed = (plan.medium == medium) & (plan.receiver >= plan.satellites) & (site >= 0)
    rows, start_ns, end_ns = [np.flatnonzero(~exposed)], [], []
    start_ns.append(plan.start_ns[rows[0]])
    end_ns.append(plan.end_ns[rows[0]])
    for number in range(len(weather.clear)):
        own = np.flatnonzero(exposed & (site == number))
        opens_ns, closes_ns = weather.spells(number)
        low = np.searchsorted(closes_ns, plan.start_ns[own], side="right")
        count = np.maximum(np.searchsorted(opens_ns, plan.end_ns[own], side="left") - low, 0)
        row = np.repeat(own, count)
        spell = np.repeat(low, count) + np.arange(row.size)
        spell -= np.repeat(np.cumsum(count) - count, count)
        rows.append(row)
        start_ns.append(np.maximum(plan.start_ns[row], opens_ns[spell]))
        end_ns.append(np.minimum(plan.end_ns[row], closes_ns[spell]))
    row = np.concatenate(rows)
    ends_ns = np.concatenate(end_ns)
    columns = {name: getattr(plan, name)[row] for name in ContactPlan.columns()}
    columns["start_ns"] = np.concatenate(start_ns)
    columns["end_ns"] = ends_ns
    cut = ends_ns < plan.end_ns[row]
    columns["end_cause"] = np.where(cut, EndCause.WEATHER, columns["end_cause"]).astype(np.int8)
    columns["confidence"] = np.where(exposed[row], 1.0, columns["confidence"])
    return ContactPlan(nodes=plan.nodes, satellites=plan.satellites, **columns)
