from __future__ import annotations

import os

import pytest

from orbitloom.errors import OutputError
from orbitloom.report.folder import FILES, FOLDERS, prepare


def test_new_and_empty_folders_are_taken(tmp_path):
    prepare(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b" / "run.json").exists()
    (tmp_path / "empty").mkdir()
    prepare(tmp_path / "empty")


def test_an_interrupted_flights_folder_can_be_flown_into_again(tmp_path):
    prepare(tmp_path / "out")
    (tmp_path / "out" / "inbox").mkdir()
    (tmp_path / "out" / "inbox" / "old.xml").write_text("old")
    prepare(tmp_path / "out")
    assert not (tmp_path / "out" / "inbox").exists()


def test_an_earlier_flight_goes_and_other_files_stay(tmp_path):
    (tmp_path / "summary.json").write_text('{"scenario": "x", "arms": {}, "digest": ""}')
    for name in FILES[2:]:
        (tmp_path / name).write_text("old")
    for name in FOLDERS:
        (tmp_path / name / "deep").mkdir(parents=True)
    (tmp_path / "notes.txt").write_text("mine")
    prepare(tmp_path)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["notes.txt", "run.json"]
    assert "false" in (tmp_path / "run.json").read_text()


def test_a_link_in_place_of_a_folder_is_removed_and_not_followed(tmp_path):
    prepare(tmp_path / "out")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "keep").write_text("keep")
    (tmp_path / "out" / "catalog").symlink_to(tmp_path / "elsewhere")
    prepare(tmp_path / "out")
    assert (tmp_path / "elsewhere" / "keep").exists()
    assert not (tmp_path / "out" / "catalog").exists()


@pytest.mark.parametrize("summary", ["not json", "[]", '{"arms": {}}', ""])
def test_a_foreign_folder_is_refused_and_untouched(tmp_path, summary):
    (tmp_path / "summary.json").write_text(summary)
    with pytest.raises(OutputError, match="earlier flight"):
        prepare(tmp_path)
    assert (tmp_path / "summary.json").read_text() == summary
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_is_refused(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(OutputError, match="is a file"):
        prepare(tmp_path / "out")
    with pytest.raises(OutputError, match="cannot be written"):
        prepare(tmp_path / "out" / "below")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_place_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="cannot be written"):
        prepare(tmp_path / "out")
