"""The flow document: every field, its type, unit, meaning, and how it is read from a record.

FIELDS stand in every document; a Group's fields where the record refers to an entry of its
store, as a process or the tunnels of a flow. From these tables come the columns that rules see
(columns.py), the documents that sinks write (template.py, writer.py) and docs/fields.md
(tools/make_field_docs.py). A field of a document and the column of that name always hold the same
values. An analyzer adds its fields as another Group.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

from sensor.base.escape import utf8_text
from sensor.ecs.field import (
    DECIDED,
    HISTORY,
    ICMP,
    LIVE,
    MACS,
    PORTS,
    TCP,
    VLAN_INNER,
    VLAN_OUTER,
    Address,
    Code,
    Computed,
    Constant,
    ContextTable,
    ContextValue,
    Field,
    Mac,
    Number,
    Timestamp,
    Total,
    Values,
    coded,
)
from sensor.ecs.login_fields import LOGIN_FIELDS
from sensor.ecs.process_fields import PROCESS_EVENT_FIELDS, PROCESS_FIELDS
from sensor.ecs.protocol_fields import PROTOCOL_EVENT_FIELDS
from sensor.ecs.tunnel_fields import TUNNEL_FIELDS
from sensor.model.applications import APPLICATIONS
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
    FlowContext,
    FlowRecords,
)

ECS_VERSION = "8.17.0"
PRODUCT = "flow-sensor"
"""The observer.product of the sensor's own documents."""

TRANSPORTS = {
    1: "icmp", 2: "igmp", 3: "ggp", 4: "ipv4", 6: "tcp", 8: "egp", 9: "igp", 17: "udp",
    27: "rdp", 33: "dccp", 41: "ipv6", 46: "rsvp", 47: "gre", 50: "esp", 51: "ah",
    58: "ipv6-icmp", 88: "eigrp", 89: "ospfigp", 94: "ipip", 97: "etherip", 103: "pim",
    108: "ipcomp", 112: "vrrp", 115: "l2tp", 132: "sctp", 136: "udplite", 137: "mpls-in-ip",
    139: "hip", 143: "ethernet",
}
"""IANA protocol numbers by keyword, lower case as ECS wants them; others have the number only."""

ICMP_PROTOCOLS = (1, 58)
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
_DATASET_TABLE: tuple[Values, ...] = tuple(
    ("network_traffic.icmp" if number in ICMP_PROTOCOLS else "network_traffic.flow",)
    for number in range(256)
)
"""Packetbeat has a data set for ICMP, and rules on ICMP look there."""
_APPLICATION_TABLE: tuple[Values, ...] = tuple((name,) if name else () for name in APPLICATIONS)
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
        Field("event.dataset", keyword, "`network_traffic.icmp` of flows of ICMP and ICMPv6",
              Code("protocol", _DATASET_TABLE)),
        Field("event.action", keyword, "`flow_started` accepted, `flow_denied` refused, "
              "`flow_dropped` unanswered, `network_flow` the record of a flow",
              Code("action", coded(tuple(a.action for a in ACTIONS)))),
        Field("event.type", keyword, "what ECS calls the action",
              Code("action", tuple(a.types for a in ACTIONS)), array=True),
        Field("event.outcome", keyword, "`success` accepted, `failure` denied or dropped, else "
              "and while the flow goes on `unknown`", Computed("outcome"),
              origin="verdict and action", values=OUTCOMES),
        Field("event.id", keyword, "the same for the same capture, however it is read",
              Computed("event_id"), origin="flow.id, action and @timestamp"),
        Field("event.start", date, "first packet of the flow", Timestamp("first_ns")),
        Field("event.end", date, "last packet of the flow so far", Timestamp("last_ns")),
        Field("event.duration", "long", "last packet minus first", Computed("duration"), unit="ns",
              origin="last_ns - first_ns"),
        Field("event.created", date, "wall clock when the document was made: minus @timestamp it "
              "is the latency", Computed("created"), when=LIVE, origin="the live pipeline"),
        Field("ecs.version", keyword, "", Constant((ECS_VERSION,))),
        Field("data_stream.type", "constant_keyword", "", Constant(("logs",))),
        Field("data_stream.dataset", "constant_keyword", "as event.dataset",
              Code("protocol", _DATASET_TABLE)),
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
        Field("network.iana_number", keyword, "protocol number", Number("protocol", text=True),
              values=tuple(map(str, range(256)))),
        Field("network.bytes", "long", "both directions", Total("bytes"), unit="octets"),
        Field("network.packets", "long", "both directions", Total("packets")),
        Field("network.community_id", keyword, "Community ID v1, seed 0",
              Computed("community_id"), origin="flow key"),
        Field("network.direction", keyword, "`inbound`, `outbound`, `internal` or `external`, by "
              "the networks of `--internal`", Computed("direction"), origin="both addresses",
              values=DIRECTIONS),
        Field("network.protocol", keyword, "application protocol, where the first octets of either "
              "side prove it", Code("application", _APPLICATION_TABLE)),
        Field("network.vlan.id", keyword, "outer VLAN id, first seen",
              Number("vlan_outer", text=True), when=VLAN_OUTER),
        Field("network.inner.vlan.id", keyword, "inner VLAN id, first seen",
              Number("vlan_inner", text=True), when=VLAN_INNER),
        *(field for place in ("icmp", "network_traffic.icmp") for field in (
            Field(f"{place}.version", "long", "4: ICMP, 6: ICMPv6", Number("ip_version"),
                  when=ICMP),
            Field(f"{place}.request.type", "long", "of the originator's first packet",
                  Number("orig_port"), when=ICMP),
            Field(f"{place}.request.code", "long", "of the originator's first packet",
                  Number("icmp_code"), when=ICMP),
        )),
    ]


