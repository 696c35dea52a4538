"""Telnet logins that only tell something together: guesses at one account, a spray over many
machines, a session on a port that is not telnet's, and what a machine does after a login.
"""

from __future__ import annotations

from dialogue import DO, ECHO, SGA, WILL, exchange, options
from telnet_talk import FIRST_PORT, Session, story
from traffic import Conversation, Host, Traffic

OUTSIDE = Host("02:42:c0:a8:01:01", "203.0.113.77", ttl=49)
"""Seen with the MAC address of the router."""
DESK = Host("02:42:c0:a8:01:31", "192.168.1.49")
STORE = Host("02:42:c0:a8:01:01", "198.51.100.9", ttl=52)
MINUTE = 60.0


def device(number: int) -> Host:
    """One of the recorders in a row."""
    return Host(f"02:42:c0:a8:28:{30 + number:02x}", f"192.168.40.{30 + number}")


class Visit(Session):
    """A session between any two hosts, at any time."""

    def __init__(
        self, traffic: Traffic, number: int, ends: tuple[Host, Host], at: float, port: int = 23
    ):
        """Begun with the handshake, at so many seconds."""
        self.talk = Conversation(traffic, ends, (FIRST_PORT + number, port), at).open()

    def begin(self) -> None:
        """What a recorder settles, and its prompt."""
        self.s(options((WILL, ECHO), (WILL, SGA)))
        self.c(options((DO, ECHO), (DO, SGA)), 2)
        self.s("\r\ndvr login: ")

    def fail(self, user: str, password: str, again: str = "dvr login: ") -> None:
        """One attempt that is refused."""
        self.whole(user, f"{user}\r\nPassword: ")
        self.whole(password, f"\r\nLogin incorrect\r\n{again}")


def guess(traffic: Traffic, number: int, passwords: tuple[str, ...]) -> Visit:
    """Passwords for one account that are refused."""
    visit = Visit(traffic, number, (OUTSIDE, device(0)), 20.0 * number)
    visit.begin()
    for place, password in enumerate(passwords, 1):
        visit.fail("operator", password, "" if place == 3 else "dvr login: ")
    return visit


@story("guessing")
def first_guesses(traffic: Traffic, n: int) -> None:
    """Three passwords, then the recorder hangs up."""
    guess(traffic, n, ("Quartz-Ferry-1", "Quartz-Ferry-2", "Quartz-Ferry-3")).end()


@story("guessing")
def second_guesses(traffic: Traffic, n: int) -> None:
    """Three more."""
    guess(traffic, n, ("Quartz-Ferry-4", "Quartz-Ferry-5", "Quartz-Ferry-6")).end()


@story("guessing")
def third_guesses(traffic: Traffic, n: int) -> None:
    """And three more."""
    guess(traffic, n, ("Quartz-Ferry-7", "Quartz-Ferry-8", "Quartz-Ferry-9")).end()


@story("guessing")
def the_right_one(traffic: Traffic, n: int) -> None:
    """The tenth is refused, the eleventh is right; then the recorder calls a host outside."""
    visit = guess(traffic, n, ("Quartz-Ferry-10",))
    visit.whole("operator", "operator\r\nPassword: ")
    visit.whole("Quartz-Ferry-11", "\r\n\r\nBusyBox v1.19 built-in shell (ash)\r\n# ")
    visit.whole("uname -m", "uname -m\r\narmv7l\r\n# ")
    call = Conversation(traffic, (device(0), STORE), (40_112, 80), 20.0 * n + 30).open()
    exchange(call, 120, 3000)
    call.close(0)
    visit.whole("exit", "exit\r\n")
    visit.end()


def spray(traffic: Traffic, n: int) -> None:
    """One pair, tried at one recorder after the other."""
    visit = Visit(traffic, n, (DESK, device(n)), 3.0 * n)
    visit.begin()
    visit.fail("service", f"Basalt+Reed+{n}")
    visit.end(0)


for _ in range(10):
    story("spraying")(spray)


@story("other_port")
def console_line(traffic: Traffic, n: int) -> None:
    """A console server that offers a line on port 2300."""
    visit = Visit(traffic, n, (DESK, device(n)), 0.0, port=2300)
    visit.begin()
    visit.log_in("lineman", "Gneiss=Willow=1", "\r\nLast login: never\r\nline-3> ")
    visit.line("status", "up\r\nline-3> ")
    visit.line("exit", "bye\r\n")
    visit.end()
