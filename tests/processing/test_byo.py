from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper
import pytest

import orbitloom
from orbitloom.errors import InputFileError, ScenarioError
from orbitloom.processing.app_check import check, trial_tile
from orbitloom.processing.apps import Context
from orbitloom.processing.assess import RuleModel
from orbitloom.processing.byo import load_app
from orbitloom.processing.l2 import CLOUD
from orbitloom.scenario import plugins
from orbitloom.scenario.hardware import Instrument
from orbitloom.testing.app import sample_tile

HERE = Context(target="Here", sensed_ns=5)
SMALL = Instrument(columns=96, lines=160)


@pytest.fixture
def python(tmp_path):
    """Return a function that makes an application of a source."""

    def make(body, said="bands=('red', 'nir'), event='greening', memory_mb=256", name="mine.py"):
        file = tmp_path / name
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        file.write_text(
            f"import orbitloom\n@orbitloom.app({said})\ndef detect(bands, mask, info):\n{lines}"
        )
        return load_app(file)

    return make


# A function -------------------------------------------------------------------------------------


def test_an_answer_names_the_bytes_that_made_it(python, tmp_path):
    app = python("return bands['nir'] > 1")
    source = (tmp_path / "mine.py").read_bytes()

    assert (app.name, app.requires) == ("mine", ("red", "nir"))
    assert app.version == f"sha256:{hashlib.sha256(source).hexdigest()}"
    assert python("return bands['nir'] > 2").version != app.version


def test_a_marked_function_stays_a_function():
    @orbitloom.app(bands=["nir"], event="bright", seconds=2)
    def detect(bands, mask, info):
        return bands["nir"] > 0.5

    assert detect({"nir": np.ones((2, 2))}, None, {}).all()
    assert detect.orbitloom_app.bands == ("nir",)


def test_a_mask_is_measured(python):
    tile = sample_tile("land")
    numbers = tile.numbers.copy()
    numbers[3, 50:150, 50:150] = 6000
    app = python("return bands['nir'] > 0.5")
    finding = app.analyse(replace(tile, numbers=numbers), HERE)

    assert finding.evidence.area_km2 == pytest.approx(1.0)
    assert finding.evidence.event == "greening"
    assert finding.headline == "Greening at Here: 1.00 km²"
    assert np.array_equal(finding.area, numbers[3] == 6000)
    assert RuleModel().assess(finding.evidence).verdict == "keep"


def test_scores_have_a_threshold_and_a_contrast(python):
    app = python("return bands['nir'] * 3", "bands=('nir',), event='bright', threshold=0.7")
    finding = app.analyse(sample_tile("land"), HERE)

    assert finding.evidence.contrast == pytest.approx(0.08, abs=1e-5)
    assert finding.confidence == pytest.approx(0.78, abs=1e-5)
    higher = "bands=('nir',), event='bright', threshold=0.8"
    assert python("return bands['nir'] * 3", higher).analyse(sample_tile(), HERE).evidence is None


def test_points_are_told_one_by_one(python):
    app = python(
        "import numpy as np\n"
        "return [dict(row=10, column=20, length_m=np.float32(31), kind='barge'),\n"
        "        dict(row=30, column=40.6, score=0.4)]"
    )
    finding = app.analyse(sample_tile("land"), HERE)

    (one,) = finding.details
    assert one["length_m"] == 31.0
    assert one["kind"] == "barge"
    assert one["longitude_deg"] == pytest.approx(15.0 + 205 * 1.27e-5, abs=2e-5)
    assert np.argwhere(finding.area).tolist() == [[10, 20]]
    assert RuleModel().assess(finding.evidence).verdict == "keep"


def test_no_points_is_nothing(python):
    finding = python("return []").analyse(sample_tile("land"), HERE)

    assert (finding.evidence, finding.reason, finding.cause) == (None, None, "")


def test_it_is_told_where_and_when(python):
    app = python("import json\nprint(json.dumps(info, sort_keys=True))\nreturn mask > 99")
    said = json.loads(app.look(sample_tile("land"), HERE).printed)

    assert said["transform"] == [10.0, 0.0, 5e5, 0.0, -10.0, 5e6]
    assert {key: value for key, value in said.items() if key != "transform"} == {
        "target": "Here",
        "sensed_ns": 5,
        "gsd_m": 10.0,
        "epsg": 32633,
        "sun_elevation_deg": 40.0,
        "sun_azimuth_deg": 0.0,
    }


