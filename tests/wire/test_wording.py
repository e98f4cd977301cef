from __future__ import annotations

import json

import pytest

from orbitloom.errors import PacketError
from orbitloom.wire import Wording

WORDS = Wording(
    capture=7,
    answer_sha256="ab" * 32,
    headline="Flood at Faenza",
    text="Water stands at Faenza: 3.4 km².",
    provenance={"writer": "model", "prompt_tokens": 98, "modelled_s": 2.343},
)


def test_words_come_back_from_their_bytes():
    assert Wording.from_bytes(WORDS.to_bytes()) == WORDS
    assert WORDS.to_bytes() == Wording.from_bytes(WORDS.to_bytes()).to_bytes()


@pytest.mark.parametrize(
    "change",
    [
        {"capture": "7"},
        {"capture": True},
        {"text": None},
        {"headline": ["a"]},
        {"provenance": []},
        {"more": 1},
    ],
)
def test_other_bytes_are_no_words(change):
    told = json.loads(WORDS.to_bytes()) | change
    with pytest.raises(PacketError, match="words of an alert"):
        Wording.from_bytes(json.dumps(told).encode())


@pytest.mark.parametrize("octets", [b"", b"[]", b"3", b"\xff", b"[" * 100_000])
def test_what_is_no_object_is_refused(octets):
    with pytest.raises(PacketError, match="words of an alert"):
        Wording.from_bytes(octets)
