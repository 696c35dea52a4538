"""Frames to packets: the loop over a batch."""

from __future__ import annotations

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.config import Config
from sensor.decode.constants import LINK_ETHERNET
from sensor.decode.fragments import Fragments
from sensor.decode.tunnels import TunnelPorts
from sensor.model.anomalies import SOUND
from sensor.model.packets import KIND_ANOMALY, KIND_FLOW, PROTOCOL_TCP

if not cython.compiled:
    from sensor.decode.ethernet import decode_ethernet_frame
    from sensor.decode.link_types import decode_frame
    from sensor.decode.payload_hash import payload_hash
    from sensor.decode.tunnels import open_tunnels
    from sensor.memory.records import frame_at, packet_at
    from sensor.model.frames import FrameBatch
    from sensor.model.packets import PacketBatch

MASK64 = 0xFFFF_FFFF_FFFF_FFFF


class Decoder:
    """Decodes batches as the configuration says. It has state: one serves one flow table.

    `seed` is that of its hashes; without `join` these are left as they are, and nothing
    is kept from one frame to the next.
    """

    def __init__(self, config: Config | None = None, *, seed: int = 0, join: bool = True) -> None:
        config = config or Config()
        self.ports = TunnelPorts(config.decode)
        self.seed = seed & MASK64
        self.hashing = config.duplicates
        self.key_tenant = config.key_tenant
        self.fragments = Fragments(
            config.flow.fragments_max, key_vlan=config.key_vlan, duplicates=config.duplicates,
            copy_window_ns=config.flow.duplicate_window_ns, seed=seed,
        ) if join else None  # fmt: skip

    def decode(self, frames: FrameBatch, packets: PacketBatch) -> None:
        """Fill packet `i` from frame `i`, for all frames of the batch."""
        packets.adopt(frames)
        count = frames.count
        wire_bytes = 0
        fragments = 0
        anomalous = False
        with cython.nogil:
            for i in range(count):
                frame = frame_at(frames.rows, i)
                wire_bytes += frame.wire
                packet = packet_at(packets.rows, i)
                if frame.link == LINK_ETHERNET:  # decode_frame asks too: one call less for most
                    code = decode_ethernet_frame(frames.octets, frame, packet)
                else:
                    code = decode_frame(frames.octets, frame, packet)
                if code == SOUND and packet.protocol != PROTOCOL_TCP:
                    code = open_tunnels(self.ports, frames, packets, i)
                    if (
                        self.hashing and code == SOUND and packet.kind >= KIND_FLOW
                        and packet.protocol != PROTOCOL_TCP
                    ):  # fmt: skip
                        packet.copy_mark = payload_hash(frames.octets, packet, self.seed)
                if not self.key_tenant:
                    packet.tenant = 0
                packet.anomaly = code
                if code:
                    packet.kind = KIND_ANOMALY
                    anomalous = True
                fragments |= packet.fragment
        packets.wire_bytes = wire_bytes
        packets.anomalous = anomalous
        packets.fragments = fragments
        if fragments and self.fragments is not None:
            self.fragments.join(frames, packets)
