"""Allow-lists (`--allow FILE`): addresses that are excepted from all rules, counted by entry.

Two forms. A list has one address, network, or `address port` a line; what comes after `#` is its
comment. CSV has a heading that names a column ip, cidr, network or address; the other columns are
the comment. An event is excepted if either of its ends is in an entry.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sensor.base.escape import harmless
from sensor.errors import ConfigError
from sensor.model.addresses import V4_PREFIX, Networks
from sensor.model.columns import AddressColumn, Column, NumberColumn, Rows
from sensor.query.ast import FieldRef, Literal, OneOf
from sensor.query.masks import Predicate
from sensor.query.predicate import all_predicates, any_predicate, compile_query
from sensor.query.values import address_of, is_network, text_of
from sensor.rules.exceptions import NEVER_NS, ExceptionItem, in_networks

FILE_BYTES_MAX = 64 << 20
ERRORS_SHOWN = 20
COLUMNS = ("ip", "cidr", "network", "address")
"""The names of the column of a CSV file that holds the addresses."""
ANY_PORT = -1
_BITS = 128
_WANTED = "an address, a network, or `address port`"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list."""

    network: str
    port: int
    label: str
    """File, line and what is written there."""
    comment: str


class AllowList:
    """The entries of one file. Errors: ConfigError that lists what is wrong with the file."""

    def __init__(self, name: str) -> None:
        self._shown = harmless(name)
        self._errors: list[str] = []
        self.entries: list[Entry] = []
        content = self._content(Path(name))
        if (separator := _separator(content)) or name.lower().endswith(".csv"):
            self._read_csv(content, separator or ",")
        elif name.lower().endswith((".toml", ".ndjson", ".json")):
            self._errors.append(f"{self._shown}: an allow-list is a list or CSV; exceptions in TOML"
                                " and exports of Kibana are given to --exceptions")
        else:
            self._read_list(content)
        if not self.entries and not self._errors:
            self._errors.append(f"{self._shown}: no entry in it: one a line, {_WANTED}")
        if self._errors:
            more = len(self._errors) - ERRORS_SHOWN
            shown = self._errors[:ERRORS_SHOWN]
            raise ConfigError("\n".join([*shown, *([f"and {more} more"] if more > 0 else [])]))

    def item(self) -> ExceptionItem:
        """The whole list as one exception for all rules."""
        count = len(self.entries)
        return ExceptionItem(
            name=self._shown, place=self._shown,
            comment=f"allow-list of {count:,} entr{'y' if count == 1 else 'ies'}",
            rules=(), list_id="", expires_ns=NEVER_NS, predicate=_predicate(self.entries),
            entries_of=Finder(self.entries).entries_of,
        )  # fmt: skip

    def _content(self, path: Path) -> str:
        try:
            if path.stat().st_size > FILE_BYTES_MAX:
                raise ConfigError(f"--allow {self._shown}: larger than {FILE_BYTES_MAX} octets")
            return path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ConfigError(f"--allow {self._shown}: not UTF-8 at octet {error.start}; "
                              f"wanted is text: one a line, {_WANTED}") from None
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise ConfigError(f"--allow {self._shown}: cannot be read: {reason}") from None

    def _read_list(self, content: str) -> None:
        for line, written in enumerate(content.split("\n"), 1):
            value, _, comment = written.partition("#")
            network, *others = value.split() or [""]
            if not network:
                continue
            port = _port(others[0]) if len(others) == 1 else None
            if len(others) > 1 or (others and port is None):
                self._wrong(line, value, f"wanted is {_WANTED} (1 to 65535); a comment begins"
                                         " with #")
            else:
                self._add(line, network, ANY_PORT if port is None else port, comment)

    def _read_csv(self, content: str, separator: str) -> None:
        rows = csv.reader(io.StringIO(content, newline=""), delimiter=separator, strict=True)
        try:
            heading = [name.strip() for name in next(rows, [])]
            lower = [name.lower() for name in heading]
            at = next((lower.index(name) for name in COLUMNS if name in lower), None)
            if at is None:
                self._wrong(1, ", ".join(heading), "the heading of a CSV file names one of "
                                                   + ", ".join(COLUMNS))
                return
            for row in rows:
                if len(row) > at and row[at].strip():  # a device without an address is none
                    others = (cell.strip() for place, cell in enumerate(row) if place != at)
                    self._add(rows.line_num, row[at].strip(), ANY_PORT,
                              ", ".join(filter(None, others)))
        except csv.Error as error:
            self._errors.append(f"{self._shown}:{rows.line_num}: CSV: {error}")

    def _add(self, line: int, network: str, port: int, comment: str) -> None:
        if not is_network(network):
            self._wrong(line, network, f"wanted is {_WANTED}")
            return
        written = network if port == ANY_PORT else f"{network} {port}"
        label = f"{self._shown}:{line} {written}"
        self.entries.append(Entry(network, port, label, harmless(comment.strip())))

    def _wrong(self, line: int, value: str, wanted: str) -> None:
        self._errors.append(f"{self._shown}:{line}: {harmless(value.strip()[:80])!r}: {wanted}")


