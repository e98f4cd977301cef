"""What a satellite and a station are made of. Every number here can be overridden."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from orbitloom.scenario.quantity import Section, quantity

__all__ = [
    "Band",
    "Compute",
    "DataBus",
    "Ground",
    "Heat",
    "Instrument",
    "Model",
    "PacketLayout",
    "Perception",
    "Power",
    "Store",
    "Survey",
]


_MOST_SAMPLES = 200_000_000
"""Of one capture: a scene of 4000 x 4000 in eight bands and as much again of room."""
_LONGEST_PACKET = 65_000  # octets of samples: what a space packet holds, less headers
_FURTHEST_PX = 200.0
_USUAL_WIDTH = 0.06  # of the wavelength: between Sentinel-2's narrow and wide bands
_HEADER_FIELDS = ("capture", "line", "band", "coding", "columns", "spare")


class Band(Section):
    """One spectral band of an imager."""

    name: str = Field(min_length=1, description="as STAC's eo extension calls it: blue, swir16")
    wavelength_um: float = Field(gt=0.2, lt=15, description="centre of the response")
    fwhm_um: float | None = Field(
        None,
        gt=0,
        lt=5,
        description="full width at half maximum of a Gaussian response; else one of 6 % of the "
        "wavelength",
    )
    response: tuple[tuple[float, float], ...] = Field(
        (), description="measured response instead: [wavelength in um, value], linear between"
    )
    esun_w_m2_um: float = Field(gt=0, description="solar irradiance at 1 au")
    full_scale_radiance: float = Field(gt=0, description="W/m2/sr/um at the highest code")
    offset_px: tuple[float, float] = Field(
        (0.0, 0.0),
        description="lines and columns that it sees ahead of what its packets say: its place on "
        "the focal plane",
    )

    @model_validator(mode="after")
    def _response_is_one(self) -> Band:
        if not self.response:
            return self
        wavelengths = [wavelength for wavelength, _ in self.response]
        values = [value for _, value in self.response]
        if len(wavelengths) < 3 or any(b <= a for a, b in pairwise(wavelengths)):
            raise ValueError("response needs three samples or more, of growing wavelength")
        if min(values) < 0 or max(values) <= 0:
            raise ValueError("response has values from 0 up, and one above it")
        if not wavelengths[0] < self.wavelength_um < wavelengths[-1]:
            raise ValueError(
                f"wavelength_um = {self.wavelength_um:g} is outside its response, "
                f"{wavelengths[0]:g} to {wavelengths[-1]:g}"
            )
        return self

    @model_validator(mode="after")
    def _offset_is_on_the_focal_plane(self) -> Band:
        if max(map(abs, self.offset_px)) > _FURTHEST_PX:
            raise ValueError(f"offset_px goes up to {_FURTHEST_PX:g} lines and columns")
        return self

    @property
    def width_um(self) -> float:
        """Full width at half maximum: as given, of the measured response, or 6 %."""
        if self.response:
            return _width(self.response)
        return self.fwhm_um if self.fwhm_um is not None else _USUAL_WIDTH * self.wavelength_um


def _width(response: tuple[tuple[float, float], ...]) -> float:
    """Return the distance between the outermost crossings of half the maximum."""
    half = max(value for _, value in response) / 2.0
    inside = [index for index, (_, value) in enumerate(response) if value >= half]

    def crossing(within: int, beyond: int) -> float:
        if not 0 <= beyond < len(response):
            return response[within][0]
        (x0, y0), (x1, y1) = response[beyond], response[within]
        return x0 + (half - y0) / (y1 - y0) * (x1 - x0)

    return crossing(inside[-1], inside[-1] + 1) - crossing(inside[0], inside[0] - 1)


# Wavelengths and solar irradiances: ESA, Sentinel-2A product metadata (bands 2, 3, 4, 8).
# Full scale: radiance of a surface of reflectance 1.0 below a Sun in the zenith, an estimate.
_BANDS = tuple(
    Band(
        name=name,
        wavelength_um=wavelength_um,
        fwhm_um=fwhm_um,
        esun_w_m2_um=esun,
        full_scale_radiance=full_scale,
    )
    for name, wavelength_um, fwhm_um, esun, full_scale in (
        ("blue", 0.4924, 0.066, 1959.66, 620.0),
        ("green", 0.5598, 0.036, 1823.24, 580.0),
        ("red", 0.6646, 0.031, 1512.06, 480.0),
        ("nir", 0.8328, 0.106, 1041.63, 330.0),
    )
)


class PacketLayout(Section):
    """How an imager's science packets are laid out; see docs/design/formats.md."""

    science_apid: int = quantity(0x64, "", "choice", "of science packets", ge=0, lt=0x7FF)
    ancillary_apid: int = quantity(0x65, "", "choice", "of ancillary packets", ge=0, lt=0x7FF)
    time_code: Literal["cds", "cuc"] = quantity(
        "cds",
        "",
        "choice",
        "cds: 16-bit day from 1958, 32-bit ms, 32-bit ps; cuc: 32-bit s from 1970, 24-bit fraction",
    )
    header: tuple[str, ...] = quantity(
        ("capture:32", "line:16", "band:8", "coding:8", "columns:16"),
        "",
        "choice",
        "fields and their bits, in order, before the samples; 'spare:N' skips",
    )
    interleave: Literal["band", "line"] = quantity(
        "band", "", "choice", "band: a packet a line and band; line: a packet a line, all bands"
    )
    coding: Literal["ccsds121", "packed", "raw16"] = quantity(
        "ccsds121",
        "",
        "choice",
        "ccsds121: lossless; packed: big-endian bit stream; raw16: big-endian 16 bit",
    )
    sample_bits: int = quantity(
        16,
        "bit",
        "choice",
        "a sample as it is coded or packed; at least instrument.bits",
        ge=8,
        le=16,
    )

    @model_validator(mode="after")
    def _header_can_be_read(self) -> PacketLayout:
        names = []
        for text in self.header:
            name, _, bits = text.partition(":")
            if name not in _HEADER_FIELDS:
                raise ValueError(
                    f"header has no field {name!r}; known: {', '.join(_HEADER_FIELDS)}"
                )
            if not (bits.isascii() and bits.isdigit() and 1 <= int(bits) <= 32):
                raise ValueError(f"header field {text!r} is not written 'name:bits', 1 to 32 bits")
            names.append(name)
        twice = sorted({name for name in names if name != "spare" and names.count(name) > 1})
        if twice:
            raise ValueError(f"header names {twice[0]!r} twice")
        needed = ("line", "band") if self.interleave == "band" else ("line",)
        missing = [name for name in needed if name not in names]
        if missing:
            raise ValueError(
                f"header has no field {missing[0]!r}; without it no line can be placed"
            )
        if sum(bits for _, bits in self.fields) % 8:
            raise ValueError("header does not end at a whole octet; fill it up with 'spare:N'")
        return self

    @model_validator(mode="after")
    def _parts_fit_together(self) -> PacketLayout:
        if self.science_apid == self.ancillary_apid:
            raise ValueError(f"science and ancillary packets both have APID {self.science_apid}")
        if self.coding == "raw16" and self.sample_bits != 16:
            raise ValueError("raw16 has sample_bits = 16; take packed for others")
        return self

    @property
    def fields(self) -> tuple[tuple[str, int], ...]:
        """Names and bits of the header."""
        pairs = (text.partition(":") for text in self.header)
        return tuple((name, int(bits)) for name, _, bits in pairs)


