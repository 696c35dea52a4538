"""Files decompressed by the nodes of a Ray cluster, for the one reader of a replay."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Callable, Iterable
from typing import Any

from sensor.app.options import ReplayOptions
from sensor.base.escape import harmless
from sensor.capture.files.blocks import Block, BlockStream, blocks_of
from sensor.capture.files.kept import keep, kept_blocks, kept_path
from sensor.capture.files.objects import is_object
from sensor.capture.files.probe import FileProbe
from sensor.capture.files.reader import InputFile
from sensor.errors import ConfigError, reason_of

LOCAL, AUTO, CLIENT = "local", "auto", "ray://"
TASK_NAME = "sensor-unpack"
RETRIES_MAX = 5
"""How often Ray begins a file again whose worker or node was lost; then it is read here."""
CONNECT_S = 10.0
AHEAD = 2
"""Files that wait whole for the reader, for each that is decompressed at that time."""


def join_cluster(address: str) -> Any:
    """The module `ray`, connected to a cluster, or to one of this machine that ends with the run.

    Errors: ConfigError if there is no Ray, or no cluster.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would tell others of each run
    if address == LOCAL and "RAY_AUTH_MODE" not in os.environ:
        # Nobody else is to use it; Ray itself would write a token into the home folder.
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ.setdefault("RAY_AUTH_TOKEN", os.urandom(32).hex())
    try:
        import ray  # noqa: PLC0415  few runs need it
    except ImportError:
        raise ConfigError("--ray: the package ray is missing: pip install 'flow-sensor[ray]'"
                          ) from None
    where = f"--ray {harmless(address)}"
    if address.startswith(CLIENT):
        raise ConfigError(f"{where}: not through Ray's client: name HOST:PORT, from a node of the "
                          "cluster")
    # Ray tells on standard output, where results belong, what its workers died of.
    ray._private.worker.print_to_stdstream = _print_nothing
    try:
        if address not in (LOCAL, AUTO):  # Ray itself would try for a minute
            host, _, port = address.rpartition(":")
            socket.create_connection((host.strip("[]"), int(port)), CONNECT_S).close()
        ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL,
                 **({"include_dashboard": False} if address == LOCAL else {}))
    except (OSError, ValueError, OverflowError, RuntimeError, AssertionError) as error:
        reason = reason_of(error).splitlines()[0]
        raise ConfigError(f"{where}: the cluster cannot be joined: {reason}") from None
    return ray


def _print_nothing(*_: Any, **__: Any) -> None:
    pass


def open_cluster(
    options: ReplayOptions, probes: Iterable[FileProbe], tell: Callable[[str], None]
) -> RayUnpacker | None:
    """What decompresses the files of a run that asks for a cluster; `tell` hears notices.

    Errors: ConfigError.
    """
    if options.ray is None:
        return None
    if options.resume:
        try:
            os.makedirs(options.resume, 0o700, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"--resume {harmless(options.resume)}: {reason_of(error)}") from None
    ray = join_cluster(options.ray)
    cores = int(ray.cluster_resources().get("CPU", 1))
    files_max = options.jobs if options.jobs > 1 else AHEAD * max(cores, 1)
    return RayUnpacker(ray, sum(map(_is_sent, probes)), files_max, options.resume or "", tell)


def _is_sent(probe: FileProbe) -> bool:
    """Return True for what is compressed or remote; plain files are read as they are."""
    return probe.error is None and (bool(probe.compression) or is_object(probe.path))


