"""Every test here that asks for a lab gets namespaces of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live.blasting import Blast
from tests.live.namespaces import Lab, open_lab


@pytest.fixture
def lab() -> Iterator[Lab]:
    with open_lab() as opened:
        yield opened


@pytest.fixture(scope="session")
def blast(tmp_path_factory: pytest.TempPathFactory) -> Blast:
    return Blast(tmp_path_factory.mktemp("blast"))
