"""Where commands of Redis have passwords, after the pages of its documentation."""

from __future__ import annotations

import pytest

from sensor.protocols.redis.commands import (
    QUERY_MAX,
    RETURN_MAX,
    attempt_of,
    query_of,
    return_text,
    text_of_query,
    words_of,
)
from sensor.protocols.redis.resp import Value
from sensor.protocols.secrets import Known


def words(line: str) -> list[str]:
    return words_of(Value("*", [word.encode() for word in line.split()]))


@pytest.mark.parametrize(("line", "told"), [
    ("auth pw-1", "AUTH ***"),
    ("AUTH ann pw-1", "AUTH ann ***"),
    ("AUTH ann pw-1 pw-1", "AUTH ann *** ***"),
    ("AUTH", "AUTH"),
    ("HELLO 3 AUTH ann pw-1 SETNAME x", "HELLO 3 AUTH ann *** SETNAME x"),
    ("HELLO 3 auth ann", "HELLO 3 auth ann"),
    ("CONFIG set requirepass pw-1", "CONFIG set requirepass ***"),
    ("CONFIG SET dir /tmp MasterAuth pw-1", "CONFIG SET dir /tmp MasterAuth ***"),
    ("CONFIG SET dir /nowhere/.ssh", "CONFIG SET dir /nowhere/.ssh"),
    ("ACL SETUSER ann on >pw-1 <pw-1 #pw-1 ~* +@all", "ACL SETUSER ann on >*** <*** #*** ~* +@all"),
    ("MIGRATE h 6379 k 0 5000 COPY AUTH pw-1", "MIGRATE h 6379 k 0 5000 COPY AUTH ***"),
    ("MIGRATE h 1 k 0 5 AUTH2 ann pw-1 KEYS a", "MIGRATE h 1 k 0 5 AUTH2 ann *** KEYS a"),
    ("MIGRATE h 6379 k 0 5000 AUTH", "MIGRATE h 6379 k 0 5000 AUTH"),
    ("SENTINEL SET mymaster auth-pass pw-1", "SENTINEL SET mymaster auth-pass ***"),
    ("SET auth pw-1", "SET auth pw-1"),
])  # fmt: skip
def test_passwords_are_masked(line: str, told: str) -> None:
    known = Known()
    masked = query_of(words(line), known)
    assert text_of_query(masked, known) == told
    if "***" in told:
        assert text_of_query(["GET", "pw-1"], known) == "GET ***"  # it is known from now on


@pytest.mark.parametrize(("line", "user", "secret"), [
    ("AUTH pw", "", "pw"), ("AUTH ann pw", "ann", "pw"), ("HELLO 3 AUTH ann pw", "ann", "pw")])
def test_logins(line: str, user: str, secret: str) -> None:
    attempt = attempt_of(words(line))
    assert attempt is not None
    assert (attempt.user, attempt.secret, attempt.method) == (user, secret, "password")


@pytest.mark.parametrize("line", [
    "AUTH", "AUTH a b c", "HELLO 3", "HELLO 3 AUTH ann", "GET AUTH x"])
def test_what_is_no_login(line: str) -> None:
    assert attempt_of(words(line)) is None


def test_what_is_returned() -> None:
    known = Known()
    assert return_text(Value("_", [b""]), ["GET", "x"], known) == "nil"
    assert return_text(Value("*", [b"a", b"[1, 2]"]), ["X"], known) == "[a, [1, 2]]"
    assert return_text(Value("$", [b"a\x1b\xff"]), ["X"], known) == "a\\x1b\xff"
    assert len(return_text(Value("$", [b"x" * 4000]), ["X"], known)) == RETURN_MAX
    assert return_text(Value("*", [b"masterauth", b"pw", b"dir", b"/"]), ["CONFIG", "GET"], known
                       ) == "[masterauth, ***, dir, /]"
    assert return_text(Value("$", [b"a" * 64]), ["ACL", "GENPASS"], known) == "***"


def test_long_commands_are_cut() -> None:
    known = Known()
    assert len(text_of_query(["EVAL", "\n" * QUERY_MAX], known)) == QUERY_MAX
