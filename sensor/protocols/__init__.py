"""The protocols that are analyzed: a line each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from pkgutil import resolve_name
from typing import Any

from sensor.model.applications import (
    DNS,
    FTP,
    HTTP,
    HTTP_CONNECT,
    IMAP,
    LLMNR,
    MDNS,
    OFFER_CLIENT,
    POP3,
    REDIS,
    SMTP,
    SSH,
    TELNET,
    TLS,
)
from sensor.protocols import beginnings
from sensor.protocols.analyzer import Analyzer
from sensor.protocols.secrets import Secrets


@dataclass(frozen=True, slots=True)
class AnalyzedProtocol:
    """A protocol: how its flows are found, and who reads them."""

    name: str
    """As in `network.protocol`, and in `event.dataset` behind `network_traffic.`."""
    applications: tuple[int, ...]
    """Codes in model/applications.py that tell of it."""
    make: Callable[[Secrets], Analyzer]
    tcp_ports: tuple[int, ...] = ()
    """Ports on which its flows are looked for though their first octets prove nothing."""
    udp_ports: tuple[int, ...] = ()
    make_of_datagrams: Callable[[Secrets], Analyzer] | None = None
    """The same for UDP, where its datagrams are read otherwise than a stream."""
    always: bool = False
    """Read in every run: flow records and what is told of sessions need it. Others are read where a
    rule, or whoever takes all that was said, wants their events."""
    octets_max: int = 1 << 20
    """Octets of a direction that an analyzer sees at most."""
    refuses: Callable[[int, bytes], bool] = lambda side, octets: False
    """True if its analyzer would have nothing to tell and want no more, where a flow begins with
    these octets of that side: then none is made."""


@cache
def _found(path: str) -> Any:
    return resolve_name(f"sensor.protocols.{path}")


def _later(path: str, **options: bool) -> Callable[[Secrets], Analyzer]:
    """Makes analyzers of a class that is imported when a flow first needs it: most runs need few of
    them, and all together take a fifth of the time of a start.
    """
    def make(secrets: Secrets) -> Analyzer:
        analyzer: Analyzer = _found(path)(secrets, **options)
        return analyzer

    return make


def _of_lines(
    name: str, code: int, path: str, greeting: bytes, *ports: int, octets_max: int = 1 << 20
) -> AnalyzedProtocol:
    """A protocol of lines, whose server begins with one of the octets of `greeting`."""
    refuses = partial(beginnings.begins_no_dialogue, greeting)

    def make(secrets: Secrets) -> Analyzer:
        dialogue = _found(path)(secrets)
        analyzer: Analyzer = _found("cleartext.analyzer:LineAnalyzer")(dialogue, refuses)
        return analyzer

    return AnalyzedProtocol(name, (code,), make, tcp_ports=ports, octets_max=octets_max,
                            refuses=refuses, always=True)  # fmt: skip


PROTOCOLS = (
    AnalyzedProtocol("ssh", (SSH,), _later("ssh.analyzer:SshAnalyzer"), tcp_ports=(22,),
                     octets_max=32 * 1024, refuses=beginnings.begins_no_ssh, always=True),
    AnalyzedProtocol("telnet", tuple(range(TELNET, OFFER_CLIENT + 1)),
                     _later("telnet.analyzer:TelnetAnalyzer"), tcp_ports=(23, 2323),
                     octets_max=64 * 1024 * 1024, always=True),
    _of_lines("ftp", FTP, "cleartext.ftp:FtpDialogue", b"12345", 21, octets_max=4 << 20),
    _of_lines("smtp", SMTP, "cleartext.smtp:SmtpDialogue", b"2345", 25, 587),
    _of_lines("pop3", POP3, "cleartext.pop3:Pop3Dialogue", b"+-", 110),
    _of_lines("imap", IMAP, "cleartext.imap:ImapDialogue", b"*", 143),
    AnalyzedProtocol("tls", (TLS,), _later("tls.analyzer:TlsAnalyzer"), tcp_ports=(443, 8443),
                     octets_max=256 * 1024, refuses=beginnings.begins_no_tls),
    AnalyzedProtocol("redis", (REDIS,), _later("redis.analyzer:RedisAnalyzer"), tcp_ports=(6379,),
                     octets_max=64 << 20, refuses=beginnings.begins_no_redis),
    AnalyzedProtocol("rlogin", (), _later("rlogin.analyzer:RloginAnalyzer"), tcp_ports=(513,),
                     refuses=beginnings.begins_no_rlogin, always=True),
    AnalyzedProtocol("dns", (DNS,), _later("dns.analyzer:DnsAnalyzer"), tcp_ports=(53,),
                     make_of_datagrams=_later("dns.analyzer:DnsAnalyzer", is_stream=False),
                     octets_max=4 << 20, refuses=beginnings.begins_no_dns),
    AnalyzedProtocol("mdns", (MDNS,),
                     _later("dns.analyzer:DnsAnalyzer", is_stream=False, waits=False,
                            is_mdns=True)),
    AnalyzedProtocol("llmnr", (LLMNR,),
                     _later("dns.analyzer:DnsAnalyzer", is_stream=False, waits=False)),
    AnalyzedProtocol("http", (HTTP,), _later("http.analyzer:HttpAnalyzer"), tcp_ports=(80, 8080),
                     octets_max=256 << 20, refuses=beginnings.begins_no_http),
    AnalyzedProtocol("http", (HTTP_CONNECT,), _later("http.connect:ConnectAnalyzer"),
                     octets_max=256 << 20, always=True),
)
TELNET_PORTS = next(one.tcp_ports for one in PROTOCOLS if one.name == "telnet")
_TRANSCRIBING = {
    TELNET: _later("telnet.analyzer:TelnetAnalyzer", transcribe=True),
    HTTP_CONNECT: _later("http.connect:ConnectAnalyzer", transcribe=True),
}
TRANSCRIBED = tuple(
    replace(one, make=_TRANSCRIBING.get(next(iter(one.applications), -1), one.make))
    for one in PROTOCOLS)
"""The same; the events of sessions have `telnet.transcript`."""
