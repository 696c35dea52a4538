"""No test has a time limit: hypothesis would give each example 200 ms."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("sensor", deadline=None)
settings.load_profile("sensor")
