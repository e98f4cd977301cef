"""Scenarios by name or from a TOML file, and what to say when one is wrong."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from orbitloom.errors import InputFileError, ScenarioError
from orbitloom.scenario import plugins
from orbitloom.scenario.explain import explain
from orbitloom.scenario.fleet import FLEET_SHAPE
from orbitloom.scenario.hardware import Instrument
from orbitloom.scenario.model import Scenario

__all__ = [
    "instrument_names",
    "load",
    "load_instrument",
    "scenario_names",
    "station_nets",
    "target_lists",
]

_DEEPEST_BASE = 8
_APP_FILES = (".py", ".onnx", ".toml", ".json")
_BUILTIN = files("orbitloom.scenario") / "builtin"


def scenario_names() -> tuple[str, ...]:
    """Return the names of the built-in scenarios."""
    return _names_in("scenarios")


def instrument_names() -> tuple[str, ...]:
    """Return the names of the built-in imagers."""
    return _names_in("instruments")


def _names_in(folder: str) -> tuple[str, ...]:
    return tuple(
        sorted(
            entry.name.removesuffix(".toml")
            for entry in (_BUILTIN / folder).iterdir()
            if entry.name.endswith(".toml")
        )
    )


_PLACE = ("name", "latitude_deg", "longitude_deg", "setting", "app")


def station_nets() -> Mapping[str, list[dict[str, Any]]]:
    """Return the built-in station nets, by name."""
    tables = _builtin_tables("stations.toml")
    stations = tables["stations"]
    return {
        name: [{"name": station, **stations[station]} for station in members]
        for name, members in tables["nets"].items()
    }


def target_lists() -> Mapping[str, list[dict[str, Any]]]:
    """Return the built-in lists of targets, by name."""
    tables = _builtin_tables("targets.toml")
    return {
        name: [dict(zip(_PLACE, place, strict=False)) for place in places]
        for name, places in tables.items()
    }


def load(source: str | Path | Scenario, **overrides: Any) -> Scenario:
    """Return the scenario of that name, or from that TOML file, with some keys changed.

    Parameters
    ----------
    source
        The name of a built-in scenario, or the path of a TOML file. A file may start from a
        built-in one with ``base = "ring12"``: its tables are laid over the base's, key by key.
        ``stations`` is the name of a net or a list of tables; ``targets`` likewise.
        ``instrument`` is what `load_instrument` takes, or a table, with a ``base`` if it likes.
        Or a scenario that is already there.
    overrides
        Top-level keys that win over the file's, as the command line gives them; None is ignored.
        ``satellites`` is that of an even fleet, whose planes then follow from it.
        A relative file name in them starts at the working directory, one in a file at its folder.
        An application, of the scenario or of a target, may be a file: ``.py``, ``.onnx``,
        ``.toml`` or ``.json``.

    Raises
    ------
    ScenarioError
        If the name is unknown or the content cannot be flown: names the file, key and way out.
    InputFileError
        If the file cannot be read or is not TOML, or names a file that is not there.
    """
    if isinstance(source, Scenario):
        tables, where = source.model_dump(), f"scenario {source.name}"
    else:
        tables, where = _read(source)
        tables = _with_base(tables, where)
        _with_defaults(tables, source)
        _anchor_files(tables, source)
        _expand_instrument(tables, source, where)
    if (satellites := overrides.pop("satellites", None)) is not None:
        _with_satellites(tables, satellites, where)
    tables.update({key: value for key, value in overrides.items() if value is not None})
    _expand_instrument(tables, "", where)
    _expand(tables, "stations", station_nets(), where)
    _expand(tables, "targets", target_lists(), where)
    _check_no_truth_values(tables, "", where)
    try:
        scenario = Scenario.model_validate(tables)
    except ValidationError as error:
        raise explain(error, where) from None
    _check_extensions(tables, where)
    _check_files(tables, where)
    return scenario


def load_instrument(source: str | Path) -> Instrument:
    """Return the imager of that name, or from that TOML file.

    Parameters
    ----------
    source
        The name of a built-in imager, or the path of a TOML file with the keys of a scenario's
        ``[instrument]``, bands as ``[[bands]]``. It may start from another with
        ``base = "imager5m"``, or from a file's name that is relative to its own folder.

    Raises
    ------
    ScenarioError
        If the name is unknown or the content is no imager: names the file, key and way out.
    InputFileError
        If the file cannot be read or is not TOML.

    Examples
    --------
    >>> [band.name for band in load_instrument("imager5m").bands]
    ['coastal', 'blue', 'green', 'red', 'rededge', 'nir', 'swir16', 'swir22']
    """
    tables, where = _instrument_tables(source)
    _check_no_truth_values(tables, "", where)
    try:
        instrument = Instrument.model_validate(tables)
    except ValidationError as error:
        raise explain(error, where, Instrument) from None
    known = plugins.available("instruments")
    if instrument.kind not in known:
        raise _unknown_extension("instruments", instrument.kind, f"{where}, key kind", known)
    return instrument


def _instrument_tables(source: str | Path, depth: int = 0) -> tuple[dict[str, Any], str]:
    """Return an imager's tables over those of its base, and where they are from."""
    tables, where = _read(source, "instruments")
    if not (isinstance(source, str) and source in instrument_names()):
        tables.setdefault("name", Path(source).stem)
    return _over_base_instrument(tables, Path(source).parent, where, depth), where


