"""The flow document: every field, its type, unit, meaning, and how it is read from a record.

One table, FIELDS. From it come the columns that rules see (here), the documents that sinks write
(writer.py) and docs/fields.md (`python -m sensor.ecs.schema`). A field of a document and the column
of that name always hold the same values.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from sensor.base.frozen import frozen
from sensor.model.flow import (
    ACCEPTED,
    ACTIONS,
    CONN_STATES,
    DENIED,
    DROPPED,
    END_REASONS,
    EVIDENCE,
    TAGS,
    VERDICTS,
)
from sensor.model.processes import PROCESS_FIELDS
from sensor.model.tunnels import TUNNEL_FIELDS

if TYPE_CHECKING:
    from sensor.ecs.flow_batch import FlowBatch
    from sensor.model.columns import Column, Scalar
    from sensor.model.flow import FlowContext

ECS_VERSION = "8.17.0"

Values = tuple["Scalar", ...]

# When a field is present: one bit each, so that the renderer tests them all at once.
ALWAYS, PORTS, ICMP, TCP, MACS, VLAN_OUTER, VLAN_INNER, HISTORY, DECIDED, LIVE = (
    0, 1, 2, 4, 8, 16, 32, 64, 128, 256)
WHEN = {
    ALWAYS: "always",
    PORTS: "TCP, UDP, SCTP, DCCP, UDP-Lite",
    ICMP: "ICMP and ICMPv6",
    TCP: "TCP",
    MACS: "the link has MAC addresses",
    VLAN_OUTER: "the flow's first tagged packet had a tag",
    VLAN_INNER: "it had a second tag",
    HISTORY: "any packet of it was seen",
    DECIDED: "the verdict was decided by a frame",
    LIVE: "live capture only",
}


@frozen
class Constant:
    """The same value in every document."""

    values: Values


@frozen
class Told:
    """An attribute of the run's FlowContext, the same in every document."""

    attribute: str


@frozen
class Number:
    """A member of the record, or one of its pair; `text` where ECS wants a number as keyword."""

    member: str
    index: int = 0
    text: bool = False


@frozen
class Total:
    """Both members of a pair, added."""

    member: str


@frozen
class Code:
    """A member that is an index into a table of values; an empty tuple means: absent."""

    member: str
    table: tuple[Values, ...]
    index: int = 0


@frozen
class Listed:
    """A member that is an index into a list of the run's FlowContext (file and interface names)."""

    member: str
    attribute: str


@frozen
class Address:
    """An address; the member named is its upper half, the lower follows."""

    member: str


@frozen
class Moment:
    """A time, nanoseconds since 1970."""

    member: str


@frozen
class Mac:
    """Six octets of a MAC address."""

    member: str


@frozen
class Computed:
    """A value with code of its own in ecs/columns.py and ecs/writer.py."""

    what: str


@frozen
class Never:
    """A known field that no analyzer proves yet: absent from every document."""


Reading = (
    Constant | Told | Number | Total | Code | Listed | Address | Moment | Mac | Computed | Never
)


@frozen
class Field:
    """One field of a document."""

    name: str
    type: str
    """As ECS or, for fields that are not ECS, as an index template should map it."""
    meaning: str
    reading: Reading
    when: int = ALWAYS
    unit: str = ""
    array: bool = False
    origin: str = ""
    """Where the value comes from, if the reading does not tell."""


def coded(names: tuple[str, ...], absent: int | None = None) -> tuple[Values, ...]:
    """A table of one value for each code, none for the code `absent`."""
    return tuple(() if code == absent else (name,) for code, name in enumerate(names))


TRANSPORTS = {
    1: "icmp", 2: "igmp", 3: "ggp", 4: "ipv4", 6: "tcp", 8: "egp", 9: "igp", 17: "udp",
    27: "rdp", 33: "dccp", 41: "ipv6", 46: "rsvp", 47: "gre", 50: "esp", 51: "ah",
    58: "ipv6-icmp", 88: "eigrp", 89: "ospfigp", 94: "ipip", 97: "etherip", 103: "pim",
    108: "ipcomp", 112: "vrrp", 115: "l2tp", 132: "sctp", 136: "udplite", 137: "mpls-in-ip",
    139: "hip", 143: "ethernet",
}
"""IANA protocol numbers by keyword, lower case as ECS wants them; others have the number only."""

