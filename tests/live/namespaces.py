"""Networks of our own: namespaces joined by veth pairs, made without root where that is allowed.

A namespace lives as long as its holder, a process that waits for the end of its standard input:
when the test ends, however it ends, the pipe closes, the holder ends, and the kernel removes
namespace and interfaces with it.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.programs import require, user_namespaces

USER_AND_NET = ["unshare", "--user", "--map-root-user", "--net"]
WAIT_S = 30.0
"""When something that must happen has not, the test has failed; nothing is measured by this."""


class NamespaceError(Exception):
    """The machine does not let us have namespaces; the text says why."""


def wait_until(condition: Callable[[], Any], what: str, timeout_s: float = WAIT_S) -> Any:
    """The condition's first true value. Errors: AssertionError when it stays false."""
    deadline_s = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline_s, f"waited {timeout_s:.0f} s for {what}"
        time.sleep(0.005)
    return value


class Namespace:
    """A network namespace, and a way to run programs inside it."""

    def __init__(self, name: str, command: Sequence[str], base: Namespace | None) -> None:
        """`command` makes the namespace; its last words are the program that holds it."""
        self.name = name
        self.base = base or self
        self._own_user = "--user" in command
        self.holder = subprocess.Popen(
            [*command, "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.holder.stdin is not None and self.holder.stdout is not None
        try:
            self.holder.stdin.write("ready\n")
            self.holder.stdin.flush()
            answer = self.holder.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if answer != "ready\n":
            _, errors = self.holder.communicate()
            raise NamespaceError(f"{' '.join(command)}: {errors.strip() or 'no reason given'}")

    def enter(self) -> list[str]:
        """The words before a command that make it run inside."""
        user = ["--preserve-credentials", "--user"] if self.base._own_user else []
        return ["nsenter", "--target", str(self.holder.pid), *user, "--net"]

    def popen(self, command: Sequence[str | Path], **options: Any) -> subprocess.Popen[bytes]:
        """Start a program inside; its pid is the program's own, for nsenter becomes it."""
        require(str(command[0]))
        return subprocess.Popen([*self.enter(), *map(str, command)], **options)

    def run(self, *command: str | Path, **options: Any) -> str:
        """Run a program inside to its end; its standard output. Errors: AssertionError."""
        require(str(command[0]))
        ended = subprocess.run(
            [*self.enter(), *map(str, command)], capture_output=True, text=True, check=False,
            **options,
        )  # fmt: skip
        assert ended.returncode == 0, f"{command}: {ended.stdout}{ended.stderr}"
        return ended.stdout

    def ip(self, words: str) -> str:
        """`ip WORDS`, inside."""
        return self.run("ip", *words.split())

    def link(self, name: str) -> dict[str, Any] | None:
        """What `ip link` knows of an interface; None if there is none of that name."""
        links: list[dict[str, Any]] = json.loads(self.ip("-json link"))
        return next((link for link in links if link.get("ifname") == name), None)

    def address(self, interface: str, *addresses: str) -> None:
        """Give an interface addresses (v4 or v6, with prefix length) that are valid at once."""
        for address in addresses:
            nodad = " nodad" if ":" in address else ""
            self.ip(f"address add {address} dev {interface}{nodad}")

    def nft(self, rules: str) -> None:
        """Load nftables rules."""
        self.run("nft", "-f", "-", input=rules)

    def packet_sockets(self) -> list[list[str]]:
        """The running packet sockets, as /proc/net/packet lists them (packet(7))."""
        text = Path(f"/proc/{self.holder.pid}/net/packet").read_text(encoding="ascii")
        rows = [line.split() for line in text.splitlines()[1:]]
        return [row for row in rows if row[5] == "1"]

    def close(self) -> None:
        """End the holder, and with it the namespace once nothing else runs inside."""
        self.holder.kill()
        self.holder.communicate()


class Lab:
    """Namespaces that may be joined, and everything that was started for one test."""

    def __init__(self) -> None:
        self.namespaces: list[Namespace] = []
        self._closers: list[Callable[[], Any]] = []

    def namespace(self, name: str) -> Namespace:
        """A further namespace. Errors: NamespaceError if it cannot be made."""
        require("network namespaces")
        if self.namespaces:
            base = self.namespaces[0]
            # The new one belongs to the same user namespace: both may be changed from inside.
            command = [*base.enter(), "unshare", "--net"]
            made = Namespace(name, command, base)
        else:
            made = _first_namespace(name)
        self.namespaces.append(made)
        made.ip("link set lo up")
        return made

    def veth(
        self, left: Namespace, left_name: str, right: Namespace, right_name: str, mtu: int = 1500
    ) -> None:
        """Join two namespaces by a cable, both ends up and silent: no address makes itself."""
        left.ip(f"link add {left_name} mtu {mtu} type veth"
                f" peer name {right_name} mtu {mtu} netns {right.holder.pid}")  # fmt: skip
        for namespace, name in ((left, left_name), (right, right_name)):
            namespace.ip(f"link set {name} addrgenmode none")
            namespace.ip(f"link set {name} up")
        for namespace, name in ((left, left_name), (right, right_name)):
            wait_until(lambda at=namespace, end=name: _carrier(at, end), f"carrier on {name}")

    def start(
        self, namespace: Namespace, command: Sequence[str | Path], **options: Any
    ) -> subprocess.Popen[bytes]:
        """Start a program inside a namespace that is ended, at the latest, with the lab."""
        process = namespace.popen(command, **options)
        self.on_close(lambda: end(process))
        return process

    def on_close(self, closer: Callable[[], Any]) -> None:
        """Have this called when the lab closes; the last comes first."""
        self._closers.append(closer)

    def close(self) -> None:
        """End every program, by its pid, and every namespace."""
        while self._closers:
            self._closers.pop()()
        while self.namespaces:
            self.namespaces.pop().close()


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process that may have ended, and close its pipes."""
    if process.poll() is None:
        process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def _carrier(namespace: Namespace, name: str) -> bool:
    link = namespace.link(name)
    return link is not None and link["operstate"] == "UP"


def _first_namespace(name: str) -> Namespace:
    """One in a user namespace of its own; where that is forbidden and we are root, as root."""
    return Namespace(name, USER_AND_NET if user_namespaces() else ["unshare", "--net"], None)


@contextmanager
def open_lab() -> Iterator[Lab]:
    """A lab that is closed at the end of the block."""
    lab = Lab()
    try:
        yield lab
    finally:
        lab.close()
