"""A question's words: what code reads out of them, and whether a query says the same.

The parser is deterministic. It takes a question only if it understands every word that carries
meaning: what an archive of alerts does not hold (casualties, causes) is refused, not guessed at.
`check` holds every query and every task against the words, whoever made it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from orbitloom.ground.ask import (
    MATURITIES,
    SEVERITIES,
    Maturity,
    Place,
    Product,
    Query,
    Refused,
    Severity,
    Want,
)
from orbitloom.ground.ask_task import Task, position_in
from orbitloom.ground.ask_times import is_timed, period, span
from orbitloom.processing.language.dossier import rules
from orbitloom.scenario.time import HOUR_NS, from_iso, to_iso

__all__ = ["Reading", "check", "is_command", "names_of", "parse", "plain", "read"]

_WANTS: Mapping[Want, tuple[str, ...]] = {
    "count": ("how many", "number of", "count"),
    "largest": ("largest", "biggest", "greatest", "widest"),
    "area": (
        "total area",
        "how large",
        "how big",
        "how much area",
        "how much",
        "what area",
        "area",
    ),
    "latest": ("latest", "newest", "most recent", "last"),
}
_SEVERITIES: Mapping[str, Severity] = {one.casefold(): one for one in SEVERITIES}
_MATURITIES: Mapping[str, Maturity] = {one: one for one in MATURITIES} | {
    "verified": "confirmed", "withdrawn": "retracted", "unconfirmed": "early",
}  # fmt: skip


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LINKING = _words(
    """
    a an the of in at on to by for from with and or is are was were be been there any some
    all new now me us you we i please can could would do does did have has had show list
    tell give find report reports reported what which where when whats seen found
    detected observed alert alerts event events product products answer answers know about
    this that it its so far or archive satellite satellites between since until before after
    near around over out happened happen ongoing currently current
    """
)
_LOOKING = _words(
    """
    look looks image picture photograph observe watch monitor revisit re-image reimage
    capture task point scan survey
    """
)
_OF_LOOKS = _LOOKING | _words("again once more next take see whether if another")
_POLITE = "|".join(
    sorted(
        _words(
            """
            please can could would will you we i need want to let have take a another the
            satellite satellites
            """
        )
    )
)
_COMMAND = re.compile(rf"^ (?:(?:{_POLITE}) )*(?:{'|'.join(sorted(_LOOKING))}) ")
_LONGEST_NS = 240 * HOUR_NS  # what a scenario flies at most
# No alert tells these, whatever else a question says.
_BEYOND = _words("who whose why how will shall should")
_PLACE = re.compile(r"\b(?:near|around|at|in|over|from|for)\s+(?!the\b|last\b|all\b|any\b)(\w.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What code reads out of a question: the measure of every query and task.

    Attributes
    ----------
    looks
        Whether a word asks for a look, rather than for what was seen.
    commands
        Whether the question begins with that.
    want, events, place, since, until, maturity, severity
        As in `Query`; `events` are all kinds that its words may mean.
    unknown
        Words that carry meaning and are none of these, in order.
    timed
        Whether any word is of a time.
    beyond
        The first word that asks for what no alert tells; empty if there is none.
    nowhere
        The first word of what stands like a place and is none; empty if there is none.
    """

    looks: bool
    commands: bool
    want: Want
    events: tuple[str, ...]
    place: str
    since: str
    until: str
    maturity: Maturity
    severity: Severity
    unknown: tuple[str, ...]
    timed: bool
    beyond: str
    nowhere: str


def plain(text: str) -> str:
    """Return a text in small letters, its words set apart by single spaces, one at each end.

    Examples
    --------
    >>> plain("Floods near  HUE?")
    ' floods near hue '
    """
    words = re.sub(r"[^\w:.-]+", " ", text.casefold()).split()
    return f" {' '.join(word.strip('.:') for word in words)} "


def is_command(question: str) -> bool:
    """Return whether a question begins by asking for a look.

    Examples
    --------
    >>> is_command("Could you look at Hue tonight?"), is_command("what was seen at Hue?")
    (True, False)
    """
    return bool(_COMMAND.match(plain(question)))


def read(question: str, names: Iterable[str], now_ns: int, *, task: bool) -> Reading:
    """Return what a question's words say, each by itself.

    Parameters
    ----------
    names
        Of the places that it may name.
    now_ns
        What "today" and "the last hours" count from.
    task
        Whether it is read as asking for a look: then a place may be given in degrees.
    """
    left = plain(question)
    looks = not _LOOKING.isdisjoint(left.split())
    if task:
        left = _COMMAND.sub(" ", left)
    place, left = _place(left, names)
    if task and not place:
        place, left = position_in(left)
    timed = is_timed(left)
    since, until, left = period(left, now_ns)
    want, left, counted = _want(left)
    events: set[str] = set()
    maturity: Maturity = ""
    severity: Severity = ""
    unknown = []
    known, linking = _event_words(), _LINKING | (_OF_LOOKS if task else frozenset())
    for word in left.split():
        if word in known:
            events |= known[word]
        elif word in _MATURITIES:
            maturity = _MATURITIES[word]
        elif word in _SEVERITIES:
            severity = _SEVERITIES[word]
        elif word not in linking:
            unknown.append(word)
    there = _PLACE.search(left)
    stranger = bool(unknown and there and not place and unknown[0] in there.group(1))
    return Reading(
        looks=looks,
        commands=is_command(question),
        want=want,
        events=tuple(sorted(events)),
        place=place,
        since=since,
        until=until,
        maturity=maturity,
        severity=severity,
        unknown=tuple(unknown),
        timed=timed,
        beyond=next((word for word in unknown if word in _BEYOND or word == counted), ""),
        nowhere=unknown[0] if stranger else "",
    )


