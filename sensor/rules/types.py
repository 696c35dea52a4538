"""Parts of rules of some types beyond their query: threshold, new terms, indicator match.

Both forms are read: the TOML tables of the detection-rules layout and the keys of Kibana's export.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sensor.base.units import SECOND_NS
from sensor.rules.kibana_json import Table

UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
LOOKBACK_DEFAULT_NS = 360 * SECOND_NS
"""`now-6m`, Elastic's default: an interval of five minutes and one more."""
FIELDS_MAX = 5
"""Older versions of Kibana allow three."""
TERMS_FIELDS_MAX = 3

Report = Callable[[str, str], None]
"""Takes what is wrong, and the key where."""


@dataclass(frozen=True, slots=True)
class ThresholdText:
    """`[rule.threshold]`: how many events of a group, and how many different values among them."""

    fields: tuple[str, ...]
    value: int
    cardinality_field: str = ""
    cardinality_value: int = 0


@dataclass(frozen=True, slots=True)
class NewTermsText:
    """`[rule.new_terms]`: values that were not there within the history window."""

    fields: tuple[str, ...]
    history_ns: int


@dataclass(frozen=True, slots=True)
class MappingEntry:
    """One comparison: a field of the event with a field of the indicator."""

    field: str
    indicator_field: str
    negate: bool = False


@dataclass(frozen=True, slots=True)
class ThreatText:
    """The `threat_*` keys: alternatives of entries that must hold together for one indicator."""

    mapping: tuple[tuple[MappingEntry, ...], ...]
    query: str
    language: str
    indicator_path: str
    files: tuple[str, ...]
    """Indicator files that the rule names itself (`[sensor] indicators`), as written."""


_AGO_S = {**UNITS_S, "H": 3600, "M": 30 * 86_400, "y": 365 * 86_400}
"""The units of Elasticsearch's date math, which has no days of a certain month."""

Special = ThresholdText | NewTermsText | ThreatText


def read_special(rule: Table, sensor: Table, report: Report) -> Special | None:
    """The part of a rule that belongs to its type alone; what is wrong goes to `report`."""
    match rule.get("type"):
        case "threshold":
            return _threshold(rule.get("threshold"), report)
        case "new_terms":
            return _new_terms(rule, report)
        case "threat_match":
            return _threat(rule, sensor, report)
    return None


def lookback_ns(rule: Table, report: Report) -> int:
    """The time between `from` and `to`: how far back a run of the rule looks."""
    spans = []
    for key, default in (("from", "now-6m"), ("to", "now")):
        value = rule.get(key)
        span = ago_ns(default if value is None else value)
        if span is None:
            report(f"'{key}' must be like now-9m (s, m, h, d), not {value!r}", key)
            return LOOKBACK_DEFAULT_NS
        spans.append(span)
    if spans[0] <= spans[1]:
        report("'from' must be before 'to'", "from")
        return LOOKBACK_DEFAULT_NS
    return spans[0] - spans[1]


def ago_ns(value: object) -> int | None:
    """The age in nanoseconds that `now-9m` means; None if it is something else.

    Rounding (`/d`) is passed over; a month is 30 days, a year 365.
    """
    found = re.fullmatch(r"now((?:-[0-9]{1,9}[smhHdwMy])*)(?:/[smhHdwMy])?", value) if isinstance(
        value, str) else None
    if found is None:
        return None
    parts = re.findall(r"-([0-9]+)([smhHdwMy])", found[1])
    return sum(int(number) * _AGO_S[unit] for number, unit in parts) * SECOND_NS


