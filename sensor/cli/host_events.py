"""`sensor host-events` and `sensor live --host`: wiring of the helper. Part of the command line."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
from types import FrameType

import click

from sensor.base.escape import harmless
from sensor.capture.live.privileges import capabilities, keep_only
from sensor.cli.options import HOST_SOCKET
from sensor.cli.output import DAMAGED, DONE
from sensor.host.launch import unserved
from sensor.host.proc_connector import ProcConnector
from sensor.host.procfs import Procfs, this_machine
from sensor.host.server import HostEvents, open_listener
from sensor.host.sock_diag import Sockets
from sensor.terminal.stderr import print_stderr

NEEDED = frozenset({"CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH"})
"""To see whose files other users' processes have open; nothing else is kept."""
ROUND_S = 1.0


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
    try:
        sockets = Sockets()
        connector, notices = _connector()
        events = HostEvents(Procfs(this_machine()), sockets, connector, notices)
        if fd is None:
            events.listen(open_listener(path))
        keep_only(NEEDED)
        if fd is not None:
            events.adopt(socket.socket(fileno=fd))
    except OSError as error:
        print_stderr(f"sensor: host events: {harmless(path)}: {unserved(path, error)}")
        return DAMAGED

    def end(number: int, frame: FrameType | None) -> None:
        events.stop = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    if fd is None:
        for notice in notices:  # sensors are told too
            print_stderr(f"sensor: warning: {notice}")
        print_stderr(f"sensor: host events: serving {harmless(path)}")
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
                       + ": it sees the connections of its own user's processes only;"
                       " root has these rights, and systemd/sensor-host.service gives them")
    try:
        return ProcConnector(), tuple(notices)
    except OSError as error:
        reason = f"no processes' starts and ends: {error.strerror}"
        if error.errno == errno.EPERM:
            reason += "; before Linux 6.6 that takes CAP_NET_ADMIN"
        return None, (*notices, reason)
