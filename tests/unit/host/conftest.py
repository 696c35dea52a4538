"""A helper and its client for one test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.host.joined import Joined


@pytest.fixture
def joined() -> Iterator[Joined]:
    made = Joined()
    yield made
    made.close()