def test_what_lies_below_cloud_counts_only_if_it_says_so(python):
    tile = sample_tile("land")
    mask = tile.mask.copy()
    mask[:100] = CLOUD
    tile = replace(tile, mask=mask)
    said = "bands=('nir',), event='bright'"

    below = python("return bands['nir'] > 0.1", said).analyse(tile, HERE)
    through = python("return bands['nir'] > 0.1", said + ", through_cloud=True").analyse(tile, HERE)
    assert below.evidence.area_km2 == pytest.approx(2.0)
    assert through.evidence.area_km2 == pytest.approx(4.0)


def test_small_parts_are_left_out(python):
    app = python(
        "import numpy as np\nfound = np.zeros(mask.shape, bool)\n"
        "found[:10, :10] = True\nfound[50, 50] = True\nreturn found",
        "bands=('nir',), event='bright', least_part_km2=0.005",
    )

    assert app.analyse(sample_tile("land"), HERE).evidence.parts == 1


def test_an_entry_point_to_a_marked_function_runs_in_the_sandbox(tmp_path, monkeypatch):
    (tmp_path / "theirs_for_test.py").write_text(
        "import orbitloom\n@orbitloom.app(bands=('nir',), event='bright')\n"
        "def detect(bands, mask, info):\n    return bands['nir'] > 0.2\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import theirs_for_test

    monkeypatch.setattr(plugins, "load", lambda group, name: theirs_for_test.detect)
    app = load_app("theirs")

    assert (app.name, app.code.kind) == ("theirs", "python")
    assert app.analyse(sample_tile("land"), HERE).evidence.area_km2 == pytest.approx(4.0)


def test_installed_applications_are_loaded_by_name():
    assert load_app("flood").name == "flood"
    with pytest.raises(ScenarioError, match="no app is called 'fluud'"):
        load_app("fluud")


BAD_SOURCES = {
    "syntax": ("def detect(:", r"is not Python: .*\(line 1\)"),
    "unmarked": ("def detect(bands, mask, info): pass", "no functions marked"),
    "twice": (
        "@app(bands=('a',), event='b')\ndef f(): pass\n" * 2,
        "has 2 functions marked",
    ),
    "not literal": ("@app(bands=BANDS, event='b')\ndef f(): pass", "not a literal"),
    "no event": ("@app(bands=('a',))\ndef f(): pass", "event is missing"),
    "unknown": ("@app(bands=('a',), event='b', colour=1)\ndef f(): pass", "'colour'"),
    "no bands": ("@app(bands=(), event='b')\ndef f(): pass", "bands = "),
    "event": ("@app(bands=('a',), event='An Event')\ndef f(): pass", "'An Event' cannot be used"),
    "seconds": ("@app(bands=('a',), event='b', seconds=0)\ndef f(): pass", "seconds = 0"),
    "nan": ("@app(bands=('a',), event='b', seconds=1e999)\ndef f(): pass", "seconds = inf"),
    "memory": ("@app(bands=('a',), event='b', memory_mb=1)\ndef f(): pass", "memory_mb = 1 "),
    "zeros": ("\0", "is not Python"),
}


@pytest.mark.parametrize("what", BAD_SOURCES)
def test_a_source_that_says_too_little_is_refused(tmp_path, what):
    source, message = BAD_SOURCES[what]
    file = tmp_path / "mine.py"
    file.write_text(source)

    with pytest.raises(InputFileError, match=message) as caught:
        load_app(file)
    assert str(file) in str(caught.value)


def test_a_source_is_not_run_to_be_read(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        f"open({str(tmp_path / 'ran')!r}, 'w')\nimport orbitloom\n"
        "@orbitloom.app(bands=('nir',), event='bright')\ndef f(*given): return None\n"
    )
    load_app(file)

    assert not (tmp_path / "ran").exists()


def test_a_file_that_is_not_there_is_named(tmp_path):
    for name in ("no.py", "no.onnx", "no.toml", "no.json"):
        with pytest.raises(InputFileError, match="cannot be read"):
            load_app(tmp_path / name)


# A network --------------------------------------------------------------------------------------

FLOAT = onnx.TensorProto.FLOAT


def network(nodes=None, *, shape=(1, 2, 64, 64), opset=17, external=False, weight=(-20.0, 20.0)):
    """Return a network as bytes: a weighted sum of two bands, less 2."""
    constants = {"w": np.array(weight).reshape(1, -1, 1, 1), "b": np.array([-2.0])}
    weights = [onnx.numpy_helper.from_array(v.astype("f4"), k) for k, v in constants.items()]
    if external:
        onnx.external_data_helper.set_external_data(weights[0], "weights.bin")
        weights[0].data_location = onnx.TensorProto.EXTERNAL
    nodes = nodes or [onnx.helper.make_node("Conv", ["x", "w", "b"], ["y"])]
    graph = onnx.helper.make_graph(
        nodes,
        "graph",
        [onnx.helper.make_tensor_value_info("x", FLOAT, shape)],
        [onnx.helper.make_tensor_value_info("y", FLOAT, None)],
        weights,
    )
    opsets = [onnx.helper.make_opsetid("", opset), onnx.helper.make_opsetid("com.microsoft", 1)]
    return onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


@pytest.fixture
def brought(tmp_path):
    """Return a function that writes a network and its manifest, and loads them."""

    def make(model, *, out='kind = "logit"', top="", size="size = 64\nmargin = 8", sha256=None):
        (tmp_path / "net.onnx").write_bytes(model)
        digest = sha256 or hashlib.sha256(model).hexdigest()
        (tmp_path / "net.toml").write_text(
            f'bands = ["red", "nir"]\nevent = "greening"\nsha256 = "{digest}"\n'
            f'training_data = "none, the weights are set by hand"\nlicence = "Apache-2.0"\n{top}\n'
            f"[input]\n{size}\n[output]\n{out}\n"
        )
        return load_app(tmp_path / "net.onnx")

    return make


def test_a_network_is_run_in_squares_that_do_not_show(brought):
    """A 5 x 5 mean, whose squares meet without a seam, against the same mean taken at once."""
    from scipy import ndimage

    mean = onnx.helper.make_node(
        "AveragePool", ["x"], ["p"], kernel_shape=[5, 5], pads=[2, 2, 2, 2], count_include_pad=1
    )
    last = onnx.helper.make_node("Conv", ["p", "w"], ["y"])
    app = brought(
        network([mean, last], weight=(0.0, 1.0)),
        out='kind = "score"',
        size="size = 64\nmargin = 4\noffset = [0.0, 0.1]\nscale = [1.0, 2.0]",
    )
    tile = trial_tile(("red", "nir"), (150, 131), 10.0)
    tile = replace(tile, mask=np.zeros_like(tile.mask), numbers=np.maximum(tile.numbers, 2000))
    outcome = app.look(tile, HERE)

    expected = ndimage.uniform_filter((tile.band("nir") - 0.1) / 2.0, 5, mode="nearest")
    assert outcome.scores == pytest.approx(expected, abs=1e-6)


def test_a_softmax_has_a_channel(brought):
    both = onnx.helper.make_node("Identity", ["x"], ["y"])
    app = brought(network([both]), out='kind = "softmax"\nchannel = 1')
    scores = app.look(sample_tile("land"), HERE).scores

    assert scores == pytest.approx(1.0 / (1.0 + np.exp(0.09 - 0.26)), abs=1e-6)


def test_boxes_are_points_counted_once(brought):
    """Every square answers with the same box: one point for each square whose core holds it."""
    box = onnx.helper.make_tensor("c", FLOAT, (2, 5), [20, 30, 24, 40, 0.9, 2, 2, 4, 4, 0.9])
    node = onnx.helper.make_node("Constant", [], ["y"], value=box)
    app = brought(network([node]), out='kind = "boxes"')
    points = app.look(sample_tile("land"), HERE).points

    assert len(points) == 4 * 4
    assert points[0] == {"row": 14, "column": 27, "score": 0.9, "height_m": 40, "width_m": 100}
    assert points[-1]["row"] == 14 + 3 * 48


def node(operator, **more):
    return [onnx.helper.make_node(operator, ["x"], ["y"], **more)]


REFUSED_NETWORKS = {
    "random": (network(node("RandomNormalLike")), "'RandomNormalLike' is refused"),
    "custom": (network(node("Gelu", domain="com.microsoft")), "of 'com.microsoft'"),
    "inside": (
        network(
            [
                onnx.helper.make_node(
                    "If",
                    ["x"],
                    ["y"],
                    then_branch=onnx.helper.make_graph(node("Bernoulli"), "t", [], []),
                    else_branch=onnx.helper.make_graph(node("Relu"), "e", [], []),
                )
            ]
        ),
        "'Bernoulli' is refused",
    ),
    "old": (network(opset=6), "operator set 6 is too old"),
    "weights elsewhere": (network(external=True), "weights are in another file"),
    "no network": (b"GIF89a and so on", "is not an ONNX file"),
    "nothing": (b"", "is not an ONNX file"),
    "cut off": (network()[:-40], "is not an ONNX file"),
}


@pytest.mark.parametrize("what", REFUSED_NETWORKS)
def test_a_network_that_cannot_fly_is_refused_unrun(brought, what):
    model, message = REFUSED_NETWORKS[what]
    with pytest.raises(InputFileError, match=message):
        brought(model)


def test_another_network_than_the_manifest_names_is_refused(brought):
    with pytest.raises(InputFileError, match="is not the network that it names"):
        brought(network(), sha256="0" * 64)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"size": "size = 64\nmargin = 32"}, "margin leaves nothing of size"),
        ({"size": "size = 64\nscale = [1.0]"}, "input.scale takes one number a band"),
        ({"out": 'kind = "picture"'}, "output.kind"),
        ({"top": "colour = 1"}, "colour"),
        ({"top": 'model = "../net.onnx"'}, "is not in its folder"),
        ({"top": "seconds = -1.0"}, "seconds = -1.0"),
        ({"top": "["}, "is not valid TOML"),
    ],
)
def test_a_manifest_that_is_wrong_is_refused(brought, said, message):
    with pytest.raises(InputFileError, match=message):
        brought(network(), **said)


