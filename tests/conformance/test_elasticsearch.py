"""`--elasticsearch` against a strict fake of the bulk interface, and a real server if one is named.

Nothing is lost and nothing doubled: whatever a server does, each document is there once.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sensor.config import Config, SinkLimits
from sensor.ecs.event_batch import EventBatch
from sensor.ecs.flow_batch import FlowBatch
from sensor.errors import ConfigError
from sensor.sinks.delivery.background import background, background_records
from sensor.sinks.delivery.connection import Backoff
from sensor.sinks.delivery.record_sink import RecordSink
from sensor.sinks.elasticsearch.sink import bulk_wire, open_elasticsearch
from tests.command import DEMO, quiet
from tests.conformance.bulk_server import BulkServer
from tests.conformance.sink_peers import CERTIFICATE, free_port, telnet_alert, until
from tests.flow_records import batch_of

REAL = os.environ.get("SENSOR_TEST_ES_URL", "")
IMPATIENT = Backoff(first_s=0.01, max_s=0.02)
QUICK = Config(sink=SinkLimits(request_timeout_s=0.3, drain_s=30.0))


@pytest.fixture
def server() -> Iterator[BulkServer]:
    made = BulkServer()
    yield made
    made.close()


def flows(*numbers: int) -> FlowBatch:
    """Flows that differ in a port."""
    return batch_of(*({"orig_port": number} for number in numbers))


def ids(*numbers: int) -> set[str]:
    return {document["event"]["id"]  # type: ignore[index]
            for document in flows(*numbers).to_dicts()}


def sink_to(
    port: int, spool: Path | None = None, config: Config = QUICK, *, patience_s: float = 0.0
) -> RecordSink:
    wire = bulk_wire(f"http://127.0.0.1:{port}", config, "records")
    return background_records(wire, config.sink, str(spool) if spool else None,
                              backoff=IMPATIENT, patience_s=patience_s)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_replay_puts_every_document_into_its_data_stream_once(
    server: BulkServer, tmp_path: Path
) -> None:
    given = ("--flows", str(tmp_path / "flows.ndjson"), "--alerts", str(tmp_path / "alerts.ndjson"),
             "--protocol-events", str(tmp_path / "said.ndjson"), "--reveal-secrets")
    url = f"http://127.0.0.1:{server.port}?namespace=lab&pipeline=ours"
    ended = quiet(*given, "--elasticsearch", url, DEMO)
    assert (ended.code, ended.err) == (0, "")
    stored = dict(server.documents)
    written = lines(tmp_path / "flows.ndjson")
    assert len(written) > 50 and server.pipelines == {"ours"}
    for document in written:
        dataset = document["event"]["dataset"]
        document["data_stream"]["namespace"] = "lab"
        assert stored.pop((f"logs-{dataset}-lab", document["event"]["id"])) == document
    said, passwords = lines(tmp_path / "said.ndjson"), 0
    for document in said:
        found = stored.pop((f"logs-{document['event']['dataset']}-lab", document["event"]["id"]))
        revealed = document.get("telnet", {}).get("password", {}).pop("text", None)
        document["data_stream"]["namespace"] = "lab"
        assert found == document, "passwords are for the file alone"
        passwords += revealed is not None
    assert passwords
    alerts = server.of("sensor.alert", "lab")
    assert {document["sensor"]["alert"]["id"] for document in lines(tmp_path / "alerts.ndjson")
            } == set(alerts)
    assert len(stored) == len(alerts) > 0 < len(said)
    before = dict(server.documents)
    ended = quiet("--elasticsearch", url, "--stats", "-", DEMO)
    assert ended.code == 0 and server.documents == before and server.conflicts == len(before)
    sinks = json.loads(ended.out.splitlines()[-1])["sinks"]
    records = sinks[f"elasticsearch http://127.0.0.1:{server.port} records"]
    assert records["delivered"] == len(written) + len(said) and not records["dropped"]


@pytest.mark.parametrize("fault", ["429", "503", "401", "lost"])
def test_what_a_server_cannot_take_now_it_gets_later_and_once(
    server: BulkServer, fault: str
) -> None:
    server.faults += [fault] * 3
    sink = sink_to(server.port)
    sink.write(flows(*range(20)))
    until(lambda: sink.delivered == 20)
    sink.close()
    assert set(server.of("network_traffic.flow")) == ids(*range(20))
    assert (sink.dropped, sink.waiting, sink.error) == (0, 0, None) and sink.retried > 0
    assert server.conflicts == (60 if fault == "lost" else 0)


def test_documents_that_are_busy_are_sent_again_and_refused_ones_are_counted(
    server: BulkServer
) -> None:
    busy = [429, 429]

    def status(document: dict[str, Any]) -> int:
        if document["source"]["port"] == 3:
            return 400
        return busy.pop() if document["source"]["port"] == 5 and busy else 201

    server.item_status = status
    sink = sink_to(server.port)
    sink.write(flows(*range(10)))
    sink.close()
    assert set(server.of("network_traffic.flow")) == ids(*range(10)) - ids(3)
    assert (sink.delivered, sink.dropped) == (9, 1)
    assert sink.error is not None and "some_exception: as the test says" in sink.error


def test_a_server_that_is_away_or_hangs_holds_nothing_up_and_loses_nothing(
    tmp_path: Path
) -> None:
    port = free_port()
    sink = sink_to(port, tmp_path)
    sink.write(flows(1, 2))
    until(lambda: sink.error is not None)
    server = BulkServer(port=port)
    until(lambda: sink.delivered == 2)
    server.faults.append("hang")
    for number in range(3, 9):
        sink.write(flows(number))
    until(lambda: sink.delivered == 8)
    server.close()
    for number in range(9, 12):
        sink.write(flows(number))
    sink.close()
    assert sink.waiting == 3 and sink.dropped == 0, "they are in the spool"
    again = BulkServer(server.documents, port=port)
    later = sink_to(port, tmp_path)
    until(lambda: later.recovered == 3)
    later.close()
    again.close()
    assert set(again.of("network_traffic.flow")) == ids(*range(1, 12))


def test_after_a_kill_of_the_sensor_the_spool_is_delivered_once(tmp_path: Path) -> None:
    port = free_port()
    child = os.fork()
    if not child:
        try:
            sink = sink_to(port, tmp_path)
            sink.write(flows(*range(1500)))
            until(lambda: sink._queued.stored == 1500)
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    server = BulkServer(port=port)
    server.faults.append("lost")
    sink = sink_to(port, tmp_path, Config())
    until(lambda: sink.recovered == 1500)
    sink.close()
    server.close()
    assert set(server.of("network_traffic.flow")) == ids(*range(1500))
    assert (server.conflicts, sink.recovering) == (1000, 0)


def test_a_slow_server_has_its_records_in_the_spool(server: BulkServer, tmp_path: Path) -> None:
    """Without one what does not fit is dropped and counted; a replay waits for room."""
    limits = Config(sink=SinkLimits(record_queue_max=100, drain_s=30.0))
    gate = threading.Event()

    def slow(document: dict[str, Any]) -> int:
        gate.wait(60)
        return 201

    server.item_status = slow
    kept, patient = sink_to(server.port, tmp_path, limits), sink_to(
        server.port, None, limits, patience_s=60.0)
    kept.write(flows(0))
    until(lambda: server.requests == 1)
    kept.write(flows(*range(1, 60)))
    writer = threading.Thread(target=lambda: [patient.write(flows(*range(first, first + 90)))
                                              for first in range(1000, 1360, 90)])
    writer.start()
    gate.set()
    writer.join()
    kept.close()
    patient.close()
    assert (kept.dropped, patient.dropped, patient.delivered) == (0, 0, 360)
    assert set(server.of("network_traffic.flow")) == ids(*range(60), *range(1000, 1360))


def test_blocks_join_while_the_server_is_busy(server: BulkServer) -> None:
    gate = threading.Event()

    def slow(document: dict[str, Any]) -> int:
        gate.wait(60)
        return 201

    server.item_status = slow
    sink = sink_to(server.port, None, Config())
    sink.write(flows(0))
    until(lambda: server.requests == 1)
    for number in range(1, 50):
        sink.write(flows(number))
    sink.write(EventBatch([]))
    gate.set()
    sink.close()
    assert (server.requests, sink.delivered, len(server.documents)) == (2, 50, 50)


def test_a_key_a_certificate_and_a_namespace(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("c2VjcmV0\n")
    server = BulkServer(tls=True, key="c2VjcmV0")
    url = (f"https://127.0.0.1:{server.port}?cafile={CERTIFICATE}&namespace=a_b"
           f"&api_key_file={tmp_path}/key")
    sink = background(open_elasticsearch(url, Config()), SinkLimits(), backoff=IMPATIENT)
    for number in range(3):
        sink.emit(telnet_alert(number))
    sink.close()
    server.close()
    assert set(server.of("sensor.alert", "a_b")) == {f"alert-{number}" for number in range(3)}
    assert (sink.delivered, sink.error) == (3, None)


def test_a_certificate_that_is_not_trusted_is_said_and_costs_nothing(tmp_path: Path) -> None:
    server = BulkServer(tls=True)
    sink = background(open_elasticsearch(f"https://127.0.0.1:{server.port}", Config()),
                      SinkLimits(drain_s=0.1), str(tmp_path), backoff=IMPATIENT)
    sink.emit(telnet_alert(1))
    until(lambda: sink.error is not None)
    assert "certificate verify failed" in str(sink.error)
    sink.close()
    server.close()
    assert (sink.waiting, sink.dropped, server.documents) == (1, 0, {})


def test_flow_events_need_somebody_who_gets_them() -> None:
    ended = quiet("--flow-events", DEMO)
    assert ended.code == 2 and "--elasticsearch" in ended.message()


@pytest.mark.skipif(not REAL, reason="SENSOR_TEST_ES_URL names no server")
def test_a_real_server_takes_every_document_and_again_none() -> None:
    for _ in range(2):
        ended = quiet("--elasticsearch", REAL, DEMO)
        assert (ended.code, ended.err) == (0, "")


def test_a_wrong_url_is_refused() -> None:
    with pytest.raises(ConfigError, match="no such kind of server"):
        bulk_wire("ftp://host", Config(), "records")
