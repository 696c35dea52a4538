"""The view of a running sensor: lines of styled pieces that fit a screen of any size.

Pure, and plain: each line is made by hand, because a tree of tables costs ten times as much to
draw, once a second for months. All text from outside is harmless before it gets here or by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sensor.base.escape import harmless
from sensor.base.units import data_size
from sensor.model.status import (
    INTERFACE_DOWN,
    INTERFACE_UP,
    RECORDS,
    RuleStatus,
    SinkStatus,
    Status,
    sink_drops,
)
from sensor.terminal.console import VERDICT_STYLES
from sensor.terminal.progress import short
from sensor.terminal.status_line import lag_text

Piece = tuple[str, str]
"""Text and the name of its style."""
Line = list[Piece]

BLOCKS = " ▁▂▃▄▅▆▇█"
BLOCKS_ASCII = " .:-=+*%#"
LABEL_WIDTH = 9
GAP = "  "
NAME_WIDTH_MIN = 8
EXACT_MAX = 10_000_000
"""Counts from here on are shortened."""
TALL = 16
"""Lines of a screen on which interfaces may take a second one."""
SECTION_LINES_MIN = 4
STATE_STYLES = {INTERFACE_UP: "green", INTERFACE_DOWN: "bold red"}


@dataclass(slots=True)
class Shown:
    """All that one drawing is made of."""

    status: Status
    packets_per_s: Sequence[float] = ()
    """Of the last minute, the newest last."""
    bits_per_s: Sequence[float] = ()
    flows_peak: int = 0
    alerts: Sequence[tuple[str, str, str]] = ()
    """Two lines and the style of the first; harmless; the newest last."""
    ascii_only: bool = False


@dataclass(slots=True)
class Section:
    """Lines that may be cut where the screen is small: a title, then entries of `step` lines."""

    title: Line
    entries: list[list[Line]] = field(default_factory=list)
    keep_last: bool = False
    """True if the last entries are those to keep, instead of the first."""
    trouble: bool = False
    """True if something in it needs the operator."""

    @property
    def height(self) -> int:
        return 1 + sum(map(len, self.entries)) if self.entries else 0

    def lines(self) -> list[Line]:
        return [self.title, *(line for entry in self.entries for line in entry)]

    def shrink(self) -> None:
        """Leave one entry out."""
        self.entries.pop(0 if self.keep_last else -1)


def screen_lines(shown: Shown, width: int, height: int) -> list[Line]:
    """The view: at most `height` lines of at most `width` cells; what matters most comes first."""
    status = shown.status
    lines = [
        *_header(status, width)[: 2 if height >= TALL else 1],
        _rate("packets", shown.packets_per_s, width, ascii_only=shown.ascii_only),
        _rate("bits", shown.bits_per_s, width, ascii_only=shown.ascii_only),
        *_labelled("lost", _losses(status), width),
        *_labelled("alerts", [
            (counted(status.alerts), "bold yellow" if status.alerts else ""),
            (f"lag {lag_text(status.lag_ns)}", ""), (f"memory {data_size(status.rss_bytes)}", ""),
            (f"{counted(status.anomalies)} malformed", "")], width),
        *_labelled("flows", [
            (f"{counted(status.flows_open)} open", ""), (f"{counted(shown.flows_peak)} peak", ""),
            (f"{counted(status.flows_total)} in all", "")], width),
        *_labelled("ended", [
            (f"{counted(count)} {harmless(name)}", VERDICT_STYLES.get(name, ""))
            for name, count in status.flows.items()], width),
    ]  # fmt: skip
    lines += _sections(
        _sinks(status.sinks, width), _rules(status.rules, width), _alerts(shown.alerts),
        height - len(lines),
    )  # fmt: skip
    return [cut(line, width) for line in lines[:height]]


def _sections(sinks: Section, rules: Section, alerts: Section, room: int) -> list[Line]:
    """Return what fits into `room` lines: of too many the most important, the tallest shortened."""
    sections = [section for section in (sinks, rules, alerts) if section.entries]
    least_first = [rules, alerts, sinks] if sinks.trouble else [sinks, rules, alerts]
    while len(sections) > 1 and room < SECTION_LINES_MIN * len(sections):
        sections.remove(next(section for section in least_first if section in sections))
    while sum(section.height for section in sections) > room:
        tallest = max(sections, key=lambda section: section.height)
        if not tallest.entries:
            return []  # no room at all
        tallest.shrink()
    left = [section for section in sections if section.entries]
    spaced = sum(section.height + 1 for section in left) <= room
    lines: list[Line] = []
    for section in left:
        lines += [*([[]] if spaced else []), *section.lines()]
    return lines


def _header(status: Status, width: int) -> list[Line]:
    """Return a section of the interfaces; those that give nothing come first."""
    order = sorted(status.interfaces, key=lambda interface: interface.state == INTERFACE_UP)
    items = [(f"{harmless(interface.name)} {harmless(interface.state)}",
              STATE_STYLES.get(interface.state, "bold yellow")) for interface in order]  # fmt: skip
    seconds = int(status.elapsed_s)
    clock = f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return _labelled("sensor", [(clock, "bold"), *items], width)


def _losses(status: Status) -> list[Piece]:
    capture = status.capture
    losses = [(capture.kernel_drops, "frames"), (status.evicted, "flows"),
              (sink_drops(status), "alerts")]  # fmt: skip
    if any(sink.kind == RECORDS for sink in status.sinks):
        losses.append((sink_drops(status, RECORDS), "records"))
    pieces = [(f"{counted(count)} {what}", "bold red" if count else "green")
              for count, what in losses]  # fmt: skip
    full = f"ring full {counted(capture.ring_freezes)} times"
    return [*pieces, (full, "bold red" if capture.ring_freezes else "green")]


def _labelled(label: str, items: Sequence[Piece], width: int) -> list[Line]:
    """Items in a row behind a label, in as many lines as they need."""
    lines: list[Line] = [[(label.ljust(LABEL_WIDTH), "dim")]]
    used = LABEL_WIDTH
    for text, style in items:
        size = cells(text)
        if used > LABEL_WIDTH and used + len(GAP) + size > width:
            lines.append([(" " * LABEL_WIDTH, "")])
            used = LABEL_WIDTH
        gap = GAP if used > LABEL_WIDTH else ""
        lines[-1].append((gap + text, style))
        used += len(gap) + size
    return lines


def _rate(label: str, history: Sequence[float], width: int, *, ascii_only: bool) -> Line:
    """The newest value, and as much of the history as there is room for."""
    most = f"{GAP}max {short(max(history, default=0))}/s"
    now = f"{short(history[-1] if history else 0)}/s".rjust(6)
    room = max(width - LABEL_WIDTH - len(now) - len(GAP) - len(most), 1)
    blocks = BLOCKS_ASCII if ascii_only else BLOCKS
    return [(label.ljust(LABEL_WIDTH), "dim"), (now + GAP, "bold"),
            (sparkline([*history][-room:], blocks), "cyan"), (most, "dim")]  # fmt: skip


def sparkline(values: Sequence[float], blocks: str = BLOCKS) -> str:
    """One block for each value, as high as its share of the largest; only zero is empty."""
    largest = max(values, default=0)
    steps = len(blocks) - 1
    return "".join(
        blocks[max(1, round(value / largest * steps))] if value > 0 else blocks[0]
        for value in values
    )


def _rules(rules: Sequence[RuleStatus], width: int) -> Section:
    matched = sorted((rule for rule in rules if rule.matches or rule.alerts),
                     key=lambda rule: (-rule.alerts, -rule.matches, rule.name))  # fmt: skip
    rows = [(harmless(rule.name), counted(rule.alerts), counted(rule.suppressed),
             counted(rule.excepted)) for rule in matched]  # fmt: skip
    title, *lines = _table(("rule", "alerts", "suppressed", "excepted"), rows, width)
    styles = ["yellow" if rule.alerts else "" for rule in matched]
    return Section([(title, "dim")], [[[(line, style)]] for line, style in zip(
        lines, styles, strict=True)])  # fmt: skip


def _sinks(sinks: Sequence[SinkStatus], width: int) -> Section:
    order = sorted(sinks, key=lambda sink: (
        not sink.error, not sink.dropped, not (sink.waiting or sink.recovering)))  # fmt: skip
    rows = [(harmless(sink.name), counted(sink.delivered), counted(sink.waiting),
             counted(sink.dropped)) for sink in order]  # fmt: skip
    title, *lines = _table(("sink", "delivered", "waiting", "dropped"), rows, width)
    entries = []
    for sink, line in zip(order, lines, strict=True):
        waits = sink.waiting or sink.recovering
        style = "red" if sink.dropped or sink.error else "yellow" if waits else "green"
        entry: list[Line] = [[(line, style)]]
        if sink.error:
            entry.append([(f"    {harmless(sink.error)}", "red")])
        if sink.unconfirmed:
            entry.append([(f"    {counted(sink.unconfirmed)} sent, not confirmed", "")])
        if sink.recovering:
            text = f"    {counted(sink.recovering)} alerts of earlier runs waiting"
            entry.append([(text, "yellow")])
        entries.append(entry)
    trouble = any(sink.dropped or sink.error for sink in sinks)
    return Section([(title, "dim")], entries, trouble=trouble)


def _alerts(alerts: Sequence[tuple[str, str, str]]) -> Section:
    entries: list[list[Line]] = [[[(first, style)], [(second, "")]]
                                 for first, second, style in alerts]  # fmt: skip
    return Section([("latest alerts", "dim")], entries, keep_last=True)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]], width: int) -> list[str]:
    """Aligned lines, the head's first; the first column gives way, numbers are kept whole."""
    sizes = [max(len(row[at]) for row in (head, *rows)) for at in range(1, len(head))]
    while len(sizes) > 1 and width - sum(sizes) - len(GAP) * len(sizes) < NAME_WIDTH_MIN:
        sizes.pop()  # too narrow for all columns
    room = max(width - sum(sizes) - len(GAP) * len(sizes), 1)
    name_size = min(room, max(cells(row[0]) for row in (head, *rows)))
    return [
        padded(row[0], name_size)
        + "".join(GAP + cell.rjust(size) for cell, size in zip(row[1:], sizes, strict=False))
        for row in (head, *rows)
    ]


def counted(count: int) -> str:
    """`1,234`, and `12M` where it would take too much room."""
    return f"{count:,}" if count < EXACT_MAX else short(count)


def cells(text: str) -> int:
    """Columns that text takes on a terminal."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415  only a terminal pays for it

    return cell_len(text)


def padded(text: str, width: int) -> str:
    """The text in exactly `width` cells, cut if it is longer."""
    size = cells(text)
    if size <= width:
        return text + " " * (width - size)
    mark = ".." if width >= 4 else ""
    kept = text[:width]
    while kept and cells(kept) > width - len(mark):
        kept = kept[:-1]
    kept += mark
    return kept + " " * (width - cells(kept))


def cut(line: Line, width: int) -> Line:
    """The line without what is beyond `width` cells."""
    pieces: Line = []
    left = width
    for text, style in line:
        size = cells(text)
        if size > left:
            if left > 2:
                pieces.append((padded(text, left), style))
            return pieces
        pieces.append((text, style))
        left -= size
    return pieces
