"""Rule files -> rule texts: the detection-rules TOML layout, and Kibana's NDJSON rule export."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from sensor.base.escape import harmless
from sensor.base.units import SECOND_NS
from sensor.capture.files.batches import format_of
from sensor.errors import QueryError, quoted, reason_of
from sensor.model.alert import SEVERITIES
from sensor.rules.kibana_json import Table, is_json, kind_of, values_of
from sensor.rules.types import UNITS_S, Special, ThresholdText, lookback_ns, read_special

T = TypeVar("T")
FILE_BYTES_MAX = 8 << 20
UNSUPPORTED_TYPES = {
    "machine_learning": "machine learning jobs are not evaluated",
    "esql": "ES|QL is not evaluated",
    "saved_query": "a saved query lives in Kibana, not in the rule",
}
SUPPRESSION_UNITS = ("s", "m", "h", "d")
QUERY_TYPES = ("query", "threshold", "new_terms", "threat_match")
"""Types whose query is KQL."""
TYPES = ("eql", *QUERY_TYPES, *UNSUPPORTED_TYPES)


@dataclass(frozen=True, slots=True)
class Suppression:
    """`alert_suppression` of a rule."""

    group_by: tuple[str, ...]
    duration_ns: int
    """0: none was given."""
    missing_alerts: bool
    """True if events without a group field give alerts of their own (doNotSuppress)."""


@dataclass(frozen=True, slots=True)
class RuleText:
    """One rule as its file has it."""

    path: str
    id: str
    name: str
    type: str
    language: str
    query: str
    query_line: int
    """The line of the file on which the query's text begins."""
    severity: str
    risk_score: float
    version: int
    description: str
    tags: tuple[str, ...]
    references: tuple[str, ...]
    false_positives: tuple[str, ...]
    note: str
    author: tuple[str, ...]
    license: str
    threat: tuple[Table, ...]
    max_signals: int | None
    suppression: Suppression | None
    building_block: bool
    disabled: bool
    """True if somebody switched it off in Kibana."""
    filters: tuple[object, ...]
    """Kibana's filters, which narrow the query without being part of its text."""
    category_field: str
    """The field of EQL's event category, if the rule names one."""
    exception_lists: tuple[str, ...]
    ruleset: str
    """The rule's set: the word of its `[sensor]` table, else the name of its folder."""
    network_leg: str
    """The rule (file stem) that covers what a tap can see of this one."""
    tests: tuple[Table, ...]
    lookback_ns: int
    """The look-back of a run of the rule (`from`): the window where it counts or waits."""
    special: Special | None
    """The part that only rules of its type have: threshold, new terms, indicators."""
    lines: Sequence[str] = field(default=(), compare=False, repr=False)
    """The lines of its file; none where that is JSON."""
    errors: tuple[QueryError, ...] = field(default=(), compare=False, repr=False)
    """Its mistakes beside its query; with any it is looked at only to find more."""

    def line_of(self, word: str) -> int:
        """The line of its file on which a word stands in quotes; 0 if unknown."""
        if not self.lines:
            return self.query_line
        quoted = (f'"{word}"', f"'{word}'")
        return next((number for number, line in enumerate(self.lines, 1)
                     if any(text in line for text in quoted)), 0)

    def with_location(self, error: QueryError) -> QueryError:
        """An error of its query, moved to its place in the file."""
        if not self.lines:
            # The file has the query in one piece, escaped: its own line is shown instead.
            reason = f"{error.reason} (query line {error.line}, column {error.column})"
            reason += quoted(error.text, error.column)
            return QueryError(reason, path=self.path, line=self.query_line)
        line = self.query_line + error.line - 1
        written = self.lines[line - 1].rstrip("\r") if 0 < line <= len(self.lines) else ""
        shift = written.find(error.text) if error.text else -1
        if shift < 0:
            shift, written = 0, error.text
        return QueryError(error.reason, path=self.path, line=line, column=error.column + shift,
                          text=written)


