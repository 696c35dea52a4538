"""The sensor as systemd would run it: the unit's command, under the unit's rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live import veth

pytestmark = pytest.mark.needs("systemd-analyze")


def test_the_units_command_captures_under_the_units_rules(tmp_path: Path) -> None:
    told = veth.run("tests.live.under_the_unit", str(tmp_path))
    assert told["rule"] == "Accepted Default Telnet Port Connection"
    assert told["code"] == 0, told["said"]
    assert told["held"] == ["0000000000000000"]  # every thread, once it was ready
    words = [word for word in told["heard"] if word not in ("STATUS", "WATCHDOG=1")]
    assert words == ["READY=1", "RELOADING=1", "READY=1", "STOPPING=1"]
    assert "WATCHDOG=1" in told["heard"]
    assert "Operation not permitted" not in told["said"]