@pytest.mark.parametrize(
    ("model", "more", "message"),
    [
        (network(shape=(1, 3, 64, 64)), {}, "takes 1 x 3 x 64 x 64, its manifest says 1 x 2 x 64"),
        (network(shape=(1, 2, 32, 32)), {}, "takes 1 x 2 x 32 x 32"),
        (network(), {"out": 'kind = "logit"\nchannel = 1'}, "gives 1 channels"),
        (network(), {"out": 'kind = "boxes"'}, "and not boxes"),
        (network(), {"out": 'kind = "score"'}, "a score is not from 0 to 1"),
        (network(node("NoSuchThing")), {}, "stopped: crash"),
    ],
)
def test_a_network_that_does_not_fit_is_found_by_the_check(brought, model, more, message):
    with pytest.raises(InputFileError, match=message):
        check(brought(model, **more), SMALL)


def test_a_network_that_wants_20_gb_is_stopped(brought):
    much = onnx.helper.make_tensor("c", onnx.TensorProto.INT64, (4,), [1, 1_250_000, 64, 64])
    nodes = [
        onnx.helper.make_node("Constant", [], ["shape"], value=much),
        onnx.helper.make_node("Conv", ["x", "w", "b"], ["one"]),
        onnx.helper.make_node("Expand", ["one", "shape"], ["y"]),
    ]
    finding = brought(network(nodes)).analyse(sample_tile("land"), HERE)

    assert (finding.reason, finding.cause) == ("app", "memory")


