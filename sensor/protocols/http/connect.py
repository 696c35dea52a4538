"""A flow that begins with CONNECT (RFC 9110 9.3.6): the request to the proxy, and Telnet or TLS if
that is what the tunnel carries. Telnet's analyzer takes the proxy's answer away itself, and is done
soon where something else follows; TLS is looked for behind the answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sensor.protocols.analyzer import Analyzer, Moment, ProtocolEvent
from sensor.protocols.http.analyzer import HttpAnalyzer
from sensor.protocols.secrets import Secrets
from sensor.protocols.telnet.analyzer import TelnetAnalyzer
from sensor.protocols.tls.analyzer import TlsAnalyzer


class ConnectAnalyzer:
    """Has the protocols listen until none wants more."""

    def __init__(self, secrets: Secrets, *, transcribe: bool = False) -> None:
        """`transcribe` is Telnet's."""
        self._http = HttpAnalyzer(secrets)
        self._telnet = TelnetAnalyzer(secrets, transcribe=transcribe)
        self._tls = TlsAnalyzer()
        self.done = False
        self.due_ns = 0

    @property
    def held_bytes(self) -> int:
        return self._http.held_bytes + self._telnet.held_bytes + self._tls.held_bytes

    @property
    def _listening(self) -> Iterable[Analyzer]:
        """Those that want more; TLS from the end of HTTP on."""
        inside = self._tls if self._http.done else self._http
        return (one for one in (inside, self._telnet) if not one.done)

    def feed(self, side: int, octets: bytes, moment: Moment) -> None:
        for one in self._listening:
            one.feed(side, octets, moment)
        self._judge()

    def gap(self, side: int, count: int, moment: Moment) -> None:
        for one in self._listening:
            one.gap(side, count, moment)
        self._judge()

    def turn(self) -> None:
        for one in self._listening:
            one.turn()

    def expire(self) -> None:
        if not self._telnet.done:
            self._telnet.expire()
        self._judge()

    def close(self, moment: Moment) -> None:
        for one in self._listening:
            one.close(moment)

    def take(self) -> list[ProtocolEvent]:
        told = (replace(event, protocol="telnet") for event in self._telnet.take())
        return [*self._http.take(), *told, *self._tls.take()]

    def _judge(self) -> None:
        self.done = self._http.done and self._telnet.done and self._tls.done
        self.due_ns = 0 if self._telnet.done else self._telnet.due_ns
