"""Both query languages: text and tree are each other's image; columns agree with single rows.

The reference below evaluates one document at a time, from the written rules of the languages, with
Python's own `ipaddress`; it shares nothing with the code under test but the tree.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sensor.model.addresses import address_halves
from sensor.model.columns import AddressColumn, Column, NumberColumn
from sensor.query import ast
from sensor.query.document_rows import DocumentRows
from sensor.query.eql import parser as eql
from sensor.query.kql import parser as kql
from sensor.query.predicate import compile_query
from tests.examples import examples

KEYWORDS = ("event.action", "tags")
NUMBERS = ("source.port", "source.bytes")
ADDRESSES = ("source.ip", "destination.ip")
WORDS = ("tcp", "TCP", "udp", "t*p", "a b", "", "not", "null", "23", 'q"\\', "(x)", "ü", "f?o:")
PORTS = (0, 1, 23, 443, 65535)
IPS = ("10.0.0.1", "10.1.2.3", "8.8.8.8", "::1", "fd00::1", "::ffff:10.0.0.1", "2001:db8::5")
NETS = (*IPS, "10.0.0.0/8", "10.0.0.0/31", "fc00::/7", "::ffff:10.0.0.0/104", "0.0.0.0/0")

words, ports = st.sampled_from(WORDS), st.sampled_from(PORTS)
documents = st.fixed_dictionaries(
    {},
    optional={
        "event.action": words,
        "tags": st.lists(words, max_size=3),
        "source": st.fixed_dictionaries({}, optional={"port": ports, "ip": st.sampled_from(IPS)}),
        "source.bytes": ports,
        "destination.ip": st.sampled_from(IPS),
    },
)


# --- trees


def combined(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda below: st.one_of(
            st.builds(ast.Not, below),
            st.lists(below, min_size=2, max_size=3).map(ast.all_of),
            st.lists(below, min_size=2, max_size=3).map(ast.any_of),
        ),
        max_leaves=8,
    )


def text(value: Any) -> ast.Text:
    return ast.Text(str(value))


pieces = st.sampled_from(("", "t", "c", "p", '"\\', "(", "not"))
patterns = st.lists(pieces, min_size=2, max_size=4).map(
    lambda parts: ast.Wildcard((parts[0], *filter(None, parts[1:-1]), parts[-1]))
)
kql_leaves = st.one_of(
    st.builds(ast.FieldTest, st.sampled_from(KEYWORDS).map(text),
              st.one_of(words.map(text), patterns, st.just(ast.Null()))),
    st.builds(ast.FieldTest, st.sampled_from(NUMBERS).map(text),
              st.one_of(ports.map(text), st.just(ast.Wildcard(("", ""))))),
    st.builds(ast.FieldTest, st.sampled_from(ADDRESSES).map(text), st.sampled_from(NETS).map(text)),
    st.builds(ast.Range, st.sampled_from(NUMBERS).map(text),
              st.sampled_from(("<", "<=", ">", ">=")), ports.map(text)),
)
kql_trees = combined(kql_leaves)

literals = st.one_of(words, ports, st.floats(-1e6, 1e6), st.booleans()).map(ast.Literal)
fields = st.sampled_from(KEYWORDS + NUMBERS + ADDRESSES).map(ast.FieldRef)
number_values = st.recursive(
    st.one_of(st.sampled_from(NUMBERS).map(ast.FieldRef), ports.map(ast.Literal)),
    lambda below: st.builds(ast.Arithmetic, st.sampled_from("+-*/%"), below, below),
    max_leaves=3,
)
comparisons = st.sampled_from(("==", "!=", "<", "<=", ">", ">="))
eql_leaves = st.one_of(
    st.builds(ast.Compare, comparisons, fields, literals),
    st.builds(ast.Compare, comparisons, literals, fields),
    st.builds(ast.Compare, comparisons, fields, fields),
    st.builds(ast.Compare, comparisons, number_values, number_values),
    st.builds(ast.Compare, st.sampled_from(("==", "!=")), fields, st.just(ast.Literal(None))),
    st.builds(ast.Compare, st.sampled_from(("==", "!=")),
              st.sampled_from(ADDRESSES).map(ast.FieldRef),
              st.sampled_from(NETS).map(ast.Literal)),
    st.builds(ast.OneOf, st.just("in"), fields,
              st.lists(st.one_of(words, ports).map(ast.Literal), min_size=1, max_size=3).map(tuple),
              st.booleans()),
    st.builds(ast.OneOf, st.just("like"), fields,
              st.lists(words.map(ast.Literal), min_size=1, max_size=3).map(tuple), st.booleans()),
    st.builds(ast.OneOf, st.just(":"), st.sampled_from(KEYWORDS).map(ast.FieldRef),
              st.lists(words.map(ast.Literal), min_size=1, max_size=2).map(tuple), st.just(True)),
    st.builds(lambda name, nets: ast.Call("cidrmatch", (name, *map(ast.Literal, nets))),
              st.sampled_from(ADDRESSES).map(ast.FieldRef),
              st.lists(st.sampled_from(NETS), min_size=1, max_size=3)),
    st.builds(lambda name, word, insensitive: ast.Call("startswith", (name, word), insensitive),
              fields, words.map(ast.Literal), st.booleans()),
)
eql_queries = st.builds(ast.EventQuery, st.none(), combined(eql_leaves))


# --- tree -> text


def kql_text(node: Any) -> str:
    match node:
        case ast.And(items):
            return " and ".join(f"({kql_text(item)})" for item in items)
        case ast.Or(items):
            return " OR ".join(f"({kql_text(item)})" for item in items)
        case ast.Not(item):
            return f"not ({kql_text(item)})"
        case ast.FieldTest(field, value):
            return f"{field.text}: {kql_value(value)}"
        case ast.Range(field, op, value):
            return f"{field.text} {op} {kql_value(value)}"
    raise AssertionError(node)


def kql_value(value: Any) -> str:
    if isinstance(value, ast.Null):
        return "null"
    if isinstance(value, ast.Wildcard):
        return "*".join(re.sub(r'([\\():<>"*{}])', r"\\\1", part) for part in value.parts)
    if re.fullmatch(r"[0-9a-z.:/]+", value.text) and value.text not in ("not", "null", "f?o:"):
        return value.text
    return '"' + value.text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def eql_text(node: Any) -> str:  # noqa: C901, PLR0911  one line per shape
    match node:
        case ast.EventQuery(None, condition):
            return f"any where {eql_text(condition)}"
        case ast.And(items):
            return " and ".join(f"({eql_text(item)})" for item in items)
        case ast.Or(items):
            return " or ".join(f"({eql_text(item)})" for item in items)
        case ast.Not(item):
            return f"not ({eql_text(item)})"
        case ast.Compare(op, left, right) | ast.Arithmetic(op, left, right):
            return f"({eql_text(left)}) {op} ({eql_text(right)})"
        case ast.OneOf(kind, left, options, insensitive):
            sign = "~" if insensitive and kind != ":" else ""
            return f"{eql_text(left)} {kind}{sign} ({', '.join(map(eql_text, options))})"
        case ast.Call(name, args, insensitive):
            return f"{name}{'~' * insensitive}({', '.join(map(eql_text, args))})"
        case ast.FieldRef(name):
            return str(name)
        case ast.Literal(None):
            return "null"
        case ast.Literal(bool() as value):
            return str(value).lower()
        case ast.Literal(str() as value):
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case ast.Literal(value):
            return repr(value)
    raise AssertionError(node)


@given(kql_trees)
def test_kql_text_parses_back(tree: Any) -> None:
    assert kql.parse(kql_text(tree)) == tree


@given(eql_queries)
def test_eql_text_parses_back(tree: Any) -> None:
    assert eql.parse(eql_text(tree)) == tree


# --- the reference: one document, one value at a time


def values(document: dict[str, Any], name: str) -> list[Any]:
    found: Any = document.get(name)
    if found is None:
        first, _, rest = name.partition(".")
        found = document.get(first, {}).get(rest)
    return found if isinstance(found, list) else [] if found is None else [found]


def as_address(value: Any) -> Any:
    address = ipaddress.ip_address(value)
    return getattr(address, "ipv4_mapped", None) or address


def as_network(value: str) -> Any:
    network = ipaddress.ip_network(value, strict=False)
    if network.version == 6 and network.prefixlen >= 96 and network[0].ipv4_mapped:
        return ipaddress.ip_network((network[0].ipv4_mapped, network.prefixlen - 96))
    return network


def try_or_none(convert: Any, value: Any) -> Any:
    try:
        return convert(value)
    except ValueError:
        return None


def in_network(value: Any, network: Any) -> bool:
    address, net = try_or_none(as_address, value), try_or_none(as_network, network)
    return address is not None and net is not None and address in net


def order_key(value: Any, is_address: bool) -> Any:
    """What values of one kind are ordered by; None where they are of no kind."""
    if is_address:
        address = try_or_none(as_address, value) if isinstance(value, str) else None
        if address is None:
            return None
        return int(ipaddress.IPv6Address(f"::ffff:{address}") if address.version == 4 else address)
    return value


def related(op: str, left: Any, right: Any, is_address: bool) -> bool:
    if is_address and op == "==" and isinstance(left, str) and isinstance(right, str):
        return in_network(left, right) or in_network(right, left)
    left, right = order_key(left, is_address), order_key(right, is_address)
    if left is None or right is None:
        return False
    if isinstance(left, bool) or isinstance(right, bool):
        return op == "==" and type(left) is type(right) and left == right
    if isinstance(left, str) != isinstance(right, str):
        left, right = try_or_none(float, left), try_or_none(float, right)
        if left is None or right is None:
            return False
    return {"==": left == right, "<": left < right, "<=": left <= right,
            ">": left > right, ">=": left >= right}[op]


def fits(pattern: str, value: str) -> bool:
    """`*` is any text, `?` any character."""
    if not pattern:
        return not value
    if pattern[0] == "*":
        return fits(pattern[1:], value) or (bool(value) and fits(pattern, value[1:]))
    return bool(value) and pattern[0] in ("?", value[0]) and fits(pattern[1:], value[1:])


def star_fits(parts: tuple[str, ...], value: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, parts)), value, re.DOTALL) is not None


def kql_selects(node: Any, document: dict[str, Any]) -> bool:  # noqa: PLR0911
    match node:
        case ast.And(items):
            return all(kql_selects(item, document) for item in items)
        case ast.Or(items):
            return any(kql_selects(item, document) for item in items)
        case ast.Not(item):
            return not kql_selects(item, document)
        case ast.FieldTest(field, ast.Null()):
            return not values(document, field.text)
        case ast.FieldTest(field, ast.Wildcard(parts)):
            return any(star_fits(parts, str(value)) for value in values(document, field.text))
        case ast.FieldTest(field, value):
            return any(related("==", found, value.text, field.text in ADDRESSES)
                       for found in values(document, field.text))
        case ast.Range(field, op, value):
            return any(related(op, found, value.text, False)
                       for found in values(document, field.text))
    raise AssertionError(node)


def eql_values(node: Any, document: dict[str, Any]) -> list[Any]:
    match node:
        case ast.Literal(value):
            return [] if value is None else [value]
        case ast.FieldRef(name):
            return values(document, name)
        case ast.Arithmetic(op, left, right):
            return [result for first in eql_values(left, document)
                    for second in eql_values(right, document)
                    if (result := arithmetic(op, first, second)) is not None]
    raise AssertionError(node)


def arithmetic(op: str, left: int, right: int) -> int | None:
    """Whole numbers only; division and remainder go towards zero; nothing by zero."""
    if op in "/%" and right == 0:
        return None
    quotient = abs(left) // abs(right or 1) * (1 if (left < 0) == (right < 0) else -1)
    return {"+": left + right, "-": left - right, "*": left * right,
            "/": quotient, "%": left - quotient * right}[op]


def touches_address(node: Any) -> bool:
    return isinstance(node, ast.FieldRef) and node.name in ADDRESSES


def eql_selects(node: Any, document: dict[str, Any]) -> bool:  # noqa: PLR0911, C901
    match node:
        case ast.EventQuery(_, condition):
            return eql_selects(condition, document)
        case ast.And(items):
            return all(eql_selects(item, document) for item in items)
        case ast.Or(items):
            return any(eql_selects(item, document) for item in items)
        case ast.Not(item):
            return not eql_selects(item, document)
        case ast.Compare("!=", left, right):
            return not eql_selects(ast.Compare("==", left, right), document)
        case ast.Compare("==", left, ast.Literal(None)):
            return not eql_values(left, document)
        case ast.Compare(op, left, right):
            is_address = touches_address(left) or touches_address(right)
            return any(related(op, first, second, is_address)
                       for first in eql_values(left, document)
                       for second in eql_values(right, document))
        case ast.OneOf("in", left, options, insensitive):
            is_address = touches_address(left)
            return any(
                related("==", *folded(first, option.value, insensitive and not is_address),
                        is_address)
                for first in eql_values(left, document) for option in options)
        case ast.OneOf(_, left, options, insensitive):
            return any(fits(*reversed(folded(first, option.value, insensitive)))
                       for first in eql_values(left, document) if isinstance(first, str)
                       for option in options)
        case ast.Call("cidrmatch", (field, *nets)):
            return any(in_network(first, net.value)
                       for first in eql_values(field, document) for net in nets)
        case ast.Call("startswith", (field, word), insensitive):
            return any(str.startswith(*folded(first, word.value, insensitive))
                       for first in eql_values(field, document) if isinstance(first, str))
    raise AssertionError(node)


def folded(left: Any, right: Any, insensitive: bool) -> tuple[Any, Any]:
    if insensitive and isinstance(left, str) and isinstance(right, str):
        return left.lower(), right.lower()
    return left, right


class TypedRows(DocumentRows):
    """The same documents with the number and address columns that flow batches have."""

    def column(self, name: str) -> Column | None:
        found = [values(document, name) for document in self._documents]
        valid = np.array([bool(entry) for entry in found], dtype=bool)
        if name in NUMBERS:
            numbers = [entry[0] if entry else 0 for entry in found]
            return NumberColumn(np.array(numbers, dtype=np.uint32), valid)
        if name in ADDRESSES:
            halves = [address_halves(entry[0]) if entry else (0, 0) for entry in found]
            hi, lo = (np.array([half[at] for half in halves], dtype=np.uint64) for at in (0, 1))
            return AddressColumn(hi, lo, valid)
        return super().column(name)


def canonical(document: dict[str, Any]) -> dict[str, Any]:
    """Address columns hold addresses, not their spelling: text tests see the usual spelling."""
    result = {key: dict(value) if isinstance(value, dict) else value
              for key, value in document.items()}
    for table in (result, result.get("source", {})):
        for key in table.keys() & {"ip", "source.ip", "destination.ip"}:
            table[key] = str(as_address(table[key]))
    return result


batches = st.lists(documents, min_size=1, max_size=12)


@examples(80)
@given(kql_trees, batches)
def test_kql_columns_agree_with_rows(tree: Any, batch: list[dict[str, Any]]) -> None:
    check_columns(tree, batch, kql_selects)


@examples(80)
@given(eql_queries, batches)
def test_eql_columns_agree_with_rows(tree: Any, batch: list[dict[str, Any]]) -> None:
    check_columns(tree, batch, eql_selects)


def check_columns(tree: Any, batch: list[dict[str, Any]], selects: Any) -> None:
    batch = [canonical(document) for document in batch]
    expected = [selects(tree, document) for document in batch]
    predicate = compile_query(tree)
    for rows in (DocumentRows(batch), TypedRows(batch), DocumentRows(batch)):
        assert predicate(rows).tolist() == expected
    longer = DocumentRows(batch * 20)
    assert predicate(longer).tolist() == expected * 20
