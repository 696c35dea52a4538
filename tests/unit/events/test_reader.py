"""The documents of one file: times that are missing, lines that are bad, and their names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import sensor
from sensor.errors import CaptureError, ConfigError
from sensor.events import reader
from tests.unit.events.documents import AT, TELNET, read


def test_a_document_without_a_time_has_that_of_the_one_before(tmp_path: Path) -> None:
    times = [None, "2026-01-02T03:04:06Z", None, AT, None]
    lines = [{"n": n, **({"@timestamp": time} if time else {})} for n, time in enumerate(times)]
    documents, files = read(tmp_path / "f", lines)
    assert {document["n"]: document["@timestamp"][17:19] for document in documents} == {
        0: "06", 1: "06", 2: "06", 3: "05", 4: "05"}  # fmt: skip
    assert files.ledger()["undated"] == 3


def test_bad_lines_are_named_and_counted(tmp_path: Path) -> None:
    lines = [json.dumps(TELNET).encode(), b"{oops", b'{"a":NaN}', b'{"a":"\xff"}', b"5",
             b'{"a":' * 5000 + b"1" + b"}" * 5000, b'{"a":' * 100 + b"1" + b"}" * 100,
             b'{"' + b"a." * 100 + b'a":1}', b"[" * 900 + b"]" * 900,
             b'{"destination":{"port":80},"destination":{"port":23}}']  # fmt: skip
    documents, files = read(tmp_path / "f", b"\n".join(lines))
    assert [document["destination"] for document in documents] == [{"port": 23}] * 2
    assert files.ledger()["bad"] == 8 and files.ledger()["read"] == 2
    error = str(files.inputs[0].error)
    for number, reason in [(2, ", column 2: not JSON"), (3, ", column"), (5, ": not an object"),
                           (7, ": nested more than"), (8, ": nested more than")]:
        assert f"line {number}{reason}" in error
    assert "\n" not in error


def test_only_the_first_bad_lines_are_named(tmp_path: Path) -> None:
    _, files = read(tmp_path / "f", b"{\x00}\n" * 30)
    more = 30 - reader.NAMED_MAX
    assert str(files.inputs[0].error).endswith(f"; {more} more bad lines")


def test_damage_is_raised_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(json.dumps(TELNET).encode() + b"\n{bad\n")
    alerts = sensor.replay(events=[str(path)])
    assert next(alerts).document["destination"] == {"port": 23}
    with pytest.raises(CaptureError, match="line 2, column 2: not JSON"):
        next(alerts)
    with pytest.raises(ConfigError, match="at once"):
        sensor.replay("-", events="-")
