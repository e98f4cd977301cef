import pytest

from orbitloom.flight.store import Store
from orbitloom.testing.store import StoreContract


class TestStore(StoreContract):
    @pytest.fixture
    def make_store(self):
        return Store

    def test_the_peak_stays(self, store: Store) -> None:
        store.put(1, 800)
        store.drop(1)
        store.put(2, 300)
        assert store.peak_bytes == 800
