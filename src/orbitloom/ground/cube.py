"""The climate cube: every point of the regions' series of a flight, as NetCDF after CF 1.11.

    cube/series.nc      discrete sampling geometry "timeSeries": a station is a region
    cube/series.json    its STAC item, with the fields of the datacube extension

One variable a quantity, (station, obs), with its standard error and its status as ancillary
variables (CF 3.4, 3.5, 9.3.1: the incomplete multidimensional array representation). NetCDF-3, so
that it opens anywhere. The bytes depend on the answers alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pystac
import xarray as xr
from shapely.geometry import MultiPoint, mapping

from orbitloom._version import __version__
from orbitloom.errors import InputFileError
from orbitloom.ground.files import write_file
from orbitloom.ground.places import read_geometry
from orbitloom.processing.seasons import History, courses
from orbitloom.scenario import time
from orbitloom.wire import Answer

__all__ = ["SeriesPoint", "Status", "read_points", "revise", "write_cube"]

Status = Literal["early", "final"]
"""Of a point: from one look, on board; or weighed on the ground with looks before and after."""

_QUANTITIES = {
    "lake_area": ("km2", "area of open water", ""),
    "snow_line": ("m", "height of the regional snow line above the ellipsoid", ""),
    "snow_cover": (
        "1",
        "share of the region covered by snow",
        "snow_area_fraction_viewable_from_above",
    ),
    "greenness": ("1", "mean NDVI", "normalized_difference_vegetation_index"),
}
"""Unit, long name, CF standard name of each; without one the standard name is left out."""
_LATER = 2
_EPOCH = "days since 1970-01-01 00:00:00"
_FILL = 9.969209968386869e36  # NetCDF's own for doubles
_FLAGS: tuple[Status, ...] = get_args(Status)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPoint:
    """One value of a series.

    Attributes
    ----------
    region, quantity, unit
        Whose and what; unit as UCUM writes it.
    longitude_deg, latitude_deg
        Middle of the footprint that it was seen in.
    sensed_ns
        When.
    value, sigma
        With its standard uncertainty.
    status, revision
        ``early`` is revision 0.
    replaces
        What it said before; None for an early point.
    """

    region: str
    quantity: str
    unit: str
    longitude_deg: float
    latitude_deg: float
    sensed_ns: int
    value: float
    sigma: float
    status: Status = "early"
    revision: int = 0
    replaces: SeriesPoint | None = None


def read_points(answers: Sequence[Answer]) -> tuple[SeriesPoint, ...]:
    """Return the series' points in answers, by region, quantity and time; others have none.

    A series' name is ``quantity:region``; the region's name here is ``target/region``.
    """
    points = []
    for answer in answers:
        feature = answer.feature
        said = feature["properties"]
        middle = read_geometry(feature["geometry"]).centroid
        for entry in said.get("series", ()):
            quantity, found, region = entry["name"].partition(":")
            if not found or quantity not in _QUANTITIES:
                continue
            points.append(
                SeriesPoint(
                    region=f"{said['target']}/{region}",
                    quantity=quantity,
                    unit=entry["unit"],
                    longitude_deg=round(middle.x, 5),
                    latitude_deg=round(middle.y, 5),
                    sensed_ns=time.from_iso(said["sensed"]),
                    value=float(entry["value"]),
                    sigma=float(entry["sigma"]),
                )
            )
    return tuple(sorted(points, key=_order))


def _order(point: SeriesPoint) -> tuple[str, str, int]:
    return point.region, point.quantity, point.sensed_ns


def revise(points: Sequence[SeriesPoint]) -> tuple[SeriesPoint, ...]:
    """Return the points with those final that have two later looks; each keeps what it replaces.

    A final value is the mean, weighted by inverse variance, of three independent ones: the look's
    own, what the looks before let expect, and what those after do (the two-filter smoother; Fraser
    & Potter, 1969, IEEE Transactions on Automatic Control 14). Where they disagree the uncertainty
    grows by Birge's ratio, sqrt(chi2 / (n - 1)). Final points stay as they are.

    Parameters
    ----------
    points
        Of any regions, in any order.
    """
    revised = []
    for point in sorted(points, key=_order):
        alike = [
            _first(other)
            for other in points
            if (other.region, other.quantity) == (point.region, point.quantity)
        ]
        later = [other for other in alike if other.sensed_ns > point.sensed_ns]
        if point.status == "final" or len(later) < _LATER:
            revised.append(point)
            continue
        earlier = [other for other in alike if other.sensed_ns < point.sensed_ns]
        values, sigmas = [point.value], [point.sigma]
        for side in (earlier, later):
            course = courses([_history(side, point.sensed_ns)], 0.0)
            if np.isfinite(course.values[0]):
                values.append(float(course.values[0]))
                sigmas.append(float(course.sigmas[0]))
        weight = np.array(sigmas) ** -2.0
        value = float(weight @ values / weight.sum())
        chi2 = float(weight @ (np.array(values) - value) ** 2)
        stretch = max(1.0, np.sqrt(chi2 / max(len(values) - 1, 1)))
        revised.append(
            replace(
                point,
                value=value,
                sigma=float(stretch / np.sqrt(weight.sum())),
                status="final",
                revision=point.revision + 1,
                replaces=point,
            )
        )
    return tuple(revised)


def _first(point: SeriesPoint) -> SeriesPoint:
    """Return what a point was on board: a revision does not rest on revisions."""
    while point.replaces is not None:
        point = point.replaces
    return point


def _history(points: Sequence[SeriesPoint], moment_ns: int) -> History:
    """Return points on one side of a moment as days before it; what comes after is mirrored."""
    ordered = sorted(points, key=lambda point: -abs(point.sensed_ns - moment_ns))
    return History(
        days=np.array([-abs(p.sensed_ns - moment_ns) / time.DAY_NS for p in ordered]),
        values=np.array([p.value for p in ordered]),
        sigmas=np.array([p.sigma for p in ordered]),
    )


def write_cube(folder: Path, answers: Sequence[Answer], *, zarr: bool = False) -> Path:
    """Write all series of a flight's answers, revised, and the STAC item beside it.

    Parameters
    ----------
    folder
        Is made; gets ``series.nc`` and ``series.json``.
    answers
        Of any application.
    zarr
        Write ``series.zarr`` as well; needs the package zarr.

    Returns
    -------
    Path
        The NetCDF file.

    Raises
    ------
    InputFileError
        If no answer holds a point of a series, or zarr is asked for and not installed.
    OutputError
        If the folder cannot be written.
    """
    points = revise(read_points(answers))
    if not points:
        raise InputFileError(
            "no answer holds a point of a series",
            where="cube",
            way_out="Order the application climate for a target with regions",
        )
    cube = _dataset(points)
    path = folder / "series.nc"
    write_file(path, bytes(cube.to_netcdf(engine="scipy", format="NETCDF3_64BIT")))
    item = _item(cube, points)
    write_file(folder / "series.json", json.dumps(item, indent=1, sort_keys=True).encode() + b"\n")
    if zarr:
        try:
            cube.to_zarr(folder / "series.zarr", mode="w")
        except (ImportError, ValueError) as error:
            raise InputFileError(
                f"the cube cannot be written as Zarr: {error}",
                where="cube",
                way_out="Install the package zarr",
            ) from None
    return path


def _dataset(points: Sequence[SeriesPoint]) -> xr.Dataset:
    regions = sorted({point.region for point in points})
    moments = {
        region: sorted({point.sensed_ns for point in points if point.region == region})
        for region in regions
    }
    shape = (len(regions), max(len(found) for found in moments.values()))
    days = np.full(shape, np.nan)
    for row, region in enumerate(regions):
        days[row, : len(moments[region])] = np.array(moments[region]) / time.DAY_NS
    first = {point.region: point for point in reversed(points)}
    filled = {"_FillValue": _FILL}
    variables: dict[str, Any] = {
        "time": (
            ("station", "obs"),
            days,
            {
                "standard_name": "time",
                "long_name": "middle of the capture",
                "units": _EPOCH,
                "calendar": "standard",
                "units_metadata": "leap_seconds: none",  # as POSIX counts
                "axis": "T",
            },
            filled,
        ),
        "latitude": (
            ("station",),
            np.array([first[region].latitude_deg for region in regions]),
            {
                "standard_name": "latitude",
                "long_name": "latitude of the middle of the footprint",
                "units": "degrees_north",
                "axis": "Y",
            },
            {"_FillValue": None},
        ),
        "longitude": (
            ("station",),
            np.array([first[region].longitude_deg for region in regions]),
            {
                "standard_name": "longitude",
                "long_name": "longitude of the middle of the footprint",
                "units": "degrees_east",
                "axis": "X",
            },
            {"_FillValue": None},
        ),
        "region": (
            ("station",),
            np.array([region.encode() for region in regions]),
            {"long_name": "region", "cf_role": "timeseries_id"},
            {"char_dim_name": "name_length"},
        ),
    }
    for quantity in sorted({point.quantity for point in points}):
        variables |= _variables(
            quantity, [p for p in points if p.quantity == quantity], regions, moments, shape
        )
    data = {name: xr.Variable(*parts) for name, parts in variables.items()}
    newest_ns = max(point.sensed_ns for point in points)
    return (
        xr.Dataset(data)
        .set_coords(("time", "latitude", "longitude", "region"))
        .assign_attrs(
            {
                "Conventions": "CF-1.11",
                "featureType": "timeSeries",
                "title": "Series of regions measured on board",
                "institution": "Orbitloom, a simulation",
                "source": f"orbitloom {__version__}: L4 answers of the application climate",
                "history": f"{time.to_iso(newest_ns)} made of {len(points)} points",
                "references": "Climate and Forecast Metadata Conventions 1.11",
                "comment": "early: one look, on board; final: weighed with the looks around it",
            }
        )
    )


def _variables(
    quantity: str,
    points: Sequence[SeriesPoint],
    regions: Sequence[str],
    moments: dict[str, list[int]],
    shape: tuple[int, int],
) -> dict[str, Any]:
    """Return a quantity's variable, its standard error and its status."""
    unit, long_name, standard_name = _QUANTITIES[quantity]
    value, sigma = np.full(shape, np.nan), np.full(shape, np.nan)
    status = np.full(shape, -1, np.int8)
    for point in points:
        place = regions.index(point.region), moments[point.region].index(point.sensed_ns)
        value[place], sigma[place] = point.value, point.sigma
        status[place] = _FLAGS.index(point.status)
    at = {"coordinates": "time latitude longitude region", "_FillValue": _FILL}
    named = {"standard_name": standard_name} if standard_name else {}
    error = {"standard_name": f"{standard_name} standard_error"} if standard_name else {}
    flag = {"standard_name": f"{standard_name} status_flag"} if standard_name else {}
    over = ("station", "obs")
    return {
        quantity: (
            over,
            value,
            named
            | {
                "long_name": long_name,
                "units": unit,
                "cell_methods": "time: point",
                "ancillary_variables": f"{quantity}_sigma {quantity}_status",
            },
            at,
        ),
        f"{quantity}_sigma": (
            over,
            sigma,
            error | {"long_name": f"standard uncertainty of {long_name}", "units": unit},
            at,
        ),
        f"{quantity}_status": (
            over,
            status,
            flag
            | {
                "long_name": f"maturity of {long_name}",
                "flag_values": np.array(range(len(_FLAGS)), np.int8),
                "flag_meanings": " ".join(_FLAGS),
            },
            at | {"_FillValue": np.int8(-1)},
        ),
    }


