"""The modules that make documents, run from their Python source beside the compiled ones."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import sensor

FOLDER = Path(sensor.__path__[0])


def load(names: tuple[str, ...]) -> dict[str, ModuleType]:
    """Import modules of `sensor` anew from source, each seeing the others; then put all back.

    `names` is in the order of their imports. Cython and the pure-Python twins are the same text, so
    what these modules give is the check on what the compiled ones give.
    """
    saved = {name: sys.modules.pop(f"sensor.{name}", None) for name in names}
    attributes = {name: getattr(sensor, name, None) for name in names}
    try:
        return {name: _from_source(name) for name in names}
    finally:
        for name in names:
            sys.modules.pop(f"sensor.{name}", None)
            if saved[name] is not None:
                sys.modules[f"sensor.{name}"] = saved[name]
            if attributes[name] is not None:
                setattr(sensor, name, attributes[name])


def _from_source(name: str) -> ModuleType:
    full = f"sensor.{name}"
    loader = SourceFileLoader(full, str(FOLDER / f"{name.replace('.', '/')}.py"))
    spec = importlib.util.spec_from_loader(full, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[full] = module
    setattr(sensor, name, module)
    loader.exec_module(module)
    return module
