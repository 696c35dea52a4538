"""What a real rsyslog makes of our messages, over every transport that it has."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from sensor.config import Config, SinkLimits
from sensor.model.status import Notice
from sensor.sinks import SinkOptions
from sensor.sinks.delivery.background import background
from sensor.sinks.delivery.connection import Backoff
from tests.conformance.sink_peers import (
    CERTIFICATE,
    TLS,
    alert_with,
    free_port,
    open_sink,
    telnet_alert,
    until,
)
from tests.programs import require

# A server that ends throws away what it has not stored within the queue's time, 1.5 s by default.
CONFIGURATION = r"""
global(workDirectory="{folder}" maxMessageSize="64k"
       parser.escapeControlCharactersOnReceive="off" net.enableDNS="off")
main_queue(queue.timeoutShutdown="60000")
module(load="mmpstrucdata")
module(load="mmjsonparse")
module(load="imudp")
module(load="imuxsock" sysSock.use="off")
module(load="imptcp")
{more}
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


MORE = {
    "tls": """
global(defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="{tls}/cert.pem"
       defaultNetstreamDriverCertFile="{tls}/cert.pem"
       defaultNetstreamDriverKeyFile="{tls}/key.pem")
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="anon")
input(type="imtcp" address="127.0.0.1" port="{port}" ruleset="keep")
""",
    "relp": """
module(load="imrelp")
input(type="imrelp" address="127.0.0.1" port="{port}" ruleset="keep")
""",
}
"""What servers need that listen for these, too."""


WAIT_S = 20.0
"""Nothing is measured by this: it ends at once, or not at all."""


