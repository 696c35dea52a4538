"""Half a minute of benchmarks/live_soak.py: the highest rate, and trouble on every side."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import COMMAND, environment
from tests.running import ROOT

MINUTES = "0.5"


@pytest.mark.needs("network namespaces", "ip")
def test_half_a_minute_of_everything_at_once(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, ROOT / "benchmarks/live_soak.py", MINUTES, "--out", tmp_path,
         "--sensor", " ".join(COMMAND)],
        capture_output=True, text=True, check=False, env=environment(PYTHONPATH=str(ROOT)),
        cwd=ROOT,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    told = json.loads((tmp_path / "soak.json").read_text(encoding="utf-8"))
    assert told["flaps"] >= 2 and told["tcp"]["comings"] >= 2
    assert told["alerted_sessions"] > 0 and told["flows"]["total"] > 100_000
    assert os.path.getsize(tmp_path / "soak.svg") > 0
    print(run.stdout)
