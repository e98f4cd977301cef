"""What the ground is made of: reflectance spectra of its materials, 0.40 to 2.40 um.

The numbers are typical hemispherical reflectances at 26 anchor wavelengths, linear between them,
rounded from the shapes in: ECOSTRESS spectral library 1.0 (Meerdink et al. 2019: soils, rock, roof
tile, concrete, asphalt, metal, conifer, broadleaf, grass), USGS spectral library 7 (Kokaly et al.
2017: straw, dry grass, sand, char), Wiscombe and Warren 1980 (snow, grain radius 0.2 and 1 mm),
Pope and Fry 1997 with Morel and Maritorena 2001 (clear and deep water), Doxaran et al. 2002 (turbid
water), Koepke 1984 and Moore et al. 1998 (foam), Platnick et al. 2003 (liquid water cloud).
Water is what leaves it; the sky and Sun that its surface mirrors come on top.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from orbitloom.scenario.hardware import Band

__all__ = ["CLOUD", "Material", "band_mean", "band_spectra", "planck_radiance", "reflectance"]

_FWHM_UM = 0.04  # of a band that does not say
_STEP_UM = 0.002
_PLANCK_C1, _PLANCK_C2 = 1.191042972e8, 1.438776877e4  # 2hc2 in W um4/m2/sr, hc/k in um K (CODATA)


class Material(IntEnum):
    """End members of the mixture, rows of `band_spectra`."""

    SOIL_DARK = 0
    SOIL_BRIGHT = 1
    SOIL_WET = 2
    CROP_GREEN = 3
    CROP_RIPE = 4
    GRASS_GREEN = 5
    GRASS_DRY = 6
    BROADLEAF = 7
    CONIFER = 8
    ROOF_TILE = 9
    CONCRETE = 10
    ROOF_METAL = 11
    ASPHALT = 12
    SAND = 13
    ROCK = 14
    WATER_CLEAR = 15
    WATER_DEEP = 16
    WATER_TURBID = 17
    SNOW_FRESH = 18
    SNOW_OLD = 19
    CHAR = 20
    FOAM = 21
    PAINT_WHITE = 22
    PAINT_RED = 23


# fmt: off
_ANCHORS_UM = np.array(
    [0.40, 0.443, 0.49, 0.52, 0.56, 0.60, 0.64, 0.665, 0.685, 0.705, 0.74, 0.783, 0.842,
     0.90, 0.98, 1.05, 1.20, 1.30, 1.45, 1.61, 1.72, 1.95, 2.10, 2.19, 2.30, 2.40])
_PER_MILLE = {
    Material.SOIL_DARK: (45, 52, 62, 72, 86, 103, 118, 127, 133, 140, 152, 166, 184,
                         200, 216, 230, 255, 268, 262, 295, 300, 250, 285, 280, 268, 250),
    Material.SOIL_BRIGHT: (100, 125, 155, 180, 215, 250, 275, 288, 295, 303, 317, 332, 348,
                           360, 372, 385, 410, 420, 405, 440, 445, 385, 430, 415, 405, 385),
    Material.SOIL_WET: (25, 30, 37, 43, 52, 62, 71, 77, 80, 85, 93, 101, 112,
                        118, 118, 122, 125, 122, 75, 105, 108, 50, 78, 80, 70, 55),
    Material.CROP_GREEN: (22, 25, 28, 42, 72, 50, 40, 34, 33, 85, 300, 420, 460,
                          475, 455, 475, 420, 400, 170, 255, 250, 70, 130, 145, 110, 75),
    Material.CROP_RIPE: (70, 85, 110, 130, 165, 200, 225, 240, 250, 265, 295, 325, 355,
                         380, 395, 415, 430, 425, 330, 400, 390, 250, 285, 290, 250, 220),
    Material.GRASS_GREEN: (30, 34, 39, 55, 90, 72, 62, 56, 56, 105, 250, 330, 365,
                           380, 370, 385, 360, 350, 180, 255, 250, 90, 145, 155, 125, 90),
    Material.GRASS_DRY: (60, 70, 90, 105, 130, 155, 175, 190, 197, 215, 250, 280, 310,
                         335, 350, 370, 385, 385, 310, 370, 360, 250, 285, 285, 250, 220),
    Material.BROADLEAF: (18, 20, 23, 32, 55, 40, 32, 28, 28, 70, 260, 360, 400,
                         410, 390, 405, 360, 340, 145, 215, 210, 60, 105, 115, 90, 65),
    Material.CONIFER: (13, 15, 18, 23, 36, 28, 24, 22, 22, 46, 145, 195, 220,
                       225, 210, 220, 190, 180, 75, 115, 115, 35, 55, 60, 48, 35),
    Material.ROOF_TILE: (50, 60, 75, 85, 115, 185, 235, 255, 262, 270, 282, 292, 300,
                         305, 315, 330, 355, 365, 365, 385, 390, 370, 385, 380, 370, 360),
    Material.CONCRETE: (130, 155, 180, 195, 215, 232, 243, 250, 254, 258, 266, 273, 280,
                        285, 290, 297, 308, 315, 305, 325, 328, 295, 315, 310, 300, 290),
    Material.ROOF_METAL: (420, 470, 520, 545, 570, 585, 595, 600, 602, 605, 610, 610, 605,
                          600, 600, 605, 620, 620, 620, 620, 615, 590, 590, 585, 560, 550),
    Material.ASPHALT: (55, 62, 70, 76, 83, 90, 96, 100, 102, 105, 110, 115, 120,
                       125, 129, 134, 142, 147, 150, 158, 160, 158, 163, 165, 163, 160),
    Material.SAND: (160, 190, 230, 265, 310, 355, 385, 400, 407, 415, 430, 445, 460,
                    470, 480, 495, 515, 525, 510, 545, 550, 490, 540, 530, 525, 510),
    Material.ROCK: (100, 115, 130, 142, 158, 172, 182, 188, 190, 194, 200, 207, 214,
                    220, 225, 230, 240, 245, 240, 250, 252, 235, 245, 235, 225, 220),
    Material.WATER_CLEAR: (22, 24, 26, 27, 24, 10, 6, 5, 5, 4, 2.5, 2, 1.2,
                           0.6, 0.2, 0.2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    Material.WATER_DEEP: (45, 40, 30, 18, 8, 3, 2, 1.5, 1.5, 1, 0.4, 0.2, 0,
                          0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    Material.WATER_TURBID: (50, 60, 80, 95, 115, 105, 95, 88, 85, 75, 40, 35, 28,
                            18, 6, 6, 1, 0.5, 0, 0, 0, 0, 0, 0, 0, 0),
    Material.SNOW_FRESH: (970, 975, 975, 970, 965, 960, 955, 950, 945, 940, 925, 905, 875,
                          840, 790, 740, 550, 500, 50, 100, 130, 25, 80, 95, 70, 40),
    Material.SNOW_OLD: (860, 870, 875, 870, 865, 855, 845, 835, 825, 815, 785, 745, 690,
                        630, 540, 460, 250, 210, 15, 20, 30, 5, 12, 18, 10, 5),
    Material.CHAR: (30, 33, 37, 40, 45, 50, 55, 59, 61, 64, 71, 78, 88,
                    97, 107, 117, 140, 150, 160, 175, 180, 180, 190, 190, 185, 180),
    Material.FOAM: (450, 460, 460, 460, 455, 445, 435, 425, 420, 415, 400, 385, 360,
                    330, 270, 250, 170, 150, 60, 90, 90, 20, 50, 55, 40, 20),
    Material.PAINT_WHITE: (350, 520, 620, 640, 650, 655, 660, 660, 660, 660, 660, 655, 650,
                           640, 635, 630, 610, 600, 580, 580, 520, 540, 520, 500, 450, 430),
    Material.PAINT_RED: (50, 55, 60, 62, 70, 120, 170, 190, 200, 205, 215, 225, 235,
                         240, 250, 260, 290, 300, 310, 325, 330, 330, 335, 330, 320, 310),
}
CLOUD = np.array(
    (980, 1000, 1000, 1000, 995, 990, 985, 980, 980, 975, 970, 965, 960,
     955, 930, 940, 870, 860, 660, 720, 760, 420, 600, 580, 560, 450), np.float64) / 1e3
"""A thick cloud's reflectance at the anchors, relative to its brightness at 0.5 um."""
# fmt: on
_SPECTRA = np.array([_PER_MILLE[material] for material in Material], np.float64) / 1e3


