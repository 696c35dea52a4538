"""How far a dialogue has come, what it waits for, and what it may ask of the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto


class Phase(Enum):
    """How far the dialogue has come."""

    START = auto()
    ASKING = auto()
    SENT = auto()
    IN = auto()


class Asked(Enum):
    """What the prompt asks for that nobody has answered yet."""

    NOTHING = auto()
    NAME = auto()
    PASSWORD = auto()
    SECRET = auto()


@dataclass
class Surroundings:
    """What else is known of the connection, for the dialogue to ask."""

    user: Callable[[], str | None]
    """The account that options named."""
    bypass_user: Callable[[], tuple[bool, str | None]]
    """Whether an attack on the login was tried, and the account it asked for."""
    client_is_absent: Callable[[], bool]
    """True if nothing of the client was ever seen."""
    echoes: Callable[[], bool]
    """True if the server has said that it echoes."""
