"""The commands of the network: its contact plan, and the ways through it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from orbitloom.errors import NoRouteError, ScenarioError

if TYPE_CHECKING:
    from orbitloom.network.router import Route
    from orbitloom.scenario import Scenario
    from orbitloom.wire import ContactPlan
    from orbitloom.wire.contact_files import PlanFormat

__all__ = ["add_fabric_commands"]


class _Format(StrEnum):
    """What a contact plan can be written as."""

    ARROW = "arrow"
    ION = "ion"
    HDTN = "hdtn"
    CZML = "czml"


class _Priority(StrEnum):
    """Order of service on a link."""

    ALERT = "alert"
    NORMAL = "normal"
    BULK = "bulk"


_SCENARIO = typer.Argument(
    metavar="SCENARIO|FILE.toml",
    help="A built-in scenario ([bold]orbitloom scenarios[/bold]) or a TOML file.",
    show_default=True,
)
_SATELLITES = typer.Option(
    help="Another number of satellites in an even fleet, such as 288. Default: the scenario's.",
    metavar="N",
)
_HOURS = typer.Option(help="How long. Default: the scenario's.", metavar="H")
_STATIONS = typer.Option(
    help="A station net: hangzhou1, china4, polar2, world12. Default: the scenario's.",
    metavar="NAME",
)
_CONTACTS_EXAMPLES = """[bold]Examples[/bold]

  orbitloom contacts ring12                               tell what it holds

  orbitloom contacts ring12 --hours 24 --out plan.arrow   for pandas, polars

  orbitloom contacts scs01 --out scs01.ionrc              for ION's ionadmin

  orbitloom contacts scs01 --out scs01.json               for HDTN

  orbitloom contacts ring12 --out ring12.czml             for a Cesium viewer"""
_ROUTES_EXAMPLES = """[bold]Examples[/bold]

  orbitloom routes ring12 --from SAT-05 --at +30     10 kB to any station

  orbitloom routes ring12 --from SAT-05 --to Troll --size 100000000

  orbitloom routes scs01 --from "SCS-01 C" --at +90 --disjoint

  orbitloom routes --plan mine.ionrc --from SAT-05   another contact plan"""


def add_fabric_commands(app: typer.Typer) -> None:
    """Add them to the command line."""
    app.command("contacts", epilog=_CONTACTS_EXAMPLES)(_contacts)
    app.command("routes", epilog=_ROUTES_EXAMPLES)(_routes)


def _contacts(
    scenario: Annotated[str, _SCENARIO] = "ring12",
    out: Annotated[
        Path | None,
        typer.Option(help="File for the plan. Default: none is written.", metavar="FILE"),
    ] = None,
    format: Annotated[
        _Format | None,
        typer.Option(
            help="What to write. Default: by the file's end: .arrow, .ionrc, .json (HDTN), .czml."
        ),
    ] = None,
    satellites: Annotated[int | None, _SATELLITES] = None,
    hours: Annotated[float | None, _HOURS] = None,
    stations: Annotated[str | None, _STATIONS] = None,
    step: Annotated[
        float | None,
        typer.Option(
            min=1.0,
            help="CZML: seconds between two positions of a satellite. Default: 60, from a hundred "
            "satellites on 120.",
            metavar="S",
        ),
    ] = None,
    links_every: Annotated[
        int,
        typer.Option(
            "--links-every",
            min=0,
            help="CZML: draw the links of every Nth satellite only; 0 draws none.",
            metavar="N",
        ),
    ] = 1,
) -> None:
    """Write who can send to whom, and when: the contact plan, for our tools or others'.

    Arrow keeps every column exactly. ION and HDTN count whole seconds: a contact is cut inwards,
    never longer than it is. CZML shows the fleet and its links on a globe.
    """
    from rich.console import Console

    from orbitloom.report.bar import progress
    from orbitloom.report.fabric import causes_line, plan_table, sky
    from orbitloom.report.words import bytes_words, count_words
    from orbitloom.scenario import load
    from orbitloom.wire.contact_files import write_plan

    kind = _kind(out, format)
    loaded = load(scenario, satellites=satellites, hours=hours, stations=stations)
    with progress("reading the scenario") as told:
        if told is not None:
            told("laying out orbits, passes and links", 0.1)
        world = sky(loaded)
        plan = world.contacts
        if out is not None and kind is _Format.CZML:
            from orbitloom.report.czml import write_czml

            write_czml(
                loaded,
                world.ephemeris,
                plan,
                out,
                step_s=step,
                links_every=links_every,
                progress=told,
            )
        elif out is not None and kind is not None:
            if told is not None:
                told(f"writing {len(plan):,} contacts", 0.8)
            format_ = cast("PlanFormat", kind.value)
            write_plan(plan, out, format_, epoch_ns=loaded.start_ns, title=_title(loaded))
    console = Console()
    nodes = (
        f"{count_words(plan.satellites, 'satellite')}, {count_words(len(plan.stations), 'station')}"
    )
    console.print(plan_table(plan, f"{_title(loaded)}: {nodes}, {loaded.hours:g} h"))
    console.print(f"they end by  {causes_line(plan)}", highlight=False)
    if out is not None and kind is not None:
        size = bytes_words(out.stat().st_size)
        console.print(f"file         {out}, {kind.value}, {size}", highlight=False)


def _title(scenario: Scenario) -> str:
    return f"{scenario.name} from {scenario.start[:16]} UTC"


def _kind(out: Path | None, given: _Format | None) -> _Format | None:
    """Return what to write: what is asked for, or what the file's name means."""
    from orbitloom.wire.contact_files import format_of

    if out is None:
        if given is not None:
            raise ScenarioError(
                "there is no file to write", where="option --format", way_out="Add --out FILE"
            )
        return None
    if given is not None:
        return given
    if out.suffix.lower() == ".czml":
        return _Format.CZML
    meant = format_of(out)
    if meant is None:
        raise ScenarioError(
            f"the name {str(out)!r} does not say what to write",
            where="option --out",
            way_out="Let it end in .arrow, .ionrc, .json or .czml, or add --format",
        )
    return _Format(meant)


