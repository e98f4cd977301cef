"""The adapter that is shipped is the one that its manifest tells of."""

from __future__ import annotations

import hashlib
import tomllib
from importlib.resources import files

from orbitloom.processing.language.cases import HELD_OUT_KINDS
from orbitloom.processing.language.embedded import DEFAULT_SHA256
from orbitloom.processing.language.runtime import adapter

MODELS = files("orbitloom.processing") / "models"


def test_the_file_is_that_of_its_manifest():
    manifest = tomllib.loads((MODELS / "writer.toml").read_text(encoding="utf-8"))
    content = (MODELS / "writer.gguf").read_bytes()
    assert content[:4] == b"GGUF"
    assert len(content) <= 10_000_000
    assert hashlib.sha256(content).hexdigest() == manifest["sha256"]
    assert manifest["base_sha256"] == DEFAULT_SHA256
    assert all(kind in manifest["not_trained_on"] for kind in HELD_OUT_KINDS)


def test_it_is_what_the_embedded_model_loads():
    known = adapter()
    assert known is not None
    assert known[0].read_bytes()[:4] == b"GGUF"
