"""The frames that a filter leaves out: by time exactly, by a filter as tcpdump does."""

from __future__ import annotations

import random
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor.capture.bpf import Instruction
from sensor.capture.files import frame_filter
from sensor.capture.files.capture import FileCapture
from sensor.capture.files.frame_filter import KNOWN, FrameFilter, Program
from sensor.capture.files.selection import FileSelection, frame_filter_of
from sensor.model.frames import FrameBatch
from tests.examples import examples
from tests.interpreted import load
from tests.running import CAPTURES
from tests.unit.capture.bpf_machine import Machine, result
from tests.unit.capture.files.build import interface, pcap_header, record, section, simple, write

SECOND = 10**9
PLAIN = load(("model.frames", "capture.files.frame_filter"))


def batch(frames_octets: Sequence[bytes], make: Any = FrameBatch) -> Any:
    frames = make(max(len(frames_octets), 1))
    frames.attach(b"".join(frames_octets) or b"\0")
    at = 0
    for place, octets in enumerate(frames_octets):
        row = frames.records[place]
        row["time_ns"], row["offset"], row["link"] = place * SECOND, at, 1
        row["captured"], row["wire"] = len(octets), len(octets) + 7
        at += len(octets)
    frames.count = len(frames_octets)
    return frames


def kept_numbers(capture: FileCapture) -> list[int]:
    return [int(frames.numbers[at]) for frames in capture for at in range(frames.count)]


def test_from_is_inside_and_to_is_outside(tmp_path: Path) -> None:
    path = write(tmp_path / "f", pcap_header(), *(record(b"x%d" % n, n, 5) for n in range(100)))
    inside = 20 * SECOND + 5000
    for from_ns, to_ns, expected in (
        (inside, 30 * SECOND + 5000, range(21, 31)),
        (inside + 1, 30 * SECOND + 5001, range(22, 32)),
        (None, inside, range(1, 21)), (inside, None, range(21, 101)),
    ):  # fmt: skip
        wanted = frame_filter_of(FileSelection(from_ns, to_ns, None))
        capture = FileCapture([path], frame_filter=wanted, window_bytes=300)
        numbers, outside, watermarks = [], 0, [0]
        for frames in capture:
            times = frames.records["time_ns"][: frames.count]
            numbers += [int(frames.numbers[at]) for at in range(frames.count)]
            outside += frames.outside_window
            watermarks.append(frames.watermark_ns)
            assert frames.watermark_ns == max(watermarks[-2], *times.tolist(), 0)
        assert numbers == list(expected) and outside == 100 - len(expected)


def test_files_that_begin_too_late_are_not_read(tmp_path: Path) -> None:
    early = write(tmp_path / "early", pcap_header(), record(b"a", 1), record(b"b", 9))
    late = write(tmp_path / "late", pcap_header(), record(b"c", 5), b"damaged behind its start")
    wanted = frame_filter_of(FileSelection(None, 5 * SECOND, None))
    capture = FileCapture([early, late], frame_filter=wanted)
    assert kept_numbers(capture) == [1]
    assert [entry.error for entry in capture.inputs] == [None, None]
    assert capture.bytes_read == capture.bytes_total


# --- filters

FILTERS = [
    "tcp port 23", "not tcp", "ip6", "udp or icmp", "host 192.0.2.1 or net 10.0.0.0/8",
    "tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn", "vlan and tcp", "len > 200", "less 60",
    "portrange 20-1024", "ip[8] < 64", "arp", "greater 100 and not port 23", "src net 192.168",
    "ip proto \\tcp and (ip[0] & 0xf) * 4 == 20", "tcp[2:2] % 7 = 2 or udp[4:2] / 3 > 20",
]  # fmt: skip


@pytest.mark.needs("tcpdump", "libpcap")
@pytest.mark.parametrize("name", sorted(path.name for path in CAPTURES.glob("*.pcap*")))
def test_a_filter_keeps_what_tcpdump_shows(name: str, tmp_path: Path) -> None:
    path = CAPTURES / name
    for text in FILTERS:
        shown = subprocess.run(["tcpdump", "-nr", path, "-w", "-", text], capture_output=True,
                               check=False)  # fmt: skip
        capture = FileCapture([path], frame_filter=frame_filter_of(FileSelection(None, None, text)))
        kept = [bytes(frames.data[int(row["offset"]) : int(row["offset"] + row["captured"])])
                for frames in capture for row in frames.records[: frames.count]]  # fmt: skip
        if b"unsupported" in shown.stderr or b"can't parse" in shown.stderr:
            continue
        assert kept == octets_of(shown.stdout), text


