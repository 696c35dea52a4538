"""Lines and objects over lines, long ones, compressed ones, those of a pipe that waits."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import threading
from pathlib import Path

import pytest
import zstandard

from sensor.config import EventLimits
from sensor.events import line_reader
from sensor.events.files import EventFiles
from tests.unit.events.documents import AT, TELNET, read


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
    octets = gzip.compress(line_reader.BOM + json.dumps(TELNET).encode())
    documents, files = read(tmp_path / "f", octets)
    assert documents == [TELNET]
    assert files.inputs[0].error is None


def test_lines_beyond_the_bound_are_passed_over(tmp_path: Path) -> None:
    long = {"a": "x" * 5000}
    documents, files = read(tmp_path / "f", [TELNET, long, TELNET, long, long, TELNET],
                            line_bytes=1000)
    assert documents == [TELNET] * 3 and files.ledger()["bad"] == 3
    assert [f"line {n}: longer than" in str(files.inputs[0].error) for n in (2, 4, 5)] == [True] * 3
    assert read(tmp_path / "g", [TELNET, long], line_bytes=6000)[0][1] == {
        **long, "@timestamp": "2026-01-02T03:04:05.000000000Z"}


def test_long_lines_grow_the_buffer(tmp_path: Path) -> None:
    long = {"@timestamp": AT, "a": "x" * (3 * line_reader.BLOCK_BYTES)}
    documents, _ = read(tmp_path / "f", [TELNET, long, TELNET])
    assert documents == [TELNET, long, TELNET]


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
