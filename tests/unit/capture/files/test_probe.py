"""The beginning of a file shows its format, its compression, its first time, and processes."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from pathlib import Path

import pytest
import zstandard

from sensor.capture.files.probe import NO_TIME, FileProbe, probe_file
from sensor.compression.formats import DecompressError
from tests.running import CAPTURES
from tests.unit.capture.files.build import pcap_header, record, write

COMPRESS = {"": bytes, "gzip": gzip.compress, "xz": lzma.compress, "bzip2": bz2.compress,
            "zstd": zstandard.compress}  # fmt: skip


def probe(path: str) -> FileProbe:
    return probe_file(path, os.path.getsize(path))


@pytest.mark.parametrize("compression", COMPRESS)
@pytest.mark.parametrize(("name", "kind", "has_process_info"), [
    ("demo.pcap", "pcap", False), ("telnet_internal.pcapng", "pcapng", False),
    ("telnet_pktap.pcapng", "pcapng", True),
])  # fmt: skip
def test_one_look_shows_everything(
    compression: str, name: str, kind: str, has_process_info: bool, tmp_path: Path
) -> None:
    path = write(tmp_path / "no-suffix", COMPRESS[compression]((CAPTURES / name).read_bytes()))
    found = probe(path)
    assert (found.path, found.size) == (path, os.path.getsize(path)) and found.error is None
    assert (found.format, found.compression) == (kind, compression)
    assert found.has_process_info == has_process_info
    assert found.first_ns > NO_TIME


def test_the_first_time_is_that_of_the_first_record(tmp_path: Path) -> None:
    path = write(tmp_path / "f", pcap_header(), record(b"second", 20), record(b"first", 10))
    assert probe(path).first_ns == 20_000_000_000


def test_damage_behind_the_beginning_is_left_to_the_reader(tmp_path: Path) -> None:
    header = write(tmp_path / "header", pcap_header())
    cut = write(tmp_path / "cut", gzip.compress(pcap_header() + os.urandom(500))[:100])
    assert (probe(header).format, probe(header).first_ns) == ("pcap", NO_TIME)
    assert probe(cut).format == "pcap"


def test_what_is_no_capture_has_no_format(tmp_path: Path) -> None:
    assert probe(write(tmp_path / "text", b"hello")).format == ""
    assert probe(write(tmp_path / "empty", b"")).format == ""


def test_content_without_a_beginning_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DecompressError, match="ends in the middle"):
        probe(write(tmp_path / "f", gzip.compress(b"hello")[:12]))
    with pytest.raises(FileNotFoundError):
        probe_file(str(tmp_path / "gone"), 0)