PORT_PROTOCOLS = (6, 17, 33, 132, 136)
TCP_FLAGS = ((1, "F"), (2, "S"), (4, "R"), (8, "P"), (16, "A"), (32, "U"), (64, "E"), (128, "C"))
DIRECTIONS = ("external", "inbound", "outbound", "internal")
"""By 2 * (the originator is inside) + (the responder is inside)."""

OUTCOMES = ("unknown", "success", "failure")
OUTCOME_SHIFT = 4
"""Where the code of the outcome stands in flow_columns.derived_codes."""
OUTCOME_BY_VERDICT = tuple(
    {ACCEPTED: 1, DENIED: 2, DROPPED: 2}.get(code, 0) for code in range(len(VERDICTS))
)
"""Codes into OUTCOMES; a flow that is still open has none yet: unknown."""
_TRANSPORT_TABLE: tuple[Values, ...] = tuple(
    (TRANSPORTS[number],) if number in TRANSPORTS else () for number in range(256)
)
_FLAG_TABLE: tuple[Values, ...] = tuple(
    ("".join(letter for bit, letter in TCP_FLAGS if flags & bit),) if flags else ()
    for flags in range(256)
)
_TAG_TABLE: tuple[Values, ...] = tuple(
    tuple(tag for bit, tag in enumerate(TAGS) if tags >> bit & 1) for tags in range(256)
)
_VERSION_TABLE: tuple[Values, ...] = ((), (), (), (), ("ipv4",), (), ("ipv6",))
_PERCENT_TABLE: tuple[Values, ...] = tuple((percent / 100,) for percent in range(256))


def _event_fields() -> list[Field]:
    keyword, date = "keyword", "date"
    return [
        Field("@timestamp", date, "of a decision the packet that decided it, of a record "
              "(`network_flow`) the last packet", Computed("event_time")),
        Field("event.kind", keyword, "`alert` on alerts", Constant(("event",))),
        Field("event.category", keyword, "", Constant(("network",)), array=True),
        Field("event.module", keyword, "", Constant(("network_traffic",))),
        Field("event.dataset", keyword, "", Constant(("network_traffic.flow",))),
        Field("event.action", keyword, "`flow_started` accepted, `flow_denied` refused, "
              "`flow_dropped` unanswered, `network_flow` the record of a flow",
              Code("action", coded(tuple(a.action for a in ACTIONS)))),
        Field("event.type", keyword, "what ECS calls the action",
              Code("action", tuple(a.types for a in ACTIONS)), array=True),
        Field("event.outcome", keyword, "`success` accepted, `failure` denied or dropped, else "
              "and while the flow goes on `unknown`", Computed("outcome"),
              origin="verdict and action"),
        Field("event.id", keyword, "the same for the same capture, however it is read",
              Computed("event_id"), origin="flow.id, action and @timestamp"),
        Field("event.start", date, "first packet of the flow", Moment("first_ns")),
        Field("event.end", date, "last packet of the flow so far", Moment("last_ns")),
        Field("event.duration", "long", "last packet minus first", Computed("duration"), unit="ns",
              origin="last_ns - first_ns"),
        Field("event.created", date, "wall clock when the document was made: minus @timestamp it "
              "is the latency", Computed("created"), when=LIVE, origin="the live pipeline"),
        Field("ecs.version", keyword, "", Constant((ECS_VERSION,))),
        Field("data_stream.type", "constant_keyword", "", Constant(("logs",))),
        Field("data_stream.dataset", "constant_keyword", "", Constant(("network_traffic.flow",))),
        Field("data_stream.namespace", "constant_keyword", "", Constant(("default",))),
        Field("flow.id", keyword, "the same in all documents of a flow", Computed("flow_id"),
              origin="flow key, first_ns, initial sequence number"),
        Field("flow.final", "boolean", "no later document of this flow follows",
              Code("action", tuple((a.final,) for a in ACTIONS))),
    ]


