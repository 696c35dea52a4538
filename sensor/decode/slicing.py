"""Frames that were cut before the capture saw them, and how that is told from a length that lies.

Packet brokers, mirror ports and mirrors that send through a tunnel may cut frames to a length. Then
the IP length reaches beyond the frame, and nothing in the record of the frame says why. The IP
decoders read such a packet as one that the snapshot length cut, and add CUT to the code of its
anomaly: its headers are there. Here it is settled which it is.

A device cuts everything that is longer than its length, and nothing that is not. So a cut is
believed where nothing longer came the same way, by its interface or through its tunnel: twice
at one length, or once at a length that people set devices to. Where longer frames do come, some
traffic may be cut and other not: that takes many cuts of one length. All frames of a batch are
looked at before any of them is judged.
"""

from __future__ import annotations

import numpy as np

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.decode.constants import CUT, PLACES
from sensor.model.anomalies import SOUND

if not cython.compiled:
    from sensor.memory.records import Packet, Tunnel

AUTO = 0
ALWAYS = 1
NEVER = 2
MODES = {"auto": AUTO, "always": ALWAYS, "never": NEVER}

FRAME_MIN = 64
"""The shortest frame of Ethernet, with its checksum: lies look like that more than cuts do."""
CUTS_MIN = 2
CUTS_SHORT_MIN = 8
"""Cuts at one length that prove a device, and cuts at a length that short frames have anyway."""
CUTS_MANY = 64
"""Cuts that prove one though longer frames came too, if ten times as many as at other lengths."""
MASK64 = 0xFFFF_FFFF_FFFF_FFFF
PRIME = 0x9E37_79B9_7F4A_7C15


class Slicing:
    """What is known of the lengths at which frames are cut; `mode` is the setting's."""

    def __init__(self, mode: str) -> None:
        self.mode = MODES[mode]
        self.longest = np.zeros(2 * PLACES, np.uint32).data
        self.length = np.zeros(2 * PLACES, np.uint32).data
        self.cuts = np.zeros(2 * PLACES, np.uint32).data
        self.others = np.zeros(2 * PLACES, np.uint32).data
        self.known = np.zeros(2 * PLACES, np.uint8).data
        self.deciding = False
        self.believed = 0
        self.believed_at = -1

    def begin(self) -> None:
        """A batch begins: look first, and decide what is not known yet when all of it was seen."""
        self.deciding = False
        self.believed = 0
        self.believed_at = -1


def place_of(tunnel: Tunnel) -> int:
    """Where the lengths inside a tunnel are kept."""
    mixed = (tunnel.src_lo ^ (tunnel.dst_lo * PRIME) ^ tunnel.type) & MASK64
    mixed = ((mixed ^ tunnel.src_hi ^ (tunnel.dst_hi * PRIME) ^ (mixed >> 32)) * PRIME) & MASK64
    return PLACES + (mixed >> 54)


def notice(slicing: Slicing, place: int, length: int) -> None:
    """A frame of this length came, whole or cut."""
    slicing.longest[place] = max(slicing.longest[place], length)


def settle(
    slicing: Slicing, packet: Packet, index: int, place: int, length: int, code: int, told: bool
) -> int:
    """What a packet with CUT in its code is: SOUND, an anomaly, or still to be decided.

    `length` is that of the frame that was cut; `told` says that its tunnel's header marks it so.
    """
    if slicing.mode == AUTO and not told:
        if not slicing.deciding:
            _note_cut(slicing, place, length)
            if not slicing.known[place]:
                return code
        believed = _is_believed(slicing, place, length)
        slicing.known[place] = believed
        if not believed and not slicing.deciding:
            return code
    else:
        believed = slicing.mode != NEVER
    if not believed:
        packet.fragment = 0
        return code & ~CUT
    if slicing.believed_at != index:
        slicing.believed_at = index
        slicing.believed += 1
    return SOUND


def _note_cut(slicing: Slicing, place: int, length: int) -> None:
    """Count a cut; of several lengths the one that most cuts have stays."""
    if slicing.length[place] == length:
        slicing.cuts[place] += 1
    elif slicing.others[place] >= slicing.cuts[place]:
        slicing.length[place] = length
        slicing.cuts[place] = 1
        slicing.others[place] = 0
    else:
        slicing.others[place] += 1


def _is_believed(slicing: Slicing, place: int, length: int) -> bool:
    """True if a device cuts at this length, by what came this way until now."""
    cuts = slicing.cuts[place]
    if slicing.length[place] != length:
        return False
    if cuts >= CUTS_MANY and slicing.others[place] * 10 <= cuts:
        return True
    if slicing.longest[place] > length or slicing.others[place]:
        return False
    if length <= FRAME_MIN:
        return cuts >= CUTS_SHORT_MIN
    return cuts >= CUTS_MIN or length % 32 == 0 or length % 50 == 0
