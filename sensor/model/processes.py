"""Processes: who owns the sockets of flows, as far as a capture or the host itself shows.

A flow record holds an index into the run's `Processes`; 0 means that nothing is known, as on any
tap. What is known of a process stands here once; `ecs/process_fields.py` has the fields of
documents that come from it.

What a process calls itself, its arguments above all, comes from whoever started it: it is text to
be shown, cut to a length, and never obeyed.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace

from sensor.base.escape import utf8_text
from sensor.base.units import SECOND_NS

PROCESSES_MAX = 65_536
"""Places of a run's table, the first one for "not known": the index in a record has 16 bits."""
TEXT_MAX = 4096
"""Characters of one text that are kept; command lines may be longer."""
ARGS_MAX = 64


@dataclass(frozen=True, slots=True)
class Machine:
    """The host that a process runs on; empty where a capture does not name it."""

    id: str = ""
    hostname: str = ""
    os_type: str = ""


@dataclass(frozen=True, slots=True)
class Process:
    """What is known of one process; empty, 0 or negative where nothing is."""

    pid: int = 0
    name: str = ""
    executable: str = ""
    args: tuple[str, ...] = ()
    command_line: str = ""
    start_ns: int = -1
    entity_id: str = ""
    parent_pid: int = 0
    parent_name: str = ""
    parent_entity_id: str = ""
    user_id: str = ""
    user_name: str = ""
    group_id: str = ""
    container_id: str = ""
    container_name: str = ""
    container_image: str = ""
    pod_name: str = ""
    pod_namespace: str = ""
    pod_uid: str = ""
    program_uuid: str = ""
    effective_pid: int = 0
    effective_name: str = ""
    machine: Machine = Machine()
    source: str = ""
    """Where this is known from: ptcpdump, pktap, proc."""
    gaps: tuple[str, ...] = ()
    """What could not be known, or was inferred, in words."""


def entity_id(host_id: str, pid: int, start_ns: int) -> str:
    """The name of a process across documents, as Auditbeat makes it, so that the two join.

    It has the nanosecond part of the start time only.
    """
    digest = hashlib.sha256(host_id.encode("utf-8", "replace"))
    digest.update(struct.pack("<qq", pid, max(start_ns, 0) % SECOND_NS))
    return digest.hexdigest()


class Processes:
    """The processes of one run by index, each once; index 0 stands for none.

    One thread adds, others read. When the table is full, what is new is counted and stays unknown;
    with `recycle`, for runs without an end, it takes the place of the oldest.
    """

    def __init__(self, places: int = PROCESSES_MAX, *, recycle: bool = False) -> None:
        self._places = places
        self._recycle = recycle
        self._next = 1
        self._known: list[Process] = [Process()]
        self._indices: dict[Process, int] = {}
        self._recorded: dict[Process, int] = {}
        self.refused = 0
        """Processes that found no place."""

    def __len__(self) -> int:
        """How many there are."""
        return len(self._known) - 1

    def __getitem__(self, index: int) -> Process:
        return self._known[index]

    def index(self, process: Process) -> int:
        """The index of a process, a new one if it is not known; 0 if there is no place left."""
        known = self._indices.get(process)
        if known is not None:
            return known
        if len(self._known) < self._places:
            self._known.append(process)
            index = self._indices[process] = len(self._known) - 1
            return index
        if not self._recycle:
            self.refused += 1
            return 0
        index, self._next = self._next, self._next % (self._places - 1) + 1
        del self._indices[self._known[index]]
        self._known[index] = process
        self._indices[process] = index
        return index

    def index_of_recorded(self, process: Process, make_entity_id: Callable[[], str]) -> int:
        """The index of a process that a capture file tells of, again or for the first time.

        Then, and only then, it gets an entity id.
        """
        known = self._recorded.get(process)
        if known is None:
            known = self.index(replace(process, entity_id=make_entity_id()))
            if known:
                self._recorded[process] = known
        return known


def clean(text: str) -> str:
    """Text as documents may have it: cut, and octets that are no UTF-8 as U+FFFD."""
    return utf8_text(text[:TEXT_MAX])
