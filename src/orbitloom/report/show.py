"""A scenario for people: every key with its value, unit, basis and source."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from orbitloom.scenario import Scenario

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.table import Table

__all__ = ["Row", "as_table", "as_toml", "rows", "short"]


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


def as_table(scenario: Scenario) -> Table:
    """Return the scenario as a table for the terminal."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(
        "key",
        "value",
        "unit",
        "basis",
        "source",
        title=escape(scenario.description or scenario.name),
        title_justify="left",
        title_style="bold",
        caption="basis: published, derived from public data, an engineering estimate, a choice; "
        "set: this scenario says so",
        caption_justify="left",
        box=None,
        header_style="bold",
        pad_edge=False,
    )
    section = ""
    for row in rows(scenario):
        head = row.key.rpartition(".")[0]
        if head != section:
            table.add_section()
            section = head
        style = {"estimate": "yellow", "set": "cyan"}.get(row.basis, "")
        table.add_row(
            escape(row.key), escape(short(row.value)), row.unit, row.basis, row.source, style=style
        )
    return table


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
        lines.append(f"{key} = {_toml(row.value)}" + (f"  # {note}" if note else ""))
    return "\n".join(lines) + "\n"


def _rows(section: BaseModel, prefix: str) -> Iterator[Row]:
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if value is None:  # an optional key that is not used; TOML has no word for it
            continue
        if hasattr(type(value), "model_fields"):
            yield from _rows(value, f"{prefix}{name}.")
            continue
        told = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        basis = str(told.get("basis", ""))
        changed = field.is_required() or value != field.get_default(call_default_factory=True)
        if basis and changed:
            yield Row(prefix + name, value, str(told["unit"]), "set", "")
        else:
            source = str(told.get("source", "")) or (field.description or "")
            yield Row(prefix + name, value, str(told.get("unit", "")), basis, source)


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
