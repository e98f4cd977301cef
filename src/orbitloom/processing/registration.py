"""How well the bands of a capture lie on each other, told by the scene itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft2, rfft2

__all__ = ["misregistration"]

_WINDOW, _LEAST_WINDOW = 256, 64
_PASS = 0.15  # cycles per pixel, 1 sigma
_CLEAR_PEAK = 8.0


def misregistration(
    radiance: NDArray[np.float32],
    quality: NDArray[np.uint8],
    missing: int,
    band_names: tuple[str, ...],
) -> NDArray[np.float64]:
    """Return how far each band lies from the reference band (red, else the middle one), pixels.

    (bands, 2), lines and columns; NaN where the scene does not tell. Phase correlation (Kuglin &
    Hines, 1975) of the brightness gradient's size, which hardly knows whether an edge goes up or
    down from one band to the next, in up to four windows; the median.
    """
    bands, lines, columns = radiance.shape
    reference = band_names.index("red") if "red" in band_names else bands // 2
    side = min(_WINDOW, lines, columns) // 2 * 2
    offsets = np.full((bands, 2), np.nan)
    if side < _LEAST_WINDOW:
        return offsets
    inner = []
    for across, size in ((quality[:, :, columns // 2], lines), (quality[:, lines // 2], columns)):
        whole = np.flatnonzero(~(across & missing).any(axis=0))  # bands see different edges
        if whole.size < side:
            return offsets
        inner.append(np.linspace(whole[0], whole[-1] + 1 - side, min(2, size // side)).astype(int))
    corners = [(line, column) for line in inner[0].tolist() for column in inner[1].tolist()]
    taper = np.hanning(side - 2).astype(np.float32)
    found: list[list[tuple[float, float]]] = [[] for _ in range(bands)]
    for line, column in corners:
        window = (slice(None), slice(line, line + side), slice(column, column + side))
        if (quality[window] & missing).any():
            continue
        spectra = [_edges_spectrum(image, taper) for image in radiance[window]]
        for band, spectrum in enumerate(spectra):
            peak = _peak(spectra[reference], spectrum)
            if peak is not None:
                found[band].append(peak)
    for band, peaks in enumerate(found):
        if peaks:
            offsets[band] = np.median(peaks, axis=0)
    return offsets


def _edges_spectrum(
    image: NDArray[np.float32], taper: NDArray[np.float32]
) -> NDArray[np.complex64]:
    edges = np.hypot(image[2:, 1:-1] - image[:-2, 1:-1], image[1:-1, 2:] - image[1:-1, :-2])
    edges -= edges.mean()
    return np.asarray(rfft2(edges * taper[:, None] * taper[None, :]))


def _peak(
    reference: NDArray[np.complex64], spectrum: NDArray[np.complex64]
) -> tuple[float, float] | None:
    """Return the shift of a spectrum against the reference; None if no peak stands out."""
    cross = spectrum * reference.conj()
    cross /= np.maximum(np.abs(cross), np.float32(1e-20))
    # Only the lower frequencies: above, MTF leaves more noise than scene.
    rows, columns = cross.shape
    along = np.abs(np.fft.fftfreq(rows)).astype(np.float32)
    across = np.abs(np.fft.rfftfreq(2 * (columns - 1))).astype(np.float32)
    cross *= np.exp(-((along[:, None] ** 2 + across[None, :] ** 2) / (2 * _PASS**2)))
    surface = irfft2(cross)
    top = int(np.argmax(surface))
    line, column = divmod(top, surface.shape[1])
    if surface[line, column] < _CLEAR_PEAK * np.std(surface):
        return None
    shift = []
    for place, size, row in (
        (line, surface.shape[0], surface[:, column]),
        (column, surface.shape[1], surface[line]),
    ):
        before, here, after = row[place - 1], row[place], row[(place + 1) % size]
        # The peak is the filter's Gaussian: parabolic in its logarithm.
        least = 1e-6 * here
        low, high = np.log(max(before, least) / here), np.log(max(after, least) / here)
        exact = place + 0.5 * float((low - high) / (low + high))
        shift.append(exact - size if exact > size / 2 else exact)
    return shift[0], shift[1]
