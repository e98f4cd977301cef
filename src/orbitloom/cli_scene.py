"""The commands that need no flight: one scene, one imager, one application."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from orbitloom.errors import ScenarioError

__all__ = ["add_scene_commands"]

_EXAMPLES = """[bold]Examples[/bold]

  orbitloom instrument simulate --event flood --out capture     a capture to try it with

  orbitloom process --packets capture --out answer && orbitloom score answer

  orbitloom process --packets day.bin --instrument larch.toml   packets of your own imager

  orbitloom process --scene S2A_MSIL1C.SAFE --window 4000,4000,3000,3000 --memory usual.npz

  orbitloom process --scene field.tif --bands blue,green,red,nir --scale 0.0001 --offset -0.1
  --sensed 2026-06-14T10:30:00Z

  orbitloom process --packets capture --app mydetector.py"""

_SIMULATE_EXAMPLES = """[bold]Examples[/bold]

  orbitloom instrument simulate --event vessels                 on a coast, for maritime

  orbitloom instrument simulate larch.toml --event quiet --seed 3 --out larch

  orbitloom instrument simulate imager10m --at 30.2,120.2 --roll 20"""

_CHECK_EXAMPLES = """[bold]Examples[/bold]

  orbitloom app check mydetector.py

  orbitloom app check ships.onnx --instrument larch.toml"""


def add_scene_commands(app: typer.Typer) -> None:
    """Add them to the command line."""
    app.command("process", epilog=_EXAMPLES)(_process)
    app.command("score")(_score)
    imagers = typer.Typer(help="Imagers as TOML files.", no_args_is_help=True)
    imagers.command("simulate", epilog=_SIMULATE_EXAMPLES)(_simulate)
    app.add_typer(imagers, name="instrument")
    detectors = typer.Typer(help="Applications of your own.", no_args_is_help=True)
    detectors.command("check", epilog=_CHECK_EXAMPLES)(_check)
    app.add_typer(detectors, name="app")


def _process(
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
            help="The imager of packets alone: imager5m, imager10m or a TOML file.",
            metavar="NAME|FILE",
        ),
    ] = None,
    app_name: Annotated[
        str | None,
        typer.Option(
            "--app",
            help="An application (flood, fire, agriculture, maritime, climate), or a file of your "
            "own: .py, .onnx or .toml, .json. Default: what was ordered with the packets; flood "
            "for others.",
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
            help="GeoTIFF: its bands' names in order, by comma (blue,green,red,nir,swir16; nothing "
            "between two commas leaves a band out). Other scenes: the bands to read.",
            metavar="NAME,...",
        ),
    ] = None,
    window: Annotated[
        str | None,
        typer.Option(
            help="Scene: the part to read, in pixels of the finest band: first column, first row, "
            "columns, rows.",
            metavar="C,R,C,R",
        ),
    ] = None,
    sensed: Annotated[
        str | None,
        typer.Option(
            help="Scene: when it was taken, where the file does not say (2026-06-14T10:30:00Z).",
            metavar="TIME",
        ),
    ] = None,
    at_surface: Annotated[
        bool,
        typer.Option(
            "--at-surface",
            help="GeoTIFF, folder of bands: it is surface reflectance, without an atmosphere.",
            metavar="",
        ),
    ] = False,
    json: Annotated[
        bool,
        typer.Option("--json", help="Print the answer's record on standard output.", metavar=""),
    ] = False,
) -> None:
    """Process one scene, L0 to L4, without any flight.

    Writes answer.geojson, L3.tif with its STAC item L3.json, the evidence (chip.tif), inbox/ (CAP,
    GeoJSON, NMEA) and catalog/ into DIR.
    """
    given = {
        name: value
        for name, value in {
            "scale": scale,
            "offset": offset,
            "bands": bands,
            "window": window,
            "sensed": sensed,
            "at_surface": at_surface or None,
        }.items()
        if value is not None
    }
    _check_options(packets, scene, instrument, given)
    from orbitloom.report.bar import progress
    from orbitloom.report.scene import tell
    from orbitloom.workbench import Known, process_packets, process_scene

    known = Known(fields=fields, regions=regions, land=land, memory=memory)
    with progress("reading") as told:
        if packets is not None:
            done = process_packets(
                packets, out, instrument=instrument, app=app_name, known=known, progress=told
            )
        else:
            done = process_scene(
                scene or Path(),
                out,
                app=app_name or "flood",
                known=known,
                progress=told,
                **_as_arguments(given),
            )
    if json:
        sys.stdout.write(done.answer.record.decode() + "\n")
    else:
        typer.echo("\n".join(tell(done.answer, done.level_bytes, done.seconds, out, done.files)))


def _check_options(
    packets: Path | None, scene: Path | None, instrument: str | None, given: dict[str, Any]
) -> None:
    """Refuse an option that would change nothing: whoever gave it thinks that it does."""
    if (packets is None) == (scene is None):
        raise ScenarioError(
            "takes either --packets or --scene",
            where="orbitloom process",
            way_out="See 'orbitloom process --help'",
        )
    if scene is not None and instrument is not None:
        raise ScenarioError("is for packets alone", where="option --instrument")
    if packets is not None and given:
        name = next(iter(given)).replace("_", "-")
        raise ScenarioError("is for scenes, not for packets", where=f"option --{name}")


def _as_arguments(given: dict[str, Any]) -> dict[str, Any]:
    from orbitloom.scenario.time import from_iso

    plain = ("scale", "offset", "at_surface")
    told: dict[str, Any] = {name: given[name] for name in plain if name in given}
    if "bands" in given:
        told["bands"] = [name.strip() for name in given["bands"].split(",")]
    if "window" in given:
        told["window"] = _numbers(given["window"], int, 4, "window", "0,0,2000,2000")
    if "sensed" in given:
        try:
            told["sensed_ns"] = from_iso(given["sensed"])
        except ValueError:
            raise ScenarioError(
                f"{given['sensed']!r} is not a time such as 2026-06-14T10:30:00Z",
                where="option --sensed",
            ) from None
    return told


def _numbers(
    text: str, kind: Callable[[str], Any], count: int, option: str, example: str
) -> tuple[Any, ...]:
    try:
        numbers = tuple(kind(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != count:
        raise ScenarioError(
            f"{text!r} is not {count} numbers",
            where=f"option --{option}",
            way_out=f"Write --{option} {example}",
        )
    return numbers


def _score(
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
    from orbitloom.workbench import score

    told = score(folder, truth)
    if json:
        from json import dumps

        typer.echo(dumps(told, sort_keys=True))
        return
    for name, value in told.items():
        typer.echo(f"{name:<15} {'-' if value is None else value}")


def _simulate(
    instrument: Annotated[
        str, typer.Argument(metavar="NAME|FILE.toml", help="imager5m, imager10m or a TOML file.")
    ] = "imager5m",
    out: Annotated[
        Path, typer.Option(help="Folder for the capture, new, empty or of another.", metavar="DIR")
    ] = Path("orbitloom-capture"),
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
        str | None,
        typer.Option(
            help="What land it is: river, forest, farmland, coast, lake, mountain or any. Default: "
            "where such an event happens.",
            metavar="KIND",
        ),
    ] = None,
    order: Annotated[
        str | None,
        typer.Option(
            "--app",
            help="The application that is ordered. Default: the one for that event.",
            metavar="NAME|FILE",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.", metavar="N")] = 0,
    scene: Annotated[
        Path | None,
        typer.Option(
            help="A GeoTIFF of surface reflectance in place of the synthetic world.", metavar="FILE"
        ),
    ] = None,
    roll: Annotated[float, typer.Option(help="Degrees to the right.", metavar="DEG")] = 0.0,
) -> None:
    """Take one picture and write its packets, its calibration and its truth to a folder."""
    latitude_deg, longitude_deg = _numbers(at, float, 2, "at", "44.3,11.9")
    from orbitloom.report.bar import progress
    from orbitloom.report.words import bytes_words
    from orbitloom.workbench import simulate

    with progress("taking the picture"):
        simulate(
            instrument,
            out,
            place=(latitude_deg, longitude_deg),
            event=event,
            setting=setting,
            app=order,
            seed=seed,
            scene=scene,
            roll_deg=roll,
        )
    size = bytes_words((out / "packets.bin").stat().st_size)
    typer.echo(f"{out}: packets.bin ({size}), capture.json, calibration.npz, briefing.*, truth.*")
    typer.echo(f"next: orbitloom process --packets {out}")


def _check(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE",
            help="An application, or a file of your own: .py, .onnx or .toml, .json.",
        ),
    ],
    instrument: Annotated[
        str, typer.Option(help="The imager it shall fly with.", metavar="NAME|FILE")
    ] = "imager5m",
) -> None:
    """Try an application before it is uploaded: bands, time, memory, walls."""
    from orbitloom.processing.app_check import check
    from orbitloom.processing.byo import load_app
    from orbitloom.report.bar import progress
    from orbitloom.scenario.load import load_instrument

    with progress("trying it twice on a scene as large as the imager's"):
        checked = check(load_app(name), load_instrument(instrument))
    for line in checked.lines():
        typer.echo(line)
