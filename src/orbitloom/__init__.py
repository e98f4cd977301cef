"""Orbitloom: the software of a space computing constellation.

>>> import orbitloom as ol
>>> ol.scenarios()
('flood12', 'iridium-like', 'ring12', 'scs01', 'starlink-like', 'walker2800', 'walker2x6')

`fly` flies one and returns a `Report`; `load` reads a scenario without flying it; `app` makes a
function of yours an application.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from orbitloom._version import __version__

if TYPE_CHECKING:
    from orbitloom.api import Report as Report
    from orbitloom.api import fly as fly
    from orbitloom.processing.detector import app as app
    from orbitloom.scenario import load as load
    from orbitloom.scenario import scenario_names as scenarios

__all__ = ["Report", "__version__", "app", "fly", "load", "scenarios"]

# Heavy imports wait until someone asks, so that `orbitloom --help` answers at once.
_HOMES = {
    "Report": ("orbitloom.api", "Report"),
    "app": ("orbitloom.processing.detector", "app"),
    "fly": ("orbitloom.api", "fly"),
    "load": ("orbitloom.scenario", "load"),
    "scenarios": ("orbitloom.scenario", "scenario_names"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'orbitloom' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
