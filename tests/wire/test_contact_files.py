"""Contact plans in others' formats: exact as Arrow, to the whole second for ION and HDTN."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pytest

from orbitloom.errors import InputFileError, OutputError
from orbitloom.scenario import load, time
from orbitloom.wire import LASER, OPTICAL, RF, ContactPlan, EndCause
from orbitloom.wire.contact_arrow import COLUMNS, from_arrow, read_arrow, to_arrow, write_arrow
from orbitloom.wire.contact_files import read_plan, write_plan
from orbitloom.wire.contact_hdtn import from_hdtn, to_hdtn
from orbitloom.wire.contact_ion import from_ion, to_ion
from orbitloom.world.geometry import World

EPOCH_NS = time.from_iso("2026-06-14T00:00:00Z")
S = time.SECOND_NS


def columns_differ(one: ContactPlan, other: ContactPlan, but: tuple[str, ...] = ()) -> list[str]:
    return [
        name
        for name in one.columns()
        if name not in but
        and not (
            np.array_equal(getattr(one, name), getattr(other, name))
            and getattr(one, name).dtype == getattr(other, name).dtype
        )
    ]


@pytest.fixture(scope="module")
def flown() -> ContactPlan:
    """Return the plan of the real fleet with twelve stations: names with blanks, many passes."""
    return World(load("scs01", hours=6, stations="world12")).contacts


@pytest.fixture
def odd() -> ContactPlan:
    """Return a plan with everything that a format can lose."""
    start = np.array([0, 100_000_000, 20_400_000_000, 30_000_000_000, 50_200_000_000])
    end = np.array([10_999_999_999, 20_400_000_000, 40_700_000_000, 45_000_000_000, 50_900_000_000])
    return ContactPlan(
        nodes=("A", 'B "two"', "Süd, 1", "Idle\u2028\n# node 9"),
        satellites=2,
        sender=np.array([0, 1, 1, 1, 0], np.int32),
        receiver=np.array([1, 0, 0, 2, 2], np.int32),
        start_ns=EPOCH_NS + start,
        end_ns=EPOCH_NS + end,
        rate_bps=np.array([1e10, 2.5e9 + 7, 1e11, 160e6, 1e6]),
        light_time_ns=np.array([11_880_000, 1_600_000_000, 0, 2, 3]),
        medium=np.array([LASER, LASER, LASER, OPTICAL, RF], np.int8),
        confidence=np.array([1.0, 0.75, 1.0, 1 / 3, 1.0]),
        end_cause=np.array(
            [EndCause.HORIZON, EndCause.RATE, EndCause.SUN, EndCause.WEATHER, EndCause.PLAN],
            np.int8,
        ),
    )


# Arrow -----------------------------------------------------------------------------------------


def test_arrow_brings_back_every_column_exactly(flown, odd, tmp_path):
    for number, plan in enumerate((flown, odd)):
        file = tmp_path / f"{number}.arrow"
        write_plan(plan, file, "arrow", epoch_ns=EPOCH_NS)
        back = read_plan(file)
        assert (back.nodes, back.satellites) == (plan.nodes, plan.satellites)
        assert columns_differ(plan, back) == []


def test_arrow_is_a_table_that_others_read(odd, tmp_path):
    file = tmp_path / "plan.feather"
    write_arrow(odd, file, epoch_ns=EPOCH_NS)
    table = feather.read_table(file)

    assert table.column_names == list(COLUMNS)
    assert table.schema.field("start").type == pa.timestamp("ns", tz="UTC")
    frame = table.to_pandas()
    assert frame["receiver"].tolist() == ['B "two"', "A", "A", "Süd, 1", "Süd, 1"]
    assert frame["end_cause"].tolist() == ["horizon", "rate", "sun", "weather", "plan"]
    assert frame["medium"].tolist() == ["laser", "laser", "laser", "optical", "rf"]
    assert frame["start"].dt.as_unit("ns").astype("int64").tolist() == odd.start_ns.tolist()
    assert table.schema.metadata[b"schema"] == b"orbitloom.contact-plan/1"
    assert table.schema.metadata[b"epoch"] == b"2026-06-14T00:00:00.000Z"


def test_an_arrow_table_that_another_tool_wrote_reads_the_same(odd, tmp_path):
    """Plain text columns instead of dictionaries, and rows in another order."""
    write_arrow(odd, tmp_path / "ours.arrow")
    table = feather.read_table(tmp_path / "ours.arrow")
    text = [c for c in table.column_names if pa.types.is_dictionary(table.schema.field(c).type)]
    for name in text:
        at = table.column_names.index(name)
        table = table.set_column(at, name, table.column(name).cast(pa.string()))
    feather.write_feather(table.take([3, 1, 4, 0, 2]), tmp_path / "theirs.arrow")

    assert columns_differ(odd, read_arrow(tmp_path / "theirs.arrow")) == []


def test_an_empty_plan_survives(odd, tmp_path):
    none = odd.only(np.zeros(len(odd), np.bool_))
    for name in ("plan.arrow", "plan.ionrc", "plan.json"):
        write_plan(none, tmp_path / name, {"w": "arrow", "c": "ion", "n": "hdtn"}[name[-1]])
        back = read_plan(tmp_path / name)
        assert (len(back), back.nodes, back.satellites) == (0, odd.nodes, 2)


def test_bad_arrow_files_are_refused(odd, tmp_path):
    bad = tmp_path / "bad.arrow"
    bad.write_bytes(b"not arrow at all")
    with pytest.raises(InputFileError, match=r"bad\.arrow: is not an Arrow IPC file"):
        read_arrow(bad)
    with pytest.raises(InputFileError, match="cannot be read"):
        read_arrow(tmp_path / "absent.arrow")
    table = to_arrow(odd)
    with pytest.raises(InputFileError, match="has no column 'rate_bps'"):
        from_arrow(table.select([name for name in COLUMNS if name != "rate_bps"]))
    write_arrow(odd, tmp_path / "good.arrow")
    theirs = feather.read_table(tmp_path / "good.arrow")
    feather.write_feather(theirs.replace_schema_metadata({}), bad)
    with pytest.raises(InputFileError, match="does not say its nodes"):
        read_arrow(bad)
    strange = theirs.set_column(6, "medium", pa.array(["laser", "smoke", "rf", "rf", "rf"]))
    feather.write_feather(strange, bad)
    with pytest.raises(InputFileError, match="'medium' names 'smoke', which is not among laser"):
        read_arrow(bad)
    strange = theirs.set_column(4, "rate_bps", pa.array(["fast"] * 5))
    feather.write_feather(strange, bad)
    with pytest.raises(InputFileError, match="'rate_bps' does not hold numbers"):
        read_arrow(bad)


# Whole seconds ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("to", "back", "unit"), [(to_ion, from_ion, 8), (to_hdtn, from_hdtn, 1)])
def test_what_comes_back_is_the_plan_in_whole_seconds(flown, odd, to, back, unit):
    for plan in (flown, odd):
        first = back(to(plan, epoch_ns=EPOCH_NS))
        start_ns = -(-plan.start_ns // S) * S
        end_ns = plan.end_ns // S * S
        kept = start_ns < end_ns
        assert (first.nodes, first.satellites) == (plan.nodes, plan.satellites)
        order = np.lexsort((plan.receiver[kept], plan.sender[kept], start_ns[kept]))
        for name, expected in {
            "sender": plan.sender,
            "receiver": plan.receiver,
            "start_ns": start_ns,
            "end_ns": end_ns,
            "rate_bps": plan.rate_bps // unit * unit,
            "confidence": plan.confidence,
            "light_time_ns": np.rint(plan.light_time_ns / S).astype(np.int64) * S,
        }.items():
            assert np.array_equal(getattr(first, name), expected[kept][order]), name
        # Never longer than it is, never more than two seconds shorter.
        assert np.all(first.start_ns >= plan.start_ns[kept][order])
        assert np.all(first.end_ns <= plan.end_ns[kept][order])
        # What has been rounded once comes back equal from then on, whatever the epoch.
        for epoch_ns in (EPOCH_NS, None):
            assert columns_differ(first, back(to(first, epoch_ns=epoch_ns))) == []


def test_hdtn_keeps_medium_and_cause_and_ion_guesses_the_medium(odd):
    kept = [0, 1, 2, 3]
    assert from_hdtn(to_hdtn(odd)).medium.tolist() == odd.medium[kept].tolist()
    assert from_hdtn(to_hdtn(odd)).end_cause.tolist() == odd.end_cause[kept].tolist()
    assert from_ion(to_ion(odd)).medium.tolist() == [LASER, LASER, LASER, RF]
    assert set(from_ion(to_ion(odd)).end_cause.tolist()) == {EndCause.HORIZON}


def test_seconds_of_hdtn_may_count_from_1970(odd):
    told = json.loads(to_hdtn(odd, unix_times=True))
    assert told["contacts"][0]["startTime"] == EPOCH_NS // S
    assert columns_differ(from_hdtn(to_hdtn(odd, unix_times=True)), from_hdtn(to_hdtn(odd))) == []


# ION -------------------------------------------------------------------------------------------

MANUAL = """\
# A plan in the words of the manual page, with both forms of time.
1 19 ''
s
m clockerr 1
@ 2026/06/14-00:00:00
a contact +1 +3600 1 2 100000
a contact 2026/06/14-00:00:01 2026/06/14-01:00:00 2 1 50000 0.5
@ +3600
a contact +0 +60 1 2 100000
a contact -1 0 7 7 0
a contact +0 0 1 9 0
a contact +0 +60 3 3 100000
a range +0 +7200 2 3 4
a range 2026/06/14-00:00:00 2026/06/14-02:00:00 1 2 3
a range 2026/06/14-00:00:00 2026/06/14-00:30:00 2 1 5
l contact
"""


def test_the_manuals_syntax_is_read():
    plan = from_ion(MANUAL, stations=(2,))

    assert plan.nodes == ("ipn:1", "ipn:2")
    assert plan.satellites == 1
    assert ((plan.start_ns - EPOCH_NS) // S).tolist() == [1, 1, 3600]
    assert ((plan.end_ns - EPOCH_NS) // S).tolist() == [3600, 3600, 3660]
    assert plan.rate_bps.tolist() == [800_000.0, 400_000.0, 800_000.0]
    assert plan.confidence.tolist() == [1.0, 0.5, 1.0]
    # 1 -> 2 is 3 light seconds; the way back has a range of its own, which wins.
    assert (plan.light_time_ns // S).tolist() == [3, 5, 3]
    assert plan.medium.tolist() == [RF, RF, RF]


def test_a_range_from_the_larger_number_says_nothing_of_the_way_there():
    there = "a contact +0 +9 1 2 5\n"
    assert from_ion(f"{there}a range +0 +9 1 2 1\n").light_time_ns.tolist() == [S]
    assert from_ion("a contact +0 +9 2 1 5\na range +0 +9 1 2 1\n").light_time_ns.tolist() == [S]
    with pytest.raises(InputFileError, match="line 1: no range between 1 and 2 holds"):
        from_ion(f"{there}a range +0 +9 2 1 1\n")


def test_other_programs_sections_are_skipped():
    text = (
        "## begin ionadmin\na contact +0 +9 1 2 5\na range +0 +9 1 2 0\n## end ionadmin\n"
        "## begin bpadmin\na scheme ipn 'ipnfw' 'ipnadminep'\n## end bpadmin\n"
    )
    assert len(from_ion(text)) == 1


def test_ranges_of_both_ways_are_written_once(odd):
    lines = [line for line in to_ion(odd).splitlines() if line.startswith("a range")]
    both = [line for line in to_ion(odd.only(odd.sender == 0)).splitlines() if "a range" in line]

    assert "a range +0 +10 1 2 0" in both
    assert lines == [
        "a range +0 +10 1 2 0",
        "a range +1 +20 2 1 2",
        "a range +21 +40 2 1 0",
        "a range +30 +45 2 3 0",
    ]
    ring = World(load("ring12", hours=0.5)).contacts
    text = to_ion(ring)
    lasers = int(np.sum(ring.medium == LASER))
    assert text.count("a range") == lasers // 2 + len(ring) - lasers


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a contact +0 +9 1 2", "line 3: 4 values where it takes a contact START STOP"),
        ("a contact +0 +9 1 2 5 1 1", "line 3: 7 values"),
        ("a contact 0 +9 1 2 5", "line 3: '0' is no time"),
        ("a contact 2026/13/01-00:00:00 +9 1 2 5", "line 3: '2026/13/01-00:00:00' is no time"),
        ("a contact +9 +9 1 2 5", "line 3: it starts at \\+9 and stops at \\+9"),
        ("a contact +0 +9 0 2 5", "line 3: '0' is no node number"),
        ("a contact +0 +9 1 2 5.5", "line 3: '5.5' is no rate"),
        ("a contact +0 +9 1 2 0", "line 3: '0' is no rate"),
        ("a contact +0 +9 1 2 5 1.5", "line 3: '1.5' is no confidence"),
        ("a contact +0 +9 1 2 5 sure", "line 3: 'sure' is no confidence"),
        ("a contact +5 +9 4 5 5", "line 3: this contact from 4 to 5 overlaps that of line 1"),
        ("a contact +50 +59 4 5 5", "line 3: no range between 4 and 5 holds"),
        ("a range +0 +9 1 2 -1", "line 3: '-1' is no distance"),
        ("a range +0 +9 1 2", "line 3: 4 values where it takes a range"),
        ("a plan 5 udp/here", "line 3: 'a plan' is not understood"),
        ("d contact * 1 2", "line 3: 'd contact' is not understood"),
        ("bring me luck", "line 3: 'bring' is no command of ionadmin"),
        ("@", "line 3: 0 values where it takes @ TIME"),
        ("^ 2", "line 3: only region 1 is read"),
        ('# node 3 station "unended\\"', "line 3: .* is no name"),
    ],
)
def test_a_bad_line_of_ion_is_named(line, message):
    good = "a contact +0 +9 4 5 5\na range +0 +9 4 5 0\n"
    with pytest.raises(InputFileError, match=message) as stop:
        from_ion(f"{good}{line}\n", "mine.ionrc")
    assert str(stop.value).startswith("mine.ionrc, line 3: ")


# HDTN ------------------------------------------------------------------------------------------

# As the plans that HDTN ships are written.
THEIRS = """\
{
    "contacts": [
       {
            "contact": 1,
            "source": 100,
            "dest": 1,
            "startTime": 0,
            "endTime": 120,
            "rateBitsPerSec": 1000000000,
            "owlt":  1
       },
       {
            "contact": 2,
            "source": 1,
            "dest": 200,
            "finalDestination": 200,
            "startTime": 11,
            "endTime": 150,
            "rate": 1000,
            "owlt":  0
       }
    ]
}
"""


def test_a_plan_in_hdtns_own_words_is_read():
    plan = from_hdtn(THEIRS, reference_ns=EPOCH_NS, stations=(200,))

    assert plan.nodes == ("ipn:1", "ipn:100", "ipn:200")
    assert plan.satellites == 2
    assert plan.sender.tolist() == [1, 0]
    assert ((plan.start_ns - EPOCH_NS) // S).tolist() == [0, 11]
    assert plan.rate_bps.tolist() == [1e9, 1e9]
    assert plan.light_time_ns.tolist() == [S, 0]
    assert plan.medium.tolist() == [LASER, RF]


def test_what_hdtn_reads_are_whole_numbers(odd):
    for contact in json.loads(to_hdtn(odd))["contacts"]:
        for key in ("contact", "source", "dest", "startTime", "endTime", "rateBitsPerSec", "owlt"):
            assert type(contact[key]) is int


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"endTime": 150,', '"endTime": 150', r"line 19: is not JSON: Expecting ',' delimiter"),
        ('"endTime": 150,', '"endTime": 11,', "line 12: contact number 2 .* starts at 11 s and"),
        ('"startTime": 11,', '"startTime": 11.5,', "line 12: .* startTime is 11.5"),
        ('"rate": 1000', '"rateBitsPerSec": 0', "line 12: .* rate 0, no limit to HDTN"),
        ('"dest": 1,', "", "line 3: .* it has no 'dest'"),
        ('"dest": 1,', '"dest": true,', "line 3: .* dest is True"),
        ('"owlt":  0', '"owlt": 0, "confidence": 2', "line 12: .* confidence 2 does not lie"),
        ('"owlt":  0', '"owlt": 0, "medium": "smoke"', "line 12: .* no medium 'smoke'"),
        ('"owlt":  0', '"owlt": 0, "endCause": "luck"', "line 12: .* no cause 'luck'"),
        ('"contacts"', '"links"', "has no list 'contacts'"),
        ("[\n       {", "[7, {", "line 2: contact number 1 .* 7 is not a contact"),
        ("    ]\n}", '    ], "orbitloom": {}\n}', "the key 'orbitloom' is damaged"),
    ],
)
def test_what_is_wrong_in_an_hdtn_plan_is_named(old, new, message):
    assert old in THEIRS
    with pytest.raises(InputFileError, match=message):
        from_hdtn(THEIRS.replace(old, new, 1), "plan.json")


# Files -----------------------------------------------------------------------------------------


def test_files_that_cannot_be_used_are_refused(odd, tmp_path):
    with pytest.raises(InputFileError, match=r"plan\.txt: its name does not say .*\.ionrc"):
        read_plan(Path("plan.txt"))
    for suffix in ("ionrc", "json"):
        bad = tmp_path / f"bad.{suffix}"
        with pytest.raises(InputFileError, match="cannot be read"):
            read_plan(bad)
        bad.write_bytes(b"\xff\xfe")
        with pytest.raises(InputFileError, match="is not UTF-8 text"):
            read_plan(bad)
    with pytest.raises(OutputError, match="cannot be written"):
        write_plan(odd, tmp_path / "no" / "such.ionrc", "ion")
    with pytest.raises(OutputError, match="cannot be written"):
        write_plan(odd, tmp_path / "no" / "such.arrow", "arrow")
