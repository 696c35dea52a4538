"""The generator of benchmarks/blast.c, compiled for the tests."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.live.namespaces import Namespace
from tests.running import ROOT

SOURCE = ROOT / "benchmarks/blast.c"


class Blast:
    """A compiled generator."""

    def __init__(self, folder: Path) -> None:
        self.program = folder / "blast"
        subprocess.run(["gcc", "-O2", "-o", self.program, SOURCE], check=True)

    def command(self, interface: str, **settings: int) -> list[str | Path]:
        """Its command line."""
        return [self.program, interface, *(f"{name}={value}" for name, value in settings.items())]

    def run(self, namespace: Namespace, interface: str, **settings: int) -> dict[str, Any]:
        """Run it inside to its end; what it says it sent."""
        report: dict[str, Any] = json.loads(namespace.run(*self.command(interface, **settings)))
        return report
