"""Telnet sessions that authenticate or encrypt by options, and 3270 and 5250, by script."""

from __future__ import annotations

import zlib

from dialogue import (
    DO,
    DONT,
    ECHO,
    IAC,
    NEW_ENVIRON,
    SGA,
    TTYPE,
    WILL,
    WONT,
    client_hello,
    options,
    sealed,
    suboption,
)
from telnet_talk import AUTHENTICATION, ENCRYPT, EOR, Session, quoted, story, terminal
from traffic import ORIG, RESP, Traffic

KERBEROS_5, SRA, SSL = 2, 6, 7
START_TLS, MCCP2, BINARY, END_OF_RECORD, TN3270E = 46, 86, 0, 25, 40
END = bytes([IAC, EOR])


def auth(role: int, *more: int, data: bytes = b"") -> bytes:
    """An authentication suboption (RFC 2941): IS 0, SEND 1, REPLY 2, NAME 3."""
    return suboption(AUTHENTICATION, bytes([role, *more]) + quoted(data))


def offered(traffic: Traffic, n: int, *kinds: int) -> Session:
    """A server that offers these kinds of authentication, and a client that will."""
    t = Session(traffic, n)
    t.s(options((DO, AUTHENTICATION)))
    t.c(options((WILL, AUTHENTICATION)), 2)
    t.s(auth(1, *(octet for kind in kinds for octet in (kind, 2))), 2)
    return t


def settle(t: Session) -> None:
    """Echo and terminal, after the authentication."""
    t.s(options((WILL, ECHO), (WILL, SGA), (DO, TTYPE)), 2)
    t.c(options((DO, ECHO), (DO, SGA), (WILL, TTYPE)), 2)
    t.s(suboption(TTYPE, b"\x01"), 2)
    t.c(terminal("xterm"), 2)


def sra_keys(t: Session) -> None:
    """SRA: public keys of both sides, then the name under the common key."""
    t.c(auth(0, SRA, 2, 0, data=t.talk.traffic.random.randbytes(48)), 2)
    t.s(auth(2, SRA, 2, 0, data=t.talk.traffic.random.randbytes(48)), 20)
    t.c(auth(0, SRA, 2, 1, data=t.talk.traffic.random.randbytes(32)), 900)
    t.s(auth(2, SRA, 2, 2), 20)


@story("authentication")
def sra_accepted(traffic: Traffic, n: int) -> None:
    """SRA: the password is accepted, a shell follows."""
    t = offered(traffic, n, SRA)
    sra_keys(t)
    t.c(auth(0, SRA, 2, 3, data=traffic.random.randbytes(32)), 900)
    t.s(auth(2, SRA, 2, 4), 30)
    settle(t)
    t.s("\r\nLast login: Thu Jan  1 07:00:00 on ttyp0\r\nnidhogg% ")
    t.line("ls", "mbox\r\nnidhogg% ")
    t.end(ORIG)


@story("authentication")
def sra_refused(traffic: Traffic, n: int) -> None:
    """SRA: CONTINUE after the password asks for it again; then it is rejected."""
    t = offered(traffic, n, SRA)
    sra_keys(t)
    t.c(auth(0, SRA, 2, 3, data=traffic.random.randbytes(32)), 900)
    t.s(auth(2, SRA, 2, 2), 30)
    t.c(auth(0, SRA, 2, 3, data=traffic.random.randbytes(32)), 900)
    t.s(auth(2, SRA, 2, 5), 30)
    t.end()


@story("authentication")
def kerberos_accepted(traffic: Traffic, n: int) -> None:
    """Kerberos 5 with the account in clear: accepted."""
    t = offered(traffic, n, KERBEROS_5)
    t.c(auth(3, data=b"carol") + auth(0, KERBEROS_5, 2, 0, data=traffic.random.randbytes(180)), 3)
    t.s(auth(2, KERBEROS_5, 2, 2, data=b"carol@EXAMPLE.NET"), 40)
    settle(t)
    t.s("\r\nLast login: Thu Jan  1 07:00:00 on ttyp0\r\ncarol@keep:~$ ")
    t.line("klist", "Ticket cache: FILE:/tmp/krb5cc_501\r\ncarol@keep:~$ ")
    t.end(ORIG)


@story("authentication")
def kerberos_rejected(traffic: Traffic, n: int) -> None:
    """Kerberos 5 rejected; the login by password that follows succeeds."""
    t = offered(traffic, n, KERBEROS_5)
    t.c(auth(3, data=b"carol") + auth(0, KERBEROS_5, 2, 0, data=traffic.random.randbytes(180)), 3)
    t.s(auth(2, KERBEROS_5, 2, 1, data=b"Clock skew too great"), 40)
    settle(t)
    t.s("\r\nkeep login: ")
    t.log_in("carol", "Lilac%Shrew1", "Last login: Thu Jan  1 07:00:00 on ttyp0\r\ncarol@keep:~$ ")
    t.end(ORIG)


