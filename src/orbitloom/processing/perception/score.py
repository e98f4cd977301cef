"""Scenes with truth, and how well the cloud network does on them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orbitloom.processing import cloudnet
from orbitloom.processing.blocks import above
from orbitloom.processing.perception.tuning import Tuning

__all__ = ["Labelled", "cloud_overlap"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Labelled:
    """A scene and what is true of it.

    Attributes
    ----------
    toa
        (6, lines, columns) reflectance at the top of the atmosphere, bands as `cloudnet.BANDS`.
    truth
        (4, lines, columns), in the order of `cloudnet.CLASSES`.
    good
        (lines, columns): where it was measured.
    shrink
        Pixels along the side of a cell that the network sees.
    """

    toa: NDArray[np.float32]
    truth: NDArray[np.bool_]
    good: NDArray[np.bool_]
    shrink: int

    def sha256(self) -> bytes:
        """Return the SHA-256 of all of it, 32 bytes."""
        digest = hashlib.sha256(repr((self.toa.shape, self.shrink)).encode())
        for part in (self.toa, self.truth, self.good):
            digest.update(np.ascontiguousarray(part).tobytes())
        return digest.digest()


def cloud_overlap(scenes: Sequence[Labelled], tuning: Tuning | None = None) -> float:
    """Return the intersection over union of cloud, all pixels of all scenes together.

    1 if there is no cloud, and none is found.
    """
    both = either = 0
    for scene in scenes:
        chances = cloudnet.chances(scene.toa, cloudnet.BANDS, scene.good, scene.shrink, tuning)
        found = above(chances[0], scene.shrink, 0.5, scene.good)
        true = scene.truth[0] & scene.good
        both += int(np.count_nonzero(found & true))
        either += int(np.count_nonzero(found | true))
    return both / either if either else 1.0
