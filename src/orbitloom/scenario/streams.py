"""Seeded, named streams of random numbers.

One seed a scenario; every draw comes from a named child of it, so that adding a draw in one place
changes nothing in another, and the order in which threads ask changes nothing at all.
"""

from __future__ import annotations

import hashlib

import numpy as np

__all__ = ["stream"]


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """Return the generator that belongs to a seed and a name.

    Parameters
    ----------
    seed
        The scenario's seed.
    names
        What the numbers are for, from the general to the particular.

    Examples
    --------
    >>> a = stream(0, "bus", "SAT-01", 7).random()
    >>> a == stream(0, "bus", "SAT-01", 7).random()
    True
    >>> a == stream(1, "bus", "SAT-01", 7).random()
    False
    """
    name = "\x1f".join(str(part) for part in names)
    words = np.frombuffer(hashlib.sha256(name.encode()).digest()[:16], dtype="<u4")
    return np.random.default_rng(np.random.SeedSequence([seed, *(int(word) for word in words)]))