@story("authentication")
def no_kind_in_common(traffic: Traffic, n: int) -> None:
    """No kind in common: IS NULL, then an ordinary login that fails."""
    t = offered(traffic, n, 1, KERBEROS_5)
    t.c(auth(0, 0, 0), 2)
    settle(t)
    t.s("\r\nkeep login: ")
    t.log_in("carol", "Lilac%Shrew2", "\r\nLogin incorrect\r\nkeep login: ")
    t.end(ORIG)


@story("authentication")
def accept_by_the_client(traffic: Traffic, n: int) -> None:
    """The client itself sends ACCEPT, and a REPLY comes too short: no login, the prompt comes."""
    t = offered(traffic, n, KERBEROS_5)
    t.c(auth(2, KERBEROS_5, 2, 2), 2)
    t.s(auth(2), 2)
    t.s("\r\nkeep login: ")
    t.log_in("carol", "Lilac%Shrew3", "\r\nLogin incorrect\r\nkeep login: ")
    t.end(ORIG)


# -- what encrypts


def tls(t: Session) -> None:
    """A handshake of TLS and some records."""
    t.talk.say(ORIG, client_hello(t.talk))
    t.talk.say(RESP, sealed(t.talk, 1100))
    for size in (64, 90, 41):
        t.talk.say(ORIG, sealed(t.talk, size), 400)
        t.talk.say(RESP, sealed(t.talk, 3 * size))


@story("encrypted")
def start_tls(traffic: Traffic, n: int) -> None:
    """START_TLS from both sides."""
    t = Session(traffic, n)
    t.s(options((DO, START_TLS)))
    t.c(options((WILL, START_TLS)), 2)
    t.s(suboption(START_TLS, b"\x01"), 2)
    t.c(suboption(START_TLS, b"\x01"), 2)
    tls(t)
    t.end(ORIG)


@story("encrypted")
def auth_ssl(traffic: Traffic, n: int) -> None:
    """Authentication of type SSL accepted: that only starts TLS."""
    t = offered(traffic, n, SSL)
    t.c(auth(0, SSL, 0, 1), 2)
    t.s(auth(2, SSL, 0, 2), 2)
    tls(t)
    t.end(ORIG)


@story("encrypted")
def telnets(traffic: Traffic, n: int) -> None:
    """Port 992: TLS from the first octet."""
    t = Session(traffic, n, 992)
    tls(t)
    t.end(ORIG)


@story("encrypted")
def encrypt_option(traffic: Traffic, n: int) -> None:
    """ENCRYPT START from both sides; what follows means nothing to who watches."""
    t = Session(traffic, n)
    t.s(options((DO, ENCRYPT), (WILL, ENCRYPT)))
    t.c(options((WILL, ENCRYPT), (DO, ENCRYPT)) + suboption(ENCRYPT, b"\x01\x01\x02"), 2)
    t.s(suboption(ENCRYPT, b"\x01\x01\x02"), 2)
    t.c(suboption(ENCRYPT, b"\x00\x01\x01" + bytes(range(8))), 2)
    t.s(suboption(ENCRYPT, b"\x02\x01\x02" + bytes(range(8))), 2)
    t.s(suboption(ENCRYPT, b"\x03\x00") + traffic.random.randbytes(40), 2)
    t.c(suboption(ENCRYPT, b"\x03\x00") + traffic.random.randbytes(3), 2)
    for size in (1, 1, 1, 9, 1, 2):
        t.c(traffic.random.randbytes(size), 200)
        t.s(traffic.random.randbytes(4 * size), 2)
    t.end(ORIG)


@story("encrypted")
def encrypt_offered_only(traffic: Traffic, n: int) -> None:
    """ENCRYPT is offered and declined: all in clear."""
    t = Session(traffic, n)
    t.s(options((DO, ENCRYPT), (WILL, ENCRYPT), (DO, TTYPE)))
    t.c(options((WILL, ENCRYPT), (DONT, ENCRYPT), (WONT, TTYPE)) + suboption(ENCRYPT, b"\x01\x01"),
        2)  # fmt: skip
    t.s(suboption(ENCRYPT, b"\x01\x01") + options((WILL, ECHO), (WILL, SGA)), 2)
    t.c(options((DO, ECHO), (DO, SGA)), 2)
    t.s("\r\nkeep login: ")
    t.log_in("carol", "Lilac%Shrew4", "Last login: Thu Jan  1 07:00:00\r\ncarol@keep:~$ ")
    t.line("id", "uid=501(carol)\r\ncarol@keep:~$ ")
    t.end(ORIG)


