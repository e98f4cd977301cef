"""Time as the whole house counts it: integer nanoseconds of UTC since 1970-01-01T00:00:00Z.

Leap seconds are not counted (POSIX); none is announced for the years the built-in scenarios fly.
Floating-point seconds appear only as differences inside a formula.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["DAY_NS", "HOUR_NS", "SECOND_NS", "from_iso", "seconds_to_ns", "to_datetime", "to_iso"]

SECOND_NS = 1_000_000_000
HOUR_NS = 3_600 * SECOND_NS
DAY_NS = 24 * HOUR_NS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def seconds_to_ns(seconds: float) -> int:
    """Return the nearest whole number of nanoseconds.

    Examples
    --------
    >>> seconds_to_ns(1.5)
    1500000000
    """
    return round(seconds * SECOND_NS)


def from_iso(text: str) -> int:
    """Return the time that an ISO 8601 text names; a text without an offset is UTC.

    Examples
    --------
    >>> from_iso("1970-01-01T00:00:01Z")
    1000000000
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * SECOND_NS + delta.microseconds * 1_000


def to_datetime(t_ns: int) -> datetime:
    """Return the time as an aware `datetime`, cut to microseconds."""
    return _EPOCH + timedelta(microseconds=t_ns // 1_000)


def to_iso(t_ns: int) -> str:
    """Return the time as ISO 8601 with milliseconds and `Z`.

    Examples
    --------
    >>> to_iso(1_500_000_000)
    '1970-01-01T00:00:01.500Z'
    """
    return to_datetime(t_ns).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