def _side_fields(name: str, side: str, index: int) -> list[Field]:
    opener = "the side that opened the flow" if index == 0 else "the other side"
    return [
        Field(f"{name}.ip", "ip", opener, Address(f"{side}_hi")),
        Field(f"{name}.port", "long", "", Number(f"{side}_port"), when=PORTS),
        Field(f"{name}.mac", "keyword", "of its first packet, or of the first hop",
              Mac(f"{side}_mac"), when=MACS),
        Field(f"{name}.bytes", "long", "of the IP packets it sent, headers included, by the IP "
              "length", Number("bytes", index), unit="octets"),
        Field(f"{name}.packets", "long", "that it sent", Number("packets", index)),
    ]


def _network_fields() -> list[Field]:
    keyword = "keyword"
    return [
        Field("network.transport", keyword, "IANA keyword of the protocol; absent for numbers "
              "without a common one", Code("protocol", _TRANSPORT_TABLE)),
        Field("network.type", keyword, "`ipv4` or `ipv6`", Code("ip_version", _VERSION_TABLE)),
        Field("network.iana_number", keyword, "protocol number", Number("protocol", text=True)),
        Field("network.bytes", "long", "both directions", Total("bytes"), unit="octets"),
        Field("network.packets", "long", "both directions", Total("packets")),
        Field("network.community_id", keyword, "Community ID v1, seed 0",
              Computed("community_id"), origin="flow key"),
        Field("network.direction", keyword, "`inbound`, `outbound`, `internal` or `external`, by "
              "the networks of `--internal`", Computed("direction"), origin="both addresses"),
        Field("network.protocol", keyword, "application protocol, only where the payload proves "
              "it", Never()),
        Field("network.vlan.id", keyword, "outer VLAN id, first seen",
              Number("vlan_outer", text=True), when=VLAN_OUTER),
        Field("network.inner.vlan.id", keyword, "inner VLAN id, first seen",
              Number("vlan_inner", text=True), when=VLAN_INNER),
        Field("icmp.request.type", "long", "of the originator's first packet",
              Number("icmp_type"), when=ICMP),
        Field("icmp.request.code", "long", "of the originator's first packet",
              Number("icmp_code"), when=ICMP),
    ]


def _sensor_fields() -> list[Field]:
    keyword = "keyword"
    fields = [
        Field("observer.type", keyword, "", Constant(("sensor",))),
        Field("observer.product", keyword, "", Constant(("flow-sensor",))),
        Field("observer.hostname", keyword, "the machine that ran the sensor", Told("hostname")),
        Field("observer.version", keyword, "of the sensor", Told("version")),
        Field("observer.ingress.interface.name", keyword, "where the flow's first packet was "
              "captured, where the capture names it", Listed("interface", "interfaces")),
        Field("related.ip", "ip", "both addresses", Computed("related_ip"), array=True),
        Field("sensor.flow.verdict", keyword, "was the connection accepted? (docs/verdict.md)",
              Code("verdict", coded(VERDICTS))),
        Field("sensor.flow.confidence", "float", "in the verdict, 0 to 1",
              Code("confidence", _PERCENT_TABLE)),
        Field("sensor.flow.evidence", keyword, "what the verdict rests on",
              Code("evidence", coded(EVIDENCE))),
        Field("sensor.flow.tags", keyword, "absent if there are none", Code("tags", _TAG_TABLE),
              array=True),
        Field("sensor.flow.conn_state", keyword, "in zeek's codes",
              Code("conn_state", coded(CONN_STATES))),
        Field("sensor.flow.history", keyword, "in zeek's letters", Computed("history"),
              when=HISTORY),
        Field("sensor.flow.end_reason", keyword, "absent while the flow goes on",
              Code("end_reason", coded(END_REASONS, absent=0))),
    ]
    for index, side in enumerate(("orig", "resp")):
        who = "originator" if index == 0 else "responder"
        fields += [
            Field(f"sensor.flow.tcp_flags_{side}", keyword, f"flags the {who} sent, of FSRPAUEC",
                  Code("tcp_flags", _FLAG_TABLE, index), when=TCP),
            Field(f"sensor.flow.payload_bytes_{side}", "long", "behind the transport headers",
                  Number("payload_bytes", index), unit="octets"),
            Field(f"sensor.flow.missed_bytes_{side}", "long", "payload that was acknowledged or "
                  "skipped but never seen", Number("missed_bytes", index), unit="octets"),
        ]
    return [
        *fields,
        Field("sensor.capture.frame", "long", "number of the deciding frame in its file, from 1",
              Number("decided_frame"), when=DECIDED),
        Field("sensor.capture.file", keyword, "the file the deciding packet came from; absent in "
              "live capture", Listed("decided_file", "files"), when=DECIDED),
    ]


