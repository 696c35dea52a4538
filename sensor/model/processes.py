"""Processes: who owns the sockets of flows, as far as a capture or the host itself tells.

A flow record holds an index into the run's `Processes`; 0 means that nothing is known, as on any
tap. What is known of a process stands here once. From one table, PROCESS_FIELDS, come the columns
that rules see, the objects in documents and the part of docs/fields.md about them.

What a process calls itself, its arguments above all, comes from whoever started it: it is text to
be shown, cut to a length, and never obeyed.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from sensor.base.frozen import frozen
from sensor.ecs.text import time_text
from sensor.model.columns import CodedColumn, Column, Scalar

if TYPE_CHECKING:
    from sensor.ecs.flow_batch import FlowBatch

PROCESSES_MAX = 65_536
"""Places of a run's table, the first one for "not known": the index in a record has 16 bits."""
TEXT_MAX = 4096
"""Characters of one text that are kept; command lines may be longer."""
ARGS_MAX = 64
BILLION = 1_000_000_000


@frozen
class Machine:
    """The host that a process runs on; empty where a capture does not tell."""

    id: str = ""
    hostname: str = ""
    os_type: str = ""


@frozen
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
    """Who told: ptcpdump, pktap, proc."""
    gaps: tuple[str, ...] = ()
    """What could not be known, or was inferred, in words."""


def entity_id(host_id: str, pid: int, start_ns: int) -> str:
    """The name of a process across documents, as Auditbeat makes it, so that the two join.

    It has the nanosecond part of the start time only.
    """
    digest = hashlib.sha256(host_id.encode("utf-8", "replace"))
    digest.update(struct.pack("<qq", pid, max(start_ns, 0) % BILLION))
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
        self._objects: dict[int, dict[str, Any]] = {}
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
        self._objects.pop(index, None)
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

    def objects(self, index: int) -> dict[str, Any]:
        """The top-level objects that a process adds to a document; not to be changed."""
        made = self._objects.get(index)
        if made is None:
            made = self._objects[index] = objects_of(self._known[index])
        return made


@frozen
class ProcessField:
    """A field of documents whose process is known."""

    name: str
    type: str
    meaning: str
    values: Callable[[Process], tuple[Scalar, ...]] = field(repr=False)
    array: bool = False


def clean(text: str) -> str:
    """Text as documents may have it: cut, and octets that are no UTF-8 as U+FFFD."""
    text = text[:TEXT_MAX]
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _text(member: str) -> Callable[[Process], tuple[Scalar, ...]]:
    def values(process: Process) -> tuple[Scalar, ...]:
        value = getattr(process, member)
        return (clean(value),) if value else ()

    return values


def _number(member: str) -> Callable[[Process], tuple[Scalar, ...]]:
    return lambda process: (getattr(process, member),) if getattr(process, member) > 0 else ()


def _machine(member: str) -> Callable[[Process], tuple[Scalar, ...]]:
    def values(process: Process) -> tuple[Scalar, ...]:
        value = getattr(process.machine, member)
        return (clean(value),) if value else ()

    return values


def _in_pod(text: str) -> Callable[[Process], tuple[Scalar, ...]]:
    return lambda process: (text,) if process.pod_name else ()


def _args(process: Process) -> tuple[Scalar, ...]:
    return tuple(clean(text) for text in process.args[:ARGS_MAX])


def _start(process: Process) -> tuple[Scalar, ...]:
    return (time_text(process.start_ns),) if process.start_ns >= 0 else ()


