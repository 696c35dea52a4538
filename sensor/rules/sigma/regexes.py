"""Regular expressions of Sigma (PCRE, found anywhere) in Lucene's syntax (the whole text)."""

from __future__ import annotations

import re

from sensor.query.patterns import PatternError, regex

_TOKEN = re.compile(
    r"""(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])
      | (?P<open>\((?:\?:|\?P?<[A-Za-z_]\w*>)?)
      | (?P<close>\))
      | (?P<bar>\|)
      | (?P<repeat>(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\}))(?P<manner>[?+]?)
      | \\x(?P<octet>[0-9A-Fa-f]{2})
      | \\(?P<escaped>.)
      | (?P<anchor>[$^])
      | (?P<plain>.)""",
    re.VERBOSE | re.DOTALL,
)
_IN_SET = re.compile(r"\\(?:x(?P<octet>[0-9A-Fa-f]{2})|(?P<sign>.))", re.DOTALL)
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "a": "\a", "e": "\x1b"}
_CLASSES = frozenset("dDwWsS")
_ANY = ".*"


class Untranslatable(Exception):
    """What of a regular expression has no counterpart."""


def lucene(pattern: str) -> tuple[str, bool]:
    """The pattern as Lucene has it, and True if it begins with `(?i)`.

    Errors: Untranslatable.
    """
    insensitive = pattern.startswith("(?i)")
    found = _Translation(pattern.removeprefix("(?i)")).text()
    try:
        regex(found, insensitive)
    except PatternError as error:
        raise Untranslatable(error.reason) from None
    return found, insensitive


class _Translation:
    """One pattern, token by token."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._depth = 0
        self._branches: list[str] = []
        """The alternatives that are over."""
        self._begin()

    def _begin(self) -> None:
        self._parts: list[str] = []
        self._at_start = self._at_end = False

    def text(self) -> str:
        """Errors: Untranslatable."""
        position = 0
        while position < len(self._pattern):
            found = _TOKEN.match(self._pattern, position)
            assert found is not None  # every character is a token, at the least
            position = found.end()
            self._take(found)
        self._end_branch()
        return "|".join(self._branches)

    def _take(self, found: re.Match[str]) -> None:
        kind = found.lastgroup
        if self._at_end and not (kind == "bar" and self._depth == 0):
            raise Untranslatable("'$' in the middle")
        match kind:
            case "anchor":
                self._anchor(found[0])
            case "bar" if self._depth == 0:
                self._end_branch()
            case "open":
                self._depth += 1
                if self._pattern[found.end() : found.end() + 1] == "?":
                    raise Untranslatable(f"'(?{self._pattern[found.end() + 1:][:2]}'")
                self._parts.append("(")
            case "close":
                self._depth -= 1
                self._parts.append(")")
            case _:
                self._parts.append(_translated(found))

    def _anchor(self, sign: str) -> None:
        if self._depth or (sign == "^" and self._parts):
            raise Untranslatable(f"'{sign}' in the middle")
        if sign == "^":
            self._at_start = True
        else:
            self._at_end = True

    def _end_branch(self) -> None:
        self._branches.append(("" if self._at_start else _ANY) + "".join(self._parts)
                              + ("" if self._at_end else _ANY))  # fmt: skip
        self._begin()


def _translated(found: re.Match[str]) -> str:
    """A token that is neither an anchor nor a parenthesis."""
    match found.lastgroup:
        case "manner":
            if found["manner"] == "+":
                raise Untranslatable("a possessive repetition")
            return found["repeat"]  # as few as possible or as many: the same texts fit
        case "set":
            return _set(found[0])
        case "octet":
            return _literal(chr(int(found["octet"], 16)))
        case "escaped":
            return _escaped(found["escaped"])
        case "plain" if found[0] != ".":
            return _literal(found[0])
    return found[0]


def _literal(character: str) -> str:
    plain = character.isalnum() or character in " _-/:=,;%!'" or not character.isprintable()
    return character if plain else f"\\{character}"


def _escaped(sign: str) -> str:
    if sign in _CLASSES:
        return f"\\{sign}"
    if sign in _CONTROLS:
        return _CONTROLS[sign]
    if sign.isalnum():
        raise Untranslatable(f"'\\{sign}'")
    return _literal(sign)


def _set(text: str) -> str:
    if re.search(r"\[[:.=]", text[1:]):
        raise Untranslatable("a class by name in brackets")
    return _IN_SET.sub(_in_set, text)


def _in_set(found: re.Match[str]) -> str:
    """What a backslash names, where `-` would mean a range."""
    if found["octet"]:
        return _literal(chr(int(found["octet"], 16))).replace("-", r"\-")
    return _escaped(found["sign"]) if found["sign"].isalnum() else found[0]