MIRRORS = {"client": "source", "server": "destination"}
"""Objects of the document that are always equal to another one."""


def _flow_fields() -> tuple[Field, ...]:
    sides = [("source", "orig", 0), ("destination", "resp", 1),
             ("client", "orig", 0), ("server", "resp", 1)]
    peers = [field for side in sides for field in _side_fields(*side)]
    return (*_event_fields(), *peers, *_network_fields(), *_sensor_fields())


FIELDS = _flow_fields()
"""Of the flow document, in its order."""

BY_NAME = {field.name: field for field in FIELDS}


@frozen
class AlertField:
    """A field that only alert documents have; everything of the event that matched is there too."""

    name: str
    type: str
    meaning: str
    array: bool = False


ALERT_FIELDS = (
    AlertField("message", "match_only_text", "the alert in one line for people"),
    AlertField("event.severity", "long", "21 low, 47 medium, 73 high, 99 critical, by rule"),
    AlertField("event.risk_score", "float", "by rule, 0 to 100"),
    AlertField("rule.id", "keyword", "of the rule that matched"),
    AlertField("rule.uuid", "keyword", "of the rule that matched"),
    AlertField("rule.name", "keyword", ""),
    AlertField("rule.version", "keyword", ""),
    AlertField("rule.description", "keyword", ""),
    AlertField("rule.category", "keyword", ""),
    AlertField("rule.reference", "keyword", "where to read on"),
    AlertField("rule.ruleset", "keyword", "the file or set that the rule came from"),
    AlertField("threat.framework", "keyword", "MITRE ATT&CK"),
    *(
        AlertField(f"threat.{level}.{part}", "keyword", "by rule", array=True)
        for level, part in product(
            ("tactic", "technique", "technique.subtechnique"), ("id", "name", "reference"))
    ),
    AlertField("sensor.alert.id", "keyword", "the same for the same capture and rule"),
    AlertField("sensor.alert.suppressed_count", "long", "alerts that this one stands for"),
    AlertField("sensor.alert.events", "nested", "the events of a sequence alert", array=True),
    AlertField("sensor.alert.threshold.field", "keyword", "what events were grouped by",
               array=True),
    AlertField("sensor.alert.threshold.value", "keyword", "the group: a value for each field",
               array=True),
    AlertField("sensor.alert.threshold.count", "long", "events of the group"),
    AlertField("sensor.alert.threshold.cardinality.field", "keyword",
               "the field of which different values were counted"),
    AlertField("sensor.alert.threshold.cardinality.value", "long", "how many different values"),
    AlertField("sensor.alert.new_terms.field", "keyword", "the fields watched for new values",
               array=True),
    AlertField("sensor.alert.new_terms.value", "keyword", "what was new", array=True),
    AlertField("threat.enrichments", "nested", "indicators that the event met", array=True),
)

_ALERT_TYPES = {field.name: field.type for field in ALERT_FIELDS}


def type_of(name: str) -> str | None:
    """The Elasticsearch type of a field of flow or alert documents; None if there is no such."""
    field = BY_NAME.get(name)
    return field.type if field else _ALERT_TYPES.get(name)


