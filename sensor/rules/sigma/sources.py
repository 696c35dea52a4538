"""The log sources of Sigma that a tap can stand for: which documents, and which field is which.

Names on the left are those of Sigma's taxonomy (and of Zeek's logs), on the right those of ECS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

STARTED, DENIED, DROPPED = "flow_started", "flow_denied", "flow_dropped"
REFUSED = (DENIED, DROPPED)


@dataclass(frozen=True, slots=True)
class Source:
    """The documents that stand for a log source."""

    where: str
    """The condition, in EQL, that selects them."""
    fields: Mapping[str, str | list[str]]
    """The fields, in lower case; of several any one may fulfil a condition."""
    keywords: tuple[str, ...] = ()
    """The fields in which words without a field are looked for; none: nowhere."""
    values: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    """Of Sigma's fields with words of their own: those that stand for each word."""


_ENDS = {"src_ip": "source.ip", "src_port": "source.port", "dst_ip": "destination.ip",
         "dst_port": "destination.port"}  # fmt: skip
_ZEEK = {
    "id.orig_h": "source.ip", "id.orig_p": "source.port",
    "id.resp_h": "destination.ip", "id.resp_p": "destination.port",
}  # fmt: skip
_PROCESS = {
    "image": "process.executable", "commandline": "process.command_line",
    "processid": "process.pid", "parentimage": "process.parent.executable",
    "parentcommandline": "process.parent.command_line", "user": "user.name",
}  # fmt: skip
"""On a tap alone nobody knows these; with processes most of them are there."""

_CONNECTION = Source(
    f'event.action == "{STARTED}"',
    {
        **_PROCESS, "destinationip": "destination.ip", "destinationport": "destination.port",
        "sourceip": "source.ip", "sourceport": "source.port", "protocol": "network.transport",
        "destinationhostname": "destination.domain", "sourcehostname": "source.domain",
        "initiated": "network.direction",
    },
    # Who began it is asked of a host: what goes out of one comes in at the other.
    values={"initiated": {"true": ("egress",), "false": ("ingress",)}},
)  # fmt: skip
_FIREWALL = Source(
    f'event.action in ("{STARTED}", "{DENIED}", "{DROPPED}")',
    {
        **_ENDS, "action": "event.action", "blocked": "event.action", "protocol":
        "network.transport", "proto": "network.transport", "app": "network.protocol",
    },
    values={
        "action": {
            **dict.fromkeys(("accept", "accepted", "allow", "allowed", "forward", "pass", "permit",
                             "permitted", "2"), (STARTED,)),
            **dict.fromkeys(("block", "blocked", "deny", "denied", "drop", "dropped", "reject",
                             "rejected"), REFUSED),
        },
        "blocked": {"true": REFUSED, "false": (STARTED,)},
    },
)  # fmt: skip

_HTTP = {
    **_ENDS, "c-ip": "source.ip", "s-ip": "destination.ip", "s-port": "destination.port",
    "c-uri-extension": "url.extension", "c-uri-query": "url.query", "c-uri-stem": "url.path",
    "cs-uri-stem": "url.path", "cs-host": "url.domain", "r-dns": "url.domain",
    "cs-method": "http.request.method", "c-useragent": "user_agent.original",
    "cs-user-agent": "user_agent.original", "cs-referer": "http.request.referrer",
    "cs-referrer": "http.request.referrer", "sc-status": "http.response.status_code",
    "cs-bytes": "http.request.bytes", "sc-bytes": "http.response.bytes",
    "cs-version": "http.version", "cs-username": "url.username",
    "cs-content-type": "http.request.headers.content-type",
    "rs-content-type": "http.response.headers.content-type",
}  # fmt: skip
_LINE = ("url.original", "user_agent.original", "http.request.referrer")
"""The texts of a line of an access log that a client chooses."""
_HTTP_WHERE = 'event.dataset == "network_traffic.http"'
# Rules mean the whole URL by c-uri, or what stands behind the host; and by cs-uri-query the query,
# or on web servers all of what stands there.
_EITHER = ["url.full", "url.original"]
_PROXY = Source(_HTTP_WHERE, {**_HTTP, "c-uri": _EITHER, "cs-uri": _EITHER,
                              "cs-uri-query": "url.query"}, ("url.full", *_LINE[1:]))
