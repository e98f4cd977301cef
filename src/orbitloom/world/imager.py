"""A pushbroom imager: from what a scene sends up to space packets.

Radiance, W/m2/sr/um, of a level ground that scatters evenly, at the top of the atmosphere::

    L = rho * E_sun * cos(sun zenith) / (pi * d^2) + emitted          d: Sun's distance, au

where rho has the air and the clouds in it (`orbitloom.world.air`). Each band sees it blurred and
from its own place on the focal plane (`orbitloom.world.optics`). Digital numbers of band b, column
c::

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
    Ancillary,
    ScienceLine,
    encode_ancillary,
    encode_science,
)
from orbitloom.wire.space_packet import SEQUENCE_MODULUS, Packet
from orbitloom.world import optics
from orbitloom.world.air import at_top, emitted_at_top, sky_over
from orbitloom.world.scene import SceneSource
from orbitloom.world.viewing import GroundGrid, Heights, Track, attitude_matrix

__all__ = ["Instrument", "Pushbroom"]

_GSD_ALTITUDE_M = 505e3  # where the stated ground sampling distance holds
_ANCILLARY_EVERY = 50  # lines
_CHUNK = 50  # lines imaged at once: small enough for the cache
_DARK_KNOWLEDGE_DN = 0.1  # mean of some hundred dark frames
_HOT = 0.9  # of the highest code: what a hot pixel reads in the dark


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
    """The built-in imager: one line of pixels a band, swept along the track.

    Parameters
    ----------
    design
        What it is made of.
    seed, satellite
        Name the one built: its pixels' response and dark signal, and its noise.
    """

    def __init__(self, design: hardware.Instrument, *, seed: int, satellite: str) -> None:
        self._design = design
        self._seed = seed
        self._satellite = satellite
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
        flaw = stream(seed, "bad pixels", satellite).random(shape)
        self._bad = flaw < design.bad_pixels
        hot = flaw < design.bad_pixels / 2.0
        self._highest_dn = 2**design.bits - 1
        usable_dn = self._highest_dn - design.dark_dn
        self._electrons_per_dn = design.full_well_e / usable_dn
        self._read_noise_dn = design.read_noise_e / self._electrons_per_dn
        self._radiance_per_dn = np.array(
            [band.full_scale_radiance / usable_dn for band in design.bands]
        )
        self._response[self._bad] = 0.0
        self._dark_dn[hot] = _HOT * self._highest_dn
        self._offset_px = np.array([band.offset_px for band in design.bands])
        error = stream(seed, "focal plane", satellite).standard_normal(self._offset_px.shape)
        moved = self._offset_px + design.offset_knowledge_px * error
        self._along = [optics.taps(design.mtf_nyquist, float(one)) for one in moved[:, 0]]
        self._across = [optics.taps(design.mtf_nyquist, float(one)) for one in moved[:, 1]]
        self._esun = np.array([band.esun_w_m2_um for band in design.bands])
        self._ifov_rad = design.gsd_m / _GSD_ALTITUDE_M

    def calibration(self) -> Calibration:
        """Return the calibration it flies with: the truth but for what the flat field leaves."""
        design = self._design
        return Calibration(
            calibration_id=f"{design.name}/{self._satellite}/{self._seed}",
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
            gsd_m=design.gsd_m,
            fwhm_um=np.array([band.width_um for band in design.bands]),
            bad=self._bad.copy() if self._bad.any() else None,
            offset_px=self._offset_px.copy() if self._offset_px.any() else None,
            response_sigma=float(np.hypot(design.calibration_residual, design.striping)),
            dark_sigma_dn=_DARK_KNOWLEDGE_DN,
            layout=design.layout,
        )

    def footprint(self, task: CaptureTask, track: Track, epsg: int) -> NDArray[np.float64]:
        """Return the ring (k, 2), easting and northing in m, around what a capture sees."""
        return self.ground_grid(task, track, epsg).outline()

    def ground_grid(
        self, task: CaptureTask, track: Track, epsg: int, height_m: Heights | None = None
    ) -> GroundGrid:
        """Return where each pixel of a capture truly lies, over terrain if its heights are given.

        Of a band whose place on the focal plane is the optical axis.
        """
        return self._grid(task, track, epsg, height_m, (0, 0, 0))

    def _grid(
        self,
        task: CaptureTask,
        track: Track,
        epsg: int,
        height_m: Heights | None,
        margins: tuple[int, int, int],
    ) -> GroundGrid:
        """Return the same with lines before and after it, and columns on both sides."""
        before, after, aside = margins
        period_ns = self._line_period_ns(task)
        return GroundGrid(
            track,
            roll_deg=task.roll_deg,
            first_line_ns=task.start_ns - before * period_ns,
            line_period_ns=period_ns,
            lines=before + self._design.lines + after,
            columns=self._design.columns + 2 * aside,
            ifov_rad=self._ifov_rad,
            epsg=epsg,
            height_m=height_m,
        )

    def _margins(self) -> tuple[int, int, int]:
        """Return how many lines before and after, and columns aside, its bands look at."""
        before = max(0, *(-first for first, _ in self._along))
        after = max(0, *(first + kernel.size - 1 for first, kernel in self._along))
        left = max(0, *(-first for first, _ in self._across))
        right = max(0, *(first + kernel.size - 1 for first, kernel in self._across))
        return before, after, max(left, right)

    def radiance(
        self, task: CaptureTask, track: Track, ground: SceneSource
    ) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Yield the first line's number and the radiance on the detector, in chunks.

        (bands, n, columns): without noise, but as blurred as the imager sees it, and each band
        where it looks.

        Raises
        ------
        ScenarioError
            If the scene lacks a band, or a part of the swath misses the Earth.
        """
        design = self._design
        before, after, aside = margins = self._margins()
        grid = self._grid(task, track, ground.epsg, ground.height_m, margins)
        order = _scene_bands(design, ground)
        sky = sky_over(ground, self._seed, design.bands, task, track)
        irradiance = (self._esun / (np.pi * grid.sun_distance_au**2)).astype(np.float32)
        sharp = not any(margins)
        held = np.empty((len(order), 0, design.columns + 2 * aside), np.float32)
        seen = 0  # lines of the wider grid that have been looked at
        for first in range(0, design.lines, _CHUNK):
            last = min(first + _CHUNK, design.lines)
            until = last + before + after
            east, north, cos_zenith = grid.lines(seen, until)
            surface = ground.surface(east, north)
            light = at_top(surface, order, sky)
            light *= irradiance[:, None, None]
            light *= np.maximum(cos_zenith, 0.0).astype(np.float32)
            emitted = emitted_at_top(surface, order, sky)
            if emitted is not None:
                light += emitted
            seen = until
            if sharp:
                yield first, light
                continue
            held = np.concatenate(
                [held[:, max(held.shape[1] - before - after, 0) :], light], axis=1
            )
            out = np.empty((len(order), last - first, design.columns), np.float32)
            for band in range(len(order)):
                (line, along), (column, across) = self._along[band], self._across[band]
                corner = (before + line, aside + column)
                optics.apply(held[band], along, across, corner, out[band])
            yield first, out

    def image(self, task: CaptureTask, track: Track, ground: SceneSource) -> Iterator[Packet]:
        """Yield the packets of a capture, in the order of time.

        Science packets as the layout has them; an ancillary packet before the first line, at every
        50th, and after the last. Sequence counts go on from capture to capture of a flight, as if
        each capture before had been sent in full, so they depend on no order of execution.
        """
        design, layout = self._design, self._design.layout
        period_ns = self._line_period_ns(task)
        records = dict(self._ancillary(task, track, period_ns))
        together = layout.interleave == "line"
        science = task.capture * design.lines * (1 if together else len(design.bands))
        ancillary = task.capture * len(records)

        def position(line: int) -> Iterator[Packet]:
            nonlocal ancillary
            if line in records:
                yield Packet(
                    layout.ancillary_apid,
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
                t_ns = task.start_ns + line * period_ns
                parts = [dn[:, row]] if together else list(dn[:, row])
                for band, part in enumerate(parts):
                    body = encode_science(ScienceLine(task.capture, line, band, part), layout)
                    yield Packet(layout.science_apid, science % SEQUENCE_MODULUS, t_ns, body)
                    science += 1
        yield from position(max(records))

    def _exposures(
        self, task: CaptureTask, track: Track, ground: SceneSource
    ) -> Iterator[tuple[int, NDArray[np.uint16]]]:
        """Yield the first line's number and digital numbers, (bands, n, columns), in chunks."""
        rng = stream(self._seed, "noise", self._satellite, task.capture)
        gain = self._response / self._radiance_per_dn[:, None]
        drift = stream(self._seed, "striping", self._satellite, task.capture)
        gain *= 1.0 + self._design.striping * drift.standard_normal(gain.shape)
        gain = gain.astype(np.float32)[:, None, :]
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


def _scene_bands(design: hardware.Instrument, ground: SceneSource) -> list[int]:
    """Return the scene's band for each band of the imager, by name."""
    for band in design.bands:
        if band.name not in ground.bands:
            raise ScenarioError(
                f"the scene has no band {band.name!r}",
                where="key instrument.bands",
                way_out=f"It has: {', '.join(ground.bands)}",
            )
    return [ground.bands.index(band.name) for band in design.bands]
