"""Where the marks of a report's drawings stand: the timeline, and who talked to whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sensor.ecs.field_text import value_at
from sensor.model.alert import SEVERITIES
from sensor.report.facts import Story

WIDTH, HEIGHT = 960, 150
BINS = 60
MARGIN = 30
PEERS_SHOWN = 12
ROW_HEIGHT = 34


@dataclass(frozen=True, slots=True)
class Bar:
    """The alerts of one severity in one stretch of time."""

    x: float
    y: float
    width: float
    height: float
    severity: str
    title: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """Bars from left to right, and the most alerts in a stretch."""

    bars: Sequence[Bar]
    most: int
    first_ns: int
    last_ns: int


def timeline(stories: Sequence[Story]) -> Timeline | None:
    """Alerts over time; None if there are none."""
    alerts = [alert for story in stories for alert in story.alerts]
    if not alerts:
        return None
    first_ns = min(alert.time_ns for alert in alerts)
    last_ns = max(alert.time_ns for alert in alerts)
    span = max(last_ns - first_ns, 1)
    counts = Counter((min((alert.time_ns - first_ns) * BINS // span, BINS - 1), alert.severity)
                     for alert in alerts)  # fmt: skip
    totals = Counter[int]()
    for (at, _), count in counts.items():
        totals[at] += count
    most = max(totals.values())
    step, room = (WIDTH - 2 * MARGIN) / BINS, HEIGHT - 2 * MARGIN
    bars, reached = [], dict.fromkeys(range(BINS), 0.0)
    for severity in reversed(SEVERITIES):
        for at in range(BINS):
            if count := counts[at, severity]:
                height = room * count / most
                reached[at] += height
                bars.append(Bar(MARGIN + at * step, HEIGHT - MARGIN - reached[at], step * 0.86,
                                height, severity, f"{count} {severity}"))  # fmt: skip
    return Timeline(bars, most, first_ns, last_ns)


@dataclass(frozen=True, slots=True)
class Peer:
    """An address in the drawing."""

    text: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Link:
    """A line between two of them."""

    y1: float
    y2: float
    width: float
    severity: str
    title: str


@dataclass(frozen=True, slots=True)
class Talk:
    """Sources on the left, destinations on the right."""

    sources: Sequence[Peer]
    destinations: Sequence[Peer]
    links: Sequence[Link]
    height: int
    left_out: int
    """Pairs of addresses that are not drawn."""


def who_talked(stories: Sequence[Story]) -> Talk | None:
    """Who alerts say had to do with whom; None if there are none about two addresses."""
    counts = Counter[tuple[str, str]]()
    worst: dict[tuple[str, str], str] = {}
    for story in stories:  # the worst ones come first
        pair = (str(value_at(story.document, "source.ip") or ""),
                str(value_at(story.document, "destination.ip") or ""))
        if all(pair):
            counts[pair] += len(story.alerts)
            worst.setdefault(pair, story.severity)
    if not counts:
        return None
    left = list(dict.fromkeys(source for source, _ in worst))[:PEERS_SHOWN]
    right = list(dict.fromkeys(
        destination for source, destination in worst if source in left))[:PEERS_SHOWN]
    y_right = {name: ROW_HEIGHT * (at + 0.5) for at, name in enumerate(right)}
    y_left = {name: ROW_HEIGHT * (at + 0.5) for at, name in enumerate(left)}
    shown = [pair for pair in counts if pair[0] in left and pair[1] in right]
    links = [
        Link(y_left[source], y_right[destination], min(1 + counts[source, destination] / 2, 8),
             worst[source, destination],
             f"{source} to {destination}: {counts[source, destination]} "
             f"alert{'s'[:counts[source, destination] != 1]}")
        for source, destination in shown
    ]
    return Talk(
        [Peer(name, 0, y_left[name]) for name in left],
        [Peer(name, WIDTH, y_right[name]) for name in right],
        links, ROW_HEIGHT * max(len(left), len(right)), len(counts) - len(shown),
    )  # fmt: skip
