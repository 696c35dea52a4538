"""The way to Kafka where no broker is: nothing raises but what is told of."""

from __future__ import annotations

import pytest

from sensor.errors import ConfigError
from sensor.sinks.kafka import transport
from sensor.sinks.kafka.url import parse_address
from tests.conformance.sink_peers import free_port

pytest.importorskip("confluent_kafka")


def test_a_broker_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "METADATA_S", 0.3)
    made = transport.KafkaTransport(parse_address(f"127.0.0.1:{free_port()}/t"), "t", 0.05)
    with pytest.raises(OSError, match=r"Connection refused|transport failure"):
        made.connect()


def test_a_block_that_is_on_its_way_is_not_sent_again() -> None:
    made = transport.KafkaTransport(parse_address(f"127.0.0.1:{free_port()}/t"), "t", 0.05)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            made.send(b"k\tone\nk\ttwo\n")
        assert len(made._producer) == 2, "records that the client has"
    made.close(0.01)


def test_settings_that_the_client_refuses_are_an_error() -> None:
    with pytest.raises(ConfigError, match=r"--kafka h:9092/t"):
        transport.KafkaTransport(parse_address("h/t?cafile=/no/such/file.pem"), "t", 0.05)
