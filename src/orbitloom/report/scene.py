"""What is said on a terminal of one scene's answer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from orbitloom.report.words import bytes_words
from orbitloom.wire import Answer

__all__ = ["tell"]


def tell(answer: Answer, level_bytes: Mapping[str, int], seconds: float, out: Path) -> list[str]:
    """Return lines: what was found, how sure, what each level weighs, and where the files are."""
    said = answer.feature["properties"]
    lines = [f"{said['app']}: {said['kind'].replace('_', ' ')}"]
    if said.get("headline"):
        lines[0] += f" - {said['headline']}"
    if said.get("reason"):
        lines[0] += f" ({said['reason']})"
    if said["kind"] == "alert":
        lines.append(
            f"confidence {said['confidence']:.2f}, severity {said['severity']}, "
            f"area {said['area_km2']:.3f} +- {said.get('area_sigma_km2', 0.0):.3f} km2"
        )
    for name, measure in said.get("measures", {}).items():
        unit, value = measure["unit"], f"{measure['value']:g} +- {measure['sigma']:g}"
        lines.append(f"{name.replace('_', ' ')}: {value} {'' if unit == '1' else unit}".rstrip())
    for point in said.get("series", ()):
        unit = "" if point["unit"] == "1" else point["unit"]
        lines.append(f"{point['name']}: {point['value']:g} +- {point['sigma']:g} {unit}".rstrip())
    lines.append(f"clear: {said['clear_share']:.0%} of the scene")
    lines.append(", ".join(f"{level} {bytes_words(size)}" for level, size in level_bytes.items()))
    lines.append(f"{seconds:.1f} s of CPU time")
    lines.append(f"{out}: answer.geojson, L3.tif, L3.json, inbox/, catalog/")
    return lines
