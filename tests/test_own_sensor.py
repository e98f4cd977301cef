"""The how-to of a stranger's sensor does what it says, without a change to the package."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[1] / "docs/how-to/own-instrument.md"
_FILES = re.compile(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)


@pytest.fixture
def folder(tmp_path):
    files = dict(_FILES.findall(PAGE.read_text(encoding="utf-8")))
    assert set(files) == {"larch.toml", "look.py", "test_larch.py"}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def run(folder, *arguments):
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_toml_file_goes_from_packets_to_radiance_on_earth(folder):
    said = run(folder, "look.py")
    packets, missing, refused = map(
        int, re.search(r"(\d+) packets, (\d+) missing, (\d+) refused", said).groups()
    )
    assert packets + missing >= 500 + 12  # a line each, and the platform's
    assert missing < 10
    assert refused == 0
    highest = int(re.search(r"highest number (\d+) of 16383", said)[1])
    assert 4095 < highest <= 16383
    levels = {name: float(value) for name, value in re.findall(r"(\w+): (\d+) W/m2", said)}
    assert set(levels) == {"blue", "green", "red", "nir", "swir16"}
    assert 20 < levels["blue"] < 150
    assert 1 < levels["swir16"] < 40
    assert "middle at 44.30 N 11.90 E" in said


def test_it_keeps_the_contract(folder):
    said = run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_larch.py")
    assert re.search(r"\d+ passed", said)
    assert "failed" not in said
