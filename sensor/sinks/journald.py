"""Alerts to systemd's journal, by its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL).

An entry is one datagram of fields. `NAME=value` and a line end where the value is one line;
otherwise the name, a line end, the length as 64 bits little-endian, the value, a line end: so a
value may hold anything. What is too large for a datagram goes into a sealed file in memory, of
which the journal is given the descriptor.
"""

from __future__ import annotations

import array
import errno
import fcntl
import os
import socket

from sensor.base.escape import harmless
from sensor.ecs.alert_text import json_line, score
from sensor.ecs.field_text import field
from sensor.errors import ConfigError
from sensor.model.alert import Alert
from sensor.model.status import Notice
from sensor.sinks.delivery.direct_writer import DirectWriter
from sensor.sinks.syslog import formats
from sensor.sinks.syslog.notices import NOTICE, WARNING, notice_document
from sensor.sinks.syslog.transports import Datagrams
from sensor.sinks.syslog.url import Address

JOURNAL_SOCKET = "/run/systemd/journal/socket"
TIMEOUT_S = 5.0
"""The longest wait for a journal that does not read."""

_FIELDS = (
    ("SENSOR_SOURCE_IP", "source.ip"),
    ("SENSOR_SOURCE_PORT", "source.port"),
    ("SENSOR_DESTINATION_IP", "destination.ip"),
    ("SENSOR_DESTINATION_PORT", "destination.port"),
    ("SENSOR_TRANSPORT", "network.transport"),
    ("SENSOR_DIRECTION", "network.direction"),
    ("SENSOR_COMMUNITY_ID", "network.community_id"),
    ("SENSOR_VERDICT", "sensor.flow.verdict"),
    ("SENSOR_EVIDENCE", "sensor.flow.evidence"),
    ("SENSOR_HOST", "host.hostname"),
    ("SENSOR_PROCESS", "process.name"),
    ("SENSOR_USER", "user.name"),
)
"""Journal fields and the fields of the document that they carry; the names are ours, so no text
from outside comes to stand where a name is."""


class JournalWire:
    """Journal entries, and the way to the journal."""

    def __init__(self, path: str, transport: JournalSocket) -> None:
        self.name = "journald" if path == JOURNAL_SOCKET else f"journald {harmless(path)}"
        self.place = f"journal at {harmless(path)}"
        self.transport = transport
        self._origin = formats.Origin(socket.gethostname(), pid=os.getpid())

    def render(self, alert: Alert) -> bytes:
        document = alert.document
        fields = [
            ("SENSOR_ALERT_ID", harmless(alert.id)),
            ("SENSOR_RULE_ID", harmless(alert.rule_id)),
            ("SENSOR_RULE_NAME", harmless(alert.rule_name)),
            ("SENSOR_SEVERITY", harmless(alert.severity)),
            ("SENSOR_RISK_SCORE", score(alert)),
            *((key, field(document, name)) for key, name in _FIELDS),
        ]
        priority = formats.SYSLOG_SEVERITIES.get(alert.severity, WARNING)
        return self._entry(priority, formats.message_text(alert), fields, json_line(document)[:-1])

    def render_notice(self, notice: Notice) -> bytes:
        document = notice_document(notice, self._origin, notice.text)
        return self._entry(
            WARNING if notice.warning else NOTICE,
            harmless(notice.text),
            [("SENSOR_NOTICE", harmless(notice.kind))],
            json_line(document)[:-1],
        )

    def _entry(
        self, priority: int, text: str, fields: list[tuple[str, str]], document: bytes
    ) -> bytes:
        parts = [
            journal_field("MESSAGE", text.encode()),
            journal_field("PRIORITY", b"%d" % priority),
            journal_field("SYSLOG_IDENTIFIER", self._origin.app.encode()),
            journal_field("SYSLOG_FACILITY", b"%d" % formats.FACILITIES[formats.DEFAULT_FACILITY]),
            journal_field("SYSLOG_PID", b"%d" % self._origin.pid),
            *(journal_field(name, value.encode()) for name, value in fields if value),
            journal_field("SENSOR_DOCUMENT", document),
        ]
        return b"".join(parts)


def journal_field(name: str, value: bytes) -> bytes:
    """One field, in the form that its value allows."""
    if b"\n" in value:
        return b"%b\n%b%b\n" % (name.encode(), len(value).to_bytes(8, "little"), value)
    return b"%b=%b\n" % (name.encode(), value)


class JournalSocket(Datagrams):
    """The journal's socket; entries that are too large for it go as a file in memory."""

    def send(self, message: bytes) -> None:
        try:
            super().send(message)
        except OSError as error:
            if error.errno not in (errno.EMSGSIZE, errno.ENOBUFS):
                raise
            self._send_file(message)

    def _send_file(self, message: bytes) -> None:
        assert self._socket is not None
        flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
        with open(os.memfd_create("sensor-entry", flags), "wb") as file:
            file.write(message)
            file.flush()
            # The journal takes a file only if nobody can change it any more.
            seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
            fcntl.fcntl(file.fileno(), fcntl.F_ADD_SEALS, seals)
            rights = array.array("i", [file.fileno()])
            self._socket.sendmsg([], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])


def open_journald(target: str = "journald", *, live: bool = False) -> DirectWriter:
    """The sink for `journald`, or `journald:/PATH` for a socket elsewhere.

    Errors: ConfigError for a path that is none, and where the system has no such sockets.
    """
    path = target.removeprefix("journald").removeprefix(":") or JOURNAL_SOCKET
    if not path.startswith("/") or "\0" in path:
        raise ConfigError(f"{harmless(target)}: journald:/PATH needs an absolute path")
    if not hasattr(os, "memfd_create"):
        raise ConfigError("journald: only Linux has a journal")
    transport = JournalSocket(Address("unix", path=path), TIMEOUT_S)
    return DirectWriter(JournalWire(path, transport), live=live)
