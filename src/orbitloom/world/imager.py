"""A pushbroom imager: from reflectance on the ground to space packets.

Radiance, W/m2/sr/um, of a flat ground that scatters evenly, without an atmosphere::

    L = rho * E_sun * cos(sun zenith) / (pi * d^2)          d: Sun's distance, au

and digital numbers of band b, column c::

    DN = clip(round(dark[b,c] + response[b,c] * L / radiance_per_dn[b] + noise), 0, 2^bits - 1)

with shot noise of variance DN / electrons_per_dn and read noise (Janesick, *Photon Transfer*).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from orbitloom.errors import ScenarioError
from orbitloom.scenario import hardware, stream
from orbitloom.wire import Calibration, CaptureTask
from orbitloom.wire.imager import (
    ANCILLARY_APID,
    SCIENCE_APID,
    Ancillary,
    ScienceLine,
    encode_ancillary,
    encode_science,
)
from orbitloom.wire.space_packet import SEQUENCE_MODULUS, Packet
from orbitloom.world.scene import SCENE_BANDS, SceneSource
from orbitloom.world.viewing import GroundGrid, Track, attitude_matrix

__all__ = ["Instrument", "Pushbroom"]

_GSD_ALTITUDE_M = 505e3  # where the stated ground sampling distance holds
_ANCILLARY_EVERY = 50  # lines
_CHUNK = 50  # lines imaged at once: small enough for the cache
_DARK_KNOWLEDGE_DN = 0.1  # mean of some hundred dark frames


class Instrument(Protocol):
    """What takes the picture: simulated from the truth to the packets that leave it."""

    def calibration(self) -> Calibration:
        """Return what is known of the instrument when it flies."""
        ...

    def footprint(self, task: CaptureTask, track: Track, epsg: int) -> NDArray[np.float64]:
        """Return the ring (k, 2), easting and northing in m, around what a capture sees."""
        ...

    def image(self, task: CaptureTask, track: Track, ground: SceneSource) -> Iterator[Packet]:
        """Yield the packets of a capture, in the order of time."""
        ...


class Pushbroom:
    """The built-in imager, `imager10m`: one line of pixels a band, swept along the track.

    Parameters
    ----------
    design
        What it is made of.
    seed, satellite
        Name the one built: its pixels' response and dark signal, and its noise.

    Raises
    ------
    ScenarioError
        If a band is not one that scenes have.
    """

    def __init__(self, design: hardware.Instrument, *, seed: int, satellite: str) -> None:
        self._design = design
        self._seed = seed
        self._satellite = satellite
        self._scene_band = [_scene_band(band.name) for band in design.bands]
        rng = stream(seed, "detector", satellite)
        shape = (len(design.bands), design.columns)
        spread = rng.standard_normal((2, *shape))
        self._response = np.clip(1.0 + design.prnu * spread[0], 0.2, None).astype(np.float32)
        self._dark_dn = np.clip(
            design.dark_dn + design.dark_nonuniformity_dn * spread[1], 0.0, None
        ).astype(np.float32)
        error = rng.standard_normal((2, *shape))
        self._known_response = self._response * (1.0 + design.calibration_residual * error[0])
        self._known_dark_dn = self._dark_dn + _DARK_KNOWLEDGE_DN * error[1]
        self._highest_dn = 2**design.bits - 1
        usable_dn = self._highest_dn - design.dark_dn
        self._electrons_per_dn = design.full_well_e / usable_dn
        self._read_noise_dn = design.read_noise_e / self._electrons_per_dn
        self._radiance_per_dn = np.array(
            [band.full_scale_radiance / usable_dn for band in design.bands]
        )
        self._esun = np.array([band.esun_w_m2_um for band in design.bands])
        self._ifov_rad = design.gsd_m / _GSD_ALTITUDE_M

    def calibration(self) -> Calibration:
        """Return the calibration it flies with: the truth but for what the flat field leaves."""
        design = self._design
        return Calibration(
            calibration_id=f"{design.kind}/{self._satellite}/{self._seed}",
            band_names=tuple(band.name for band in design.bands),
            wavelength_um=np.array([band.wavelength_um for band in design.bands]),
            esun_w_m2_um=self._esun.copy(),
            radiance_per_dn=self._radiance_per_dn.copy(),
            dark_dn=self._known_dark_dn.astype(np.float32),
            response=self._known_response.astype(np.float32),
            electrons_per_dn=self._electrons_per_dn,
            read_noise_dn=self._read_noise_dn,
            saturation_dn=self._highest_dn,
            ifov_rad=self._ifov_rad,
        )

    def footprint(self, task: CaptureTask, track: Track, epsg: int) -> NDArray[np.float64]:
        """Return the ring (k, 2), easting and northing in m, around what a capture sees."""
        return self.ground_grid(task, track, epsg).outline()

    def ground_grid(self, task: CaptureTask, track: Track, epsg: int) -> GroundGrid:
        """Return where each pixel of a capture truly lies."""
        return GroundGrid(
            track,
            roll_deg=task.roll_deg,
            first_line_ns=task.start_ns,
            line_period_ns=self._line_period_ns(task),
            lines=self._design.lines,
            columns=self._design.columns,
            ifov_rad=self._ifov_rad,
            epsg=epsg,
        )

    def radiance(
        self, task: CaptureTask, track: Track, ground: SceneSource
    ) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Yield the first line's number and the true radiance, (bands, n, columns), in chunks."""
        grid = self.ground_grid(task, track, ground.epsg)
        irradiance = (self._esun / (np.pi * grid.sun_distance_au**2)).astype(np.float32)
        for first in range(0, self._design.lines, _CHUNK):
            last = min(first + _CHUNK, self._design.lines)
            east, north, cos_zenith = grid.lines(first, last)
            rho = ground.surface(east, north).reflectance[self._scene_band]
            lit = np.maximum(cos_zenith, 0.0).astype(np.float32)
            yield first, rho * irradiance[:, None, None] * lit

    def image(self, task: CaptureTask, track: Track, ground: SceneSource) -> Iterator[Packet]:
        """Yield the packets of a capture, in the order of time.

        One science packet a line and band; an ancillary packet before the first line, at every
        50th, and after the last. Sequence counts go on from capture to capture of a flight, as if
        each capture before had been sent in full, so they depend on no order of execution.
        """
        design = self._design
        period_ns = self._line_period_ns(task)
        records = dict(self._ancillary(task, track, period_ns))
        science = task.capture * design.lines * len(design.bands)
        ancillary = task.capture * len(records)

        def position(line: int) -> Iterator[Packet]:
            nonlocal ancillary
            if line in records:
                yield Packet(
                    ANCILLARY_APID,
                    ancillary % SEQUENCE_MODULUS,
                    records[line].t_ns,
                    encode_ancillary(records[line]),
                )
                ancillary += 1

        yield from position(min(records))
        for first, dn in self._exposures(task, track, ground):
            for row in range(dn.shape[1]):
                line = first + row
                yield from position(line)
                for band in range(dn.shape[0]):
                    body = encode_science(ScienceLine(task.capture, line, band, dn[band, row]))
                    t_ns = task.start_ns + line * period_ns
                    yield Packet(SCIENCE_APID, science % SEQUENCE_MODULUS, t_ns, body)
                    science += 1
        yield from position(max(records))

    def _exposures(
        self, task: CaptureTask, track: Track, ground: SceneSource
    ) -> Iterator[tuple[int, NDArray[np.uint16]]]:
        """Yield the first line's number and digital numbers, (bands, n, columns), in chunks."""
        rng = stream(self._seed, "noise", self._satellite, task.capture)
        gain = (self._response / self._radiance_per_dn[:, None]).astype(np.float32)[:, None, :]
        dark = self._dark_dn[:, None, :]
        shot = np.float32(1.0 / self._electrons_per_dn)
        read = np.float32(self._read_noise_dn**2)
        for first, radiance in self.radiance(task, track, ground):
            signal = radiance * gain
            noise = rng.standard_normal(signal.shape, dtype=np.float32)
            noise *= np.sqrt(np.maximum(signal, 0.0) * shot + read)
            noise += signal
            noise += dark
            np.rint(noise, out=noise)
            yield first, np.clip(noise, 0, self._highest_dn, out=noise).astype(np.uint16)

    def _ancillary(
        self, task: CaptureTask, track: Track, period_ns: int
    ) -> Iterator[tuple[int, Ancillary]]:
        design = self._design
        lines = np.arange(-_ANCILLARY_EVERY, design.lines + _ANCILLARY_EVERY, _ANCILLARY_EVERY)
        t_ns = task.start_ns + lines * period_ns
        position, velocity = track.state(t_ns)
        told = attitude_matrix(position, velocity, task.roll_deg)
        told = told @ Rotation.from_rotvec(track.attitude_error_rad).as_matrix()
        quaternions = Rotation.from_matrix(told).as_quat(canonical=True, scalar_first=True)
        warm = stream(self._seed, "detector temperature", self._satellite, task.capture)
        detector_c = 18.0 + 0.5 * warm.standard_normal()
        for index, line in enumerate(lines.tolist()):
            yield (
                line,
                Ancillary(
                    capture=task.capture,
                    lines=design.lines,
                    columns=design.columns,
                    bands=len(design.bands),
                    bits=design.bits,
                    t_ns=int(t_ns[index]),
                    first_line_ns=task.start_ns,
                    line_period_ns=period_ns,
                    position_ecef_m=tuple(position[index].tolist()),
                    velocity_ecef_m_s=tuple(velocity[index].tolist()),
                    attitude=tuple(quaternions[index].tolist()),
                    detector_c=float(detector_c),
                ),
            )

    def _line_period_ns(self, task: CaptureTask) -> int:
        return (task.end_ns - task.start_ns) // self._design.lines


def _scene_band(name: str) -> int:
    if name not in SCENE_BANDS:
        raise ScenarioError(
            f"scenes have no band {name!r}",
            where="key instrument.bands",
            way_out=f"They have: {', '.join(SCENE_BANDS)}",
        )
    return SCENE_BANDS.index(name)
