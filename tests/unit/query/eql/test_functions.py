"""EQL's functions and arithmetic: the examples of Elastic's reference, and their limits."""

from __future__ import annotations

from typing import Any

import pytest

from sensor.query.eql.functions import FUNCTIONS, TEXT_MAX, calculate


@pytest.mark.parametrize(("name", "arguments", "expected"), [
    ("between", ("system    NT 10.0.18362.1 (x86)", "system", "NT"), "    "),
    ("between", ("welcome event_log_collect.exe", "welcome ", ".exe", False), "event_log_collect"),
    ("between", ("[a] [b]", "[", "]", True), "a] [b"),
    ("cidrMatch", ("192.168.152.12", "10.0.0.0/8", "192.168.0.0/16"), True),
    ("concat", ("process is ", "regsvr32.exe", True), "process is regsvr32.exetrue"),
    ("indexOf", ("subdomain.example.com", ".", 10), 17), ("indexOf", ("abc", "x"), None),
    ("length", ("explorer.exe",), 12), ("length", (5,), None),
    ("number", ("0xff", 16), 255), ("number", ("1.5",), 1.5), ("number", ("z", 99), None),
    ("substring", ("start regsvr32.exe", 6, 14), "regsvr32"), ("substring", ("abc", -2), "bc"),
    ("wildcard", ("C:\\Windows\\reg.exe", "*\\reg*.exe"), True),
])  # fmt: skip
def test_functions(name: str, arguments: tuple[Any, ...], expected: Any) -> None:
    assert FUNCTIONS[name.lower()].apply(arguments, False) == expected


def test_the_form_with_a_tilde_does_not_tell_case_apart() -> None:
    starts = FUNCTIONS["startswith"]
    assert starts.apply(("Explorer", "exp"), False) is False
    assert starts.apply(("Explorer", "exp"), True) is True
    between = FUNCTIONS["between"]
    assert between.apply(("aXbYc", "x", "y"), True) == "b"


@pytest.mark.parametrize(("op", "left", "right", "expected"), [
    ("/", 7, 2, 3), ("/", -7, 2, -3), ("%", -7, 2, -1), ("/", 7, 2.0, 3.5), ("%", -7.5, 2, -1.5),
    ("/", 1, 0, None), ("%", 1.0, 0, None), ("+", 1 << 63, 1 << 63, None), ("*", 1e308, 10, None),
    ("+", True, 1, None), ("-", "3", 1, None),
])  # fmt: skip
def test_arithmetic_is_null_where_it_has_no_result(
    op: str, left: Any, right: Any, expected: Any
) -> None:
    result = calculate(op, left, right)
    assert result == expected and type(result) is type(expected)


def test_no_text_grows_without_bound() -> None:
    assert FUNCTIONS["concat"].apply(("x" * TEXT_MAX, "y"), False) is None


def test_arity_in_words() -> None:
    assert [FUNCTIONS[name].arity_text for name in ("length", "add", "between", "concat")] == [
        "1 argument", "2 arguments", "3 to 4 arguments", "1 or more arguments"]
