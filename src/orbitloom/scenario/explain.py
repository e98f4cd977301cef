"""What to say when a scenario is wrong: the key, the caller's value, and what it may be."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from orbitloom.errors import ScenarioError
from orbitloom.scenario.model import Scenario

__all__ = ["explain"]

_SHOW = "'orbitloom show ring12' prints every key with its unit and default"
_OUT_OF_RANGE = {"greater_than", "greater_than_equal", "less_than", "less_than_equal"}
_NOT_A_NUMBER = {"float_parsing", "float_type", "finite_number"}
_NOT_A_WHOLE_NUMBER = {"int_parsing", "int_type", "int_from_float", "int_parsing_size"}
_NOT_A_TABLE = {"model_type", "model_attributes_type", "dict_type"}
_NUMBERS: dict[Any, str] = {int: "a whole number", float: "a number"}
_LIMITS = (("gt", "above {}"), ("ge", "from {}"), ("lt", "below {}"), ("le", "up to {}"))


def explain(error: ValidationError, where: str, root: type[BaseModel] = Scenario) -> ScenarioError:
    """Return one message for the first thing that is wrong, and say how many more there are.

    Parameters
    ----------
    error
        What the validation raised.
    where
        The file or scenario that was read.
    root
        What was validated.
    """
    problems = error.errors(include_url=False)
    first = problems[0]
    keys, section, field = _walk(first["loc"], root)
    what, way_out = _say(first, keys, section, field)
    if len(problems) > 1:
        way_out += f" ({len(problems) - 1} more after this one)"
    key = f"key {'.'.join(keys)}" if keys else "the whole file"
    return ScenarioError(what, where=f"{where}, {key}", way_out=way_out)


def _say(
    problem: Any, keys: list[str], section: type[BaseModel] | None, field: FieldInfo | None
) -> tuple[str, str]:
    """Return what is wrong and the way out."""
    kind, value, context = problem["type"], problem.get("input"), problem.get("ctx", {})
    takes = _takes(keys[-1], field) if keys else _SHOW
    if kind == "extra_forbidden":
        known = list(section.model_fields) if section is not None else []
        near = get_close_matches(keys[-1], known, n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        return f"unknown key {keys[-1]!r}", f"{hint}Known here: {', '.join(known)}"
    if kind == "missing":
        entry = isinstance(problem["loc"][-1], int)
        return f"{'this entry' if entry else repr(keys[-1])} is missing", f"Add it; {_SHOW}"
    if kind in _OUT_OF_RANGE:
        return f"{value!r} is out of range", takes
    if kind in _NOT_A_NUMBER:
        return f"{value!r} is not a {'finite ' if kind == 'finite_number' else ''}number", takes
    if kind in _NOT_A_WHOLE_NUMBER:
        return f"{value!r} is not a whole number", takes
    if kind in _NOT_A_TABLE:
        return f"{value!r} is not a table", f"Write its keys below [{keys[0]}]; {_SHOW}"
    if kind == "tuple_type":
        return f"{value!r} is not a list", f"Write [...], or one [[{keys[0]}]] for each; {_SHOW}"
    if kind in {"too_short", "string_too_short"} and not value:
        return "is empty", f"Name at least one; {_SHOW}"
    if kind == "union_tag_invalid":
        return f"there is no kind {context['tag']!r}", f"Known: {context['expected_tags']}"
    if kind == "literal_error":
        return f"{value!r} is unknown", f"Known: {context['expected']}"
    what = str(problem["msg"]).removeprefix("Value error, ")
    if kind != "value_error" and isinstance(value, str | int | float):
        what = f"{what[:1].lower()}{what[1:]}, not {value!r}"
    return what, takes


def _takes(name: str, field: FieldInfo | None) -> str:
    """Return what a numeric key takes: kind of number, unit, limits."""
    if field is None or field.annotation not in _NUMBERS:
        return _SHOW
    number = _NUMBERS[field.annotation]
    extra = field.json_schema_extra
    unit = extra.get("unit") if isinstance(extra, dict) else ""
    limits = [
        text.format(getattr(limit, attribute))
        for attribute, text in _LIMITS
        for limit in field.metadata
        if hasattr(limit, attribute)
    ]
    parts = [number + (f" in {unit}" if unit not in {"", "1", None} else ""), *limits]
    return f"{name} takes {' '.join(parts)}; {_SHOW}"


def _walk(
    location: tuple[str | int, ...], root: type[BaseModel]
) -> tuple[list[str], type[BaseModel] | None, FieldInfo | None]:
    """Follow a location of pydantic's down to its section and field.

    The location names the chosen kind of a union (``fleet``, ``walker``, ``planes``); the file
    has no such key, so it is left out of the keys.
    """
    keys: list[str] = []
    sections: list[type[BaseModel]] = [root]
    section: type[BaseModel] | None = root
    field: FieldInfo | None = None
    for part in location:
        chosen = [one for one in sections if part == _kind(one)]
        if len(sections) > 1 and chosen:
            sections, section = chosen, chosen[0]
            continue
        keys.append(str(part))
        if isinstance(part, int):
            continue
        section = sections[0] if sections else None
        field = section.model_fields.get(part) if section is not None else None
        sections = _sections(field.annotation) if field is not None else []
    return keys, section, field


def _kind(section: type[BaseModel]) -> str | None:
    """Return the value of ``kind`` that chooses this section out of a union."""
    field = section.model_fields.get("kind")
    words = getattr(field.annotation, "__args__", ()) if field is not None else ()
    return words[0] if words else None


def _sections(annotation: Any) -> list[type[BaseModel]]:
    """Return the sections inside an annotation such as ``tuple[Station, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    inner = getattr(annotation, "__args__", ())
    return [section for one in inner for section in _sections(one)]
