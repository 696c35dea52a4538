"""FileCapture: which files are read, in which order, and what is said of those that cannot be."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sensor.capture.files.capture import FileCapture
from tests.unit.capture.files.build import (
    Told,
    enhanced,
    interface,
    pcap_header,
    record,
    section,
    simple,
    told,
    write,
)


def frames_of(capture: FileCapture) -> list[tuple[str, int, bytes]]:
    """File name, number in the file and octets of every frame."""
    rows = []
    for frames in capture:
        name = os.path.basename(frames.file)
        rows += [(name, frames.first_number + i, row[1]) for i, row in enumerate(told(frames))]
    return rows


def errors_of(capture: FileCapture) -> list[str | None]:
    return [each.error for each in capture.inputs]


def test_several_files_are_one_capture_in_order_of_time(tmp_path: Path) -> None:
    late = write(tmp_path / "a.pcap", pcap_header(), record(b"late", 30))
    early = write(tmp_path / "b.pcap", pcap_header(), record(b"e1", 10), record(b"e2", 25))
    middle = enhanced(b"mid", 20 * 10**6)
    ng = write(tmp_path / "c.pcapng", section(), interface(1, 0, (2, b"eth0")), middle)
    capture = FileCapture([late, early, ng], frames_max=1)
    watermarks, names = [], []
    rows: list[Told] = []
    for frames in capture:
        rows += told(frames)
        watermarks.append(frames.watermark_ns // 10**9)
        number = frames.first_number if frames.numbers is None else int(frames.numbers[0])
        path = frames.files[frames.file_of[0]] if frames.files else frames.file
        names.append((os.path.basename(path), number, frames.interfaces))
    assert [row[1] for row in rows] == [b"e1", b"mid", b"e2", b"late"]
    assert watermarks == [10, 20, 25, 30]
    assert names == [
        ("b.pcap", 1, ("",)),
        ("c.pcapng", 1, ("", "eth0")),
        ("b.pcap", 2, ("", "eth0")),
        ("a.pcap", 1, ("", "eth0")),
    ]
    assert [os.path.basename(each.path) for each in capture.inputs] == [
        "b.pcap",
        "c.pcapng",
        "a.pcap",
    ]
    assert capture.bytes_read == capture.bytes_total == sum(map(os.path.getsize, (late, early, ng)))


def test_what_cannot_be_read_keeps_its_place(tmp_path: Path) -> None:
    late = write(tmp_path / "late.pcap", pcap_header(), record(b"late", 30))
    empty = write(tmp_path / "empty", b"")
    untimed = write(tmp_path / "untimed.pcapng", section(), interface(), simple(b"untimed"))
    early = write(tmp_path / "early.pcap", pcap_header(), record(b"early", 10))
    capture = FileCapture([late, empty, untimed, early])
    assert [row[2] for row in frames_of(capture)] == [b"early", b"untimed", b"late"]
    assert [each.path for each in capture.inputs] == [early, empty, untimed, late]
    assert errors_of(capture) == [None, f"{empty}: empty file", None, None]


def test_damage_ends_its_file_only(tmp_path: Path) -> None:
    cut = write(tmp_path / "1", pcap_header(), record(b"a", 1), record(b"b" * 96, 2)[:-56])
    whole = write(tmp_path / "2", pcap_header(), record(b"c", 3))
    capture = FileCapture([cut, whole])
    assert frames_of(capture) == [("1", 1, b"a"), ("2", 1, b"c")]
    assert errors_of(capture) == [
        f"{cut}: at octet 41: record cut short: 96 octets promised, 40 present",
        None,
    ]


def test_damage_and_notes_stand_in_one_line(tmp_path: Path) -> None:
    path = write(tmp_path / "f", pcap_header(), record(b"a", 1, 10**6), record(b"b")[:-1])
    capture = FileCapture([path])
    assert [row[2] for row in frames_of(capture)] == [b"a"]
    assert errors_of(capture) == [
        f"{path}: at octet 41: record cut short: 1 octets promised, 0 present; "
        "1 record with impossible timestamps, first at octet 24"
    ]


def test_a_pipe_is_peeked_without_losing_anything(tmp_path: Path) -> None:
    early = write(tmp_path / "early", pcap_header(), record(b"early", 10))
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    octets = pcap_header() + b"".join(record(b"%d" % n, 20 + n) for n in range(3000))
    writer = threading.Thread(target=fifo.write_bytes, args=(octets,))
    writer.start()
    capture = FileCapture([fifo, early])
    assert capture.bytes_total == 0
    expected = [("early", 1, b"early"), *(("pipe", n + 1, b"%d" % n) for n in range(3000))]
    assert frames_of(capture) == expected
    writer.join()
    assert errors_of(capture) == [None, None]
    assert capture.bytes_read == len(octets) + os.path.getsize(early)


STDIN_SCRIPT = """
from sensor.capture.files.capture import FileCapture
capture = FileCapture(["-"], thread=%s, window_bytes=4096)
count = sum(frames.count for frames in capture)
print(count, capture.inputs[0].path, capture.inputs[0].error)
"""


@pytest.mark.parametrize("thread", [False, True])
def test_standard_input(tmp_path: Path, thread: bool) -> None:
    octets = pcap_header() + record(b"a" * 50) * 1000
    command = [sys.executable, "-c", STDIN_SCRIPT % thread]
    path = write(tmp_path / "f", octets)
    piped = subprocess.run(command, input=octets[:-1], capture_output=True, check=True)
    assert piped.stderr == b""
    offset = 24 + 999 * 66
    assert piped.stdout.decode() == (
        f"999 - -: at octet {offset}: record cut short: 50 octets promised, 49 present\n"
    )
    with open(path, "rb") as file:
        redirected = subprocess.run(command, stdin=file, capture_output=True, check=True)
    assert redirected.stdout == b"1000 - None\n"


def test_a_file_that_shrinks_is_a_short_read(tmp_path: Path) -> None:
    path = write(tmp_path / "f", pcap_header(), record(b"x" * 100) * 1000)
    capture = FileCapture([path], thread=False, window_bytes=4096)
    batches = iter(capture)
    first = next(batches).count
    os.truncate(path, 24 + 5000)
    rest = sum(frames.count for frames in batches)
    assert first > 0 and first + rest < 50
    error = capture.inputs[0].error
    assert error is not None and "cut short" in error


def test_close_in_the_middle(tmp_path: Path) -> None:
    path = write(tmp_path / "f", pcap_header(), record(b"x" * 100) * 5000)
    other = write(tmp_path / "g", pcap_header(), record(b"y", 9))
    capture = FileCapture([path, other], window_bytes=4096)
    batches = iter(capture)
    frames = next(batches)
    capture.close()
    capture.close()
    assert {row[1] for row in told(frames)} == {b"x" * 100}
    assert list(batches) == []
    assert 0 < capture.bytes_read < capture.bytes_total
