"""Frozen classes: values that the type checker guards."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import FrozenInstanceError, field, replace
from pathlib import Path

import pytest

from sensor.base.frozen import frozen
from sensor.config import Config
from sensor.model.alert import Alert
from tests.command import ROOT
from tests.unit.capture.files.build import write


@frozen
class Point:
    """Two numbers."""

    x: int
    y: int = 0
    notes: tuple[str, ...] = field(default=(), compare=False)


@frozen
class Other:
    """The same members."""

    x: int
    y: int = 0


def test_they_are_values() -> None:
    assert Point(1) == Point(1, 0, ("note",)) and hash(Point(1)) == hash(Point(1, 0, ("note",)))
    assert Point(1) != Point(2) and Point(1, 0) != Other(1, 0)
    assert replace(Point(1), y=2) == Point(1, 2)
    assert repr(Point(1)) == "Point(x=1, y=0, notes=())"
    assert not hasattr(Point(1), "__dict__")


def test_the_type_checker_refuses_to_assign(tmp_path: Path) -> None:
    script = write(
        tmp_path / "change.py",
        b"from sensor.query.ast import And\n\n",
        b"def change(node: And) -> None:\n    node.items = ()\n",
    )
    run = subprocess.run([sys.executable, "-m", "mypy", script], capture_output=True, text=True,
                         cwd=ROOT, check=False)  # fmt: skip
    assert ':4: error: Property "items" defined in "And" is read-only' in run.stdout, run.stdout


def test_what_users_of_the_library_hold_refuses_by_itself() -> None:
    with pytest.raises(FrozenInstanceError):
        Config().key_vlan = True  # type: ignore[misc]
    assert Alert.__dataclass_params__.frozen  # type: ignore[attr-defined]
