"""ProcessNotes: what the packets of a pcapng file tell of the processes that they belong to.

Two recorders tell. ptcpdump writes a comment of lines `KEY: value` behind each packet; Apple's
tcpdump writes a table of processes, block by block, and behind each packet the number of an entry.
Most packets repeat what an earlier one said, so the comment as a whole leads to the process.
What is kept of a comment is cut as documents cut it, and it is remembered by a digest: a file of
large comments must not fill the memory.

A process chooses its own arguments, and they may hold line ends and what looks like another key.
PID and Cmd stand before the arguments: there the first one counts. The rest stands behind them:
there the last one counts. A forged key that the recorder did not write itself remains possible.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import replace
from typing import Any

from sensor.model.processes import ARGS_MAX, TEXT_MAX, Machine, Process, Processes, entity_id

COMMENT, PROCESS_ENTRY, EFFECTIVE_ENTRY = 1, 0x8001, 0x8003
"""Options of a packet."""
OPTION_END, ENTRY_NAME, ENTRY_UUID = 0, 2, 4
NOTES_MAX = 65_536
"""Comments that are remembered; beyond them they are parsed anew."""
ENTRIES_MAX = 65_536
"""Entries of one section's table; what refers to further ones is not told."""
PID_MAX = 2**31 - 1
UNTIMED = "start time"

_TEXTS = {
    "UserId": "user_id", "GroupId": "group_id", "ParentCmd": "parent_name",
    "ParentCommand": "parent_name", "ContainerId": "container_id",
    "ContainerName": "container_name", "ContainerImage": "container_image",
    "PodName": "pod_name", "PodNamespace": "pod_namespace", "PodUID": "pod_uid",
}  # fmt: skip
"""Keys of ptcpdump that become text, and where."""


class ProcessNotes:
    """Turns the options of packets of one file into indices of the run's processes.

    One and the same process is one entry, in whatever file or section it is met again: its name is
    made from its number and the time of the first packet that told of it.
    """

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._entries: list[Process] = []
        self._known: dict[bytes | tuple[int, int], int] = {}

    def new_section(self) -> None:
        """Another section of the file: it has a table of its own."""
        self._entries = []
        self._known = {}

    def entry(self, body: bytes, big: bool) -> None:
        """A process information block; in its place in the table even if it says nothing."""
        if len(self._entries) < ENTRIES_MAX:
            self._entries.append(_entry(body, big))

    def index(self, options: bytes, big: bool, time_ns: int) -> int:
        """The process that a packet's options tell of; 0 if of none."""
        comments: list[bytes] = []
        entry = effective = -1
        for code, value in _options(options, big):
            if code == COMMENT:
                comments.append(value)
            elif code == PROCESS_ENTRY and len(value) == 4:
                entry = int.from_bytes(value, "big" if big else "little")
            elif code == EFFECTIVE_ENTRY and len(value) == 4:
                effective = int.from_bytes(value, "big" if big else "little")
        key = (entry, effective) if entry >= 0 else _digest(comments)
        known = self._known.get(key)
        if known is None:
            process = self._entry(entry, effective) if entry >= 0 else _commented(comments)
            known = self._named(process, time_ns) if process is not None else 0
            if len(self._known) >= NOTES_MAX:
                self._known.clear()
            if known or entry < 0:  # the entry may still come
                self._known[key] = known
        return known

    def _entry(self, number: int, effective: int) -> Process | None:
        """The entry of the section's table, and on whose behalf it acts if that is another."""
        if number >= len(self._entries) or not self._entries[number].pid:
            return None
        process = self._entries[number]
        if effective in (-1, number) or effective >= len(self._entries):
            return process
        other = self._entries[effective]
        return replace(process, effective_pid=other.pid, effective_name=other.name)

    def _named(self, process: Process, time_ns: int) -> int:
        """Its index, with an entity id from now on if it is new."""
        return self._processes.index_of_recorded(
            process, lambda: entity_id("", process.pid, time_ns))


def _options(octets: bytes, big: bool) -> list[tuple[int, bytes]]:
    """Code and value of each option, up to the end mark or one that is cut short."""
    found = []
    order, at = ">HH" if big else "<HH", 0
    while at + 4 <= len(octets):
        code, length = struct.unpack_from(order, octets, at)
        if code == OPTION_END or at + 4 + length > len(octets):
            break
        found.append((code, octets[at + 4 : at + 4 + length]))
        at += 4 + (length + 3 & ~3)
    return found


def _entry(body: bytes, big: bool) -> Process:
    """A process information block of Apple's: number, name, UUID of the program."""
    if len(body) < 4:
        return Process()
    pid = int.from_bytes(body[:4], "big" if big else "little")
    name = uuid = ""
    for code, value in _options(body[4:], big):
        if code == ENTRY_NAME:
            name = value.split(b"\0")[0].decode("utf-8", "replace")[:TEXT_MAX]
        elif code == ENTRY_UUID and len(value) == 16:
            uuid = value.hex()
    if not 0 < pid <= PID_MAX:
        return Process()
    return Process(pid=pid, name=name, program_uuid=uuid, machine=Machine(os_type="macos"),
                   source="pktap", gaps=(UNTIMED,))  # fmt: skip


def _digest(comments: list[bytes]) -> bytes:
    """A short name for comments: what is remembered must not grow with them."""
    digest = hashlib.blake2b(digest_size=16)
    for comment in comments:
        digest.update(len(comment).to_bytes(4, "little") + comment)
    return digest.digest()


def _commented(comments: list[bytes]) -> Process | None:
    """The process of ptcpdump's comments; None if they are somebody's remarks."""
    first: dict[str, str] = {}
    last: dict[str, str] = {}
    for comment in comments:
        for line in comment.decode("utf-8", "replace").split("\n"):
            key, colon, value = line.partition(":")
            if colon and value.strip():
                text = value.strip()[:TEXT_MAX]
                first.setdefault(key.strip(), text)
                last[key.strip()] = text
    pid = _pid(first.get("PID", ""))
    if not pid:
        return None
    path = first.get("Cmd", first.get("Command", ""))
    line = first.get("Args", "")
    texts = {member: last[key] for key, member in _TEXTS.items() if key in last}
    texts["parent_name"] = _base(texts.get("parent_name", ""))
    process = Process(
        pid=pid, name=_base(path), executable=path if path.startswith("/") else "",
        args=tuple(line.split(" ", ARGS_MAX)[:ARGS_MAX]) if line else (), command_line=line,
        parent_pid=_pid(last.get("ParentPID", "")), machine=Machine(os_type="linux"),
        source="ptcpdump", gaps=(UNTIMED,),
    )  # fmt: skip
    more: dict[str, Any] = texts
    return replace(process, **more)


def _base(path: str) -> str:
    """The last part of a path, as processes are named."""
    return path.rstrip("/").rpartition("/")[2]


def _pid(text: str) -> int:
    """A process's number; 0 for what is none."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else 0
    return number if number <= PID_MAX else 0
