"""TLS: one event for each handshake, with what both sides offer, choose and show.

    ClientHello         --> ServerHello, Certificate, ServerKeyExchange, ServerHelloDone     TLS 1.2
    ..., Finished*      --> Finished*
    ClientHello         --> ServerHello, records*                                            TLS 1.3
    records*            -->                                                    * encrypted

It is told when the handshake has come to its end: both sides have sent what only follows a
handshake that works, one has sent an alert, or the flow is over (RFC 8446 2, RFC 5246 7.3).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sensor.base.escape import harmless
from sensor.model.protocol_values import OUTCOMES, TLS_VERSIONS
from sensor.protocols.analyzer import CLIENT, Moment, ProtocolEvent, Value
from sensor.protocols.secrets import Secrets
from sensor.protocols.tls import fingerprints
from sensor.protocols.tls.certificates import certificate_fields, sha256_of
from sensor.protocols.tls.cipher_suites import cipher_name
from sensor.protocols.tls.hello import (
    PRE_SHARED_KEY,
    ClientHello,
    ServerHello,
    certificates,
    client_hello,
    exchange_curve,
    server_hello,
)
from sensor.protocols.tls.names import (
    TLS_1_2,
    alert_name,
    group_name,
    is_grease,
)
from sensor.protocols.tls.records import (
    ALERT,
    APPLICATION_DATA,
    HANDSHAKE,
    Alert,
    Change,
    Encrypted,
    Message,
    Records,
    Token,
)

CLIENT_HELLO, SERVER_HELLO, CERTIFICATE, KEY_EXCHANGE, CERTIFICATE_REQUEST, HELLO_DONE = (
    1, 2, 11, 12, 13, 14)
FATAL, CLOSE_NOTIFY = 2, 0
ALERTS_MAX = 8
NAME_MAX = 255
PROTOCOLS_MAX = 16
CIPHERS_MAX = 256
ENCRYPTED_ALERT = 2 + 1 + 16
"""Octets of an alert of TLS 1.3: level, description, type, and the tag of its cipher."""
AES_128_CCM_8, SHORT_TAG = 0x1305, 8
DETAILED_HELLO = "tls.detailed.client_hello.extensions"
SUCCESS, FAILURE, UNKNOWN = OUTCOMES


@dataclass
class Side:
    """One direction of the connection."""

    records: Records = field(default_factory=Records)
    is_seen: bool = False
    is_finished: bool = False
    """It has sent what it sends last in a handshake."""
    has_data: bool = False
    certificates: list[bytes] = field(default_factory=list)


class TlsAnalyzer:
    """Reads a connection until its handshake is over."""

    def __init__(self, secrets: Secrets | None = None) -> None:
        """Nothing that it reads is a secret."""
        self.done = False
        self.due_ns = 0
        self._sides = [Side(), Side()]
        self._events: list[ProtocolEvent] = []
        self._client: Side | None = None
        """The side that speaks as client: where the roles are not those of the flow, its hello says
        so."""
        self._offer: ClientHello | None = None
        self._choice: ServerHello | None = None
        self._curve: int | None = None
        self._is_full = False
        """The server has not taken up an older session (RFC 5246 7.3)."""
        self._is_resumed = False
        self._asks_client = False
        self._alerts: list[str] = []
        self._is_whole = True
        """No octets are missing, and nothing that decides was beyond reading."""
        self._seen = Moment(0)
        """When the last hello came."""

    @property
    def held_bytes(self) -> int:
        return sum(side.records.held_bytes + sum(map(len, side.certificates))
                   for side in self._sides)

    def feed(self, side: int, octets: bytes, moment: Moment) -> None:
        one = self._sides[side]
        one.is_seen = True
        for token in one.records.feed(octets):
            self._take(one, token, moment)
            if self.done:
                return
        if one.records.is_broken:
            self._is_whole &= not one.records.is_too_long
            self.close(moment)

    def gap(self, side: int, count: int, moment: Moment) -> None:
        self._is_whole = False
        if count:
            self.close(moment)

    def turn(self) -> None:
        self._sides.reverse()

    def expire(self) -> None:
        """It waits for nothing."""

    def close(self, moment: Moment) -> None:
        is_known = self._is_whole and all(side.is_seen for side in self._sides)
        self._finish(FAILURE if is_known else UNKNOWN, self._seen)

    def take(self) -> list[ProtocolEvent]:
        events, self._events = self._events, []
        return events

    @property
    def _is_new(self) -> bool:
        """True for TLS 1.3 and its drafts, where all but the hellos is encrypted."""
        return self._choice is not None and self._choice.version > TLS_1_2

    def _take(self, one: Side, token: Token, moment: Moment) -> None:
        if isinstance(token, Message):
            self._message(one, token, moment)
        elif isinstance(token, Alert):
            self._alert(token, moment)
        elif isinstance(token, Change):
            if not self._is_new:
                one.records.is_encrypted = True
                self._is_resumed |= (one is not self._client and self._choice is not None
                                     and not self._is_full)  # fmt: skip
        else:
            self._encrypted(one, token, moment)

    def _message(self, one: Side, message: Message, moment: Moment) -> None:
        kind, body = message
        if kind == CLIENT_HELLO:
            self._take_offer(one, body, moment)
        elif kind == SERVER_HELLO:
            self._take_choice(one, body, moment)
        elif self._offer is None and self._choice is None:
            self.done = kind != 0  # a server may ask for a hello (RFC 5246 7.4.1.1)
        elif kind == CERTIFICATE:
            one.certificates = certificates(body)
        elif kind == KEY_EXCHANGE and self._choice is not None and one is not self._client:
            if "_ECDH" in cipher_name(self._choice.cipher):
                self._curve = exchange_curve(body)
        elif kind == CERTIFICATE_REQUEST:
            self._asks_client = True
        elif kind == HELLO_DONE:
            self._is_full = True

    def _take_offer(self, one: Side, body: bytes, moment: Moment) -> None:
        if self._client is self._other(one):
            self.close(moment)  # both speak as client: an echo
        elif self._offer is None:  # the second one is what a HelloRetryRequest asks for
            self._offer = client_hello(body)
            self.done = self._offer is None
            self._client, self._seen = one, moment

    def _take_choice(self, one: Side, body: bytes, moment: Moment) -> None:
        choice = server_hello(body)
        if choice is None or self._client is one:
            self._is_whole &= body[:1] == b"\3"  # of an early draft of TLS 1.3 it cannot be read
            self.close(moment)
        elif self._choice is None or self._choice.is_retry:
            self._choice, self._seen = choice, moment
            self._client = self._other(one)
            self._curve = choice.group

    def _other(self, one: Side) -> Side:
        first, second = self._sides
        return second if one is first else first

    def _alert(self, alert: Alert, moment: Moment) -> None:
        if len(self._alerts) < ALERTS_MAX:
            self._alerts.append(alert_name(alert.description))
        if alert.level == FATAL or alert.description == CLOSE_NOTIFY:
            self._finish(FAILURE, moment)

    def _encrypted(self, one: Side, record: Encrypted, moment: Moment) -> None:
        if self._choice is not None and self._choice.is_retry:
            return  # early data, which the server does not take (RFC 8446 4.2.10)
        if record.kind == ALERT or (self._is_new and record.length == self._alert_length):
            self._finish(FAILURE, moment)
            return
        one.has_data |= record.kind == APPLICATION_DATA
        one.is_finished |= record.kind == HANDSHAKE or self._is_new
        other = self._other(one)
        is_alone = not other.is_seen and one.has_data and one.is_finished and not self._is_new
        if (one.is_finished and other.is_finished) or is_alone:
            self._finish(SUCCESS, moment)

    @property
    def _alert_length(self) -> int:
        assert self._choice is not None
        is_short = self._choice.cipher == AES_128_CCM_8
        return ENCRYPTED_ALERT - SHORT_TAG if is_short else ENCRYPTED_ALERT

    def _finish(self, outcome: str, moment: Moment) -> None:
        """Tell what is known, once."""
        if self.done:
            return
        self.done = True
        if self._offer is None and self._choice is None:
            return
        fields: dict[str, Value] = {
            "event.type": ["connection", "protocol"],
            "event.outcome": outcome,
        }
        if outcome != UNKNOWN:
            fields["tls.established"] = outcome == SUCCESS
        if self._alerts:
            fields["tls.detailed.alert_types"] = self._alerts
        fields |= self._of_choice() | self._of_offer() | self._of_certificates()
        hashes = [str(fields[name]) for name in HASHES if name in fields]
        hashes += [sha256_of(one) for side in self._sides for one in side.certificates[1:]]
        if hashes:
            fields["related.hash"] = list(dict.fromkeys(hashes))
        self._events.append(ProtocolEvent(moment, "tls_handshake", fields, protocol="tls"))

    def _of_offer(self) -> dict[str, Value]:
        """What the client offers."""
        offer = self._offer
        if offer is None:
            return {}
        found: dict[str, Value] = {
            "tls.client.ja3": fingerprints.ja3(offer),
            "tls.client.ja4": fingerprints.ja4(offer),
            "tls.client.supported_ciphers": [
                cipher_name(code) for code in offer.ciphers[:CIPHERS_MAX] if not is_grease(code)],
        }
        if offer.protocols:
            found[f"{DETAILED_HELLO}.application_layer_protocol_negotiation"] = [
                _text(name) for name in offer.protocols[:PROTOCOLS_MAX]]
        if name := _text(offer.server_name):
            found["tls.client.server_name"] = name
            found["related.hosts"] = [name]
            if self._client is self._sides[CLIENT]:
                found |= {"destination.domain": name, "server.domain": name}
        return found

    def _of_choice(self) -> dict[str, Value]:
        """What the server has chosen."""
        choice = self._choice
        if choice is None:
            return {}
        found: dict[str, Value] = {
            "tls.cipher": cipher_name(choice.cipher),
            "tls.resumed": self._is_resumed or (
                self._is_new and PRE_SHARED_KEY in choice.extensions),
            "tls.detailed.client_certificate_requested": self._asks_client,
        }
        if self._is_new:
            del found["tls.detailed.client_certificate_requested"]  # that is encrypted
        if not choice.is_retry:
            found["tls.server.ja3s"] = fingerprints.ja3s(choice)
        if (version := TLS_VERSIONS.get(choice.version)) is not None:
            found |= {"tls.version_protocol": version[0], "tls.version": version[1],
                      "tls.detailed.version": f"{version[0].upper()} {version[1]}"}  # fmt: skip
        if choice.protocol:
            found["tls.next_protocol"] = _text(choice.protocol)
        if self._curve is not None:
            found["tls.curve"] = group_name(self._curve)
        return found

    def _of_certificates(self) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for side in self._sides:
            if side.certificates:
                who = "client" if side is self._client else "server"
                found |= {f"tls.{who}.{name}": value
                          for name, value in certificate_fields(side.certificates).items()}
        return found


HASHES = (
    "tls.client.ja3", "tls.client.ja4", "tls.server.ja3s",
    *(f"tls.{who}.hash.{name}" for who in ("server", "client")
      for name in ("md5", "sha1", "sha256")),
)  # fmt: skip
"""The fields whose values `related.hash` has."""


def _text(octets: bytes) -> str:
    """A name as text; nothing fails."""
    return harmless(octets[:NAME_MAX].decode("utf-8", "backslashreplace"))[:NAME_MAX]
