"""Documents for the bulk interface: each created once in the data stream that it belongs to.

A line of what is to be done (`create`, the index, the id), a line of the document. An id that is
there already is refused with 409: so what is sent again after an answer got lost is not doubled.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable, Iterator, Sequence

import orjson

from sensor.base.escape import utf8_text
from sensor.ecs.alert_text import json_line
from sensor.ecs.event_batch import EventBatch
from sensor.ecs.field_text import value_at
from sensor.ecs.flow_batch import FlowBatch
from sensor.ecs.identifiers import EVENT_ID, identifiers_of
from sensor.model.alert import Alert
from sensor.model.columns import CodedColumn, Document
from sensor.sinks.base import Batch

ALERT_DATASET = "sensor.alert"
NOTICE_DATASET = "sensor.notice"
DEFAULT_NAMESPACE = "default"
_NAMESPACE = b'"namespace":"default"'
"""In a flow document first in its data_stream; in a text its quotes would have backslashes."""
GZIP_LEVEL = 1
ID_BYTES_MAX = 512
"""Of Elasticsearch; what is longer stands by its SHA-256."""


def packed(pairs: Iterable[bytes]) -> bytes:
    """The body of a request; a tenth of its size, as the server and the spool take it."""
    return gzip.compress(b"".join(pairs), GZIP_LEVEL, mtime=0)


def records_of(batches: Sequence[Batch], namespace: str) -> Iterator[bytes]:
    """The pairs of lines of flow records and protocol events."""
    for batch in batches:
        if isinstance(batch, FlowBatch):
            yield from _of_flows(batch, namespace)
        elif isinstance(batch, EventBatch):
            for document in batch.documents:
                yield of_document(document, str(value_at(document, "data_stream.dataset")),
                                  str(value_at(document, "event.id")), namespace)


def _of_flows(batch: FlowBatch, namespace: str) -> Iterator[bytes]:
    column = batch.column("data_stream.dataset")
    assert isinstance(column, CodedColumn)
    heads = [_head(str(values[0]), namespace) for values in column.table]
    lines = batch.to_json_lines().splitlines(keepends=True)
    rows = zip(column.codes.tolist(), identifiers_of(batch.records, EVENT_ID), lines, strict=True)
    changed = b'"namespace":"%b"' % namespace.encode()
    for code, event_id, line in rows:
        document = line
        if namespace != DEFAULT_NAMESPACE:
            document = line.replace(_NAMESPACE, changed, 1)
        yield b'%b%b"}}\n%b' % (heads[code], event_id.encode(), document)


def of_document(document: Document, dataset: str, identity: str, namespace: str) -> bytes:
    """The pair of lines of one document, which says itself where it is."""
    placed = {**document, "data_stream": {"type": "logs", "dataset": dataset,
                                          "namespace": namespace}}
    octets = utf8_text(identity).encode()
    if len(octets) > ID_BYTES_MAX:
        octets = hashlib.sha256(octets).hexdigest().encode()
    return b'%b%b}}\n%b' % (_head(dataset, namespace)[:-1], orjson.dumps(octets.decode()),
                            json_line(placed))


def of_alert(alert: Alert, namespace: str) -> bytes:
    """The pair of lines of an alert."""
    return of_document(alert.document, ALERT_DATASET, alert.id, namespace)


def of_notice(document: Document, namespace: str) -> bytes:
    """The pair of lines of a notice, which has no id: one of its content."""
    identity = hashlib.sha256(json_line(document)).hexdigest()[:32]
    return of_document(document, NOTICE_DATASET, identity, namespace)


def _head(dataset: str, namespace: str) -> bytes:
    """What is to be done with a document, up to its id."""
    index = orjson.dumps(f"logs-{dataset}-{namespace}")
    return b'{"create":{"_index":%b,"_id":"' % index