def test_the_manifest_of_the_how_to_works(tmp_path):
    page = (Path(__file__).parents[2] / "docs/how-to/own-app.md").read_text(encoding="utf-8")
    text = re.search(r"<!-- file: ships.toml -->\n```toml\n(.*?)```", page, flags=re.S).group(1)
    model = network(shape=("n", 2, "rows", "columns"))
    (tmp_path / "ships.onnx").write_bytes(model)
    digest = hashlib.sha256(model).hexdigest()
    (tmp_path / "ships.toml").write_text(text.replace("0" * 64, digest))
    outcome = load_app(tmp_path / "ships.toml").look(sample_tile("land"), HERE)

    expected = 1 / (1 + np.exp(2.0 - 20.0 * (0.21 - 0.04) / 0.1))
    assert outcome.scores == pytest.approx(expected, abs=1e-5)


# A process graph --------------------------------------------------------------------------------


def graph(**more):
    """Return NDVI above 0.4 as a process graph."""
    higher = {"process_id": "gt", "arguments": {"x": {"from_parameter": "x"}, "y": 0.4}}
    look = {"id": "LOOK", "spatial_extent": None, "temporal_extent": None, "bands": ["red", "nir"]}
    callback = {"process_graph": {"gt": {**higher, "result": True}}}
    nodes = {
        "look": {"process_id": "load_collection", "arguments": look},
        "ndvi": {"process_id": "ndvi", "arguments": {"data": {"from_node": "look"}}},
        "high": {
            "process_id": "apply",
            "arguments": {"data": {"from_node": "ndvi"}, "process": callback},
            "result": True,
        },
    }
    return {"process_graph": nodes, "orbitloom": {"event": "greening"}} | more


