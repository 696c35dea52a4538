"""The helper as a child: started from what we are, not from where we stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from sensor.host.messages import MESSAGE_MAX, unpack
from sensor.host_command import open_host


def test_a_child_is_never_a_program_of_the_folder_that_we_are_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sensor").mkdir()
    (tmp_path / "sensor" / "__init__.py").write_text("raise SystemExit(1)\n")
    monkeypatch.chdir(tmp_path)
    helper = open_host(str(tmp_path / "nobody"))
    assert helper is not None
    with helper:
        assert "hello" in unpack(helper.recv(MESSAGE_MAX))
