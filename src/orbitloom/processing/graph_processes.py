"""openEO's predefined processes, as far as a look at one place needs them, on plain arrays.

Names, arguments and meaning are those of the openEO processes 2.0
(https://processes.openeo.org); no data is NaN, and true and false are 1 and 0. Everything works
cell by cell: no process looks beside the cell, so that a graph may be run on a part of a tile.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "COMMON_NAMES",
    "MOST_ELEMENTS",
    "PROCESSES",
    "Callback",
    "Cube",
    "Refused",
    "arguments",
    "band_index",
    "labels_of",
]

Values = NDArray[np.float32]

MOST_ELEMENTS = 64
"""Of an array or a dimension: what a graph holds at once stays bounded."""

Callback = Callable[[Mapping[str, Any]], Any]
"""A child process graph, ready to be called with its parameters."""

COMMON_NAMES: Mapping[str, str] = {
    "B01": "coastal",
    "B02": "blue",
    "B03": "green",
    "B04": "red",
    "B05": "rededge",
    "B08": "nir",
    "B11": "swir16",
    "B12": "swir22",
}
"""Sentinel-2's band names, which graphs written for a ground service use, and what they mean."""


class Refused(Exception):
    """A process cannot do what its arguments ask for; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cube:
    """A data cube: float32 values, its dimensions' names (``t``, ``bands``, ``y``, ``x``), labels.

    Only ``t`` and ``bands`` have labels. Inside a callback an array along one of them is a cube
    with that dimension first.
    """

    values: Values
    dims: tuple[str, ...]
    labels: Mapping[str, tuple[str, ...]]


def band_index(names: Sequence[str], name: str) -> int:
    """Return the place of a band, by its own or by its common name.

    Raises
    ------
    Refused
        If there is none.

    Examples
    --------
    >>> band_index(("red", "nir"), "B08")
    1
    """
    if name in names:
        return names.index(name)
    wanted = COMMON_NAMES.get(name, name)
    for place, other in enumerate(names):
        if COMMON_NAMES.get(other, other) == wanted:
            return place
    raise Refused(f"there is no band {name!r} among {', '.join(map(repr, names))}")


def labels_of(given: Any) -> tuple[str, ...]:
    """Return a list of labels, checked: there are some, not too many, and all are different.

    Raises
    ------
    Refused
        If they are not.
    """
    if not isinstance(given, (list, tuple)) or not given:
        raise Refused("takes a list of labels")
    _few(len(given))
    names = tuple(str(one) for one in given)
    if len(set(names)) != len(names):
        raise Refused(f"takes different labels, not {', '.join(map(repr, names))}")
    return names


def _few(count: int) -> None:
    if count > MOST_ELEMENTS:
        raise Refused(f"takes at most {MOST_ELEMENTS} elements, not {count}")


def arguments(function: Callable[..., Any]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names of all arguments of a process, and of those that it cannot do without."""
    parameters = inspect.signature(function).parameters.values()
    needed = (one.name for one in parameters if one.default is inspect.Parameter.empty)
    return frozenset(one.name for one in parameters), frozenset(needed)


# Numbers ----------------------------------------------------------------------------------------


def _number(value: Any) -> Values:
    """Return a number, a truth value, null or an array of cells as float32."""
    if value is None:
        return np.asarray(np.nan, np.float32)
    if isinstance(value, Cube):
        raise Refused("takes a number, not a data cube: use it inside apply or reduce_dimension")
    if isinstance(value, (bool, int, float, np.number, np.ndarray)):
        return np.asarray(value, np.float32)
    raise Refused(f"takes a number, not {value!r}")


def _truth(values: NDArray[np.bool_], *known: Values) -> Values:
    """Return 1 and 0, and no data where any of what it was made of is no data."""
    out = np.asarray(values, np.float32)
    for one in known:
        out = np.where(np.isnan(one), np.float32(np.nan), out)
    return np.asarray(out, np.float32)


def _binary(function: Callable[[Values, Values], Any]) -> Callable[..., Values]:
    def process(x: Any, y: Any) -> Values:
        return np.asarray(function(_number(x), _number(y)), np.float32)

    return process


def _unary(function: Callable[[Values], Any]) -> Callable[..., Values]:
    def process(x: Any) -> Values:
        return np.asarray(function(_number(x)), np.float32)

    return process


