"""The table of sinks."""

from __future__ import annotations

import sys

from tests.running import ROOT


def test_importing_the_sinks_loads_neither_rich_nor_ssl() -> None:
    import subprocess  # noqa: PLC0415

    code = "import sys, sensor.sinks; print({'rich', 'ssl'} & set(sys.modules))"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        cwd=ROOT,
    )  # fmt: skip
    assert ran.stdout == "set()\n"
