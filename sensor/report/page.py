"""The report as one HTML file: no request leaves it, and nothing in it runs that is not ours."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from importlib.resources import files
from typing import Any

from sensor.base.escape import harmless
from sensor.base.units import data_size
from sensor.ecs.alert_text import moment
from sensor.evidence.display_filter import document_filter
from sensor.report.charts import WIDTH, timeline, who_talked
from sensor.report.facts import Facts

OPEN_TRANSCRIPTS_MAX = 20
"""Sessions whose transcripts are unfolded from the start, if there are no more."""


@dataclass(frozen=True, slots=True)
class RuleNote:
    """A rule that alerted, and what to do about it."""

    name: str
    severity: str
    alerts: int
    excepted: int
    description: str
    note: str


@dataclass(frozen=True, slots=True)
class Examined:
    """What was examined, with what, by whom."""

    case: str
    examiner: str
    zone: tzinfo
    made_ns: int
    version: str
    command: str
    inputs: Sequence[Mapping[str, Any]]
    """Path, octets, SHA-256, frames, first and last time, error of each."""
    left_out: Sequence[str]
    rules: int
    alerting: Sequence[RuleNote]
    exceptions: Sequence[str]
    excepted: Mapping[str, Mapping[str, Any]]
    """Matches, and a comment, by exception or entry of an allow-list."""
    ledger: Sequence[str]
    anomalies: Mapping[str, int]
    evidence: str
    """The folder with the packets; empty: there is none."""


def render(facts: Facts, examined: Examined) -> str:
    """The page."""
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415  slow to import, and few need it

    style, script = (_own(name) for name in ("report.css", "report.js"))
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True,
                              lstrip_blocks=True)  # fmt: skip
    times = Times(examined.zone)
    environment.filters |= {"time": times.whole, "clock": times.clock, "size": data_size,
                            "clean": lambda value: harmless(str(value)), "count": "{:,}".format}
    environment.globals |= {"display_filter": document_filter, "name_of": facts.heard.names.name_of,
                            "ends": facts.ends}  # fmt: skip
    return environment.from_string(_own("report.html.j2")).render(
        facts=facts, examined=examined, style=style, script=script, width=WIDTH,
        style_hash=_hash(style), script_hash=_hash(script), zone=times.name,
        timeline=timeline(facts.stories), talk=who_talked(facts.stories),
        is_open=len(facts.sessions) <= OPEN_TRANSCRIPTS_MAX,
    )  # fmt: skip


class Times:
    """Times in the zone of the report."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self.name = str(zone)

    def whole(self, time_ns: int) -> str:
        """Date, time and offset, to the millisecond."""
        return moment(time_ns).astimezone(self._zone).isoformat(" ", "milliseconds")

    def clock(self, time_ns: int) -> str:
        """The time of the day alone."""
        return moment(time_ns).astimezone(self._zone).strftime("%H:%M:%S.%f")[:-3]


def _own(name: str) -> str:
    """A file of the page."""
    return files("sensor.report").joinpath("templates", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """What the page's Content-Security-Policy says of an element's text."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
