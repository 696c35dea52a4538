"""What a report says, worked out from what a run left: stories, logins, scans, what stays open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensor.app.contacts import contact_of, opened_after, surroundings, verdict_counts
from sensor.app.exchanges import Exchange
from sensor.app.opened import Opened, SaidInRun
from sensor.ecs.alert_text import endpoints, flow_of, verdict_words
from sensor.ecs.field_text import value_at
from sensor.ecs.said_text import said_words
from sensor.ecs.text import time_text
from sensor.evidence.display_filter import document_filter
from sensor.model.addresses import address_text
from sensor.model.alert import SEVERITIES, Alert
from sensor.model.columns import Document
from sensor.model.flow import (
    ACCEPTED,
    ATTEMPTED,
    DENIED,
    DROPPED,
    EVIDENCE,
    TAG_CONNECT_SCAN,
    UNKNOWN,
)
from sensor.report.collect import AlertsOfRun, FlowsOfRun
from sensor.report.sessions import Session, Sessions

SCAN_TARGETS_MIN = 10
"""Different targets of a source that were not reached, from which on it is said to scan."""
SCANS_SHOWN = 50
CONNECTED_MAX = 200
"""Stories, the worst ones, that are tied to what came before and after."""
OPENED_SHOWN = 8
"""Connections of a server after a login that are named."""
EVIDENCE_WORDS = {
    "none": "nothing shows whether it was accepted",
    "one_sided": "only one side was captured",
    "backscatter": "answers to packets that somebody else sent under this address",
    "midstream": "it was under way when the capture began, and nothing shows how it began",
    "no_reply_expected": "sent to a multicast or broadcast address: nobody has to answer",
    "handshake_incomplete": "the handshake was not completed within the capture",
    "half_open_scan": "the handshake was broken off by who began it",
}
"""Why a verdict stays unknown, by its evidence."""


@dataclass
class Story:
    """The alerts about one flow, or one alert that is about none."""

    alerts: list[Alert]
    session: Session | None = None
    ends: str = ""
    """Of its connection, with names; empty if it is about none."""
    before: str = ""
    """What the same source had tried until then."""
    after: Sequence[Opened] = ()
    """What the server opened after the login."""
    exchanges: Sequence[Exchange] = ()
    """What was asked for in the connection itself, over HTTP or TLS."""

    @property
    def document(self) -> dict[str, Any]:
        """The document that names its connection, and has its verdict if any has."""
        told = [dict(flow_of(alert.document)) for alert in self.alerts]
        return next((one for one in told if value_at(one, "sensor.flow.verdict")), told[0])

    @property
    def severity(self) -> str:
        """The worst one."""
        return self.alerts[0].severity

    @property
    def time_ns(self) -> int:
        """When it was first told of."""
        return min(alert.time_ns for alert in self.alerts)

    @property
    def endpoints(self) -> str:
        return self.ends or endpoints(self.document) or self.alerts[0].message

    @property
    def flow_id(self) -> str:
        return str(value_at(self.document, "flow.id") or "")

    @property
    def community_id(self) -> str:
        return str(value_at(self.document, "network.community_id") or "")

    @property
    def verdict(self) -> str:
        return verdict_words(self.document)

    @property
    def said(self) -> str:
        """What is known of a login."""
        told = self.session.document if self.session else self.alerts[0].document
        return said_words(told)

    @property
    def display_filter(self) -> str:
        """What selects its connection in Wireshark."""
        return document_filter(self.document)


@dataclass
class Scan:
    """A source that tried many targets in vain."""

    source: str
    targets: int
    ports: Sequence[int]
    counts: Counter[str]
    reached: int
    """Connections of it that were accepted."""


@dataclass
class Facts:
    """All of it."""

    stories: list[Story]
    sessions: list[Session]
    connections: list[Document]
    scans: list[Scan]
    undecided: list[tuple[str, int]]
    alerts: int
    heard: SaidInRun
    opened: Mapping[str, Sequence[Opened]]
    """What servers opened after sessions, by `flow.id` of the session."""
    left_out: list[str] = field(default_factory=list)
    """What there was no room for, in words."""

    def logins(self, *outcomes: str) -> list[Session]:
        """The sessions whose login ended so."""
        return [session for session in self.sessions
                if session.telnet.get("login", {}).get("outcome") in outcomes]

    def ends(self, document: Document) -> str:
        """`SRC -> DST` of a document, with the names that were known at its time."""
        contact = contact_of(document)
        return (endpoints(document) if contact is None
                else self.heard.ends(contact, str(document["@timestamp"])))

    @property
    def attacked(self) -> list[Session]:
        """The sessions in which an attack was tried."""
        return [session for session in self.sessions
                if any(value_at(event, "event.action") == "telnet_exploit"
                       for event in session.events)]

    @property
    def external(self) -> list[Document]:
        """The accepted Telnet connections to networks that are not ours."""
        return [one for one in self.connections
                if value_at(one, "network.direction") in ("outbound", "external")]

    @property
    def severities(self) -> Counter[str]:
        """Alerts by severity, the worst first."""
        counts = Counter(alert.severity for story in self.stories for alert in story.alerts)
        return Counter({name: counts[name] for name in reversed(SEVERITIES) if counts[name]})


def facts_of(
    alerts: AlertsOfRun, flows: FlowsOfRun, sessions: Sessions, heard: SaidInRun
) -> Facts:
    """The facts of a run."""
    told = sorted(sessions.kept, key=lambda session: session.start_ns)
    stories = _stories(alerts.kept, {session.flow_id: session for session in told})
    columns = flows.columns.rows()
    for story in stories:
        if (contact := contact_of(story.document)) is not None:
            story.ends = heard.ends(contact, time_text(story.time_ns))
    for story in stories[:CONNECTED_MAX]:
        _connect(story, columns, heard)
    left_out = [
        f"{count:,} {what}" for count, what in (
            (alerts.count - len(alerts.kept), "alerts"),
            (sessions.left_out, "Telnet sessions"),
            (flows.connection_count - len(flows.connections), "accepted Telnet connections"),
            (flows.columns.count - flows.columns.kept, "flows in the search for scans"),
            (heard.exchanges.left_out, "requests of servers after a session"),
        ) if count
    ]
    return Facts(stories, told, flows.connections, _scans(columns), _undecided(columns),
                 alerts.count, heard, _opened(told, columns, heard), left_out)


def _stories(alerts: Iterable[Alert], sessions: dict[str, Session]) -> list[Story]:
    """The alerts by flow, the worst first, then in order of time."""
    grouped: dict[str, list[Alert]] = {}
    for alert in alerts:
        flow_id = value_at(dict(flow_of(alert.document)), "flow.id")
        grouped.setdefault(str(flow_id or alert.id), []).append(alert)
    stories = [
        Story(sorted(group, key=lambda alert: (-alert.risk_score, alert.time_ns)),
              sessions.get(name))
        for name, group in grouped.items()
    ]
    return sorted(stories, key=lambda story: (-SEVERITIES.get(story.severity, 0), story.time_ns))


def _connect(story: Story, flows: NDArray[np.void], heard: SaidInRun) -> None:
    """Tie a story to what its source did before and its server afterwards."""
    contact = contact_of(story.document)
    if not story.flow_id or contact is None:
        return
    around = surroundings(flows, contact, story.time_ns)
    story.before = around.before
    if story.session is not None and story.session.got_in:
        targets = around.after[:OPENED_SHOWN]
        story.after = heard.opened(contact, targets, story.time_ns)
    story.exchanges = heard.in_flow(contact, story.flow_id)


def _opened(
    sessions: Iterable[Session], flows: NDArray[np.void], heard: SaidInRun
) -> dict[str, list[Opened]]:
    """What the servers of sessions in which somebody may have got in opened afterwards."""
    found = {}
    entered = [one for one in sessions if one.got_in and one.start_ns]
    for session in entered[:CONNECTED_MAX]:
        if (contact := contact_of(session.document)) is not None:
            targets = opened_after(flows, contact, session.start_ns)[:OPENED_SHOWN]
            found[session.flow_id] = heard.opened(contact, targets, session.start_ns)
    return found


def _scans(flows: NDArray[np.void]) -> list[Scan]:
    """The sources that tried many targets in vain, most targets first."""
    in_vain = np.isin(flows["verdict"], (DENIED, DROPPED, ATTEMPTED))
    in_vain |= (flows["tags"] & TAG_CONNECT_SCAN) != 0
    failed = flows[in_vain & (flows["protocol"] == 6)]
    scans = []
    for hi, lo, version in np.unique(failed[["orig_hi", "orig_lo", "ip_version"]]).tolist():
        mine = failed[(failed["orig_hi"] == hi) & (failed["orig_lo"] == lo)
                      & (failed["ip_version"] == version)]
        targets = len(np.unique(mine[["resp_hi", "resp_lo", "resp_port"]]))
        if targets < SCAN_TARGETS_MIN:
            continue
        ports = np.unique(mine["resp_port"])
        reached = int(np.count_nonzero((flows["orig_hi"] == hi) & (flows["orig_lo"] == lo)
                                       & (flows["verdict"] == ACCEPTED)))
        scans.append(Scan(address_text(hi, lo, version), targets, ports.tolist(),
                          verdict_counts(mine), reached))
    return sorted(scans, key=lambda scan: -scan.targets)[:SCANS_SHOWN]


def _undecided(flows: NDArray[np.void]) -> list[tuple[str, int]]:
    """Why verdicts stay unknown, and how many, most first."""
    evidence = flows["evidence"][flows["verdict"] == UNKNOWN]
    counts = np.bincount(evidence, minlength=len(EVIDENCE)).tolist()
    found = [(EVIDENCE_WORDS.get(name, name.replace("_", " ")), count)
             for name, count in zip(EVIDENCE, counts, strict=False) if count]
    return sorted(found, key=lambda one: -one[1])
