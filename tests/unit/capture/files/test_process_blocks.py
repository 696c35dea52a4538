"""What ptcpdump and Apple's tcpdump tell of processes, written octet by octet and read back."""

from __future__ import annotations

import hashlib
import struct
import tracemalloc
from pathlib import Path

import pytest

from sensor.capture.files.capture import FileCapture
from sensor.capture.files.discover import discover
from sensor.capture.files.process_blocks import ProcessNotes
from sensor.model.processes import ARGS_MAX, TEXT_MAX, Process, Processes
from tests.unit.capture.files.build import (
    block,
    interface,
    option,
    pcap_header,
    record,
    section,
    write,
)

FRAME = bytes(60)
COMMENT, ENTRY, EFFECTIVE, FLAGS = 1, 0x8001, 0x8003, 2
CURL = b"PID: 77\nCmd: /usr/bin/curl\nArgs: curl -s http://a b\nParentPID: 5\n" \
    b"ParentCmd: /bin/sh\nUserId: 1000\nGroupId: 100\nContainerId: c1\nContainerName: box\n" \
    b"ContainerImage: img\nPodName: pod-0\nPodNamespace: ops\nPodUID: u-1"  # fmt: skip


def enhanced(options: bytes, order: str = "<", ticks: int = 5) -> bytes:
    head = struct.pack(order + "IIIII", 0, 0, ticks, len(FRAME), len(FRAME))
    return block(6, head + FRAME + options, order)


def entry(pid: int, name: bytes, order: str = "<") -> bytes:
    return block(0x80000001, struct.pack(order + "I", pid) + option(2, name, order)
                 + option(4, bytes(range(16)), order) + option(0, b"", order), order)  # fmt: skip


def read(path: Path, *parts: bytes) -> tuple[list[int], Processes]:
    """The process index of each frame, and the processes."""
    capture = FileCapture([write(path, *parts)], thread=False, window_bytes=1 << 16)
    indices: list[int] = []
    for frames in capture:
        indices += frames.records["process"][: frames.count].tolist()
    assert capture.inputs[0].error is None
    return indices, capture.processes


@pytest.mark.parametrize("order", "<>")
def test_a_comment_of_ptcpdump_tells_the_process(tmp_path: Path, order: str) -> None:
    told = option(FLAGS, bytes(4), order) + option(COMMENT, CURL, order) + option(0, b"", order)
    indices, processes = read(
        tmp_path / "a.pcapng", section(order), interface(order=order),
        enhanced(b"", order), enhanced(told, order), enhanced(told, order, 9), enhanced(b"", order),
    )  # fmt: skip
    assert indices == [0, 1, 1, 0]
    found = processes[1]
    assert (found.pid, found.name, found.executable) == (77, "curl", "/usr/bin/curl")
    assert found.command_line == "curl -s http://a b"
    assert (found.parent_pid, found.parent_name) == (5, "sh")
    assert (found.user_id, found.group_id) == ("1000", "100")
    assert (found.container_id, found.container_name, found.container_image) == ("c1", "box", "img")
    assert (found.pod_name, found.pod_namespace, found.pod_uid) == ("pod-0", "ops", "u-1")
    assert (found.machine.os_type, found.source) == ("linux", "ptcpdump")
    # pid 77 and 5 us, the time of the first packet that told, as little-endian 64-bit numbers.
    octets = (77).to_bytes(8, "little") + (5000).to_bytes(8, "little")
    assert found.entity_id == hashlib.sha256(octets).hexdigest()


