"""Alerts to a syslog server: unix://, udp://, tcp:// and tls:// (RFC 5424, 5425, 5426, 6587).

Sending is synchronous and bounded. A connection that fails is made again a few times at once; a
server that stays away then costs nothing but one attempt now and then, at growing distances, and
what cannot be sent meanwhile is counted as dropped. That a message was taken by the kernel is all
that these protocols tell: "delivered" means no more, except where a refusal comes back.
"""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sensor.alerts import Alert
from sensor.config import Config
from sensor.errors import ConfigError
from sensor.escape import harmless
from sensor.sinks.console import reason_of
from sensor.sinks.syslog_address import Address, bad_url, parse_address
from sensor.sinks.syslog_formats import FORMATS, Origin, Renderer
from sensor.sinks.syslog_notices import NOTICE_FORMS, notice_rfc5424
from sensor.sinks.syslog_transports import Datagrams, Stream, Transport, UnixSocket
from sensor.status import Notice

if TYPE_CHECKING:
    import ssl

RETRY_PAUSES_S = (0.0, 0.1, 0.4)
"""Waits before the attempts to repeat a message over a new connection."""
BACKOFF_FIRST_S = 1.0
BACKOFF_MAX_S = 60.0
BACKOFF_TIMES_COST = 10
"""A server is left alone for at least so many times what the last attempt took, so that waiting for
one that does not answer is a tenth of the run at most."""
MESSAGE_BYTES_MIN = 480
"""What every receiver must be able to take (RFC 5424 6.1)."""


@dataclass(frozen=True, slots=True)
class Clock:
    """How the sink tells and spends wall time: a seam, so that tests need not wait."""

    now_s: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class SyslogSink:
    """Renders and sends each alert; connects when it is made, so that the operator hears early."""

    def __init__(
        self,
        address: Address,
        render: Renderer,
        message_bytes: int,
        transport: Transport,
        clock: Clock | None = None,
    ) -> None:
        self.name = f"syslog {address}"
        self.delivered = self.dropped = self.waiting = self.retried = 0
        self.error: str | None = None
        self.closed = False
        self._address = address
        self._render = render
        self._render_notice = NOTICE_FORMS.get(render, notice_rfc5424)
        self._message_bytes = message_bytes
        self._origin = Origin(socket.gethostname(), pid=os.getpid(), facility=address.facility)
        self._transport = transport
        self._clock = clock or Clock()
        self._connected = False
        self._backoff_s = BACKOFF_FIRST_S
        self._next_attempt_s = 0.0
        started_s = self._clock.now_s()
        try:
            self._connect()
        except OSError as error:
            self._note_absence(error)
            self._back_off(started_s)

    def emit(self, alert: Alert) -> None:
        if self.closed:
            self.dropped += 1
            return
        try:
            limit = self._message_bytes if self._transport.datagrams else None
            sent = self._deliver(self._render(alert, self._origin, limit))
        except Exception as error:  # a sink never raises
            self.error = f"{self.name}: {reason_of(error)}"
            sent = False
        self.delivered += sent
        self.dropped += not sent
        self._take_back()

    def accounted(self) -> int:
        return self.delivered + self.dropped

    def notify(self, notice: Notice) -> None:
        if self.closed:
            return
        try:
            limit = self._message_bytes if self._transport.datagrams else None
            self._deliver(self._render_notice(notice, self._origin, limit))
        except Exception as error:  # a sink never raises
            self.error = f"{self.name}: {reason_of(error)}"

    def reopen(self) -> None:
        """Nothing: a connection that is lost is made again by itself."""

    def _deliver(self, message: bytes) -> bool:
        """Whether the message went out, over this connection or a new one."""
        started_s = self._clock.now_s()
        if not self._connected and started_s < self._next_attempt_s:
            return False
        # Where the server has been away, one attempt must do: no waiting alert by alert.
        pauses_s = RETRY_PAUSES_S if self._connected else ()
        for pause_s in (None, *pauses_s):
            if pause_s is not None:
                self.retried += 1
                self._clock.sleep(pause_s)
            try:
                if not self._connected:
                    self._connect()
                self._transport.send(message)
                self._backoff_s = BACKOFF_FIRST_S
                return True
            except OSError as error:
                if error.errno == errno.EMSGSIZE:  # the message's fault, not the connection's
                    self.error = f"{self.name}: {reason_of(error)}"
                    return False
                self._note_absence(error)
                if isinstance(error, TimeoutError):  # waited in vain: do not wait again
                    break
        self._back_off(started_s)
        return False

    def _connect(self) -> None:
        self._transport.connect()
        self._connected = True

    def _note_absence(self, error: OSError) -> None:
        self._connected = False
        self.error = f"no syslog server {self._address.place()}: {reason_of(error)}"

    def _back_off(self, started_s: float) -> None:
        """Leave the server alone for a while, the longer the more it cost to find it absent."""
        now_s = self._clock.now_s()
        wait_s = max(self._backoff_s, BACKOFF_TIMES_COST * (now_s - started_s))
        self._next_attempt_s = now_s + wait_s
        self._backoff_s = min(2 * self._backoff_s, BACKOFF_MAX_S)

    def _take_back(self) -> None:
        """Count a message as dropped after all when the network says that it was refused."""
        error = self._transport.refused()
        if error is not None and self.delivered:
            self.delivered -= 1
            self.dropped += 1
            self.error = f"no syslog server {self._address.place()}: {reason_of(error)}"

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        try:
            self._take_back()
            self._transport.close()
        except OSError as error:
            if self._connected:
                self.error = f"{self.name}: the last messages may be lost: {reason_of(error)}"


def open_syslog(url: str, form: str, config: Config) -> SyslogSink:
    """The sink for a syslog URL; that its server is not there is said in the sink's `error`.

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
    else:
        tls = _tls_context(url, address) if address.scheme == "tls" else None
        transport = Stream(address, timeout_s, tls)
    return SyslogSink(address, FORMATS[form], limits.syslog_message_bytes, transport)


def _tls_context(url: str, address: Address) -> ssl.SSLContext:
    """Certificates and host names are checked: that is what the default context does."""
    import ssl  # noqa: PLC0415  slow to import

    try:
        return ssl.create_default_context(cafile=address.cafile or None)
    except OSError as error:
        raise bad_url(url, f"cafile {address.cafile}: {reason_of(error)}") from None
