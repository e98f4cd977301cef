"""The contract of a store: inherit it, give your store, and pytest checks that it keeps it.

::

    from orbitloom.testing.store import StoreContract

    class TestMine(StoreContract):
        @pytest.fixture
        def make_store(self):
            return MyStore  # called with a capacity in bytes
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orbitloom.flight.store import StoreProtocol
from orbitloom.scenario import stream

__all__ = ["StoreContract"]


class StoreContract:
    """What every store keeps, ours and a user's."""

    @pytest.fixture
    def make_store(self) -> Callable[[int], StoreProtocol]:
        """Return what makes the store under test from a capacity in bytes."""
        raise NotImplementedError("give the contract a store: override the fixture 'make_store'")

    @pytest.fixture
    def store(self, make_store: Callable[[int], StoreProtocol]) -> StoreProtocol:
        """Return an empty store of 1,000 bytes."""
        return make_store(1_000)

    def test_it_starts_empty(self, store: StoreProtocol) -> None:
        """All the room is free, and no key holds anything."""
        assert (store.free_bytes, store.held_bytes(1)) == (1_000, 0)

    def test_it_fills_to_the_last_byte(self, store: StoreProtocol) -> None:
        """Exactly full is possible, one more byte is not."""
        assert store.put(1, 1_000)
        assert store.free_bytes == 0
        assert not store.put(2, 1)

    def test_what_does_not_fit_changes_nothing(self, store: StoreProtocol) -> None:
        """There is no half put."""
        assert store.put(1, 700)
        assert not store.put(1, 301)
        assert (store.held_bytes(1), store.free_bytes) == (700, 300)

    def test_a_key_adds_up(self, store: StoreProtocol) -> None:
        """Two puts under one key are one holding."""
        assert store.put(1, 100)
        assert store.put(1, 200)
        assert store.held_bytes(1) == 300

    def test_dropping_frees(self, store: StoreProtocol) -> None:
        """In part, then all the rest, and then there is nothing more."""
        store.put(1, 600)
        assert store.drop(1, 100) == 100
        assert (store.held_bytes(1), store.free_bytes) == (500, 500)
        assert store.drop(1) == 500
        assert store.drop(1) == 0
        assert store.free_bytes == 1_000

    def test_more_than_is_held_cannot_be_dropped(self, store: StoreProtocol) -> None:
        """Bytes do not come from nothing; the store is as before."""
        store.put(1, 10)
        for key, size in ((1, 11), (2, 1), (1, -1)):
            with pytest.raises(ValueError, match="bytes"):
                store.drop(key, size)
        with pytest.raises(ValueError, match="bytes"):
            store.put(1, -1)
        assert (store.held_bytes(1), store.free_bytes) == (10, 990)

    @pytest.mark.parametrize("seed", range(5))
    def test_bytes_are_conserved(self, store: StoreProtocol, seed: int) -> None:
        """Over a random history free and held always make the capacity."""
        random = stream(seed, "store contract")
        held = dict.fromkeys(range(6), 0)
        for _ in range(500):
            key, size = int(random.integers(6)), int(random.integers(400))
            if random.random() < 0.6:
                room = sum(held.values()) + size <= 1_000
                assert store.put(key, size) == room
                held[key] += size if room else 0
            else:
                size = min(size, held[key])
                assert store.drop(key, size) == size
                held[key] -= size
            assert {key: store.held_bytes(key) for key in held} == held
            assert store.free_bytes == 1_000 - sum(held.values())
