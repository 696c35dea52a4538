"""The alerts of a run by connection, with what was said in each and what came before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from sensor.app.contacts import Contact, contact_of, surroundings
from sensor.app.exchanges import Exchange
from sensor.app.flow_columns import FlowColumns
from sensor.app.opened import Opened, SaidInRun
from sensor.app.outputs import RunOutputs, Several
from sensor.base.escape import harmless
from sensor.base.units import SECOND_NS, data_size, duration
from sensor.ecs.alert_text import endpoints, flow_of, host_words, verdict_words
from sensor.ecs.event_batch import EventBatch
from sensor.ecs.field_text import field as document_field
from sensor.ecs.field_text import value_at
from sensor.ecs.said_text import said_words
from sensor.ecs.text import time_text
from sensor.model.alert import SEVERITIES, Alert
from sensor.model.columns import Document
from sensor.terminal.stories import StoriesText, StoryText

FLOWS_MAX = 250_000
"""Flows, the newest ones, among which is looked for what came before and after."""
STORIES_MAX = 1_000
"""Stories, the worst ones, that are kept at least; twice as many are kept at most."""
SESSIONS_MAX = 1_000
"""Telnet sessions that ended without an alert, and may still get one."""
STORIES_SHOWN = 10
OPENED_SHOWN = 8
EXCHANGES_SHOWN = 4
"""Requests of a connection, or of what a server opened after it, that a story tells."""
SAID_MAX = 4
"""Different things said in a connection that its story tells: logins, commands, attacks."""


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What the end of a Telnet session tells."""

    login: str
    got_in: bool
    """False if the last login failed."""
    commands: int


@dataclass
class Story:
    """The alerts of one connection."""

    time_ns: int
    """Of the first alert."""
    contact: Contact | None
    flow_id: str
    ends: str
    community_id: str
    verdict: str = ""
    has_verdict: bool = False
    rules: dict[str, tuple[str, float]] = field(default_factory=dict)
    """Severity and risk score of each rule that alerted."""
    said: dict[str, None] = field(default_factory=dict)
    session: SessionFacts | None = None

    def add(self, alert: Alert, flow: Mapping[str, Any]) -> None:
        """One more alert, about an event of the flow."""
        self.rules.setdefault(alert.rule_name, (alert.severity, alert.risk_score))
        has_verdict = document_field(flow, "sensor.flow.verdict") != ""
        if has_verdict or not self.has_verdict:
            self.verdict, self.has_verdict = verdict_words(flow), has_verdict
        if (said := said_words(flow)) and len(self.said) < SAID_MAX:
            self.said[said] = None

    def by_severity(self) -> list[tuple[str, str]]:
        """Severity and name of its rules, the worst first."""
        order = sorted(self.rules.items(), key=lambda rule: (
            -SEVERITIES.get(rule[1][0], 0), -rule[1][1]))
        return [(severity, name) for name, (severity, _) in order]

    def order(self) -> tuple[float, int]:
        """The worst first, then in order of time."""
        worst = max(SEVERITIES.get(severity, 0) for severity, _ in self.rules.values())
        return -worst, self.time_ns


