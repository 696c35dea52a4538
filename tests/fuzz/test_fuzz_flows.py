"""Random traffic, sound and damaged, as much as SENSOR_FUZZ_RUNS asks for: the books balance."""

from __future__ import annotations

import os
import random

from sensor.model.flow import FLOW_ENDED
from tests.conversation import play
from tests.random_traffic import printed, random_options, random_run

RUNS = int(os.environ.get("SENSOR_FUZZ_RUNS", "200"))
SEED = int(os.environ.get("SENSOR_FUZZ_SEED", "1"))


def test_no_traffic_breaks_the_flow_table() -> None:
    """The pipeline asserts its books after every batch; the cut must not show either."""
    chance = random.Random(SEED)
    for run in range(RUNS):
        number = chance.getrandbits(40)
        sound = chance.random() < 0.5
        sizes = [chance.randint(1, 30) for _ in range(3)]
        case = f"run {run} of seed {SEED}: random_run({number}, sound={sound}) in batches {sizes}"
        whole = random_run(number, sound=sound)
        known = [int(row["known_ns"]) for row in whole.rows]
        assert known == sorted(known), case
        ended = sum(int(row["action"]) == FLOW_ENDED for row in whole.rows)
        assert ended == whole.ledger["flows"]["total"], case
        assert printed(random_run(number, sound=sound, batch=sizes)) == printed(whole), case


def test_no_octets_raise() -> None:
    """Frames of nothing but chance, with times of nothing but chance."""
    chance = random.Random(SEED)
    for run in range(RUNS):
        frames = []
        for _ in range(chance.randint(1, 40)):
            octets = bytearray(chance.randbytes(chance.randint(1, 90)))
            if chance.random() < 0.8:
                octets[12:14] = chance.choice((b"\x08\x00", b"\x86\xdd"))
                octets[14:15] = chance.choice((b"\x45", b"\x60"))
            frames.append((chance.choice((0, chance.getrandbits(40), 2**62)), bytes(octets)))
        result = play(frames, **random_options(run))
        assert result.ledger["frames"] == len(frames)
