"""A telnet session told line by line: who types, what is echoed, what the device answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dialogue import (
    DO,
    ECHO,
    IAC,
    LFLOW,
    NAWS,
    NEGOTIATION,
    NEW_ENVIRON,
    SGA,
    TSPEED,
    TTYPE,
    WILL,
    WONT,
    XDISPLOC,
    options,
    suboption,
)
from traffic import ORIG, RESP, Conversation, Host, Path, Traffic

ADMIN = Host("02:42:c0:a8:01:14", "192.168.1.20")
FIRST_PORT = 52_001
ENTER = b"\r\x00"
LINEMODE, AUTHENTICATION, ENCRYPT, ENVIRON = 34, 37, 38, 36
GA, EOR, IP, DM, AYT, EC, EL = 249, 239, 244, 242, 246, 247, 248
IS, SEND, INFO = 0, 1, 2

Text = str | bytes


def octets(text: Text) -> bytes:
    """The octets of a text as a terminal sends them."""
    return text if isinstance(text, bytes) else text.encode()


def naws(columns: int, rows: int) -> bytes:
    """The window's size, 255 doubled (RFC 1073)."""
    size = columns.to_bytes(2, "big") + rows.to_bytes(2, "big")
    return suboption(NAWS, size.replace(b"\xff", b"\xff\xff"))


def terminal(name: str) -> bytes:
    """A terminal type IS (RFC 1091)."""
    return suboption(TTYPE, b"\0" + name.encode())


class Session:
    """One conversation with a device; `port` is the client's, the device's name is its address."""

    def __init__(self, traffic: Traffic, number: int, port: int = 23, path: Path | None = None):
        """The session of this number in its capture, begun with the handshake."""
        device = Host(f"02:42:c0:a8:28:{10 + number:02x}", f"192.168.40.{10 + number}")
        ends = (ADMIN, device)
        ports = (FIRST_PORT + number, port)
        self.talk = Conversation(traffic, ends, ports, 0.4 * number, path).open()

    def s(self, text: Text, after_ms: float = 20) -> None:
        """The server says this."""
        self.talk.say(RESP, octets(text), after_ms)

    def c(self, text: Text, after_ms: float = 60) -> None:
        """The client says this, in one segment."""
        self.talk.say(ORIG, octets(text), after_ms)

    def urgent(self, side: int, data: bytes, after_ms: float = 60) -> None:
        """One side says this with the urgent flag, pointing behind the last octet."""
        self.talk.acknowledge()
        self.talk.wait(after_ms)
        packet = self.talk.segment(side, "PAU", data)
        self.talk.silent = 1 - side
        del packet

    def keys(self, text: Text, echo: str = "same") -> None:
        """Keys one by one; `echo` is what comes back for each: same, none or one fixed text."""
        for key in _keys(text):
            self.c(key, after_ms=110)
            if echo != "none":
                self.s(key if echo == "same" else echo, after_ms=0.6)

    def line(self, text: Text, answer: Text = "", echo: str = "same", end: bytes = ENTER) -> None:
        """Keys, the Enter key, and what the server says after its line end."""
        self.keys(text, echo)
        self.c(end, after_ms=180)
        self.s(b"\r\n" + octets(answer), after_ms=35)

    def secret(self, text: Text, answer: Text = "") -> None:
        """A line without echo."""
        self.line(text, answer, echo="none")

    def whole(self, text: Text, answer: Text = "", end: bytes = b"\r\n") -> None:
        """A line in one segment that the client echoes itself, and the answer, if any."""
        self.c(octets(text) + end, after_ms=150)
        if answer:
            self.s(answer, after_ms=35)

    def log_in(self, user: Text, password: Text, answer: Text, ask: str = "Password: ") -> None:
        """Name with echo, password without, then the answer."""
        self.line(user, ask)
        self.secret(password, answer)

    def end(self, side: int = RESP) -> None:
        """`side` closes the connection."""
        self.talk.close(side)

    def reset(self, side: int = RESP) -> None:
        """`side` aborts the connection."""
        self.talk.acknowledge()
        self.talk.wait(30)
        self.talk.reset(side)

    # -- what is settled before the first prompt

    def cisco(self, kind: str = "vt100") -> None:
        """A router's offer, and a client that has a terminal of 80 x 24."""
        self.s(options((WILL, ECHO), (WILL, SGA), (DO, TTYPE), (DO, NAWS)))
        self.c(options((DO, ECHO), (DO, SGA), (WILL, TTYPE), (WILL, NAWS)) + naws(80, 24), 2)
        self.s(suboption(TTYPE, b"\x01"), 2)
        self.c(terminal(kind), 2)

    def linux(self, rows: tuple[tuple[int, bytes], ...] = NEGOTIATION) -> None:
        """What a Linux client and server settle: XTERM-256COLOR, 120 x 40."""
        for side, data in rows:
            self.talk.say(side, data, after_ms=1.5)

    def linux_with(self, environment: bytes, option: int = NEW_ENVIRON) -> None:
        """The same with a client that sends this environment suboption instead of an empty one."""
        self.s(options((DO, TTYPE), (DO, TSPEED), (DO, XDISPLOC), (DO, option)))
        self.c(options((WILL, TTYPE), (WILL, TSPEED), (WONT, XDISPLOC), (WILL, option)), 2)
        asked = b"".join(suboption(each, b"\x01") for each in (TSPEED, option, TTYPE))
        self.s(asked, 2)
        self.c(suboption(TSPEED, b"\x0038400,38400") + environment + terminal("XTERM"), 2)
        self.s(options((WILL, SGA), (DO, ECHO), (DO, NAWS), (DO, LFLOW)), 2)
        self.c(options((DO, SGA), (WONT, ECHO), (WILL, NAWS)) + naws(120, 40)
               + options((WILL, LFLOW)), 2)  # fmt: skip
        self.s(options((WILL, ECHO)), 2)
        self.c(options((DO, ECHO)), 2)

    def busybox(self) -> None:
        """What a small Linux device offers, and a client of 80 x 24."""
        self.s(options((DO, ECHO), (DO, NAWS), (WILL, ECHO), (WILL, SGA)))
        self.c(options((WONT, ECHO), (WILL, NAWS), (DO, ECHO), (DO, SGA)) + naws(80, 24), 2)

    def line_mode(self) -> None:
        """A server that will not echo: the client sends whole lines."""
        self.s(options((DO, TTYPE)))
        self.c(options((WILL, TTYPE)), 2)
        self.s(suboption(TTYPE, b"\x01"), 2)
        self.c(terminal("ansi"), 2)


def _keys(text: Text) -> Iterator[bytes]:
    """One key after the other: an UTF-8 character is one key."""
    if isinstance(text, str):
        yield from (key.encode() for key in text)
    else:
        yield from (bytes([key]) for key in text)


def quoted(data: bytes) -> bytes:
    """Data as they stand in a stream of telnet: 255 doubled."""
    return data.replace(bytes([IAC]), bytes([IAC, IAC]))


Story = Callable[[Traffic, int], None]
STORIES: dict[str, list[Story]] = {}
"""The stories of each capture; their clients' ports count from FIRST_PORT."""


def story(name: str) -> Callable[[Story], Story]:
    """Enter a function as the next session of a capture."""

    def enter(function: Story) -> Story:
        STORIES.setdefault(name, []).append(function)
        return function

    return enter
