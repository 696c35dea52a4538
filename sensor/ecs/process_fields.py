"""The fields of documents whose process is known: of flows, and of process events."""

from __future__ import annotations

from operator import attrgetter

from sensor.ecs.field import Constant, Entry, Field, Values
from sensor.ecs.text import time_text
from sensor.model.processes import ARGS_MAX, Process, clean


def _text(member: str) -> Entry:
    """A text of the process, or of its `machine.` behind a dot; absent if it is empty."""
    def values(process: Process) -> Values:
        value = attrgetter(member)(process)
        return (clean(value),) if value else ()

    return Entry(values)


def _number(member: str) -> Entry:
    return Entry(
        lambda process: (getattr(process, member),) if getattr(process, member) > 0 else ())


def _in_pod(text: str) -> Entry:
    return Entry(lambda process: (text,) if process.pod_name else ())


PROCESS_FIELDS = (
    Field("process.pid", "long", "", _number("pid")),
    Field("process.name", "keyword", "", _text("name")),
    Field("process.executable", "keyword", "its path", _text("executable")),
    Field("process.args", "keyword", f"at most {ARGS_MAX}; ptcpdump joins them by blanks, "
                 "so that one with a blank in it looks like two",
                 Entry(lambda process: tuple(map(clean, process.args[:ARGS_MAX]))), array=True),
    Field("process.command_line", "wildcard", "", _text("command_line")),
    Field("process.start", "date", "absent where only packets tell of it",
          Entry(lambda process: (time_text(process.start_ns),) if process.start_ns >= 0 else ())),
    Field("process.entity_id", "keyword", "hex SHA-256 of host id, pid and the nanosecond "
                 "part of the start time, as Auditbeat has it; from a capture file, of the time "
                 "it is first seen", _text("entity_id")),
    Field("process.parent.pid", "long", "", _number("parent_pid")),
    Field("process.parent.name", "keyword", "", _text("parent_name")),
    Field("process.parent.entity_id", "keyword", "", _text("parent_entity_id")),
    Field("user.id", "keyword", "", _text("user_id")),
    Field("user.name", "keyword", "by the accounts of the host itself", _text("user_name")),
    Field("user.group.id", "keyword", "", _text("group_id")),
    Field("container.id", "keyword", "", _text("container_id")),
    Field("container.name", "keyword", "", _text("container_name")),
    Field("container.image.name", "keyword", "", _text("container_image")),
    Field("orchestrator.type", "keyword", "`kubernetes`", _in_pod("kubernetes"),
          values=("kubernetes",)),
    Field("orchestrator.namespace", "keyword", "", _text("pod_namespace")),
    Field("orchestrator.resource.type", "keyword", "`pod`", _in_pod("pod"), values=("pod",)),
    Field("orchestrator.resource.name", "keyword", "", _text("pod_name")),
    Field("orchestrator.resource.id", "keyword", "", _text("pod_uid")),
    Field("host.id", "keyword", "", _text("machine.id")),
    Field("host.hostname", "keyword", "", _text("machine.hostname")),
    Field("host.os.type", "keyword", "`linux` or `macos`", _text("machine.os_type"),
          values=("linux", "macos")),
    Field("sensor.process.source", "keyword", "who told: `proc` the host itself, "
                 "`ptcpdump` or `pktap` a capture file", _text("source"),
          values=("proc", "ptcpdump", "pktap")),
    Field("sensor.process.gaps", "keyword", "what could not be known or was inferred",
                 Entry(lambda process: process.gaps), array=True),
    Field("sensor.process.program_uuid", "keyword", "of the program, in hexadecimal digits "
                 "(macOS)", _text("program_uuid")),
    Field("sensor.process.effective.pid", "long", "on whose behalf it acts (macOS)",
                 _number("effective_pid")),
    Field("sensor.process.effective.name", "keyword", "", _text("effective_name")),
)
"""Of flow documents whose process is known, and of process events."""

PROCESS_EVENT_FIELDS = (
    Field("event.category", "keyword", "", Constant(("process",)), array=True),
    Field("event.kind", "keyword", "", Constant(("event",))),
    Field("event.module", "keyword", "", Constant(("sensor",))),
    Field("event.dataset", "keyword", "", Constant(("sensor.process",))),
    Field("event.action", "keyword", "",
          values=("process_started", "process_stopped", "existing_process")),
    Field("event.type", "keyword", "", array=True, values=("start", "end", "info")),
    Field("event.provider", "keyword", "", values=("proc", "ptcpdump", "pktap")),
    Field("event.reason", "keyword", ""),
    Field("event.id", "keyword", ""),
    Field("data_stream.dataset", "constant_keyword", "", Constant(("sensor.process",))),
    Field("process.exit_code", "long", ""),
    Field("related.user", "keyword", "", array=True),
)
"""Of process events only, or with other values than those of flow documents."""
