"""The error tree: what is caught by what, what is said, and the way through a process pool."""

from __future__ import annotations

import pickle
from concurrent.futures import ProcessPoolExecutor

import pytest

from orbitloom import errors
from orbitloom.errors import OrbitloomError, ScenarioError

BUILT_IN = {
    "InputFileError": ValueError,
    "ModelError": RuntimeError,
    "NoRouteError": LookupError,
    "OrbitError": ValueError,
    "OutputError": OSError,
    "PacketError": ValueError,
    "ScenarioError": ValueError,
}
KINDS = [getattr(errors, name) for name in BUILT_IN]


def test_the_tree_is_complete():
    assert set(errors.__all__) == {*BUILT_IN, "OrbitloomError"}
    assert {kind.__name__ for kind in OrbitloomError.__subclasses__()} == set(BUILT_IN)


@pytest.mark.parametrize("kind", KINDS)
def test_each_error_is_also_the_built_in_one_a_caller_expects(kind):
    with pytest.raises(BUILT_IN[kind.__name__]):
        raise kind("wrong")
    assert issubclass(kind, OrbitloomError)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("where", "way_out", "text"),
    [
        ("", "", "wrong"),
        ("a.toml, key x", "", "a.toml, key x: wrong"),
        ("", "Try y", "wrong. Try y"),
        ("a.toml", "Try y", "a.toml: wrong. Try y"),
    ],
)
def test_a_message_says_where_what_and_the_way_out(kind, where, way_out, text):
    assert str(kind("wrong", where=where, way_out=way_out)) == text


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_survives_pickle(kind):
    error = kind("wrong", where="a.toml", way_out="Try y")
    again = pickle.loads(pickle.dumps(error))

    assert type(again) is kind
    assert (again.what, again.where, again.way_out) == ("wrong", "a.toml", "Try y")
    assert str(again) == str(error)


def _fail() -> None:
    raise ScenarioError("wrong", where="a.toml", way_out="Try y")


def test_an_error_comes_out_of_a_worker_process_whole():
    with ProcessPoolExecutor(1) as pool, pytest.raises(ScenarioError) as caught:
        pool.submit(_fail).result()
    assert str(caught.value) == "a.toml: wrong. Try y"
