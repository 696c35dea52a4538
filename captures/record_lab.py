"""A machine within the machine to record telnet on: two network namespaces, users of its own.

Everything happens in new mount, network, process and host name namespaces: users, passwords and
settings are changed in a copy of /etc that nobody else sees and that is gone at the end. Root only.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HOST, DESK = "orchard", "desk"
SERVER_ADDRESS, CLIENT_ADDRESS = "10.77.0.2", "10.77.0.1"
NAMESPACES = ("--mount", "--net", "--pid", "--fork", "--uts", "--ipc", "--mount-proc")
PRIVATE = ("/run", "/home", "/var/log", "/var/mail", "/var/lib/sudo")
WAIT_S = 25.0
USERS = {
    "petra": "Hollow&Reed-1",
    "niklas": "Hollow&Reed-2",
    "renewal": "Hollow&Reed-3",
    "root": "Hollow&Reed-4",
}
"""The accounts; `renewal` must change the password, `petra` may use sudo."""
MOTD = ("Orchard: machine of the cider press.\n0 failed login attempts since the last one.\n"
        "Backup: last run failed, see the board.\n")  # fmt: skip


def run(*words: str, given: str | None = None) -> None:
    """Run a program to its end. Errors: CalledProcessError."""
    subprocess.run(words, check=True, input=given, text=True, stdout=subprocess.DEVNULL)


def start_inside(script: str, arguments: list[str]) -> int:
    """Run a script again inside new namespaces; its exit code."""
    command = ["unshare", *NAMESPACES, sys.executable, script, *arguments]
    environment = {**os.environ, "RECORD_INSIDE": "1", "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, check=False, env=environment).returncode


def furnish() -> None:
    """Private folders, accounts, names and the cable."""
    run("mount", "--make-rprivate", "/")
    run("mount", "-t", "tmpfs", "tmpfs", "/mnt")
    shutil.copytree("/etc", "/mnt/etc", symlinks=True)
    for path in Path("/mnt/etc").rglob("*"):
        if not path.is_symlink():
            owner = Path("/etc", path.relative_to("/mnt/etc")).stat()
            os.chown(path, owner.st_uid, owner.st_gid)
    run("mount", "--bind", "/mnt/etc", "/etc")
    for folder in PRIVATE:
        Path(folder).mkdir(exist_ok=True)
        run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", folder)
    for name in ("/run/utmp", "/var/log/wtmp", "/var/log/btmp", "/var/log/lastlog"):
        Path(name).touch()
    run("mount", "-t", "devpts", "-o", "newinstance,ptmxmode=0666,mode=620,gid=5", "devpts",
        "/dev/pts")  # fmt: skip
    run("mount", "--bind", "/dev/pts/ptmx", "/dev/ptmx")
    run("hostname", HOST)
    Path("/etc/hostname").write_text(f"{HOST}\n")
    Path("/etc/hosts").write_text(f"127.0.0.1 localhost\n{SERVER_ADDRESS} {HOST}\n"
                                  f"{CLIENT_ADDRESS} {DESK}\n")  # fmt: skip
    Path("/etc/motd").write_text(MOTD)
    Path("/etc/default/locale").write_text("LANG=C.UTF-8\n")
    Path("/etc/update-motd.d/10-uname").unlink(missing_ok=True)
    _accounts()
    _cable()


def _accounts() -> None:
    for user in USERS:
        if user != "root":
            run("useradd", "-m", "-s", "/bin/bash", user)
    run("chpasswd", given="".join(f"{user}:{word}\n" for user, word in USERS.items()))
    run("chage", "-d", "0", "renewal")
    if Path("/etc/sudoers.d").is_dir():
        Path("/etc/sudoers.d/petra").write_text("petra ALL=(ALL) ALL\n")
        Path("/etc/sudoers.d/petra").chmod(0o440)
    notes = Path("/home", "petra", "notes")
    notes.write_text("".join(f"{number}: rack the barrels, login failed twice\n"
                             for number in range(1, 60)))  # fmt: skip


def _cable() -> None:
    """Namespaces `desk` and `orchard`, joined; checksums are made before the capture sees them."""
    for name in (HOST, DESK):
        run("ip", "netns", "add", name)
    run("ip", "link", "add", "press0", "address", "02:00:0a:4d:00:02", "netns", HOST, "type",
        "veth", "peer", "name", "desk0", "address", "02:00:0a:4d:00:01", "netns",
        DESK)  # fmt: skip
    for name, link, address in ((HOST, "press0", SERVER_ADDRESS), (DESK, "desk0", CLIENT_ADDRESS)):
        within = ("ip", "netns", "exec", name)
        run(*within, "sysctl", "-q", "-w", "net.ipv6.conf.all.disable_ipv6=1")
        run(*within, "ethtool", "-K", link, "tx", "off", "tso", "off", "gso", "off", "gro", "off")
        run(*within, "ip", "address", "add", f"{address}/24", "dev", link)
        run(*within, "ip", "link", "set", link, "up")
        run(*within, "ip", "link", "set", "lo", "up")


def within(name: str, *words: str) -> list[str]:
    """The words of a command that runs in one of the two network namespaces."""
    return ["ip", "netns", "exec", name, *words]


def next_port(port: int) -> None:
    """Have the desk's next connection come from this port."""
    run(*within(DESK, "sysctl", "-q", "-w", f"net.ipv4.ip_local_port_range={port} {port}"))


@contextmanager
def serving(*words: str, port: int = 23) -> Iterator[None]:
    """A server that is started for each connection to the port, as inetd does it."""
    here = str(Path(__file__).resolve())
    command = within(HOST, sys.executable, here, "serve", str(port), *words)
    with started(command) as server:
        assert server.stdout is not None and server.stdout.readline() == b"ready\n"
        yield


