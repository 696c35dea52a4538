"""Evidence of any traffic whatever: each frame that is of a flow is in its file, once."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from sensor.config import Config
from sensor.model.frames import FRAMES_MAX
from tests.conversation import Frames
from tests.evidence import cut
from tests.examples import examples
from tests.memory_capture import MemoryCapture
from tests.random_traffic import random_frames
from tests.running import SMALL, run_capture

SEEDS = st.integers(0, 2**40)


def numbers(
    frames: Frames, names: list[str], config: Config, sizes: list[int]
) -> dict[str, list[int]]:
    """The numbers of the frames of each flow."""
    capture = MemoryCapture(frames, batch_frames=sizes)
    return {name: [frame.number for frame in some]
            for name, some in cut(capture, names, config).items()}


@examples(40)
@given(seed=SEEDS, sound=st.booleans(), key_vlan=st.booleans(), duplicates=st.booleans(),
       sizes=st.lists(st.integers(1, 20), min_size=1, max_size=5))
def test_every_frame_that_is_of_a_flow_is_in_its_evidence_however_it_is_cut(
    seed: int, sound: bool, key_vlan: bool, duplicates: bool, sizes: list[int]
) -> None:
    frames = random_frames(seed, sound=sound)
    # What `auto` learns of frames that were cut depends on how many it sees at once.
    run = run_capture(MemoryCapture(frames), key_vlan=key_vlan, duplicates=duplicates,
                      sliced="never")
    config = Config(flow=SMALL, key_vlan=key_vlan, duplicates=duplicates, sliced="never")
    counted = {record["flow"]["id"]: record["network"]["packets"] for record in run.records}
    found = numbers(frames, list(counted), config, sizes)
    assert found == numbers(frames, list(counted), config, [FRAMES_MAX])
    assert all(sorted(some) == some for some in found.values())
    assert {name: len(some) >= counted[name] for name, some in found.items()} == dict.fromkeys(
        counted, True)
    uses = Counter(number for some in found.values() for number in some)
    ledger = run.ledger
    broken = sum(ledger["anomalies"].values()) + ledger["non_ip_frames"]
    assert len(uses) == len(frames) - broken - ledger["fragments"]
    assert max(uses.values(), default=0) <= 2  # an ICMP error may be of two flows
