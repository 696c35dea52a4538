"""Indicators against events: which of a list of documents an event has a value in common with.

A mapping is a row of alternatives; each is some comparisons of an event's field with an indicator's
that must all hold for one and the same indicator. An indicator's address may be a whole network.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sensor.model.addresses import Networks
from sensor.model.columns import AddressColumn, Column, Document, Mask, Rows
from sensor.query.ast import And, FieldTest, Node, Not, Or, Range, Text, all_of
from sensor.query.document_rows import Selection, values_at
from sensor.query.masks import network_mask
from sensor.query.stateful.terms import Term, terms_of
from sensor.query.values import address_of, is_network, term_text, text_of

HITS_MAX = 16
"""Indicators told of one event; further ones that match too are left out."""
_BITS = 128


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field of the event equals (or must not equal) a field of the indicator."""

    field: str
    indicator_field: str
    negate: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """An indicator that an event has met, and by what."""

    indicator: int
    """Its number, in the order in which they were added."""
    field: str
    value: Term


class _Index:
    """The indicators by one of their fields."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._by_text: dict[str, list[int]] = {}
        self._by_network: dict[int, dict[int, list[int]]] = {}
        """By length of the prefix of 128 bits, then by the bits of the prefix."""
        self._networks: Networks | None = None

    def add(self, number: int, document: Document) -> None:
        for value in values_at(document, self._name):
            if isinstance(value, dict):
                continue
            text = text_of(value)
            if is_network(text):
                bits, prefix = _prefix(text)
                self._by_network.setdefault(bits, {}).setdefault(prefix, []).append(number)
                self._networks = None
            else:
                self._by_text.setdefault(term_text(text), []).append(number)

    def mask(self, column: Column | None, count: int) -> Mask:
        """The rows that have a value in common with any indicator."""
        if isinstance(column, AddressColumn):
            return network_mask(column, self.merged())
        every = terms_of(column, np.arange(count))
        return np.array([any(map(self._has, terms)) for terms in every], dtype=bool)

    def _has(self, term: Term) -> bool:
        text = text_of(term)
        halves = address_of(text) if self._by_network else None
        return text in self._by_text or (halves is not None and halves in self.merged())

    def numbers(self, term: Term) -> list[int]:
        """The indicators that have that value; of networks, the narrowest first."""
        text = text_of(term)
        halves = address_of(text) if self._by_network else None
        if halves is None:
            return self._by_text.get(text, [])
        value = halves[0] << 64 | halves[1]
        return [number for bits in sorted(self._by_network, reverse=True)
                for number in self._by_network[bits].get(value >> (_BITS - bits), ())]

    def merged(self) -> Networks:
        """All networks as one set."""
        if self._networks is None:
            self._networks = Networks.of_ranges(
                (prefix << (_BITS - bits), ((prefix + 1) << (_BITS - bits)) - 1)
                for bits, prefixes in self._by_network.items() for prefix in prefixes
            )
        return self._networks


def _prefix(text: str) -> tuple[int, int]:
    """The length and the bits of a network's prefix, IPv4 in v4-mapped form."""
    address, _, length = text.strip().partition("/")
    halves = address_of(address)
    assert halves is not None
    bits = int(length or _BITS) + (0 if ":" in address or not length else 96)
    return bits, (halves[0] << 64 | halves[1]) >> (_BITS - bits)


def without_now(query: Node) -> tuple[Node | None, bool]:
    """A query without its tests against the present, and whether it had any.

    A list that somebody keeps on this machine is current while it is there: `now` says nothing
    about it, and rules know packet time only.
    """
    match query:
        case Range(_, _, Text(text)) | FieldTest(_, Text(text)) if re.match(r"now\b", text):
            return None, True
        case And(items) | Or(items):
            kept = [without_now(item) for item in items]
            left = [item for item, _ in kept if item is not None]
            had = any(had for _, had in kept)
            if had and (not left or isinstance(query, Or)):
                return None, True
            return (all_of(left) if had else query), had
        case Not(item):
            inner, had = without_now(item)
            return (query if inner is not None and not had else None), had
    return query, False


class Indicators:
    """Indicators, ready to be compared with events as a mapping says."""

    def __init__(self, mapping: Sequence[Sequence[Comparison]]) -> None:
        self._mapping = mapping
        names = dict.fromkeys(entry.indicator_field for group in mapping for entry in group)
        self._indexes = {name: _Index(name) for name in names}
        self._count = 0

    def __len__(self) -> int:
        """Indicators that were added."""
        return self._count

    def add(self, documents: Iterable[Document]) -> None:
        """Take more indicators."""
        for document in documents:
            for index in self._indexes.values():
                index.add(self._count, document)
            self._count += 1

    def prepare(self) -> None:
        """Do now what the first comparison would do: all are added."""
        for index in self._indexes.values():
            index.merged()

    def hits(self, rows: Rows, chosen: NDArray[np.intp]) -> dict[int, list[Hit]]:
        """Of the chosen rows those that meet an indicator, each with what it meets."""
        part = Selection(rows, chosen)
        found: dict[int, list[Hit]] = {}
        for group in self._mapping:
            masks = [self._indexes[entry.indicator_field].mask(part.column(entry.field), part.count)
                     for entry in group if not entry.negate]
            candidates = np.flatnonzero(np.logical_and.reduce(masks))
            if not len(candidates):
                continue
            terms = [terms_of(part.column(entry.field), candidates) for entry in group]
            for at, row in enumerate(chosen[candidates].tolist()):
                hits = self._met(group, [each[at] for each in terms])
                if hits:
                    found.setdefault(row, []).extend(hits)
        return {row: list(dict.fromkeys(found[row]))[:HITS_MAX] for row in sorted(found)}

    def _met(self, group: Sequence[Comparison], terms: list[tuple[Term, ...]]) -> list[Hit]:
        """The indicators for which all of a group holds, by each of its fields."""
        wanted: list[dict[int, Term]] = []
        unwanted: set[int] = set()
        for entry, values in zip(group, terms, strict=True):
            index = self._indexes[entry.indicator_field]
            equal = {number: value for value in values for number in index.numbers(value)}
            if entry.negate:
                unwanted |= equal.keys()
            else:
                wanted.append(equal)
        first, *others = wanted
        numbers = [number for number in first
                   if number not in unwanted and all(number in other for other in others)]
        fields = [entry.field for entry in group if not entry.negate]
        return [Hit(number, name, equal[number]) for number in numbers[:HITS_MAX]
                for name, equal in zip(fields, wanted, strict=True)]
