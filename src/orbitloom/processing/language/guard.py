"""The guard: what a text must keep to before it may leave, each rule by itself.

A text names facts in braces and holds neither numbers nor names of its own, says nothing that the
rules do not, and is made of known words. The rules are independent: for each there is a text in
`cases` that no other one refuses.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from orbitloom.processing.language.dossier import Dossier, rules
from orbitloom.processing.language.lexicon import lexicon

__all__ = [
    "HEADLINE_LETTERS",
    "RULES",
    "TEXT_LETTERS",
    "Refusal",
    "Words",
    "check",
    "read_words",
]

HEADLINE_LETTERS, TEXT_LETTERS = (12, 120), (30, 600)
_FIELDS = ("headline", "text")
_MARKS = frozenset(" .,;:'()-{}_")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_WORD = re.compile(r"[A-Za-z][A-Za-z']*")
_LINK = re.compile(r"https?|www|ftp|mailto|\w\.\w", re.IGNORECASE)
_MOST_OF_A_WORD, _MOST_OF_A_FACT = 3, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A text with its facts in braces."""

    headline: str
    text: str

    @property
    def fields(self) -> tuple[str, str]:
        """Both, the headline first."""
        return self.headline, self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a text may not leave: which rule, and what it saw."""

    rule: str
    saw: str


def read_words(answer: str) -> Words | Refusal:
    """Return what a model wrote: one JSON object with ``headline`` and ``text``, nothing else."""
    try:
        told = json.loads(answer)
    except (ValueError, RecursionError):
        return Refusal(rule="schema", saw="no JSON")
    if not isinstance(told, dict) or set(told) != set(_FIELDS):
        return Refusal(rule="schema", saw="other fields than headline and text")
    if not all(isinstance(told[name], str) for name in _FIELDS):
        return Refusal(rule="schema", saw="a field that is no string")
    return Words(headline=told["headline"], text=told["text"])


def check(words: Words, dossier: Dossier, without: Collection[str] = ()) -> tuple[Refusal, ...]:
    """Return why a text may not leave; nothing if it may.

    Parameters
    ----------
    without
        Rules to leave out: for the tests, which show that each is needed.
    """
    refused = []
    for name, rule in RULES.items():
        if name not in without:
            saw = rule(words, dossier)
            if saw:
                refused.append(Refusal(rule=name, saw=saw[:80]))
    return tuple(refused)


def _kind(words: Words, dossier: Dossier) -> str:
    """Refuse a kind of event that the rules do not know."""
    return "" if dossier.known else dossier.event


def _length(words: Words, dossier: Dossier) -> str:
    """Refuse what is empty, or a novel."""
    for text, (least, most) in zip(words.fields, (HEADLINE_LETTERS, TEXT_LETTERS), strict=True):
        if not least <= len(text) <= most:
            return f"{len(text)} letters"
    return ""


def _letters(words: Words, dossier: Dossier) -> str:
    """Refuse all but ASCII letters and few marks: what is hidden, what looks like another."""
    for one in "".join(words.fields):
        # What is a number is for another rule, whatever its script.
        if not (one.isascii() and one.isalpha()) and one not in _MARKS and not _numeric(one):
            return f"U+{ord(one):04X}"
    return ""


def _spaces(words: Words, dossier: Dossier) -> str:
    """Refuse more than a single space, and any at the ends."""
    return next((text for text in words.fields if text != " ".join(text.split(" ")).strip()
                 or "  " in text), "")  # fmt: skip


def _links(words: Words, dossier: Dossier) -> str:
    """Refuse an address of anything."""
    found = _LINK.search(_plain(words))
    return found.group() if found else ""


def _placeholders(words: Words, dossier: Dossier) -> str:
    """Refuse facts that there are not, and braces beside them."""
    names = {fact.name for fact in dossier.facts}
    for text in words.fields:
        for name in _PLACEHOLDER.findall(text):
            if name not in names:
                return f"{{{name}}}"
        if set("{}") & set(_PLACEHOLDER.sub("", text)) or "_" in _PLACEHOLDER.sub("", text):
            return "a loose brace"
    return ""


def _required(words: Words, dossier: Dossier) -> str:
    """Refuse to leave out a fact that has to be told."""
    named = set(_PLACEHOLDER.findall(" ".join(words.fields)))
    return ", ".join(name for name in dossier.required if name not in named)


def _digits(words: Words, dossier: Dossier) -> str:
    """Refuse digits, of any script."""
    return "".join(one for one in _plain(words) if _numeric(one))


def _numbers(words: Words, dossier: Dossier) -> str:
    """Refuse numbers in words."""
    return next((word for word in _words(words) if word in lexicon()["numbers"]), "")


def _units(words: Words, dossier: Dossier) -> str:
    """Refuse units: a fact brings its own."""
    return next((word for word in _words(words) if word in lexicon()["units"]), "")


def _names(words: Words, dossier: Dossier) -> str:
    """Refuse a capital but where a sentence begins."""
    for text in words.fields:
        for found in _WORD.finditer(_PLACEHOLDER.sub("x", text)):
            word, before = found.group(), _PLACEHOLDER.sub("x", text)[: found.start()].rstrip(" (")
            starts = not before or before[-1] in ".:"
            if word != "AIS" and word[starts:] != word[starts:].lower():
                return word
    return ""


def _vocabulary(words: Words, dossier: Dossier) -> str:
    """Refuse unknown words: a name, another tongue, or noise."""
    known = set().union(*lexicon().values())
    for named in (*rules().events.values(), *rules().notes.values()):
        known.update(named["words"])
    return next((word for word in _words(words) if word not in known), "")


def _event(words: Words, dossier: Dossier) -> str:
    """Refuse the words of another kind of event."""
    kinds = rules().events
    own = set(kinds[dossier.event]["words"]) if dossier.known else set()
    other = {w for name, kind in kinds.items() for w in kind["words"] if name != dossier.event}
    return next((word for word in _words(words) if word in other - own), "")


def _polarity(words: Words, dossier: Dossier) -> str:
    """Refuse an alert that denies, and a retraction that does not."""
    said = set(_words(words))
    if dossier.maturity != "retracted":
        return ", ".join(sorted(said & lexicon()["denials"]))
    return "" if said & lexicon()["retractions"] else "no word of a retraction"


def _maturity(words: Words, dossier: Dossier) -> str:
    """Refuse "confirmed" before a second look, and "early" after it."""
    wrong = lexicon()["first" if dossier.maturity == "confirmed" else "certain"]
    return ", ".join(sorted(set(_words(words)) & wrong))


def _notes(words: Words, dossier: Dossier) -> str:
    """Refuse a reservation that does not hold."""
    idle = {
        word
        for name, note in rules().notes.items()
        for word in note["words"]
        if name not in dossier.notes
    }
    return next((word for word in _words(words) if word in idle), "")


def _orders(words: Words, dossier: Dossier) -> str:
    """Refuse to judge or to order: how severe it is and what to do are facts."""
    return next((word for word in _words(words) if word in lexicon()["orders"]), "")


def _sense(words: Words, dossier: Dossier) -> str:
    """Refuse to measure what is no measurement: "the value is {place}"."""
    for sentence in ". ".join(words.fields).split("."):
        facts = (dossier.fact(name) for name in _PLACEHOLDER.findall(sentence))
        named = [fact.name for fact in facts if fact is not None and isinstance(fact.value, str)]
        said = {found.group().lower() for found in _WORD.finditer(_PLACEHOLDER.sub(" ", sentence))}
        if named and said & lexicon()["measuring"]:
            return sentence.strip()
    return ""


def _ending(words: Words, dossier: Dossier) -> str:
    """Refuse what breaks off: a text ends as a sentence does."""
    return "" if words.text.endswith((".", ".)")) else words.text[-20:] or "nothing"


def _repetition(words: Words, dossier: Dossier) -> str:
    """Refuse loops: a word of weight thrice at most, a fact twice."""
    for text in words.fields:
        for name, times in Counter(_PLACEHOLDER.findall(text)).items():
            if times > _MOST_OF_A_FACT:
                return f"{{{name}}} {times} times"
    said = Counter(word for word in _words(words) if len(word) > 3)
    return next((word for word, times in said.items() if times > _MOST_OF_A_WORD), "")


def _plain(words: Words) -> str:
    """Return the texts without their facts."""
    return " ".join(_PLACEHOLDER.sub(" ", text) for text in words.fields)


def _words(words: Words) -> Iterator[str]:
    for found in _WORD.finditer(_plain(words)):
        yield found.group().lower().removesuffix("'s")


def _numeric(one: str) -> bool:
    return unicodedata.category(one)[0] == "N" or unicodedata.numeric(one, None) is not None


Rule = Callable[[Words, Dossier], str]

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "kind": _kind,
        "length": _length,
        "letters": _letters,
        "spaces": _spaces,
        "links": _links,
        "placeholders": _placeholders,
        "required": _required,
        "digits": _digits,
        "numbers": _numbers,
        "units": _units,
        "names": _names,
        "vocabulary": _vocabulary,
        "event": _event,
        "polarity": _polarity,
        "maturity": _maturity,
        "notes": _notes,
        "orders": _orders,
        "sense": _sense,
        "ending": _ending,
        "repetition": _repetition,
    }
)
"""Each rule by its name: what it saw that may not be, or nothing."""
