"""Documents from files: forms, times, order, bad and hostile lines, compression; with packets."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import threading
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

import sensor
from sensor.app.build import load_rules
from sensor.config import EventLimits
from sensor.errors import CaptureError, ConfigError
from sensor.events import envelopes as forms
from sensor.events import line_reader as blocks
from sensor.events import prefilter, reader
from sensor.events import reorder as order
from sensor.events.files import EventFiles
from sensor.query.values import date_span
from sensor.rules.prefilter import clauses_of
from tests.command import sensor as run
from tests.running import CAPTURES

SECOND = 1_000_000_000
AT = "2026-01-02T03:04:05Z"
AT_NS = 1_767_323_045 * SECOND
TELNET = {
    "@timestamp": AT, "event": {"category": "network", "type": "connection"},
    "destination": {"port": 23},
}


def read(path: Path, content: bytes | list[Any], **limits: Any) -> tuple[list[Any], EventFiles]:
    """The documents of a file, and what was counted."""
    if isinstance(content, list):
        content = b"".join(json.dumps(line).encode() + b"\n" for line in content)
    path.write_bytes(content)
    files = EventFiles([str(path)], None, EventLimits(**limits))
    documents = [document for rows in files for document in rows.documents(range(rows.count))]
    return documents, files


# --- forms


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
    assert [forms.date_of(document) for document in documents] == [AT_NS]
    assert files.ledger()["read"] == files.ledger()["parsed"] == 1


def test_a_document_may_look_like_an_action(tmp_path: Path) -> None:
    documents, _ = read(tmp_path / "f", [{"@timestamp": AT, "index": {"name": "x"}},
                                         {"index": {"name": "x"}}])
    assert [document["index"] for document in documents] == [{"name": "x"}] * 2


@pytest.mark.parametrize("text", [
    json.dumps({"hits": {"hits": [{"_source": TELNET}, {"_source": TELNET}]}}, indent=2),
    json.dumps([TELNET, TELNET], indent=2),
    json.dumps(TELNET, indent=2) + "\n" + json.dumps(TELNET, indent=4) + "\n",
    "[\n" + json.dumps(TELNET) + ",\r\n" + json.dumps(TELNET) + "\n]\n",
    "\ufeff" + json.dumps(TELNET) + "\n\n  \n" + json.dumps(TELNET),
])  # fmt: skip
def test_objects_over_several_lines_and_arrays(tmp_path: Path, text: str) -> None:
    documents, files = read(tmp_path / "f", text.encode())
    assert documents == [TELNET, TELNET]
    assert files.inputs[0].error is None and files.ledger()["read"] == 2


def test_a_byte_order_mark_may_be_compressed_too(tmp_path: Path) -> None:
    octets = gzip.compress(blocks.BOM + json.dumps(TELNET).encode())
    documents, files = read(tmp_path / "f", octets)
    assert documents == [TELNET]
    assert files.inputs[0].error is None


# --- time


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
    assert forms.time_of(value) == time_ns
    document = {"timestamp": [value]}
    assert forms.date_of(document) == time_ns
    assert forms.time_of_text(str(document["@timestamp"])) == time_ns


@pytest.mark.parametrize("text", [
    "2026-01-02T03:04:05.123456789123Z", "2026-01-02T03:04:05,5z", "2026-01-02T03:04:05 Z",
    "2026-01-02t05:04:05+02", "2026-01-02T03:04:05+01:00", "2026-01-02 03:04:05",
])  # fmt: skip
def test_what_is_a_time_is_one_for_queries_too(text: str) -> None:
    document = {"@timestamp": text}
    time_ns = forms.date_of(document)
    span = date_span(document["@timestamp"])
    assert span is not None and span[0] == time_ns


@pytest.mark.parametrize("value", [
    "yesterday", "", True, None, -1, 1e30, [], {}, "2026-13-01", "2026-01-02T25:00:00Z",
    "9999-01-01T00:00:00Z", "1" * 40, "2026-01-02T03:04:05+1", "2026-02-29T00:00:00Z",
])  # fmt: skip
def test_no_times(value: Any) -> None:
    assert forms.time_of(value) is None
    assert forms.date_of({"@timestamp": value}) is None


def test_a_document_without_a_time_has_that_of_the_one_before(tmp_path: Path) -> None:
    times = [None, "2026-01-02T03:04:06Z", None, AT, None]
    lines = [{"n": n, **({"@timestamp": time} if time else {})} for n, time in enumerate(times)]
    documents, files = read(tmp_path / "f", lines)
    assert {document["n"]: document["@timestamp"][17:19] for document in documents} == {
        0: "06", 1: "06", 2: "06", 3: "05", 4: "05"}  # fmt: skip
    assert files.ledger()["undated"] == 3


# --- order


@given(st.lists(st.integers(0, 30), max_size=60), st.integers(1, 5), st.integers(1, 9))
def test_what_is_less_late_than_the_bound_is_sorted(
    noise: list[int], bound: int, size: int
) -> None:
    sorter = order.Sorter(bound, 1 << 20)
    timed = [(time, {"n": n}) for n, time in enumerate(noise)]
    left = [item for at in range(0, len(timed), size)
            for item in sorter.add(timed[at : at + size], 0)] + sorter.take_all()
    assert [time for time, _ in left] == sorted(time for time, _ in left)
    assert sorted(document["n"] for _, document in left) == list(range(len(noise)))
    late = [n for n, time in enumerate(noise)
            if any(before > time for before in noise[: max(n - bound, 0)])]
    assert sorter.late <= len(late)
    if not late:
        assert left == sorted(timed, key=lambda item: item[0])


def test_octets_bound_what_waits() -> None:
    sorter = order.Sorter(100, 10)
    assert len(sorter.add([(n, {}) for n in range(8)], 11)) == 4


# --- what is bad


def test_bad_lines_are_named_and_counted(tmp_path: Path) -> None:
    lines = [json.dumps(TELNET).encode(), b"{oops", b'{"a":NaN}', b'{"a":"\xff"}', b"5",
             b'{"a":' * 5000 + b"1" + b"}" * 5000, b'{"a":' * 100 + b"1" + b"}" * 100,
             b'{"' + b"a." * 100 + b'a":1}', b"[" * 900 + b"]" * 900,
             b'{"destination":{"port":80},"destination":{"port":23}}']  # fmt: skip
    documents, files = read(tmp_path / "f", b"\n".join(lines))
    assert [document["destination"] for document in documents] == [{"port": 23}] * 2
    assert files.ledger()["bad"] == 8 and files.ledger()["read"] == 2
    error = str(files.inputs[0].error)
    for number, reason in [(2, ", column 2: not JSON"), (3, ", column"), (5, ": not an object"),
                           (7, ": nested more than"), (8, ": nested more than")]:
        assert f"line {number}{reason}" in error
    assert "\n" not in error


def test_only_the_first_bad_lines_are_named(tmp_path: Path) -> None:
    _, files = read(tmp_path / "f", b"{\x00}\n" * 30)
    more = 30 - reader.NAMED_MAX
    assert str(files.inputs[0].error).endswith(f"; {more} more bad lines")


def test_lines_beyond_the_bound_are_passed_over(tmp_path: Path) -> None:
    long = {"a": "x" * 5000}
    documents, files = read(tmp_path / "f", [TELNET, long, TELNET, long, long, TELNET],
                            line_bytes=1000)
    assert documents == [TELNET] * 3 and files.ledger()["bad"] == 3
    assert [f"line {n}: longer than" in str(files.inputs[0].error) for n in (2, 4, 5)] == [True] * 3
    assert read(tmp_path / "g", [TELNET, long], line_bytes=6000)[0][1] == {
        **long, "@timestamp": "2026-01-02T03:04:05.000000000Z"}


def test_long_lines_grow_the_buffer(tmp_path: Path) -> None:
    long = {"@timestamp": AT, "a": "x" * (3 * blocks.BLOCK_BYTES)}
    documents, _ = read(tmp_path / "f", [TELNET, long, TELNET])
    assert documents == [TELNET, long, TELNET]


def test_a_file_that_is_not_there_and_one_that_is_empty(tmp_path: Path) -> None:
    assert read(tmp_path / "f", b"")[1].inputs[0].error is None
    files = EventFiles([str(tmp_path / "no"), str(tmp_path)])
    assert list(files) == []
    assert [str(entry.error).split(": ", 1)[1] for entry in files.inputs] == [
        "cannot be read: no such file or directory", "cannot be read: is a directory"]


# --- compression


COMPRESS = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress,
            "zstd": zstandard.compress}  # fmt: skip


@pytest.mark.parametrize("name", COMPRESS)
def test_compressed_files(tmp_path: Path, name: str) -> None:
    lines = b"".join(json.dumps({**TELNET, "n": n, "x": os.urandom(40).hex()}).encode() + b"\n"
                     for n in range(20_000))
    compress = COMPRESS[name]
    whole = compress(lines[:2_000_000]) + compress(lines[2_000_000:])
    documents, files = read(tmp_path / "f", whole)
    assert [document["n"] for document in documents] == list(range(20_000))
    assert files.inputs[0].error is None and files.bytes_read == files.bytes_total == len(whole)
    documents, files = read(tmp_path / "f", compress(lines)[:-200_000])
    assert 0 < len(documents) < 20_000 and len(documents) == files.ledger()["read"]
    assert f"{name} data ends in the middle" in str(files.inputs[0].error)
    _, files = read(tmp_path / "f", compress(lines) + b"rubbish")
    assert files.inputs[0].error is not None and files.ledger()["read"] == 20_000


def test_what_is_compressed_well_stays_bounded(tmp_path: Path) -> None:
    content = zstandard.compress(b" " * (64 << 20) + b"\n" + json.dumps(TELNET).encode())
    documents, files = read(tmp_path / "f", content, line_bytes=1 << 20)
    assert documents == [TELNET] and files.ledger()["bad"] == 1


# --- pipes


def test_a_pipe_that_waits_gives_what_it_gave(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    told = threading.Event()

    def write() -> None:
        with open(path, "wb") as pipe:
            pipe.write(json.dumps(TELNET).encode() + b"\n")
            pipe.flush()
            told.wait(30)
            pipe.write(json.dumps({**TELNET, "n": 1}).encode())

    writer = threading.Thread(target=write)
    writer.start()
    batches = iter(EventFiles([str(path)], None, EventLimits(idle_s=0.05)))
    assert next(batches).count == 1  # before the writer says more
    told.set()
    assert [rows.count for rows in batches] == [1]
    writer.join()


# --- on the main path


def test_the_search_is_chosen_from_a_sample() -> None:
    needs = clauses_of(load_rules(any_event=True).rules)
    assert len(needs) == 3 and all(needs)
    data = bytearray(b'{"destination":{"port":80},"event":{"type":"connection"}}\n' * 50 + b"\0")
    assert not prefilter.scanner_for(needs, data, len(data) - 1, always=True).takes_all
    assert prefilter.scanner_for([(), *needs], data, len(data) - 1, always=True).takes_all
    assert prefilter.scanner_for(None, data, len(data) - 1, always=True).takes_all


def test_documents_and_packets_are_one_stream(tmp_path: Path) -> None:
    """Whatever the order of the alerts of one time: documents come first."""
    capture = str(CAPTURES / "telnet_accepted_v4.pcap")
    (flow,) = [alert for alert in sensor.replay(capture)]
    path = tmp_path / "events.ndjson"
    times = [flow.time_ns - SECOND, flow.time_ns, flow.time_ns + SECOND]
    path.write_text("".join(json.dumps({**TELNET, "@timestamp": time, "n": n}) + "\n"
                            for n, time in enumerate(times)), encoding="utf-8")
    alerts = list(sensor.replay(capture, events=str(path)))
    assert [alert.document.get("n", "flow") for alert in alerts] == [0, 1, "flow", 2]
    assert [alert.time_ns for alert in alerts] == sorted(alert.time_ns for alert in alerts)
    assert alerts[2].document == flow.document


def test_damage_is_raised_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(json.dumps(TELNET).encode() + b"\n{bad\n")
    alerts = sensor.replay(events=[str(path)])
    assert next(alerts).document["destination"] == {"port": 23}
    with pytest.raises(CaptureError, match="line 2, column 2: not JSON"):
        next(alerts)
    with pytest.raises(ConfigError, match="at once"):
        sensor.replay("-", events="-")


def test_the_command(tmp_path: Path) -> None:
    path, stats = tmp_path / "f", tmp_path / "stats"
    path.write_text((json.dumps({"@timestamp": AT}) + "\n") * 9 + json.dumps(TELNET),
                    encoding="utf-8")
    done = run("replay", "--events", str(path), "--json", "--stats", str(stats))
    assert done.code == 0
    document = json.loads(done.out)
    assert document["destination"] == {"port": 23} and document["event"]["kind"] == "alert"
    ledger = json.loads(stats.read_text(encoding="utf-8"))
    assert ledger["documents"]["read"] == 10
    assert ledger["inputs"] == [{"path": str(path), "error": None}]
    assert "10 documents" in done.err
    path.write_text("{bad\n", encoding="utf-8")
    assert run("replay", "--quiet", "--events", str(path)).code == 1
    assert run("replay").code == 2


@pytest.mark.parametrize("value", [
    {"expected": [{"a": 1}, None, {"a": 2}]}, [{"expected": [{"a": 1}, {"a": 2}]}],
])
def test_what_a_test_of_an_integration_expects_is_documents(value: Any) -> None:
    assert forms.documents_of(value) == [{"a": 1}, {"a": 2}]


def test_a_document_may_have_a_field_of_that_name() -> None:
    for document in ({"expected": [1], "a": 2}, {"expected": 1}):
        assert forms.documents_of(document) == [document]
