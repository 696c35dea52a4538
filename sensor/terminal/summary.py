"""The closing summary of a run: small tables on stderr, from the ledger and the alerts' talkers.

The tables are made once, as text (`summary_sections`), and drawn twice: by rich on a terminal, with
spaces elsewhere. Empty sections are left out. What the alerts tell of each connection comes last,
where the eye of whoever waited for the prompt is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TextIO

from sensor.base.escape import harmless
from sensor.base.units import SECOND_NS, data_size, duration
from sensor.ecs.alert_text import alert_time
from sensor.terminal.console import VERDICT_STYLES, ConsoleOptions, rich_console
from sensor.terminal.stories import StoriesText, stories_plain, stories_rich
from sensor.terminal.talkers import Ends, Talker, Talkers

if TYPE_CHECKING:
    from rich.console import RenderableType

WIDTH = 80
WIDTH_PLAIN = 120
"""The width without a terminal: there is no edge to keep to, but for the eye's."""
TALKERS_SHOWN = 10
ANOMALIES_SHOWN = 15
EXCEPTIONS_SHOWN = 10
PORTS_SHOWN = 4
TEXT_WIDTH_MIN = 8
"""Text is not clipped to less than this, however narrow the terminal."""

NO_STORIES = StoriesText()

Ledger = dict[str, Any]
"""As `--stats` writes it."""

_VERDICTS = ("accepted", "denied", "dropped", "attempted", "unknown")


