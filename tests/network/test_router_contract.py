import pytest

from orbitloom.network.router import Router, RouterProtocol
from orbitloom.testing.router import RouterContract
from orbitloom.wire import ContactPlan


class TestRouter(RouterContract):
    @pytest.fixture
    def make_router(self):
        def make(plan: ContactPlan) -> RouterProtocol:
            return Router(plan, least_part_bytes=1_000)

        return make
