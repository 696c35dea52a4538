"""Bodies of bulk requests."""

from __future__ import annotations

import gzip
import json
from typing import Any

from sensor.ecs.event_batch import EventBatch
from sensor.sinks.elasticsearch import bulk
from tests.conformance.sink_peers import HOSTILE_TEXTS, alert_with
from tests.flow_records import batch_of, random_batch


def pairs(octets: bytes) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    lines = [json.loads(line) for line in gzip.decompress(octets).split(b"\n")[:-1]]
    return list(zip(lines[::2], lines[1::2], strict=True))


def test_flows_are_the_documents_that_they_are_everywhere() -> None:
    batch = random_batch(4)
    found = pairs(bulk.packed(bulk.records_of([batch], "default")))
    assert [document for _, document in found] == batch.to_dicts()
    for action, document in found:
        assert action == {"create": {"_index": f"logs-{document['data_stream']['dataset']}-default",
                                     "_id": document["event"]["id"]}}


def test_a_namespace_is_that_of_the_stream_and_of_nothing_else() -> None:
    (_, document), = pairs(bulk.packed(bulk.records_of([batch_of({})], "prod")))
    (plain,) = batch_of({}).to_dicts()
    plain["data_stream"]["namespace"] = "prod"  # type: ignore[index]
    assert document == plain
    said = {"event": {"id": "x"}, "data_stream": {"dataset": "network_traffic.telnet"},
            "orchestrator": {"namespace": "default"}}
    (action, document), = pairs(bulk.packed(bulk.records_of([EventBatch([said])], "prod")))
    assert action["create"] == {"_index": "logs-network_traffic.telnet-prod", "_id": "x"}
    assert document["orchestrator"] == {"namespace": "default"}
    assert document["data_stream"]["namespace"] == "prod"


def test_hostile_text_stays_in_its_place() -> None:
    for text in HOSTILE_TEXTS:
        (action, document), = pairs(bulk.packed([bulk.of_alert(alert_with(text), "default")]))
        assert set(action) == {"create"} and len(action["create"]["_id"].encode()) <= 512
        assert document["data_stream"]["dataset"] == "sensor.alert"


def test_equal_notices_are_one() -> None:
    first, second, other = (bulk.of_notice({"message": text}, "default") for text in "aab")
    assert first == second != other
