"""Measure the sensor on an archive of rotated captures, with one job and with several.

    python -m benchmarks.scale benchmarks/data/mix.pcap --sensor "sensor" --jobs 2

Cuts the capture into files of equal numbers of packets and compresses them, beside the capture, if
they are not there (it needs editcap and the tools). For each kind of file the runs with 1 and with
N jobs take turns, in another order each round; the ratio is the median of the rounds' own ratios.
Prints a table in Markdown: wall and CPU time, peak memory, and the ratios. The exit code is 1 if
what several jobs found differs from what one found.
"""

from __future__ import annotations

import argparse
import shlex
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.compressed import TOOLS, answer, median, packed, take_turns
from benchmarks.run import MB

PLAIN = "plain"


def archive(capture: Path, kind: str, files: int) -> Path:
    """A folder with the capture in so many files of a kind, made if it is not there."""
    folder = capture.with_name(f"{capture.name}.{files}.{kind}")
    if folder.exists():
        return folder
    if kind != PLAIN:
        parts = sorted(archive(capture, PLAIN, files).iterdir())
        folder.mkdir()
        for part in parts:
            packed(part, kind).rename(folder / (part.name + TOOLS[kind]))
        return folder
    told = subprocess.run(["capinfos", "-c", "-M", "-T", "-r", str(capture)], check=True,
                          capture_output=True, text=True).stdout  # fmt: skip
    count = -(-int(told.split("\t")[1]) // files)
    folder.mkdir()
    subprocess.run(["editcap", "-F", "pcap", "-c", str(count), str(capture),
                    str(folder / "part.pcap")], check=True)  # fmt: skip
    return folder


def main() -> int:
    """Measure and compare; 1 if the answers differ."""
    form = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("capture", type=Path)
    parser.add_argument("--sensor", default="sensor", help="the command to measure")
    parser.add_argument("--files", type=int, default=8)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kinds", nargs="*", default=(PLAIN, "gzip", "zstd"),
                        choices=(PLAIN, *TOOLS))  # fmt: skip
    args = parser.parse_args()
    differs = False
    print("| files | jobs | wall | CPU | peak memory | wall of one / wall of several |\n"
          "|---|---:|---:|---:|---:|---:|")  # fmt: skip
    with tempfile.NamedTemporaryFile() as key:  # equal secrets then have equal hashes
        key.write(bytes(range(32)))
        key.flush()
        start = [*shlex.split(args.sensor), "replay", "--quiet", "--hash-key-file", key.name]
        for kind in args.kinds:
            folder = str(archive(args.capture, kind, args.files))
            commands = {str(jobs): [*start, "--jobs", str(jobs), folder]
                        for jobs in (1, args.jobs)}  # fmt: skip
            runs = take_turns(commands, args.rounds)
            one, several = runs["1"], runs[str(args.jobs)]
            ratio = statistics.median(
                first.wall_s / other.wall_s for first, other in zip(one, several, strict=True))
            for jobs, name in ((one, "1"), (several, str(args.jobs))):
                shown = f"{ratio:.2f}" if jobs is several else ""
                print(f"| {args.files} x {kind} | {name} | {median(jobs, 'wall_s'):.2f} s"
                      f" | {median(jobs, 'cpu_s'):.2f} s | {median(jobs, 'rss_bytes') / MB:.0f} MB"
                      f" | {shown} |")  # fmt: skip
            alone, together = (answer([*command, "--json"]) for command in commands.values())
            if alone != together:
                print(f"{kind}: the answers differ", file=sys.stderr)
                differs = True
    return int(differs)


if __name__ == "__main__":
    raise SystemExit(main())
