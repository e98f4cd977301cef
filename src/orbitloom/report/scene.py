"""What is said on a terminal of one scene's answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orbitloom.report.words import bytes_words
from orbitloom.wire import Answer

__all__ = ["tell"]

_REASONS = {
    "gap": "too many packets are missing",
    "geolocation": "the packets tell of no possible view of the Earth",
    "app": "the application was stopped",
}


def tell(
    answer: Answer,
    level_bytes: Mapping[str, int],
    seconds: float,
    out: Path,
    files: Sequence[Path],
) -> list[str]:
    """Return lines: what was found, how sure, what each level weighs, and where the files are.

    Parameters
    ----------
    answer
        The answer.
    level_bytes
        Size of each level that was reached.
    seconds
        CPU time.
    out, files
        The folder, and what was written there.
    """
    said = answer.feature["properties"]
    lines = [f"{said['app']}: {said['kind'].replace('_', ' ')}"]
    if said.get("headline"):
        lines[0] += f" - {said['headline']}"
    if said.get("reason"):
        lines[0] += f" ({_REASONS.get(said['reason'], said['reason'])}"
        lines[0] += f": {said['cause']})" if said.get("cause") else ")"
    if said["kind"] == "alert":
        lines.append(
            f"{said['maturity']}, confidence {said['confidence']:.2f}, severity "
            f"{said['severity']}, area {_with_sigma(said['area_km2'], said.get('area_sigma_km2'))}"
            " km²"
        )
    if said.get("objects"):
        lines.append(f"objects: {said['objects']}")
    told = dict(said.get("measures", {})) | {one["name"]: one for one in said.get("series", ())}
    lines += [_measured(name.replace("_", " "), measure) for name, measure in told.items()]
    lines.append(f"clear: {said['clear_share']:.0%} of the scene")
    lines.append(", ".join(f"{level} {bytes_words(size)}" for level, size in level_bytes.items()))
    lines.append(f"{seconds:.1f} s of CPU time")
    parts = dict.fromkeys(file.relative_to(out).parts[0] for file in files)
    names = (f"{name}/" if (out / name).is_dir() else name for name in parts)
    lines.append(f"{out}: {', '.join(names)}")
    return lines


def _measured(name: str, measure: Mapping[str, Any]) -> str:
    unit = "" if measure["unit"] == "1" else measure["unit"]
    return f"{name}: {_with_sigma(measure['value'], measure['sigma'])} {unit}".rstrip()


def _with_sigma(value: float, sigma: float | None) -> str:
    return f"{value:.4g} ± {sigma:.2g}" if sigma else f"{value:.4g}"