def _routes(
    source: Annotated[
        str,
        typer.Option("--from", help="The satellite that holds the data.", metavar="SATELLITE"),
    ],
    scenario: Annotated[str, _SCENARIO] = "ring12",
    to: Annotated[
        str,
        typer.Option(
            help="Who it is for: any (whichever station comes first), a station or a satellite.",
            metavar="any|NODE",
        ),
    ] = "any",
    at: Annotated[
        str,
        typer.Option(
            help="From when on: ISO 8601, or minutes after the start, as +90.", metavar="T"
        ),
    ] = "+0",
    size: Annotated[int, typer.Option(min=1, help="How much, bytes.", metavar="BYTES")] = 10_000,
    priority: Annotated[
        _Priority, typer.Option(help="Of the bundle; an empty network serves all alike.")
    ] = _Priority.ALERT,
    disjoint: Annotated[
        bool,
        typer.Option(
            "--disjoint",
            help="Two ways that share no contact, and no node between if that can be had.",
            metavar="",
        ),
    ] = False,
    plan: Annotated[
        Path | None,
        typer.Option(
            help="Another contact plan than the scenario's: .arrow, .ionrc or .json (HDTN). Its "
            "seconds count from the scenario's start unless it says otherwise.",
            metavar="FILE",
        ),
    ] = None,
    satellites: Annotated[int | None, _SATELLITES] = None,
    hours: Annotated[float | None, _HOURS] = None,
    stations: Annotated[str | None, _STATIONS] = None,
) -> None:
    """Show the way that data take: who sends to whom, when, and what each hop costs.

    The way of earliest arrival through the contact plan of an otherwise empty network.
    """
    from rich.console import Console

    from orbitloom.network.router import Router
    from orbitloom.report.bar import progress
    from orbitloom.report.fabric import moment_ns, node_number, route_table, sky
    from orbitloom.report.words import bytes_words, count_words, duration_words
    from orbitloom.scenario import load, time
    from orbitloom.wire import Bundle, Priority

    loaded = load(scenario, satellites=satellites, hours=hours, stations=stations)
    with progress("laying out orbits, passes and links"):
        contacts = sky(loaded).contacts if plan is None else _read(plan, loaded)
    node = node_number(contacts, source, "from")
    destination = None if to == "any" else node_number(contacts, to, "to")
    span_ns = loaded.start_ns, loaded.end_ns
    if plan is not None and len(contacts):
        span_ns = int(contacts.start_ns.min()), int(contacts.end_ns.max())
        if span_ns[0] < loaded.end_ns:
            span_ns = min(span_ns[0], loaded.start_ns), span_ns[1]
    t_ns = moment_ns(at, loaded.start_ns, span_ns)
    bundle = Bundle(
        bundle=0,
        source=node,
        size_bytes=size,
        created_ns=t_ns,
        priority=Priority[priority.name],
        destination=destination,
    )
    router = Router(contacts)
    found: tuple[Route, ...]
    if disjoint:
        found = router.routes_disjoint(bundle, node, t_ns)
    else:
        best = router.route(bundle, node, t_ns)
        found = () if best is None else (best,)
    if not found:
        raise NoRouteError(
            f"nothing of {bytes_words(size)} gets from {contacts.nodes[node]} to {to} after "
            f"{time.to_iso(t_ns)}",
            where=str(plan or scenario),
            way_out="Fly longer with --hours, send less with --size, or add stations",
        )
    console = Console()
    for name, route in zip(("the way", "a second way"), found, strict=False):
        spent = duration_words((route.arrival_ns - t_ns) / time.SECOND_NS)
        title = (
            f"{name}: {bytes_words(size)} from {contacts.nodes[node]} at {time.to_iso(t_ns)}\n"
            f"{count_words(len(route.hops), 'hop')}, there at {time.to_iso(route.arrival_ns)}, "
            f"after {spent}"
        )
        console.print(route_table(contacts, route, t_ns, title))
    if disjoint and len(found) < 2:
        console.print("there is no second way without a contact of the first", highlight=False)


def _read(file: Path, scenario: Scenario) -> ContactPlan:
    from orbitloom.wire.contact_files import read_plan

    return read_plan(file, reference_ns=scenario.start_ns)
