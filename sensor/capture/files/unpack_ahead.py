"""Decompressing files before their turn comes: several at once, each in a thread of its own.

What comes out of a file waits in a temporary file, which has no name and goes with its descriptor:
whoever reads gets the same octets, and the same errors at the same places, as from the file itself.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterable
from itertools import islice

from sensor.capture.files.reader import InputFile
from sensor.capture.files.streams import open_stream
from sensor.compression.formats import DecompressError
from sensor.compression.stream import DecompressedStream

Unpack = Callable[[Iterable[InputFile]], None]
"""Has files decompressed before their turn comes: it is called at each turn, with the file whose
turn it is and those that wait."""
CHUNK_BYTES = 1 << 20
"""Octets that are written to the temporary file at once."""


class UnpackedStream:
    """The content of a compressed stream, which a thread decompresses as fast as it can.

    Where the temporary file cannot take more, the rest is decompressed when it is asked for.
    """

    def __init__(self, raw: DecompressedStream) -> None:
        """Errors: OSError if there is no place for a temporary file; `raw` is left as it was."""
        self.raw = raw
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  closed by `close`
        self._at = 0
        """What was read of the temporary file."""
        self._written = 0
        self._rest = b""
        """What came out and did not fit any more; then `raw` follows."""
        self._error: Exception | None = None
        self._stopped = False
        self._over = False
        """The thread has ended."""
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="sensor-unpack", daemon=True)
        self._thread.start()

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill `buffer` with what is there, once there is anything; 0 at the end. Errors: as the
        stream raised them.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._over or self._written > self._at)
            there = min(self._written - self._at, len(buffer))
        if there:
            count = os.preadv(self._file.fileno(), [buffer[:there]], self._at)
            self._at += count
            return count
        if self._rest:
            count = min(len(self._rest), len(buffer))
            buffer[:count], self._rest = self._rest[:count], self._rest[count:]
            return count
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return self.raw.readinto(buffer)  # nothing, but where the temporary file was full

    def _run(self) -> None:
        chunk = memoryview(bytearray(CHUNK_BYTES))
        try:
            while not self._stopped and (count := self.raw.readinto(chunk)):
                if not self._keep(chunk[:count]):
                    break
        except Exception as error:  # handed over, raised by readinto
            self._error = error
        with self._changed:
            self._over = True
            self._changed.notify()

    def _keep(self, octets: memoryview) -> bool:
        """Write what came out; False if there is no room for all of it."""
        done = 0
        with contextlib.suppress(OSError):
            while done < len(octets):
                done += self._file.write(octets[done:])
        self._rest = bytes(octets[done:])
        with self._changed:
            self._written += done
            self._changed.notify()
        return not self._rest

    def close(self) -> None:
        """Stop decompressing, and close everything."""
        self._stopped = True
        self._thread.join()
        self._file.close()
        self.raw.close()


def unpack_ahead(files: Iterable[InputFile], files_max: int) -> None:
    """Have the first compressed ones of the files behind the first one decompressed, so many at
    once.
    """
    started = 0
    for file in islice(files, 1, None):
        if started >= files_max:
            return
        if isinstance(file.stream, UnpackedStream):
            started += 1
        elif file.probe.compression and file.stream is None and file.probe.error is None:
            started += 1
            with contextlib.suppress(OSError, DecompressError):  # met when its turn comes
                file.stream = _unpacked(file.probe.path)


def _unpacked(path: str) -> UnpackedStream | None:
    """The content of a file, decompressed ahead; None if it is not compressed any more."""
    stream = open_stream(path)
    if isinstance(stream, DecompressedStream):
        try:
            return UnpackedStream(stream)
        except OSError:  # there is no place for a temporary file
            pass
    stream.close()
    return None
