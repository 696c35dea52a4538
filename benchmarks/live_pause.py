"""For how long the ring bridges a reader that stands still, at some rates.

    python benchmarks/live_pause.py [--rates 200,2000,20000] [--seconds 10] [--ring-mib 64]

The sensor is stopped by SIGSTOP while frames of 100 octets pass on a cable at each rate, and goes
on behind them. Printed is what the kernel had to drop, and how many seconds of traffic it kept.
"""

from __future__ import annotations

import argparse
import shlex
import signal
import sys

from live_lab import Sensor, blast, build_blast, inside

FRAME_BYTES = 100


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sensor", default=f"{sys.executable} -m sensor", metavar="COMMAND")
    parser.add_argument("--rates", default="200,2000,20000")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--ring-mib", default="64")
    options = parser.parse_args()
    folder = inside()
    program = build_blast(folder)
    print("| frames/s | stopped for | sent | dropped | seconds kept |")
    print("|---|---|---|---|---|")
    for rate in map(int, options.rates.split(",")):
        sensor = Sensor(shlex.split(options.sensor), folder, "--json", "--ring-mib",
                        options.ring_mib)  # fmt: skip
        sensor.process.send_signal(signal.SIGSTOP)
        sent = blast(program, rate=rate, seconds=options.seconds, size=FRAME_BYTES)
        sensor.process.send_signal(signal.SIGCONT)
        drops = sensor.stop()["capture"]["kernel_drops"]
        kept = sent["seconds"] * (1 - drops / sent["frames"])
        print(f"| {rate} | {sent['seconds']:.0f} s | {sent['frames']} | {drops} | {kept:.1f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
