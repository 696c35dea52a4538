"""From a match to an alert: the event's document, what the rule adds, and one line for people."""

from __future__ import annotations

import hashlib
import json
from copy import deepcopy
from datetime import UTC, datetime

import orjson

from sensor.base.units import SECOND_NS
from sensor.ecs.said_text import story_words
from sensor.ecs.schema import PRODUCT
from sensor.model.addresses import endpoint_text
from sensor.model.alert import SEVERITIES, Alert
from sensor.model.columns import Document
from sensor.model.recoding import date_text
from sensor.query.document_rows import merge, values_at
from sensor.query.values import date_span
from sensor.rules.files import RuleText
from sensor.rules.runners import Match
from sensor.rules.suppression import Overflow

MESSAGE_MAX = 1024
"""Characters of a message."""


class AlertBuilder:
    """Makes the alerts of one rule."""

    def __init__(self, rule: RuleText) -> None:
        self._rule = rule
        common: Document = {
            "event": {
                "kind": "alert",
                "severity": SEVERITIES[rule.severity],
                "risk_score": rule.risk_score,
            },
            "rule": _rule_fields(rule),
        }
        if threat := threat_fields(rule.threat):
            common["threat"] = threat
        self._common = orjson.dumps(common)  # parsed anew for each alert: its own copy

    def alert(self, match: Match, document: Document, suppressed: int) -> Alert:
        """The alert for a match; its event's document, or that of `document_of`, becomes its own.
        """
        time_ns = match.known_ns
        for stamp in values_at(document, "@timestamp")[:1]:
            span = date_span(stamp) if isinstance(stamp, str) else None
            time_ns = span[0] if span else match.known_ns
        if match.events:
            events = values_at(document, "sensor.alert.events")
            parts = [_identity(event) for event in events]
            summary = _summary_of_all(document, events)
        else:
            parts = [_identity(document)] if match.events is None else []
            summary = _summary(document)
        words = summary, story_words(document), _findings(match.fields or {})
        message = printable(f"{self._rule.name}: {', '.join(filter(None, words))}")
        if match.name:
            parts.append(match.name)
        if original := _original(document):
            merge(document, {"sensor": {"alert": {"original": original}}})
        # Replaced, not merged: what the event says of other rules is not about this one.
        document.pop("rule", None)
        document.pop("threat", None)
        if match.fields and "threat" in match.fields:
            document["threat"] = match.fields["threat"]
        return self._finished(document, _digest(self._rule.id, *parts), time_ns, message,
                              suppressed)

    def closing(self, overflow: Overflow, alerts_max: int) -> Alert:
        """The alert that stands for those a window held back."""
        noun = "alert" if overflow.count == 1 else "alerts"
        message = printable(
            f"{self._rule.name}: {overflow.count} more {noun} from "
            f"{_clock(overflow.start_ns)} to {_clock(overflow.end_ns)} UTC, over the limit of "
            f"{alerts_max}"
        )
        document: Document = {
            "@timestamp": date_text(overflow.last_ns),
            "event": {
                "category": ["network"], "type": ["info"],
                "start": date_text(overflow.start_ns), "end": date_text(overflow.end_ns),
            },
        }
        name = _digest(self._rule.id, "closing", str(overflow.start_ns))
        return self._finished(document, name, overflow.last_ns, message, overflow.count)

    def _finished(
        self, document: Document, name: str, time_ns: int, message: str, suppressed: int
    ) -> Alert:
        merge(document, orjson.loads(self._common))
        document["message"] = message
        merge(document, {"sensor": {"alert": {"id": name, "suppressed_count": suppressed}}})
        return Alert(
            id=name, rule_id=self._rule.id, rule_name=self._rule.name,
            severity=self._rule.severity, risk_score=self._rule.risk_score,
            time_ns=time_ns, message=message, document=document,
        )


def _original(document: Document) -> Document:
    """The words of a document from elsewhere where the alert will speak; none of our own."""
    if values_at(document, "observer.product") == [PRODUCT]:
        return {}
    kept: Document = {name: document[name] for name in ("message", "rule") if name in document}
    event = document.get("event")
    if isinstance(event, dict):
        own = {name: event[name] for name in ("kind", "severity", "risk_score") if name in event}
        if own:
            kept["event"] = own
    return deepcopy(kept)


def document_of(match: Match) -> Document:
    """The document for several events: what they share, and they themselves below it."""
    events = [kept.document() for kept in match.events or ()]
    document = _shared(events)
    if events and (stamp := values_at(events[-1], "@timestamp")[:1]):
        document["@timestamp"] = stamp[0]
    else:
        document["@timestamp"] = date_text(match.known_ns)
    if events:
        if "ecs" in events[-1]:  # of different versions the newest event's
            document["ecs"] = events[-1]["ecs"]
        merge(document, {"sensor": {"alert": {"events": events}}})
    if match.fields:
        merge(document, match.fields)
    return document


