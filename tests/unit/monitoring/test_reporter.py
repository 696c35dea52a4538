"""Snapshots of a run: each number from where it is counted."""

from __future__ import annotations

import mmap

from sensor.model.status import CaptureStatus, InterfaceStatus
from sensor.monitoring.reporter import Reporter, resident_bytes
from tests.unit.monitoring.scene import Port, Scene


def test_a_snapshot_has_the_counts_of_the_run() -> None:
    scene = Scene()
    scene.port.counters = CaptureStatus(100, 7, 1)
    reporter = Reporter(scene.live)
    assert reporter.snapshot().frames == 0
    scene.live.pipeline.run()
    status = reporter.snapshot()
    assert (status.frames, status.packets, status.anomalies) == (7, 7, 0)
    assert status.flows["accepted"] == status.flows_total == 1 and status.flows_open == 0
    assert "total" not in status.flows and "peak" not in status.flows
    assert status.interfaces == (InterfaceStatus("tap0", "up"),)
    assert status.alerts == 1 and [sink.delivered for sink in status.sinks] == [1]
    assert sum(rule.alerts for rule in status.rules) == 1
    assert status.rss_bytes > 0 and status.elapsed_s <= reporter.elapsed_s


def test_what_the_kernel_counted_is_added_up_over_the_workers() -> None:
    scene = Scene()
    ports = [Port(), Port()]
    for port, drops in zip(ports, (7, 5), strict=True):
        port.counters = CaptureStatus(100, drops, 1)
    scene.live.captures = ports  # type: ignore[assignment]
    assert Reporter(scene.live).capture() == CaptureStatus(200, 12, 2)


def test_memory_that_is_used_is_resident() -> None:
    before = resident_bytes()
    # New to the process: the allocator may have room left that other tests made it take.
    with mmap.mmap(-1, 64 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as octets:
        octets.write(b"x" * (64 << 20))
        assert resident_bytes() - before > 32 << 20