class Instrument(Section):
    """A pushbroom imager. `kind` names the entry point that simulates it."""

    name: str = quantity("imager10m", "", "choice", "what products call it", min_length=1)
    kind: str = quantity("imager10m", "", "choice", "entry point in orbitloom.instruments")
    bands: Annotated[tuple[Band, ...], Field(min_length=1)] = quantity(
        _BANDS,
        "",
        "estimate",
        "full scale: reflectance 1.0 below a Sun in the zenith; wavelength and solar irradiance: "
        "published, ESA, Sentinel-2A bands 2, 3, 4 and 8",
    )
    gsd_m: float = quantity(10.0, "m", "choice", "at nadir, at 505 km", gt=0.1, le=1000)
    columns: int = quantity(2000, "", "derived", "20 km of swath at 10 m", ge=16, le=20000)
    lines: int = quantity(2000, "", "derived", "a square scene of 20 km", ge=16, le=20000)
    bits: int = quantity(12, "bit", "estimate", "PhiSat-2 class imagers", ge=8, le=16)
    full_well_e: float = quantity(400_000.0, "e-", "estimate", "a TDI line detector", gt=1000)
    read_noise_e: float = quantity(80.0, "e-", "estimate", "a fast TDI read-out", ge=0)
    dark_dn: float = quantity(
        64.0,
        "DN",
        "estimate",
        "offset that keeps noise positive",
        ge=0,
        le=1000,
    )
    dark_nonuniformity_dn: float = quantity(
        3.0,
        "DN",
        "estimate",
        "visible stripes if uncorrected; 1 sigma over columns",
        ge=0,
    )
    prnu: float = quantity(
        0.02,
        "1",
        "estimate",
        "uncorrected silicon line detector; 1 sigma over columns",
        ge=0,
        le=0.3,
    )
    calibration_residual: float = quantity(
        0.001,
        "1",
        "estimate",
        "what a good flat field leaves",
        ge=0,
        le=0.1,
    )
    striping: float = quantity(
        0.0,
        "1",
        "choice",
        "drift of each column's response since it was calibrated, so not in the calibration; "
        "1 sigma, drawn for each capture",
        ge=0,
        le=0.1,
    )
    bad_pixels: float = quantity(
        0.0,
        "1",
        "choice",
        "share of pixels that are dead or hot, known from the ground",
        ge=0,
        le=0.1,
    )
    mtf_nyquist: float = quantity(
        1.0,
        "1",
        "choice",
        "modulation transfer at half a cycle a pixel, along and across; 1 is as sharp as the scene",
        ge=0.05,
        le=1,
    )
    offset_knowledge_px: float = quantity(
        0.0, "px", "choice", "1 sigma of each band's offset against its calibration", ge=0, le=2
    )
    max_roll_deg: float = quantity(30.0, "deg", "choice", "agility of the platform", ge=0, le=60)
    min_sun_elevation_deg: float = quantity(
        20.0, "deg", "choice", "darker is not imaged", ge=0, le=80
    )
    slew_s: float = quantity(
        60.0,
        "s",
        "estimate",
        "a small satellite on reaction wheels; between two targets",
        ge=0,
    )
    attitude_knowledge_arcsec: float = quantity(
        1.0,
        "arcsec",
        "estimate",
        "a fine star tracker; 1 sigma an axis, constant over a capture",
        ge=0,
    )
    power_w: float = quantity(30.0, "W", "estimate", "a compact imager while imaging", ge=0)

    layout: PacketLayout = PacketLayout()

    @model_validator(mode="after")
    def _capture_fits_in_memory(self) -> Instrument:
        samples = self.lines * self.columns * len(self.bands)
        if samples > _MOST_SAMPLES:
            raise ValueError(
                f"{self.lines} lines x {self.columns} columns x {len(self.bands)} bands are "
                f"{samples:.2g} samples; a capture holds at most {_MOST_SAMPLES:.2g}"
            )
        return self

    @model_validator(mode="after")
    def _bands_differ(self) -> Instrument:
        names = [band.name for band in self.bands]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"the band {twice[0]!r} is named twice")
        return self

    @model_validator(mode="after")
    def _samples_fit_their_packets(self) -> Instrument:
        layout = self.layout
        if layout.sample_bits < self.bits:
            raise ValueError(
                f"layout.sample_bits = {layout.sample_bits} is less than bits = {self.bits}"
            )
        widths = dict(layout.fields)
        highest = {"line": self.lines - 1, "band": len(self.bands) - 1, "columns": self.columns}
        for name, most in highest.items():
            if name in widths and most >= 1 << widths[name]:
                raise ValueError(f"{name}s up to {most} do not fit {widths[name]} bits of header")
        samples = self.columns * (len(self.bands) if layout.interleave == "line" else 1)
        octets = samples * (layout.sample_bits if layout.coding == "packed" else 16) // 8
        if octets > _LONGEST_PACKET:
            raise ValueError(
                f"a packet of {samples} samples has {octets} octets; it holds {_LONGEST_PACKET}. "
                "Take interleave = 'band' or packed samples"
            )
        return self


