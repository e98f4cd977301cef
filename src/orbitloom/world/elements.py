"""Real satellites: mean elements from a scenario or a file of two-line elements, ready for SGP4.

Two-line elements as in Spacetrack Report 3 and on CelesTrak: 69 columns, a checksum in the last,
optional name lines before each pair.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from sgp4.api import WGS72, Satrec

from orbitloom.errors import InputFileError
from orbitloom.scenario import ElementSet

__all__ = ["read_tle_file", "satrec_from_elements", "tle_checksum"]

_EXPONENT = r"[ +-]?[ \d]{5}[+-]\d"
_LINE_1 = re.compile(
    r"1 [ \dA-Z][ \d]{3}\d[A-Z ] .{8} (?P<epoch>\d{2}[ \d]{3}\.\d{8}) "
    rf"[ +-][ \d]?\.[\d ]{{8}} {_EXPONENT} (?P<bstar>{_EXPONENT}) [ \d] [ \d]{{4}}\d"
)
_ANGLE = r"[ \d]{2}\d\.\d{4}"
_LINE_2 = re.compile(
    rf"2 [ \dA-Z][ \d]{{3}}\d {_ANGLE} {_ANGLE} [ \d]{{7}} {_ANGLE} {_ANGLE} "
    r"[ \d]\d\.\d{8}[ \d]{5}\d"
)


def satrec_from_elements(elements: ElementSet) -> Satrec:
    """Return the SGP4 record (WGS72, improved mode) of mean elements in a scenario."""
    year, day = int(elements.epoch_yyddd[:2]), float(elements.epoch_yyddd[2:])
    # SGP4 counts days from 1949-12-31; two-digit years turn over at 57, as NORAD's do.
    year += 2000 if year < 57 else 1900
    leap_days = (year - 1949) // 4
    epoch = (year - 1950) * 365 + leap_days + day
    record = Satrec()
    record.sgp4init(
        WGS72,
        "i",
        elements.norad_id,
        epoch,
        elements.bstar_per_re,
        0.0,
        0.0,
        elements.eccentricity,
        math.radians(elements.argument_of_perigee_deg),
        math.radians(elements.inclination_deg),
        math.radians(elements.mean_anomaly_deg),
        elements.mean_motion_rev_per_day * 2.0 * math.pi / 1440.0,
        math.radians(elements.raan_deg),
    )
    return record


def read_tle_file(file: Path) -> list[tuple[str, Satrec]]:
    """Return name and SGP4 record of each satellite in a file of two-line elements.

    Raises
    ------
    InputFileError
        If the file cannot be read, holds no satellite or the same one twice, or a line is not what
        the format says; names file and line.
    """
    try:
        lines = file.read_text(encoding="ascii").splitlines()
    except UnicodeDecodeError:
        raise InputFileError(
            "is not ASCII text", where=str(file), way_out="Give a file of two-line elements"
        ) from None
    except OSError as error:
        raise InputFileError.from_os(error, file) from None
    satellites = list(_satellites(file, lines))
    if not satellites:
        raise InputFileError(
            "holds no two-line elements", where=str(file), way_out="Take one from celestrak.org"
        )
    name, times = Counter(name for name, _ in satellites).most_common(1)[0]
    if times > 1:
        raise InputFileError(
            f"holds {name} twice", where=str(file), way_out="Keep one set for each satellite"
        )
    return satellites


def _satellites(file: Path, lines: list[str]) -> Iterator[tuple[str, Satrec]]:
    name = ""
    number = 0
    while number < len(lines):
        line = lines[number].rstrip()
        if not line:
            number += 1
        elif _is_line(line, "1"):
            second = lines[number + 1].rstrip() if number + 1 < len(lines) else ""
            _check(file, number, line, _LINE_1)
            _check(file, number + 1, second, _LINE_2)
            if line[2:7] != second[2:7]:
                raise _wrong(
                    file,
                    number + 1,
                    f"belongs to satellite {second[2:7]}, the line before to {line[2:7]}",
                )
            yield name or f"NORAD {line[2:7].strip()}", Satrec.twoline2rv(line, second)
            name = ""
            number += 2
        elif name or _is_line(line, "2"):
            raise _wrong(file, number, "is not line 1 of a set of two-line elements")
        else:
            name = line.removeprefix("0 ").strip()
            number += 1
    if name:
        raise _wrong(file, len(lines) - 1, f"names {name!r}, but no elements follow")


def _is_line(line: str, kind: str) -> bool:
    return line.startswith(f"{kind} ") and len(line) > 24


def _check(file: Path, number: int, line: str, form: re.Pattern[str]) -> None:
    kind = form.pattern[0]
    if len(line) != 69 or not line.startswith(kind):
        raise _wrong(file, number, f"is not line {kind} of a set: 69 columns, {len(line)} found")
    if not line[68].isdigit() or tle_checksum(line) != int(line[68]):
        raise _wrong(
            file, number, f"has checksum {line[68]}, its content says {tle_checksum(line)}"
        )
    if not form.fullmatch(line):
        raise _wrong(file, number, f"has a field that is not in its columns: {line!r}")


def _wrong(file: Path, number: int, what: str) -> InputFileError:
    return InputFileError(
        what, where=f"{file}, line {number + 1}", way_out="Fetch the elements anew"
    )


def tle_checksum(line: str) -> int:
    """Return the checksum of a line: its digits' sum, a minus counting one, modulo 10.

    Examples
    --------
    >>> tle_checksum("1 25544U 98067A   08264.51782528 -.00002182  00000-0 -11606-4 0  2927")
    7
    """
    return sum(int(c) if c.isdigit() else c == "-" for c in line[:68]) % 10
