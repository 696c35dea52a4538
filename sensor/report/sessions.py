"""Telnet sessions as documents: what is told of each, and its transcript."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sensor.ecs.alert_text import endpoints
from sensor.ecs.event_batch import EventBatch
from sensor.ecs.field_text import value_at
from sensor.ecs.said_text import said_words
from sensor.model.columns import Document
from sensor.protocols.telnet.transcript import Entry, entry_of

SESSIONS_MAX = 2_000
"""Sessions that are kept; further ones are counted."""


@dataclass
class Session:
    """One Telnet session: the document of its end, and those of what was said in it."""

    document: dict[str, Any]
    events: Sequence[Document]
    transcript: Sequence[Entry]

    @property
    def flow_id(self) -> str:
        """`flow.id`."""
        return str(self.document["flow"]["id"])

    @property
    def start_ns(self) -> int:
        """When its first line was printed or typed; 0 if there is none."""
        return self.transcript[0].time_ns if self.transcript else 0

    @property
    def names(self) -> tuple[str, ...]:
        """What people call its flow by: its id and its Community ID."""
        return self.flow_id, str(self.document["network"].get("community_id", ""))

    @property
    def endpoints(self) -> str:
        """`SRC -> DST`."""
        return endpoints(self.document)

    @property
    def said(self) -> str:
        """What is known of its login, and what was typed."""
        return said_words(self.document) or "nothing is known of a login"

    @property
    def got_in(self) -> bool:
        """Whether somebody may have got in: no login is known to have failed at last."""
        return bool(value_at(self.document, "telnet.login.outcome") != "failure")

    @property
    def telnet(self) -> Mapping[str, Any]:
        """The members of `telnet`."""
        telnet: Mapping[str, Any] = self.document["telnet"]
        return telnet


@dataclass
class Sessions:
    """Stands where the file of protocol events is, and keeps the sessions in it.

    The streams must have been read by `protocols.TRANSCRIBED`.
    """

    kept: list[Session] = field(default_factory=list)
    left_out: int = 0
    _open: dict[str, list[Document]] = field(default_factory=dict)

    def write(self, events: EventBatch) -> None:
        """Keep what is told of Telnet."""
        for document in events.documents:
            action = str(value_at(document, "event.action"))
            flow_id = str(value_at(document, "flow.id"))
            if action == "telnet_session":
                self._end(document, self._open.pop(flow_id, []))
            elif action.startswith("telnet_"):
                self._open.setdefault(flow_id, []).append(document)

    def _end(self, document: dict[str, Any], told: Sequence[Document]) -> None:
        if len(self.kept) >= SESSIONS_MAX:
            self.left_out += 1
            return
        lines = document["telnet"].pop("transcript", ())
        self.kept.append(Session(document, told, [entry_of(line) for line in lines]))
