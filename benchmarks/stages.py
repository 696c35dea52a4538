"""Measure what each stage of a replay costs, in nanoseconds of processor time a packet.

    python -m benchmarks.stages benchmarks/data/mix.pcap

Everything runs in one thread, with the shipped rules: what the second thread of a real run hides or
costs is not in it, nor is the start. The best of the rounds counts, which other programs disturb
least; two versions are compared by running each in turn.
"""

from __future__ import annotations

import argparse
from time import thread_time

from sensor.app.build import build_replay, load_rules
from sensor.app.outputs import RunOutputs
from sensor.capture.files.discover import discover
from sensor.config import Config
from sensor.engine.pipeline import HANDOVER_EVENTS, Pipeline
from sensor.model.packets import PacketBatch


class Watch:
    """Adds the time since the last look to a stage."""

    def __init__(self) -> None:
        self.spent_s: dict[str, float] = {}
        self._last_s = thread_time()

    def stage(self, name: str) -> None:
        now_s = thread_time()
        self.spent_s[name] = self.spent_s.get(name, 0.0) + now_s - self._last_s
        self._last_s = now_s


def run(path: str) -> tuple[int, dict[str, float]]:
    """One pass over a capture: its packets, and the seconds of each stage."""
    pipeline = build_replay(discover([path]), load_rules(), RunOutputs([]), Config())
    assert isinstance(pipeline, Pipeline)
    lane = pipeline.lanes[0]
    packets = PacketBatch()
    watch = Watch()
    for frames in pipeline.captures[0]:
        watch.stage("read, walk")
        pipeline._decode(frames, packets)
        watch.stage("decode")
        lane.prepare(frames, packets)
        watch.stage("hash, copies, selection")
        lane.fold(packets, pipeline._hand_over)
        watch.stage("table, streams")
        if lane.has_much(HANDOVER_EVENTS):
            pipeline._hand_over()
        watch.stage("rules")
    lane.drain(pipeline._hand_over)
    watch.stage("rules")
    return lane.frames, watch.spent_s


def main() -> None:
    """Print the best of some passes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("capture")
    parser.add_argument("--rounds", type=int, default=6)
    args = parser.parse_args()
    passes = [run(args.capture) for _ in range(args.rounds)]
    packets = passes[0][0]
    total_ns = 0.0
    for name in passes[0][1]:
        best_ns = min(spent_s[name] for _, spent_s in passes) * 1e9 / packets
        total_ns += best_ns
        print(f"{name:24} {best_ns:7.1f}")
    print(f"{'together':24} {total_ns:7.1f}")


if __name__ == "__main__":
    main()
