"""What a line must hold for a query to select its document."""

from __future__ import annotations

import pytest

from sensor.query.eql import parser as eql
from sensor.query.kql import parser as kql
from sensor.query.required_terms import NO_CLAUSES, required_terms


def words(text: str) -> set[bytes]:
    return {word for clause in required_terms(kql.parse(text)) for word in clause.words}


def test_a_value_and_the_name_of_its_field_are_required() -> None:
    assert words('process.name:"telnet"') == {b'"telnet"', b'name"', b'"process'}
    (value, *_) = required_terms(kql.parse("destination.port:23"))
    assert (value.words, value.numbers) == (frozenset(), {23})


def test_alternatives_make_one_clause() -> None:
    clauses = required_terms(kql.parse("event.action:alpha or event.action:omega"))
    assert {b'"alpha"', b'"omega"'} in [clause.words for clause in clauses]


@pytest.mark.parametrize("text", [
    "not event.action:x", "event.action:null", "*", "event.action:x or not event.action:y",
])
def test_what_holds_without_a_word_requires_none(text: str) -> None:
    assert required_terms(kql.parse(text)) == NO_CLAUSES


def test_case_does_not_matter_where_the_test_does_not_mind_it() -> None:
    clauses = required_terms(eql.parse('any where process.name : "TELNET"'))
    assert (True, {b"telnet"}) in [(clause.folded, clause.words) for clause in clauses]


def test_an_event_of_any_step_may_matter() -> None:
    both = 'sequence [any where a.bcd == "one"] [any where a.bcd == "two"]'
    clauses = required_terms(eql.parse(both))
    assert {b'"one"', b'"two"'} in [clause.words for clause in clauses]


@pytest.mark.parametrize(("call", "required"), [
    ("startsWith(alpha.name, beta.text)", {b'name"', b'"alpha', b'text"', b'"beta'}),
    ("substring(alpha.name, 1, beta.text) == null or true", set()),
    ("between(alpha.name, alpha.name, alpha.name, beta.text)", {b'name"', b'"alpha'}),
    ("concat(alpha.name, beta.text)", {b'name"', b'"alpha', b'text"', b'"beta'}),
])
def test_an_argument_that_may_be_left_out_is_not_required(call: str, required: set[bytes]) -> None:
    clauses = required_terms(eql.parse(f"any where {call}"))
    assert {word for clause in clauses for word in clause.words} == required


def test_a_value_without_a_plain_character_requires_its_field_only() -> None:
    for text in ('process.name:"éé"', 'process.name:""', 'process.name:"x é"'):
        assert words(text) >= {b'name"', b'"process'}
        assert not any("é".encode() in word for word in words(text))


@pytest.mark.parametrize("test", ['in~ ("TELNET", "Ssh")', 'like~ "TELNET"', ': "TELNET"'])
def test_every_test_that_does_not_mind_case_looks_for_any(test: str) -> None:
    clauses = required_terms(eql.parse(f"any where process.name {test}"))
    found = [clause for clause in clauses if not clause.is_key]
    assert found and all(clause.folded and all(word == word.lower() for word in clause.words)
                         for clause in found)


def test_the_end_of_a_value_is_its_quote_only_where_the_value_ends() -> None:
    assert b'"plain' in words('process.name:"plainé"')
    assert b'plain"' in words('process.name:"éplain"')
