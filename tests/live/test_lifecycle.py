"""How a running sensor starts, changes, survives its interfaces and ends."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.command import COMMAND, PORT_RULE, environment
from tests.live import veth
from tests.live.namespaces import WAIT_S, Lab, Namespace, wait_until
from tests.live.sensors import Document, LiveSensor, act, tap
from tests.running import CAPTURES, ROOT

LOGIN = CAPTURES / "telnet_accepted_v4.pcap"
LOGIN_FRAMES = 80
OTHER_LOGIN = CAPTURES / "telnet_accepted_v6.pcap"
"""As many frames; the same again would be the old connection's retransmissions."""
OPEN = CAPTURES / "telnet_midstream.pcap"
"""Two connections that do not begin in the capture; the one from port 50472 does not end either."""
FAST = 1000
OTHER_RULE = """
[rule]
rule_id = "7d1f2a44-0c1e-4f53-9f57-2b8f4f0c8f10"
name = "Any flow to port 23"
description = "Another rule than the shipped one."
type = "query"
language = "kuery"
severity = "low"
risk_score = 21
query = "event.action:flow_started and destination.port:23"
"""


def send_login(source: Namespace, interface: str = "wire") -> None:
    act(source, "send_frames", interface, LOGIN, FAST)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)], ids=str
)
def test_nothing_captured_is_lost_at_the_end(
    lab: Lab, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """The signal comes while the last frames are still in the kernel's ring."""
    source, sensor = tap(lab)
    live = LiveSensor(lab, sensor, tmp_path)
    for _ in range(4):
        send_login(source)
    act(source, "send_frames", "wire", OPEN, FAST)
    ledger = live.stop(number, code)
    sent = 4 * LOGIN_FRAMES + 26
    assert ledger["frames"] == ledger["capture"]["kernel_packets"] == sent
    flows = live.flows()
    assert sum(flow["network"]["packets"] for flow in flows) + ledger["duplicates"] == sent
    (open_one,) = (flow for flow in flows if flow["source"]["port"] == 50472)
    assert open_one["sensor"]["flow"]["end_reason"] == "end_of_capture"
    alerts = live.documents()
    assert ledger["sinks"]["json"]["delivered"] == len(alerts)


def test_second_signal_ends_at_once(lab: Lab, tmp_path: Path) -> None:
    """A sink that cannot deliver holds the end up; who asks twice does not wait for it."""
    source, sensor = tap(lab)
    patient = tmp_path / "patient.toml"
    patient.write_text("[sink]\ndrain_s = 1000.0\n", encoding="utf-8")
    live = LiveSensor(lab, sensor, tmp_path, "--config", patient,
                      "--syslog", "tcp://127.0.0.1:1")  # fmt: skip
    send_login(source)
    live.wait_for_alerts(1)
    live.send(signal.SIGTERM)
    live.wait_for_notice("STOPPING=1")
    assert live.process.poll() is None
    live.send(signal.SIGTERM)
    assert live.process.wait(WAIT_S) == 143


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 1), (signal.SIGINT, 130)], ids=str
)
def test_alerts_that_a_sink_dropped_show_in_the_exit_code(
    lab: Lab, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    source, sensor = tap(lab)
    hasty = tmp_path / "hasty.toml"
    hasty.write_text("[sink]\ndrain_s = 0\n", encoding="utf-8")
    live = LiveSensor(lab, sensor, tmp_path, "--config", hasty,
                      "--syslog", "tcp://127.0.0.1:1")  # fmt: skip
    send_login(source)
    live.wait_for_alerts(1)
    ledger = live.stop(number, code)
    assert ledger["sinks"]["syslog tcp://127.0.0.1:1"]["dropped"] == 1


def test_duration_ends_by_itself(lab: Lab, tmp_path: Path) -> None:
    source, sensor = tap(lab)
    live = LiveSensor(lab, sensor, tmp_path, "--duration", "5")
    send_login(source)
    assert live.process.wait(30) == 0
    assert len(live.documents()) == 1
    assert live.stop()["frames"] == LOGIN_FRAMES


def test_reload_takes_good_rules_and_keeps_the_old_for_bad_ones(lab: Lab, tmp_path: Path) -> None:
    source, sensor = tap(lab)
    rules = tmp_path / "rules.toml"
    rules.write_text(Path(PORT_RULE).read_text(encoding="utf-8"), encoding="utf-8")
    live = LiveSensor(lab, sensor, tmp_path, "--rules", rules)
    send_login(source)
    live.wait_for_alerts(1)

    rules.write_text("[rule]\nname = 7\n", encoding="utf-8")
    live.send(signal.SIGHUP)
    live.wait_for_error("rules stay as they were")
    assert "rules.toml" in live.errors  # and why
    act(source, "send_frames", "wire", OTHER_LOGIN, FAST)
    live.wait_for_alerts(2)

    rules.write_text(OTHER_RULE, encoding="utf-8")
    live.send(signal.SIGHUP)
    live.wait_for_error("rules loaded: 1")
    act(source, "send_frames", "wire", CAPTURES / "telnet_vlan.pcap", FAST)
    act(source, "send_frames", "wire", CAPTURES / "telnet_external.pcapng", FAST)
    live.wait_for_alerts(4)
    ledger = live.stop()
    names = [alert["rule"]["name"] for alert in live.documents()]
    assert names == ["Accepted Default Telnet Port Connection"] * 2 + ["Any flow to port 23"] * 2
    assert ledger["frames"] == 4 * LOGIN_FRAMES + 2  # reloading let no frame pass by


def test_ledger_on_request(lab: Lab, tmp_path: Path) -> None:
    source, sensor = tap(lab)
    live = LiveSensor(lab, sensor, tmp_path)
    send_login(source)
    live.wait_for_alerts(1)

    def asked() -> Document | None:
        live.send(signal.SIGUSR1)
        lines = [line for line in live.errors.splitlines(keepends=True) if line.startswith("{")]
        ledgers = [json.loads(line) for line in lines if line.endswith("\n")]
        return next((one for one in ledgers if one["frames"] == LOGIN_FRAMES), None)

    ledger = wait_until(asked, "a ledger with all frames")
    assert ledger["flows"]["total"] == 1 and ledger["packets"] == LOGIN_FRAMES
    assert live.stop()["frames"] == LOGIN_FRAMES


def test_interface_goes_down_and_comes_back(lab: Lab, tmp_path: Path) -> None:
    source, sensor = tap(lab)
    live = LiveSensor(lab, sensor, tmp_path)
    send_login(source)
    for cycle in (1, 2):
        sensor.ip("link set tap down")
        live.wait_for_error("tap is down", cycle)
        sensor.ip("link set tap up")
        live.wait_for_error("tap is up", 1 + cycle)
    send_login(source)
    ledger = live.stop()
    assert ledger["frames"] == 2 * LOGIN_FRAMES
    transitions = [line for line in live.errors.splitlines() if "tap is " in line]
    assert len(transitions) == 5  # one line each, and one for the start


def test_interface_is_removed_and_made_again(lab: Lab, tmp_path: Path) -> None:
    source, sensor = tap(lab)
    live = LiveSensor(lab, sensor, tmp_path)
    send_login(source)
    live.wait_for_alerts(1)
    sensor.ip("link delete tap")
    live.wait_for_error("tap is absent")
    lab.veth(source, "wire", sensor, "tap", 9000)
    live.wait_for_error("tap is up", 2)
    act(source, "send_frames", "wire", OTHER_LOGIN, FAST)
    live.wait_for_alerts(2)
    ledger = live.stop()
    assert ledger["frames"] == 2 * LOGIN_FRAMES
    assert len([line for line in live.errors.splitlines() if "tap is absent" in line]) == 1


def test_starts_before_its_interface_exists(lab: Lab, tmp_path: Path) -> None:
    source, sensor = lab.namespace("source"), lab.namespace("sensor")
    live = LiveSensor(lab, sensor, tmp_path, "--wait-for-interface")
    live.wait_for_error("tap is absent")
    lab.veth(source, "wire", sensor, "tap", 9000)
    live.wait_for_error("tap is up")
    send_login(source)
    assert live.stop()["frames"] == LOGIN_FRAMES
    assert len(live.documents()) == 1


def test_an_interface_that_does_not_exist_is_told_with_those_that_do(lab: Lab) -> None:
    _, sensor = tap(lab)
    process = lab.start(sensor, [*COMMAND, "live", "-i", "tap", "-i", "tpa"], cwd=ROOT,
                        stderr=subprocess.PIPE, env=environment())  # fmt: skip
    assert process.wait(WAIT_S) == 2
    assert process.stderr is not None
    assert process.stderr.read().decode() == (
        "sensor: -i tpa: there is no such interface; there are: lo, tap."
        " --wait-for-interface is for one that will come\n")


def test_another_interface_goes_on_meanwhile(lab: Lab, tmp_path: Path) -> None:
    source, sensor = tap(lab)
    lab.veth(source, "wire2", sensor, "tap2", 9000)
    live = LiveSensor(lab, sensor, tmp_path, interfaces=("tap", "tap2"))
    sensor.ip("link delete tap")
    live.wait_for_error("tap is absent")
    send_login(source, "wire2")
    assert live.stop()["frames"] == LOGIN_FRAMES
    (alert,) = live.documents()
    assert alert["observer"]["ingress"]["interface"]["name"] == "tap2"


def test_it_ends_though_more_comes_than_it_takes() -> None:
    batches, sent_before_stop, received = veth.run("tests.live.busy_capture")
    assert received >= sent_before_stop
    assert batches < 50  # as many as it would take without an end


def test_workers_share_frames_among_themselves_and_not_with_another_sensor() -> None:
    first, second = veth.run("tests.live.two_sensors")
    assert sum(first) == sum(second) == 200
    assert all(first) and all(second)


def test_a_filter_that_just_fits_survives_a_change_of_interfaces() -> None:
    assert veth.run("tests.live.large_filter") == 2


def test_a_clock_that_was_set_back_does_not_hold_up_a_busy_capture() -> None:
    assert veth.run("tests.live.clock_set_back") < 10**9
