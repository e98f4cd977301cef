"""What an update changes of the cloud network: an adapter of its input, and its last layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orbitloom.errors import ModelError

__all__ = ["Tuning", "filled"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tuning:
    """An adapter of the network's input and, where there is one, a new head.

    Attributes
    ----------
    gain, offset
        (bands,): what the network sees is ``gain * reflectance + offset``.
    dead
        For each band the columns of the detector that tell nothing; they are filled from their
        neighbours. Then pictures must be in the sensor's own geometry.
    weights, bias
        (outputs, features) and (outputs,) of the last layer; both None for the network's own.
    """

    gain: NDArray[np.float32]
    offset: NDArray[np.float32]
    dead: tuple[tuple[int, ...], ...]
    weights: NDArray[np.float32] | None = None
    bias: NDArray[np.float32] | None = None

    def adapted(self, picture: NDArray[np.float32], band: int) -> NDArray[np.float32]:
        """Return a band, (lines, columns), as the network is to see it.

        Raises
        ------
        ModelError
            If a dead column is not in the picture.
        """
        whole = filled(picture, self.dead[band])
        return np.asarray(whole * self.gain[band] + self.offset[band], np.float32)


def filled(picture: NDArray[np.float32], dead: tuple[int, ...]) -> NDArray[np.float32]:
    """Return (lines, columns) with dead columns interpolated between the nearest live ones.

    Raises
    ------
    ModelError
        If a dead column is not in the picture, or no live one is.

    Examples
    --------
    >>> filled(np.array([[1.0, 0.0, 0.0, 4.0]], np.float32), (1, 2))
    array([[1., 2., 3., 4.]], dtype=float32)
    """
    if not dead:
        return picture
    columns = picture.shape[1]
    gone = np.array(dead)
    live = np.setdiff1d(np.arange(columns), gone)
    if gone.max() >= columns or not live.size:
        raise ModelError(
            f"dead columns up to {gone.max()} do not fit a picture of {columns} columns",
            where="update",
            way_out="Give the network pictures in the sensor's own geometry",
        )
    after = np.searchsorted(live, gone)
    left, right = live[np.maximum(after - 1, 0)], live[np.minimum(after, live.size - 1)]
    share = ((gone - left) / np.maximum(right - left, 1)).astype(np.float32)
    out = picture.copy()
    out[:, gone] = picture[:, left] * (1.0 - share) + picture[:, right] * share
    return out
