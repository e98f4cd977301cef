"""The network on a terminal: what a contact plan holds, and the hops of a route."""

from __future__ import annotations

from difflib import get_close_matches

import numpy as np
from rich.table import Table
from rich.text import Text

from orbitloom.errors import ScenarioError
from orbitloom.network.router import Route
from orbitloom.report.words import bytes_words, count_words, duration_words
from orbitloom.scenario import Scenario, time
from orbitloom.wire import MEDIUM_NAMES, ContactPlan, EndCause
from orbitloom.world.cache import Cache
from orbitloom.world.geometry import World

__all__ = ["causes_line", "moment_ns", "node_number", "plan_table", "route_table", "sky"]

_MEDIA = {"laser": "lasers", "rf": "radio down", "optical": "lasers down"}


def sky(scenario: Scenario) -> World:
    """Return the geometry of a scenario, what takes long from the user's cache."""
    return World(scenario, cache=Cache.of_user())


def plan_table(plan: ContactPlan, title: str) -> Table:
    """Return a plan's contacts by medium, as a table."""
    table = Table(
        box=None, pad_edge=False, header_style="bold", title=Text(title), title_justify="left"
    )
    table.add_column("", no_wrap=True)
    for name in ("contacts", "pairs", "hours", "mean", "longest", "can carry"):
        table.add_column(name, justify="right", no_wrap=True)
    length_s = (plan.end_ns - plan.start_ns) / time.SECOND_NS
    pairs = plan.sender.astype(np.int64) * len(plan.nodes) + plan.receiver
    for number, name in enumerate(MEDIUM_NAMES):
        mine = plan.medium == number
        if not mine.any():
            continue
        lengths_s = length_s[mine]
        table.add_row(
            _MEDIA[name],
            f"{lengths_s.size:,}",
            f"{np.unique(pairs[mine]).size:,}",
            f"{lengths_s.sum() / 3600:,.1f}",
            duration_words(float(lengths_s.mean())),
            duration_words(float(lengths_s.max())),
            bytes_words(float((lengths_s * plan.rate_bps[mine]).sum() / 8)),
        )
    return table


def causes_line(plan: ContactPlan) -> str:
    """Return why a plan's contacts end, in one line."""
    counts = np.bincount(plan.end_cause, minlength=len(EndCause))
    told = [f"{cause.name.lower()} {counts[cause]:,}" for cause in EndCause if counts[cause]]
    unsure = int(np.sum(plan.confidence < 1.0))
    doubt = f"; {count_words(unsure, 'contact')} not certain" if unsure else ""
    return (", ".join(told) or "none") + doubt


def node_number(plan: ContactPlan, name: str, option: str) -> int:
    """Return a node's number by its name, in any case.

    Raises
    ------
    ScenarioError
        If there is none; names the nearest that there are.
    """
    by_name = {node.casefold(): number for number, node in enumerate(plan.nodes)}
    number = by_name.get(name.casefold())
    if number is not None:
        return number
    near = [node for node in by_name if name and name.casefold() in node]
    near = sorted(near, key=lambda node: not node.endswith(name.casefold()))[:4]
    near = near or get_close_matches(name.casefold(), by_name, n=4, cutoff=0.5)
    known = [plan.nodes[by_name[one]] for one in near] or list(plan.nodes[:4])
    lead = "Near it" if near else f"Among its {len(plan.nodes):,} nodes"
    raise ScenarioError(
        f"there is no node {name!r}",
        where=f"option --{option}",
        way_out=f"{lead}: {', '.join(known)}",
    )


def moment_ns(text: str, start_ns: int, span_ns: tuple[int, int]) -> int:
    """Return a time that is given as ISO 8601, or as ``+minutes`` after a start.

    Parameters
    ----------
    text
        The option's value.
    start_ns
        What minutes count from.
    span_ns
        The time must not lie before the first, nor at or after the second.

    Raises
    ------
    ScenarioError
        If it is neither, or outside.
    """
    where = "option --at"
    try:
        if text.startswith("+"):
            t_ns = start_ns + time.seconds_to_ns(60.0 * float(text[1:]))
        else:
            t_ns = time.from_iso(text)
    except (ValueError, OverflowError):
        raise ScenarioError(
            f"{text!r} is no time",
            where=where,
            way_out="It takes ISO 8601, such as 2026-06-14T03:00:00Z, or minutes, such as +90",
        ) from None
    first_ns, last_ns = span_ns
    if not first_ns <= t_ns < last_ns:
        raise ScenarioError(
            f"{text} is outside the plan",
            where=where,
            way_out=f"It spans {time.to_iso(first_ns)} to {time.to_iso(last_ns)}",
        )
    return t_ns


def route_table(plan: ContactPlan, route: Route, t_ns: int, title: str) -> Table:
    """Return the hops of a route that leaves at a time, as a table."""
    table = Table(
        box=None, pad_edge=False, header_style="bold", title=Text(title), title_justify="left"
    )
    for name in ("from", "to"):
        table.add_column(name, min_width=8)
    table.add_column("by", no_wrap=True)
    for name in ("sends at", "waits", "sends", "light", "after"):
        table.add_column(name, justify="right", no_wrap=True)
    ready_ns = t_ns
    for hop in route.hops:
        table.add_row(
            Text(plan.nodes[plan.sender[hop.contact]]),  # names are anybody's: no markup
            Text(plan.nodes[plan.receiver[hop.contact]]),
            MEDIUM_NAMES[plan.medium[hop.contact]],
            time.to_iso(hop.start_ns)[11:-1],
            duration_words((hop.start_ns - ready_ns) / time.SECOND_NS),
            duration_words((hop.end_ns - hop.start_ns) / time.SECOND_NS),
            duration_words((hop.arrival_ns - hop.end_ns) / time.SECOND_NS),
            duration_words((hop.arrival_ns - t_ns) / time.SECOND_NS),
        )
        ready_ns = hop.arrival_ns
    return table
