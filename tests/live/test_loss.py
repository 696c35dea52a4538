"""What the kernel had to drop is told, within seconds, wherever an operator looks."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.live.blasting import Blast
from tests.live.namespaces import Lab, wait_until
from tests.live.sensors import LiveSensor, tap


@pytest.mark.parametrize("workers", [1, 2])
def test_an_overflowing_ring_is_told(
    lab: Lab, tmp_path: Path, blast: Blast, workers: int
) -> None:
    source, sensor = tap(lab)
    live = LiveSensor(lab, sensor, tmp_path, "--ring-mib", "1", "--workers", str(workers),
                      "--metrics", "127.0.0.1:9464")  # fmt: skip
    live.send(signal.SIGSTOP)  # a sensor that cannot keep up, whatever the machine's speed
    sent = blast.run(source, "wire", frames=60_000, seconds=0)
    live.send(signal.SIGCONT)
    live.wait_for_error("warning")
    assert "dropped" in live.errors or "lost" in live.errors

    def metric() -> float:
        fetch = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9464/metrics').read().decode())"
        text = sensor.run("python3", "-c", fetch)
        values = [line.split()[-1] for line in text.splitlines()
                  if "drop" in line and "kernel" in line and not line.startswith("#")]
        return sum(map(float, values))

    dropped = wait_until(metric, "a metric of the drops")
    ledger = live.stop()
    capture = ledger["capture"]
    assert capture["kernel_drops"] == dropped > 0
    assert capture["kernel_packets"] == sent["frames"]
    assert ledger["frames"] == capture["kernel_packets"] - capture["kernel_drops"]
    assert capture["ring_freezes"] >= 1


def test_nothing_is_told_where_nothing_was_lost(lab: Lab, tmp_path: Path, blast: Blast) -> None:
    source, sensor = tap(lab)
    live = LiveSensor(lab, sensor, tmp_path)
    blast.run(source, "wire", frames=20_000, seconds=0, rate=20_000)
    ledger = live.stop()
    assert ledger["frames"] == ledger["capture"]["kernel_packets"] == 20_000
    assert ledger["capture"]["kernel_drops"] == 0
    assert "warning" not in live.errors


def test_a_reader_that_stands_still_at_a_low_rate_loses_nothing(
    lab: Lab, tmp_path: Path, blast: Blast
) -> None:
    """Frames that come slowly are handed over by time: not too soon, and in small blocks."""
    source, sensor = tap(lab)
    live = LiveSensor(lab, sensor, tmp_path, "--ring-mib", "16")
    live.send(signal.SIGSTOP)
    sent = blast.run(source, "wire", frames=5_000, seconds=0, rate=2_000)
    live.send(signal.SIGCONT)
    ledger = live.stop()
    assert ledger["capture"]["kernel_drops"] == 0
    assert ledger["frames"] == sent["frames"] == 5_000
