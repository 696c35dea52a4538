"""The modules that make documents, run from their Python source beside the compiled ones."""

from __future__ import annotations

import importlib
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
    saved = {name: importlib.import_module(f"sensor.{name}") for name in names}
    for name in names:
        del sys.modules[f"sensor.{name}"]
    try:
        return {name: _from_source(name) for name in names}
    finally:
        for name, module in saved.items():
            _place(name, module)


def _from_source(name: str) -> ModuleType:
    full = f"sensor.{name}"
    loader = SourceFileLoader(full, str(FOLDER / f"{name.replace('.', '/')}.py"))
    spec = importlib.util.spec_from_loader(full, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    _place(name, module)
    loader.exec_module(module)
    return module


def _place(name: str, module: ModuleType) -> None:
    """Let imports of `sensor.NAME` find this module."""
    package, _, leaf = f"sensor.{name}".rpartition(".")
    sys.modules[f"{package}.{leaf}"] = module
    setattr(importlib.import_module(package), leaf, module)
