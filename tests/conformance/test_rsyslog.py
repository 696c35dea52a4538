"""What a real rsyslog makes of our messages, over every transport that it has."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from sensor.config import SinkLimits
from sensor.model.status import Notice
from sensor.sinks import SinkOptions
from sensor.sinks.delivery.background import background
from sensor.sinks.delivery.connection import Backoff
from tests.conformance.sink_peers import alert_with, free_port, open_sink, telnet_alert, until
from tests.programs import require

CONFIGURATION = r"""
global(workDirectory="{folder}" maxMessageSize="64k"
       parser.escapeControlCharactersOnReceive="off" net.enableDNS="off")
module(load="mmpstrucdata")
module(load="mmjsonparse")
module(load="imudp")
module(load="imuxsock" sysSock.use="off")
module(load="imptcp")
input(type="imudp" address="127.0.0.1" port="{udp}" ruleset="keep")
input(type="imuxsock" socket="{folder}/log" useSpecialParser="off" parseHostname="on"
      useSysTimeStamp="off" ignoreTimestamp="off" ruleset="keep" rateLimit.interval="0")
input(type="imptcp" address="127.0.0.1" port="{tcp}" ruleset="keep")
template(name="received" type="list" option.jsonf="on") {{
    property(outname="pri" name="pri" format="jsonf")
    property(outname="time" name="timereported" dateFormat="rfc3339" format="jsonf")
    property(outname="host" name="hostname" format="jsonf")
    property(outname="app" name="app-name" format="jsonf")
    property(outname="procid" name="procid" format="jsonf")
    property(outname="msgid" name="msgid" format="jsonf")
    property(outname="sd" name="structured-data" format="jsonf")
    property(outname="msg" name="msg" format="jsonf")
    property(outname="raw" name="rawmsg" format="jsonf")
    property(outname="parsed" name="$!all-json" format="jsonf")
}}
ruleset(name="keep") {{
    action(type="mmpstrucdata")
    action(type="mmjsonparse")
    action(type="omfile" file="{folder}/received" template="received")
}}
"""


class Rsyslog:
    """An rsyslogd in the foreground with its files in one folder."""

    def __init__(self, folder: Path) -> None:
        require("rsyslogd")
        self.folder = folder
        self.udp, self.tcp = free_port(socket.SOCK_DGRAM), free_port()
        config = folder / "rsyslog.conf"
        config.write_text(CONFIGURATION.format(folder=folder, udp=self.udp, tcp=self.tcp))
        self.log = folder / "rsyslogd.log"
        self.command = ["rsyslogd", "-n", "-f", str(config), "-i", str(folder / "pid")]
        self.start()

    def start(self) -> None:
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._wait(self._listens, "to listen")

    def _listens(self) -> bool:
        """TCP is configured last: once it answers, the other inputs are bound."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.tcp)) == 0

    def _wait(self, condition: Any, what: str) -> None:
        """Look again and again until the condition holds, rsyslogd is dead or a minute is over."""
        for _ in range(1200):
            if condition():
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        pytest.fail(f"waited in vain for rsyslogd {what}:\n{self.log.read_text()}")

    def received(self, count: int) -> list[dict[str, Any]]:
        """The first `count` messages that it wrote, parsed, after it has ended in good order."""
        self.wait_for(count)
        self.stop()
        return [orjson.loads(line) for line in (self.folder / "received").read_bytes().splitlines()]

    def wait_for(self, count: int) -> None:
        path = self.folder / "received"
        self._wait(lambda: path.exists() and path.read_bytes().count(b"\n") >= count, "to write")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


@pytest.fixture
def rsyslog(tmp_path: Path) -> Iterator[Rsyslog]:
    server = Rsyslog(tmp_path)
    yield server
    server.stop()


def url_of(server: Rsyslog, scheme: str) -> str:
    if scheme == "unix":
        return f"unix://{server.folder}/log?facility=authpriv"
    return f"{scheme}://127.0.0.1:{getattr(server, scheme)}?facility=authpriv"


