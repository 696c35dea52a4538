"""What a protocol event tells, in a few words for people: a login, a command, a request, a name.

All text from outside goes through `escape.harmless`, and is cut where it is long.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sensor.base.units import data_size
from sensor.ecs.field_text import field, value_at, value_text, values

Part = Mapping[str, object]

TEXT_MAX = 300
"""Characters of a URL, of an answer, of a name."""
ANSWERS_SHOWN = 4
"""Records of an answer of DNS."""
EVENTS_SHOWN = 4
"""Different things that the events of a sequence tell."""
LOGINS = ("telnet", "ftp", "smtp", "pop3", "imap", "rlogin", "http", "redis")
"""Protocols whose events tell of logins, and some of commands and transfers."""


def said_words(document: Part) -> str:
    """What a protocol event tells; "" of other documents."""
    words = _WORDS.get(field(document, "event.action"), _session_words)
    return words(document)


def story_words(document: Part) -> str:
    """What an alert's document tells: of a sequence what its events tell, each thing once."""
    events = value_at(document, "sensor.alert.events")
    if not isinstance(events, list):
        return said_words(document)
    told = list(dict.fromkeys(filter(None, (
        said_words(event) for event in events if isinstance(event, dict)))))  # fmt: skip
    shown, more = "; then ".join(told[:EVENTS_SHOWN]), len(told) - EVENTS_SHOWN
    return f"{shown}; and {more} more" if more > 0 else shown


def is_session(document: Part) -> bool:
    """True of an event, or a record, of a connection in which people log in."""
    return bool(_session_of(document))


def request_words(document: Part) -> tuple[str, str]:
    """A request of HTTP and its answer: `GET http://192.0.2.1/x`, `200 OK, text/html, 5.6 kB`."""
    method = field(document, "http.request.method") or "request not seen"
    url = _short(document, "url.full") or _short(document, "url.original")
    status = " ".join(filter(None, (field(document, "http.response.status_code"),
                                    _short(document, "http.response.status_phrase"))))
    kind = (_short(document, "http.response.mime_type")
            or _short(document, "http.response.headers.content-type"))
    octets = value_at(document, "http.response.body.bytes")
    answer = [status, kind, data_size(octets) if isinstance(octets, int) else ""]
    return f"{method} {url}".strip(), ", ".join(filter(None, answer)) if status else "no answer"


def handshake_words(document: Part) -> tuple[str, str]:
    """The name that a handshake of TLS asks for, and what became of it."""
    worked = {"success": "handshake completed", "failure": "handshake failed"}
    outcome = worked.get(field(document, "event.outcome"), "handshake not seen whole")
    version = field(document, "tls.version")
    subject = _short(document, "tls.server.subject")
    told = (f"TLS {version}" if version else "", outcome,
            f"certificate of {subject}" if subject else "")  # fmt: skip
    return _short(document, "tls.client.server_name"), ", ".join(filter(None, told))


def tls_request(server_name: str) -> str:
    """What a handshake asks for, as `request_words` has it of HTTP."""
    return f"TLS to {server_name or 'a server without a name'}"


def _http_words(document: Part) -> str:
    return ": ".join(request_words(document))


def _tls_words(document: Part) -> str:
    name, answer = handshake_words(document)
    return f"{tls_request(name)}: {answer}"


def _dns_words(document: Part) -> str:
    """`A www.example.com: 192.0.2.1`, `AAAA x.example: NXDOMAIN`, `A y.example: no answer`."""
    question = (field(document, "dns.question.type"),
                _short(document, "dns.question.name"))  # fmt: skip
    code = field(document, "dns.response_code")
    records = values(document, "dns.answers.data")
    answer = ", ".join(_cut(record) for record in records[:ANSWERS_SHOWN])
    more = len(records) - ANSWERS_SHOWN
    if code not in ("", "NOERROR"):
        answer = code
    elif not records:
        is_answered = field(document, "dns.type") == "answer"
        answer = "no record of this type" if is_answered else "no answer"
    asked = " ".join(filter(None, question)) or "question not seen"
    return f"{asked}: {answer}" + (f" and {more} more" if more > 0 else "")


def _redis_words(document: Part) -> str:
    """`CONFIG SET dir /var/spool/cron: OK`."""
    status = _short(document, "redis.error") or field(document, "network_traffic.redis.status")
    query = _short(document, "network_traffic.redis.query")
    return f"{query or 'command not seen'}: {status or 'no answer'}"


def _ssh_words(document: Part) -> str:
    """`client OpenSSH_9.2p1, server dropbear_2022.83`."""
    sides = ((side, _short(document, f"ssh.{side}.software")) for side in ("client", "server"))
    return ", ".join(f"{side} {software}" for side, software in sides if software)


def _session_words(document: Part) -> str:
    """Whose login, its outcome and why, a command, a transfer, an attack."""
    said = _session_of(document)
    user = field(document, "user.name")
    outcome, exploit = field(said, "login.outcome"), field(said, "exploit.name")
    why = ": ".join(filter(None, (field(said, "login.evidence"), field(said, "login.text"))))
    lines = values(said, "command.line") or values(said, "command.lines")
    elevations = zip(*(values(said, f"elevation.{name}")
                       for name in ("kind", "user", "outcome")), strict=False)
    words = (
        f"login {user or 'without a name'}: {outcome}" if outcome else "",
        f"({why})" if why else "",
        "default password" if field(said, "password.is_default") == "true" else "",
        *(f"{' '.join(filter(None, parts[:2]))}: {parts[2]}" for parts in elevations if parts[0]),
        f"typed: {_typed(lines)}" if lines else "",
        f"{field(document, 'vulnerability.id')} {exploit}:" if exploit else "",
        field(said, "exploit.outcome") if exploit else "",
        f"({field(said, 'exploit.evidence')})" if field(said, "exploit.evidence") else "",
        _transfer_words(document, said),
    )
    return " ".join(filter(None, words))


def _session_of(document: Part) -> Part:
    """What an event has of a protocol with logins; nothing of other documents."""
    for name in LOGINS:
        found = document.get(name)
        if isinstance(found, dict) and (name not in ("http", "redis") or "login" in found):
            return found
    return {}


def _transfer_words(document: Part, said: Part) -> str:
    command = said.get("command")
    if not isinstance(command, str):  # of Telnet it is an object
        return ""
    outcome = field(document, "event.outcome")
    return f"{value_text(command)} {field(document, 'file.path')}: {outcome}"


def _typed(lines: list[str]) -> str:
    """One line as it was typed; several in quotes, as commas and semicolons occur in them."""
    if len(lines) == 1:
        return lines[0]
    return ", ".join('"' + line.replace('"', r'\"') + '"' for line in lines)


def _short(document: Part, name: str) -> str:
    return _cut(field(document, name))


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_MAX else text[: TEXT_MAX - 3] + "..."


_WORDS: dict[str, Callable[[Part], str]] = {
    "http_transaction": _http_words,
    "tls_handshake": _tls_words,
    "dns_query": _dns_words,
    "dns_answer": _dns_words,
    "redis_command": _redis_words,
    "ssh_identification": _ssh_words,
}
"""By `event.action`; of all others what a session tells."""
