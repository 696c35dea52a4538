"""What the sensor's exceptions say: one harmless text with the place, and a caret below it."""

from __future__ import annotations

import errno
import os

from sensor.errors import CaptureError, OperatorError, QueryError, SensorError, reason_of


def test_a_query_error_names_its_place_with_a_caret() -> None:
    error = QueryError("no such field", path="a\n.json", line=3, column=5, text="a : bc")
    assert str(error) == "a\\x0a.json:3:5: no such field\n    a : bc\n        ^"
    assert str(QueryError("empty")) == "empty"
    assert isinstance(error, OperatorError)


def test_a_capture_error_names_the_octet_where_there_is_one() -> None:
    assert str(CaptureError("x\x1b.pcap", "cut off", 24)) == "x\\x1b.pcap: at octet 24: cut off"
    assert str(CaptureError("x.pcap", "cut off")) == "x.pcap: cut off"
    assert isinstance(CaptureError("x", "y"), SensorError)


def test_a_reason_is_in_few_words_and_harmless() -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/somewhere")
    assert reason_of(full) == "No space left on device"
    assert reason_of(ValueError("bad\x1b[2J")) == "bad\\x1b[2J"
    assert reason_of(KeyboardInterrupt()) == "KeyboardInterrupt"
