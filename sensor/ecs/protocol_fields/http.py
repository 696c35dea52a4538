"""The fields of HTTP's transactions and logins.

Names are those of ECS, or of Packetbeat where ECS has none (`status`, `request`, header fields)."""

from __future__ import annotations

from sensor.ecs.field import Field
from sensor.ecs.protocol_fields.cleartext import login_fields
from sensor.model.http_headers import (
    LENGTH_HEADER,
    REQUEST_HEADERS,
    RESPONSE_HEADERS,
    SCHEME_HEADERS,
    SECRET_HEADERS,
)
from sensor.model.protocol_values import HTTP_ANOMALIES, OUTCOMES, STATUSES

_VERSIONS = ("2", *(f"{major}.{minor}" for major in range(10) for minor in range(10)))
_MASKED = {
    **dict.fromkeys(SCHEME_HEADERS, "the scheme, `Basic ***`"),
    **dict.fromkeys(SECRET_HEADERS, "`***`: it is there"),
}


def _headers(side: str, names: tuple[str, ...]) -> tuple[Field, ...]:
    return tuple(
        Field(f"http.{side}.headers.{name}", "long" if name == LENGTH_HEADER else "keyword",
              _MASKED.get(name, f"header field of the {side}"))
        for name in names
    )


def _message(side: str) -> tuple[Field, ...]:
    """The fields that requests and responses have both."""
    return (
        Field(f"http.{side}.bytes", "long", f"octets of the {side}, head and body, as sent"),
        Field(f"http.{side}.body.bytes", "long", "octets of its body as sent, without what chunks"
              " add"),
        Field(f"http.{side}.body.content", "wildcard", "its body, unpacked, if it is text: the"
              " first 64 KiB, passwords masked"),
        Field(f"http.{side}.mime_type", "keyword", "by the first octets of its body, whatever"
              " `Content-Type` says"),
        Field(f"sensor.http.{side}.body.is_truncated", "boolean", "there was more of the body than"
              " is told", values=(True,)),
        Field(f"sensor.http.{side}.is_incomplete", "boolean", f"the {side} was not seen to its end,"
              " or nobody can say where that is", values=(True,)),
    )


HTTP_FIELDS = (
    *login_fields("http"),
    Field("event.category", "keyword", "", array=True,
          values=("network", "web", "authentication")),
    Field("event.type", "keyword", "", array=True,
          values=("connection", "protocol", "start", "info")),
    Field("event.outcome", "keyword", "of a login `success`, `failure` or `unknown`; of an HTTP"
          " transaction `failure` from status 400 on, `unknown` without a response",
          values=OUTCOMES),
    Field("event.start", "date", "of a transaction: the packet with its first octet"),
    Field("event.end", "date", "the packet that completed it"),
    Field("event.duration", "long", "the time between them", unit="ns"),
    Field("status", "keyword", "`OK`; `Error` from status 400 on and without a response",
          values=STATUSES),
    Field("request", "wildcard", "head and body of the request as sent, passwords masked"),
    Field("destination.domain", "keyword", "the host that is asked for, if it is named"),
    Field("related.hosts", "keyword", "the same", array=True),
    Field("http.version", "keyword", "of the request, or of a response alone: `1.0`, `1.1`; `2`:"
          " HTTP/2 was begun, which is not read", values=_VERSIONS),
    Field("http.request.method", "keyword", "as sent"),
    Field("http.request.referrer", "keyword", "the header field Referer"),
    *_message("request"),
    *_headers("request", REQUEST_HEADERS),
    Field("http.response.status_code", "long", "", origin="RFC 9110 15"),
    Field("http.response.status_phrase", "keyword", "what the server calls it"),
    *_message("response"),
    *_headers("response", RESPONSE_HEADERS),
    Field("sensor.http.request.frame", "long", "number of the packet that completed the request's"
          " head"),
    Field("sensor.http.anomalies", "keyword", "what is wrong or not clear about the messages:"
          " docs/http.md", array=True, values=HTTP_ANOMALIES),
    Field("url.original", "wildcard", "what is asked for, as sent; passwords masked"),
    Field("url.full", "wildcard", "the same with the host"),
    Field("url.scheme", "keyword", ""),
    Field("url.domain", "keyword", "host in the target, else in Host; lower case"),
    Field("url.port", "long", "port in it, else the scheme's own"),
    Field("url.path", "wildcard", "as sent: not decoded, dots not resolved"),
    Field("url.query", "keyword", ""),
    Field("url.fragment", "keyword", ""),
    Field("url.extension", "keyword", "of the path's last part, without the dot"),
    Field("url.username", "keyword", "account in the target"),
    Field("url.password", "keyword", "`***`: a password stands in the target", values=("***",)),
    Field("user_agent.original", "keyword", "the header field User-Agent"),
    Field("zeek.http.client_header_names", "keyword", "names of the request's header fields, upper"
          " case, in order", array=True),
    Field("zeek.http.server_header_names", "keyword", "of the response's", array=True),
)
