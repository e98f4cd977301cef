from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orbitloom.scenario import time


@pytest.mark.parametrize(
    ("text", "t_ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01", 0),
        ("1970-01-01T00:00:00", 0),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T23:59:59.999999Z", -1_000),
        ("2026-06-14T00:00:00Z", 1_781_395_200 * time.SECOND_NS),
        ("2026-06-14T00:00:00.000001Z", 1_781_395_200 * time.SECOND_NS + 1_000),
    ],
)
def test_a_text_is_a_whole_number_of_nanoseconds(text, t_ns):
    assert time.from_iso(text) == t_ns


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "2026-06-14T25:00:00Z"])
def test_other_text_is_refused(text):
    with pytest.raises(ValueError, match=r"[Ii]nvalid|must be in|month|hour"):
        time.from_iso(text)


@pytest.mark.parametrize(
    ("t_ns", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_999_999, "1970-01-01T00:00:00.001Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (4_102_444_800 * time.SECOND_NS, "2100-01-01T00:00:00.000Z"),
    ],
)
def test_a_time_is_written_in_milliseconds_cut_not_rounded(t_ns, text):
    assert time.to_iso(t_ns) == text


def test_a_millisecond_survives_writing_and_reading():
    for t_ns in range(1_781_395_200_000_000_000, 1_781_395_200_100_000_000, 7_000_000):
        assert time.from_iso(time.to_iso(t_ns)) == t_ns


def test_a_datetime_is_aware_and_cut_to_microseconds():
    assert time.to_datetime(1_500) == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=1)


def test_seconds_are_rounded_to_the_nearest_nanosecond():
    assert time.seconds_to_ns(0.1) == 100_000_000
    assert time.seconds_to_ns(1e-9 * 0.6) == 1
    assert time.seconds_to_ns(-1.5) == -1_500_000_000
    assert time.seconds_to_ns(3600.0) == time.HOUR_NS
    assert time.DAY_NS == 24 * time.HOUR_NS
