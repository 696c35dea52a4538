"""Attempts to log in, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass

from sensor.model.protocol_values import TELNET_OUTCOMES
from sensor.protocols.analyzer import Moment

NAME_MAX = 64
SUCCESS, FAILURE, UNKNOWN, NO_LOGIN, BYPASS = TELNET_OUTCOMES

NEVER = Moment(0)


@dataclass
class Attempt:
    """An account, a password, and what the server made of them."""

    name: str | None = None
    method: str = "password"
    secret: str | None = None
    moment: Moment = NEVER
    number: int = 0
    failure: str = ""
    """What the server printed that may say that it failed."""
    is_plain: bool = False
    """It can mean nothing else."""
    welcome: str = ""
    changes: bool = False


@dataclass(frozen=True, slots=True)
class Login:
    """What became of an attempt, or of a connection without one."""

    outcome: str
    evidence: str
    text: str
    moment: Moment
    attempt: Attempt
    password_change: bool = False


def name_of(text: str) -> str:
    """The account in a line typed at a name prompt: RouterOS takes options behind a `+`."""
    name = text.strip().strip("\0")
    head, plus, options = name.partition("+")
    if plus and head and options.isalnum() and len(options) <= 8:
        name = head
    return name[:NAME_MAX]