@pytest.mark.parametrize("scheme", ["udp", "tcp", "unix"])
def test_structured_data_and_message_arrive_intact(rsyslog: Rsyslog, scheme: str) -> None:
    sink = open_sink(url_of(rsyslog, scheme))
    awkward = 'a "quoted" \\ [bracket] é世'
    sink.emit(telnet_alert(1))
    sink.emit(telnet_alert(2, severity="critical", rule_name=awkward, message=awkward))
    sink.close()
    assert (sink.delivered, sink.dropped, sink.error) == (2, 0, None)
    first, second = rsyslog.received(2)
    # Facility authpriv is 10, severities warning 4 and critical 2: 8 * facility + severity.
    assert (first["pri"], second["pri"]) == ("84", "82")
    assert first["time"] == "2026-01-02T03:04:05.678901Z"
    assert first["app"] == "sensor"
    assert first["procid"] == str(os.getpid())
    assert first["msgid"] == "alert"
    assert first["msg"].strip() == "Telnet from 192.0.2.10 to 198.51.100.7 was accepted"
    assert second["msg"].strip().removeprefix("\ufeff") == awkward
    [(identity, values)] = orjson.loads(first["parsed"])["rfc5424-sd"].items()
    assert identity == "alert@32473"
    assert values == {
        "id": "alert-1", "rule": "accepted-default-telnet", "severity": "medium", "score": "47",
        "name": "Accepted Default Telnet Port Connection", "src": "192.0.2.10", "sport": "50432",
        "dst": "198.51.100.7", "dport": "23", "proto": "tcp", "verdict": "accepted",
        "evidence": "handshake", "direction": "outbound",
        "community": "1:wCb3OG7yAFWelaUydu0D+125CLM=",
    }  # fmt: skip
    # As RFC 5424 6.3.3 has it on the wire.
    assert r'name="a \"quoted\" \\ [bracket\] é世"' in second["raw"]


def test_octet_counting_keeps_a_thousand_messages_apart(rsyslog: Rsyslog) -> None:
    sink = open_sink(url_of(rsyslog, "tcp"))
    for number in range(1000):
        sink.emit(telnet_alert(number, message=f"{number} " + "é" * number))
    sink.close()
    assert (sink.delivered, sink.dropped) == (1000, 0)
    messages = rsyslog.received(1000)
    texts = [message["msg"].strip().removeprefix("\ufeff") for message in messages]
    assert texts == [f"{number} {'é' * number}".strip() for number in range(1000)]


@pytest.mark.parametrize("scheme", ["udp", "tcp"])
def test_hostile_text_cannot_forge_a_message(rsyslog: Rsyslog, scheme: str) -> None:
    forged = "x\n<84>1 2026-01-01T00:00:00Z forged forged - - - forged\x00\x1b[31m"
    sink = open_sink(url_of(rsyslog, scheme))
    sink.emit(alert_with(forged))
    sink.emit(telnet_alert(2))
    sink.close()
    first, second = rsyslog.received(2)
    assert first["app"] == second["app"] == "sensor"
    assert first["msg"].strip() == (
        r"x\x0a<84>1 2026-01-01T00:00:00Z forged forged - - - forged\x00\x1b[31m"
    )
    assert second["msg"].strip().startswith("Telnet from")


def test_the_older_forms_are_understood(rsyslog: Rsyslog) -> None:
    url = url_of(rsyslog, "tcp")
    alert = telnet_alert(1)
    for form in ("rfc3164", "cee", "cef"):
        sink = open_sink(url, SinkOptions(syslog_format=form))
        sink.emit(alert)
        sink.close()
        assert (sink.delivered, sink.error) == (1, None)
    # Each came over a connection of its own: the order is rsyslog's.
    bsd, cee, cef = sorted(rsyslog.received(3), key=lambda message: (
        "CEF:" in message["raw"], "@cee:" in message["raw"]))
    assert (bsd["app"], bsd["procid"]) == ("sensor", str(os.getpid()))
    assert bsd["msg"].strip().startswith("Telnet from 192.0.2.10 to 198.51.100.7 was accepted id=")
    assert orjson.loads(cee["parsed"]) == alert.document
    assert "CEF:0|sensor|sensor|0|accepted-default-telnet|Accepted Default" in cef["raw"]
    assert cef["host"] == bsd["host"] == cee["host"]


@pytest.mark.parametrize("scheme", ["udp", "tcp", "unix"])
def test_a_server_that_restarts_gets_everything_in_order(rsyslog: Rsyslog, scheme: str) -> None:
    sink = background(
        open_sink(url_of(rsyslog, scheme)), SinkLimits(), str(rsyslog.folder / "spool"),
        backoff=Backoff(first_s=0.05, max_s=0.2),
    )  # fmt: skip
    count = 0

    def emit(number: int) -> None:
        nonlocal count
        for _ in range(number):
            sink.emit(telnet_alert(count, message=f"number {count}"))
            count += 1

    emit(100)
    rsyslog.wait_for(100)
    for _ in range(2):
        rsyslog.stop()
        emit(50)
        until(lambda: sink.error is not None, "the server's absence")
        sink.notify(Notice(1_767_323_045_678_901_234, "loss", f"notice {count}", warning=True))
        emit(50)
        rsyslog.start()
        until(lambda: sink.delivered == count, "all that waited")
    sink.close()
    assert (sink.dropped, sink.waiting, sink.error) == (0, 0, None)
    messages = rsyslog.received(302)
    texts = [message["msg"].strip() for message in messages]
    alerts = [text for text in texts if text.startswith("number")]
    assert alerts == [f"number {number}" for number in range(300)]
    notices = [message for message in messages if message["msg"].strip().startswith("notice")]
    assert [(notice["msgid"], notice["sd"]) for notice in notices] == [("loss", "-")] * 2
