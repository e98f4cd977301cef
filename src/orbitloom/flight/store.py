"""Mass memory: who holds how many bytes, and whether there is room."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Store", "StoreProtocol"]


class StoreProtocol(Protocol):
    """What a satellite needs of a store; its promises are `orbitloom.testing.store`."""

    @property
    def free_bytes(self) -> int:
        """Room that is left."""
        ...

    def held_bytes(self, key: int) -> int:
        """Return how many bytes are held under a key; 0 for an unknown one."""
        ...

    def put(self, key: int, size_bytes: int) -> bool:
        """Add bytes under a key; False, and nothing is changed, if there is no room for all."""
        ...

    def drop(self, key: int, size_bytes: int | None = None) -> int:
        """Free some of the bytes held under a key, or all; return how many that were."""
        ...


class Store:
    """Bytes on board by key, within a capacity.

    Parameters
    ----------
    capacity_bytes
        All the room there is.

    Examples
    --------
    >>> store = Store(1_000)
    >>> store.put(7, 600), store.put(8, 600)
    (True, False)
    >>> store.drop(7), store.put(8, 600), store.free_bytes
    (600, True, 400)
    """

    def __init__(self, capacity_bytes: int) -> None:
        self._capacity_bytes = capacity_bytes
        self._held: dict[int, int] = {}
        self._used_bytes = 0

    @property
    def free_bytes(self) -> int:
        """Room that is left."""
        return self._capacity_bytes - self._used_bytes

    def held_bytes(self, key: int) -> int:
        """Return how many bytes are held under a key; 0 for an unknown one."""
        return self._held.get(key, 0)

    def put(self, key: int, size_bytes: int) -> bool:
        """Add bytes under a key; False, and nothing is changed, if there is no room for all."""
        if size_bytes < 0:
            raise ValueError(f"cannot put {size_bytes} bytes")
        if size_bytes > self.free_bytes:
            return False
        self._held[key] = self._held.get(key, 0) + size_bytes
        self._used_bytes += size_bytes
        return True

    def drop(self, key: int, size_bytes: int | None = None) -> int:
        """Free some of the bytes held under a key, or all; return how many that were.

        Raises
        ------
        ValueError
            If less is held under that key than is to be freed.
        """
        held = self._held.get(key, 0)
        dropped = held if size_bytes is None else size_bytes
        if not 0 <= dropped <= held:
            raise ValueError(f"cannot drop {dropped} bytes of {held}")
        self._used_bytes -= dropped
        if dropped == held:
            self._held.pop(key, None)
        else:
            self._held[key] = held - dropped
        return dropped
