"""The commands that compare: what a part of the constellation is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from orbitloom.errors import ScenarioError

__all__ = ["add_study_commands"]

_HELP = "Studies: how many satellites and stations, and what a part is worth."
_EXAMPLES = """[bold]Examples[/bold]

  orbitloom study model                                   ten seeds of flood12, some minutes

  orbitloom study model ring12 --seeds 3 --hours 2"""
_FAULT_EXAMPLES = """[bold]Examples[/bold]

  orbitloom study faults                                  ten days of ring12, about a minute

  orbitloom study faults --runs 100 --kinds all           a hundred days of all kinds at once

  orbitloom study faults mine.toml                        with the rates of its \\[faults]"""


def add_study_commands(app: typer.Typer) -> typer.Typer:
    """Add them to the command line; return their group, for studies of other modules."""
    studies = typer.Typer(help=_HELP, no_args_is_help=True)
    studies.command("model", epilog=_EXAMPLES)(_model)
    studies.command("faults", epilog=_FAULT_EXAMPLES)(_faults)
    studies.callback()(_group)
    app.add_typer(studies, name="study", help=_HELP)
    return studies


def _group() -> None:
    pass


def _model(
    scenario: Annotated[
        str,
        typer.Argument(help="A built-in scenario or a TOML file.", metavar="SCENARIO|FILE.toml"),
    ] = "flood12",
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="How many seeds, from 0.")] = 10,
    hours: Annotated[
        float | None,
        typer.Option(help="How long to fly. Default: the scenario's.", metavar="H"),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder for study.json and study.html.", metavar="DIR")
    ] = Path("orbitloom-study"),
) -> None:
    """Switch the perception gate and the triage off, and tell what answers cost then.

    Each seed is flown four ways over the same captures. The bytes down and over lasers and the
    joules a true answer are compared at the same recall.
    """
    from concurrent.futures import ThreadPoolExecutor

    from rich.console import Console
    from rich.table import Table

    from orbitloom.report.bar import progress
    from orbitloom.report.study import study_model
    from orbitloom.scenario import load

    loaded = load(scenario, hours=hours)
    with progress("reading the scenario") as told, ThreadPoolExecutor(2) as executor:
        study = study_model(loaded, range(seeds), executor=executor, progress=told)
    study.save(out)
    table = Table(*study.head, box=None, title=study.title, title_justify="left")
    table.columns[0].no_wrap = True
    for line in study.lines():
        table.add_row(*line)
    console = Console()
    console.print(table)
    console.print(f"files  {out / 'study.html'}, study.json", highlight=False)


def _faults(
    scenario: Annotated[
        str,
        typer.Argument(
            help="A built-in scenario or a TOML file. Without faults of its own it gets rates far "
            "above any real ones.",
            metavar="SCENARIO|FILE.toml",
        ),
    ] = "ring12",
    runs: Annotated[
        int, typer.Option(min=1, max=10_000, help="How many seeds, from the scenario's.")
    ] = 10,
    hours: Annotated[
        float, typer.Option(min=0.1, max=240.0, help="How long to fly.", metavar="H")
    ] = 24.0,
    kinds: Annotated[
        str,
        typer.Option(
            help="Kinds by comma, each flown alone, such as station_out,clock_step; all: all "
            "kinds at once; each: every kind alone, and all.",
            metavar="KIND,...",
        ),
    ] = "each",
    out: Annotated[
        Path, typer.Option(help="Folder for table, plot and figures.", metavar="DIR")
    ] = (Path("orbitloom-study")),
) -> None:
    """Fly bundles with and without faults: what is lost, what is held up, and by what.

    No pixels and no computers: answers, scenes and alerts of typical sizes over the scenario's
    contacts. Writes faults.html, faults.png and faults.json.
    """
    from rich.console import Console
    from rich.table import Table

    from orbitloom.report.bar import progress
    from orbitloom.report.fault_sizing import fault_sizing
    from orbitloom.report.fault_study import ALL, BUNDLE_KINDS, study_faults
    from orbitloom.scenario import load

    named = {kind: (kind,) for kind in BUNDLE_KINDS} | {"all": (ALL,), "each": (*BUNDLE_KINDS, ALL)}
    asked = [kind.strip() for kind in kinds.split(",")]
    for kind in asked:
        if kind not in named:
            raise ScenarioError(
                f"there is no kind of fault {kind!r} for bundles",
                where="option --kinds",
                way_out=f"Known: {', '.join(named)}",
            )
    flown = tuple(dict.fromkeys(one for kind in asked for one in named[kind]))
    with progress("reading the scenario") as told:
        study = study_faults(load(scenario, hours=hours), runs, kinds=flown, progress=told)
        sizing = fault_sizing(study)
        files = sizing.save(out)
    table = Table(box=None, title=sizing.title, title_justify="left", pad_edge=False)
    for number, texts in enumerate(zip(sizing.head, *sizing.lines, strict=True)):
        longest = max(len(word) for text in texts for word in text.split())  # none is cut short
        justify: Literal["left", "right"] = "right" if number else "left"
        table.add_column(texts[0], justify=justify, min_width=longest)
    for line in sizing.lines:
        table.add_row(*line)
    console = Console()
    console.print(table)
    console.print(sizing.told, highlight=False)
    console.print(f"files  {', '.join(map(str, files))}", highlight=False)
