"""Random damage to valid frames, as much as SENSOR_FUZZ_RUNS asks for: nothing may raise."""

from __future__ import annotations

import os
import random

from sensor.model.packets import KIND_ANOMALY
from tests.unit.decode.batches import decode_one
from tests.unit.decode.corpus import damaged

RUNS = int(os.environ.get("SENSOR_FUZZ_RUNS", "2000"))
SEED = int(os.environ.get("SENSOR_FUZZ_SEED", "1"))


def test_no_damage_raises_or_reads_over_the_end() -> None:
    chance = random.Random(SEED)
    for run in range(RUNS):
        link, frame, wire = damaged(chance)
        row = decode_one(frame, link, wire=wire)
        case = f"run {run} of seed {SEED}: link {link} wire {wire} {frame.hex()}"
        assert (row["anomaly"] != 0) == (row["kind"] == KIND_ANOMALY), case
