"""The chat interface against servers that honour it, that do not, and that break."""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from subprocess import DEVNULL, PIPE, Popen
from typing import Any

import pytest

from orbitloom.errors import ModelError
from orbitloom.processing.language.cases import evidence_cases
from orbitloom.processing.language.chat import (
    Capabilities,
    ChatClient,
    Endpoint,
    Request,
    probe,
)
from orbitloom.processing.language.embedded import DEFAULT_SHA256, Embedded, default_weights
from orbitloom.processing.language.prompt import messages
from orbitloom.processing.language.runtime import open_model
from orbitloom.processing.language.scorecard import score
from orbitloom.processing.language.template import filled, template
from orbitloom.processing.language.writer import write

CASE = evidence_cases(0, 1)[0]
GOOD = template(CASE)
HELLO = Request(messages=({"role": "user", "content": "hello"},), seed=3)
ABLE = Capabilities(schema=True, grammar=True)

Handler = Callable[[dict[str, Any]], tuple[int, bytes]]


@contextmanager
def server(answer: Handler, missing: int = 0) -> Iterator[str]:
    """Yield the URL of a chat server that answers as told, but for the last, missing, bytes."""

    class Chat(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked["key"] = self.headers.get("Authorization")
            status, content = answer(asked)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content) + missing))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    here = ThreadingHTTPServer(("127.0.0.1", 0), Chat)
    thread = threading.Thread(target=here.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{here.server_address[1]}/v1#mock"
    finally:
        here.shutdown()
        thread.join()
        here.server_close()


def says(text: str, prompt: int = 7, completion: int = 5) -> tuple[int, bytes]:
    told = {
        "choices": [{"message": {"content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": prompt, "completion_tokens": completion},
    }
    return 200, json.dumps(told).encode()


def capable(asked: dict[str, Any]) -> tuple[int, bytes]:
    """A server that honours schemas and grammars, and words any dossier well."""
    if "grammar" in asked and "blue-green" in asked["grammar"]:
        return says("blue-green")
    if "response_format" in asked and "blue-green" in json.dumps(asked):
        return says('{"it": "blue-green"}')
    return says(json.dumps({"headline": GOOD.headline, "text": GOOD.text}))


def ignorant(asked: dict[str, Any]) -> tuple[int, bytes]:
    """A server that ignores both, and chats around what it was asked for."""
    text = json.dumps({"headline": GOOD.headline, "text": GOOD.text})
    return says(text if asked["temperature"] > 0 else f"Sure! Here it is: {text}")


def test_what_a_server_honours_is_found_out():
    with server(capable) as url:
        assert probe(ChatClient(url)) == ABLE
    with server(ignorant) as url:
        assert probe(ChatClient(url)) == Capabilities(schema=False, grammar=False)


@pytest.mark.parametrize("refused", ["grammar", "response_format"])
def test_a_form_that_a_server_refuses_is_not_asked_for_again(refused):
    def strict(asked: dict[str, Any]) -> tuple[int, bytes]:
        return (
            (400, b'{"error": {"message": "unknown field"}}')
            if refused in asked
            else capable(asked)
        )

    with server(strict) as url:
        able = probe(ChatClient(url))
        assert (able.schema, able.grammar) == (refused == "grammar", refused != "grammar")
        assert write(CASE, ChatClient(url), able).writer == "model"


def test_a_server_that_is_not_there_has_no_capabilities():
    with server(capable) as url:
        client = ChatClient(url)
    with pytest.raises(ModelError, match="does not answer"):
        probe(client)


def test_a_model_words_the_alert_and_its_tokens_are_the_servers():
    with server(capable) as url:
        written = write(CASE, ChatClient(url), ABLE)
    assert written.writer == "model"
    assert written.words == filled(GOOD, CASE)
    assert [(a.prompt_tokens, a.completion_tokens) for a in written.attempts] == [(7, 5)]
    assert written.record()["provenance"]["model"] == "mock"


def test_without_a_schema_the_answer_is_parsed_and_asked_for_once_more():
    with server(ignorant) as url:
        written = write(CASE, ChatClient(url), Capabilities(schema=False, grammar=False))
    assert written.writer == "model"
    assert [attempt.accepted for attempt in written.attempts] == [False, True]
    assert written.attempts[0].refusals[0].rule == "schema"


def test_a_reservation_that_a_model_leaves_out_is_added():
    dossier = next(case for case in evidence_cases(0, 99) if case.notes == ("hidden", "unsure"))
    main = dossier.required[-1]
    text = f"{{event}} of {{{main}}} seen at {{place}}. The signal is weak."
    told = json.dumps({"headline": "{event} at {place}", "text": text})
    with server(lambda asked: says(told)) as url:
        written = write(dossier, ChatClient(url), ABLE)
    assert written.writer == "model"
    assert written.words.text.endswith("The signal is weak. Cloud hides part of the scene.")


def test_a_model_that_lies_twice_gives_way_to_the_template():
    lie = json.dumps({"headline": "Flood of 500 km2 at Valencia", "text": "Nothing to report."})
    with server(lambda asked: says(lie)) as url:
        written = write(CASE, ChatClient(url), ABLE)
    assert written.writer == "template"
    assert written.words == filled(GOOD, CASE)
    assert len(written.attempts) == 2
    assert all({"digits", "vocabulary"} & {r.rule for r in a.refusals} for a in written.attempts)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((503, b"busy"), "HTTP status 503"),
        ((401, b"{}"), "HTTP status 401. Give its key in .* ORBITLOOM_MODEL_KEY"),
        ((404, b'{"error": {"message": "no \\u001b[7mmodel"}}'), r"status 404 \(no \[7mmodel\)"),
        ((400, b'{"error": "too long"}'), r"status 400 \(too long\)"),
        ((200, b'{"error": {"message": "too long"}}'), r"refuses the request \(too long\)"),
        ((200, b"[" * 100_000), "other than JSON"),
        ((200, b"\xff\xfe"), "other than JSON"),
        ((200, says("x")[1].replace(b"7", b"1e999")), "no chat completion"),
        ((200, says("\ud800")[1]), "no chat completion"),
        ((200, b"<html>"), "other than JSON"),
        ((200, b"[]"), "no chat completion"),
        ((200, b'{"choices": []}'), "no chat completion"),
        ((200, b'{"choices": [{"message": {"content": null}}]}'), "holds no text"),
    ],
)
def test_a_broken_server_is_told_and_the_template_stands_in(answer, why):
    with server(lambda asked: answer) as url:
        with pytest.raises(ModelError, match=why):
            ChatClient(url).complete(HELLO)
        written = write(CASE, ChatClient(url), ABLE)
    assert written.writer == "template"
    assert len(written.attempts) == 1
    assert re.search(why, written.attempts[0].error)


def test_a_server_that_dies_in_the_middle_is_told():
    with server(capable, missing=1) as url, pytest.raises(ModelError, match="1 more expected"):
        ChatClient(url).complete(HELLO)


def test_a_server_that_is_too_slow_is_told():
    waited = threading.Event()

    def slow(asked: dict[str, Any]) -> tuple[int, bytes]:
        waited.wait(30.0)
        return says("late")

    with server(slow) as url:
        try:
            with pytest.raises(ModelError, match="timed out"):
                ChatClient(url, timeout_s=0.2).complete(HELLO)
        finally:
            waited.set()


def test_a_server_that_is_gone_is_told_and_the_template_stands_in():
    with server(capable) as url:
        client = ChatClient(url, timeout_s=5.0)
        assert write(CASE, client, ABLE).writer == "model"
    written = write(CASE, client, ABLE)
    assert written.writer == "template"
    assert "does not answer" in written.attempts[0].error


def test_a_key_is_read_from_the_environment(monkeypatch):
    monkeypatch.setenv("ORBITLOOM_MODEL_KEY", "secret")
    heard: list[dict[str, Any]] = []

    def answer(asked: dict[str, Any]) -> tuple[int, bytes]:
        heard.append(asked)
        return says("x")

    with server(answer) as url:
        ChatClient(url).complete(HELLO)
    assert heard[0]["key"] == "Bearer secret"
    assert (heard[0]["model"], heard[0]["seed"]) == ("mock", 3)


@pytest.mark.parametrize(
    "name",
    [
        *("", "gpt", "ftp://x/v1", "http:///v1", "embedded.bin"),
        *("http://[x/v1", "http://x:99999/v1", "http://x:0/v1", "http://me:secret@x/v1"),
    ],
)
def test_what_is_no_model_is_refused(name):
    with pytest.raises(ModelError, match="is no"):
        open_model(name)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    if find_spec("xllamacpp") is None:
        with pytest.raises(ModelError, match="not installed"):
            open_model(str(tmp_path / "x.gguf"))
    else:
        with pytest.raises(ModelError, match="cannot be read"):
            open_model(str(tmp_path / "x.gguf"))


def test_the_template_is_no_model():
    assert open_model("template") is None
    written = write(CASE)
    assert (written.writer, written.attempts) == ("template", ())


def test_the_dossier_and_its_rules_are_the_same_with_any_model():
    with server(capable) as good, server(lambda asked: says("Severity: Extreme. Evacuate!")) as bad:
        told = [write(CASE, open_model(name)) for name in (good, bad, "template")]
    assert len({written.provenance["rules"] for written in told}) == 1
    assert len({written.provenance["prompt_sha256"] for written in told}) == 1


def test_a_score_card_counts_what_was_taken():
    with server(ignorant) as url:
        card = score(ChatClient(url), 12)
    taken = sum(group.first + group.retried for group in card.groups.values())
    assert sum(group.cases for group in card.groups.values()) == 12
    assert 1 <= taken < 12  # the mock has one text for all
    assert card.refused["schema"] == 12


@pytest.fixture(scope="module")
def embedded() -> Embedded:
    try:
        model = open_model("embedded")
    except ModelError as error:
        pytest.skip(str(error))
    assert isinstance(model, Embedded)
    return model


SERVER = """
import sys, xllamacpp
wanted = xllamacpp.CommonParams()
wanted.model.path = sys.argv[1]
wanted.n_ctx, wanted.n_parallel, wanted.verbosity, wanted.warmup = 1024, 1, -1, False
wanted.cpuparams.n_threads = wanted.cpuparams_batch.n_threads = 1
running = xllamacpp.Server(wanted)
print(running.listening_address, flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def second(embedded) -> Iterator[str]:
    """Yield the URL of a llama.cpp server with its own settings, as an operator runs one."""
    command = [sys.executable, "-c", SERVER, str(default_weights())]
    with Popen(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, text=True) as process:
        assert process.stdout is not None
        yield f"{process.stdout.readline().strip()}/v1#smollm2"
        process.kill()


@pytest.fixture(scope="module", params=["embedded", "second", "capable", "ignorant"])
def anyone(request) -> Iterator[Endpoint]:
    """The model of this process, one behind a URL, and mocks with and without schemas."""
    if request.param == "embedded":
        yield request.getfixturevalue("embedded")
    elif request.param == "second":
        yield ChatClient(request.getfixturevalue("second"))
    else:
        with server({"capable": capable, "ignorant": ignorant}[request.param]) as url:
            yield ChatClient(url)


def test_any_endpoint_is_a_writer_under_the_guard(anyone):
    able = probe(anyone)
    for case in evidence_cases(3, 1):
        written = write(case, anyone, able)
        assert (written.words == filled(template(case), case)) or written.writer == "model"
        assert [a.accepted for a in written.attempts[:-1]] == [False] * (len(written.attempts) - 1)
        assert written.attempts[-1].accepted == (written.writer == "model")
        assert all(a.prompt_tokens > 0 and a.completion_tokens > 0 for a in written.attempts)
        assert written.provenance["model"] == anyone.identity.model


@pytest.mark.parametrize("name", ["embedded", "second"])
def test_a_real_model_honours_schema_and_grammar(name, request):
    model = request.getfixturevalue(name)
    assert probe(model if name == "embedded" else ChatClient(model)) == ABLE


def test_the_weights_are_those_of_the_table(embedded):
    assert embedded.identity.weights_sha256 == DEFAULT_SHA256


def test_a_text_does_not_depend_on_what_was_asked_before(embedded):
    asked = [
        Request(messages=tuple(messages(case)), max_tokens=12, temperature=0.7, seed=1)
        for case in evidence_cases(0, 5)
    ]
    there = [embedded.complete(request).text for request in asked]
    back = [embedded.complete(request).text for request in reversed(asked)]
    assert there == back[::-1]


def test_a_chat_that_is_too_long_is_refused_and_the_next_one_answered(embedded):
    long = Request(messages=({"role": "user", "content": "flood " * 3000},), max_tokens=4)
    with pytest.raises(ModelError, match="exceeds the available context size"):
        embedded.complete(long)
    assert embedded.complete(replace(HELLO, max_tokens=4)).completion_tokens == 4


@pytest.mark.parametrize("size", [0, 5000, 1_000_000])
def test_a_file_that_is_no_model_is_refused(embedded, tmp_path, size):
    file = tmp_path / "some.gguf"
    with default_weights().open("rb") as stream:
        file.write_bytes(stream.read(size))
    with pytest.raises(ModelError, match="cannot be loaded"):
        Embedded(file).complete(HELLO)
    with pytest.raises(ModelError, match=r"\+.*some\.gguf: cannot be loaded"):
        Embedded(default_weights(), file).complete(HELLO)


def test_a_changed_byte_in_the_weights_is_refused(embedded, tmp_path):
    content = bytearray(default_weights().read_bytes())
    content[-1] ^= 1
    changed = tmp_path / "changed.gguf"
    changed.write_bytes(content)
    with pytest.raises(ModelError, match="SHA-256"):
        Embedded(changed, weights_sha256=DEFAULT_SHA256)


def test_a_model_that_is_killed_gives_way_to_the_template_and_comes_again(embedded):
    assert write(CASE, embedded, ABLE).attempts[0].error == ""
    embedded._process.kill()
    embedded._process.wait()
    # The next request finds that it has gone, and starts it anew.
    assert write(CASE, embedded, ABLE).attempts[0].error == ""


def test_a_model_that_takes_too_long_ends():
    try:
        slow = Embedded(default_weights(), timeout_s=0.001)
    except ModelError as error:
        pytest.skip(str(error))
    written = write(CASE, slow, ABLE)
    assert written.writer == "template"
    assert "its process has ended" in written.attempts[0].error