class DataBus(Section):
    """The bus between instrument and computer: it loses, repeats and reorders packets."""

    loss: float = quantity(1e-3, "1", "estimate", "a poor bus; packets lost", ge=0, le=0.5)
    duplication: float = quantity(
        1e-3, "1", "estimate", "a poor bus; packets sent twice", ge=0, le=0.5
    )
    disorder: float = quantity(
        1e-3,
        "1",
        "estimate",
        "a poor bus; packets out of order",
        ge=0,
        le=0.5,
    )


class Compute(Section):
    """A computer: what it can do and what that costs."""

    peak_tops: float = quantity(744.0, "TOPS", "published", "SCS-01, int8 peak", gt=0)
    memory_gb_per_s: float = quantity(204.0, "GB/s", "estimate", "Jetson AGX Orin class", gt=0)
    kernel_efficiency: float = quantity(
        0.05,
        "1",
        "estimate",
        "array kernels short of memory; share of peak",
        gt=0,
        le=1,
    )
    bandwidth_efficiency: float = quantity(
        0.70, "1", "derived", "published language-model rows, range 0.41-0.9", gt=0, le=1
    )
    half_precision_share: float = quantity(
        0.25,
        "1",
        "estimate",
        "dense fp16 against sparse int8 peak; models compute in fp16",
        gt=0,
    )
    load_w: float = quantity(160.0, "W", "estimate", "a few Jetson AGX Orin at full load", gt=0)
    idle_w: float = quantity(15.0, "W", "estimate", "a few embedded modules, idle", ge=0)


