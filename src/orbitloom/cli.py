"""The command line. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from orbitloom import __version__
from orbitloom.cli_bench import add_bench_command
from orbitloom.cli_fabric import add_fabric_commands
from orbitloom.cli_model import add_model_commands
from orbitloom.cli_scene import add_scene_commands
from orbitloom.cli_sizing import add_sizing_commands
from orbitloom.cli_study import add_study_commands
from orbitloom.errors import OrbitloomError

__all__ = ["app", "main"]

app = typer.Typer(
    name="orbitloom",
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Fly a space computing constellation: raw sensor packets become answers in orbit, and the "
    "same flight shows what that gains over sending the data down first.\n\n"
    "Start with [bold]orbitloom fly[/bold]: twelve satellites, six hours, about a minute.",
)


class _Executor(StrEnum):
    """What runs the processing of the twin."""

    THREADS = "threads"
    PROCESSES = "processes"


_SCENARIO = typer.Argument(
    metavar="SCENARIO|FILE.toml",
    help="A built-in scenario ([bold]orbitloom scenarios[/bold]) or a TOML file.",
    show_default=True,
)
_EXAMPLES = """[bold]Examples[/bold]

  orbitloom fly                                   the default: a ring of twelve

  orbitloom fly --satellites 36                   the same with 36 satellites: three planes

  orbitloom fly scs01 --hours 12 --stations china4

  orbitloom fly mine.toml --scene field.tif       a GeoTIFF of your own at every target

  orbitloom fly --arms orbit --json | jq .quality"""


@app.command(epilog=_EXAMPLES)
def fly(
    scenario: Annotated[str, _SCENARIO] = "ring12",
    satellites: Annotated[
        int | None,
        typer.Option(
            help="Another number of satellites in an even fleet, such as 36, 288 or 2800; planes "
            "and places follow from it. Default: the scenario's, 12 in ring12.",
            metavar="N",
        ),
    ] = None,
    hours: Annotated[
        float | None,
        typer.Option(
            help="How long to fly, in simulated hours. Default: the scenario's, 6 in the built-in "
            "ones.",
            metavar="H",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            help="Another seed: other events, other losses. Default: the scenario's, 0 in the "
            "built-in ones.",
            metavar="N",
        ),
    ] = None,
    stations: Annotated[
        str | None,
        typer.Option(
            help="A station net: hangzhou1, china4, polar2, world12. Default: the scenario's, "
            "polar2 in the built-in ones.",
            metavar="NAME",
        ),
    ] = None,
    arms: Annotated[
        str | None,
        typer.Option(
            help="Which ways to fly, by comma. orbit: answers made in orbit; raw: raw data over "
            "lasers; bentpipe: raw data, no lasers. Default: the scenario's, all three in the "
            "built-in ones.",
            metavar="ARM,...",
        ),
    ] = None,
    scene: Annotated[
        Path | None,
        typer.Option(
            help="A GeoTIFF of reflectance (blue, green, red, NIR) laid at every target.",
            metavar="FILE",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Who words the alerts: embedded, X.gguf[+ADAPTER.gguf], http://host:port/v1#name, "
            "or template. Default: the scenario's, embedded in the built-in ones.",
            metavar="MODEL",
        ),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            help="Folder for the files, new or empty, or of an earlier flight: then that flight's "
            "files are replaced and all others stay. Any other folder is refused.",
            metavar="DIR",
        ),
    ] = Path("orbitloom-out"),
    executor: Annotated[
        _Executor, typer.Option(help="What runs the processing; the results are the same.")
    ] = _Executor.THREADS,
    json: Annotated[
        bool,
        typer.Option("--json", help="Print summary.json alone on standard output.", metavar=""),
    ] = False,
) -> None:
    """Fly a scenario, compare the arms, write the report.

    Writes summary.json, run.json, ledger.parquet, report.html, catalog/ and inbox/ into DIR.
    """
    from orbitloom import api
    from orbitloom.report.bar import progress

    given = {
        "satellites": satellites,
        "hours": hours,
        "seed": seed,
        "stations": stations,
        "arms": arms,
        "scene": scene,
        "model": model,
    }
    with progress("reading the scenario") as told, _naming_options(given):
        report = api.fly(
            scenario,
            satellites=satellites,
            hours=hours,
            seed=seed,
            stations=stations,
            arms=None if arms is None else tuple(name.strip() for name in arms.split(",")),
            scene=scene,
            model=model,
            executor=executor.value,
            out=out,
            progress=told,
        )
    if json:
        from orbitloom.report.summary import summary_bytes

        sys.stdout.write(summary_bytes(report.summary).decode())
    else:
        from rich.console import Console

        Console().print(report)


@app.command()
def scenarios() -> None:
    """List the built-in scenarios."""
    from rich.console import Console
    from rich.table import Table

    from orbitloom.scenario import load, scenario_names

    table = Table("scenario", "what it is", box=None, pad_edge=False, header_style="bold")
    for name in scenario_names():
        table.add_row(name, load(name).description)
    Console().print(table)


@app.command()
def show(
    scenario: Annotated[str, _SCENARIO],
    toml: Annotated[
        bool,
        typer.Option(
            "--toml", help="As a TOML file with every key, to start your own from.", metavar=""
        ),
    ] = False,
) -> None:
    """Show every number of a scenario: value, unit, how it is known, and where from."""
    from orbitloom.report.show import as_table, as_toml
    from orbitloom.scenario import load

    loaded = load(scenario)
    if toml:
        sys.stdout.write(as_toml(loaded))
    else:
        from rich.console import Console

        Console().print(as_table(loaded))


@app.command()
def check(
    scenario: Annotated[str, _SCENARIO],
) -> None:
    """Check a scenario, its orbits and its scene without flying it."""
    from orbitloom import api
    from orbitloom.scenario import load

    loaded = load(scenario)
    satellites = api.check(loaded)
    typer.echo(
        f"{scenario}: {len(satellites)} satellites, {len(loaded.stations)} stations, "
        f"{len(loaded.targets)} targets, {loaded.hours:g} h: ready to fly"
    )


add_fabric_commands(app)
add_scene_commands(app)
add_model_commands(app)
add_sizing_commands(add_study_commands(app))
add_bench_command(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"orbitloom {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version.",
            metavar="",
        ),
    ] = False,
) -> None:
    """Show the help if there is no command."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@contextmanager