def octets_of(pcap: bytes) -> list[bytes]:
    found, at = [], 24
    while at < len(pcap):
        (captured,) = struct.unpack_from("<I", pcap, at + 8)
        found.append(pcap[at + 16 : at + 16 + captured])
        at += 16 + captured
    return found


@pytest.mark.needs("libpcap")
def test_a_filter_for_several_link_types(tmp_path: Path) -> None:
    packet = bytes.fromhex("4500 0028 0001 0000 4006 0000 c0000201 c0000202"
                           "9c40 0017 00000001 00000000 5002 0400 0000 0000")  # fmt: skip
    other = packet.replace(b"\x00\x17", b"\x00\x50")
    ethernet = bytes(12) + b"\x08\x00"
    blocks = [simple(ethernet + packet), simple(ethernet + other)]
    first = section() + interface(1) + b"".join(blocks)
    second = section() + interface(101) + simple(packet) + simple(other) + simple(packet)
    path = write(tmp_path / "f", first, second, first)
    wanted = frame_filter_of(FileSelection(None, None, "tcp port 23"))
    capture = FileCapture([path], frame_filter=wanted)
    assert kept_numbers(capture) == [1, 3, 5, 6]


@pytest.mark.needs("libpcap")
def test_a_file_that_the_filter_is_not_for(tmp_path: Path) -> None:
    raw = write(tmp_path / "raw", pcap_header(link=101), record(bytes(40), 5))
    ethernet = write(tmp_path / "e", pcap_header(), record(b"\x02" * 6 + bytes(40), 9))
    asked = FileSelection(None, None, "ether dst 2:2:2:2:2:2")
    capture = FileCapture([raw, ethernet], frame_filter=frame_filter_of(asked))
    assert kept_numbers(capture) == [1]
    assert str(capture.inputs[0].error).startswith(f"{raw}: --bpf ether dst")
    assert capture.inputs[1].error is None


# --- the machine

CODES = sorted(code for code in KNOWN if code & 7 not in (5, 6))


@st.composite
def programs(draw: st.DrawFn) -> list[Instruction]:
    """Sound programs: any instruction, jumps forward only."""
    count = draw(st.integers(1, 25))
    program: list[Instruction] = []
    for at in range(count):
        left = count - at - 1
        if draw(st.integers(0, 4)) == 0:
            code = draw(st.sampled_from([0x05, 0x15, 0x1D, 0x25, 0x2D, 0x35, 0x3D, 0x45, 0x4D]))
            jumps = draw(st.integers(0, left)), draw(st.integers(0, left))
            operand = draw(st.integers(0, left)) if code == 5 else draw(operands)
            program.append((code, *jumps, operand))
            continue
        code = draw(st.sampled_from(CODES))
        operand = draw(st.integers(0, 15) if code in (2, 3, 0x60, 0x61) else operands)
        if code & 7 == 4 and code & 0xF0 in (0x30, 0x80, 0x90):
            code = 0x04  # division, negation: by hand below
        if code & 7 == 0 and code & 0xE0 in (0x20, 0x40):
            operand %= 40
        program.append((code, 0, 0, operand))
    program.append(draw(st.sampled_from([(0x16, 0, 0, 0), (0x06, 0, 0, 1)])))
    return program


operands = st.one_of(st.integers(0, 40), st.integers(0, 0xFFFF_FFFF))


class UserMachine(Machine):
    """One without the kernel's loads from negative offsets."""

    def load(self, code: int, k: int) -> int | None:
        if code & 0xE0 in (0x20, 0x40, 0xA0):
            offset = k + (self.x if code & 0xE0 == 0x40 else 0)
            if offset > len(self.frame):
                return None
        return super().load(code, k)


@examples(400)
@given(programs(), st.binary(max_size=40))
def test_the_machine_does_what_another_one_does(
    program: list[Instruction], octets: bytes
) -> None:
    shifts = [at for at, (code, *_, operand) in enumerate(program)
              if code & 7 == 4 and code & 0xF0 in (0x60, 0x70)]  # fmt: skip
    for at in shifts:  # shifts by more than 31 are not the kernel's: by hand below
        program[at] = (program[at][0] & 0xF7, 0, 0, program[at][3] & 31)
    machine = UserMachine(octets, {})
    wire = len(octets) + 7
    expected = result([(0x00, jt, jf, wire) if code == 0x80 else (0x01, jt, jf, wire)
                       if code == 0x81 else (code, jt, jf, k)
                       for code, jt, jf, k in program], machine) != 0  # fmt: skip
    frames = batch([octets])
    assert Program(program).keeps(frames, 0) == expected
    plain = batch([octets], PLAIN["model.frames"].FrameBatch)
    assert PLAIN["capture.files.frame_filter"].Program(program).keeps(plain, 0) == expected