@contextmanager
def started(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A program that is ended at the end of the block, with whatever it started."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


@contextmanager
def recording(
    path: Path, condition: str = "tcp", *, end: tuple[str, str] = (HOST, "press0"), octets: int = 0
) -> Iterator[None]:
    """What meets a condition goes into this file: at one end of the cable, a namespace and its
    interface; of each frame so many octets, 0: all. Errors: AssertionError on a loss.
    """
    name, interface = end
    command = within(name, "tcpdump", "-i", interface, "-s", str(octets), "--immediate-mode", "-U",
                     "-w", str(path), "-Z", "root", condition)  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)
    assert process.stderr is not None
    line = process.stderr.readline()
    assert b"listening" in line, line
    time.sleep(0.3)
    try:
        yield
    finally:
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        told = process.stderr.read()
        process.wait()
        assert b"\n0 packets dropped by kernel" in told, told


class Screen:
    """A program on a terminal of its own, and the hands that type on it."""

    def __init__(self, *words: str, size: tuple[int, int] = (100, 30), term: str = "xterm") -> None:
        """Start a program on the desk's terminal of `size` columns and rows."""
        self.seen = ""
        self.checked = 0
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        environment = {"PATH": os.environ["PATH"], "TERM": term, "LC_ALL": "C.UTF-8"}
        self.process = subprocess.Popen(
            within(DESK, *words), stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env=environment,
        )  # fmt: skip
        os.close(slave)
        self.master = master

    def read(self, seconds: float) -> None:
        """Take in what comes within some time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.master], [], [], left)[0]:
                return
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            self.seen += data.decode(errors="replace")
            if not data:
                return

    def wait(self, pattern: str) -> None:
        """Read until the pattern has come since the last wait. Errors: AssertionError."""
        end = time.monotonic() + WAIT_S
        while not (found := re.compile(pattern).search(self.seen, self.checked)):
            assert time.monotonic() < end, f"waited for {pattern!r}, saw {self.seen[-400:]!r}"
            self.read(0.05)
        self.checked = found.end()

    def type(self, text: str, pace_s: float = 0.07) -> None:
        """Type keys one by one, at a steady pace."""
        for key in text:
            os.write(self.master, key.encode())
            self.read(pace_s)

    def line(self, text: str, answer: str = "") -> None:
        """A line and the Enter key; wait for the answer, if any."""
        self.type(text + "\r")
        if answer:
            self.wait(answer)

    def close(self) -> str:
        """Give the program a moment to end, end it; all that was on the screen."""
        self.read(0.6)
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()
        os.close(self.master)
        return self.seen


@contextmanager
def _at_the_desk() -> Iterator[None]:
    """Sockets that are made within belong to the desk's namespace (setns(2), CLONE_NEWNET)."""
    setns = ctypes.CDLL(None, use_errno=True).setns
    with open("/proc/self/ns/net", "rb") as before, open(f"/run/netns/{DESK}", "rb") as desk:
        assert setns(desk.fileno(), 0x40000000) == 0, os.strerror(ctypes.get_errno())
        try:
            yield
        finally:
            setns(before.fileno(), 0x40000000)


class Line:
    """A bare TCP connection from the desk; options are refused, or answered as they are given."""

    def __init__(self, port: int, server_port: int = 23) -> None:
        """Connect from a port of the desk."""
        with _at_the_desk():
            self.socket = socket.socket()
            self.socket.bind((CLIENT_ADDRESS, port))
            self.socket.connect((SERVER_ADDRESS, server_port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.tells: dict[int, bytes] = {}
        self.seen = b""
        self.answered = 0
        self.checked = 0

    def send(self, data: bytes) -> None:
        """Send as it is."""
        self.socket.sendall(data)

    def read(self, seconds: float, refuse: bool = True) -> bytes:
        """Take in what comes; with `refuse` say no to every option that is offered or asked."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.socket], [], [], left)[0]:
                break
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                break
            if not data:
                break
            self.seen += data
            if refuse:
                self._refuse()
        return self.seen

    def _refuse(self) -> None:
        """Answer options: no, unless there is something to tell; what is asked for is told."""
        answer = b""
        asked = rb"\xff(?:([\xfb\xfd])(.)|\xfa(.)\x01[^\xff]*\xff\xf0)"
        for found in re.finditer(asked, self.seen[self.answered :], re.S):
            if found[3]:
                answer += b"\xff\xfa" + found[3] + self.tells.get(found[3][0], b"") + b"\xff\xf0"
            elif found[1] == b"\xfb":
                answer += b"\xff\xfe" + found[2]
            else:
                answer += (b"\xff\xfb" if found[2][0] in self.tells else b"\xff\xfc") + found[2]
        self.answered = len(self.seen)
        if answer:
            self.send(answer)

    def wait(self, text: bytes, refuse: bool = True) -> None:
        """Read until this text has come since the last wait. Errors: AssertionError."""
        end = time.monotonic() + WAIT_S
        while (at := self.seen.find(text, self.checked)) < 0:
            assert time.monotonic() < end, f"waited for {text!r}, saw {self.seen[-300:]!r}"
            self.read(0.05, refuse)
        self.checked = at + len(text)

    def reset(self) -> None:
        """Close by a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def serve(port: int, words: list[str]) -> None:
    """Start the command for each connection, which is its standard input and output."""
    listener = socket.create_server(("", port), reuse_port=True)
    print("ready", flush=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        connection, _ = listener.accept()
        number = connection.fileno()
        subprocess.Popen(words, stdin=number, stdout=number, stderr=subprocess.DEVNULL)
        connection.close()


if __name__ == "__main__" and sys.argv[1:2] == ["serve"]:
    serve(int(sys.argv[2]), sys.argv[3:])
