"""A thread that reads ahead: results in order, errors handed over, the stream closed by it."""

from __future__ import annotations

import threading

import pytest

from sensor.capture.files.read_ahead import ReadAhead


def test_results_come_in_the_order_of_the_reads_from_another_thread() -> None:
    threads: list[int] = []
    reads: ReadAhead[int] = ReadAhead(lambda: threads.append(threading.get_ident()))
    for number in range(5):
        reads.start(lambda number=number: number)  # type: ignore[misc]
    assert [reads.result() for _ in range(5)] == list(range(5)) and reads.pending == 0
    reads.close(ended=True)
    assert len(threads) == 1 and threads != [threading.get_ident()]


def test_an_error_comes_out_in_its_place() -> None:
    def fail() -> bytes:
        raise OSError("gone")

    reads: ReadAhead[bytes] = ReadAhead(lambda: None)
    reads.start(lambda: b"before")
    reads.start(fail)
    reads.start(lambda: b"after")
    assert reads.result() == b"before"
    with pytest.raises(OSError, match="gone"):
        reads.result()
    assert reads.result() == b"after"
    reads.close(ended=True)


def test_closing_waits_for_no_read_that_hangs() -> None:
    go_on, closed = threading.Event(), threading.Event()
    reads: ReadAhead[bool] = ReadAhead(closed.set)
    reads.start(go_on.wait)
    reads.close(ended=False)
    assert not closed.is_set()
    go_on.set()
    assert closed.wait(30)
