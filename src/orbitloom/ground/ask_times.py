"""When: the time that a question's words name, and the span that a query or a task covers."""

from __future__ import annotations

import re
from collections.abc import Mapping

from orbitloom.scenario.time import DAY_NS, HOUR_NS, from_iso, to_iso

__all__ = ["is_timed", "period", "span"]

Span = tuple[int, int]

_LENGTHS = {"hour": HOUR_NS, "day": DAY_NS, "week": 7 * DAY_NS}
_DATE = r"(\d{4}-\d{2}-\d{2}(?:[t ]\d{2}:\d{2}(?::\d{2})?z?)?)"
_DAYS = "yesterday|today|tonight|tomorrow"
_AGO = re.compile(r" (?:in|within|over|during)? ?(?:the )?(?:last|past) (\d+ )?(hour|day|week)s? ")
_AHEAD = re.compile(
    r" (?:(?:in|within|over|during|for)? ?(?:the )?(?:next|coming) |(?:in|within) (?=\d))"
    r"(\d+ )?(hour|day|week)s? "
)
_TIMES = re.compile(
    rf" (?:{_DAYS}|since|until|ago|last|past|recent(?:ly)?|next|\d\S*|"
    r"\w*(?:morning|noon|evening|night|weekend|day|week|month|year|hour|minute)s?) "
)


def is_timed(left: str) -> bool:
    """Return whether any word of a plain question is of a time."""
    return bool(_TIMES.search(left))


def span(since: str, until: str, now_ns: int, *, ahead: bool) -> Span:
    """Return start and end, ns; what is left open ends now, or a day after a task's start."""
    since_ns = from_iso(since) if since else now_ns if ahead else 0
    if ahead:
        return max(since_ns, now_ns), from_iso(until) if until else since_ns + DAY_NS
    return since_ns, min(from_iso(until), now_ns) if until else now_ns


def period(left: str, now_ns: int) -> tuple[str, str, str]:
    """Return since and until of a plain question (ISO 8601 or empty), and what is left of it."""
    today_ns = now_ns - now_ns % DAY_NS
    spans = {
        "yesterday": (today_ns - DAY_NS, today_ns),
        "today": (today_ns, 0),
        "tonight": (today_ns + 18 * HOUR_NS, today_ns + 30 * HOUR_NS),
        "tomorrow": (today_ns + DAY_NS, today_ns + 2 * DAY_NS),
    }
    for pattern in (_AGO, _AHEAD):
        found = pattern.search(left)
        if found:
            length_ns = int(found.group(1) or 1) * _LENGTHS[found.group(2)]
            rest = left.replace(found.group(), " ", 1)
            if pattern is _AGO:
                return to_iso(now_ns - length_ns), "", rest
            return to_iso(now_ns), to_iso(now_ns + length_ns), rest
    left = re.sub(rf" between {_DATE} and {_DATE} ", r" since \1 until \2 ", left)
    since = until = ""
    for words, is_start in (("since|after|from", True), ("until|before|to", False)):
        found = re.search(rf" (?:{words}) ({_DAYS}|{_DATE}) ", left)
        moment = found and _moment(found.group(1), spans)
        if found and moment:
            since, until = (moment, until) if is_start else (since, moment)
            left = left.replace(found.group(), " ", 1)
    found = re.search(rf" (?:on )?({_DAYS}|{_DATE}) ", left)
    if found and not (since or until):
        text = found.group(1)
        if text in spans:
            start_ns, end_ns = spans[text]
        else:
            moment = _moment(text, spans)
            if not moment:
                return "", "", left
            start_ns = from_iso(moment)
            end_ns = start_ns + DAY_NS
        until = to_iso(end_ns) if end_ns else ""
        return to_iso(start_ns), until, left.replace(found.group(), " ", 1)
    return since, until, left


def _moment(text: str, spans: Mapping[str, Span]) -> str:
    """Return a day or a time of a question as ISO 8601; empty if there is no such time."""
    if text in spans:
        return to_iso(spans[text][0])
    day, _, hour = text.upper().replace(" ", "T").partition("T")
    hour = hour.removesuffix("Z") or "00:00"
    try:
        return to_iso(from_iso(f"{day}T{hour}{':00' * (hour.count(':') < 2)}Z"))
    except ValueError:
        return ""
