"""Everything that a run of the command may need, made once for all the runs of the tests."""

from __future__ import annotations

import gc
import pkgutil
from importlib import import_module

import sensor
from sensor.app.build import load_rules

for found in pkgutil.walk_packages(sensor.__path__, "sensor."):
    if not found.name.endswith(("__main__", "._cython")):
        import_module(found.name)

load_rules()  # with the grammars of both languages, and what is remembered of texts
gc.freeze()
