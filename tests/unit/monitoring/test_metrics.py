"""The metrics, scraped over HTTP and read back by the library's own parser."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from sensor.errors import ConfigError
from sensor.model.status import (
    INTERFACE_ABSENT,
    INTERFACE_DOWN,
    INTERFACE_UP,
    RECORDS,
    CaptureStatus,
    InterfaceStatus,
    RuleStatus,
    SinkStatus,
    Status,
)
from sensor.monitoring import metrics as metrics_module
from sensor.monitoring.metrics import CONNECTIONS_MAX, Metrics, StatusCollector, parse_address
from tests.running import ROOT

STATUS = Status(
    wall_ns=1_800_000_100_000_000_000,
    elapsed_s=100.0,
    frames=11,
    bytes=1200,
    packets=10,
    anomalies=1,
    alerts=3,
    capture=CaptureStatus(kernel_packets=14, kernel_drops=2, ring_freezes=1),
    interfaces=(
        InterfaceStatus("eth0", INTERFACE_UP),
        InterfaceStatus("eth1", INTERFACE_DOWN),
        InterfaceStatus("eth2", INTERFACE_ABSENT),
    ),
    flows={"accepted": 4, "denied": 1},
    flows_total=7,
    flows_open=2,
    evicted=5,
    streams={"flows": 21, "events": 22, "gaps": 23, "skipped": 24, "failed": 25},
    rules=(RuleStatus("r-1", "Telnet", matches=9, alerts=3, excepted=2, suppressed=4),),
    sinks=(
        SinkStatus("console", 3, 0, 0, 0, None),
        SinkStatus("syslog udp://192.0.2.1:514", 1, 1, 6, 1, "refused", recovering=42,
                   unconfirmed=9),
        SinkStatus("flows f", 71, 72, 0, 73, None, kind=RECORDS),
    ),
    lag_ns=2_500_000,
    rss_bytes=99_000_000,
)

Labels = tuple[tuple[str, str], ...]


@contextmanager
def serving(status: Status, address: str = "127.0.0.1:0") -> Iterator[Metrics]:
    metrics = Metrics(address, version="1.2.3")
    metrics.start(lambda: status)
    try:
        yield metrics
    finally:
        metrics.close()


def scraped(metrics: Metrics) -> str:
    host = f"[{metrics.host}]" if ":" in metrics.host else metrics.host
    with urllib.request.urlopen(f"http://{host}:{metrics.port}/metrics") as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        text: str = answer.read().decode()
        return text


def samples(text: str) -> dict[tuple[str, Labels], float]:
    """Every sample, once: two of the same name and labels would make a scraper refuse all."""
    found: dict[tuple[str, Labels], float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, key
            found[key] = sample.value
    return found


def test_every_member_of_the_status_arrives() -> None:
    with serving(STATUS) as metrics:
        found = samples(scraped(metrics))
    rule = (("rule", "Telnet"), ("rule_id", "r-1"))
    bad = (("sink", "syslog udp://192.0.2.1:514"),)
    file = (("sink", "flows f"),)
    expected: dict[tuple[str, Labels], float] = {
        ("sensor_start_time_seconds", ()): 1_800_000_000.0,
        ("sensor_kernel_frames_total", ()): 14,
        ("sensor_kernel_dropped_frames_total", ()): 2,
        ("sensor_ring_freezes_total", ()): 1,
        ("sensor_frames_total", ()): 11,
        ("sensor_frame_bytes_total", ()): 1200,
        ("sensor_packets_total", ()): 10,
        ("sensor_anomalous_frames_total", ()): 1,
        ("sensor_interface_up", (("interface", "eth0"),)): 1,
        ("sensor_interface_up", (("interface", "eth1"),)): 0,
        ("sensor_interface_up", (("interface", "eth2"),)): 0,
        ("sensor_flows_total", ()): 7,
        ("sensor_flow_verdicts_total", (("verdict", "accepted"),)): 4,
        ("sensor_flow_verdicts_total", (("verdict", "denied"),)): 1,
        ("sensor_open_flows", ()): 2,
        ("sensor_evicted_flows_total", ()): 5,
        ("sensor_followed_flows_total", ()): 21,
        ("sensor_protocol_events_total", ()): 22,
        ("sensor_stream_gaps_total", ()): 23,
        ("sensor_skipped_segments_total", ()): 24,
        ("sensor_failed_analyses_total", ()): 25,
        ("sensor_rule_matches_total", rule): 9,
        ("sensor_alerts_total", rule): 3,
        ("sensor_excepted_alerts_total", rule): 2,
        ("sensor_suppressed_alerts_total", rule): 4,
        ("sensor_sink_delivered_alerts_total", bad): 1,
        ("sensor_sink_dropped_alerts_total", bad): 1,
        ("sensor_sink_retries_total", bad): 6,
        ("sensor_sink_waiting_alerts", bad): 1,
        ("sensor_sink_unconfirmed_alerts", bad): 9,
        ("sensor_sink_recovering_alerts", bad): 42,
        ("sensor_sink_written_records_total", file): 71,
        ("sensor_sink_dropped_records_total", file): 72,
        ("sensor_sink_waiting_records", file): 73,
        ("sensor_sink_failing", file): 0,
        ("sensor_sink_failing", bad): 1,
        ("sensor_sink_failing", (("sink", "console"),)): 0,
        ("sensor_lag_seconds", ()): 0.0025,
        ("sensor_resident_memory_bytes", ()): 99_000_000,
    }
    assert {key: found.get(key) for key in expected} == expected
    alerts = {key for key in found if file in key and key[0].endswith("alerts")}
    assert not alerts, "flow records are no alerts"
    rest = {name for name, _ in found} - {name for name, _ in expected}
    assert rest == {"sensor_build_info"}
    (build,) = (dict(labels) for name, labels in found if name == "sensor_build_info")
    assert build["version"] == "1.2.3"


def test_names_types_and_meanings_are_as_prometheus_wants_them() -> None:
    with serving(STATUS) as metrics:
        text = scraped(metrics)
    names = set(re.findall(r"^(\w+)[{ ]", re.sub("^#.*$", "", text, flags=re.M), re.M))
    types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.M))
    meanings = dict(re.findall(r"^# HELP (\w+) (.+)$", text, re.M))
    assert names == set(types) == set(meanings)
    for name, kind in types.items():
        assert name.startswith("sensor_")
        assert kind == ("counter" if name.endswith("_total") else "gauge"), name
        assert meanings[name].endswith(".")
    assert "_created" not in text


def test_the_page_about_metrics_lists_exactly_these() -> None:
    page = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([^|]*) \| ([^|]+) \|$", page, re.M)
    listed = {name: (kind, tuple(re.findall(r"`(\w+)`", labels)), meaning)
              for name, kind, labels, meaning in rows}  # fmt: skip
    given = {}
    for family in StatusCollector(lambda: STATUS, "1").collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        given[name] = (family.type, tuple(family.samples[0].labels), family.documentation)
    assert listed == given


HOSTILE = 'a"} 1\nsensor_frames_total 666\n# \\\x1b[31m \u202e \udc80 {x="'


def test_names_from_outside_cannot_forge_a_sample() -> None:
    hostile = replace(
        STATUS,
        interfaces=(InterfaceStatus(HOSTILE, INTERFACE_UP),),
        rules=(RuleStatus(HOSTILE, HOSTILE, 1, 1, 1, 1),),
        sinks=(SinkStatus(HOSTILE, 1, 1, 1, 1, HOSTILE),
               SinkStatus(HOSTILE, 1, 1, 1, 1, HOSTILE, kind=RECORDS)),
    )  # fmt: skip
    with serving(hostile) as metrics:
        text = scraped(metrics)
    found = samples(text)
    assert found["sensor_frames_total", ()] == 11
    plain = samples(_text_of(STATUS))
    assert {name for name, _ in found} == {name for name, _ in plain}
    shown = 'a"} 1\\x0asensor_frames_total 666\\x0a# \\\\x1b[31m \\u202e \\udc80 {x="'
    assert found["sensor_interface_up", (("interface", shown),)] == 1


def _text_of(status: Status) -> str:
    with serving(status) as metrics:
        return scraped(metrics)


def test_two_sinks_of_one_name_are_told_apart() -> None:
    sinks = tuple(SinkStatus("syslog udp://192.0.2.1:514", n, 0, 0, 0, None) for n in (1, 2))
    found = samples(_text_of(replace(STATUS, sinks=sinks)))
    delivered = {labels[0][1]: value for (name, labels), value in found.items()
                 if name == "sensor_sink_delivered_alerts_total"}  # fmt: skip
    assert delivered == {"syslog udp://192.0.2.1:514": 1, "syslog udp://192.0.2.1:514 #2": 2}


def test_each_scrape_takes_a_new_snapshot_and_the_start_stays() -> None:
    frames = iter(range(1, 10))

    def snapshot() -> Status:
        count = next(frames)
        return replace(STATUS, frames=count, wall_ns=STATUS.wall_ns + count * 10**12)

    metrics = Metrics("127.0.0.1:0")
    metrics.start(snapshot)
    first, second = samples(scraped(metrics)), samples(scraped(metrics))
    metrics.close()
    assert (first["sensor_frames_total", ()], second["sensor_frames_total", ()]) == (1, 2)
    assert first["sensor_start_time_seconds", ()] == second["sensor_start_time_seconds", ()]


def test_a_large_counter_loses_nothing_that_matters() -> None:
    found = samples(_text_of(replace(STATUS, bytes=2**53 - 1)))
    assert found["sensor_frame_bytes_total", ()] == 2**53 - 1


def test_only_its_own_page_is_there() -> None:
    with serving(STATUS) as metrics:
        codes = {}
        for method, path in (("GET", "/metrics?x=1"), ("HEAD", "/metrics"), ("GET", "/"),
                             ("GET", "/../etc/passwd"), ("POST", "/metrics")):  # fmt: skip
            client = http.client.HTTPConnection(metrics.host, metrics.port)
            client.request(method, path)
            answer = client.getresponse()
            codes[method, path] = (answer.status, bool(answer.read()))
            client.close()
    assert codes == {
        ("GET", "/metrics?x=1"): (200, True), ("HEAD", "/metrics"): (200, False),
        ("GET", "/"): (404, True), ("GET", "/../etc/passwd"): (404, True),
        ("POST", "/metrics"): (501, True),
    }  # fmt: skip


def test_a_snapshot_that_fails_is_an_answer_too() -> None:
    def snapshot() -> Status:
        raise RuntimeError("secret")

    metrics = Metrics("127.0.0.1:0")
    metrics.start(snapshot)
    client = http.client.HTTPConnection(metrics.host, metrics.port)
    client.request("GET", "/metrics")
    answer = client.getresponse()
    assert (answer.status, answer.read()) == (500, b"RuntimeError\n")
    client.close()
    metrics.close()


def everything(client: socket.socket) -> bytes:
    """What the server sends until it hangs up."""
    octets = b""
    while part := client.recv(65536):
        octets += part
    return octets


@pytest.mark.parametrize(("request_octets", "status"), [
    (b"\r\n\r\n", b"400"), (b"\0\xff\x01 garbage\r\n\r\n", b"400"), (b"hello\r\n", b"400"),
    (bytes.fromhex("16030100a5010000a1030368656c6c6f0a"), b"400"), (b"\xfe" * 300 + b"\n", b"400"),
    (b"GET /metrics HTTP/x\r\n\r\n", b"400"), (b"GET a b HTTP/1.1\r\n\r\n", b"400"),
    (b"POST /metrics\r\n", b"400"), (b"GET /metrics HTTP/9.9\r\n\r\n", b"505"),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"505"),
    (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"), (b"a" * 300_000, b"414"),
    (b"GET /metrics HTTP/1.1\r\nX: " + b"a" * 300_000 + b"\r\n\r\n", b"431"),
    (b"GET /metrics HTTP/1.1\r\n" + b"X: a\r\n" * 200 + b"\r\n", b"431"),
    (b"GET /metrics\r\n\r\n", b"200"), (b"GET /metrics HTTP/1.1\n\n", b"200"), (b"", b"408"),
], ids=lambda value: repr(value)[:40])  # fmt: skip
def test_whatever_is_asked_the_answer_has_a_status(request_octets: bytes, status: bytes) -> None:
    with serving(STATUS) as metrics, socket.create_connection((metrics.host, metrics.port)) as it:
        it.settimeout(30)
        it.sendall(request_octets)
        it.shutdown(socket.SHUT_WR)
        answer = everything(it)
    assert answer.startswith(b"HTTP/1.0 " + status + b" ")
    assert b"garbage" not in answer and b"<" not in answer.partition(b"\r\n\r\n")[0]


def test_a_client_that_says_nothing_is_told_that_it_took_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metrics_module, "REQUEST_TIMEOUT_S", 0.2)
    with serving(STATUS) as metrics, socket.create_connection((metrics.host, metrics.port)) as it:
        it.settimeout(30)
        assert everything(it).startswith(b"HTTP/1.0 408 Request Timeout\r\n")


def test_clients_that_say_nothing_cannot_pile_up() -> None:
    with serving(STATUS) as metrics:
        silent = [socket.create_connection((metrics.host, metrics.port))
                  for _ in range(CONNECTIONS_MAX)]  # fmt: skip
        late = socket.create_connection((metrics.host, metrics.port))
        late.settimeout(30)
        # told so, while the others are still held
        assert everything(late).startswith(b"HTTP/1.0 503 Service Unavailable\r\n")
        handlers = [thread for thread in threading.enumerate()
                    if "process_request_thread" in thread.name]  # fmt: skip
        assert len(handlers) == CONNECTIONS_MAX
        for client in silent:
            client.close()
        late.close()
        for handler in handlers:
            handler.join()
        assert "sensor_frames_total 11" in scraped(metrics)


def test_clients_that_trickle_are_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_module, "REQUEST_TIMEOUT_S", 0.2)
    over = threading.Event()

    def trickle(client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            client.sendall(b"GET /metrics HTTP/1.0\r\n")
            while not over.wait(0.05):  # never silent for long, and never done
                client.sendall(b"X: y\r\n")

    with serving(STATUS) as metrics:
        clients = [socket.create_connection((metrics.host, metrics.port))
                   for _ in range(CONNECTIONS_MAX)]  # fmt: skip
        threads = [threading.Thread(target=trickle, args=(client,)) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        ended = [not thread.is_alive() for thread in threads]
        over.set()
        assert all(ended)
        for handler in threading.enumerate():
            if "process_request_thread" in handler.name:
                handler.join()
        monkeypatch.undo()
        assert "sensor_frames_total 11" in scraped(metrics)
    for client in clients:
        client.close()


def test_it_listens_where_it_was_told_and_nowhere_else() -> None:
    with serving(STATUS, ":0") as metrics:
        assert metrics.host == "127.0.0.1"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", metrics.port))
        taken = f"127.0.0.1:{metrics.port}"
        with pytest.raises(ConfigError, match=f"^--metrics {taken}: Address already in use$"):
            Metrics(taken)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((metrics.host, metrics.port))
    with serving(STATUS, taken):
        pass  # free again at once


def test_it_listens_on_ipv6() -> None:
    with serving(STATUS, "[::1]:0") as metrics:
        assert metrics.host == "::1"
        assert "sensor_frames_total 11" in scraped(metrics)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^--metrics 192\.0\.2\.1:9464: Cannot assign"):
        Metrics("192.0.2.1:9464")


def test_closing_twice_or_before_it_started_is_nothing() -> None:
    metrics = Metrics("127.0.0.1:0")
    metrics.close()
    metrics.close()


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:9464", ("127.0.0.1", 9464)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        ("[::1]:9464", ("::1", 9464)),
        ("[::]:9464", ("::", 9464)),
        (":9464", ("127.0.0.1", 9464)),
        ("localhost:9464", ("localhost", 9464)),
        ("metrics.example:65535", ("metrics.example", 65535)),
    ],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    ["", ":", "9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:65536",
     "127.0.0.1:-1", "127.0.0.1:123456", "::1:9464", "[::1]", "[::1:9464", "[1.2.3.4]:1",
     "[xyz]:1", "1.2.3:1", "256.1.1.1:1", "a b:1", "-x:1", "127.0.0.1:9464\n", "http://h:1",
     "h:\u0661"],
)  # fmt: skip
def test_nonsense_for_an_address(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^--metrics .*: must be ADDRESS:PORT"):
        parse_address(text)
