"""Protocol events as lines, as CSV and as a table."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from sensor.ecs.event_batch import COLUMNS, EventBatch
from sensor.ecs.tables import column_name
from tests.conversation import Talk, play


def event(software: str = "OpenSSH_9.6", comments: str = "") -> dict[str, Any]:
    talk = Talk(ports=(40_000, 22))
    talk.handshake()
    talk.server.data(0.25, f"SSH-2.0-{software} {comments}\r\n".encode("latin-1"))
    (document,) = play(talk).said
    return document


def test_lines() -> None:
    document = event()
    lines = EventBatch([document, document]).to_json_lines().splitlines()
    assert [json.loads(line) for line in lines] == [document, document]
    assert EventBatch([]).to_json_lines() == b""


def test_csv_has_each_column_and_one_line_a_row() -> None:
    text = EventBatch([event(), event(comments='a,"b"')]).to_csv().decode()
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in csv.reader(io.StringIO(text))]
    assert [row["ssh.server.comments"] for row in rows] == ["", 'a,"b"']
    assert rows[0]["related.ip"] == "192.0.2.10;198.51.100.7"
    assert rows[0]["destination.port"] == "22"
    assert rows[0]["event.created"] == ""


@pytest.mark.parametrize(("software", "cell"), [
    ("=cmd|x!A0", "'=cmd|x!A0"), ("@x", "'@x"), ("+1", "'+1"), ("-x", "'-x"), ("a=b", "a=b"),
    ("a\rb", "a\\x0db"),
])
def test_what_others_say_is_no_formula_and_no_line_end(software: str, cell: str) -> None:
    (row,) = csv.reader(io.StringIO(EventBatch([event(software)]).to_csv().decode()))
    assert row[list(COLUMNS).index("ssh.server.software")] == cell


def test_a_table() -> None:
    table = EventBatch([event(), event(comments="x")]).to_arrow()
    assert table.column_names == [column_name(name) for name in COLUMNS]
    rows = table.to_pylist()
    assert [row["ssh_server_comments"] for row in rows] == [None, "x"]
    assert rows[0]["source_port"] == 40_000
    assert rows[0]["related_ip"] == ["192.0.2.10", "198.51.100.7"]
    assert rows[0]["timestamp"].to_pydatetime() == datetime(
        2026, 1, 2, 3, 4, 5, 250_000, tzinfo=UTC)


def test_its_size_grows_with_its_rows() -> None:
    assert EventBatch([]).nbytes == 0
    assert EventBatch([{}] * 3).nbytes == 3 * EventBatch([{}]).nbytes > 0


def test_the_values_of_a_list_of_objects_stand_in_one_cell() -> None:
    answers = [{"name": "a.example", "ttl": 60, "data": "192.0.2.1"}, {"name": "b.example"}]
    document = {"dns": {"answers": answers, "resolved_ip": ["192.0.2.1"]}}
    batch = EventBatch([document])
    (row,) = csv.reader(io.StringIO(batch.to_csv().decode()))
    cells = dict(zip(next(csv.reader(io.StringIO(batch.csv_header().decode()))), row, strict=True))
    assert cells["dns_answers_name"] == "a.example;b.example"
    assert cells["dns_answers_data"] == "192.0.2.1"
