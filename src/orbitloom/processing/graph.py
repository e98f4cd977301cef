"""openEO process graphs, run on board: a declarative application that is safe to send up.

A graph is data: it is read, checked and run here, never evaluated as code. It has no loops, at most
500 nodes, and only the processes of `graph_processes`. All of them work cell by cell, so a
graph is run over blocks of rows, and needs little more memory than what it gives.

``load_collection`` gives the look, whatever collection it names (there is one look on board), with
the dimensions ``t`` (one label), ``bands``, ``y`` and ``x`` and reflectance in float32; the
collection ``BASELINE`` gives what the place usually looks like, without ``t``, and besides the
bands ``water``, the share of looks that showed water.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.warp import transform_bounds

from orbitloom.errors import InputFileError
from orbitloom.processing.graph_processes import (
    COMMON_NAMES,
    PROCESSES,
    Callback,
    Cube,
    Refused,
    arguments,
    band_index,
    labels_of,
)
from orbitloom.processing.l3 import SCALE, Grid, Tile
from orbitloom.processing.resampling import baseline_rows
from orbitloom.scenario.time import from_iso, to_iso
from orbitloom.wire.briefing import Baseline

__all__ = ["BASELINE", "RESULT", "ProcessGraph", "read_graph"]

BASELINE = "BASELINE"
"""The collection of what the place usually looks like."""
RESULT = "result"
"""Name of the layer of a graph whose result has no bands."""

_MOST_NODES = 500
_DEEPEST = 6
_LARGEST_BYTES = 1 << 20
_BLOCK_CELLS = 1 << 18  # of a block of rows: its bands stay in the cache

_LOAD = "load_collection"
_LOAD_ARGUMENTS = frozenset({"id", "spatial_extent", "temporal_extent", "bands", "properties"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Node:
    """One call: its name with those of the callbacks around it, its process, its arguments."""

    name: str
    process: str
    given: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Steps:
    """A graph's nodes in the order in which they run, and which one gives the result."""

    nodes: Mapping[str, _Node]
    result: str
    last_use: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Block:
    """A part of a look, some of its rows; without a grid it is a dry run, and nowhere."""

    look: Mapping[str, NDArray[np.uint16]]
    known: Mapping[str, NDArray[np.float32]] | None
    rows: slice
    grid: Grid | None = None
    sensed_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessGraph:
    """A graph that was read and found sound; `read_graph` makes it.

    Attributes
    ----------
    where
        Where it was read, for messages.
    bands
        The look's bands that it names, by their common names; none where it takes all there are.
    baseline_bands
        The baseline's, alike.
    """

    where: str
    bands: tuple[str, ...]
    baseline_bands: tuple[str, ...]
    _steps: _Steps = field(repr=False)
    _parameters: Mapping[str, Any] = field(repr=False)

    @property
    def needs_baseline(self) -> bool:
        """Whether it compares with what the place usually looks like."""
        return any(
            node.process == _LOAD and node.given.get("id") == BASELINE
            for node in self._steps.nodes.values()
        )

    def check(
        self, band_names: Sequence[str], baseline_bands: Sequence[str] | None = None
    ) -> tuple[str, ...]:
        """Return the names of the layers it would give for a look with these bands.

        Parameters
        ----------
        band_names
            Of the instrument.
        baseline_bands
            Of the baseline; as the instrument's if not given.

        Raises
        ------
        InputFileError
            If it cannot be run on them: which node, and why.
        """
        cell = {name: np.ones((1, 1), np.uint16) for name in band_names}
        known = {
            name: np.ones((1, 1), np.float32)
            for name in (*(band_names if baseline_bands is None else baseline_bands), "water")
        }
        return tuple(self._on(_Block(look=cell, known=known, rows=slice(0, 1))))

    def run(self, tile: Tile, baseline: Baseline | None = None) -> dict[str, NDArray[np.float32]]:
        """Return the graph's layers over a tile, each (rows, columns) float32.

        They are named by the result's bands, or `RESULT` where it has none; no data is NaN, true
        and false are 1 and 0.

        Raises
        ------
        InputFileError
            If the look or the baseline lacks what the graph asks for.
        """
        known = None
        if baseline is not None and self.needs_baseline:
            there = (*baseline.band_names, "water")
            names = [
                one
                for one in there
                if not self.baseline_bands or COMMON_NAMES.get(one, one) in self.baseline_bands
            ]
            known = baseline_rows(baseline, tile.grid, names)
        look = dict(zip(tile.band_names, tile.numbers, strict=True))
        rows, columns = tile.grid.shape
        step = max(1, _BLOCK_CELLS // max(columns, 1))
        out: dict[str, NDArray[np.float32]] = {}
        for first in range(0, rows, step):
            part = slice(first, min(first + step, rows))
            block = _Block(
                grid=tile.grid,
                rows=part,
                look={name: band[part] for name, band in look.items()},
                known=known and known(part),
                sensed_ns=tile.sensed_ns,
            )
            for name, values in self._on(block).items():
                if first == 0:
                    out[name] = np.empty(tile.grid.shape, np.float32)
                out[name][part] = values
        return out

    def _on(self, block: _Block) -> dict[str, NDArray[np.float32]]:
        with np.errstate(all="ignore"):
            made = _run(self._steps, self._parameters, block, self.where)
        if not isinstance(made, Cube) or "x" not in made.dims:
            raise InputFileError(
                "the result is no data cube",
                where=f"{self.where}, node {self._steps.result!r}",
                way_out="Let the last node give a value for every cell",
            )
        values = made.values
        if "t" in made.dims:
            values = values[(slice(None),) * made.dims.index("t") + (0,)]
        if "bands" in made.dims:
            return dict(zip(made.labels["bands"], values, strict=True))
        return {RESULT: values}


# Reading ----------------------------------------------------------------------------------------


def read_graph(
    source: str | bytes | Mapping[str, Any],
    where: str = "process graph",
    parameters: Mapping[str, Any] | None = None,
) -> ProcessGraph:
    """Read a graph and check it: processes, arguments, references, cycles.

    Parameters
    ----------
    source
        JSON, or what it says: a flat graph, or a process with one under ``process_graph``, or a
        request with a process under ``process``, as openEO's clients write them.
    where
        What to call it in messages: the file.
    parameters
        Values of the graph's parameters; those it has defaults for may be left out.

    Raises
    ------
    InputFileError
        If it cannot be run: which node, and why.

    Examples
    --------
    >>> graph = read_graph(
    ...     {
    ...         "load": {"process_id": "load_collection", "arguments": {"id": "LOOK"}},
    ...         "ndvi": {
    ...             "process_id": "ndvi",
    ...             "arguments": {"data": {"from_node": "load"}},
    ...             "result": True,
    ...         },
    ...     }
    ... )
    >>> graph.check(("red", "nir"))
    ('result',)
    """
    flat, defaults = _flat(source, where)
    values = {**defaults, **(parameters or {})}
    counter = iter(range(_MOST_NODES))
    try:
        steps = _steps(flat, where, "", frozenset(values), counter)
    except RecursionError:
        raise InputFileError("its arguments are nested too deeply", where=where) from None
    look, known = _bands(steps)
    return ProcessGraph(
        where=where, bands=look, baseline_bands=known, _steps=steps, _parameters=values
    )


def _flat(
    source: str | bytes | Mapping[str, Any], where: str
) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """Return the flat graph, and its parameters' defaults."""
    whole: Any = source
    if isinstance(source, (str, bytes)):
        if len(source) > _LARGEST_BYTES:
            raise InputFileError(f"is larger than {_LARGEST_BYTES >> 20} MiB", where=where)
        try:
            whole = json.loads(source)
        except (ValueError, RecursionError) as error:
            raise InputFileError(f"is no JSON ({error})", where=where) from None
    if isinstance(whole, Mapping) and isinstance(whole.get("process"), Mapping):
        whole = whole["process"]
    graph = whole.get("process_graph", whole) if isinstance(whole, Mapping) else None
    if not isinstance(graph, Mapping) or not graph:
        raise InputFileError(
            "is no process graph",
            where=where,
            way_out="Give a mapping of nodes, each with process_id and arguments",
        )
    listed = whole.get("parameters") or ()
    defaults = {
        one["name"]: one["default"]
        for one in (listed if isinstance(listed, (list, tuple)) else ())
        if isinstance(one, Mapping) and isinstance(one.get("name"), str) and "default" in one
    }
    return graph, defaults


def _steps(
    graph: Mapping[str, Any],
    where: str,
    around: str,
    known: frozenset[str],
    counter: Iterator[int],
) -> _Steps:
    """Check a graph, and those inside it; return its nodes in the order in which they run."""
    if around.count("/") > _DEEPEST:
        raise InputFileError(f"callbacks are nested deeper than {_DEEPEST}", where=where)
    nodes = {name: _node(name, node, where, around, known, counter) for name, node in graph.items()}
    results = [name for name, node in graph.items() if node.get("result") is True]
    if len(results) != 1:
        raise InputFileError(
            f"{len(results)} nodes are marked as the result",
            where=f"{where}, node {around.rstrip('/')!r}" if around else where,
            way_out='Mark one with "result": true',
        )
    needs = {name: tuple(_named(node.given, "from_node")) for name, node in nodes.items()}
    for name, sources in needs.items():
        for missing in (one for one in sources if one not in nodes):
            raise _bad(nodes[name], where, f"there is no node {missing!r} to take from")
    order = _ordered(nodes, needs, results[0], where)
    last: dict[str, str] = {}
    for name in order:
        last.update(dict.fromkeys(needs[name], name))
    uses: dict[str, list[str]] = {}
    for source, name in last.items():
        uses.setdefault(name, []).append(source)
    return _Steps(
        nodes={name: nodes[name] for name in order},
        result=results[0],
        last_use={name: tuple(sources) for name, sources in uses.items()},
    )


def _ordered(
    nodes: Mapping[str, _Node], needs: Mapping[str, tuple[str, ...]], result: str, where: str
) -> list[str]:
    """Return what the result needs, each node after those it takes from."""
    order: list[str] = []
    done, waiting = set[str](), set[str]()
    stack = [result]
    while stack:
        name = stack[-1]
        if name in done:
            stack.pop()
            continue
        waiting.add(name)
        open_ones = [one for one in needs[name] if one not in done]
        for one in open_ones:
            if one in waiting:
                raise _bad(
                    nodes[name], where, f"it takes from {one!r}, which waits for it: a cycle"
                )
        if open_ones:
            stack.append(open_ones[0])
            continue
        done.add(name)
        order.append(name)
        stack.pop()
    return order


def _node(
    name: str,
    node: Any,
    where: str,
    around: str,
    known: frozenset[str],
    counter: Iterator[int],
) -> _Node:
    """Check a node by itself, and the graphs among its arguments."""
    path = around + str(name)
    if next(counter, None) is None:
        raise InputFileError(f"has more than {_MOST_NODES} nodes", where=where)
    process = node.get("process_id") if isinstance(node, Mapping) else None
    given = node.get("arguments", {}) if isinstance(node, Mapping) else None
    made = _Node(name=path, process=str(process), given=given if isinstance(given, Mapping) else {})
    if not isinstance(process, str) or not isinstance(given, Mapping):
        raise _bad(made, where, "is no node", "Give it a process_id and arguments")
    if node.get("namespace") not in (None, "backend"):
        raise _bad(made, where, f"there is no namespace {node['namespace']!r} on board")
    if process == _LOAD:
        allowed, needed = _LOAD_ARGUMENTS, frozenset({"id"})
    elif process in PROCESSES:
        allowed, needed = arguments(PROCESSES[process])
    else:
        names = ", ".join(sorted((*PROCESSES, _LOAD)))
        raise _bad(made, where, f"there is no process {process!r} on board", f"There are: {names}")
    for missing in sorted(needed - given.keys()):
        raise _bad(made, where, f"{process} lacks the argument {missing!r}")
    for unknown in sorted(given.keys() - allowed):
        raise _bad(made, where, f"{process} has no argument {unknown!r}")
    compiled = {
        key: _compiled(value, where, f"{path}/", known, counter) for key, value in given.items()
    }
    for missing in _named(compiled, "from_parameter"):
        if missing not in known:
            raise _bad(made, where, f"there is no parameter {missing!r}")
    return _Node(name=path, process=process, given=compiled)


_CALLBACK_PARAMETERS = frozenset({"data", "x", "y", "context"})


def _compiled(
    value: Any, where: str, around: str, known: frozenset[str], counter: Iterator[int]
) -> Any:
    if isinstance(value, Mapping) and "process_graph" in value:
        graph = value["process_graph"]
        if not isinstance(graph, Mapping):
            raise InputFileError("is no process graph", where=f"{where}, node {around[:-1]!r}")
        return _steps(graph, where, around, known | _CALLBACK_PARAMETERS, counter)
    return value


def _named(given: Any, kind: str) -> Iterator[str]:
    """Yield the names of the nodes or parameters that an argument refers to; callbacks not."""
    if isinstance(given, Mapping):
        if kind in given:
            yield str(given[kind])
            return
        given = list(given.values())
    if isinstance(given, (list, tuple)):
        for one in given:
            yield from _named(one, kind)


def _bands(steps: _Steps) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the bands that a graph names: the look's, and the baseline's."""
    look: dict[str, None] = {}
    known: dict[str, None] = {}
    open_look = False
    for node in steps.nodes.values():
        if node.process == _LOAD:
            bands = node.given.get("bands")
            names = [str(one) for one in bands] if isinstance(bands, list) else []
            if node.given["id"] == BASELINE:
                known.update(dict.fromkeys(names))
            else:
                look.update(dict.fromkeys(names))
                open_look |= not names
    if open_look:
        look.update(dict.fromkeys(_labels(steps)))
    return _common(look), _common(known)


def _common(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(COMMON_NAMES.get(name, name) for name in names))


def _labels(steps: _Steps) -> Iterator[str]:
    """Yield the bands that a graph picks from a look that it loaded whole."""
    for node in steps.nodes.values():
        if node.process == "ndvi":
            yield from (str(node.given.get(key, key)) for key in ("nir", "red"))
        elif node.process == "filter_bands" and isinstance(node.given.get("bands"), list):
            yield from (str(one) for one in node.given["bands"])
        elif node.process == "array_element" and isinstance(node.given.get("label"), str):
            yield node.given["label"]
        for inner in node.given.values():
            if isinstance(inner, _Steps):
                yield from _labels(inner)


def _bad(node: _Node, where: str, what: str, way_out: str = "") -> InputFileError:
    return InputFileError(what, where=f"{where}, node {node.name!r}", way_out=way_out)


# Running ----------------------------------------------------------------------------------------


def _run(steps: _Steps, parameters: Mapping[str, Any], block: _Block, where: str) -> Any:
    """Run a graph's nodes one after the other; return what the result node gave."""
    made: dict[str, Any] = {}
    for name, node in steps.nodes.items():
        given = {
            key: _resolved(value, made, parameters, block, where)
            for key, value in node.given.items()
        }
        try:
            if node.process == _LOAD:
                made[name] = _load(block, **given)
            else:
                made[name] = PROCESSES[node.process](**given)
        except Refused as error:
            raise _bad(node, where, f"{node.process}: {error}") from None
        except (TypeError, ValueError, LookupError) as error:
            raise _bad(node, where, f"{node.process} cannot take its arguments ({error})") from None
        for used in steps.last_use.get(name, ()):
            del made[used]
    return made[steps.result]


def _resolved(
    value: Any,
    made: Mapping[str, Any],
    parameters: Mapping[str, Any],
    block: _Block,
    where: str,
) -> Any:
    """Return an argument with what it refers to in place."""
    if isinstance(value, _Steps):
        return _called(value, parameters, block, where)
    if isinstance(value, Mapping):
        if "from_node" in value:
            return made[value["from_node"]]
        if "from_parameter" in value:
            return parameters.get(value["from_parameter"])
        return {key: _resolved(one, made, parameters, block, where) for key, one in value.items()}
    if isinstance(value, list):
        return [_resolved(one, made, parameters, block, where) for one in value]
    return value


def _called(steps: _Steps, parameters: Mapping[str, Any], block: _Block, where: str) -> Callback:
    return lambda given: _run(steps, {**parameters, **given}, block, where)


def _load(
    block: _Block,
    id: Any,
    spatial_extent: Any = None,
    temporal_extent: Any = None,
    bands: Any = None,
    properties: Any = None,
) -> Cube:
    """Return the look, or the baseline, in the bands and the extents that are asked for."""
    if properties:
        raise Refused("cannot choose by properties: there is one look on board")
    source: Mapping[str, NDArray[Any]] = block.look
    if id == BASELINE:
        if block.known is None:
            raise Refused("nothing is known of what the place usually looks like")
        source = block.known
    here = tuple(source)
    names = here if bands is None else labels_of(bands)
    picked = [source[here[band_index(here, name)]] for name in names]
    values = np.empty((len(picked), *picked[0].shape), np.float32)
    for layer, band in zip(values, picked, strict=True):
        if id == BASELINE:
            layer[:] = band
        else:
            np.multiply(band, np.float32(SCALE), out=layer)
            layer[band == 0] = np.nan
    _clear_outside(values, block, spatial_extent)
    if id == BASELINE:
        return Cube(values=values, dims=("bands", "y", "x"), labels={"bands": names})
    time = to_iso(block.sensed_ns)
    _check_time(block.sensed_ns, temporal_extent)
    return Cube(
        values=values[None], dims=("t", "bands", "y", "x"), labels={"t": (time,), "bands": names}
    )


def _check_time(sensed_ns: int, extent: Any) -> None:
    """Refuse a look outside the times asked for: from the first on, before the last."""
    if extent is None:
        return
    if not isinstance(extent, list) or len(extent) != 2:
        raise Refused("takes a temporal_extent of two times")
    first, last = (None if one is None else from_iso(str(one)) for one in extent)
    if sensed_ns and not (
        (first is None or first <= sensed_ns) and (last is None or sensed_ns < last)
    ):
        raise Refused(f"the look of {to_iso(sensed_ns)} is outside the temporal_extent {extent}")


def _clear_outside(values: NDArray[np.float32], block: _Block, extent: Any) -> None:
    """Make cells whose centre is outside a bounding box no data."""
    if extent is None:
        return
    sides = ("west", "south", "east", "north")
    if not isinstance(extent, Mapping) or not set(sides) <= extent.keys():
        raise Refused("takes a spatial_extent of west, south, east and north")
    box = [float(extent[side]) for side in sides]
    if block.grid is None:
        return
    crs = extent.get("crs") or 4326
    west, south, east, north = transform_bounds(
        f"EPSG:{crs}" if isinstance(crs, int) else str(crs), f"EPSG:{block.grid.epsg}", *box
    )
    x, y = block.grid.centres(*(np.arange(count) for count in block.grid.shape))
    across, down = (x >= west) & (x <= east), (y >= south) & (y <= north)
    if not across.any() or not down.any():
        raise Refused("the look is outside the spatial_extent")
    values[:, :, ~across] = np.nan
    values[:, ~down[block.rows], :] = np.nan
