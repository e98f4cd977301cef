"""What a language model is asked, and the form that its answer must have."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from orbitloom.processing.language.dossier import Dossier, rules
from orbitloom.processing.language.guard import HEADLINE_LETTERS, TEXT_LETTERS

__all__ = ["grammar", "messages", "prompt_sha256", "schema"]

_SYSTEM = (
    "Word this satellite alert as JSON: headline, text. Facts stay in braces. Add no number, name, "
    "unit or reservation."
)


def messages(dossier: Dossier) -> list[dict[str, str]]:
    """Return the chat that asks for a dossier's words: names of facts, never their values."""
    spare = [fact.name for fact in dossier.facts if fact.name not in dossier.required]
    reservations = [rules().notes[name]["says"] for name in dossier.notes]
    asked = "\n".join(
        (
            f"kind: {dossier.noun}",
            f"state: {dossier.maturity}",
            f"must use: {_braced(dossier.required)}",
            f"may use: {_braced(spare)}",
            f"reservations: {'; '.join(reservations) or 'none'}",
        )
    )
    return [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": asked}]


def prompt_sha256(chat: list[dict[str, str]]) -> str:
    """Return the SHA-256 of a chat."""
    text = json.dumps(chat, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def schema() -> dict[str, Any]:
    """Return the JSON schema of an answer."""
    return {
        "type": "object",
        "properties": {
            "headline": {"type": "string", "maxLength": HEADLINE_LETTERS[1]},
            "text": {"type": "string", "maxLength": TEXT_LETTERS[1]},
        },
        "required": ["headline", "text"],
        "additionalProperties": False,
    }


def grammar(dossier: Dossier) -> str:
    """Return the GBNF grammar of an answer about a dossier: letters, marks, and its facts."""
    facts = " | ".join(f'"{{{fact.name}}}"' for fact in dossier.facts)
    return "\n".join(
        (
            r'root ::= "{\"headline\": \"" piece+ "\", \"text\": \"" piece+ "\"}"',
            "piece ::= letter | fact",
            "letter ::= [A-Za-z ,.;:'()-]",
            f"fact ::= {facts}",
        )
    )


def _braced(names: tuple[str, ...] | list[str]) -> str:
    return " ".join(f"{{{name}}}" for name in names) or "none"
