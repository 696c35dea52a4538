"""The parsers' common part: bounds, errors with a caret, string escapes, the call into lark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pkgutil import get_data
from typing import TYPE_CHECKING, Protocol, cast

from sensor.errors import QueryError

if TYPE_CHECKING:
    from lark import Lark, Token

QUERY_CHARACTERS_MAX = 65_536
"""The longest query that is parsed; the longest of Elastic's own has about a tenth of it."""
QUERY_DEPTH_MAX = 64
"""The deepest nesting of brackets and `not`: every later step walks the tree by recursion."""


def query_error(reason: str, text: str, at: int) -> QueryError:
    """The error at an offset of a query.

    Units: `at` counts characters from 0; the error's line and column count from 1.
    """
    at = max(0, min(at, len(text)))
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    line = text[start : len(text) if end < 0 else end]
    return QueryError(reason, line=text.count("\n", 0, at) + 1, column=at - start + 1,
                      text=line.rstrip("\r"))


@dataclass(frozen=True, slots=True)
class Shape:
    """The facts that the driver needs of a grammar, by the names of its tokens."""

    opening: frozenset[str]
    closing: frozenset[str]
    reserved: tuple[str, ...]
    """Words that are never names or values."""


class ParseNode(Protocol):
    """A tree or a token of lark: each has its half of the members, and `str` of
    a token is its text.

    Among the children None stands for what is left out.
    """

    data: str
    children: list[ParseNode]
    type: str
    start_pos: int
    end_pos: int


class DepthGuard:
    """Refuses brackets that nest too deep, before the parser sees them."""

    def __init__(self, shape: Shape) -> None:
        self._opening = shape.opening
        self._closing = shape.closing
        self.always_accept = shape.reserved
        """Tokens that lark tells apart everywhere, also where they cannot stand."""

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        """The same tokens.

        Errors: QueryError at the bracket that is too deep.
        """
        depth = 0
        for token in stream:
            if token.type in self._opening:
                depth += 1
                if depth > QUERY_DEPTH_MAX:
                    raise _TooDeep(token.start_pos or 0)
            elif token.type in self._closing:
                depth -= 1
            yield token


class _TooDeep(Exception):
    """The offset at which the text nests too deep; becomes a QueryError where the text is known."""

    def __init__(self, at: int) -> None:
        super().__init__(at)
        self.at = at


@cache
def grammar(name: str, shape: Shape) -> Lark:
    """The LALR parser of a language, of the grammar in its folder; made when first needed."""
    from lark import Lark  # noqa: PLC0415  45 ms that a run without rules need not spend

    text = get_data(f"sensor.query.{name}", "grammar.lark")
    assert text is not None
    return Lark(text.decode(), parser="lalr", lexer="contextual", postlex=DepthGuard(shape),
                maybe_placeholders=True)  # fmt: skip


def parse_tree(
    parser: Callable[[], Lark], text: str, names: dict[str, str], hints: dict[str, str]
) -> ParseNode:
    """The tree of a query.

    `names` says how people call the grammar's tokens, `hints` what to write instead of what stands
    at the place of an error.

    Errors: QueryError, whatever the text.
    """
    if len(text) > QUERY_CHARACTERS_MAX:
        raise query_error(
            f"the query has {len(text)} characters; at most {QUERY_CHARACTERS_MAX} are allowed",
            text[:80].split("\n", maxsplit=1)[0], 0,
        )
    from lark.exceptions import UnexpectedCharacters, UnexpectedToken  # noqa: PLC0415

    try:
        return cast(ParseNode, parser().parse(text))
    except _TooDeep as error:
        raise query_error(f"nested more than {QUERY_DEPTH_MAX} deep", text, error.at) from None
    except UnexpectedCharacters as error:
        at = error.pos_in_stream or 0
        reason = _hint(text, at, hints) or _unclosed(text, at) or (
            f"unexpected character {text[at]!r}" + _wanted(error.allowed or set(), names))
        raise query_error(reason, text, at) from None
    except UnexpectedToken as error:
        # What the lexer always tells apart is not what may stand here: the parser knows.
        expected = error.accepts or error.expected
        if error.token.type == "$END":
            raise query_error(
                "the query ends too early" + _wanted(expected, names), text, len(text.rstrip())
            ) from None
        at = error.token.start_pos or 0
        reason = _hint(text, at, hints) or (
            f"unexpected {str(error.token)[:40]!r}" + _wanted(expected, names))
        raise query_error(reason, text, at) from None


def _hint(text: str, at: int, hints: dict[str, str]) -> str:
    two, one = text[at : at + 2], text[at : at + 1]
    return "" if two in ("==", "!=") else hints.get(two) or hints.get(one, "")


def _unclosed(text: str, at: int) -> str:
    return "the string is not closed" if text[at] == '"' else ""


def _wanted(expected: set[str], names: dict[str, str]) -> str:
    words = sorted({names[token] for token in expected if token in names})
    if not words:
        return ""
    return ": expected " + (words[0] if len(words) == 1 else
                            ", ".join(words[:-1]) + " or " + words[-1])


def check_depth(depth: int, text: str, at: int) -> None:
    """Refuse a tree that is too deep.

    Errors: QueryError.
    """
    if depth > QUERY_DEPTH_MAX:
        raise query_error(f"nested more than {QUERY_DEPTH_MAX} deep", text, at)


def unescape(raw: str, escapes: dict[str, str], query: str, at: int, unknown: str = "") -> str:
    """The text that `raw` means: each `\\x` by the table, `\\uXXXX` and `\\u{X}` by number.

    `unknown` is a reason to refuse escapes outside the table; empty keeps them as they stand.
    Errors: QueryError at the escape.
    """
    if "\\" not in raw:
        return raw
    parts: list[str] = []
    position = 0
    while position < len(raw):
        character = raw[position]
        if character != "\\":
            parts.append(character)
            position += 1
            continue
        follower = raw[position + 1 : position + 2]
        size, meaning = _unicode_escape(raw, position) if follower == "u" else (0, "")
        if size:
            pass
        elif follower == "u" and unknown:
            raise query_error("not a character number after \\u", query, at + position)
        elif follower in escapes and follower:
            size, meaning = 2, escapes[follower]
        elif unknown:
            raise query_error(f"{unknown} '\\{follower}'", query, at + position)
        else:
            size, meaning = 1, "\\"
        parts.append(meaning)
        position += size
    return "".join(parts)


def _unicode_escape(raw: str, position: int) -> tuple[int, str]:
    """The length and meaning of the \\u escape at a position; length 0 if it is none."""
    if raw[position + 2 : position + 3] == "{":
        end = raw.find("}", position, position + 12)
        digits, size = raw[position + 3 : max(end, 0)], end + 1 - position
    else:
        digits, size = raw[position + 2 : position + 6], 6
        if len(digits) < 4:
            return 0, ""
    if not digits or any(digit not in "0123456789abcdefABCDEF" for digit in digits):
        return 0, ""
    number = int(digits, 16)
    if number > 0x10FFFF or 0xD800 <= number < 0xE000:
        return 0, ""
    return size, chr(number)
