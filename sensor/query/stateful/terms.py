"""The values of fields as terms: what rules group, count and remember events by.

A term is the same however the value came: an address in its one spelling, a number as a number, a
text as it is. A field with several values gives a term for each, once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from sensor.model.addresses import address_text
from sensor.model.columns import AddressColumn, CodedColumn, Column, Rows, Scalar
from sensor.model.recoding import date_text
from sensor.query.masks import NUMBER_TYPES
from sensor.query.values import address_of, number_of, term_text, text_of

Term = str | int | float
Terms = tuple[Term, ...]

COMBINATIONS_MAX = 100
"""Combinations of values that one event stands for, if its fields have several; more are left
out."""

_address_text = lru_cache(maxsize=65536)(address_text)


def terms_of(column: Column | None, chosen: NDArray[np.intp]) -> list[Terms]:
    """The terms of one field for each of the chosen rows; none where it has no value."""
    if column is None:
        return [()] * len(chosen)
    if isinstance(column, CodedColumn):
        return _coded(column, chosen)
    terms: list[Terms]
    if isinstance(column, AddressColumn):
        pairs = zip(column.hi[chosen].tolist(), column.lo[chosen].tolist(), strict=True)
        terms = [(_address_text(hi, lo),) for hi, lo in pairs]
    else:
        numbers = column.values[chosen].tolist()
        dates = column.ecs_type == "date"
        terms = [(date_text(number),) if dates else (number,) for number in numbers]
    if column.valid is not None:
        valid = column.valid[chosen].tolist()
        terms = [term if has else () for term, has in zip(terms, valid, strict=True)]
    return terms


def _coded(column: CodedColumn, chosen: NDArray[np.intp]) -> list[Terms]:
    """Each entry of the table that occurs is turned into terms once."""
    one = _term_of_type(column.ecs_type)
    known: dict[int, Terms] = {}
    terms = []
    for code in column.codes[chosen].tolist():
        found = known.get(code)
        if found is None:
            found = known[code] = tuple(dict.fromkeys(map(one, column.table[code])))
        terms.append(found)
    return terms


def _term_of_type(ecs_type: str) -> Callable[[Scalar], Term]:
    if ecs_type == "ip":
        return _address
    return _number if ecs_type in NUMBER_TYPES else _text


def _text(value: Scalar) -> Term:
    return term_text(text_of(value))


def _address(value: Scalar) -> Term:
    text = term_text(text_of(value))
    halves = address_of(text)
    return text if halves is None else _address_text(*halves)


def _number(value: Scalar) -> Term:
    number = number_of(value)
    return _text(value) if number is None else number


def combinations_of(
    rows: Rows, names: Sequence[str], chosen: NDArray[np.intp]
) -> list[list[Terms]]:
    """For each chosen row the combinations of the fields' terms; none where a field is missing.

    No names give one empty combination for every row.
    """
    if not names:
        return [[()]] * len(chosen)
    columns = [terms_of(rows.column(name), chosen) for name in names]
    found = []
    for fields in zip(*columns, strict=True):
        if all(len(terms) == 1 for terms in fields):  # nearly always
            found.append([tuple(terms[0] for terms in fields)])
        else:
            found.append([combination for _, combination
                          in zip(range(COMBINATIONS_MAX), product(*fields), strict=False)])
    return found
