"""A cluster of Kafka in this process: the one that librdkafka has for tests, over real sockets."""

from __future__ import annotations

import time
from typing import Any

import confluent_kafka


class KafkaCluster:
    """One broker, which keeps what it gets as long as this lives."""

    def __init__(self) -> None:
        self._client = confluent_kafka.Producer({
            "bootstrap.servers": "none", "test.mock.num.brokers": 1, "log_level": 0})
        metadata = self._client.list_topics(timeout=30)
        (broker,) = metadata.brokers.values()
        self.brokers = f"{broker.host}:{broker.port}"

    def records(self, topic: str, count: int, brokers: str = "") -> list[tuple[bytes, bytes]]:
        """Key and value of all records of a topic, once there are so many; then what more comes."""
        consumer = confluent_kafka.Consumer({
            "bootstrap.servers": brokers or self.brokers, "group.id": "tests", "log_level": 0,
            "enable.auto.commit": False, "auto.offset.reset": "earliest"})
        found: list[tuple[bytes, bytes]] = []
        try:
            partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
            consumer.assign([confluent_kafka.TopicPartition(topic, number, 0)
                             for number in partitions])
            end_s = time.monotonic() + 30
            while time.monotonic() < end_s:
                batch: list[Any] = consumer.consume(1000, 0.3)
                found += [(each.key(), each.value()) for each in batch if each.error() is None]
                if not batch and len(found) >= count:
                    return found
        finally:
            consumer.close()
        raise AssertionError(f"{len(found)} records of {topic}, {count} were expected")
