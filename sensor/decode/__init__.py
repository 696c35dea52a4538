"""The decoder: each frame becomes one packet record, sound or anomalous.

    link -> ipv4 or ipv6 -> transport -> icmp        without any state
             with mpls, ppp or wireless in front, and again from there for what is in tunnels
    fragments                                        which remember the first ones of their packets

Every step is handed the window of octets, the packet record to fill and where to read: `at` is the
next octet, `end` one past the last octet that may be read, `wire_end` one past the last octet that
was on the wire. It returns a code of `model/anomalies.py`. A length is proved beside the reads that
need it, and nothing is read in front of its proof.
"""

from sensor.config import Config
from sensor.decode.decoder import Decoder

decode = Decoder(Config(sliced="never"), join=False).decode
"""Without any state, and with the settings that need no configuration."""

__all__ = ["Decoder", "decode"]