PROCESS_FIELDS = (
    ProcessField("process.pid", "long", "", _number("pid")),
    ProcessField("process.name", "keyword", "", _text("name")),
    ProcessField("process.executable", "keyword", "its path", _text("executable")),
    ProcessField("process.args", "keyword", f"at most {ARGS_MAX}; ptcpdump joins them by blanks, "
                 "so that one with a blank in it looks like two", _args, array=True),
    ProcessField("process.command_line", "wildcard", "", _text("command_line")),
    ProcessField("process.start", "date", "absent where only packets tell of it", _start),
    ProcessField("process.entity_id", "keyword", "hex SHA-256 of host id, pid and the nanosecond "
                 "part of the start time, as Auditbeat has it; from a capture file, of the time "
                 "it is first seen", _text("entity_id")),
    ProcessField("process.parent.pid", "long", "", _number("parent_pid")),
    ProcessField("process.parent.name", "keyword", "", _text("parent_name")),
    ProcessField("process.parent.entity_id", "keyword", "", _text("parent_entity_id")),
    ProcessField("user.id", "keyword", "", _text("user_id")),
    ProcessField("user.name", "keyword", "by the accounts of the host itself", _text("user_name")),
    ProcessField("user.group.id", "keyword", "", _text("group_id")),
    ProcessField("container.id", "keyword", "", _text("container_id")),
    ProcessField("container.name", "keyword", "", _text("container_name")),
    ProcessField("container.image.name", "keyword", "", _text("container_image")),
    ProcessField("orchestrator.type", "keyword", "`kubernetes`", _in_pod("kubernetes")),
    ProcessField("orchestrator.namespace", "keyword", "", _text("pod_namespace")),
    ProcessField("orchestrator.resource.type", "keyword", "`pod`", _in_pod("pod")),
    ProcessField("orchestrator.resource.name", "keyword", "", _text("pod_name")),
    ProcessField("orchestrator.resource.id", "keyword", "", _text("pod_uid")),
    ProcessField("host.id", "keyword", "", _machine("id")),
    ProcessField("host.hostname", "keyword", "", _machine("hostname")),
    ProcessField("host.os.type", "keyword", "`linux` or `macos`", _machine("os_type")),
    ProcessField("sensor.process.source", "keyword", "who told: `proc` the host itself, "
                 "`ptcpdump` or `pktap` a capture file", _text("source")),
    ProcessField("sensor.process.gaps", "keyword", "what could not be known or was inferred",
                 lambda process: process.gaps, array=True),
    ProcessField("sensor.process.program_uuid", "keyword", "of the program, in hexadecimal digits "
                 "(macOS)", _text("program_uuid")),
    ProcessField("sensor.process.effective.pid", "long", "on whose behalf it acts (macOS)",
                 _number("effective_pid")),
    ProcessField("sensor.process.effective.name", "keyword", "", _text("effective_name")),
)
"""Of flow documents whose process is known, and of process events."""

PROCESS_FIELD_BY_NAME = {member.name: member for member in PROCESS_FIELDS}

EVENT_FIELDS = {"event.category": "keyword", "event.provider": "keyword",
                "event.reason": "keyword", "process.exit_code": "long"}  # fmt: skip
"""Fields of process events that flow documents do not have, with their types."""

KNOWN_FIELDS = {member.name: member.type for member in PROCESS_FIELDS} | EVENT_FIELDS


def objects_of(process: Process) -> dict[str, Any]:
    """The objects that tell of a process, as nested JSON has them."""
    found: dict[str, Any] = {}
    for member in PROCESS_FIELDS:
        values = member.values(process)
        if values:
            *path, last = member.name.split(".")
            target = found
            for part in path:
                target = target.setdefault(part, {})
            target[last] = list(values) if member.array else values[0]
    return found


def column_of(batch: FlowBatch, name: str) -> Column | None:
    """The column of a field of PROCESS_FIELDS; None where the batch has no process at all."""
    processes = batch.context.processes
    if processes is None or not len(processes):
        return None
    member = PROCESS_FIELD_BY_NAME[name]
    distinct, codes = np.unique(batch.records["process"], return_inverse=True)
    table = tuple(
        member.values(processes[index]) if index else () for index in distinct.tolist()
    )
    return CodedColumn(codes, table, member.type)


def tell_in_lines(lines: bytes, indices: list[int], processes: Processes | None) -> bytes:
    """Documents, one a line, with the objects of their processes put in.

    A line is what ecs/writer.py writes: its only key `"sensor"` is that of the top level, for
    inside a text the quotes would be escaped.
    """
    assert processes is not None
    told = []
    for line, index in zip(lines.splitlines(keepends=True), indices, strict=True):
        if index:
            objects = processes.objects(index)
            own = orjson.dumps(objects.get("sensor", {}))[1:-1]
            rest = {key: value for key, value in objects.items() if key != "sensor"}
            if own:
                line = line.replace(b'"sensor":{', b'"sensor":{' + own + b",", 1)  # noqa: PLW2901
            line = line[:-2] + b"," + orjson.dumps(rest)[1:] + b"\n"  # noqa: PLW2901
        told.append(line)
    return b"".join(told)
