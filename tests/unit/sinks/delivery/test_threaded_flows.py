"""Flow records behind a thread: order, bounds, files opened anew, readers that hang."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from pathlib import Path

import pytest

from sensor.ecs.flow_batch import FlowBatch
from sensor.sinks.delivery.threaded_flows import ThreadedFlows
from sensor.sinks.flow_files import open_table
from tests.conformance.sink_peers import until
from tests.running import CAPTURES

CAPTURE = CAPTURES / "demo.pcap"
MIB = 1 << 20
NEVER_S = 600.0
"""Longer than a test may take: what waits for so long has failed."""


@pytest.fixture(scope="module")
def batch() -> FlowBatch:
    """The flows of a real capture."""
    import sensor  # noqa: PLC0415

    found = sensor.flows(str(CAPTURE))
    assert found.count > 1
    return found


def lines_of(path: Path) -> int:
    return path.read_bytes().count(b"\n")


def test_records_arrive_in_order_and_are_counted(batch: FlowBatch, tmp_path: Path) -> None:
    path = tmp_path / "flows.ndjson"
    flows = ThreadedFlows(open_table(str(path), live=True), MIB, drain_s=30)
    for _ in range(20):
        flows.write(batch)
    assert flows.accounted() == 20 * batch.count
    flows.close()
    flows.close()
    assert (flows.delivered, flows.dropped, flows.waiting) == (20 * batch.count, 0, 0)
    assert path.read_bytes() == batch.to_json_lines() * 20
    flows.write(batch)
    assert (flows.dropped, flows.waiting) == (batch.count, 0)


def test_what_was_gathered_is_written_soon(batch: FlowBatch, tmp_path: Path) -> None:
    path = tmp_path / "flows.ndjson"
    flows = ThreadedFlows(open_table(str(path), live=True), MIB, drain_s=30)
    flows.write(batch)
    until(lambda: flows.delivered == batch.count, "a flush without a further record")
    assert lines_of(path) == batch.count
    flows.close()


def test_a_restart_keeps_what_was_written(batch: FlowBatch, tmp_path: Path) -> None:
    path = tmp_path / "flows.ndjson"
    for _ in range(2):
        flows = ThreadedFlows(open_table(str(path), live=True), MIB, drain_s=30)
        flows.write(batch)
        flows.close()
    assert lines_of(path) == 2 * batch.count


def test_a_file_that_was_moved_away_is_opened_anew(batch: FlowBatch, tmp_path: Path) -> None:
    path, moved = tmp_path / "flows.ndjson", tmp_path / "flows.1.ndjson"
    flows = ThreadedFlows(open_table(str(path), live=True), MIB, drain_s=30)
    flows.write(batch)
    until(lambda: flows.delivered == batch.count)
    path.rename(moved)
    flows.reopen()
    until(path.exists)
    flows.write(batch)
    flows.close()
    assert (lines_of(moved), lines_of(path)) == (batch.count, batch.count)


def test_a_reader_that_never_reads_holds_up_nothing(
    batch: FlowBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_end, write_end = os.pipe()
    with open(write_end, "w", encoding="utf-8") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        limit = 50 * batch.records.nbytes
        flows = ThreadedFlows(open_table("-", live=True), limit, drain_s=0.1)
        written = 0
        while not flows.dropped:
            flows.write(batch)
            written += batch.count
            status = flows.status()
            assert status.delivered + status.dropped + status.waiting == written
        flows.close()
        assert flows.stuck
        assert (flows.delivered + flows.dropped, flows.waiting) == (written, 0)
        os.set_blocking(read_end, False)

        def thread_is_gone() -> bool:
            with contextlib.suppress(BlockingIOError):
                os.read(read_end, 1 << 20)
            return all(thread.name != f"sink {flows.name}" for thread in threading.enumerate())

        until(thread_is_gone)
        assert flows.delivered + flows.dropped == written
        monkeypatch.undo()
    os.close(read_end)


class Step:
    """A flow sink that writes one batch when it is told to, or fails as the test says."""

    name = "flows of the test"

    def __init__(self) -> None:
        self.delivered = self.dropped = self.retried = 0
        self.error: str | None = None
        self.go = threading.Semaphore(0)
        self.began = threading.Semaphore(0)
        self.failure: Exception | None = None
        self.closed = False

    def write(self, flows: FlowBatch) -> None:
        self.began.release()
        self.go.acquire()
        if self.failure is not None:
            raise self.failure
        self.delivered += flows.count

    def flush(self) -> None:
        if self.failure is not None:
            raise self.failure

    reopen = flush

    def close(self) -> None:
        self.began.release()
        self.go.acquire()
        self.closed = True


def test_after_the_capture_it_waits_for_room_and_loses_nothing(batch: FlowBatch) -> None:
    sink = Step()
    flows = ThreadedFlows(sink, 2 * batch.records.nbytes, NEVER_S)
    for _ in range(2):
        flows.write(batch)
    flows.write(batch)
    assert flows.dropped == batch.count, "while frames are captured nothing waits"
    flows.be_patient()
    drain = threading.Thread(target=lambda: [flows.write(batch) for _ in range(20)])
    drain.start()
    for _ in range(22):
        sink.go.release()
    drain.join()
    close = threading.Thread(target=flows.close)
    close.start()
    sink.go.release()
    close.join()
    assert (flows.delivered, flows.dropped, flows.waiting) == (22 * batch.count, batch.count, 0)
    assert sink.closed and not flows.stuck


def test_patience_ends_where_nothing_gets_on(batch: FlowBatch) -> None:
    sink = Step()
    flows = ThreadedFlows(sink, batch.records.nbytes, drain_s=0.05)
    flows.be_patient()
    flows.write(batch)
    sink.began.acquire()
    flows.write(batch)
    assert flows.dropped == batch.count
    flows.close()
    assert flows.stuck
    assert (flows.delivered, flows.dropped, flows.waiting) == (0, 2 * batch.count, 0)
    for _ in range(2):
        sink.go.release()


def test_close_waits_as_long_as_the_file_gets_on(batch: FlowBatch) -> None:
    sink = Step()
    flows = ThreadedFlows(sink, 100 * batch.records.nbytes, drain_s=2.0)
    for _ in range(6):
        flows.write(batch)
    close = threading.Thread(target=flows.close)
    close.start()
    for _ in range(6):
        sink.began.acquire()
        close.join(0.4)  # together longer than drain_s, each one shorter
        sink.go.release()
    sink.go.release()
    close.join()
    assert sink.closed and not flows.stuck
    assert (flows.delivered, flows.dropped) == (6 * batch.count, 0)


def test_a_batch_that_cannot_be_rendered_costs_itself_only(batch: FlowBatch) -> None:
    sink = Step()
    sink.failure = MemoryError("no room\nto render")
    flows = ThreadedFlows(sink, MIB, drain_s=30)
    flows.write(batch)
    sink.go.release()
    until(lambda: flows.dropped == batch.count)
    assert flows.error == r"flows of the test: no room\x0ato render"
    flows.reopen()
    sink.failure = None
    flows.write(batch)
    for _ in range(2):
        sink.go.release()
    flows.close()
    assert (flows.delivered, flows.dropped, flows.waiting) == (batch.count, batch.count, 0)
    assert flows.error is None and sink.closed


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full disk at hand")
def test_a_full_disk_is_said_and_counted(batch: FlowBatch) -> None:
    flows = ThreadedFlows(open_table("/dev/full", live=True), MIB, drain_s=30)
    flows.write(batch)
    until(lambda: flows.dropped == batch.count)
    assert flows.error == "flows /dev/full: No space left on device"
    flows.close()
    assert (flows.delivered, flows.waiting) == (0, 0)


def test_parquet_is_whole_after_close_and_after_a_rotation(
    batch: FlowBatch, tmp_path: Path
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    path, moved = tmp_path / "flows.parquet", tmp_path / "moved.parquet"
    flows = ThreadedFlows(open_table(str(path), live=True), MIB, drain_s=30)
    for _ in range(3):
        flows.write(batch)
    assert (flows.delivered, flows.waiting) == (0, 3 * batch.count), "gathered for a row group"
    flows.reopen()  # nobody moved it: it goes on
    until(lambda: flows.delivered == 3 * batch.count)
    flows.write(batch)
    path.rename(moved)
    flows.reopen()
    flows.write(batch)
    flows.close()
    assert (flows.delivered, flows.dropped, flows.error) == (5 * batch.count, 0, None)
    assert parquet.read_table(moved).num_rows == 4 * batch.count
    assert parquet.read_table(path).num_rows == batch.count
    assert parquet.ParquetFile(moved).num_row_groups == 2
    again = open_table(str(path), live=True)
    again.write(batch)
    again.close()
    assert parquet.read_table(tmp_path / "flows.1.parquet").num_rows == batch.count
    assert parquet.read_table(path).num_rows == batch.count
