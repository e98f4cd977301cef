"""Who words an alert: a language model under the guard, else the template.

The ladder: the model, once more with some chance in its choice of words, then the template. Code
adds the reservations that a model leaves out. What comes out says who wrote it, what it took, and
why an attempt was refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from orbitloom.errors import ModelError
from orbitloom.processing.language.chat import Capabilities, Endpoint, Request
from orbitloom.processing.language.dossier import Dossier, rules
from orbitloom.processing.language.guard import Refusal, Words, check, read_words
from orbitloom.processing.language.prompt import grammar, messages, prompt_sha256, schema
from orbitloom.processing.language.template import filled, template

__all__ = ["Attempt", "Written", "write"]

_TEMPERATURES = (0.0, 0.7)  # of the attempts: the likeliest words, then others
_MOST_TOKENS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What became of one request to a model.

    Attributes
    ----------
    refusals
        Why its text may not leave; empty if it may.
    error
        Why there was no text.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0
    refusals: tuple[Refusal, ...] = ()
    error: str = ""

    @property
    def accepted(self) -> bool:
        """Whether its text may leave."""
        return not (self.refusals or self.error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A text, and where it comes from.

    Attributes
    ----------
    words
        With the facts' values in it.
    writer
        ``model`` or ``template``.
    attempts
        What the model was asked, in order; none without one.
    provenance
        Model, runtime, hashes and versions, ready for JSON.
    """

    words: Words
    writer: str
    attempts: tuple[Attempt, ...]
    provenance: Mapping[str, str]

    def record(self) -> dict[str, Any]:
        """Return it ready for JSON, but for the seconds, which no two runs share."""
        return {
            "headline": self.words.headline,
            "text": self.words.text,
            "writer": self.writer,
            "provenance": dict(self.provenance),
            "attempts": [
                {
                    "prompt_tokens": attempt.prompt_tokens,
                    "completion_tokens": attempt.completion_tokens,
                    "refused": [asdict(refusal) for refusal in attempt.refusals],
                    "error": attempt.error,
                }
                for attempt in self.attempts
            ],
        }


def write(
    dossier: Dossier,
    endpoint: Endpoint | None = None,
    able: Capabilities | None = None,
) -> Written:
    """Return the words of an alert.

    Parameters
    ----------
    endpoint
        The model; None for the template alone.
    able
        What the endpoint honours; without it nothing is relied on.
    """
    chat = messages(dossier)
    known = {"rules": rules().version, "prompt_sha256": prompt_sha256(chat)}
    attempts: list[Attempt] = []
    if endpoint is not None:
        who = endpoint.identity
        known |= {"model": who.model, "runtime": who.runtime}
        known |= {"weights_sha256": who.weights_sha256, "adapter_sha256": who.adapter_sha256}
        for number, temperature in enumerate(_TEMPERATURES if dossier.known else ()):
            attempt, words = _attempt(dossier, endpoint, able, chat, temperature, number)
            attempts.append(attempt)
            if words is not None:
                return Written(
                    words=filled(_with_reservations(words, dossier), dossier),
                    writer="model",
                    attempts=tuple(attempts),
                    provenance=known,
                )
            if attempt.error:
                break  # it is not there; to ask again would only take time
    return Written(
        words=filled(template(dossier), dossier),
        writer="template",
        attempts=tuple(attempts),
        provenance=known,
    )


def _attempt(
    dossier: Dossier,
    endpoint: Endpoint,
    able: Capabilities | None,
    chat: list[dict[str, str]],
    temperature: float,
    seed: int,
) -> tuple[Attempt, Words | None]:
    """Return what became of a request, and the text if it may leave."""
    try:
        reply = endpoint.complete(
            Request(
                messages=tuple(chat),
                schema=schema() if able is not None and able.schema else None,
                grammar=grammar(dossier) if able is not None and able.grammar else "",
                max_tokens=_MOST_TOKENS,
                temperature=temperature,
                seed=seed,
            )
        )
    except ModelError as error:
        return Attempt(error=str(error)), None
    words = read_words(reply.text)
    refusals = (words,) if isinstance(words, Refusal) else check(words, dossier)
    attempt = Attempt(
        prompt_tokens=reply.prompt_tokens,
        completion_tokens=reply.completion_tokens,
        seconds=reply.seconds,
        cpu_s=reply.cpu_s,
        refusals=refusals,
    )
    return attempt, None if refusals or isinstance(words, Refusal) else words


def _with_reservations(words: Words, dossier: Dossier) -> Words:
    """Return a text with the reservations that it leaves out, as the rules word them."""
    said = set(words.text.lower().replace(".", " ").replace(",", " ").split())
    missing = [
        note["says"]
        for name, note in rules().notes.items()
        if name in dossier.notes and not said & set(note["words"])
    ]
    if dossier.maturity == "retracted":
        return words
    sentences = [words.text, *(f"{says[0].upper()}{says[1:]}." for says in missing)]
    return replace(words, text=" ".join(sentences))