def _comparison(function: Callable[[Values, Values], Any]) -> Callable[..., Values]:
    def process(x: Any, y: Any) -> Values:
        first, second = _number(x), _number(y)
        return _truth(function(first, second), first, second)

    return process


def _power(base: Any, p: Any) -> Values:
    return np.asarray(np.power(_number(base), _number(p)), np.float32)


def _exp(p: Any) -> Values:
    return np.asarray(np.exp(_number(p)), np.float32)


def _log(x: Any, base: Any) -> Values:
    return np.asarray(np.log(_number(x)) / np.log(_number(base)), np.float32)


def _normalized_difference(x: Any, y: Any) -> Values:
    first, second = _number(x), _number(y)
    return np.asarray((first - second) / (first + second), np.float32)


def _clip(x: Any, min: Any, max: Any) -> Values:
    return np.asarray(np.minimum(np.maximum(_number(x), _number(min)), _number(max)), np.float32)


def _linear_scale_range(
    x: Any, inputMin: Any, inputMax: Any, outputMin: Any = 0, outputMax: Any = 1
) -> Values:
    low, high = _number(inputMin), _number(inputMax)
    share = (_clip(x, low, high) - low) / (high - low)
    least = _number(outputMin)
    return np.asarray(share * (_number(outputMax) - least) + least, np.float32)


def _eq(x: Any, y: Any, delta: Any = None) -> Values:
    first, second = _number(x), _number(y)
    same = first == second if delta is None else np.abs(first - second) <= _number(delta)
    return _truth(np.asarray(same), first, second)


def _neq(x: Any, y: Any, delta: Any = None) -> Values:
    return np.asarray(1 - _eq(x, y, delta), np.float32)


def _between(x: Any, min: Any, max: Any, exclude_max: bool = False) -> Values:
    value, low, high = _number(x), _number(min), _number(max)
    below = value < high if exclude_max else value <= high
    return _truth(np.asarray((value >= low) & below), value, low, high)


def _and(x: Any, y: Any) -> Values:
    """Return what both say; false with anything is false, true with no data is no data."""
    first, second = _number(x), _number(y)
    unknown = np.isnan(first) | np.isnan(second)
    false = (first == 0) | (second == 0)
    return np.where(false, np.float32(0), np.where(unknown, np.float32(np.nan), np.float32(1)))


def _or(x: Any, y: Any) -> Values:
    """Return what either says; true with anything is true, false with no data is no data."""
    first, second = _number(x), _number(y)
    unknown = np.isnan(first) | np.isnan(second)
    true = ((first != 0) & ~np.isnan(first)) | ((second != 0) & ~np.isnan(second))
    return np.where(true, np.float32(1), np.where(unknown, np.float32(np.nan), np.float32(0)))


def _not(x: Any) -> Values:
    value = _number(x)
    return _truth(np.asarray(value == 0), value)


def _xor(x: Any, y: Any) -> Values:
    first, second = _number(x), _number(y)
    return _truth(np.asarray((first != 0) != (second != 0)), first, second)


def _if(value: Any, accept: Any, reject: Any = None) -> Values:
    """Return one or the other, cell by cell; no data counts as false."""
    condition = _number(value)
    true = (condition != 0) & ~np.isnan(condition)
    return np.asarray(np.where(true, _number(accept), _number(reject)), np.float32)


def _is_nodata(x: Any) -> Values:
    return np.asarray(np.isnan(_number(x)), np.float32)


def _is_valid(x: Any) -> Values:
    return np.asarray(np.isfinite(_number(x)), np.float32)


# Arrays -----------------------------------------------------------------------------------------


def _stack(data: Any) -> Values:
    """Return an array, or a list of numbers, as float32 with the elements along the first axis."""
    if isinstance(data, Cube):
        return data.values
    if isinstance(data, (list, tuple)):
        if not data:
            raise Refused("has no data: the array is empty")
        _few(len(data))
        return np.stack(np.broadcast_arrays(*(_number(one) for one in data)))
    raise Refused(f"takes an array, not {data!r}")


