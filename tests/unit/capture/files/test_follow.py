"""A folder that is followed: each file once, when it is whole, however it is rotated."""

from __future__ import annotations

import gzip
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sensor.capture.files.capture import INPUTS_MAX, FileCapture
from sensor.capture.files.follow import Folder, has_frames
from sensor.capture.files.reader import InputFile
from sensor.errors import ConfigError
from tests.unit.capture.files.build import (
    interface,
    pcap_header,
    record,
    section,
    simple,
    told,
    write,
)

BOTH = pytest.mark.parametrize("inotify", [True, False])


def body(*times: int) -> bytes:
    return pcap_header() + b"".join(record(b"frame %d" % time, time) for time in times)


def names(folder: Folder) -> list[str]:
    told = folder.wait() or []
    for found in told:
        if found.stream is not None:
            found.stream.close()
    return [os.path.basename(found.probe.path) for found in told]


@BOTH
def test_what_was_there_first_and_what_comes(tmp_path: Path, inotify: bool) -> None:
    write(tmp_path / "b.pcap", body(1))
    write(tmp_path / "a.pcap", body(5))
    write(tmp_path / "notes", b"no capture")
    write(tmp_path / ".hidden.pcap", body(3))
    (tmp_path / "below").mkdir()
    write(tmp_path / "below" / "c.pcap", body(7))
    folder = Folder(str(tmp_path), still_s=0, inotify=inotify)
    assert sorted(names(folder)) == ["a.pcap", "b.pcap"]
    write(tmp_path / "later", body(9))
    assert names(folder) == ["later"]
    folder.close()
    assert folder.wait() is None


def test_a_file_is_read_when_it_is_closed(tmp_path: Path) -> None:
    with open(tmp_path / "first.pcap", "wb") as first:
        first.write(body(1))
        first.flush()
        folder = Folder(str(tmp_path))  # met while it is written
        with open(tmp_path / "second.pcap", "wb") as second:
            second.write(body(2))
            second.flush()
            write(tmp_path / "third.pcap", body(3))
            assert names(folder) == ["third.pcap"]
        assert names(folder) == ["second.pcap"]
    assert names(folder) == ["first.pcap"]