@story("encrypted")
def compressed(traffic: Traffic, n: int) -> None:
    """A game compresses what it says after the banner (MCCP2)."""
    t = Session(traffic, n)
    t.s(options((WILL, MCCP2), (WILL, 201)) + b"\r\nThe Tin Orchard\r\n")
    t.c(options((DO, MCCP2), (DONT, 201)), 2)
    squeeze = zlib.compressobj(9)

    def compress(text: bytes) -> bytes:
        return squeeze.compress(text) + squeeze.flush(zlib.Z_SYNC_FLUSH)

    t.s(suboption(MCCP2, b"") + compress(b"What is your name? "), 2)
    t.whole("brindle", compress(b"Password: "))
    t.whole("Lilac%Shrew5", compress(b"You stand in a lane of tin trees.\r\n> "))
    t.whole("north", compress(b"The lane ends.\r\n> "))
    t.end(ORIG)


# -- 3270 and 5250 (EBCDIC, code page 037)


def screen(text: str) -> bytes:
    """A 3270 screen: erase and write, start of a field, text, end of the record."""
    return quoted(b"\xf5\xc3\x11\x40\x40\x1d\xe8" + text.encode("cp037")) + END


def keyed(text: str) -> bytes:
    """What the Enter key of a 3270 sends: the key, the cursor, one field, end of the record."""
    return quoted(b"\x7d\x40\xc8\x11\x40\x40" + text.encode("cp037")) + END


@story("mainframe")
def tn3270(traffic: Traffic, n: int) -> None:
    """Classic TN3270: terminal type, end of record and binary both ways, then screens."""
    t = Session(traffic, n)
    t.s(options((DO, TTYPE)))
    t.c(options((WILL, TTYPE)), 2)
    t.s(suboption(TTYPE, b"\x01"), 2)
    t.c(terminal("IBM-3278-2-E"), 2)
    t.s(options((DO, END_OF_RECORD), (WILL, END_OF_RECORD), (DO, BINARY), (WILL, BINARY)), 2)
    t.c(options((WILL, END_OF_RECORD), (DO, END_OF_RECORD), (WILL, BINARY), (DO, BINARY)), 2)
    t.s(screen("KESTREL MVS  LOGON ===>  PASSWORD ===>"), 30)
    t.c(keyed("HOLMQ MAPLE7TK"), 4000)
    t.s(screen("READY"), 60)
    t.end(ORIG)


@story("mainframe")
def tn3270e(traffic: Traffic, n: int) -> None:
    """TN3270E: the device type is settled in its own option (RFC 2355)."""
    t = Session(traffic, n)
    t.s(options((DO, TN3270E)))
    t.c(options((WILL, TN3270E)), 2)
    t.s(suboption(TN3270E, b"\x08\x02"), 2)
    t.c(suboption(TN3270E, b"\x02\x07IBM-3279-4-E"), 2)
    t.s(suboption(TN3270E, b"\x02\x04IBM-3279-4-E\x01TCP00041"), 2)
    t.c(suboption(TN3270E, b"\x03\x07\x00\x02\x04"), 2)
    t.s(suboption(TN3270E, b"\x03\x04\x00\x02\x04"), 2)
    t.s(b"\0\0\0\0\0" + screen("KESTREL MVS  LOGON ===>"), 30)
    t.c(b"\0\0\0\0\0" + keyed("HOLMQ MAPLE8TK"), 4000)
    t.s(b"\0\0\0\0\1" + screen("LOGON REJECTED"), 60)
    t.end(ORIG)


@story("mainframe")
def tn5250(traffic: Traffic, n: int) -> None:
    """TN5250 with the account, a password and a device name in the environment (RFC 4777)."""
    t = Session(traffic, n)
    t.s(options((DO, NEW_ENVIRON), (DO, TTYPE)))
    t.c(options((WILL, NEW_ENVIRON), (WILL, TTYPE)), 2)
    t.s(suboption(NEW_ENVIRON, b"\x01\x00USER\x03IBMRSEED\x9a\x01\x11\x02\x02\x55\x66\x10\x21\x03"
                  b"DEVNAME\x03") + suboption(TTYPE, b"\x01"), 2)  # fmt: skip
    variables = b"\0USER\x01DLINDQ\x03IBMRSEED\x01" + bytes(range(0x41, 0x49))
    variables += b"\x03IBMSUBSPW\x01CEDAR9QN\x03DEVNAME\x01WSHALL3"
    t.c(suboption(NEW_ENVIRON, b"\0" + variables) + terminal("IBM-3477-FC"), 2)
    t.s(options((DO, END_OF_RECORD), (WILL, END_OF_RECORD), (DO, BINARY), (WILL, BINARY)), 2)
    t.c(options((WILL, END_OF_RECORD), (DO, END_OF_RECORD), (WILL, BINARY), (DO, BINARY)), 2)
    head = b"\x12\xa0\x00\x00\x04\x00\x00\x03"
    menu = head + b"\x04\x40" + "MAIN  AS/400 Main Menu".encode("cp037")
    t.s(quoted((len(menu) + 2).to_bytes(2, "big") + menu) + END, 30)
    t.c(quoted(b"\x00\x0d\x12\xa0\x00\x00\x04\x00\x00\x03\x05\x35\xf1") + END, 3000)
    t.end(ORIG)