class RayUnpacker:
    """Has the files whose turn comes next decompressed by the cluster (`Unpack`)."""

    def __init__(
        self, ray: Any, files: int, files_max: int, folder: str, tell: Callable[[str], None]
    ) -> None:
        """`files_max` is how many are sent for at once, of `files`. With a `folder` what comes out
        is kept there.
        """
        self._ray = ray
        self._files = files
        self._files_max = files_max
        self._folder = os.path.abspath(folder) if folder else ""
        self._tell = tell
        self._told: set[str] = set()
        self._open: list[BlockStream] = []
        self._done = self._again = self._kept = self._here = 0
        options = {"name": TASK_NAME, "max_retries": RETRIES_MAX, "num_cpus": 1,
                   "scheduling_strategy": "SPREAD"}
        self._send = ray.remote(blocks_of).options(num_returns="streaming", **options)
        self._keep = ray.remote(keep).options(**options)

    def __call__(self, files: Iterable[InputFile]) -> None:
        """Have the first of these files decompressed, as many at once as may be."""
        self._count()
        started = 0
        for file in files:
            if started >= self._files_max:
                return
            if isinstance(file.stream, BlockStream):
                started += 1
            elif file.stream is None and _is_sent(file.probe):
                file.stream = self._begin(file.probe)
                self._open.append(file.stream)
                started += 1

    def _begin(self, probe: FileProbe) -> BlockStream:
        path, size = probe.path, None
        if not is_object(path):
            path, size = os.path.abspath(path), probe.size
        sent: _Sent | _Kept
        if not self._folder:
            sent = _Sent(self._ray, self._send.remote(path, size))
        else:
            sent = self._begin_kept(path)

        def on_trouble(error: Exception) -> None:
            self._note(probe.path, error)

        return BlockStream(probe.path, probe.compression, sent, on_trouble)

    def _begin_kept(self, path: str) -> _Kept:
        try:
            target = kept_path(path, self._folder)
        except OSError:  # met again, and reported, when it is read
            target = os.path.join(self._folder, "none")
        if os.path.exists(target):
            self._kept += 1
            return _Kept(self._ray, target, None)
        return _Kept(self._ray, target, self._keep.remote(path, target))

    def _note(self, path: str, error: Exception) -> None:
        """Say once for each reason why a file is read here."""
        self._here += 1
        cause = getattr(error, "cause", None) or error
        reason = (reason_of(cause).splitlines() or [""])[0]
        if reason not in self._told:
            self._told.add(reason)
            self._tell(f"notice: {harmless(path)}: the cluster does not give it ({reason}): it is "
                       "read here, as are others of which that is so")

    def _count(self) -> None:
        """Bring the counters up to now."""
        ended = [stream for stream in self._open if stream.ended]
        self._done += len(ended)
        self._again += sum(max(stream.readings - 1, 0) for stream in ended)
        self._open = [stream for stream in self._open if not stream.ended]

    def told(self) -> str:
        """How far it has come, in words."""
        self._count()
        again = self._again + sum(max(stream.readings - 1, 0) for stream in self._open)
        parts = [f"{self._done} of {self._files} files decompressed"]
        parts += [f"{count} {word}" for count, word in (
            (self._kept, "kept from before"), (again, "begun again"), (self._here, "read here"),
        ) if count]  # fmt: skip
        return ", ".join(parts)

    def close(self) -> None:
        """Leave the cluster; one of this machine ends."""
        self._ray.shutdown()


class _Sent:
    """The blocks that a task sends."""

    def __init__(self, ray: Any, sent: Any) -> None:
        self._ray, self._sent = ray, sent

    def __next__(self) -> Block:
        # A block that nobody has any more is made again by Ray, from the file.
        block: Block = self._ray.get(next(self._sent))
        return block

    def close(self) -> None:
        _cancel(self._ray, self._sent)


class _Kept:
    """The blocks that were kept, once the task that keeps them has ended."""

    def __init__(self, ray: Any, target: str, task: Any) -> None:
        self._ray, self._task = ray, task
        self._blocks = kept_blocks(target)

    def __next__(self) -> Block:
        if self._task is not None:
            self._ray.get(self._task)
            self._task = None
        return next(self._blocks)

    def close(self) -> None:
        self._blocks.close()
        if self._task is not None:
            _cancel(self._ray, self._task)


def _cancel(ray: Any, task: Any) -> None:
    with contextlib.suppress(Exception):  # it has ended, or there is no cluster any more
        ray.cancel(task)
