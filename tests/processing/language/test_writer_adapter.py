"""The adapter that is shipped is the one that its manifest tells of."""

from __future__ import annotations

import ast
import hashlib
import tomllib
from importlib.resources import files
from pathlib import Path

from orbitloom.processing.language.cases import HELD_OUT_FACTS, HELD_OUT_KINDS, evidence_cases
from orbitloom.processing.language.embedded import DEFAULT_SHA256
from orbitloom.processing.language.runtime import adapter

MODELS = files("orbitloom.processing") / "models"
TRAINING = Path(__file__).parents[3] / "scripts" / "train_writer.py"


def test_the_file_is_that_of_its_manifest():
    manifest = tomllib.loads((MODELS / "writer.toml").read_text(encoding="utf-8"))
    content = (MODELS / "writer.gguf").read_bytes()
    assert content[:4] == b"GGUF"
    assert len(content) <= 10_000_000
    assert hashlib.sha256(content).hexdigest() == manifest["sha256"]
    assert manifest["base_sha256"] == DEFAULT_SHA256
    assert all(kind in manifest["not_trained_on"] for kind in HELD_OUT_KINDS)
    assert all(name in manifest["not_trained_on"] for name in HELD_OUT_FACTS)


def test_held_out_names_of_facts_share_no_word_with_those_of_the_training():
    made_up = next(
        ast.literal_eval(node.value)
        for node in ast.parse(TRAINING.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "FACTS"
    )
    own = {fact.name for dossier in evidence_cases(0, 240) for fact in dossier.facts}
    known = {word for name in {*made_up, *own} for word in name.split("_")}
    assert len(made_up) > 10
    assert not known & {word for name in HELD_OUT_FACTS for word in name.split("_")}


def test_it_is_what_the_embedded_model_loads():
    known = adapter()
    assert known is not None
    assert known[0].read_bytes()[:4] == b"GGUF"
