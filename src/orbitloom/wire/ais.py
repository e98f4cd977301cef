"""Reports of the Automatic Identification System (ITU-R M.1371-5), as ships send them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["AIS_APID", "KNOT_M_S", "AisReport"]

AIS_APID = 0x66
"""APID of packets whose body is `nmea.encode_ais_body`."""
KNOT_M_S = 1852.0 / 3600.0
"""One knot: the unit of `AisReport.speed_kn`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AisReport:
    """A ship's position as it says itself, with what it says of itself.

    `t_ns` is when it was received; speed over ground in knots, course over ground in degrees from
    north over east, each None where the ship says that it does not know; length 0 and an empty name
    mean that no static report was heard.
    """

    mmsi: int
    t_ns: int
    longitude_deg: float
    latitude_deg: float
    speed_kn: float | None
    course_deg: float | None
    length_m: float = 0.0
    name: str = ""
