"""The files that a run reads, from the paths that were given."""

from __future__ import annotations

import gzip
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sensor.capture.files.capture import FileCapture
from sensor.capture.files.discover import discover
from tests.unit.capture.files.build import enhanced, interface, pcap_header, record, section, write
from tests.unit.capture.files.test_capture import errors_of, frames_of


def test_directory(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "none").mkdir()
    write(tmp_path / "below" / "without-suffix", pcap_header(), record(b"one", 2))
    write(tmp_path / "x.pcapng", section(), interface(), enhanced(b"two", 1))
    write(tmp_path / "notes.txt", b"not a capture")
    write(tmp_path / "empty.pcap", b"")
    os.mkfifo(tmp_path / "pipe.pcap")
    write(tmp_path / "zipped", gzip.compress(pcap_header() + record(b"zipped", 3)))
    write(tmp_path / "log.pcap.gz", gzip.compress(b"a log all the same"))
    write(tmp_path / "damaged.gz", b"\x1f\x8b\x08 and so on")
    damaged = write(tmp_path / "z.pcap.gz", b"\x1f\x8b\x08 and so on")
    capture = FileCapture([tmp_path, tmp_path / "none"])
    assert [row[2] for row in frames_of(capture)] == [b"two", b"one", b"zipped"]
    assert capture.skipped == 5
    none = tmp_path / "none"
    assert [error for error in errors_of(capture) if error] == [
        f"{damaged}: at octet 6: damaged gzip data: Error -3 while decompressing data: "
        "unknown header flags set",
        f"{none}: no captures in this directory",
    ]


def test_directory_without_captures_tells_how_many_files_it_has(tmp_path: Path) -> None:
    write(tmp_path / "notes.txt", b"not a capture")
    capture = FileCapture([tmp_path])
    assert frames_of(capture) == []
    assert errors_of(capture) == [f"{tmp_path}: no captures in this directory (1 other files: "
                                  "-v names them)"]


def test_glob(tmp_path: Path) -> None:
    for number in (2, 1):
        write(tmp_path / f"{number}.pcap", pcap_header(), record(b"%d" % number, 5))
    odd = write(tmp_path / "odd[1].pcap", pcap_header(), record(b"odd", 1))
    capture = FileCapture([f"{tmp_path}/[0-9].pcap", odd, f"{tmp_path}/*.none"])
    assert [row[2] for row in frames_of(capture)] == [b"odd", b"1", b"2"]
    assert errors_of(capture)[3] == f"{tmp_path}/*.none: no file matches"


def test_unreadable(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.pcap")
    text = write(tmp_path / "text", b"hello\nworld")
    odd = str(tmp_path / "a\nb\x1b")
    capture = FileCapture([missing, text, odd, "nul\0"])
    assert frames_of(capture) == []
    assert errors_of(capture) == [
        f"{missing}: cannot be read: no such file or directory",
        f"{text}: not a capture file (it starts with b'hello\\nwo')",
        f"{tmp_path}/a\\x0ab\\x1b: cannot be read: no such file or directory",
        "nul\\x00: cannot be read: embedded null byte",
    ]


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without the rights of root, which may read everything."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_forbidden() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        path = write(Path(folder) / "f.pcap", pcap_header())
        os.chmod(path, 0)
        for given in (path, folder):
            with as_nobody():
                capture = FileCapture([given])
                assert frames_of(capture) == []
            assert errors_of(capture) == [f"{path}: cannot be read: permission denied"]


def test_standard_input_is_never_looked_at(tmp_path: Path) -> None:
    path = write(tmp_path / "f.pcap", pcap_header())
    discovery = discover([path, "-"])
    assert [probe.path for probe in discovery.probes] == [path, "-"]
    assert discovery.has_standard_input and not discover([path]).has_standard_input
    assert discovery.probes[1].size is None and discovery.probes[1].format == ""
