"""Numbers as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = [
    "ARM_WORDS",
    "bytes_words",
    "count_words",
    "duration_words",
    "times_words",
    "words_line",
]

ARM_WORDS = {
    "orbit": "answers made in orbit",
    "raw": "raw data over lasers",
    "bentpipe": "raw data, no lasers",
}
"""The arms of the comparison in a few words."""


def duration_words(seconds: float | None) -> str:
    """Return a duration in the two units that matter; None is what had not ended.

    Examples
    --------
    >>> [duration_words(s) for s in (3.2e-5, 0.0118, 4.23, 192, 9_600)]
    ['32 µs', '12 ms', '4.2 s', '3 min 12 s', '2 h 40 min']
    >>> duration_words(None)
    'not by the end'
    """
    if seconds is None:
        return "not by the end"
    if seconds < 0:
        return f"-{duration_words(-seconds)}"
    if 0 < seconds < 0.9995e-3:
        return f"{seconds * 1e6:.0f} µs"
    if 0 < seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s" if seconds else "0 s"
    whole = round(seconds)
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def bytes_words(count: float | None) -> str:
    """Return a number of bytes with a decimal prefix.

    Examples
    --------
    >>> [bytes_words(n) for n in (512, 91_300, 23_400_000, None)]
    ['512 B', '91.3 kB', '23.4 MB', '-']
    """
    if count is None:
        return "-"
    value, prefix = float(count), ""
    for bigger in ("k", "M", "G", "T", "P"):
        if value < 999.5:
            break
        value, prefix = value / 1000, bigger
    return f"{value:.3g} {prefix}B"


def times_words(ratio: float) -> str:
    """Return a ratio with as many digits as it deserves.

    Examples
    --------
    >>> [times_words(r) for r in (1.84, 43.2, 1534.1)]
    ['1.8', '43', '1,500']
    """
    if ratio < 10:
        return f"{ratio:.1f}"
    return f"{float(f'{ratio:.2g}'):,.0f}"


def count_words(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> count_words(1, "capture"), count_words(3, "capture")
    ('1 capture', '3 captures')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def words_line(told: Mapping[str, Any]) -> str:
    """Return who worded a flight's alerts, in one line.

    Parameters
    ----------
    told
        ``words`` of the summary.

    Examples
    --------
    >>> words_line({"alerts": 2, "model": 0, "template": 2, "refused": {}, "silent": 0, "by": None})
    '2 of 2 alerts by the template'
    """
    alerts = count_words(told["alerts"], "alert")
    who = told["by"]["model"] if told["by"] else "the template"
    parts = [f"{told['model'] if told['by'] else told['template']} of {alerts} by {who}"]
    if told["by"] and told["template"]:
        parts.append(f"{told['template']} by the template")
    if told["refused"]:
        rules = ", ".join(f"{rule} {count}" for rule, count in told["refused"].items())
        parts.append(f"refused: {rules}")
    if told["silent"]:
        parts.append(f"{count_words(told['silent'], 'request')} without an answer")
    if told["by"]:
        parts.append(
            f"{told['prompt_tokens']:,} tokens read, {told['completion_tokens']:,} written"
        )
    return "; ".join(parts)