def _array_element(
    data: Any, index: Any = None, label: Any = None, return_nodata: bool = False
) -> Values:
    values = _stack(data)
    if (index is None) == (label is None):
        raise Refused("takes either an index or a label")
    if label is not None:
        labels = next(iter(data.labels.values()), ()) if isinstance(data, Cube) else ()
        try:
            return np.asarray(values[band_index(labels, str(label))])
        except Refused:
            if return_nodata:
                return _number(None)
            raise
    if not isinstance(index, int) or isinstance(index, bool):
        raise Refused(f"takes a whole number as index, not {index!r}")
    if not 0 <= index < len(values):
        if return_nodata:
            return _number(None)
        raise Refused(f"there is no element {index}: the array has {len(values)}")
    return np.asarray(values[index])


def _array_create(data: Any = (), repeat: int = 1) -> Cube:
    values = _stack(data)
    if not isinstance(repeat, int) or repeat < 1:
        raise Refused(f"repeats an array a whole number of times, not {repeat!r}")
    _few(len(values) * repeat)
    return Cube(values=np.concatenate([values] * repeat), dims=("elements",), labels={})


def _min(data: Any, ignore_nodata: bool = True) -> Values:
    smallest = np.fmin if ignore_nodata else np.minimum
    return np.asarray(smallest.reduce(_stack(data), axis=0))


def _max(data: Any, ignore_nodata: bool = True) -> Values:
    largest = np.fmax if ignore_nodata else np.maximum
    return np.asarray(largest.reduce(_stack(data), axis=0))


