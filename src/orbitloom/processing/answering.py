"""From a tile to its answer: what the application finds, what the model says, what is sent.

The same whether the tile came out of a capture's packets or out of a scene's file.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from orbitloom.processing import cloudnet
from orbitloom.processing.apps import App, Context, Finding
from orbitloom.processing.assess import Assessment, Model
from orbitloom.processing.chip import chip
from orbitloom.processing.l3 import Tile
from orbitloom.processing.maturity import maturity
from orbitloom.processing.outline import outline
from orbitloom.wire import Answer, canonical_json
from orbitloom.wire.briefing import Earlier

__all__ = ["GRADES", "answer_tile", "feature_answer"]

GRADES = {"L3": 4, "L4": 6}
"""GB/T 38026 counts 0 to 6; grade 6 is the thematic product. See docs/design/levels.md."""

_OUTLINE_BYTES = 5_600
_DETAIL_BYTES = 3_000
_LEAST_OUTLINE = 600
_ANSWER_BYTES = 10_000  # of the record; the picture takes what that leaves
_CHIP_BYTES = 1_600  # of the picture, if the record leaves less


def answer_tile(
    tile: Tile,
    context: Context,
    app: App,
    model: Model,
    properties: dict[str, Any],
    footprint: dict[str, Any],
) -> Answer:
    """Return what is to be said of a tile.

    Parameters
    ----------
    tile, context
        What the application sees and knows.
    app, model
        Who looks, and who assesses.
    properties
        What the record says besides: where the tile comes from.
    footprint
        GeoJSON geometry of the tile, for an answer that is no alert.
    """
    finding = app.analyse(tile, context)
    verdict = None if finding.evidence is None else model.assess(finding.evidence)
    told = properties | _told(finding, verdict, model.name)
    told |= {
        "eo:cloud_cover": round(100.0 * (1.0 - float(finding.clear_share)), 2),
        "proj:code": f"EPSG:{tile.grid.epsg}",
        "proj:shape": list(tile.grid.shape),
        "proj:transform": list(tile.grid.transform),
        "snr": round(tile.snr, 1),
        "view:off_nadir": round(tile.off_nadir_deg, 3),
    }
    if math.isfinite(tile.sun_elevation_deg):  # a scene's file may not tell
        told |= {
            "view:sun_azimuth": round(tile.sun_azimuth_deg, 3),
            "view:sun_elevation": round(tile.sun_elevation_deg, 3),
        }
    if cloudnet.suits(tile.band_names):
        told["cloud_model_sha256"] = cloudnet.model_hash()
    held = verdict is not None and verdict.verdict == "hold"
    earlier = context.briefing.earlier
    if earlier is not None:
        seen = replace(finding, evidence=None, area=None) if held else finding
        told |= _on_the_earlier(seen, earlier, tile)
        if told["maturity"] == "retracted":
            return feature_answer(dict(earlier.geometry), told)
    elif told["kind"] == "alert":
        told["maturity"] = "early"
    if finding.area is None or verdict is None or held:
        return feature_answer(footprint, told)
    base = len(feature_answer(footprint, told).to_bytes())
    room = _ANSWER_BYTES - base
    geometry = outline(finding.area, tile.grid, max(min(_OUTLINE_BYTES, room), _LEAST_OUTLINE))
    left = _ANSWER_BYTES - len(feature_answer(geometry, told).to_bytes())
    return feature_answer(geometry, told, chip(tile, finding.area, max(left, _CHIP_BYTES)))


def feature_answer(
    geometry: dict[str, Any], properties: dict[str, Any], picture: bytes = b""
) -> Answer:
    """Return an answer whose record is one GeoJSON feature."""
    feature = {
        "type": "Feature",
        "id": f"{properties['satellite']}-{properties['capture']}",
        "geometry": geometry,
        "properties": properties,
    }
    return Answer(record=canonical_json(feature), chip=picture)


def _told(finding: Finding, verdict: Assessment | None, model: str) -> dict[str, Any]:
    """Return the properties that say what was found."""
    told: dict[str, Any] = {"clear_share": round(float(finding.clear_share), 4)}
    if finding.series:
        told["series"] = [
            {
                "name": measure.name,
                "value": round(float(measure.value), 6),
                "sigma": round(float(measure.sigma), 6),
                "unit": measure.unit,
            }
            for measure in finding.series
        ]
    if verdict is not None:
        told["model"] = {
            "name": model,
            "rank": verdict.rank,
            "reason": verdict.reason,
            "verdict": verdict.verdict,
        }
    if finding.reason is not None:
        cause = {"cause": finding.cause} if finding.cause else {}
        return told | cause | {"kind": "not_observable", "reason": finding.reason}
    if finding.evidence is None:
        return told | {"kind": "nothing_found"}
    if verdict is not None and verdict.verdict == "hold":
        return told | {"kind": "nothing_found", "reason": verdict.reason}
    evidence = finding.evidence
    told |= {
        "kind": "alert",
        "event": evidence.event,
        "area_km2": round(float(evidence.area_km2), 6),
        "area_sigma_km2": round(float(evidence.area_sigma_km2), 6),
        "confidence": round(float(finding.confidence), 3),
        "headline": finding.headline,
        "parts": evidence.parts,
        "severity": finding.severity,
    }
    if evidence.measures:
        told["measures"] = {
            measure.name: {
                "value": round(float(measure.value), 4),
                "sigma": round(float(measure.sigma), 4),
                "unit": measure.unit,
            }
            for measure in evidence.measures
        }
    return told | _details(finding)


def _on_the_earlier(finding: Finding, earlier: Earlier, tile: Tile) -> dict[str, Any]:
    """Return what a second look says of the alert that it was asked to confirm or to retract.

    A retraction is an alert too: whoever had the first must hear of it.
    """
    what, confidence = maturity(finding, earlier, tile)
    told: dict[str, Any] = {"earlier": earlier.answer, "maturity": what}
    if what == "confirmed":
        return told | {"confidence": round(confidence, 3)}
    if what == "retracted":
        return told | {
            "kind": "alert",
            "event": earlier.event,
            "area_km2": round(earlier.area_km2, 6),
            "confidence": round(confidence, 3),
            "headline": f"Retracted: a second look shows no {earlier.event.replace('_', ' ')}",
            "severity": "Minor",
        }
    return told


def _details(finding: Finding) -> dict[str, Any]:
    """Return the first objects, as many as there is room for, and how many there are in all."""
    if not finding.details:
        return {}
    sent: list[dict[str, Any]] = []
    room = _DETAIL_BYTES
    for detail in finding.details:
        room -= len(canonical_json(dict(detail))) + 1
        if room < 0:
            break
        sent.append(dict(detail))
    return {"details": sent, "objects": len(finding.details)}
