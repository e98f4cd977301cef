"""Words of a language model that follow an alert."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pystac
import pytest

from orbitloom.errors import PacketError
from orbitloom.ground import Ground
from orbitloom.wire import Wording

CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"


def words_for(answer, **changes):
    told = {
        "capture": 7,
        "answer_sha256": answer.digest(),
        "headline": "Flood at Sava",
        "text": "Water <stands> at Sava & spreads.",
        "provenance": {"writer": "model", "model": "tiny", "prompt_tokens": 98},
    }
    return Wording(**told | changes)


def test_words_update_the_alert_and_say_who_wrote(tmp_path, scenario, make_answer, arrived_ns):
    answer = make_answer()
    ground = Ground(tmp_path, scenario)
    ground.receive(answer, arrived_ns=arrived_ns, station="Troll")
    said = ground.reword(words_for(answer), arrived_ns=arrived_ns + 3_000_000_000)
    ground.close()

    first = ET.parse(tmp_path / "inbox" / "everyone-0007-alert.xml").getroot()
    update = ET.parse(tmp_path / "inbox" / "everyone-0007-alert-words.xml").getroot()
    assert said.files[-1].name == "everyone-0007-alert-words.xml"
    assert update.findtext(f"{CAP}msgType") == "Update"
    sender, identifier, sent = update.findtext(f"{CAP}references").split(",")
    assert (sender, identifier, sent) == tuple(
        first.findtext(f"{CAP}{name}") for name in ("sender", "identifier", "sent")
    )
    assert update.findtext(f"{CAP}identifier") != identifier
    assert update.findtext(f"{CAP}info/{CAP}description") == "Water <stands> at Sava & spreads."
    writers = [
        {
            p.findtext(f"{CAP}valueName"): p.findtext(f"{CAP}value")
            for p in one.iter(f"{CAP}parameter")
        }
        for one in (first, update)
    ]
    assert [one["writer"] for one in writers] == ["template", "model"]
    assert writers[1]["prompt_tokens"] == "98"
    for name in ("severity", "certainty", "urgency", "event", "onset", "expires"):
        both = [one.findtext(f"{CAP}info/{CAP}{name}") for one in (first, update)]
        assert both[0] == both[1]

    catalog = pystac.Catalog.from_file(str(tmp_path / "catalog" / "catalog.json"))
    (item,) = catalog.get_items(recursive=True)
    assert item.properties["orbitloom:writer"] == "model"
    stored = tmp_path / "catalog" / "flood" / item.id / "words.json"
    assert json.loads(stored.read_bytes())["answer_sha256"] == answer.digest()


def test_an_alert_without_words_is_the_template_s(tmp_path, scenario, make_answer, arrived_ns):
    ground = Ground(tmp_path, scenario)
    ground.receive(make_answer(), arrived_ns=arrived_ns, station="Troll")
    ground.receive(make_answer("nothing_found", 8), arrived_ns=arrived_ns, station="Troll")
    ground.close()
    catalog = pystac.Catalog.from_file(str(tmp_path / "catalog" / "catalog.json"))
    writers = {
        item.id[-1]: item.properties.get("orbitloom:writer")
        for item in catalog.get_items(recursive=True)
    }
    assert writers == {"7": "template", "8": None}


def test_words_that_overtake_their_alert_wait_for_it(tmp_path, scenario, make_answer, arrived_ns):
    answer = make_answer()
    ground = Ground(tmp_path, scenario)
    assert ground.reword(words_for(answer), arrived_ns=arrived_ns - 5).files == ()
    said = ground.receive(answer, arrived_ns=arrived_ns, station="Troll")
    assert [file.name for file in said.files][-1] == "everyone-0007-alert-words.xml"
    assert ground.reword(words_for(answer), arrived_ns=arrived_ns).files == ()


def test_early_words_of_another_answer_do_not_hold_up_an_alert(
    tmp_path, scenario, make_answer, arrived_ns
):
    answer = make_answer()
    ground = Ground(tmp_path, scenario)
    ground.reword(words_for(answer, answer_sha256="0" * 64), arrived_ns=arrived_ns)
    said = ground.receive(answer, arrived_ns=arrived_ns, station="Troll")
    assert said.subscriptions == ("everyone",)
    assert not list((tmp_path / "inbox").glob("*words*"))


@pytest.mark.parametrize(
    ("kind", "change"), [("alert", {"answer_sha256": "0" * 64}), ("nothing_found", {})]
)
def test_words_of_another_answer_are_refused(
    tmp_path, scenario, make_answer, arrived_ns, kind, change
):
    answer = make_answer(kind)
    ground = Ground(tmp_path, scenario)
    ground.receive(answer, arrived_ns=arrived_ns, station="Troll")
    with pytest.raises(PacketError, match="another answer"):
        ground.reword(words_for(answer, **change), arrived_ns=arrived_ns)
    assert not list((tmp_path / "inbox").glob("*words*"))