def _shared(documents: list[Document]) -> Document:
    """The fields that all documents have with the same value, as objects of their own."""
    if not documents:
        return {}
    first, *others = documents
    shared: Document = {}
    for key, value in first.items():
        values = [other.get(key) for other in others]
        if isinstance(value, dict):
            tables = [item for item in values if isinstance(item, dict)]
            below = _shared([value, *tables]) if len(tables) == len(values) else {}
            if below:
                shared[key] = below
        elif all(type(item) is type(value) and item == value for item in values):
            shared[key] = list(value) if isinstance(value, list) else value
    return shared


def _identity(document: Document) -> str:
    event_ids = values_at(document, "event.id")
    return str(event_ids[0]) if event_ids else _digest(_canonical(document))


def _findings(fields: Document) -> str:
    """A rule's findings beyond the event, for the message."""
    for found in values_at(fields, "sensor.alert.threshold"):
        group = " ".join(f"{name} {value}" for name, value
                         in zip(found["field"], found["value"], strict=True)
                         if name not in ("source.ip", "destination.ip"))
        words = f"{found['count']} event{'s'[:found['count'] != 1]}"
        if different := found.get("cardinality"):
            words += f" with {different['value']} different {different['field']}"
        return f"{group}: {words}" if group else words
    for found in values_at(fields, "sensor.alert.new_terms"):
        return f"new {' and '.join(found['field'])}: {', '.join(found['value'])}"
    names = [str(hit["atomic"]) for hit in values_at(fields, "threat.enrichments.matched")]
    return f"indicator {', '.join(dict.fromkeys(names))}" if names else ""


def _summary_of_all(document: Document, events: list[Document]) -> str:
    """As `_summary`, of what the events share, else of the last that has endpoints."""
    texts = [text for event in (document, *reversed(events)) if "->" in (text := _summary(event))]
    noun = "event" if len(events) == 1 else "events"
    return f"{texts[0] if texts else _summary(document)} ({len(events)} {noun})".strip()


def _rule_fields(rule: RuleText) -> Document:
    fields: Document = {
        "id": rule.id, "uuid": rule.id, "name": rule.name, "version": str(rule.version),
        "description": rule.description, "ruleset": rule.ruleset,
    }
    use_cases = [tag.removeprefix("Use Case: ") for tag in rule.tags if "Use Case: " in tag]
    if use_cases:
        fields["category"] = use_cases[0]
    if rule.references:
        fields["reference"] = rule.references[0]
    if rule.author:
        fields["author"] = list(rule.author)
    if rule.license:
        fields["license"] = rule.license
    return fields


def threat_fields(entries: tuple[Document, ...]) -> Document:
    """ECS `threat.*` of a rule's [[rule.threat]] tables: parallel arrays, each item once."""
    framework = ""
    tactics: list[Document] = []
    techniques: list[Document] = []
    subtechniques: list[Document] = []
    for entry in entries:
        framework = framework or str(entry.get("framework", ""))
        _add(tactics, entry.get("tactic"))
        for technique in _tables(entry.get("technique")):
            _add(techniques, technique)
            for subtechnique in _tables(technique.get("subtechnique")):
                _add(subtechniques, subtechnique)
    threat: Document = {"framework": framework} if framework else {}
    if tactics:
        threat["tactic"] = _columns(tactics)
    if techniques:
        threat["technique"] = _columns(techniques)
    if subtechniques:
        merge(threat, {"technique": {"subtechnique": _columns(subtechniques)}})
    return threat


def _tables(value: object) -> list[Document]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _add(items: list[Document], item: object) -> None:
    if isinstance(item, dict) and all(item.get("id") != known.get("id") for known in items):
        items.append(item)


def _columns(items: list[Document]) -> dict[str, list[str]]:
    return {key: [str(item.get(key, "")) for item in items] for key in ("id", "name", "reference")}


def _summary(document: Document) -> str:
    """`192.0.2.10:50432 -> 198.51.100.7:23 tcp accepted (handshake) outbound`, as far as known."""
    def first(name: str) -> str:
        return next((str(value) for value in values_at(document, name)
                     if not isinstance(value, dict)), "")

    def end(side: str) -> str:
        address, port = first(f"{side}.ip"), first(f"{side}.port")
        return endpoint_text(address, port) if address and port else address

    words = []
    source, destination = end("source"), end("destination")
    if source or destination:
        words.append(f"{source or '?'} -> {destination or '?'}")
    evidence = first("sensor.flow.evidence")
    words += [
        first("network.transport"),
        first("sensor.flow.verdict") or first("event.action"),
        f"({evidence})" if evidence else "",
        first("network.direction"),
    ]
    return " ".join(word for word in words if word)


def printable(text: str) -> str:
    """One line without control or direction-changing characters: those are escaped."""
    if text.isprintable() and len(text) <= MESSAGE_MAX:
        return text.strip()
    safe = "".join(
        character if character.isprintable() else _escaped(character)
        for character in text[:MESSAGE_MAX]
    )
    return safe.strip()


def _escaped(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{{{number:x}}}"


def _clock(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // SECOND_NS, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _canonical(document: Document) -> str:
    return json.dumps(document, sort_keys=True, default=str)


def _digest(*parts: str) -> str:
    joined = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(joined).hexdigest()[:32]
