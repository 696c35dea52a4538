"""The decoder: each frame becomes one packet record, sound or anomalous.

    link -> ipv4 or ipv6 -> transport -> icmp        without any state
    fragments                                        which remember the first ones of their packets

Every step is handed the window of octets, the packet record to fill and where to read: `at` is the
next octet, `end` one past the last octet that may be read, `wire_end` one past the last octet that
was on the wire. It returns a code of `anomalies.py`. A length is proved beside the reads that need
it, and nothing is read in front of its proof.
"""

from __future__ import annotations

from sensor.config import Config
from sensor.decode.fragments import Fragments
from sensor.decode.link import decode
from sensor.frames import FrameBatch
from sensor.packets import PacketBatch

__all__ = ["Decoder", "decode"]


class Decoder:
    """Fills packets from frames, fragments included. It has state: one serves one flow table."""

    def __init__(self, config: Config | None = None, *, seed: int = 0) -> None:
        config = config or Config()
        self.fragments = Fragments(
            config.flow.fragments_max, key_vlan=config.key_vlan, duplicates=config.duplicates,
            copy_window_ns=config.flow.duplicate_window_ns, seed=seed,
        )  # fmt: skip

    def __call__(self, frames: FrameBatch, packets: PacketBatch) -> None:
        decode(frames, packets)
        if packets.fragments:
            self.fragments.join(frames, packets)
