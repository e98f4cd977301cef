"""A scenario for people: every key with its value, unit, basis and source."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from orbitloom.scenario import Scenario, Station, Target, station_nets, target_lists

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

__all__ = ["Row", "as_table", "as_toml", "rows", "short"]

_NARROW = 72
"""Columns of a terminal below which a table of four columns is no longer readable."""

_BASES = (
    "basis: published, derived from public data, an engineering estimate, a choice; "
    "set: this scenario says so"
)


class Row(NamedTuple):
    """One key of a scenario. Basis and source are those of the default."""

    key: str
    value: Any
    unit: str
    basis: str
    source: str


def rows(scenario: Scenario) -> list[Row]:
    """Return every key of a scenario, those of a section as ``section.key``.

    A value that differs from its default has the basis "set": the scenario says so.
    """
    return list(_rows(scenario, ""))


def as_table(scenario: Scenario) -> RenderableType:
    """Return the scenario for the terminal: a table for each section, nothing cut at any width.

    Below `_NARROW` columns a key, its value and its source stand on lines of their own.
    """
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [Text(scenario.description or scenario.name, style="bold")]
    told = rows(scenario)
    for section in dict.fromkeys(_section(row) for row in told):
        parts.append(Text(f"\n[{section}]" if section else "", style="bold"))
        parts.append(_SectionTable([row for row in told if _section(row) == section], scenario))
    parts.append(Text(f"\n{_BASES}", style="italic"))
    return Group(*parts)


class _SectionTable:
    """One section, laid out for the width it gets."""

    def __init__(self, told: list[Row], scenario: Scenario) -> None:
        self._told = told
        self._scenario = scenario

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.table import Table
        from rich.text import Text

        cells = [
            (row.key.rpartition(".")[2], self._value(row), row.basis, row.source)
            for row in self._told
        ]
        styles = [{"estimate": "yellow", "set": "cyan"}.get(row.basis, "") for row in self._told]
        if options.max_width < _NARROW:
            for (key, value, basis, source), style in zip(cells, styles, strict=True):
                yield Text(f"{key} = {value}", style=style)
                yield Text(f"  {basis}{': ' if source else ''}{source}", style="dim")
            return
        table = Table(box=None, pad_edge=False, header_style="dim")
        longest = max(len(word) for _, value, _, _ in cells for word in value.split())
        table.add_column("key", no_wrap=True)
        table.add_column("value", min_width=longest, max_width=max(longest, 30), overflow="fold")
        table.add_column("basis", no_wrap=True)
        table.add_column("source", overflow="fold")
        for line, style in zip(cells, styles, strict=True):
            table.add_row(*(Text(cell) for cell in line), style=style)
        yield table

    def _value(self, row: Row) -> str:
        known = _built_in(self._scenario, row.key)
        return f"{known + ': ' if known else ''}{short(row.value)} {row.unit}".rstrip()


def as_toml(scenario: Scenario) -> str:
    """Return the scenario as a TOML file with every key; loading it gives the same scenario."""
    lines = [f"# {scenario.name}: every key, to start your own from. Leave out what you keep."]
    section = ""
    for row in sorted(rows(scenario), key=lambda row: "." in row.key):  # TOML: top level first
        head, _, key = row.key.rpartition(".")
        if head != section:
            lines += ["", f"[{head}]"]
            section = head
        note = "; ".join(part for part in (row.unit, row.basis, row.source) if part)
        value = _built_in(scenario, row.key) or row.value
        lines.append(f"{key} = {_toml(value)}" + (f"  # {note}" if note else ""))
    return "\n".join(lines) + "\n"


def _section(row: Row) -> str:
    return row.key.rpartition(".")[0]


def _built_in(scenario: Scenario, key: str) -> str:
    """Return the name of the built-in list that a key holds, or nothing."""
    if key == "stations":
        named = {name: [Station(**one) for one in net] for name, net in station_nets().items()}
        return next((name for name, net in named.items() if (*net,) == scenario.stations), "")
    if key == "targets":
        lists = {name: [Target(**one) for one in places] for name, places in target_lists().items()}
        return next((name for name, places in lists.items() if (*places,) == scenario.targets), "")
    return ""


def _rows(section: BaseModel, prefix: str) -> Iterator[Row]:
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if value is None:  # an optional key that is not used; TOML has no word for it
            continue
        if hasattr(type(value), "model_fields"):
            yield from _rows(value, f"{prefix}{name}.")
            continue
        told = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        basis, unit = str(told.get("basis", "choice")), str(told.get("unit", ""))
        unit = "" if unit == "1" else unit  # a share
        if field.is_required() or value != field.get_default(call_default_factory=True):
            yield Row(prefix + name, value, unit, "set", "")
        else:
            source = str(told.get("source", "")) or (field.description or "")
            yield Row(prefix + name, value, unit, basis, source)


def short(value: Any) -> str:
    """Return a value in few words: a long list by its length and its first names."""
    if isinstance(value, tuple) and value and hasattr(value[0], "name"):
        names = ", ".join(item.name for item in value[:4])
        return names if len(value) <= 4 else f"{len(value)}: {names}, ..."
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str | Path):
        return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, tuple):
        items = [_toml(item) for item in value]
        if value and hasattr(type(value[0]), "model_fields"):
            return "[\n" + "".join(f"  {item},\n" for item in items) + "]"
        return f"[{', '.join(items)}]"
    pairs = (
        f"{name} = {_toml(getattr(value, name))}"
        for name in type(value).model_fields
        if getattr(value, name) is not None
    )
    return f"{{ {', '.join(pairs)} }}"
