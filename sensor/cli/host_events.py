"""`sensor host-events` and `sensor live --host`: wiring of the helper. Part of the command line."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import click

from sensor import _version
from sensor.base.escape import harmless
from sensor.capture.live.privileges import capabilities, keep_only
from sensor.cli.options import HOST_SOCKET
from sensor.cli.output import DAMAGED, DONE
from sensor.engine.pipeline import AnyPipeline
from sensor.errors import CaptureError
from sensor.host.client import HostClient, connect
from sensor.host.proc_connector import ProcConnector
from sensor.host.procfs import Procfs, this_machine
from sensor.host.server import HostEvents, open_listener
from sensor.host.sock_diag import Sockets
from sensor.terminal.stderr import say

NEEDED = frozenset({"CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH"})
"""To see whose files other users' processes have open; nothing else is kept."""
ROUND_S = 1.0
HELLO_S = 10.0
"""How long a helper may take to start and say hello."""


@click.command("host-events")
@click.option("--socket", "path", metavar="PATH", default=HOST_SOCKET, show_default=True,
              help="Where sensors connect: root, this user, and members of its group.")
@click.option("--fd", type=click.IntRange(min=0), metavar="N", hidden=True,
              help="Serve this connection only.")
def host_events_command(path: str, fd: int | None) -> int:
    """Tell sensors on this machine of its processes, and whose connections are.

    The helper for `sensor live --host`: it has the rights that the sensor shall not have. It runs
    until SIGTERM or Ctrl-C. docs/host-events.md tells how to install it as a service.

    \b
      sudo sensor host-events
      sensor host-events --socket /run/user/1000/host-events
    """
    return run_host_events(path, fd)


def run_host_events(path: str, fd: int | None) -> int:
    """Serve at `path`, or the one connection `fd`, until a signal or its end; the exit code."""
    try:
        sockets = Sockets()
        events = HostEvents(Procfs(this_machine()), sockets, *_connector())
        if fd is None:
            events.listen(open_listener(path))
        keep_only(NEEDED)
        if fd is not None:
            events.adopt(socket.socket(fileno=fd))
    except OSError as error:
        say(f"sensor: host events: {harmless(path)}: {error.strerror}")
        return DAMAGED

    def end(number: int, frame: FrameType | None) -> None:
        events.stop = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    if fd is None:
        say(f"sensor: host events: serving {harmless(path)}")
    gc.enable()  # off while the command started
    while not events.stop and (fd is None or events.clients):
        events.serve(ROUND_S)
    events.close()
    if fd is None:
        with contextlib.suppress(OSError):
            os.unlink(path)
    return DONE


def _connector() -> tuple[ProcConnector | None, tuple[str, ...]]:
    """The kernel's news, and what this process will not see."""
    notices = []
    missing = sorted(NEEDED - capabilities())
    if missing:
        notices.append("the helper lacks " + " and ".join(missing)
                       + ": it sees the connections of its own user's processes only")
    try:
        return ProcConnector(), tuple(notices)
    except OSError as error:
        reason = f"no processes' starts and ends: {error.strerror}"
        return None, (*notices, reason)


def open_host(path: str | None) -> socket.socket | None:
    """A connection to the helper at `path`; without one there, to a child that does the same.

    To be called before privileges are given up and threads start: the child keeps what it needs.
    Errors: CaptureError if neither is there.
    """
    if path is None:
        return None
    try:
        return greeted(connect(path), path)
    except (FileNotFoundError, ConnectionRefusedError):
        pass  # nobody serves there
    except OSError as error:
        raise CaptureError(path, f"host events: {error.strerror}") from error
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    # -P: not from the folder that we happen to be in, which may be anybody's; from where we are.
    command = [sys.executable, "-P", "-m", "sensor", "host-events", "--fd", str(theirs.fileno())]
    home = str(Path(_version.__file__).resolve().parent.parent)
    with theirs:
        try:
            subprocess.Popen(
                command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL,
                start_new_session=True, env={**os.environ, "PYTHONPATH": home},
            )  # fmt: skip
        except OSError as error:
            ours.close()
            raise CaptureError(path, f"host events: {error.strerror}") from error
    return greeted(ours, path)


def greeted(helper: socket.socket, path: str) -> socket.socket:
    """A connection on which the helper has said something. Errors: CaptureError."""
    helper.settimeout(HELLO_S)
    try:
        octets = helper.recv(1, socket.MSG_PEEK)
    except OSError as error:
        octets, reason = b"", f"the helper says nothing: {error}"
    else:
        reason = "the helper refuses us: sensors are root, of its user, or in its group"
    if not octets:
        helper.close()
        raise CaptureError(path, f"host events: {reason}")
    helper.settimeout(None)
    return helper


@contextmanager
def host_events(
    pipeline: AnyPipeline, note: Callable[..., None]
) -> Iterator[Callable[[Callable[[], None]], Callable[[], None]]]:
    """Listen to the helper during the block; gives what wraps the work done after each batch."""
    client: Any = pipeline.stage.host
    if not isinstance(client, HostClient):
        yield lambda each: each
        return
    for text in client.notices:
        note("host", harmless(text), warning=True)
    note("host", "processes that are running already have no start event: rules that wait for"
         " one do not fire on them")  # fmt: skip
    client.start()

    def watched(each: Callable[[], None]) -> Callable[[], None]:
        told = False

        def after_batch() -> None:
            nonlocal told
            each()
            pipeline.stage.advance_host(min(lane.table.now_ns for lane in pipeline.lanes))
            if client.error and not told:
                told = True
                note("host", f"no more host events: {harmless(client.error)}", warning=True)

        return after_batch

    try:
        yield watched
    finally:
        client.close()
