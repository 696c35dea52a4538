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


@pytest.mark.parametrize(("name", "arguments", "expected"), [
    # Positions count from 0; a search begins at its start, itself included.
    ("indexOf", ("subdomain.example.com", "."), 9),
    ("indexOf", ("subdomain.example.com", ".", 9), 9),
    ("indexOf", ("subdomain.example.com", ".", -6), 9),
    ("indexOf", ("abc", "a"), 0), ("indexOf", ("abc", "a", 0), 0),
    ("indexOf", ("abc", "a", 1), None),
    ("indexOf", ("abc", "c", 2), 2), ("indexOf", ("abc", "c", 3), None),
    ("indexOf", ("abc", "c", 4), None), ("indexOf", ("abc", "abc"), 0),
    ("indexOf", ("abc", "abcd"), None), ("indexOf", ("abc", 1), None), ("indexOf", (1, "a"), None),
    ("indexOf", ("abc", "b", True), None), ("indexOf", ("abc", "b", False), None),
    ("indexOf", ("abc", "b", "0"), None), ("indexOf", ("abc", "b", 0.0), None),
    # The end is exclusive; what is negative counts from the end of the text.
    ("substring", ("start regsvr32.exe", 6), "regsvr32.exe"),
    ("substring", ("start regsvr32.exe", -4), ".exe"),
    ("substring", ("start regsvr32.exe", -4, -1), ".ex"),
    ("substring", ("abc", 0), "abc"), ("substring", ("abc", 2), "c"), ("substring", ("abc", 3), ""),
    ("substring", ("abc", 4), ""), ("substring", ("abc", -3), "abc"),
    ("substring", ("abc", -4), "abc"), ("substring", ("abc", 0, 0), ""),
    ("substring", ("abc", 0, 1), "a"), ("substring", ("abc", 0, 3), "abc"),
    ("substring", ("abc", 0, 4), "abc"), ("substring", ("abc", 2, 1), ""),
    ("substring", ("abc", 0, True), None), ("substring", ("abc", False), None),
    ("substring", (5, 0), None),
    # Nothing lies between what is not there, and nothing between neighbours.
    ("between", ("a[b]c", "[", "]"), "b"), ("between", ("a[]c", "[", "]"), ""),
    ("between", ("a[b", "[", "]"), ""), ("between", ("b]a", "[", "]"), ""),
    ("between", ("]b[", "[", "]"), ""), ("between", ("[b]", "[", "]"), "b"),
    ("between", ("[a]b]", "[", "]"), "a"), ("between", ("[a]b]", "[", "]", True), "a]b"),
    ("between", ("|a|b|", "|", "|"), "a"), ("between", ("|a|b|", "|", "|", True), "a|b"),
    ("between", ("|", "|", "|"), ""), ("between", ("|", "|", "|", True), ""),
    ("between", ("a", 1, "b"), None), ("between", (1, "a", "b"), None),
    ("startsWith", ("regsvr32.exe", "regsvr32"), True), ("startsWith", ("abc", "abc"), True),
    ("startsWith", ("abc", "b"), False), ("startsWith", ("abc", "abcd"), False),
    ("startsWith", (1, "1"), None),
    ("endsWith", ("regsvr32.exe", ".exe"), True), ("endsWith", ("abc", "abc"), True),
    ("endsWith", ("abc", "b"), False), ("endsWith", ("abc", "xabc"), False),
    ("endsWith", ("1", 1), None),
    ("stringContains", ("abc", "a"), True), ("stringContains", ("abc", "c"), True),
    ("stringContains", ("abc", "abc"), True), ("stringContains", ("abc", "ac"), False),
    ("stringContains", ("abc", "abcd"), False), ("stringContains", (True, "true"), None),
    ("length", ("",), 0), ("length", ("a",), 1), ("length", (True,), None),
])  # fmt: skip
def test_ends_of_texts(name: str, arguments: tuple[Any, ...], expected: Any) -> None:
    result = FUNCTIONS[name.lower()].apply(arguments, False)
    assert result == expected and type(result) is type(expected)


@pytest.mark.parametrize(("arguments", "expected"), [
    (("1337",), 1337), (("42.5",), 42.5), (("-1",), -1), (("deadbeef", 16), 0xDEADBEEF),
    (("0xdeadbeef",), 0xDEADBEEF), (("0xdeadbeef", 16), 0xDEADBEEF), (("deadbeef",), None),
    # A number is one already; only digits have a base.
    ((5,), 5), ((5.5,), 5.5), ((0,), 0), ((5, 10), None), ((5, 16), None), ((True,), None),
    ((False,), None), ((True, 10), None),
])  # fmt: skip
def test_numbers(arguments: tuple[Any, ...], expected: Any) -> None:
    result = FUNCTIONS["number"].apply(arguments, False)
    assert result == expected and type(result) is type(expected)


def test_the_form_with_a_tilde_does_not_tell_case_apart() -> None:
    starts = FUNCTIONS["startswith"]
    assert starts.apply(("Explorer", "exp"), False) is False
    assert starts.apply(("Explorer", "exp"), True) is True
    between = FUNCTIONS["between"]
    assert between.apply(("aXbYc", "x", "y"), True) == "b"
    for name, arguments, sensitive, insensitive in (
        ("indexof", ("Abc", "a"), None, 0), ("indexof", ("aXx", "x"), 2, 1),
        ("endswith", ("ABC", "bc"), False, True), ("stringcontains", ("ABC", "b"), False, True),
    ):
        assert FUNCTIONS[name].apply(arguments, False) == sensitive
        assert FUNCTIONS[name].apply(arguments, True) == insensitive


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
