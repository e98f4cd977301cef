"""Every error Orbitloom raises on purpose.

The tree::

    OrbitloomError
    ├── ScenarioError (ValueError)      a scenario, its file, or an option
    ├── InputFileError (ValueError)     a user's file: elements, scene, packets
    ├── OutputError (OSError)           a place that cannot be written
    ├── PacketError (ValueError)        bytes that are not what they claim to be
    ├── OrbitError (ValueError)         an orbit that cannot be flown
    ├── NoRouteError (LookupError)      no path within the contact plan
    └── ModelError (RuntimeError)       a language model that cannot be had, or does not answer

Each one also inherits the built-in error that a caller would expect, and speaks in the caller's
values: *where* it is (file, key), *what* is wrong, and the *way out*.
"""

from __future__ import annotations

__all__ = [
    "InputFileError",
    "ModelError",
    "NoRouteError",
    "OrbitError",
    "OrbitloomError",
    "OutputError",
    "PacketError",
    "ScenarioError",
]


class OrbitloomError(Exception):
    """Base of the tree.

    Parameters
    ----------
    what
        What is wrong, with the caller's own value in it.
    where
        The file, key or option it was found in; empty if there is none.
    way_out
        What the caller can do about it; empty if nothing is known.
    """

    def __init__(self, what: str, where: str = "", way_out: str = "") -> None:
        self.what = what
        self.where = where
        self.way_out = way_out
        super().__init__(what, where, way_out)
        # simpy makes an error anew from its arguments; OSError would keep two of the three.
        self.args = (what, where, way_out)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}. {self.way_out}" if self.way_out else text

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions cross process boundaries by pickle, which ignores keyword arguments.
        return _rebuild, (type(self), self.what, self.where, self.way_out)


def _rebuild(kind: type[OrbitloomError], what: str, where: str, way_out: str) -> OrbitloomError:
    return kind(what, where=where, way_out=way_out)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


class ScenarioError(OrbitloomError, ValueError):
    """A scenario, its file or an option does not say something that can be flown."""


class InputFileError(OrbitloomError, ValueError):
    """A file of the user's cannot be used as it is."""

    @classmethod
    def from_os(
        cls, error: OSError, where: object, way_out: str = "Check the path and its rights"
    ) -> InputFileError:
        """Return what to raise when the system does not let a file be read."""
        return cls(f"cannot be read ({_reason(error)})", where=str(where), way_out=way_out)


class OutputError(OrbitloomError, OSError):
    """A result cannot be written where it was asked for."""

    @classmethod
    def from_os(cls, error: OSError, where: object, way_out: str) -> OutputError:
        """Return what to raise when the system does not let something be written."""
        return cls(f"cannot be written ({_reason(error)})", where=str(where), way_out=way_out)

    def __str__(self) -> str:
        return OrbitloomError.__str__(self)


class PacketError(OrbitloomError, ValueError):
    """Bytes are not the packet they claim to be."""


class OrbitError(OrbitloomError, ValueError):
    """An orbit cannot be flown, or its elements cannot be propagated."""


class NoRouteError(OrbitloomError, LookupError):
    """The contact plan holds no path for this bundle."""


class ModelError(OrbitloomError, RuntimeError):
    """A language model that cannot be had, or that does not answer."""
