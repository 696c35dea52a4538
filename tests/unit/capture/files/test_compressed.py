"""Compressed capture files are read as what is in them, and say where they are damaged."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import lz4.frame
import pytest
import zstandard

from sensor.capture.files.capture import FileCapture
from tests.command import ROOT, quiet
from tests.running import CAPTURES, run_capture
from tests.unit.capture.files.build import pcap_header, record, told, write

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
    "lz4": partial(lz4.frame.compress, content_checksum=True),
}
KINDS = pytest.mark.parametrize("kind", COMPRESS)
DEMO = (CAPTURES / "demo.pcap").read_bytes()
NG = (CAPTURES / "telnet_internal.pcapng").read_bytes()


def frames_of(*paths: str | Path, thread: bool = False, window_bytes: int = 65_536) -> list[object]:
    capture = FileCapture(paths, thread=thread, window_bytes=window_bytes)
    found = [row for frames in capture for row in told(frames)]
    assert [entry.error for entry in capture.inputs] == [None] * len(paths)
    assert capture.bytes_read == capture.bytes_total == sum(map(os.path.getsize, paths))
    return found


@KINDS
def test_the_content_is_what_counts(kind: str, tmp_path: Path) -> None:
    for name, content in (("demo.pcap", DEMO), ("telnet_internal.pcapng", NG)):
        plain = frames_of(CAPTURES / name)
        path = write(tmp_path / "no-suffix-at-all", COMPRESS[kind](content))
        for window_bytes in (1000, 65_536, 1 << 20):
            assert frames_of(path, window_bytes=window_bytes) == plain
        assert frames_of(path, thread=True) == plain


@KINDS
def test_the_same_flows_and_the_same_ledger(kind: str, tmp_path: Path) -> None:
    path = write(tmp_path / "demo.pcap", COMPRESS[kind](DEMO))
    plain, packed = run_capture(CAPTURES / "demo.pcap", seed=1), run_capture(path, seed=1)
    for event in (*plain.events, *packed.events):
        event["sensor"].pop("capture", None)
    assert packed.events == plain.events and packed.ledger == plain.ledger


@KINDS
def test_in_order_of_time_with_others(kind: str, tmp_path: Path) -> None:
    late = write(tmp_path / "a", COMPRESS[kind](pcap_header() + record(b"late", 30)))
    plain = write(tmp_path / "b", pcap_header(), record(b"plain", 20))
    early = write(tmp_path / "c", COMPRESS[kind](pcap_header() + record(b"early", 10)))
    assert [row[1] for row in frames_of(late, plain, early)] == [b"early", b"plain", b"late"]  # type: ignore[index]


@KINDS
def test_through_a_pipe(kind: str, tmp_path: Path) -> None:
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    writer = threading.Thread(target=fifo.write_bytes, args=(COMPRESS[kind](DEMO),))
    writer.start()
    early = write(tmp_path / "early", pcap_header(), record(b"early", 10))
    capture = FileCapture([fifo, early])
    rows = [row for frames in capture for row in told(frames)]
    writer.join()
    assert rows[0][1] == b"early" and rows[1:] == frames_of(CAPTURES / "demo.pcap")
    assert [entry.error for entry in capture.inputs] == [None, None]


def test_on_standard_input() -> None:
    plain = quiet(str(CAPTURES / "demo.pcap"))
    packed = quiet("-", stdin=gzip.compress(DEMO))
    assert packed.code == plain.code == 0 and packed.out == plain.out


def test_standard_input_is_read_from_where_it_stands(tmp_path: Path) -> None:
    path = write(tmp_path / "f", b"12345", gzip.compress(pcap_header() + record(b"x") * 7))
    script = "import os; os.lseek(0, 5, 0); " \
             "from sensor.capture.files.capture import FileCapture; " \
             "print(sum(frames.count for frames in FileCapture(['-'])))"  # fmt: skip
    with open(path, "rb") as file:
        run = subprocess.run([sys.executable, "-c", script], stdin=file, check=True,
                             capture_output=True, cwd=ROOT)  # fmt: skip
    assert run.stdout == b"7\n"


@KINDS
def test_everything_before_a_cut_is_processed(kind: str, tmp_path: Path) -> None:
    content = pcap_header() + b"".join(record(os.urandom(500), n) for n in range(4000))
    octets = COMPRESS[kind](content)[: 3 * len(content) // 4]
    path = write(tmp_path / "cut.pcap.z", octets)
    whole = write(tmp_path / "whole.pcap", pcap_header(), record(b"later", 5000))
    capture = FileCapture([path, whole])
    rows = [row for frames in capture for row in told(frames)]
    assert rows[-1][1] == b"later"
    # What the tool makes of it, or all but a part of the last block of bzip2 (900 kB).
    assert len(rows) > 2700 - 1800 * (kind == "bzip2")
    assert capture.inputs[0].error == f"{path}: at octet {len(octets)}: the {kind} data ends in " \
                                      "the middle"  # fmt: skip
    assert capture.inputs[1].error is None


@KINDS
def test_damage_is_told_with_its_place(kind: str, tmp_path: Path) -> None:
    content = pcap_header() + b"".join(record(os.urandom(500), n) for n in range(4000))
    octets = bytearray(COMPRESS[kind](content))
    middle = len(octets) // 2
    octets[middle : middle + 100] = bytes(100)
    path = write(tmp_path / "damaged.pcap", octets)
    run = quiet(path, str(CAPTURES / "telnet_accepted_v4.pcap"))
    assert run.code == 1 and "telnet" in run.out.lower()
    assert path in run.err and kind in run.err and "octet" in run.err


def test_what_is_in_it_may_be_no_capture_or_empty(tmp_path: Path) -> None:
    text = write(tmp_path / "text.gz", gzip.compress(b"hello\nworld"))
    empty = write(tmp_path / "empty.gz", gzip.compress(b""))
    capture = FileCapture([text, empty])
    assert list(capture) == []
    assert [entry.error for entry in capture.inputs] == [
        f"{text}: not a capture file (it starts with b'hello\\nwo')", f"{empty}: empty file"]
