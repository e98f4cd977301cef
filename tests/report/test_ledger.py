from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from orbitloom.report.ledger import breaks, ledger_frame, write_ledger
from orbitloom.wire import LEDGER_COLUMNS


def test_the_table_has_the_contract_columns_and_every_row(flight):
    frame = ledger_frame(flight.ledger)
    assert tuple(frame.columns) == LEDGER_COLUMNS
    assert len(frame) == len(flight.ledger)
    row = flight.ledger[7]
    assert frame.iloc[7].to_dict() == {name: getattr(row, name) for name in LEDGER_COLUMNS}


def test_parquet_gives_the_table_back_and_the_same_bytes_twice(flight, tmp_path):
    frame = ledger_frame(flight.ledger)
    for name in ("a", "b"):
        write_ledger(frame, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    back = pd.read_parquet(tmp_path / "a")
    assert list(back.columns) == list(LEDGER_COLUMNS)
    pd.testing.assert_frame_equal(back.astype(frame.dtypes.to_dict()), frame)
    assert back["start_ns"].dtype == "int64"  # nanoseconds since 1970 need all 64 bits


def test_an_empty_ledger_is_a_table_too(tmp_path):
    write_ledger(ledger_frame(()), tmp_path / "ledger.parquet")
    assert list(pd.read_parquet(tmp_path / "ledger.parquet").columns) == list(LEDGER_COLUMNS)


def test_a_sound_ledger_has_no_breaks(flight):
    assert breaks(flight) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"start_ns": 1}, "starts 1 ns after"),
        ({"end_ns": -1}, "starts 1 ns after"),
        ({"start_ns": -1}, "starts -1 ns after"),
    ],
)
def test_one_nanosecond_off_is_found(flight, change, says):
    rows = list(flight.ledger)
    (name, shift), middle = next(iter(change.items())), 1
    rows[middle] = replace(rows[middle], **{name: getattr(rows[middle], name) + shift})
    found = breaks(replace(flight, ledger=tuple(rows)))
    assert any(says in sentence for sentence in found)
    assert any("steps sum to" in sentence for sentence in found)


def test_a_late_start_a_missing_end_and_strangers_are_found(flight):
    first = flight.ledger[0]
    late = (replace(first, start_ns=first.start_ns + 5), *flight.ledger[1:])
    assert "middle of the capture" in breaks(replace(flight, ledger=late))[0]
    kept = [row for row in flight.ledger if row.capture != 3]
    assert breaks(replace(flight, ledger=tuple(kept))) == [
        f"{arm}, {what}capture 3: no row"
        for arm in ("orbit", "raw", "bentpipe")
        for what in ("", "words of ")
    ]
    stranger = replace(first, capture=999)
    assert "rows of no answer" in breaks(replace(flight, ledger=(*flight.ledger, stranger)))[-1]
    backwards = replace(first, end_ns=first.start_ns - 1)
    assert any("before it starts" in s for s in breaks(replace(flight, ledger=(backwards,))))
