"""The ledger of a run: what each frame was."""

from __future__ import annotations

from tests.memory_capture import MemoryCapture
from tests.unit.engine.short_run import conversation, pipeline_of


def test_ledger_of_an_empty_capture():
    pipeline = pipeline_of(MemoryCapture([]))
    pipeline.run()
    ledger = pipeline.ledger()
    assert (ledger["frames"], ledger["packets"], ledger["flows"]["total"]) == (0, 0, 0)


def test_ledger_counts_frames_by_what_they_are():
    arp = b"\xff" * 12 + b"\x08\x06" + b"\0" * 28
    cut = conversation()[0][1][:20]
    frames = [(time, octets) for time, octets in conversation()]
    start = frames[0][0]
    pipeline = pipeline_of(MemoryCapture([(start, arp), (start, cut), *frames]))
    pipeline.run()
    ledger = pipeline.ledger()
    assert ledger["frames"] == len(frames) + 2
    assert ledger["packets"] == len(frames)
    assert ledger["non_ip_frames"] == 1
    assert sum(ledger["anomalies"].values()) == 1
