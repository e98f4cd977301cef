"""Which language model: the name that a user gives, opened."""

from __future__ import annotations

import tomllib
from importlib.resources import as_file, files
from pathlib import Path

from orbitloom.errors import ModelError
from orbitloom.processing.language.chat import ChatClient, Endpoint
from orbitloom.processing.language.embedded import (
    DEFAULT_SHA256,
    Embedded,
    default_weights,
)

__all__ = ["adapter", "open_model"]


def open_model(name: str) -> Endpoint | None:
    """Return a language model; None for ``template``, which is none.

    Parameters
    ----------
    name
        ``embedded``: the default weights with our own adapter; ``FILE.gguf`` or
        ``FILE.gguf+ADAPTER.gguf``; ``http://host:port/v1#name``; or ``template``.

    Raises
    ------
    ModelError
        If it cannot be had.
    """
    if name == "template":
        return None
    if name == "embedded":
        known = adapter()
        if known is None:
            return Embedded(default_weights(), weights_sha256=DEFAULT_SHA256)
        return Embedded(
            default_weights(),
            known[0],
            weights_sha256=DEFAULT_SHA256,
            adapter_sha256=known[1],
        )
    if name.startswith(("http://", "https://")):
        return ChatClient(name)
    weights, _, adapted = name.partition("+")
    if weights.endswith(".gguf"):
        return Embedded(Path(weights), Path(adapted) if adapted else None)
    raise ModelError(
        "is no language model",
        where=name,
        way_out="Give embedded, template, FILE.gguf[+ADAPTER.gguf] or http://host:port/v1#name",
    )


def adapter() -> tuple[Path, str] | None:
    """Return our own adapter's file and its SHA-256 by its manifest; None if there is none."""
    folder = files("orbitloom.processing") / "models"
    manifest, weights = folder / "writer.toml", folder / "writer.gguf"
    if not manifest.is_file():
        return None
    sha256 = tomllib.loads(manifest.read_text(encoding="utf-8"))["sha256"]
    with as_file(weights) as file:
        return file, sha256