@dataclass(frozen=True, slots=True)
class Section:
    """One table: the first column is text to the left, the others numbers to the right."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    text_columns: frozenset[int] = frozenset({0})
    """Columns that hold text, not numbers."""
    styles: dict[str, str] = field(default_factory=dict)
    """Style of a row by its first cell."""
    note: str = ""
    """A line below the table."""
    whole: bool = False
    """True if long text runs on instead of being clipped."""


def render_summary(
    ledger: Ledger, talkers: Talkers, options: ConsoleOptions, stream: TextIO | None = None,
    *, stories: StoriesText = NO_STORIES,
) -> None:
    """Write the summary to `stream` (stderr if None). Errors: OSError."""
    stream = stream or sys.stderr
    console = rich_console(stream, options, width=WIDTH)
    if console is None:
        stream.write(summary_text(ledger, talkers, options.width or WIDTH_PLAIN,
                                  local=options.local_time, stories=stories))
    else:
        console.print(summary_rich(ledger, talkers, console.width, local=options.local_time,
                                   stories=stories))
    stream.flush()


def summary_sections(ledger: Ledger, talkers: Talkers) -> list[Section]:
    """The tables that have something to say, in their order."""
    sections = [
        _verdicts(ledger),
        _rules(ledger),
        _exceptions(ledger),
        _ends(talkers.sources, "Top talkers of the alerts", "source", "targets"),
        _ends(talkers.targets, "Top targets of the alerts", "target", "sources"),
        _anomalies(ledger),
        _sinks(ledger),
        _inputs(ledger),
    ]
    if _is_empty(ledger):  # tables of zeros say nothing
        sections = [_anomalies(ledger), _inputs(ledger)]
    return [_without_zeros(section) for section in sections if section.rows]


def _without_zeros(section: Section) -> Section:
    """The table without columns of nothing but zeros, and with a dash for other zeros."""
    kept = [at for at in range(len(section.columns)) if at in section.text_columns
            or any(row[at] != "0" for row in section.rows)]
    rows = [tuple("-" if row[at] == "0" and at not in section.text_columns else row[at]
                  for at in kept) for row in section.rows]
    return replace(section, columns=tuple(section.columns[at] for at in kept), rows=rows,
                   text_columns=frozenset(at for at, old in enumerate(kept)
                                          if old in section.text_columns))


def _is_empty(ledger: Ledger) -> bool:
    """True if nothing was read at all."""
    return "documents" not in ledger and not _number(ledger, "frames")


def headline(ledger: Ledger, time_text: Callable[[int], str]) -> list[str]:
    """Return one to five lines of what was read and how fast; `time_text` writes its times."""
    octets, packets = _number(ledger, "bytes"), _number(ledger, "packets")
    elapsed_s = _number(ledger, "elapsed_s")
    flows = _number(ledger, "flows", "total")
    lines = []
    if "documents" in ledger:
        lines.append(_documents(ledger, elapsed_s))
    if _is_empty(ledger):
        return [f"no packets, in {duration(elapsed_s)}"]
    if packets or not lines:
        lines.append(f"{_counted(packets, 'packet')} ({data_size(octets)}), "
                     f"{_counted(flows, 'flow')} in {duration(elapsed_s)}")
    if elapsed_s > 0 and (packets or "documents" not in ledger):
        lines.append(
            f"{_grouped(packets / elapsed_s)} packets/s, {data_size(octets / elapsed_s)}/s"
        )
    inputs, left_out = ledger.get("inputs") or (), ledger.get("left_out") or ()
    if left_out or len(inputs) > 1:
        not_read = f", {_grouped(len(left_out))} left out (-v names them)" if left_out else ""
        lines.append(f"{_counted(len(inputs), 'file')} read{not_read}")
    span = [_time(str(ledger.get(key) or ""), time_text)
            for key in ("first_packet", "last_packet")]
    if all(span):
        lines.append(f"{span[0]} to {span[1]}")
    others = [
        (_number(ledger, "outside_window"), "frames outside the asked time"),
        (_number(ledger, "filtered"), "frames that --bpf left out"),
        (_number(ledger, "non_ip_frames"), "frames without IP"),
        (_number(ledger, "duplicates"), "duplicates"),
        (_number(ledger, "sliced"), "packets cut before the capture"),
        (_number(ledger, "time_backwards"), "packets dated before an earlier one"),
        (_number(ledger, "time_jumps"), "packets dated far ahead of the others"),
        (_number(ledger, "flows", "evicted"), "flows evicted"),
        (_number(ledger, "tunnels", "refused"), "flows without their path through tunnels"),
        (_number(ledger, "capture", "kernel_drops"), "frames lost by the kernel"),
    ]
    parts = [f"{_grouped(count)} {what}" for count, what in others if count > 0]
    return lines + ([", ".join(parts)] if parts else []) + _shortcomings(ledger)


def _time(text: str, time_text: Callable[[int], str]) -> str:
    """A time of the ledger for people."""
    try:
        at = datetime.fromisoformat(text[:26].removesuffix("Z") + "+00:00")
    except ValueError:
        return harmless(text)
    return time_text(int(at.timestamp()) * SECOND_NS + at.microsecond * 1000)


def _shortcomings(ledger: Ledger) -> list[str]:
    """Return lines of what the capture does not show, and what that means for verdicts."""
    seen = ledger.get("capture") or {}
    count = {name: _grouped(_number(ledger, "capture", name))
             for name in ("flows_one_way", "flows_both_ways", "flows_with_gaps")}  # fmt: skip
    lines = []
    if seen.get("one_sided"):
        lines.append(f"one-sided capture: {count['flows_one_way']} flows show one side only, "
                     f"{count['flows_both_ways']} both; no answer proves nothing")
    if seen.get("lossy"):
        lines.append(f"lossy capture: packets are missing from {count['flows_with_gaps']} flows, "
                     f"{count['flows_both_ways']} show both sides; no answer proves nothing")
    return lines


def _documents(ledger: Ledger, elapsed_s: float) -> str:
    """`10 documents (2 of them parsed, 1 undated) in 1 s`."""
    count = {key: _number(ledger, "documents", key)
             for key in ("read", "parsed", "undated", "late", "bad")}
    others = [f"{_grouped(number)} {key}" for key, number in count.items()
              if key != "read" and (number or key == "parsed")]
    return f"{_counted(count['read'], 'document')} ({', '.join(others)}) in {duration(elapsed_s)}"


def summary_text(
    ledger: Ledger, talkers: Talkers, width: int = WIDTH, *, local: bool = False,
    stories: StoriesText = NO_STORIES,
) -> str:
    """The whole summary as plain, aligned lines; the tables fit into `width` columns."""
    lines = ["", *headline(ledger, partial(alert_time, local=local))]
    for section in summary_sections(ledger, talkers):
        lines += ["", section.title, *_aligned(section, width)]
        if section.note:
            lines.append(f"  {section.note}")
    if told := stories_plain(stories, width, local=local):
        lines += ["", *told]
    return "\n".join(lines) + "\n"


def summary_rich(
    ledger: Ledger, talkers: Talkers, width: int = WIDTH, *, local: bool = False,
    stories: StoriesText = NO_STORIES,
) -> RenderableType:
    """The whole summary as something that a rich console of `width` columns prints."""
    from rich.console import Group  # noqa: PLC0415  only a terminal pays for it
    from rich.text import Text  # noqa: PLC0415

    first, *others = headline(ledger, partial(alert_time, local=local))
    parts: list[RenderableType] = [Text(""), Text(first, "bold")]
    parts += [Text(line, "dim") for line in others]
    for section in summary_sections(ledger, talkers):
        parts += [Text(""), Text(section.title, "bold"), _table(section, width)]
        if section.note:
            parts.append(Text(f"  {section.note}", "dim"))
    if told := stories_rich(stories, width, local=local):
        parts += [Text(""), *told]
    return Group(*parts)


def _table(section: Section, width: int) -> RenderableType:
    from rich import box  # noqa: PLC0415
    from rich.padding import Padding  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        show_header=not section.whole,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for at, (name, size) in enumerate(zip(section.columns, _widths(section, width), strict=True)):
        justify: Literal["left", "right"] = "left" if at in section.text_columns else "right"
        table.add_column(
            Text(name, "dim"),
            justify=justify,
            overflow="fold" if section.whole else "ellipsis",
            no_wrap=not section.whole,
            width=size,
        )
    for row in section.rows:
        table.add_row(*map(Text, row), style=section.styles.get(row[0], ""))
    return Padding(table, (0, 0, 0, 2))


def _verdicts(ledger: Ledger) -> Section:
    flows = _mapping(ledger, "flows")
    total = sum(int(flows.get(name) or 0) for name in _VERDICTS)
    rows = [
        (name, _grouped(count), f"{100 * count / total:.1f} %")
        for name in _VERDICTS
        if (count := int(flows.get(name) or 0))
    ]
    return Section("Verdicts", ("verdict", "flows", "share"), rows, styles=dict(VERDICT_STYLES))


_STANDING = ("learned", "absorbed", "evicted")


def _rules(ledger: Ledger) -> Section:
    keys = ("matches", "alerts", "excepted", "suppressed")
    rules = _mapping(ledger, "rules")
    order = sorted(rules.items(), key=lambda item: (-_number(item[1], "alerts"), item[0]))
    rows = [
        (
            harmless(str(rule.get("name") or rule_id)),
            *(_grouped(_number(rule, key)) for key in keys),
            _standing(rule),
        )
        for rule_id, rule in order
        if any(_number(rule, key) for key in (*keys, *_STANDING))
    ]
    hidden = len(order) - len(rows)
    note = f"{_counted(hidden, 'rule')} without a match" if hidden else ""
    if rows and note:
        note = f"and {note}"
    fired = {row[0]: "yellow" for row in rows if row[2] != "0"}
    if not any(row[-1] for row in rows):
        return Section("Alerts by rule", ("rule", *keys), [row[:-1] for row in rows], styles=fired,
                       note=note)
    return Section("Alerts by rule", ("rule", *keys, "also"), rows, styles=fired,
                   text_columns=frozenset({0, len(keys) + 1}), note=note)


def _exceptions(ledger: Ledger) -> Section:
    excepted = list(_mapping(ledger, "exceptions").items())
    rows = [(harmless(name), harmless(str(entry.get("comment") or "")),
             _grouped(_number(entry, "matches"))) for name, entry in excepted[:EXCEPTIONS_SHOWN]]
    hidden = len(excepted) - len(rows)
    note = f"and {_grouped(hidden)} more that excepted something" if hidden else ""
    return Section("Excepted", ("by", "comment", "matches"), rows, note=note,
                   text_columns=frozenset({0, 1}))


def _standing(rule: Ledger) -> str:
    """Return what is counted of some rules beside their matches: `17 learned`."""
    return ", ".join(f"{_grouped(count)} {key}" for key in _STANDING
                     if (count := _number(rule, key)))


def _ends(ends: Ends, title: str, name: str, peers: str) -> Section:
    """The sources, or the targets, with the most alerts."""
    shown = ends.top(TALKERS_SHOWN)
    rows = [(talker.address, _ports(talker), _peers(talker), _grouped(talker.alerts))
            for talker in shown]
    hidden = len(ends) - len(shown)
    notes = []
    if hidden:
        notes.append(f"and {_counted(hidden, f'more {name}')}")
    if ends.overlooked:
        notes.append(f"{_counted(ends.overlooked, 'alert')} of {name}s not told apart")
    return Section(title, (name, "ports", peers, "alerts"), rows, text_columns=frozenset({0, 1}),
                   note="; ".join(notes))


def _ports(talker: Talker) -> str:
    ports = sorted(talker.ports, key=lambda port: (-talker.ports[port], port))
    more = len(ports) - PORTS_SHOWN
    return ", ".join(ports[:PORTS_SHOWN]) + (f" +{more}" if more > 0 else "")


def _peers(talker: Talker) -> str:
    return _grouped(len(talker.peers)) + ("+" if talker.has_more else "")


def _anomalies(ledger: Ledger) -> Section:
    anomalies = {name: int(count) for name, count in _mapping(ledger, "anomalies").items() if count}
    order = sorted(anomalies.items(), key=lambda item: (-item[1], item[0]))
    rows = [(harmless(name), _grouped(count)) for name, count in order[:ANOMALIES_SHOWN]]
    hidden = sum(count for _, count in order[ANOMALIES_SHOWN:])
    note = f"and {_grouped(hidden)} of {len(order) - ANOMALIES_SHOWN} other kinds" if hidden else ""
    return Section("Malformed frames", ("anomaly", "frames"), rows, note=note)


def _sinks(ledger: Ledger) -> Section:
    keys = ["delivered", "dropped", "retried"]
    sinks = _mapping(ledger, "sinks")
    # Only sinks of servers have these, and then not always.
    keys += [key for key in ("unconfirmed", "waiting", "recovered", "recovering")
             if any(_number(sink, key) for sink in sinks.values())]
    rows = [
        (harmless(name), *(_grouped(_number(sink, key)) for key in keys))
        for name, sink in sinks.items()
    ]
    lossy = {row[0]: "red" for row in rows if row[2] != "0"}
    return Section("Sinks", ("sink", *keys), rows, styles=lossy)


def _inputs(ledger: Ledger) -> Section:
    rows = [
        (_named(harmless(str(entry.get("path"))), harmless(str(entry["error"]))),)
        for entry in ledger.get("inputs") or ()
        if entry.get("error")
    ]
    styles = {row[0]: "red" for row in rows}
    return Section("Damaged or unreadable inputs", ("input",), rows, styles=styles, whole=True)


def _named(path: str, error: str) -> str:
    """The error with its path in front, once."""
    return error if error.startswith(f"{path}:") else f"{path}: {error}"


def _aligned(section: Section, width: int) -> Iterator[str]:
    """The rows with their columns aligned."""
    if section.whole:
        yield from (f"  {row[0]}" for row in section.rows)
        return
    widths = _widths(section, width)
    for row in (section.columns, *section.rows):
        cells = [
            _clipped(cell, size).ljust(size) if at in section.text_columns else cell.rjust(size)
            for at, (cell, size) in enumerate(zip(row, widths, strict=True))
        ]
        yield ("  " + "  ".join(cells)).rstrip()


def _widths(section: Section, width: int) -> list[int]:
    """Columns' widths: as wide as needed, but the widest text gives way so that all fit."""
    if section.whole:
        return [width - 2]
    rows = (section.columns, *section.rows)
    widths = [max(len(row[at]) for row in rows) for at in range(len(section.columns))]
    # Two blanks before and between the columns, as rich's padding has them.
    excess = 2 * len(widths) + sum(widths) - width
    while excess > 0:
        widest = max(section.text_columns, key=lambda at: widths[at])
        if widths[widest] <= TEXT_WIDTH_MIN:
            break
        widths[widest] -= 1
        excess -= 1
    return widths


def _clipped(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(width - 3, 0)] + "..."


def _mapping(ledger: Ledger, key: str) -> Ledger:
    value = ledger.get(key)
    return value if isinstance(value, dict) else {}


def _number(ledger: Ledger, *path: str) -> Any:
    value: Any = ledger
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value or 0


def _grouped(number: float) -> str:
    return f"{number:,.0f}"


def _counted(number: float, noun: str) -> str:
    return f"{_grouped(number)} {noun}{'' if number == 1 else 's'}"
