"""A request and its response as the fields of one document, in the words of ECS and Packetbeat."""

from __future__ import annotations

from dataclasses import dataclass

from sensor.base.escape import harmless, harmless_lines
from sensor.model.http_headers import LENGTH_HEADER, REQUEST_HEADERS, RESPONSE_HEADERS
from sensor.protocols.analyzer import Moment, Value
from sensor.protocols.cleartext import login
from sensor.protocols.http import content
from sensor.protocols.http.masking import Masker, masked_header
from sensor.protocols.http.message import Message
from sensor.protocols.http.url import is_name, password_of, url_fields

VALUE_MAX = 8192
"""Characters of a value that is told, other than a body's."""
NAMES_MAX = 100
"""Names of header fields that are told."""
ERROR_STATUS = 400
_HEADERS = {
    side: {name.encode(): f"http.{side}.headers.{name}" for name in names}
    for side, names in (("request", REQUEST_HEADERS), ("response", RESPONSE_HEADERS))
}
_NAMES = {"request": "zeek.http.client_header_names", "response": "zeek.http.server_header_names"}
_DIGITS_MAX = 18
_JOINING = {"obs_fold", "target_with_space"}
"""Anomalies with which a password goes on behind spaces."""


@dataclass(slots=True)
class Transaction:
    """A request and its response, as far as they were seen."""

    request: Message | None = None
    response: Message | None = None

    @property
    def moment(self) -> Moment:
        """The packet that completed it."""
        lasts = [one.last for one in (self.request, self.response) if one is not None]
        return max(lasts, key=lambda moment: (moment.time_ns, moment.frame))

    @property
    def held_bytes(self) -> int:
        """About what it takes in memory."""
        return sum(one.held_bytes for one in (self.request, self.response) if one is not None)

    @property
    def is_switch(self) -> bool:
        """What follows it on the connection is no HTTP/1: a tunnel, or another protocol."""
        if self.response is None:
            return False
        status = self.response.status
        return status == 101 or (
            200 <= status < 300 and self.request is not None and self.request.method == "CONNECT")


def fields_of(transaction: Transaction, masker: Masker) -> dict[str, Value]:
    """The fields of a transaction; the masker learns the passwords in its URL."""
    request, response = transaction.request, transaction.response
    fields: dict[str, Value] = {
        "event.category": ["network", "web"],
        "event.type": ["connection", "protocol"],
        "event.outcome": "unknown",
        "status": "Error",
    }
    anomalies: dict[str, None] = {}
    if request is not None:
        fields |= _request_fields(request, masker)
        anomalies |= request.anomalies
    if response is not None:
        fields |= _response_fields(response, masker)
        if request is not None:
            fields["http.version"] = request.version
        anomalies |= response.anomalies
    if anomalies:
        fields["sensor.http.anomalies"] = list(anomalies)
    return fields


def began_ns(transaction: Transaction) -> int:
    """When its first octet came."""
    messages = transaction.request, transaction.response
    return min(one.first.time_ns for one in messages if one is not None)


class Words:
    """Makes the values of a message's head text for people."""

    def __init__(self, message: Message, masker: Masker) -> None:
        # Most heads have nothing to be masked: one look at the whole saves one at each value.
        self._whole = masker if masker.may_mask(message.raw) else None
        self._masker = masker if self._whole and masker.may_mask_values(message.raw) else None
        self._is_joined = not _JOINING.isdisjoint(message.anomalies)

    def head(self, raw: bytes) -> str:
        """The whole head."""
        if self._whole is not None:
            raw = self._whole.masked_head(raw, is_joined=self._is_joined)
        return harmless_lines(login.text_of(raw))

    def text(self, octets: bytes) -> str:
        """A value without passwords."""
        if self._masker is not None:
            octets = self._masker.masked(octets, is_head=True, is_joined=self._is_joined)
        return harmless(login.text_of(octets))[:VALUE_MAX]

    def authority(self, octets: bytes) -> str:
        """A value that may be a host with an account before it."""
        if self._masker is not None:
            octets = self._masker.masked_authority(octets, is_joined=self._is_joined)
        return self.text(octets)


