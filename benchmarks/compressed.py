"""Measure the sensor on a compressed capture beside the program that only decompresses it.

    python -m benchmarks.compressed benchmarks/data/mix.pcap --sensor "sensor"

Writes FILE.gz, FILE.zst and so on beside the capture if they are not there. For each kind the two
take turns, in another order each round; the ratio is the median of the rounds' own ratios. Prints a
table in Markdown. The exit code is 1 if what the sensor counted differs from the plain capture.
"""

from __future__ import annotations

import argparse
import json
import random
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.run import MB, Run, measure

TOOLS = {"gzip": ".gz", "zstd": ".zst", "lz4": ".lz4", "xz": ".xz", "bzip2": ".bz2"}
QUICK = ("gzip", "zstd", "lz4")
"""Those that are measured unless others are named: the others take minutes."""
COUNTED = ("frames", "bytes", "packets", "flows")


def packed(capture: Path, tool: str) -> Path:
    """The capture compressed with a tool's own default, made if it is not there."""
    path = capture.with_name(capture.name + TOOLS[tool])
    if not path.exists():
        print(f"{tool}: writing {path}", file=sys.stderr)
        part = path.with_name(path.name + ".part")
        with open(part, "wb") as file:
            subprocess.run([tool, "-c", str(capture)], stdout=file, check=True)
        part.rename(path)
    return path


def take_turns(commands: dict[str, list[str]], rounds: int) -> dict[str, list[Run]]:
    """Run every command once a round; the first round warms the page cache and does not count."""
    order = random.Random(1)
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name in order.sample(sorted(commands), len(commands)):
            run = measure(commands[name])
            if run.exit_code != 0:
                raise SystemExit(f"{shlex.join(commands[name])}: exit code {run.exit_code}")
            if number:
                runs[name].append(run)
            print(f"round {number}: {name}: {run.wall_s:.2f} s", file=sys.stderr)
    return runs


def answer(replay: list[str]) -> tuple[bytes, dict[str, object]]:
    """What a replay prints, and what it counts."""
    with tempfile.NamedTemporaryFile(suffix=".json") as stats:
        printed = subprocess.run([*replay, "--stats", stats.name], stdout=subprocess.PIPE,
                                 check=True).stdout  # fmt: skip
        ledger = json.loads(Path(stats.name).read_text(encoding="utf-8"))
    return printed, {name: ledger[name] for name in COUNTED}


def counted(sensor: str, capture: Path) -> dict[str, object]:
    """What the sensor counts in a capture."""
    return answer([*shlex.split(sensor), "replay", "--quiet", str(capture)])[1]


def median(runs: list[Run], member: str) -> float:
    return statistics.median(getattr(run, member) for run in runs)


def main() -> int:
    """Measure and compare; 1 if the counts differ."""
    form = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("capture", type=Path)
    parser.add_argument("--sensor", default="sensor", help="the command to measure")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kinds", nargs="*", default=QUICK, choices=TOOLS)
    args = parser.parse_args()
    plain = counted(args.sensor, args.capture)
    print("| kind | sensor wall s | sensor CPU s | peak MB | `-dc` wall s | sensor / `-dc` |")
    print("|---|---|---|---|---|---|")
    differs = False
    for kind in args.kinds:
        if not shutil.which(kind):
            print(f"{kind} is not installed, left out", file=sys.stderr)
            continue
        path = packed(args.capture, kind)
        runs = take_turns({
            "sensor": [*shlex.split(args.sensor), "replay", "--quiet", str(path)],
            "-dc": [kind, "-dc", str(path)],
        }, args.rounds)  # fmt: skip
        ratio = statistics.median(mine.wall_s / theirs.wall_s for mine, theirs in
                                  zip(runs["sensor"], runs["-dc"], strict=True))  # fmt: skip
        peak = max(run.rss_bytes for run in runs["sensor"]) / MB
        print(f"| {kind} | {median(runs['sensor'], 'wall_s'):.2f} | "
              f"{median(runs['sensor'], 'cpu_s'):.2f} | {peak:.0f} | "
              f"{median(runs['-dc'], 'wall_s'):.2f} | {ratio:.2f} |", flush=True)  # fmt: skip
        if counted(args.sensor, path) != plain:
            print(f"{path}: counted otherwise than the plain capture", file=sys.stderr)
            differs = True
    return 1 if differs else 0


if __name__ == "__main__":
    sys.exit(main())
