"""Who propagates real elements: the `sgp4` package, or heyoka where it is installed.

Both are SGP4 (Spacetrack Report 3; Vallado et al., AIAA 2006-6753) with the constants of WGS72.
heyoka compiles its own: three times as fast (a fleet's nodes: twice), 230 MB. It is asked for by
name, ``World(scenario, propagator=HeyokaPropagator())``, and never taken because it happens to be
there, so that a scenario has the same bytes on every machine.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sgp4.api import SatrecArray

from orbitloom.errors import OrbitError
from orbitloom.world.cache import Cache
from orbitloom.world.earth import julian_date

if TYPE_CHECKING:
    from sgp4.api import Satrec

__all__ = ["HeyokaPropagator", "KeptPropagator", "Propagator", "Sgp4Propagator"]

Times = NDArray[np.int64]
Floats = NDArray[np.float64]
Errors = NDArray[np.uint8]

_WORTH_KEEPING = 100_000  # states; fewer are made faster than a file is read
_ELEMENTS = (  # all that SGP4 knows of a satellite
    "jdsatepoch", "jdsatepochF", "no_kozai", "ecco", "inclo", "nodeo", "argpo", "mo", "bstar",
    "ndot", "nddot", "radiusearthkm", "mu", "j2", "j3", "j4",
)  # fmt: skip


class Propagator(Protocol):
    """What turns mean elements into positions.

    Attributes
    ----------
    name
        Tells its results from those of others that are kept.
    """

    @property
    def name(self) -> str:
        """Return the name."""
        ...

    def positions_km(self, records: list[Satrec], t_ns: Times) -> tuple[Errors, Floats]:
        """Return SGP4's error codes (n_sat, n), 0 for none, and positions (n_sat, n, 3) in TEME."""
        ...


class Sgp4Propagator:
    """The `sgp4` package: the reference."""

    name = "sgp4"

    def positions_km(self, records: list[Satrec], t_ns: Times) -> tuple[Errors, Floats]:
        """Return error codes and positions, see `Propagator`."""
        errors, position_km, _ = SatrecArray(records).sgp4(*julian_date(t_ns))
        return errors, position_km


class HeyokaPropagator:
    """heyoka's compiled SGP4; orbits of 225 minutes and more, which it lacks, by `sgp4`.

    Raises
    ------
    OrbitError
        If heyoka is not installed.
    """

    name = "heyoka"

    def __init__(self) -> None:
        if find_spec("heyoka") is None:
            raise OrbitError(
                "heyoka is not installed",
                way_out="pip install 'orbitloom[heyoka]', or leave the propagator out",
            )

    def positions_km(self, records: list[Satrec], t_ns: Times) -> tuple[Errors, Floats]:
        """Return error codes and positions, see `Propagator`."""
        errors = np.zeros((len(records), t_ns.size), np.uint8)
        position_km = np.empty((len(records), t_ns.size, 3))
        deep = np.array([record.method == "d" for record in records])
        if np.any(deep):
            far = [record for record in records if record.method == "d"]
            errors[deep], position_km[deep] = Sgp4Propagator().positions_km(far, t_ns)
        near = [record for record in records if record.method != "d"]
        if near:
            from heyoka import model

            day, share = julian_date(t_ns)
            epoch = np.array([(r.jdsatepoch, r.jdsatepochF) for r in near]).T
            since_day = np.subtract.outer(day, epoch[0]) + np.subtract.outer(share, epoch[1])
            states = model.sgp4_propagator(near)(1440.0 * since_day)
            errors[~deep] = states[:, 6].T
            position_km[~deep] = states[:, :3].transpose(2, 0, 1)
        return errors, position_km


class KeptPropagator:
    """Another propagator, whose answers are kept from run to run.

    Parameters
    ----------
    propagator
        The other.
    cache
        Where they are kept.
    """

    def __init__(self, propagator: Propagator, cache: Cache) -> None:
        self._propagator = propagator
        self._cache = cache

    @property
    def name(self) -> str:
        """The other's name: the answers are the other's."""
        return self._propagator.name

    def positions_km(self, records: list[Satrec], t_ns: Times) -> tuple[Errors, Floats]:
        """Return error codes and positions, see `Propagator`."""
        if len(records) * t_ns.size < _WORTH_KEEPING:
            return self._propagator.positions_km(records, t_ns)

        def make() -> dict[str, NDArray[Any]]:
            errors, position_km = self._propagator.positions_km(records, t_ns)
            return {"errors": errors, "position_km": position_km}

        told = np.array([[getattr(record, name) for name in _ELEMENTS] for record in records])
        modes = "".join(record.operationmode for record in records)
        parts: list[str | bytes] = [self.name, modes, told.tobytes(), t_ns.tobytes()]
        kept = self._cache.arrays("states", parts, make)
        return kept["errors"], kept["position_km"]
