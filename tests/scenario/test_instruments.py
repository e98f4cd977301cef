"""Imagers by name and from TOML files."""

import pytest

from orbitloom.errors import InputFileError, ScenarioError
from orbitloom.scenario import hardware, instrument_names, load, load_instrument

MINE = """
base = "imager10m"
bits = 14
[layout]
interleave = "line"
sample_bits = 14
"""


def test_the_built_in_imagers():
    assert instrument_names() == ("imager10m", "imager5m")
    assert load_instrument("imager10m") == hardware.Instrument()
    eight = load_instrument("imager5m")
    assert eight.lines * eight.columns * len(eight.bands) * eight.bits / 8 == 192e6
    assert [band.width_um for band in eight.bands] == [
        0.020, 0.065, 0.035, 0.030, 0.015, 0.115, 0.090, 0.180,
    ]  # fmt: skip


def test_a_file_starts_from_a_built_in_imager_or_from_another_file(tmp_path):
    (tmp_path / "mine.toml").write_text(MINE)
    mine = load_instrument(tmp_path / "mine.toml")
    assert (mine.name, mine.bits, mine.layout.interleave) == ("mine", 14, "line")
    assert mine.bands == hardware.Instrument().bands
    (tmp_path / "later.toml").write_text('base = "mine.toml"\n[layout]\ntime_code = "cuc"\n')
    later = load_instrument(tmp_path / "later.toml")
    assert (later.name, later.layout.interleave, later.layout.time_code) == ("later", "line", "cuc")


def test_a_scenario_names_an_imager_a_file_or_a_base(tmp_path):
    (tmp_path / "mine.toml").write_text(MINE)
    scenario = tmp_path / "flight.toml"
    for text, name, columns in (
        ('instrument = "imager5m"', "imager5m", 4000),
        ('instrument = "mine.toml"', "mine", 2000),
        ('[instrument]\nbase = "imager5m"\ncolumns = 400', "imager5m", 400),
        ('[instrument]\nbase = "mine.toml"\ncolumns = 64', "mine", 64),
        ('base = "flood12"\n[instrument]\ncolumns = 80', "imager10m", 80),
    ):
        scenario.write_text(text)
        made = load(scenario).instrument
        assert (made.name, made.columns) == (name, columns)
    assert load("flood12", instrument="imager5m").instrument.name == "imager5m"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("bit = 12", "unknown key 'bit'.*Did you mean 'bits'"),
        ('base = "imager6m"', "no instrument 'imager6m'.*imager10m, imager5m"),
        ('base = "self.toml"', "no instrument to start from"),
        ("bits = 14\n[layout]\nsample_bits = 12", "sample_bits = 12 is less than bits = 14"),
        ('[layout]\nheader = ["line:16"]', "no field 'band'"),
        ('[layout]\nheader = ["line:16", "band:3"]', "whole octet"),
        ('[layout]\nheader = ["row:16", "band:8"]', "no field 'row'"),
        ('[layout]\nheader = ["line:16", "line:16", "band:8"]', "'line' twice"),
        ('[layout]\nheader = ["line:8", "band:8"]', "lines up to 1999 do not fit 8 bits"),
        ('[layout]\ncoding = "raw16"\nsample_bits = 12', "raw16"),
        ("[layout]\nscience_apid = 101", "both have APID 101"),
        ('columns = 20000\nlines = 100\n[layout]\ninterleave = "line"', "holds 65000"),
        ("lines = 20000\ncolumns = 20000", "samples; a capture holds at most"),
        ('kind = "radar"', "no instrument is called 'radar'"),
        (
            '[[bands]]\nname = "a"\nwavelength_um = 0.6\nesun_w_m2_um = 1e3\n'
            "full_scale_radiance = 1e2\nresponse = [[0.5, 0.0], [0.4, 1.0], [0.7, 0.0]]",
            "growing wavelength",
        ),
    ],
)
def test_what_is_no_imager_is_said_plainly(text, says, tmp_path):
    file = tmp_path / "self.toml"
    file.write_text(text)
    with pytest.raises(ScenarioError, match=f"(?s){says}") as caught:
        load_instrument(file)
    assert "self.toml" in str(caught.value) or "imager6m" in str(caught.value)


def test_unknown_names_and_files_that_are_not_toml(tmp_path):
    with pytest.raises(ScenarioError, match="Built in: imager10m, imager5m"):
        load_instrument("imager7m")
    (tmp_path / "x.toml").write_text("[")
    with pytest.raises(InputFileError, match="not valid TOML"):
        load_instrument(tmp_path / "x.toml")
    with pytest.raises(InputFileError, match="cannot be read"):
        load_instrument(tmp_path / "none.toml")


def test_the_width_of_a_measured_response():
    band = hardware.Band(
        name="red",
        wavelength_um=0.65,
        response=((0.60, 0.0), (0.62, 0.8), (0.68, 1.0), (0.70, 0.0)),
        esun_w_m2_um=1500,
        full_scale_radiance=500,
    )
    assert band.width_um == pytest.approx(0.69 - 0.6125)
    plain = hardware.Band(name="x", wavelength_um=0.5, esun_w_m2_um=1, full_scale_radiance=1)
    assert plain.width_um == pytest.approx(0.03)