def _over_base_instrument(
    tables: dict[str, Any], folder: Path, where: str, depth: int = 0
) -> dict[str, Any]:
    """Lay an imager's tables over those of the one that they start from."""
    base = tables.pop("base", None)
    if base is None:
        return tables
    if not isinstance(base, str) or depth > _DEEPEST_BASE:
        raise ScenarioError(
            f"{base!r} is no instrument to start from",
            where=f"{where}, key base",
            way_out=f"Built in: {', '.join(instrument_names())}; or the path of a .toml file, "
            "which does not start from itself",
        )
    under, _ = _instrument_tables(_anchored(base, folder), depth + 1)
    layout = tables.get("layout")
    if isinstance(layout, dict) and isinstance(under.get("layout"), dict):
        tables["layout"] = {**under["layout"], **layout}
    return {**under, **tables}


def _anchored(name: str, folder: Path) -> str | Path:
    """Return a file's name as seen from the folder, any other name as it is."""
    return folder / name if name.endswith(".toml") else name


def _expand_instrument(tables: dict[str, Any], source: str | Path, where: str) -> None:
    """Read the imager that a scenario names, or that its table starts from."""
    value = tables.get("instrument")
    folder = Path(source).parent
    if isinstance(value, str):
        tables["instrument"], _ = _instrument_tables(_anchored(value, folder))
    elif isinstance(value, dict) and "base" in value:
        tables["instrument"] = _over_base_instrument(
            dict(value), folder, f"{where}, key instrument"
        )


def _read(source: str | Path, kind: str = "scenarios") -> tuple[dict[str, Any], str]:
    known, noun = _names_in(kind), kind.removesuffix("s")
    if isinstance(source, str) and source in known:
        return _builtin_tables(f"{kind}/{source}.toml"), f"{noun} {source}"
    path = Path(source)
    if path.suffix != ".toml" and not os.path.exists(path):  # an over-long name is no file
        raise ScenarioError(
            f"there is no {noun} {str(source)!r}",
            way_out=f"Built in: {', '.join(known)}; or give the path of a .toml file",
        )
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputFileError(
            "is not UTF-8 text", where=str(path), way_out=f"It takes a {noun} as a TOML file"
        ) from None
    except OSError as error:
        raise InputFileError.from_os(error, path) from None
    try:
        return tomllib.loads(text), str(path)
    except tomllib.TOMLDecodeError as error:
        raise InputFileError(
            f"is not valid TOML: {error}",
            where=str(path),
            way_out="Mend that line; 'orbitloom show ring12' prints a scenario that works",
        ) from None


def _builtin_tables(name: str) -> dict[str, Any]:
    return tomllib.loads((_BUILTIN / name).read_text(encoding="utf-8"))


def _with_base(tables: dict[str, Any], where: str) -> dict[str, Any]:
    """Lay the tables over those of their base, key by key."""
    base_name = tables.pop("base", None)
    if base_name is None:
        return tables
    if not isinstance(base_name, str) or base_name not in scenario_names():
        raise ScenarioError(
            f"there is no scenario {base_name!r} to start from",
            where=f"{where}, key base",
            way_out=f"Built in: {', '.join(scenario_names())}",
        )
    base = _builtin_tables(f"scenarios/{base_name}.toml")
    _expand_instrument(base, "", f"scenario {base_name}")
    for own in ("name", "description"):  # a scenario that starts from another is not the other
        base.pop(own, None)
    for key, value in tables.items():
        under = base.get(key)
        if key == "instrument" and isinstance(value, dict) and "base" in value:
            base[key] = value  # it says itself what it starts from
        elif not (isinstance(value, dict) and isinstance(under, dict)):
            base[key] = value
        elif value.get("kind", under.get("kind")) == under.get("kind"):
            base[key] = {**(_without_shape(under) if "satellites" in value else under), **value}
        else:  # another kind of fleet shares no key with the base's
            base[key] = value
    return base


def _without_shape(fleet: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fleet.items() if key not in FLEET_SHAPE}


def _with_satellites(tables: dict[str, Any], satellites: int, where: str) -> None:
    """Give an even fleet another number of satellites, and nothing else."""
    fleet = tables.get("fleet", {"kind": "walker"})
    if isinstance(fleet, dict) and fleet.get("kind") != "walker":
        raise ScenarioError(
            f"{satellites} satellites were asked for, but the fleet is given one by one",
            where=f"{where}, key fleet.satellites",
            way_out="Take a scenario with an even fleet, such as ring12",
        )
    if isinstance(fleet, dict):
        tables["fleet"] = {**_without_shape(fleet), "satellites": satellites}


