"""Alerts to a syslog server: unix://, udp://, tcp://, tls:// (RFC 5424, 5425, 5426, 6587), relp://."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from sensor.base.escape import harmless
from sensor.config import Config
from sensor.errors import ConfigError, reason_of
from sensor.model.alert import Alert
from sensor.model.status import Notice
from sensor.sinks.delivery.direct_writer import DirectWriter
from sensor.sinks.delivery.transport import Transport
from sensor.sinks.syslog.formats import FORMATS, Origin, Renderer
from sensor.sinks.syslog.notices import NOTICE_FORMS, notice_rfc5424
from sensor.sinks.syslog.relp import Relp
from sensor.sinks.syslog.streams import TcpStream
from sensor.sinks.syslog.transports import Datagrams, UnixSocket
from sensor.sinks.syslog.url import Address, bad_url, parse_address

if TYPE_CHECKING:
    import ssl

MESSAGE_BYTES_MIN = 480
"""Octets that every receiver must be able to take (RFC 5424 6.1)."""


class SyslogWire:
    """Syslog messages of one form, and the way to their server."""

    def __init__(
        self, address: Address, render: Renderer, message_bytes: int, transport: Transport,
        clock: Callable[[], int] | None = None,
    ) -> None:
        self.name = f"syslog {address}"
        self.place = f"syslog server {address.place()}"
        self.transport = transport
        self._render = render
        self._render_notice = NOTICE_FORMS.get(render, notice_rfc5424)
        self._message_bytes = message_bytes
        self._origin = Origin(socket.gethostname(), pid=os.getpid(), facility=address.facility,
                              clock=clock)  # fmt: skip

    def render(self, alert: Alert) -> bytes:
        return self._render(alert, self._origin, self._limit())

    def render_notice(self, notice: Notice) -> bytes:
        return self._render_notice(notice, self._origin, self._limit())

    def _limit(self) -> int | None:
        return self._message_bytes if self.transport.datagrams else None


def open_syslog(
    url: str, form: str, config: Config, *, live: bool = False, now: bool = False
) -> DirectWriter:
    """The sink for a syslog URL; that its server is not there is said in the sink's `error`.

    `now`: headers carry the time of sending, not the packet's.

    Errors: ConfigError for a bad URL, format or message size, or an unusable `cafile`.
    """
    if form not in FORMATS:
        raise ConfigError(f"--syslog-format {harmless(form)}: must be one of {', '.join(FORMATS)}")
    limits = config.sink
    if limits.syslog_message_bytes < MESSAGE_BYTES_MIN:
        raise ConfigError(
            f"syslog_message_bytes = {limits.syslog_message_bytes}: at least {MESSAGE_BYTES_MIN}"
        )
    address = parse_address(url)
    timeout_s = limits.syslog_timeout_s
    transport: Transport
    if address.scheme == "unix":
        transport = UnixSocket(address, timeout_s)
    elif address.scheme == "udp":
        transport = Datagrams(address, timeout_s)
    elif address.scheme == "relp":
        transport = Relp(address, timeout_s)
    else:
        tls = _tls_context(url, address) if address.scheme == "tls" else None
        transport = TcpStream(address, timeout_s, tls)
    wire = SyslogWire(address, FORMATS[form], limits.syslog_message_bytes, transport,
                      time.time_ns if now else None)  # fmt: skip
    return DirectWriter(wire, live=live)


def _tls_context(url: str, address: Address) -> ssl.SSLContext:
    """Certificates and host names are checked: that is what the default context does."""
    import ssl  # noqa: PLC0415  slow to import

    try:
        return ssl.create_default_context(cafile=address.cafile or None)
    except OSError as error:
        raise bad_url(url, f"cafile {address.cafile}: {reason_of(error)}") from None
