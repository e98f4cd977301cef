"""Words without a model: the text that leaves at once, and the filling of every text's facts."""

from __future__ import annotations

import re

from orbitloom.processing.language.dossier import Dossier, rules
from orbitloom.processing.language.guard import Words

__all__ = ["filled", "template"]

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


def template(dossier: Dossier) -> Words:
    """Return the deterministic text of a dossier, facts in braces; it passes the guard itself."""
    if dossier.maturity == "retracted":
        return Words(
            headline="Retracted: {event} at {place}",
            text="A later look at {place} does not show the {event} of the earlier alert. "
            "Recommended: {action}.",
        )
    said = "Confirmed: {event}" if dossier.maturity == "confirmed" else "{event}"
    main = next((name for name in dossier.required if name not in ("place", "event")), "")
    measure = f", {{{main}}}" if main else ""
    seen = "seen again by {satellite}" if dossier.maturity == "confirmed" else "seen by {satellite}"
    sentences = [f"{{event}} at {{place}}, {seen}, {{sensed}}."]
    if main:
        sentences.append(f"{_named(main)}: {{{main}}}.")
    notes = [rules().notes[name]["says"] for name in dossier.notes]
    sentences += [f"{note[0].upper()}{note[1:]}." for note in notes]
    if dossier.fact("confidence"):
        sentences.append("Confidence {confidence}, severity {severity}; recommended: {action}.")
    return Words(headline=f"{said} at {{place}}{measure}", text=" ".join(sentences))


def filled(words: Words, dossier: Dossier) -> Words:
    """Return a text with its facts' values, each sentence with a capital.

    Raises
    ------
    KeyError
        If a fact is named that there is not: the guard lets no such text through.
    """
    facts = {fact.name: fact.words for fact in dossier.facts}

    def fill(text: str) -> str:
        def put(found: re.Match[str]) -> str:
            value = facts[found.group(1)]
            starts = not text[: found.start()].rstrip() or text[: found.start()].rstrip()[-1] == "."
            return value[:1].upper() + value[1:] if starts else value

        return _PLACEHOLDER.sub(put, text)

    return Words(headline=fill(words.headline), text=fill(words.text))


def _named(fact: str) -> str:
    """Return a fact's name as a sentence begins with it."""
    return fact.replace("_", " ").capitalize()