def _request_fields(request: Message, masker: Masker) -> dict[str, Value]:
    headers = request.headers
    if b"@" in request.target:
        masker.learn(password_of(login.text_of(request.target)))
    body = content.unpacked(request)
    masker.learn_from(request.raw, is_head=True)
    if body[0]:
        masker.learn_from(body[0])
    words = Words(request, masker)
    target, host = words.authority(request.target), words.authority(headers.get(b"host", b""))
    fields: dict[str, Value] = {
        "http.version": request.version,
        "http.request.method": harmless(request.method),
        **url_fields(request.method, target, host),
        **_message_fields("request", request, words),
        **_body_fields("request", request, body, masker),
    }
    if b"referer" in headers:
        fields["http.request.referrer"] = words.text(headers[b"referer"])
    if b"user-agent" in headers:
        fields["user_agent.original"] = words.text(headers[b"user-agent"])
    domain = fields.get("url.domain")
    if isinstance(domain, str) and is_name(domain):
        fields |= {"destination.domain": domain, "related.hosts": [domain]}
    _judge_host(request, str(domain or ""), host)
    fields["request"] = words.head(request.raw) + str(fields.get("http.request.body.content", ""))
    if request.head_at.frame:
        fields["sensor.http.request.frame"] = request.head_at.frame
    return fields


def _judge_host(request: Message, domain: str, host: str) -> None:
    """RFC 9112 3.2: one Host in every request of HTTP/1.1, the same as in the target."""
    count = sum(name.lower() == b"host" for name in request.names)
    if count > 1:
        request.strange("host_repeated")
    elif not count and request.version == "1.1":
        request.strange("host_missing")
    elif count and b"://" in request.target[:32]:
        named = url_fields("GET", "/", host).get("url.domain", "")
        if named != domain:
            request.strange("host_conflict")


def _response_fields(response: Message, masker: Masker) -> dict[str, Value]:
    masker.learn_from(response.raw, is_head=True, is_answer=True)
    words = Words(response, masker)
    is_error = response.status >= ERROR_STATUS
    fields: dict[str, Value] = {
        "http.version": response.version,
        "http.response.status_code": response.status,
        "event.outcome": "failure" if is_error else "success",
        "status": "Error" if is_error else "OK",
        **_message_fields("response", response, words),
        **_body_fields("response", response, content.unpacked(response), masker),
    }
    if response.phrase:
        fields["http.response.status_phrase"] = words.text(response.phrase)
    return fields


def _message_fields(side: str, message: Message, words: Words) -> dict[str, Value]:
    """The fields that requests and responses have both."""
    fields: dict[str, Value] = {f"http.{side}.bytes": message.octets}
    known, lengths = _HEADERS[side], f"http.{side}.headers.{LENGTH_HEADER}"
    for name, value in message.headers.items():
        if (field := known.get(name)) is None:
            continue
        if field == lengths:
            if value.isdigit() and len(value) <= _DIGITS_MAX:
                fields[field] = int(value)
            continue
        if name == b"host":
            fields[field] = words.authority(value)
            continue
        hidden = masked_header(name, login.text_of(value[:VALUE_MAX]))
        fields[field] = words.text(value) if hidden is None else harmless(hidden)
    if message.names:
        fields[_NAMES[side]] = [harmless(name.decode("latin-1").upper())
                                for name in message.names[:NAMES_MAX]]
    if not message.is_complete:
        fields[f"sensor.http.{side}.is_incomplete"] = True
    return fields


def _body_fields(
    side: str, message: Message, body: tuple[bytes | None, bool], masker: Masker
) -> dict[str, Value]:
    """`body` is its content, and whether there was more of it."""
    if not message.body_octets:
        return {}
    fields: dict[str, Value] = {f"http.{side}.body.bytes": message.body_octets}
    octets, is_truncated = body
    if is_truncated:
        fields[f"sensor.http.{side}.body.is_truncated"] = True
    if not octets:
        return fields
    kind = message.headers.get(b"content-type", b"")
    text = content.text_of(octets, kind, is_cut=is_truncated)
    if name := content.mime_type(octets, text):
        fields[f"http.{side}.mime_type"] = name
    if text is not None:
        masked = masker.masked(octets)
        if masked != octets:
            text = content.text_of(masked, kind, is_cut=is_truncated) or ""
        fields[f"http.{side}.body.content"] = harmless_lines(text)
    return fields
