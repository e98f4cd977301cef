"""How the kernels of the network are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

__all__ = ["njit_bare"]

F = TypeVar("F", bound=Callable[..., Any])

_compile: Any = njit


def njit_bare(function: F) -> F:
    """Compile a function that makes no array, without counting references to those it is given.

    With a tuple of a dozen arrays a call costs more in counting than in work: routing was twelve
    times slower. The option that turns counting off is numba's own and has no public name; should
    it go, all still works. Python's lock is kept: a route takes microseconds, and to have the lock
    back from threads that process scenes takes longer.
    """
    options = {"cache": True, "error_model": "numpy"}
    try:
        compiled: F = _compile(**options, _nrt=False)(function)
    except (KeyError, TypeError):  # pragma: no cover
        compiled = _compile(**options)(function)
    return compiled