@pytest.mark.parametrize(("code", "a", "operand", "expected"), [
    (0x34, 100, 7, 14), (0x94, 100, 7, 2), (0x84, 1, 0, 0xFFFF_FFFF), (0x64, 1, 32, 0),
    (0x74, 0xFFFF_FFFF, 32, 0), (0x64, 3, 31, 0x8000_0000), (0x14, 0, 1, 0xFFFF_FFFF),
    (0x24, 0x1_0001, 0x1_0001, 0x2_0001), (0xA4, 6, 3, 5),
])  # fmt: skip
def test_arithmetic(code: int, a: int, operand: int, expected: int) -> None:
    for module, frames in each_way([b"x"]):
        program = [(0x00, 0, 0, a), (code, 0, 0, operand), (0x15, 0, 1, expected), (0x06, 0, 0, 1),
                   (0x06, 0, 0, 0)]  # fmt: skip
        assert module.Program(program).keeps(frames, 0)
        from_x = [(0x01, 0, 0, operand), (0x00, 0, 0, a), (code | 8, 0, 0, 0), *program[2:]]
        assert module.Program(from_x).keeps(frames, 0)


def each_way(frames_octets: list[bytes]) -> list[tuple[ModuleType, Any]]:
    """Both modules, each with a batch of its own kind."""
    return [(frame_filter, batch(frames_octets)),
            (PLAIN["capture.files.frame_filter"],
             batch(frames_octets, PLAIN["model.frames"].FrameBatch))]  # fmt: skip


def test_a_division_by_zero_rejects() -> None:
    for module, frames in each_way([b"x"]):
        program = [(0x01, 0, 0, 0), (0x3C, 0, 0, 0), (0x06, 0, 0, 1)]
        assert not module.Program(program).keeps(frames, 0)


@pytest.mark.parametrize(("program", "reason"), [
    ([], "does not end"), ([(0x00, 0, 0, 0)], "does not end"),
    ([(0xFF, 0, 0, 0), (6, 0, 0, 0)], "unknown instruction 0xff"),
    ([(0x05, 0, 0, 0xFFFF_FFFE), (6, 0, 0, 0)], "a jump"),
    ([(0x15, 0, 1, 0), (6, 0, 0, 0)], "a jump"), ([(0x02, 0, 0, 16), (6, 0, 0, 0)], "memory"),
    ([(0x60, 0, 0, 16), (6, 0, 0, 0)], "memory"), ([(0x34, 0, 0, 0), (6, 0, 0, 0)], "division"),
    ([(0x20, 0, 0, 0xFFFF_F004), (6, 0, 0, 0)], "only the kernel"),
])  # fmt: skip
def test_programs_that_are_not_sound(program: list[Instruction], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Program(program)


def test_a_load_beyond_what_was_captured_rejects() -> None:
    chosen = random.Random(3)
    octets = chosen.randbytes(30)
    for module, frames in each_way([octets[:13], octets]):
        for code, size in ((0x20, 4), (0x28, 2), (0x30, 1), (0xB1, 1)):
            for offset in (*range(40), 0x7FFF_FFFF):
                program = [(code, 0, 0, offset), (6, 0, 0, 1)]
                keeps = module.Program(program).keeps
                assert keeps(frames, 0) == (offset + size <= 13)
                assert keeps(frames, 1) == (offset + size <= 30)
                if code != 0xB1:
                    far = [(0x01, 0, 0, 0xFFFF_FFFF), (code + 0x20, 0, 0, offset), (6, 0, 0, 1)]
                    assert not module.Program(far).keeps(frames, 1)


def test_what_is_kept_moves_up_whole() -> None:
    def odd(_: int) -> list[Instruction]:
        return [(0x30, 0, 0, 0), (0x54, 0, 0, 1), (0x16, 0, 0, 0)]

    for module, frames in each_way([bytes([n]) * (n + 1) for n in range(50)]):
        frames.first_number = 1000
        module.FrameFilter(10 * SECOND, 40 * SECOND, odd).apply(frames, 3)
        assert frames.count == frames.filtered == 15 and frames.outside_window == 20
        assert frames.watermark_ns == 39 * SECOND
        for place, n in enumerate(range(11, 40, 2)):
            row = frames.records[place]
            octets = bytes(frames.data[row["offset"] : row["offset"] + row["captured"]])
            assert octets == bytes([n]) * (n + 1) and row["time_ns"] == n * SECOND
            assert frames.numbers[place] == 1000 + n


def test_a_sieve_knows_its_span() -> None:
    assert (FrameFilter(3, 4).from_ns, FrameFilter(3, 4).to_ns) == (3, 4)
