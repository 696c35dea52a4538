"""Lines on standard error."""

from __future__ import annotations

import os
import sys

import pytest

from sensor.terminal.stderr import print_stderr


def test_lines_are_harmless_and_stay_lines(capsys: pytest.CaptureFixture[str]) -> None:
    print_stderr("one\x1b[2J\ntwo\r")
    assert capsys.readouterr() == ("", "one\\x1b[2J\ntwo\\x0d\n")


def test_a_standard_error_that_nobody_reads_stops_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", encoding="utf-8", buffering=1) as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        print_stderr("into the void")
        os.dup2(os.open(os.devnull, os.O_WRONLY), writer)
