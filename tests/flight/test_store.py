import pytest

from orbitloom.flight.store import Store
from orbitloom.testing.store import StoreContract


class TestStore(StoreContract):
    @pytest.fixture
    def make_store(self):
        return Store
