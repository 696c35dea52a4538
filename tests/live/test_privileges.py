"""CAP_NET_RAW is enough to start, and nothing is left once the sensor captures."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.command import COMMAND
from tests.live.namespaces import Lab, end
from tests.live.sensors import LiveSensor, act, tap
from tests.running import CAPTURES

ONLY_NET_RAW = ["setpriv", "--bounding-set=-all,+net_raw", "--inh-caps=-all", "--"]
NO_RIGHT = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"]


def statuses(pid: int) -> list[dict[str, str]]:
    """/proc/PID/task/*/status of every thread."""
    found = []
    for path in sorted(Path(f"/proc/{pid}/task").glob("*/status")):
        lines = path.read_text(encoding="utf-8").splitlines()
        found.append(dict(line.split(":\t", 1) for line in lines if ":\t" in line))
    return found


@pytest.mark.parametrize("arguments", [(), ("--workers", "2"), ("--metrics", "127.0.0.1:9464")],
                         ids=["plain", "workers", "metrics"])  # fmt: skip
def test_runs_with_one_right_and_keeps_none(
    lab: Lab, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    source, sensor = tap(lab)
    live = LiveSensor(lab, sensor, tmp_path, *arguments, wrapper=ONLY_NET_RAW)
    act(source, "send_frames", "wire", CAPTURES / "telnet_accepted_v4.pcap", 1000)
    live.wait_for_alerts(1)  # every thread that there will be has started
    threads = statuses(live.pid)
    assert len(threads) > 1
    for status in threads:
        name = status["Name"]
        for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            # The bounding set can be narrowed only with CAP_SETPCAP; without it nothing can be
            # gained from it, for no_new_privs is set.
            allowed = {0, 1 << 13} if kind == "CapBnd" else {0}
            assert int(status[kind], 16) in allowed, (name, kind, status[kind])
        assert status["NoNewPrivs"] == "1", name
    # The interface's promiscuity, the ring and its counters go on working without any right.
    sensor.ip("link set tap down")
    live.wait_for_error("tap is down")
    sensor.ip("link set tap up")
    live.wait_for_error("tap is up", 2)
    act(source, "send_frames", "wire", CAPTURES / "telnet_accepted_v6.pcap", 1000)
    ledger = live.stop()
    assert ledger["frames"] == ledger["capture"]["kernel_packets"] == 160


def test_without_the_right_it_says_what_is_missing(lab: Lab) -> None:
    _, sensor = tap(lab)
    process = sensor.popen([*NO_RIGHT, *COMMAND, "live", "-i", "tap"], stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE)  # fmt: skip
    _, errors = process.communicate(timeout=30)
    end(process)
    assert process.returncode == 1
    assert errors.decode().splitlines() == [
        "sensor: tap: capturing needs the right CAP_NET_RAW; `sensor doctor` tells how to get it"]
