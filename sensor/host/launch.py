"""A connection to the helper for host events: to one that serves, or to a child of our own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from sensor import _version
from sensor.base.escape import harmless
from sensor.errors import CaptureError
from sensor.host.client import connect

HELLO_S = 10.0
"""The longest that a helper may take to start and send its hello."""


def open_host(path: str | None) -> socket.socket | None:
    """A connection to the helper at `path`; without one there, to a child that does the same.

    To be called before privileges are given up and threads start: the child keeps what it needs.
    Errors: CaptureError if neither is there.
    """
    if path is None:
        return None
    try:
        return await_hello(connect(path), path)
    except (FileNotFoundError, ConnectionRefusedError):
        pass  # nobody serves there
    except PermissionError as error:
        reason = f"user {_user()} may not connect to the helper: that may {_allowed(path)}"
        raise CaptureError(path, f"host events: {reason}") from error
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
            reason = f"no helper could be started: {harmless(sys.executable)}: {error.strerror}"
            raise CaptureError(path, f"host events: {reason}") from error
    return await_hello(ours, path)


def _user() -> str:
    """The name of the user that we are, or the number where it has none."""
    import pwd  # noqa: PLC0415  not on Windows

    try:
        return harmless(pwd.getpwuid(os.geteuid()).pw_name)
    except KeyError:
        return str(os.geteuid())


def _allowed(path: str) -> str:
    """Who may connect to a helper's socket, as far as we may look at it."""
    import grp  # noqa: PLC0415  as above

    try:
        group = harmless(grp.getgrgid(os.stat(path).st_gid).gr_name)
    except (OSError, KeyError):
        return "root, its user, and members of its group"
    return f"root, its user, and members of the group {group}"


def unserved(path: str, error: OSError) -> str:
    """Why there is no socket at a path, in words from which the operator knows what to do."""
    folder = harmless(os.path.dirname(path) or ".")
    elsewhere = "--socket PATH names another place"
    if isinstance(error, FileNotFoundError):
        return f"there is no folder {folder}: make it, or {elsewhere}"
    if isinstance(error, PermissionError):
        return f"user {_user()} may not write to the folder {folder}: root may, and {elsewhere}"
    return str(error.strerror)


def await_hello(helper: socket.socket, path: str) -> socket.socket:
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