_WEB_SERVER = Source(_HTTP_WHERE, {**_HTTP, "c-uri": "url.original", "cs-uri": "url.original",
                                   "cs-uri-query": ["url.original", "url.query"]}, _LINE)

_DNS_WHERE = 'event.dataset == "network_traffic.dns"'
_DNS = Source(_DNS_WHERE, {
    **_ENDS, "query": "dns.question.name", "record_type": "dns.question.type",
    "answer": "dns.answers.data", "response": "dns.response_code",
})  # fmt: skip
_DNS_QUERY = Source(_DNS_WHERE, {
    **_PROCESS, "queryname": "dns.question.name", "record_type": "dns.question.type",
    "queryresults": "dns.answers.data",
})  # fmt: skip

_ZEEK_LOGS = {
    "conn": Source('event.action == "network_flow"', {
        **_ZEEK, "proto": "network.transport", "service": "network.protocol",
        "orig_bytes": "source.bytes", "resp_bytes": "destination.bytes",
        "orig_pkts": "source.packets", "resp_pkts": "destination.packets",
        "community_id": "network.community_id",
    }),
    "http": Source(_HTTP_WHERE, {
        **_HTTP, **_ZEEK, "method": "http.request.method", "host": "url.domain",
        "uri": "url.original", "c-uri": "url.original", "referrer": "http.request.referrer",
        "user_agent": "user_agent.original", "version": "http.version",
        "status_code": "http.response.status_code", "status_msg": "http.response.status_phrase",
        "request_body_len": "http.request.body.bytes",
        "response_body_len": "http.response.body.bytes",
        "orig_mime_types": "http.request.mime_type", "resp_mime_types": "http.response.mime_type",
        "client_header_names": "zeek.http.client_header_names",
        "server_header_names": "zeek.http.server_header_names",
    }),
    "dns": Source(_DNS_WHERE, {
        **_ZEEK, "query": "dns.question.name", "qtype_name": "dns.question.type",
        "qclass_name": "dns.question.class", "answers": "dns.answers.data",
        "rcode_name": "dns.response_code", "rejected": "dns.response_code",
        "proto": "network.transport",
    }, values={"rejected": {"true": ("REFUSED",)}}),
    "ssl": Source('event.dataset == "network_traffic.tls"', {
        **_ZEEK, "server_name": "tls.client.server_name", "ja3": "tls.client.ja3",
        "ja3s": "tls.server.ja3s", "cipher": "tls.cipher", "subject": "tls.server.subject",
        "issuer": "tls.server.issuer",
    }),
    "x509": Source('event.dataset == "network_traffic.tls"', {
        "certificate.serial": "tls.server.x509.serial_number",
        "certificate.subject": "tls.server.subject", "certificate.issuer": "tls.server.issuer",
        "san.dns": "tls.server.x509.alternative_names",
    }),
}  # fmt: skip
_CATEGORIES = {
    "network_connection": _CONNECTION, "firewall": _FIREWALL, "proxy": _PROXY,
    "webserver": _WEB_SERVER, "dns": _DNS, "dns_query": _DNS_QUERY,
}  # fmt: skip


def source_of(category: str | None, product: str | None, service: str | None) -> Source | None:
    """The documents that stand for a log source; None if a tap sees nothing of it.

    The product counts only for Zeek's logs: whose firewall or proxy it is makes no difference.
    """
    if product == "zeek" and service is not None:
        return _ZEEK_LOGS.get(service)
    return None if service is not None else _CATEGORIES.get(category or "")
