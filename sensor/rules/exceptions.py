"""Exceptions: which matches are known to be harmless. A TOML file, or a Kibana NDJSON export.

An item is a list of entries that must all hold; a match is excepted if any item holds that is meant
for its rule and has not expired. Whatever is wrong with a file is reported at once.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sensor.base.escape import harmless
from sensor.errors import ConfigError, QueryError
from sensor.model.addresses import Networks
from sensor.model.columns import AddressColumn, Mask, Rows
from sensor.query import ecs_names
from sensor.query.ast import FieldRef, Literal, Node, OneOf, any_of
from sensor.query.masks import Predicate, ValuesTest, network_mask, present
from sensor.query.patterns import regex_of_wildcard
from sensor.query.predicate import all_predicates, any_object, compile_query, no_predicate
from sensor.query.validate import misfit, unknown
from sensor.query.values import address_of, date_span, is_network, text_of
from sensor.rules.kibana_json import Table, is_json, kind_of, values_of

LIST_LINES_MAX = 1_000_000
NESTING_MAX = 8
_ITEM_KEYS = {"id", "name", "comment", "rules", "expires", "entries"}
_ENTRY_KEYS = {"field", "type", "operator", "value", "list", "entries"}
NEVER_NS = 1 << 63


@dataclass(frozen=True, slots=True)
class ExceptionItem:
    """One item: what it excepts, from which rules, until when."""

    name: str
    place: str
    comment: str
    rules: tuple[str, ...]
    """Ids or names of rules; empty: all rules."""
    list_id: str
    """The Kibana list that the item is in; rules may name it in `exceptions_list`."""
    expires_ns: int
    predicate: Predicate
    entries_of: Callable[[Rows, Sequence[int]], Iterable[tuple[str, str]]] | None = None
    """Names which entries of a list take some rows, with their comments; None: it has none."""

    def takers(self, rows: Rows, taken: Sequence[int]) -> Iterable[tuple[str, str]]:
        """Name and comment of what took each of some rows: this item, or an entry of its list."""
        if self.entries_of is not None:
            return self.entries_of(rows, taken)
        label = self.name if self.name == self.place else f"{self.place} {self.name}"
        return [(harmless(label), harmless(self.comment))] * len(taken)

    def name_of(self, rows: Rows, row: int) -> str:
        """The name of what took a row."""
        return self.name if self.entries_of is None else next(iter(self.takers(rows, [row])))[0]

    def mask(self, rows: Rows) -> Mask:
        """The rows that it takes: nothing that became known after it expired."""
        holds = self.predicate(rows)
        return holds if self.expires_ns == NEVER_NS else holds & (rows.times_ns() < self.expires_ns)


def read_exceptions(
    paths: Iterable[str], known: Callable[[str], str | None], fields: Collection[str] = ()
) -> list[ExceptionItem]:
    """The items of exception files.

    `known` gives the ECS type of each field that events can have, `fields` are those of our own.

    Errors: ConfigError that lists every bad item with its file and place.
    """
    errors: list[str] = []
    items: list[ExceptionItem] = []
    for name in paths:
        path, shown = Path(name), harmless(name)
        try:
            content = path.read_bytes().decode("utf-8")
        except UnicodeDecodeError as error:
            errors.append(f"{shown}: not UTF-8 at octet {error.start}")
            continue
        except OSError as error:
            errors.append(f"{shown}: cannot be read: {error.strerror}")
            continue
        read = _json if is_json(name) else _toml
        for place, raw in read(shown, content, errors):
            reader = _ItemReader(path, place, raw, (known, fields))
            items += reader.read()
            errors += reader.errors
    if errors:
        raise ConfigError("\n".join(errors))
    return items


def expired_notices(items: Iterable[ExceptionItem], now_ns: int) -> list[str]:
    """Notices about exceptions that have expired."""
    return [f"exception '{harmless(item.name)}' ({item.place}) has expired: what happened since"
            " is not excepted any more" for item in items if item.expires_ns <= now_ns]


def _toml(path: str, content: str, errors: list[str]) -> Iterator[tuple[str, Table]]:
    try:
        document = tomllib.loads(content)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        start = next((line for line in content.split("\n") if line.strip(" \t\r")[:1] not in "#"),
                     "")
        hint = "; a list of addresses is given to --allow" if is_network(
            (start.split("#")[0].split() or [""])[0]) else ""
        errors.append(f"{path}: TOML: {error}{hint}")
        return
    for key in document.keys() - {"item"}:
        errors.append(f"{path}: unknown key '{key}': items are [[item]] tables")
    items = document.get("item", [])
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        errors.append(f"{path}: 'item' must be written [[item]]")
        return
    lines = [number for number, line in enumerate(content.split("\n"), 1)
             if line.strip().startswith("[[item]]")]
    for index, item in enumerate(items):
        place = f"{path}:{lines[index]}" if index < len(lines) else f"{path}: item {index + 1}"
        for key in item.keys() - _ITEM_KEYS:
            errors.append(f"{place}: unknown key '{key}'")
        yield place, item


def _json(path: str, content: str, errors: list[str]) -> Iterator[tuple[str, Table]]:
    """The items of a Kibana export; its list containers and closing counts are passed over."""
    others: list[object] = []
    is_right = False
    values = list(values_of(path, content))
    lists = [found[1] for found in values if isinstance(found, tuple)]
    endpoint = {str(each["list_id"]) for each in lists
                if isinstance(each, dict) and "list_id" in each
                and str(each.get("type", "")).startswith("endpoint")}
    for found in values:
        if isinstance(found, QueryError):
            errors.append(str(found))
            is_right = True
        elif isinstance(found[1], dict) and "entries" in found[1]:
            yield f"{path}:{found[0]}", _from_kibana(found[1], endpoint)
            is_right = True
        else:
            # A list may be empty.
            is_right |= isinstance(found[1], dict) and "list_id" in found[1]
            others.append(found[1])
    if others and not is_right:
        errors.append(f"{path}: no exception item in it: {kind_of(others)}")


def _from_kibana(document: Table, endpoint: set[str]) -> Table:
    """An item as our own files have it; `endpoint` are the lists of Elastic's endpoint in its file.
    """
    comments = document.get("comments")
    texts = [item.get("comment") for item in comments if isinstance(item, dict)] if isinstance(
        comments, list) else []
    item = {
        "id": document.get("item_id"), "name": document.get("name"),
        "comment": "; ".join(text for text in texts if isinstance(text, str))
        or document.get("description"),
        "entries": document.get("entries"), "list_id": document.get("list_id", ""),
    }
    if document.get("expire_time"):
        item["expires"] = document["expire_time"]
    systems = document.get("os_types")
    # In Kibana's searches a backslash takes the next character as it is; to the endpoint it is one.
    item["escapes"] = not (systems or item["list_id"] in endpoint
                           or str(item["list_id"]).startswith("endpoint"))
    if systems and isinstance(item["entries"], list):  # an endpoint's: only for events of such
        item["entries"] = [*item["entries"], {
            "field": "host.os.type", "operator": "included", "type": "match_any", "value": systems}]
    return item


class _ItemReader:
    """Reads one item; collects what is wrong with it."""

    def __init__(
        self, path: Path, place: str, raw: Table,
        schema: tuple[Callable[[str], str | None], Collection[str]],
    ) -> None:
        self._path = path
        self._place = place
        self._raw = raw
        self._known, self._fields = schema
        self.errors: list[str] = []

    def read(self) -> list[ExceptionItem]:
        """The item, or nothing if anything is wrong with it."""
        raw = self._raw
        comment = raw.get("comment")
        if not isinstance(comment, str) or not comment.strip():
            self._error("a comment is required: say why this is harmless")
        rules = raw.get("rules", [])
        if not isinstance(rules, list) or not all(isinstance(rule, str) for rule in rules):
            self._error("'rules' must list rule ids or names")
            rules = []
        expires_ns = self._expires_ns(raw.get("expires"))
        parts = self._entries(raw.get("entries"), "", 0)
        if self.errors or not parts:
            return []
        return [ExceptionItem(
            name=str(raw.get("name") or raw.get("id") or self._place), place=self._place,
            comment=str(comment), rules=tuple(rules), list_id=str(raw.get("list_id", "")),
            expires_ns=expires_ns, predicate=all_predicates(parts),
        )]

    def _error(self, reason: str) -> None:
        self.errors.append(f"{self._place}: {reason}")

    def _expires_ns(self, value: object) -> int:
        """The instant that is written, or the end of the month or day."""
        if value is None:
            return NEVER_NS
        text = value.isoformat() if isinstance(value, date) else value
        span = date_span(text) if isinstance(text, str) else None
        if span is None:
            self._error(f"'expires' must be a date like 2026-12-31, not {value!r}")
            return 0
        return span[0] if ":" in str(text) else span[1]

    def _entries(self, entries: object, prefix: str, depth: int) -> list[Predicate]:
        if not isinstance(entries, list) or not entries:
            self._error("'entries' must list at least one entry")
            return []
        if depth > NESTING_MAX:
            self._error(f"entries nest more than {NESTING_MAX} deep")
            return []
        parts = []
        for entry in entries:
            if isinstance(entry, dict):
                part = self._entry(entry, prefix, depth)
                parts += [] if part is None else [part]
            else:
                self._error("an entry must be a table")
        return parts

    def _entry(self, entry: Table, prefix: str, depth: int) -> Predicate | None:
        for key in sorted(entry.keys() - _ENTRY_KEYS):
            self._error(f"unknown key '{key}' in an entry")
        name, kind = entry.get("field"), entry.get("type")
        if not isinstance(name, str) or not name:
            self._error("an entry needs a 'field'")
            return None
        if self._known(prefix + name) is None and (
                reason := unknown(prefix + name, self._fields)):
            self._error(reason)
        operator = entry.get("operator", "included")
        if operator not in ("included", "excluded"):
            self._error(f"'operator' is included or excluded, not {operator!r}")
        part = self._predicate(entry, name, kind, prefix, depth)
        return part if part is None or operator == "included" else no_predicate(part)

    def _predicate(
        self, entry: Table, name: str, kind: object, prefix: str, depth: int
    ) -> Predicate | None:
        value = entry.get("value")
        match kind:
            case "match":
                return self._any_of(name, [value], kind)
            case "match_any":
                return self._any_of(name, value, kind)
            case "wildcard":
                return self._any_of(name, value if isinstance(value, list) else [value], kind)
            case "exists":
                return lambda rows: present(rows.column(name), rows.count)
            case "list":
                return self._listed(name, entry.get("list"))
            case "nested":
                inner = self._entries(entry.get("entries"), f"{prefix}{name}.", depth + 1)
                return any_object(name, all_predicates(inner)) if inner else None
        self._error(f"unknown entry type {kind!r}: match, match_any, exists, wildcard, list or "
                    "nested")
        return None

    def _any_of(self, name: str, values: object, kind: str) -> Predicate | None:
        if not isinstance(values, list) or not values or not all(
            isinstance(value, str | int | float) for value in values
        ):
            self._error(f"an entry of type {kind} needs a 'value'")
            return None
        for value in values:
            reason = misfit(name, self._known(name) or "", text_of(value))
            if reason and kind != "wildcard" and ecs_names.is_ecs(name):
                self._error(reason)
        if kind != "wildcard":
            return compile_query(OneOf("in", FieldRef(name), tuple(map(Literal, values))))
        return compile_query(any_of([self._pattern(name, text_of(value)) for value in values]))

    def _pattern(self, name: str, text: str) -> Node:
        if "\\" in text and self._raw.get("escapes"):
            return OneOf("regex", FieldRef(name), (Literal(regex_of_wildcard(text)),))
        return OneOf("like", FieldRef(name), (Literal(text),))

    def _listed(self, name: str, table: object) -> Predicate | None:
        """A value list: `path` (or Kibana's `id`) names a file beside the exceptions file."""
        file = (table.get("path") or table.get("id")) if isinstance(table, dict) else None
        kind = table.get("type") if isinstance(table, dict) else None
        if not isinstance(file, str) or kind not in ("keyword", "ip", "ip_range"):
            self._error("an entry of type list needs list = { path = ..., type = "
                        "keyword, ip or ip_range }")
            return None
        path = self._path.parent / file
        try:
            lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            self._error(f"the list {harmless(str(path))} cannot be read: {reason}")
            return None
        if len(lines) > LIST_LINES_MAX:
            self._error(f"the list {harmless(str(path))} has more than {LIST_LINES_MAX} lines")
            return None
        numbered = [(number, line) for number, line in enumerate(lines, 1)
                    if line and not line.startswith("#")]
        if kind == "keyword":
            return _keywords(name, frozenset(line for _, line in numbered))
        cidrs = [cidr for number, line in numbered for cidr in self._cidrs(path, number, line)]
        return in_networks(name, Networks(cidrs))

    def _cidrs(self, path: Path, number: int, line: str) -> list[str]:
        if is_network(line):
            return [line]
        first, dash, last = (part.strip() for part in line.partition("-"))
        low, high = address_of(first), address_of(last)
        if dash and low and high and low <= high and (":" in first) == (":" in last):
            from netaddr import iprange_to_cidrs  # noqa: PLC0415  slow to import

            return [str(cidr) for cidr in iprange_to_cidrs(first, last)]
        self._error(f"{harmless(str(path))}:{number}: {line!r} is no address, network or range")
        return []


def _keywords(name: str, words: frozenset[str]) -> Predicate:
    test = ValuesTest(lambda values: any(text_of(value) in words for value in values))
    return lambda rows: test.mask(rows.column(name), rows.count)


def in_networks(name: str, networks: Networks) -> Predicate:
    """True where the field has an address in one of the networks."""
    test = ValuesTest(lambda values: any(
        (halves := address_of(text_of(value))) is not None and halves in networks
        for value in values))

    def predicate(rows: Rows) -> Mask:
        column = rows.column(name)
        if isinstance(column, AddressColumn):
            return network_mask(column, networks)
        return test.mask(column, rows.count)

    return predicate