def is_sensor_field(name: str) -> bool:
    """Whether the flow document has the field, so that a rule on it can ever match."""
    return name in BY_NAME


def column_of(batch: FlowBatch, name: str) -> Column | None:
    """The column of an ECS field, or None where the sensor's events never have it."""
    from sensor.ecs.columns import read  # noqa: PLC0415  reads through this table

    field = BY_NAME.get(name)
    return read(field, batch) if field else None


def _origin(field: Field) -> str:  # noqa: PLR0911  a list of cases
    """Where the value of a field comes from, for the page."""
    if field.origin:
        return field.origin
    match field.reading:
        case Constant(values):
            return ", ".join(f"`{value}`" for value in values)
        case Told(attribute):
            return f"the run: {attribute}"
        case Listed(member, attribute):
            return f"{member} in the run's {attribute}"
        case Never() | Computed():
            return ""
        case Total(member):
            return f"sum of {member}"
        case Number(member, index) | Code(member, _, index):
            paired = member in ("bytes", "packets", "payload_bytes", "missed_bytes", "tcp_flags")
            return f"{member}[{index}]" if paired else member
        case reading:
            return reading.member


def _cells(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


_THREE = (_cells("field", "type", "meaning"), _cells(*["---"] * 3))


def page() -> str:
    """docs/fields.md."""
    lines = [
        "# Fields",
        "",
        "Generated by `python -m sensor.ecs.schema > docs/fields.md`; do not edit.",
        "",
        f"Documents are nested JSON, valid against ECS {ECS_VERSION}. Times are RFC 3339 in UTC,",
        "with nine decimals. *From* names members of `records.FLOW_LAYOUT` or says what is",
        "computed; in pairs, 0 is the originator and 1 the responder.",
        "",
        "## Flow documents",
        "",
        _cells("field", "type", "unit", "meaning", "from", "present"),
        _cells(*["---"] * 6),
    ]
    for field in FIELDS:
        present = "not yet" if isinstance(field.reading, Never) else WHEN[field.when]
        lines.append(_cells(f"`{field.name}`", field.type + "[]" * field.array, field.unit,
                            field.meaning, _origin(field), present))
    lines += [
        "",
        "## Tunnels", "",
        "Flow documents have these too where the packets of the flow came through tunnels, the",
        "outermost first: [tunnels.md](tunnels.md). Fields without a value are absent.", "",
        *_THREE,
        *(_cells(f"`{known.name}`", f"{known.type}[]", known.meaning) for known in TUNNEL_FIELDS),
        "",
        "## Processes",
        "",
        "Flow documents have these too where the process that owns the socket is known, and so do",
        "process events: [host-events.md](host-events.md). Fields without a value are absent.",
        "",
        *_THREE,
    ]
    for known in PROCESS_FIELDS:
        lines.append(_cells(f"`{known.name}`", known.type + "[]" * known.array, known.meaning))
    lines += [
        "",
        "## Alert documents",
        "",
        "The fields of the event that matched (`event.kind` is `alert`), and these:",
        "",
        *_THREE,
    ]
    for extra in ALERT_FIELDS:
        lines.append(_cells(f"`{extra.name}`", extra.type + "[]" * extra.array, extra.meaning))
    return "\n".join(lines) + "\n"


def files_of(context: FlowContext) -> list[str]:
    """The names that `sensor.capture.file` can have: none in live capture."""
    return [] if context.live else context.files


def names_of(context: FlowContext, attribute: str) -> tuple[Values, ...]:
    """A list of the run's context as a table: clean text, and none for an empty name."""
    names = files_of(context) if attribute == "files" else getattr(context, attribute)
    return tuple((clean(name),) if name else () for name in names)


def clean(text: str) -> str:
    """Text that UTF-8 can hold: octets of a name that are none become U+FFFD."""
    if text.isascii():
        return text
    return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)


def created_ns(batch: FlowBatch) -> Any:
    """The wall clock of the batch's documents, 0 where they shall not have one."""
    return batch.created_ns if batch.context.live else 0


if __name__ == "__main__":
    print(page(), end="")
