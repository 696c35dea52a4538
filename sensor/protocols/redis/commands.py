"""Commands of Redis: which of their arguments are passwords, and how they are told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sensor.base.escape import harmless
from sensor.protocols.cleartext.login import Attempt, text_of
from sensor.protocols.redis.resp import AGGREGATES, NULL, Value
from sensor.protocols.secrets import MASK, Known

QUERY_MAX = 4096
"""Characters of a command that are told: scripts that exploit something are long."""
RETURN_MAX = 1024
SECRET_SETTINGS = frozenset({
    "requirepass", "masterauth", "primaryauth", "tls-key-file-pass", "tls-client-key-file-pass",
    "auth-pass", "sentinel-pass",
})
"""Settings whose values are passwords."""
_HASH = re.compile(r"\b[0-9a-f]{64}\b")
"""A password of ACL, as SHA-256; one that ACL GENPASS makes looks the same."""


def words_of(command: Value) -> list[str]:
    """The words of a command, the first in capital letters."""
    words = [text_of(part) for part in command.parts]
    return [words[0].upper(), *words[1:]] if words else []


def attempt_of(words: Sequence[str]) -> Attempt | None:
    """The login that a command is: AUTH [name] password, HELLO version AUTH name password."""
    if words[0] == "AUTH" and len(words) in (2, 3):
        return Attempt("password", words[1] if len(words) == 3 else "", words[-1])
    if words[0] == "HELLO" and len(words) >= 5 and words[2].upper() == "AUTH":
        return Attempt("password", words[3], words[4])
    return None


def query_of(words: Sequence[str], known: Known) -> list[str]:
    """The words as they are told: without passwords, which are learned."""
    told = list(words)
    for place in _secret_places([word.upper() for word in words]):
        mark = ""
        if words[0] == "ACL":
            mark = words[place][:1]
        known.learn(words[place].removeprefix(mark))
        told[place] = mark + MASK
    return told


def text_of_query(words: Sequence[str], known: Known) -> str:
    """The words, from `query_of`, as one line."""
    return harmless(known.masked(" ".join(words)))[:QUERY_MAX]


def return_text(reply: Value, words: Sequence[str], known: Known) -> str:
    """What the server returned, as text, without passwords."""
    parts = [text_of(part) for part in reply.parts]
    if words[0] == "CONFIG":
        parts = [MASK if at and parts[at - 1].lower() in SECRET_SETTINGS else part
                 for at, part in enumerate(parts)]  # fmt: skip
    elif words[0] == "ACL":
        parts = [_HASH.sub(MASK, part) for part in parts]
    if reply.kind in AGGREGATES:
        text = f"[{', '.join(parts)}]"
    else:
        text = "nil" if reply.kind == NULL else "".join(parts)
    return harmless(known.masked(text))[:RETURN_MAX]


def _secret_places(words: Sequence[str]) -> Iterator[int]:
    """Where the words, in capital letters, have passwords."""
    first, second = words[0], words[1] if len(words) > 1 else ""
    if first == "AUTH":
        yield from range(min(2, max(len(words) - 1, 1)), len(words))
    elif first in ("HELLO", "MIGRATE"):
        for at, word in enumerate(words):
            if word in ("AUTH", "AUTH2"):
                is_alone = first == "MIGRATE" and word == "AUTH"
                yield from range(at + (1 if is_alone else 2), min(at + (2 if is_alone else 3),
                                                                  len(words)))  # fmt: skip
    elif (first, second) in (("CONFIG", "SET"), ("SENTINEL", "SET"), ("SENTINEL", "CONFIG")):
        yield from (at for at in range(3, len(words))
                    if words[at - 1].lower() in SECRET_SETTINGS)  # fmt: skip
    elif (first, second) == ("ACL", "SETUSER"):
        yield from (at for at in range(3, len(words)) if words[at][:1] in ("<", ">", "#", "!"))
