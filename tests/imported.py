"""Everything that a run of the command may need, made once for all the runs of the tests."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import sensor

for found in pkgutil.walk_packages(sensor.__path__, "sensor."):
    if not found.name.endswith(("__main__", "._cython")):
        import_module(found.name)

import_module("sensor.query.kql.parser").parse("a: b")
import_module("sensor.query.eql.parser").parse("any where true")