def _threshold(table: object, report: Report) -> ThresholdText | None:
    if not isinstance(table, dict):
        report("a threshold rule needs [rule.threshold]", "")
        return None
    fields = _names(table.get("field"), 0, FIELDS_MAX)
    if fields is None:
        report(f"'threshold.field' must list up to {FIELDS_MAX} fields", "field")
    value = _whole(table.get("value"))
    if value is None:
        report("'threshold.value' must be a whole number from 1", "value")
    cardinality = table.get("cardinality") or []
    cardinality = [cardinality] if isinstance(cardinality, dict) else cardinality
    if not isinstance(cardinality, list) or len(cardinality) > 1:
        report("'threshold.cardinality' must be one { field, value }", "cardinality")
        cardinality = []
    name, different = "", 0
    for entry in cardinality:
        given = entry if isinstance(entry, dict) else {}
        found, number = given.get("field"), _whole(given.get("value"))
        if not isinstance(found, str) or not found or number is None:
            report("'threshold.cardinality' needs a field and a whole number from 1", "cardinality")
        else:
            name, different = found, number
    return ThresholdText(fields or (), value or 1, name, different)


def _new_terms(rule: Table, report: Report) -> NewTermsText | None:
    table = rule.get("new_terms")
    if isinstance(table, dict):
        names, starts = table.get("value"), table.get("history_window_start")
        first = starts[0] if isinstance(starts, list) and starts else starts
        start = first.get("value") if isinstance(first, dict) else first
    else:
        names, start = rule.get("new_terms_fields"), rule.get("history_window_start")
    fields = _names(names, 1, TERMS_FIELDS_MAX)
    if fields is None:
        report(f"a new-terms rule must list 1 to {TERMS_FIELDS_MAX} fields", "new_terms")
    span = ago_ns(start)
    if not span:
        report(f"'history_window_start' must be a time like now-7d, not {start!r}",
               "history_window_start")
    return NewTermsText(fields or (), span or 0)


def _threat(rule: Table, sensor: Table, report: Report) -> ThreatText:
    mapping = rule.get("threat_mapping")
    groups = []
    for group in mapping if isinstance(mapping, list) else []:
        entries = group.get("entries") if isinstance(group, dict) else None
        read = [_entry(entry, report) for entry in (entries if isinstance(entries, list) else [])]
        whole = tuple(entry for entry in read if entry is not None)
        if read and all(entry.negate for entry in whole) and len(whole) == len(read):
            report("entries that go together cannot all be negated", "threat_mapping")
        groups.append(whole)
    if not groups or not all(groups):
        report("an indicator-match rule needs threat_mapping with entries", "threat_mapping")
    query = rule.get("threat_query")
    path = rule.get("threat_indicator_path")
    files = sensor.get("indicators", [])
    if not isinstance(files, list) or not all(isinstance(name, str) for name in files):
        report("'indicators' must list files", "indicators")
        files = []
    return ThreatText(
        tuple(groups),
        query if isinstance(query, str) and query.strip() else "*:*",
        str(rule.get("threat_language") or "kuery"),
        path if isinstance(path, str) and path else "threat.indicator",
        tuple(files),
    )


def _entry(entry: object, report: Report) -> MappingEntry | None:
    given = entry if isinstance(entry, dict) else {}
    name, other = given.get("field"), given.get("value")
    if not isinstance(name, str) or not isinstance(other, str) or not name or not other:
        report("an entry of threat_mapping needs a 'field' and a 'value'", "threat_mapping")
        return None
    if given.get("type", "mapping") != "mapping":
        report("an entry of threat_mapping is of type mapping", "threat_mapping")
    return MappingEntry(name, other, bool(given.get("negate", False)))


def _names(value: object, least: int, most: int) -> tuple[str, ...] | None:
    names = [value] if isinstance(value, str) else [] if value is None else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return None
    named = tuple(name for name in names if name)
    return named if least <= len(named) <= most and len(set(named)) == len(named) else None


def _whole(value: object) -> int | None:
    return value if type(value) is int and value >= 1 else None


def duration_text(span_ns: int) -> str:
    """`7 d`, `36 h`: the largest unit that tells it exactly."""
    seconds = span_ns // SECOND_NS
    for name, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size} {name}"
    return f"{seconds} s"
