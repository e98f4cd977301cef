"""The commands that compare: what a part of the constellation is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["add_study_commands"]

_HELP = "Studies: how many satellites and stations, and what a part is worth."
_EXAMPLES = """[bold]Examples[/bold]

  orbitloom study model                                   ten seeds of flood12, some minutes

  orbitloom study model ring12 --seeds 3 --hours 2"""


def add_study_commands(app: typer.Typer) -> typer.Typer:
    """Add them to the command line; return their group, for studies of other modules."""
    studies = typer.Typer(help=_HELP, no_args_is_help=True)
    studies.command("model", epilog=_EXAMPLES)(_model)
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
