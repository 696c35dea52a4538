"""A flow that begins with CONNECT (RFC 9110 9.3.6): the request to the proxy, and Telnet if that is
what the tunnel carries. Telnet's analyzer takes the proxy's answer away itself, and is done soon
where something else follows.
"""

from __future__ import annotations

from dataclasses import replace

from sensor.protocols.analyzer import Moment, ProtocolEvent
from sensor.protocols.http.analyzer import HttpAnalyzer
from sensor.protocols.secrets import Secrets
from sensor.protocols.telnet.analyzer import TelnetAnalyzer


class ConnectAnalyzer:
    """Has both protocols listen until neither wants more."""

    def __init__(self, secrets: Secrets, *, transcribe: bool = False) -> None:
        """`transcribe` is Telnet's."""
        self._http = HttpAnalyzer(secrets)
        self._telnet = TelnetAnalyzer(secrets, transcribe=transcribe)
        self.done = False
        self.due_ns = 0

    @property
    def held_bytes(self) -> int:
        return self._http.held_bytes + self._telnet.held_bytes

    def feed(self, side: int, octets: bytes, moment: Moment) -> None:
        for one in (self._http, self._telnet):
            if not one.done:
                one.feed(side, octets, moment)
        self._judge()

    def gap(self, side: int, count: int, moment: Moment) -> None:
        for one in (self._http, self._telnet):
            if not one.done:
                one.gap(side, count, moment)
        self._judge()

    def turn(self) -> None:
        for one in (self._http, self._telnet):
            if not one.done:
                one.turn()

    def expire(self) -> None:
        if not self._telnet.done:
            self._telnet.expire()
        self._judge()

    def close(self, moment: Moment) -> None:
        for one in (self._http, self._telnet):
            if not one.done:
                one.close(moment)

    def take(self) -> list[ProtocolEvent]:
        told = self._telnet.take()
        return [*self._http.take(), *(replace(event, protocol="telnet") for event in told)]

    def _judge(self) -> None:
        self.done = self._http.done and self._telnet.done
        self.due_ns = 0 if self._telnet.done else self._telnet.due_ns