class Model(Section):
    """The AI model on board: what it costs is that of the model claimed, who writes is real.

    See docs/design/model-on-board.md and docs/design/cost-model.md.
    """

    kind: str = quantity(
        "rules", "", "choice", "ranks and holds back findings: entry point in orbitloom.models"
    )
    writer: str = quantity(
        "embedded",
        "",
        "choice",
        "words alerts: embedded, FILE.gguf[+ADAPTER.gguf], http://host:port/v1#name, or template",
        min_length=1,
    )
    hand_on_below: float = quantity(
        1.0,
        "1",
        "choice",
        "in eclipse and with less than this of its battery a satellite hands writing on",
        ge=0,
        le=1,
    )
    parameters: float = quantity(8e9, "1", "published", "SCS-01", gt=0)
    bytes_per_parameter: float = quantity(
        0.5625, "B", "estimate", "4.5 GB at 4 bit with scales", gt=0, le=4
    )
    head_parameters: float = quantity(
        0.525e9, "1", "published", "output head, Llama-3.1-8B: 128,256 x 4,096", ge=0
    )
    embedding_parameters: float = quantity(
        0.525e9, "1", "published", "input embedding: not read per token", ge=0
    )
    head_bytes_per_parameter: float = quantity(
        0.5625,
        "B",
        "estimate",
        "as the other weights; 4.5 GB in all",
        gt=0,
        le=4,
    )
    layers: int = quantity(32, "1", "published", "Llama-3.1-8B", ge=1)
    width: int = quantity(4096, "1", "published", "d_model of Llama-3.1-8B", ge=1)
    kv_bytes_per_token: float = quantity(
        131_072.0, "B", "published", "key-value cache at fp16, Llama-3.1-8B", ge=0
    )
    prompt_tokens: int = quantity(300, "1", "estimate", "a page of evidence as text", ge=1)
    image_tokens: int = quantity(
        1024, "1", "derived", "a 1024 x 1024 chip at 32 x 32 pixels a token", ge=0
    )
    answer_tokens: int = quantity(120, "1", "estimate", "an answer of a short paragraph", ge=1)
    prefill_efficiency: float = quantity(
        0.17, "1", "derived", "share of peak in prefill, range 0.17-0.33", gt=0, le=1
    )
    batch_tile: int = quantity(
        128,
        "1",
        "estimate",
        "tokens that a matrix kernel's tile has: streams together cost no less arithmetic",
        ge=1,
    )
    token_overhead_s: float = quantity(
        0.0,
        "s",
        "choice",
        "of the runtime, each decoding step; bandwidth_efficiency 0.70 has it already",
        ge=0,
    )

    @model_validator(mode="after")
    def _head_and_embedding_are_parts(self) -> Model:
        parts = self.head_parameters + self.embedding_parameters
        if parts >= self.parameters:
            raise ValueError(
                f"head and embedding have {parts:g} parameters, the whole model {self.parameters:g}"
            )
        return self


class Perception(Section):
    """What small networks decide before the model works or a byte is sent.

    `orbitloom study model` shows what each is worth.
    """

    gate: Literal["on", "off"] = quantity(
        "on",
        "",
        "choice",
        "scenes under cloud end at L2, and the model sees chips of findings; off: it looks at each "
        "whole scene",
    )
    triage: Literal["on", "off"] = quantity(
        "on",
        "",
        "choice",
        "alerts go down with a picture, all else as a line; off: an answer takes its L3 tile along",
    )
    token_px: int = quantity(
        32, "px", "published", "side of the square that is one token, Qwen3-VL", ge=1
    )


