"""A flight goes on around hostile applications: they are stopped, and nobody else notices."""

from __future__ import annotations

import pytest

from orbitloom.api import fly
from orbitloom.scenario import load

_HOSTILE = {
    "time": "    while True:\n        pass\n",
    "memory": "    import numpy\n    return numpy.ones(20 * 2**30 // 8)\n",
    "network": "    import socket\n    socket.create_connection(('192.0.2.1', 80))\n",
    "files": "    open('/etc/passwd').read()\n",
}
_HEAD = (
    "import orbitloom\n\n"
    '@orbitloom.app(bands=("red", "nir"), event="harm", seconds=1.0, memory_mb=256)\n'
    "def detect(bands, mask, info):\n"
)


def _flown(targets):
    scenario = load(
        "flood12",
        hours=4.0,
        arms=("orbit",),
        instrument={"lines": 300, "columns": 300},
        targets=targets,
    )
    return fly(scenario, model="template").result


@pytest.mark.slow
def test_other_answers_are_the_same_bytes(tmp_path):
    own = [target.model_dump() for target in load("flood12").targets]
    without = _flown(own)
    seen = list(dict.fromkeys(task.target for task in without.tasks))
    assert len(seen) > len(_HOSTILE) + 1
    ordered = {}
    for cause, body in _HOSTILE.items():
        file = tmp_path / f"{cause}.py"
        file.write_text(_HEAD + body)
        ordered[seen[len(ordered)]] = file
    named = [
        target | ({"app": str(ordered[target["name"]])} if target["name"] in ordered else {})
        for target in own
    ]
    beside = _flown(named)
    assert [task.capture for task in beside.tasks] == [task.capture for task in without.tasks]
    causes = set()
    for task in beside.tasks:
        answer, usual = beside.answers[task.capture], without.answers[task.capture]
        if task.target not in ordered:
            assert answer.to_bytes() == usual.to_bytes()
            continue
        said = answer.feature["properties"]
        assert (said["kind"], said["reason"]) == ("not_observable", "app")
        assert said["cause"] == said["app"] == ordered[task.target].stem
        causes.add(said["cause"])
    assert causes == set(_HOSTILE)
    assert beside.answers.keys() == without.answers.keys()
