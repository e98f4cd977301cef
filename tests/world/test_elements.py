"""Files of two-line elements: what is read and what is refused."""

import pytest
from sgp4.api import Satrec

from orbitloom.errors import InputFileError
from orbitloom.scenario import load
from orbitloom.world.elements import read_tle_file, satrec_from_elements, tle_checksum

# Spacetrack Report 3 verification set (AIAA 2006-6753) and the ISS of 2008: public examples.
ISS = (
    "1 25544U 98067A   08264.51782528 -.00002182  00000-0 -11606-4 0  2927",
    "2 25544  51.6416 247.4627 0006703 130.5360 325.0288 15.72125391563537",
)
VANGUARD = (
    "1 00005U 58002B   00179.78495062  .00000023  00000-0  28098-4 0  4753",
    "2 00005  34.2682 348.7242 1859667 331.7664  19.3264 10.82419157413667",
)


def write(folder, *lines):
    file = folder / "fleet.tle"
    file.write_text("\n".join(lines) + "\n")
    return file


def with_checksum(line):
    return line[:68] + str(tle_checksum(line))


def test_with_and_without_name_lines(tmp_path):
    file = write(tmp_path, "ISS (ZARYA)", *ISS, "", *VANGUARD)
    satellites = read_tle_file(file)
    assert [name for name, _ in satellites] == ["ISS (ZARYA)", "NORAD 00005"]
    assert satellites[0][1].sgp4(2_454_730.5, 0.5) == Satrec.twoline2rv(*ISS).sgp4(2_454_730.5, 0.5)


def test_the_catalogue_s_three_line_form(tmp_path):
    assert read_tle_file(write(tmp_path, "0 ISS", *ISS))[0][0] == "ISS"


@pytest.mark.parametrize(
    ("lines", "line", "what"),
    [
        ((ISS[0][:68] + "8", ISS[1]), 1, "has checksum 8, its content says 7"),
        ((ISS[0], ISS[1].replace("51.6416", "51.6417")), 2, "has checksum 7"),
        ((ISS[0], ISS[1][:60]), 2, "69 columns, 60 found"),
        ((ISS[0],), 2, "69 columns, 0 found"),
        ((ISS[0], VANGUARD[1]), 2, "belongs to satellite 00005, the line before to 25544"),
        ((ISS[1], ISS[0]), 1, "is not line 1"),
        (("ISS", "ZARYA", *ISS), 2, "is not line 1"),
        ((*ISS, "MIR"), 3, "names 'MIR', but no elements follow"),
        ((with_checksum(ISS[0].replace("08264.5", "O8264.5")), ISS[1]), 1, "not in its columns"),
        ((ISS[0], with_checksum(ISS[1].replace("51.6416", "51,6416"))), 2, "not in its columns"),
    ],
)
def test_a_bad_line_is_named_with_its_number(tmp_path, lines, line, what):
    file = write(tmp_path, *lines)
    with pytest.raises(InputFileError) as refused:
        read_tle_file(file)
    assert refused.value.where == f"{file}, line {line}"
    assert what in refused.value.what
    assert refused.value.way_out


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "holds no two-line elements"),
        (b"\n\n", "holds no two-line elements"),
        (b"\xff\xfe\x00", "is not ASCII text"),
        (("\n".join((*ISS, *ISS))).encode(), "holds NORAD 25544 twice"),
    ],
)
def test_a_file_without_a_fleet_is_refused(tmp_path, content, what):
    file = tmp_path / "fleet.tle"
    file.write_bytes(content)
    with pytest.raises(InputFileError, match=what):
        read_tle_file(file)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputFileError, match=r"none\.tle: cannot be read \(no such file"):
        read_tle_file(tmp_path / "none.tle")


def test_elements_of_a_scenario_give_the_states_of_their_lines(catalogue_file):
    by_name = dict(read_tle_file(catalogue_file))
    for elements in load("scs01").fleet.elements:
        error, position_km, _ = satrec_from_elements(elements).sgp4(2_461_205.5, 0.25)
        assert error == 0
        # 27,000 days as one float keep the epoch to 0.3 us: 3 mm.
        assert position_km == pytest.approx(
            by_name[elements.name].sgp4(2_461_205.5, 0.25)[1], abs=1e-4
        )


def test_two_digit_years_turn_over_at_57():
    first = load("scs01").fleet.elements[0]
    for epoch, jd in (("57001.5", 2_435_840.0), ("00060.0", 2_451_603.5), ("56366.0", 2_472_363.5)):
        record = satrec_from_elements(first.model_copy(update={"epoch_yyddd": epoch}))
        assert record.jdsatepoch + record.jdsatepochF == pytest.approx(jd, abs=1e-9)
