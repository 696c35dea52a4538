"""Forms of a document, and the times that one may have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sensor.events import envelopes
from sensor.query.values import date_span
from tests.unit.events.documents import AT, AT_NS, SECOND, TELNET, read


@pytest.mark.parametrize("line", [
    TELNET,
    {"_index": "i", "_id": "1", "_source": TELNET},
    {"took": 3, "hits": {"total": {"value": 1}, "hits": [{"_source": TELNET}]}},
    {"responses": [{"hits": {"hits": [{"_source": TELNET}]}}]},
    {"doc": TELNET, "doc_as_upsert": True},
    [TELNET],
    {"_index": "i", "fields": {"@timestamp": [AT], "event.category": "network",
                               "event.type": "connection", "destination.port": 23}},
])  # fmt: skip
def test_every_form_of_a_document_is_unwrapped(tmp_path: Path, line: Any) -> None:
    documents, files = read(tmp_path / "f", [{"index": {"_index": "i", "_id": "1"}}, line,
                                             {"create": {}}, {"delete": {"_id": "2"}}])
    assert [{**document, "@timestamp": AT} for document in documents] == [TELNET]
    assert [envelopes.date_of(document) for document in documents] == [AT_NS]
    assert files.ledger()["read"] == files.ledger()["parsed"] == 1


def test_a_document_may_look_like_an_action(tmp_path: Path) -> None:
    documents, _ = read(tmp_path / "f", [{"@timestamp": AT, "index": {"name": "x"}},
                                         {"index": {"name": "x"}}])
    assert [document["index"] for document in documents] == [{"name": "x"}] * 2


@pytest.mark.parametrize(("value", "time_ns"), [
    ("2026-01-02T03:04:05Z", AT_NS),
    ("2026-01-02T03:04:05.1Z", AT_NS + SECOND // 10),
    ("2026-01-02T03:04:05.123456789123Z", AT_NS + 123_456_789),
    ("2026-01-02T03:04:05,5z", AT_NS + SECOND // 2),
    ("2026-01-02t05:04:05+02:00", AT_NS),
    ("2026-01-02 03:04:05", AT_NS),
    ("2026-01-01T21:34:05-0530", AT_NS),
    ("2026-01-02T03:04Z", AT_NS - 5 * SECOND),
    ("2026-01-02", AT_NS - 11045 * SECOND),
    (1_767_323_045, AT_NS), (1_767_323_045_000, AT_NS), (1_767_323_045_000_000, AT_NS),
    (AT_NS, AT_NS), ("1767323045000", AT_NS), (1_767_323_045.25, AT_NS + SECOND // 4),
])  # fmt: skip
def test_times(value: Any, time_ns: int) -> None:
    assert envelopes.time_of(value) == time_ns
    document = {"timestamp": [value]}
    assert envelopes.date_of(document) == time_ns
    assert envelopes.time_of_text(str(document["@timestamp"])) == time_ns


@pytest.mark.parametrize("text", [
    "2026-01-02T03:04:05.123456789123Z", "2026-01-02T03:04:05,5z", "2026-01-02T03:04:05 Z",
    "2026-01-02t05:04:05+02", "2026-01-02T03:04:05+01:00", "2026-01-02 03:04:05",
])  # fmt: skip
def test_what_is_a_time_is_one_for_queries_too(text: str) -> None:
    document = {"@timestamp": text}
    time_ns = envelopes.date_of(document)
    span = date_span(document["@timestamp"])
    assert span is not None and span[0] == time_ns


@pytest.mark.parametrize("value", [
    "yesterday", "", True, None, -1, 1e30, [], {}, "2026-13-01", "2026-01-02T25:00:00Z",
    "9999-01-01T00:00:00Z", "1" * 40, "2026-01-02T03:04:05+1", "2026-02-29T00:00:00Z",
])  # fmt: skip
def test_no_times(value: Any) -> None:
    assert envelopes.time_of(value) is None
    assert envelopes.date_of({"@timestamp": value}) is None


@pytest.mark.parametrize("value", [
    {"expected": [{"a": 1}, None, {"a": 2}]}, [{"expected": [{"a": 1}, {"a": 2}]}],
])
def test_what_a_test_of_an_integration_expects_is_documents(value: Any) -> None:
    assert envelopes.documents_of(value) == [{"a": 1}, {"a": 2}]


def test_a_document_may_have_a_field_of_that_name() -> None:
    for document in ({"expected": [1], "a": 2}, {"expected": 1}):
        assert envelopes.documents_of(document) == [document]
