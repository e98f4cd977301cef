"""Public means `__all__`: exact, defined where it is listed, and documented."""

from __future__ import annotations

import ast
import inspect
import pkgutil
from importlib import import_module
from pathlib import Path
from types import UnionType
from typing import TypeVar, get_origin

import pytest

import orbitloom

ROOT = Path(orbitloom.__file__).parent
MODULES = sorted(module.name for module in pkgutil.walk_packages(orbitloom.__path__, "orbitloom."))
FILES = sorted(ROOT.rglob("*.py"))


def _source(name: str) -> ast.Module:
    path = ROOT.parent / name.replace(".", "/")
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(file.read_text(encoding="utf-8"))


def _defined(tree: ast.Module) -> set[str]:
    """Return the public names that a module's own statements define (imports do not).

    A function that a decorator registers somewhere (``@app.command()``) is not offered to callers.
    """
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            registered = any(
                isinstance(one, ast.Call)
                and isinstance(one.func, ast.Attribute)
                and one.func.attr in {"command", "callback"}
                for one in node.decorator_list
            )
            names |= set() if registered else {node.name}
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                names |= {leaf.id for leaf in ast.walk(target) if isinstance(leaf, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return {name for name in names if not name.startswith("_")}


def _is_only_for_types(thing: object) -> bool:
    """Return whether it is a type variable or an alias: short for a signature, not an offer."""
    return isinstance(thing, TypeVar | UnionType) or get_origin(thing) is not None


def _is_package(name: str) -> bool:
    return (ROOT.parent / name.replace(".", "/")).is_dir()


@pytest.mark.parametrize("name", [name for name in MODULES if not _is_package(name)])
def test_all_holds_everything_that_the_module_defines_for_others(name):
    module = import_module(name)
    public = {one for one in _defined(_source(name)) if not _is_only_for_types(vars(module)[one])}

    assert public - set(module.__all__) == set()


@pytest.mark.parametrize("name", MODULES)
def test_what_all_holds_is_there_once(name):
    module = import_module(name)
    listed = getattr(module, "__all__", [])

    assert len(listed) == len(set(listed))
    assert [one for one in listed if not hasattr(module, one)] == []


def test_the_facade_offers_what_it_lists():
    assert set(dir(orbitloom)) == set(orbitloom.__all__)
    for name in orbitloom.__all__:
        assert getattr(orbitloom, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'fry'"):
        _ = orbitloom.fry


@pytest.mark.parametrize("name", MODULES)
def test_what_is_public_is_documented(name):
    module = import_module(name)
    assert module.__doc__, name
    for one in getattr(module, "__all__", ()):
        thing = getattr(module, one)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert inspect.getdoc(thing), f"{name}.{one}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_file_is_longer_than_700_lines(file):
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 700
