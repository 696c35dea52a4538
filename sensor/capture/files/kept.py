"""Kept content: what came out of a file, in a folder where a later run finds it.

A file there is the content, then how it ended, as JSON, and the length of that. Its name is a
digest of the file that it came out of, so that it is found only while that one is unchanged.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
from collections.abc import Generator
from typing import Any

import numpy as np

from sensor.capture.files.blocks import BLOCK_BYTES, Block, blocks_of
from sensor.capture.files.objects import is_object, mark_of

FORM = 1
"""Of these files: another one has other names."""
LENGTH_BYTES = 8
UNFINISHED = ".part"


def kept_path(path: str, folder: str) -> str:
    """The place in a folder for what comes out of a file. Errors: OSError, ConfigError."""
    if is_object(path):
        mark: list[Any] = [path, mark_of(path)]
    else:
        status = os.stat(path)
        mark = [os.path.abspath(path), status.st_size, status.st_mtime_ns]
    name = hashlib.sha256(json.dumps([FORM, *mark]).encode()).hexdigest()
    return os.path.join(folder, name)


def keep(path: str, target: str) -> None:
    """Write what comes out of a file to `target`, which is there only once it is whole.

    Errors: as `blocks_of`; OSError also if the file became another one meanwhile.
    """
    if os.path.exists(target):
        return
    unfinished = f"{target}.{os.urandom(8).hex()}{UNFINISHED}"
    try:
        with open(unfinished, "xb") as file:
            last = Block(b"")
            for block in blocks_of(path):
                file.write(block.octets)
                last = block
            end = json.dumps([last.compressed_read, last.damage]).encode()
            file.write(end + len(end).to_bytes(LENGTH_BYTES, "little"))
            file.flush()
            os.fsync(file.fileno())
        if kept_path(path, os.path.dirname(target)) != target:
            raise OSError(f"{path} changed while it was read")
        os.replace(unfinished, target)
    finally:  # also what runs left that were killed, or write the same at this moment
        for left in glob.glob(f"{glob.escape(target)}.*{UNFINISHED}"):
            if left == unfinished or os.path.exists(target):
                with contextlib.suppress(OSError):
                    os.unlink(left)


def kept_blocks(target: str) -> Generator[Block]:
    """What was kept, as `blocks_of` gave it. Errors: OSError, ValueError."""
    with open(target, "rb") as file:
        whole = file.seek(-LENGTH_BYTES, os.SEEK_END)
        length = int.from_bytes(file.read(LENGTH_BYTES), "little")
        size = file.seek(whole - length)
        compressed_read, damage = json.loads(file.read(length))
        file.seek(0)
        at = 0
        while at < size:
            octets = np.fromfile(file, np.uint8, min(BLOCK_BYTES, size - at))
            at += len(octets)
            yield Block(octets, compressed_read * at // size)
        yield Block(np.empty(0, np.uint8), compressed_read, damage and (damage[0], damage[1]))
