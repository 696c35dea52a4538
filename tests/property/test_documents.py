"""Whatever a record holds: columns equal documents, compiled equals interpreted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sensor.ecs import schema
from sensor.ecs.writer import render_json_lines
from sensor.model.addresses import address_halves
from sensor.model.columns import AddressColumn, CodedColumn, NumberColumn
from tests import ecs, interpreted
from tests.examples import examples
from tests.flow_records import random_batch

MODULES = interpreted.load(
    ("ecs.text", "ecs.identifiers", "ecs.columns", "ecs.template", "ecs.writer"))


def values_of(column, row):
    """What a column holds in one row, as a list; addresses as their halves."""
    match column:
        case NumberColumn(values, valid):
            return [values[row].item()] if valid is None or valid[row] else []
        case AddressColumn(hi, lo, valid):
            return [(int(hi[row]), int(lo[row]))] if valid is None or valid[row] else []
        case CodedColumn(codes, table):
            return list(table[codes[row]])
    return []


@examples(20)
@given(seed=st.integers(0, 2**32), live=st.booleans())
def test_columns_hold_what_documents_hold(seed, live):
    batch = random_batch(seed, count=20, live=live)
    documents = batch.to_dicts()
    columns = {field.name: batch.column(field.name) for field in schema.FIELDS}
    for row, document in enumerate(documents):
        leaves = dict(ecs.leaves(document))
        assert leaves.keys() <= columns.keys()
        for name, column in columns.items():
            value = leaves.get(name, [])
            expected = value if isinstance(value, list) else [value]
            if isinstance(column, AddressColumn):
                expected = [address_halves(text) for text in expected]
            assert values_of(column, row) == expected, name


@examples(20)
@given(seed=st.integers(0, 2**32), live=st.booleans())
def test_documents_are_valid(seed, live):
    for document in random_batch(seed, count=20, live=live).to_dicts():
        assert ecs.problems(document) == []


@examples(20)
@given(seed=st.integers(0, 2**32), live=st.booleans())
def test_compiled_equals_interpreted(seed, live):
    batch = random_batch(seed, count=12, live=live)
    assert MODULES["ecs.writer"].render_json_lines(batch) == render_json_lines(batch)


@examples(10)
@given(seed=st.integers(0, 2**32))
def test_compiled_columns_equal_interpreted_ones(seed):
    batch = random_batch(seed, count=12)
    for field in schema.FIELDS:
        other = MODULES["ecs.columns"].read(field, batch)
        for row in range(12):
            assert values_of(other, row) == values_of(batch.column(field.name), row)


def test_the_interpreted_modules_are_interpreted():
    assert all(module.__file__.endswith(".py") for module in MODULES.values())
