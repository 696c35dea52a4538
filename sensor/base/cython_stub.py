"""Stands in for the `cython` module where the core runs interpreted and Cython is not installed."""

from __future__ import annotations

from contextlib import nullcontext

compiled = False
nogil = nullcontext()
