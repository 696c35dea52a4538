"""What people and servers say: telnet negotiation and a login of an invented user, web, names."""

from __future__ import annotations

from traffic import ORIG, RESP, Conversation, Datagrams, Host, Path, Traffic

# RFC 854 commands, then options: ECHO RFC 857, SGA RFC 858, STATUS RFC 859, TTYPE RFC 1091,
# NAWS RFC 1073, TSPEED RFC 1079, LFLOW RFC 1372, XDISPLOC RFC 1096, NEW-ENVIRON RFC 1572.
SE, SB, WILL, WONT, DO, DONT, IAC = 240, 250, 251, 252, 253, 254, 255
ECHO, SGA, STATUS, TTYPE, NAWS, TSPEED, LFLOW, XDISPLOC, NEW_ENVIRON = (
    1, 3, 5, 24, 31, 32, 33, 35, 39,
)


def options(*pairs: tuple[int, int]) -> bytes:
    """Negotiation: one command and option after the other."""
    return b"".join(bytes([IAC, command, option]) for command, option in pairs)


def suboption(option: int, value: bytes) -> bytes:
    """A subnegotiation."""
    return bytes([IAC, SB, option]) + value + bytes([IAC, SE])


NEGOTIATION = (
    (RESP, options((DO, TTYPE), (DO, TSPEED), (DO, XDISPLOC), (DO, NEW_ENVIRON))),
    (ORIG, options((WILL, TTYPE), (WILL, TSPEED), (WONT, XDISPLOC), (WILL, NEW_ENVIRON))),
    (RESP, b"".join(suboption(option, b"\x01") for option in (TSPEED, NEW_ENVIRON, TTYPE))),
    (
        ORIG,
        suboption(TSPEED, b"\x0038400,38400")
        + suboption(NEW_ENVIRON, b"\x00")
        + suboption(TTYPE, b"\x00XTERM-256COLOR"),
    ),
    (RESP, options((WILL, SGA), (DO, ECHO), (DO, NAWS), (WILL, STATUS), (DO, LFLOW))),
    (
        ORIG,
        options((DO, SGA), (WONT, ECHO), (WILL, NAWS))
        + suboption(NAWS, bytes([0, 120, 0, 40]))
        + options((DONT, STATUS), (WILL, LFLOW)),
    ),
    (RESP, options((WILL, ECHO))),
    (ORIG, options((DO, ECHO))),
)


def negotiate(talk: Conversation, name: str = "press-07") -> None:
    """What a Linux telnet client and server settle before the first prompt."""
    for side, octets in NEGOTIATION:
        talk.say(side, octets, after_ms=1.5)
    talk.say(RESP, f"\r\nWelcome to {name}.\r\n\r\n{name} login: ".encode(), after_ms=30)


def type_line(talk: Conversation, text: str, answer: str, echo: bool = True) -> None:
    """Keys one by one with the server's echo, then the answer to the line."""
    for key in text:
        talk.say(ORIG, key.encode(), after_ms=120)
        if echo:
            talk.say(RESP, key.encode(), after_ms=0.6)
    talk.say(ORIG, b"\r\x00", after_ms=200)
    talk.say(RESP, b"\r\n" + answer.encode(), after_ms=40)


def log_in(talk: Conversation, user: str = "mreyes", name: str = "press-07") -> None:
    """Prompt, user, password (not echoed), a greeting and a shell prompt."""
    type_line(talk, user, "Password: ")
    greeting = f"Last login: Thu Jan  1 16:20\r\n{user}@{name}:~$ "
    type_line(talk, "harvest-moon", greeting, echo=False)


def telnet_session(talk: Conversation, user: str = "mreyes", name: str = "press-07") -> None:
    """A whole accepted session: negotiation, login, one command, exit."""
    talk.open()
    negotiate(talk, name)
    log_in(talk, user, name)
    type_line(talk, "uptime", f" 03:04:15 up 41 days, load 0.02\r\n{user}@{name}:~$ ")
    type_line(talk, "exit", "logout\r\n")
    talk.close(RESP)


def sealed(talk: Conversation, size: int) -> bytes:
    """A TLS record of application data (RFC 8446 5.2) whose octets mean nothing."""
    return b"\x17\x03\x03" + size.to_bytes(2, "big") + talk.traffic.random.randbytes(size)


def client_hello(talk: Conversation) -> bytes:
    """The smallest TLS client hello (RFC 8446 4.1.2): one cipher suite, no extension."""
    body = b"\x03\x03" + talk.traffic.random.randbytes(32) + b"\x00\x00\x02\x13\x01\x01\x00"
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + len(message).to_bytes(2, "big") + message


def exchange(talk: Conversation, request: int, response: int) -> None:
    """A request and its response in full segments; the octets look encrypted."""
    talk.say(ORIG, sealed(talk, request), after_ms=2)
    left = response
    while left > 0:
        part = min(left, 1400)
        talk.say(RESP, sealed(talk, part), after_ms=3)
        left -= part
    talk.acknowledge()


def web(talk: Conversation, rounds: int = 2, response: int = 1800) -> None:
    """A connection that looks like HTTPS: hello, certificate, requests, FIN."""
    talk.open()
    talk.say(ORIG, client_hello(talk), after_ms=1)
    for _ in range(rounds):
        exchange(talk, 180, response)
        talk.wait(180)
    talk.close(ORIG)


def keep_busy(
    traffic: Traffic, ends: tuple[Host, Host], port: int, seconds: float, path: Path | None = None
) -> None:
    """An unrelated connection with data both ways every few seconds."""
    talk = Conversation(traffic, ends, (port, 443), 0.05, path).open()
    while talk.now < int(seconds * 1e9):
        exchange(talk, 120, 260)
        talk.wait(4_000)
    talk.close(ORIG)


def name_lookup(
    traffic: Traffic, ends: tuple[Host, Host], port: int, at: float, name: str
) -> None:
    """A DNS query for an IPv4 address and its answer (RFC 1035 4.1)."""
    asked = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
    question = asked + b"\0\x01\0\x01"
    number = traffic.random.randbytes(2)
    answer = b"\xc0\x0c\0\x01\0\x01\0\0\x01\x2c\0\x04\xcb\0\x71\x50"
    talk = Datagrams(traffic, ends, (port, 53))
    talk.send(at, ORIG, number + b"\x01\0\0\x01\0\0\0\0\0\0" + question)
    talk.send(at + 0.012, RESP, number + b"\x81\x80\0\x01\0\x01\0\0\0\0" + question + answer)
