"""No test has a time limit (hypothesis would give each example 200 ms); the programs tests need."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from tests.programs import require, summary

# One commit gives one answer in CI; everywhere else each run tries other examples.
SAME_EXAMPLES = "SENSOR_SAME_EXAMPLES" in os.environ
settings.register_profile("sensor", deadline=None, derandomize=SAME_EXAMPLES, print_blob=True)
settings.load_profile("sensor")
# Where Debian keeps tc, nft, telnetd and rsyslogd; only root has it in the path.
os.environ["PATH"] = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*programs): see tests/programs.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # What waits longest begins first; last, it would keep everybody waiting.
    items.sort(key=lambda item: "test_soak" not in item.nodeid)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        require(*mark.args)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    if line := summary(report.longrepr[2] for report in skipped):
        terminalreporter.write_line(line)