def test_a_graph_finds_what_a_function_finds(tmp_path, python):
    (tmp_path / "high.json").write_text(json.dumps(graph()))
    app = load_app(tmp_path / "high.json")
    tile = trial_tile(("blue", "red", "nir"), (90, 80), 10.0)
    same = python("red, nir = bands['red'], bands['nir']\nreturn (nir - red) / (nir + red) > 0.4")

    assert app.requires == ("red", "nir")
    first, second = app.analyse(tile, HERE), same.analyse(tile, HERE)
    assert np.array_equal(first.area, second.area)
    assert first.evidence == second.evidence


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"orbitloom": None}, "does not say what it finds"),
        ({"orbitloom": {"event": 1}}, "event = 1"),
        ({"process_graph": {}}, "process graph"),
        ({"process_graph": {"a": {"process_id": "run_udf", "arguments": {}}}}, "run_udf"),
    ],
)
def test_a_graph_that_cannot_fly_is_refused(tmp_path, more, message):
    (tmp_path / "high.json").write_text(json.dumps(graph(**more)))
    with pytest.raises(InputFileError, match=message):
        load_app(tmp_path / "high.json")


# The check --------------------------------------------------------------------------------------


def test_a_check_says_what_it_took(python):
    checked = check(python("print(bands['nir'].shape)\nreturn bands['nir'] > 0.3"), SMALL)

    assert checked.shape == (160, 96)
    assert 0.0 < checked.cpu_s < checked.seconds == 10.0
    assert 0.0 <= checked.memory_mb < checked.budget_mb == 256
    assert "bands: red, nir" in checked.lines()


def test_a_check_tries_installed_applications_too():
    assert check(load_app("flood"), SMALL).name == "flood"


@pytest.mark.parametrize(
    ("body", "said", "message"),
    [
        ("return mask > 9", "bands=('swir22',), event='dry'", "needs the band 'swir22'"),
        ("return mask[1:] > 9", "bands=('nir',), event='dry'", "stopped: output"),
        ("import socket; socket.socket()", "bands=('nir',), event='dry'", "network .socket"),
        (
            "import os, numpy as np\n"
            "return np.frombuffer(os.urandom(mask.size), 'u1').reshape(mask.shape) > 127",
            "bands=('nir',), event='dry'",
            "two answers for the same tile",
        ),
        (
            "print('about to divide')\nreturn 1 / 0",
            "bands=('nir',), event='dry'",
            "ZeroDivisionError in line 5.*printed last: .*division by zero",
        ),
    ],
)
def test_what_cannot_fly_is_told_before_it_is_uploaded(python, body, said, message):
    with pytest.raises(InputFileError, match=message):
        check(python(body, said), SMALL)


def test_bands_that_fill_the_memory_are_told_without_a_trial(python):
    large = SimpleNamespace(bands=SMALL.bands, lines=20_000, columns=20_000, gsd_m=5.0)
    with pytest.raises(InputFileError, match="its bands alone take 3200 MB of the 256"):
        check(python("return mask > 9"), large)
