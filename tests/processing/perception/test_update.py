"""Signed small updates: a drift is made good, and what is false, old or worse is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import numpy as np
import pytest

from orbitloom.errors import InputFileError, ModelError, OutputError
from orbitloom.processing import cloudnet
from orbitloom.processing.masks import CLOUD, cloud_masks
from orbitloom.processing.perception.retrain import adapter, retrain
from orbitloom.processing.perception.score import cloud_overlap
from orbitloom.processing.perception.tuning import Tuning
from orbitloom.processing.perception.update import LARGEST_BYTES, Update, Updater, read, sign
from orbitloom.testing.drifts import blurred, dead_columns, gained
from orbitloom.wire import canonical_json

from .conftest import labelled

KEY, NAME = bytes(range(32)), "SAT-07"


def plain(**changed):
    said = {
        "gain": np.ones(6, np.float32),
        "offset": np.zeros(6, np.float32),
        "dead": ((),) * 6,
        **changed,
    }
    return Tuning(**said)


def update(tuning, sequence=1, satellite=NAME, network=None):
    return Update(
        satellite=satellite,
        sequence=sequence,
        network_sha256=network or cloudnet.model_hash(),
        tuning=tuning,
    )


def signed(tuning, sequence=1, **changed):
    return sign(update(tuning, sequence, **changed), KEY)


def forged(**changed):
    """Return an update with a true signature over what no honest ground would say."""
    said = json.loads(signed(plain())[:-32]) | changed
    body = canonical_json(said)
    return body + hmac.digest(KEY, body, "sha256")


def lessened(toa):
    return gained(
        toa, 0.5, 4
    )  # 1.6 um at half its gain: snow looks like cloud, and cloud like snow


@pytest.fixture(scope="module")
def dim(scenes):
    """Scenes of a sensor that has lost half of its gain at 1.6 um."""
    return [labelled(one, lessened(one.toa)) for one in scenes]


@pytest.fixture(scope="module")
def mended(own_scenes):
    """The adapter and head for it, made of other scenes of it and what its twin saw."""
    own = [labelled(one, lessened(one.toa)) for one in own_scenes]
    return retrain(own, adapter(own, [one.toa for one in own_scenes]))


@pytest.fixture
def updater(tmp_path):
    return Updater(tmp_path / "update.state", NAME, KEY)


def test_without_an_update_the_masks_are_as_ever_and_with_the_own_head_too(scenes):
    toa, good = scenes[0].toa, np.ones(scenes[0].toa.shape[1:], bool)
    weights, bias = cloudnet.head()
    same = plain(weights=weights, bias=bias)
    before = cloudnet.chances(toa, cloudnet.BANDS, good, 2)
    assert np.array_equal(cloudnet.chances(toa, cloudnet.BANDS, good, 2, plain()), before)
    assert np.allclose(cloudnet.chances(toa, cloudnet.BANDS, good, 2, same), before, atol=1e-6)


def test_the_head_works_on_the_features(scenes):
    """Sixteen logits a place: class by class the four cells, line by line."""
    toa, good = scenes[1].toa, np.ones(scenes[1].toa.shape[1:], bool)
    weights, bias = cloudnet.head()
    features = cloudnet.features(toa, cloudnet.BANDS, good, 2)
    logits = np.einsum("of,fyx->oyx", weights, features) + bias[:, None, None]
    cells = logits.reshape(4, 2, 2, 64, 64).transpose(0, 3, 1, 4, 2).reshape(4, 128, 128)
    found = cloudnet.chances(toa, cloudnet.BANDS, good, 2)
    assert np.allclose(1.0 / (1.0 + np.exp(-cells)), found, atol=1e-5)


def test_a_new_head_decides(scenes):
    toa, good = scenes[0].toa, np.ones(scenes[0].toa.shape[1:], bool)
    weights, bias = cloudnet.head()
    bias = bias.copy()
    bias[:4] = 100.0
    all_cloud = plain(weights=weights, bias=bias)
    flags = cloud_masks(toa, cloudnet.BANDS, good, None, 10.0, tuning=all_cloud)
    assert (flags & CLOUD).all()


def test_an_update_brings_the_score_back(scenes, dim, mended, updater):
    undrifted = cloud_overlap([labelled(one) for one in scenes])
    octets = signed(mended)
    assert len(octets) < 4_000
    audit = updater.apply(octets, dim)
    assert audit.kept
    assert audit.before < undrifted - 0.05
    assert audit.after > undrifted - 0.02
    assert cloud_overlap(dim, updater.tuning) == pytest.approx(audit.after, abs=1e-6)
    assert audit.update_sha256 == hashlib.sha256(octets).hexdigest()
    assert json.loads(audit.record())["after"] == audit.after


@pytest.mark.parametrize(
    "change",
    [
        lambda toa: gained(toa, 1.5, 1),
        lambda toa: dead_columns(toa, 64),
        lambda toa: blurred(toa, 4.0),
    ],
    ids=["gain", "dead columns", "blur"],
)
def test_drifts_are_made_good(scenes, own_scenes, change):
    undrifted = cloud_overlap([labelled(one) for one in scenes])
    own = [labelled(one, change(one.toa)) for one in own_scenes]
    tuning = retrain(own, adapter(own, [one.toa for one in own_scenes]))
    drifted = [labelled(one, change(one.toa)) for one in scenes]
    assert cloud_overlap(drifted, tuning) > undrifted - 0.02


def test_a_head_alone_helps_where_no_other_sensor_saw_the_same(own_scenes, scenes):
    def change(toa):
        return gained(toa, 1.5, 1)

    own = [labelled(one, change(one.toa)) for one in own_scenes]
    drifted = [labelled(one, change(one.toa)) for one in scenes]
    tuning = retrain(own, adapter(own))
    assert cloud_overlap(drifted, tuning) > cloud_overlap(drifted)


def test_a_worse_one_is_rolled_back_and_its_number_is_spent(updater, scenes, mended, dim):
    updater.apply(signed(mended), dim)
    active = updater.tuning
    weights, bias = cloudnet.head()
    worse = signed(plain(weights=-weights, bias=-bias), 2)
    audit = updater.apply(worse, dim)
    assert not audit.kept
    assert audit.after < audit.before
    assert updater.tuning is active
    assert updater.sequence == 2
    with pytest.raises(ModelError, match="number 2 is not above 2"):
        updater.apply(worse, dim)


def test_a_replayed_one_is_refused(updater, dim, mended):
    octets = signed(mended)
    updater.apply(octets, dim[:2])
    with pytest.raises(ModelError, match="number 1 is not above 1, the last one taken"):
        updater.apply(octets, dim[:2])


@pytest.mark.parametrize("place", [0, 40, -40, -1])
def test_a_tampered_one_is_refused(updater, dim, place):
    octets = bytearray(signed(plain()))
    octets[place] ^= 1
    with pytest.raises(ModelError, match="signature does not hold") as refused:
        updater.apply(bytes(octets), dim[:1])
    assert refused.value.way_out
    assert (updater.tuning, updater.sequence) == (None, 0)


def test_one_for_others_is_refused(updater, dim):
    for octets, why in (
        (sign(update(plain()), bytes(32)), "signature does not hold"),
        (signed(plain(), satellite="SAT-08"), "it is for SAT-08, not for SAT-07"),
        (signed(plain(), network="0" * 64), "it changes the network 000000000000"),
        (b"", "0 bytes are no update"),
        (bytes(LARGEST_BYTES + 1), "are no update"),
    ):
        with pytest.raises(ModelError, match=why):
            updater.apply(octets, dim[:1])


@pytest.mark.parametrize(
    "changed",
    [
        {"gain": [1.0] * 5},
        {"gain": [0.0] * 6},
        {"gain": None},
        {"offset": [2.0] * 6},
        {"dead": [[-1]] + [[]] * 5},
        {"weights": "AAAA"},
        {"weights": "AAAA", "bias": "AAAA"},
        {"weights": "no base64!", "bias": ""},
        {"sequence": 0},
        {"sequence": "1"},
        {"more": 1},
        {
            "weights": base64.b64encode(np.full(384, np.nan, "<f4").tobytes()).decode(),
            "bias": base64.b64encode(bytes(64)).decode(),
        },
    ],
    ids=repr,
)
def test_nonsense_with_a_true_signature_is_refused(updater, dim, changed):
    with pytest.raises(ModelError, match="does not say what an update says"):
        updater.apply(forged(**changed), dim[:1])


def test_signed_bytes_that_are_no_json_are_refused():
    for body in (b"{", b"[1]", b"\xff\xfe"):
        octets = body + hmac.digest(KEY, body, "sha256")
        with pytest.raises(ModelError, match="does not say"):
            read(octets, KEY, NAME, cloudnet.model_hash(), 0)


def test_none_is_signed_that_would_be_refused():
    with pytest.raises(ModelError, match="does not say"):
        signed(plain(gain=np.zeros(6, np.float32)))
    with pytest.raises(ModelError, match="20000 bytes at most"):
        signed(plain(dead=(tuple(range(5_000)),) * 6))
    with pytest.raises(ModelError, match="key of 5 bytes is too short"):
        sign(update(plain()), b"short")


def test_an_update_is_the_same_bytes_each_time_and_reads_as_it_was(mended):
    octets = signed(mended, 9)
    assert octets == signed(mended, 9)
    again = read(octets, KEY, NAME, cloudnet.model_hash(), 8)
    assert again.sequence == 9
    assert again.tuning.dead == mended.dead
    for name in ("gain", "offset", "weights", "bias"):
        assert np.array_equal(getattr(again.tuning, name), getattr(mended, name))


def test_the_state_outlives_a_restart(tmp_path, dim, mended):
    file = tmp_path / "update.state"
    first = Updater(file, NAME, KEY)
    audit = first.apply(signed(mended, 5), dim[:3])
    assert audit.kept
    again = Updater(file, NAME, KEY)
    assert again.sequence == 5
    assert np.array_equal(again.tuning.weights, mended.weights)
    with pytest.raises(ModelError, match="not above 5"):
        again.apply(signed(mended, 4), dim[:3])
    assert [one.name for one in tmp_path.iterdir()] == ["update.state"]


def test_a_state_of_others_is_no_state(tmp_path, dim):
    file = tmp_path / "update.state"
    Updater(file, NAME, KEY).apply(signed(plain()), dim[:1])
    file.write_bytes(file.read_bytes().replace(b'"sequence":1', b'"sequence":0'))
    with pytest.raises(ModelError, match="not what this satellite wrote"):
        Updater(file, NAME, KEY)
    with pytest.raises(InputFileError, match="cannot be read"):
        Updater(tmp_path, NAME, KEY)


def test_what_cannot_be_written_is_not_active(tmp_path, dim):
    updater = Updater(tmp_path / "nowhere" / "update.state", NAME, KEY)
    with pytest.raises(OutputError, match="cannot be written"):
        updater.apply(signed(plain()), dim[:1])
    assert (updater.tuning, updater.sequence) == (None, 0)


def test_without_scenes_there_is_no_audit(updater):
    with pytest.raises(ModelError, match="no scene to try it on"):
        updater.apply(signed(plain()), [])


def test_dead_columns_beyond_the_picture_are_refused(dim):
    with pytest.raises(ModelError, match="do not fit a picture of 256 columns"):
        cloud_overlap(dim[:1], plain(dead=((300,),) + ((),) * 5))


def test_the_gain_and_the_columns_that_went_wrong_are_found(own_scenes):
    own = [labelled(one, dead_columns(gained(one.toa, 0.8, 2), 3)) for one in own_scenes[:8]]
    found = adapter(own, [one.toa for one in own_scenes[:8]])
    assert found.gain == pytest.approx([1.0, 1.0, 1.25, 1.0, 1.0, 1.0], abs=0.01)
    assert [len(band) for band in found.dead] == [3] * 6
