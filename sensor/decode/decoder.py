"""Frames to packets: the loop over a batch."""

from __future__ import annotations

from typing import Any

try:
    import cython
except ImportError:
    from sensor import interpreted as cython

from sensor.anomalies import SOUND
from sensor.config import DecodeSettings
from sensor.decode.tunnels import TunnelPorts
from sensor.packets import KIND_ANOMALY, PROTOCOL_TCP

if not cython.compiled:
    from sensor.decode.link import decode_frame
    from sensor.decode.tunnels import open_tunnels
    from sensor.records import frame_at, packet_at


class Decoder:
    """Decodes batches as the settings say; it keeps nothing from one frame to the next."""

    def __init__(self, settings: DecodeSettings | None = None) -> None:
        self.ports = TunnelPorts(settings or DecodeSettings())

    def decode(self, frames: Any, packets: Any) -> None:
        """Fill packet `i` from frame `i`, for all frames of the batch."""
        packets.adopt(frames)
        count = frames.count
        wire_bytes = 0
        with cython.nogil:
            for i in range(count):
                wire_bytes += frame_at(frames.rows, i).wire
                packet = packet_at(packets.rows, i)
                code = decode_frame(frames.octets, frame_at(frames.rows, i), packet)
                if code == SOUND and packet.protocol != PROTOCOL_TCP:
                    code = open_tunnels(self.ports, frames, packets, i)
                packet.anomaly = code
                if code:
                    packet.kind = KIND_ANOMALY
        packets.wire_bytes = wire_bytes
