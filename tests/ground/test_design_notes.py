"""The snippets in the design notes of the ground and the formats run as they are printed."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

NOTES = Path(__file__).parents[2] / "docs" / "design"


@pytest.mark.parametrize("name", ["ground.md", "formats.md"])
def test_a_snippet_does_what_the_note_says(name):
    result = doctest.testfile(str(NOTES / name), module_relative=False)
    assert result.failed == 0
    assert result.attempted > 0