def parse(
    question: str, products: Sequence[Product], now_ns: int, places: Sequence[Place] = ()
) -> Query | Task | Refused:
    """Return what a question asks for.

    Parameters
    ----------
    products
        Their places are those that can be asked about.
    now_ns
        What "today" and "the last hours" count from.
    places
        Those that can be looked at.
    """
    task = is_command(question)
    names = names_of(places if task else products)
    reading = read(question, names, now_ns, task=task)
    if reading.unknown:
        word = reading.unknown[0]
        if task:
            return Refused(
                reason=f"no place that is known, and nothing that a task says, is {word!r}",
                way_out="Name a place of the archive, or give degrees such as 39.47N 0.38W",
            )
        if reading.nowhere:
            return Refused(
                reason=f"no product is of {reading.nowhere!r}; there are: "
                f"{', '.join(sorted(names)) or 'none'}"
            )
        return Refused(reason=f"the archive holds nothing of {word!r}")
    call: Query | Task
    if task:
        call = Task(
            place=reading.place, events=reading.events, since=reading.since, until=reading.until
        )
    else:
        call = Query(
            want=reading.want,
            events=reading.events,
            place=reading.place,
            since=reading.since,
            until=reading.until,
            maturity=reading.maturity,
            severity=reading.severity,
        )
    reason = check(call, reading, products, now_ns)
    return Refused(reason=reason) if reason else call


def check(call: Query | Task, reading: Reading, products: Sequence[Product], now_ns: int) -> str:
    """Return what speaks against a query or a task; empty if nothing does.

    It must say what the question's words say, no more and no less, and be about a time that it can
    be about. Whoever made it, a model or the parser, it is held against the same reading.
    """
    if reading.beyond:
        return f"no alert tells {reading.beyond!r}"
    if plain(call.place) != plain(reading.place):
        return f"the question's place is {reading.place or 'none'!r}, not {call.place or 'none'!r}"
    if not set(call.events) <= set(reading.events) or bool(call.events) != bool(reading.events):
        return f"the question's kinds are {_listed(reading.events)}, not {_listed(call.events)}"
    if isinstance(call, Task):
        if not reading.looks:
            return "the question asks for no look"
        if not call.place:
            return "it names no place to look at"
        if reading.want != "list" or reading.severity or reading.maturity:
            return "a task cannot be counted, ranked or confirmed"
    elif reading.commands:
        return "the question asks for a look"
    elif (call.maturity, call.severity) != (reading.maturity, reading.severity):
        return "the question's severity or maturity is another"
    elif reading.want not in ("list", call.want):
        return f"the question wants {reading.want!r}, not {call.want!r}"
    elif call == Query(want="list"):
        return "that asks for nothing that an alert tells"
    try:
        given = span(call.since, call.until, now_ns, ahead=isinstance(call, Task))
        own = span(reading.since, reading.until, now_ns, ahead=isinstance(call, Task))
    except (OverflowError, ValueError):
        return "its times are no times such as 2026-06-14T10:30:00Z"
    if (reading.since or reading.until or not reading.timed) and given != own:
        return "the question's time is another"
    return _out_of_time(call, given, products, now_ns)


def _out_of_time(
    call: Query | Task, given: tuple[int, int], products: Sequence[Product], now_ns: int
) -> str:
    """Return why a call's time is none that it can be about; empty if it is."""
    since_ns, until_ns = given
    if call.since and call.until and from_iso(call.since) >= from_iso(call.until):
        return "it ends before it begins"
    if isinstance(call, Task):
        if until_ns <= now_ns:
            return "that time has passed"
        return "it takes more than ten days" if until_ns - since_ns > _LONGEST_NS else ""
    if since_ns > now_ns:
        return f"the archive ends at {to_iso(now_ns)}, and that is later"
    first_ns = min((product.sensed_ns for product in products), default=0)
    if call.until and until_ns <= first_ns:
        return f"the archive's first alert is of {to_iso(first_ns)}, and that is earlier"
    return ""


def names_of(those: Iterable[Place | Product]) -> frozenset[str]:
    """Return the names of places, or of the places of products."""
    return frozenset(one.place if isinstance(one, Product) else one.name for one in those)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _place(left: str, names: Iterable[str]) -> tuple[str, str]:
    """Return the longest known place in a question, and the question without it."""
    for name in sorted(names, key=lambda one: (-len(one), one)):
        known = plain(name).strip()
        if known and f" {known} " in left:
            return name, left.replace(f" {known} ", " ", 1)
    return "", left


def _want(left: str) -> tuple[Want, str, str]:
    """Return what is wanted, the question without those words, and what it wants a number of."""
    for want, phrases in _WANTS.items():
        for phrase in phrases:
            if f" {phrase} " in left:
                rest = left.split(f" {phrase} ", 1)[1].split() if want in ("count", "area") else ()
                counted = next((word for word in rest if word not in _LINKING), "")
                return want, left.replace(f" {phrase} ", " ", 1), counted
    return "list", left, ""


def _event_words() -> dict[str, set[str]]:
    """Return the kinds of event that a word may mean."""
    known: dict[str, set[str]] = {}
    for event, kind in rules().events.items():
        own = {*kind["words"], event, event.replace("_", " "), *kind["noun"].casefold().split()}
        for word in {part for one in own for part in one.split()} - _LINKING - {"without", "line"}:
            known.setdefault(word, set()).add(event)
    # "change" alone is any of them; beside "lake" it adds nothing.
    for word in ("change", "changes", "changed", "line", "ais", "without", "dark"):
        known[word] = set()
    return known
