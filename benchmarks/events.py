"""How fast documents run through the telnet rule: ratios to parsing every line, and to `cat`.

    python benchmarks/make_events.py events.ndjson 1000000
    python benchmarks/events.py events.ndjson

The sensor is the installed command's own run, start and rules included; a run on one document tells
what of it is start. Each is run several times; processor time, the median.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

RUNS = 5
RULE = Path(__file__).parent.parent / "rules" / "accepted_default_telnet_port_connection.toml"
PARSE_ALL = "import orjson,sys\nfor line in open(sys.argv[1],'rb'): orjson.loads(line)"
NO_PARSE = "import orjson,sys\nfor line in open(sys.argv[1],'rb'): pass"


def seconds(command: Sequence[str]) -> float:
    """Processor time of a command, of the process and of the kernel for it: the median."""
    times = []
    for _ in range(RUNS):
        before = os.times()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        after = os.times()
        times.append(after.children_user - before.children_user
                     + after.children_system - before.children_system)
    return statistics.median(times)


def sensor(path: str, stats: str) -> list[str]:
    return [sys.executable, "-m", "sensor", "replay", "--quiet", "--json", "--rules", str(RULE),
            "--stats", stats, "--events", path]


def main() -> None:
    """Measure on the file that the command line names, and print a table."""
    path = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        stats, one = f"{folder}/stats.json", f"{folder}/one.ndjson"
        with open(path, "rb") as file:
            Path(one).write_bytes(file.readline())
        start_s = seconds(sensor(one, stats))
        whole_s = seconds(sensor(path, stats))
        ledger = json.loads(Path(stats).read_text(encoding="utf-8"))["documents"]
    python_s = seconds([sys.executable, "-c", NO_PARSE, "/dev/null"])
    rows = [
        ("cat", seconds(["cat", path])),
        ("orjson.loads of every line", seconds([sys.executable, "-c", PARSE_ALL, path]) - python_s),
        ("sensor, without its start", whole_s - start_s),
        ("sensor", whole_s),
    ]
    print(f"{ledger['read']} documents of {os.path.getsize(path) / ledger['read']:.0f} octets, "
          f"{ledger['parsed']} parsed")
    own_s = rows[2][1]
    for name, time_s in rows:
        print(f"{name:28} {time_s:8.3f} s {ledger['read'] / max(time_s, 1e-9):12,.0f} documents/s"
              f"   {own_s / max(time_s, 1e-9):6.2f}")


if __name__ == "__main__":
    main()