def find_files(paths: Iterable[str]) -> tuple[list[Path], list[QueryError]]:
    """The rule files that paths name, each once, folders in order of their names."""
    files: dict[Path, None] = {}
    errors = []
    for name in paths:
        path = Path(name)
        if not name:  # what a variable that is not set leaves in a script, and no "here"
            errors.append(QueryError("an empty name of a file or folder", path=str(path)))
        elif path.is_dir():
            found = sorted(file for file in path.rglob("*") if file.is_file() and (
                file.suffix in (".toml", ".ndjson")
                or (file.suffix == ".json" and _names_a_rule(file))))
            if not found:
                reason = "no rule files (*.toml, *.ndjson, *.json) here"
                others = [kind for file in sorted(path.rglob("*")) if (kind := other_kind(file))]
                errors.append(QueryError(f"{reason}{': ' if others else ''}{''.join(others[:1])}",
                                         path=str(path)))
            files.update(dict.fromkeys(found))
        elif path.exists():
            files[path] = None
        else:
            errors.append(QueryError("no such file or directory", path=str(path)))
    return list(files), errors


def _names_a_rule(path: Path) -> bool:
    """True if a file of JSON in a folder is one of rules: others may lie beside them."""
    try:
        return path.stat().st_size <= FILE_BYTES_MAX and b'"rule_id"' in path.read_bytes()
    except OSError:
        return False


_SURICATA = re.compile(
    r"^[ \t]*#?[ \t]*(?:alert|drop|pass|reject|log)[ \t]+[\w-]+[ \t]+\S.*?(?:->|<>).*\(.*;.*\)",
    re.MULTILINE)
_SIGMA = re.compile(r"^(?:logsource|detection)[ \t]*:", re.MULTILINE)


def other_kind(path: Path, content: str | None = None) -> str:
    """The kind of rules of other programs that a file holds; empty if none is known."""
    if content is None:
        if path.suffix.lower() not in (".yml", ".yaml", ".rules") or not path.is_file():
            return ""
        try:
            content = path.read_bytes()[:FILE_BYTES_MAX].decode("utf-8", "replace")
        except OSError:
            return ""
    if len(_SIGMA.findall(content)) > 1:
        return f"{harmless(path.name)} is a Sigma rule: sensor rules convert makes a rule of it"
    if _SURICATA.search(content):
        return f"{harmless(path.name)} has rules of Suricata or Snort: they are not evaluated"
    return ""


def read_file(path: Path) -> Iterator[RuleText | QueryError]:
    """The rules of a file, and what is wrong with those that cannot be used."""
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise ValueError(f"larger than {FILE_BYTES_MAX} octets")
        content = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        capture = ": a capture, not rules" if format_of(error.object) else ""
        yield QueryError(f"not UTF-8 at octet {error.start}{capture}", path=str(path))
        return
    except (OSError, ValueError) as error:
        yield QueryError(f"cannot be read: {reason_of(error)}", path=str(path))
        return
    if not is_json(path.name) and (kind := other_kind(path, content)):
        yield QueryError(kind, path=str(path))
        return
    documents = _json(path, content) if is_json(path.name) else _toml(path, content)
    for document in documents:
        if isinstance(document, QueryError):
            yield document
        else:
            yield from _Reader(str(path), content, *document).read()


def _toml(path: Path, content: str) -> Iterator[tuple[Table, int] | QueryError]:
    try:
        yield tomllib.loads(content), 0
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        reason = str(error) or "nested too deep"
        place = re.search(r" \(at line (\d+), column (\d+)\)$", reason)
        line, column = (int(place[1]), int(place[2])) if place else (0, 0)
        lines = content.split("\n")
        yield QueryError(
            f"TOML: {reason[: place.start()] if place else reason}", path=str(path),
            line=line, column=column,
            text=lines[line - 1] if 0 < line <= len(lines) else "",
        )