def test_elsewhere_a_newer_file_or_stillness_tells(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    folder = Folder(str(tmp_path), still_s=1e9, inotify=False)
    write(old, body(1))
    write(new, body(2))
    os.utime(old, (100, 100))
    assert names(folder) == ["old"]
    folder = Folder(str(tmp_path), still_s=0, inotify=False)
    assert sorted(names(folder)) == ["new", "old"]


@BOTH
@pytest.mark.parametrize("how", ["renamed", "packed", "copied"])
def test_another_name_is_not_read_again(tmp_path: Path, how: str, inotify: bool) -> None:
    folder = Folder(str(tmp_path), still_s=0, inotify=inotify)
    path = tmp_path / "now.pcap"
    write(path, body(1, 2, 3))
    assert names(folder) == ["now.pcap"]
    if how == "renamed":
        path.rename(tmp_path / "then.pcap")
    elif how == "packed":
        write(tmp_path / "now.pcap.gz", gzip.compress(path.read_bytes()))
        path.unlink()
    else:
        write(tmp_path / "copy.pcap", path.read_bytes())
    write(tmp_path / "next.pcap", body(4))
    assert names(folder) == ["next.pcap"]


def test_a_ring_of_files_is_read_again_and_again(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    for time in range(6):
        write(tmp_path / f"ring{time % 2}", body(time))
        assert names(folder) == [f"ring{time % 2}"]


def test_a_file_that_is_moved_here(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    folder = Folder(str(tmp_path / "here"))
    os.rename(write(tmp_path / "x", body(1)), tmp_path / "here" / "x")
    assert names(folder) == ["x"]


def test_files_without_frames_are_not_taken_for_one_another(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    for name in "abc":
        write(tmp_path / name, body())
    assert sorted(names(folder)) == ["a", "b", "c"]
    write(tmp_path / "d", body(1))
    assert names(folder) == ["d"]
    assert not has_frames(section() + interface()) and has_frames(
        section() + interface() + simple(bytes(1500)))


def test_a_file_that_grew_is_named(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    path = Path(write(tmp_path / "a", body(1)))
    assert names(folder) == ["a"]
    with open(path, "ab") as file:
        file.write(record(b"more", 2))
    write(tmp_path / "b", body(5))
    assert names(folder) == ["b"]
    (text,) = folder.left_out
    assert text.startswith(f"{path}: it grew")


@pytest.mark.parametrize("octets", [40, 5000])
def test_what_is_appended_is_told_at_once_and_once(tmp_path: Path, octets: int) -> None:
    """Also where the file is longer than what tells one from another, and no other one comes."""
    folder = Folder(str(tmp_path))
    path = Path(write(tmp_path / "a", body(1) + record(bytes(octets), 2)))
    assert names(folder) == ["a"]
    for _ in range(2):
        with open(path, "ab") as file:
            file.write(record(b"more", 3))
    assert folder.wait() == []
    (text,) = folder.left_out
    assert text.startswith(f"{path}: it grew")


def test_a_folder_that_goes(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    folder = Folder(str(tmp_path / "here"))
    capture = FileCapture([], folder=folder)
    (tmp_path / "here").rmdir()
    assert list(capture) == []
    assert "no such file or directory" in str(capture.inputs[0].error)
    (tmp_path / "here").mkdir()
    folder = Folder(str(tmp_path / "here"))
    write(tmp_path / "here" / "a", body(1))
    assert names(folder) == ["a"]
    (tmp_path / "here" / "a").unlink()
    (tmp_path / "here").rename(tmp_path / "there")
    (found,) = folder.wait() or []
    assert "the folder is gone" in str(found.probe.error) and folder.wait() is None


def test_no_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none", Path(write(tmp_path / "file", b""))):
        with pytest.raises(ConfigError, match=f"--follow {path}: "):
            Folder(str(path))


def frames_of(capture: FileCapture) -> Iterator[bytes]:
    for frames in capture:
        yield from [row[1] for row in told(frames)]


def test_a_capture_goes_on_with_the_folder(tmp_path: Path) -> None:
    first = write(tmp_path / "given", body(1))
    (tmp_path / "here").mkdir()
    write(tmp_path / "here" / "z", body(3))
    write(tmp_path / "here" / "y", body(2, 4))
    capture = FileCapture([first], folder=Folder(str(tmp_path / "here")))
    frames = frames_of(capture)
    assert [next(frames) for _ in range(4)] == [b"frame %d" % time for time in (1, 2, 3, 4)]
    for time in range(5, 10):
        write(tmp_path / "here" / str(time), body(time))
        assert next(frames) == b"frame %d" % time
    write(tmp_path / "here" / "damaged.pcap", body(10)[:-1])
    write(tmp_path / "here" / "last", body(11))
    assert next(frames) == b"frame 11"
    capture.close()
    assert list(frames) == []
    (notice,) = capture.notices
    assert "damaged.pcap" in notice and "cut short" in notice
    assert [entry.error for entry in capture.inputs].count(notice) == 1
    assert len(capture.inputs) == 10 < INPUTS_MAX


class Packing(Folder):
    """Whose files are packed and removed as soon as they have been seen."""

    def wait(self) -> list[InputFile] | None:
        found = super().wait()
        for path in (Path(each.probe.path) for each in found or ()):
            if path.suffix != ".gz":
                write(path.with_suffix(".gz"), gzip.compress(path.read_bytes()))
                path.unlink()
        return found


def test_a_file_that_is_packed_before_its_turn_is_read_once(tmp_path: Path) -> None:
    folder = Packing(str(tmp_path))
    capture = FileCapture([], folder=folder)
    frames = frames_of(capture)
    for time in (3, 1, 2):
        write(tmp_path / f"{time}.pcap", body(time, time + 10))
    assert [next(frames) for _ in range(6)] == [b"frame %d" % t for t in (1, 2, 3, 11, 12, 13)]
    write(tmp_path / "last.pcap", body(20))
    assert next(frames) == b"frame 20"
    capture.close()
    assert [entry.error for entry in capture.inputs if entry.error] == []


@pytest.mark.needs("tcpdump")
@pytest.mark.parametrize("options", [["-C", "1"], ["-C", "1", "-z", "gzip"], ["-C", "1", "-W", "9"],
                                     ["-G", "1"]])  # fmt: skip
def test_as_tcpdump_rotates(tmp_path: Path, options: list[str]) -> None:
    """Its own files of a capture of 4 MB, by size, packed, as a ring, by time: each frame once."""
    frames = [record(b"\x02" * 12 + b"\x08\x00" + b"%07d" % n * 150, n // 200) for n in range(4000)]
    source = write(tmp_path / "source", pcap_header(), *frames)
    (tmp_path / "here").mkdir()
    folder = Folder(str(tmp_path / "here"))
    written = "out-%s" if "-G" in options else "out"
    target = str(tmp_path / "here" / written)
    as_root = ["-Z", "root"] if os.geteuid() == 0 else []
    command = ["tcpdump", *as_root, "-r", source, "-w", target, *options]
    capture = FileCapture([], folder=folder)
    found: list[bytes] = []

    def read() -> None:
        for octets in frames_of(capture):
            found.append(octets)
            if len(found) == len(frames):
                capture.close()

    reader = threading.Thread(target=read)
    reader.start()
    subprocess.run(command, check=True, capture_output=True)
    reader.join(120)
    assert not reader.is_alive()
    assert sorted(found) == [each[16:] for each in frames]
    assert [entry.error for entry in capture.inputs if entry.error] == []