class Power(Section):
    """Solar array, battery and the platform's own load."""

    solar_w: float = quantity(
        800.0,
        "W",
        "estimate",
        "small satellite, deployed array, full Sun",
        ge=0,
    )
    battery_wh: float = quantity(800.0, "Wh", "estimate", "an hour of full Sun", gt=0)
    bus_w: float = quantity(120.0, "W", "estimate", "small satellite platform, always on", ge=0)
    soft_depth_of_discharge: float = quantity(
        0.30,
        "1",
        "published",
        "deeper costs about a quarter of battery life, MobiCom'24",
        gt=0,
        lt=1,
    )
    resume_margin: float = quantity(
        0.01,
        "1",
        "choice",
        "of capacity, above the soft limit before work resumes",
        ge=1e-3,
        lt=0.5,
    )
    start_charge: float = quantity(1.0, "1", "choice", "of capacity", gt=0, le=1)


class Heat(Section):
    """The computer as one thermal node."""

    throttle_c: float = quantity(80.0, "C", "estimate", "known practice of embedded computers")
    shutdown_c: float = quantity(90.0, "C", "estimate", "known practice of embedded computers")
    throttle_speed: float = quantity(
        0.9,
        "1",
        "estimate",
        "10 % slower, known practice",
        gt=0,
        le=1,
    )
    hysteresis_k: float = quantity(
        2.0, "K", "choice", "cools this far below a limit before the limit is lifted", ge=0.1, le=20
    )
    sink_c: float = quantity(15.0, "C", "estimate", "a radiator in low orbit")
    resistance_k_per_w: float = quantity(
        0.35,
        "K/W",
        "estimate",
        "56 K above radiator at 160 W",
        gt=0,
    )
    capacity_j_per_k: float = quantity(8_000.0, "J/K", "estimate", "some 9 kg of aluminium", gt=0)

    @model_validator(mode="after")
    def _shutdown_is_hotter(self) -> Heat:
        if self.shutdown_c <= self.throttle_c:
            raise ValueError(
                f"shutdown_c = {self.shutdown_c:g} must be above throttle_c = {self.throttle_c:g}"
            )
        return self


class Store(Section):
    """Mass memory."""

    capacity_tb: float = quantity(2.5, "TB", "derived", "30 TB over twelve satellites", gt=0)


class Survey(Section):
    """Imaging between targets, accounted as a flow; see docs/design/survey-flow.md."""

    duty_s_per_orbit: float = quantity(
        900.0,
        "s",
        "estimate",
        "gives the published '<10 % reaches the ground'",
        ge=0,
    )
    rate_mbps: float = quantity(
        541.0,
        "Mbit/s",
        "estimate",
        "PhiSat-2 class imager, 5 m, 20 km, 8 bands, 12 bit",
        ge=0,
    )
    compression: float = quantity(1.5, "1", "derived", "CCSDS 121 on real 12-bit data", ge=1)
    scene_mb: float = quantity(192.0, "MB", "derived", "20 km square, 5 m, 8 bands, 12 bit", gt=0)
    record_bytes: int = quantity(
        700,
        "B",
        "estimate",
        "a record that nothing was found",
        ge=0,
    )


class Ground(Section):
    """The computer at each station, for the arms that process on the ground."""

    peak_tops: float = quantity(1979.0, "TOPS", "published", "NVIDIA H100, int8 dense", gt=0)
    memory_gb_per_s: float = quantity(3350.0, "GB/s", "published", "NVIDIA H100 SXM", gt=0)
    kernel_efficiency: float = quantity(
        0.05, "1", "estimate", "share of peak, as on board", gt=0, le=1
    )
    bandwidth_efficiency: float = quantity(
        0.50, "1", "derived", "published row: 8B model, bf16, on an H100", gt=0, le=1
    )
    half_precision_share: float = quantity(
        0.5, "1", "published", "dense fp16 against dense int8 peak, NVIDIA H100", gt=0
    )
    load_w: float = quantity(700.0, "W", "published", "NVIDIA H100 SXM", gt=0)
    idle_w: float = quantity(100.0, "W", "estimate", "a data-centre accelerator, idle", ge=0)