class Rsyslog:
    """An rsyslogd in the foreground with its files in one folder."""

    def __init__(self, folder: Path, more: str = "") -> None:
        require("rsyslogd", *([f"rsyslog's {more}"] if more else []))
        self.folder = folder
        self.more = more
        self.udp, self.tcp = free_port(socket.SOCK_DGRAM), free_port()
        self.tls = self.relp = free_port()
        config = folder / "rsyslog.conf"
        inputs = MORE[more].format(port=self.relp, tls=TLS) if more else ""
        config.write_text(CONFIGURATION.format(
            folder=folder, udp=self.udp, tcp=self.tcp, more=inputs))  # fmt: skip
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
        """TCP is configured last: once it answers, all that are no streams are bound."""
        return _answers(self.tcp) and (not self.more or _answers(self.relp))

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
        """End it in good order. A signal that comes just before it begins to wait for signals is
        seen when the next one wakes it: so it is asked again, thrice at most.
        """
        for _ in range(3):
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(WAIT_S)
                return
        pytest.fail(f"rsyslogd does not end:\n{self.log.read_text()}")

    def halt(self) -> None:
        """Let it hang: it holds its connections, and takes new ones, and reads nothing."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT)  # each thread of it has

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


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
    for notices in (1, 2):
        rsyslog.stop()
        emit(50)
        until(lambda: sink.error is not None, "the server's absence")
        sink.notify(Notice(1_767_323_045_678_901_234, "loss", f"notice {count}", warning=True))
        emit(50)
        rsyslog.start()
        until(lambda: sink.delivered + sink.unconfirmed == count, "all that waited")
        rsyslog.wait_for(count + notices)  # a datagram that it has not read ends with it
    sink.close()
    assert (sink.dropped, sink.waiting, sink.error) == (0, 0, None)
    messages = rsyslog.received(302)
    texts = [message["msg"].strip() for message in messages]
    if scheme == "tcp":  # a server that is killed ends its connections like that, too
        texts = list(dict.fromkeys(texts))
    alerts = [text for text in texts if text.startswith("number")]
    assert alerts == [f"number {number}" for number in range(300)]
    assert sum(text.startswith("notice") for text in texts) == 2
    marks = {(message["msgid"], message["sd"]) for message in messages
             if message["msg"].strip().startswith("notice")}  # fmt: skip
    assert marks == {("loss", "-")}


# At least once: what a server that hangs or is killed had not stored comes again.

STREAMS = ("tcp", "tls", "relp")
PADDING = "x" * 4000
"""Few long messages fill the buffers of a connection as well as many short ones, and sooner."""
SOON = Backoff(first_s=0.05, max_s=0.2)


@pytest.fixture(params=STREAMS)
def stream(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Rsyslog, str]]:
    """A server, and its URL over a stream of each kind."""
    server = Rsyslog(tmp_path, request.param if request.param in MORE else "")
    url = f"{request.param}://127.0.0.1:{getattr(server, request.param)}"
    yield server, url + (f"?cafile={CERTIFICATE}" if request.param == "tls" else "")
    server.go_on()
    server.stop()


class Sender:
    """A live sink with a spool, and the numbers that it was given."""

    def __init__(self, url: str, folder: Path, timeout_s: float = 0.5) -> None:
        limits = SinkLimits(syslog_timeout_s=timeout_s, queue_max=1_000_000)
        options = SinkOptions(config=Config(sink=limits), live=True)
        self.sink = background(open_sink(url, options), limits, str(folder / "spool"), backoff=SOON)
        self.count = 0

    def emit(self, number: int) -> None:
        for _ in range(number):
            self.sink.emit(telnet_alert(self.count, message=f"number {self.count} {PADDING}"))
            self.count += 1

    def handed_over(self) -> bool:
        return self.sink.delivered + self.sink.unconfirmed == self.count


def stored_numbers(server: Rsyslog) -> list[int]:
    """The numbers in the order of their first arrival; a line that a kill tore is none."""
    received = (server.folder / "received").read_bytes()
    found = re.findall(rb'"msg":"[^"]{0,3}number (\d+) x+"', received)
    return list(dict.fromkeys(map(int, found)))


def all_arrived(server: Rsyslog, sender: Sender) -> None:
    """After the sensor has ended in order, and the server too, nothing is missing."""
    sender.sink.close()
    sink = sender.sink
    assert (sink.delivered, sink.unconfirmed, sink.dropped, sink.waiting) == (sender.count, 0, 0, 0)
    server.stop()
    assert sorted(stored_numbers(server)) == list(range(sender.count))


@pytest.mark.parametrize("many", [20, 3_500], ids=["what a buffer holds", "more than it holds"])
def test_a_server_that_hangs_and_is_killed_loses_nothing(
    stream: tuple[Rsyslog, str], many: int, tmp_path: Path
) -> None:
    server, url = stream
    sender = Sender(url, tmp_path)
    sender.emit(50)
    server.wait_for(50)
    server.halt()
    sender.emit(many)
    if many == 20 and "relp" not in url:
        until(sender.handed_over, "all to be in the buffer of the server's kernel")
    else:
        until(lambda: "does not read" in str(sender.sink.error), "that it hangs")
    assert sender.sink.dropped == 0
    server.kill()
    sender.emit(many)
    server.start()
    until(sender.handed_over, "all that waited")
    all_arrived(server, sender)


def test_a_server_that_hangs_for_a_while_is_asked_with_one_message(
    stream: tuple[Rsyslog, str], tmp_path: Path
) -> None:
    server, url = stream
    sender = Sender(url, tmp_path)
    sender.emit(50)
    server.wait_for(50)
    server.halt()
    sender.emit(6_000)  # more than the buffers of a connection hold
    until(lambda: "does not read" in str(sender.sink.error), "that it hangs")
    if url.startswith("tcp"):  # the others do not even come to a session
        retried = sender.sink.retried
        until(lambda: sender.sink.retried >= retried + 2, "further attempts")
        assert sender.sink.retried <= retried + 4, "each of them one message"
    server.go_on()
    until(sender.handed_over, "all that waited")
    assert sender.sink.error is None
    all_arrived(server, sender)


def test_a_server_that_is_killed_again_and_again_loses_nothing(
    stream: tuple[Rsyslog, str], tmp_path: Path
) -> None:
    server, url = stream
    sender = Sender(url, tmp_path)
    for round_ in range(4):
        sender.emit(1000)
        server.wait_for(1 + 100 * round_)
        server.kill()
        sender.emit(100)
        server.start()
    until(sender.handed_over, "all that waited")
    all_arrived(server, sender)


def test_what_a_hanging_server_did_not_confirm_is_sent_by_the_next_run(
    stream: tuple[Rsyslog, str], tmp_path: Path
) -> None:
    server, url = stream
    first = Sender(url, tmp_path)
    first.emit(50)
    server.wait_for(50)
    server.halt()
    first.emit(30)
    first.sink.close()
    assert (first.sink.dropped, first.sink.unconfirmed) == (0, 0)
    left = first.sink.waiting
    assert left >= 30
    server.kill()
    server.start()
    second = Sender(url, tmp_path)
    second.count = first.count
    second.emit(10)
    until(lambda: second.sink.recovering == 0 and second.sink.waiting == 0, "both runs' alerts")
    second.sink.close()
    assert (second.sink.recovered, second.sink.delivered) == (left, 10)
    server.stop()
    assert sorted(stored_numbers(server)) == list(range(90))


def test_what_was_delivered_is_not_sent_again_after_a_clean_end(
    stream: tuple[Rsyslog, str], tmp_path: Path
) -> None:
    server, url = stream
    for _ in range(2):
        sender = Sender(url, tmp_path)
        sender.emit(200)
        sender.sink.close()
        assert (sender.sink.delivered, sender.sink.unconfirmed) == (200, 0)
        assert (sender.sink.recovered, sender.sink.error) == (0, None)
    server.wait_for(400)
    server.stop()
    assert (server.folder / "received").read_bytes().count(b"\n") == 400
