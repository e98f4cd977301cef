"""The command line. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from orbitloom import __version__
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

  orbitloom fly scs01 --hours 12 --stations china4

  orbitloom fly mine.toml --scene field.tif       a GeoTIFF of your own at every target

  orbitloom fly --arms orbit --json | jq .quality"""

_PROCESS_EXAMPLES = """[bold]Examples[/bold]

  orbitloom instrument simulate imager5m --event flood --out capture

  orbitloom process --packets capture --out answer && orbitloom score answer

  orbitloom process --scene T32TQQ.SAFE --app flood --memory usual.npz

  orbitloom process --packets capture --app mydetector.py"""


@app.command(epilog=_EXAMPLES)
def fly(
    scenario: Annotated[str, _SCENARIO] = "ring12",
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

    given = {"hours": hours, "seed": seed, "stations": stations, "arms": arms, "scene": scene}
    with _progress() as progress, _naming_options(given):
        report = api.fly(
            scenario,
            hours=hours,
            seed=seed,
            stations=stations,
            arms=None if arms is None else tuple(name.strip() for name in arms.split(",")),
            scene=scene,
            executor=executor.value,
            out=out,
            progress=progress,
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


@app.command(epilog=_PROCESS_EXAMPLES)
def process(
    packets: Annotated[
        Path | None,
        typer.Option(
            help="A capture's folder ([bold]orbitloom instrument simulate[/bold] writes one), or a "
            "file of packets alone together with --instrument.",
            metavar="DIR|FILE",
        ),
    ] = None,
    scene: Annotated[
        Path | None,
        typer.Option(
            help="A scene instead of packets: GeoTIFF or COG, Sentinel-2 SAFE or folder of bands, "
            "Landsat 8/9 Level-1 with its MTL.",
            metavar="FILE|DIR",
        ),
    ] = None,
    instrument: Annotated[
        str | None,
        typer.Option(
            help="The imager of bare packets: imager5m, imager10m or a TOML file.",
            metavar="NAME|FILE",
        ),
    ] = None,
    app_name: Annotated[
        str | None,
        typer.Option(
            "--app",
            help="An application (flood, fire, agriculture, maritime, climate), or a file of your "
            "own: .py, .onnx or .toml, .json. Default: what was ordered with the packets.",
            metavar="NAME|FILE",
        ),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(help="Folder for the files, new, empty or of an earlier run.", metavar="DIR"),
    ] = Path("orbitloom-scene"),
    fields: Annotated[
        Path | None,
        typer.Option(help="Field polygons for agriculture, GeoJSON.", metavar="FILE"),
    ] = None,
    regions: Annotated[
        Path | None, typer.Option(help="Regions for climate, GeoJSON.", metavar="FILE")
    ] = None,
    land: Annotated[
        Path | None, typer.Option(help="Land polygons for maritime, GeoJSON.", metavar="FILE")
    ] = None,
    memory: Annotated[
        Path | None,
        typer.Option(
            help="The memory of earlier looks: read if it is there, and written after this one.",
            metavar="FILE",
        ),
    ] = None,
    scale: Annotated[
        float | None,
        typer.Option(help="Scene: reflectance = number x scale + offset.", metavar="X"),
    ] = None,
    offset: Annotated[float | None, typer.Option(help="See --scale.", metavar="X")] = None,
    bands: Annotated[
        str | None,
        typer.Option(
            help="GeoTIFF: its bands' names in order, by comma (blue,green,red,nir,swir16).",
            metavar="NAME,...",
        ),
    ] = None,
    sensed: Annotated[
        str | None,
        typer.Option(
            help="Scene: when it was taken, where the file does not say (2026-06-14T10:30:00Z).",
            metavar="TIME",
        ),
    ] = None,
    json: Annotated[
        bool,
        typer.Option("--json", help="Print the answer's record on standard output.", metavar=""),
    ] = False,
) -> None:
    """Process one scene, L0 to L4, without any flight.

    Writes answer.geojson, L3.tif with its STAC item L3.json, the evidence (chip.tif), inbox/ (CAP,
    GeoJSON, NMEA) and catalog/ into DIR.
    """
    from orbitloom.errors import ScenarioError

    if (packets is None) == (scene is None):
        raise ScenarioError(
            "takes either --packets or --scene", way_out="See 'orbitloom process --help'"
        )
    from orbitloom.report.scene import tell
    from orbitloom.scenario.time import from_iso
    from orbitloom.workbench import Known, process_packets, process_scene

    known = Known(fields=fields, regions=regions, land=land, memory=memory)
    if packets is not None:
        done = process_packets(packets, out, instrument=instrument, app=app_name, known=known)
    elif scene is not None:
        try:
            sensed_ns = None if sensed is None else from_iso(sensed)
        except ValueError:
            raise ScenarioError(
                f"{sensed!r} is not a time such as 2026-06-14T10:30:00Z", where="option --sensed"
            ) from None
        done = process_scene(
            scene,
            out,
            app=app_name or "flood",
            known=known,
            scale=scale,
            offset=offset,
            bands=None if bands is None else [name.strip() for name in bands.split(",")],
            sensed_ns=sensed_ns,
        )
    if json:
        sys.stdout.write(done.answer.record.decode() + "\n")
    else:
        typer.echo("\n".join(tell(done.answer, done.level_bytes, done.seconds, out)))


@app.command()
def score(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="What [bold]orbitloom process[/bold] wrote.")
    ],
    truth: Annotated[
        Path | None,
        typer.Option(
            help="The simulated capture's folder. Default: the one that was processed.",
            metavar="DIR",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON.", metavar="")] = False,
) -> None:
    """Hold an answer against the truth of the capture that it was made from."""
    from orbitloom.workbench import score as held

    told = held(folder, truth)
    if json:
        from json import dumps

        typer.echo(dumps(told, sort_keys=True))
        return
    for name, value in told.items():
        typer.echo(f"{name:<12} {'-' if value is None else value}")


_instrument_app = typer.Typer(help="Imagers as TOML files.", no_args_is_help=True)
app.add_typer(_instrument_app, name="instrument")


@_instrument_app.command("simulate")
def instrument_simulate(
    instrument: Annotated[
        str, typer.Argument(metavar="NAME|FILE.toml", help="imager5m, imager10m or a TOML file.")
    ] = "imager5m",
    out: Annotated[Path, typer.Option(help="Folder for the capture.", metavar="DIR")] = Path(
        "orbitloom-capture"
    ),
    at: Annotated[
        str, typer.Option(help="Latitude and longitude, degrees.", metavar="LAT,LON")
    ] = "44.3,11.9",
    event: Annotated[
        str,
        typer.Option(
            help="What happens there: flood, fire, burn, crop_stress, vessels, lake, snow, quiet, "
            "cloud or random.",
            metavar="KIND",
        ),
    ] = "flood",
    setting: Annotated[
        str,
        typer.Option(
            help="What land it is: river, forest, farmland, coast, lake, mountain or any.",
            metavar="KIND",
        ),
    ] = "any",
    order: Annotated[
        str, typer.Option("--app", help="The application that is ordered.", metavar="NAME")
    ] = "flood",
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.", metavar="N")] = 0,
    scene: Annotated[
        Path | None, typer.Option(help="A GeoTIFF instead of the synthetic world.", metavar="FILE")
    ] = None,
    roll: Annotated[float, typer.Option(help="Degrees to the right.", metavar="DEG")] = 0.0,
) -> None:
    """Take one picture and write its packets, its calibration and its truth to a folder."""
    from orbitloom.errors import ScenarioError
    from orbitloom.workbench import simulate

    try:
        latitude, longitude = (float(part) for part in at.split(","))
    except ValueError:
        raise ScenarioError(
            f"{at!r} is not a latitude and a longitude",
            where="option --at",
            way_out="Write --at 44.3,11.9",
        ) from None
    simulate(
        instrument,
        out,
        place=(latitude, longitude),
        event=event,
        setting=setting,
        app=order,
        seed=seed,
        scene=scene,
        roll_deg=roll,
    )
    typer.echo(f"{out}: packets.bin, capture.json, calibration.npz, briefing.*, truth.*")
    typer.echo(f"next: orbitloom process --packets {out}")


_detector_app = typer.Typer(help="Applications of your own.", no_args_is_help=True)
app.add_typer(_detector_app, name="app")


@_detector_app.command("check")
def app_check(
    name: Annotated[
        str, typer.Argument(metavar="NAME|FILE", help="An application, or your file: .py .onnx ...")
    ],
    instrument: Annotated[
        str, typer.Option(help="The imager it shall fly with.", metavar="NAME|FILE")
    ] = "imager5m",
) -> None:
    """Try an application before it is uploaded: bands, time, memory, walls."""
    from orbitloom.processing.app_check import check as try_out
    from orbitloom.processing.byo import load_app
    from orbitloom.scenario.load import load_instrument

    for line in try_out(load_app(name), load_instrument(instrument)).lines():
        typer.echo(line)


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
        if given.get(key) is not None:
            error.where = f"option --{key}"
        raise


@contextmanager
def _progress() -> Iterator[Callable[[str, float], None] | None]:
    """Give a function ``(what is happening, share done)`` that draws a bar on standard error.

    None where standard error is not a terminal: a log keeps no bar.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TimeElapsedColumn())
    with Progress(
        *columns,
        TextColumn("{task.description}", markup=False),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task("reading the scenario", total=1.0)
        yield lambda what, share: bar.update(task, description=what, completed=share)


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
        text = re.sub(r"Input should be a valid (\w+),.*", r"it takes a \1", text)
        text = text.replace("takes a integer", "takes a whole number")
        code = _complain(f"{text}{'' if text.endswith('?') else '.'} See '{command} --help'")
    sys.exit(code if isinstance(code, int) else 0)


def _complain(message: str) -> int:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return 2
