"""The studies of sizes: how many satellites, which stations, how fast a downlink."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orbitloom.errors import ScenarioError

if TYPE_CHECKING:
    from orbitloom.report.sizing import Sizing

__all__ = ["add_sizing_commands"]

_WAITS_EXAMPLES = """[bold]Examples[/bold]

  orbitloom study waits                           1 to 288 satellites, four nets

  orbitloom study waits scs01 --satellites own --nets own    as the scenario is

  orbitloom study waits --satellites 24,48,96 --nets polar2 --spread 360"""
_LATENCY_EXAMPLES = """[bold]Examples[/bold]

  orbitloom study latency                         an alert of 10 kB

  orbitloom study latency --terminals 2,4         lasers between planes as well

  orbitloom study latency --size 100000000 --rates 160,1000

  orbitloom study latency mine.toml --satellites own,288 --nets own"""
_SCENARIO = typer.Argument(
    metavar="SCENARIO|FILE.toml",
    help="What the fleets have in common: height, inclination, lasers, radio. A built-in scenario "
    "or a TOML file.",
    show_default=True,
)
_SATELLITES = typer.Option(
    help="Fleets by comma: satellites in all, spread evenly; planes as 2x12; or own, the "
    "scenario's.",
    metavar="N,...",
)
_NETS = typer.Option(
    help="Station nets by comma: hangzhou1, china4, polar2, world12, or own, the scenario's.",
    metavar="NET,...",
)
_SPREAD = typer.Option(
    min=1.0,
    max=360.0,
    help="Degrees of right ascension that planes are spread over. Default: 180 for near-polar "
    "fleets, else the scenario's.",
    metavar="DEG",
)
_MOST_TERMINALS = 8
_OUT = typer.Option(help="Folder for table, plot and figures.", metavar="DIR")


def add_sizing_commands(studies: typer.Typer) -> None:
    """Add them to the studies."""
    studies.command("waits", epilog=_WAITS_EXAMPLES)(_waits)
    studies.command("latency", epilog=_LATENCY_EXAMPLES)(_latency)


def _waits(
    scenario: Annotated[str, _SCENARIO] = "ring12",
    satellites: Annotated[str, _SATELLITES] = "1,12,36,72,288",
    nets: Annotated[str, _NETS] = "hangzhou1,china4,polar2,world12",
    hours: Annotated[
        float,
        typer.Option(
            min=0.1,
            max=240.0,
            help="What to look at; captures are taken from its first 17/24.",
            metavar="H",
        ),
    ] = 48.0,
    step: Annotated[
        float, typer.Option(min=1.0, max=600.0, help="Seconds between two looks.", metavar="S")
    ] = 20.0,
    spread: Annotated[float | None, _SPREAD] = None,
    out: Annotated[Path, _OUT] = Path("orbitloom-study"),
) -> None:
    """How long a random capture waits for a contact, alone and with lasers.

    Geometry only: whether a station is in view of the satellite, or of any that lasers join it to.
    Writes waits.html, waits.png and waits.json.
    """
    from orbitloom.report.bar import progress
    from orbitloom.report.fleets import fleets_of, nets_of
    from orbitloom.report.sizing import waits_sizing
    from orbitloom.report.waits import study_waits
    from orbitloom.scenario import load

    loaded = load(scenario)
    with progress("reading the scenario") as told:
        study = study_waits(
            loaded,
            fleets_of(satellites, loaded, spread),
            nets_of(nets),
            hours=hours,
            captures_hours=hours * 17.0 / 24.0,
            step_s=step,
            progress=told,
        )
        sizing = waits_sizing(study)
        files = sizing.save(out)
    _tell(sizing, files)


def _latency(
    scenario: Annotated[str, _SCENARIO] = "ring12",
    satellites: Annotated[str, _SATELLITES] = "12,36,72,288",
    nets: Annotated[str, _NETS] = "hangzhou1,china4,polar2,world12",
    rates: Annotated[
        str,
        typer.Option(
            help="Rates of all contacts with the ground by comma, Mbit/s; or own, the scenario's.",
            metavar="MBPS,...",
        ),
    ] = "own",
    size: Annotated[
        int, typer.Option(min=1, help="Of an answer, bytes.", metavar="BYTES")
    ] = 10_000,
    captures: Annotated[
        int, typer.Option(min=10, help="How many random captures.", metavar="N")
    ] = 2000,
    hours: Annotated[
        float,
        typer.Option(
            min=0.1,
            max=240.0,
            help="How long to plan; captures are taken from its first two thirds.",
            metavar="H",
        ),
    ] = 24.0,
    terminals: Annotated[
        str,
        typer.Option(
            help="Laser terminals a satellite, by comma; own is the scenario's.", metavar="N,..."
        ),
    ] = "own",
    antennas: Annotated[
        int | None,
        typer.Option(
            min=1, max=1000, help="Antennas a station. Default: each station's.", metavar="N"
        ),
    ] = None,
    spread: Annotated[float | None, _SPREAD] = None,
    shared: Annotated[
        bool,
        typer.Option(
            "--shared",
            help="Let the answers share the network: each books what it uses. Else each has it to "
            "itself.",
            metavar="",
        ),
    ] = False,
    out: Annotated[Path, _OUT] = Path("orbitloom-study"),
) -> None:
    """How long an answer takes from capture to station, over the contact plan.

    Random captures are routed through passes with their antennas and lasers with their terminals.
    Computing is not in it. Writes latency.html, latency.png and latency.json.
    """
    from orbitloom.report.bar import progress
    from orbitloom.report.fleets import fleets_of, nets_of
    from orbitloom.report.latency import study_latency
    from orbitloom.report.sizing import latency_sizing
    from orbitloom.scenario import load

    loaded = load(scenario, hours=hours)
    with progress("reading the scenario") as told:
        study = study_latency(
            loaded,
            fleets_of(satellites, loaded, spread),
            nets_of(nets),
            terminals=_terminals(terminals),
            rates_mbps=_rates(rates),
            size_bytes=size,
            captures=captures,
            antennas=antennas,
            shared=shared,
            progress=told,
        )
        sizing = latency_sizing(study)
        files = sizing.save(out)
    _tell(sizing, files)


def _terminals(text: str) -> tuple[int | None, ...]:
    """Return what the option says: whole numbers up to the scenario's own limit, or None."""
    found: list[int | None] = []
    for part in (part.strip() for part in text.split(",")):
        if part != "own" and not (part.isdecimal() and int(part) <= _MOST_TERMINALS):
            raise ScenarioError(
                f"{part!r} is no number of terminals",
                where="option --terminals",
                way_out=f"Give 0 to {_MOST_TERMINALS} by comma, such as 2,4, or own",
            )
        found.append(None if part == "own" else int(part))
    return tuple(found)


def _rates(text: str) -> tuple[float | None, ...]:
    found: list[float | None] = []
    for part in (part.strip() for part in text.split(",")):
        try:
            rate = None if part == "own" else float(part)
        except ValueError:
            rate = -1.0
        if rate is not None and not 0.0 < rate < 1e9:
            raise ScenarioError(
                f"{part!r} is no rate",
                where="option --rates",
                way_out="Give Mbit/s by comma, such as 160,1000, or own",
            )
        found.append(rate)
    return tuple(found)


def _tell(sizing: Sizing, files: tuple[Path, ...]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, title=Text(sizing.title), title_justify="left", pad_edge=False)
    for number, name in enumerate(sizing.head):
        table.add_column(name, justify="left" if number < 2 else "right", no_wrap=True)
    for line in sizing.lines:
        table.add_row(*line)
    console = Console()
    console.print(table)
    page, *others = files
    console.print(f"files  {page}, {', '.join(file.name for file in others)}", highlight=False)
