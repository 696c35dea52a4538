"""The drawings of a report: every mark is where it belongs, and inside."""

from __future__ import annotations

from sensor.model.alert import Alert
from sensor.report.charts import BINS, HEIGHT, MARGIN, PEERS_SHOWN, WIDTH, timeline, who_talked
from sensor.report.facts import Story


def story(source: str, destination: str, time_ns: int, severity: str = "medium") -> Story:
    document = {"source": {"ip": source}, "destination": {"ip": destination}}
    return Story([Alert("1", "r", "R", severity, 47, time_ns, "m", document)])


def test_without_alerts_nothing_is_drawn() -> None:
    assert timeline([]) is None and who_talked([]) is None


def test_bars_stand_on_each_other_within_the_drawing() -> None:
    stories = [story("a", "b", 0, "low"), story("a", "b", 1, "high"), story("a", "b", 1_000_000)]
    drawn = timeline(stories)
    assert drawn is not None and drawn.most == 2
    assert (drawn.first_ns, drawn.last_ns) == (0, 1_000_000)
    first = [bar for bar in drawn.bars if bar.x == MARGIN]
    assert [bar.severity for bar in first] == ["high", "low"]  # the worst one at the bottom
    assert first[0].y == first[1].y + first[1].height
    assert all(bar.y >= MARGIN and bar.y + bar.height <= HEIGHT - MARGIN for bar in drawn.bars)
    last = max(bar.x for bar in drawn.bars)
    assert last == MARGIN + (BINS - 1) * (WIDTH - 2 * MARGIN) / BINS


def test_one_moment_is_a_timeline_too() -> None:
    drawn = timeline([story("a", "b", 5)])
    assert drawn is not None and len(drawn.bars) == 1


def test_who_talked_to_whom() -> None:
    stories = [story("a", "x", 1, "high"), story("a", "x", 2), story("b", "x", 3),
               story("", "y", 4)]  # fmt: skip
    drawn = who_talked(stories)
    assert drawn is not None and drawn.left_out == 0
    assert [peer.text for peer in drawn.sources] == ["a", "b"]
    assert [peer.text for peer in drawn.destinations] == ["x"]
    assert [(link.severity, link.title) for link in drawn.links] == [
        ("high", "a to x: 2 alerts"), ("medium", "b to x: 1 alert")]  # fmt: skip


def test_what_is_not_drawn_is_counted() -> None:
    drawn = who_talked([story("a", f"d{number}", number) for number in range(PEERS_SHOWN + 3)])
    assert drawn is not None and drawn.left_out == 3
    assert len(drawn.destinations) == PEERS_SHOWN
