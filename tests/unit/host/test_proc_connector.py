"""The kernel's news of processes: as octets everywhere, for real where the kernel gives them."""

from __future__ import annotations

import os
import select
import struct
import subprocess

import pytest

from sensor.host.proc_connector import EXEC, EXIT, KernelEvent, ProcConnector, parse


def octets(what: int, *data: int, clock_ns: int = 1000) -> bytes:
    """As linux/cn_proc.h has it: netlink header, connector header, what, cpu, time, data."""
    event = struct.pack("=IIQ", what, 0, clock_ns) + struct.pack(f"={len(data)}I", *data) + bytes(8)
    return bytes(16) + bytes(20) + event


def test_programs_that_start_and_processes_that_end() -> None:
    assert parse(octets(EXEC, 42, 42), 7) == KernelEvent(EXEC, 42, 1007)
    assert parse(octets(EXIT, 42, 42, 0x0100, 17), 0) == KernelEvent(EXIT, 42, 1000, 0x0100)


@pytest.mark.parametrize("message", [
    b"", bytes(59), octets(1, 3, 3, 4, 4), octets(0), octets(EXIT, 43, 42, 0), octets(EXEC, 0, 0),
    octets(EXEC, 1 << 31, 1 << 31),
])  # fmt: skip
def test_the_rest_is_passed_over(message: bytes) -> None:
    assert parse(message, 0) is None


def test_the_kernel_tells_of_a_program_we_start() -> None:
    try:
        connector = ProcConnector()
    except OSError as error:
        pytest.skip(f"the kernel's process events were NOT tested here: {error.strerror}")
    child = subprocess.Popen(["true"])
    child.wait()
    found: list[KernelEvent] = []
    while not any(event.what == EXIT and event.pid == child.pid for event in found):
        ready, _, _ = select.select([connector], [], [], 30)
        assert ready, "no news of a process that has ended"
        found += connector.read(100)[0]
    mine = [event for event in found if event.pid == child.pid]
    connector.close()
    assert [event.what for event in mine] == [EXEC, EXIT] and mine[1].status == 0
    assert mine[0].time_ns <= mine[1].time_ns
    assert os.getpid() not in {event.pid for event in mine}