class Stories:
    """A sink of alerts that also listens to protocol events and to the ends of flows."""

    name = "stories"

    def __init__(self) -> None:
        self.count = 0
        self.flows = FlowColumns(FLOWS_MAX)
        self.said = SaidInRun()
        self._stories: dict[str, Story] = {}
        self._forgotten = 0
        self._sessions: dict[str, SessionFacts] = {}

    def listen(self, outputs: RunOutputs) -> None:
        """Hear what the receivers of a run hear; call it when they are complete."""
        outputs.sinks = [*outputs.sinks, self]
        files, events = outputs.flow_sink, outputs.event_sink
        if files is None and not outputs.servers:
            outputs.flow_events = True  # the columns choose final records by themselves, for less
        outputs.flow_sink = Several([files, self.flows]) if files is not None else self.flows
        outputs.event_sink = Several([events, self]) if events is not None else self

    def emit(self, alert: Alert) -> None:
        """Add an alert to the story of its connection."""
        self.count += 1
        flow = dict(flow_of(alert.document))
        name = _name_of(flow) or alert.id
        story = self._stories.get(name)
        if story is None:
            ends = endpoints(flow) or host_words(flow) or harmless(alert.message)
            story = self._stories[name] = Story(
                alert.time_ns, contact_of(flow), str(value_at(flow, "flow.id")), ends,
                document_field(flow, "network.community_id"),
                session=self._sessions.pop(name, None))
        story.add(alert, flow)
        if len(self._stories) > 2 * STORIES_MAX:
            worst = sorted(self._stories.items(), key=lambda item: item[1].order())
            self._forgotten += len(worst) - STORIES_MAX
            self._stories = dict(worst[:STORIES_MAX])

    def accounted(self) -> int:
        return self.count

    def write(self, flows: EventBatch) -> None:
        """Keep what the ends of Telnet sessions tell, names, and what servers asked for."""
        self.said.write(flows)
        for document in flows.documents:
            if value_at(document, "event.action") != "telnet_session":
                continue
            name, facts = str(value_at(document, "flow.id")), _session_facts(document)
            if (story := self._stories.get(name)) is not None:
                story.session = facts
                continue
            self._sessions[name] = facts
            if len(self._sessions) > SESSIONS_MAX:
                del self._sessions[next(iter(self._sessions))]

    def told(self) -> StoriesText:
        """The worst stories as the summary tells them."""
        order = sorted(self._stories.values(), key=Story.order)
        rows = self.flows.rows()
        others = len(order) - STORIES_SHOWN + self._forgotten
        notes = [f"and {others:,} more; --alerts FILE has all"] if others > 0 else []
        if self.flows.count > FLOWS_MAX:
            notes.append(f"only the newest {FLOWS_MAX:,} flows were looked at for sizes, and for"
                         " what came before and after")
        return StoriesText([_told(story, rows, self.said) for story in order[:STORIES_SHOWN]],
                           "; ".join(notes))


def _name_of(flow: Document) -> str:
    """What alerts of one connection have in common."""
    return str(value_at(flow, "flow.id") or value_at(flow, "network.community_id")
               or endpoints(flow) or host_words(flow))


def _session_facts(document: dict[str, Any]) -> SessionFacts:
    login = {"user": document.get("user"), "telnet": {"login": value_at(document, "telnet.login")}}
    got_in = value_at(document, "telnet.login.outcome") != "failure"
    return SessionFacts(said_words(login), got_in, value_at(document, "telnet.command.count") or 0)


def _told(story: Story, flows: NDArray[Any], heard: SaidInRun) -> StoryText:
    said, facts, around = list(story.said), [], []
    ends = story.ends
    if (session := story.session) is not None:
        if session.login and not any(one.startswith("login ") for one in said):
            said.insert(0, session.login)
        count = f"{session.commands:,}" if session.commands else "no"
        facts.append(f"{count} command{'s'[:session.commands != 1]}")
    if story.contact is not None:
        ends = heard.ends(story.contact, time_text(story.time_ns))
        said += _exchange_lines(heard.in_flow(story.contact, story.flow_id))
        seen = surroundings(flows, story.contact, story.time_ns)
        if (record := seen.record) is not None:
            lasted_s = int(record["last_ns"] - record["first_ns"]) / SECOND_NS
            facts.append(f"{data_size(int(record['bytes'].sum()))} in {duration(lasted_s)}")
        around.append(seen.before)
        if seen.after and session is not None and session.got_in:
            around += _opened_lines(heard.opened(story.contact, seen.after, story.time_ns))
    rules = story.by_severity()
    connection = "  ".join(filter(None, (ends, story.verdict, story.community_id)))
    return StoryText(rules[0][0], connection, story.time_ns, facts, said, rules,
                     [line for line in around if line])


def _opened_lines(opened: Sequence[Opened]) -> list[str]:
    """What a server opened, and what it asked for."""
    more = len(opened) - OPENED_SHOWN
    targets = ", ".join(one.words for one in opened[:OPENED_SHOWN])
    exchanges = [exchange for one in opened for exchange in one.exchanges]
    return [f"afterwards the server opened {targets}" + (f" and {more:,} more" if more > 0 else ""),
            *_exchange_lines(exchanges)]  # fmt: skip


def _exchange_lines(exchanges: Sequence[Exchange]) -> list[str]:
    """The first exchanges, each in a line, and how many more there are."""
    lines = [exchange.words for exchange in exchanges[:EXCHANGES_SHOWN]]
    more = len(exchanges) - EXCHANGES_SHOWN
    return [*lines, f"and {more:,} more requests"] if more > 0 else lines