def _json(path: Path, content: str) -> Iterator[tuple[Table, int] | QueryError]:
    """Rules of an export; its other values (exception lists, the closing counts) are no rules."""
    for found in values_of(str(path), content):
        if isinstance(found, QueryError):
            yield found
        elif isinstance(found[1], dict) and "rule_id" in found[1]:
            yield {"rule": found[1], "json": True}, found[0]


def why_no_rule(path: Path) -> str:
    """The message about a file of JSON without any rule."""
    found = values_of(str(path), path.read_text("utf-8-sig", "replace"))
    return f"no rule in it: {kind_of(each[1] for each in found if isinstance(each, tuple))}"


class _Reader:
    """Reads one rule; collects everything that is wrong with it."""

    def __init__(self, path: str, content: str, document: Table, line: int) -> None:
        self.path = path
        self.content = content
        self.lines = content.split("\n")
        self.document = document
        self.line = line
        self.errors: list[QueryError] = []
        rule = document.get("rule")
        self.rule: Table = rule if isinstance(rule, dict) else {}

    def read(self) -> Iterator[RuleText | QueryError]:
        if not self.rule:
            yield QueryError("no [rule] table", path=self.path, line=self.line)
            return
        yield self._text()

    def _text(self) -> RuleText:
        kind = self._required("type")
        if kind and kind not in TYPES:
            self._error(f"unknown rule type '{kind}'", "type")
        runs = kind not in UNSUPPORTED_TYPES
        severity = self._required("severity")
        if severity and severity not in SEVERITIES:
            self._error(f"unknown severity '{severity}'", "severity")
        sensor = self.document.get("sensor")
        if not isinstance(sensor, dict):
            sensor = {}
        special = read_special(self.rule, sensor, self._error)
        text = RuleText(
            path=self.path, id=self._required("rule_id"), name=self._required("name"),
            type=kind, language=self._language(kind),
            query=self._query(kind) if runs else "", query_line=self._query_line(),
            severity=severity, risk_score=self._risk_score(),
            version=self._typed("version", int, 1),
            description=self._required("description").strip(),
            tags=self._texts("tags"), references=self._texts("references"),
            false_positives=self._texts("false_positives"),
            note=self._typed("note", str, "").strip(), author=self._texts("author"),
            license=self._typed("license", str, ""), threat=self._threat(),
            max_signals=self._max_signals(), suppression=self._suppression(special),
            building_block=self.rule.get("building_block_type") is not None,
            disabled=self.rule.get("enabled") is False and is_json(self.path),
            filters=tuple(self._typed("filters", list, [])),
            category_field=self._typed("event_category_override", str, ""),
            exception_lists=tuple(
                str(item["list_id"]) for item in self._typed("exceptions_list", list, [])
                if isinstance(item, dict) and "list_id" in item),
            ruleset=str(sensor.get("ruleset") or Path(self.path).absolute().parent.name),
            network_leg=str(sensor.get("network_leg", "")),
            tests=self._tests(),
            lookback_ns=lookback_ns(self.rule, self._error),
            special=special,
            lines=() if is_json(self.path) else self.lines,
        )
        return replace(text, errors=tuple(self.errors))

    # --- kinds of values

    def _required(self, key: str) -> str:
        value = self.rule.get(key)
        if value is None:
            self._error(f"[rule] has no '{key}'", "")
            return ""
        if not isinstance(value, str) or not value.strip():
            self._error(f"'{key}' must be a text that is not empty", key)
            return ""
        return value

    def _query(self, kind: str) -> str:
        """The query; Kibana exports a rule that only filters with an empty one: all events."""
        if kind in QUERY_TYPES and self.rule.get("query") == "":
            return "*:*"
        return self._required("query")

    def _typed(self, key: str, kind: type[T], default: T) -> T:
        value = self.rule.get(key, default)
        if value is None:
            return default
        if not isinstance(value, kind) or isinstance(value, bool):
            words = {str: "a text", int: "a whole number", list: "a list", dict: "a table"}
            self._error(f"'{key}' must be {words[kind]}", key)
            return default
        return value

    def _texts(self, key: str) -> tuple[str, ...]:
        return tuple(str(value).strip() for value in self._typed(key, list, []))

    def _language(self, kind: str) -> str:
        default = "eql" if kind == "eql" else "kuery"
        language: str = self._typed("language", str, default)
        if kind == "eql" and language != "eql":
            self._error(f"a rule of type eql has the language eql, not '{language}'", "language")
        if kind in QUERY_TYPES and language not in ("kuery", "lucene"):
            self._error(f"unknown language '{language}': kuery or lucene", "language")
        return language

    def _risk_score(self) -> float:
        value = self.rule.get("risk_score")
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 100:
            self._error("'risk_score' must be a number from 0 to 100", "risk_score")
            return 0.0
        return float(value)

    def _max_signals(self) -> int | None:
        if self.rule.get("max_signals") is None:
            return None
        value = self._typed("max_signals", int, 1)
        if value < 1:
            self._error("'max_signals' must be at least 1", "max_signals")
        return value

    def _suppression(self, special: Special | None) -> Suppression | None:
        table: Table = self._typed("alert_suppression", dict, {})
        if not table:
            return None
        group_by = table.get("group_by")
        if isinstance(special, ThresholdText):  # by its own fields: it names none here
            return Suppression(special.fields, self._duration_ns(table.get("duration")),
                               missing_alerts=False)
        if (not isinstance(group_by, list) or not 1 <= len(group_by) <= 5
                or not all(isinstance(name, str) for name in group_by)):
            self._error("'alert_suppression.group_by' must list 1 to 5 fields", "group_by")
            return None
        strategy = table.get("missing_fields_strategy", "suppress")
        if strategy not in ("suppress", "doNotSuppress"):
            self._error("'missing_fields_strategy' is suppress or doNotSuppress",
                        "missing_fields_strategy")
        return Suppression(tuple(group_by), self._duration_ns(table.get("duration")),
                           strategy == "doNotSuppress")

    def _duration_ns(self, value: object) -> int:
        if value is None:
            return 0
        number = value.get("value") if isinstance(value, dict) else None
        unit = value.get("unit") if isinstance(value, dict) else None
        if type(number) is not int or number < 1 or unit not in SUPPRESSION_UNITS:
            self._error("'duration' must be like { value = 5, unit = \"m\" } (s, m, h, d)",
                        "duration")
            return 0
        return number * UNITS_S[unit] * SECOND_NS

    def _threat(self) -> tuple[Table, ...]:
        entries = self._typed("threat", list, [])
        if not all(isinstance(entry, dict) for entry in entries):
            self._error("'threat' must be a list of tables", "threat")
            return ()
        return tuple(entries)

    def _tests(self) -> tuple[Table, ...]:
        tests = self.document.get("test")
        return tuple(test for test in (tests if isinstance(tests, list) else [])
                     if isinstance(test, dict))

    # --- places

    def _error(self, reason: str, key: str) -> None:
        self.errors.append(QueryError(reason, path=self.path, line=self._line_of(key)))

    def _line_of(self, key: str) -> int:
        """The line of the file on which a key stands; the rule's own where that is unknown."""
        if self.line or not key:
            return self.line
        found = re.search(rf"^[ \t]*{re.escape(key)}[ \t]*=", self.content, re.MULTILINE)
        return self.content.count("\n", 0, found.start()) + 1 if found else 0

    def _query_line(self) -> int:
        if self.line:
            return self.line
        line = self._line_of("query")
        if not line:
            return 0
        written = self.lines[line - 1]
        opens = re.search(r"=\s*(\"\"\"|''')\s*$", written)
        return line + 1 if opens else line
