"""The documentation is held to the code. ``python tests/test_docs.py`` writes its generated parts.

Generated are the tables between ``<!-- generated:NAME -->`` and ``<!-- end:NAME -->``: the scenario
keys from the pydantic models, the options from the command line.
"""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import math
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

import pytest
import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

import orbitloom
from orbitloom.cli import app
from orbitloom.scenario import SceneFile, load, plugins
from orbitloom.scenario.model import Scenario
from orbitloom.world.scene import check_scene

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
TEXTS = [*PAGES, *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"))]


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


class Block(NamedTuple):
    """A fenced block: its language, its text, and what the comment on the line above says."""

    language: str
    text: str
    note: str
    line: int


def blocks(page: Path) -> list[Block]:
    found = []
    lines = page.read_text(encoding="utf-8").splitlines()
    number = 0
    while number < len(lines):
        fence = re.match(r"( *)(`{3,})([\w-]*)", lines[number])
        if not fence:
            number += 1
            continue
        indent, ticks, language = fence.groups()
        end = next(
            later
            for later in range(number + 1, len(lines))
            if lines[later].strip() == ticks and lines[later].startswith(indent)
        )
        above = lines[number - 1].strip() if number else ""
        note = re.fullmatch(r"<!-- (.*) -->", above)
        text = "\n".join(line[len(indent) :] for line in lines[number + 1 : end]) + "\n"
        found.append(Block(language, text, note.group(1) if note else "", number + 1))
        number = end + 1
    return found


def prose(page: Path) -> str:
    """Return a page without its fenced blocks and inline code."""
    text = re.sub(r"^ *(`{3,}).*?^ *\1 *$", "", page.read_text(encoding="utf-8"), flags=re.S | re.M)
    return re.sub(r"`[^`\n]*`", "", text)


# The site --------------------------------------------------------------------------------------


def _nav_files(entries: Any) -> Iterator[str]:
    for entry in entries:
        for value in entry.values():
            if isinstance(value, str):
                yield value
            else:
                yield from _nav_files(value)


def test_the_navigation_holds_every_page_once():
    with (ROOT / "zensical.toml").open("rb") as file:
        listed = list(_nav_files(tomllib.load(file)["project"]["nav"]))

    assert sorted(listed) == sorted(str(page.relative_to(DOCS)) for page in PAGES)


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ +(.+)$", page.read_text(encoding="utf-8"), flags=re.M)
    plain = (re.sub(r"[^\w\s-]", "", heading).strip().lower() for heading in headings)
    return {re.sub(r"[-\s]+", "-", heading) for heading in plain}


@pytest.mark.parametrize("page", TEXTS, ids=_name)
def test_no_relative_link_is_dead(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{target} does not exist"
        if page in PAGES:
            assert there.is_relative_to(DOCS), f"{target} is not part of the site"
        if anchor:
            assert anchor in _anchors(there), f"{target}: no such heading"


def test_every_picture_is_small_and_used():
    text = "".join(page.read_text(encoding="utf-8") for page in TEXTS)
    for picture in (DOCS / "images").glob("*"):
        assert picture.stat().st_size <= 300_000
        assert picture.name in text


# Code in the pages -----------------------------------------------------------------------------

PYTHON = [(page, block) for page in TEXTS for block in blocks(page) if block.language == "python"]


def _where(value: Any) -> str | None:
    if isinstance(value, Path):
        return _name(value)
    return f"line{value.line}" if isinstance(value, Block) else None


def _source(block: Block) -> str:
    if ">>> " in block.text:
        return "".join(one.source for one in doctest.DocTestParser().get_examples(block.text))
    return block.text


def _public(module: str, name: str) -> bool:
    """Return whether a name of ours may be used: a module, or a name in its module's `__all__`."""
    home = importlib.import_module(module)
    if name in getattr(home, "__all__", ()):
        return True
    try:
        importlib.import_module(f"{module}.{name}")
    except ModuleNotFoundError:
        return False
    return not name.startswith("_")


@pytest.mark.parametrize(("page", "block"), PYTHON, ids=_where)
def test_python_in_the_pages_compiles_and_uses_public_names(page, block):
    tree = ast.parse(_source(block), filename=f"{_name(page)}:{block.line}")
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("orbitloom"):
            for alias in node.names:
                assert _public(node.module, alias.name), f"{node.module}.{alias.name}"
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("orbitloom"):
                    importlib.import_module(alias.name)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "ol":
                assert node.attr in orbitloom.__all__, f"ol.{node.attr}"
            if node.value.id == "report":
                known = (*dir(orbitloom.Report), "result", "folder")
                assert node.attr in known, f"report.{node.attr}"


RUN = [(page, block) for page, block in PYTHON if block.note == "run"]


@pytest.mark.parametrize(("page", "block"), RUN, ids=_where)
def test_python_marked_to_run_runs(page, block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if ">>> " in block.text:
        test = doctest.DocTestParser().get_doctest(block.text, {}, _name(page), None, block.line)
        assert doctest.DocTestRunner().run(test).failed == 0
    else:
        exec(compile(block.text, _name(page), "exec"), {"__name__": "__main__"})


TOML = [(page, block) for page in TEXTS for block in blocks(page) if block.note == "scenario"]


@pytest.mark.parametrize(("page", "block"), TOML, ids=_where)
def test_scenarios_in_the_pages_can_be_flown(page, block, tmp_path):
    for name in re.findall(r'^file = "(.+)"$', block.text, flags=re.M):
        (tmp_path / name).touch()
    file = tmp_path / "mine.toml"
    file.write_text(block.text, encoding="utf-8")

    assert load(file).name == "mine"


def test_the_scene_of_the_how_to_is_accepted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = DOCS / "how-to/own-scene.md"
    (block,) = (one for one in blocks(page) if one.note == "run")
    exec(compile(block.text, str(page), "exec"), {"__name__": "__main__"})

    check_scene(SceneFile(file=tmp_path / "field.tif"))


# A package of a user's -------------------------------------------------------------------------

_CHECK = """
import sys
import numpy as np
from orbitloom.scenario import plugins
from orbitloom.processing.apps import Context
from orbitloom.processing.byo import load_app
from orbitloom.processing.l3 import Grid, Tile
numbers = np.full((4, 300, 300), 500, np.uint16)
numbers[3, 100:200, 100:200] = 4500
tile = Tile(
    grid=Grid(epsg=32632, transform=(10.0, 0.0, 5e5, 0.0, -10.0, 5e6), shape=(300, 300)),
    band_names=("blue", "green", "red", "nir"), numbers=numbers,
    mask=np.zeros((300, 300), np.uint8), imaged_share=1.0, sun_elevation_deg=40.0,
    off_nadir_deg=3.0, snr=80.0,
)
for name in ("greening", "greening.py", "high.json"):
    finding = load_app(name).analyse(tile, Context(target="Here"))
    print(finding.evidence.event, round(finding.evidence.area_km2, 3))
print("greening" in plugins.available("apps"))
"""


def _write_package(page: Path, folder: Path) -> dict[str, str]:
    """Write the blocks that name a file, and the metadata that pip would make of the entry points.

    Returns the entry points' groups and lines.
    """
    for block in blocks(page):
        if block.note.startswith("file: "):
            file = folder / block.note.removeprefix("file: ")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
    with (folder / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    lines = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    info = folder / f"{project['name'].replace('-', '_')}-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 0.1.0\n"
    )
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return dict(project["entry-points"])


def _python(folder: Path, *arguments: str) -> str:
    """Run Python with a folder on its path, as if the package in it were installed."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_application_of_the_how_to_works_and_keeps_its_contract(tmp_path):
    _write_package(DOCS / "how-to/own-app.md", tmp_path)

    assert _python(tmp_path, "-c", _CHECK).split("\n")[:-1] == ["greening 1.0"] * 3 + ["True"]
    assert len((tmp_path / "greening.py").read_text().splitlines()) <= 50
    assert " passed" in _python(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", ".")


def test_the_outlet_and_the_model_of_the_how_to_keep_their_contracts(tmp_path):
    _write_package(DOCS / "how-to/own-instrument-or-outlet.md", tmp_path)

    assert " passed" in _python(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", ".")


# Generated tables ------------------------------------------------------------------------------


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is PydanticUndefined:
        return "required"
    if value is None:
        return "none"
    if isinstance(value, tuple):
        names = [str(getattr(one, "name", one)) for one in value]
        return ", ".join(f"{float(name):g}" if _is_number(name) else name for name in names)
    if isinstance(value, float):
        return f"{value:g}" if value < 1e6 else f"{value:.4g}"
    return str(value) if value != "" else "empty"


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"-?\d+\.\d+", text))


def _takes(field: FieldInfo) -> str:
    signs = (("gt", "> "), ("ge", "≥ "), ("lt", "< "), ("le", "≤ "))
    limits = [
        f"{sign}{_number(getattr(limit, name))}"
        for name, sign in signs
        for limit in field.metadata
        if getattr(limit, name, None) is not None
    ]
    return ", ".join(limits)


def _number(value: float) -> str:
    return f"{value:g}" if abs(value) < 1e9 else f"2^{math.log2(value):g}"


_FILLED_IN = {"name": "the file's name", "stations": "polar2", "targets": "world"}
"""What reading a file fills in for the keys that the model requires."""


def test_what_reading_fills_in_is_as_the_page_says(tmp_path):
    file = tmp_path / "empty.toml"
    file.touch()

    assert load(file) == load("flood12").model_copy(update={"name": "empty", "description": ""})
    assert load(file) == load(file, stations=_FILLED_IN["stations"], targets=_FILLED_IN["targets"])


def _table(section: type[BaseModel], prefix: str) -> list[str]:
    lines = [
        "| key | unit | default | limits | basis | source or meaning |",
        "|---|---|---|---|---|---|",
    ]
    for name, field in section.model_fields.items():
        if _inner(field.annotation) and name not in {
            "bands",
            "stations",
            "targets",
            "subscriptions",
        }:
            continue
        told = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        unit = "" if told.get("unit") in {None, "", "1"} else str(told["unit"])
        meaning = str(told.get("source") or field.description or "")
        cells = (
            f"`{prefix}{name}`",
            unit,
            _default(field),
            _takes(field),
            str(told.get("basis", "")),
        )
        lines.append("| " + " | ".join(_cell(cell) for cell in (*cells, meaning)) + " |")
    return lines


def _inner(annotation: Any) -> list[type[BaseModel]]:
    """Return the sections inside an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [one for part in getattr(annotation, "__args__", ()) for one in _inner(part)]


def scenario_tables() -> str:
    """Return every key of a scenario, section by section, as Markdown."""
    parts = ["### Top level", "", *_table(Scenario, "")]

    def add(title: str, section: type[BaseModel], prefix: str) -> None:
        summary = " ".join((section.__doc__ or "").split())
        parts.extend(["", f"### {title}", "", summary, "", *_table(section, prefix)])
        for name, field in section.model_fields.items():
            if _inner(field.annotation):
                add(f"[[{prefix}{name}]]", _inner(field.annotation)[0], "")

    for name, field in Scenario.model_fields.items():
        sections = _inner(field.annotation)
        many = str(field.annotation).startswith("tuple")
        for section in sections:
            if many:
                add(f"[[{name}]]", section, "")
            elif len(sections) > 1:
                kind = section.model_fields["kind"].annotation.__args__[0]
                add(f'[{name}] with kind = "{kind}"', section, f"{name}.")
            else:
                add(f"[{name}]", section, f"{name}.")
    return "\n".join(parts)


def _plain(text: str | None) -> str:
    return _cell(" ".join(re.sub(r"\[/?bold\]", "", text or "").split()))


def options() -> str:
    """Return every command with its arguments and options, as Markdown."""
    parts = []
    commands = [(command.name, command) for command in app.registered_commands]
    for group in app.registered_groups:
        inside = group.typer_instance.registered_commands
        commands += [(f"{group.name} {command.name}", command) for command in inside]
    for given, command in commands:
        name, told = given or command.callback.__name__, inspect.getdoc(command.callback)
        parts += [f"### orbitloom {name}", "", _plain(told), ""]
        hints = get_type_hints(command.callback, include_extras=True)
        parameters = inspect.signature(command.callback).parameters
        if parameters:
            parts += ["| argument or option | default | meaning |", "|---|---|---|"]
        for key, parameter in parameters.items():
            kind, info = hints[key].__args__[0], hints[key].__metadata__[0]
            metavar = info.metavar or "|".join(getattr(kind, "__members__", {})).lower()
            is_option = isinstance(info, typer.models.OptionInfo)
            named = str(info.default).startswith("--")  # typer takes it for one until it is used
            option = info.default if named else f"--{key}"
            shown = f"{option} {metavar}".strip() if is_option else metavar.strip("[]")
            default = {parameter.empty: "required", None: ""}.get(
                parameter.default, getattr(parameter.default, "value", parameter.default)
            )
            default = "" if default is False else default
            parts.append(f"| `{_cell(shown)}` | {default} | {_plain(info.help)} |")
        parts.append("")
    return "\n".join(parts).rstrip("\n")


GENERATED = {
    "scenario": (DOCS / "reference/scenario.md", scenario_tables),
    "options": (DOCS / "reference/cli.md", options),
}


def _written(name: str) -> tuple[Path, str]:
    """Return a page and its text as it ought to be."""
    page, make = GENERATED[name]
    begin, end = f"<!-- generated:{name} -->", f"<!-- end:{name} -->"
    head, _, rest = page.read_text(encoding="utf-8").partition(begin)
    _, found, tail = rest.partition(end)
    assert found, f"{page} has no {begin} ... {end}"
    return page, f"{head}{begin}\n\n{make()}\n\n{end}{tail}"


@pytest.mark.parametrize("name", GENERATED)
def test_generated_tables_are_in_step_with_the_code(name):
    page, text = _written(name)

    assert page.read_text(encoding="utf-8") == text, "run: python tests/test_docs.py"


def test_the_pages_name_the_extension_points_that_there_are():
    page = (DOCS / "reference/python.md").read_text(encoding="utf-8")

    for group in ("apps", "classifiers", "instruments", "models", "outlets"):
        assert f"orbitloom.{group}" in page
        for name in plugins.available(group):
            assert f"`{name}`" in page


if __name__ == "__main__":
    for each in GENERATED:
        target, content = _written(each)
        target.write_text(content, encoding="utf-8")
