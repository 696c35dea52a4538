"""A backend of pySigma that writes EQL.

Sigma compares without regard to capitals, and knows regular expressions: KQL, which compares
keywords as they are, has neither; EQL has both.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionItem,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.conversion.base import TextQueryBackend
from sigma.conversion.deferred import DeferredQueryExpression
from sigma.conversion.state import ConversionState
from sigma.exceptions import SigmaFeatureNotSupportedByBackendError as NotSupported
from sigma.processing.pipeline import ProcessingPipeline
from sigma.types import (
    CompareOperators,
    Placeholder,
    SigmaCasedString,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SigmaType,
    SpecialChars,
)

from sensor.query.document_rows import ecs_type_of
from sensor.query.values import number_of
from sensor.rules.sigma.regexes import Untranslatable, lucene

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\t": "\\t", "\n": "\\n", "\r": "\\r",
                          "\b": "\\b", "\f": "\\f"})  # fmt: skip
_SIGNS: dict[SpecialChars | Placeholder, str] = {
    SpecialChars.WILDCARD_MULTI: "*", SpecialChars.WILDCARD_SINGLE: "?"}  # fmt: skip
_REGEX: dict[SpecialChars | Placeholder, str] = {
    SpecialChars.WILDCARD_MULTI: ".*", SpecialChars.WILDCARD_SINGLE: "."}  # fmt: skip


Condition = (ConditionItem | ConditionFieldEqualsValueExpression | ConditionValueExpression | None)


class EqlBackend(TextQueryBackend):
    """Conditions of Sigma as conditions of EQL.

    Errors: NotSupported for what has no counterpart.
    """

    name: ClassVar[str] = "EQL of this sensor"
    group_expression: ClassVar[str] = "({expr})"
    or_token: ClassVar[str] = "or"
    and_token: ClassVar[str] = "and"
    not_token: ClassVar[str] = "not"
    eq_token: ClassVar[str] = " == "
    bool_values: ClassVar[dict[bool, str | None]] = {True: "true", False: "false"}
    field_quote: ClassVar[str] = "`"
    field_quote_pattern: ClassVar[re.Pattern[str]] = re.compile(r"[A-Za-z_@][\w.]*$")
    cidr_expression: ClassVar[str] = 'cidrMatch({field}, "{value}")'
    compare_op_expression: ClassVar[str] = "{field} {operator} {value}"
    compare_operators: ClassVar[dict[CompareOperators, str]] = {
        CompareOperators.LT: "<", CompareOperators.LTE: "<=", CompareOperators.GT: ">",
        CompareOperators.GTE: ">=", CompareOperators.NEQ: "!=",
    }  # fmt: skip
    field_equals_field_expression: ClassVar[str] = "{field1} == {field2}"
    field_equals_field_startswith_expression: ClassVar[str] = "startsWith~({field1}, {field2})"
    field_equals_field_endswith_expression: ClassVar[str] = "endsWith~({field1}, {field2})"
    field_equals_field_contains_expression: ClassVar[str] = "stringContains~({field1}, {field2})"
    field_null_expression: ClassVar[str] = "{field} == null"
    field_exists_expression: ClassVar[str] = "{field} != null"
    field_not_exists_expression: ClassVar[str] = "{field} == null"
    convert_or_as_in: ClassVar[bool] = True

    def __init__(self, pipeline: ProcessingPipeline, keyword_fields: Sequence[str] = ()) -> None:
        super().__init__(pipeline)
        self._keyword_fields = keyword_fields

    # --- several values of one field

    def decide_convert_condition_as_in_expression(
        self, cond: ConditionOR | ConditionAND, state: ConversionState
    ) -> bool:
        """True for alternatives of one field that EQL compares as a list."""
        tests = _tests(cond)
        return (isinstance(cond, ConditionOR) and 1 < len(tests) == len(cond.args)
                and len({test.field for test in tests}) == 1
                and all(_is_listed(test.field, test.value) for test in tests))  # fmt: skip

    def convert_condition_group(
        self, cond: Condition, state: ConversionState
    ) -> str | DeferredQueryExpression | None:
        """A condition as an operand: a list of values needs no parentheses."""
        if isinstance(cond, ConditionOR) and (
                self.decide_convert_condition_as_in_expression(cond, state)):
            return self.convert_condition(cond, state)
        return super().convert_condition_group(cond, state)

    def convert_condition_as_in_expression(
        self, cond: ConditionOR | ConditionAND, state: ConversionState
    ) -> str:
        tests = _tests(cond)
        field = tests[0].field
        values = ", ".join(dict.fromkeys(_constant(field, test.value) for test in tests))
        word = "in" if _is_number(field) else ":"
        return f"{self.escape_and_quote_field(field)} {word} ({values})"

    def convert_condition_field_eq_expansion(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> str:
        """Alternatives that a modifier made, in parentheses whatever stands around them."""
        return f"({super().convert_condition_field_eq_expansion(cond, state)})"

    # --- one value

    def convert_condition_field_eq_val_str(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> str:
        field, value = cond.field, _string(cond.value)
        name = self.escape_and_quote_field(field)
        if _is_listed(field, value):
            return f"{name} {'==' if _is_number(field) else ':'} {_constant(field, value)}"
        if _is_number(field):
            name = f"string({name})"
        if not _has_plain_signs(value):
            return f"{name} : {quoted(_wildcards(value))}"
        if not value.contains_special():
            return f"{name} in~ ({quoted(_wildcards(value))})"
        return f"{name} regex~ {quoted(_regex(value))}"

    def convert_condition_field_eq_val_str_case_sensitive(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> str:
        name, value = self.escape_and_quote_field(cond.field), _string(cond.value)
        if not value.contains_special():
            return f"{name} == {quoted(_wildcards(value))}"
        if _has_plain_signs(value):
            return f"{name} regex {quoted(_regex(value))}"
        return f"{name} like {quoted(_wildcards(value))}"

    def convert_condition_field_eq_val_num(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> str:
        return (f"{self.escape_and_quote_field(cond.field)} == "
                f"{_constant(cond.field, cond.value)}")  # fmt: skip

    def convert_condition_field_eq_val_re(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> str:
        value = cond.value
        assert isinstance(value, SigmaRegularExpression)
        if SigmaRegularExpressionFlag.MULTILINE in value.flags:
            raise NotSupported("regular expressions have no flag m here")
        try:
            pattern, insensitive = lucene(str(value.regexp))
        except Untranslatable as reason:
            raise NotSupported(f"regular expression: {reason} is not evaluated") from None
        insensitive |= SigmaRegularExpressionFlag.IGNORECASE in value.flags
        name = self.escape_and_quote_field(cond.field)
        if _is_number(cond.field):
            name = f"string({name})"
        return f"{name} regex{'~' * insensitive} {quoted(pattern)}"

    # --- words without a field

    def convert_condition_val_str(
        self, cond: ConditionValueExpression, state: ConversionState
    ) -> str:
        value = cond.value
        assert isinstance(value, SigmaString)
        if not self._keyword_fields:
            raise NotSupported("keywords: this log source has no text to look for them in")
        anywhere = SpecialChars.WILDCARD_MULTI + value + SpecialChars.WILDCARD_MULTI
        tests = [self.convert_condition_field_eq_val_str(
            ConditionFieldEqualsValueExpression(name, anywhere), state)
            for name in self._keyword_fields]  # fmt: skip
        return f"({' or '.join(tests)})"

    def convert_condition_val_num(
        self, cond: ConditionValueExpression, state: ConversionState
    ) -> str:
        text = ConditionValueExpression(SigmaString(str(cond.value)))
        return self.convert_condition_val_str(text, state)

    def convert_condition_val_re(
        self, cond: ConditionValueExpression, state: ConversionState
    ) -> str:
        raise NotSupported("keywords that are regular expressions are not evaluated")


def quoted(text: str) -> str:
    """A text as a constant of EQL."""
    return f'"{text.translate(_ESCAPES)}"'


def _tests(cond: ConditionItem) -> list[ConditionFieldEqualsValueExpression]:
    """Those operands of a condition that are tests of fields."""
    return [arg for arg in cond.args if isinstance(arg, ConditionFieldEqualsValueExpression)]


def _is_number(field: str) -> bool:
    return ecs_type_of(field) == "long"


def _is_listed(field: str, value: SigmaType) -> bool:
    """True for a value that `:` (of a number `in`) compares as Sigma means it."""
    if isinstance(value, SigmaNumber):
        return True
    if not isinstance(value, SigmaString) or isinstance(value, SigmaCasedString):
        return False
    if value.contains_placeholder() or _has_plain_signs(value):
        return False
    return not _is_number(field) or number_of(str(value)) is not None


def _constant(field: str, value: SigmaType) -> str:
    if _is_number(field):
        return str(value)
    return quoted(_wildcards(value) if isinstance(value, SigmaString) else str(value))


def _string(value: SigmaType) -> SigmaString:
    """The value, which is a text.

    Errors: NotSupported if a list of the user's own belongs into it.
    """
    assert isinstance(value, SigmaString)
    names = [f"%{part.name}%" for part in value.s if isinstance(part, Placeholder)]
    if names:
        raise NotSupported(
            f"nobody says what the placeholder {', '.join(names)} stands for")
    return value


def _has_plain_signs(value: SigmaString) -> bool:
    """True if a text has `*` or `?` that mean themselves: in EQL's patterns they cannot."""
    return any(isinstance(part, str) and ("*" in part or "?" in part) for part in value.s)


def _wildcards(value: SigmaString) -> str:
    return "".join(part if isinstance(part, str) else _SIGNS[part] for part in value.s)


def _regex(value: SigmaString) -> str:
    return "".join(
        re.sub(r"([^\w\s])", r"\\\1", part) if isinstance(part, str) else _REGEX[part]
        for part in value.s)  # fmt: skip
