"""Records for Kafka: a key and a document each."""

from __future__ import annotations

import json

from sensor.ecs.event_batch import EventBatch
from sensor.sinks.kafka.sink import KafkaWire, lines_of
from tests.conformance.sink_peers import HOSTILE_TEXTS, alert_with
from tests.flow_records import random_batch


class Nowhere(KafkaWire):
    """A wire whose transport nobody uses."""

    def __init__(self) -> None:
        super().__init__("h:9092", "t", None)  # type: ignore[arg-type]


def test_the_key_is_the_community_id() -> None:
    batch = random_batch(9)
    pairs = [line.split(b"\t") for line in lines_of([batch])]
    documents = batch.to_dicts()
    assert [json.loads(value) for _, value in pairs] == documents
    assert [key.decode() for key, _ in pairs] == [
        document["network"]["community_id"] for document in documents]  # type: ignore[index]


def test_what_has_no_community_id_has_no_key() -> None:
    (line,) = lines_of([EventBatch([{"message": "x"}])])
    assert line == b'\t{"message":"x"}\n'


def test_hostile_text_makes_no_record_of_its_own() -> None:
    for text in HOSTILE_TEXTS:
        (line,) = Nowhere().render(alert_with(text)).splitlines()
        assert line.count(b"\t") == 1
        json.loads(line.partition(b"\t")[2])