def _item(cube: xr.Dataset, points: Sequence[SeriesPoint]) -> dict[str, Any]:
    """Return the cube's STAC item; the extension's schema is not declared, see `archive`."""
    where = MultiPoint(sorted({(point.longitude_deg, point.latitude_deg) for point in points}))
    start, end = (
        time.to_datetime(pick(point.sensed_ns for point in points)) for pick in (min, max)
    )
    regions = sorted({point.region for point in points})
    quantities = sorted({point.quantity for point in points})
    item = pystac.Item(
        id="series",
        geometry=mapping(where),
        bbox=list(where.bounds),
        datetime=end,
        start_datetime=start,
        end_datetime=end,
        properties={
            "title": "Series of regions measured on board",
            "processing:level": "L4",
            "processing:software": {"orbitloom": __version__},
            "cube:dimensions": {
                "station": {"type": "other", "values": regions},
                "obs": {"type": "other", "extent": [0, int(cube.sizes["obs"]) - 1]},
            },
            "cube:variables": {
                name: {
                    "type": "data",
                    "dimensions": ["station", "obs"],
                    "unit": _QUANTITIES[name][0],
                    "description": _QUANTITIES[name][1],
                }
                for name in quantities
            },
        },
    )
    item.add_asset(
        "series",
        pystac.Asset(
            href="./series.nc",
            title="Series",
            media_type="application/x-netcdf",
            roles=["data"],
        ),
    )
    said: dict[str, Any] = item.to_dict(include_self_link=False)
    return said