def _with_defaults(tables: dict[str, Any], source: str | Path) -> None:
    tables.setdefault("name", Path(source).stem)
    tables.setdefault("stations", "polar2")
    tables.setdefault("targets", "world")
    if isinstance(tables.get("start"), datetime | date):  # TOML has times of its own
        tables["start"] = tables["start"].isoformat()
    if isinstance(tables.get("fleet"), dict):
        tables["fleet"].setdefault("kind", "walker")


def _expand(tables: dict[str, Any], key: str, known: Mapping[str, Any], where: str) -> None:
    value = tables.get(key)
    if not isinstance(value, str):
        return
    if value not in known:
        raise ScenarioError(
            f"there is no {key} list {value!r}",
            where=f"{where}, key {key}",
            way_out=f"Built in: {', '.join(known)}; or give a list of tables [[{key}]]",
        )
    tables[key] = known[value]


def _anchor_files(tables: dict[str, Any], source: str | Path) -> None:
    """Read a relative file name as relative to the scenario that names it."""
    folder = Path(source).parent
    for section in ("fleet", "scene"):
        table = tables.get(section)
        if isinstance(table, dict) and isinstance(table.get("file"), str):
            tables[section] = {**table, "file": folder / table["file"]}
    model = tables.get("model")
    if isinstance(model, dict) and str(model.get("writer", "")).partition("+")[0].endswith(".gguf"):
        named = (str(folder / part) for part in model["writer"].split("+"))
        tables["model"] = {**model, "writer": "+".join(named)}
    if _is_app_file(tables.get("app")):
        tables["app"] = str(folder / tables["app"])
    if isinstance(tables.get("targets"), list):
        tables["targets"] = [
            {**target, "app": str(folder / target["app"])}
            if isinstance(target, dict) and _is_app_file(target.get("app"))
            else target
            for target in tables["targets"]
        ]


def _is_app_file(app: Any) -> bool:
    """Return whether an application is a file of the user's, not an installed one's name."""
    return isinstance(app, str) and app.endswith(_APP_FILES)


def _check_extensions(tables: dict[str, Any], where: str) -> None:
    """Refuse a name that no installed extension has, before anything is flown."""
    named = {
        **{key: ("apps", app) for key, app in _apps(tables).items() if not _is_app_file(app)},
        "instrument.kind": ("instruments", _within(tables, "instrument", "kind")),
        "model.kind": ("models", _within(tables, "model", "kind")),
    }
    for key, (group, name) in named.items():
        known = plugins.available(group)
        if isinstance(name, str) and name not in known:
            raise _unknown_extension(group, name, f"{where}, key {key}", known)


def _apps(tables: dict[str, Any]) -> dict[str, Any]:
    """Return the applications that are ordered, by the keys that name them."""
    targets = enumerate(tables.get("targets", ()))
    own = {
        f"targets.{number}.app": target.get("app") if isinstance(target, dict) else target.app
        for number, target in targets
    }
    return {"app": tables.get("app"), **own}


def _unknown_extension(group: str, name: str, where: str, known: tuple[str, ...]) -> ScenarioError:
    return ScenarioError(
        f"no {group.rstrip('s')} is called {name!r}",
        where=where,
        way_out=f"Known: {', '.join(known) or 'none'}; another package adds one as entry "
        f"point 'orbitloom.{group}'",
    )


def _check_files(tables: dict[str, Any], where: str) -> None:
    """Refuse a file that is not there; what it holds is for its reader to judge."""
    named = {f"{section}.file": _within(tables, section, "file") for section in ("fleet", "scene")}
    named |= {key: app for key, app in _apps(tables).items() if _is_app_file(app)}
    for key, file in named.items():
        if isinstance(file, str | Path) and not Path(file).is_file():
            raise InputFileError(
                f"there is no file {str(file)!r}",
                where=f"{where}, key {key}",
                way_out="Check the path; one that is not absolute starts at the scenario's folder",
            )


def _check_no_truth_values(value: Any, key: str, where: str) -> None:
    """Refuse true and false: no key takes them, and they would pass for 1 and 0."""
    if isinstance(value, bool):
        raise ScenarioError(
            f"{str(value).lower()} is neither a number nor text",
            where=f"{where}, key {key}",
            way_out="'orbitloom show ring12' prints every key with its unit and default",
        )
    if isinstance(value, list | tuple):
        value = dict(enumerate(value))
    for name, one in value.items() if isinstance(value, dict) else ():
        _check_no_truth_values(one, f"{key}.{name}" if key else str(name), where)


def _within(tables: dict[str, Any], section: str, key: str) -> Any:
    table = tables.get(section)
    return table.get(key) if isinstance(table, dict) else None
