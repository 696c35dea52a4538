"""Corpora: inputs that together reach all that was ever reached, one file for each target.

A line is an input, with what is not printable escaped (`\\x00`), so that a change can be read.

    python -m fuzz.corpus merge ipv4 kql     # take what campaigns found into the repository
"""

from __future__ import annotations

import hashlib
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]

FOLDER = ROOT / "fuzz" / "corpus"
FILE_BYTES_MAX = 16 << 10
"""A corpus that is longer loses its longest inputs: it is run by every test run."""


def escaped(octets: bytes) -> str:
    """An input on one line of ASCII."""
    return "".join(
        "\\\\" if octet == 0x5C else chr(octet) if 0x20 <= octet < 0x7F else f"\\x{octet:02x}"
        for octet in octets)


def unescaped(line: str) -> bytes:
    """The input that a line stands for."""
    return re.sub(rb"\\(?:x([0-9a-f]{2})|\\)",
                  lambda match: bytes.fromhex(match[1].decode()) if match[1] else b"\\",
                  line.encode("ascii"))


def load(name: str) -> list[bytes]:
    """The inputs of a target; none if it has no file."""
    path = FOLDER / f"{name}.txt"
    if not path.exists():
        return []
    return [unescaped(line) for line in path.read_text("ascii").split("\n")[:-1]]


def save(name: str, inputs: Iterable[bytes]) -> int:
    """Write a target's inputs, the short ones first; how many were kept."""
    lines = sorted({escaped(octets) for octets in inputs}, key=lambda line: (len(line), line))
    kept, size = [], 0
    for line in lines:
        size += len(line) + 1
        if size > FILE_BYTES_MAX:
            break
        kept.append(line)
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.txt").write_text("".join(f"{line}\n" for line in kept), "ascii")
    return len(kept)


def unpack(name: str, folder: Path) -> None:
    """Write a target's inputs into a folder, as libFuzzer wants them."""
    folder.mkdir(parents=True, exist_ok=True)
    for octets in load(name):
        (folder / hashlib.sha1(octets).hexdigest()).write_bytes(octets)


def merge(name: str) -> int:
    """Take the inputs of campaigns that reach something new into the corpus; how many it has."""
    from fuzz.run import WORK, command_of, environment  # noqa: PLC0415
    from fuzz.targets import TARGETS  # noqa: PLC0415

    tree, grown, small = WORK / "tree", WORK / "corpus" / name, WORK / "merged" / name
    shutil.rmtree(small, ignore_errors=True)
    small.mkdir(parents=True)
    unpack(name, grown)
    # libFuzzer starts its like by one name: a script stands for the command.
    starter = small.parent / f"{name}.sh"
    starter.write_text(f'#!/bin/sh\nexec {shlex.join(command_of(name, WORK))} "$@"\n')
    starter.chmod(0o700)
    command = [str(starter), "-merge=1", f"-max_len={TARGETS[name].max_bytes}",
               str(small), str(grown)]
    subprocess.run(command, cwd=tree, env={**environment(TARGETS[name], tree),
                                           "FUZZ_STARTED_BY": str(starter)},
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    inputs = [path.read_bytes() for path in small.iterdir()]
    if not inputs:
        raise RuntimeError(f"{name}: merging gave nothing")
    return save(name, inputs)


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] != "merge":
        sys.exit(__doc__)
    for wanted in sys.argv[2:]:
        print(f"{wanted}: {merge(wanted)} inputs")
