"""Scenarios by name or from a TOML file, and what to say when one is wrong."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from orbitloom.errors import InputFileError, ScenarioError
from orbitloom.scenario.model import Scenario

__all__ = ["load", "scenario_names", "station_net_names", "station_nets"]

_BUILTIN = files("orbitloom.scenario") / "builtin"


def scenario_names() -> tuple[str, ...]:
    """Return the names of the built-in scenarios."""
    return tuple(
        sorted(
            entry.name.removesuffix(".toml")
            for entry in (_BUILTIN / "scenarios").iterdir()
            if entry.name.endswith(".toml")
        )
    )


def station_nets() -> Mapping[str, list[dict[str, Any]]]:
    """Return the built-in station nets, by name."""
    tables = _builtin_tables("stations.toml")
    stations = tables["stations"]
    return {
        name: [{"name": station, **stations[station]} for station in members]
        for name, members in tables["nets"].items()
    }


def station_net_names() -> tuple[str, ...]:
    """Return the names of the built-in station nets."""
    return tuple(station_nets())


def load(source: str | Path, **overrides: Any) -> Scenario:
    """Return the scenario of that name, or from that TOML file.

    Parameters
    ----------
    source
        The name of a built-in scenario, or the path of a TOML file. A file may start from a
        built-in one with ``base = "ring12"``: its tables are laid over the base's, key by key.
        ``stations`` is the name of a net or a list of tables; ``targets`` likewise.
    overrides
        Top-level keys that win over the file's, as the command line gives them; None is ignored.

    Raises
    ------
    ScenarioError
        If the name is unknown or the content cannot be flown: names the file, key and way out.
    InputFileError
        If the file cannot be read or is not TOML.
    """
    tables, where = _read(source)
    tables = _with_base(tables, where)
    _with_defaults(tables, source)
    tables.update({key: value for key, value in overrides.items() if value is not None})
    _expand(tables, "stations", station_nets(), where)
    _expand(tables, "targets", _target_lists(), where)
    _anchor_files(tables, source)
    try:
        return Scenario.model_validate(tables)
    except ValidationError as error:
        raise _explain(error, where) from None


def _target_lists() -> Mapping[str, list[dict[str, Any]]]:
    tables = _builtin_tables("targets.toml")
    return {
        name: [
            {"name": place, "latitude_deg": latitude, "longitude_deg": longitude}
            for place, latitude, longitude in places
        ]
        for name, places in tables.items()
    }


def _read(source: str | Path) -> tuple[dict[str, Any], str]:
    if isinstance(source, str) and source in scenario_names():
        return _builtin_tables(f"scenarios/{source}.toml"), f"scenario {source}"
    path = Path(source)
    if path.suffix != ".toml" and not path.exists():
        raise ScenarioError(
            f"there is no scenario {str(source)!r}",
            way_out=f"Built in: {', '.join(scenario_names())}; or give the path of a .toml file",
        )
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputFileError(
            "is not UTF-8 text", where=str(path), way_out="A scenario is a TOML file"
        ) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputFileError(
            f"cannot be read ({reason})", where=str(path), way_out="Check the path and its rights"
        ) from None
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
    if base_name not in scenario_names():
        raise ScenarioError(
            f"there is no scenario {base_name!r} to start from",
            where=f"{where}, key base",
            way_out=f"Built in: {', '.join(scenario_names())}",
        )
    base = _builtin_tables(f"scenarios/{base_name}.toml")
    for key, value in tables.items():
        under = base.get(key)
        if not (isinstance(value, dict) and isinstance(under, dict)):
            base[key] = value
        elif value.get("kind", under.get("kind")) == under.get("kind"):
            base[key] = {**under, **value}
        else:  # another kind of fleet shares no key with the base's
            base[key] = value
    return base


def _with_defaults(tables: dict[str, Any], source: str | Path) -> None:
    tables.setdefault("name", Path(source).stem)
    tables.setdefault("stations", "polar2")
    tables.setdefault("targets", "world")
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
            file = Path(table["file"])
            anchored = file if file.is_absolute() else folder / file
            tables[section] = {**table, "file": anchored}


def _explain(error: ValidationError, where: str) -> ScenarioError:
    """Return one message for the first thing that is wrong, and say how many more there are."""
    problems = error.errors(include_url=False)
    first = problems[0]
    keys = [str(part) for part in first["loc"] if str(part) not in {"walker", "elements", "tle"}]
    key = ".".join(keys) or "the whole file"
    what = str(first["msg"]).removeprefix("Value error, ")
    value = first.get("input")
    if first["type"] == "extra_forbidden":
        what = f"unknown key {keys[-1]!r}"
        way_out = f"Known here: {', '.join(_known_keys(keys[:-1]))}"
    elif first["type"] == "missing":
        what = f"{keys[-1]!r} is missing"
        way_out = "Add it; 'orbitloom show ring12' prints a scenario that works"
    else:
        if isinstance(value, str | int | float | bool):
            what = f"{what[:1].lower()}{what[1:]}, not {value!r}"
        way_out = "'orbitloom show ring12' prints every key with its unit and default"
    if len(problems) > 1:
        way_out += f" ({len(problems) - 1} more after this one)"
    return ScenarioError(what, where=f"{where}, key {key}", way_out=way_out)


def _known_keys(path: list[str]) -> list[str]:
    section: Any = Scenario
    for part in path:
        if part.isdigit():
            continue
        field = section.model_fields.get(part) if hasattr(section, "model_fields") else None
        if field is None:
            break
        section = _section_of(field.annotation)
    return list(getattr(section, "model_fields", {}))


def _section_of(annotation: Any) -> Any:
    """Return the section class inside an annotation such as ``tuple[Station, ...]``."""
    if hasattr(annotation, "model_fields"):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _section_of(inner)
        if found is not None:
            return found
    return None
