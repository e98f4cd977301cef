"""The command that measures: what the fabric costs on this machine, beside a plain way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["add_bench_command"]

_EXAMPLES = """[bold]Examples[/bold]

  orbitloom bench                          all of it, some minutes

  orbitloom bench --part orbits --part routing --out figures.json"""


def add_bench_command(app: typer.Typer) -> None:
    """Add it to the command line."""
    app.command("bench", epilog=_EXAMPLES)(_bench)


def _bench(
    part: Annotated[
        list[str] | None,
        typer.Option(
            help="Measure only this: orbits, links, routing, fleet. May be given again.",
            metavar="PART",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the figures as JSON too.", metavar="FILE")
    ] = None,
) -> None:
    """Measure orbits, links, routes and fleets in CPU seconds, beside a plain way to do the same.

    Every ratio is of figures taken in this one run. Ends with 1 if a limit is missed.
    """
    from rich.console import Console
    from rich.table import Table

    from orbitloom.bench.table import HEAD, PARTS, as_json, line, measured
    from orbitloom.report.bar import progress

    wanted = tuple(part or PARTS)
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        raise typer.BadParameter(
            f"there is nothing to measure called {unknown[0]!r}. Known: {', '.join(PARTS)}"
        )
    with progress("compiling") as told:
        rows = list(measured(wanted, told))
    table = Table(*HEAD, box=None, header_style="bold")
    for column in table.columns[1:3]:
        column.justify, column.no_wrap = "right", True
    for _, row in rows:
        table.add_row(*line(row))
    Console().print(table)
    if out is not None:
        text = json.dumps([as_json(name, row) for name, row in rows], indent=2)
        out.write_text(text + "\n", encoding="utf-8")
    missed = sum(not row.held for _, row in rows)
    if missed:
        typer.echo(f"{missed} of {len(rows)} figures miss their limit", err=True)
        raise typer.Exit(1)
