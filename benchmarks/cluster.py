"""Measure what a replay costs with --ray, in CPU time of all processes that it starts.

    python -m benchmarks.cluster FOLDER --sensor "python -m sensor" --rounds 3

Replays the captures in a folder by one reader and with a cluster of this machine, taking turns.
Ray's processes are no children that somebody waits for: what each used is read from /proc, ten
times a second, and added up. Prints a table in Markdown; the exit code is 1 if the alerts differ.
"""

from __future__ import annotations

import argparse
import os
import shlex
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
LOOK_S = 0.1


@dataclass
class Used:
    """The CPU time of processes, by their numbers."""

    parent: int
    ticks: dict[int, int] = field(default_factory=dict)

    def look(self) -> None:
        """Note what the descendants have used up to now."""
        stats: dict[int, tuple[int, int]] = {}
        for place in Path("/proc").glob("[0-9]*/stat"):
            try:
                rest = place.read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has ended
            stats[int(place.parent.name)] = int(rest[1]), int(rest[11]) + int(rest[12])
        for number, (parent, ticks) in stats.items():
            above = parent
            while above in stats and above != self.parent:
                above = stats[above][0]
            if above == self.parent or number in self.ticks:
                self.ticks[number] = max(ticks, self.ticks.get(number, 0))


def measure(command: list[str]) -> tuple[float, float, bytes]:
    """Wall time, CPU time and standard output of a command. Units: seconds."""
    used, started_s = Used(os.getpid()), time.perf_counter()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command, stdout=out)
        while process.poll() is None:
            used.look()
            time.sleep(LOOK_S)
        wall_s = time.perf_counter() - started_s
        out.seek(0)
        answer = out.read()
    if process.returncode:
        raise SystemExit(f"{shlex.join(command)}: exit code {process.returncode}")
    return wall_s, sum(used.ticks.values()) / TICKS, answer


def main() -> int:
    """Measure and compare; 1 if the answers differ."""
    form = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sensor", default="sensor", help="the command to measure")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.NamedTemporaryFile() as key:  # equal secrets then have equal hashes
        key.write(bytes(range(32)))
        key.flush()
        start = [*shlex.split(args.sensor), "replay", "--json", "--quiet", "--hash-key-file",
                 key.name]  # fmt: skip
        commands = {"one reader": [*start, str(args.folder)],
                    "--ray": [*start, "--ray", str(args.folder)]}
        runs: dict[str, list[tuple[float, float, bytes]]] = {name: [] for name in commands}
        for _ in range(args.rounds):
            for name, command in commands.items():
                runs[name].append(measure(command))
    print("| | wall | CPU, all processes |\n|---|---:|---:|")
    for name, found in runs.items():
        wall_s, cpu_s = (statistics.median(run[at] for run in found) for at in (0, 1))
        print(f"| {name} | {wall_s:.1f} s | {cpu_s:.1f} s |")
    ratios = [with_ray[1] / alone[1] for alone, with_ray in zip(*runs.values(), strict=True)]
    print(f"CPU with --ray / by one reader: {statistics.median(ratios):.2f}")
    return int(len({run[2] for found in runs.values() for run in found}) > 1)


if __name__ == "__main__":
    raise SystemExit(main())
