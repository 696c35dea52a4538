"""The live sensor as a service manager runs it: a process of its own, inside a namespace."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.command import COMMAND, environment, ndjson
from tests.live.namespaces import WAIT_S, Lab, Namespace, wait_until
from tests.running import ROOT

ACTORS = Path(__file__).with_name("actors.py")
Document = dict[str, Any]


class LiveSensor:
    """A running `sensor live`. It is made when the sensor has said that it is ready."""

    _numbers = itertools.count()

    def __init__(
        self, lab: Lab, namespace: Namespace, folder: Path, *arguments: str | Path,
        interfaces: Sequence[str] = ("tap",), wrapper: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self.folder = folder / f"sensor{next(self._numbers)}"
        self.folder.mkdir()
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(str(self.folder / "notify"))
        self._notify.settimeout(WAIT_S)
        lab.on_close(self._notify.close)
        listening = [word for name in interfaces for word in ("-i", name)]
        with (self.folder / "out").open("wb") as out, (self.folder / "err").open("wb") as err:
            self.process = lab.start(
                namespace,
                [*wrapper, *COMMAND, "live", *listening, "--json", "--stats", self.folder / "stats",
                 "--flows", self.folder / "flows.ndjson", *arguments],
                stdout=out, stderr=err, stdin=subprocess.DEVNULL, cwd=ROOT,
                env=environment(NOTIFY_SOCKET=str(self.folder / "notify")),
            )  # fmt: skip
        self.wait_for_notice("READY=1")

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def errors(self) -> str:
        """What it has written to standard error until now."""
        return (self.folder / "err").read_text(encoding="utf-8")

    def wait_for_notice(self, word: str) -> None:
        """Wait until the service manager has been told this."""
        self._notify.settimeout(0.05)
        for _ in range(int(WAIT_S / 0.05)):
            code = self.process.poll()
            assert code is None, f"ended with {code}: {self.errors}"
            try:
                if word in self._notify.recv(65536).decode().splitlines():
                    return
            except TimeoutError:
                continue
        raise AssertionError(f"the service manager was not told {word}: {self.errors}")

    def wait_for_error(self, text: str, times: int = 1) -> None:
        """Wait until standard error holds this text so many times."""
        def said() -> bool:
            assert self.process.poll() is None or self.errors.count(text) >= times, self.errors
            return self.errors.count(text) >= times

        try:
            wait_until(said, text)
        except AssertionError as error:
            raise AssertionError(f"{error}; stderr: {self.errors}") from None

    def documents(self) -> list[Document]:
        """The alerts that are on standard output now; a line under way does not count."""
        text = (self.folder / "out").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def wait_for_alerts(self, count: int) -> list[Document]:
        """Wait until there are at least so many alerts."""
        wait_until(lambda: len(self.documents()) >= count, f"{count} alerts; {self.errors}")
        return self.documents()

    def wait_for_flow(self, action: str) -> None:
        """Wait until a flow event with this action is in the file of flows."""
        path = self.folder / "flows.ndjson"
        wait_until(lambda: f'"{action}"' in path.read_text(encoding="utf-8"), action)

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def stop(self, number: signal.Signals = signal.SIGTERM, code: int = 0) -> Document:
        """End it by a signal; its ledger. It must end as it should, and without a traceback."""
        if self.process.poll() is None:
            self.send(number)
        found = self.process.wait(WAIT_S)
        assert "Traceback" not in self.errors, self.errors
        assert found == code, f"ended with {found}: {self.errors}"
        ledger: Document = json.loads((self.folder / "stats").read_text(encoding="utf-8"))
        return ledger

    def flows(self) -> list[Document]:
        """The flow records; whole once it has stopped."""
        return ndjson(self.folder / "flows.ndjson")


def actor(name: str, *arguments: str | int | Path) -> list[str | Path]:
    """The command of an actor, for `Namespace.run` or `Lab.start`."""
    return [sys.executable, ACTORS, name, *map(str, arguments)]


def act(namespace: Namespace, name: str, *arguments: str | int | Path) -> Any:
    """Run an actor inside to its end; what it reports."""
    lines = namespace.run(*actor(name, *arguments)).splitlines()
    return json.loads(lines[-1]) if lines else None


class Actor:
    """An actor that goes on while the test does something else."""

    def __init__(
        self, lab: Lab, namespace: Namespace, name: str, *arguments: str | int | Path
    ) -> None:
        self.process = lab.start(namespace, actor(name, *arguments), stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        self._out = self.process.stdout
        assert self._out.readline() == b"ready\n"

    def report(self) -> Any:
        """Wait for its end; what it reports."""
        return json.loads(self._out.readline())


def tap(lab: Lab, mtu: int = 9000) -> tuple[Namespace, Namespace]:
    """A cable whose far end nobody owns: frames sent into `wire` arrive at `tap`."""
    source, sensor = lab.namespace("source"), lab.namespace("sensor")
    lab.veth(source, "wire", sensor, "tap", mtu)
    return source, sensor


# What differs between a capture that is replayed and one that is seen live: when it was, and where.
_TIMES = {"@timestamp": None, "event": ("start", "end", "created", "duration", "id", "ingested"),
          "flow": ("id",), "observer": None, "host": None}  # fmt: skip


def told(document: Document) -> Document:
    """A document without what depends on when and where the frames were seen."""
    kept = {name: value for name, value in document.items() if _TIMES.get(name, ()) is not None}
    for name, members in _TIMES.items():
        if members and name in kept:
            kept[name] = {key: value for key, value in kept[name].items() if key not in members}
    inner = {key: value for key, value in kept.get("sensor", {}).items() if key != "capture"}
    if "alert" in inner:
        inner["alert"] = {k: v for k, v in inner["alert"].items() if k not in ("id", "events")}
    return {**kept, "sensor": inner}


def as_set(documents: Sequence[Document]) -> list[str]:
    """Documents by what they tell, in an order that does not depend on when they came."""
    return sorted(json.dumps(told(document), sort_keys=True) for document in documents)