def _naming_options(given: Mapping[str, object]) -> Iterator[None]:
    """Let an error in a key that an option has set say so: the scenario is not to blame."""
    try:
        yield
    except OrbitloomError as error:
        key = error.where.rpartition(", key ")[2].partition(".")[0]
        key = {"fleet": "satellites"}.get(key, key)
        if given.get(key) is not None:
            error.where = f"option --{key}"
        raise


def main() -> None:
    """Run the command line: exit code 0, 2 for whatever the caller can mend, 130 if interrupted."""
    try:
        code = app(standalone_mode=False)
    except OrbitloomError as error:
        code = _complain(str(error))
    except KeyboardInterrupt:
        code = 130
    except Exception as error:
        # Typer keeps its usage errors to itself, now as click's and now as its own.
        message = getattr(error, "format_message", None)
        if message is None:
            raise
        command = getattr(getattr(error, "ctx", None), "command_path", "orbitloom")
        text = message().replace("Value error, ", "").rstrip(".")
        if not text:  # it has shown the help
            sys.exit(0)
        text = re.sub(r"Input should be a valid (\w+),.*", r"it takes a \1", text)
        text = text.replace("takes a integer", "takes a whole number")
        code = _complain(f"{text}{'' if text.endswith('?') else '.'} See '{command} --help'")
    sys.exit(code if isinstance(code, int) else 0)


def _complain(message: str) -> int:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return 2
