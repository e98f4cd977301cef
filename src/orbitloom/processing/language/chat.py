"""The seam to a language model: one chat in, one reply out, by the OpenAI-compatible interface.

The interface is the chat completions call (``POST /v1/chat/completions``) as llama.cpp's server,
vLLM and Ollama have it. Two things are asked for that not all of them honour: a JSON schema, and a
GBNF grammar (llama.cpp's own). `probe` finds out; what is not honoured is not relied on, for every
answer is checked all the same.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPException, HTTPSConnection, IncompleteRead
from typing import Any, Protocol
from urllib.parse import urlsplit

from orbitloom.errors import ModelError

__all__ = [
    "Capabilities",
    "ChatClient",
    "Endpoint",
    "Identity",
    "Reply",
    "Request",
    "probe",
    "read_reply",
]

Message = Mapping[str, str]

_KEY = "ORBITLOOM_MODEL_KEY"
_TIMEOUT_S = 120.0
_LARGEST_REPLY = 1_000_000
_LONGEST_COMPLAINT = 200
_WAYS_OUT = {
    401: f"Give its key in the environment variable {_KEY}",
    403: f"Give its key in the environment variable {_KEY}",
    404: "Give http://host:port/v1#name, with the name of a model that it has",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who answers.

    Attributes
    ----------
    model
        Its name.
    runtime
        What runs it, with its version if that is known.
    weights_sha256, adapter_sha256
        Of the files; empty where the other side does not tell.
    """

    model: str
    runtime: str
    weights_sha256: str = ""
    adapter_sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a model is asked.

    Attributes
    ----------
    messages
        The chat: role and content.
    schema
        JSON schema that the answer shall have; None for none.
    grammar
        GBNF grammar that it shall have, which wins over the schema; empty for none.
    max_tokens
        After so many it is cut.
    temperature
        0 for the likeliest words.
    """

    messages: tuple[Message, ...]
    schema: Mapping[str, Any] | None = None
    grammar: str = ""
    max_tokens: int = 200
    temperature: float = 0.0
    seed: int = 0

    def body(self) -> dict[str, Any]:
        """Return the body of the call, without the model's name."""
        body: dict[str, Any] = {
            "messages": [dict(message) for message in self.messages],
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "seed": self.seed,
            "stream": False,
        }
        if self.grammar:
            body["grammar"] = self.grammar
        elif self.schema is not None:
            named = {"name": "answer", "strict": True, "schema": dict(self.schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": named}
        return body


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer.

    Attributes
    ----------
    text
        What the model wrote.
    prompt_tokens, completion_tokens
        As the other side counted them.
    seconds
        Wall time that it took.
    cpu_s
        CPU time that it took here; 0 behind a URL.
    finish
        Why it ended: ``stop``, ``length``.
    """

    text: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    finish: str
    cpu_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What an endpoint was seen to honour."""

    schema: bool
    grammar: bool


class Endpoint(Protocol):
    """A language model that can be talked to."""

    @property
    def identity(self) -> Identity:
        """Who answers."""
        ...

    def complete(self, request: Request) -> Reply:
        """Return the answer.

        Raises
        ------
        ModelError
            If there is none.
        """
        ...


def read_reply(told: object, seconds: float, where: str) -> Reply:
    """Return what a server's answer says.

    Raises
    ------
    ModelError
        If it is no chat completion.
    """
    complaint = _complaint(told)
    if complaint:
        raise ModelError(f"refuses the request ({complaint})", where=where)
    try:
        choice = told["choices"][0]  # type: ignore[index]  # anything may come over a wire
        usage = told.get("usage") or {}  # type: ignore[attr-defined]
        text = choice["message"]["content"]
        tokens = int(usage.get("prompt_tokens", 0)), int(usage.get("completion_tokens", 0))
        finish = str(choice.get("finish_reason"))
        if isinstance(text, str):
            text.encode()  # half of a surrogate pair is no text, and could not be written
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise ModelError("the answer is no chat completion", where=where) from error
    if not isinstance(text, str):
        raise ModelError("the answer holds no text", where=where)
    return Reply(
        text=text,
        prompt_tokens=tokens[0],
        completion_tokens=tokens[1],
        seconds=seconds,
        finish=finish,
    )


def _complaint(told: object) -> str:
    """Return what a server says is wrong, fit for a terminal; empty if it says nothing."""
    error = told.get("error") if isinstance(told, Mapping) else None
    text = str(error.get("message") if isinstance(error, Mapping) else error or "")
    return "".join(one for one in text if one.isprintable())[:_LONGEST_COMPLAINT]


def _parsed(text: bytes | str) -> object:
    """Return what a JSON text says; None if it is none."""
    try:
        told: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return told


class ChatClient:
    """A model behind a URL.

    Parameters
    ----------
    url
        ``http://host:port/v1#name``: up to the version of the interface, then the model's name. A
        key, where one is wanted, is read from the environment variable ``ORBITLOOM_MODEL_KEY``.
    timeout_s
        How long the other side may be silent.

    Raises
    ------
    ModelError
        If the URL is none.
    """

    def __init__(self, url: str, timeout_s: float = _TIMEOUT_S) -> None:
        try:
            parts = urlsplit(url)
            # A password would get into the provenance of every text.
            usable = bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
        except ValueError:
            usable = False
        if not usable or parts.scheme not in ("http", "https"):
            raise ModelError(
                "is no address of a model",
                where=url,
                way_out=f"Give http://host:port/v1#name, and a key, if it wants one, in {_KEY}",
            )
        self._url, self._parts = url, parts
        self._timeout_s = timeout_s
        self._model = parts.fragment or "default"

    @property
    def identity(self) -> Identity:
        """The name in the URL; whose weights they are the other side does not tell."""
        return Identity(model=self._model, runtime=f"{self._parts.scheme}://{self._parts.netloc}")

    def complete(self, request: Request) -> Reply:
        """Return the answer; see `Endpoint`."""
        start = time.monotonic()
        told = self._post({**request.body(), "model": self._model})
        return read_reply(told, time.monotonic() - start, self._url)

    def _post(self, body: Mapping[str, Any]) -> object:
        parts = self._parts
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        headers = {"Content-Type": "application/json"}
        key = os.environ.get(_KEY, "").strip()
        if key:
            headers["Authorization"] = f"Bearer {key}"
        path = f"{parts.path.rstrip('/')}/chat/completions"
        try:
            connection = kind(str(parts.hostname), parts.port, timeout=self._timeout_s)
            try:
                connection.request("POST", path, json.dumps(body).encode(), headers)
                answer = connection.getresponse()
                status, content = answer.status, answer.read(_LARGEST_REPLY)
                if answer.length:  # what is still to come, where the other side told how much
                    raise IncompleteRead(content, answer.length)
            finally:
                connection.close()
        except (OSError, HTTPException, ValueError) as error:
            raise ModelError(
                f"does not answer ({str(error) or type(error).__name__})",
                where=self._url,
                way_out="Is the server running, and is this its address?",
            ) from error
        told = _parsed(content)
        if status != 200:
            complaint = _complaint(told)
            raise ModelError(
                f"answers with HTTP status {status}" + (f" ({complaint})" if complaint else ""),
                where=self._url,
                way_out=_WAYS_OUT.get(status, ""),
            )
        if told is None:
            raise ModelError("answers with something other than JSON", where=self._url)
        return told


_ONLY = {"type": "object", "properties": {"it": {"enum": ["blue-green"]}}, "required": ["it"]}
_ASKED = ({"role": "user", "content": "What is the capital of France? Answer in a sentence."},)


def probe(endpoint: Endpoint) -> Capabilities:
    """Return what an endpoint honours, by asking for what no model says of itself.

    A form that the other side refuses is one that it does not honour.

    Raises
    ------
    ModelError
        If it does not answer at all.
    """
    plain = Request(messages=_ASKED, max_tokens=40)
    endpoint.complete(plain)
    by_schema = _tried(endpoint, replace(plain, schema=_ONLY))
    by_grammar = _tried(endpoint, replace(plain, grammar='root ::= "blue-green"'))
    return Capabilities(
        schema=_parsed(by_schema) == {"it": "blue-green"}, grammar=by_grammar == "blue-green"
    )


def _tried(endpoint: Endpoint, request: Request) -> str:
    """Return the answer's text; empty if there is none."""
    try:
        return endpoint.complete(request).text.strip()
    except ModelError:
        return ""