@pytest.mark.parametrize("padding", range(0, 120, 12))
def test_an_entry_that_goes_on_behind_the_window_keeps_its_place(
    padding: int, tmp_path: Path
) -> None:
    frames = [enhanced(b"")] * ((1 << 16) // len(enhanced(b"")) - 1)
    refers = [enhanced(option(ENTRY, struct.pack("<I", number)) + option(0, b""))
              for number in (0, 1)]
    indices, processes = read(
        tmp_path / "a.pcapng", section(), interface(), *frames, block(0xBAD, bytes(padding)),
        entry(50, b"Safari"), entry(60, b"telnet"), *refers,
    )  # fmt: skip
    assert [processes[index].name for index in indices[-2:]] == ["Safari", "telnet"]


def test_large_comments_are_cut_and_not_kept(tmp_path: Path) -> None:
    large = b"ab " * 20_000
    told = [option(COMMENT, b"PID: %d\nArgs: " % pid + large) for pid in (7, 8)]
    told.append(option(COMMENT, b"a remark " + large))
    told = [each + option(0, b"") for each in told]
    indices, processes = read(
        tmp_path / "a.pcapng", section(), interface(), *map(enhanced, told),
        entry(9, b"x" * 60_000), enhanced(option(ENTRY, bytes(4)) + option(0, b"")),
    )  # fmt: skip
    assert indices == [1, 2, 0, 3]
    assert [processes[index].pid for index in (1, 2, 3)] == [7, 8, 9]
    assert len(processes[1].args) == ARGS_MAX and len(processes[1].command_line) == TEXT_MAX
    assert len(processes[3].name) == TEXT_MAX
    notes = ProcessNotes(Processes())
    tracemalloc.start()
    for number in range(100):
        notes.index(option(COMMENT, b"a remark %d " % number + large), False, 1)
    kept_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept_bytes < 10 * len(large)


@pytest.mark.parametrize("order", "<>")
def test_apples_tcpdump_tells_processes_by_number_in_the_section(
    tmp_path: Path, order: str
) -> None:
    def refers(process: int, effective: int | None = None) -> bytes:
        told = option(ENTRY, struct.pack(order + "I", process), order)
        if effective is not None:
            told += option(EFFECTIVE, struct.pack(order + "I", effective), order)
        return enhanced(told + option(0, b"", order), order)

    indices, processes = read(
        tmp_path / "a.pcapng", section(order), interface(order=order), entry(50, b"Safari", order),
        entry(60, b"nsurlsessiond", order), refers(0), refers(1, 0), refers(1, 1), refers(2),
        section(order), interface(order=order), entry(70, b"telnet", order), refers(0), refers(1),
    )  # fmt: skip
    assert indices == [1, 2, 3, 0, 4, 0]
    names = [(processes[index].pid, processes[index].name, processes[index].effective_pid)
             for index in (1, 2, 3, 4)]
    assert names == [(50, "Safari", 0), (60, "nsurlsessiond", 50), (60, "nsurlsessiond", 0),
                     (70, "telnet", 0)]
    assert processes[1].machine.os_type == "macos"
    assert processes[1].program_uuid == bytes(range(16)).hex()


def test_remarks_of_people_and_forged_lines_are_not_believed(tmp_path: Path) -> None:
    remark = option(COMMENT, b"look at this: PID 4 is odd")
    forged = option(COMMENT, b"PID: 9\nCmd: /bin/evil\nArgs: evil\nPID: 1\nCmd: /sbin/init\n"
                    b"UserId: 0\nParentPID: 3\nUserId: 1000")  # fmt: skip
    indices, processes = read(
        tmp_path / "a.pcapng", section(), interface(), enhanced(remark), enhanced(forged))
    assert indices == [0, 1]
    found = processes[1]
    assert (found.pid, found.name, found.user_id) == (9, "evil", "1000")


@pytest.mark.parametrize("comment", [
    b"PID: ", b"PID: -5", b"PID: 99999999999", b"PID: x", b"PID: 4294967295",
    b"\xff\xfe: \xff", b"",
])  # fmt: skip
def test_what_is_no_process_number_tells_nothing(tmp_path: Path, comment: bytes) -> None:
    told = option(COMMENT, comment)
    assert read(tmp_path / "a.pcapng", section(), interface(), enhanced(told))[0] == [0]


def test_options_that_are_cut_short_are_passed_over(tmp_path: Path) -> None:
    whole = option(FLAGS, bytes(4)) + option(COMMENT, CURL)
    for length in range(4, len(whole), 4):
        indices, _ = read(
            tmp_path / "a.pcapng", section(), interface(), enhanced(whole[:length]),
            enhanced(option(ENTRY, b"\1\0")), enhanced(b"\1\0\xff\xff"))
        assert indices == [0, 0, 0]


def test_a_file_without_notes_does_not_inherit_those_before_it(tmp_path: Path) -> None:
    write(tmp_path / "a.pcapng", section(), interface(), enhanced(option(COMMENT, CURL)))
    write(tmp_path / "b.pcap", pcap_header(), record(FRAME, 9))
    capture = FileCapture([tmp_path / "a.pcapng", tmp_path / "b.pcap"], thread=False)
    assert [frames.records["process"][0] for frames in capture] == [1, 0]


def test_the_same_process_is_one_in_all_files(tmp_path: Path) -> None:
    for name, ticks in (("a", 5), ("b", 6)):
        write(tmp_path / f"{name}.pcapng", section(), interface(),
              enhanced(option(COMMENT, CURL), ticks=ticks))  # fmt: skip
    capture = FileCapture([tmp_path / "a.pcapng", tmp_path / "b.pcapng"], thread=False)
    assert [frames.records["process"][0] for frames in capture] == [1, 1]
    assert len(capture.processes) == 1


def test_a_full_table_counts_what_it_refuses() -> None:
    processes = Processes(places=3)
    assert [processes.index(Process(pid=pid)) for pid in (4, 5, 6, 4, 7)] == [1, 2, 0, 1, 0]
    assert (len(processes), processes.refused) == (2, 2)


def test_files_with_process_info_are_known_beforehand(tmp_path: Path) -> None:
    tells = write(tmp_path / "a.pcapng", section(), interface(), enhanced(option(COMMENT, CURL)))
    silent = write(tmp_path / "b.pcapng", section(), interface(), enhanced(b""))
    classic = write(tmp_path / "c.pcap", pcap_header(), record(FRAME))
    assert discover([classic, tells]).has_process_info
    assert not discover([silent, classic, "-"]).has_process_info