def reflectance(material: Material, wavelength_um: ArrayLike) -> NDArray[np.float64]:
    """Return a material's reflectance at wavelengths (n,) in um, each from 0.4 to 2.4.

    Examples
    --------
    >>> [round(float(r), 3) for r in reflectance(Material.CROP_GREEN, [0.665, 0.842])]
    [0.034, 0.46]
    """
    wave = np.asarray(wavelength_um, np.float64)
    return np.asarray(np.interp(wave, _ANCHORS_UM, _SPECTRA[material]))


def band_mean(
    band: Band, wavelength_um: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the means (...) of spectra (..., n) at `wavelength_um` (n,) over a band's response.

    The response is the band's samples if it has any, else a Gaussian of its full width at half
    maximum (0.04 um if it does not say).
    """
    samples = getattr(band, "response", None)
    if samples:
        known = np.asarray(samples, np.float64)
        low, high = known[0, 0], known[-1, 0]
        fine = np.linspace(low, high, max(int((high - low) / _STEP_UM) + 1, 3))
        weight = np.interp(fine, known[:, 0], known[:, 1])
    else:
        fwhm_um = getattr(band, "fwhm_um", None) or _FWHM_UM
        fine = band.wavelength_um + np.linspace(-1.5, 1.5, 121) * fwhm_um
        weight = np.exp(-4.0 * np.log(2.0) * ((fine - band.wavelength_um) / fwhm_um) ** 2)
    weight /= weight.sum()
    rows = np.reshape(values, (-1, np.shape(values)[-1]))
    means = [float(np.interp(fine, wavelength_um, row) @ weight) for row in rows]
    return np.reshape(means, np.shape(values)[:-1])


def band_spectra(bands: Sequence[Band]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the materials' reflectance in bands, (materials, bands), and cloud's, (bands,)."""
    table = np.vstack([_SPECTRA, CLOUD])
    means = np.stack([band_mean(band, _ANCHORS_UM, table) for band in bands], axis=-1)
    return means[:-1].astype(np.float32), means[-1].astype(np.float32)


def planck_radiance(wavelength_um: ArrayLike, temperature_k: ArrayLike) -> NDArray[np.float64]:
    """Return a black body's radiance in W/m2/sr/um (Planck's law; wavelength and T broadcast).

    Examples
    --------
    >>> round(float(planck_radiance(2.2, 1000.0)), 1)
    3343.5
    """
    wave = np.asarray(wavelength_um, np.float64)
    return np.asarray(
        _PLANCK_C1 / wave**5 / np.expm1(_PLANCK_C2 / (wave * np.asarray(temperature_k)))
    )