def _sensor_fields() -> list[Field]:
    keyword = "keyword"
    fields = [
        Field("observer.type", keyword, "", Constant(("sensor",))),
        Field("observer.product", keyword, "", Constant((PRODUCT,))),
        Field("observer.hostname", keyword, "the machine that ran the sensor",
              ContextValue("hostname")),
        Field("observer.version", keyword, "of the sensor", ContextValue("version")),
        Field("observer.ingress.interface.name", keyword, "where the flow's first packet was "
              "captured, where the capture names it", ContextTable("interface", "interfaces")),
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
              "live capture", ContextTable("decided_file", "files"), when=DECIDED),
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

FLOW_FIELDS = {field.name: field for field in FIELDS}


@dataclass(frozen=True, slots=True)
class Group:
    """Fields of the documents whose record refers to an entry of one of the run's stores.

    Those below `sensor.` stand in the document's own object of that name; the others are objects
    at its top, of names that no other field of the document begins with.
    """

    member: str
    """Of the record: the number of the entry, 0 for none."""
    entries: Callable[[FlowContext], Callable[[int], object] | None]
    """What gives an entry by its number; None where the run has no store."""
    fields: tuple[Field, ...]


def _processes(run: FlowContext) -> Callable[[int], object] | None:
    return run.processes.__getitem__ if run.processes is not None else None


def _tunnels(run: FlowContext) -> Callable[[int], object] | None:
    return run.tunnels.path if run.tunnels is not None else None


def _logins(run: FlowContext) -> Callable[[int], object] | None:
    return run.logins.__getitem__ if run.logins is not None else None


GROUPS = (
    Group("process", _processes, PROCESS_FIELDS),
    Group("tunnel", _tunnels, TUNNEL_FIELDS),
    Group("pending_isn", _logins, LOGIN_FIELDS),
)
GROUP_FIELDS = {
    name: tuple((group, field) for group in GROUPS for field in group.fields if field.name == name)
    for name in dict.fromkeys(field.name for group in GROUPS for field in group.fields)
}
"""By name, the group that may have it; several: no document has it of more than one."""


ALERT_FIELDS = (
    Field("message", "match_only_text", "the alert in one line for people"),
    Field("event.severity", "long", "21 low, 47 medium, 73 high, 99 critical, by rule"),
    Field("event.risk_score", "float", "by rule, 0 to 100"),
    Field("rule.id", "keyword", "of the rule that matched"),
    Field("rule.uuid", "keyword", "of the rule that matched"),
    Field("rule.name", "keyword", ""),
    Field("rule.version", "keyword", ""),
    Field("rule.description", "keyword", ""),
    Field("rule.category", "keyword", ""),
    Field("rule.reference", "keyword", "where to read on"),
    Field("rule.ruleset", "keyword", "the file or set that the rule came from"),
    Field("threat.framework", "keyword", "MITRE ATT&CK"),
    *(
        Field(f"threat.{level}.{part}", "keyword", "by rule", array=True)
        for level, part in product(
            ("tactic", "technique", "technique.subtechnique"), ("id", "name", "reference"))
    ),
    Field("sensor.alert.id", "keyword", "the same for the same capture and rule"),
    Field("sensor.alert.original", "flattened", "of an alert on a document from elsewhere: its own "
          "`message`, `rule`, `event.kind`, `event.severity` and `event.risk_score`"),
    Field("sensor.alert.suppressed_count", "long", "alerts that this one stands for"),
    Field("sensor.alert.events", "nested", "the events of a sequence alert", array=True),
    Field("sensor.alert.threshold.field", "keyword", "what events were grouped by",
               array=True),
    Field("sensor.alert.threshold.value", "keyword", "the group: a value for each field",
               array=True),
    Field("sensor.alert.threshold.count", "long", "events of the group"),
    Field("sensor.alert.threshold.cardinality.field", "keyword",
               "the field of which different values were counted"),
    Field("sensor.alert.threshold.cardinality.value", "long", "how many different values"),
    Field("sensor.alert.new_terms.field", "keyword", "the fields watched for new values",
               array=True),
    Field("sensor.alert.new_terms.value", "keyword", "what was new", array=True),
    Field("threat.enrichments", "nested", "indicators that the event met", array=True),
)

def known_fields(*, processes: bool = False) -> dict[str, str]:
    """The Elasticsearch type of every field that a rule may test in the sensor's documents.

    `processes` adds those of processes, for runs that can learn of any.
    """
    fields = [*FIELDS, *TUNNEL_FIELDS, *ALERT_FIELDS, *PROTOCOL_EVENT_FIELDS]
    if processes:
        fields += [*PROCESS_FIELDS, *PROCESS_EVENT_FIELDS]
    return {field.name: field.type for field in fields}


def context_names(context: FlowContext, attribute: str) -> list[str]:
    """The list of the run's context that a ContextTable names; no files in live capture."""
    if attribute == "files":
        return [] if context.live else context.files
    return context.interfaces


def context_table(names: Sequence[str]) -> tuple[Values, ...]:
    """A list of the run's context as a table: valid text, and none for an empty name."""
    return tuple((utf8_text(name),) if name else () for name in names)


def created_ns(batch: FlowRecords) -> int:
    """The wall clock of the batch's documents, 0 where they shall not have one."""
    return batch.created_ns if batch.context.live else 0
