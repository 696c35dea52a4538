"""The fields of DNS, mDNS and LLMNR: ECS, and beside it what Packetbeat has."""

from __future__ import annotations

from sensor.ecs.field import Field
from sensor.model.protocol_values import OPCODES, OUTCOMES

_FLAGS = (
    ("authoritative", "AA: the server has authority for the name"),
    ("truncated_response", "TC: there is more than fits into the message"),
    ("recursion_desired", "RD"),
    ("recursion_available", "RA"),
    ("authentic_data", "AD: the server has verified the records (RFC 4035)"),
    ("checking_disabled", "CD: the asker will verify them itself"),
)

DNS_FIELDS = (
    Field("event.type", "keyword", "", array=True, values=("connection", "protocol")),
    Field("event.outcome", "keyword", "`success`, `failure` or `unknown`: of a login, or of a query"
          " of DNS, whose code is NOERROR or another one, or whose answer was not seen",
          values=OUTCOMES),
    Field("event.start", "date", "of DNS: the query, where an answer was seen"),
    Field("event.end", "date", "of DNS: the answer"),
    Field("event.duration", "long", "of DNS: from the query to its answer", unit="ns"),
    Field("related.hosts", "keyword", "the name that is asked for", array=True),
    Field("related.ip", "ip", "both addresses; of DNS, those that the name resolves to as well",
          array=True),
    Field("dns.type", "keyword", "`answer`, or `query`: none was seen", values=("answer", "query")),
    Field("dns.id", "keyword", "number of the query; 0 in mDNS"),
    Field("dns.op_code", "keyword", "`QUERY`, `NOTIFY`, `UPDATE`...",
          values=tuple(OPCODES.get(code) or str(code) for code in range(16))),
    Field("dns.response_code", "keyword", "`NOERROR`, `NXDOMAIN`..., of an answer; with the bits"
          " that EDNS adds"),
    Field("dns.question.name", "keyword", "the name that is asked for, as it was sent, without the"
          " dot at its end; of several questions the first"),
    Field("dns.question.type", "keyword", "`A`, `AAAA`...; `TYPE65280` (RFC 3597)"),
    Field("dns.question.class", "keyword", "`IN`..."),
    Field("dns.answers.name", "keyword", "of each record of the answer, at most 64", array=True),
    Field("dns.answers.type", "keyword", "of each", array=True),
    Field("dns.answers.class", "keyword", "of each", array=True),
    Field("dns.answers.ttl", "long", "of each", unit="s", array=True),
    Field("dns.answers.data", "keyword", "of each, as a zone file has it; of types that are not"
          " read hexadecimal digits; at most 1,024 characters", array=True),
    Field("dns.answers_count", "long", "records of the answer, by the header"),
    Field("dns.authorities_count", "long", "records about authorities"),
    Field("dns.additionals_count", "long", "further records, without that of EDNS"),
    Field("dns.resolved_ip", "ip", "addresses of the records A and AAAA", array=True),
    Field("dns.header_flags", "keyword", "of `AA`, `TC`, `RD`, `RA`, `AD`, `CD` and, of EDNS, `DO`:"
          " of the answer, or of a query without one", array=True,
          values=("AA", "TC", "RD", "RA", "AD", "CD", "DO")),
    *(Field(f"dns.flags.{name}", "boolean", meaning) for name, meaning in _FLAGS),
    Field("dns.opt.version", "keyword", "of EDNS (RFC 6891)"),
    Field("dns.opt.do", "boolean", "DNSSEC is understood (RFC 3225)"),
    Field("dns.opt.udp_size", "long", "octets of a datagram that the sender takes"),
)
