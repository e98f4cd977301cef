"""The words that a text may be made of, and those that a rule has something to say of."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

__all__ = ["lexicon"]


@lru_cache(maxsize=1)
def lexicon() -> Mapping[str, frozenset[str]]:
    """Return the words of ``lexicon.toml`` by their group, read once a process."""
    text = (files("orbitloom.processing.language") / "lexicon.toml").read_text(encoding="utf-8")
    groups = tomllib.loads(text)
    return MappingProxyType({name: frozenset(words.split()) for name, words in groups.items()})