def _median(data: Any, ignore_nodata: bool = True) -> Values:
    values = np.sort(_stack(data), axis=0)  # no data comes last
    count = np.count_nonzero(~np.isnan(values), axis=0)
    if not ignore_nodata:
        count = np.where(count == len(values), count, 0)
    middle = (_take(values, (count - 1) // 2) + _take(values, count // 2)) / np.float32(2)
    return np.where(count > 0, middle, np.float32(np.nan))


def _take(values: Values, place: Any) -> Values:
    return np.asarray(np.take_along_axis(values, np.maximum(place, 0)[None], axis=0)[0])


def _sum(data: Any, ignore_nodata: bool = True) -> Values:
    values = _stack(data)
    missing = np.isnan(values)
    total = np.where(missing, np.float32(0), values).sum(axis=0, dtype=np.float32)
    nothing = missing.all(axis=0) if ignore_nodata else missing.any(axis=0)
    return np.where(nothing, np.float32(np.nan), total)


def _product(data: Any, ignore_nodata: bool = True) -> Values:
    values = _stack(data)
    missing = np.isnan(values)
    total = np.where(missing, np.float32(1), values).prod(axis=0, dtype=np.float32)
    nothing = missing.all(axis=0) if ignore_nodata else missing.any(axis=0)
    return np.where(nothing, np.float32(np.nan), total)


def _mean(data: Any, ignore_nodata: bool = True) -> Values:
    values = _stack(data)
    count = np.count_nonzero(~np.isnan(values), axis=0)
    return np.asarray(_sum(data, ignore_nodata) / np.asarray(count, np.float32))


def _first(data: Any, ignore_nodata: bool = True) -> Values:
    values = _stack(data)
    if len(values) == 1 or not ignore_nodata:
        return np.asarray(values[0])
    return _take(values, np.asarray(np.argmax(~np.isnan(values), axis=0)))


def _last(data: Any, ignore_nodata: bool = True) -> Values:
    reverse = _stack(data)[::-1]
    return _first([*reverse], ignore_nodata)


def _count(data: Any) -> Values:
    return np.asarray(np.count_nonzero(np.isfinite(_stack(data)), axis=0), np.float32)


# Cubes ------------------------------------------------------------------------------------------


def _cube(data: Any) -> Cube:
    if not isinstance(data, Cube) or "x" not in data.dims:
        raise Refused(f"takes a data cube, not {type(data).__name__}")
    return data


def _axis(data: Cube, dimension: Any) -> int:
    if dimension not in data.dims:
        raise Refused(f"there is no dimension {dimension!r} among {', '.join(data.dims)}")
    if dimension not in ("t", "bands"):
        raise Refused(f"works cell by cell and cannot go along {dimension!r}")
    return data.dims.index(dimension)


def _along(data: Cube, dimension: str) -> Cube:
    """Return the array that a callback sees: the dimension first."""
    axis = _axis(data, dimension)
    return Cube(
        values=np.moveaxis(data.values, axis, 0),
        dims=(dimension, *(one for one in data.dims if one != dimension)),
        labels={dimension: data.labels[dimension]},
    )


def _without(data: Cube, dimension: str, values: Any) -> Cube:
    dims = tuple(one for one in data.dims if one != dimension)
    shape = tuple(n for n, one in zip(data.values.shape, data.dims, strict=True) if one in dims)
    return Cube(
        values=np.broadcast_to(_number(values), shape),
        dims=dims,
        labels={key: value for key, value in data.labels.items() if key != dimension},
    )


def _callback(value: Any) -> Callback:
    if not callable(value):
        raise Refused("takes a process graph as its callback")
    made: Callback = value
    return made


def _reduce_dimension(data: Any, reducer: Any, dimension: Any, context: Any = None) -> Cube:
    cube = _cube(data)
    array = _along(cube, dimension)
    return _without(cube, dimension, _callback(reducer)({"data": array, "context": context}))


def _apply(data: Any, process: Any, context: Any = None) -> Cube:
    cube = _cube(data)
    made = _number(_callback(process)({"x": cube.values, "context": context}))
    return replace(cube, values=np.broadcast_to(made, cube.values.shape))


def _apply_dimension(
    data: Any, process: Any, dimension: Any, target_dimension: Any = None, context: Any = None
) -> Cube:
    cube = _cube(data)
    if target_dimension not in (None, dimension):
        raise Refused("keeps the dimension it works along: target_dimension is not supported")
    array = _along(cube, dimension)
    made = _callback(process)({"data": array, "context": context})
    if not isinstance(made, (Cube, list)):
        raise Refused("takes a process that gives an array; reduce_dimension takes one value")
    stacked = _stack(made)
    missing = array.values.ndim - stacked.ndim
    values = np.broadcast_to(
        stacked.reshape(len(stacked), *(1,) * missing, *stacked.shape[1:]),
        (len(stacked), *array.values.shape[1:]),
    )
    old = cube.labels[dimension]
    labels = old if len(old) == len(values) else tuple(str(n) for n in range(len(values)))
    return Cube(
        values=np.moveaxis(values, 0, cube.dims.index(dimension)),
        dims=cube.dims,
        labels={**cube.labels, dimension: labels},
    )


def _rename_labels(data: Any, dimension: Any, target: Any, source: Any = ()) -> Cube:
    cube = _cube(data)
    _axis(cube, dimension)
    old, names = cube.labels[dimension], labels_of(target)
    if source:
        gone = labels_of(source)
        if len(gone) != len(names):
            raise Refused(f"takes as many new labels as old ones, not {len(names)}")
        unknown = [one for one in gone if one not in old]
        if unknown:
            raise Refused(f"there is no label {unknown[0]!r} among {', '.join(map(repr, old))}")
        new = dict(zip(gone, names, strict=True))
        names = labels_of([new.get(one, one) for one in old])
    if len(names) != len(old):
        raise Refused(f"takes {len(old)} labels, not {len(names)}")
    return replace(cube, labels={**cube.labels, dimension: names})


def _filter_bands(data: Any, bands: Any = (), wavelengths: Any = ()) -> Cube:
    cube = _cube(data)
    axis = _axis(cube, "bands")
    if wavelengths:
        raise Refused("takes bands by name; wavelengths are not supported")
    names = labels_of(bands)
    places = [band_index(cube.labels["bands"], name) for name in names]
    return Cube(
        values=np.take(cube.values, places, axis=axis),
        dims=cube.dims,
        labels={**cube.labels, "bands": names},
    )


def _ndvi(data: Any, nir: Any = "nir", red: Any = "red", target_band: Any = None) -> Cube:
    cube = _cube(data)
    array = _along(cube, "bands")
    names = cube.labels["bands"]
    first, second = (array.values[band_index(names, str(name))] for name in (nir, red))
    index = _without(cube, "bands", _normalized_difference(first, second))
    if target_band is None:
        return index
    more = labels_of([*names, target_band])
    axis = cube.dims.index("bands")
    return Cube(
        values=np.concatenate([cube.values, np.expand_dims(index.values, axis)], axis=axis),
        dims=cube.dims,
        labels={**cube.labels, "bands": more},
    )


def _spread_over(cube: Cube, like: Cube) -> Values:
    """Return a cube's values with the other's dimensions, for broadcasting."""
    if not set(cube.dims) <= set(like.dims):
        raise Refused(f"cannot lay {', '.join(cube.dims)} over {', '.join(like.dims)}")
    places = tuple(slice(None) if one in cube.dims else None for one in like.dims)
    return cube.values[places]


def _mask(data: Any, mask: Any, replacement: Any = None) -> Cube:
    """Replace where the mask is not zero; where it is not known as well."""
    cube, flags = _cube(data), _spread_over(_cube(mask), _cube(data))
    masked = np.where(flags != 0, _number(replacement), cube.values)
    return replace(cube, values=np.asarray(masked, np.float32))


def _merge_cubes(cube1: Any, cube2: Any, overlap_resolver: Any = None, context: Any = None) -> Cube:
    one, two = _cube(cube1), _cube(cube2)

    def resolved(x: Values, y: Values) -> Values:
        if overlap_resolver is None:
            raise Refused("takes an overlap_resolver where both cubes have the same cells")
        made = _number(_callback(overlap_resolver)({"x": x, "y": y, "context": context}))
        return np.broadcast_to(made, np.broadcast_shapes(x.shape, y.shape))

    if len(one.dims) != len(two.dims):
        wide = one if len(one.dims) > len(two.dims) else two
        return replace(wide, values=resolved(_spread_over(one, wide), _spread_over(two, wide)))
    if one.dims != two.dims or one.labels.get("t") != two.labels.get("t"):
        raise Refused("takes cubes of the same dimensions and the same times")
    mine, other = one.labels.get("bands"), two.labels.get("bands")
    if mine is None or other is None or mine == other:
        return replace(one, values=resolved(one.values, two.values))
    names = labels_of([*mine, *(name for name in other if name not in mine)])
    axis = one.dims.index("bands")
    first, second = np.moveaxis(one.values, axis, 0), np.moveaxis(two.values, axis, 0)
    layers = [
        resolved(first[place], second[other.index(name)]) if name in other else first[place]
        for place, name in enumerate(mine)
    ]
    layers += [second[place] for place, name in enumerate(other) if name not in mine]
    return Cube(
        values=np.stack(layers, axis=axis), dims=one.dims, labels={**one.labels, "bands": names}
    )


def _save_result(data: Any, format: Any, options: Any = None) -> Cube:
    """Return the result: what becomes of it is the chain's, whatever format was asked for."""
    return _cube(data)


PROCESSES: Mapping[str, Callable[..., Any]] = {
    "absolute": _unary(np.abs),
    "add": _binary(np.add),
    "and": _and,
    "apply": _apply,
    "apply_dimension": _apply_dimension,
    "array_create": _array_create,
    "array_element": _array_element,
    "between": _between,
    "clip": _clip,
    "count": _count,
    "divide": _binary(np.divide),
    "eq": _eq,
    "exp": _exp,
    "filter_bands": _filter_bands,
    "first": _first,
    "gt": _comparison(np.greater),
    "gte": _comparison(np.greater_equal),
    "if": _if,
    "is_nodata": _is_nodata,
    "is_valid": _is_valid,
    "last": _last,
    "linear_scale_range": _linear_scale_range,
    "ln": _unary(np.log),
    "log": _log,
    "lt": _comparison(np.less),
    "lte": _comparison(np.less_equal),
    "mask": _mask,
    "max": _max,
    "mean": _mean,
    "median": _median,
    "merge_cubes": _merge_cubes,
    "min": _min,
    "multiply": _binary(np.multiply),
    "ndvi": _ndvi,
    "neq": _neq,
    "normalized_difference": _normalized_difference,
    "not": _not,
    "or": _or,
    "power": _power,
    "product": _product,
    "reduce_dimension": _reduce_dimension,
    "rename_labels": _rename_labels,
    "save_result": _save_result,
    "sqrt": _unary(np.sqrt),
    "subtract": _binary(np.subtract),
    "sum": _sum,
    "xor": _xor,
}
"""Every process a graph may use, besides ``load_collection``, by its openEO name."""
