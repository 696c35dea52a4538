"""EQL's functions over single values. None is null: a function of a null, or of a value of the
wrong kind, is null."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from sensor.query.ast import Node
from sensor.query.patterns import wildcard
from sensor.query.values import Value, inside, number_of, text_of

Result = Value | None
MANY = 5_000
"""The arity of a function that takes as many arguments as there are."""
Apply = Callable[[tuple[Value, ...], bool], Result]
TEXT_MAX = 65_536
"""Characters of a text that a function may make."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function: its name as people write it, its arity, what it does."""

    name: str
    arity_min: int
    arity_max: int
    apply: Apply
    has_insensitive_form: bool = False

    def given(self, args: list[tuple[Value, ...]]) -> list[tuple[Value, ...]]:
        """The values of its arguments without those at the end that may be left out and are null.
        """
        while self.arity_max < MANY and len(args) > self.arity_min and not args[-1]:
            args = args[:-1]
        return args

    def needed(self, args: tuple[Node, ...]) -> tuple[Node, ...]:
        """The arguments without which it has no value."""
        return args if self.arity_max == MANY else args[: self.arity_min]

    @property
    def arity_text(self) -> str:
        """The arity in words."""
        if self.arity_max > 100:
            return f"{self.arity_min} or more arguments"
        if self.arity_min == self.arity_max:
            return f"{self.arity_min} argument" + "s" * (self.arity_min != 1)
        return f"{self.arity_min} to {self.arity_max} arguments"


def calculate(op: str, left: Value, right: Value) -> Result:
    """Arithmetic as EQL does it: whole numbers stay whole and divide towards zero.

    Null for what is no number, for a division by zero, and outside of 64 bits or a float's range.
    """
    if not (_is_number(left) and _is_number(right)):
        return None
    assert not isinstance(left, str) and not isinstance(right, str)
    try:
        value = _calculate(op, left, right)
    except (ZeroDivisionError, OverflowError):
        return None
    if isinstance(value, int):
        return value if -(1 << 63) <= value < 1 << 64 else None
    return value if math.isfinite(value) else None


def _calculate(op: str, left: float, right: float) -> int | float:
    if op == "+":
        return left + right
    if op == "-":
        return left - right
    if op == "*":
        return left * right
    if isinstance(left, int) and isinstance(right, int):
        size, rest = divmod(abs(left), abs(right))
        if op == "%":
            return -rest if left < 0 else rest
        return -size if (left < 0) != (right < 0) else size
    return math.fmod(left, right) if op == "%" and right else left / right


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _arithmetic(op: str) -> Apply:
    return lambda args, _: calculate(op, args[0], args[1])


def _texts(args: tuple[Value, ...], insensitive: bool) -> list[str] | None:
    """The arguments if all are text, in lower case for the `~` form."""
    if not all(isinstance(arg, str) for arg in args):
        return None
    return [str(arg).lower() if insensitive else str(arg) for arg in args]


def _of_two_texts(test: Callable[[str, str], bool]) -> Apply:
    def apply(args: tuple[Value, ...], insensitive: bool) -> Result:
        texts = _texts(args, insensitive)
        return None if texts is None else test(texts[0], texts[1])

    return apply


def _between(args: tuple[Value, ...], insensitive: bool) -> Result:
    """The text after the first `left` and before the next (greedy: last) `right`."""
    texts = _texts(args[:3], insensitive)
    greedy = len(args) > 3 and args[3] is True
    if texts is None:
        return None
    found = texts[0].find(texts[1])
    start = found + len(texts[1])
    end = texts[0].rfind(texts[2], start) if greedy else texts[0].find(texts[2], start)
    if found < 0 or end < 0:
        return ""
    return str(args[0])[start:end]


def _index_of(args: tuple[Value, ...], insensitive: bool) -> Result:
    texts = _texts(args[:2], insensitive)
    start = args[2] if len(args) > 2 else 0
    if texts is None or not isinstance(start, int) or isinstance(start, bool):
        return None
    found = texts[0].find(texts[1], max(0, start))
    return None if found < 0 else found


def _substring(args: tuple[Value, ...], _: bool) -> Result:
    text, *given = args
    bounds = [bound for bound in given if isinstance(bound, int) and not isinstance(bound, bool)]
    if not isinstance(text, str) or len(bounds) != len(given):
        return None
    return str(text)[bounds[0] : bounds[1] if len(bounds) > 1 else None]


def _number(args: tuple[Value, ...], _: bool) -> Result:
    text, base = args[0], args[1] if len(args) > 1 else 10
    if not isinstance(text, str):
        return text if _is_number(text) and len(args) == 1 else None
    if type(base) is not int or not 2 <= base <= 36:
        return None
    digits = text.lower()
    if len(args) == 1 and digits.startswith("0x"):
        base = 16
    if base == 10:
        return number_of(text)
    if base == 16:
        digits = digits.removeprefix("0x")
    if not digits.isascii() or not digits.isalnum() or len(digits) > 64:
        return None
    try:
        value = int(digits, base)
    except ValueError:
        return None
    return value if value < 1 << 64 else None


def _concat(args: tuple[Value, ...], _: bool) -> Result:
    text = "".join(text_of(arg) for arg in args)
    return text if len(text) <= TEXT_MAX else None


def _cidr_match(args: tuple[Value, ...], _: bool) -> Result:
    return any(inside(args[0], network) for network in args[1:])


def _wildcard(args: tuple[Value, ...], insensitive: bool) -> Result:
    texts = _texts(args, False)
    if texts is None:
        return None
    return any(wildcard(pattern, insensitive)(texts[0]) for pattern in texts[1:])


FUNCTIONS = {
    function.name.lower(): function
    for function in (
        Function("add", 2, 2, _arithmetic("+")),
        Function("subtract", 2, 2, _arithmetic("-")),
        Function("multiply", 2, 2, _arithmetic("*")),
        Function("divide", 2, 2, _arithmetic("/")),
        Function("modulo", 2, 2, _arithmetic("%")),
        Function("between", 3, 4, _between, has_insensitive_form=True),
        Function("cidrMatch", 2, MANY, _cidr_match),
        Function("concat", 1, MANY, _concat),
        Function("endsWith", 2, 2, _of_two_texts(str.endswith), has_insensitive_form=True),
        Function("indexOf", 2, 3, _index_of, has_insensitive_form=True),
        Function("length", 1, 1, lambda args, _: len(args[0]) if isinstance(args[0], str)
                 else None),
        Function("number", 1, 2, _number),
        Function("startsWith", 2, 2, _of_two_texts(str.startswith), has_insensitive_form=True),
        Function("string", 1, 1, lambda args, _: text_of(args[0])),
        Function("stringContains", 2, 2, _of_two_texts(str.__contains__),
                 has_insensitive_form=True),
        Function("substring", 2, 3, _substring),
        Function("wildcard", 2, MANY, _wildcard, has_insensitive_form=True),
    )
}
"""By name in lower case: names may be written in any capitalisation."""
