"""Frames to packets: the loop over a batch."""

from __future__ import annotations

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.config import Config
from sensor.decode.constants import CUT, LINK_ETHERNET, PLACES
from sensor.decode.fragments import Fragments
from sensor.decode.slicing import Slicing
from sensor.decode.tunnels import TunnelPorts
from sensor.memory.records import NO_VLAN
from sensor.model.anomalies import SOUND
from sensor.model.packets import KIND_ANOMALY, KIND_FLOW, PROTOCOL_TCP

if not cython.compiled:
    from sensor.decode.ethernet import decode_ethernet_frame
    from sensor.decode.link_types import decode_frame
    from sensor.decode.payload_hash import payload_hash
    from sensor.decode.slicing import notice, settle
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
        self.slicing = Slicing(config.sliced)
        self.ports = TunnelPorts(config.decode, self.slicing)
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
        anomalies = 0
        self.slicing.begin()
        with cython.nogil:
            for i in range(count):
                frame = frame_at(frames.rows, i)
                wire_bytes += frame.wire
                notice(self.slicing, frame.interface % PLACES, frame.wire)
                anomalies |= decode_at(self, frames, packets, i)
                fragments |= packet_at(packets.rows, i).fragment
            if anomalies & CUT:
                fragments |= self.decide(frames, packets)
        packets.wire_bytes = wire_bytes
        packets.anomalous = anomalies != 0
        packets.fragments = fragments
        packets.sliced = self.slicing.believed
        if fragments and self.fragments is not None:
            self.fragments.join(frames, packets)

    def decide(self, frames: FrameBatch, packets: PacketBatch) -> int:
        """Decode those of a batch again that had to wait for the rest of it."""
        fragments = 0
        self.slicing.deciding = True
        for i in range(packets.count):
            if packet_at(packets.rows, i).anomaly & CUT:
                decode_at(self, frames, packets, i)
                fragments |= packet_at(packets.rows, i).fragment
        return fragments


def decode_at(decoder: Decoder, frames: FrameBatch, packets: PacketBatch, index: int) -> int:
    """Fill one packet; the code of its anomaly, with CUT if that is still to be decided."""
    frame = frame_at(frames.rows, index)
    packet = packet_at(packets.rows, index)
    if frame.link == LINK_ETHERNET:  # decode_frame asks too: one call less for most
        code = decode_ethernet_frame(frames.octets, frame, packet)
    else:
        code = decode_frame(frames.octets, frame, packet)
    if code & CUT:
        length = frame.wire + (4 if frame.vlan_tci != NO_VLAN else 0)
        place = frame.interface % PLACES
        code = settle(decoder.slicing, packet, index, place, length, code, False)
    if code == SOUND and packet.protocol != PROTOCOL_TCP:
        code = open_tunnels(decoder.ports, frames, packets, index)
        if (
            decoder.hashing and code == SOUND and packet.kind >= KIND_FLOW
            and packet.protocol != PROTOCOL_TCP
        ):  # fmt: skip
            packet.copy_mark = payload_hash(frames.octets, packet, decoder.seed)
    if not decoder.key_tenant:
        packet.tenant = 0
    packet.anomaly = code
    if code:
        packet.kind = KIND_ANOMALY
    return code
