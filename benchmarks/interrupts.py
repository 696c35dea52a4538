"""Whether `sensor replay` ends as it should, wherever in a run the signals come that end it.

    python benchmarks/interrupts.py [--runs 1000] [--seed 1] [--kinds gzip zstd] [--together 2]

Makes a folder of compressed captures of many sizes, and replays it once a run. At a random time
comes SIGTERM or SIGINT, in every third run a second one close behind. Threads that read, decompress
and decode are then left behind: what is freed under them on the way out shows up as an abort or a
segmentation fault, in few runs of many. The time counts from when the sensor handles the signals
and begins to read; in every fourth run from its start. Needs Linux.

Prints how often each exit code came; what went to stderr is shown where a code is not one that a
run may end with. The exit code is 1 if there was one. The environment goes to the sensor; so to
have what is freed overwritten at once, or to use a sanitized build:

    PYTHONMALLOC=malloc MALLOC_PERTURB_=165 python benchmarks/interrupts.py
    python benchmarks/interrupts.py --sensor "env LD_PRELOAD=$(gcc -print-file-name=libasan.so)
        ASAN_OPTIONS=detect_leaks=0 PYTHONMALLOC=malloc python -m sensor"
"""

from __future__ import annotations

import argparse
import bz2
import gzip
import lzma
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import lz4.frame

try:
    from compression import zstd
except ImportError:
    from backports import zstd

CAPTURES = Path(__file__).parents[1] / "captures"
KINDS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda octets: gzip.compress(octets, 1),
    "zstd": zstd.compress,
    "xz": lambda octets: lzma.compress(octets, preset=0),
    "bzip2": lambda octets: bz2.compress(octets, 1),
    "lz4": lz4.frame.compress,
}
HEADER_BYTES = 24
"""The header of a pcap file; the rest of it is repeated to make a larger one."""
SIZES = (1, 1 << 20, 1 << 22, 1 << 24)
"""About how large the files are before they are compressed: from as they are to much larger."""
SIGNALS = (signal.SIGTERM, signal.SIGINT)
SOUND = (0, 1, 128 + signal.SIGINT, 128 + signal.SIGTERM)
"""Exit codes of a run: to its end, with damaged input, ended by a signal."""
TIMEOUT_S = 120
STDERR_SHOWN = 4000


class Plan(NamedTuple):
    """The signals of one run, each with how long to wait before it."""

    signals: tuple[tuple[float, signal.Signals], ...]
    is_reading: bool
    """Whether the first one waits until the sensor has begun to read, too."""

    def __str__(self) -> str:
        since = "reading began" if self.is_reading else "the start"
        told = ", ".join(f"{number.name} after {delay_s:.3f} s" for delay_s, number in self.signals)
        return f"{told}, since {since}"


def write_folder(folder: Path, kinds: list[str], files: int, chance: random.Random) -> None:
    """Compressed captures: every kind in turn, of all sizes."""
    captures = sorted(CAPTURES.glob("*.pcap"))
    for number in range(files):
        kind = kinds[number % len(kinds)]
        octets = chance.choice(captures).read_bytes()
        header, records = octets[:HEADER_BYTES], octets[HEADER_BYTES:]
        times = max(1, SIZES[number // len(kinds) % len(SIZES)] // len(records))
        (folder / f"{number:03}.pcap.{kind}").write_bytes(KINDS[kind](header + times * records))


def plans(runs: int, before_s: tuple[float, float], chance: random.Random) -> Iterator[Plan]:
    """What is done to each run."""
    for number in range(runs):
        signals = [(chance.uniform(*before_s), chance.choice(SIGNALS))]
        if number % 3 == 2:
            signals.append((chance.uniform(0, 0.05), chance.choice(SIGNALS)))
        yield Plan(tuple(signals), number % 4 != 3)


def catches(pid: int) -> bool:
    """Whether a process has a handler for SIGTERM: from then on it reads."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    caught = re.search(r"^SigCgt:\s*([0-9a-f]+)", status, re.MULTILINE)
    return caught is not None and bool(int(caught[1], 16) >> (signal.SIGTERM - 1) & 1)


def run(command: list[str], plan: Plan) -> tuple[int, str]:
    """The exit code of one run, as a shell would say it, and what went to stderr."""
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace"
    ) as process:
        while plan.is_reading and process.poll() is None and not catches(process.pid):
            time.sleep(0.001)
        for delay_s, number in plan.signals:
            time.sleep(delay_s)
            process.send_signal(number)
        try:
            _, told = process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            _, told = process.communicate()
    code = process.returncode
    return (code if code >= 0 else 128 - code), told


def main() -> int:
    """Run, count and tell; 1 if a run ended as none may."""
    form = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--sensor", help="the command (default: the package of this Python)")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--files", type=int, default=120)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=KINDS)
    parser.add_argument("--before", nargs=2, type=float, default=(0.0, 1.0), metavar="S",
                        help="after how many seconds the first signal comes")  # fmt: skip
    parser.add_argument("--together", type=int, default=2, help="runs at a time")
    args = parser.parse_args()
    chance = random.Random(args.seed)
    sensor = shlex.split(args.sensor) if args.sensor else [sys.executable, "-m", "sensor"]
    codes: Counter[int] = Counter()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(args.together) as pool:
        write_folder(Path(folder), args.kinds, args.files, chance)
        command = [*sensor, "replay", "--quiet", folder]
        asked = list(plans(args.runs, args.before, chance))
        results = pool.map(lambda plan: run(command, plan), asked)
        for number, (plan, (code, told)) in enumerate(zip(asked, results, strict=True)):
            codes[code] += 1
            if code not in SOUND:
                print(f"run {number}: exit code {code}: {plan}", told[-STDERR_SHOWN:],
                      sep=os.linesep, file=sys.stderr, flush=True)  # fmt: skip
    print("| exit code | runs |")
    print("|---|---|")
    for code, count in sorted(codes.items()):
        print(f"| {code}{'' if code in SOUND else ', a fault'} | {count} |")
    return 0 if set(codes) <= set(SOUND) else 1


if __name__ == "__main__":
    sys.exit(main())