class Finder:
    """Finds the entry that takes an event: the one with the longest prefix, a port before none."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries: dict[tuple[int, int, int], Entry] = {}
        for entry in entries:
            value, bits = _number_of(entry.network)
            self._entries.setdefault((bits, value >> (_BITS - bits), entry.port), entry)
        self._lengths = sorted({bits for bits, _, _ in self._entries}, reverse=True)

    def entries_of(self, rows: Rows, selected: Iterable[int]) -> Iterator[tuple[str, str]]:
        """Label and comment of the entry that takes each of some rows."""
        ends = [(rows.column(f"{side}.ip"), rows.column(f"{side}.port"))
                for side in ("source", "destination")]
        for row in selected:
            entry = next((found for addresses, ports in ends
                          for value in _numbers(addresses, row)
                          if (found := self._find(value, _ports(ports, row)))), None)
            if entry is not None:
                yield entry.label, entry.comment

    def _find(self, value: int, ports: tuple[int, ...]) -> Entry | None:
        for bits in self._lengths:
            for port in (*ports, ANY_PORT):
                entry = self._entries.get((bits, value >> (_BITS - bits), port))
                if entry is not None:
                    return entry
        return None


def read_allow_lists(names: Iterable[str]) -> list[ExceptionItem]:
    """Allow-lists as exceptions, each file once. Errors: ConfigError that lists all errors."""
    items, errors = [], []
    for name in dict.fromkeys(names):
        try:
            items.append(AllowList(name).item())
        except ConfigError as error:
            errors.append(str(error))
    if errors:
        raise ConfigError("\n".join(errors))
    return items


def _separator(content: str) -> str:
    """The character between the columns, if the first line is the heading of a CSV file."""
    heading = content.split("\n", 1)[0].strip().lower()
    for separator in (",", ";", "\t"):
        names = [name.strip().strip('"') for name in heading.split(separator)]
        if any(name in COLUMNS for name in names):
            return separator
    return ""


def _port(text: str) -> int | None:
    is_port = text.isascii() and text.isdecimal() and 0 < int(text) < 1 << 16
    return int(text) if is_port else None


def _predicate(entries: Iterable[Entry]) -> Predicate:
    """True where either end is in an entry."""
    by_port: dict[int, list[tuple[int, int]]] = {}
    for entry in entries:
        value, bits = _number_of(entry.network)
        host_bits = _BITS - bits
        first = value >> host_bits << host_bits
        by_port.setdefault(entry.port, []).append((first, first | (1 << host_bits) - 1))
    parts = []
    for port, ranges in by_port.items():
        networks = Networks.of_ranges(ranges)
        for side in ("source", "destination"):
            inside = in_networks(f"{side}.ip", networks)
            at_port = OneOf("in", FieldRef(f"{side}.port"), (Literal(port),))
            parts.append(inside if port == ANY_PORT else
                         all_predicates([inside, compile_query(at_port)]))
    return any_predicate(parts)


def _number_of(network: str) -> tuple[int, int]:
    """The address of a network as 128 bits, and how many of them count."""
    address, slash, prefix = network.partition("/")
    halves = address_of(address)
    assert halves is not None
    value = halves[0] << 64 | halves[1]
    v4 = ":" not in address
    assert not v4 or value >> 32 == V4_PREFIX >> 32
    return value, (int(prefix) + (96 if v4 else 0)) if slash else _BITS


def _numbers(column: Column | None, row: int) -> list[int]:
    """The addresses that a row has, as 128 bits."""
    if isinstance(column, AddressColumn):
        is_there = column.valid is None or column.valid[row]
        return [int(column.hi[row]) << 64 | int(column.lo[row])] if is_there else []
    found = (address_of(text_of(value)) for value in _values(column, row))
    return [halves[0] << 64 | halves[1] for halves in found if halves is not None]


def _ports(column: Column | None, row: int) -> tuple[int, ...]:
    texts = map(text_of, _values(column, row))
    return tuple(int(text) for text in texts if text.isdecimal())


def _values(column: Column | None, row: int) -> tuple[str | int | float | bool, ...]:
    match column:
        case NumberColumn(values, valid):
            return (int(values[row]),) if valid is None or valid[row] else ()
        case None | AddressColumn():
            return ()
        case _:
            return column.table[column.codes[row]]
