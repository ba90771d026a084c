from collections.abc import Callable

import pytest

from tests.unit.engine.tiny import ENGINES, AnyEngine


@pytest.fixture(params=ENGINES, ids=lambda cls: cls.name)
def engine(request: pytest.FixtureRequest) -> AnyEngine:
    make: Callable[[], AnyEngine] = request.param
    return make()
