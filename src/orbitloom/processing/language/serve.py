"""The process that holds a language model: a chat a line comes in, an answer a line goes out.

Run as a file of its own, ``python serve.py WEIGHTS [ADAPTER]``, with nothing of Orbitloom: the
runtime's compiled module does not load beside others that were made with the same Cython, and what
it breaks ends this process alone. It ends when its input does.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
from importlib import import_module
from typing import Any

__all__: list[str] = []

_CONTEXT_TOKENS = 1024


def _serve(weights: str, adapter: str) -> Any:
    """Return llama.cpp's server: one thread, for two that share a busy machine wait a lot."""
    xllamacpp = import_module("xllamacpp")
    wanted = xllamacpp.CommonParams()
    wanted.model.path = weights
    wanted.n_ctx, wanted.n_parallel, wanted.n_gpu_layers = _CONTEXT_TOKENS, 1, 0
    wanted.cpuparams.n_threads = wanted.cpuparams_batch.n_threads = 1
    wanted.verbosity, wanted.warmup = -1, False
    # What is left of earlier chats changes the last bits of a sum, and so the words: without it a
    # text does not depend on what was asked before. Nor does the memory grow.
    wanted.cache_prompt, wanted.cache_ram_mib = False, 0
    # It opens a port for others of this machine, which nobody here needs: no one knows the key.
    wanted.n_threads_http, wanted.api_keys = 1, [secrets.token_urlsafe()]
    if adapter:
        wanted.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(adapter, 1.0)]
    return xllamacpp.Server(wanted)


def _main(weights: str, adapter: str = "") -> None:
    # What the runtime prints must not come among the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

    def say(told: dict[str, Any]) -> None:
        answers.write(json.dumps(told) + "\n")
        answers.flush()

    try:
        server = _serve(weights, adapter)
    except Exception as error:  # whatever it is, who asked must hear of it
        say({"error": f"cannot be loaded ({error})"})
        return
    say({"ready": True})
    for line in sys.stdin:
        start = time.process_time()
        try:
            told = {"answer": server.handle_chat_completions(json.loads(line))}
        except Exception as error:
            told = {"error": f"does not answer ({error})"}
        say({**told, "cpu_s": time.process_time() - start})


if __name__ == "__main__":
    _main(*sys.argv[1:])
