"""Several files as one stream in the order of time; what is wrong with each."""

from __future__ import annotations

import json
import os
from pathlib import Path

from sensor.events.files import EventFiles
from tests.unit.events.documents import AT_NS, SECOND, read


def test_a_file_that_is_not_there_and_one_that_is_empty(tmp_path: Path) -> None:
    assert read(tmp_path / "f", b"")[1].inputs[0].error is None
    files = EventFiles([str(tmp_path / "no"), str(tmp_path)])
    assert list(files) == []
    assert [str(entry.error).split(": ", 1)[1] for entry in files.inputs] == [
        "cannot be read: no such file or directory", "cannot be read: is a directory"]


def test_files_are_one_stream_in_the_order_of_time(tmp_path: Path) -> None:
    paths = []
    for name, seconds in (("a", (5, 1, 9)), ("b", (2, 8)), ("c", ())):
        path = tmp_path / name
        path.write_text("".join(json.dumps({"@timestamp": at * SECOND, "from": name}) + "\n"
                                for at in (AT_NS // SECOND + second for second in seconds)),
                        encoding="utf-8")  # fmt: skip
        paths.append(str(path))
    files = EventFiles(paths)
    documents = [document for rows in files for document in rows.documents(range(rows.count))]
    assert [(document["@timestamp"][17:19], document["from"]) for document in documents] == [
        ("06", "a"), ("07", "b"), ("10", "a"), ("13", "b"), ("14", "a")]
    assert files.bytes_read == files.bytes_total == sum(map(os.path.getsize, paths))
    assert files.ledger()["read"] == 5 and files.reached_ns == AT_NS + 9 * SECOND


def test_the_size_of_all_is_known_where_that_of_each_is(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"{}\n")
    assert EventFiles([str(path), str(path)]).bytes_total == 6
    assert EventFiles([str(path), str(tmp_path)]).bytes_total == 0
