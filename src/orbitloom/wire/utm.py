"""The projection that scenes and tiles are on: UTM, by the zone of a place."""

from __future__ import annotations

__all__ = ["utm_epsg"]


def utm_epsg(latitude_deg: float, longitude_deg: float) -> int:
    """Return the EPSG code of the UTM zone (WGS 84) of a place.

    The regular zones of 6 degrees; the exceptions around Norway and Svalbard are not made, for a
    neighbouring zone serves there as well.

    Examples
    --------
    >>> utm_epsg(44.3, 11.9), utm_epsg(-9.4, 147.2), utm_epsg(0.0, 180.0)
    (32632, 32755, 32660)
    """
    zone = min(int((longitude_deg + 180.0) // 6.0) + 1, 60)
    return (32600 if latitude_deg >= 0 else 32700) + zone
